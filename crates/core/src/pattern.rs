//! Event patterns: which events a handler is called for.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Longest name of an event, and longest pattern, in characters.
pub const MAX_EVENT_NAME_CHARS: usize = 255;

/// A name of events with wildcards: `*` stands for any characters but the dot, `**` for any characters.
///
/// ```
/// use upnext_core::pattern::EventPattern;
/// let pattern = EventPattern::parse("order.*")?;
/// assert!(pattern.matches("order.placed"));
/// assert!(!pattern.matches("order.item.added"));
/// assert!(EventPattern::parse("order.**")?.matches("order.item.added"));
/// # Ok::<(), String>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EventPattern(String);

impl EventPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// One sentence with the rule for names.
    pub fn parse(text: &str) -> Result<Self, String> {
        check_name(text, "an event pattern")?;
        Ok(Self(text.to_owned()))
    }

    /// True when an event of this name is meant.
    #[must_use]
    pub fn matches(&self, event: &str) -> bool {
        matches(self.0.as_bytes(), event.as_bytes())
    }

    /// The pattern as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EventPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Checks the name of an event that is to be sent.
///
/// # Errors
/// One sentence with the rule.
pub fn check_event_name(name: &str) -> Result<(), String> {
    check_name(name, "an event name")?;
    if name.contains('*') {
        return Err(format!("'{name}' is a pattern: an event is sent under one name, without *"));
    }
    Ok(())
}

fn check_name(text: &str, what: &str) -> Result<(), String> {
    let length = text.chars().count();
    if (1..=MAX_EVENT_NAME_CHARS).contains(&length)
        && !text.chars().any(|c| c.is_control() || c.is_whitespace())
    {
        return Ok(());
    }
    Err(format!(
        "{text:?} is not {what}: it has 1 to {MAX_EVENT_NAME_CHARS} characters, none of them blank or control"
    ))
}

/// For each place of the pattern, which beginnings of the text it can stand for; the work is the product of both lengths.
fn matches(mut pattern: &[u8], text: &[u8]) -> bool {
    let mut reached = vec![false; text.len() + 1];
    reached[0] = true;
    while let Some((first, rest)) = pattern.split_first() {
        let any = *first == b'*' && rest.first() == Some(&b'*');
        pattern = if any { &rest[1..] } else { rest };
        if *first == b'*' {
            for end in 1..=text.len() {
                reached[end] |= reached[end - 1] && (any || text[end - 1] != b'.');
            }
        } else {
            for end in (1..=text.len()).rev() {
                reached[end] = reached[end - 1] && text[end - 1] == *first;
            }
            reached[0] = false;
        }
    }
    reached[text.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stars_stay_within_their_part() {
        let matches = |pattern: &str, event| EventPattern::parse(pattern).unwrap().matches(event);
        for (pattern, event, expected) in [
            ("order.placed", "order.placed", true),
            ("order.placed", "order.placed.eu", false),
            ("*.placed", "order.placed", true),
            ("order.*.eu", "order.placed.eu", true),
            ("order.p*d", "order.placed", true),
            ("*", "order", true),
            ("*", "order.placed", false),
            ("**", "order.placed", true),
            ("**.eu", "order.placed.eu", true),
            ("order.**", "order", false),
            ("größe.*", "größe.ä", true),
        ] {
            assert_eq!(matches(pattern, event), expected, "{pattern} {event}");
        }
    }

    #[test]
    fn names_of_events_hold_no_stars_and_no_blanks() {
        assert!(check_event_name("order.placed").is_ok());
        assert!(check_event_name("order.*").unwrap_err().contains("is a pattern"));
        assert!(EventPattern::parse("a b").unwrap_err().contains("not an event pattern"));
        assert!(EventPattern::parse("").is_err());
    }
}
