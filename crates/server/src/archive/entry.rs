//! How one artifact is packed.

use upnext_core::{Artifact, ArtifactStatus};
use zip::CompressionMethod;
use zip::write::{FullFileOptions, SimpleFileOptions};

/// What is smaller gains nothing from being deflated.
const WORTH_DEFLATING: u64 = 256;

/// Above this an entry has 64-bit lengths. Below four GiB, because what cannot be deflated becomes a little longer.
const LARGE: u64 = (1 << 32) - (1 << 26);

/// The fastest. Who is waiting has asked for a file, not for the smallest one.
const LEVEL: i64 = 1;

/// Subtypes of `application/` and `image/` that are text in truth.
const TEXTUAL: [&str; 12] = [
    "json",
    "xml",
    "javascript",
    "x-ndjson",
    "ndjson",
    "jsonl",
    "yaml",
    "x-yaml",
    "toml",
    "sql",
    "x-tar",
    "x-sh",
];

/// True when an entry of this media type gets smaller by being deflated. Pictures, films and archives are packed already.
pub(super) fn is_deflated(artifact: &Artifact) -> bool {
    let essence = artifact.content_type.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let (top, sub) = essence.split_once('/').unwrap_or_default();
    let textual = top == "text" || TEXTUAL.contains(&sub) || sub.ends_with("+json") || sub.ends_with("+xml");
    textual && artifact.size_bytes >= WORTH_DEFLATING
}

/// Everything the archive says about an artifact beside its name.
pub(super) fn options(artifact: &Artifact) -> zip::result::ZipResult<FullFileOptions<'static, 'static>> {
    let (method, level) = match is_deflated(artifact) {
        true => (CompressionMethod::Deflated, Some(LEVEL)),
        false => (CompressionMethod::Stored, None),
    };
    let options = SimpleFileOptions::default()
        .compression_method(method)
        .compression_level(level)
        .unix_permissions(0o644)
        .large_file(artifact.size_bytes >= LARGE)
        .last_modified_time(modified(artifact));
    // The old field has two seconds and no zone.
    let seconds = u32::try_from(artifact.created_at.as_micros() / 1_000_000).ok();
    let options = options.with_extended_timestamp(seconds, None, None)?;
    Ok(match artifact.status {
        ArtifactStatus::Writing => options.with_file_comment("still being written when this was made"),
        ArtifactStatus::Incomplete => {
            options.with_file_comment("incomplete: its attempt ended before it was closed")
        }
        _ => options,
    })
}

/// In UTC, as far as the format reaches.
fn modified(artifact: &Artifact) -> zip::DateTime {
    let read = || {
        let moment = jiff::Timestamp::from_microsecond(artifact.created_at.as_micros()).ok()?;
        let civil = jiff::tz::Offset::UTC.to_datetime(moment);
        let part = |number: i8| u8::try_from(number).ok();
        let year = u16::try_from(civil.year()).ok()?;
        let (month, day) = (part(civil.month())?, part(civil.day())?);
        let (hour, minute, second) = (part(civil.hour())?, part(civil.minute())?, part(civil.second())?);
        zip::DateTime::from_date_and_time(year, month, day, hour, minute, second).ok()
    };
    read().unwrap_or_default()
}
