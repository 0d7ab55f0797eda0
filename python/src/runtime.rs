//! The one tokio runtime of a process, and how Python threads wait for what runs on it.
//!
//! A runtime does not survive `fork`: its threads exist in the parent only. A child that needs one makes its own and
//! never touches (nor frees) the parent's.

use std::future::Future;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use pyo3::prelude::*;
use tokio::runtime::{Builder, Handle, Runtime};

use crate::error::Failure;

/// How often a thread that waits for Rust looks whether Python has a signal to handle.
const SIGNAL_CHECK: Duration = Duration::from_millis(100);

struct Process {
    pid: u32,
    runtime: Runtime,
}

/// Locked only while attached to Python and never across a call into it, so that no other thread can hold it at the
/// moment of a fork.
static PROCESS: Mutex<Option<Process>> = Mutex::new(None);

/// The runtime of this process.
pub(crate) fn handle(_attached: Python<'_>) -> PyResult<Handle> {
    let pid = std::process::id();
    let mut process = PROCESS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(process) = process.as_ref().filter(|process| process.pid == pid) {
        return Ok(process.runtime.handle().clone());
    }
    let runtime = Builder::new_multi_thread().worker_threads(2).thread_name("upnext").enable_all().build()?;
    let handle = runtime.handle().clone();
    // The parent's runtime is left as it is: dropping it would wait for threads that do not exist here.
    std::mem::forget(process.replace(Process { pid, runtime }));
    Ok(handle)
}

/// Runs `work` on the runtime while this thread waits, detached from Python. Ctrl-C interrupts the wait and drops the
/// work.
pub(crate) fn wait<T: Send + 'static>(
    py: Python<'_>,
    work: impl Future<Output = Result<T, Failure>> + Send + 'static,
) -> PyResult<T> {
    let handle = handle(py)?;
    let mut task = handle.spawn(work);
    loop {
        let joined =
            py.detach(|| handle.block_on(async { tokio::time::timeout(SIGNAL_CHECK, &mut task).await }));
        match joined {
            Ok(Ok(answer)) => return answer.map_err(PyErr::from),
            Ok(Err(_)) => return Err(Failure::Broken.into()),
            Err(_) => {
                if let Err(interrupt) = py.check_signals() {
                    task.abort();
                    return Err(interrupt);
                }
            }
        }
    }
}

/// Runs what blocks for a moment, detached from Python.
pub(crate) fn blocking<T: Send>(
    py: Python<'_>,
    work: impl FnOnce() -> Result<T, Failure> + Send,
) -> PyResult<T> {
    py.detach(work).map_err(PyErr::from)
}
