//! What a task meets while it runs, and what becomes of its errors, on real files.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may as well end")]

use std::error::Error as StdError;
use std::fmt;
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use tracing_subscriber::prelude::*;
use upnext::{Error, GiveUp, Job, JobId, TaskFailure, UpNext, Worker};
use upnext_core::backend::{LogLine, LogQuery};

async fn fresh() -> (UpNext, TempDir) {
    let folder = TempDir::new().unwrap();
    let app = UpNext::open(&format!("sqlite://{}/upnext.db", folder.path().display())).await.unwrap();
    (app, folder)
}

async fn logs(app: &UpNext, id: JobId) -> Vec<LogLine> {
    app.client().backend().list_logs(id, LogQuery::after(0, 20_000)).await.unwrap()
}

#[derive(Debug)]
struct Layered(&'static str, Option<Box<dyn StdError + Send + Sync>>);

impl fmt::Display for Layered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl StdError for Layered {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.1.as_ref().map(|source| source.as_ref() as &(dyn StdError + 'static))
    }
}

fn layered(bottom: impl Into<Box<dyn StdError + Send + Sync>>) -> Layered {
    let middle = Layered("the connection failed", Some(bottom.into()));
    Layered("the orders are not there", Some(Box::new(middle)))
}

#[upnext::task(retries = 1, retry_delay = 0)]
async fn plain_text() -> Result<(), String> {
    Err("only text".to_owned())
}

#[upnext::task(retries = 1, retry_delay = 0)]
async fn with_causes() -> Result<(), Layered> {
    Err(layered("no route"))
}

#[upnext::task(retries = 1, retry_delay = 0)]
async fn final_cause() -> Result<(), Layered> {
    Err(layered(GiveUp::new("no such database")))
}

#[upnext::task(retries = 1, retry_delay = 0)]
async fn final_in_anyhow() -> anyhow::Result<()> {
    Err(anyhow::Error::new(GiveUp::new("no such order")).context("cannot ship"))
}

#[upnext::task(retries = 1, retry_delay = 0)]
async fn final_in_a_box() -> Result<(), Box<dyn StdError>> {
    Err(GiveUp::new("boxed").into())
}

#[upnext::task(retries = 1, retry_delay = 0)]
async fn final_in_a_shared_box() -> Result<(), Box<dyn StdError + Send + Sync>> {
    Err(GiveUp::new(layered("shared")).into())
}

#[upnext::task(retries = 1, retry_delay = 0)]
async fn final_failure() -> Result<i64, TaskFailure> {
    let number: i64 = "7".parse()?;
    if number == 7 { Err(TaskFailure::give_up("seven")) } else { Ok(number) }
}

#[tokio::test]
async fn errors_keep_their_causes_and_say_whether_to_try_again() {
    let (app, _folder) = fresh().await;
    let worker = Worker::new("w").task(plain_text).task(with_causes).task(final_cause).task(final_in_anyhow);
    let worker = worker.task(final_in_a_box).task(final_in_a_shared_box).task(final_failure);
    let worker = worker.start(&app).await.unwrap();
    let ended = async |name: &str| -> Job {
        let job = app.call::<()>(name, &json!({})).await.unwrap();
        let error = job.result_within(Duration::from_secs(20)).await.unwrap_err();
        assert!(matches!(error, Error::Job { .. }), "{name}: {error}");
        app.client().find_job(job.job_id()).await.unwrap().unwrap()
    };
    let chain =
        |last: &str| format!("the orders are not there\ncaused by: the connection failed\ncaused by: {last}");
    let cases = [
        ("plain_text", 2, "only text", None),
        ("with_causes", 2, "the orders are not there", Some(chain("no route"))),
        ("final_cause", 1, "the orders are not there", Some(chain("no such database"))),
        ("final_in_anyhow", 1, "cannot ship", Some("cannot ship\ncaused by: no such order".to_owned())),
        ("final_in_a_box", 1, "boxed", None),
        ("final_in_a_shared_box", 1, "the orders are not there", Some(chain("shared"))),
        ("final_failure", 1, "seven", None),
    ];
    for (name, attempts, error, traceback) in cases {
        let job = ended(name).await;
        assert_eq!(
            (job.attempts, job.error.as_deref(), job.traceback),
            (attempts, Some(error), traceback),
            "{name}"
        );
    }
    worker.stop(Duration::from_secs(1)).await;
}

struct Greeting(&'static str);

#[upnext::task]
async fn greet(name: String) -> Result<String, Error> {
    let greeting = upnext::current_context().state::<Greeting>()?;
    Ok(format!("{}, {name}", greeting.0))
}

#[tokio::test]
async fn tasks_share_what_their_worker_was_given() {
    let (app, _folder) = fresh().await;
    let worker = Worker::new("w").task(greet).state(Greeting("Hi")).state(Greeting("Hello")).state(1_u8);
    let worker = worker.start(&app).await.unwrap();
    assert_eq!(greet.wait(&app, "Ada".to_owned()).await.unwrap().value, "Hello, Ada");
    worker.stop(Duration::from_secs(1)).await;

    let worker = Worker::new("w").task(greet).start(&app).await.unwrap();
    let error = greet.wait(&app, "Ada".to_owned()).await.unwrap_err().to_string();
    assert!(error.contains("the worker has no state of the type attempts::Greeting: give it one"), "{error}");
    worker.stop(Duration::from_secs(1)).await;
}

#[upnext::task(retries = 1, retry_delay = 0, timeout = 60)]
async fn resume() -> Result<serde_json::Value, Error> {
    let context = upnext::current_context();
    if let Some((done, name)) = context.checkpoint_as::<(u32, String)>()? {
        assert!(context.checkpoint_as::<bool>().is_err(), "another shape is refused");
        let about = (context.attempt(), context.max_attempts(), context.timeout().as_secs());
        let names = (context.function(), context.function_name(), context.idempotency_key());
        return Ok(json!([done, name, about, names]));
    }
    context.checkpoint(&(3, "rows")).await?;
    for refused in [context.send_log("loud", "x").await, context.send_log_with("info", "x", &[1]).await] {
        assert!(refused.is_err(), "a bad log line is refused");
    }
    context.send_log_with("warning", "not yet", &json!({"rows": 3})).await?;
    Err(context.set_progress(2.0, None).await.unwrap_err())
}

#[tokio::test]
async fn the_context_tells_about_the_attempt_and_keeps_its_state() {
    let (app, _folder) = fresh().await;
    let worker = Worker::new("w").task(resume).start(&app).await.unwrap();
    let result = resume.request().idempotency_key("k").wait(&app).await.unwrap();
    assert_eq!(result.value, json!([3, "rows", [2, 2, 60], ["resume", "resume", "k"]]));
    let lines = logs(&app, result.job.id).await;
    assert_eq!(lines[0].entry.message, "not yet");
    assert_eq!(lines[0].entry.extra.as_ref().unwrap().as_str(), r#"{"rows":3}"#);
    worker.stop(Duration::from_secs(1)).await;
}

#[upnext::task]
async fn spread() -> Result<String, tokio::task::JoinError> {
    let context = upnext::current_context();
    tokio::spawn(context.scope(async { upnext::current_context().job_id().to_string() })).await
}

#[upnext::task]
async fn chatty(lines: u32) {
    for number in 0..lines {
        tracing::warn!(number, name = "n", "line {number}");
    }
    tracing::debug!("filtered");
}

// The only test of this program that installs a subscriber.
#[tokio::test]
async fn what_a_task_says_through_tracing_is_kept() {
    let filter = tracing_subscriber::filter::LevelFilter::INFO;
    tracing_subscriber::registry().with(upnext::job_log().with_filter(filter)).init();
    let (app, _folder) = fresh().await;
    let worker = Worker::new("w").task(chatty).task(spread).start(&app).await.unwrap();
    tracing::warn!("outside of any job");
    let result = chatty.wait(&app, 250).await.unwrap();
    let lines = logs(&app, result.job.id).await;
    let messages: Vec<&str> = lines.iter().map(|line| line.entry.message.as_str()).collect();
    assert_eq!(messages, (0..250).map(|n| format!("line {n}")).collect::<Vec<_>>());
    assert_eq!(lines[7].entry.level, "warning");
    let extra: serde_json::Value = lines[7].entry.extra.as_ref().unwrap().read().unwrap();
    assert_eq!(extra, json!({"number": 7, "name": "n", "target": "attempts"}));

    let result = spread.wait(&app).await.unwrap();
    assert_eq!(result.value, result.job.id.to_string(), "what is spawned in the job's scope belongs to it");
    worker.stop(Duration::from_secs(1)).await;
}
