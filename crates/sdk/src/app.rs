//! The application's handle: opens the deployment, submits, waits.

use std::marker::PhantomData;
use std::sync::Arc;
use std::time::Duration;

use serde::de::DeserializeOwned;
use upnext_artifacts::ArtifactService;
use upnext_backends::Deployment;
use upnext_core::backend::Cancelled;
use upnext_core::client::Submission;
use upnext_core::{Client, Job, JobId, JobStatus, RawJson, Settings};

use crate::context;
use crate::error::Error;
use crate::task::Task;

/// A deployment of UpNext: where jobs and artifacts are kept. Cheap to clone.
#[derive(Debug, Clone)]
pub struct UpNext {
    deployment: Deployment,
}

impl UpNext {
    /// Opens what the `UPNEXT_*` variables name; with none set, `~/.upnext`.
    ///
    /// # Errors
    /// [`Error::Open`] with one sentence that names the setting or file.
    pub async fn from_env() -> Result<Self, Error> {
        let loaded = Settings::from_env().map_err(|error| Error::Open(error.to_string()))?;
        for warning in &loaded.warnings {
            tracing::warn!("{warning}");
        }
        Self::with_settings(loaded.settings).await
    }

    /// Opens the database that `url` names (`sqlite:///path/to/upnext.db`); everything else, the place of large artifacts
    /// too, comes from the environment.
    ///
    /// # Errors
    /// [`Error::Open`] with one sentence that names the setting or file.
    pub async fn open(url: &str) -> Result<Self, Error> {
        let loaded = Settings::from_env().map_err(|error| Error::Open(error.to_string()))?;
        let settings = upnext_backends::with_url(loaded.settings, url)
            .map_err(|error| Error::Open(error.to_string()))?;
        Self::with_settings(settings).await
    }

    async fn with_settings(settings: Settings) -> Result<Self, Error> {
        let opened = upnext_backends::open(settings).await;
        opened.map(|deployment| Self { deployment }).map_err(|error| Error::Open(error.to_string()))
    }

    /// Makes and reads artifacts.
    #[must_use]
    pub const fn artifacts(&self) -> &ArtifactService {
        &self.deployment.artifacts
    }

    /// The client underneath, for what has no method here.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.deployment.client
    }

    pub(crate) fn settings(&self) -> &Arc<Settings> {
        &self.deployment.settings
    }

    /// Submits a job for a task. `#[upnext::task]` gives each task a `submit` method around this.
    ///
    /// # Errors
    /// [`Error::Submit`] when the job was not accepted.
    pub async fn submit<T: Task>(&self, arguments: &T::Arguments) -> Result<JobFuture<T::Output>, Error> {
        let definition = T::definition();
        let kwargs = RawJson::of(arguments).map_err(|error| {
            Error::Json(format!("the arguments of '{}' have no JSON form: {error}", definition.key))
        })?;
        self.submit_to(&Submission::to(&definition, kwargs)).await
    }

    /// Submits a job for a function known only by name, with the policy its workers registered. Its result is read as
    /// a `T`.
    ///
    /// ```
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let app = upnext::UpNext::open(&format!("sqlite://{}/u.db", folder.path().display())).await?;
    /// let error = app.call::<i64>("nobody-offers-this", &serde_json::json!({})).await.unwrap_err();
    /// assert!(error.to_string().starts_with("there is no function 'nobody-offers-this'"));
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Submit`] when no worker ever registered it or the arguments do not fit.
    pub async fn call<T: DeserializeOwned>(
        &self,
        function: &str,
        arguments: &serde_json::Value,
    ) -> Result<JobFuture<T>, Error> {
        let kwargs = RawJson::of(arguments).map_err(|error| Error::Json(error.to_string()))?;
        let enqueued = self.client().call(function, kwargs).await?;
        Ok(self.future(enqueued.id, None))
    }

    async fn submit_to<T>(&self, submission: &Submission) -> Result<JobFuture<T>, Error> {
        let parent = context::current_parent();
        let timeout = submission.timeout;
        let enqueued = self.client().submit(Submission { parent, ..submission.clone() }).await?;
        Ok(self.future(enqueued.id, Some(timeout)))
    }

    fn future<T>(&self, job_id: JobId, timeout: Option<Duration>) -> JobFuture<T> {
        JobFuture { client: self.client().clone(), job_id, timeout, output: PhantomData }
    }
}

/// A job that was submitted.
#[derive(Debug, Clone)]
pub struct JobFuture<T> {
    client: Client,
    job_id: JobId,
    timeout: Option<Duration>,
    output: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned> JobFuture<T> {
    /// The job.
    #[must_use]
    pub const fn job_id(&self) -> JobId {
        self.job_id
    }

    /// Waits for the job's end, at most as long as its task's timeout.
    ///
    /// # Errors
    /// [`Error::Job`] when it failed or was cancelled, [`Error::Wait`] when it took longer.
    pub async fn result(&self) -> Result<TaskResult<T>, Error> {
        self.result_within(self.timeout).await
    }

    /// Waits for the job's end, at most this long; `None` waits for ever.
    ///
    /// # Errors
    /// As [`result`](Self::result).
    pub async fn result_within(&self, timeout: Option<Duration>) -> Result<TaskResult<T>, Error> {
        let job = self.client.wait(self.job_id, timeout).await?;
        TaskResult::of(job)
    }

    /// Asks for the job's end. True when it was cancelled or will be, false when it had ended.
    ///
    /// # Errors
    /// When the backend fails.
    pub async fn cancel(&self) -> Result<bool, Error> {
        let cancelled = self.client.cancel(self.job_id).await?;
        Ok(matches!(cancelled, Cancelled::AtOnce | Cancelled::Requested))
    }
}

/// What a job returned, with the job as it ended.
#[derive(Debug, Clone)]
pub struct TaskResult<T> {
    /// What the task returned.
    pub value: T,
    /// The job.
    pub job: Job,
}

impl<T: DeserializeOwned> TaskResult<T> {
    fn of(job: Job) -> Result<Self, Error> {
        if job.status != JobStatus::Complete {
            return Err(Error::Job {
                job_id: job.id,
                function: job.function,
                status: job.status,
                reason: job.failure_reason,
                message: job.error.unwrap_or_else(|| "no reason was given".to_owned()),
            });
        }
        let result = job.result.clone().unwrap_or_else(RawJson::null);
        let value = result.read().map_err(|error| {
            Error::Json(format!("the result of '{}' does not have the expected type: {error}", job.function))
        })?;
        Ok(Self { value, job })
    }
}
