//! How Rust reaches an asyncio loop: events are laid into a mailbox without touching Python, a bell (one byte on a
//! socket that the loop watches) is rung once for many of them, and the loop empties the mailbox in one go.
//!
//! Python objects never leave the loop's side: tokio threads hold a ticket number, the futures stay here.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

use pyo3::intern;
use pyo3::prelude::*;
use pyo3::types::PyWeakrefReference;
use tokio::task::AbortHandle;
use upnext_core::eager;
use upnext_engine::{Assignment, AttemptKey, StopReason};

use crate::bell::Bell;
use crate::error::Failure;
use crate::runtime;
use crate::worker::Runner;

/// What becomes a Python object when the loop reads it.
pub(crate) trait Answer: Send + 'static {
    fn into_python(self, py: Python<'_>) -> PyResult<Py<PyAny>>;
}

impl Answer for () {
    fn into_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(py.None())
    }
}

type Letter = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;

/// Something for the loop to do.
pub(crate) enum Event {
    Start { runner: u64, assignments: Vec<Assignment> },
    Stop { runner: u64, key: AttemptKey, reason: StopReason },
    Answer { ticket: u64, letter: Letter },
}

#[derive(Default)]
struct Contents {
    events: Vec<Event>,
    rung: bool,
}

/// The side of a mailbox that tokio threads see.
pub(crate) struct Inbox {
    contents: Mutex<Contents>,
    bell: Bell,
}

impl Inbox {
    /// Lays an event into the mailbox. Never blocks for long, never touches Python.
    pub(crate) fn put(&self, event: Event) {
        let mut contents = lock(&self.contents);
        contents.events.push(event);
        if !std::mem::replace(&mut contents.rung, true) {
            drop(contents);
            self.bell.ring();
        }
    }

    fn take(&self) -> Vec<Event> {
        self.bell.silence();
        let mut contents = lock(&self.contents);
        contents.rung = false;
        std::mem::take(&mut contents.events)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A promise to answer one asyncio future. Dropping it unanswered answers with [`Failure::Broken`], so that nobody
/// waits for ever.
struct Promise {
    inbox: Arc<Inbox>,
    ticket: u64,
    kept: bool,
}

impl Promise {
    fn keep<T: Answer>(mut self, answer: Result<T, Failure>) {
        self.kept = true;
        let letter: Letter = Box::new(move |py| answer?.into_python(py));
        self.inbox.put(Event::Answer { ticket: self.ticket, letter });
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        if !self.kept {
            let letter: Letter = Box::new(|_| Err(Failure::Broken.into()));
            self.inbox.put(Event::Answer { ticket: self.ticket, letter });
        }
    }
}

#[derive(Default)]
struct Waiting {
    last: u64,
    futures: HashMap<u64, Py<PyAny>>,
    runners: HashMap<u64, Arc<Runner>>,
}

/// The mailbox of one event loop.
#[pyclass(frozen, weakref, module = "upnext._bridge")]
pub(crate) struct Mailbox {
    inbox: Arc<Inbox>,
    /// Locked only while attached to Python, and never across a call into it.
    waiting: Mutex<Waiting>,
}

#[pymethods]
impl Mailbox {
    /// A mailbox whose bell is a socket, or, given `call_soon`, a thread that calls it with `drain`.
    #[new]
    #[pyo3(signature = (call_soon=None))]
    fn new(py: Python<'_>, call_soon: Option<Py<PyAny>>) -> PyResult<Py<Self>> {
        let (bell, starter) = match call_soon {
            None => (Bell::socket()?, None),
            Some(call_soon) => {
                let (bell, rings) = Bell::thread();
                (bell, Some((rings, call_soon)))
            }
        };
        let inbox = Arc::new(Inbox { contents: Mutex::default(), bell });
        let mailbox = Py::new(py, Self { inbox, waiting: Mutex::default() })?;
        if let Some((rings, call_soon)) = starter {
            // Held weakly, or the thread would keep the mailbox and with it itself alive.
            let mailbox = PyWeakrefReference::new(mailbox.bind(py))?.unbind();
            crate::bell::answer_rings(rings, call_soon, mailbox)?;
        }
        Ok(mailbox)
    }

    /// The descriptor that becomes readable when there is something in the mailbox.
    fn fileno(&self) -> PyResult<i32> {
        Ok(self.inbox.bell.descriptor()?)
    }

    /// Forgets a worker that has stopped.
    fn forget(&self, runner: u64) {
        let forgotten = lock(&self.waiting).runners.remove(&runner);
        drop(forgotten);
    }

    /// Empties the mailbox: answers futures, starts and stops attempts. Runs on the loop's thread.
    fn drain(&self, py: Python<'_>) {
        for event in self.inbox.take() {
            let done = match event {
                Event::Answer { ticket, letter } => self.deliver(py, ticket, letter),
                Event::Start { runner, assignments } => match self.runner(runner) {
                    Some(runner) => runner.start(py, assignments),
                    // Its worker has stopped: the engine takes these attempts back by itself.
                    None => Ok(()),
                },
                Event::Stop { runner, key, reason } => {
                    self.runner(runner).map_or(Ok(()), |runner| runner.stop(py, key, reason))
                }
            };
            if let Err(error) = done {
                error.write_unraisable(py, None);
            }
        }
    }
}

impl Mailbox {
    pub(crate) fn inbox(&self) -> Arc<Inbox> {
        Arc::clone(&self.inbox)
    }

    pub(crate) fn add_runner(&self, runner: Runner) -> u64 {
        let mut waiting = lock(&self.waiting);
        waiting.last += 1;
        let id = waiting.last;
        waiting.runners.insert(id, Arc::new(runner));
        id
    }

    fn runner(&self, id: u64) -> Option<Arc<Runner>> {
        lock(&self.waiting).runners.get(&id).cloned()
    }

    /// Does `work` on the runtime; its answer becomes the result of `future`.
    pub(crate) fn answer<T: Answer>(
        &self,
        py: Python<'_>,
        future: Py<PyAny>,
        work: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> PyResult<AbortHandle> {
        Ok(runtime::handle(py)?.spawn(self.promised(future, work)).abort_handle())
    }

    /// The same for work that never blocks: what it asks for first is on its way before a thread of the runtime has woken.
    pub(crate) fn answer_begun<T: Answer>(
        &self,
        py: Python<'_>,
        future: Py<PyAny>,
        work: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> PyResult<AbortHandle> {
        let runtime = runtime::handle(py)?;
        let mut work = Box::pin(self.promised(future, work));
        let _entered = runtime.enter();
        // Polled again by the runtime at once, so nothing has to wake it before.
        let done = work.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready();
        Ok(if done { runtime.spawn(async {}) } else { runtime.spawn(work) }.abort_handle())
    }

    /// The same for work that does little and never blocks: it begins on this thread (see [`eager`]).
    pub(crate) fn answer_soon<T: Answer>(
        &self,
        py: Python<'_>,
        future: Py<PyAny>,
        work: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> PyResult<()> {
        eager::begin(runtime::handle(py)?, self.promised(future, work));
        Ok(())
    }

    /// `work`, and then its answer as the result of `future`.
    fn promised<T: Answer>(
        &self,
        future: Py<PyAny>,
        work: impl Future<Output = Result<T, Failure>> + Send + 'static,
    ) -> impl Future<Output = ()> + Send + 'static {
        let promise = self.promise(future);
        async move { promise.keep(work.await) }
    }

    fn promise(&self, future: Py<PyAny>) -> Promise {
        let mut waiting = lock(&self.waiting);
        waiting.last += 1;
        let ticket = waiting.last;
        waiting.futures.insert(ticket, future);
        Promise { inbox: self.inbox(), ticket, kept: false }
    }

    fn deliver(&self, py: Python<'_>, ticket: u64, letter: Letter) -> PyResult<()> {
        let Some(future) = lock(&self.waiting).futures.remove(&ticket) else { return Ok(()) };
        let future = future.bind(py);
        if future.call_method0(intern!(py, "done"))?.is_truthy()? {
            // Cancelled meanwhile.
            return Ok(());
        }
        match letter(py) {
            Ok(value) => future.call_method1(intern!(py, "set_result"), (value,))?,
            Err(error) => future.call_method1(intern!(py, "set_exception"), (error,))?,
        };
        Ok(())
    }
}
