//! `release`: leases that are given back unused leave no trace.

use upnext_core::backend::Finished;
use upnext_core::{JobStatus, Outcome, WorkerId};

use crate::factories::{claim_request, new_job, ok, retrying_job};
use crate::{Harness, Steps};

/// A released job is queued again, its attempt neither counted nor listed.
pub async fn a_released_job_is_as_if_never_claimed(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    let claimed = fixture.backend.take_one("f").await;
    fixture.backend.release(vec![claimed.lease]).await.expect("release should not fail");
    let job = fixture.backend.read(id).await;
    assert_eq!(
        (job.status, job.attempts),
        (JobStatus::Queued, 0),
        "a released job should wait, without an attempt"
    );
    assert_eq!(job.losses, 0, "a release is no loss");
    assert!(fixture.backend.attempts(id).await.is_empty(), "a released attempt is listed");
    let again = fixture.backend.take_one("f").await;
    assert_eq!(again.attempt, 1, "the attempt after a release should be the first");
    assert_ne!(again.lease.token, claimed.lease.token, "the second lease has the first one's token");
    fixture.backend.end_applied(&again, ok()).await;
    assert_eq!(fixture.backend.attempt_words(id).await, ["complete"], "the history of the job is wrong");
}

/// A released job keeps its place before those that came later.
pub async fn a_released_job_keeps_its_place(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let first = fixture.backend.submit(new_job("f")).await;
    fixture.advance(1);
    fixture.backend.submit(new_job("f")).await;
    let claimed = fixture.backend.take_one("f").await;
    fixture.advance(1);
    fixture.backend.release(vec![claimed.lease]).await.expect("release should not fail");
    let next = fixture.backend.take_one("f").await;
    assert_eq!(next.lease.job_id, first, "a released job fell behind jobs that came later");
}

/// What failed before the release stays in the count and in the history.
pub async fn earlier_attempts_stay(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(retrying_job("f", 1)).await;
    let first = fixture.backend.take_one("f").await;
    fixture.backend.end_applied(&first, Outcome::failed("no")).await;
    fixture.advance(1);
    let second = fixture.backend.take_one("f").await;
    fixture.backend.release(vec![second.lease]).await.expect("release should not fail");
    assert_eq!(fixture.backend.read(id).await.attempts, 1, "the failed attempt should still count");
    assert_eq!(
        fixture.backend.attempt_words(id).await,
        ["failed"],
        "the failed attempt should still be listed"
    );
    let third = fixture.backend.take_one("f").await;
    assert_eq!(third.attempt, 2, "the attempt after the release should be the second");
    let status = fixture.backend.end_applied(&third, Outcome::failed("no")).await;
    assert_eq!(status, JobStatus::Failed, "the only retry was used: the job should fail");
}

/// A released job shows the worker and the begin of the attempt before, as if the released one had not been.
pub async fn the_attempt_before_shows_again(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(retrying_job("f", 1)).await;
    let first = fixture.backend.take_one("f").await;
    fixture.backend.end_applied(&first, Outcome::failed("no")).await;
    let before = fixture.backend.read(id).await;
    fixture.advance(1);
    let mut request = claim_request(&["f"], 1);
    request.worker = WorkerId::from("other-00000002".to_owned());
    let claim = fixture.backend.claim(request).await.expect("claim should not fail");
    fixture.backend.release(vec![claim.jobs[0].lease]).await.expect("release should not fail");
    let after = fixture.backend.read(id).await;
    assert_eq!(after.error, before.error, "a release changed what went wrong last");
    assert_eq!(after.worker_id, before.worker_id, "the job does not name the worker of its last attempt");
    assert_eq!(after.started_at, before.started_at, "the job does not say when its last attempt began");
}

/// A lease that was given back can no longer finish or release anything.
pub async fn a_released_lease_is_worth_nothing(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    let first = fixture.backend.take_one("f").await;
    fixture.backend.release(vec![first.lease]).await.expect("release should not fail");
    assert_eq!(fixture.backend.end(&first, ok()).await, Finished::Stale, "a released lease finished the job");
    let second = fixture.backend.take_one("f").await;
    fixture.backend.release(vec![first.lease]).await.expect("a stale release is ignored, not an error");
    assert_eq!(fixture.backend.status(id).await, JobStatus::Active, "a stale lease gave back another's job");
    assert_eq!(fixture.backend.read(id).await.attempts, 1, "a stale release changed the count of attempts");
    assert_eq!(
        fixture.backend.end_applied(&second, ok()).await,
        JobStatus::Complete,
        "the holder could not finish"
    );
}

/// A release after the end changes nothing.
pub async fn a_finished_job_is_not_released(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    let claimed = fixture.backend.take_one("f").await;
    fixture.backend.end_applied(&claimed, ok()).await;
    fixture.backend.release(vec![claimed.lease]).await.expect("a stale release is ignored, not an error");
    assert_eq!(
        fixture.backend.status(id).await,
        JobStatus::Complete,
        "a release brought a complete job back"
    );
    assert_eq!(fixture.backend.attempt_words(id).await, ["complete"], "a stale release removed an attempt");
}

/// A batch with good and stale leases gives back the good ones; the same lease twice counts once; none is fine.
pub async fn a_mixed_batch_releases_what_it_can(harness: &dyn Harness) {
    let fixture = harness.open().await;
    fixture.backend.release(Vec::new()).await.expect("an empty batch is no error");
    fixture.backend.submit_all((0..3).map(|_| new_job("f")).collect()).await;
    let jobs = fixture.backend.take("f", 3).await;
    fixture.backend.end_applied(&jobs[1], ok()).await;
    let leases = vec![jobs[0].lease, jobs[1].lease, jobs[2].lease, jobs[0].lease];
    fixture.backend.release(leases).await.expect("release should not fail");
    let again = fixture.backend.take("f", 10).await;
    assert_eq!(again.len(), 2, "the two jobs that were still leased should be back, each once");
    assert!(again.iter().all(|job| job.attempt == 1), "a released attempt was counted, or discounted twice");
}

/// A job whose end was asked for does not escape through a release.
pub async fn a_cancelled_job_does_not_escape_through_release(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    let claimed = fixture.backend.take_one("f").await;
    fixture.backend.cancel(id).await.expect("cancel should not fail");
    fixture.backend.release(vec![claimed.lease]).await.expect("release should not fail");
    // Whether it ends at once, by the next look for expired leases or after one more attempt is the backend's choice.
    fixture.backend.reclaim_all().await;
    for again in fixture.backend.take("f", 1).await {
        fixture.backend.end_applied(&again, ok()).await;
    }
    let status = fixture.backend.status(id).await;
    assert_eq!(
        status,
        JobStatus::Cancelled,
        "a job was promised its cancellation, was released, and got away"
    );
}
