//! Shared results: jobs with the same cache key take the result of the first that completes.

use std::time::Duration;

use upnext_core::job::CacheUse;
use upnext_core::limits::Limits;
use upnext_core::{ClaimedJob, FunctionDefinition, JobStatus, NewJob, Outcome};

use crate::factories::{json, new_job, registration, worker_id};
use crate::{Harness, Steps};

fn cached(key: &str, seconds: Option<u64>) -> NewJob {
    let ttl = seconds.map(Duration::from_secs);
    NewJob { cache: Some(CacheUse { key: key.to_owned(), ttl }), ..new_job("f") }
}

fn result(text: &str) -> Outcome {
    Outcome::Complete { result: json(text) }
}

fn shared(job: &ClaimedJob) -> Option<&str> {
    job.cached.as_ref().map(upnext_core::RawJson::as_str)
}

/// A result is shared with later jobs of the key, and completes them through the usual statuses, until its time is over.
pub async fn a_result_is_shared_for_its_time(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let backend = &fixture.backend;
    backend.submit(cached("k", Some(60))).await;
    let first = backend.take_one("f").await;
    assert_eq!(shared(&first), None, "nothing has completed yet");
    backend.end_applied(&first, result("1")).await;
    fixture.advance(59);
    let id = backend.submit(cached("k", Some(60))).await;
    let second = backend.take_one("f").await;
    assert_eq!(shared(&second), Some("1"), "the result should come with the job");
    assert_eq!(backend.end_applied(&second, result("1")).await, JobStatus::Complete);
    assert_eq!(backend.read(id).await.result, Some(json("1")));
    // The second one took the result; it did not make it younger.
    fixture.advance(2);
    backend.submit(cached("k", Some(60))).await;
    let third = backend.take_one("f").await;
    assert_eq!(shared(&third), None, "the result is older than its time");
    backend.end_applied(&third, result("3")).await;
    backend.submit(cached("k", Some(60))).await;
    assert_eq!(shared(&backend.take_one("f").await), Some("3"), "the new result should be shared");
}

/// Another key, another function, a failure: nothing is shared.
pub async fn only_results_of_the_same_key_are_shared(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let backend = &fixture.backend;
    backend.submit(cached("failed", None)).await;
    let job = backend.take_one("f").await;
    backend.end_applied(&job, Outcome::failed("x")).await;
    backend.submit(cached("k", None)).await;
    let job = backend.take_one("f").await;
    backend.end_applied(&job, result("1")).await;
    for job in [cached("failed", None), cached("other", None), new_job("f")] {
        backend.submit(job).await;
        assert_eq!(shared(&backend.take_one("f").await), None, "a result of another kind was shared");
    }
    backend.submit(NewJob { function: "g".to_owned(), ..cached("k", None) }).await;
    assert_eq!(shared(&backend.take_one("g").await), None, "a result of another function was shared");
}

/// Without a time a result is shared for good, and it survives reopening.
pub async fn a_result_without_a_time_stays(harness: &dyn Harness) {
    let fixture = harness.open().await;
    fixture.backend.submit(cached("k", None)).await;
    let job = fixture.backend.take_one("f").await;
    fixture.backend.end_applied(&job, result("1")).await;
    fixture.advance(400 * 86_400);
    let again = harness.reopen(&fixture).await;
    again
        .expire(upnext_core::backend::ExpireRequest { jobs_ended_before: None, limit: 100 })
        .await
        .expect("expire");
    again.submit(cached("k", None)).await;
    assert_eq!(shared(&again.take_one("f").await), Some("1"), "the result is gone");
}

/// The first result stays while it is shared, whatever others of the key return meanwhile.
pub async fn the_first_result_stays(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let backend = &fixture.backend;
    backend.submit_all(vec![cached("k", None), cached("k", None)]).await;
    let both = backend.take("f", 2).await;
    backend.end_applied(&both[0], result("1")).await;
    backend.end_applied(&both[1], result("2")).await;
    backend.submit(cached("k", None)).await;
    assert_eq!(shared(&backend.take_one("f").await), Some("1"), "the first result should be shared");
}

/// A job that takes a result uses up no limit of its function.
pub async fn a_shared_result_uses_up_no_limit(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let backend = &fixture.backend;
    let mut worker = registration(&worker_id(), "w", &[]);
    let limits = Limits {
        rate_limit: Some("2/m".parse().expect("a rate")),
        max_concurrency: Some(2),
        ..Limits::default()
    };
    worker.functions = vec![FunctionDefinition { limits, ..FunctionDefinition::task("f") }];
    backend.register(worker).await;
    backend.submit(cached("k", None)).await;
    let job = backend.take_one("f").await;
    backend.end_applied(&job, result("1")).await;
    for _ in 0..5 {
        backend.submit(cached("k", None)).await;
        assert_eq!(
            shared(&backend.take_one("f").await),
            Some("1"),
            "a job with a result at hand had to wait"
        );
    }
    backend.submit(new_job("f")).await;
    backend.take_one("f").await;
    backend.submit(new_job("f")).await;
    assert_eq!(backend.take("f", 1).await.len(), 0, "a third job began within a minute");
}
