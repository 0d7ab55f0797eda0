//! `hold_cursor`, `keep_secret`, and what followers of artifacts are told.

use std::time::Duration;

use upnext_core::artifact::ArtifactPatch;
use upnext_core::backend::{ArtifactChange, ArtifactChangeKind, CursorHold, Feed};
use upnext_core::{ArtifactId, Backend};

use crate::factories::{new_artifact, new_job};
use crate::{Harness, Steps};

const LEASE: Duration = Duration::from_secs(30);

async fn hold(backend: &dyn Backend, holder: &str, place: Option<i64>, lease: Duration) -> Option<i64> {
    let hold = CursorHold { name: "letters".to_owned(), holder: holder.to_owned(), place, lease };
    backend.hold_cursor(hold).await.expect("hold_cursor should not fail")
}

async fn present(backend: &dyn Backend) -> i64 {
    let changes = backend.changes_since(None, 0, Feed::Everything).await;
    changes.expect("changes_since should not fail").cursor
}

async fn artifact_changes(backend: &dyn Backend, cursor: i64) -> Vec<ArtifactChange> {
    let changes = backend.changes_since(Some(cursor), 100, Feed::Everything).await;
    changes.expect("changes_since should not fail").artifacts
}

async fn touch(backend: &dyn Backend, id: ArtifactId) {
    let patch = ArtifactPatch { pinned: Some(false), ..ArtifactPatch::default() };
    let patched = backend.update_artifact(id, patch).await.expect("update_artifact should not fail");
    assert!(patched.is_some_and(|answer| answer.is_ok()), "an artifact could not be changed");
}

/// Whoever follows for the first time hears of what happens from then on; other cursors are others.
pub async fn a_new_cursor_begins_at_the_present(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let backend = &*fixture.backend;
    backend.submit(new_job("f")).await;
    let start = present(backend).await;
    assert_eq!(hold(backend, "a", None, LEASE).await, Some(start), "a new cursor is not at the present");
    backend.submit(new_job("f")).await;
    assert_eq!(hold(backend, "a", None, LEASE).await, Some(start), "a cursor moved by itself");
    let other = CursorHold { name: "other".to_owned(), holder: "b".to_owned(), place: None, lease: LEASE };
    let other = backend.hold_cursor(other).await.expect("hold_cursor should not fail");
    assert_eq!(other, Some(present(backend).await), "the cursor of another name is not its own");
}

/// Its holder moves it on, and never back.
pub async fn a_cursor_moves_only_forward(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let backend = &*fixture.backend;
    hold(backend, "a", Some(5), LEASE).await;
    assert_eq!(hold(backend, "a", Some(9), LEASE).await, Some(9), "a cursor does not move");
    assert_eq!(hold(backend, "a", Some(7), LEASE).await, Some(9), "a cursor moved back");
}

/// While one holds it, others neither get nor move it.
pub async fn a_held_cursor_is_refused_to_others(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let backend = &*fixture.backend;
    hold(backend, "a", Some(5), LEASE).await;
    assert_eq!(hold(backend, "b", Some(9), LEASE).await, None, "a held cursor was given to another");
    fixture.advance(29);
    hold(backend, "a", None, LEASE).await;
    fixture.advance(29);
    assert_eq!(hold(backend, "b", None, LEASE).await, None, "a cursor that was kept was given to another");
    assert_eq!(hold(backend, "a", None, LEASE).await, Some(5), "another moved a held cursor");
}

/// After its time, or when it is given back, the next one goes on where the last one was.
pub async fn a_cursor_that_was_let_go_is_taken_over(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let backend = &*fixture.backend;
    hold(backend, "a", Some(5), LEASE).await;
    fixture.advance(30);
    assert_eq!(hold(backend, "b", None, LEASE).await, Some(5), "a cursor whose holder is gone stays held");
    assert_eq!(hold(backend, "a", Some(9), LEASE).await, None, "who lost a cursor still moves it");
    hold(backend, "b", Some(6), Duration::ZERO).await;
    assert_eq!(hold(backend, "a", None, LEASE).await, Some(6), "a cursor that was given back stays held");
}

/// A restart loses neither place nor holder.
pub async fn a_cursor_and_its_place_survive_reopening(harness: &dyn Harness) {
    let mut fixture = harness.open().await;
    hold(&*fixture.backend, "a", Some(5), LEASE).await;
    fixture.backend = harness.reopen(&fixture).await;
    assert_eq!(hold(&*fixture.backend, "b", None, LEASE).await, None, "the holder was forgotten");
    assert_eq!(hold(&*fixture.backend, "a", None, LEASE).await, Some(5), "the place was forgotten");
}

/// Of many that want it at the same moment one gets it.
pub async fn one_of_many_takes_a_cursor(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let mut wishes = tokio::task::JoinSet::new();
    for n in 0..8 {
        let handle = harness.reopen(&fixture).await;
        wishes.spawn(async move { hold(&*handle, &n.to_string(), None, LEASE).await });
    }
    let given = wishes.join_all().await.into_iter().flatten().count();
    assert_eq!(given, 1, "a cursor was given to {given} of eight at once");
}

/// Whoever asks for a secret gets the bytes that were kept first.
pub async fn the_first_secret_stays(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let other = harness.reopen(&fixture).await;
    let keep = async |backend: &dyn Backend, name: &str, byte: u8| {
        backend.keep_secret(name, [byte; 32]).await.expect("keep_secret should not fail")
    };
    assert_eq!(keep(&*fixture.backend, "a", 1).await, [1; 32], "a first secret is not what was given");
    assert_eq!(keep(&*other, "a", 2).await, [1; 32], "a secret was replaced");
    assert_eq!(keep(&*other, "b", 2).await, [2; 32], "two names share a secret");
}

/// Artifacts are told as made, changed and removed, with the moment of the removal, as seen from the cursor.
pub async fn artifacts_are_told_by_what_happened_since(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let backend = &*fixture.backend;
    let job = backend.submit(new_job("f")).await;
    let start = present(backend).await;
    let artifact = backend.record_ok(new_artifact(job, "a", b"x")).await;
    let created = artifact_changes(backend, start).await;
    let told = (created.len(), created[0].kind, created[0].id, created[0].job_id);
    assert_eq!(
        told,
        (1, ArtifactChangeKind::Created, artifact.id, job),
        "a new artifact is not told as such"
    );
    touch(backend, artifact.id).await;
    let still_new = artifact_changes(backend, start).await;
    assert_eq!(still_new, created, "an artifact that was made and changed since is not told once, as made");
    let updated = artifact_changes(backend, created[0].sequence).await;
    let told = (updated.len(), updated[0].kind, updated[0].deleted_at);
    assert_eq!(
        told,
        (1, ArtifactChangeKind::Updated, None),
        "a change of a known artifact is not told as such"
    );
    fixture.advance(5);
    backend.delete_artifact(artifact.id).await.expect("deleting should not fail");
    let deleted = artifact_changes(backend, updated[0].sequence).await;
    let told = (deleted.len(), deleted[0].kind, deleted[0].deleted_at);
    let wanted = (1, ArtifactChangeKind::Deleted, Some(fixture.now()));
    assert_eq!(told, wanted, "a removal is not told with its moment");
    assert!(artifact_changes(backend, start).await.is_empty(), "who never saw an artifact hears of its end");
}

/// Whoever reads in pages hears of every artifact's making, although it was changed before its page came.
pub async fn pages_pass_over_no_creation(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let backend = &*fixture.backend;
    let job = backend.submit(new_job("f")).await;
    let mut place = present(backend).await;
    let mut made = Vec::new();
    for n in 0..20 {
        made.push(backend.record_ok(new_artifact(job, &n.to_string(), b"x")).await.id);
    }
    for id in made.iter().step_by(2) {
        touch(backend, *id).await;
    }
    let (mut created, mut last) = (Vec::new(), place);
    loop {
        let changes = backend.changes_since(Some(place), 3, Feed::Everything).await;
        let changes = changes.expect("changes_since should not fail");
        if changes.artifacts.is_empty() {
            break;
        }
        for change in changes.artifacts {
            assert!(change.sequence > last, "changes are told out of order");
            last = change.sequence;
            if change.kind == ArtifactChangeKind::Created {
                created.push(change.id);
            }
        }
        place = changes.cursor;
    }
    assert_eq!(created, made, "the making of some artifacts was not told, or not in order");
}
