//! Measures what the artifact service costs: `cargo run --release -p upnext-artifacts --example rates -- FOLDER MIB`.
//!
//! Prints the rate of small JSON artifacts with 32 in flight, and the time of one large file against what reading,
//! hashing, copying and syncing it costs without UpNext.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program for people")]

use std::io::{Read as _, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};
use upnext_artifacts::{ArtifactData, ArtifactService, CreateArtifact};
use upnext_blobs::BlobStore;
use upnext_core::client::Submission;
use upnext_core::{JobId, RawJson, Settings};

const SMALL: usize = 50_000;
const IN_FLIGHT: usize = 32;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let parent = arguments.next().unwrap_or_else(|| "/tmp".to_owned());
    let mib: usize = arguments.next().map_or(1024, |text| text.parse().unwrap());
    let folder = tempfile::tempdir_in(parent).unwrap();
    let vars = [
        ("UPNEXT_HOME", folder.path().to_str().unwrap().to_owned()),
        ("UPNEXT_ARTIFACT_MAX_UPLOAD_BYTES", (mib << 20).to_string()),
    ];
    let settings = Settings::from_vars(vars.map(|(name, value)| (name.to_owned(), value))).unwrap().settings;
    let options = upnext_sqlite::SqliteOptions::new(settings.database_file());
    let backend = upnext_sqlite::open(options).await.unwrap();
    let blobs = BlobStore::open(&settings.artifact_storage).unwrap();
    let artifacts = ArtifactService::new(Arc::clone(&backend), blobs, &settings);
    let job = Submission::new("rates", RawJson::trusted("{}")).into_new_job().unwrap();
    let job_id = job.id;
    backend.enqueue(vec![job]).await.unwrap();
    small(&artifacts, job_id).await;
    large(&artifacts, job_id, folder.path(), mib).await;
}

async fn small(artifacts: &ArtifactService, job_id: JobId) {
    let began = Instant::now();
    let tasks = (0..IN_FLIGHT).map(|lane| {
        let artifacts = artifacts.clone();
        tokio::spawn(async move {
            let mut took = Vec::new();
            for index in (lane..SMALL).step_by(IN_FLIGHT) {
                let data = format!("{{\"index\": {index}, \"text\": \"{}\"}}", "x".repeat(170));
                let name = format!("small-{index}.json");
                let request = CreateArtifact::new(job_id, name);
                let one = Instant::now();
                artifacts.create(request, ArtifactData::Text(data)).await.unwrap();
                took.push(one.elapsed());
            }
            took
        })
    });
    let took = futures::future::join_all(tasks).await;
    let rate = SMALL as f64 / began.elapsed().as_secs_f64();
    let mut took: Vec<Duration> = took.into_iter().flat_map(Result::unwrap).collect();
    took.sort();
    let (median, p99) = (took[SMALL / 2], took[SMALL * 99 / 100]);
    println!("small JSON artifacts, {IN_FLIGHT} in flight: {rate:.0}/s, p50 {median:.2?}, p99 {p99:.2?}");
}

async fn large(artifacts: &ArtifactService, job_id: JobId, folder: &Path, mib: usize) {
    let source = folder.join("source");
    let mut file = std::fs::File::create(&source).unwrap();
    let mut block = vec![0_u8; 1 << 20];
    for index in 0..mib {
        block.iter_mut().enumerate().for_each(|(at, byte)| *byte = (at * 31 + index) as u8);
        file.write_all(&block).unwrap();
    }
    file.sync_all().unwrap();
    for round in 0..3 {
        let began = Instant::now();
        let hash = hash(&source);
        let hashed = began.elapsed();
        let copied = copy(&source, &folder.join("copy"));
        let before = peak_memory();
        let began = Instant::now();
        let name = format!("large-{round}");
        let request = CreateArtifact::new(job_id, name);
        let artifact = artifacts.create(request, ArtifactData::Path(source.clone())).await.unwrap();
        let ours = began.elapsed();
        assert_eq!(artifact.sha256.unwrap().as_bytes(), hash.as_slice());
        println!(
            "{mib} MiB: hash {hashed:.2?} + copy and sync {copied:.2?}; as an artifact {ours:.2?}, {:.0} MiB/s, \
             {:.0} % of hash + copy; peak memory grew by {} KiB",
            mib as f64 / ours.as_secs_f64(),
            100.0 * (hashed + copied).as_secs_f64() / ours.as_secs_f64(),
            peak_memory() - before
        );
        std::fs::remove_file(folder.join("artifacts").join(artifact.storage_key().unwrap())).unwrap();
    }
}

fn hash(path: &Path) -> Vec<u8> {
    let mut file = std::fs::File::open(path).unwrap();
    let mut hasher = Sha256::new();
    let mut buffer = vec![0; 1 << 20];
    loop {
        match file.read(&mut buffer).unwrap() {
            0 => return hasher.finalize().to_vec(),
            read => hasher.update(&buffer[..read]),
        }
    }
}

/// As `cp` does without sharing blocks, then `sync`.
fn copy(from: &Path, to: &Path) -> Duration {
    let began = Instant::now();
    let (mut from, mut file) = (std::fs::File::open(from).unwrap(), std::fs::File::create(to).unwrap());
    std::io::copy(&mut from, &mut file).unwrap();
    file.sync_all().unwrap();
    let took = began.elapsed();
    std::fs::remove_file(to).unwrap();
    took
}

/// Peak memory of this process in KiB (Linux).
fn peak_memory() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("0 kB");
    line.trim().trim_end_matches(" kB").parse().unwrap_or(0)
}
