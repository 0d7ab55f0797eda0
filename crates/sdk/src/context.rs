//! The running job, as code inside a task sees it.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio_util::sync::CancellationToken;
use upnext_artifacts::ArtifactService;
use upnext_core::backend::{LogEntry, Report, ReportEntry};
use upnext_core::job::{Lease, Parent};
use upnext_core::{ClaimedJob, Client, Clock, JobId, RawJson, SystemClock};

use crate::error::Error;
use crate::recording::Recording;
use crate::state::States;

/// Levels of log lines.
const LEVELS: [&str; 5] = ["debug", "info", "warning", "error", "critical"];

tokio::task_local! {
    static CURRENT: Context;
}

/// The job that is running. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Context {
    inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) job: ClaimedJob,
    pub(crate) client: Client,
    pub(crate) artifacts: ArtifactService,
    pub(crate) states: States,
    pub(crate) cancelled: CancellationToken,
    pub(crate) artifact_ttl: Option<Duration>,
    pub(crate) recording: Recording,
}

impl Context {
    pub(crate) fn new(inner: Inner) -> Self {
        Self { inner: Arc::new(inner) }
    }

    /// Runs a future as part of this job. What a task spawns is not part of it by itself:
    ///
    /// ```
    /// #[upnext::task]
    /// async fn crawl() -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    ///     let context = upnext::current_context();
    ///     let part = tokio::spawn(context.scope(async {
    ///         upnext::create_artifact("part.txt", "made by a spawned part", None).await
    ///     }));
    ///     part.await??;
    ///     Ok(())
    /// }
    /// ```
    pub async fn scope<F: Future>(self, task: F) -> F::Output {
        CURRENT.scope(self, task).await
    }

    pub(crate) fn job(&self) -> &ClaimedJob {
        &self.inner.job
    }

    pub(crate) fn kwargs(&self) -> &RawJson {
        &self.inner.job.kwargs
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

    /// Number of the last attempt that the task's policy grants.
    #[must_use]
    pub fn max_attempts(&self) -> u32 {
        self.inner.job.max_attempts
    }

    /// Key of the task.
    #[must_use]
    pub fn function(&self) -> &str {
        &self.inner.job.function
    }

    /// Name of the task as people read it.
    #[must_use]
    pub fn function_name(&self) -> &str {
        &self.inner.job.function_name
    }

    /// The idempotency key that the job was submitted with.
    #[must_use]
    pub fn idempotency_key(&self) -> Option<&str> {
        self.inner.job.idempotency_key.as_deref()
    }

    /// How long this attempt may run.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        self.inner.job.timeout
    }

    /// True once the attempt was told to stop: it was cancelled, ran too long, or the worker stops. The task's own future
    /// is dropped then; this is for what it leaves running, such as blocking work:
    ///
    /// ```
    /// #[upnext::task]
    /// async fn search() -> u64 {
    ///     let context = upnext::current_context();
    ///     let work = tokio::task::spawn_blocking(move || {
    ///         (0..1_000_000).take_while(|_| !context.is_cancelled()).sum()
    ///     });
    ///     work.await.unwrap_or_default()
    /// }
    /// ```
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.inner.cancelled.is_cancelled()
    }

    /// Returns once the attempt was told to stop; for what the task spawned.
    pub async fn cancelled(&self) {
        self.inner.cancelled.cancelled().await;
    }

    /// What the worker was given with [`Worker::state`](crate::Worker::state).
    ///
    /// # Errors
    /// [`Error::MissingState`] when it was given none of this type.
    pub fn state<T: Send + Sync + 'static>(&self) -> Result<Arc<T>, Error> {
        self.inner.states.get()
    }

    /// The state an earlier attempt saved with [`checkpoint`](Self::checkpoint).
    #[must_use]
    pub fn checkpoint_state(&self) -> Option<&RawJson> {
        self.inner.job.checkpoint.as_ref()
    }

    /// That state as a `T`; `None` when no attempt saved any.
    ///
    /// ```
    /// #[upnext::task(retries = 3)]
    /// async fn import(rows: u64) -> Result<u64, upnext::Error> {
    ///     let context = upnext::current_context();
    ///     let done: u64 = context.checkpoint_as()?.unwrap_or(0);
    ///     for row in done..rows {
    ///         // ... import the row ...
    ///         if row % 1000 == 0 {
    ///             context.checkpoint(&row).await?;
    ///         }
    ///     }
    ///     Ok(rows)
    /// }
    /// ```
    ///
    /// # Errors
    /// [`Error::Json`] when it has another shape.
    pub fn checkpoint_as<T: DeserializeOwned>(&self) -> Result<Option<T>, Error> {
        self.checkpoint_state().map(RawJson::read).transpose().map_err(|error| {
            Error::Json(format!(
                "the checkpoint of '{}' does not have the expected type: {error}",
                self.function()
            ))
        })
    }

    /// Notes how far the job is, between 0 and 1, with a word about it.
    ///
    /// # Errors
    /// When `fraction` is out of range or the backend fails.
    pub async fn set_progress(&self, fraction: f64, message: Option<&str>) -> Result<(), Error> {
        if !(0.0..=1.0).contains(&fraction) {
            return Err(Error::Invalid(format!("progress is {fraction}: it must be between 0 and 1")));
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
    /// [`Error::Invalid`] for another level; else when the backend fails.
    pub async fn send_log(&self, level: &str, message: &str) -> Result<(), Error> {
        self.log(level, message, None).await
    }

    /// Writes a line with further fields, one JSON object, to the job's log.
    ///
    /// ```
    /// #[upnext::task]
    /// async fn load() -> Result<(), upnext::Error> {
    ///     let context = upnext::current_context();
    ///     context.send_log_with("info", "loaded", &serde_json::json!({"rows": 42})).await
    /// }
    /// ```
    ///
    /// # Errors
    /// As [`send_log`](Self::send_log); [`Error::Json`] when the fields are no JSON object.
    pub async fn send_log_with<T: Serialize + ?Sized + Sync>(
        &self,
        level: &str,
        message: &str,
        fields: &T,
    ) -> Result<(), Error> {
        let extra = RawJson::of(fields).map_err(|error| Error::Json(error.to_string()))?;
        if !extra.as_str().starts_with('{') {
            return Err(Error::Json("the fields of a log line must be one JSON object".to_owned()));
        }
        self.log(level, message, Some(extra)).await
    }

    async fn log(&self, level: &str, message: &str, extra: Option<RawJson>) -> Result<(), Error> {
        if !LEVELS.contains(&level) {
            return Err(Error::Invalid(format!(
                "'{level}' is not a level of log lines: use one of {}",
                LEVELS.join(", ")
            )));
        }
        let (level, message) = (level.to_owned(), message.to_owned());
        self.report(ReportEntry::Log(LogEntry { at: SystemClock.now(), level, message, extra })).await
    }

    /// Keeps a line that came through `tracing`.
    pub(crate) fn record(&self, entry: LogEntry) {
        self.inner.recording.push(entry, &self.inner.client, self.lease());
    }

    /// Waits until the recorded lines are kept.
    pub(crate) async fn end_recording(&self) {
        self.inner.recording.end().await;
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
