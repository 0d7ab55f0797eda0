//! Requests with options, many jobs in one step, events, schedules, limits and shared results, on real files.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may as well end")]

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use serde_json::json;
use tempfile::TempDir;
use upnext::{Error, Job, JobId, JobStatus, JobType, Timestamp, UpNext, Worker};
use upnext_core::{Clock, SystemClock};

async fn fresh() -> (UpNext, TempDir) {
    let folder = TempDir::new().unwrap();
    let app = UpNext::open(&format!("sqlite://{}/upnext.db", folder.path().display())).await.unwrap();
    (app, folder)
}

async fn find(app: &UpNext, id: JobId) -> Job {
    app.client().find_job(id).await.unwrap().unwrap()
}

#[upnext::task(retries = 1)]
async fn echo(text: String) -> String {
    text
}

#[tokio::test]
async fn a_request_carries_its_options() {
    let (app, _folder) = fresh().await;
    let hour = Duration::from_secs(3600);
    let moment: Timestamp = "2100-01-01T00:00:00Z".parse().unwrap();
    let request = echo.request("a".to_owned()).at(moment).delay(hour).priority(5).retries(7);
    let request = request.timeout(Duration::from_secs(9)).idempotency_key(" k ");
    let job = find(&app, request.clone().submit(&app).await.unwrap().job_id()).await;
    assert_eq!((job.status, job.scheduled_at), (JobStatus::Pending, moment.after(hour)));
    assert_eq!((job.priority, job.retry.max_retries, job.timeout.as_secs()), (5, 7, 9));
    assert_eq!((job.idempotency_key.as_deref(), job.kwargs.as_str()), (Some("k"), r#"{"text":"a"}"#));
    let again = request.submit(&app).await.unwrap();
    assert_eq!((again.job_id(), again.created()), (job.id, false));
    let refused = echo.request("a".to_owned()).idempotency_key(" ").submit(&app).await.unwrap_err();
    assert!(matches!(refused, Error::Submit(_)), "{refused}");
}

#[tokio::test]
async fn a_request_can_be_waited_for() {
    let (app, _folder) = fresh().await;
    let late = echo.request("a".to_owned()).wait_within(&app, Duration::from_millis(5)).await.unwrap_err();
    assert!(matches!(late, Error::Wait(_)), "{late}");
    let worker = Worker::new("w").task(echo).start(&app).await.unwrap();
    let soon = echo.request("b".to_owned()).delay(Duration::from_millis(20));
    assert_eq!(soon.wait(&app).await.unwrap().value, "b");
    assert_eq!(echo.submit(&app, "c".to_owned()).await.unwrap().await.unwrap().value, "c");
    worker.stop(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn many_requests_are_accepted_in_one_step_or_not_at_all() {
    let (app, _folder) = fresh().await;
    let worker = Worker::new("w").concurrency(4).task(echo).start(&app).await.unwrap();
    let texts = ["a", "b", "c"];
    let jobs = app.submit_all(texts.map(|text| echo.request(text.to_owned()))).await.unwrap();
    let results = futures::future::try_join_all(jobs.iter().map(upnext::JobFuture::result)).await.unwrap();
    assert_eq!(results.iter().map(|result| result.value.as_str()).collect::<Vec<_>>(), texts);
    worker.stop(Duration::from_secs(1)).await;

    let good = echo.request("lost".to_owned()).idempotency_key("good");
    let bad = echo.request("bad".to_owned()).timeout(Duration::ZERO);
    let refused = app.submit_all([good.clone(), bad]).await.unwrap_err();
    assert!(refused.to_string().contains("timeout"), "{refused}");
    assert!(good.submit(&app).await.unwrap().created(), "nothing of the refused step was stored");
}

#[upnext::task]
async fn race(kind: String) -> Result<String, String> {
    match kind.as_str() {
        "slow" => std::future::pending().await,
        "bad" => Err("bad".to_owned()),
        _ => Ok(kind),
    }
}

#[tokio::test]
async fn the_first_that_completes_ends_the_others() {
    let (app, _folder) = fresh().await;
    let worker = Worker::new("w").concurrency(4).task(race).start(&app).await.unwrap();
    let kinds = ["slow", "bad", "fast", "slow"];
    let jobs = app.submit_all(kinds.map(|kind| race.request(kind.to_owned()))).await.unwrap();
    let first = upnext::first_completed(jobs.clone()).await.unwrap();
    assert_eq!((first.value.as_str(), first.job.id), ("fast", jobs[2].job_id()));
    for slow in [&jobs[0], &jobs[3]] {
        let end = slow.result_within(Duration::from_secs(10)).await.unwrap_err();
        assert!(matches!(end, Error::Job { status: JobStatus::Cancelled, .. }), "{end}");
    }

    let failing = app.submit_all(["bad", "bad"].map(|kind| race.request(kind.to_owned()))).await.unwrap();
    let none = upnext::first_completed(failing).await.unwrap_err();
    let Error::NoneCompleted(errors) = &none else { panic!("{none}") };
    assert_eq!(errors.len(), 2);
    assert!(none.to_string().starts_with("none of 2 jobs completed: job "), "{none}");

    let dropped = race.submit(&app, "slow".to_owned()).await.unwrap();
    let race_of_one = upnext::first_completed([dropped.clone()]);
    assert!(tokio::time::timeout(Duration::from_millis(20), race_of_one).await.is_err());
    let end = dropped.result_within(Duration::from_secs(10)).await.unwrap_err();
    assert!(matches!(end, Error::Job { status: JobStatus::Cancelled, .. }), "{end}");
    worker.stop(Duration::from_secs(1)).await;
}

#[upnext::task(event = "order.*")]
async fn reserve(order: i64) -> i64 {
    order * 10
}

#[upnext::task(event = "order.placed", retries = 2)]
async fn thank(customer: String, order: Option<i64>) -> String {
    format!("thank you, {customer}, for {order:?}")
}

#[tokio::test]
async fn an_event_becomes_a_job_for_each_handler() {
    let (app, _folder) = fresh().await;
    let worker = Worker::new("w").task(reserve).task(thank).start(&app).await.unwrap();
    let data = json!({"order": 7, "customer": "Ada", "of no interest": true});
    let mut deliveries = app.send_event("order.placed", &data).await.unwrap();
    deliveries.sort_by(|a, b| a.function.cmp(&b.function));
    let mut ended = Vec::new();
    for delivery in &deliveries {
        let result = delivery.job.result_within(Duration::from_secs(10)).await.unwrap();
        assert_eq!(result.job.job_type, JobType::Event);
        assert!(result.job.source.unwrap().as_str().contains("order.placed"));
        ended.push((delivery.function.as_str(), result.value));
    }
    assert_eq!(ended, [("reserve", json!(70)), ("thank", json!("thank you, Ada, for Some(7)"))]);
    assert_eq!(app.send_event("order.sent", &json!({"order": 1})).await.unwrap().len(), 1);
    assert!(app.send_event("invoice.sent", &json!({})).await.unwrap().is_empty());
    worker.stop(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn an_event_with_a_key_is_handled_once_and_reaches_handlers_that_no_worker_offered() {
    let (app, _folder) = fresh().await;
    let event = upnext::event("order.placed").idempotency_key("order-7").handler(reserve);
    let first = event.clone().send(&app, &json!({"order": 7})).await.unwrap();
    let second = event.send(&app, &json!({"order": 7})).await.unwrap();
    assert_eq!((first.len(), first[0].job.created(), second[0].job.created()), (1, true, false));
    assert_eq!(first[0].job.job_id(), second[0].job.job_id());
    let refused = app.send_event("order.placed", &json!([7])).await.unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the data of 'order.placed' must be one JSON object: its fields are the arguments of the handlers"
    );
    let refused = app.send_event("order.*", &json!({})).await.unwrap_err();
    assert!(matches!(refused, Error::Submit(_)), "{refused}");
}

static TICKS: AtomicU32 = AtomicU32::new(0);

#[upnext::task(cron = "* * * * * *")]
async fn tick() {
    TICKS.fetch_add(1, Ordering::SeqCst);
}

#[tokio::test]
async fn a_task_with_a_schedule_runs_by_itself() {
    let (app, _folder) = fresh().await;
    let worker = Worker::new("clock").task(tick).start(&app).await.unwrap();
    let deadline = SystemClock.now().after(Duration::from_secs(20));
    while TICKS.load(Ordering::SeqCst) == 0 {
        assert!(SystemClock.now() < deadline, "no run in 20 seconds of a schedule of every second");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    worker.stop(Duration::from_secs(1)).await;
}

static COUNTED: AtomicU32 = AtomicU32::new(0);

#[upnext::task(cache_key = "{n}", cache_ttl = 600)]
async fn counted(n: i64) -> u32 {
    let _ = n;
    COUNTED.fetch_add(1, Ordering::SeqCst)
}

#[tokio::test]
async fn results_are_shared_by_key() {
    let (app, _folder) = fresh().await;
    let worker = Worker::new("w").task(counted).start(&app).await.unwrap();
    let first = counted.wait(&app, 1).await.unwrap().value;
    assert_eq!(counted.wait(&app, 1).await.unwrap().value, first);
    assert_ne!(counted.wait(&app, 2).await.unwrap().value, first);
    assert_eq!(COUNTED.load(Ordering::SeqCst), 2);
    worker.stop(Duration::from_secs(1)).await;
}

static AT_ONCE: AtomicU32 = AtomicU32::new(0);

#[upnext::task(concurrency_key = "{customer}")]
async fn one_by_one(customer: String) -> u32 {
    let _ = customer;
    let others = AT_ONCE.fetch_add(1, Ordering::SeqCst);
    tokio::task::yield_now().await;
    tokio::time::sleep(Duration::from_millis(5)).await;
    AT_ONCE.fetch_sub(1, Ordering::SeqCst);
    others
}

#[tokio::test]
async fn jobs_of_one_key_wait_for_each_other() {
    let (app, _folder) = fresh().await;
    let worker = Worker::new("w").concurrency(8).task(one_by_one).start(&app).await.unwrap();
    let jobs = app.submit_all((0..6).map(|_| one_by_one.request("ada".to_owned()))).await.unwrap();
    let results = futures::future::try_join_all(jobs.iter().map(upnext::JobFuture::result)).await.unwrap();
    assert!(results.iter().all(|result| result.value == 0), "two ran at once");
    worker.stop(Duration::from_secs(1)).await;
}
