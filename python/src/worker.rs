//! Running jobs: the executor that hands attempts to an asyncio loop, and the running worker as Python holds it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::{PyList, PyString, PyTuple};
use upnext_engine::{Assignment, AttemptKey, Executor, StopReason, Worker, WorkerConfig, WorkerHandle};

use crate::attempt::{Attempt, Workplace};
use crate::client::Connection;
use crate::error::Failure;
use crate::mailbox::{Answer, Event, Inbox, Mailbox};
use crate::reports::Lane;
use crate::runtime;
use crate::task_spec::TaskSpec;

/// The Python side of one worker, called from the loop's thread only.
pub(crate) struct Runner {
    /// The handles of its tasks by key, with the seconds they give their artifacts.
    tasks: HashMap<String, (Py<PyAny>, Option<f64>)>,
    /// Called with a list of `(handle, attempt, kwargs as JSON)`.
    start: Py<PyAny>,
    /// Called with the key of an attempt and the reason.
    stop: Py<PyAny>,
    workplace: Arc<Workplace>,
}

impl Runner {
    pub(crate) fn start(&self, py: Python<'_>, assignments: Vec<Assignment>) -> PyResult<()> {
        let batch = PyList::empty(py);
        for assignment in assignments {
            let Some((task, artifact_ttl)) = self.tasks.get(&assignment.job.function) else {
                // The engine claims only what was registered.
                tracing::error!(function = %assignment.job.function, "a job of a function that was never offered");
                continue;
            };
            let kwargs = PyString::new(py, assignment.job.kwargs.as_str());
            let attempt = Attempt::new(assignment, Arc::clone(&self.workplace), *artifact_ttl);
            let attempt = Bound::new(py, attempt)?;
            let entry = [task.bind(py).clone(), attempt.into_any(), kwargs.into_any()];
            batch.append(PyTuple::new(py, entry)?)?;
        }
        self.start.call1(py, (batch,)).map(|_| ())
    }

    pub(crate) fn stop(&self, py: Python<'_>, key: AttemptKey, reason: StopReason) -> PyResult<()> {
        self.stop.call1(py, (key.0, crate::attempt::word(reason))).map(|_| ())
    }
}

struct PythonExecutor {
    inbox: Arc<Inbox>,
    runner: u64,
}

impl Executor for PythonExecutor {
    fn start(&self, assignments: Vec<Assignment>) {
        self.inbox.put(Event::Start { runner: self.runner, assignments });
    }

    fn stop(&self, key: AttemptKey, reason: StopReason) {
        self.inbox.put(Event::Stop { runner: self.runner, key, reason });
    }
}

/// A worker that runs.
#[pyclass(frozen, module = "upnext._bridge")]
pub(crate) struct RunningWorker {
    handle: WorkerHandle,
}

#[pymethods]
impl RunningWorker {
    #[getter]
    fn id(&self) -> &str {
        self.handle.id().as_str()
    }

    /// Stops the worker, waiting up to `drain` seconds for running attempts; `future` is done when it has stopped.
    fn stop(&self, py: Python<'_>, mailbox: &Mailbox, future: Py<PyAny>, drain: f64) -> PyResult<()> {
        let handle = self.handle.clone();
        let drain = Duration::try_from_secs_f64(drain).unwrap_or_default();
        let work = async move {
            handle.stop(drain).await;
            Ok(())
        };
        mailbox.answer(py, future, work).map(|_| ())
    }
}

impl Answer for WorkerHandle {
    fn into_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(Py::new(py, RunningWorker { handle: self })?.into_any())
    }
}

/// What `upnext.WorkerQueueConfig` changes of the settings; its other fields have no effect on any backend there is.
#[derive(FromPyObject)]
pub(crate) struct QueueConfig {
    batch_size: Option<usize>,
    inbox_size: Option<usize>,
    outbox_size: Option<usize>,
    claim_timeout_ms: Option<u64>,
}

impl QueueConfig {
    fn apply(&self, config: &mut WorkerConfig) {
        config.batch_size = self.batch_size.unwrap_or(config.batch_size);
        config.inbox_size = self.inbox_size.unwrap_or(config.inbox_size);
        config.outbox_size = self.outbox_size.unwrap_or(config.outbox_size);
        config.lease = self.claim_timeout_ms.map_or(config.lease, Duration::from_millis);
    }
}

/// Starts a worker that runs `tasks` (handles with a `spec`) on the mailbox's loop; `future` gets it.
/// Answers the number under which the mailbox knows it, and forgets it.
#[pyfunction]
#[pyo3(signature = (connection, mailbox, future, name, concurrency, tasks, start, stop, queue_config=None))]
#[expect(clippy::too_many_arguments, reason = "the arguments of one Python call")]
pub(crate) fn start_worker(
    py: Python<'_>,
    connection: &Connection,
    mailbox: &Mailbox,
    future: Py<PyAny>,
    name: &str,
    concurrency: usize,
    tasks: Vec<Bound<'_, PyAny>>,
    start: Py<PyAny>,
    stop: Py<PyAny>,
    queue_config: Option<QueueConfig>,
) -> PyResult<u64> {
    let runtime = runtime::handle(py)?;
    let mut config = WorkerConfig::new(name, "python", &connection.deployment.settings);
    config.concurrency = concurrency;
    if let Some(changes) = queue_config {
        changes.apply(&mut config);
    }
    let mut by_key = HashMap::with_capacity(tasks.len());
    for task in tasks {
        let spec = task.getattr(intern!(py, "spec"))?.cast_into::<TaskSpec>()?;
        let definition = spec.get().definition.clone();
        by_key.insert(definition.key.clone(), (task.unbind(), spec.get().artifact_ttl));
        config.functions.push(definition);
    }
    let client = connection.deployment.client.clone();
    let lane = Lane::open(&runtime, Arc::clone(client.backend()));
    let workplace = Arc::new(Workplace { deployment: connection.deployment.clone(), lane, runtime });
    let runner = mailbox.add_runner(Runner { tasks: by_key, start, stop, workplace });
    let executor = Arc::new(PythonExecutor { inbox: mailbox.inbox(), runner });
    let work = async move { Worker::start(client, config, executor).await.map_err(Failure::from) };
    mailbox.answer(py, future, work).map(|_| runner)
}
