//! Names that can be unpacked anywhere: they stay inside of the folder, mean the same on every system, and no two of
//! them are the same to any.

use std::collections::{HashMap, HashSet};

use icu_normalizer::ComposingNormalizerBorrowed;

use crate::content_headers::turns_text_around;

/// Bytes of one segment; file systems take 255, and a number may come behind.
const MAX_SEGMENT: usize = 200;

/// Bytes that an extension may have and still be kept when a name is cut.
const MAX_EXTENSION: usize = 20;

/// What Windows takes for a device, whatever its extension.
const DEVICES: [&str; 6] = ["CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$"];

/// The names of one archive.
#[derive(Debug, Default)]
pub(crate) struct EntryNames {
    /// As a system sees them that knows no letter case.
    files: HashSet<String>,
    folders: HashSet<String>,
    /// The number that was last put behind a name.
    numbers: HashMap<String, usize>,
}

impl EntryNames {
    /// The name under which an artifact called `name` becomes an entry, below `folder` if one is given. No other entry
    /// has it, or ever gets it.
    pub(crate) fn claim(&mut self, folder: Option<&str>, name: &str) -> String {
        let normal = ComposingNormalizerBorrowed::new_nfc().normalize(name);
        let inner = normal.split('/').filter(|segment| !segment.is_empty()).map(safe_segment);
        let mut segments: Vec<String> = folder.map(safe_segment).into_iter().chain(inner).collect();
        if segments.len() == usize::from(folder.is_some()) {
            segments.push("artifact".to_owned());
        }
        let last = segments.pop().unwrap_or_default();
        let mut path = String::new();
        for segment in segments {
            let free = self.free(&path, &segment, false);
            path.push_str(&free);
            self.folders.insert(folded(&path));
            path.push('/');
        }
        let free = self.free(&path, &last, true);
        path.push_str(&free);
        self.files.insert(folded(&path));
        path
    }

    /// The segment, or with a number behind it when something is called so. Files may share a folder, but neither a file
    /// nor a folder the name of a file.
    fn free(&mut self, path: &str, segment: &str, as_file: bool) -> String {
        let wanted = folded(&format!("{path}{segment}"));
        let taken =
            |names: &Self, key: &str| names.files.contains(key) || (as_file && names.folders.contains(key));
        if !taken(self, &wanted) {
            return segment.to_owned();
        }
        // Folders go by numbers of their own: all files in one get the same one.
        let mut number = if as_file { self.numbers.get(&wanted).copied().unwrap_or(1) } else { 1 };
        loop {
            number += 1;
            let numbered = behind_stem(segment, &format!(" ({number})"));
            if !taken(self, &folded(&format!("{path}{numbered}"))) {
                self.numbers.insert(wanted, number);
                return numbered;
            }
        }
    }
}

/// `addition` between the name and its extension.
pub(crate) fn behind_stem(name: &str, addition: &str) -> String {
    let start = name.rfind('/').map_or(0, |slash| slash + 1);
    match name[start..].rfind('.') {
        Some(dot) if dot > 0 => {
            let (stem, extension) = name.split_at(start + dot);
            format!("{stem}{addition}{extension}")
        }
        _ => format!("{name}{addition}"),
    }
}

fn folded(path: &str) -> String {
    // Upper case first: some letters have two forms of lower case.
    path.to_uppercase().to_lowercase()
}

fn safe_segment(segment: &str) -> String {
    let shown = segment.chars().filter(|c| !turns_text_around(*c)).map(safe_character);
    let shown: String = shown.collect();
    let cut = shortened(&shown);
    let cut = cut.trim_end_matches([' ', '.']);
    if cut.is_empty() {
        return "_".to_owned();
    }
    if is_device(cut) { format!("_{cut}") } else { cut.to_owned() }
}

/// Separators of paths and drives, wildcards and what no shell should see.
fn safe_character(c: char) -> char {
    match c {
        '/' | '\\' | ':' | '*' | '?' | '"' | '<' | '>' | '|' => '_',
        c if c.is_control() => '_',
        c => c,
    }
}

fn is_device(segment: &str) -> bool {
    let stem = segment.split('.').next().unwrap_or_default().trim_end().to_uppercase();
    let numbered = |port: &str| {
        let number = stem.strip_prefix(port).and_then(|rest| {
            let mut rest = rest.chars();
            rest.next().filter(|_| rest.next().is_none())
        });
        number.is_some_and(|number| matches!(number, '0'..='9' | '¹' | '²' | '³'))
    };
    DEVICES.contains(&stem.as_str()) || numbered("COM") || numbered("LPT")
}

/// At most [`MAX_SEGMENT`] bytes, with a short extension kept.
fn shortened(segment: &str) -> String {
    if segment.len() <= MAX_SEGMENT {
        return segment.to_owned();
    }
    let extension = segment.rfind('.').map_or("", |dot| &segment[dot..]);
    let extension = if extension.len() <= MAX_EXTENSION { extension } else { "" };
    let end = segment.floor_char_boundary(MAX_SEGMENT - extension.len());
    format!("{}{extension}", &segment[..end])
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn claimed(names: &[&str]) -> Vec<String> {
        let mut entries = EntryNames::default();
        names.iter().map(|name| entries.claim(None, name)).collect()
    }

    #[test]
    fn good_names_stay_as_they_are() {
        let names = ["report.json", "charts/größe 1.png", "図.txt", ".hidden", "a..b", "charts/b.png"];
        assert_eq!(claimed(&names), names);
    }

    #[test]
    fn hostile_names_stay_in_the_folder() {
        for (name, expected) in [
            ("/etc/passwd", "etc/passwd"),
            ("C:\\Windows\\x.dll", "C__Windows_x.dll"),
            ("..\\..\\evil", ".._.._evil"),
            ("../evil", "_/evil"),
            ("a/./b", "a/_/b"),
            ("//", "artifact"),
            ("a\u{0}b\r\n", "a_b__"),
            ("gpj.\u{202e}exe", "gpj.exe"),
            ("NUL", "_NUL"),
            ("con.txt", "_con.txt"),
            ("docs/Lpt1 .log", "docs/_Lpt1 .log"),
            ("com¹.x", "_com¹.x"),
            ("computer", "computer"),
            ("trailing. . ", "trailing"),
            ("...", "_"),
            ("a|b?*<>\".txt", "a_b_____.txt"),
        ] {
            assert_eq!(claimed(&[name]), [expected], "{name:?}");
        }
    }

    #[test]
    fn names_that_look_the_same_get_numbers() {
        assert_eq!(
            claimed(&["a.txt", "A.TXT", "a.txt", "a (2).txt"]),
            ["a.txt", "A (2).TXT", "a (3).txt", "a (2) (2).txt"]
        );
        assert_eq!(claimed(&["größe", "gro\u{308}ße", "GRÖSSE"]), ["größe", "größe (2)", "GRÖSSE (3)"]);
    }

    #[test]
    fn a_file_is_no_folder() {
        assert_eq!(claimed(&["a", "a/b", "a/c"]), ["a", "a (2)/b", "a (2)/c"]);
        assert_eq!(claimed(&["a/b", "A", "a/B"]), ["a/b", "A (2)", "a/B (2)"]);
    }

    #[test]
    fn long_names_are_cut_and_keep_their_extension() {
        let long = format!("{}.json", "ä".repeat(250));
        let [name] = claimed(&[&long]).try_into().unwrap();
        assert!(name.len() <= MAX_SEGMENT && name.ends_with("ä.json"), "{name}");
    }

    #[test]
    fn a_tree_has_a_folder_for_each_job() {
        let mut entries = EntryNames::default();
        assert_eq!(entries.claim(Some("team/report-1234"), "a/b.txt"), "team_report-1234/a/b.txt");
        assert_eq!(entries.claim(Some("..-1"), "/"), "..-1/artifact");
    }

    proptest! {
        #[test]
        fn no_two_names_are_the_same_to_any_system(names in prop::collection::vec("[aAäÄ./\\\\ :]{0,6}|\\PC{0,12}", 1..40)) {
            let mut entries = EntryNames::default();
            let mut seen = HashSet::new();
            for name in &names {
                let entry = entries.claim(None, name);
                let (segments, key) = (entry.split('/'), folded(&entry));
                for segment in segments {
                    prop_assert!(!segment.is_empty() && !segment.ends_with(['.', ' ']), "{entry:?}");
                    prop_assert!(!segment.contains(['\\', ':', '\0']) && segment.len() < 255, "{entry:?}");
                }
                prop_assert!(seen.insert(key), "{entry:?} is there twice");
            }
            for name in &seen {
                prop_assert!(!seen.iter().any(|other| other.starts_with(&format!("{name}/"))), "{name:?} is a folder too");
            }
        }
    }
}
