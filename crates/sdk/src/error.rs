//! What can go wrong for callers of this crate.

use std::sync::Arc;

use upnext_core::error::{BackendError, SubmitError, WaitError};
use upnext_core::{FailureReason, JobId, JobStatus};

/// Why a call did not give what was asked for.
#[derive(Debug, Clone, thiserror::Error)]
pub enum Error {
    /// Settings, database or storage cannot be used.
    #[error("{0}")]
    Open(String),
    /// An option of a task breaks its rule. Nothing was submitted, no worker was started.
    #[error("{0}")]
    Definition(String),
    /// The job was not accepted; nothing was stored.
    #[error(transparent)]
    Submit(#[from] SubmitError),
    /// Waiting ended without the job's end.
    #[error(transparent)]
    Wait(#[from] WaitError),
    /// The backend failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// The statement that submits inside of a transaction failed: the transaction can only be rolled back.
    #[error("nothing was submitted in the transaction: {0}")]
    Transaction(#[source] Arc<dyn std::error::Error + Send + Sync>),
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
    /// Of the jobs that were raced, none completed.
    #[error("none of {} jobs completed: {}", .0.len(), first_of(.0))]
    NoneCompleted(Vec<Error>),
    /// A value has no JSON form, or a result is not of the expected type.
    #[error("{0}")]
    Json(String),
    /// A value that is out of its range.
    #[error("{0}")]
    Invalid(String),
    /// A task asks for a state that its worker was not given.
    #[error("{0}")]
    MissingState(String),
}

fn first_of(errors: &[Error]) -> String {
    errors.first().map_or_else(|| "there was none to wait for".to_owned(), ToString::to_string)
}
