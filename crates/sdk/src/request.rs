//! A job about to be submitted, with options of its own.

use std::fmt;
use std::time::Duration;

use upnext_core::client::Submission;
use upnext_core::{Clock, RawJson, SystemClock, Timestamp};

use crate::app::UpNext;
use crate::error::Error;
use crate::future::{JobFuture, TaskResult};
use crate::task::Task;

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
    arguments: T::Arguments,
    options: Options,
}

#[derive(Debug, Clone, Default)]
struct Options {
    at: Option<Timestamp>,
    delay: Duration,
    priority: Option<i32>,
    idempotency_key: Option<String>,
    retries: Option<u32>,
    timeout: Option<Duration>,
}

impl<T: Task> Request<T> {
    /// A request with everything that the task's definition says.
    pub fn new(arguments: T::Arguments) -> Self {
        Self { arguments, options: Options::default() }
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
    pub fn at(mut self, moment: impl Into<Timestamp>) -> Self {
        self.options.at = Some(moment.into());
        self
    }

    /// This much later than now or, with `at`, than that.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.options.delay = delay;
        self
    }

    /// Jobs of a higher priority run first. Default 0.
    pub fn priority(mut self, priority: i32) -> Self {
        self.options.priority = Some(priority);
        self
    }

    /// While an unfinished job of the task has this key (1 to 256 characters), it stands for this request too.
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.options.idempotency_key = Some(key.into());
        self
    }

    /// Attempts after the first one, in place of the task's.
    pub fn retries(mut self, retries: u32) -> Self {
        self.options.retries = Some(retries);
        self
    }

    /// How long one attempt may run, in place of the task's timeout.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = Some(timeout);
        self
    }

    /// Submits the job. When this returns it is durable.
    ///
    /// # Errors
    /// [`Error::Submit`] when the job was not accepted.
    pub async fn submit(self, app: &UpNext) -> Result<JobFuture<T::Output>, Error> {
        let mut jobs = app.submit_all([self]).await?;
        jobs.pop().ok_or_else(|| Error::Invalid("the backend gave no answer to a submission".to_owned()))
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
        let options = self.options;
        let mut submission = submission_of::<T>(&self.arguments)?;
        submission.at = options.at;
        submission.delay = options.delay;
        submission.priority = options.priority.unwrap_or(submission.priority);
        submission.idempotency_key = options.idempotency_key;
        submission.retry.max_retries = options.retries.unwrap_or(submission.retry.max_retries);
        submission.timeout = options.timeout.unwrap_or(submission.timeout);
        Ok(submission)
    }
}

impl<T: Task> Clone for Request<T>
where
    T::Arguments: Clone,
{
    fn clone(&self) -> Self {
        Self { arguments: self.arguments.clone(), options: self.options.clone() }
    }
}

impl<T: Task> fmt::Debug for Request<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.options.fmt(f)
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
