//! Artifacts: the named, typed records of what jobs make, and what a backend is told about them.
//!
//! The bytes of an artifact (its blob) are addressed by their SHA-256 digest; a name is metadata and never a path.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

pub use crate::artifact_type::{ArtifactType, Encoding, MediaType, ParseTypeError};
use crate::clock::Timestamp;
pub use crate::digest::{Digest, ParseDigestError};
use crate::id::{ArtifactId, JobId, LeaseToken};
use crate::job::word_enum;
pub use crate::labels::{Labels, check_tag, check_tags};

/// The longest artifact name, in Unicode characters.
pub const MAX_NAME_CHARS: usize = 255;

/// How long after its begin an upload that is not whole is taken for given up.
pub const UPLOAD_PATIENCE: Duration = Duration::from_secs(24 * 3600);

/// The longest key that makes a request to create an artifact repeatable, in characters after trimming.
pub const MAX_KEY_CHARS: usize = 256;

word_enum! {
    /// Whether an artifact can be read, and how much of it.
    ArtifactStatus, "artifact status" {
        /// A running attempt is writing it; what it has written so far can be read.
        Writing = "writing",
        /// It is whole, and will never change.
        Available = "available",
        /// The attempt that wrote it ended before it was closed; what was durable then can be read.
        Incomplete = "incomplete",
        /// Its stored bytes are no longer what they were.
        Damaged = "damaged",
        /// It arrives piece by piece from outside a job. Nobody lists or reads it before it is whole.
        Uploading = "uploading",
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

/// Checks the key under which a request to create an artifact may be repeated, and trims it.
///
/// # Errors
/// One sentence that names the rule.
pub fn check_key(key: &str) -> Result<String, String> {
    let trimmed = key.trim();
    let length = trimmed.chars().count();
    if !(1..=MAX_KEY_CHARS).contains(&length) || trimmed.chars().any(char::is_control) {
        return Err(format!(
            "an artifact's idempotency key has 1 to {MAX_KEY_CHARS} characters after trimming, none of them control; \
             this one has {length}"
        ));
    }
    Ok(trimmed.to_owned())
}

/// The word for a kind of storage: `local`, `s3`, `gcs` or `azure`.
pub type StorageName = &'static str;

/// Where the bytes of a new artifact are.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum NewBlob {
    /// Here: the backend keeps them, in the same transaction as the record.
    Inline(#[serde(with = "crate::wire::bytes")] Bytes),
    /// Already durable in storage under [`Digest::storage_key`].
    Stored {
        /// `local`, `s3`, `gcs` or `azure`.
        #[serde(deserialize_with = "crate::wire::storage")]
        storage: StorageName,
    },
}

/// What a new record begins with.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub enum NewContent {
    /// All bytes: the artifact is whole at once.
    Whole(Sealed),
    /// Nothing yet: its bytes arrive in parts and everybody may read along.
    Live,
    /// Nothing yet: its bytes arrive in parts, and nobody sees it before it is sealed.
    Upload {
        /// How many bytes will come, when that is known.
        expected_bytes: Option<u64>,
        /// The digest that all of them together must have, when that was announced.
        expected_sha256: Option<Digest>,
    },
}

/// The bytes of an artifact that is whole.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sealed {
    /// Length of the bytes.
    pub size_bytes: u64,
    /// Digest of the bytes.
    pub sha256: Digest,
    /// Where they are.
    pub blob: NewBlob,
}

/// An artifact as it is handed to [`Backend::record_artifacts`](crate::Backend::record_artifacts).
#[derive(Debug, Clone, Serialize, Deserialize)]
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
    /// Its bytes, or how they will come.
    pub content: NewContent,
    /// Already checked by [`Labels::checked`].
    pub labels: Labels,
    /// It is removed this long after it was recorded; `None` keeps it as long as its job.
    pub expires_in: Option<Duration>,
    /// A request with the key of an earlier one of the same job is answered with what that one made.
    pub key: Option<String>,
}

/// More bytes of an artifact that is being written.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewPart {
    /// The artifact.
    pub artifact: ArtifactId,
    /// The lease of the attempt that writes it; `None` for an upload.
    pub lease: Option<LeaseToken>,
    /// Where these bytes begin; the artifact must be just as long.
    pub offset: u64,
    /// The bytes.
    pub bytes: Sealed,
}

/// A stretch of an artifact that is being written, or was when its attempt died.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// Where it begins.
    pub offset: u64,
    /// Its length.
    pub size_bytes: u64,
    /// Its digest.
    pub sha256: Digest,
    /// `inline`, `local`, `s3`, `gcs` or `azure`.
    pub storage: String,
}

/// The end of an artifact that was being written: all of its bytes as one blob.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Seal {
    /// The artifact.
    pub artifact: ArtifactId,
    /// The lease of the attempt that wrote it; `None` for an upload.
    pub lease: Option<LeaseToken>,
    /// What its bytes turned out to be.
    pub artifact_type: ArtifactType,
    /// The media type under which it is served.
    pub content_type: String,
    /// All of its bytes.
    pub bytes: Sealed,
}

/// Changes to what is written on an artifact. `None` leaves a field as it is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ArtifactPatch {
    /// A new description; empty takes it away.
    pub description: Option<String>,
    /// New tags in the place of the old ones.
    pub tags: Option<Vec<String>>,
    /// New metadata; JSON null takes it away.
    pub metadata: Option<crate::job::RawJson>,
    /// Pinned artifacts outlive every rule of retention.
    pub pinned: Option<bool>,
    /// When it expires; `Some(None)` for never.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "crate::wire::present")]
    pub expires_at: Option<Option<Timestamp>>,
}

impl ArtifactPatch {
    /// `labels` with these changes, checked.
    ///
    /// # Errors
    /// One sentence that names the rule.
    pub fn apply(&self, labels: Labels) -> Result<Labels, String> {
        let metadata = match &self.metadata {
            Some(metadata) if metadata.as_str().trim() == "null" => None,
            Some(metadata) => Some(metadata.clone()),
            None => labels.metadata,
        };
        let description = self.description.clone().or(labels.description);
        Labels { description, tags: self.tags.clone().unwrap_or(labels.tags), metadata }.checked()
    }
}

/// Why a backend refused to record one artifact or part. The others of the batch are recorded.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
pub enum RecordRefusal {
    /// There is no such job.
    #[error("there is no job {0}")]
    UnknownJob(JobId),
    /// There is no such artifact.
    #[error("there is no artifact {0}")]
    UnknownArtifact(ArtifactId),
    /// The attempt's lease ran out and somebody else may be running the job now.
    #[error(
        "the lease on job {0} has run out: another attempt may be running, so nothing more is recorded for this one"
    )]
    StaleLease(JobId),
    /// The stored bytes are being swept at this moment: store them again, then record.
    #[error("the stored bytes {0} are being removed; store them again")]
    BlobCondemned(Digest),
    /// An artifact with this key exists, and it is another one.
    #[error("the idempotency key was used for another artifact of this job (id {0}); use a fresh key")]
    KeyReused(ArtifactId),
    /// It is whole, and never changes again.
    #[error("artifact {0} is closed; nothing can be added to it")]
    Closed(ArtifactId),
    /// The bytes do not begin where the artifact ends.
    #[error("the artifact is {size_bytes} bytes long; the next bytes begin there")]
    WrongOffset {
        /// How long it is.
        size_bytes: u64,
    },
}

/// One version of one artifact, as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Whether it can be read.
    pub status: ArtifactStatus,
    /// Length of the bytes; so far, if it is being written.
    pub size_bytes: u64,
    /// Of an upload that is not whole: how long it will be, when that is known.
    pub expected_bytes: Option<u64>,
    /// Of an upload that is not whole: the digest it must have, when that was announced.
    pub expected_sha256: Option<Digest>,
    /// Digest of the bytes; `None` unless it is whole.
    pub sha256: Option<Digest>,
    /// `inline`, `local`, `s3`, `gcs` or `azure`; [`PARTS_STORAGE`] unless it is whole.
    pub storage: String,
    /// When it was recorded; if it was written piece by piece, when that began.
    pub created_at: Timestamp,
    /// Description, tags and metadata.
    pub labels: Labels,
    /// When it is removed.
    pub expires_at: Option<Timestamp>,
    /// True when it outlives every rule of retention.
    pub pinned: bool,
}

impl Artifact {
    /// Where its blob is; `None` unless it is whole.
    #[must_use]
    pub fn storage_key(&self) -> Option<String> {
        self.sha256.map(|sha256| sha256.storage_key())
    }
}

/// The [`Artifact::storage`] of blobs that the backend itself keeps.
pub const INLINE_STORAGE: &str = "inline";

/// The [`Artifact::storage`] of artifacts that are not whole.
pub const PARTS_STORAGE: &str = "parts";

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
    fn keys_are_trimmed_and_bounded() {
        assert_eq!(check_key("  k ").unwrap(), "k");
        for bad in ["  ", "a\nb", &"k".repeat(257)] {
            assert!(check_key(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_patch_changes_only_what_it_names() {
        let json = |text: &str| crate::job::RawJson::parse(text).unwrap();
        let labels =
            Labels { description: Some("old".into()), tags: vec!["a".into()], metadata: Some(json("{}")) };
        assert_eq!(ArtifactPatch::default().apply(labels.clone()).unwrap(), labels);
        let patch = ArtifactPatch {
            description: Some(String::new()),
            tags: Some(vec!["b".into()]),
            metadata: Some(json("null")),
            ..ArtifactPatch::default()
        };
        let patched = patch.apply(labels.clone()).unwrap();
        assert_eq!(patched, Labels { description: None, tags: vec!["b".into()], metadata: None });
        let bad = ArtifactPatch { tags: Some(vec![",".into()]), ..ArtifactPatch::default() };
        assert!(bad.apply(labels).is_err());
    }
}
