//! Texts that artifacts are searched for, as PostgreSQL takes them: patterns of LIKE, which the trigram indexes know, and
//! regular expressions for globs.

use upnext_core::folding::without_case;

/// The words of a search, without letter case.
pub(crate) fn words(text: &str) -> Vec<String> {
    text.split(char::is_whitespace).filter(|word| !word.is_empty()).map(without_case).collect()
}

/// A pattern of LIKE for texts that hold this one. `None` for a text that nothing can hold.
pub(crate) fn containing(text: &str) -> Option<String> {
    if text.contains('\0') {
        return None;
    }
    let mut pattern = String::with_capacity(text.len() + 2);
    pattern.push('%');
    for character in text.chars() {
        if matches!(character, '%' | '_' | '\\') {
            pattern.push('\\');
        }
        pattern.push(character);
    }
    pattern.push('%');
    Some(pattern)
}

/// The regular expression of a glob. `None` for one that fits nothing.
pub(crate) fn expression(glob: &str) -> Option<String> {
    if glob.contains('\0') {
        return None;
    }
    let mut expression = String::from("^");
    let mut rest = glob.chars();
    while let Some(character) = rest.next() {
        match character {
            '*' => expression.push_str(".*"),
            '?' => expression.push('.'),
            '[' => expression.push_str(&class(&mut rest)?),
            other => literal(&mut expression, other),
        }
    }
    expression.push('$');
    Some(expression)
}

/// A class of a glob: its first character may be `]` (after `^`), and stands for itself. `None` when it does not end, or
/// has nothing in it.
fn class(rest: &mut std::str::Chars<'_>) -> Option<String> {
    let mut members: Vec<char> = Vec::new();
    let negated = rest.as_str().starts_with('^');
    if negated {
        rest.next();
    }
    loop {
        let member = rest.next()?;
        if member == ']' && !members.is_empty() {
            break;
        }
        members.push(member);
    }
    let mut ranges = String::new();
    let mut place = 0;
    while let Some(&from) = members.get(place) {
        // A minus sign at either end stands for itself.
        let to = members.get(place + 2).filter(|_| members.get(place + 1) == Some(&'-'));
        place += if to.is_some() { 3 } else { 1 };
        let to = to.copied().unwrap_or(from);
        if from <= to {
            literal(&mut ranges, from);
            if to != from {
                ranges.push('-');
                literal(&mut ranges, to);
            }
        }
    }
    match (ranges.is_empty(), negated) {
        (true, true) => Some(".".to_owned()),
        (true, false) => None,
        (false, _) => Some(format!("[{}{ranges}]", if negated { "^" } else { "" })),
    }
}

fn literal(expression: &mut String, character: char) {
    if character.is_ascii_punctuation() {
        expression.push('\\');
    }
    expression.push(character);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn globs_become_expressions() {
        for (glob, expected) in [
            ("report-*.csv", Some("^report\\-.*\\.csv$")),
            ("[rR]?", Some("^[rR].$")),
            ("[^a-c]x", Some("^[^a-c]x$")),
            ("[]b]", Some("^[\\]b]$")),
            ("[a-]", Some("^[a\\-]$")),
            ("[z-a]", None),
            ("[open", None),
        ] {
            assert_eq!(expression(glob).as_deref(), expected, "{glob}");
        }
    }

    #[test]
    fn what_means_something_to_like_is_text() {
        assert_eq!(containing("100%_\\").as_deref(), Some("%100\\%\\_\\\\%"));
        assert_eq!(containing("a\0"), None);
    }
}
