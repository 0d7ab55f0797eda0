//! From two sources to what differs: equal bytes first, then the richest comparison both contents allow.

mod image;
mod json;
mod table;
mod text;

use crate::kind::Kind;
use crate::render::{deadline, kind_in};
use crate::shield::shielded;
use crate::window::{Stop, Window};
use crate::{BytesDifference, Difference, Limits, PreviewError, Source};

/// Compares an old content with a new one.
///
/// Blocks while it reads and decodes; costs no more than the limits say for each side. Two contents of different kinds
/// are compared as text if both are text, else byte by byte.
///
/// ```
/// use std::io::Cursor;
/// use upnext_previews::{Difference, Limits, Source, compare};
///
/// let (mut old, mut new) = (Cursor::new(br#"{"rows": 1}"#), Cursor::new(br#"{"rows": 2}"#));
/// let old = Source { media_type: "application/json", name: "report.json", size: 11, reader: &mut old };
/// let new = Source { media_type: "application/json", name: "report.json", size: 11, reader: &mut new };
/// let Difference::Json(difference) = compare(old, new, &Limits::default())? else { panic!("two documents") };
/// assert_eq!(difference.changes[0].path, "/rows");
/// # Ok::<(), upnext_previews::PreviewError>(())
/// ```
///
/// # Errors
/// When one of the sources cannot be read.
pub fn compare(old: Source<'_>, new: Source<'_>, limits: &Limits) -> Result<Difference, PreviewError> {
    let deadline = deadline(limits);
    let mut old = Window::new(old, limits, deadline);
    let mut new = Window::new(new, limits, deadline);
    let difference = difference(&mut old, &mut new, limits);
    old.verdict()?;
    new.verdict()?;
    Ok(difference)
}

fn difference(old: &mut Window<'_>, new: &mut Window<'_>, limits: &Limits) -> Difference {
    let first_difference = match first_difference(old, new) {
        Found::Equal => return Difference::Same { size: old.size },
        Found::At(position) => Some(position),
        Found::Unknown => None,
    };
    if old.out_of_time() || new.out_of_time() {
        return bytes_of(old, new, first_difference, Some(Stop::Time.reason(limits)));
    }
    old.again(limits.read_bytes);
    new.again(limits.read_bytes);
    let kinds = (kind_in(old), kind_in(new));
    match shielded(|| by_kind(kinds, old, new, limits)) {
        Ok(Some(difference)) => difference,
        Ok(None) => bytes_of(old, new, first_difference, None),
        Err(reason) if kinds.0.is_text() && kinds.1.is_text() && !old.out_of_time() => {
            let as_text = shielded(|| Ok(text::difference(old, new, limits, Some(reason.clone()))));
            as_text.map_or_else(|_| bytes_of(old, new, first_difference, Some(reason)), Difference::Text)
        }
        Err(reason) => bytes_of(old, new, first_difference, Some(reason)),
    }
}

/// The comparison for two kinds, if there is one that is richer than bytes.
fn by_kind(
    kinds: (Kind, Kind),
    old: &mut Window<'_>,
    new: &mut Window<'_>,
    limits: &Limits,
) -> Result<Option<Difference>, String> {
    Ok(Some(match kinds {
        (Kind::Json, Kind::Json) => Difference::Json(json::difference(old, new, limits)?),
        (Kind::Image, Kind::Image) => Difference::Image(image::difference(old, new, limits)?),
        (one, other) if one.is_table() && other.is_table() => {
            Difference::Table(table::difference(kinds, old, new, limits)?)
        }
        (one, other) if one.is_text() && other.is_text() => {
            Difference::Text(text::difference(old, new, limits, None))
        }
        _ => return Ok(None),
    }))
}

fn bytes_of(
    old: &Window<'_>,
    new: &Window<'_>,
    first_difference: Option<u64>,
    note: Option<String>,
) -> Difference {
    Difference::Bytes(BytesDifference { old_size: old.size, new_size: new.size, first_difference, note })
}

enum Found {
    Equal,
    At(u64),
    /// Not among the bytes that may be read.
    Unknown,
}

/// The first byte that differs, or that only one of them has.
fn first_difference(old: &mut Window<'_>, new: &mut Window<'_>) -> Found {
    const STEP: u64 = 64 << 10;
    let mut position = 0;
    old.again(0);
    new.again(0);
    loop {
        let (Ok(one), Ok(other)) = (old.head(STEP), new.head(STEP)) else { return Found::Unknown };
        if let Some(at) = one.iter().zip(&other).position(|(one, other)| one != other) {
            return Found::At(position + at as u64);
        }
        let common = one.len().min(other.len()) as u64;
        position += common;
        if old.stopped().is_some() || new.stopped().is_some() {
            return Found::Unknown;
        }
        if one.len() != other.len() {
            return Found::At(position);
        }
        if common < STEP {
            return Found::Equal;
        }
    }
}
