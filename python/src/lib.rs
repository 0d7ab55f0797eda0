//! `upnext._bridge`: the Rust engine under the Python package `upnext`.
//!
//! A handful of opaque classes; everything people import is Python (`python/upnext`). Only this crate knows PyO3.
//! What crosses the border is text (JSON), numbers and the classes below; panics never do.

// PyO3 makes these functions public to Python, not to Rust.
#![allow(unreachable_pub, reason = "the pymodule macro exports what Rust callers cannot see")]

mod artifacts;
mod attempt;
mod bell;
mod cli;
mod client;
mod error;
mod mailbox;
mod reports;
mod runtime;
mod worker;

/// The native half of the package.
#[pyo3::pymodule]
mod _bridge {
    #[pymodule_export]
    use crate::artifacts::{Feed, Making, create_artifact, create_artifact_sync};
    #[pymodule_export]
    use crate::attempt::Attempt;
    #[pymodule_export]
    use crate::cli::{Server, command_line, log_to_stderr, start_server};
    #[pymodule_export]
    use crate::client::{Connection, Pending, TaskSpec, connect};
    #[pymodule_export]
    use crate::mailbox::Mailbox;
    #[pymodule_export]
    use crate::worker::{RunningWorker, start_worker};
    #[pymodule_export]
    const VERSION: &str = upnext_core::VERSION;
}
