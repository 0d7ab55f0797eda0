//! The head of a text.

use crate::window::Window;
use crate::{Limits, TextPreview};

const BYTE_ORDER_MARK: char = '\u{feff}';

/// The first lines, cut between two characters.
pub(crate) fn head(window: &mut Window<'_>, limits: &Limits) -> TextPreview {
    let mut bytes = window.head(limits.text_bytes as u64 + 1).unwrap_or_default();
    let mut truncated = bytes.len() > limits.text_bytes || window.stopped().is_some();
    bytes.truncate(limits.text_bytes);
    if truncated {
        drop_begun_character(&mut bytes);
    }
    let mut text = String::from_utf8_lossy(&bytes).into_owned();
    if text.starts_with(BYTE_ORDER_MARK) {
        text.remove(0);
    }
    // Each byte that was replaced became three.
    truncated |= text.len() > limits.text_bytes;
    text.truncate(text.floor_char_boundary(limits.text_bytes));
    if let Some(end) = end_of_line(&text, limits.text_lines) {
        truncated = true;
        text.truncate(end);
    }
    TextPreview { lines: text.lines().count(), text, truncated, note: None }
}

/// Removes the beginning of a character whose rest was cut off.
pub(crate) fn drop_begun_character(bytes: &mut Vec<u8>) {
    if let Some(start) = bytes.iter().rposition(|byte| byte & 0xc0 != 0x80)
        && bytes.len() - start < 4
        && std::str::from_utf8(&bytes[start..]).is_err_and(|error| error.error_len().is_none())
    {
        bytes.truncate(start);
    }
}

/// Where a text ends that may have so many lines, if it has more.
fn end_of_line(text: &str, lines: usize) -> Option<usize> {
    let end = match lines.checked_sub(1) {
        None => 0,
        Some(last) => text.match_indices('\n').nth(last)?.0 + 1,
    };
    (end < text.len()).then_some(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_begun_character_is_dropped() {
        for whole in ["a", "äü", "a€", "x😀"] {
            for cut in 1..whole.chars().last().unwrap().len_utf8() {
                let mut bytes = whole.as_bytes()[..whole.len() - cut].to_vec();
                drop_begun_character(&mut bytes);
                assert!(std::str::from_utf8(&bytes).is_ok(), "{whole} without {cut}");
            }
            let mut bytes = whole.as_bytes().to_vec();
            drop_begun_character(&mut bytes);
            assert_eq!(bytes, whole.as_bytes());
        }
    }

    #[test]
    fn lines_are_counted_from_one() {
        assert_eq!(end_of_line("a\nb\nc", 2), Some(4));
        assert_eq!(end_of_line("a\nb\n", 2), None);
        assert_eq!(end_of_line("a", 0), Some(0));
    }
}
