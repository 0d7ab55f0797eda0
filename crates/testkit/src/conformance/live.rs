//! Artifacts that a running attempt writes piece by piece: `append_artifacts`, `seal_artifact` and `list_parts`.

use upnext_core::artifact::{NewPart, PARTS_STORAGE, Part, RecordRefusal, Seal};
use upnext_core::job::Lease;
use upnext_core::{
    Artifact, ArtifactId, ArtifactStatus, ArtifactType, ClaimedJob, JobId, NewArtifact, NewContent, Outcome,
};

use crate::factories::{
    digest, forged_lease, inline, leased_artifact, live_artifact, new_artifact, new_job, ok, orphan, part,
    retrying_job, seal, stored,
};
use crate::{Fixture, Harness, Steps};

/// A job whose attempt has begun an artifact called `log.txt`.
async fn writing(harness: &dyn Harness) -> (Fixture, ClaimedJob, Artifact) {
    let fixture = harness.open().await;
    fixture.backend.submit(retrying_job("f", 5)).await;
    let claimed = fixture.backend.take_one("f").await;
    let live = fixture.backend.record_ok(live_artifact(claimed.lease, "log.txt")).await;
    (fixture, claimed, live)
}

fn inline_part(offset: u64, bytes: &[u8]) -> Part {
    let (size_bytes, sha256) = (bytes.len() as u64, digest(bytes));
    Part { offset, size_bytes, sha256, storage: "inline".to_owned() }
}

/// From the first moment it is found, listed and counted as being written, empty, without a digest.
pub async fn a_live_artifact_is_seen_at_once(harness: &dyn Harness) {
    let (fixture, claimed, live) = writing(harness).await;
    let facts = (live.status, live.size_bytes, live.sha256, live.storage.as_str(), live.version, live.latest);
    let wanted = (ArtifactStatus::Writing, 0, None, PARTS_STORAGE, 1, true);
    assert_eq!(facts, wanted, "an artifact that was just begun is wrong");
    assert_eq!(live.attempt, claimed.attempt, "a live artifact should belong to the attempt that writes it");
    assert_eq!(fixture.backend.artifact_there(live.id).await, live, "the answer is not what is found");
    assert_eq!(fixture.backend.page(all()).await.items, [live], "a live artifact is not listed");
    assert_eq!(fixture.backend.totals().await.artifacts, 1, "a live artifact is not counted");
}

fn all() -> upnext_core::backend::ArtifactQuery {
    upnext_core::backend::ArtifactQuery { limit: 100, all_versions: true, ..Default::default() }
}

/// Parts are read while the artifact grows, by other handles too, from any offset and as many as wanted.
pub async fn parts_are_read_while_it_grows(harness: &dyn Harness) {
    let (fixture, claimed, live) = writing(harness).await;
    let other = harness.reopen(&fixture).await;
    let lease = Some(claimed.lease);
    for (offset, bytes, wanted) in [(0, b"one".as_slice(), 3), (3, b"twoo", 7), (7, b"one", 10)] {
        assert_eq!(
            fixture.backend.append_ok(part(live.id, lease, offset, bytes)).await,
            wanted,
            "wrong length"
        );
        let grown = other.artifact_there(live.id).await;
        assert_eq!((grown.size_bytes, grown.status), (wanted, ArtifactStatus::Writing), "it did not grow");
    }
    let whole = [inline_part(0, b"one"), inline_part(3, b"twoo"), inline_part(7, b"one")];
    assert_eq!(other.parts(live.id).await, whole, "the parts are not those that were appended");
    for (offset, limit, wanted) in [
        (0, 2, &whole[..2]),
        (2, 9, &whole[..]),
        (3, 9, &whole[1..]),
        (4, 1, &whole[1..2]),
        (7, 9, &whole[2..]),
        (10, 9, &[]),
        (99, 9, &[]),
        (0, 0, &[]),
    ] {
        let parts =
            fixture.backend.list_parts(live.id, offset, limit).await.expect("list_parts should not fail");
        assert_eq!(parts, wanted, "wrong parts after {offset}, at most {limit}");
    }
    assert!(other.kept(b"twoo").await, "the bytes of a part cannot be read");
    assert!(fixture.backend.parts(ArtifactId::fresh()).await.is_empty(), "an unknown artifact has parts");
}

/// A batch of parts is taken in its order, and a refused one spoils nothing.
pub async fn a_mixed_batch_is_answered_one_by_one(harness: &dyn Harness) {
    let (fixture, claimed, live) = writing(harness).await;
    let lease = Some(claimed.lease);
    let unknown = ArtifactId::fresh();
    let batch = vec![
        part(live.id, lease, 0, b"ab"),
        part(unknown, lease, 0, b"lost"),
        part(live.id, lease, 5, b"gap"),
        part(live.id, lease, 2, b"cd"),
        part(live.id, lease, 4, b""),
    ];
    let answers = fixture.backend.append_artifacts(batch).await.expect("append_artifacts should not fail");
    let wanted = [
        Ok(2),
        Err(RecordRefusal::UnknownArtifact(unknown)),
        Err(RecordRefusal::WrongOffset { size_bytes: 2 }),
        Ok(4),
        Ok(4),
    ];
    assert_eq!(answers, wanted, "the batch is not answered one by one");
    for refused in [b"lost".as_slice(), b"gap"] {
        assert!(!fixture.backend.kept(refused).await, "the bytes of a refused part were kept");
    }
    assert_eq!(fixture.backend.parts(live.id).await, [inline_part(0, b"ab"), inline_part(2, b"cd")]);
    let nothing = fixture.backend.append_artifacts(Vec::new()).await.expect("an empty batch is no error");
    assert!(nothing.is_empty(), "no part was given, yet there is an answer");
}

/// Bytes go to the end and nowhere else: a repeated, overlapping or early part is refused with the length.
pub async fn a_part_elsewhere_is_refused(harness: &dyn Harness) {
    let (fixture, claimed, live) = writing(harness).await;
    let lease = Some(claimed.lease);
    fixture.backend.append_ok(part(live.id, lease, 0, b"1234")).await;
    for offset in [0, 3, 5, 1 << 40] {
        let refused = fixture.backend.append(part(live.id, lease, offset, b"1234")).await;
        let wanted = Err(RecordRefusal::WrongOffset { size_bytes: 4 });
        assert_eq!(refused, wanted, "a part at {offset} of an artifact of 4 bytes");
    }
    assert_eq!(fixture.backend.artifact_there(live.id).await.size_bytes, 4, "a refused part counts");
}

/// Only the lease of the attempt that began it may append or seal.
pub async fn another_lease_writes_nothing(harness: &dyn Harness) {
    let (fixture, claimed, live) = writing(harness).await;
    let id = claimed.lease.job_id;
    fixture.backend.submit(new_job("g")).await;
    let neighbour = fixture.backend.take_one("g").await;
    let leases: [Option<Lease>; 3] = [None, Some(forged_lease(id)), Some(neighbour.lease)];
    for lease in leases {
        let refusal = RecordRefusal::StaleLease(id);
        let appended = fixture.backend.append(part(live.id, lease, 0, b"x")).await;
        assert_eq!(appended, Err(refusal.clone()), "bytes came in under {lease:?}");
        let sealed = fixture.backend.close(seal(live.id, lease, b"x")).await;
        assert_eq!(sealed, Err(refusal), "it was closed under {lease:?}");
    }
    assert!(!fixture.backend.kept(b"x").await, "the bytes of a refused part were kept");
    assert_eq!(fixture.backend.artifact_there(live.id).await, live, "a refused call changed it");
}

/// However its attempt ends, what was durable stays readable, marked incomplete, and the attempt writes no more.
pub async fn an_ended_attempt_leaves_it_incomplete(harness: &dyn Harness) {
    for end in ["failed", "complete", "lost", "cancelled"] {
        let (fixture, claimed, live) = writing(harness).await;
        let lease = Some(claimed.lease);
        fixture.backend.append_ok(part(live.id, lease, 0, b"so far")).await;
        match end {
            "failed" => drop(fixture.backend.end_applied(&claimed, Outcome::failed("no")).await),
            "complete" => drop(fixture.backend.end_applied(&claimed, ok()).await),
            "cancelled" => drop(fixture.backend.end_applied(&claimed, Outcome::Cancelled).await),
            _ => {
                fixture.advance(31);
                fixture.backend.reclaim_all().await;
            }
        }
        let left = fixture.backend.artifact_there(live.id).await;
        let facts = (left.status, left.size_bytes, left.sha256);
        assert_eq!(facts, (ArtifactStatus::Incomplete, 6, None), "after an attempt that ended as {end}");
        assert_eq!(
            fixture.backend.parts(live.id).await,
            [inline_part(0, b"so far")],
            "its parts after {end}"
        );
        assert!(fixture.backend.kept(b"so far").await, "what was durable is gone after {end}");
        let refusal = RecordRefusal::StaleLease(claimed.lease.job_id);
        let appended = fixture.backend.append(part(live.id, lease, 6, b"late")).await;
        assert_eq!(appended, Err(refusal.clone()), "an attempt that ended as {end} still writes");
        let sealed = fixture.backend.close(seal(live.id, lease, b"so far")).await;
        assert_eq!(sealed, Err(refusal), "an attempt that ended as {end} still closes");
    }
}

/// The next attempt cannot go on with what the one before left; the same name is the next version.
pub async fn the_next_attempt_begins_the_next_version(harness: &dyn Harness) {
    let (fixture, claimed, live) = writing(harness).await;
    fixture.backend.append_ok(part(live.id, Some(claimed.lease), 0, b"first")).await;
    fixture.advance(31);
    fixture.backend.reclaim_all().await;
    let next = fixture.backend.take_one("f").await;
    let refused = fixture.backend.append(part(live.id, Some(next.lease), 5, b"more")).await;
    let refusal = RecordRefusal::StaleLease(claimed.lease.job_id);
    assert_eq!(refused, Err(refusal), "another attempt goes on with an artifact that is not its own");
    let second = fixture.backend.record_ok(live_artifact(next.lease, "log.txt")).await;
    assert_eq!((second.version, second.attempt, second.latest), (2, 2, true), "the second version is wrong");
    let first = fixture.backend.artifact_there(live.id).await;
    assert_eq!(
        (first.status, first.latest),
        (ArtifactStatus::Incomplete, false),
        "the first version is wrong"
    );
    let sealed = fixture.backend.close_ok(seal(second.id, Some(next.lease), b"second")).await;
    assert_eq!((sealed.version, sealed.status), (2, ArtifactStatus::Available), "closing renumbers");
    let listed: Vec<_> = fixture.backend.page(all()).await.items.iter().map(|a| (a.id, a.latest)).collect();
    assert_eq!(listed, [(second.id, true), (live.id, false)], "the versions are not listed as they are");
}

/// Closing puts one blob in the place of the parts, under the type that the bytes turned out to be.
pub async fn sealing_makes_it_whole(harness: &dyn Harness) {
    let (fixture, claimed, live) = writing(harness).await;
    let lease = Some(claimed.lease);
    fixture.backend.append_ok(part(live.id, lease, 0, b"a,b\n")).await;
    fixture.backend.append_ok(part(live.id, lease, 4, b"1,2\n")).await;
    fixture.advance(5);
    let csv = Seal {
        artifact_type: ArtifactType::Csv,
        content_type: "text/csv; header=present".to_owned(),
        ..seal(live.id, lease, b"a,b\n1,2\n")
    };
    let sealed = fixture.backend.close_ok(csv).await;
    let wanted = Artifact {
        artifact_type: ArtifactType::Csv,
        content_type: "text/csv; header=present".to_owned(),
        status: ArtifactStatus::Available,
        size_bytes: 8,
        sha256: Some(digest(b"a,b\n1,2\n")),
        storage: "inline".to_owned(),
        ..live.clone()
    };
    assert_eq!(sealed, wanted, "the closed artifact is wrong");
    assert_eq!(fixture.backend.artifact_there(live.id).await, wanted, "the answer is not what is found");
    assert!(fixture.backend.parts(live.id).await.is_empty(), "a whole artifact has parts");
    for gone in [b"a,b\n", b"1,2\n"] {
        assert!(!fixture.backend.kept(gone).await, "the bytes of a part are kept beside the whole");
    }
    assert!(fixture.backend.kept(b"a,b\n1,2\n").await, "the bytes of the whole cannot be read");
    let totals = fixture.backend.totals().await;
    assert_eq!((totals.blobs, totals.stored_bytes, totals.logical_bytes), (1, 8, 8), "wrong totals");
}

/// One part that is the whole keeps its bytes when it is closed, and so does an empty artifact.
pub async fn a_single_part_may_be_the_whole(harness: &dyn Harness) {
    let (fixture, claimed, live) = writing(harness).await;
    let lease = Some(claimed.lease);
    fixture.backend.append_ok(part(live.id, lease, 0, b"all of it")).await;
    fixture.backend.close_ok(seal(live.id, lease, b"all of it")).await;
    assert!(fixture.backend.kept(b"all of it").await, "bytes went away with the part that had them first");
    fixture.backend.remove(live.id).await;
    assert!(!fixture.backend.kept(b"all of it").await, "bytes that nothing needs are kept");
    let empty = fixture.backend.record_ok(live_artifact(claimed.lease, "empty")).await;
    let sealed = fixture.backend.close_ok(seal(empty.id, lease, b"")).await;
    assert_eq!((sealed.size_bytes, sealed.sha256), (0, Some(digest(b""))), "an empty artifact is wrong");
}

/// A repeated seal with the same bytes answers the artifact, whoever may write by then; with others it is refused.
pub async fn a_repeated_seal_is_answered(harness: &dyn Harness) {
    let (fixture, claimed, live) = writing(harness).await;
    let lease = Some(claimed.lease);
    let sealed = fixture.backend.close_ok(seal(live.id, lease, b"bytes")).await;
    let again = fixture.backend.close(seal(live.id, lease, b"bytes")).await;
    assert_eq!(again.as_ref(), Ok(&sealed), "a repeated seal is not answered with the artifact");
    let closed = Err(RecordRefusal::Closed(live.id));
    assert_eq!(
        fixture.backend.close(seal(live.id, lease, b"other")).await,
        closed,
        "sealed with other bytes"
    );
    assert!(!fixture.backend.kept(b"other").await, "the bytes of a refused seal were kept");
    fixture.backend.end_applied(&claimed, ok()).await;
    let late = fixture.backend.close(seal(live.id, lease, b"bytes")).await;
    assert_eq!(
        late,
        Ok(sealed),
        "after the attempt ended, a repeated seal is not answered with the artifact"
    );
    fixture.backend.remove(live.id).await;
    assert!(!fixture.backend.kept(b"bytes").await, "a repeated seal counted the bytes twice");
}

/// What is whole never changes again, whether it was closed or recorded whole.
pub async fn a_whole_artifact_is_closed(harness: &dyn Harness) {
    let (fixture, claimed, live) = writing(harness).await;
    let lease = Some(claimed.lease);
    fixture.backend.append_ok(part(live.id, lease, 0, b"ab")).await;
    fixture.backend.close_ok(seal(live.id, lease, b"ab")).await;
    let whole = fixture.backend.record_ok(leased_artifact(claimed.lease, "whole", b"ab")).await;
    for id in [live.id, whole.id] {
        for offset in [0, 2] {
            let refused = fixture.backend.append(part(id, lease, offset, b"more")).await;
            assert_eq!(refused, Err(RecordRefusal::Closed(id)), "bytes were added to a whole artifact");
        }
    }
    let unknown = ArtifactId::fresh();
    let nothing = fixture.backend.close(seal(unknown, lease, b"x")).await;
    assert_eq!(nothing, Err(RecordRefusal::UnknownArtifact(unknown)), "an unknown artifact was closed");
}

/// Parts in storage are condemned when they are given back: on closing, and on deletion.
pub async fn stored_parts_are_given_back(harness: &dyn Harness) {
    let (fixture, claimed, live) = writing(harness).await;
    let lease = Some(claimed.lease);
    let condemn = || fixture.backend.condemn_blobs(Vec::new(), 100);
    let in_storage =
        |id, offset, bytes: &[u8]| NewPart { bytes: stored(bytes), ..part(id, lease, offset, bytes) };
    fixture.backend.append_ok(in_storage(live.id, 0, b"one")).await;
    fixture.backend.append_ok(in_storage(live.id, 3, b"two")).await;
    assert!(condemn().await.expect("condemn").is_empty(), "a part that is needed was condemned");
    let whole = Seal { bytes: stored(b"onetwo"), ..seal(live.id, lease, b"onetwo") };
    assert_eq!(fixture.backend.close_ok(whole).await.storage, "local", "the whole is elsewhere");
    let mut condemned = condemn().await.expect("condemn_blobs should not fail");
    condemned.sort_by_key(|blob| blob.sha256.as_bytes().to_vec());
    let mut wanted = vec![orphan(b"one"), orphan(b"two")];
    wanted.sort_by_key(|blob| blob.sha256.as_bytes().to_vec());
    assert_eq!(condemned, wanted, "closing should give back the parts and nothing else");
    let half = fixture.backend.record_ok(live_artifact(claimed.lease, "half")).await;
    let refused = fixture.backend.append(in_storage(half.id, 0, b"one")).await;
    let refusal = Err(RecordRefusal::BlobCondemned(digest(b"one")));
    assert_eq!(refused, refusal, "a part was taken whose bytes are about to go");
    fixture.backend.append_ok(in_storage(half.id, 0, b"three")).await;
    fixture.backend.remove(half.id).await;
    let condemned = condemn().await.expect("condemn_blobs should not fail");
    assert_eq!(condemned, [orphan(b"three")], "deletion should give back the parts");
}

/// Deleting an artifact that is being written gives back its bytes; whoever writes it is told.
pub async fn a_deleted_live_artifact_is_gone(harness: &dyn Harness) {
    let (fixture, claimed, live) = writing(harness).await;
    let lease = Some(claimed.lease);
    fixture.backend.record_ok(new_artifact(claimed.lease.job_id, "shares", b"shared")).await;
    fixture.backend.append_ok(part(live.id, lease, 0, b"shared")).await;
    fixture.backend.append_ok(part(live.id, lease, 6, b"alone")).await;
    fixture.backend.remove(live.id).await;
    assert!(!fixture.backend.kept(b"alone").await, "the bytes of a deleted part are kept");
    assert!(fixture.backend.kept(b"shared").await, "bytes went that another artifact needs");
    assert!(fixture.backend.parts(live.id).await.is_empty(), "a deleted artifact has parts");
    let unknown = RecordRefusal::UnknownArtifact(live.id);
    assert_eq!(fixture.backend.append(part(live.id, lease, 11, b"x")).await, Err(unknown.clone()));
    assert_eq!(fixture.backend.close(seal(live.id, lease, b"x")).await, Err(unknown));
}

/// Nobody begins an artifact under a lease that is not the job's.
pub async fn a_stale_lease_begins_nothing(harness: &dyn Harness) {
    let (fixture, claimed, _) = writing(harness).await;
    let id: JobId = claimed.lease.job_id;
    fixture.backend.end_applied(&claimed, Outcome::failed("no")).await;
    for content in [
        NewContent::Live,
        NewContent::Upload { expected_bytes: None, expected_sha256: None },
        NewContent::Whole(inline(b"x")),
    ] {
        for lease in [claimed.lease, forged_lease(id)] {
            let new = NewArtifact { content: content.clone(), ..live_artifact(lease, "other") };
            let refusal = Err(RecordRefusal::StaleLease(id));
            assert_eq!(fixture.backend.record(new).await, refusal, "begun under a stale lease");
        }
    }
    assert_eq!(fixture.backend.page(all()).await.total, 1, "what was refused is listed");
}

/// One that is begun from outside a job can be written by whoever knows it, and calls itself so.
pub async fn one_from_outside_needs_no_lease(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    let new = NewArtifact { content: NewContent::Live, ..new_artifact(id, "outside.log", b"") };
    let live = fixture.backend.record_ok(new).await;
    assert_eq!(fixture.backend.artifact_there(live.id).await, live, "the answer is not what is found");
    fixture.backend.append_ok(part(live.id, None, 0, b"ab")).await;
    let grown = fixture.backend.artifact_there(live.id).await;
    assert_eq!(grown.status, ArtifactStatus::Writing, "it can be written, yet it says something else");
    let sealed = fixture.backend.close_ok(seal(live.id, None, b"ab")).await;
    assert_eq!(
        (sealed.status, sealed.attempt),
        (ArtifactStatus::Available, 0),
        "the closed artifact is wrong"
    );
}

/// Parts and lengths are there after the backend was closed and opened again, and writing goes on.
pub async fn writing_goes_on_after_reopening(harness: &dyn Harness) {
    let (mut fixture, claimed, live) = writing(harness).await;
    let lease = Some(claimed.lease);
    fixture.backend.append_ok(part(live.id, lease, 0, b"before")).await;
    fixture.backend = harness.reopen(&fixture).await;
    assert_eq!(
        fixture.backend.append_ok(part(live.id, lease, 6, b" after")).await,
        12,
        "its length was lost"
    );
    let parts = fixture.backend.parts(live.id).await;
    assert_eq!(parts, [inline_part(0, b"before"), inline_part(6, b" after")], "parts were lost");
    fixture.backend.close_ok(seal(live.id, lease, b"before after")).await;
}

/// Of many writers at the same place one succeeds, and nothing is written twice or torn.
pub async fn racing_parts_are_taken_once(harness: &dyn Harness) {
    let (fixture, claimed, live) = writing(harness).await;
    let other = harness.reopen(&fixture).await;
    for round in 0..10_u64 {
        let mut writers = tokio::task::JoinSet::new();
        for n in 0..4_u8 {
            let handle = if n % 2 == 0 { fixture.backend.clone() } else { other.clone() };
            let part = part(live.id, Some(claimed.lease), round * 2, &[b'a' + n, b'0' + round as u8]);
            writers.spawn(async move { handle.append(part).await });
        }
        let answers = writers.join_all().await;
        let taken = answers.iter().filter(|answer| **answer == Ok(round * 2 + 2)).count();
        assert_eq!(taken, 1, "of four parts at one place {taken} were taken: {answers:?}");
    }
    let parts = fixture.backend.parts(live.id).await;
    let places: Vec<u64> = parts.iter().map(|part| part.offset).collect();
    assert_eq!(places, (0..10).map(|n| n * 2).collect::<Vec<u64>>(), "the parts leave gaps or overlap");
}
