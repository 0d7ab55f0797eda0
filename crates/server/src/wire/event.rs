//! Events as the live streams send them.

use serde::Serialize;
use upnext_core::Timestamp;
use utoipa::ToSchema;

use super::{Artifact, JobStatus};

/// What happened to a job. The stream sends the newest state of a job: steps in between may have been passed over.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct JobEvent {
    /// `job.queued`, `job.started`, `job.completed`, `job.failed`, `job.cancelled`, `job.retrying` or `job.progress`.
    #[serde(rename = "type")]
    pub event_type: &'static str,
    /// When it happened, as far as the job tells.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The job.
    #[schema(format = "uuid")]
    pub job_id: String,
    /// Key of the function it runs.
    pub function: String,
    /// The function's name as people read it.
    pub function_name: String,
    /// The job from inside which it was submitted.
    #[schema(format = "uuid")]
    pub parent_id: Option<String>,
    /// The top of its tree.
    #[schema(format = "uuid")]
    pub root_id: String,
    /// Where it stands.
    pub status: JobStatus,
    /// Attempts begun so far.
    pub attempt: u32,
    /// How far it is, from 0 to 1.
    pub progress: f64,
    /// The text last given with the progress.
    pub progress_message: Option<String>,
    /// The worker instance of the last attempt.
    pub worker_id: Option<String>,
    /// One line saying what went wrong last.
    pub error: Option<String>,
}

impl From<upnext_core::Job> for JobEvent {
    fn from(job: upnext_core::Job) -> Self {
        use upnext_core::JobStatus as Status;
        let (event_type, at) = match job.status {
            Status::Pending | Status::Queued => ("job.queued", Some(job.scheduled_at.min(job.created_at))),
            Status::Active if job.progress > 0.0 => ("job.progress", job.started_at),
            Status::Active => ("job.started", job.started_at),
            Status::Retrying => ("job.retrying", job.started_at),
            Status::Complete => ("job.completed", job.completed_at),
            Status::Failed => ("job.failed", job.completed_at),
            Status::Cancelled => ("job.cancelled", job.completed_at),
        };
        Self {
            event_type,
            at: at.unwrap_or(job.created_at),
            job_id: job.id.to_string(),
            function: job.function,
            function_name: job.function_name,
            parent_id: job.parent_id.map(|id| id.to_string()),
            root_id: job.root_id.to_string(),
            status: job.status.into(),
            attempt: job.attempts,
            progress: job.progress,
            progress_message: job.progress_message,
            worker_id: job.worker_id,
            error: job.error,
        }
    }
}

/// What happened to an artifact. The stream sends the newest state of an artifact: steps in between may have been passed
/// over, but the first event of an artifact is always that it was created.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ArtifactEvent {
    /// `artifact.created`, `artifact.updated` (it was closed, or what is written on it changed) or `artifact.deleted`.
    #[serde(rename = "type")]
    pub event_type: &'static str,
    /// When it happened, or when the server noticed.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The artifact's job.
    #[schema(format = "uuid")]
    pub job_id: String,
    /// The artifact.
    #[schema(format = "uuid")]
    pub artifact_id: String,
    /// What it is now; null when it is deleted.
    pub artifact: Option<Artifact>,
}

/// One message of the stream of all events.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(untagged)]
#[allow(dead_code, clippy::large_enum_variant, reason = "describes the messages; each is made by itself")]
pub(crate) enum StreamedEvent {
    /// `job.*`
    Job(JobEvent),
    /// `artifact.*`
    Artifact(ArtifactEvent),
}
