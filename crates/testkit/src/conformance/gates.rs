//! Concurrency keys: jobs of one kind that wait for each other and are in nobody's way.

use std::time::Duration;

use upnext_core::backend::Cancelled;
use upnext_core::job::ConcurrencyKey;
use upnext_core::{JobId, JobStatus, NewJob, Outcome};

use crate::factories::{new_job, ok, retrying_job};
use crate::{Harness, Steps};

fn keyed(key: &str, limit: u32) -> NewJob {
    NewJob { concurrency_key: Some(ConcurrencyKey { key: key.to_owned(), limit }), ..new_job("f") }
}

fn ids(jobs: &[upnext_core::ClaimedJob]) -> Vec<JobId> {
    jobs.iter().map(|job| job.lease.job_id).collect()
}

/// Only so many jobs of one key run at once; others go past those that wait.
pub async fn jobs_of_one_key_wait_for_each_other(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let backend = &fixture.backend;
    let of_a = backend.submit_all(vec![keyed("a", 2); 4].into_iter().map(fresh).collect()).await;
    let of_b = backend.submit(keyed("b", 1)).await;
    let free = backend.submit(new_job("f")).await;
    let first = backend.take("f", 10).await;
    assert_eq!(ids(&first), [of_a[0], of_a[1], of_b, free], "two of key a, one of key b, and one without");
    assert_eq!(backend.take("f", 10).await.len(), 0, "a third job of a key with two places began");
    backend.end_applied(&first[1], ok()).await;
    assert_eq!(ids(&backend.take("f", 10).await), [of_a[2]], "the next of key a should have its place");
}

fn fresh(job: NewJob) -> NewJob {
    NewJob { id: JobId::fresh(), ..job }
}

/// The most urgent of those that wait comes next.
pub async fn the_most_urgent_waits_least(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let backend = &fixture.backend;
    backend.submit(keyed("a", 1)).await;
    let usual = backend.submit(keyed("a", 1)).await;
    let urgent = backend.submit(NewJob { priority: 5, ..keyed("a", 1) }).await;
    let first = backend.take_one("f").await;
    backend.end_applied(&first, ok()).await;
    let next = backend.take_one("f").await;
    assert_eq!(next.lease.job_id, urgent, "the more urgent job should come first");
    backend.end_applied(&next, ok()).await;
    assert_eq!(backend.take_one("f").await.lease.job_id, usual, "the last one should come last");
}

/// Whatever ends or postpones a job gives its place up: failing, a retry, cancelling, while queued or while it runs.
pub async fn every_way_out_gives_the_place_up(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let backend = &fixture.backend;
    let retried = backend
        .submit(NewJob { concurrency_key: keyed("a", 1).concurrency_key, ..retrying_job("f", 1) })
        .await;
    let rest = backend.submit_all(vec![keyed("a", 1); 4].into_iter().map(fresh).collect()).await;
    let running = backend.take_one("f").await;
    backend.end_applied(&running, Outcome::failed("x")).await;
    assert_eq!(backend.status(retried).await, JobStatus::Retrying);
    let running = backend.take_one("f").await;
    assert_eq!(running.lease.job_id, rest[0], "a job that waits for its retry holds no place");
    backend.end_applied(&running, Outcome::Cancelled).await;
    assert_eq!(backend.cancel(rest[1]).await.expect("cancel should not fail"), Cancelled::AtOnce);
    // Cancelling one that holds no place lets nobody in.
    assert_eq!(backend.cancel(rest[3]).await.expect("cancel should not fail"), Cancelled::AtOnce);
    fixture.advance(2);
    // The retry is due again and finds the place taken by the one that waited.
    let running = backend.take("f", 10).await;
    assert_eq!(ids(&running), [rest[2]], "exactly one may run");
    backend.end_applied(&running[0], ok()).await;
    assert_eq!(backend.take_one("f").await.lease.job_id, retried, "the retry comes last");
}

/// A job that lost its worker, or was given back, keeps its place.
pub async fn a_lost_job_keeps_its_place(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let backend = &fixture.backend;
    let jobs = backend.submit_all(vec![keyed("a", 1); 2].into_iter().map(fresh).collect()).await;
    let running = backend.take_one("f").await;
    backend.release(vec![running.lease]).await.expect("release should not fail");
    assert_eq!(ids(&backend.take("f", 10).await), [jobs[0]], "the released job should come first again");
    fixture.advance(3600);
    assert_eq!(backend.reclaim_all().await, 1, "the lease should have run out");
    assert_eq!(ids(&backend.take("f", 10).await), [jobs[0]], "the lost job should come first again");
}

/// Delayed jobs take a place when they are due, not before; a retry by hand takes one, too.
pub async fn a_place_is_taken_when_a_job_is_due(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let backend = &fixture.backend;
    let later = backend.submit(NewJob { delay: Duration::from_secs(60), ..keyed("a", 1) }).await;
    let now = backend.submit(keyed("a", 1)).await;
    let running = backend.take("f", 10).await;
    assert_eq!(ids(&running), [now], "a job that is not due should be in nobody's way");
    fixture.advance(61);
    assert_eq!(backend.take("f", 10).await.len(), 0, "a second job of the key began");
    backend.end_applied(&running[0], Outcome::failed("x")).await;
    let running = backend.take("f", 10).await;
    assert_eq!(ids(&running), [later], "the delayed job is due and has the place");
    backend.retry(now).await.expect("retry should not fail");
    assert_eq!(backend.take("f", 10).await.len(), 0, "the retried job began beside another of its key");
    backend.end_applied(&running[0], ok()).await;
    assert_eq!(ids(&backend.take("f", 10).await), [now], "the retried job comes next");
}

/// What waits behind others still counts as backlog, and the key belongs to its function.
pub async fn keys_belong_to_their_function(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let backend = &fixture.backend;
    backend.submit_all(vec![keyed("a", 1); 3].into_iter().map(fresh).collect()).await;
    backend.submit(NewJob { function: "g".to_owned(), ..keyed("a", 1) }).await;
    backend.take_one("f").await;
    assert_eq!(backend.take("g", 10).await.len(), 1, "a key of another function is another key");
    backend.register(crate::factories::registration(&crate::factories::worker_id(), "w", &["f"])).await;
    let function =
        backend.find_function("f").await.expect("find_function should not fail").expect("f is known");
    assert_eq!(function.stats.queue_backlog, 2, "two jobs wait");
}
