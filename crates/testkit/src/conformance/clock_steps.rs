//! The machine's clock is set forward or back by an hour while jobs wait and run.
//!
//! What a step does: a step forward ends the leases that are out, so their jobs count a loss and run again (a worker that
//! is alive hears of it and stops); delayed and retrying jobs are due at once. A step back touches neither queued nor
//! running jobs; whatever waits for a moment (delayed jobs, retries, the leases of workers that vanished) waits as much
//! longer as the clock was set back. In no case is a job lost, or finished twice.

use std::time::Duration;

use upnext_core::backend::{Finished, Renewal};
use upnext_core::{Clock as _, JobStatus, Outcome};

use crate::factories::{delayed_job, leased_artifact, new_job, ok, renew_request, retrying_job};
use crate::{Fixture, Harness, Steps};

const HOUR: u64 = 3600;

fn set_back(fixture: &Fixture) {
    fixture.clock.set(fixture.clock.now().before(Duration::from_secs(HOUR)));
}

/// Forward: the lease is over, its holder is refused, and the job runs again, once.
pub async fn a_step_forward_ends_leases_and_loses_nothing(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    let before = fixture.backend.take_one("f").await;
    fixture.advance(HOUR);
    assert_eq!(fixture.backend.reclaim_all().await, 1, "the lease ended an hour ago, by this clock");
    let after = fixture.backend.take_one("f").await;
    assert_eq!((after.lease.job_id, after.attempt), (id, 2), "the job should be given again");
    let renewed =
        fixture.backend.renew(renew_request(vec![before.lease])).await.expect("renew should not fail");
    assert_eq!(renewed, [Renewal::Lost], "the holder of the ended lease was not told");
    assert_eq!(fixture.backend.end(&before, ok()).await, Finished::Stale, "a stale finish was taken");
    let artifact = leased_artifact(before.lease, "late.txt", b"late");
    assert!(fixture.backend.record(artifact).await.is_err(), "an artifact of a stale attempt was recorded");
    assert_eq!(fixture.backend.end_applied(&after, ok()).await, JobStatus::Complete);
    assert_eq!(fixture.backend.attempt_words(id).await, ["lost", "complete"]);
}

/// Forward: a lease that is renewed before anybody takes it back still holds.
pub async fn a_worker_that_renews_first_keeps_its_lease(harness: &dyn Harness) {
    let fixture = harness.open().await;
    fixture.backend.submit(new_job("f")).await;
    let claimed = fixture.backend.take_one("f").await;
    fixture.advance(HOUR);
    let until = fixture.in_seconds(30);
    let renewed =
        fixture.backend.renew(renew_request(vec![claimed.lease])).await.expect("renew should not fail");
    assert_eq!(renewed, [Renewal::Held(until)], "nobody had taken the lease back yet");
    assert_eq!(fixture.backend.reclaim_all().await, 0, "a renewed lease was taken back");
    assert_eq!(fixture.backend.end_applied(&claimed, ok()).await, JobStatus::Complete);
}

/// Forward: what waited for a moment within the hour is due.
pub async fn a_step_forward_makes_waiting_jobs_due(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let delayed = fixture.backend.submit(delayed_job("f", fixture.in_seconds(1800))).await;
    let retrying = fixture.backend.submit(retrying_job("f", 1)).await;
    let claimed = fixture.backend.take_one("f").await;
    assert_eq!(fixture.backend.end_applied(&claimed, Outcome::failed("no")).await, JobStatus::Retrying);
    fixture.advance(HOUR);
    let given: Vec<_> = fixture.backend.take("f", 10).await.iter().map(|job| job.lease.job_id).collect();
    assert_eq!(given, [retrying, delayed], "both are due by now, in the order of their moments");
}

/// Back: running attempts go on, are renewed and end; queued jobs are given although their due time is in the future.
pub async fn a_step_back_touches_neither_running_nor_queued_jobs(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let ids = fixture.backend.submit_all((0..3).map(|_| new_job("f")).collect()).await;
    let running = fixture.backend.take_one("f").await;
    set_back(&fixture);
    assert_eq!(fixture.backend.reclaim_all().await, 0, "a step back ended a lease");
    let until = fixture.in_seconds(30);
    let renewed =
        fixture.backend.renew(renew_request(vec![running.lease])).await.expect("renew should not fail");
    assert_eq!(renewed, [Renewal::Held(until)], "a renewal counts from the clock as it is now");
    assert_eq!(fixture.backend.end_applied(&running, ok()).await, JobStatus::Complete);
    let rest = fixture.backend.take("f", 10).await;
    let given: Vec<_> = rest.iter().map(|job| job.lease.job_id).collect();
    assert_eq!(given, ids[1..], "queued jobs wait for a worker, not for a moment");
    for job in &rest {
        assert_eq!(fixture.backend.end_applied(job, ok()).await, JobStatus::Complete);
    }
    let job = fixture.backend.read(ids[0]).await;
    assert_eq!(job.duration(), Some(Duration::ZERO), "an attempt cannot have taken less than no time");
}

/// Back: delayed jobs and retries wait as much longer as the clock was set back, and no more.
pub async fn a_step_back_puts_off_what_waits_for_a_moment_by_the_step(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let retrying = fixture.backend.submit(retrying_job("f", 1)).await;
    let claimed = fixture.backend.take_one("f").await;
    assert_eq!(fixture.backend.end_applied(&claimed, Outcome::failed("no")).await, JobStatus::Retrying);
    let delayed = fixture.backend.submit(delayed_job("f", fixture.in_seconds(60))).await;
    set_back(&fixture);
    assert!(fixture.backend.take("f", 10).await.is_empty(), "a job was given before its moment");
    fixture.advance(HOUR - 1);
    assert!(fixture.backend.take("f", 10).await.is_empty(), "a job was given before its moment");
    fixture.advance(2);
    let job = fixture.backend.take_one("f").await;
    assert_eq!(job.lease.job_id, retrying, "the retry is due an hour and a second after the step");
    fixture.advance(60);
    let job = fixture.backend.take_one("f").await;
    assert_eq!(job.lease.job_id, delayed, "the delayed job is due an hour and a minute after the step");
}

/// Back: the job of a worker that vanished comes back after its lease and the step together, not later.
pub async fn after_a_step_back_a_vanished_workers_job_comes_back(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    fixture.backend.take_one("f").await;
    set_back(&fixture);
    fixture.advance(HOUR);
    assert_eq!(fixture.backend.reclaim_all().await, 0, "the lease has 30 seconds left");
    fixture.advance(31);
    assert_eq!(fixture.backend.reclaim_all().await, 1, "a lease outlived its end and the step together");
    assert_eq!(fixture.backend.take_one("f").await.lease.job_id, id, "the job did not come back");
}
