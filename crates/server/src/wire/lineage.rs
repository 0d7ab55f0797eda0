//! Where artifacts come from and where they go: artifact, job, artifact, and so on.

use serde::Serialize;
use utoipa::ToSchema;

use super::{Artifact, Run};

/// One artifact, the job that made it, what that job read, and who read the artifact.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ArtifactLineage {
    /// The artifact.
    pub artifact: Artifact,
    /// The job that made it.
    pub made_by: Run,
    /// Artifacts that this job read: the newest 100.
    pub inputs: Vec<Artifact>,
    /// How many it read.
    pub inputs_total: u64,
    /// Jobs that read the artifact: the newest 100.
    pub read_by: Vec<Run>,
    /// How many read it.
    pub read_by_total: u64,
}

/// One job, what it read, and what it made.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct JobLineage {
    /// The job.
    pub job: Run,
    /// Artifacts that it read: the newest 100.
    pub reads: Vec<Artifact>,
    /// How many it read.
    pub reads_total: u64,
    /// Artifacts that it made, older versions left out: the newest 100.
    pub makes: Vec<Artifact>,
    /// How many it made, older versions left out.
    pub makes_total: u64,
}
