//! What can go wrong for callers of this crate.

use upnext_core::error::{BackendError, SubmitError, WaitError};
use upnext_core::{FailureReason, JobId, JobStatus};

/// Why a call did not give what was asked for.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Settings, database or storage cannot be used.
    #[error("{0}")]
    Open(String),
    /// The job was not accepted; nothing was stored.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// Waiting ended without the job's end.
    #[error(transparent)]
    Wait(#[from] WaitError),
    /// The backend failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The job ended without a result.
    #[error("job {job_id} ({function}) {status}: {message}")]
    Job {
        /// The job.
        job_id: JobId,
        /// Key of its task.
        function: String,
        /// `failed` or `cancelled`.
        status: JobStatus,
        /// Why.
        reason: Option<FailureReason>,
        /// One line saying what went wrong.
        message: String,
    },
    /// A value has no JSON form, or a result is not of the expected type.
    #[error("{0}")]
    Json(String),
}
