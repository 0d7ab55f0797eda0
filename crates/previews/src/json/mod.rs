//! JSON: small documents whole, large ones as an outline, JSON lines as a table where they make one.

mod lines;
mod outline;
mod pretty;

use crate::window::Window;
use crate::{JsonPreview, Limits};

pub(crate) use lines::lines;
pub(crate) use outline::outline_of_value;
pub(crate) use pretty::push_value;

/// A JSON document.
pub(crate) fn document(window: &mut Window<'_>, limits: &Limits) -> Result<JsonPreview, String> {
    let (head, whole) = window.peek(limits.text_bytes as u64).map_err(|error| error.to_string())?;
    if whole {
        let (text, truncated) = pretty::document(&head, limits.output_bytes)?;
        return Ok(JsonPreview { text: Some(text), outline: None, truncated });
    }
    drop(head);
    let (outline, truncated) = outline::outline(window, limits)?;
    Ok(JsonPreview { text: None, outline: Some(outline), truncated })
}

fn not_json(error: &serde_json::Error) -> String {
    format!("the content is not JSON: {error}")
}
