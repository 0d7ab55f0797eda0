//! What only the local storage promises: modes, crash leftovers, folders that vanish, rights.

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use upnext_blobs::{BlobError, BlobStore, Limits};
use upnext_core::settings::StorageSettings;

use crate::{Stand, digest, read, sample};

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

fn incoming(stand: &Stand) -> Vec<PathBuf> {
    std::fs::read_dir(stand.files.join("incoming")).unwrap().map(|entry| entry.unwrap().path()).collect()
}

#[tokio::test]
async fn files_and_folders_are_for_their_owner_alone() {
    let stand = Stand::local().await;
    for length in [100, 400_000] {
        let stored = stand.blobs.put_reader(std::io::Cursor::new(sample(length)), u64::MAX).await.unwrap();
        let file = stand.file_of(stored.sha256);
        assert_eq!(mode(&file), 0o600);
        for folder in file.ancestors().skip(1).take(4) {
            assert_eq!(mode(folder), 0o700, "{}", folder.display());
        }
    }
    assert_eq!(incoming(&stand), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn staged_bytes_leave_nothing_behind() {
    let stand = Stand::local().await;
    let limits = Limits { size: u64::MAX, memory: 10 };
    let staged = stand.blobs.stage_reader(std::io::Cursor::new(sample(100)), limits).await.unwrap();
    assert_eq!(incoming(&stand).len(), 1);
    assert_eq!(mode(&incoming(&stand)[0]), 0o600);
    drop(staged);
    assert_eq!(incoming(&stand), Vec::<PathBuf>::new());
}

/// A sweep moves a blob aside to look at its age and to remove it in one step. One that is killed right there must not
/// take along what somebody stored again meanwhile.
#[tokio::test]
async fn a_blob_that_was_moved_aside_by_a_sweep_that_died_comes_back() {
    let stand = Stand::local().await;
    let stored = [sample(40_000), sample(50_000)];
    for bytes in &stored {
        let kept = stand.blobs.put_reader(std::io::Cursor::new(bytes.clone()), u64::MAX).await.unwrap();
        let aside = stand.files.join("incoming").join(format!("{}-removed-0123456789abcdef", kept.sha256));
        std::fs::rename(stand.file_of(kept.sha256), &aside).unwrap();
    }
    // One of them was stored once more.
    stand.blobs.put_reader(std::io::Cursor::new(stored[1].clone()), u64::MAX).await.unwrap();
    let settings = StorageSettings::Local { root: stand.files.clone() };
    let blobs = BlobStore::open(&settings).unwrap();
    for bytes in &stored {
        assert_eq!(read(&blobs, digest(bytes), None).await.unwrap(), *bytes);
    }
    assert_eq!(incoming(&stand), Vec::<PathBuf>::new());
}

#[tokio::test]
async fn a_caller_who_gives_up_leaves_nothing_behind() {
    let stand = Stand::local().await;
    let endless = futures::stream::unfold((), |()| async {
        tokio::task::yield_now().await;
        Some((Ok(bytes::Bytes::from_static(&[1; 65_536])), ()))
    });
    let blobs = stand.blobs.clone();
    let storing = tokio::spawn(async move { blobs.put_stream(endless, u64::MAX).await });
    while incoming(&stand).is_empty() {
        tokio::task::yield_now().await;
    }
    storing.abort();
    assert!(storing.await.unwrap_err().is_cancelled());
    while !incoming(&stand).is_empty() {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn leftovers_of_a_crash_are_swept_once_they_are_old() {
    let stand = Stand::local().await;
    let leftover = stand.files.join("incoming/0123456789abcdef");
    std::fs::write(&leftover, b"half").unwrap();
    let day = Duration::from_secs(86_400);
    assert_eq!(stand.blobs.sweep_temporary(day).await.unwrap(), 0);
    let file = std::fs::File::options().append(true).open(&leftover).unwrap();
    file.set_modified(SystemTime::now() - 2 * day).unwrap();
    assert_eq!(stand.blobs.sweep_temporary(day).await.unwrap(), 1);
    assert!(!leftover.exists());
}

#[tokio::test]
async fn storing_again_makes_an_old_blob_young() {
    let stand = Stand::local().await;
    let bytes = sample(100);
    let sha256 = digest(&bytes);
    stand.blobs.put(sha256, bytes.clone()).await.unwrap();
    let hour = Duration::from_secs(3600);
    let file = std::fs::File::options().append(true).open(stand.file_of(sha256)).unwrap();
    file.set_modified(SystemTime::now() - 2 * hour).unwrap();
    assert_eq!(crate::listed(&stand.blobs, hour).await, [sha256]);
    stand.blobs.put(sha256, bytes).await.unwrap();
    assert_eq!(crate::listed(&stand.blobs, hour).await, []);
}

#[tokio::test]
async fn folders_that_vanish_are_made_again() {
    let stand = Stand::local().await;
    let bytes = sample(100);
    let sha256 = digest(&bytes);
    stand.blobs.put(sha256, bytes.clone()).await.unwrap();
    std::fs::remove_dir_all(&stand.files).unwrap();
    stand.blobs.put(sha256, bytes.clone()).await.unwrap();
    assert!(read(&stand.blobs, sha256, None).await.unwrap() == bytes);
}

/// Storing and guarded removal of the same bytes, against each other: what was stored last is always there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn removals_never_take_what_was_just_stored() {
    let stand = Stand::local().await;
    let bytes = sample(100);
    let sha256 = digest(&bytes);
    let hour = Duration::from_secs(3600);
    for _ in 0..100 {
        stand.blobs.put(sha256, bytes.clone()).await.unwrap();
        let file = std::fs::File::options().append(true).open(stand.file_of(sha256)).unwrap();
        file.set_modified(SystemTime::now() - 2 * hour).unwrap();
        let (blobs, again) = (stand.blobs.clone(), bytes.clone());
        let storing = tokio::spawn(async move { blobs.put(sha256, again).await });
        let blobs = stand.blobs.clone();
        let removing = tokio::spawn(async move { blobs.delete_if_older_than(sha256, hour).await });
        storing.await.unwrap().unwrap();
        removing.await.unwrap().unwrap();
        assert!(stand.blobs.exists(sha256).await.unwrap());
    }
}

#[tokio::test]
async fn a_root_that_cannot_be_a_folder_is_refused_with_a_way_out() {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("file/artifacts");
    std::fs::write(folder.path().join("file"), b"").unwrap();
    let error = BlobStore::open(&StorageSettings::Local { root }).unwrap_err();
    assert!(matches!(error, BlobError::Unusable(_)), "{error:?}");
    let sentence = error.to_string();
    assert!(sentence.contains("file/artifacts") && sentence.contains("UPNEXT_ARTIFACT_STORAGE_LOCAL_ROOT"));
}
