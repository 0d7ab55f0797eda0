//! `reclaim_expired`: jobs of workers that vanished come back, but not for ever.

use upnext_core::transition::MAX_LOSSES;
use upnext_core::{FailureReason, JobStatus, Outcome};

use crate::factories::{checkpoint, new_job, ok, progress, renew_request, retrying_job};
use crate::{Harness, Steps};

/// A lease is taken back after its end, not before, and only once.
pub async fn only_expired_leases_are_taken_back(harness: &dyn Harness) {
    let fixture = harness.open().await;
    assert_eq!(fixture.backend.reclaim_all().await, 0, "an empty backend has no leases");
    let id = fixture.backend.submit(new_job("f")).await;
    fixture.backend.take_one("f").await;
    fixture.advance(29);
    assert_eq!(fixture.backend.reclaim_all().await, 0, "a lease was taken back before its end");
    assert_eq!(fixture.backend.status(id).await, JobStatus::Active, "a lease that holds lost its job");
    fixture.advance(2);
    assert_eq!(fixture.backend.reclaim_all().await, 1, "a lease was not taken back after its end");
    assert_eq!(fixture.backend.reclaim_all().await, 0, "a lease was taken back twice");
    let job = fixture.backend.read(id).await;
    assert_eq!(job.status, JobStatus::Queued, "a job whose worker vanished should be queued at once");
    assert_eq!((job.attempts, job.losses), (1, 1), "the attempt should count, as lost");
    assert_eq!(job.completed_at, None, "a queued job has not ended");
}

/// One call takes back at most its limit; the next goes on.
pub async fn the_limit_is_respected(harness: &dyn Harness) {
    let fixture = harness.open().await;
    fixture.backend.submit_all((0..5).map(|_| new_job("f")).collect()).await;
    fixture.backend.take("f", 5).await;
    fixture.advance(31);
    let mut counts = Vec::new();
    for limit in [0, 2, 2, 2, 2] {
        counts.push(fixture.backend.reclaim_expired(limit).await.expect("reclaim_expired should not fail"));
    }
    assert_eq!(counts, [0, 2, 2, 1, 0], "five expired leases are taken back two by two");
    assert_eq!(fixture.backend.take("f", 10).await.len(), 5, "not every reclaimed job can be claimed");
}

/// Leases that were renewed, finished or released are left alone.
pub async fn other_leases_are_left_alone(harness: &dyn Harness) {
    let fixture = harness.open().await;
    fixture.backend.submit_all((0..3).map(|_| new_job("f")).collect()).await;
    let jobs = fixture.backend.take("f", 3).await;
    fixture.backend.end_applied(&jobs[0], ok()).await;
    fixture.backend.release(vec![jobs[1].lease]).await.expect("release should not fail");
    fixture.advance(29);
    fixture.backend.renew(renew_request(vec![jobs[2].lease])).await.expect("renew should not fail");
    fixture.advance(2);
    assert_eq!(
        fixture.backend.reclaim_all().await,
        0,
        "a lease that no longer exists, or holds, was taken back"
    );
    assert_eq!(
        fixture.backend.end_applied(&jobs[2], ok()).await,
        JobStatus::Complete,
        "the renewed lease was lost"
    );
}

/// A job whose end was asked for and whose worker vanished is cancelled, not run again.
pub async fn a_cancelled_job_does_not_come_back(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(retrying_job("f", 5)).await;
    fixture.backend.take_one("f").await;
    fixture.backend.cancel(id).await.expect("cancel should not fail");
    fixture.advance(31);
    assert_eq!(fixture.backend.reclaim_all().await, 1, "the lease ran out");
    let job = fixture.backend.read(id).await;
    assert_eq!(job.status, JobStatus::Cancelled, "a job whose end was asked for came back");
    assert_eq!(job.failure_reason, Some(FailureReason::Cancelled), "the reason should be the cancellation");
    assert_eq!(job.completed_at, Some(fixture.now()), "a cancelled job has ended");
    assert!(fixture.backend.take("f", 1).await.is_empty(), "a cancelled job was given again");
    assert!(
        fixture.backend.attempts(id).await[0].ended_at.is_some(),
        "the attempt of a cancelled job has no end"
    );
}

/// A job that takes down each worker fails for good, and says why.
pub async fn a_poison_job_fails_for_good(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(retrying_job("f", 100)).await;
    for loss in 1..=MAX_LOSSES {
        let claimed = fixture.backend.take_one("f").await;
        assert_eq!(claimed.attempt, loss, "each loss should be followed by the next attempt");
        fixture.advance(31);
        assert_eq!(fixture.backend.reclaim_all().await, 1, "lease {loss} ran out");
    }
    let job = fixture.backend.read(id).await;
    assert_eq!(job.status, JobStatus::Failed, "a job that lost {MAX_LOSSES} workers should fail for good");
    assert_eq!(job.failure_reason, Some(FailureReason::Unknown), "nobody knows why the workers vanished");
    assert_eq!(job.losses, MAX_LOSSES, "every loss should be counted");
    assert_eq!(job.completed_at, Some(fixture.now()), "a failed job has ended");
    let error = job.error.unwrap_or_default().to_lowercase();
    assert!(
        error.contains("worker") || error.contains("lost"),
        "the error does not tell of lost workers: '{error}'"
    );
    assert_eq!(
        fixture.backend.attempt_words(id).await,
        ["lost", "lost", "lost"],
        "the history of the job is wrong"
    );
    fixture.advance(3600);
    assert!(fixture.backend.take("f", 1).await.is_empty(), "a poison job was given again");
}

/// Losses use up no retries, and failures no losses.
pub async fn losses_cost_no_retries(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(retrying_job("f", 1)).await;
    for _ in 0..2 {
        fixture.backend.take_one("f").await;
        fixture.advance(31);
        fixture.backend.reclaim_all().await;
    }
    let third = fixture.backend.take_one("f").await;
    let status = fixture.backend.end_applied(&third, Outcome::failed("no")).await;
    assert_eq!(status, JobStatus::Retrying, "the first failure after two losses should use the first retry");
    assert_eq!(
        fixture.backend.read(id).await.scheduled_at,
        fixture.in_seconds(1),
        "this is the first retry: 1 s"
    );
    fixture.advance(1);
    let fourth = fixture.backend.take_one("f").await;
    assert_eq!(
        [(third.attempt, third.max_attempts), (fourth.attempt, fourth.max_attempts)],
        [(3, 4), (4, 4)],
        "attempts that lost their worker are granted on top, and the last attempt knows that it is the last"
    );
    let status = fixture.backend.end_applied(&fourth, Outcome::failed("no")).await;
    assert_eq!(status, JobStatus::Failed, "the only retry was used");
    assert_eq!(
        fixture.backend.attempt_words(id).await,
        ["lost", "lost", "failed", "failed"],
        "wrong history"
    );
}

/// The state that the lost attempt saved is handed to the next one.
pub async fn the_checkpoint_survives_a_loss(harness: &dyn Harness) {
    let fixture = harness.open().await;
    fixture.backend.submit(new_job("f")).await;
    let lost = fixture.backend.take_one("f").await;
    fixture
        .backend
        .note(vec![progress(lost.lease, 0.5, None), checkpoint(lost.lease, r#"{"page": 7}"#)])
        .await;
    fixture.advance(31);
    fixture.backend.reclaim_all().await;
    let next = fixture.backend.take_one("f").await;
    let state = next.checkpoint.expect("the next attempt should be handed the checkpoint of the lost one");
    assert_eq!(state.as_str(), r#"{"page": 7}"#, "the next attempt was handed another state");
}

/// Leases that ran out while the backend was closed are taken back by whoever opens it next.
pub async fn leases_survive_reopening(harness: &dyn Harness) {
    let mut fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    let claimed = fixture.backend.take_one("f").await;
    fixture.backend = harness.reopen(&fixture).await;
    assert_eq!(fixture.backend.reclaim_all().await, 0, "opening the backend should not end leases that hold");
    let answers =
        fixture.backend.renew(renew_request(vec![claimed.lease])).await.expect("renew should not fail");
    assert_ne!(answers, [upnext_core::backend::Renewal::Lost], "a lease was lost by closing and opening");
    fixture.advance(31);
    assert_eq!(fixture.backend.reclaim_all().await, 1, "the lease ran out");
    assert_eq!(fixture.backend.status(id).await, JobStatus::Queued, "the job should be queued again");
}

/// Jobs that must not lose one more worker come one at a time, and only to those who ask for one; nothing else waits for
/// them.
pub async fn jobs_on_their_last_worker_come_one_at_a_time(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let backend = &fixture.backend;
    backend.submit_all((0..3).map(|_| new_job("f")).collect()).await;
    for _ in 0..upnext_core::transition::SUSPECT_LOSSES {
        assert_eq!(backend.take("f", 10).await.len(), 3, "a job that may lose more workers had to wait");
        fixture.advance(3600);
        assert_eq!(backend.reclaim_all().await, 3, "three leases should have run out");
    }
    let fresh = backend.submit(new_job("f")).await;
    let unasked = crate::factories::claim_request(&["f"], 10);
    let unasked = upnext_core::backend::ClaimRequest { suspect: false, ..unasked };
    let claim = backend.claim(unasked).await.expect("claim should not fail");
    assert_eq!(claim.jobs.len(), 1, "only the fresh job should come to a worker that holds a suspect");
    assert_eq!((claim.jobs[0].lease.job_id, claim.jobs[0].suspect), (fresh, false));
    for _ in 0..3 {
        let job = backend.take("f", 10).await;
        assert_eq!(job.len(), 1, "two suspects came together");
        assert!(job[0].suspect, "the job should be known for a suspect");
        // Given back unused, it is one still.
        backend.release(vec![job[0].lease]).await.expect("release should not fail");
        let job = backend.take_one("f").await;
        assert_eq!(backend.end_applied(&job, crate::factories::ok()).await, JobStatus::Complete);
    }
}
