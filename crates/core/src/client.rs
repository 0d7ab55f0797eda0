//! The client: checks what callers ask for, hands it to the backend, and lets them wait for jobs.
//!
//! Every face (Python, Rust, command line, REST) submits, waits and cancels through this type, so that all of them
//! refuse the same things with the same words.

use std::sync::Arc;
use std::time::Duration;

use crate::backend::{Backend, Cancelled, EnqueueStatement, Retried};
use crate::error::{BackendError, SubmitError, WaitError};
use crate::fault;
use crate::function::FunctionDefinition;
use crate::id::JobId;
use crate::job::{Enqueued, Job, NewJob, RawJson};
pub use crate::submission::{MAX_IDEMPOTENCY_KEY_CHARS, Submission};
use crate::waiters::{Expected, Waiters};

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
        let jobs = submissions.into_iter().map(Submission::into_new_job).collect::<Result<Vec<_>, _>>()?;
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        Ok(self.enqueue(jobs).await?)
    }

    /// The statement that accepts these jobs inside of a transaction of the caller's own database. They are checked as by
    /// [`submit_many`](Self::submit_many); nothing is accepted before the caller has run it and committed.
    ///
    /// # Errors
    /// As [`submit_many`](Self::submit_many), and [`BackendError::Unusable`] where the backend is not PostgreSQL.
    pub async fn statement(&self, submissions: Vec<Submission>) -> Result<EnqueueStatement, SubmitError> {
        let jobs = submissions.into_iter().map(Submission::into_new_job).collect::<Result<Vec<_>, _>>()?;
        Ok(self.backend.enqueue_statement(jobs).await?)
    }

    /// Accepts one job for a function known only by its key or name, with the policy its workers registered and its
    /// arguments checked against theirs.
    ///
    /// # Errors
    /// [`SubmitError::UnknownFunction`] when no worker ever registered it.
    pub async fn call(&self, function: &str, kwargs: RawJson) -> Result<Enqueued, SubmitError> {
        let definition = self.find_definition(function).await?;
        definition.check_arguments(&kwargs).map_err(SubmitError::Invalid)?;
        self.submit(Submission::to(&definition, kwargs)).await
    }

    /// What the function with this key, or else with this name, is.
    ///
    /// # Errors
    /// [`SubmitError::UnknownFunction`] when no worker ever registered it.
    pub async fn find_definition(&self, function: &str) -> Result<FunctionDefinition, SubmitError> {
        let mut known = self.backend.list_definitions(None).await?;
        let found = (known.iter().position(|candidate| candidate.key == function))
            .or_else(|| known.iter().position(|candidate| candidate.name == function));
        match found {
            Some(place) => Ok(known.swap_remove(place)),
            None => Err(SubmitError::UnknownFunction(unknown_function(function, &known))),
        }
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
        within(timeout, id, self.waiters.wait(id)).await
    }

    /// Accepts one job as [`submit`](Self::submit) does, to be waited for: that takes one look less than waiting for its id.
    ///
    /// # Errors
    /// As [`submit`](Self::submit).
    pub async fn submit_awaited(&self, submission: Submission) -> Result<AwaitedJob, SubmitError> {
        let job = submission.into_new_job()?;
        let expected = self.waiters.register(job.id);
        let own = job.id;
        let enqueued = self.enqueue(vec![job]).await?.pop();
        let id = enqueued.ok_or_else(|| BackendError::Unexpected("no answer to enqueue".into()))?.id;
        // Another job may stand for it.
        Ok(AwaitedJob { id, expected: (id == own).then_some(expected), client: self.clone() })
    }

    async fn enqueue(&self, jobs: Vec<NewJob>) -> Result<Vec<Enqueued>, BackendError> {
        tracing::debug!(count = jobs.len(), function = %jobs[0].function, "submitting");
        let enqueued = self.backend.enqueue(jobs).await?;
        fault::point("enqueue after commit");
        Ok(enqueued)
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

/// A job that was submitted in order to wait for it.
#[derive(Debug)]
pub struct AwaitedJob {
    id: JobId,
    expected: Option<Expected>,
    client: Client,
}

impl AwaitedJob {
    /// The job's id.
    #[must_use]
    pub fn id(&self) -> JobId {
        self.id
    }

    /// Waits as [`Client::wait`] does.
    ///
    /// # Errors
    /// As [`Client::wait`].
    pub async fn end(self, timeout: Option<Duration>) -> Result<Job, WaitError> {
        let Self { id, expected, client } = self;
        match expected {
            Some(expected) => within(timeout, id, async { Ok(expected.end().await?) }).await,
            None => client.wait(id, timeout).await,
        }
    }
}

/// What comes of waiting for a job for so long at most.
async fn within(
    timeout: Option<Duration>,
    job_id: JobId,
    wait: impl Future<Output = Result<Job, WaitError>>,
) -> Result<Job, WaitError> {
    match timeout {
        None => wait.await,
        Some(waited) => {
            tokio::time::timeout(waited, wait).await.unwrap_or(Err(WaitError::TimedOut { job_id, waited }))
        }
    }
}

fn unknown_function(function: &str, known: &[FunctionDefinition]) -> String {
    let names: Vec<&str> = known.iter().map(|candidate| candidate.key.as_str()).collect();
    let advice = if names.is_empty() {
        "no worker has registered any function yet; start one with `upnext run FILE`".to_owned()
    } else {
        format!("known functions are {}", names.join(", "))
    };
    format!("there is no function '{function}': {advice}")
}
