//! Errors, named for what the caller can do about them.

use std::time::Duration;

use crate::id::JobId;
use serde::{Deserialize, Serialize};

/// Why a backend could not carry out a verb. Refusals of single items are part of the verbs' answers, not of this.
#[derive(Debug, Clone, Serialize, Deserialize, thiserror::Error)]
pub enum BackendError {
    /// It cannot be reached or is busy. The same call may succeed later.
    #[error("the job database is unavailable: {0}")]
    Unavailable(String),
    /// Its disk is full. The same call may succeed once there is room.
    #[error("the disk under the job database is full: {0}; free some space, nothing was written")]
    Full(String),
    /// It cannot be opened as it is configured (missing rights, not a database, unknown URL).
    #[error("{0}")]
    Unusable(String),
    /// It was written by a newer version.
    #[error("{0}")]
    TooNew(String),
    /// It answered something that should not be possible. A bug or a damaged file.
    #[error("the job database gave an unexpected answer: {0}")]
    Unexpected(String),
}

impl BackendError {
    /// True when the same call may succeed later without anybody changing the configuration.
    #[must_use]
    pub const fn retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Full(_))
    }
}

/// Why a job was not accepted. Nothing was stored.
#[derive(Debug, Clone, thiserror::Error)]
pub enum SubmitError {
    /// The request breaks a rule; the sentence names it.
    #[error("{0}")]
    Invalid(String),
    /// No worker ever registered this function.
    #[error("{0}")]
    UnknownFunction(String),
    /// The backend failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// Why waiting for a job ended without its final status.
#[derive(Debug, Clone, thiserror::Error)]
pub enum WaitError {
    /// It had not ended in time. The job goes on.
    #[error("job {job_id} had not ended after {waited:?}; it goes on, and can be waited for again")]
    TimedOut {
        /// The job.
        job_id: JobId,
        /// How long the caller was ready to wait.
        waited: Duration,
    },
    /// There is no such job.
    #[error("there is no job {0}")]
    UnknownJob(JobId),
    /// The backend failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
}
