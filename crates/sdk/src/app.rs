//! The application's handle: opens the deployment, submits, waits.

use std::sync::Arc;
use std::time::Duration;

use serde::Serialize;
use serde::de::DeserializeOwned;
use upnext_artifacts::ArtifactService;
use upnext_backends::Deployment;
use upnext_core::client::Submission;
use upnext_core::job::Enqueued;
use upnext_core::{Client, RawJson, Settings};

use crate::context;
use crate::error::Error;
use crate::event::{self, Delivery};
use crate::future::JobFuture;
use crate::request::{Request, patience, submission_of};
use crate::task::Task;
use crate::transaction::{self, Transaction};

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
        let mut submission = submission_of::<T>(arguments)?;
        submission.parent = context::current_parent();
        let timeout = submission.timeout;
        Ok(self.future(self.client().submit(submission).await?, Some(timeout)))
    }

    /// Submits many jobs of one task in one step: all of them or none. The answer has their order.
    ///
    /// ```
    /// # use upnext::UpNext;
    /// # #[upnext::task] async fn resize(path: String) {}
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let app = UpNext::open(&format!("sqlite://{}/u.db", folder.path().display())).await?;
    /// let paths = ["a.png", "b.png"];
    /// let jobs = app.submit_all(paths.map(|path| resize.request(path.to_owned()).priority(-1))).await?;
    /// assert_eq!(jobs.len(), 2);
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Submit`] about the first request that breaks a rule.
    pub async fn submit_all<T: Task>(
        &self,
        requests: impl IntoIterator<Item = Request<T>>,
    ) -> Result<Vec<JobFuture<T::Output>>, Error> {
        let (submissions, waits) = described(requests)?;
        let enqueued = self.client().submit_many(submissions).await?;
        Ok(enqueued.into_iter().zip(waits).map(|(job, wait)| self.future(job, Some(wait))).collect())
    }

    /// Submits many jobs of one task inside of a transaction of your own; see [`Request::submit_in`].
    ///
    /// # Errors
    /// As [`Request::submit_in`], about the first request that breaks a rule.
    pub async fn submit_all_in<T: Task>(
        &self,
        requests: impl IntoIterator<Item = Request<T>>,
        transaction: impl Transaction,
    ) -> Result<Vec<JobFuture<T::Output>>, Error> {
        let (submissions, waits) = described(requests)?;
        if submissions.is_empty() {
            return Ok(Vec::new());
        }
        let statement = self.client().statement(submissions).await?;
        let enqueued = transaction::run(transaction, statement).await?;
        Ok(enqueued.into_iter().zip(waits).map(|(job, wait)| self.future(job, Some(wait))).collect())
    }

    /// Sends an event: one job for each handler (`#[upnext::task(event = ...)]`, or one in Python) whose pattern fits,
    /// with the fields of `data` as its arguments. For an idempotency key and for handlers that no worker has offered yet
    /// see [`event`](crate::event()).
    ///
    /// ```
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let app = upnext::UpNext::open(&format!("sqlite://{}/u.db", folder.path().display())).await?;
    /// let deliveries = app.send_event("order.placed", &serde_json::json!({"order": 7})).await?;
    /// assert!(deliveries.is_empty(), "nobody handles it");
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// As [`EventBuilder::send`](crate::EventBuilder::send).
    pub async fn send_event<D: Serialize + ?Sized + Sync>(
        &self,
        name: &str,
        data: &D,
    ) -> Result<Vec<Delivery>, Error> {
        event::event(name).send(self, data).await
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
        Ok(self.future(enqueued, None))
    }

    pub(crate) fn future<T>(&self, enqueued: Enqueued, timeout: Option<Duration>) -> JobFuture<T> {
        JobFuture::new(self.client().clone(), enqueued, timeout)
    }
}

/// What is submitted, from inside the running job if there is one, and how long its submitter waits.
fn described<T: Task>(
    requests: impl IntoIterator<Item = Request<T>>,
) -> Result<(Vec<Submission>, Vec<Duration>), Error> {
    let parent = context::current_parent();
    let with_parent = |submission| Submission { parent, ..submission };
    let submissions = requests
        .into_iter()
        .map(|request| request.into_submission().map(with_parent))
        .collect::<Result<Vec<_>, _>>()?;
    let waits = submissions.iter().map(patience).collect();
    Ok((submissions, waits))
}
