//! A job about to be submitted, with options of its own.

use std::fmt;
use std::marker::PhantomData;
use std::time::Duration;

use upnext_core::client::Submission;
use upnext_core::{Clock, RawJson, SystemClock, Timestamp};

use crate::app::UpNext;
use crate::error::Error;
use crate::future::{JobFuture, TaskResult};
use crate::task::Task;
use crate::transaction::Transaction;

/// A request to run a task, as the task's method `request` makes it. Nothing happens until it is submitted.
///
/// ```
/// # use std::time::Duration;
/// # use upnext::{UpNext, Worker};
/// #[upnext::task]
/// async fn report(kind: String) -> String {
///     kind
/// }
/// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let app = UpNext::open(&format!("sqlite://{}/u.db", folder.path().display())).await?;
/// let later = report.request("monthly".to_owned()).delay(Duration::from_secs(3600)).priority(5);
/// let job = later.idempotency_key("monthly-2026-01").submit(&app).await?;
/// assert!(job.created());
/// # let again = report.request("monthly".to_owned()).idempotency_key("monthly-2026-01").submit(&app).await?;
/// # assert_eq!((again.job_id(), again.created()), (job.job_id(), false));
/// # Ok(()) }
/// ```
#[must_use = "nothing happens until it is submitted"]
pub struct Request<T: Task> {
    /// What is wrong with it is said when it is submitted, so that describing it reads as one chain.
    submission: Result<Submission, Error>,
    task: PhantomData<fn() -> T>,
}

impl<T: Task> Request<T> {
    /// A request with everything that the task's definition says.
    pub fn new(arguments: &T::Arguments) -> Self {
        Self { submission: submission_of::<T>(arguments), task: PhantomData }
    }

    fn with(mut self, change: impl FnOnce(&mut Submission)) -> Self {
        if let Ok(submission) = &mut self.submission {
            change(submission);
        }
        self
    }

    /// Not before this moment, and `delay` after it if there is one.
    ///
    /// ```
    /// # #[upnext::task] async fn report() {}
    /// use std::time::{Duration, SystemTime};
    ///
    /// let moment: upnext::Timestamp = "2026-03-01T08:00:00+01:00".parse()?;
    /// let request = report.request().at(moment);
    /// let tomorrow = report.request().at(SystemTime::now() + Duration::from_secs(86_400));
    /// # let _ = (request, tomorrow);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn at(self, moment: impl Into<Timestamp>) -> Self {
        self.with(|submission| submission.at = Some(moment.into()))
    }

    /// This much later than now or, with `at`, than that.
    pub fn delay(self, delay: Duration) -> Self {
        self.with(|submission| submission.delay = delay)
    }

    /// Jobs of a higher priority run first. Default 0.
    pub fn priority(self, priority: i32) -> Self {
        self.with(|submission| submission.priority = priority)
    }

    /// While an unfinished job of the task has this key (1 to 256 characters), it stands for this request too.
    pub fn idempotency_key(self, key: impl Into<String>) -> Self {
        self.with(|submission| submission.idempotency_key = Some(key.into()))
    }

    /// Attempts after the first one, in place of the task's.
    pub fn retries(self, retries: u32) -> Self {
        self.with(|submission| submission.retry.max_retries = retries)
    }

    /// How long one attempt may run, in place of the task's timeout.
    pub fn timeout(self, timeout: Duration) -> Self {
        self.with(|submission| submission.timeout = timeout)
    }

    /// Words the job can be found by, beside the task's and those given before: each has 1 to 64 characters and no comma, and
    /// a job has at most 32.
    ///
    /// ```
    /// # #[upnext::task] async fn report() {}
    /// let request = report.request().tags(["nightly", "eu"]).tags([format!("customer-{}", 7)]);
    /// # let _ = request;
    /// ```
    pub fn tags<S: Into<String>>(self, tags: impl IntoIterator<Item = S>) -> Self {
        self.with(|submission| submission.tags.extend(tags.into_iter().map(Into::into)))
    }

    /// Submits the job. When this returns it is durable.
    ///
    /// # Errors
    /// [`Error::Submit`] when the job was not accepted.
    pub async fn submit(self, app: &UpNext) -> Result<JobFuture<T::Output>, Error> {
        let mut jobs = app.submit_all([self]).await?;
        jobs.pop().ok_or_else(|| Error::Invalid("the backend gave no answer to a submission".to_owned()))
    }

    /// Submits the job inside of a transaction of your own: it exists exactly if that commits, and begins then. Only where
    /// jobs live in the same PostgreSQL database. The future is of use after the commit.
    ///
    /// The transaction is a `&tokio_postgres::Transaction` (with the feature `tokio-postgres`), or [one of another
    /// driver](Transaction).
    ///
    /// ```no_run
    /// # #[cfg(feature = "tokio-postgres")]
    /// # async fn place(app: &upnext::UpNext, client: &mut tokio_postgres::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// # #[upnext::task] async fn ship(order: i64) {}
    /// let transaction = client.transaction().await?;
    /// transaction.execute("INSERT INTO orders (id) VALUES (7)", &[]).await?;
    /// let job = ship.request(7).submit_in(app, &transaction).await?;
    /// transaction.commit().await?;
    /// job.result().await?;
    /// # Ok(()) }
    /// ```
    ///
    /// # Errors
    /// [`Error::Submit`] when the job breaks a rule or jobs live elsewhere, [`Error::Transaction`] when the statement failed.
    pub async fn submit_in(
        self,
        app: &UpNext,
        transaction: impl Transaction,
    ) -> Result<JobFuture<T::Output>, Error> {
        let mut jobs = app.submit_all_in([self], transaction).await?;
        jobs.pop().ok_or_else(|| Error::Invalid("the database gave no answer to a submission".to_owned()))
    }

    /// Submits the job and waits for what it returns, at most as long as its timeout after it is due.
    ///
    /// # Errors
    /// As [`submit`](Self::submit) and [`JobFuture::result`].
    pub async fn wait(self, app: &UpNext) -> Result<TaskResult<T::Output>, Error> {
        self.submit(app).await?.result().await
    }

    /// Submits the job and waits for what it returns, at most this long. The job goes on if it takes longer.
    ///
    /// # Errors
    /// As [`wait`](Self::wait).
    pub async fn wait_within(self, app: &UpNext, timeout: Duration) -> Result<TaskResult<T::Output>, Error> {
        self.submit(app).await?.result_within(timeout).await
    }

    pub(crate) fn into_submission(self) -> Result<Submission, Error> {
        self.submission
    }
}

// Whatever the task is, and whether or not its arguments can be cloned: they are JSON already.
impl<T: Task> Clone for Request<T> {
    fn clone(&self) -> Self {
        Self { submission: self.submission.clone(), task: PhantomData }
    }
}

impl<T: Task> fmt::Debug for Request<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.submission.fmt(f)
    }
}

/// A request with everything that the task's definition says.
pub(crate) fn submission_of<T: Task>(arguments: &T::Arguments) -> Result<Submission, Error> {
    let definition = T::definition()?;
    let kwargs = RawJson::of(arguments).map_err(|error| {
        Error::Json(format!("the arguments of '{}' have no JSON form: {error}", definition.key))
    })?;
    Ok(Submission::to(&definition, kwargs))
}

/// How long a submitter waits who names no time: until the job is due, and then its timeout.
pub(crate) fn patience(submission: &Submission) -> Duration {
    let until = submission.at.map_or(Duration::ZERO, |at| at.since(SystemClock.now()));
    until.saturating_add(submission.delay).saturating_add(submission.timeout)
}
