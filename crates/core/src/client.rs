//! The client: checks what callers ask for, hands it to the backend, and lets them wait for jobs.
//!
//! Every face (Python, Rust, command line, REST) submits, waits and cancels through this type, so that all of them
//! refuse the same things with the same words.

use std::sync::Arc;
use std::time::Duration;

use crate::backend::{Backend, Cancelled, Retried};
use crate::error::{BackendError, SubmitError, WaitError};
use crate::fault;
use crate::function::{DEFAULT_TIMEOUT, FunctionDefinition, RetryPolicy};
use crate::id::JobId;
use crate::job::{DEFAULT_PRIORITY, Enqueued, Job, JobType, MAX_PAYLOAD_BYTES, NewJob, Parent, RawJson};
use crate::waiters::Waiters;

/// Longest idempotency key, in characters after trimming.
pub const MAX_IDEMPOTENCY_KEY_CHARS: usize = 256;

/// A request to run a function, before it becomes a job.
#[derive(Debug, Clone)]
pub struct Submission {
    /// Key of the function.
    pub function: String,
    /// Its name as people read it.
    pub function_name: String,
    /// Named arguments: one JSON object.
    pub kwargs: RawJson,
    /// While an unfinished job of this function has this key, it stands for this request too.
    pub idempotency_key: Option<String>,
    /// Higher runs first.
    pub priority: i32,
    /// What to do when an attempt fails.
    pub retry: RetryPolicy,
    /// How long one attempt may run.
    pub timeout: Duration,
    /// The job from inside which this is submitted.
    pub parent: Option<Parent>,
}

impl Submission {
    /// A request with the defaults of a task that names none.
    #[must_use]
    pub fn new(function: impl Into<String>, kwargs: RawJson) -> Self {
        let function = function.into();
        Self {
            function_name: function.clone(),
            function,
            kwargs,
            idempotency_key: None,
            priority: DEFAULT_PRIORITY,
            retry: RetryPolicy::default(),
            timeout: DEFAULT_TIMEOUT,
            parent: None,
        }
    }

    /// A request with the policy that the function's workers registered.
    #[must_use]
    pub fn to(definition: &FunctionDefinition, kwargs: RawJson) -> Self {
        Self {
            function_name: definition.name.clone(),
            retry: definition.retry,
            timeout: definition.timeout(),
            ..Self::new(definition.key.clone(), kwargs)
        }
    }
}

/// A cheap handle over one backend. Clones share their waiters.
#[derive(Debug, Clone)]
pub struct Client {
    backend: Arc<dyn Backend>,
    waiters: Arc<Waiters>,
}

impl Client {
    /// A client of this backend.
    #[must_use]
    pub fn new(backend: Arc<dyn Backend>) -> Self {
        Self { waiters: Arc::new(Waiters::new(Arc::clone(&backend))), backend }
    }

    /// The backend, for the verbs that need no checking.
    #[must_use]
    pub fn backend(&self) -> &Arc<dyn Backend> {
        &self.backend
    }

    /// Accepts one job. When this returns it is durable; it waits if no worker runs.
    ///
    /// # Errors
    /// [`SubmitError::Invalid`] when the request breaks a rule, [`SubmitError::Backend`] when nothing could be stored.
    pub async fn submit(&self, submission: Submission) -> Result<Enqueued, SubmitError> {
        let mut enqueued = self.submit_many(vec![submission]).await?;
        enqueued.pop().ok_or_else(|| BackendError::Unexpected("no answer to enqueue".into()).into())
    }

    /// Accepts many jobs in one step: all of them or none.
    ///
    /// # Errors
    /// As [`submit`](Self::submit); the sentence is about the first request that breaks a rule.
    pub async fn submit_many(&self, submissions: Vec<Submission>) -> Result<Vec<Enqueued>, SubmitError> {
        let jobs = submissions.into_iter().map(into_new_job).collect::<Result<Vec<_>, _>>()?;
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        tracing::debug!(count = jobs.len(), function = %jobs[0].function, "submitting");
        let enqueued = self.backend.enqueue(jobs).await?;
        fault::point("enqueue after commit");
        Ok(enqueued)
    }

    /// Accepts one job for a function known only by its key or name, with the policy its workers registered and its
    /// arguments checked against theirs.
    ///
    /// # Errors
    /// [`SubmitError::UnknownFunction`] when no worker ever registered it.
    pub async fn call(&self, function: &str, kwargs: RawJson) -> Result<Enqueued, SubmitError> {
        let known = self.backend.list_functions().await?;
        let by_key = known.iter().find(|candidate| candidate.definition.key == function);
        let Some(found) =
            by_key.or_else(|| known.iter().find(|candidate| candidate.definition.name == function))
        else {
            return Err(SubmitError::UnknownFunction(unknown_function(function, &known)));
        };
        found.definition.check_arguments(&kwargs).map_err(SubmitError::Invalid)?;
        self.submit(Submission::to(&found.definition, kwargs)).await
    }

    /// The job with this id.
    ///
    /// # Errors
    /// When the backend fails.
    pub async fn find_job(&self, id: JobId) -> Result<Option<Job>, BackendError> {
        Ok(self.backend.find_jobs(vec![id]).await?.pop())
    }

    /// Waits until the job has a final status, at most `timeout` if one is given.
    ///
    /// # Errors
    /// [`WaitError::TimedOut`] and [`WaitError::UnknownJob`]; the job itself is not touched by either.
    pub async fn wait(&self, id: JobId, timeout: Option<Duration>) -> Result<Job, WaitError> {
        let wait = self.waiters.wait(id);
        match timeout {
            None => wait.await,
            Some(timeout) => tokio::time::timeout(timeout, wait)
                .await
                .unwrap_or(Err(WaitError::TimedOut { job_id: id, waited: timeout })),
        }
    }

    /// Ends a job before its time.
    ///
    /// # Errors
    /// When the backend fails.
    pub async fn cancel(&self, id: JobId) -> Result<Cancelled, BackendError> {
        self.backend.cancel(id).await
    }

    /// Queues a failed job again under its own id.
    ///
    /// # Errors
    /// When the backend fails.
    pub async fn retry(&self, id: JobId) -> Result<Retried, BackendError> {
        self.backend.retry(id).await
    }
}

fn unknown_function(function: &str, known: &[crate::function::Function]) -> String {
    let names: Vec<&str> = known.iter().map(|candidate| candidate.definition.key.as_str()).collect();
    let advice = if names.is_empty() {
        "no worker has registered any function yet; start one with `upnext run FILE`".to_owned()
    } else {
        format!("known functions are {}", names.join(", "))
    };
    format!("there is no function '{function}': {advice}")
}

fn into_new_job(submission: Submission) -> Result<NewJob, SubmitError> {
    let invalid = |rule: String| Err(SubmitError::Invalid(rule));
    let name = &submission.function;
    if name.is_empty() || name.chars().count() > 255 || name.chars().any(char::is_control) {
        return invalid(format!(
            "{name:?} is not a function name: it has 1 to 255 characters, none of them control"
        ));
    }
    let size = submission.kwargs.as_str().len();
    if size > MAX_PAYLOAD_BYTES {
        return invalid(format!(
            "the arguments of '{name}' are {size} bytes of JSON; a job carries at most {MAX_PAYLOAD_BYTES}: \
             put the data where the task can fetch it and pass a reference"
        ));
    }
    if !submission.kwargs.as_str().trim_start().starts_with('{') {
        return invalid(format!("the arguments of '{name}' must be one JSON object"));
    }
    submission.retry.validate().map_err(|rule| SubmitError::Invalid(format!("'{name}': {rule}")))?;
    if submission.timeout.is_zero() {
        return invalid(format!("'{name}': the timeout must be more than 0 seconds"));
    }
    let idempotency_key = submission.idempotency_key.map(|key| check_idempotency_key(&key)).transpose()?;
    Ok(NewJob {
        id: JobId::fresh(),
        function: submission.function,
        function_name: submission.function_name,
        job_type: JobType::Task,
        kwargs: submission.kwargs,
        idempotency_key,
        priority: submission.priority,
        scheduled_at: None,
        retry: submission.retry,
        timeout: submission.timeout,
        parent: submission.parent,
        source: None,
    })
}

fn check_idempotency_key(key: &str) -> Result<String, SubmitError> {
    let trimmed = key.trim();
    let length = trimmed.chars().count();
    if (1..=MAX_IDEMPOTENCY_KEY_CHARS).contains(&length) {
        return Ok(trimmed.to_owned());
    }
    Err(SubmitError::Invalid(format!(
        "an idempotency key has 1 to {MAX_IDEMPOTENCY_KEY_CHARS} characters after trimming; this one has {length}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(submission: Submission) -> String {
        into_new_job(submission).unwrap_err().to_string()
    }

    #[test]
    fn submissions_are_checked_before_anything_is_stored() {
        let good = || Submission::new("report", RawJson::parse("{}").unwrap());
        assert!(into_new_job(good()).is_ok());
        assert!(rule(Submission::new("a\nb", RawJson::parse("{}").unwrap())).contains("not a function name"));
        assert!(
            rule(Submission { kwargs: RawJson::parse("[1]").unwrap(), ..good() }).contains("one JSON object")
        );
        assert!(rule(Submission { timeout: Duration::ZERO, ..good() }).contains("timeout"));
        let large = format!("{{\"x\": \"{}\"}}", "y".repeat(MAX_PAYLOAD_BYTES));
        assert!(rule(Submission { kwargs: RawJson::trusted(large), ..good() }).contains("at most 4194304"));
    }

    #[test]
    fn idempotency_keys_are_trimmed_and_bounded() {
        assert_eq!(check_idempotency_key("  k ").unwrap(), "k");
        assert!(check_idempotency_key("   ").is_err());
        assert!(check_idempotency_key(&"k".repeat(257)).is_err());
    }
}
