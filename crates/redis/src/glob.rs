//! Globs over whole names: `*` any characters, `?` one, `[a-z]` one of these, `[^a-z]` none of these. Letter case counts, and a
//! class that is not closed fits nothing.

/// True when the whole of `text` has this shape.
pub(crate) fn matches(glob: &str, text: &str) -> bool {
    let (glob, text): (Vec<char>, Vec<char>) = (glob.chars().collect(), text.chars().collect());
    let (mut place, mut at) = (0, 0);
    // Where the last star stands, and what it has taken so far: it takes one more whenever the rest does not fit.
    let mut star: Option<(usize, usize)> = None;
    while at < text.len() {
        let step = match glob.get(place) {
            Some('*') => {
                star = Some((place, at));
                place += 1;
                continue;
            }
            Some('?') => Some(1),
            Some('[') => class(&glob[place..], text[at]),
            Some(character) => (*character == text[at]).then_some(1),
            None => None,
        };
        match (step, star) {
            (Some(length), _) => {
                place += length;
                at += 1;
            }
            (None, Some((star_place, taken))) => {
                star = Some((star_place, taken + 1));
                place = star_place + 1;
                at = taken + 1;
            }
            (None, None) => return false,
        }
    }
    glob[place..].iter().all(|character| *character == '*')
}

/// How long the class is with which `glob` begins, if it is closed and holds the character.
fn class(glob: &[char], character: char) -> Option<usize> {
    let is_negative = glob.get(1) == Some(&'^');
    let first = if is_negative { 2 } else { 1 };
    let mut place = first;
    let mut holds = false;
    loop {
        let low = *glob.get(place)?;
        // A bracket at the very beginning stands for itself.
        if low == ']' && place > first {
            return (holds != is_negative).then_some(place + 1);
        }
        match (glob.get(place + 1), glob.get(place + 2)) {
            (Some('-'), Some(high)) if *high != ']' => {
                holds |= (low..=*high).contains(&character);
                place += 3;
            }
            _ => {
                holds |= low == character;
                place += 1;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn shapes_fit_whole_names() {
        for (glob, text, fits) in [
            ("*", "", true),
            ("a*b*c", "aXbYbc", true),
            ("a*b*c", "aXbYbd", false),
            ("?", "図", true),
            ("[a-c]?", "bz", true),
            ("[^a-c]", "b", false),
            ("[]x]", "]", true),
            ("[^]x]", "]", false),
            ("[a-]", "-", true),
            ("[ab", "a", false),
            ("", "a", false),
            ("***", "anything", true),
        ] {
            assert_eq!(matches(glob, text), fits, "{glob} {text}");
        }
    }
}
