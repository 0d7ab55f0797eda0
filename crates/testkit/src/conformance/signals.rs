//! `signals`: sleepers are woken in this process and by other handles.

use std::collections::HashSet;

use upnext_core::backend::Feed;
use upnext_core::backend::Finished;
use upnext_core::{JobId, JobStatus, Outcome};

use crate::factories::{delayed_job, finish_ok, new_job, registration, retrying_job, worker_id};
use crate::fixture::{SIGNAL_DEADLINE, fires};
use crate::{Fixture, Harness, Steps};

/// Collects the ids that the receiver is told of until there are `count` or the deadline is over.
async fn finished_ids(
    receiver: &mut tokio::sync::broadcast::Receiver<upnext_core::signal::FinishedJobs>,
    count: usize,
) -> HashSet<JobId> {
    let mut ids = HashSet::new();
    let collect = async {
        while ids.len() < count {
            match receiver.recv().await {
                Ok(jobs) => ids.extend(jobs.iter().copied()),
                Err(_) => return,
            }
        }
    };
    let _ = tokio::time::timeout(SIGNAL_DEADLINE, collect).await;
    ids
}

/// Whoever waits in this process is told the ids of the jobs it finishes, however they end.
pub async fn finished_jobs_are_named_locally(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let mut finished = fixture.backend.signals().subscribe_finished();
    let ids = fixture.backend.submit_all((0..4).map(|_| new_job("f")).collect()).await;
    let jobs = fixture.backend.take("f", 3).await;
    fixture.backend.finish(vec![finish_ok(&jobs[0])]).await.expect("finish should not fail");
    fixture.backend.end_applied(&jobs[1], Outcome::failed("no")).await;
    fixture.backend.cancel(ids[3]).await.expect("cancel should not fail");
    fixture.backend.cancel(ids[2]).await.expect("cancel should not fail");
    fixture.advance(31);
    fixture.backend.reclaim_all().await;
    let told = finished_ids(&mut finished, 4).await;
    let wanted: HashSet<JobId> = ids.into_iter().collect();
    assert_eq!(
        told, wanted,
        "complete, failed, cancelled and reclaimed-as-cancelled jobs should all be named"
    );
}

/// Jobs that go on, and refused finishes, are not named as finished.
pub async fn unfinished_jobs_are_not_named(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let mut finished = fixture.backend.signals().subscribe_finished();
    fixture.backend.submit(retrying_job("f", 1)).await;
    let claimed = fixture.backend.take_one("f").await;
    assert_eq!(
        fixture.backend.end_applied(&claimed, Outcome::failed("no")).await,
        JobStatus::Retrying,
        "not retried"
    );
    assert_eq!(fixture.backend.end(&claimed, Outcome::failed("no")).await, Finished::Stale, "not refused");
    let last = fixture.backend.submit_completed("g").await;
    let told = finished_ids(&mut finished, 1).await;
    assert_eq!(told, HashSet::from([last]), "a job that goes on was named as finished");
}

/// Everything that makes jobs claimable, now or at an earlier time than known, wakes the claimers of this process.
pub async fn claimers_are_woken(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let backend = &fixture.backend;
    backend.register(registration(&worker_id(), "tester", &["f"])).await;
    let mut work = backend.signals().subscribe_work();
    let id = backend.submit(retrying_job("f", 1)).await;
    assert!(fires(&mut work).await, "enqueueing a job does not wake the claimers");
    let claimed = backend.take_one("f").await;
    work.mark_unchanged();
    backend.release(vec![claimed.lease]).await.expect("release should not fail");
    assert!(fires(&mut work).await, "releasing a job does not wake the claimers");
    backend.take_one("f").await;
    fixture.advance(31);
    work.mark_unchanged();
    backend.reclaim_all().await;
    assert!(fires(&mut work).await, "reclaiming a job does not wake the claimers");
    let claimed = backend.take_one("f").await;
    work.mark_unchanged();
    backend.end_applied(&claimed, Outcome::failed("no")).await;
    assert!(fires(&mut work).await, "claimers do not learn that a retry is due sooner than they know");
    fixture.advance(1);
    let claimed = backend.take_one("f").await;
    backend.end_applied(&claimed, Outcome::failed("no")).await;
    work.mark_unchanged();
    backend.retry(id).await.expect("retry should not fail");
    assert!(fires(&mut work).await, "retrying a job by hand does not wake the claimers");
    backend.set_paused("f", true).await.expect("pausing should not fail");
    work.mark_unchanged();
    backend.set_paused("f", false).await.expect("resuming should not fail");
    assert!(fires(&mut work).await, "resuming a function does not wake the claimers");
    work.mark_unchanged();
    backend.submit(delayed_job("f", fixture.in_seconds(5))).await;
    assert!(fires(&mut work).await, "claimers do not learn that a delayed job is due sooner than they know");
}

async fn with_two_handles(harness: &dyn Harness) -> (Fixture, std::sync::Arc<dyn upnext_core::Backend>) {
    let fixture = harness.open().await;
    let other = harness.reopen(&fixture).await;
    (fixture, other)
}

/// A commit of another handle wakes whoever watches for such, and the claimers.
pub async fn commits_of_other_handles_are_signalled(harness: &dyn Harness) {
    let (fixture, other) = with_two_handles(harness).await;
    let mut elsewhere = fixture.backend.signals().subscribe_elsewhere();
    let mut work = fixture.backend.signals().subscribe_work();
    other.submit(new_job("f")).await;
    assert!(fires(&mut elsewhere).await, "a job enqueued through another handle was not signalled in time");
    assert!(
        fires(&mut work).await,
        "a job enqueued through another handle did not wake the claimers in time"
    );
}

/// An end in another handle is signalled, and found among the changes.
pub async fn ends_in_other_handles_are_signalled(harness: &dyn Harness) {
    let (fixture, other) = with_two_handles(harness).await;
    let id = fixture.backend.submit(new_job("f")).await;
    let claimed = other.take_one("f").await;
    let before = fixture
        .backend
        .changes_since(None, 0, Feed::Jobs)
        .await
        .expect("changes_since should not fail")
        .cursor;
    let mut elsewhere = fixture.backend.signals().subscribe_elsewhere();
    other.end_applied(&claimed, crate::factories::ok()).await;
    let deadline = crate::fixture::deadline();
    loop {
        assert!(fires(&mut elsewhere).await, "a job's end in another handle was not signalled in time");
        let changes = fixture
            .backend
            .changes_since(Some(before), 10, Feed::Jobs)
            .await
            .expect("changes_since should not fail");
        if changes.jobs.iter().any(|change| change.id == id && change.status == JobStatus::Complete) {
            return;
        }
        // The claim before may have been signalled late.
        assert!(std::time::Instant::now() < deadline, "the signalled change is not among the changes");
    }
}

/// Many commits of another handle, one after the other, are each followed by a signal, and soon: not by a slow poll.
pub async fn no_commit_of_another_handle_is_slept_over(harness: &dyn Harness) {
    let (fixture, other) = with_two_handles(harness).await;
    let mut elsewhere = fixture.backend.signals().subscribe_elsewhere();
    let deadline = crate::fixture::deadline();
    for n in 0..10 {
        elsewhere.mark_unchanged();
        let id = other.submit(new_job("f")).await;
        // A signal of the commit before may come only now; then this one is found by looking, and the next waits.
        let seen = fixture.backend.status(id).await;
        assert_eq!(seen, JobStatus::Queued, "commit {n} of another handle is not visible");
        assert!(fires(&mut elsewhere).await, "commit {n} of another handle was not signalled in time");
    }
    let in_time = std::time::Instant::now() < deadline;
    assert!(in_time, "ten commits of another handle took more than {SIGNAL_DEADLINE:?} to be signalled");
}
