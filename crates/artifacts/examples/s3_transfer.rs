//! Measures one very large artifact over S3, in and out: time, and memory of this process above what it had when idle.
//!
//! `s3_server` of `upnext-blobs` serves a folder as a bucket: `cargo run --release -p upnext-blobs --example s3_server -- FOLDER`.
//! With the three words that it prints: `AWS_ACCESS_KEY_ID=... AWS_SECRET_ACCESS_KEY=... cargo run --release -p upnext-artifacts
//! --example s3_transfer -- WORK_FOLDER MIB ENDPOINT`.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program for people")]

use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::time::Instant;

use upnext_artifacts::{ArtifactData, ArtifactService, CreateArtifact};
use upnext_blobs::BlobStore;
use upnext_core::client::Submission;
use upnext_core::{Artifact, JobId, RawJson, Settings};

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let mut next = || arguments.next().expect("usage: s3_transfer WORK_FOLDER MIB ENDPOINT");
    let (parent, mib, endpoint) = (next(), next().parse::<u64>().unwrap(), next());
    let folder = tempfile::tempdir_in(parent).unwrap();
    let source = folder.path().join("source");
    write_source(&source, mib);
    let (artifacts, job) = service(folder.path(), mib, endpoint).await;
    let small = folder.path().join("small");
    write_source(&small, 1);
    // Connections, threads and buffers that every process with such a storage has.
    into(&artifacts, job, &small, "small").await;
    let artifact = measured("in", mib, into(&artifacts, job, &source, "large")).await;
    std::fs::remove_file(&source).unwrap();
    let target = folder.path().join("target");
    measured("out", mib, async { artifacts.save(&artifact, &target, |_| {}).await.unwrap() }).await;
    assert_eq!(std::fs::metadata(&target).unwrap().len(), mib << 20);
}

/// A file with holes, of which every piece differs.
fn write_source(path: &Path, mib: u64) {
    let mut file = std::fs::File::create(path).unwrap();
    for index in 0..mib {
        file.seek(SeekFrom::Start(index << 20)).unwrap();
        file.write_all(&index.to_le_bytes()).unwrap();
    }
    file.set_len(mib << 20).unwrap();
}

async fn service(folder: &Path, mib: u64, endpoint: String) -> (ArtifactService, JobId) {
    let vars = [
        ("UPNEXT_HOME", folder.display().to_string()),
        ("UPNEXT_ARTIFACT_MAX_UPLOAD_BYTES", (mib << 20).to_string()),
        ("UPNEXT_ARTIFACT_STORAGE_BACKEND", "s3".to_owned()),
        ("UPNEXT_ARTIFACT_STORAGE_S3_BUCKET", "artifacts".to_owned()),
        ("UPNEXT_ARTIFACT_STORAGE_S3_ENDPOINT_URL", endpoint),
    ];
    let settings = Settings::from_vars(vars.map(|(name, value)| (name.to_owned(), value))).unwrap().settings;
    let options = upnext_sqlite::SqliteOptions::new(settings.database_file());
    let backend = upnext_sqlite::open(options).await.unwrap();
    let blobs = BlobStore::open(&settings.artifact_storage).unwrap();
    let artifacts = ArtifactService::new(backend.clone(), blobs, &settings);
    let job = Submission::new("transfer", RawJson::trusted("{}")).into_new_job().unwrap();
    let id = job.id;
    backend.enqueue(vec![job]).await.unwrap();
    (artifacts, id)
}

async fn into(artifacts: &ArtifactService, job: JobId, source: &Path, name: &str) -> Artifact {
    let request = CreateArtifact::new(job, name);
    artifacts.create(request, ArtifactData::Path(source.to_owned())).await.unwrap()
}

async fn measured<T>(direction: &str, mib: u64, work: impl Future<Output = T>) -> T {
    // Peak memory is that from here on (Linux).
    std::fs::write("/proc/self/clear_refs", "5").unwrap();
    let (idle, began) = (memory("VmRSS:"), Instant::now());
    let done = work.await;
    let took = began.elapsed();
    println!(
        "{mib} MiB {direction}: {took:.1?}, {:.0} MiB/s, peak memory {:.1} MiB above the idle {:.1} MiB",
        mib as f64 / took.as_secs_f64(),
        (memory("VmHWM:") - idle) / 1024.0,
        idle / 1024.0,
    );
    done
}

/// A line of `/proc/self/status` in KiB.
fn memory(field: &str) -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix(field)).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}
