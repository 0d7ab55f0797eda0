//! Artifacts that arrive in pieces from outside a job and are not seen before they are whole; keys of requests.

use upnext_core::artifact::{ArtifactPatch, NewContent, RecordRefusal};
use upnext_core::backend::{ArtifactChangeKind, ArtifactQuery, ArtifactTotals};
use upnext_core::{Artifact, ArtifactId, ArtifactStatus, JobId, NewArtifact};

use crate::factories::{
    digest, forged_lease, inline, leased_artifact, live_artifact, new_artifact, new_job, part, retrying_job,
    seal, tagged, upload,
};
use crate::{Fixture, Harness, Steps};

async fn with_job(harness: &dyn Harness) -> (Fixture, JobId) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    (fixture, id)
}

fn all() -> ArtifactQuery {
    ArtifactQuery { all_versions: true, limit: 100, ..ArtifactQuery::default() }
}

/// Until it is sealed it is in no list, no count and no change; its id alone finds it, for whoever uploads it.
pub async fn an_upload_is_not_seen_before_it_is_whole(harness: &dyn Harness) {
    let (fixture, id) = with_job(harness).await;
    let place = fixture.backend.place().await;
    let new = NewArtifact { labels: tagged(&["t"]), ..upload(id, "big.bin") };
    let begun = fixture.backend.record_ok(new).await;
    assert_eq!((begun.status, begun.latest), (ArtifactStatus::Uploading, false), "the answer is wrong");
    assert_eq!(fixture.backend.append_ok(part(begun.id, None, 0, b"12345")).await, 5, "wrong length");
    let found = fixture.backend.artifact_there(begun.id).await;
    assert_eq!(
        (found.status, found.size_bytes),
        (ArtifactStatus::Uploading, 5),
        "an upload cannot be resumed"
    );
    for query in [
        all(),
        ArtifactQuery { job_id: Some(id), ..all() },
        ArtifactQuery { name: Some("big.bin".into()), ..all() },
        ArtifactQuery { tags: vec!["t".into()], ..all() },
        ArtifactQuery { search: Some("big".into()), ..all() },
        ArtifactQuery { min_size: Some(1), all_versions: false, ..all() },
    ] {
        let page = fixture.backend.page(query.clone()).await;
        assert_eq!((page.items, page.total), (Vec::new(), 0), "an upload is listed by {query:?}");
    }
    let totals = fixture.backend.totals().await;
    let unseen = ArtifactTotals { blobs: 1, stored_bytes: 5, ..ArtifactTotals::default() };
    assert_eq!(totals, unseen, "an upload is counted, or the bytes it takes are not");
    assert!(fixture.backend.everything_since(place).await.artifacts.is_empty(), "an upload is told");
    let patch = ArtifactPatch { pinned: Some(true), ..ArtifactPatch::default() };
    let patched = fixture.backend.update_artifact(begun.id, patch).await.expect("update should not fail");
    assert!(patched.is_none(), "what nobody sees was changed");
}

/// Sealing makes the next version at that moment, whatever was recorded meanwhile, and tells it as created.
pub async fn sealing_makes_the_next_version(harness: &dyn Harness) {
    let (fixture, id) = with_job(harness).await;
    let first = fixture.backend.record_ok(new_artifact(id, "a", b"1")).await;
    let begun = fixture.backend.record_ok(upload(id, "a")).await;
    assert!(fixture.backend.artifact_there(first.id).await.latest, "an upload outdates what is whole");
    fixture.backend.append_ok(part(begun.id, None, 0, b"33")).await;
    let second = fixture.backend.record_ok(new_artifact(id, "a", b"2")).await;
    assert_eq!(second.version, 2, "an upload that is not whole took a number");
    let place = fixture.backend.place().await;
    let sealed = fixture.backend.close_ok(seal(begun.id, None, b"33")).await;
    let facts = (sealed.version, sealed.latest, sealed.status, sealed.size_bytes, sealed.attempt);
    assert_eq!(facts, (3, true, ArtifactStatus::Available, 2, 0), "the sealed upload is wrong");
    let versions: Vec<_> = fixture
        .backend
        .page(ArtifactQuery { name: Some("a".into()), ..all() })
        .await
        .items
        .iter()
        .map(|artifact| (artifact.version, artifact.latest))
        .collect();
    let mut sorted = versions.clone();
    sorted.sort_unstable();
    assert_eq!(sorted, [(1, false), (2, false), (3, true)], "exactly the newest version is the latest");
    let told: Vec<_> = fixture.backend.everything_since(place).await.artifacts;
    let told: Vec<_> = told.iter().map(|change| (change.id, change.job_id, change.kind)).collect();
    assert_eq!(told, [(begun.id, id, ArtifactChangeKind::Created)], "a sealed upload is not told as created");
    let totals = fixture.backend.totals().await;
    let wanted = ArtifactTotals { artifacts: 1, versions: 3, logical_bytes: 4, blobs: 3, stored_bytes: 4 };
    assert_eq!(totals, wanted, "the totals are wrong");
    let again = fixture.backend.close(seal(begun.id, None, b"33")).await;
    assert_eq!(again, Ok(sealed), "a repeated seal is not answered with the artifact");
    let other = fixture.backend.close(seal(begun.id, None, b"44")).await;
    assert_eq!(other, Err(RecordRefusal::Closed(begun.id)), "an upload was sealed twice");
    assert_eq!(
        fixture.backend.everything_since(place).await.artifacts.len(),
        1,
        "a repeated seal is a change"
    );
}

/// Several uploads of one name go on side by side; each becomes a version in the order of their seals.
pub async fn uploads_of_one_name_stand_side_by_side(harness: &dyn Harness) {
    let (fixture, id) = with_job(harness).await;
    let mut begun = Vec::new();
    for n in 0..4 {
        begun.push(fixture.backend.record_ok(upload(id, "a")).await.id);
        fixture.backend.append_ok(part(begun[n], None, 0, format!("{n}").as_bytes())).await;
    }
    fixture.backend.remove(begun[0]).await;
    assert!(!fixture.backend.kept(b"0").await, "the bytes of an upload that was given up are kept");
    let mut versions = Vec::new();
    for n in [3, 1, 2] {
        versions
            .push(fixture.backend.close_ok(seal(begun[n], None, format!("{n}").as_bytes())).await.version);
    }
    assert_eq!(versions, [1, 2, 3], "uploads are not numbered in the order they became whole");
}

/// An upload is written without a lease, and not under any; it cares nothing for what becomes of the job.
pub async fn an_upload_knows_no_lease(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    let begun = fixture.backend.record_ok(upload(id, "a")).await;
    let claimed = fixture.backend.take_one("f").await;
    for lease in [claimed.lease, forged_lease(id)] {
        let refused = fixture.backend.append(part(begun.id, Some(lease), 0, b"x")).await;
        assert_eq!(refused, Err(RecordRefusal::StaleLease(id)), "an upload was written under a lease");
    }
    fixture.backend.end_applied(&claimed, crate::factories::ok()).await;
    fixture.backend.append_ok(part(begun.id, None, 0, b"ab")).await;
    assert_eq!(fixture.backend.close_ok(seal(begun.id, None, b"ab")).await.version, 1);
    let unknown = JobId::fresh();
    let refused = fixture.backend.record(upload(unknown, "a")).await;
    assert_eq!(refused, Err(RecordRefusal::UnknownJob(unknown)), "an upload for no job was begun");
}

fn keyed(key: &str, new: NewArtifact) -> NewArtifact {
    NewArtifact { key: Some(key.to_owned()), ..new }
}

async fn repeated(fixture: &Fixture, first: &Artifact, again: NewArtifact) {
    let answer = fixture.backend.record(again).await;
    let now = fixture.backend.artifact_there(first.id).await;
    assert_eq!(answer, Ok(now), "a repeated key is not answered with what it made");
}

/// A request with the key of an earlier one is answered with its artifact, as it is now, and makes nothing.
pub async fn a_repeated_key_answers_the_same_record(harness: &dyn Harness) {
    let (fixture, id) = with_job(harness).await;
    let other = harness.reopen(&fixture).await;
    let first = fixture.backend.record_ok(keyed("k", new_artifact(id, "a", b"1"))).await;
    repeated(&fixture, &first, keyed("k", new_artifact(id, "a", b"1"))).await;
    fixture.backend.record_ok(new_artifact(id, "a", b"2")).await;
    repeated(&fixture, &first, keyed("k", new_artifact(id, "a", b"1"))).await;
    let elsewhere = other.record(keyed("k", new_artifact(id, "a", b"1"))).await;
    assert_eq!(
        elsewhere.map(|artifact| artifact.id),
        Ok(first.id),
        "another handle knows nothing of the key"
    );
    assert_eq!(fixture.backend.page(all()).await.total, 2, "a repeated key made an artifact");
    fixture.backend.remove(first.id).await;
    assert!(!fixture.backend.kept(b"1").await, "a repeated key counted the bytes twice");
    let anew = fixture.backend.record_ok(keyed("k", new_artifact(id, "a", b"1"))).await;
    assert_ne!(anew.id, first.id, "the key of a deleted artifact is not free");
}

/// A key stands for one name and content: with another it is refused, and the answer names what has it.
pub async fn a_key_for_another_artifact_is_refused(harness: &dyn Harness) {
    let (fixture, id) = with_job(harness).await;
    let first = fixture.backend.record_ok(keyed("k", new_artifact(id, "a", b"1"))).await;
    for wrong in [new_artifact(id, "b", b"1"), new_artifact(id, "a", b"2"), upload(id, "b")] {
        let answer = fixture.backend.record(keyed("k", wrong)).await;
        assert_eq!(answer, Err(RecordRefusal::KeyReused(first.id)), "a key was used for two artifacts");
    }
    assert!(!fixture.backend.kept(b"2").await, "the bytes of a refused artifact were kept");
    let batch = vec![
        keyed("twice", new_artifact(id, "c", b"3")),
        keyed("twice", new_artifact(id, "c", b"3")),
        keyed("twice", new_artifact(id, "d", b"3")),
    ];
    let answers = fixture.backend.record_artifacts(batch).await.expect("record_artifacts should not fail");
    let ids: Vec<Option<ArtifactId>> = answers.iter().map(|a| a.as_ref().ok().map(|a| a.id)).collect();
    assert_eq!((ids[0], ids[2]), (ids[1], None), "a key twice in one batch: {answers:?}");
}

/// Keys belong to their job, and are compared character by character.
pub async fn a_key_belongs_to_its_job(harness: &dyn Harness) {
    let (fixture, id) = with_job(harness).await;
    let other = fixture.backend.submit(new_job("f")).await;
    let made = [
        fixture.backend.record_ok(keyed("k", new_artifact(id, "a", b"1"))).await.id,
        fixture.backend.record_ok(keyed("k", new_artifact(other, "a", b"1"))).await.id,
        fixture.backend.record_ok(keyed("K", new_artifact(id, "a", b"1"))).await.id,
        fixture.backend.record_ok(keyed("ключ 図", new_artifact(id, "a", b"1"))).await.id,
    ];
    let distinct: std::collections::HashSet<_> = made.iter().collect();
    assert_eq!(distinct.len(), 4, "different keys or jobs were taken for the same");
}

/// The key of an upload or a live artifact leads back to it, whether it is whole by now or not.
pub async fn a_key_finds_what_is_being_written(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(retrying_job("f", 1)).await;
    let claimed = fixture.backend.take_one("f").await;
    let live = fixture.backend.record_ok(keyed("live", live_artifact(claimed.lease, "l"))).await;
    let begun = fixture.backend.record_ok(keyed("upload", upload(id, "u"))).await;
    fixture.backend.append_ok(part(begun.id, None, 0, b"12")).await;
    repeated(&fixture, &live, keyed("live", live_artifact(claimed.lease, "l"))).await;
    repeated(&fixture, &begun, keyed("upload", upload(id, "u"))).await;
    let whole = keyed("upload", new_artifact(id, "u", b"12"));
    let answer = fixture.backend.record(whole.clone()).await;
    assert_eq!(
        answer,
        Err(RecordRefusal::KeyReused(begun.id)),
        "what is not whole has no bytes to agree with"
    );
    fixture.backend.close_ok(seal(begun.id, None, b"12")).await;
    repeated(&fixture, &begun, keyed("upload", upload(id, "u"))).await;
    repeated(&fixture, &begun, whole).await;
}

/// The same record twice, with the same id, is one: the answer to the first call may have been lost.
pub async fn a_repeated_call_makes_no_second_artifact(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    let claimed = fixture.backend.take_one("f").await;
    let whole = leased_artifact(claimed.lease, "a", b"1");
    let live = live_artifact(claimed.lease, "b");
    for new in [whole.clone(), live, upload(id, "c")] {
        let first = fixture.backend.record_ok(new.clone()).await;
        assert_eq!(fixture.backend.record_ok(new).await, first, "a repeated call is answered otherwise");
    }
    fixture.backend.end_applied(&claimed, crate::factories::ok()).await;
    let late = fixture.backend.record(whole.clone()).await;
    assert_eq!(late.map(|artifact| artifact.id), Ok(whole.id), "a repeated call after the end is refused");
    assert_eq!(fixture.backend.page(all()).await.total, 2, "a repeated call made an artifact");
    fixture.backend.remove(whole.id).await;
    assert!(!fixture.backend.kept(b"1").await, "a repeated call counted the bytes twice");
    let content = NewContent::Whole(inline(b"one"));
    let kept = fixture.backend.record_ok(NewArtifact { content, ..upload(id, "d") }).await;
    assert_eq!(kept.sha256, Some(digest(b"one")));
}
