//! Uploads that go straight to the storage, on the wire.

use serde::{Deserialize, Serialize};
use upnext_core::{RawJson, Timestamp};
use utoipa::ToSchema;

/// An artifact whose bytes will be put to an address.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PresignRequest {
    /// Its name: 1 to 255 characters, any Unicode, `/` allowed, no control characters, no `.` or `..` segment.
    #[schema(min_length = 1, max_length = 255)]
    pub name: String,
    /// What it is. Without it: by the name's extension, then by the first bytes.
    #[serde(rename = "type")]
    #[schema(example = "file/csv")]
    pub artifact_type: Option<String>,
    /// How many bytes will be put there. Others are refused then.
    pub size_bytes: Option<u64>,
    /// The SHA-256 digest they will have, in hex. Others are refused then.
    pub sha256: Option<String>,
    /// A sentence about it.
    pub description: Option<String>,
    /// Words it can be found by.
    pub tags: Option<Vec<String>>,
    /// What its maker notes about it: an object.
    #[schema(value_type = Option<serde_json::Value>)]
    pub metadata: Option<RawJson>,
    /// It is removed so many seconds after it was asked for; without it, it stays as long as its job.
    pub expires_in: Option<f64>,
    /// A request with the key of an earlier one of the same job means the same artifact.
    pub key: Option<String>,
}

/// Where to put the bytes of an artifact.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct PresignedUpload {
    /// Names the upload: `POST /jobs/{id}/artifacts/presigned/{upload_id}` completes it.
    pub upload_id: String,
    /// Takes the bytes as the body of one request, with no key and no further headers.
    pub upload_url: String,
    /// The method of that request: always `PUT`.
    pub method: String,
    /// Until when the address works.
    #[schema(value_type = String, format = DateTime)]
    pub expires_at: Timestamp,
}
