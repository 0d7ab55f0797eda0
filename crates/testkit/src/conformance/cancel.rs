//! `cancel`: what it does in each status, and that nothing undoes it.

use upnext_core::backend::{Cancelled, Finished};
use upnext_core::{FailureReason, JobId, JobStatus, Outcome};

use crate::factories::{delayed_job, fatal, keyed_job, new_job, ok, retrying_job};
use crate::{Fixture, Harness, Steps};

async fn assert_cancelled_at_once(fixture: &Fixture, id: JobId, status: JobStatus) {
    assert_eq!(fixture.backend.status(id).await, status, "the case did not reach the status it is about");
    let answer = fixture.backend.cancel(id).await.expect("cancel should not fail");
    assert_eq!(answer, Cancelled::AtOnce, "a {status} job should be cancelled at once");
    let job = fixture.backend.read(id).await;
    assert_eq!(job.status, JobStatus::Cancelled, "the answer and the {status} job disagree");
    assert_eq!(job.failure_reason, Some(FailureReason::Cancelled), "the reason should be the cancellation");
    assert_eq!(job.completed_at, Some(fixture.now()), "a cancelled job has ended");
    fixture.advance(7200);
    assert!(
        fixture.backend.take("f", 10).await.is_empty(),
        "a job cancelled while {status} was given to a worker"
    );
}

/// A queued job is cancelled at once and never given to a worker.
pub async fn a_queued_job_is_cancelled_at_once(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    assert_cancelled_at_once(&fixture, id, JobStatus::Queued).await;
}

/// A delayed job is cancelled at once and stays so when its time comes.
pub async fn a_pending_job_is_cancelled_at_once(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(delayed_job("f", fixture.in_seconds(60))).await;
    assert_cancelled_at_once(&fixture, id, JobStatus::Pending).await;
}

/// A job that waits for its retry is cancelled at once and stays so when its time comes.
pub async fn a_retrying_job_is_cancelled_at_once(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(retrying_job("f", 3)).await;
    let claimed = fixture.backend.take_one("f").await;
    fixture.backend.end_applied(&claimed, Outcome::failed("no")).await;
    assert_cancelled_at_once(&fixture, id, JobStatus::Retrying).await;
}

/// A running job is asked to end; it is active until its worker says so, and then cancelled even if it completed.
pub async fn a_cancelled_job_never_turns_complete(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    let claimed = fixture.backend.take_one("f").await;
    let answer = fixture.backend.cancel(id).await.expect("cancel should not fail");
    assert_eq!(answer, Cancelled::Requested, "a running job can only be asked to end");
    let job = fixture.backend.read(id).await;
    assert_eq!(job.status, JobStatus::Active, "a running job is active until its worker says otherwise");
    assert!(job.cancel_requested, "the job does not show that its end was asked for");
    let again = fixture.backend.cancel(id).await.expect("cancel should not fail");
    assert_eq!(again, Cancelled::Requested, "asking twice should be answered like asking once");
    let answer = fixture.backend.end(&claimed, ok()).await;
    assert_eq!(
        answer,
        Finished::Applied(JobStatus::Cancelled),
        "a job whose end was asked for turned complete"
    );
    let job = fixture.backend.read(id).await;
    assert_eq!(job.status, JobStatus::Cancelled, "the answer and the job disagree");
    assert_eq!(job.failure_reason, Some(FailureReason::Cancelled), "the reason should be the cancellation");
}

/// A running job whose end was asked for is not retried when it fails or times out.
pub async fn a_cancelled_job_is_not_retried(harness: &dyn Harness) {
    let fixture = harness.open().await;
    for outcome in [Outcome::failed("no"), Outcome::TimedOut] {
        let id = fixture.backend.submit(retrying_job("f", 5)).await;
        let claimed = fixture.backend.take_one("f").await;
        fixture.backend.cancel(id).await.expect("cancel should not fail");
        let status = fixture.backend.end_applied(&claimed, outcome).await;
        assert_eq!(status, JobStatus::Cancelled, "a job whose end was asked for is retried or failed");
        fixture.advance(3600);
        assert!(fixture.backend.take("f", 1).await.is_empty(), "a cancelled job was given again");
    }
}

/// Jobs that ended cannot be cancelled, and the answer says how they ended.
pub async fn an_ended_job_is_too_late(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let outcomes = [
        (ok(), JobStatus::Complete),
        (fatal("no"), JobStatus::Failed),
        (Outcome::Cancelled, JobStatus::Cancelled),
    ];
    for (outcome, status) in outcomes {
        let id = fixture.backend.submit(new_job("f")).await;
        let claimed = fixture.backend.take_one("f").await;
        fixture.backend.end_applied(&claimed, outcome).await;
        let ended = fixture.now();
        fixture.advance(5);
        let answer = fixture.backend.cancel(id).await.expect("cancel should not fail");
        assert_eq!(answer, Cancelled::TooLate(status), "a {status} job cannot be cancelled any more");
        let job = fixture.backend.read(id).await;
        assert_eq!(
            (job.status, job.completed_at),
            (status, Some(ended)),
            "a refused cancel changed a {status} job"
        );
    }
}

/// A job that does not exist is unknown.
pub async fn an_unknown_job_is_unknown(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let answer = fixture.backend.cancel(JobId::fresh()).await.expect("an unknown job is no error");
    assert_eq!(answer, Cancelled::UnknownJob, "a job that does not exist was cancelled");
}

/// The key of a cancelled job makes a new job; that of a job only asked to end does not yet.
pub async fn cancelling_frees_the_key(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let first = fixture.backend.submit(keyed_job("f", "k")).await;
    fixture.backend.cancel(first).await.expect("cancel should not fail");
    let second = fixture.backend.submit(keyed_job("f", "k")).await;
    assert_ne!(second, first, "a cancelled job stands for a new request with its key");
    let claimed = fixture.backend.take_one("f").await;
    fixture.backend.cancel(second).await.expect("cancel should not fail");
    let same = fixture.backend.submit(keyed_job("f", "k")).await;
    assert_eq!(same, second, "a job that still runs holds its key, also when its end was asked for");
    fixture.backend.end_applied(&claimed, Outcome::Cancelled).await;
    assert_ne!(fixture.backend.submit(keyed_job("f", "k")).await, second, "an ended job still holds its key");
}
