//! `changes_since`: every step of every job is seen by whoever follows the cursor.

use std::collections::{HashMap, HashSet};

use upnext_core::backend::{Changes, Feed, JobChange};
use upnext_core::{Backend, JobId, JobStatus, Outcome};

use crate::factories::{delayed_job, fatal, finish_ok, new_job, ok, retrying_job};
use crate::{Fixture, Harness, Steps};

async fn cursor(fixture: &Fixture) -> i64 {
    let changes =
        fixture.backend.changes_since(None, 100, Feed::Jobs).await.expect("changes_since should not fail");
    assert!(
        changes.jobs.is_empty(),
        "without a cursor there should be no jobs, only the cursor of this moment"
    );
    changes.cursor
}

async fn since(backend: &dyn Backend, cursor: i64, limit: usize) -> Changes {
    backend.changes_since(Some(cursor), limit, Feed::Jobs).await.expect("changes_since should not fail")
}

fn ids(changes: &[JobChange]) -> Vec<JobId> {
    changes.iter().map(|change| change.id).collect()
}

/// What happened before the cursor is not told, what happens after it is, in order; then nothing more.
pub async fn changes_after_the_cursor_are_told_in_order(harness: &dyn Harness) {
    let fixture = harness.open().await;
    fixture.backend.submit(new_job("f")).await;
    let start = cursor(&fixture).await;
    let quiet = since(&*fixture.backend, start, 100).await;
    assert!(quiet.jobs.is_empty(), "nothing changed after the cursor, yet a job is told");
    assert_eq!(quiet.cursor, start, "nothing changed, yet the cursor moved");
    let made = fixture.backend.submit_all((0..5).map(|_| new_job("g")).collect()).await;
    let changes = since(&*fixture.backend, start, 100).await;
    assert_eq!(ids(&changes.jobs), made, "new jobs are not told in the order they were made");
    let rising = changes.jobs.windows(2).all(|pair| pair[0].sequence < pair[1].sequence);
    assert!(rising, "sequence numbers do not rise: {:?}", changes.jobs);
    let rest = since(&*fixture.backend, changes.cursor, 100).await;
    assert!(rest.jobs.is_empty(), "a change was told twice");
}

/// A job that changed several times is told once, at its last change, with its status now.
pub async fn a_job_that_changed_twice_is_told_once(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let start = cursor(&fixture).await;
    let first = fixture.backend.submit(new_job("f")).await;
    let second = fixture.backend.submit(new_job("g")).await;
    let claimed = fixture.backend.take_one("f").await;
    fixture.backend.end_applied(&claimed, ok()).await;
    let told: Vec<_> = since(&*fixture.backend, start, 100)
        .await
        .jobs
        .iter()
        .map(|change| (change.id, change.status))
        .collect();
    let wanted = [(second, JobStatus::Queued), (first, JobStatus::Complete)];
    assert_eq!(told, wanted, "each job should be told once, in the order of its last change");
}

/// Every verb that moves a job is a change.
pub async fn every_step_is_a_change(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let backend = &*fixture.backend;
    let mut place = cursor(&fixture).await;
    let mut wanted = Vec::new();
    let mut told = Vec::new();
    macro_rules! step {
        ($status:ident, $id:expr) => {
            let changes = since(backend, place, 100).await;
            place = changes.cursor;
            told.extend(changes.jobs.iter().map(|change| (change.id, change.status)));
            wanted.push(($id, JobStatus::$status));
        };
    }
    let id = backend.submit(retrying_job("f", 1)).await;
    step!(Queued, id);
    let claimed = backend.take_one("f").await;
    step!(Active, id);
    backend.release(vec![claimed.lease]).await.expect("release should not fail");
    step!(Queued, id);
    backend.take_one("f").await;
    step!(Active, id);
    fixture.advance(31);
    backend.reclaim_all().await;
    step!(Queued, id);
    let claimed = backend.take_one("f").await;
    step!(Active, id);
    backend.end_applied(&claimed, Outcome::failed("no")).await;
    step!(Retrying, id);
    fixture.advance(1);
    let claimed = backend.take_one("f").await;
    step!(Active, id);
    backend.end_applied(&claimed, fatal("never")).await;
    step!(Failed, id);
    backend.retry(id).await.expect("retry should not fail");
    step!(Queued, id);
    backend.cancel(id).await.expect("cancel should not fail");
    step!(Cancelled, id);
    let delayed = backend.submit(delayed_job("f", fixture.in_seconds(60))).await;
    step!(Pending, delayed);
    let _ = place;
    assert_eq!(told, wanted, "a step of a job is missing among the changes, or told too often");
}

/// A delayed job that a claim moves into the queue without giving it is a change, too.
pub async fn becoming_due_is_a_change(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let due = fixture.in_seconds(60);
    let ids = fixture.backend.submit_all(vec![delayed_job("f", due), delayed_job("f", due)]).await;
    let start = cursor(&fixture).await;
    fixture.advance(60);
    fixture.backend.take_one("f").await;
    let mut told: Vec<_> = since(&*fixture.backend, start, 100)
        .await
        .jobs
        .iter()
        .map(|change| (change.id, change.status))
        .collect();
    let mut wanted = vec![(ids[0], JobStatus::Active)];
    if fixture.backend.status(ids[1]).await == JobStatus::Queued {
        wanted.push((ids[1], JobStatus::Queued));
    }
    told.sort_by_key(|(id, _)| *id);
    wanted.sort_by_key(|(id, _)| *id);
    assert_eq!(told, wanted, "what the claim did to the two jobs that became due is not told");
}

/// The limit cuts the answer, and the cursor goes on where it was cut.
pub async fn the_cursor_resumes_where_the_limit_cut(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let start = cursor(&fixture).await;
    let made = fixture.backend.submit_all((0..25).map(|_| new_job("f")).collect()).await;
    let mut told = Vec::new();
    let mut place = start;
    for _ in 0..4 {
        let changes = since(&*fixture.backend, place, 10).await;
        assert!(changes.jobs.len() <= 10, "an answer of at most 10 jobs holds {}", changes.jobs.len());
        told.extend(ids(&changes.jobs));
        place = changes.cursor;
    }
    assert_eq!(told, made, "reading page by page does not tell every change once");
}

/// What other handles do is told, too, and cursors mean the same to all handles.
pub async fn changes_of_other_handles_are_told(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let other = harness.reopen(&fixture).await;
    let start = cursor(&fixture).await;
    let theirs = other.submit(new_job("f")).await;
    let ours = fixture.backend.submit(new_job("f")).await;
    for backend in [&*fixture.backend, &*other] {
        assert_eq!(
            ids(&since(backend, start, 100).await.jobs),
            [theirs, ours],
            "a handle misses the other's change"
        );
    }
}

/// A cursor is still good after the backend was closed and opened again.
pub async fn a_cursor_survives_reopening(harness: &dyn Harness) {
    let mut fixture = harness.open().await;
    fixture.backend.submit(new_job("f")).await;
    let start = cursor(&fixture).await;
    let missed = fixture.backend.submit(new_job("f")).await;
    fixture.backend = harness.reopen(&fixture).await;
    let next = fixture.backend.submit(new_job("f")).await;
    let changes = since(&*fixture.backend, start, 100).await;
    assert_eq!(
        ids(&changes.jobs),
        [missed, next],
        "changes around closing and opening were missed or told twice"
    );
}

/// Whoever follows the cursor while several handles write misses no job's end.
pub async fn followers_miss_nothing_while_others_write(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let other = harness.reopen(&fixture).await;
    let mut place = cursor(&fixture).await;
    let mut writers = tokio::task::JoinSet::new();
    for n in 0..4 {
        let handle = if n % 2 == 0 { fixture.backend.clone() } else { other.clone() };
        writers.spawn(async move {
            let mut ids = Vec::new();
            for _ in 0..40 {
                ids.push(handle.submit(new_job("f")).await);
                let finishes = handle.take("f", 5).await.iter().map(finish_ok).collect();
                handle.finish(finishes).await.expect("finish should not fail");
            }
            ids
        });
    }
    let mut told: HashMap<JobId, JobStatus> = HashMap::new();
    let mut last = place;
    while !writers.is_empty() {
        let changes = since(&*other, place, 16).await;
        for change in &changes.jobs {
            assert!(change.sequence > last, "a change was told out of order");
            last = change.sequence;
            told.insert(change.id, change.status);
        }
        place = changes.cursor;
        while let Some(written) = writers.try_join_next() {
            // Keeps the ids of finished writers among those that must have been told.
            for id in written.expect("a writer panicked") {
                told.entry(id).or_insert(JobStatus::Pending);
            }
        }
    }
    for _ in 0..10 {
        let changes = since(&*other, place, 1000).await;
        told.extend(changes.jobs.iter().map(|change| (change.id, change.status)));
        place = changes.cursor;
    }
    let unfinished: HashSet<_> = told.values().filter(|status| **status != JobStatus::Complete).collect();
    assert_eq!(told.len(), 160, "jobs of one of the writers were never told");
    assert!(
        unfinished.is_empty(),
        "the end of some jobs was never told: the follower knows them as {unfinished:?}"
    );
}
