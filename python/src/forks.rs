//! What Python does around a fork that goes on without `exec`; see `upnext_sqlite::fork`.

use pyo3::prelude::*;
use upnext_backends::fork;

/// Waits until no other thread is inside of SQLite, and keeps them out.
#[pyfunction]
pub fn before_fork(py: Python<'_>) {
    // Who is inside may be waiting for the interpreter.
    py.detach(fork::before);
}

/// Lets other threads in again.
#[pyfunction]
pub fn after_fork_in_parent() {
    fork::after_in_parent();
}

/// Forgets the threads of the parent.
#[pyfunction]
pub fn after_fork_in_child() {
    fork::after_in_child();
}
