//! `retry`: failed jobs are queued again by hand, under their own id.

use upnext_core::backend::Retried;
use upnext_core::transition::MAX_LOSSES;
use upnext_core::{JobId, JobStatus, Outcome};

use crate::factories::{delayed_job, fatal, keyed_job, new_job, ok, retrying_job};
use crate::{Fixture, Harness, Steps};

async fn failed(fixture: &Fixture, job: upnext_core::NewJob) -> JobId {
    let id = fixture.backend.submit(job).await;
    let claimed = fixture.backend.take_one("f").await;
    fixture.backend.end_applied(&claimed, fatal("no rows")).await;
    id
}

/// A failed job is queued again under its own id, and no longer shows an end.
pub async fn a_failed_job_is_queued_again(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = failed(&fixture, new_job("f")).await;
    fixture.advance(10);
    let answer = fixture.backend.retry(id).await.expect("retry should not fail");
    assert_eq!(answer, Retried::Queued, "a failed job may be queued again by hand");
    let job = fixture.backend.read(id).await;
    assert_eq!((job.status, job.completed_at), (JobStatus::Queued, None), "a queued job shows an end");
    let claimed = fixture.backend.take_one("f").await;
    assert_eq!(claimed.lease.job_id, id, "the job should keep its id");
    fixture.backend.end_applied(&claimed, ok()).await;
    let job = fixture.backend.read(id).await;
    assert_eq!(job.status, JobStatus::Complete, "the second chance was taken");
    assert_eq!((job.error, job.failure_reason), (None, None), "a complete job shows the failure before");
}

/// Jobs in any other status are refused, and the answer says which.
pub async fn only_failed_jobs_are_retried(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let pending = fixture.backend.submit(delayed_job("g", fixture.in_seconds(60))).await;
    let complete = fixture.backend.submit_completed("f").await;
    let cancelled = fixture.backend.submit(new_job("f")).await;
    fixture.backend.cancel(cancelled).await.expect("cancel should not fail");
    let retrying = fixture.backend.submit(retrying_job("f", 1)).await;
    let claimed = fixture.backend.take_one("f").await;
    fixture.backend.end_applied(&claimed, Outcome::failed("no")).await;
    let active = fixture.backend.submit(new_job("f")).await;
    fixture.backend.take_one("f").await;
    let queued = fixture.backend.submit(new_job("f")).await;
    let cases = [
        (pending, JobStatus::Pending),
        (queued, JobStatus::Queued),
        (active, JobStatus::Active),
        (retrying, JobStatus::Retrying),
        (complete, JobStatus::Complete),
        (cancelled, JobStatus::Cancelled),
    ];
    for (id, status) in cases {
        let answer = fixture.backend.retry(id).await.expect("retry should not fail");
        assert_eq!(answer, Retried::NotFailed(status), "a {status} job should not be retried by hand");
        assert_eq!(fixture.backend.status(id).await, status, "a refused retry changed the {status} job");
    }
}

/// A job that does not exist is unknown.
pub async fn an_unknown_job_is_unknown(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let answer = fixture.backend.retry(JobId::fresh()).await.expect("an unknown job is no error");
    assert_eq!(answer, Retried::UnknownJob, "a job that does not exist was retried");
}

/// A second request finds the job queued already.
pub async fn a_second_retry_is_refused(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = failed(&fixture, new_job("f")).await;
    fixture.backend.retry(id).await.expect("retry should not fail");
    let answer = fixture.backend.retry(id).await.expect("retry should not fail");
    assert_eq!(answer, Retried::NotFailed(JobStatus::Queued), "a job was queued twice by hand");
    assert_eq!(fixture.backend.take("f", 10).await.len(), 1, "the job is in the queue more than once");
}

/// The job has all of its retries again, beginning with the first wait.
pub async fn retries_are_fresh(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(retrying_job("f", 2)).await;
    for round in 0..3 {
        for (failure, wait) in [(1, 1), (2, 2)] {
            let claimed = fixture.backend.take_one("f").await;
            let status = fixture.backend.end_applied(&claimed, Outcome::failed("no")).await;
            assert_eq!(
                status,
                JobStatus::Retrying,
                "failure {failure} of round {round}: a retry should be left"
            );
            let due = fixture.backend.read(id).await.scheduled_at;
            assert_eq!(
                due,
                fixture.in_seconds(wait),
                "failure {failure} of round {round} should wait {wait} s"
            );
            fixture.advance(wait);
        }
        let claimed = fixture.backend.take_one("f").await;
        let status = fixture.backend.end_applied(&claimed, Outcome::failed("no")).await;
        assert_eq!(status, JobStatus::Failed, "round {round}: both retries were used");
        assert_eq!(
            fixture.backend.read(id).await.attempts,
            3 * (round + 1),
            "attempts count on through the rounds"
        );
        fixture.backend.retry(id).await.expect("retry should not fail");
    }
    let numbers: Vec<u32> = fixture.backend.attempts(id).await.iter().map(|attempt| attempt.number).collect();
    assert_eq!(numbers, (1..=9).collect::<Vec<_>>(), "the history should hold every attempt of every round");
}

/// A poison job that is retried by hand may lose workers again before it fails for good.
pub async fn losses_are_forgiven(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    for _ in 0..MAX_LOSSES {
        fixture.backend.take_one("f").await;
        fixture.advance(31);
        fixture.backend.reclaim_all().await;
    }
    assert_eq!(
        fixture.backend.retry(id).await.expect("retry should not fail"),
        Retried::Queued,
        "it had failed"
    );
    fixture.backend.take_one("f").await;
    fixture.advance(31);
    fixture.backend.reclaim_all().await;
    let status = fixture.backend.status(id).await;
    assert_eq!(
        status,
        JobStatus::Queued,
        "one lost worker after a retry by hand should not fail the job for good"
    );
}

/// Forgiven losses still are among the attempts: the job's figures go together.
pub async fn losses_stay_among_the_attempts(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    fixture.backend.take_one("f").await;
    fixture.advance(31);
    fixture.backend.reclaim_all().await;
    let claimed = fixture.backend.take_one("f").await;
    fixture.backend.end_applied(&claimed, fatal("no")).await;
    fixture.backend.retry(id).await.expect("retry should not fail");
    let job = fixture.backend.read(id).await;
    let lost = fixture.backend.attempt_words(id).await.iter().filter(|word| *word == "lost").count();
    assert_eq!((job.attempts, lost), (2, 1), "the history of the job is wrong");
    assert_eq!(job.losses, 1, "of the attempts that the job counts one was lost, but it says otherwise");
}

/// A job that is queued again by hand holds its idempotency key again.
pub async fn a_retried_job_holds_its_key_again(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = failed(&fixture, keyed_job("f", "k")).await;
    fixture.backend.retry(id).await.expect("retry should not fail");
    let answer = fixture.backend.enqueue(vec![keyed_job("f", "k")]).await.expect("enqueue should not fail");
    assert_eq!(
        (answer[0].id, answer[0].created),
        (id, false),
        "a job queued again by hand should hold its key"
    );
}

/// When a newer job holds the key of a failed one, retrying the failed one is no error and breaks neither.
pub async fn a_retry_beside_a_newer_job_with_its_key(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let old = failed(&fixture, keyed_job("f", "k")).await;
    let new = fixture.backend.submit(keyed_job("f", "k")).await;
    assert_ne!(old, new, "a failed job stands for a new request with its key");
    let answer = fixture.backend.retry(old).await.expect("a key that is taken must not make retry fail");
    let wanted = if answer == Retried::Queued { JobStatus::Queued } else { JobStatus::Failed };
    assert_eq!(fixture.backend.status(old).await, wanted, "the answer and the job disagree");
    let third = fixture.backend.enqueue(vec![keyed_job("f", "k")]).await.expect("enqueue should not fail");
    assert!(!third[0].created, "an unfinished job holds the key, yet a third job was made");
    for claimed in fixture.backend.take("f", 10).await {
        fixture.backend.end_applied(&claimed, ok()).await;
    }
    assert_eq!(fixture.backend.status(new).await, JobStatus::Complete, "the newer job was lost");
}
