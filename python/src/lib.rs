//! `upnext._bridge`: the Rust engine under the Python package `upnext`.
//!
//! A handful of opaque classes; everything people import is Python (`python/upnext`). Only this crate knows PyO3.
//! What crosses the border is text (JSON), numbers and the classes below; panics never do.

// PyO3 makes these functions public to Python, not to Rust.
#![allow(unreachable_pub, reason = "the pymodule macro exports what Rust callers cannot see")]

mod api;
mod artifact_listing;
mod artifact_reader;
mod artifact_record;
mod artifact_writer;
mod artifacts;
mod attempt;
mod bell;
mod child;
mod cli;
mod client;
mod error;
mod forks;
mod mailbox;
mod reports;
mod runtime;
mod stored_artifact;
mod task_spec;
mod testing;
mod work;
mod worker;

/// The native half of the package.
#[pyo3::pymodule]
mod _bridge {
    #[pymodule_export]
    use crate::api::{ApiReporter, report_api};
    #[pymodule_export]
    use crate::artifact_listing::{find_artifact, is_job_id, list_artifacts};
    #[pymodule_export]
    use crate::artifact_reader::{ArtifactReader, Follower};
    #[pymodule_export]
    use crate::artifact_writer::{ArtifactWriter, open_artifact};
    #[pymodule_export]
    use crate::artifacts::{Feed, Making, create_artifact, create_artifact_sync};
    #[pymodule_export]
    use crate::attempt::Attempt;
    #[pymodule_export]
    use crate::child::{adopt_attempt, follow_parent};
    #[pymodule_export]
    use crate::cli::{Server, command_line, log_to_stderr, start_server};
    #[pymodule_export]
    use crate::client::{Connection, Pending, connect};
    #[pymodule_export]
    use crate::forks::{after_fork_in_child, after_fork_in_parent, before_fork};
    #[pymodule_export]
    use crate::mailbox::Mailbox;
    #[pymodule_export]
    use crate::stored_artifact::StoredArtifact;
    #[pymodule_export]
    use crate::task_spec::{Submitting, TaskSpec};
    #[pymodule_export]
    use crate::testing::{TestClock, open_for_tests};
    #[pymodule_export]
    use crate::work::Work;
    #[pymodule_export]
    use crate::worker::{RunningWorker, start_worker};
    #[pymodule_export]
    const VERSION: &str = upnext_core::VERSION;
}
