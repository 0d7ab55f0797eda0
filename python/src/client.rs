//! Submitting, waiting and cancelling: an opened deployment as Python holds it.

use std::sync::Arc;
use std::time::Duration;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyNone, PyString, PyTuple};
use tokio::task::AbortHandle;
use upnext_backends::Deployment;
use upnext_core::backend::{Cancelled, EnqueueStatement};
use upnext_core::client::Submission;
use upnext_core::events::{Delivery, Event};
use upnext_core::{Job, JobId, RawJson, Settings};

use crate::attempt::Attempt;
use crate::error::Failure;
use crate::mailbox::{Answer, Mailbox};
use crate::runtime;
use crate::task_spec::{Submitting, TaskSpec};
use crate::work::Work;

/// An opened backend and artifact storage.
#[pyclass(frozen, module = "upnext._bridge")]
pub(crate) struct Connection {
    pub(crate) deployment: Deployment,
}

/// Opens what `url`, or without one the environment, names. Answers the connection and sentences about settings that
/// have no effect. Blocks.
#[pyfunction]
#[pyo3(signature = (url=None))]
pub(crate) fn connect(py: Python<'_>, url: Option<String>) -> PyResult<(Connection, Vec<String>)> {
    let (deployment, warnings) = runtime::wait(py, async move {
        let loaded = Settings::from_env()?;
        let settings = match url {
            Some(url) => upnext_backends::with_url(loaded.settings, &url)?,
            None => loaded.settings,
        };
        Ok((upnext_backends::open(settings).await?, loaded.warnings))
    })?;
    Ok((Connection { deployment }, warnings))
}

/// Stops work whose answer nobody wants any more.
#[pyclass(frozen, module = "upnext._bridge")]
pub(crate) struct Pending {
    task: AbortHandle,
}

impl Pending {
    pub(crate) fn new(task: AbortHandle) -> Self {
        Self { task }
    }
}

#[pymethods]
impl Pending {
    fn abort(&self) {
        self.task.abort();
    }
}

#[pymethods]
impl Connection {
    /// Submits a job; `future` gets its id.
    #[pyo3(signature = (mailbox, future, spec, kwargs, key=None, parent=None, options=None))]
    #[expect(clippy::too_many_arguments, reason = "the arguments of one Python call")]
    fn submit(
        &self,
        py: Python<'_>,
        mailbox: &Mailbox,
        future: Py<PyAny>,
        spec: &TaskSpec,
        kwargs: &str,
        key: Option<String>,
        parent: Option<&Attempt>,
        options: Option<&Submitting>,
    ) -> PyResult<()> {
        let work = self.submitting(submission(spec, kwargs, key, parent, options));
        mailbox.answer_soon(py, future, work)
    }

    /// Submits a job; answers its id.
    #[pyo3(signature = (spec, kwargs, key=None, parent=None, options=None))]
    fn submit_sync(
        &self,
        py: Python<'_>,
        spec: &TaskSpec,
        kwargs: &str,
        key: Option<String>,
        parent: Option<&Attempt>,
        options: Option<&Submitting>,
    ) -> PyResult<Py<PyAny>> {
        runtime::wait(py, self.submitting(submission(spec, kwargs, key, parent, options)))?.into_python(py)
    }

    /// Submits many jobs in one step, all or none; `future` gets their ids.
    #[pyo3(signature = (mailbox, future, spec, kwargs, parent=None, options=None))]
    #[expect(clippy::too_many_arguments, reason = "the arguments of one Python call")]
    fn submit_many(
        &self,
        py: Python<'_>,
        mailbox: &Mailbox,
        future: Py<PyAny>,
        spec: &TaskSpec,
        kwargs: Vec<String>,
        parent: Option<&Attempt>,
        options: Option<&Submitting>,
    ) -> PyResult<()> {
        let client = self.deployment.client.clone();
        let jobs = kwargs.into_iter().map(|kwargs| submission(spec, kwargs, None, parent, options)).collect();
        let work = async move {
            let enqueued = client.submit_many(jobs).await?;
            Ok(JobIds(enqueued.into_iter().map(|job| job.id).collect()))
        };
        mailbox.answer(py, future, work).map(|_| ())
    }

    /// Waits for a job's end; `future` gets its record.
    #[pyo3(signature = (mailbox, future, job_id, timeout=None))]
    fn wait(
        &self,
        py: Python<'_>,
        mailbox: &Mailbox,
        future: Py<PyAny>,
        job_id: &str,
        timeout: Option<f64>,
    ) -> PyResult<Pending> {
        let work = self.waiting(parse_id(job_id)?, duration(timeout)?);
        Ok(Pending { task: mailbox.answer(py, future, work)? })
    }

    /// Submits a job and waits for its end in one go; `future` gets its record.
    #[pyo3(signature = (mailbox, future, spec, kwargs, timeout, key=None, parent=None, options=None))]
    #[expect(clippy::too_many_arguments, reason = "the arguments of one Python call")]
    fn run(
        &self,
        py: Python<'_>,
        mailbox: &Mailbox,
        future: Py<PyAny>,
        spec: &TaskSpec,
        kwargs: &str,
        timeout: Option<f64>,
        key: Option<String>,
        parent: Option<&Attempt>,
        options: Option<&Submitting>,
    ) -> PyResult<Pending> {
        let work = self.running(submission(spec, kwargs, key, parent, options), duration(timeout)?);
        Ok(Pending { task: mailbox.answer_begun(py, future, work)? })
    }

    /// The same, answering the record.
    #[pyo3(signature = (spec, kwargs, timeout, key=None, parent=None, options=None))]
    #[expect(clippy::too_many_arguments, reason = "the arguments of one Python call")]
    fn run_sync(
        &self,
        py: Python<'_>,
        spec: &TaskSpec,
        kwargs: &str,
        timeout: Option<f64>,
        key: Option<String>,
        parent: Option<&Attempt>,
        options: Option<&Submitting>,
    ) -> PyResult<Py<PyAny>> {
        let work = self.running(submission(spec, kwargs, key, parent, options), duration(timeout)?);
        runtime::wait(py, work)?.into_python(py)
    }

    /// Sends an event to every handler whose pattern fits, `declared` ones among them; `future` gets the ids of the jobs.
    #[pyo3(signature = (mailbox, future, name, data, declared, key=None, parent=None))]
    #[expect(clippy::too_many_arguments, reason = "the arguments of one Python call")]
    fn send_event(
        &self,
        py: Python<'_>,
        mailbox: &Mailbox,
        future: Py<PyAny>,
        name: String,
        data: String,
        declared: Vec<Py<TaskSpec>>,
        key: Option<String>,
        parent: Option<&Attempt>,
    ) -> PyResult<()> {
        let work = self.sending(event(name, data, key, parent), declared);
        mailbox.answer(py, future, work).map(|_| ())
    }

    /// The same, answering the ids.
    #[pyo3(signature = (name, data, declared, key=None, parent=None))]
    fn send_event_sync(
        &self,
        py: Python<'_>,
        name: String,
        data: String,
        declared: Vec<Py<TaskSpec>>,
        key: Option<String>,
        parent: Option<&Attempt>,
    ) -> PyResult<Py<PyAny>> {
        runtime::wait(py, self.sending(event(name, data, key, parent), declared))?.into_python(py)
    }

    /// The statement that submits these jobs inside of a transaction of the caller's.
    #[pyo3(signature = (spec, kwargs, key=None, parent=None, options=None))]
    fn statement(
        &self,
        spec: &TaskSpec,
        kwargs: Vec<String>,
        key: Option<&str>,
        parent: Option<&Attempt>,
        options: Option<&Submitting>,
    ) -> Work {
        let client = self.deployment.client.clone();
        let jobs: Vec<_> = kwargs
            .into_iter()
            .map(|kwargs| submission(spec, kwargs, key.map(str::to_owned), parent, options))
            .collect();
        Work::new(async move {
            let count = jobs.len();
            Ok(Statement { statement: client.statement(jobs).await?, count })
        })
    }

    /// The statement that sends an event inside of a transaction of the caller's.
    #[pyo3(signature = (name, data, declared, key=None, parent=None))]
    fn event_statement(
        &self,
        name: String,
        data: String,
        declared: Vec<Py<TaskSpec>>,
        key: Option<String>,
        parent: Option<&Attempt>,
    ) -> Work {
        let client = self.deployment.client.clone();
        let event = event(name, data, key, parent);
        let declared: Vec<_> = declared.into_iter().map(|spec| spec.get().definition.clone()).collect();
        Work::new(async move {
            let (handlers, statement) = client.event_statement(event, &declared).await?;
            Ok(Statement { statement, count: handlers.len() })
        })
    }

    /// Cancels a job; `future` gets whether that will end it.
    fn cancel(&self, py: Python<'_>, mailbox: &Mailbox, future: Py<PyAny>, job_id: &str) -> PyResult<()> {
        let client = self.deployment.client.clone();
        let id = parse_id(job_id)?;
        let work = async move { Ok(client.cancel(id).await?) };
        mailbox.answer(py, future, work).map(|_| ())
    }

    /// Where jobs are kept, for a person to read.
    fn describe(&self) -> String {
        self.deployment.place()
    }

    /// Where artifacts are kept that are too large for the job database, for a person to read.
    fn describe_storage(&self) -> String {
        self.deployment.storage_place()
    }
}

impl Connection {
    fn submitting(
        &self,
        submission: Submission,
    ) -> impl Future<Output = Result<JobId, Failure>> + Send + 'static {
        let client = self.deployment.client.clone();
        async move { Ok(client.submit(submission).await?.id) }
    }

    fn sending(
        &self,
        event: Event,
        declared: Vec<Py<TaskSpec>>,
    ) -> impl Future<Output = Result<JobIds, Failure>> + Send + 'static {
        let client = self.deployment.client.clone();
        let declared: Vec<_> = declared.into_iter().map(|spec| spec.get().definition.clone()).collect();
        async move {
            let made: Vec<Delivery> = client.send_event(event, &declared).await?;
            Ok(JobIds(made.into_iter().map(|delivery| delivery.job_id).collect()))
        }
    }

    fn waiting(
        &self,
        id: JobId,
        timeout: Option<Duration>,
    ) -> impl Future<Output = Result<Job, Failure>> + Send + 'static {
        let client = self.deployment.client.clone();
        async move { Ok(client.wait(id, timeout).await?) }
    }

    fn running(
        &self,
        submission: Submission,
        timeout: Option<Duration>,
    ) -> impl Future<Output = Result<Job, Failure>> + Send + 'static {
        let client = self.deployment.client.clone();
        async move {
            let job = client.submit_awaited(submission).await?;
            Ok(job.end(timeout).await?)
        }
    }
}

fn submission(
    spec: &TaskSpec,
    kwargs: impl Into<Arc<str>>,
    key: Option<String>,
    parent: Option<&Attempt>,
    options: Option<&Submitting>,
) -> Submission {
    let mut submission = Submission {
        idempotency_key: key,
        parent: parent.map(Attempt::as_parent),
        // Python's own encoder wrote it.
        ..Submission::to(&spec.definition, RawJson::trusted(kwargs))
    };
    if let Some(options) = options {
        options.apply(&mut submission);
    }
    submission
}

fn event(name: String, data: String, key: Option<String>, parent: Option<&Attempt>) -> Event {
    let parent = parent.map(Attempt::as_parent);
    Event { name, data: RawJson::trusted(data), idempotency_key: key, parent }
}

fn parse_id(text: &str) -> PyResult<JobId> {
    text.parse().map_err(|error: upnext_core::id::ParseIdError| PyValueError::new_err(error.to_string()))
}

fn duration(seconds: Option<f64>) -> PyResult<Option<Duration>> {
    let Some(seconds) = seconds else { return Ok(None) };
    match Duration::try_from_secs_f64(seconds) {
        Ok(duration) => Ok(Some(duration)),
        // For ever, in other words.
        Err(_) if seconds > 0.0 => Ok(None),
        Err(_) => Err(PyValueError::new_err(format!("a timeout is 0 seconds or more, not {seconds}"))),
    }
}

impl Answer for JobId {
    fn into_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(PyString::new(py, &self.to_string()).into_any().unbind())
    }
}

struct JobIds(Vec<JobId>);

impl Answer for JobIds {
    fn into_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let ids: Vec<String> = self.0.iter().map(JobId::to_string).collect();
        Ok(ids.into_pyobject(py)?.into_any().unbind())
    }
}

/// A statement, and how many jobs it submits.
struct Statement {
    statement: EnqueueStatement,
    count: usize,
}

impl Answer for Statement {
    fn into_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let EnqueueStatement { sql, jobs } = self.statement;
        Ok((sql, jobs, self.count).into_pyobject(py)?.into_any().unbind())
    }
}

impl Answer for Cancelled {
    fn into_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let done = matches!(self, Self::AtOnce | Self::Requested);
        Ok(done.into_pyobject(py)?.to_owned().into_any().unbind())
    }
}

impl Answer for Job {
    /// The fields of `upnext.TaskResult`, in its order, with the value still JSON and the times in microseconds.
    fn into_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let text = |text: &str| PyString::new(py, text).into_any();
        let maybe = |value: Option<String>| {
            value.map_or_else(|| PyNone::get(py).to_owned().into_any(), |value| text(&value))
        };
        let id = self.id.to_string();
        let root = if self.root_id == self.id { id.clone() } else { self.root_id.to_string() };
        let fields = [
            maybe(self.result.map(|result| result.as_str().to_owned())),
            text(&id),
            text(&self.function),
            text(&self.function_name),
            text(self.status.as_str()),
            maybe(self.error),
            maybe(self.failure_reason.map(|reason| reason.as_str().to_owned())),
            self.started_at.map(upnext_core::Timestamp::as_micros).into_pyobject(py)?,
            self.completed_at.map(upnext_core::Timestamp::as_micros).into_pyobject(py)?,
            self.attempts.into_pyobject(py)?.into_any(),
            maybe(self.parent_id.map(|parent| parent.to_string())),
            text(&root),
            maybe(self.traceback),
        ];
        Ok(PyTuple::new(py, fields)?.into_any().unbind())
    }
}
