//! What may be changed about an artifact, and what may be noted about it.

use serde::{Deserialize, Deserializer};
use upnext_core::{RawJson, Timestamp};
use utoipa::ToSchema;

/// Changes to an artifact. A field that is left out stays as it is; null takes its value away.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ArtifactPatch {
    /// A new description.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, max_length = 4096)]
    pub description: Option<Option<String>>,
    /// New tags in the place of the old ones.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<Vec<String>>)]
    pub tags: Option<Option<Vec<String>>>,
    /// New metadata: an object.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<serde_json::Value>)]
    pub metadata: Option<Option<RawJson>>,
    /// Whether it outlives every rule of retention.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<bool>)]
    pub pinned: Option<Option<bool>>,
    /// When it is removed; null: not before its job.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<String>, format = DateTime)]
    pub expires_at: Option<Option<Timestamp>>,
    /// Seconds from now after which it is removed; instead of `expires_at`.
    #[serde(default, deserialize_with = "given")]
    #[schema(value_type = Option<f64>, exclusive_minimum = 0)]
    pub expires_in: Option<Option<f64>>,
}

/// Keeps null and a field that was left out apart.
fn given<'de, T: Deserialize<'de>, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<Option<Option<T>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// A job that has read an artifact.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ArtifactRead {
    /// The job.
    #[schema(format = "uuid")]
    pub job_id: String,
}
