//! `expire` and `delete_job`: what goes because of its age or on request, and what stays.

use std::time::Duration;

use upnext_core::artifact::ArtifactPatch;
use upnext_core::backend::{ArtifactQuery, ExpireRequest, Expired, JobDeleted, LogQuery};
use upnext_core::{Artifact, JobId, JobStatus, NewArtifact, Timestamp};

use crate::factories::{
    fatal, finish_ok, keyed_job, leased_artifact, log_line, new_artifact, new_job, ok, orphan, part,
    retrying_job, stored_artifact, upload,
};
use crate::{Fixture, Harness, Steps};

async fn expire(fixture: &Fixture, jobs_ended_before: Option<Timestamp>, limit: usize) -> Expired {
    let request = ExpireRequest { jobs_ended_before, limit };
    fixture.backend.expire(request).await.expect("expire should not fail")
}

async fn delete(fixture: &Fixture, id: JobId) -> JobDeleted {
    fixture.backend.delete_job(id).await.expect("delete_job should not fail")
}

fn short_lived(seconds: u64, new: NewArtifact) -> NewArtifact {
    NewArtifact { expires_in: Some(Duration::from_secs(seconds)), ..new }
}

async fn pin(fixture: &Fixture, artifact: &Artifact, pinned: bool) {
    let patch = ArtifactPatch { pinned: Some(pinned), ..ArtifactPatch::default() };
    fixture.backend.patch(artifact.id, patch).await;
}

async fn left(fixture: &Fixture) -> Vec<String> {
    let mut names = fixture.backend.names(ArtifactQuery { all_versions: true, ..Default::default() }).await;
    names.sort();
    names
}

/// An artifact goes when its time has come and not before; pinned ones and those without a time stay.
pub async fn artifacts_go_when_their_time_has_come(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    fixture.backend.record_ok(new_artifact(id, "keeps", b"1")).await;
    fixture.backend.record_ok(short_lived(10, new_artifact(id, "ten", b"10"))).await;
    fixture.backend.record_ok(short_lived(20, new_artifact(id, "twenty", b"20"))).await;
    let pinned = fixture.backend.record_ok(short_lived(10, new_artifact(id, "pinned", b"p"))).await;
    pin(&fixture, &pinned, true).await;
    fixture.advance(9);
    assert_eq!(expire(&fixture, None, 100).await, Expired::default(), "artifacts went before their time");
    fixture.advance(1);
    assert_eq!(expire(&fixture, None, 100).await, Expired { artifacts: 1, jobs: 0 }, "at its very moment");
    assert_eq!(left(&fixture).await, ["keeps", "pinned", "twenty"], "the wrong artifact went");
    assert!(!fixture.backend.kept(b"10").await, "the bytes of an expired artifact are kept");
    pin(&fixture, &pinned, false).await;
    fixture.advance(10);
    assert_eq!(expire(&fixture, None, 100).await, Expired { artifacts: 2, jobs: 0 }, "unpinned ones go");
    assert_eq!(left(&fixture).await, ["keeps"], "the wrong artifacts went");
    fixture.advance(1_000_000_000);
    assert_eq!(expire(&fixture, None, 100).await, Expired::default(), "an artifact without a time went");
}

/// A patch moves the time or takes it away.
pub async fn the_time_can_be_changed(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    let later = fixture.backend.record_ok(short_lived(10, new_artifact(id, "later", b"1"))).await;
    let never = fixture.backend.record_ok(short_lived(10, new_artifact(id, "never", b"2"))).await;
    let now = fixture.backend.record_ok(new_artifact(id, "now", b"3")).await;
    for (artifact, expires_at) in
        [(&later, Some(fixture.in_seconds(50))), (&never, None), (&now, Some(fixture.now()))]
    {
        let patch = ArtifactPatch { expires_at: Some(expires_at), ..ArtifactPatch::default() };
        assert_eq!(fixture.backend.patch(artifact.id, patch).await.expires_at, expires_at);
    }
    fixture.advance(10);
    assert_eq!(expire(&fixture, None, 100).await.artifacts, 1, "only what expires now should go");
    assert_eq!(left(&fixture).await, ["later", "never"]);
}

/// One call removes at most its limit of artifacts and of jobs; further calls find the rest.
pub async fn the_limit_is_respected(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("g")).await;
    for n in 0..5 {
        fixture.backend.record_ok(short_lived(1, new_artifact(id, &format!("{n}"), b"same"))).await;
        fixture.backend.submit_completed("f").await;
    }
    fixture.advance(1);
    let before = Some(fixture.in_seconds(1));
    let mut counts = Vec::new();
    for _ in 0..4 {
        let expired = expire(&fixture, before, 2).await;
        counts.push((expired.artifacts, expired.jobs));
    }
    assert_eq!(counts, [(2, 2), (2, 2), (1, 1), (0, 0)], "calls with a limit of 2");
    assert!(!fixture.backend.kept(b"same").await, "bytes that nothing needs are kept");
    assert_eq!(expire(&fixture, before, 0).await, Expired::default(), "a limit of nothing removes something");
}

/// Jobs that ended before the moment go with their history, whatever their end; unfinished ones never do.
pub async fn ended_jobs_go_with_all_they_have(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let complete = fixture.backend.submit_completed("f").await;
    let failed = fixture.backend.submit(new_job("f")).await;
    let claimed = fixture.backend.take_one("f").await;
    fixture.backend.note(vec![log_line(claimed.lease, fixture.now(), "a line")]).await;
    fixture.backend.record_ok(leased_artifact(claimed.lease, "a", b"bytes")).await;
    fixture.backend.end_applied(&claimed, fatal("no")).await;
    let cancelled = fixture.backend.submit(new_job("f")).await;
    fixture.backend.cancel(cancelled).await.expect("cancel should not fail");
    let queued = fixture.backend.submit(new_job("h")).await;
    let active = fixture.backend.submit(new_job("f")).await;
    fixture.backend.take_one("f").await;
    let retrying = fixture.backend.submit(retrying_job("g", 3)).await;
    let retried = fixture.backend.take_one("g").await;
    fixture.backend.end_applied(&retried, upnext_core::Outcome::failed("again")).await;
    fixture.advance(100);
    let late = fixture.backend.submit_completed("k").await;
    assert_eq!(expire(&fixture, None, 100).await.jobs, 0, "without a moment all jobs are kept");
    let moment = fixture.now();
    assert_eq!(expire(&fixture, Some(moment), 100).await.jobs, 3, "complete, failed and cancelled should go");
    let all = vec![complete, failed, cancelled, queued, active, retrying, late];
    let mut there: Vec<JobId> =
        fixture.backend.find_jobs(all).await.expect("find_jobs").iter().map(|job| job.id).collect();
    let mut wanted = vec![queued, active, retrying, late];
    there.sort();
    wanted.sort();
    assert_eq!(there, wanted, "the wrong jobs went");
    assert!(fixture.backend.attempts(failed).await.is_empty(), "a deleted job has attempts");
    let logs =
        fixture.backend.list_logs(failed, LogQuery::after(0, 10)).await.expect("list_logs should not fail");
    assert!(logs.is_empty(), "a deleted job has logs");
    assert!(
        left(&fixture).await.is_empty() && !fixture.backend.kept(b"bytes").await,
        "its artifacts are kept"
    );
}

/// A pinned artifact keeps its job with all the rest, also as an older version, until it is let go.
pub async fn a_pinned_artifact_keeps_its_job(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit_completed("f").await;
    let old = fixture.backend.record_ok(new_artifact(id, "a", b"old")).await;
    fixture.backend.record_ok(new_artifact(id, "a", b"new")).await;
    pin(&fixture, &old, true).await;
    let free = fixture.backend.submit_completed("g").await;
    let before = Some(fixture.in_seconds(1));
    assert_eq!(expire(&fixture, before, 1).await.jobs, 1, "a job with a pinned artifact uses up the limit");
    assert!(
        fixture.backend.find_jobs(vec![free]).await.expect("find_jobs").is_empty(),
        "the other job stays"
    );
    assert_eq!(expire(&fixture, before, 100).await.jobs, 0, "a job with a pinned artifact went");
    assert_eq!(delete(&fixture, id).await, JobDeleted::Pinned(old.id), "it was deleted by hand");
    assert_eq!(left(&fixture).await, ["a", "a"], "its artifacts went");
    pin(&fixture, &old, false).await;
    assert_eq!(expire(&fixture, before, 100).await.jobs, 1, "with nothing pinned the job should go");
}

/// Bytes that other artifacts need outlive those that go.
pub async fn shared_bytes_stay(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let going = fixture.backend.submit_completed("f").await;
    let staying = fixture.backend.submit(new_job("g")).await;
    for id in [going, staying] {
        fixture.backend.record_ok(new_artifact(id, "inline", b"inline")).await;
        fixture.backend.record_ok(stored_artifact(id, "stored", b"stored")).await;
    }
    fixture.backend.record_ok(stored_artifact(going, "alone", b"alone")).await;
    fixture.backend.record_ok(short_lived(0, new_artifact(staying, "brief", b"inline"))).await;
    let expired = expire(&fixture, Some(fixture.in_seconds(1)), 100).await;
    assert_eq!(expired, Expired { artifacts: 1, jobs: 1 });
    assert!(fixture.backend.kept(b"inline").await, "bytes went that an artifact needs");
    let condemned = fixture.backend.condemn_blobs(Vec::new(), 10).await.expect("condemn should not fail");
    assert_eq!(condemned, [orphan(b"alone")], "exactly the stored bytes that nothing needs should go");
}

/// Uploads that nobody came back to are given up; young ones can go on.
pub async fn forgotten_uploads_are_given_up(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    let old = fixture.backend.record_ok(upload(id, "old")).await;
    fixture.backend.append_ok(part(old.id, None, 0, b"half")).await;
    fixture.advance(40 * 24 * 3600);
    let young = fixture.backend.record_ok(upload(id, "young")).await;
    fixture.backend.append_ok(part(young.id, None, 0, b"more")).await;
    assert_eq!(expire(&fixture, None, 100).await.artifacts, 1, "one upload was forgotten for over a month");
    assert!(fixture.backend.artifact(old.id).await.is_none(), "a forgotten upload is kept");
    assert!(!fixture.backend.kept(b"half").await, "the bytes of a forgotten upload are kept");
    assert_eq!(fixture.backend.append_ok(part(young.id, None, 4, b"!")).await, 5, "a young upload went, too");
}

/// Deleting a job answers what became of it, in every status.
pub async fn a_job_is_deleted_once_it_ended(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let unknown = JobId::fresh();
    assert_eq!(delete(&fixture, unknown).await, JobDeleted::UnknownJob);
    let pending = fixture.backend.submit(crate::factories::delayed_job("f", fixture.in_seconds(60))).await;
    let queued = fixture.backend.submit(new_job("g")).await;
    let active = fixture.backend.submit(new_job("h")).await;
    let claimed = fixture.backend.take_one("h").await;
    for (id, status) in
        [(pending, JobStatus::Pending), (queued, JobStatus::Queued), (active, JobStatus::Active)]
    {
        assert_eq!(delete(&fixture, id).await, JobDeleted::NotEnded(status), "a {status} job");
        assert_eq!(fixture.backend.status(id).await, status, "a refused deletion changed the job");
    }
    let artifact = fixture.backend.record_ok(leased_artifact(claimed.lease, "a", b"bytes")).await;
    fixture.backend.end_applied(&claimed, ok()).await;
    assert_eq!(delete(&fixture, active).await, JobDeleted::Gone, "an ended job");
    assert_eq!(delete(&fixture, active).await, JobDeleted::UnknownJob, "the second time");
    assert!(fixture.backend.artifact(artifact.id).await.is_none(), "its artifact is found");
    assert!(!fixture.backend.kept(b"bytes").await, "its bytes are kept");
    let by_job = ArtifactQuery { job_id: Some(active), ..ArtifactQuery::default() };
    assert!(fixture.backend.names(by_job).await.is_empty(), "its artifacts are listed");
    let totals = fixture.backend.totals().await;
    assert_eq!((totals.artifacts, totals.versions, totals.blobs), (0, 0, 0), "its artifacts are counted");
    let refused = fixture.backend.record(new_artifact(active, "late", b"1")).await;
    assert!(refused.is_err(), "an artifact was recorded for a deleted job");
}

/// What comes after a deleted job inherits nothing from it.
pub async fn nothing_is_inherited_from_a_deleted_job(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(keyed_job("f", "key")).await;
    let claimed = fixture.backend.take_one("f").await;
    fixture.backend.note(vec![log_line(claimed.lease, fixture.now(), "a line")]).await;
    let artifact = fixture.backend.record_ok(leased_artifact(claimed.lease, "a", b"1")).await;
    fixture.backend.record_artifact_reads(vec![(artifact.id, id)]).await.expect("reads should not fail");
    let begun = fixture.backend.record_ok(upload(id, "half")).await;
    fixture.backend.append_ok(part(begun.id, None, 0, b"half")).await;
    fixture.backend.finish(vec![finish_ok(&claimed)]).await.expect("finish should not fail");
    assert_eq!(delete(&fixture, id).await, JobDeleted::Gone);
    assert!(!fixture.backend.kept(b"half").await, "the bytes of an upload outlive its job");
    let next = fixture.backend.submit(keyed_job("f", "key")).await;
    assert_ne!(next, id, "the key of a deleted job leads to it");
    assert!(fixture.backend.attempts(next).await.is_empty(), "a new job has attempts of a deleted one");
    let logs =
        fixture.backend.list_logs(next, LogQuery::after(0, 10)).await.expect("list_logs should not fail");
    assert!(logs.is_empty(), "a new job has logs of a deleted one");
    let read = ArtifactQuery { read_by: Some(next), ..ArtifactQuery::default() };
    assert!(fixture.backend.names(read).await.is_empty(), "a new job has read what a deleted one read");
    let made = fixture.backend.record_ok(new_artifact(next, "a", b"1")).await;
    assert_eq!(
        (made.version, made.latest),
        (1, true),
        "a new job's artifact counts a deleted one's versions"
    );
}
