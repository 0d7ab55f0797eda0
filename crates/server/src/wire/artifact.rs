//! Artifacts on the wire, and the JSON body that makes one.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use upnext_core::Timestamp;
use upnext_core::backend::Page;
use utoipa::ToSchema;

use super::ArtifactStatus;

/// One version of one artifact.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Artifact {
    /// Its id.
    #[schema(format = "uuid")]
    pub id: String,
    /// The job it belongs to.
    #[schema(format = "uuid")]
    pub job_id: String,
    /// Key of that job's function.
    pub function: String,
    /// Number of the attempt that made it; 0 when it came over this API.
    pub attempt: u32,
    /// Its name.
    pub name: String,
    /// 1 for the first artifact of this name in its job.
    pub version: u32,
    /// True when no newer version of this name exists in the job.
    pub latest: bool,
    /// What it is: one of `json`, `text`, `image/png`, `image/jpeg`, `image/webp`, `image/gif`, `image/svg`, `file/pdf`,
    /// `file/csv`, `file/xml`, `file/html`, `file/binary`, or any other media type under its own name.
    #[serde(rename = "type")]
    #[schema(example = "json")]
    pub artifact_type: String,
    /// The media type under which its content is served.
    pub content_type: String,
    /// Length of its content; so far, while it is being written.
    pub size_bytes: u64,
    /// SHA-256 digest of its content, in hex. Also the content's ETag. Null unless it is whole.
    pub sha256: Option<String>,
    /// Where its content is: `inline` (in the job database), `local`, `s3`, `gcs` or `azure`; `parts` unless it is whole.
    pub storage_backend: String,
    /// The key of its content there; null unless it is whole.
    pub storage_key: Option<String>,
    /// Whether it can be read.
    pub status: ArtifactStatus,
    /// What is wrong with it, in words; null when nothing is.
    pub error: Option<String>,
    /// When it was recorded; if it was written piece by piece, when that began.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// A sentence about it.
    pub description: Option<String>,
    /// Words it can be found by.
    pub tags: Vec<String>,
    /// What its maker noted about it: an object, or null.
    #[schema(value_type = Option<serde_json::Value>)]
    pub metadata: Option<upnext_core::RawJson>,
    /// When it is removed; null if it stays as long as its job.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Timestamp>,
    /// True when it outlives every rule of retention.
    pub pinned: bool,
}

impl From<upnext_core::Artifact> for Artifact {
    fn from(artifact: upnext_core::Artifact) -> Self {
        let error = match artifact.status {
            upnext_core::ArtifactStatus::Incomplete => Some(
                "the attempt that wrote it ended before it was closed; this is what was durable then"
                    .to_owned(),
            ),
            upnext_core::ArtifactStatus::Damaged => {
                Some("its stored bytes are not what was stored; they are not served".to_owned())
            }
            _ => None,
        };
        Self {
            id: artifact.id.to_string(),
            job_id: artifact.job_id.to_string(),
            storage_key: artifact.storage_key(),
            function: artifact.function,
            attempt: artifact.attempt,
            name: artifact.name,
            version: artifact.version,
            latest: artifact.latest,
            artifact_type: artifact.artifact_type.as_str().to_owned(),
            content_type: artifact.content_type,
            size_bytes: artifact.size_bytes,
            sha256: artifact.sha256.map(|sha256| sha256.to_string()),
            storage_backend: artifact.storage,
            status: artifact.status.into(),
            error,
            created_at: artifact.created_at,
            description: artifact.labels.description,
            tags: artifact.labels.tags,
            metadata: artifact.labels.metadata,
            expires_at: artifact.expires_at,
            pinned: artifact.pinned,
        }
    }
}

/// One page of artifacts, newest first.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ArtifactPage {
    /// The artifacts.
    pub artifacts: Vec<Artifact>,
    /// How many there are on all pages together.
    pub total: u64,
    /// True when counting stopped at `total`, because it would take long: there are at least so many.
    pub total_is_capped: bool,
    /// True when there is a further page.
    pub has_more: bool,
    /// Pass this as `cursor` to get the next page.
    pub next_cursor: Option<String>,
}

impl From<Page<upnext_core::Artifact>> for ArtifactPage {
    fn from(page: Page<upnext_core::Artifact>) -> Self {
        Self {
            artifacts: page.items.into_iter().map(Into::into).collect(),
            total: page.total,
            total_is_capped: page.total_is_capped,
            has_more: page.next.is_some(),
            next_cursor: page.next.map(|cursor| cursor.to_string()),
        }
    }
}

/// An artifact to make, as `upnext.create_artifact` takes it.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewArtifact<'a> {
    /// Its name: 1 to 255 characters, any Unicode, `/` allowed, no control characters, no `.` or `..` segment.
    #[serde(borrow)]
    #[schema(value_type = String, min_length = 1, max_length = 255)]
    pub name: Cow<'a, str>,
    /// What it is. Without it: `json`.
    #[serde(rename = "type", borrow)]
    #[schema(value_type = Option<String>, example = "json")]
    pub artifact_type: Option<Cow<'a, str>>,
    /// For `json` an object, a list, or a string that is ready JSON text; for `text` the text; for every other type
    /// base64 of the bytes.
    #[serde(borrow)]
    #[schema(value_type = serde_json::Value)]
    pub data: &'a RawValue,
    /// A sentence about it.
    #[serde(borrow)]
    #[schema(value_type = Option<String>, max_length = 4096)]
    pub description: Option<Cow<'a, str>>,
    /// Words it can be found by.
    pub tags: Option<Vec<String>>,
    /// What else is to be noted about it: an object.
    #[schema(value_type = Option<serde_json::Value>)]
    pub metadata: Option<upnext_core::RawJson>,
    /// Seconds after which it is removed; without it, it stays as long as its job.
    #[schema(exclusive_minimum = 0)]
    pub expires_in: Option<f64>,
}

/// An artifact to make, as a form. All other fields stand before `file`.
#[derive(ToSchema)]
#[allow(dead_code, reason = "describes a body; the parts are read as they come")]
pub(crate) struct ArtifactForm {
    /// Its name; without it, the file's.
    #[schema(min_length = 1, max_length = 255)]
    name: Option<String>,
    /// What it is. Without it: by the name's extension, then by the first bytes.
    #[schema(rename = "type")]
    artifact_type: Option<String>,
    /// A sentence about it.
    description: Option<String>,
    /// Words it can be found by. Repeatable, or separated by commas.
    tags: Option<Vec<String>>,
    /// What else is to be noted about it: one JSON object as text.
    metadata: Option<String>,
    /// Seconds after which it is removed.
    #[schema(exclusive_minimum = 0)]
    expires_in: Option<f64>,
    /// The content: exactly one file. Its part may announce digests in its own headers.
    #[schema(value_type = String, format = Binary)]
    file: Vec<u8>,
}

/// The answer to a deletion.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ArtifactDeleted {
    /// Always `deleted`.
    pub status: &'static str,
    /// The artifact that was deleted.
    #[schema(format = "uuid")]
    pub id: String,
}

/// The bytes of an artifact.
#[derive(ToSchema)]
#[schema(value_type = String, format = Binary)]
#[allow(dead_code, reason = "describes a body; the bytes themselves are streamed")]
pub(crate) struct Content(Vec<u8>);
