//! Artifacts in a bucket: while it is out of order they are made later or refused with an error that says so, never half there;
//! and those of a deployment that moved there.
#![allow(clippy::print_stdout, reason = "each test tells its figures")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::TryStreamExt as _;
use tokio::task::JoinHandle;
use upnext_artifacts::{ArtifactData, ArtifactService, SweepOptions};
use upnext_blobs::BlobStore;
use upnext_core::Settings;
use upnext_core::backend::ArtifactQuery;

use crate::faulty_server::{self, Fault, Faults, by_chance};
use crate::s3_server::{KEY, SECRET};
use crate::{Stand, enqueue};

/// The artifact service over a bucket whose service misbehaves as its plan says.
struct Outage {
    stand: Stand,
    faults: Arc<Faults>,
    server: JoinHandle<()>,
}

impl Outage {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("s3");
        std::fs::create_dir_all(root.join("artifacts")).unwrap();
        let (url, faults, server) = faulty_server::start(&root).await;
        let vars = [
            ("UPNEXT_HOME", folder.path().to_str().unwrap()),
            ("UPNEXT_ARTIFACT_STORAGE_URL", "s3://artifacts/p"),
            ("UPNEXT_ARTIFACT_STORAGE_S3_ENDPOINT_URL", &url),
        ];
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
        let settings = Settings::from_vars(vars.map(owned)).unwrap().settings;
        let options = upnext_sqlite::SqliteOptions::new(settings.database_file());
        let backend = upnext_sqlite::open(options).await.unwrap();
        let keys = [("AWS_ACCESS_KEY_ID", KEY), ("AWS_SECRET_ACCESS_KEY", SECRET)].map(owned);
        let blobs = BlobStore::open_with_vars(&settings.artifact_storage, keys).unwrap();
        let artifacts = ArtifactService::new(Arc::clone(&backend), blobs, &settings);
        let job = enqueue(&*backend).await;
        Self { stand: Stand { artifacts, backend, job, folder }, faults, server }
    }

    async fn listed(&self) -> usize {
        let query = ArtifactQuery { limit: 100, ..ArtifactQuery::default() };
        self.stand.artifacts.list(query).await.unwrap().items.len()
    }
}

impl Drop for Outage {
    fn drop(&mut self) {
        self.server.abort();
    }
}

#[tokio::test]
async fn a_deployment_moves_to_a_bucket_and_keeps_its_artifacts() {
    let before = Stand::new().await;
    let bytes = content(100_000, 9);
    let artifact = before.create("a.bin", None, data(&bytes)).await.unwrap();
    assert_eq!(artifact.storage, "local");
    // The same jobs and records over a bucket, into which the files were copied.
    let outage = Outage::new().await;
    let settings = Settings::from_vars([("HOME".to_owned(), "/".to_owned())]).unwrap().settings;
    let blobs = outage.stand.artifacts.blobs().clone();
    let after = ArtifactService::new(Arc::clone(&before.backend), blobs, &settings);
    let key = artifact.sha256.unwrap().storage_key();
    let object = outage.stand.folder.path().join("s3/artifacts/p").join(&key);
    std::fs::create_dir_all(object.parent().unwrap()).unwrap();
    std::fs::copy(before.file_of(artifact.sha256.unwrap()), &object).unwrap();
    let all = SweepOptions {
        orphans_older_than: Duration::ZERO,
        keep_younger_than: Duration::ZERO,
        ..SweepOptions::default()
    };
    let swept = after.sweep_with(all).await.unwrap();
    assert_eq!((swept.removed, swept.kept), (0, 1), "what a record of before needs is no orphan");
    let pieces: Vec<Bytes> = after.read(&artifact, None).await.unwrap().try_collect().await.unwrap();
    assert!(pieces.concat() == bytes);
    assert_eq!(after.verify(|_| {}).await.unwrap().whole, 1);
    // What nobody needs any more goes, there too.
    assert!(after.delete(artifact.id).await.unwrap());
    assert_eq!(after.sweep_with(all).await.unwrap().removed, 1);
    assert!(!object.exists());
}

fn content(length: usize, of: u8) -> Bytes {
    (0..length).map(|n| (n % 251) as u8 ^ of).collect::<Vec<u8>>().into()
}

fn data(bytes: &Bytes) -> ArtifactData {
    ArtifactData::Bytes(bytes.clone())
}

#[tokio::test]
async fn a_short_outage_is_waited_out() {
    let outage = Outage::new().await;
    let mut left = 9;
    outage.faults.plan(move |_| {
        left -= i32::from(left > 0);
        (left > 0).then_some(Fault::SlowDown)
    });
    let bytes = content(200_000, 0);
    let begun = Instant::now();
    let artifact = outage.stand.create("a.bin", None, data(&bytes)).await.unwrap();
    println!("8 requests refused: made after {:.1?}", begun.elapsed());
    assert_eq!(artifact.storage, "s3");
    assert!(outage.stand.read(&artifact).await == bytes);
}

#[tokio::test]
async fn a_long_outage_is_told_and_leaves_nothing() {
    let outage = Outage::new().await;
    let bytes = content(200_000, 0);
    outage.faults.plan(|_| Some(Fault::SlowDown));
    let request = || outage.stand.request("a.bin", None);
    let begun = Instant::now();
    let error = outage.stand.artifacts.create(request(), data(&bytes)).await.unwrap_err();
    println!(
        "always refused: told after {:.1?} and {} requests: {error}",
        begun.elapsed(),
        outage.faults.seen().all()
    );
    assert!(error.retryable());
    let sentence = error.to_string();
    assert!(
        sentence.contains("the artifact storage is unavailable") && sentence.contains("SlowDown"),
        "{sentence}"
    );
    assert_eq!(outage.listed().await, 0, "nothing is listed after an error");
    outage.faults.heal();
    let artifact = outage.stand.artifacts.create(request(), data(&bytes)).await.unwrap();
    assert_eq!(outage.listed().await, 1);
    assert!(outage.stand.read(&artifact).await == bytes);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_listed_artifact_is_whole_whatever_went_wrong() {
    let outage = Outage::new().await;
    let (mut made, mut refused) = (0, 0);
    outage.faults.plan(by_chance(70, 3));
    for number in 0..30_u8 {
        let bytes = content(50_000 + usize::from(number) * 7_001, number);
        let request = outage.stand.request(&format!("{number}.bin"), None);
        match outage.stand.artifacts.create(request, data(&bytes)).await {
            Ok(_) => made += 1,
            Err(error) => {
                refused += 1;
                assert!(error.retryable(), "{error}");
            }
        }
    }
    outage.faults.heal();
    let query = ArtifactQuery { limit: 100, ..ArtifactQuery::default() };
    let listed = outage.stand.artifacts.list(query).await.unwrap().items;
    assert_eq!(listed.len(), made);
    for artifact in &listed {
        assert_eq!(outage.stand.read(artifact).await.len() as u64, artifact.size_bytes);
    }
    let seen = outage.faults.seen();
    println!(
        "{} requests, {} faults: {made} artifacts acknowledged, listed and verified, {refused} refused and not listed",
        seen.all(),
        seen.faulty()
    );
    assert!(made > 10 && seen.faulty() > 30, "hardly any fault");
}
