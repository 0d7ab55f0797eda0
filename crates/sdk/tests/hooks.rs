//! What tasks have called around their attempts, on real files.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may as well end")]

use std::sync::{LazyLock, Mutex};
use std::time::Duration;

use tempfile::TempDir;
use tokio::sync::Notify;
use upnext::{Context, Error, GiveUp, JobFuture, JobStatus, RunningWorker, UpNext, Worker};
use upnext_core::backend::LogQuery;

/// What was called: task, hook, attempt. Tests tell their own by the task.
static CALLS: Mutex<Vec<(String, &str, u32)>> = Mutex::new(Vec::new());
static CALLED: LazyLock<Notify> = LazyLock::new(Notify::new);

fn note(context: &Context, hook: &'static str) {
    CALLS.lock().unwrap().push((context.function().to_owned(), hook, context.attempt()));
    CALLED.notify_waiters();
}

fn calls(task: &str) -> Vec<(&'static str, u32)> {
    let calls = CALLS.lock().unwrap();
    calls.iter().filter(|(name, ..)| name == task).map(|(_, hook, attempt)| (*hook, *attempt)).collect()
}

async fn called(task: &str, hook: &str) {
    loop {
        let next = CALLED.notified();
        if calls(task).iter().any(|(name, _)| *name == hook) {
            return;
        }
        tokio::time::timeout(Duration::from_secs(20), next).await.unwrap();
    }
}

fn started(context: &Context) {
    note(context, "start");
}

async fn succeeded(context: Context) {
    tokio::task::yield_now().await;
    note(&context, "success");
}

async fn failed(context: Context) -> Result<(), Error> {
    note(&context, "failure");
    context.send_log("critical", "somebody look").await
}

fn retried() -> Result<(), std::io::Error> {
    // Also without the argument a hook knows its job.
    note(&upnext::current_context(), "retry");
    Ok(())
}

async fn completed() {
    note(&upnext::current_context(), "complete");
}

async fn fresh() -> (UpNext, TempDir) {
    let folder = TempDir::new().unwrap();
    let app = UpNext::open(&format!("sqlite://{}/upnext.db", folder.path().display())).await.unwrap();
    (app, folder)
}

async fn ended<T: serde::de::DeserializeOwned>(job: &JobFuture<T>) -> Result<T, Error> {
    job.result_within(Duration::from_secs(20)).await.map(|result| result.value)
}

async fn stop(worker: RunningWorker) {
    worker.stop(Duration::from_secs(1)).await;
}

#[upnext::task(
    retries = 1,
    retry_delay = 0,
    on_start = started,
    on_success = succeeded,
    on_failure = failed,
    on_retry = retried,
    on_complete = completed
)]
async fn second_time(times: u32) -> Result<u32, String> {
    let attempt = upnext::current_context().attempt();
    if attempt < times { Err("not yet".to_owned()) } else { Ok(attempt) }
}

#[upnext::task(
    name = "gives-up",
    retries = 3,
    on_start = |context: Context| note(&context, "start"),
    on_failure = failed,
    on_retry = retried,
    on_complete = completed
)]
async fn gives_up() -> Result<(), GiveUp> {
    Err(GiveUp::new("no such order"))
}

#[tokio::test]
async fn hooks_are_called_by_how_an_attempt_ends() {
    let (app, _folder) = fresh().await;
    let worker = Worker::new("w").task(second_time).task(gives_up).start(&app).await.unwrap();
    let job = second_time.submit(&app, 2).await.unwrap();
    assert_eq!(ended(&job).await.unwrap(), 2);
    assert_eq!(
        calls("second_time"),
        [("start", 1), ("retry", 1), ("start", 2), ("success", 2), ("complete", 2)]
    );
    CALLS.lock().unwrap().retain(|(task, ..)| task != "second_time");
    let job = second_time.submit(&app, 3).await.unwrap();
    assert!(ended(&job).await.is_err());
    assert_eq!(
        calls("second_time"),
        [("start", 1), ("retry", 1), ("start", 2), ("failure", 2), ("complete", 2)]
    );
    let lines = app.client().backend().list_logs(job.job_id(), LogQuery::after(0, 10)).await.unwrap();
    assert_eq!(lines[0].entry.message, "somebody look", "a hook may use the context");

    let job = gives_up.submit(&app).await.unwrap();
    assert!(ended(&job).await.is_err());
    assert_eq!(calls("gives-up"), [("start", 1), ("failure", 1), ("complete", 1)]);
    // Arguments that do not fit never begin.
    CALLS.lock().unwrap().retain(|(task, ..)| task != "second_time");
    let job = app.call::<u32>("second_time", &serde_json::json!({"times": "x"})).await;
    if let Ok(job) = job {
        assert!(ended(&job).await.is_err());
        assert_eq!(calls("second_time"), [("failure", 1), ("complete", 1)]);
    }
    stop(worker).await;
}

fn refuses() -> Result<(), &'static str> {
    Err("the pager is off")
}

fn breaks_down() {
    panic!("out of paper");
}

async fn breaks_down_later(_context: Context) -> Result<(), String> {
    panic!("out of ink");
}

#[upnext::task(on_start = refuses, on_success = breaks_down, on_complete = breaks_down_later)]
async fn unlucky() -> u32 {
    7
}

#[tokio::test]
async fn what_goes_wrong_in_a_hook_is_logged_and_changes_nothing() {
    use tracing_subscriber::prelude::*;
    tracing_subscriber::registry().with(upnext::job_log()).init();
    let (app, _folder) = fresh().await;
    let worker = Worker::new("w").task(unlucky).start(&app).await.unwrap();
    let result = unlucky.wait(&app).await.unwrap();
    assert_eq!((result.value, result.job.status), (7, JobStatus::Complete));
    let lines = app.client().backend().list_logs(result.job.id, LogQuery::after(0, 10)).await.unwrap();
    let messages: Vec<&str> = lines.iter().map(|line| line.entry.message.as_str()).collect();
    let id = result.job.id;
    assert_eq!(
        messages,
        [
            format!("job {id}: the hook on_start of 'unlucky' failed: the pager is off"),
            format!("job {id}: the hook on_success of 'unlucky' failed: it panicked: out of paper"),
            format!("job {id}: the hook on_complete of 'unlucky' failed: it panicked: out of ink"),
        ]
    );
    stop(worker).await;
}

#[upnext::task(
    name = "cancelled",
    on_start = started,
    on_failure = failed,
    on_retry = retried,
    on_complete = completed
)]
async fn endless() {
    std::future::pending::<()>().await;
}

#[upnext::task(
    timeout = 0.05,
    retries = 1,
    retry_delay = 0,
    on_success = succeeded,
    on_failure = failed,
    on_retry = retried,
    on_complete = completed
)]
async fn too_slow() {
    std::future::pending::<()>().await;
}

#[upnext::task(name = "given-back", on_start = started, on_retry = retried, on_complete = completed)]
async fn given_back() {
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn attempts_that_are_stopped_call_what_their_end_means() {
    let (app, _folder) = fresh().await;
    let worker = Worker::new("w").concurrency(4).task(endless).task(too_slow).task(given_back);
    let worker = worker.start(&app).await.unwrap();
    let job = endless.submit(&app).await.unwrap();
    called("cancelled", "start").await;
    assert!(job.cancel().await.unwrap());
    called("cancelled", "complete").await;
    assert_eq!(calls("cancelled"), [("start", 1), ("complete", 1)]);

    let job = too_slow.submit(&app).await.unwrap();
    assert!(ended(&job).await.is_err());
    called("too_slow", "complete").await;
    assert_eq!(calls("too_slow"), [("retry", 1), ("failure", 2), ("complete", 2)]);

    given_back.submit(&app).await.unwrap();
    called("given-back", "start").await;
    worker.stop(Duration::ZERO).await;
    assert_eq!(calls("given-back"), [("start", 1)], "another attempt will tell how the job ends");
}

fn never() -> std::future::Pending<()> {
    std::future::pending()
}

#[upnext::task(name = "held-up", on_start = started, on_success = never, on_complete = completed)]
async fn held_up() -> u32 {
    7
}

#[tokio::test]
async fn a_hook_that_hangs_holds_up_nothing_for_good() {
    let (app, _folder) = fresh().await;
    let worker = Worker::new("w").task(held_up).task(gives_up).start(&app).await.unwrap();
    let job = held_up.submit(&app).await.unwrap();
    called("held-up", "start").await;
    assert!(job.cancel().await.unwrap());
    let error = ended(&job).await.unwrap_err();
    assert!(error.to_string().contains("cancelled"), "{error}");
    stop(worker).await;
}
