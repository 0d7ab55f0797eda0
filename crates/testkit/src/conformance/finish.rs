//! `finish`: how attempts end, what the job becomes, and whose word counts.

use std::time::Duration;

use upnext_core::backend::{Finish, Finished};
use upnext_core::transition::{AttemptFacts, after_outcome};
use upnext_core::{FailureReason, JobId, JobStatus, NewJob, Outcome, RetryPolicy};

use crate::factories::{fatal, finish, finish_ok, forged_lease, json, new_job, ok, retrying_job};
use crate::{Harness, Steps};

/// A completed job shows its result, when it began and when it ended.
pub async fn a_complete_job_shows_its_result(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    let claimed = fixture.backend.take_one("f").await;
    fixture.advance(4);
    let began = fixture.now();
    fixture.advance(3);
    let end = Finish { started_at: began, ..finish_ok(&claimed) };
    let answers = fixture.backend.finish(vec![end]).await.expect("finish should not fail");
    assert_eq!(answers, [Finished::Applied(JobStatus::Complete)], "a good end should complete the job");
    let job = fixture.backend.read(id).await;
    assert_eq!(job.status, JobStatus::Complete, "the answer and the job disagree");
    assert_eq!(job.result, Some(json(r#"{"done": true}"#)), "the result does not read back");
    assert_eq!(job.started_at, Some(began), "started_at is not what the finish said");
    assert_eq!(job.completed_at, Some(fixture.now()), "completed_at is not the moment of the finish");
    assert_eq!(job.queue_wait(), Some(Duration::from_secs(4)), "the wait between due and begun is wrong");
    assert_eq!((job.error, job.failure_reason), (None, None), "a complete job has an error");
    let attempts = fixture.backend.attempts(id).await;
    assert_eq!(attempts[0].started_at, Some(began), "the attempt did not begin when the finish said");
    assert_eq!(attempts[0].ended_at, Some(fixture.now()), "the attempt did not end when it was finished");
}

/// A job whose task returned nothing has the result `null`, not none.
pub async fn a_null_result_is_a_result(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    let claimed = fixture.backend.take_one("f").await;
    fixture.backend.end_applied(&claimed, Outcome::Complete { result: json("null") }).await;
    assert_eq!(
        fixture.backend.read(id).await.result,
        Some(json("null")),
        "the result null reads back as no result"
    );
}

/// A failed job without retries shows its error and traceback and never runs again by itself.
pub async fn a_failed_job_shows_its_error(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    let claimed = fixture.backend.take_one("f").await;
    let outcome = Outcome::Failed {
        error: "ValueError: 図 has no rows".to_owned(),
        traceback: Some("Traceback:\n  line 1\n  line 2".to_owned()),
        retryable: true,
    };
    assert_eq!(
        fixture.backend.end_applied(&claimed, outcome).await,
        JobStatus::Failed,
        "no retries were given"
    );
    let job = fixture.backend.read(id).await;
    assert_eq!(job.error.as_deref(), Some("ValueError: 図 has no rows"), "the error does not read back");
    assert_eq!(
        job.traceback.as_deref(),
        Some("Traceback:\n  line 1\n  line 2"),
        "the traceback does not read back"
    );
    assert_eq!(job.failure_reason, Some(FailureReason::Exception), "the reason should be an exception");
    assert_eq!(job.completed_at, Some(fixture.now()), "a failed job has ended");
    assert_eq!(job.result, None, "a failed job has a result");
    fixture.advance(7200);
    assert!(fixture.backend.take("f", 1).await.is_empty(), "a failed job was given again");
}

/// Failures wait 1, 2, 4 seconds (delay and backoff), at most the cap, and then end the job.
pub async fn retries_wait_by_delay_and_backoff(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let retry = RetryPolicy { max_retries: 4, max_delay: 5.0, ..RetryPolicy::default() };
    let id = fixture.backend.submit(NewJob { retry, ..new_job("f") }).await;
    for (number, wait) in [(1, 1), (2, 2), (3, 4), (4, 5)] {
        let claimed = fixture.backend.take_one("f").await;
        assert_eq!(claimed.attempt, number, "attempts are not counted one by one");
        let status = fixture.backend.end_applied(&claimed, Outcome::failed(format!("no {number}"))).await;
        assert_eq!(status, JobStatus::Retrying, "attempt {number} of 5 failed: the job should be retrying");
        let job = fixture.backend.read(id).await;
        assert_eq!(job.scheduled_at, fixture.in_seconds(wait), "retry {number} should wait {wait} s");
        assert_eq!(
            job.error,
            Some(format!("no {number}")),
            "a retrying job does not show what went wrong last"
        );
        assert_eq!(job.completed_at, None, "a retrying job has not ended");
        fixture.advance(wait);
    }
    let last = fixture.backend.take_one("f").await;
    assert_eq!(
        fixture.backend.end_applied(&last, Outcome::failed("no 5")).await,
        JobStatus::Failed,
        "no retry is left"
    );
    assert_eq!(fixture.backend.read(id).await.attempts, 5, "four retries are five attempts");
}

/// The jittered part of a wait is drawn: never longer than the full wait, never shorter than its fixed part.
pub async fn jitter_stays_within_its_part(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let retry = RetryPolicy { max_retries: 1, delay: 100.0, jitter: 0.5, ..RetryPolicy::default() };
    let ids = fixture.backend.submit_all((0..20).map(|_| NewJob { retry, ..new_job("f") }).collect()).await;
    let finishes =
        fixture.backend.take("f", 20).await.iter().map(|job| finish(job, Outcome::failed("no"))).collect();
    fixture.backend.finish(finishes).await.expect("finish should not fail");
    let mut waits = Vec::new();
    for id in ids {
        waits.push(fixture.backend.read(id).await.scheduled_at.since(fixture.now()).as_micros());
    }
    let within = waits.iter().all(|wait| (50_000_000..=100_000_000).contains(wait));
    assert!(within, "a wait of 100 s with jitter 0.5 lies outside of 50 to 100 s: {waits:?}");
    assert!(waits.iter().any(|wait| *wait != waits[0]), "20 jobs that failed together come back together");
}

/// A failure that no further attempt could change ends the job although retries are left.
pub async fn an_unretryable_failure_ends_the_job(harness: &dyn Harness) {
    let fixture = harness.open().await;
    fixture.backend.submit(retrying_job("f", 5)).await;
    let claimed = fixture.backend.take_one("f").await;
    let status = fixture.backend.end_applied(&claimed, fatal("TypeError: no argument 'x'")).await;
    assert_eq!(status, JobStatus::Failed, "a failure that is not retryable was retried");
}

/// An attempt that ran out of time is retried like a failure, and says so when no retry is left.
pub async fn a_timeout_is_retried_then_fails(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(retrying_job("f", 1)).await;
    let first = fixture.backend.take_one("f").await;
    assert_eq!(
        fixture.backend.end_applied(&first, Outcome::TimedOut).await,
        JobStatus::Retrying,
        "a retry is left"
    );
    fixture.advance(1);
    let second = fixture.backend.take_one("f").await;
    assert_eq!(
        fixture.backend.end_applied(&second, Outcome::TimedOut).await,
        JobStatus::Failed,
        "no retry is left"
    );
    let job = fixture.backend.read(id).await;
    assert_eq!(job.failure_reason, Some(FailureReason::Timeout), "the reason should be the timeout");
    assert!(
        job.error.is_some_and(|error| !error.is_empty()),
        "a job that failed by timeout has no error text"
    );
}

/// An attempt that stopped because of a cancellation ends the job as cancelled.
pub async fn a_cancelled_attempt_cancels_the_job(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(retrying_job("f", 5)).await;
    let claimed = fixture.backend.take_one("f").await;
    assert_eq!(
        fixture.backend.end_applied(&claimed, Outcome::Cancelled).await,
        JobStatus::Cancelled,
        "not cancelled"
    );
    let job = fixture.backend.read(id).await;
    assert_eq!(job.failure_reason, Some(FailureReason::Cancelled), "the reason should be the cancellation");
    assert_eq!(job.completed_at, Some(fixture.now()), "a cancelled job has ended");
}

/// Every outcome, with and without retries and a request to cancel, leads where the rules in core say.
pub async fn every_outcome_follows_the_rules(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let outcomes = [ok(), Outcome::failed("no"), fatal("never"), Outcome::TimedOut, Outcome::Cancelled];
    for outcome in &outcomes {
        for (max_retries, cancel_requested) in [(0, false), (0, true), (2, false), (2, true)] {
            let new = retrying_job("f", max_retries);
            let id = fixture.backend.submit(new.clone()).await;
            let claimed = fixture.backend.take_one("f").await;
            if cancel_requested {
                fixture.backend.cancel(id).await.expect("cancel should not fail");
            }
            let facts = AttemptFacts { attempts: 1, losses: 0, retry: &new.retry, cancel_requested };
            let wanted = after_outcome(&facts, outcome, fixture.now(), 0.0);
            let status = fixture.backend.end_applied(&claimed, outcome.clone()).await;
            let circumstances =
                format!("{outcome:?}, {max_retries} retries, cancel requested: {cancel_requested}");
            assert_eq!(status, wanted.status, "the answer is not the rules' status after {circumstances}");
            let job = fixture.backend.read(id).await;
            assert_eq!(job.status, wanted.status, "the job's status is not the rules' after {circumstances}");
            assert_eq!(
                job.failure_reason, wanted.failure_reason,
                "wrong failure reason after {circumstances}"
            );
            if let Some(at) = wanted.scheduled_at {
                assert_eq!(job.scheduled_at, at, "wrong time of the retry after {circumstances}");
            }
            assert_eq!(
                job.completed_at.is_some(),
                status.is_final(),
                "completed_at is wrong after {circumstances}"
            );
            fixture.backend.cancel(id).await.expect("cancel should not fail");
        }
    }
}

/// After an attempt was finished, its lease is worth nothing any more.
pub async fn a_second_finish_is_stale(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    let claimed = fixture.backend.take_one("f").await;
    fixture.backend.end_applied(&claimed, ok()).await;
    let second = fixture.backend.end(&claimed, Outcome::failed("no")).await;
    assert_eq!(second, Finished::Stale, "an attempt could be finished twice");
    let job = fixture.backend.read(id).await;
    assert_eq!((job.status, job.error), (JobStatus::Complete, None), "a refused finish changed the job");
}

/// A token that was never drawn, and a job that does not exist, are refused.
pub async fn a_forged_lease_is_stale(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    let claimed = fixture.backend.take_one("f").await;
    let forged = |job| Finish { lease: forged_lease(job), ..finish_ok(&claimed) };
    let answers = fixture.backend.finish(vec![forged(id), forged(JobId::fresh())]).await;
    let answers = answers.expect("finish should not fail");
    assert_eq!(answers, [Finished::Stale, Finished::Stale], "a forged lease was accepted");
    assert_eq!(fixture.backend.status(id).await, JobStatus::Active, "a refused finish changed the job");
}

/// A job that waits in the queue cannot be finished, whatever the token.
pub async fn a_queued_job_cannot_be_finished(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(retrying_job("f", 1)).await;
    let claimed = fixture.backend.take_one("f").await;
    fixture.backend.end_applied(&claimed, Outcome::failed("no")).await;
    assert_eq!(fixture.backend.end(&claimed, ok()).await, Finished::Stale, "a retrying job was finished");
    assert_eq!(fixture.backend.status(id).await, JobStatus::Retrying, "a refused finish changed the job");
}

/// Who lost the job to another worker can no longer finish it; the other can.
pub async fn a_finish_after_reclaim_is_stale(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    let slow = fixture.backend.take_one("f").await;
    fixture.advance(31);
    assert_eq!(fixture.backend.reclaim_all().await, 1, "the lease ran out");
    assert_eq!(
        fixture.backend.end(&slow, ok()).await,
        Finished::Stale,
        "a reclaimed lease finished a queued job"
    );
    let fast = fixture.backend.take_one("f").await;
    assert_eq!(
        fixture.backend.end(&slow, ok()).await,
        Finished::Stale,
        "a reclaimed lease ended another's attempt"
    );
    assert_eq!(fixture.backend.status(id).await, JobStatus::Active, "a refused finish changed the job");
    assert_eq!(
        fixture.backend.end_applied(&fast, ok()).await,
        JobStatus::Complete,
        "the holder could not finish"
    );
}

/// Each attempt of a batch is judged by itself, and answered in its place.
pub async fn a_mixed_batch_is_answered_one_by_one(harness: &dyn Harness) {
    let fixture = harness.open().await;
    fixture.backend.submit_all((0..4).map(|_| retrying_job("f", 1)).collect()).await;
    let jobs = fixture.backend.take("f", 4).await;
    fixture.backend.end_applied(&jobs[1], ok()).await;
    let batch = vec![
        finish(&jobs[0], Outcome::failed("no")),
        finish_ok(&jobs[1]),
        finish_ok(&jobs[2]),
        finish(&jobs[2], Outcome::failed("the same again")),
        finish(&jobs[3], fatal("never")),
    ];
    let answers = fixture.backend.finish(batch).await.expect("finish should not fail");
    let wanted = [
        Finished::Applied(JobStatus::Retrying),
        Finished::Stale,
        Finished::Applied(JobStatus::Complete),
        Finished::Stale,
        Finished::Applied(JobStatus::Failed),
    ];
    assert_eq!(answers, wanted, "a batch with good and stale leases is not answered one by one");
}

/// A batch of no attempts is answered with no answers.
pub async fn an_empty_batch_answers_empty(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let answers = fixture.backend.finish(Vec::new()).await.expect("an empty batch is no error");
    assert!(answers.is_empty(), "no finish was given, yet there is an answer");
}

/// What an end left behind is still there after the backend was closed and opened again.
pub async fn an_acknowledged_end_survives_reopening(harness: &dyn Harness) {
    let mut fixture = harness.open().await;
    let id = fixture.backend.submit_completed("f").await;
    fixture.backend = harness.reopen(&fixture).await;
    let job = fixture.backend.read(id).await;
    assert_eq!(job.status, JobStatus::Complete, "an acknowledged end was lost by closing and opening");
    assert_eq!(job.result, Some(json(r#"{"done": true}"#)), "the result was lost by closing and opening");
}
