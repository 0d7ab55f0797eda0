//! The beginning of a preview, for whoever shows many of them at once.

use crate::wire::Preview;

/// Longer lines are cut.
const LINE_CHARS: usize = 200;

/// The preview with no more than this many lines, where it is a text or the text of a JSON document.
pub(crate) fn head_of(preview: &Preview, lines: usize) -> Preview {
    let mut head = preview.clone();
    match &mut head {
        Preview::Text(text) => {
            let (cut, shown) = first_lines(&text.text, lines);
            text.truncated |= cut.len() < text.text.len();
            (text.text, text.lines) = (cut, shown);
        }
        Preview::Json(json) => {
            if let Some(text) = &mut json.text {
                let (cut, _) = first_lines(text, lines);
                json.truncated |= cut.len() < text.len();
                *text = cut;
            }
        }
        _ => {}
    }
    head
}

/// The first lines, each no longer than a line may be, and how many they are.
fn first_lines(text: &str, lines: usize) -> (String, usize) {
    let cut: Vec<&str> = text
        .lines()
        .take(lines)
        .map(|line| line.char_indices().nth(LINE_CHARS).map_or(line, |(end, _)| &line[..end]))
        .collect();
    (cut.join("\n"), cut.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::{JsonPreview, TextPreview};

    #[test]
    fn a_head_is_short_and_says_that_there_is_more() {
        let long = format!("{}\nb\nc", "ä".repeat(500));
        let text = TextPreview { text: long.clone(), lines: 3, truncated: false, note: None };
        let Preview::Text(head) = head_of(&Preview::Text(text), 2) else { unreachable!("a text stays one") };
        assert_eq!((head.text, head.lines, head.truncated), (format!("{}\nb", "ä".repeat(200)), 2, true));
        let json = JsonPreview { text: Some("{\n  \"a\": 1\n}".into()), outline: None, truncated: false };
        let Preview::Json(head) = head_of(&Preview::Json(json.clone()), 1) else {
            unreachable!("JSON stays JSON")
        };
        assert_eq!((head.text.as_deref(), head.truncated), (Some("{"), true));
        assert_eq!(head_of(&Preview::Json(json.clone()), 3), Preview::Json(json));
    }
}
