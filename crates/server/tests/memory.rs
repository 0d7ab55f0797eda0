//! Large answers take little memory. One test, in a process of its own: it measures what the whole process has taken.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::future::pending;
use std::sync::Arc;

use peak_alloc::PeakAlloc;
use tokio::net::TcpListener;
use upnext_artifacts::{ArtifactData, ArtifactService, CreateArtifact};
use upnext_blobs::BlobStore;
use upnext_core::client::Submission;
use upnext_core::{Client, JobId, RawJson, Settings};
use upnext_server::Served;
use upnext_sqlite::SqliteOptions;

#[global_allocator]
static ALLOCATED: PeakAlloc = PeakAlloc;

const MIB: usize = 1024 * 1024;

/// Five of them make an archive of 500 MiB.
const SIZE: usize = 100 * MIB;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_archive_of_500_mib_takes_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().display().to_string();
    let settings = Settings::from_vars([("UPNEXT_HOME".to_owned(), home)]).unwrap().settings;
    let backend = upnext_sqlite::open(SqliteOptions::new(settings.database_file())).await.unwrap();
    let blobs = BlobStore::open(&settings.artifact_storage).unwrap();
    let artifacts = ArtifactService::new(Arc::clone(&backend), blobs, &settings);
    let client = Client::new(backend);
    let job = client.submit(Submission::new("report", RawJson::parse("{}").unwrap())).await.unwrap().id;
    // A file without content takes no room, and the same content is kept once.
    let source = folder.path().join("source");
    std::fs::File::create(&source).unwrap().set_len(SIZE as u64).unwrap();
    for name in ["a.bin", "b.bin", "c.bin", "d.txt", "e.bin"] {
        let request = CreateArtifact::new(job, name);
        artifacts.create(request, ArtifactData::Path(source.clone())).await.unwrap();
    }
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let served = Served { client, artifacts, settings: Arc::new(settings) };
    let server = tokio::spawn(upnext_server::serve(served, listener, pending()));
    let (before, _) = (ALLOCATED.current_usage(), ALLOCATED.reset_peak_usage());
    let received = fetch(&url, job).await;
    let taken = ALLOCATED.peak_usage().saturating_sub(before);
    server.abort();
    assert!(received > 4 * SIZE, "{received}");
    assert!(taken < 32 * MIB, "the archive took {} MiB", taken / MIB);
}

/// How many bytes the archive has. Reads it without keeping it.
async fn fetch(url: &str, job: JobId) -> usize {
    // The blob crate links rustls without a provider, and this client is built with all that is linked.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut response = http.get(format!("{url}/api/v1/jobs/{job}/artifacts.zip")).send().await.unwrap();
    let mut received = 0;
    while let Some(piece) = response.chunk().await.unwrap() {
        received += piece.len();
    }
    received
}
