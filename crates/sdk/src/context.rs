//! The running job, as code inside a task sees it.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use tokio_util::sync::CancellationToken;
use upnext_artifacts::ArtifactService;
use upnext_core::backend::{LogEntry, Report, ReportEntry};
use upnext_core::job::{Lease, Parent};
use upnext_core::{ClaimedJob, Client, Clock, JobId, RawJson, SystemClock};

use crate::error::Error;

tokio::task_local! {
    static CURRENT: Context;
}

/// The job that is running. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Context {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    job: ClaimedJob,
    client: Client,
    artifacts: ArtifactService,
    cancelled: CancellationToken,
    artifact_ttl: Option<Duration>,
}

impl Context {
    pub(crate) fn new(
        job: ClaimedJob,
        client: Client,
        artifacts: ArtifactService,
        cancelled: CancellationToken,
        artifact_ttl: Option<Duration>,
    ) -> Self {
        Self { inner: Arc::new(Inner { job, client, artifacts, cancelled, artifact_ttl }) }
    }

    /// Runs `task` with this as its current context.
    pub(crate) async fn scope<F: Future>(self, task: F) -> F::Output {
        CURRENT.scope(self, task).await
    }

    /// The job.
    #[must_use]
    pub fn job_id(&self) -> JobId {
        self.inner.job.lease.job_id
    }

    /// The job that submitted it.
    #[must_use]
    pub fn parent_id(&self) -> Option<JobId> {
        self.inner.job.parent_id
    }

    /// The top of its tree.
    #[must_use]
    pub fn root_id(&self) -> JobId {
        self.inner.job.root_id
    }

    /// Number of this attempt, 1 for the first.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.inner.job.attempt
    }

    /// Key of the task.
    #[must_use]
    pub fn function(&self) -> &str {
        &self.inner.job.function
    }

    /// True once the attempt was told to stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.inner.cancelled.is_cancelled()
    }

    /// The state an earlier attempt saved with [`checkpoint`](Self::checkpoint).
    #[must_use]
    pub fn checkpoint_state(&self) -> Option<&RawJson> {
        self.inner.job.checkpoint.as_ref()
    }

    /// Notes how far the job is, between 0 and 1, with a word about it.
    ///
    /// # Errors
    /// When `fraction` is out of range or the backend fails.
    pub async fn set_progress(&self, fraction: f64, message: Option<&str>) -> Result<(), Error> {
        if !(0.0..=1.0).contains(&fraction) {
            return Err(Error::Json(format!("progress is {fraction}: it must be between 0 and 1")));
        }
        self.report(ReportEntry::Progress { fraction, message: message.map(str::to_owned) }).await
    }

    /// Saves state that the next attempt finds in [`checkpoint_state`](Self::checkpoint_state).
    ///
    /// # Errors
    /// When the state has no JSON form or the backend fails.
    pub async fn checkpoint<T: Serialize + ?Sized + Sync>(&self, state: &T) -> Result<(), Error> {
        let state = RawJson::of(state).map_err(|error| Error::Json(error.to_string()))?;
        self.report(ReportEntry::Checkpoint(state)).await
    }

    /// Writes a line to the job's log. Levels are `debug`, `info`, `warning`, `error`, `critical`.
    ///
    /// # Errors
    /// When the backend fails.
    pub async fn send_log(&self, level: &str, message: &str) -> Result<(), Error> {
        let entry = LogEntry {
            at: SystemClock.now(),
            level: level.to_owned(),
            message: message.to_owned(),
            extra: None,
        };
        self.report(ReportEntry::Log(entry)).await
    }

    async fn report(&self, entry: ReportEntry) -> Result<(), Error> {
        let report = Report { lease: self.lease(), entry };
        Ok(self.inner.client.backend().report(vec![report]).await?)
    }

    pub(crate) fn artifacts(&self) -> &ArtifactService {
        &self.inner.artifacts
    }

    /// How long artifacts stay that name no time themselves.
    pub(crate) fn artifact_ttl(&self) -> Option<Duration> {
        self.inner.artifact_ttl
    }

    pub(crate) fn lease(&self) -> Lease {
        self.inner.job.lease
    }
}

/// The job that is running.
///
/// # Panics
/// Outside of a job.
#[must_use]
pub fn current_context() -> Context {
    CURRENT.try_with(Clone::clone).expect("current_context() was called outside of a job")
}

/// The job that is running, if one is.
pub(crate) fn try_current() -> Option<Context> {
    CURRENT.try_with(Clone::clone).ok()
}

/// Where a job submitted from here belongs in the tree of jobs.
pub(crate) fn current_parent() -> Option<Parent> {
    try_current().map(|context| Parent { parent_id: context.job_id(), root_id: context.root_id() })
}
