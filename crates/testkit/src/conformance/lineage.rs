//! `record_artifact_reads`, and the lists that follow it in both directions.

use upnext_core::backend::{ArtifactQuery, JobQuery};
use upnext_core::{ArtifactId, JobId, JobStatus};

use crate::factories::{new_artifact, new_job, upload};
use crate::{Fixture, Harness, Steps};

async fn read(fixture: &Fixture, reads: &[(ArtifactId, JobId)]) {
    fixture
        .backend
        .record_artifact_reads(reads.to_vec())
        .await
        .expect("record_artifact_reads should not fail");
}

async fn readers(fixture: &Fixture, artifact: ArtifactId) -> Vec<JobId> {
    let query = JobQuery { reads: Some(artifact), limit: 100, ..JobQuery::default() };
    let page = fixture.backend.list_jobs(query).await.expect("list_jobs should not fail");
    assert_eq!(page.total, page.items.len() as u64, "the total of readers is wrong");
    page.items.iter().map(|job| job.id).collect()
}

async fn read_by(fixture: &Fixture, job: JobId) -> Vec<String> {
    fixture.backend.names(ArtifactQuery { read_by: Some(job), ..ArtifactQuery::default() }).await
}

/// Who read what can be asked in both directions; a second time notes nothing new.
pub async fn reads_are_known_in_both_directions(harness: &dyn Harness) {
    let mut fixture = harness.open().await;
    let jobs = fixture.backend.submit_all(vec![new_job("a"), new_job("b"), new_job("c")]).await;
    let x = fixture.backend.record_ok(new_artifact(jobs[0], "x", b"1")).await.id;
    let y = fixture.backend.record_ok(new_artifact(jobs[0], "y", b"2")).await.id;
    read(&fixture, &[(x, jobs[1]), (y, jobs[1]), (x, jobs[2]), (x, jobs[1])]).await;
    read(&fixture, &[(x, jobs[1]), (x, jobs[0])]).await;
    fixture.backend = harness.reopen(&fixture).await;
    assert_eq!(readers(&fixture, x).await, [jobs[2], jobs[1], jobs[0]], "the readers of x, newest first");
    assert_eq!(readers(&fixture, y).await, [jobs[1]], "the readers of y");
    assert_eq!(read_by(&fixture, jobs[1]).await, ["y", "x"], "what the second job read");
    assert_eq!(read_by(&fixture, jobs[2]).await, ["x"], "what the third job read");
    let page = ArtifactQuery { read_by: Some(jobs[1]), limit: 1, ..ArtifactQuery::default() };
    let first = fixture.backend.page(page.clone()).await;
    let second = fixture.backend.page(ArtifactQuery { cursor: first.next, ..page.clone() }).await;
    assert_eq!((first.total, second.items[0].id, second.next), (2, x, None), "pages of what a job read");
    let named = ArtifactQuery { name_contains: Some("Y".into()), limit: 9, ..page };
    assert_eq!(fixture.backend.names(named).await, ["y"], "what a job read, with another filter");
    let narrowed = JobQuery {
        reads: Some(x),
        function: Some("c".into()),
        statuses: vec![JobStatus::Queued],
        limit: 9,
        ..JobQuery::default()
    };
    assert_eq!(fixture.backend.list_all(narrowed).await, [jobs[2]], "readers, with other filters");
}

/// Of what does not exist nothing is noted, and the rest of the batch is.
pub async fn reads_of_the_unknown_note_nothing(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    let x = fixture.backend.record_ok(new_artifact(id, "x", b"1")).await.id;
    let (artifact, job) = (ArtifactId::fresh(), JobId::fresh());
    read(&fixture, &[(artifact, id), (x, job), (artifact, job), (x, id)]).await;
    read(&fixture, &[]).await;
    assert_eq!(readers(&fixture, x).await, [id], "what exists is not noted beside what does not");
    assert!(readers(&fixture, artifact).await.is_empty(), "an unknown artifact has readers");
    assert!(read_by(&fixture, job).await.is_empty(), "an unknown job has read something");
    assert_eq!(read_by(&fixture, id).await, ["x"]);
}

/// A read is of one version, and stays with it when a newer one comes.
pub async fn a_read_is_of_one_version(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    let old = fixture.backend.record_ok(new_artifact(id, "x", b"1")).await.id;
    read(&fixture, &[(old, id)]).await;
    let new = fixture.backend.record_ok(new_artifact(id, "x", b"2")).await.id;
    assert!(
        readers(&fixture, new).await.is_empty(),
        "the reader of an old version is taken for the new one's"
    );
    assert_eq!(readers(&fixture, old).await, [id], "the reader of an old version is forgotten");
    let all = ArtifactQuery { read_by: Some(id), all_versions: true, ..ArtifactQuery::default() };
    assert_eq!(fixture.backend.names(all).await, ["x"], "what a job read includes older versions, if asked");
}

/// Deleting either side forgets the read and nothing else.
pub async fn deletion_forgets_its_reads(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let reader = fixture.backend.submit_completed("f").await;
    let other = fixture.backend.submit_completed("f").await;
    let maker = fixture.backend.submit(new_job("g")).await;
    let x = fixture.backend.record_ok(new_artifact(maker, "x", b"1")).await.id;
    let y = fixture.backend.record_ok(new_artifact(maker, "y", b"2")).await.id;
    read(&fixture, &[(x, reader), (y, reader), (x, other)]).await;
    fixture.backend.remove(y).await;
    assert_eq!(read_by(&fixture, reader).await, ["x"], "a deleted artifact is read");
    assert!(readers(&fixture, y).await.is_empty(), "a deleted artifact has readers");
    fixture.backend.delete_job(reader).await.expect("delete_job should not fail");
    assert_eq!(readers(&fixture, x).await, [other], "a deleted job reads");
    assert!(read_by(&fixture, reader).await.is_empty(), "a deleted job has read something");
    assert!(fixture.backend.artifact(x).await.is_some(), "an artifact went with its reader");
    let again = fixture.backend.record_ok(new_artifact(maker, "y", b"2")).await.id;
    assert!(readers(&fixture, again).await.is_empty(), "a new artifact has the readers of a deleted one");
}

/// What is read while it is not whole is not listed before it is.
pub async fn an_upload_shows_no_lineage(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    let begun = fixture.backend.record_ok(upload(id, "u")).await.id;
    read(&fixture, &[(begun, id)]).await;
    assert!(read_by(&fixture, id).await.is_empty(), "an upload is listed with what a job read");
}
