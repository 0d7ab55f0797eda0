//! How much memory a transfer takes: the same for any size, however badly the bucket behaves.
//!
//! A binary of its own, because it counts all memory of its process; that of the server is counted too.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]
#![allow(clippy::print_stdout, reason = "it tells its figures")]
#![allow(dead_code, reason = "the server is shared with tests that use more of it")]

#[path = "storage/faulty_server.rs"]
mod faulty_server;
#[path = "storage/s3_server.rs"]
mod s3_server;

use std::io::Read as _;

use faulty_server::Fault;
use futures::TryStreamExt as _;
use peak_alloc::PeakAlloc;
use upnext_blobs::BlobStore;
use upnext_core::Settings;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;

const MIB: u64 = 1024 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_transfer_takes_the_same_memory_for_any_size() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("artifacts")).unwrap();
    let (url, faults, server) = faulty_server::start(folder.path()).await;
    let vars = [
        ("UPNEXT_HOME", folder.path().to_str().unwrap()),
        ("UPNEXT_ARTIFACT_STORAGE_URL", "s3://artifacts/p"),
        ("UPNEXT_ARTIFACT_STORAGE_S3_ENDPOINT_URL", &url),
    ];
    let owned = |(name, value): (&str, &str)| (name.to_owned(), value.to_owned());
    let settings = Settings::from_vars(vars.map(owned)).unwrap().settings;
    let keys = [("AWS_ACCESS_KEY_ID", s3_server::KEY), ("AWS_SECRET_ACCESS_KEY", s3_server::SECRET)];
    let blobs = BlobStore::open_with_vars(&settings.artifact_storage, keys.map(owned)).unwrap();
    let mut peaks = Vec::new();
    for size in [64 * MIB, 192 * MIB] {
        // Parts fail in turn. Answers to downloads stay whole: the server would hold them in memory to cut them off.
        let mut parts = 0;
        faults.plan(move |asked| {
            parts += usize::from(asked.method == http::Method::PUT);
            let all = [Fault::Error, Fault::AnswerLost, Fault::Slow, Fault::Closed];
            (asked.method == http::Method::PUT && parts % 5 == 0).then(|| all[parts / 5 % all.len()])
        });
        MEMORY.reset_peak_usage();
        let before = MEMORY.current_usage();
        let stored = blobs.put_reader(std::io::repeat(7).take(size), 1 << 30).await.unwrap();
        let up = MEMORY.peak_usage() - before;
        MEMORY.reset_peak_usage();
        let before = MEMORY.current_usage();
        let mut bytes = blobs.read(stored.sha256, None).await.unwrap();
        let mut length = 0;
        while let Some(piece) = bytes.try_next().await.unwrap() {
            length += piece.len() as u64;
        }
        assert_eq!(length, size);
        let down = MEMORY.peak_usage() - before;
        println!("{} MiB: at most {} MiB up, {} MiB down", size / MIB, up as u64 / MIB, down as u64 / MIB);
        peaks.push((up, down));
    }
    server.abort();
    println!("{:?} while {:?} requests were made", faults.seen().faults, faults.seen().requests);
    assert!(faults.seen().faulty() >= 5, "hardly any fault");
    let [(small_up, small_down), (large_up, large_down)] = peaks[..] else { panic!("two sizes") };
    let some = 12 * MIB as usize;
    assert!(large_up < small_up + some && large_down < small_down + some, "memory grows with the size");
    assert!(large_up < 80 * MIB as usize && large_down < 16 * MIB as usize);
}
