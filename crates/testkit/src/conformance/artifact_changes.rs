//! `changes_since` with [`Feed::Everything`]: what happens to artifacts is told beside what happens to jobs.

use std::collections::HashMap;

use upnext_core::artifact::ArtifactPatch;
use upnext_core::backend::ArtifactChangeKind::{Created, Deleted, Updated};
use upnext_core::backend::{ArtifactChange, ArtifactChangeKind, Feed};
use upnext_core::{Artifact, ArtifactId, Backend, JobId};

use crate::factories::{
    finish_ok, leased_artifact, live_artifact, new_artifact, new_job, part, seal, upload,
};
use crate::{Fixture, Harness, Steps};

fn kinds(changes: &[ArtifactChange]) -> Vec<(ArtifactId, ArtifactChangeKind)> {
    changes.iter().map(|change| (change.id, change.kind)).collect()
}

async fn since(fixture: &Fixture, place: i64) -> Vec<(ArtifactId, ArtifactChangeKind)> {
    kinds(&fixture.backend.everything_since(place).await.artifacts)
}

async fn with_job(harness: &dyn Harness) -> (Fixture, JobId) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    (fixture, id)
}

fn pin(pinned: bool) -> ArtifactPatch {
    ArtifactPatch { pinned: Some(pinned), ..ArtifactPatch::default() }
}

/// Created, updated and deleted, each seen from the cursor that is asked about.
pub async fn a_change_is_seen_from_the_cursor(harness: &dyn Harness) {
    let (fixture, id) = with_job(harness).await;
    let start = fixture.backend.place().await;
    let artifact = fixture.backend.record_ok(new_artifact(id, "a", b"1")).await.id;
    let made = fixture.backend.place().await;
    assert!(made > start, "recording an artifact is no change");
    fixture.backend.patch(artifact, pin(true)).await;
    let patched = fixture.backend.place().await;
    let views = [(start, vec![(artifact, Created)]), (made, vec![(artifact, Updated)]), (patched, vec![])];
    for (place, wanted) in views {
        assert_eq!(since(&fixture, place).await, wanted, "seen from {place}");
    }
    fixture.backend.remove(artifact).await;
    let gone = fixture.backend.place().await;
    // Whoever never heard of it need not hear that it is gone, but may.
    let unheard = since(&fixture, start).await;
    assert!(unheard.is_empty() || unheard == [(artifact, Deleted)], "from the start: {unheard:?}");
    for (place, wanted) in
        [(made, vec![(artifact, Deleted)]), (patched, vec![(artifact, Deleted)]), (gone, vec![])]
    {
        assert_eq!(since(&fixture, place).await, wanted, "seen from {place} after the deletion");
    }
    let told = fixture.backend.everything_since(made).await.artifacts;
    assert_eq!(told[0].job_id, id, "a deletion names another job");
}

/// A live artifact is created when it begins and updated when it is closed.
pub async fn closing_is_an_update(harness: &dyn Harness) {
    let (fixture, id) = with_job(harness).await;
    let claimed = fixture.backend.take_one("f").await;
    let start = fixture.backend.place().await;
    let live = fixture.backend.record_ok(live_artifact(claimed.lease, "log")).await.id;
    let begun = fixture.backend.place().await;
    assert_eq!(since(&fixture, start).await, [(live, Created)], "its beginning is not told");
    fixture.backend.append_ok(part(live, Some(claimed.lease), 0, b"ab")).await;
    fixture.backend.close_ok(seal(live, Some(claimed.lease), b"ab")).await;
    assert_eq!(since(&fixture, begun).await, [(live, Updated)], "its closing is not told");
    assert_eq!(since(&fixture, start).await, [(live, Created)], "seen from before, it is new");
    let begun = fixture.backend.record_ok(upload(id, "u")).await.id;
    let place = fixture.backend.place().await;
    fixture.backend.remove(begun).await;
    assert_eq!(since(&fixture, place).await, [], "the end of what nobody saw is told");
}

/// Jobs and artifacts share one order; every artifact is told once, and one that is new at the place of its making.
pub async fn jobs_and_artifacts_share_one_order(harness: &dyn Harness) {
    let (fixture, first) = with_job(harness).await;
    let start = fixture.backend.place().await;
    let a = fixture.backend.record_ok(new_artifact(first, "a", b"1")).await.id;
    let second = fixture.backend.submit(new_job("g")).await;
    let b = fixture.backend.record_ok(new_artifact(second, "b", b"2")).await.id;
    let claimed = fixture.backend.take_one("f").await;
    let c = fixture.backend.record_ok(leased_artifact(claimed.lease, "c", b"3")).await.id;
    fixture.backend.patch(a, pin(true)).await;
    let changes = fixture.backend.everything_since(start).await;
    let jobs = changes.jobs.iter().map(|change| (change.sequence, change.id.to_string()));
    let artifacts = changes.artifacts.iter().map(|change| (change.sequence, change.id.to_string()));
    let mut told: Vec<(i64, String)> = jobs.chain(artifacts).collect();
    told.sort();
    let order: Vec<String> = told.iter().map(|(_, id)| id.clone()).collect();
    let wanted = [a.to_string(), second.to_string(), b.to_string(), first.to_string(), c.to_string()];
    assert_eq!(order, wanted, "the changes are not told in the order they were made");
    assert!(told.windows(2).all(|pair| pair[0].0 < pair[1].0), "two changes share a number: {told:?}");
    assert_eq!(changes.cursor, told[4].0, "the cursor is not the last change");
    assert_eq!(kinds(&changes.artifacts), [(a, Created), (b, Created), (c, Created)]);
}

/// However small the limit, following the cursor tells everything once, jobs and artifacts, and leaves no gap.
pub async fn the_limit_cuts_without_gaps(harness: &dyn Harness) {
    for limit in [1, 2, 3, 5] {
        let (fixture, id) = with_job(harness).await;
        let old: Vec<Artifact> = {
            let mut made = Vec::new();
            for n in 0..6 {
                made.push(fixture.backend.record_ok(new_artifact(id, &format!("old {n}"), b"1")).await);
            }
            made
        };
        let start = fixture.backend.place().await;
        let mut wanted: Vec<(String, Option<ArtifactChangeKind>)> = Vec::new();
        for (n, old) in old.iter().enumerate() {
            let made = fixture.backend.record_ok(new_artifact(id, &format!("new {n}"), b"1")).await.id;
            wanted.push((made.to_string(), Some(Created)));
            if n % 2 == 0 {
                fixture.backend.remove(old.id).await;
                wanted.push((old.id.to_string(), Some(Deleted)));
                wanted.push((fixture.backend.submit(new_job("g")).await.to_string(), None));
            } else {
                fixture.backend.patch(old.id, pin(true)).await;
                wanted.push((old.id.to_string(), Some(Updated)));
            }
        }
        let mut told = Vec::new();
        let mut place = start;
        loop {
            let changes = fixture.backend.changes_since(Some(place), limit, Feed::Everything).await;
            let changes = changes.expect("changes_since should not fail");
            let count = changes.jobs.len() + changes.artifacts.len();
            assert!(count <= limit, "an answer of at most {limit} holds {count}");
            if count == 0 {
                assert_eq!(changes.cursor, place, "nothing is told, yet the cursor moved");
                break;
            }
            let mut part: Vec<_> =
                changes.jobs.iter().map(|job| (job.sequence, job.id.to_string(), None)).collect();
            part.extend(changes.artifacts.iter().map(|a| (a.sequence, a.id.to_string(), Some(a.kind))));
            part.sort_by_key(|(sequence, ..)| *sequence);
            let last = part.last().map(|(sequence, ..)| *sequence);
            assert_eq!(Some(changes.cursor), last, "the cursor is not the last change that was told");
            told.extend(part.into_iter().map(|(_, id, kind)| (id, kind)));
            place = changes.cursor;
        }
        assert_eq!(told, wanted, "in steps of {limit}, changes were missed or told twice");
    }
}

/// Who follows jobs alone hears nothing of artifacts, and goes on from there all the same.
pub async fn the_feed_of_jobs_knows_no_artifacts(harness: &dyn Harness) {
    let (fixture, id) = with_job(harness).await;
    let start = fixture.backend.place().await;
    let doomed = fixture.backend.record_ok(new_artifact(id, "a", b"1")).await;
    fixture.backend.remove(doomed.id).await;
    for n in 0..5 {
        fixture.backend.record_ok(new_artifact(id, &format!("{n}"), b"1")).await;
    }
    let other = fixture.backend.submit(new_job("g")).await;
    let changes =
        fixture.backend.changes_since(Some(start), 2, Feed::Jobs).await.expect("it should not fail");
    let ids: Vec<JobId> = changes.jobs.iter().map(|change| change.id).collect();
    assert_eq!((ids, changes.artifacts), (vec![other], vec![]), "artifacts get in the way of jobs");
    let rest = fixture.backend.changes_since(Some(changes.cursor), 2, Feed::Jobs).await;
    assert!(rest.expect("it should not fail").jobs.is_empty(), "a change was told twice");
}

/// Retention and the deletion of a job are told like any deletion.
pub async fn what_retention_removes_is_told(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit_completed("f").await;
    let a = fixture.backend.record_ok(new_artifact(id, "a", b"1")).await.id;
    let mut short = new_artifact(id, "b", b"2");
    short.expires_in = Some(std::time::Duration::from_secs(1));
    let b = fixture.backend.record_ok(short).await.id;
    fixture.backend.record_ok(upload(id, "unseen")).await;
    let place = fixture.backend.place().await;
    fixture.advance(1);
    let request = upnext_core::backend::ExpireRequest { jobs_ended_before: None, limit: 10 };
    fixture.backend.expire(request).await.expect("expire should not fail");
    fixture.backend.delete_job(id).await.expect("delete_job should not fail");
    let told = fixture.backend.everything_since(place).await.artifacts;
    assert_eq!(kinds(&told), [(b, Deleted), (a, Deleted)], "what went because of its age is not told");
    assert!(told.iter().all(|change| change.job_id == id), "a deletion names another job");
}

/// Whoever follows the cursor while several handles record, close and delete ends with the true picture.
pub async fn followers_end_with_the_true_picture(harness: &dyn Harness) {
    let (fixture, id) = with_job(harness).await;
    let other = harness.reopen(&fixture).await;
    let mut place = fixture.backend.place().await;
    let mut writers = tokio::task::JoinSet::new();
    for n in 0..4_usize {
        let handle = if n % 2 == 0 { fixture.backend.clone() } else { other.clone() };
        writers.spawn(async move { write(&*handle, id, n).await });
    }
    let mut known: HashMap<ArtifactId, ()> = HashMap::new();
    let mut follow = async |place: i64| {
        let changes =
            other.changes_since(Some(place), 7, Feed::Everything).await.expect("it should not fail");
        for change in &changes.artifacts {
            match change.kind {
                Created => assert!(known.insert(change.id, ()).is_none(), "an artifact was created twice"),
                Updated => assert!(known.contains_key(&change.id), "an unknown artifact was updated"),
                Deleted => drop(known.remove(&change.id)),
            }
        }
        (changes.cursor, changes.artifacts.len() + changes.jobs.len())
    };
    while !writers.is_empty() {
        (place, _) = follow(place).await;
        while let Some(written) = writers.try_join_next() {
            written.expect("a writer panicked");
        }
    }
    while let (next, 1..) = follow(place).await {
        place = next;
    }
    let query = upnext_core::backend::ArtifactQuery { all_versions: true, limit: 1000, ..Default::default() };
    let mut there: Vec<ArtifactId> = fixture.backend.page(query).await.items.iter().map(|a| a.id).collect();
    let mut told: Vec<ArtifactId> = known.into_keys().collect();
    there.sort();
    told.sort();
    assert_eq!(told, there, "the follower's picture is not what there is");
}

async fn write(backend: &dyn Backend, id: JobId, writer: usize) {
    for round in 0..25_usize {
        let name = format!("{writer} {round}");
        let made = backend.record_ok(new_artifact(id, &name, name.as_bytes())).await.id;
        let begun = backend.record_ok(upload(id, &name)).await.id;
        backend.append_ok(part(begun, None, 0, b"x")).await;
        match round % 3 {
            0 => backend.remove(made).await,
            1 => drop(backend.patch(made, pin(true)).await),
            _ => drop(backend.close_ok(seal(begun, None, b"x")).await),
        }
        if round % 5 == 0 {
            backend.submit(new_job("g")).await;
            let ends = backend.take("g", 1).await.iter().map(finish_ok).collect();
            backend.finish(ends).await.expect("finish should not fail");
        }
    }
}
