//! Work that Python asks for: it runs when somebody says where its answer goes, to a future of a loop or to the thread
//! that waits. So each verb is written once for both.

use std::future::Future;
use std::sync::{Mutex, PoisonError};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;

use crate::client::Pending;
use crate::error::Failure;
use crate::mailbox::{Answer, Mailbox};
use crate::runtime;

type Letter = Box<dyn FnOnce(Python<'_>) -> PyResult<Py<PyAny>> + Send>;

type Todo = BoxFuture<'static, Result<Letter, Failure>>;

impl Answer for Letter {
    fn into_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self(py)
    }
}

/// Work that has not begun.
#[pyclass(frozen, module = "upnext._bridge")]
pub(crate) struct Work {
    todo: Mutex<Option<Todo>>,
}

impl Work {
    pub(crate) fn new<T: Answer>(work: impl Future<Output = Result<T, Failure>> + Send + 'static) -> Self {
        let letter = |answer: T| -> Letter { Box::new(move |py| answer.into_python(py)) };
        Self { todo: Mutex::new(Some(work.map(move |done| done.map(letter)).boxed())) }
    }

    fn take(&self) -> PyResult<Todo> {
        let todo = self.todo.lock().unwrap_or_else(PoisonError::into_inner).take();
        todo.ok_or_else(|| PyRuntimeError::new_err("this work was begun already"))
    }
}

#[pymethods]
impl Work {
    /// Does the work while this thread waits.
    fn wait(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        runtime::wait(py, self.take()?)?.into_python(py)
    }

    /// Does the work in the background; `future` gets the answer.
    fn answer(&self, py: Python<'_>, mailbox: &Mailbox, future: Py<PyAny>) -> PyResult<Pending> {
        Ok(Pending::new(mailbox.answer(py, future, self.take()?)?))
    }
}
