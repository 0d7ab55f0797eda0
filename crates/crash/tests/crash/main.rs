//! Real processes that are killed at every named step, and a verdict on what they leave. The test binary runs itself
//! again as its own children: [`child`] does what the environment says, and nothing when this is an ordinary run.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on should stop, and figures are for people"
)]

mod children;
mod full_disk;
mod home;
mod lives;
mod poison;
mod server;
mod submitters;
mod tasks;
mod verdict;
mod workers;

use std::time::Duration;

use workers::Plan;

/// The other process. An ordinary run of the tests finds no role and is done.
#[test]
fn child() {
    children::play_role();
}

/// Workers that die at every step, and some that stand still for longer than their leases, lose nothing and leave
/// nothing torn, stuck or stale.
#[test]
fn killed_workers_lose_nothing() {
    workers::run(&Plan { jobs: 2000, kills: 40, workers: 3, lease: Duration::from_secs(1) });
}

/// The same for longer: `make crash` prints its figures.
#[test]
#[ignore = "takes minutes"]
fn killed_workers_lose_nothing_for_long() {
    workers::run(&Plan { jobs: 20_000, kills: 500, workers: 3, lease: Duration::from_secs(1) });
}

/// Processes that submit and die at every step: no acknowledged job is lost, no batch is torn.
#[test]
fn killed_submitters_lose_no_acknowledged_job() {
    submitters::run(30);
}

/// The same for longer.
#[test]
#[ignore = "takes minutes"]
fn killed_submitters_lose_no_acknowledged_job_for_long() {
    submitters::run(500);
}

/// A server that dies at every step of an upload: what it acknowledged is there, nothing is torn or made twice, and
/// uploads in pieces go on where they were.
#[test]
fn a_killed_server_loses_no_acknowledged_artifact() {
    server::run(30);
}

/// The same for longer.
#[test]
#[ignore = "takes minutes"]
fn a_killed_server_loses_no_acknowledged_artifact_for_long() {
    server::run(300);
}

/// A job that kills its worker each time fails for good, and all others are done.
#[test]
fn a_poison_job_fails_and_the_queue_goes_on() {
    poison::run();
}

/// Without room on the disk workers wait, and say so; with room again they go on by themselves.
#[test]
fn a_full_disk_pauses_workers_and_loses_nothing() {
    full_disk::run();
}
