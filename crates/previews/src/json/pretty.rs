//! JSON as text: indented as stored, or on one line and brief.

use serde::de::IgnoredAny;
use serde_json::Value;

use super::not_json;
use crate::brief::{Brief, brief_display};

const INDENT: &str = "  ";

/// The indented text of a document, and whether it had to be cut. What stands between the brackets is copied, so that
/// numbers and the order of keys stay as they are.
pub(super) fn document(bytes: &[u8], limit: usize) -> Result<(String, bool), String> {
    serde_json::from_slice::<IgnoredAny>(bytes).map_err(|error| not_json(&error))?;
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    let mut pretty = Pretty { out: String::new(), depth: 0 };
    let mut rest = text.char_indices().peekable();
    while let Some((start, character)) = rest.next() {
        if pretty.out.len() > limit {
            return Ok((pretty.out, true));
        }
        match character {
            '"' => {
                let end = start + string_length(&text[start..]);
                pretty.out.push_str(&text[start..end]);
                while rest.next_if(|(at, _)| *at < end).is_some() {}
            }
            '{' | '[' => {
                pretty.out.push(character);
                while rest.next_if(|(_, next)| next.is_ascii_whitespace()).is_some() {}
                match rest.next_if(|(_, next)| matches!(next, '}' | ']')) {
                    Some((_, close)) => pretty.out.push(close),
                    None => pretty.open(),
                }
            }
            '}' | ']' => pretty.close(character),
            ',' => {
                pretty.out.push(',');
                pretty.line();
            }
            ':' => pretty.out.push_str(": "),
            white if white.is_ascii_whitespace() => {}
            plain => pretty.out.push(plain),
        }
    }
    Ok((pretty.out, false))
}

struct Pretty {
    out: String,
    depth: usize,
}

impl Pretty {
    fn open(&mut self) {
        self.depth += 1;
        self.line();
    }

    fn close(&mut self, bracket: char) {
        self.depth = self.depth.saturating_sub(1);
        self.line();
        self.out.push(bracket);
    }

    fn line(&mut self) {
        self.out.push('\n');
        // Deeper than this nobody reads the indentation, and it would outgrow the content.
        for _ in 0..self.depth.min(40) {
            self.out.push_str(INDENT);
        }
    }
}

/// The length of the string a valid JSON text begins with, quotes included.
fn string_length(text: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// Adds a value on one line, as far as there is room.
pub(crate) fn push_value(brief: &mut Brief, value: &Value) -> bool {
    match value {
        Value::Null => brief.push("null"),
        Value::Bool(value) => brief.push(if *value { "true" } else { "false" }),
        Value::Number(number) => brief.push(&brief_display(number, 64)),
        Value::String(text) => brief.push_quoted(text),
        Value::Array(items) => {
            brief.push("[")
                && items
                    .iter()
                    .enumerate()
                    .all(|(index, item)| (index == 0 || brief.push(", ")) && push_value(brief, item))
                && brief.push("]")
        }
        Value::Object(members) => {
            brief.push("{")
                && members.iter().enumerate().all(|(index, (key, value))| {
                    (index == 0 || brief.push(", "))
                        && brief.push_quoted(key)
                        && brief.push(": ")
                        && push_value(brief, value)
                })
                && brief.push("}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_the_order_of_keys_stay() {
        let (text, cut) = document(br#"{"b":1.50,"a":[],"c":[ 1e400 ,"x\"]"],"d":{ }}"#, 1000).unwrap();
        assert_eq!(
            text,
            "{\n  \"b\": 1.50,\n  \"a\": [],\n  \"c\": [\n    1e400,\n    \"x\\\"]\"\n  ],\n  \"d\": {}\n}"
        );
        assert!(!cut);
    }

    #[test]
    fn deep_nesting_does_not_grow_the_text_out_of_bounds() {
        let deep = [vec![b'['; 10_000], vec![b']'; 10_000]].concat();
        let (text, cut) = document(&deep, 4096).unwrap();
        assert!(cut && text.len() < 4096 + 100);
    }

    #[test]
    fn a_brief_value_stops_where_the_room_ends() {
        let mut brief = Brief::new(12);
        push_value(&mut brief, &serde_json::json!({"a": [1, 2, 3]}));
        assert_eq!(brief.finish(), "{\"a\": [1, 2,…");
    }
}
