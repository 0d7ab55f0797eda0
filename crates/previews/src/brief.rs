//! Text that ends when its room is used up, so that no value, however long or deep, is written out in full.

use std::fmt;

/// Stands where something was left out.
pub(crate) const CUT: char = '…';

/// A text of limited length.
#[derive(Debug)]
pub(crate) struct Brief {
    text: String,
    left: usize,
    cut: bool,
}

impl Brief {
    pub(crate) const fn new(chars: usize) -> Self {
        Self { text: String::new(), left: chars, cut: false }
    }

    /// Adds what still fits. False once something had to be left out.
    pub(crate) fn push(&mut self, text: &str) -> bool {
        for character in text.chars() {
            if self.cut || self.left == 0 {
                self.cut = true;
                return false;
            }
            self.left -= 1;
            self.text.push(character);
        }
        !self.cut
    }

    /// Adds a string the way JSON writes it.
    pub(crate) fn push_quoted(&mut self, text: &str) -> bool {
        self.push("\"");
        for character in text.chars() {
            let fits = match character {
                '"' => self.push("\\\""),
                '\\' => self.push("\\\\"),
                '\n' => self.push("\\n"),
                control if control.is_control() => self.push(&format!("\\u{:04x}", u32::from(control))),
                plain => self.push(plain.encode_utf8(&mut [0; 4])),
            };
            if !fits {
                return false;
            }
        }
        self.push("\"")
    }

    /// Adds bytes as hexadecimal digits.
    pub(crate) fn push_hex(&mut self, bytes: &[u8]) -> bool {
        bytes.iter().all(|byte| self.push(&format!("{byte:02x}")))
    }

    pub(crate) const fn is_cut(&self) -> bool {
        self.cut
    }

    pub(crate) fn finish(mut self) -> String {
        if self.cut {
            self.text.push(CUT);
        }
        self.text
    }
}

impl fmt::Write for Brief {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        if self.push(text) { Ok(()) } else { Err(fmt::Error) }
    }
}

/// The beginning of a text, with a mark if it goes on.
pub(crate) fn brief(text: &str, chars: usize) -> String {
    let mut brief = Brief::new(chars);
    brief.push(text);
    brief.finish()
}

/// What something says of itself, cut like any other text.
pub(crate) fn brief_display(value: &dyn fmt::Display, chars: usize) -> String {
    let mut brief = Brief::new(chars);
    // An error means that the room is used up.
    let _ = fmt::Write::write_fmt(&mut brief, format_args!("{value}"));
    brief.finish()
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut text = Brief::new(bytes.len() * 2);
    text.push_hex(bytes);
    text.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_ends_with_a_mark_on_a_character_boundary() {
        assert_eq!(brief("äöü", 3), "äöü");
        assert_eq!(brief("äöüß", 3), "äöü…");
    }

    #[test]
    fn nothing_is_added_after_a_cut() {
        let mut brief = Brief::new(4);
        assert!(!brief.push_quoted("abcdef"));
        assert!(!brief.push("x"));
        assert_eq!(brief.finish(), "\"abc…");
    }
}
