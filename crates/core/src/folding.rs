//! Putting letter case aside: what texts are turned into before they are compared in a search.

/// `text` in a form that is the same for all ways to write it in capitals and small letters. Character by character, so
/// that a part of a text becomes a part of what the text becomes; `str::to_lowercase` looks around (a Greek sigma at the
/// end of a word) and would break that.
///
/// ```
/// use upnext_core::folding::without_case;
/// assert_eq!(without_case("ΟΔΟΣ"), without_case("οδος"));
/// assert_eq!(without_case("Straße"), without_case("STRASSE"));
/// assert!(without_case("ΟΔΟΣΤΡΩΜΑ").contains(&without_case("ΟΔΟΣ")));
/// ```
#[must_use]
pub fn without_case(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    // Over the capitals, because several small letters may share one (ς and σ) or have none of their own (ß); and first
    // to small ones, because that holds for capitals, too (ẞ).
    text.chars()
        .flat_map(char::to_lowercase)
        .flat_map(char::to_uppercase)
        .flat_map(char::to_lowercase)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_ways_to_write_a_letter_are_one() {
        for same in [["σ", "ς", "Σ"], ["ß", "ẞ", "SS"], ["ſ", "s", "S"], ["ﬁ", "FI", "fi"], ["é", "É", "é"]]
        {
            assert_eq!(without_case(same[0]), without_case(same[1]), "{same:?}");
            assert_eq!(without_case(same[0]), without_case(same[2]), "{same:?}");
        }
    }

    #[test]
    fn folding_twice_changes_nothing_more() {
        for character in '\0'..=char::MAX {
            let once = without_case(&character.to_string());
            assert_eq!(without_case(&once), once, "U+{:04X}", u32::from(character));
        }
    }
}
