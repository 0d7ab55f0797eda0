//! Figures about artifacts on the wire.

use serde::Serialize;
use upnext_core::backend;
use utoipa::ToSchema;

/// How much is kept.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ArtifactStats {
    /// Of all artifacts.
    pub artifacts: ArtifactTotals,
}

/// How much there is of artifacts.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ArtifactTotals {
    /// Artifacts, older versions not counted.
    pub count: u64,
    /// Artifacts with all of their versions.
    pub versions: u64,
    /// Bytes of all versions together, as if each had its own.
    pub logical_bytes: u64,
    /// Bytes that are kept for them.
    pub stored_bytes: u64,
    /// Distinct contents that are kept.
    pub blobs: u64,
    /// How many times the stored bytes the logical ones are; 1 when nothing is kept twice, or nothing at all.
    pub deduplication: f64,
}

impl From<backend::ArtifactTotals> for ArtifactStats {
    fn from(totals: backend::ArtifactTotals) -> Self {
        let backend::ArtifactTotals { artifacts: count, versions, logical_bytes, blobs, stored_bytes } =
            totals;
        let deduplication = if stored_bytes == 0 { 1.0 } else { logical_bytes as f64 / stored_bytes as f64 };
        let artifacts = ArtifactTotals { count, versions, logical_bytes, stored_bytes, blobs, deduplication };
        Self { artifacts }
    }
}
