//! `mark_blob` and `list_blobs`: what is known of contents, and of damage to them.

use upnext_core::artifact::{ArtifactStatus, INLINE_STORAGE};
use upnext_core::backend::{ArtifactQuery, BlobRecord};
use upnext_core::{Artifact, JobId};

use crate::factories::{digest, live_artifact, new_artifact, new_job, part, seal, stored_artifact, upload};
use crate::{Fixture, Harness, Steps};

async fn with_job(harness: &dyn Harness) -> (Fixture, JobId) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    (fixture, id)
}

async fn mark(fixture: &Fixture, bytes: &[u8], damaged: bool) -> bool {
    fixture.backend.mark_blob(digest(bytes), damaged).await.expect("mark_blob should not fail")
}

async fn blobs(fixture: &Fixture, step: usize) -> Vec<BlobRecord> {
    let mut found: Vec<BlobRecord> = Vec::new();
    loop {
        let after = found.last().map(|blob| blob.sha256);
        let page = fixture.backend.list_blobs(after, step).await.expect("list_blobs should not fail");
        assert!(page.len() <= step, "a page of {step} blobs holds {}", page.len());
        if page.is_empty() {
            return found;
        }
        found.extend(page);
    }
}

fn record(bytes: &[u8], storage: &str, damaged: bool) -> BlobRecord {
    BlobRecord { sha256: digest(bytes), size_bytes: bytes.len() as u64, storage: storage.to_owned(), damaged }
}

/// Damage shows on every artifact that shares the content, and on no other, and goes away with it.
pub async fn damage_shows_on_all_that_share_the_bytes(harness: &dyn Harness) {
    let (mut fixture, id) = with_job(harness).await;
    let other = fixture.backend.submit(new_job("g")).await;
    let mut sharing: Vec<Artifact> = Vec::new();
    for (job, name) in [(id, "a"), (id, "a"), (id, "b"), (other, "c")] {
        sharing.push(fixture.backend.record_ok(stored_artifact(job, name, b"shared")).await);
    }
    let whole = fixture.backend.record_ok(stored_artifact(id, "whole", b"other")).await;
    let totals = fixture.backend.totals().await;
    for round in 0..2 {
        assert!(mark(&fixture, b"shared", true).await, "a known blob is unknown");
        fixture.backend = harness.reopen(&fixture).await;
        for artifact in &sharing {
            let shown = fixture.backend.artifact_there(artifact.id).await.status;
            assert_eq!(shown, ArtifactStatus::Damaged, "'{}' does not show its damage", artifact.name);
        }
        let all = ArtifactQuery { all_versions: true, limit: 10, ..ArtifactQuery::default() };
        let listed = fixture.backend.page(all).await;
        let damaged = listed.items.iter().filter(|a| a.status == ArtifactStatus::Damaged).count();
        assert_eq!((listed.total, damaged), (5, 4), "the list shows other damage, round {round}");
        assert_eq!(fixture.backend.artifact_there(whole.id).await, whole, "a whole artifact shows damage");
        assert!(mark(&fixture, b"shared", true).await, "marking twice");
        assert!(mark(&fixture, b"shared", false).await, "a known blob is unknown");
        let shown = fixture.backend.artifact_there(sharing[2].id).await;
        assert_eq!(shown, sharing[2], "damage does not go away");
    }
    assert_eq!(fixture.backend.totals().await, totals, "damage changes the totals");
}

/// A blob that nobody knows is told so; one that is gone has no damage left when it comes back.
pub async fn damage_of_the_unknown_is_refused(harness: &dyn Harness) {
    let (fixture, id) = with_job(harness).await;
    assert!(!mark(&fixture, b"never", true).await, "a blob that never was is known");
    assert!(!mark(&fixture, b"never", false).await, "a blob that never was is known");
    let artifact = fixture.backend.record_ok(new_artifact(id, "a", b"bytes")).await;
    assert!(mark(&fixture, b"bytes", true).await, "an inline blob can be damaged, too");
    fixture.backend.remove(artifact.id).await;
    assert!(!mark(&fixture, b"bytes", true).await, "a blob that is gone is known");
    let again = fixture.backend.record_ok(new_artifact(id, "a", b"bytes")).await;
    let shown = fixture.backend.artifact_there(again.id).await;
    assert_eq!(shown.status, ArtifactStatus::Available, "bytes that came anew have the damage of the old");
}

/// Whoever records damaged content has just stored its bytes anew: every artifact that shares it is whole again.
pub async fn fresh_bytes_heal_all_that_share_them(harness: &dyn Harness) {
    let (fixture, id) = with_job(harness).await;
    for (first, bytes) in
        [(new_artifact(id, "a", b"inline"), &b"inline"[..]), (stored_artifact(id, "b", b"stored"), b"stored")]
    {
        let first = fixture.backend.record_ok(first).await;
        mark(&fixture, bytes, true).await;
        let again = fixture.backend.record_ok(stored_artifact(id, "again", bytes)).await;
        for artifact in [&first, &again] {
            let shown = fixture.backend.artifact_there(artifact.id).await;
            assert_eq!(shown.status, ArtifactStatus::Available, "'{}' is still damaged", shown.name);
            assert_eq!(shown.storage, "local", "the fresh bytes are in storage");
        }
        mark(&fixture, bytes, true).await;
        let begun = fixture.backend.record_ok(upload(id, "upload")).await;
        let sealed = fixture.backend.close_ok(seal(begun.id, None, bytes)).await;
        assert_eq!(fixture.backend.artifact_there(begun.id).await, sealed, "the answer is not what is found");
        assert_eq!(sealed.status, ArtifactStatus::Available, "sealing with fresh bytes heals as well");
    }
}

/// Blobs are listed in the order of their digests, page by page, each once with all that is known, parts too.
pub async fn blobs_are_listed_by_digest(harness: &dyn Harness) {
    let (fixture, id) = with_job(harness).await;
    assert!(blobs(&fixture, 10).await.is_empty(), "blobs are listed where there are none");
    let mut wanted = Vec::new();
    for n in 0..7 {
        let bytes = format!("inline {n}").into_bytes();
        fixture.backend.record_ok(new_artifact(id, "a", &bytes)).await;
        fixture.backend.record_ok(new_artifact(id, "b", &bytes)).await;
        wanted.push(record(&bytes, INLINE_STORAGE, false));
        let bytes = format!("stored {n}").into_bytes();
        fixture.backend.record_ok(stored_artifact(id, "c", &bytes)).await;
        mark(&fixture, &bytes, n % 2 == 0).await;
        wanted.push(record(&bytes, "local", n % 2 == 0));
    }
    let claimed = fixture.backend.take_one("f").await;
    let live = fixture.backend.record_ok(live_artifact(claimed.lease, "live")).await;
    fixture.backend.append_ok(part(live.id, Some(claimed.lease), 0, b"a part")).await;
    wanted.push(record(b"a part", INLINE_STORAGE, false));
    wanted.sort_by_key(|blob| *blob.sha256.as_bytes());
    for step in [1, 4, 15, 100] {
        assert_eq!(blobs(&fixture, step).await, wanted, "the blobs in pages of {step}");
    }
}
