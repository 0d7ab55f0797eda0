//! `list_attempts`: the history of a job, one entry for each attempt, on every path.

use upnext_core::{JobId, JobStatus, Outcome};

use crate::factories::{WORKER, fatal, new_job, ok, retrying_job};
use crate::{Harness, Steps};

/// While an attempt runs it is listed without an end.
pub async fn a_running_attempt_is_listed(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    assert!(fixture.backend.attempts(id).await.is_empty(), "a job that nobody claimed has an attempt");
    fixture.backend.take_one("f").await;
    let attempts = fixture.backend.attempts(id).await;
    assert_eq!(attempts.len(), 1, "a claimed job has one attempt");
    assert_eq!(
        (attempts[0].number, attempts[0].outcome.as_str()),
        (1, "active"),
        "the running attempt is not shown"
    );
    assert_eq!(
        attempts[0].worker_id.as_deref(),
        Some(WORKER),
        "the running attempt does not name its worker"
    );
    assert_eq!(attempts[0].ended_at, None, "a running attempt has an end");
}

/// A failure and the success after it are two attempts, each with its own times and words.
pub async fn failed_then_complete(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(retrying_job("f", 1)).await;
    let first = fixture.backend.take_one("f").await;
    let first_began = fixture.now();
    fixture.advance(2);
    let first_ended = fixture.now();
    let outcome =
        Outcome::Failed { error: "E: no".into(), traceback: Some("line 1\nline 2".into()), retryable: true };
    fixture.backend.end_applied(&first, outcome).await;
    fixture.advance(1);
    let second = fixture.backend.take_one("f").await;
    fixture.backend.end_applied(&second, ok()).await;
    let attempts = fixture.backend.attempts(id).await;
    let numbers: Vec<u32> = attempts.iter().map(|attempt| attempt.number).collect();
    assert_eq!(numbers, [1, 2], "attempts are not listed oldest first, each once");
    assert_eq!(attempts[0].outcome, "failed", "the first attempt failed");
    assert_eq!(attempts[0].error.as_deref(), Some("E: no"), "the error of the first attempt was lost");
    assert_eq!(attempts[0].traceback.as_deref(), Some("line 1\nline 2"), "the traceback was lost");
    let times = (attempts[0].started_at, attempts[0].ended_at);
    assert_eq!(
        times,
        (Some(first_began), Some(first_ended)),
        "the second attempt changed the times of the first"
    );
    assert_eq!(attempts[1].outcome, "complete", "the second attempt completed");
    assert_eq!(attempts[1].error, None, "the second attempt shows the first one's error");
    assert_eq!(fixture.backend.read(id).await.attempts, 2, "the job should count two attempts");
}

/// A lost attempt is shown as lost, with its end.
pub async fn lost_then_complete(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    fixture.backend.take_one("f").await;
    fixture.advance(31);
    fixture.backend.reclaim_all().await;
    let second = fixture.backend.take_one("f").await;
    assert_eq!(second.attempt, 2, "an attempt after a loss should have the next number");
    assert_eq!(
        fixture.backend.end_applied(&second, ok()).await,
        JobStatus::Complete,
        "the second attempt was good"
    );
    assert_eq!(
        fixture.backend.attempt_words(id).await,
        ["lost", "complete"],
        "the history of the job is wrong"
    );
    let attempts = fixture.backend.attempts(id).await;
    assert!(attempts[0].ended_at.is_some(), "a lost attempt has no end");
    let job = fixture.backend.read(id).await;
    assert_eq!((job.attempts, job.losses), (2, 1), "one of two attempts was lost");
}

/// Timeouts and cancellations are shown by their own words.
pub async fn timeouts_and_cancellations_have_their_words(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(retrying_job("f", 2)).await;
    for outcome in [Outcome::TimedOut, Outcome::Cancelled] {
        let claimed = fixture.backend.take_one("f").await;
        fixture.backend.end_applied(&claimed, outcome).await;
        fixture.advance(5);
    }
    assert_eq!(
        fixture.backend.attempt_words(id).await,
        ["timeout", "cancelled"],
        "the history of the job is wrong"
    );
}

/// The attempts before a retry by hand stay in the history, and numbers go on.
pub async fn history_goes_on_after_a_retry_by_hand(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    let first = fixture.backend.take_one("f").await;
    fixture.backend.end_applied(&first, fatal("never")).await;
    fixture.backend.retry(id).await.expect("retry should not fail");
    let second = fixture.backend.take_one("f").await;
    assert_eq!(second.attempt, 2, "the attempt after a retry by hand should have the next number");
    fixture.backend.end_applied(&second, ok()).await;
    assert_eq!(
        fixture.backend.attempt_words(id).await,
        ["failed", "complete"],
        "the history of the job is wrong"
    );
    assert_eq!(
        fixture.backend.attempts(id).await[0].error.as_deref(),
        Some("never"),
        "the old error was lost"
    );
}

/// A job that does not exist has no attempts.
pub async fn an_unknown_job_has_none(harness: &dyn Harness) {
    let fixture = harness.open().await;
    assert!(fixture.backend.attempts(JobId::fresh()).await.is_empty(), "an unknown job has attempts");
}
