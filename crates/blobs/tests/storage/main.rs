//! What every storage promises, on local disk and against a real S3 server in this process; and what only one has.

#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod cases;
mod emulated;
mod faults;
mod faulty_server;
mod gcs;
mod local;
mod s3;
mod s3_server;

use std::time::Duration;

use bytes::Bytes;
use futures::TryStreamExt as _;
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use upnext_blobs::{BlobError, BlobStore};
use upnext_core::artifact::Digest;
use upnext_core::settings::StorageSettings;

/// A storage with everything it lives on, gone at the end.
pub(crate) struct Stand {
    pub(crate) blobs: BlobStore,
    pub(crate) folder: TempDir,
    /// Where a blob's bytes can be tampered with.
    pub(crate) files: std::path::PathBuf,
    server: Option<tokio::task::JoinHandle<()>>,
    /// Address of the server, if there is one.
    pub(crate) url: String,
}

impl Stand {
    pub(crate) async fn local() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let files = folder.path().join("artifacts");
        let blobs = BlobStore::open(&StorageSettings::Local { root: files.clone() }).unwrap();
        Self { blobs, folder, files, server: None, url: String::new() }
    }

    pub(crate) async fn s3() -> Self {
        s3::stand().await
    }

    /// A storage whose bytes cannot be tampered with.
    pub(crate) fn elsewhere(blobs: BlobStore) -> Self {
        let folder = tempfile::tempdir().unwrap();
        Self { blobs, files: folder.path().to_owned(), folder, server: None, url: String::new() }
    }

    /// The file in which a stored blob ends up.
    pub(crate) fn file_of(&self, sha256: Digest) -> std::path::PathBuf {
        self.files.join(sha256.storage_key())
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        if let Some(server) = &self.server {
            server.abort();
        }
    }
}

pub(crate) fn sample(length: usize) -> Bytes {
    let mut state = length as u64 ^ 0x9e37_79b9_7f4a_7c15;
    let mut bytes = Vec::with_capacity(length + 8);
    while bytes.len() < length {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        bytes.extend_from_slice(&(state ^ (state >> 29)).to_le_bytes());
    }
    bytes.truncate(length);
    bytes.into()
}

pub(crate) fn digest(bytes: &[u8]) -> Digest {
    Digest::from_bytes(Sha256::digest(bytes).into())
}

pub(crate) async fn read(
    blobs: &BlobStore,
    sha256: Digest,
    range: Option<std::ops::Range<u64>>,
) -> Result<Vec<u8>, BlobError> {
    let pieces: Vec<Bytes> = blobs.read(sha256, range).await?.try_collect().await?;
    Ok(pieces.concat())
}

pub(crate) async fn listed(blobs: &BlobStore, age: Duration) -> Vec<Digest> {
    let mut found: Vec<Digest> = blobs.list_older_than(age).try_collect().await.unwrap();
    found.sort();
    found
}

/// Makes one test of each case for each storage.
macro_rules! on_every_storage {
    ($($case:ident),+ $(,)?) => {
        mod on_local {
            $(#[tokio::test] async fn $case() { super::cases::$case(&super::Stand::local().await).await; })+
        }
        mod on_gcs {
            $(#[tokio::test] async fn $case() { super::cases::$case(&super::gcs::stand().await).await; })+
        }
        mod on_s3 {
            $(#[tokio::test] async fn $case() { super::cases::$case(&super::Stand::s3().await).await; })+
        }
    };
}

on_every_storage!(
    bytes_come_back_as_they_were,
    ranges_give_parts,
    streams_of_every_size_are_stored,
    files_and_readers_are_stored,
    too_much_is_refused,
    a_broken_source_stores_nothing,
    storing_again_is_harmless,
    staged_bytes_can_be_committed_again,
    many_may_store_the_same_bytes_at_once,
    missing_blobs_are_named,
    deleted_blobs_are_gone,
    young_blobs_survive_a_guarded_removal,
    old_blobs_are_listed,
    damage_is_noticed_before_the_end,
    a_cut_off_blob_is_damaged,
    a_working_storage_passes_its_check,
);
