//! A submitted job as its submitter holds it, what it returned, and the first of several.

use std::future::{Future, IntoFuture};
use std::marker::PhantomData;
use std::pin::Pin;
use std::time::Duration;

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use serde::de::DeserializeOwned;
use upnext_core::backend::Cancelled;
use upnext_core::job::Enqueued;
use upnext_core::{Client, Job, JobId, JobStatus, RawJson};

use crate::error::Error;

/// A job that was submitted. `.await` is short for [`result`](Self::result).
#[derive(Debug, Clone)]
pub struct JobFuture<T> {
    client: Client,
    enqueued: Enqueued,
    timeout: Option<Duration>,
    output: PhantomData<fn() -> T>,
}

impl<T> JobFuture<T> {
    pub(crate) const fn new(client: Client, enqueued: Enqueued, timeout: Option<Duration>) -> Self {
        Self { client, enqueued, timeout, output: PhantomData }
    }

    /// The job.
    #[must_use]
    pub const fn job_id(&self) -> JobId {
        self.enqueued.id
    }

    /// False when an unfinished job with the same idempotency key stands for the request.
    #[must_use]
    pub const fn created(&self) -> bool {
        self.enqueued.created
    }

    /// Asks for the job's end. True when it was cancelled or will be, false when it had ended.
    ///
    /// # Errors
    /// When the backend fails.
    pub async fn cancel(&self) -> Result<bool, Error> {
        let cancelled = self.client.cancel(self.job_id()).await?;
        Ok(matches!(cancelled, Cancelled::AtOnce | Cancelled::Requested))
    }
}

impl<T: DeserializeOwned> JobFuture<T> {
    /// Waits for the job's end, at most as long as its task's timeout after it is due; a job that was submitted by name
    /// is waited for without end.
    ///
    /// Many jobs are waited for with the combinators of the crate `futures`:
    ///
    /// ```
    /// # use upnext::{UpNext, Worker};
    /// # #[upnext::task] async fn double(n: i64) -> i64 { 2 * n }
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let app = UpNext::open(&format!("sqlite://{}/u.db", folder.path().display())).await?;
    /// # let worker = Worker::new("w").task(double).start(&app).await?;
    /// let jobs = app.submit_all((1..=3).map(|n| double.request(n))).await?;
    /// let results = futures::future::try_join_all(jobs.iter().map(|job| job.result())).await?;
    /// assert_eq!(results.iter().map(|result| result.value).sum::<i64>(), 12);
    /// # worker.stop(std::time::Duration::from_secs(3)).await;
    /// # Ok(()) }
    /// ```
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
    pub async fn result_within(&self, timeout: impl Into<Option<Duration>>) -> Result<TaskResult<T>, Error> {
        let job = self.client.wait(self.job_id(), timeout.into()).await?;
        TaskResult::of(job)
    }
}

impl<T: DeserializeOwned + 'static> IntoFuture for JobFuture<T> {
    type Output = Result<TaskResult<T>, Error>;
    type IntoFuture = Pin<Box<dyn Future<Output = Self::Output> + Send>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { self.result().await })
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

/// Waits for the first of these jobs that completes and cancels the others.
///
/// They are cancelled as well when this future is dropped before its end, by `tokio::time::timeout` for example.
///
/// ```
/// # use upnext::{UpNext, Worker};
/// # #[upnext::task] async fn ask(host: String) -> String {
/// #     if host == "slow" { std::future::pending::<()>().await }
/// #     host
/// # }
/// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let app = UpNext::open(&format!("sqlite://{}/u.db", folder.path().display())).await?;
/// # let worker = Worker::new("w").task(ask).start(&app).await?;
/// let jobs = app.submit_all(["slow", "fast"].map(|host| ask.request(host.to_owned()))).await?;
/// assert_eq!(upnext::first_completed(jobs).await?.value, "fast");
/// # worker.stop(std::time::Duration::from_secs(3)).await;
/// # Ok(()) }
/// ```
///
/// # Errors
/// [`Error::NoneCompleted`] with the error of each when none completes.
pub async fn first_completed<T: DeserializeOwned>(
    jobs: impl IntoIterator<Item = JobFuture<T>>,
) -> Result<TaskResult<T>, Error> {
    let jobs: Vec<JobFuture<T>> = jobs.into_iter().collect();
    let mut others = Others(jobs.iter().map(|job| (job.client.clone(), job.job_id())).collect());
    let mut running: FuturesUnordered<_> =
        jobs.iter().map(async |job| (job.job_id(), job.result().await)).collect();
    let mut errors = Vec::new();
    let mut first = None;
    while let Some((id, ended)) = running.next().await {
        if !matches!(ended, Err(Error::Wait(_) | Error::Backend(_))) {
            others.0.retain(|(_, other)| *other != id);
        }
        match ended {
            Ok(result) => {
                first = Some(result);
                break;
            }
            Err(error) => errors.push(error),
        }
    }
    others.cancel().await;
    first.ok_or(Error::NoneCompleted(errors))
}

/// Jobs to be cancelled in any case.
struct Others(Vec<(Client, JobId)>);

impl Others {
    async fn cancel(&mut self) {
        // Taken one by one: what is left when this is dropped is cancelled then.
        while let Some((client, id)) = self.0.pop() {
            cancel_unneeded(&client, id).await;
        }
    }
}

impl Drop for Others {
    fn drop(&mut self) {
        if self.0.is_empty() {
            return;
        }
        let rest = std::mem::take(&mut self.0);
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            runtime.spawn(async move {
                for (client, id) in rest {
                    cancel_unneeded(&client, id).await;
                }
            });
        }
    }
}

async fn cancel_unneeded(client: &Client, id: JobId) {
    if let Err(error) = client.cancel(id).await {
        tracing::warn!(%error, job_id = %id, "a job that is not needed any more could not be cancelled");
    }
}
