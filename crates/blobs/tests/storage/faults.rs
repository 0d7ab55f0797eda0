//! What holds while a bucket misbehaves: nothing that was acknowledged is lost or torn, nothing cut off passes for whole, and
//! nobody tries for ever.
#![allow(clippy::print_stdout, reason = "each test tells its figures")]

use std::io::Cursor;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::{StreamExt as _, TryStreamExt as _};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use upnext_blobs::{BlobError, BlobStore, StageError};

use crate::faulty_server::{self, Fault, Faults, by_chance};
use crate::s3::{BUCKET, open};
use crate::s3_server::SECRET;
use crate::{digest, read, sample};

const MIB: usize = 1024 * 1024;

/// A storage whose service misbehaves as its plan says.
struct Faulty {
    blobs: BlobStore,
    faults: Arc<Faults>,
    server: JoinHandle<()>,
    _folder: TempDir,
}

impl Faulty {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::create_dir_all(folder.path().join(BUCKET)).unwrap();
        let (url, faults, server) = faulty_server::start(folder.path()).await;
        Self { blobs: open(&url, BUCKET, SECRET), faults, server, _folder: folder }
    }

    async fn store(&self, length: usize) -> Result<(), BlobError> {
        match self.blobs.put_reader(Cursor::new(sample(length)), 1 << 30).await {
            Ok(stored) => {
                assert_eq!(stored.sha256, digest(&sample(length)));
                Ok(())
            }
            Err(StageError::Blob(error)) => Err(error),
            Err(error) => panic!("{error}"),
        }
    }
}

impl Drop for Faulty {
    fn drop(&mut self) {
        self.server.abort();
    }
}

/// Many small blobs, some of one part, some of several.
fn lengths() -> Vec<usize> {
    let small = (0..48).map(|n| 300_000 + n * 1_001);
    let large = (0..4).map(|n| 9 * MIB + n * 3 * MIB + n);
    let tiny = (0..24).map(|n| 1 + n * 777);
    small.chain(large).chain(tiny).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_acknowledged_is_lost_or_torn() {
    let stand = Faulty::new().await;
    let lengths = lengths();
    let (mut acknowledged, mut refused) = (0, 0);
    for percent in [10, 30, 60] {
        stand.faults.plan(by_chance(percent, percent));
        let outcomes: Vec<_> = futures::stream::iter(lengths.clone())
            .map(|length| {
                // Other bytes in every round.
                let (stand, length) = (&stand, length + usize::try_from(percent).unwrap());
                async move { (length, stand.store(length).await) }
            })
            .buffer_unordered(6)
            .collect()
            .await;
        stand.faults.heal();
        for (length, outcome) in outcomes {
            let sha256 = digest(&sample(length));
            let found = read(&stand.blobs, sha256, None).await;
            match outcome {
                Ok(()) => {
                    acknowledged += 1;
                    assert!(found.unwrap() == sample(length), "{length} bytes came back torn");
                }
                Err(error) => {
                    refused += 1;
                    assert!(error.retryable(), "{error}");
                    // Refused or not: what is there is whole.
                    assert!(
                        matches!(&found, Err(BlobError::Missing(_)))
                            || found.is_ok_and(|bytes| bytes == sample(length))
                    );
                    // In health the same bytes are taken.
                    stand.store(length).await.unwrap();
                }
            }
        }
    }
    let seen = stand.faults.seen();
    println!(
        "{} requests, {} faults {:?}: {acknowledged} blobs acknowledged and verified, {refused} refused and stored afterwards, \
         0 lost, 0 torn",
        seen.all(),
        seen.faulty(),
        seen.faults
    );
    assert!(acknowledged > 120 && seen.faulty() > 100, "the test met hardly any fault");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_cut_off_passes_for_whole() {
    let stand = Faulty::new().await;
    let lengths = [1, 5_000, 700_000, 3 * MIB + 1];
    for length in lengths {
        stand.store(length).await.unwrap();
    }
    let (mut whole, mut refused) = (0, 0);
    stand.faults.plan(by_chance(50, 7));
    for round in 0..40 {
        let length = lengths[round % lengths.len()];
        let sha256 = digest(&sample(length));
        // A part of a blob has no digest of its own to be checked by.
        let range = (round % 3 == 0 && length > 100).then(|| 50..length as u64 - 20);
        let expected = match &range {
            Some(_) => sample(length).slice(50..length - 20),
            None => sample(length),
        };
        match read(&stand.blobs, sha256, range).await {
            Ok(bytes) => {
                whole += 1;
                assert!(bytes == expected, "{length} bytes were passed on that are not those stored");
            }
            Err(error) => {
                refused += 1;
                assert!(error.retryable(), "{error}");
            }
        }
    }
    let seen = stand.faults.seen();
    println!(
        "{} requests, {} faults: {whole} reads whole, {refused} refused, 0 torn",
        seen.all(),
        seen.faulty()
    );
    assert!(whole > 20, "reading does not go on where it broke off");
    // A body that always ends too early.
    stand.faults.plan(|_| Some(Fault::CutOff));
    let before = stand.faults.seen().all();
    let mut bytes = stand.blobs.read(digest(&sample(3 * MIB + 1)), None).await.unwrap();
    let mut length = 0;
    let error = loop {
        match bytes.try_next().await {
            Ok(Some(piece)) => length += piece.len(),
            Ok(None) => panic!("a cut off body was passed on as whole"),
            Err(error) => break error,
        }
    };
    let requests = stand.faults.seen().all() - before;
    println!(
        "always cut off: gave up after {requests} requests with {length} of {} bytes: {error}",
        3 * MIB + 1
    );
    assert!(error.retryable() && length <= 3 * MIB && requests <= 5, "{error}");
}

#[tokio::test]
async fn a_lost_answer_is_found_out_without_another_upload() {
    let stand = Faulty::new().await;
    let mut lost = false;
    stand.faults.plan(move |asked| {
        let now = asked.completes() && !lost;
        lost |= now;
        now.then_some(Fault::AnswerLost)
    });
    let length = 20 * MIB;
    stand.store(length).await.unwrap();
    assert!(read(&stand.blobs, digest(&sample(length)), None).await.unwrap() == sample(length));
    let seen = stand.faults.seen();
    println!("the answer to a completion was lost: {:?}", seen.requests);
    assert_eq!(seen.faults[&Fault::AnswerLost], 1);
    assert_eq!(seen.requests["PUT"], 3, "each part was sent once");
}

#[tokio::test]
async fn nobody_tries_for_ever() {
    let stand = Faulty::new().await;
    let (small, large) = (400_000, 20 * MIB);
    for (what, fault, lengths) in
        [("SlowDown", Fault::SlowDown, vec![small, large]), ("closing", Fault::Closed, vec![small])]
    {
        stand.faults.plan(move |_| Some(fault));
        for length in lengths {
            let (before, begun) = (stand.faults.seen().all(), Instant::now());
            let error = stand.store(length).await.unwrap_err();
            let (requests, took) = (stand.faults.seen().all() - before, begun.elapsed());
            println!(
                "always {what}, {length} bytes: gave up after {requests} requests in {took:.1?}: {error}"
            );
            assert!(error.retryable() && error.to_string().contains("bucket 'artifacts'"), "{error}");
            assert!(requests <= 20 && took < Duration::from_secs(60));
        }
        let before = stand.faults.seen().all();
        assert!(read(&stand.blobs, digest(b"x"), None).await.unwrap_err().retryable());
        assert!(stand.faults.seen().all() - before <= 5);
    }
    stand.faults.heal();
    stand.store(small).await.unwrap();
}

#[tokio::test]
async fn what_was_begun_and_given_up_is_swept() {
    let stand = Faulty::new().await;
    // Parts fail for good, and so does taking them back.
    stand.faults.plan(|asked| {
        let part = asked.method == http::Method::PUT;
        (part || asked.method == http::Method::DELETE).then_some(Fault::Error)
    });
    stand.store(20 * MIB).await.unwrap_err();
    // Taking them back goes on behind the caller's back: it ends before the plan changes or after.
    stand.faults.heal();
    let day = Duration::from_secs(24 * 3600);
    assert_eq!(stand.blobs.sweep_temporary(day).await.unwrap(), 0, "young ones may be under way");
    let swept = stand.blobs.sweep_temporary(Duration::ZERO).await.unwrap();
    println!("{swept} of 4 unfinished uploads were left and swept");
    assert!((1..=4).contains(&swept), "{swept}");
    assert_eq!(stand.blobs.sweep_temporary(Duration::ZERO).await.unwrap(), 0, "nothing is left");
    stand.store(20 * MIB).await.unwrap();
}
