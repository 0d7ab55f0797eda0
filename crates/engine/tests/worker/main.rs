//! The worker's loop against a real SQLite backend, with an executor that does only what the test tells it.
#![allow(missing_docs, unreachable_pub)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may as well end")]

mod clock_steps;
mod cron;
mod faulty;
mod sharing;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::timeout;
use upnext_core::client::Submission;
use upnext_core::job::MAX_PAYLOAD_BYTES;
use upnext_core::{
    Backend, Client, Clock, FailureReason, FunctionDefinition, Job, JobId, JobStatus, Outcome, RawJson,
    Settings, SystemClock,
};
use upnext_engine::{Assignment, AttemptKey, Executor, StopReason, Worker, WorkerConfig, WorkerHandle};

use crate::faulty::Faulty;

/// Nothing here should take longer, on however busy a machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Hands every assignment and every request to stop to the test.
struct Scripted {
    started: mpsc::UnboundedSender<Assignment>,
    stopped: mpsc::UnboundedSender<(AttemptKey, StopReason)>,
}

impl Executor for Scripted {
    fn start(&self, assignments: Vec<Assignment>) {
        for assignment in assignments {
            let _ = self.started.send(assignment);
        }
    }

    fn stop(&self, key: AttemptKey, reason: StopReason) {
        let _ = self.stopped.send((key, reason));
    }
}

struct Stage {
    client: Client,
    backend: Arc<Faulty>,
    worker: WorkerHandle,
    config: WorkerConfig,
    started: mpsc::UnboundedReceiver<Assignment>,
    stopped: mpsc::UnboundedReceiver<(AttemptKey, StopReason)>,
    _folder: TempDir,
}

async fn stage(adjust: impl FnOnce(&mut WorkerConfig)) -> Stage {
    stage_at(Arc::new(SystemClock), adjust).await
}

async fn stage_at(clock: Arc<dyn Clock>, adjust: impl FnOnce(&mut WorkerConfig)) -> Stage {
    let folder = tempfile::tempdir().unwrap();
    let options = upnext_sqlite::SqliteOptions {
        clock,
        ..upnext_sqlite::SqliteOptions::new(folder.path().join("u.db"))
    };
    let sqlite = upnext_sqlite::open(options).await.unwrap();
    let backend = Faulty::new(sqlite);
    let client = Client::new(Arc::clone(&backend) as Arc<dyn Backend>);
    let settings = Settings::from_vars([("HOME".to_owned(), "/nonexistent".to_owned())]).unwrap().settings;
    let mut config = WorkerConfig::new("stage", "rust", &settings);
    config.functions = vec![FunctionDefinition::task("f")];
    adjust(&mut config);
    let (start, started) = mpsc::unbounded_channel();
    let (stop, stopped) = mpsc::unbounded_channel();
    let executor = Arc::new(Scripted { started: start, stopped: stop });
    let worker = Worker::start(client.clone(), config.clone(), executor).await.unwrap();
    Stage { client, backend, worker, config, started, stopped, _folder: folder }
}

impl Stage {
    async fn submit(&self) -> JobId {
        self.submit_with(|_| {}).await
    }

    async fn submit_with(&self, adjust: impl FnOnce(&mut Submission)) -> JobId {
        let mut submission = Submission::new("f", RawJson::trusted("{}"));
        adjust(&mut submission);
        self.client.submit(submission).await.unwrap().id
    }

    async fn next_started(&mut self) -> Assignment {
        timeout(PATIENCE, self.started.recv())
            .await
            .expect("no job was started in time")
            .expect("the worker is there")
    }

    async fn next_stopped(&mut self) -> (AttemptKey, StopReason) {
        timeout(PATIENCE, self.stopped.recv())
            .await
            .expect("nothing was stopped in time")
            .expect("the worker is there")
    }

    async fn end_of(&self, id: JobId) -> Job {
        self.client.wait(id, Some(PATIENCE)).await.expect("the job did not end in time")
    }
}

fn complete(assignment: &Assignment) {
    finish(assignment, Outcome::Complete { result: RawJson::null() });
}

fn finish(assignment: &Assignment, outcome: Outcome) {
    assignment.reporter.finish(assignment.key, SystemClock.now(), outcome);
}

#[tokio::test]
async fn never_more_attempts_run_than_there_are_slots() {
    let mut stage = stage(|config| config.concurrency = 3).await;
    for _ in 0..10 {
        stage.submit().await;
    }
    let mut running = Vec::new();
    for _ in 0..3 {
        running.push(stage.next_started().await);
    }
    // Each end makes room for exactly one more.
    for _ in 0..7 {
        assert!(stage.started.try_recv().is_err(), "a fourth attempt was started while three were running");
        complete(&running.remove(0));
        running.push(stage.next_started().await);
    }
}

#[tokio::test]
async fn an_attempt_that_ignores_its_timeout_loses_its_slot_not_the_worker() {
    let mut stage = stage(|config| {
        config.concurrency = 1;
        config.stop_grace = Duration::from_millis(20);
    })
    .await;
    let stubborn = stage.submit_with(|job| job.timeout = Duration::from_millis(20)).await;
    let other = stage.submit().await;
    let ignored = stage.next_started().await;
    assert_eq!(stage.next_stopped().await, (ignored.key, StopReason::Timeout));
    // The test never reports an end for it: the slot has to be given to the other job all the same.
    let next = stage.next_started().await;
    complete(&next);
    assert_eq!(stage.end_of(other).await.status, JobStatus::Complete);
    let job = stage.end_of(stubborn).await;
    assert_eq!((job.status, job.failure_reason), (JobStatus::Failed, Some(FailureReason::Timeout)));
    // It had the slot for its timeout and the grace, although it never said when it began.
    let took = job.completed_at.unwrap().since(job.started_at.unwrap());
    assert!(took >= Duration::from_millis(40), "the job took {took:?}");
    // Its own report comes too late to change anything.
    complete(&ignored);
    complete(&next);
    assert_eq!(stage.end_of(stubborn).await.status, JobStatus::Failed);
}

#[tokio::test]
async fn a_cancellation_reaches_the_executor_and_decides_the_status() {
    let mut stage = stage(|_| {}).await;
    let id = stage.submit().await;
    let assignment = stage.next_started().await;
    stage.client.cancel(id).await.unwrap();
    assert_eq!(stage.next_stopped().await, (assignment.key, StopReason::Cancelled));
    // It happens to complete at the same moment: cancelled stays cancelled.
    complete(&assignment);
    assert_eq!(stage.end_of(id).await.status, JobStatus::Cancelled);
}

#[tokio::test]
async fn an_attempt_whose_lease_ran_out_is_stopped_and_its_outcome_refused() {
    let mut stage = stage(|config| {
        config.lease = Duration::from_millis(300);
        config.concurrency = 1;
    })
    .await;
    let id = stage.submit().await;
    let first = stage.next_started().await;
    stage.backend.renewals_fail.store(true, Ordering::SeqCst);
    // The worker's own look for expired leases takes the job back while the attempt still runs.
    let deadline = tokio::time::Instant::now() + PATIENCE;
    while stage.client.find_job(id).await.unwrap().unwrap().losses == 0 {
        assert!(tokio::time::Instant::now() < deadline, "the lease never ran out");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    stage.backend.renewals_fail.store(false, Ordering::SeqCst);
    assert_eq!(stage.next_stopped().await, (first.key, StopReason::LeaseLost));
    finish(&first, Outcome::Complete { result: RawJson::trusted("\"stale\"") });
    let second = stage.next_started().await;
    assert_eq!(second.job.attempt, 2);
    finish(&second, Outcome::Complete { result: RawJson::trusted("\"fresh\"") });
    assert_eq!(stage.end_of(id).await.result.unwrap().as_str(), "\"fresh\"");
}

#[tokio::test]
async fn outcomes_wait_for_a_backend_that_is_away() {
    let mut stage = stage(|_| {}).await;
    let id = stage.submit().await;
    let assignment = stage.next_started().await;
    stage.backend.away.store(true, Ordering::SeqCst);
    complete(&assignment);
    let early = stage.client.wait(id, Some(Duration::from_millis(150))).await;
    assert!(early.is_err(), "the job ended although the backend was away");
    let meanwhile = stage.submit().await;
    stage.backend.away.store(false, Ordering::SeqCst);
    assert_eq!(stage.end_of(id).await.status, JobStatus::Complete);
    complete(&stage.next_started().await);
    assert_eq!(stage.end_of(meanwhile).await.status, JobStatus::Complete);
}

#[tokio::test]
async fn a_waiter_survives_reads_that_fail_when_its_job_ends() {
    let mut stage = stage(|_| {}).await;
    let id = stage.submit().await;
    let assignment = stage.next_started().await;
    let waiter = tokio::spawn({
        let client = stage.client.clone();
        async move { client.wait(id, Some(PATIENCE)).await }
    });
    let mut finished = stage.backend.signals().subscribe_finished();
    tokio::task::yield_now().await;
    stage.backend.reads_fail.store(true, Ordering::SeqCst);
    complete(&assignment);
    timeout(PATIENCE, finished.recv()).await.expect("the job was never finished").unwrap();
    stage.backend.reads_fail.store(false, Ordering::SeqCst);
    let job = waiter.await.unwrap().expect("the waiter missed the end of its job");
    assert_eq!(job.status, JobStatus::Complete);
}

#[tokio::test]
async fn a_stopping_worker_lets_running_attempts_end_and_takes_no_more() {
    let mut stage = stage(|config| config.concurrency = 1).await;
    let running = stage.submit().await;
    let waiting = stage.submit().await;
    let assignment = stage.next_started().await;
    let stop = tokio::spawn({
        let worker = stage.worker.clone();
        async move { worker.stop(PATIENCE).await }
    });
    tokio::task::yield_now().await;
    complete(&assignment);
    timeout(PATIENCE, stop).await.expect("the worker did not stop").unwrap();
    assert_eq!(stage.end_of(running).await.status, JobStatus::Complete);
    let left = stage.client.find_job(waiting).await.unwrap().unwrap();
    assert_eq!((left.status, left.attempts), (JobStatus::Queued, 0), "a waiting job was touched");
}

#[tokio::test]
async fn a_second_stop_shortens_the_wait_and_gives_the_lease_back() {
    let mut stage = stage(|config| config.stop_grace = Duration::from_millis(20)).await;
    let id = stage.submit().await;
    let assignment = stage.next_started().await;
    let patient = tokio::spawn({
        let worker = stage.worker.clone();
        async move { worker.stop(Duration::from_secs(3600)).await }
    });
    stage.worker.stop(Duration::ZERO).await;
    timeout(PATIENCE, patient).await.expect("the first stop still waits").unwrap();
    assert_eq!(stage.next_stopped().await, (assignment.key, StopReason::Shutdown));
    let job = stage.client.find_job(id).await.unwrap().unwrap();
    assert_eq!((job.status, job.attempts), (JobStatus::Queued, 0), "the lease was not given back");
}

#[tokio::test]
async fn a_result_that_is_too_large_fails_the_job_with_advice() {
    let mut stage = stage(|_| {}).await;
    let id = stage.submit().await;
    let assignment = stage.next_started().await;
    let result = RawJson::trusted(format!("\"{}\"", "x".repeat(MAX_PAYLOAD_BYTES)));
    finish(&assignment, Outcome::Complete { result });
    let job = stage.end_of(id).await;
    assert_eq!(job.status, JobStatus::Failed);
    assert!(
        job.error.as_deref().unwrap_or_default().contains("put the data into an artifact"),
        "{:?}",
        job.error
    );
}

#[tokio::test]
async fn a_retry_runs_when_its_delay_is_over_without_being_woken() {
    let mut stage = stage(|_| {}).await;
    let id = stage
        .submit_with(|job| {
            job.retry.max_retries = 1;
            job.retry.delay = 0.05;
        })
        .await;
    finish(&stage.next_started().await, Outcome::failed("first"));
    let second = stage.next_started().await;
    assert_eq!(second.job.attempt, 2);
    complete(&second);
    assert_eq!(stage.end_of(id).await.attempts, 2);
}
