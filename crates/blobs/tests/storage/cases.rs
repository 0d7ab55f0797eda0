//! The cases that every storage passes.

use std::io::{self, Read as _};
use std::time::Duration;

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use upnext_blobs::{BlobError, Limits, Removal, StageError, Staged};

use crate::{Stand, digest, listed, read, sample};

const MIB: usize = 1024 * 1024;

pub(crate) async fn bytes_come_back_as_they_were(stand: &Stand) {
    // The last two are uploaded to S3 in parts.
    for length in [0, 1, 100, 70_000, 256 * 1024, 3 * MIB, 8 * MIB + 1, 20 * MIB] {
        let bytes = sample(length);
        let sha256 = digest(&bytes);
        stand.blobs.put(sha256, bytes.clone()).await.unwrap();
        assert!(read(&stand.blobs, sha256, None).await.unwrap() == bytes, "{length}");
        assert_eq!(stand.blobs.size(sha256).await.unwrap(), Some(length as u64));
        assert!(stand.blobs.exists(sha256).await.unwrap());
    }
}

pub(crate) async fn ranges_give_parts(stand: &Stand) {
    let bytes = sample(1_000_000);
    let sha256 = digest(&bytes);
    stand.blobs.put(sha256, bytes.clone()).await.unwrap();
    for range in [0..1, 0..1_000_000, 999_999..1_000_000, 300_000..900_001, 5..5, 1_000_000..1_000_000] {
        let part = read(&stand.blobs, sha256, Some(range.clone())).await.unwrap();
        assert!(part == bytes[range.start as usize..range.end as usize], "{range:?}");
    }
    for range in [999_999..1_000_001, 2_000_000..2_000_001] {
        let error = read(&stand.blobs, sha256, Some(range.clone())).await.unwrap_err();
        assert!(matches!(error, BlobError::Damaged(_)), "{range:?}: {error}");
    }
}

pub(crate) async fn streams_of_every_size_are_stored(stand: &Stand) {
    for (length, piece) in [(0, 1), (10, 3), (256 * 1024, 4096), (256 * 1024 + 1, 4096), (9 * MIB, 100_000)] {
        let bytes = sample(length);
        let pieces: Vec<io::Result<Bytes>> =
            bytes.chunks(piece).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        let stored = stand.blobs.put_stream(stream::iter(pieces), length as u64).await.unwrap();
        assert_eq!((stored.sha256, stored.size), (digest(&bytes), length as u64));
        assert!(read(&stand.blobs, stored.sha256, None).await.unwrap() == bytes, "{length}");
    }
}

pub(crate) async fn files_and_readers_are_stored(stand: &Stand) {
    for length in [0, 1000, 12 * MIB] {
        let bytes = sample(length);
        let path = stand.folder.path().join("source");
        std::fs::write(&path, &bytes).unwrap();
        let stored = stand.blobs.put_path(&path, u64::MAX).await.unwrap();
        assert_eq!((stored.sha256, stored.size), (digest(&bytes), length as u64));
        assert!(read(&stand.blobs, stored.sha256, None).await.unwrap() == bytes, "{length}");
    }
    let missing = stand.blobs.put_path(stand.folder.path().join("nothing"), 1).await.unwrap_err();
    assert!(matches!(missing, StageError::Blob(BlobError::Source(_))), "{missing}");
}

pub(crate) async fn too_much_is_refused(stand: &Stand) {
    for limit in [10, 500_000] {
        let bytes = sample(limit + 1);
        let limit = limit as u64;
        let path = stand.folder.path().join("source");
        std::fs::write(&path, &bytes).unwrap();
        let refused = stand.blobs.put_path(&path, limit).await.unwrap_err();
        assert!(matches!(refused, StageError::TooLarge { size: Some(size), .. } if size == limit + 1));
        let refused = stand.blobs.put_reader(io::repeat(1), limit).await.unwrap_err();
        assert!(matches!(refused, StageError::TooLarge { size: None, .. }), "{refused}");
        // A stream without an end is not read to its end.
        let endless = stream::repeat_with(|| Ok(Bytes::from_static(&[0; 4096])));
        let refused = stand.blobs.put_stream(endless, limit).await.unwrap_err();
        assert!(matches!(refused, StageError::TooLarge { .. }), "{refused}");
    }
    assert_eq!(listed(&stand.blobs, Duration::ZERO).await, []);
}

pub(crate) async fn a_broken_source_stores_nothing(stand: &Stand) {
    for length in [10, 400_000] {
        let pieces = stream::iter([Ok(sample(length)), Err(io::Error::other("the line went dead"))]);
        let error = stand.blobs.put_stream(pieces, u64::MAX).await.unwrap_err();
        assert_eq!(error.to_string(), "the data could not be read: the line went dead");
    }
    assert_eq!(listed(&stand.blobs, Duration::ZERO).await, []);
}

pub(crate) async fn storing_again_is_harmless(stand: &Stand) {
    let bytes = sample(50_000);
    let sha256 = digest(&bytes);
    for _ in 0..3 {
        stand.blobs.put(sha256, bytes.clone()).await.unwrap();
        stand.blobs.put_reader(io::Cursor::new(bytes.clone()), u64::MAX).await.unwrap();
    }
    assert!(read(&stand.blobs, sha256, None).await.unwrap() == bytes);
    assert_eq!(listed(&stand.blobs, Duration::ZERO).await, [sha256]);
    // One of another length cannot be what it should be, and is replaced.
    std::fs::write(stand.file_of(sha256), b"half").unwrap();
    stand.blobs.put(sha256, bytes.clone()).await.unwrap();
    assert!(read(&stand.blobs, sha256, None).await.unwrap() == bytes);
}

pub(crate) async fn staged_bytes_can_be_committed_again(stand: &Stand) {
    for memory in [0, 1_000_000] {
        let limits = Limits { size: u64::MAX, memory };
        let bytes = sample(600_000);
        let staged = stand.blobs.stage_reader(io::Cursor::new(bytes.clone()), limits).await.unwrap();
        assert_eq!(staged.bytes().is_some(), memory > 0);
        let sha256 = staged.sha256();
        assert!(!stand.blobs.exists(sha256).await.unwrap(), "staged is not stored");
        let staged = stand.blobs.commit(staged).await.unwrap();
        let staged = stand.blobs.commit_again(staged).await.unwrap();
        stand.blobs.delete(sha256).await.unwrap();
        let mut staged = stand.blobs.commit_again(staged).await.unwrap();
        let mut again = Vec::new();
        staged.reader().unwrap().read_to_end(&mut again).unwrap();
        assert!(again == bytes);
        drop(staged);
        assert!(read(&stand.blobs, sha256, None).await.unwrap() == bytes);
        stand.blobs.delete(sha256).await.unwrap();
    }
    drop(Staged::from_bytes(sample(10)));
}

pub(crate) async fn many_may_store_the_same_bytes_at_once(stand: &Stand) {
    let bytes = sample(300_000);
    let sha256 = digest(&bytes);
    let storing = (0..16).map(|index| {
        let (blobs, bytes) = (stand.blobs.clone(), bytes.clone());
        tokio::spawn(async move {
            if index % 2 == 0 {
                blobs.put(sha256, bytes).await.unwrap();
            } else {
                blobs.put_reader(io::Cursor::new(bytes), u64::MAX).await.unwrap();
            }
            blobs
        })
    });
    for stored in futures::future::join_all(storing).await {
        assert!(read(&stored.unwrap(), sha256, None).await.unwrap() == bytes);
    }
    assert_eq!(listed(&stand.blobs, Duration::ZERO).await, [sha256]);
}

pub(crate) async fn missing_blobs_are_named(stand: &Stand) {
    let sha256 = digest(b"never stored");
    for range in [None, Some(0..1), Some(0..0)] {
        let error = read(&stand.blobs, sha256, range).await.unwrap_err();
        assert!(matches!(error, BlobError::Missing(missing) if missing == sha256), "{error}");
        assert!(error.to_string().contains(&sha256.to_string()));
    }
    assert_eq!(stand.blobs.size(sha256).await.unwrap(), None);
}

pub(crate) async fn deleted_blobs_are_gone(stand: &Stand) {
    let bytes = sample(1000);
    let sha256 = digest(&bytes);
    stand.blobs.put(sha256, bytes).await.unwrap();
    stand.blobs.delete(sha256).await.unwrap();
    assert!(!stand.blobs.exists(sha256).await.unwrap());
    stand.blobs.delete(sha256).await.unwrap();
    let removal = stand.blobs.delete_if_older_than(sha256, Duration::ZERO).await.unwrap();
    assert_eq!(removal, Removal::Gone);
}

pub(crate) async fn young_blobs_survive_a_guarded_removal(stand: &Stand) {
    let bytes = sample(1000);
    let sha256 = digest(&bytes);
    stand.blobs.put(sha256, bytes).await.unwrap();
    let hour = Duration::from_secs(3600);
    assert_eq!(stand.blobs.delete_if_older_than(sha256, hour).await.unwrap(), Removal::Kept);
    assert!(stand.blobs.exists(sha256).await.unwrap());
    // S3 counts whole seconds and may be ahead of this clock by a part of one.
    let backdated = std::fs::File::options().append(true).open(stand.file_of(sha256)).unwrap();
    backdated.set_modified(std::time::SystemTime::now() - 2 * hour).unwrap();
    assert_eq!(stand.blobs.delete_if_older_than(sha256, hour).await.unwrap(), Removal::Gone);
    assert!(!stand.blobs.exists(sha256).await.unwrap());
}

pub(crate) async fn old_blobs_are_listed(stand: &Stand) {
    let mut stored = Vec::new();
    for length in 1..=20 {
        stored.push(stand.blobs.put_reader(io::Cursor::new(sample(length)), 20).await.unwrap().sha256);
    }
    stored.sort();
    // Strangers are passed over.
    std::fs::write(stand.file_of(stored[0]).with_file_name("notes.txt"), b"mine").unwrap();
    assert_eq!(listed(&stand.blobs, Duration::ZERO).await, stored);
    assert_eq!(listed(&stand.blobs, Duration::from_secs(3600)).await, []);
}

pub(crate) async fn damage_is_noticed_before_the_end(stand: &Stand) {
    for length in [1, 1000, 2_000_000] {
        let bytes = sample(length);
        let sha256 = digest(&bytes);
        stand.blobs.put(sha256, bytes.clone()).await.unwrap();
        let mut damaged = bytes.to_vec();
        damaged[length / 2] ^= 1;
        std::fs::write(stand.file_of(sha256), &damaged).unwrap();
        let mut pieces = stand.blobs.read(sha256, None).await.unwrap();
        let (mut read, mut last) = (0, None);
        while let Some(piece) = pieces.next().await {
            match piece {
                Ok(piece) => read += piece.len(),
                Err(error) => last = Some(error),
            }
        }
        assert!(matches!(last, Some(BlobError::Damaged(named)) if named == sha256), "{length}: {last:?}");
        assert!(read < length, "the last piece was given out");
    }
}

pub(crate) async fn a_cut_off_blob_is_damaged(stand: &Stand) {
    let bytes = sample(500_000);
    let sha256 = digest(&bytes);
    stand.blobs.put(sha256, bytes.clone()).await.unwrap();
    std::fs::write(stand.file_of(sha256), &bytes[..400_000]).unwrap();
    for range in [None, Some(100_000..450_000), Some(450_000..460_000)] {
        let error = read(&stand.blobs, sha256, range.clone()).await.unwrap_err();
        assert!(matches!(error, BlobError::Damaged(_)), "{range:?}: {error}");
    }
}

pub(crate) async fn a_working_storage_passes_its_check(stand: &Stand) {
    stand.blobs.check().await.unwrap();
    assert_eq!(listed(&stand.blobs, Duration::ZERO).await, []);
}
