//! `record_artifacts`, `find_artifact` and `delete_artifact`: who may record, versions, and what is listed when.

use upnext_core::artifact::{INLINE_STORAGE, RecordRefusal};
use upnext_core::backend::ArtifactQuery;
use upnext_core::{Artifact, ArtifactId, ArtifactStatus, ArtifactType, JobId, Labels, NewArtifact, Outcome};

use crate::factories::{
    digest, forged_lease, leased_artifact, new_artifact, new_job, ok, retrying_job, stored_artifact,
};
use crate::{Fixture, Harness, Steps};

async fn of_job(fixture: &Fixture, id: JobId, all_versions: bool) -> Vec<Artifact> {
    let query = ArtifactQuery { job_id: Some(id), all_versions, limit: 1000, ..ArtifactQuery::default() };
    fixture.backend.list_artifacts(query).await.expect("list_artifacts should not fail").items
}

async fn find(fixture: &Fixture, id: ArtifactId) -> Option<Artifact> {
    fixture.backend.find_artifact(id).await.expect("find_artifact should not fail")
}

/// When the call returns, the artifact is found and listed, through other handles too, with every field.
pub async fn a_recorded_artifact_is_listed_at_once(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let other = harness.reopen(&fixture).await;
    let id = fixture.backend.submit(new_job("report")).await;
    let claimed = fixture.backend.take_one("report").await;
    let given = NewArtifact {
        artifact_type: ArtifactType::Png,
        content_type: "image/png".to_owned(),
        ..leased_artifact(claimed.lease, "charts/größe 図.png", b"png bytes")
    };
    let artifact = fixture.backend.record_ok(given.clone()).await;
    let wanted = Artifact {
        id: given.id,
        job_id: id,
        function: "report".to_owned(),
        attempt: 1,
        name: "charts/größe 図.png".to_owned(),
        version: 1,
        latest: true,
        artifact_type: ArtifactType::Png,
        content_type: "image/png".to_owned(),
        size_bytes: 9,
        expected_bytes: None,
        expected_sha256: None,
        status: ArtifactStatus::Available,
        sha256: Some(digest(b"png bytes")),
        storage: INLINE_STORAGE.to_owned(),
        created_at: fixture.now(),
        labels: Labels::default(),
        expires_at: None,
        pinned: false,
    };
    assert_eq!(artifact, wanted, "the answer is not the artifact that was recorded");
    assert_eq!(
        find(&fixture, given.id).await,
        Some(wanted.clone()),
        "a recorded artifact is not found by its id"
    );
    assert_eq!(
        of_job(&fixture, id, false).await,
        std::slice::from_ref(&wanted),
        "a recorded artifact is not listed with its job"
    );
    let elsewhere = other.find_artifact(given.id).await.expect("find_artifact should not fail");
    assert_eq!(elsewhere, Some(wanted), "another handle does not find a recorded artifact");
}

/// An artifact from outside needs no lease, in whatever status its job is, and belongs to no attempt.
pub async fn an_artifact_from_outside_needs_no_lease(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let queued = fixture.backend.submit(new_job("g")).await;
    let complete = fixture.backend.submit_completed("f").await;
    for id in [queued, complete] {
        let artifact = fixture.backend.record_ok(new_artifact(id, "a.txt", b"a")).await;
        assert_eq!(artifact.attempt, 0, "an artifact from outside should belong to no attempt");
    }
}

/// An artifact is refused under a lease that was finished, reclaimed, forged or of another job.
pub async fn a_stale_lease_records_nothing(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let lost_id = fixture.backend.submit(new_job("f")).await;
    let lost = fixture.backend.take_one("f").await;
    fixture.advance(31);
    fixture.backend.reclaim_all().await;
    let next = fixture.backend.take_one("f").await;
    let done_id = fixture.backend.submit(new_job("f")).await;
    let done = fixture.backend.take_one("f").await;
    fixture.backend.end_applied(&done, ok()).await;
    let swapped = NewArtifact { job_id: done_id, ..leased_artifact(next.lease, "x", b"x") };
    let leases = [lost.lease, done.lease, forged_lease(lost_id)];
    let mut batch: Vec<_> = leases.iter().map(|lease| leased_artifact(*lease, "a.txt", b"a")).collect();
    batch.push(swapped);
    let answers = fixture.backend.record_artifacts(batch).await.expect("record_artifacts should not fail");
    let wanted = [lost_id, done_id, lost_id, done_id].map(|id| Err(RecordRefusal::StaleLease(id)));
    assert_eq!(answers, wanted, "an artifact was recorded under a lease that is not its job's");
    assert!(of_job(&fixture, lost_id, true).await.is_empty(), "a refused artifact is listed");
    assert_eq!(
        fixture.backend.read_blob(digest(b"a")).await.expect("read_blob should not fail"),
        None,
        "the bytes of a refused artifact were kept"
    );
    fixture.backend.record_ok(leased_artifact(next.lease, "a.txt", b"a")).await;
}

/// A batch with an unknown job records the rest and answers each in its place.
pub async fn one_refusal_does_not_spoil_the_batch(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    let unknown = JobId::fresh();
    let batch = vec![
        new_artifact(id, "first", b"1"),
        new_artifact(unknown, "second", b"2"),
        leased_artifact(forged_lease(JobId::fresh()), "third", b"3"),
        new_artifact(id, "fourth", b"4"),
    ];
    let answers = fixture.backend.record_artifacts(batch).await.expect("record_artifacts should not fail");
    let names: Vec<Option<&str>> =
        answers.iter().map(|answer| answer.as_ref().ok().map(|artifact| artifact.name.as_str())).collect();
    assert_eq!(names, [Some("first"), None, None, Some("fourth")], "the batch is not answered one by one");
    assert_eq!(answers[1], Err(RecordRefusal::UnknownJob(unknown)), "an unknown job should be named as such");
    assert!(
        matches!(answers[2], Err(RecordRefusal::UnknownJob(_))),
        "an unknown job comes before a stale lease"
    );
    assert_eq!(
        of_job(&fixture, id, false).await.len(),
        2,
        "the good artifacts of a mixed batch are not both listed"
    );
}

/// The same name again makes the next version; lists show the newest, or all when asked.
pub async fn the_same_name_makes_a_new_version(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(retrying_job("f", 1)).await;
    let first = fixture.backend.take_one("f").await;
    let one = fixture.backend.record_ok(leased_artifact(first.lease, "out.txt", b"one")).await;
    fixture.backend.end_applied(&first, Outcome::failed("no")).await;
    fixture.advance(1);
    let second = fixture.backend.take_one("f").await;
    let two = fixture.backend.record_ok(leased_artifact(second.lease, "out.txt", b"two")).await;
    let other = fixture.backend.record_ok(leased_artifact(second.lease, "Out.txt", b"other")).await;
    assert_eq!((one.version, one.attempt, one.latest), (1, 1, true), "the first version is wrong");
    assert_eq!((two.version, two.attempt, two.latest), (2, 2, true), "the second version is wrong");
    assert_eq!(other.version, 1, "names that differ in letter case were taken for the same");
    let listed: Vec<_> = of_job(&fixture, id, false).await.iter().map(|artifact| artifact.id).collect();
    assert_eq!(
        listed,
        [other.id, two.id],
        "the list should show the newest version of each name, newest first"
    );
    let all: Vec<_> = of_job(&fixture, id, true).await.iter().map(|a| (a.id, a.version, a.latest)).collect();
    let wanted = [(other.id, 1, true), (two.id, 2, true), (one.id, 1, false)];
    assert_eq!(all, wanted, "the list of all versions is wrong");
    let old = find(&fixture, one.id).await.expect("an older version should be found by its id");
    assert!(!old.latest, "an older version calls itself the latest");
}

/// One name several times in one batch makes versions in the order of the batch.
pub async fn versions_within_one_batch(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    let batch = (0..3).map(|n| new_artifact(id, "a", format!("v{n}").as_bytes())).collect();
    let answers = fixture.backend.record_artifacts(batch).await.expect("record_artifacts should not fail");
    let versions: Vec<u32> = answers.into_iter().map(|a| a.expect("it should be recorded").version).collect();
    assert_eq!(versions, [1, 2, 3], "one name three times in a batch should make three versions in order");
    let latest: Vec<_> = of_job(&fixture, id, true).await.iter().map(|a| (a.version, a.latest)).collect();
    assert_eq!(latest, [(3, true), (2, false), (1, false)], "exactly the newest version is the latest");
}

/// The same name in two jobs is two artifacts, each the first version.
pub async fn versions_belong_to_their_job(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let ids = fixture.backend.submit_all(vec![new_job("f"), new_job("f")]).await;
    for id in ids {
        let artifact = fixture.backend.record_ok(new_artifact(id, "out.txt", b"same")).await;
        assert_eq!(
            (artifact.version, artifact.latest),
            (1, true),
            "another job's artifact counts as a version"
        );
    }
}

/// When the newest version is deleted, the one before it is the latest again, and a new one does not repeat a number.
pub async fn deleting_the_latest_version_shows_the_one_before(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    let mut made = Vec::new();
    for bytes in [b"1", b"2", b"3"] {
        made.push(fixture.backend.record_ok(new_artifact(id, "a", bytes)).await.id);
    }
    for gone in [2, 0] {
        assert!(
            fixture.backend.delete_artifact(made[gone]).await.expect("delete should not fail"),
            "it was there"
        );
    }
    let listed = of_job(&fixture, id, false).await;
    assert_eq!(listed.len(), 1, "with the newest version deleted, the name should still be listed");
    assert_eq!((listed[0].id, listed[0].latest), (made[1], true), "version 2 should be the latest now");
    let next = fixture.backend.record_ok(new_artifact(id, "a", b"4")).await;
    assert!(next.version > 2, "version {} was given a second time", next.version);
    let latest: Vec<_> = of_job(&fixture, id, true).await.iter().map(|a| (a.id, a.latest)).collect();
    assert_eq!(latest, [(next.id, true), (made[1], false)], "exactly the newest version is the latest");
}

/// A deleted artifact is neither found nor listed, and deleting it again says there was none.
pub async fn a_deleted_artifact_is_gone(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    let gone = fixture.backend.record_ok(new_artifact(id, "a", b"1")).await;
    let kept = fixture.backend.record_ok(stored_artifact(id, "b", b"2")).await;
    assert!(fixture.backend.delete_artifact(gone.id).await.expect("delete should not fail"), "it was there");
    assert!(
        !fixture.backend.delete_artifact(gone.id).await.expect("delete should not fail"),
        "it was gone already"
    );
    let unknown = fixture.backend.delete_artifact(ArtifactId::fresh()).await.expect("delete should not fail");
    assert!(!unknown, "an artifact that never was should not be deleted");
    assert_eq!(find(&fixture, gone.id).await, None, "a deleted artifact is found");
    assert_eq!(
        of_job(&fixture, id, true).await,
        [kept],
        "a deleted artifact is listed, or another one went with it"
    );
}

/// A batch of no artifacts is answered with no answers, and unknown ids find nothing.
pub async fn nothing_asked_nothing_answered(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let answers = fixture.backend.record_artifacts(Vec::new()).await.expect("an empty batch is no error");
    assert!(answers.is_empty(), "no artifact was given, yet there is an answer");
    assert_eq!(find(&fixture, ArtifactId::fresh()).await, None, "an artifact that never was is found");
    assert!(of_job(&fixture, JobId::fresh(), true).await.is_empty(), "an unknown job has artifacts");
}

/// Records and inline bytes are there after the backend was closed and opened again.
pub async fn records_survive_reopening(harness: &dyn Harness) {
    let mut fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    let artifact = fixture.backend.record_ok(new_artifact(id, "a", b"bytes")).await;
    fixture.backend = harness.reopen(&fixture).await;
    assert_eq!(of_job(&fixture, id, false).await, [artifact], "a record was lost by closing and opening");
    let bytes = fixture.backend.read_blob(digest(b"bytes")).await.expect("read_blob should not fail");
    assert_eq!(bytes.as_deref(), Some(b"bytes".as_slice()), "inline bytes were lost by closing and opening");
}
