//! `read_blob`, `condemn_blobs` and `forget_blobs`: bytes live exactly as long as a record needs them.

use std::collections::HashSet;

use upnext_core::artifact::{INLINE_STORAGE, RecordRefusal};
use upnext_core::backend::CondemnedBlob;
use upnext_core::{Artifact, JobId};

use crate::factories::{digest, new_artifact, new_job, orphan, stored_artifact};
use crate::{Fixture, Harness, Steps};

async fn blob(fixture: &Fixture, bytes: &[u8]) -> Option<Vec<u8>> {
    let read = fixture.backend.read_blob(digest(bytes)).await.expect("read_blob should not fail");
    read.map(|bytes| bytes.to_vec())
}

async fn delete(fixture: &Fixture, artifact: &Artifact) {
    let deleted =
        fixture.backend.delete_artifact(artifact.id).await.expect("delete_artifact should not fail");
    assert!(deleted, "the artifact '{}' was recorded, yet it could not be deleted", artifact.name);
}

async fn condemn(fixture: &Fixture, orphans: Vec<CondemnedBlob>) -> Vec<CondemnedBlob> {
    fixture.backend.condemn_blobs(orphans, 100).await.expect("condemn_blobs should not fail")
}

async fn with_job(harness: &dyn Harness) -> (Fixture, JobId) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    (fixture, id)
}

/// Inline bytes read back as they were given: any bytes, none, and many.
pub async fn inline_bytes_read_back(harness: &dyn Harness) {
    let (fixture, id) = with_job(harness).await;
    let every_byte: Vec<u8> = (0..=255).collect();
    let many = every_byte.repeat(256);
    for bytes in [&every_byte, &Vec::new(), &many] {
        fixture.backend.record_ok(new_artifact(id, "a", bytes)).await;
        assert!(
            blob(&fixture, bytes).await.as_ref() == Some(bytes),
            "{} inline bytes read back changed",
            bytes.len()
        );
    }
    assert_eq!(blob(&fixture, b"never stored").await, None, "bytes that nobody stored are read");
}

/// The same bytes are kept until the last artifact that needs them is deleted.
pub async fn shared_bytes_live_until_the_last_record(harness: &dyn Harness) {
    let (fixture, id) = with_job(harness).await;
    let other = fixture.backend.submit(new_job("g")).await;
    let a = fixture.backend.record_ok(new_artifact(id, "a", b"same")).await;
    let b = fixture.backend.record_ok(new_artifact(id, "b", b"same")).await;
    let c = fixture.backend.record_ok(new_artifact(other, "c", b"same")).await;
    for artifact in [&b, &a] {
        delete(&fixture, artifact).await;
        assert_eq!(
            blob(&fixture, b"same").await.as_deref(),
            Some(b"same".as_slice()),
            "bytes that are needed are gone"
        );
    }
    delete(&fixture, &c).await;
    assert_eq!(blob(&fixture, b"same").await, None, "bytes that nothing needs are kept");
    fixture.backend.record_ok(new_artifact(id, "d", b"same")).await;
    assert_eq!(
        blob(&fixture, b"same").await.as_deref(),
        Some(b"same".as_slice()),
        "bytes cannot be stored again"
    );
}

/// Two artifacts with the same bytes in one batch share them, too.
pub async fn shared_bytes_within_one_batch(harness: &dyn Harness) {
    let (fixture, id) = with_job(harness).await;
    let batch = vec![new_artifact(id, "a", b"same"), new_artifact(id, "b", b"same")];
    let answers = fixture.backend.record_artifacts(batch).await.expect("record_artifacts should not fail");
    let artifacts: Vec<Artifact> = answers.into_iter().map(|a| a.expect("it should be recorded")).collect();
    delete(&fixture, &artifacts[0]).await;
    assert_eq!(
        blob(&fixture, b"same").await.as_deref(),
        Some(b"same".as_slice()),
        "bytes that are needed are gone"
    );
    delete(&fixture, &artifacts[1]).await;
    assert_eq!(blob(&fixture, b"same").await, None, "bytes that nothing needs are kept");
}

/// Stored blobs are not read from the backend, and the record says where they are.
pub async fn stored_blobs_are_elsewhere(harness: &dyn Harness) {
    let (fixture, id) = with_job(harness).await;
    let artifact = fixture.backend.record_ok(stored_artifact(id, "a", b"large")).await;
    assert_eq!(artifact.storage, "local", "the record does not say where the bytes are");
    assert_eq!(blob(&fixture, b"large").await, None, "the backend has bytes that were never given to it");
}

/// A stored blob is condemned when its last artifact is gone, and not before.
pub async fn only_unneeded_blobs_are_condemned(harness: &dyn Harness) {
    let (fixture, id) = with_job(harness).await;
    let a = fixture.backend.record_ok(stored_artifact(id, "a", b"shared")).await;
    let b = fixture.backend.record_ok(stored_artifact(id, "b", b"shared")).await;
    fixture.backend.record_ok(stored_artifact(id, "c", b"other")).await;
    assert!(
        condemn(&fixture, Vec::new()).await.is_empty(),
        "a blob was condemned although artifacts need it"
    );
    delete(&fixture, &a).await;
    assert!(
        condemn(&fixture, Vec::new()).await.is_empty(),
        "a blob was condemned although one artifact needs it"
    );
    delete(&fixture, &b).await;
    assert_eq!(
        condemn(&fixture, Vec::new()).await,
        [orphan(b"shared")],
        "the blob that nothing needs should go"
    );
}

/// Between being condemned and being forgotten a blob cannot be recorded; afterwards it can.
pub async fn a_condemned_blob_is_refused_until_forgotten(harness: &dyn Harness) {
    let (fixture, id) = with_job(harness).await;
    let artifact = fixture.backend.record_ok(stored_artifact(id, "a", b"blob")).await;
    delete(&fixture, &artifact).await;
    assert_eq!(
        condemn(&fixture, Vec::new()).await,
        [orphan(b"blob")],
        "the blob that nothing needs should go"
    );
    let batch = vec![stored_artifact(id, "a", b"blob"), stored_artifact(id, "b", b"another")];
    let answers = fixture.backend.record_artifacts(batch).await.expect("record_artifacts should not fail");
    let refusal = Err(RecordRefusal::BlobCondemned(digest(b"blob")));
    assert_eq!(answers[0], refusal, "an artifact was recorded whose bytes are about to go");
    assert!(answers[1].is_ok(), "an artifact with other bytes was refused");
    fixture.backend.forget_blobs(vec![digest(b"blob")]).await.expect("forget_blobs should not fail");
    let again = fixture.backend.record_ok(stored_artifact(id, "a", b"blob")).await;
    let condemned = condemn(&fixture, vec![orphan(b"blob")]).await;
    assert!(
        condemned.is_empty(),
        "a blob that was stored again is condemned although '{}' needs it",
        again.name
    );
}

/// A blob that is needed again before it is condemned stays.
pub async fn a_blob_recorded_again_in_time_stays(harness: &dyn Harness) {
    let (fixture, id) = with_job(harness).await;
    let artifact = fixture.backend.record_ok(stored_artifact(id, "a", b"blob")).await;
    delete(&fixture, &artifact).await;
    fixture.backend.record_ok(stored_artifact(id, "b", b"blob")).await;
    assert!(
        condemn(&fixture, Vec::new()).await.is_empty(),
        "a blob was condemned although an artifact needs it again"
    );
}

/// Orphans that no artifact ever needed are condemned, those that one needs are not, and both are fenced alike.
pub async fn orphans_are_condemned_unless_needed(harness: &dyn Harness) {
    let (fixture, id) = with_job(harness).await;
    fixture.backend.record_ok(stored_artifact(id, "a", b"needed")).await;
    let condemned = condemn(&fixture, vec![orphan(b"needed"), orphan(b"orphan")]).await;
    assert_eq!(condemned, [orphan(b"orphan")], "exactly the blob that no artifact needs should go");
    let refused = fixture.backend.record(stored_artifact(id, "b", b"orphan")).await;
    let refusal = Err(RecordRefusal::BlobCondemned(digest(b"orphan")));
    assert_eq!(refused, refusal, "an artifact was recorded whose bytes are about to go");
    fixture.backend.forget_blobs(vec![digest(b"orphan")]).await.expect("forget_blobs should not fail");
    fixture.backend.record_ok(stored_artifact(id, "b", b"orphan")).await;
}

/// One call condemns at most its limit; further calls find the rest.
pub async fn the_limit_is_respected(harness: &dyn Harness) {
    let (fixture, id) = with_job(harness).await;
    for n in 0..5 {
        let bytes = format!("blob {n}");
        let artifact = fixture.backend.record_ok(stored_artifact(id, &bytes, bytes.as_bytes())).await;
        delete(&fixture, &artifact).await;
    }
    let mut seen = HashSet::new();
    for _ in 0..5 {
        let condemned =
            fixture.backend.condemn_blobs(Vec::new(), 2).await.expect("condemn_blobs should not fail");
        assert!(condemned.len() <= 2, "a call condemned {} blobs although its limit was 2", condemned.len());
        let digests: Vec<_> = condemned.iter().map(|blob| blob.sha256).collect();
        for digest in &digests {
            assert!(seen.insert(*digest), "a blob that was forgotten is condemned again");
        }
        fixture.backend.forget_blobs(digests).await.expect("forget_blobs should not fail");
    }
    assert_eq!(seen.len(), 5, "not every blob that nothing needs was condemned in the end");
}

/// When a sweeper dies after condemning, a later sweep is given the blob again: it is not refused for ever.
pub async fn a_dead_sweepers_blobs_are_offered_again(harness: &dyn Harness) {
    let (fixture, id) = with_job(harness).await;
    let artifact = fixture.backend.record_ok(stored_artifact(id, "a", b"once needed")).await;
    delete(&fixture, &artifact).await;
    assert_eq!(condemn(&fixture, vec![orphan(b"orphan")]).await.len(), 2, "both blobs are needed by nothing");
    fixture.advance(25 * 3600);
    let found_again = vec![orphan(b"orphan"), orphan(b"once needed")];
    let again: HashSet<_> =
        condemn(&fixture, found_again).await.into_iter().map(|blob| blob.sha256).collect();
    let wanted = HashSet::from([digest(b"orphan"), digest(b"once needed")]);
    assert_eq!(
        again, wanted,
        "a day after a sweeper died, its condemned blobs are not offered to the next one"
    );
}

/// Two sweepers at work at the same time never remove the same blob: else the slower one could remove bytes that were
/// stored and recorded again after the faster one was done.
pub async fn two_sweepers_share_no_blob(harness: &dyn Harness) {
    let (fixture, id) = with_job(harness).await;
    let other = harness.reopen(&fixture).await;
    let artifact = fixture.backend.record_ok(stored_artifact(id, "a", b"blob")).await;
    delete(&fixture, &artifact).await;
    let fast = condemn(&fixture, vec![orphan(b"orphan")]).await;
    assert_eq!(fast.len(), 2, "both blobs are needed by nothing");
    let found = vec![orphan(b"blob"), orphan(b"orphan")];
    let slow = other.condemn_blobs(found, 100).await.expect("condemn_blobs should not fail");
    fixture
        .backend
        .forget_blobs(vec![digest(b"blob"), digest(b"orphan")])
        .await
        .expect("forget should not fail");
    for bytes in [b"blob".as_slice(), b"orphan"] {
        let recorded = fixture.backend.record(stored_artifact(id, "again", bytes)).await;
        let doomed = slow.iter().any(|blob| blob.sha256 == digest(bytes));
        assert!(recorded.is_err() || !doomed, "a blob was recorded that a second sweeper is about to remove");
    }
}

/// Stored bytes that were condemned because the same bytes are kept inline stay fenced when the inline ones go.
pub async fn an_orphan_beside_inline_bytes_stays_fenced(harness: &dyn Harness) {
    let (fixture, id) = with_job(harness).await;
    let inline = fixture.backend.record_ok(new_artifact(id, "inline", b"same")).await;
    if condemn(&fixture, vec![orphan(b"same")]).await.is_empty() {
        return;
    }
    delete(&fixture, &inline).await;
    if let Ok(artifact) = fixture.backend.record(stored_artifact(id, "stored", b"same")).await {
        assert_eq!(artifact.storage, INLINE_STORAGE, "a record points at stored bytes that were condemned");
        assert!(
            blob(&fixture, b"same").await.is_some(),
            "a record says inline, yet the backend has no bytes"
        );
    }
}

/// The same bytes once inline and once stored: as long as a record says inline, they are read; as long as one says
/// stored, they are not condemned.
pub async fn inline_and_stored_bytes_do_not_disturb_each_other(harness: &dyn Harness) {
    for inline_first in [true, false] {
        let (fixture, id) = with_job(harness).await;
        let mut batch = vec![new_artifact(id, "inline", b"same"), stored_artifact(id, "stored", b"same")];
        if !inline_first {
            batch.reverse();
        }
        let mut artifacts = Vec::new();
        for artifact in batch {
            artifacts.push(fixture.backend.record_ok(artifact).await);
        }
        for _ in 0..2 {
            let condemned = condemn(&fixture, vec![orphan(b"same")]).await;
            for artifact in &artifacts {
                let listed =
                    fixture.backend.find_artifact(artifact.id).await.expect("find_artifact should not fail");
                let storage = listed.expect("the artifact was not deleted").storage;
                if storage == INLINE_STORAGE {
                    assert!(
                        blob(&fixture, b"same").await.is_some(),
                        "a record says inline, yet the bytes are gone"
                    );
                } else {
                    assert!(condemned.is_empty(), "a record says {storage}, yet its bytes are condemned");
                }
            }
            delete(&fixture, &artifacts.remove(0)).await;
        }
        assert_eq!(blob(&fixture, b"same").await, None, "bytes that nothing needs are kept");
    }
}

/// Forgetting nothing, or what was never condemned, is fine and does no harm.
pub async fn forgetting_the_unknown_is_harmless(harness: &dyn Harness) {
    let (fixture, id) = with_job(harness).await;
    fixture.backend.record_ok(stored_artifact(id, "a", b"needed")).await;
    fixture.backend.forget_blobs(Vec::new()).await.expect("an empty batch is no error");
    let digests = vec![digest(b"needed"), digest(b"never heard of")];
    fixture.backend.forget_blobs(digests).await.expect("forgetting the unknown is no error");
    let condemned = condemn(&fixture, vec![orphan(b"needed")]).await;
    assert!(condemned.is_empty(), "a blob that an artifact needs is condemned after a wrong forget_blobs");
}
