//! What the child processes of a worker need: the attempt that they run for it, and an end when the worker ends.

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use upnext_core::id::ParseIdError;
use upnext_core::job::Lease;
use upnext_core::{ClaimedJob, JobId, LeaseToken, RawJson, Timestamp};

use crate::attempt::{Attempt, Workplace};
use crate::client::Connection;
use crate::reports::Lane;
use crate::runtime;

/// How often a child looks whether its parent is still there.
const PARENT_CHECK: Duration = Duration::from_millis(250);

/// An attempt on its way into a child process: job, token, end of the lease in microseconds, attempt, attempts granted,
/// timeout in seconds, function, function name, idempotency key, parent, root, checkpoint. Arguments travel apart.
pub(crate) type Description =
    (String, i64, i64, u32, u32, f64, String, String, Option<String>, Option<String>, String, Option<String>);

/// Makes an attempt of a description. What it records goes through `connection`, under the lease of the worker's own
/// attempt; its end is the worker's to report.
#[pyfunction]
#[pyo3(signature = (connection, description, artifact_ttl=None))]
pub(crate) fn adopt_attempt(
    py: Python<'_>,
    connection: &Connection,
    description: Description,
    artifact_ttl: Option<f64>,
) -> PyResult<Attempt> {
    let (
        job,
        token,
        expires,
        attempt,
        max_attempts,
        timeout,
        function,
        function_name,
        key,
        parent,
        root,
        state,
    ) = description;
    let job = ClaimedJob {
        lease: Lease { job_id: id(&job)?, token: LeaseToken::from_raw(token) },
        lease_expires_at: Timestamp::from_micros(expires),
        attempt,
        function,
        function_name,
        kwargs: RawJson::trusted("{}"),
        idempotency_key: key,
        max_attempts,
        timeout: Duration::try_from_secs_f64(timeout).unwrap_or(Duration::MAX),
        parent_id: parent.as_deref().map(id).transpose()?,
        root_id: id(&root)?,
        checkpoint: state.map(RawJson::trusted),
        cached: None,
        suspect: false,
    };
    let runtime = runtime::handle(py)?;
    let deployment = connection.deployment.clone();
    let lane = Lane::open(&runtime, Arc::clone(deployment.client.backend()));
    Ok(Attempt::adopted(job, Arc::new(Workplace { deployment, lane, runtime }), artifact_ttl))
}

fn id(text: &str) -> PyResult<JobId> {
    text.parse().map_err(|error: ParseIdError| PyValueError::new_err(error.to_string()))
}

/// From now on this process and its group end as soon as its parent is no longer `parent`, whatever Python is doing: a
/// thread of Python would wait for the interpreter lock, which a task may hold for hours.
#[pyfunction]
pub(crate) fn follow_parent(parent: u32) -> PyResult<()> {
    thread::Builder::new().name("upnext-parent".to_owned()).spawn(move || {
        while is_child_of(parent) {
            thread::sleep(PARENT_CHECK);
        }
        end_group();
    })?;
    Ok(())
}

#[cfg(unix)]
fn is_child_of(parent: u32) -> bool {
    std::os::unix::process::parent_id() == parent
}

/// Ends this process, and with it what its task has started, if the group is its own.
#[cfg(unix)]
fn end_group() {
    use rustix::process::{Signal, getpgrp, getpid, kill_current_process_group, kill_process};

    let ended = if getpgrp() == getpid() {
        kill_current_process_group(Signal::KILL)
    } else {
        kill_process(getpid(), Signal::KILL)
    };
    if ended.is_err() {
        std::process::abort();
    }
}

/// Elsewhere there are no child processes of workers.
#[cfg(not(unix))]
fn is_child_of(_parent: u32) -> bool {
    true
}

#[cfg(not(unix))]
fn end_group() {}
