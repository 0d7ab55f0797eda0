//! Templates over a job's arguments: `"report:{kind}:{owner.id}"` becomes a key.
//!
//! Cache keys and concurrency keys are written this way. The same text gives the same key whoever submits.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::job::RawJson;

/// A text with arguments in braces. `{name}` is an argument, `{name.field}` and `{name[0]}` a part of it, `{{` and `}}` a
/// brace. A text stands for itself, anything else for its JSON; what is not there is `null`.
///
/// ```
/// use upnext_core::{RawJson, template::Template};
/// let template = Template::parse("{kind}/{owner.id}")?;
/// let kwargs = RawJson::parse(r#"{"kind": "daily", "owner": {"id": 7}}"#).unwrap();
/// assert_eq!(template.render(&kwargs), "daily/7");
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Template {
    text: String,
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    Value(Vec<String>),
}

impl Template {
    /// Reads a template.
    ///
    /// # Errors
    /// One sentence that says where it is wrong.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut plain = String::new();
        let mut rest = text.chars().peekable();
        while let Some(char) = rest.next() {
            match char {
                '{' | '}' if rest.next_if_eq(&char).is_some() => plain.push(char),
                '{' => {
                    if !plain.is_empty() {
                        pieces.push(Piece::Text(std::mem::take(&mut plain)));
                    }
                    let inside: String = rest.by_ref().take_while(|char| *char != '}').collect();
                    pieces.push(Piece::Value(path_of(&inside, text)?));
                }
                '}' => {
                    return Err(format!(
                        "'{text}' has a single }}: a brace that stands for itself is written twice"
                    ));
                }
                _ => plain.push(char),
            }
        }
        if !plain.is_empty() {
            pieces.push(Piece::Text(plain));
        }
        // `take_while` ends at the end of the text, too.
        if text.matches('{').count() - 2 * text.matches("{{").count() > text.matches('}').count() {
            return Err(format!("'{text}' has a {{ that is not closed"));
        }
        Ok(Self { text: text.to_owned(), pieces })
    }

    /// Names of the arguments that it uses.
    pub fn arguments(&self) -> impl Iterator<Item = &str> {
        self.pieces.iter().filter_map(|piece| match piece {
            Piece::Value(path) => path.first().map(String::as_str),
            Piece::Text(_) => None,
        })
    }

    /// The text for these arguments.
    #[must_use]
    pub fn render(&self, kwargs: &RawJson) -> String {
        let arguments: Value = kwargs.read().unwrap_or(Value::Null);
        let mut rendered = String::new();
        for piece in &self.pieces {
            match piece {
                Piece::Text(text) => rendered.push_str(text),
                Piece::Value(path) => match path.iter().try_fold(&arguments, |value, step| part(value, step))
                {
                    Some(Value::String(text)) => rendered.push_str(text),
                    Some(value) => rendered.push_str(&value.to_string()),
                    None => rendered.push_str("null"),
                },
            }
        }
        rendered
    }
}

fn part<'a>(value: &'a Value, step: &str) -> Option<&'a Value> {
    match value {
        Value::Object(fields) => fields.get(step),
        Value::Array(items) => items.get(step.parse::<usize>().ok()?),
        _ => None,
    }
}

fn path_of(inside: &str, text: &str) -> Result<Vec<String>, String> {
    let steps: Vec<String> =
        inside.replace('[', ".").replace(']', "").split('.').map(str::to_owned).collect();
    if steps
        .iter()
        .all(|step| !step.is_empty() && step.chars().all(|char| char.is_alphanumeric() || char == '_'))
    {
        return Ok(steps);
    }
    Err(format!(
        "'{{{inside}}}' in '{text}' names no argument: write {{name}}, {{name.field}} or {{name[0]}}"
    ))
}

impl fmt::Display for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

impl Serialize for Template {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

impl<'de> Deserialize<'de> for Template {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::parse(&String::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rendered(template: &str, kwargs: &str) -> String {
        Template::parse(template).unwrap().render(&RawJson::parse(kwargs).unwrap())
    }

    #[test]
    fn arguments_stand_for_themselves_and_their_parts() {
        let kwargs = r#"{"a": "x", "b": [1, {"c": true}], "d": {"e": null}}"#;
        assert_eq!(rendered("{a}-{b[1].c}-{b[0]}-{d}-{d.e}", kwargs), r#"x-true-1-{"e":null}-null"#);
    }

    #[test]
    fn what_is_not_there_is_null_and_doubled_braces_are_braces() {
        assert_eq!(rendered("{{{a}}} {b.c}", r#"{"a": 1}"#), "{1} null");
    }

    #[test]
    fn bad_templates_say_where() {
        assert_eq!(Template::parse("x{a").unwrap_err(), "'x{a' has a { that is not closed");
        assert!(Template::parse("x}").unwrap_err().contains("single }"));
        assert!(Template::parse("{}").unwrap_err().contains("names no argument"));
        assert!(Template::parse("{a!r}").unwrap_err().contains("'{a!r}' in"));
    }
}
