//! Artifacts: the named, typed records of what jobs make, and the rules for names and types.
//!
//! The bytes of an artifact (its blob) are addressed by their SHA-256 digest; a name is metadata and never a path.

use std::fmt;
use std::str::FromStr;

use bytes::Bytes;
use serde::{Deserialize, Serialize, Serializer};

use crate::clock::Timestamp;
use crate::id::{ArtifactId, JobId, LeaseToken};
use crate::job::word_enum;

/// The longest artifact name, in Unicode characters.
pub const MAX_NAME_CHARS: usize = 255;

word_enum! {
    /// What an artifact is, as callers name it.
    ArtifactType, "artifact type" {
        /// A JSON value.
        Json = "json",
        /// UTF-8 text.
        Text = "text",
        /// PNG image.
        Png = "image/png",
        /// JPEG image.
        Jpeg = "image/jpeg",
        /// WebP image.
        Webp = "image/webp",
        /// GIF image.
        Gif = "image/gif",
        /// SVG drawing.
        Svg = "image/svg",
        /// PDF document.
        Pdf = "file/pdf",
        /// Comma-separated table.
        Csv = "file/csv",
        /// XML document.
        Xml = "file/xml",
        /// HTML page.
        Html = "file/html",
        /// Any bytes.
        Binary = "file/binary",
    }
}

/// How the `data` of an artifact is written when it arrives as text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    /// JSON text, or a value that becomes JSON.
    Json,
    /// The text itself.
    Text,
    /// Base64 of the bytes.
    Base64,
}

impl ArtifactType {
    /// How data for this type is written when it arrives as text.
    #[must_use]
    pub const fn encoding(self) -> Encoding {
        match self {
            Self::Json => Encoding::Json,
            Self::Text => Encoding::Text,
            _ => Encoding::Base64,
        }
    }

    /// The media type under which the bytes are stored and served.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::Text => "text/plain; charset=utf-8",
            Self::Png | Self::Jpeg | Self::Webp | Self::Gif => self.as_str(),
            Self::Svg => "image/svg+xml",
            Self::Pdf => "application/pdf",
            Self::Csv => "text/csv",
            Self::Xml => "application/xml",
            Self::Html => "text/html",
            Self::Binary => "application/octet-stream",
        }
    }

    /// The type that a name's extension stands for, if it stands for one of the twelve.
    ///
    /// ```
    /// use upnext_core::ArtifactType;
    /// assert_eq!(ArtifactType::from_extension("charts/a.PNG"), Some(ArtifactType::Png));
    /// assert_eq!(ArtifactType::from_extension("README"), None);
    /// ```
    #[must_use]
    pub fn from_extension(name: &str) -> Option<Self> {
        let (_, extension) = name.rsplit('/').next()?.rsplit_once('.')?;
        Some(match extension.to_ascii_lowercase().as_str() {
            "json" => Self::Json,
            "txt" | "log" => Self::Text,
            "png" => Self::Png,
            "jpg" | "jpeg" => Self::Jpeg,
            "webp" => Self::Webp,
            "gif" => Self::Gif,
            "svg" => Self::Svg,
            "pdf" => Self::Pdf,
            "csv" => Self::Csv,
            "xml" => Self::Xml,
            "html" | "htm" => Self::Html,
            _ => return None,
        })
    }

    /// The type that the first bytes of a file give away, if they do.
    #[must_use]
    pub fn from_first_bytes(head: &[u8]) -> Option<Self> {
        match head {
            [0x89, b'P', b'N', b'G', b'\r', b'\n', 0x1a, b'\n', ..] => Some(Self::Png),
            [0xff, 0xd8, 0xff, ..] => Some(Self::Jpeg),
            [b'G', b'I', b'F', b'8', b'7' | b'9', b'a', ..] => Some(Self::Gif),
            [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some(Self::Webp),
            [b'%', b'P', b'D', b'F', b'-', ..] => Some(Self::Pdf),
            _ => None,
        }
    }

    /// The type of raw bytes when the caller named none: by the name's extension, then by the first bytes, else
    /// [`ArtifactType::Binary`].
    #[must_use]
    pub fn infer(name: &str, head: &[u8]) -> Self {
        Self::from_extension(name).or_else(|| Self::from_first_bytes(head)).unwrap_or(Self::Binary)
    }
}

/// Checks an artifact's name: 1 to 255 characters, any Unicode, `/` allowed, no control characters, no `.` or `..`
/// segment.
///
/// # Errors
/// One sentence that names the rule.
///
/// ```
/// use upnext_core::artifact::validate_name;
/// assert!(validate_name("charts/größe 1.png").is_ok());
/// assert!(validate_name("../etc/passwd").is_err());
/// ```
pub fn validate_name(name: &str) -> Result<(), String> {
    let length = name.chars().count();
    if length == 0 {
        return Err("an artifact's name must not be empty".to_owned());
    }
    if length > MAX_NAME_CHARS {
        return Err(format!(
            "an artifact's name has at most {MAX_NAME_CHARS} characters; this one has {length}"
        ));
    }
    if let Some(control) = name.chars().find(|c| c.is_control()) {
        return Err(format!(
            "the artifact name {name:?} holds the control character U+{:04X}; names hold none",
            u32::from(control)
        ));
    }
    if let Some(segment) = name.split('/').find(|segment| matches!(*segment, "." | "..")) {
        return Err(format!(
            "the artifact name {name:?} holds the segment '{segment}'; names hold no '.' or '..'"
        ));
    }
    Ok(())
}

/// A SHA-256 digest. Shown and serialised as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest with these bytes.
    #[must_use]
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The key under which a blob with this digest is stored: `sha256/ab/cd/<64 hex digits>`.
    #[must_use]
    pub fn storage_key(&self) -> String {
        let hex = self.to_string();
        format!("sha256/{}/{}/{hex}", &hex[0..2], &hex[2..4])
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is not 64 hex digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a SHA-256 digest is written as 64 hex digits")]
pub struct ParseDigestError;

impl FromStr for Digest {
    type Err = ParseDigestError;

    fn from_str(text: &str) -> Result<Self, ParseDigestError> {
        let mut bytes = [0; 32];
        if text.len() != 64 || !text.is_ascii() {
            return Err(ParseDigestError);
        }
        for (byte, pair) in bytes.iter_mut().zip(text.as_bytes().chunks(2)) {
            let pair = std::str::from_utf8(pair).map_err(|_| ParseDigestError)?;
            *byte = u8::from_str_radix(pair, 16).map_err(|_| ParseDigestError)?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Where the bytes of a new artifact are.
#[derive(Debug, Clone)]
pub enum NewBlob {
    /// Here: the backend keeps them, in the same transaction as the record.
    Inline(Bytes),
    /// Already durable in storage under [`Digest::storage_key`].
    Stored {
        /// `local` or `s3`.
        storage: &'static str,
    },
}

/// An artifact as it is handed to [`Backend::record_artifacts`](crate::Backend::record_artifacts).
#[derive(Debug, Clone)]
pub struct NewArtifact {
    /// Its id.
    pub id: ArtifactId,
    /// The job it belongs to.
    pub job_id: JobId,
    /// The lease of the attempt that made it; `None` when it comes from outside a job (REST), which needs no lease.
    pub lease: Option<LeaseToken>,
    /// Its name, already checked by [`validate_name`].
    pub name: String,
    /// What it is.
    pub artifact_type: ArtifactType,
    /// The media type under which it is served.
    pub content_type: String,
    /// Length of the bytes.
    pub size_bytes: u64,
    /// Digest of the bytes.
    pub sha256: Digest,
    /// Where the bytes are.
    pub blob: NewBlob,
}

/// Why a backend refused to record one artifact. The others of the batch are recorded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordRefusal {
    /// There is no such job.
    #[error("there is no job {0}")]
    UnknownJob(JobId),
    /// The attempt's lease ran out and somebody else may be running the job now.
    #[error(
        "the lease on job {0} has run out: another attempt may be running, so nothing more is recorded for this one"
    )]
    StaleLease(JobId),
    /// The stored bytes are being swept at this moment: store them again, then record.
    #[error("the stored bytes {0} are being removed; store them again")]
    BlobCondemned(Digest),
}

/// One version of one artifact, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Artifact {
    /// Its id.
    pub id: ArtifactId,
    /// The job that made it.
    pub job_id: JobId,
    /// Key of that job's task.
    pub function: String,
    /// Number of the attempt that made it; 0 when it came from outside.
    pub attempt: u32,
    /// Its name.
    pub name: String,
    /// 1 for the first artifact of this name in its job.
    pub version: u32,
    /// True when no newer version of this name exists in the job.
    pub latest: bool,
    /// What it is.
    pub artifact_type: ArtifactType,
    /// The media type under which it is served.
    pub content_type: String,
    /// Length of the bytes.
    pub size_bytes: u64,
    /// Digest of the bytes.
    pub sha256: Digest,
    /// `inline`, `local` or `s3`.
    pub storage: String,
    /// When it was recorded.
    pub created_at: Timestamp,
}

/// The [`Artifact::storage`] of blobs that the backend itself keeps.
pub const INLINE_STORAGE: &str = "inline";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_with_slashes_and_unicode_are_fine() {
        for name in ["a", "a/b.json", "größe/図.png", "..a", "a..", ".hidden", &"x".repeat(255)] {
            assert_eq!(validate_name(name), Ok(()), "{name}");
        }
    }

    #[test]
    fn bad_names_name_their_rule() {
        for (name, part) in [
            ("", "empty"),
            ("a\nb", "U+000A"),
            ("\u{7f}", "U+007F"),
            ("../x", "segment '..'"),
            ("a/./b", "segment '.'"),
            (&"x".repeat(256), "has 256"),
        ] {
            let error = validate_name(name).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }

    #[test]
    fn digests_round_trip_and_make_keys() {
        let digest = Digest::from_bytes([0xab; 32]);
        assert_eq!(digest.to_string().parse::<Digest>().unwrap(), digest);
        assert!(digest.storage_key().starts_with("sha256/ab/ab/abab"));
        assert!("xyz".parse::<Digest>().is_err());
    }

    #[test]
    fn types_are_inferred_by_extension_then_bytes() {
        assert_eq!(ArtifactType::infer("a.csv", b"%PDF-1.7"), ArtifactType::Csv);
        assert_eq!(ArtifactType::infer("a", b"%PDF-1.7"), ArtifactType::Pdf);
        assert_eq!(ArtifactType::infer("a", b"\0\0"), ArtifactType::Binary);
    }
}
