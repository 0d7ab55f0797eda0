//! Power cuts: a workload runs while every write and sync of SQLite is recorded; then the disk is put together as it may
//! be after a cut at any moment, and everything that had been acknowledged before must be on it.
//!
//! What this does not show: that the disk keeps its word about syncs, and that the files themselves are still listed in
//! their folder (SQLite and the blob storage sync folders, too).
#![cfg(unix)]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on should stop, and figures are for people"
)]

mod disk;
mod recording;

use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use fastrand::Rng;
use rusqlite::Connection;
use upnext_core::settings::Durability;
use upnext_core::{ArtifactId, Backend, JobId, JobStatus, SystemClock};
use upnext_sqlite::SqliteOptions;
use upnext_testkit::Steps;
use upnext_testkit::factories::{finish_ok, leased_artifact, new_job};

use disk::{Disk, LOSSES};
use recording::Event;

/// What was acknowledged. The number of a mark is its place in the list.
#[derive(Debug, Clone)]
enum Word {
    Accepted(JobId),
    Recorded(ArtifactId, Vec<u8>),
    Completed(JobId),
}

async fn open(path: &Path, durability: Durability) -> Arc<dyn Backend> {
    let options = SqliteOptions { path: path.to_owned(), durability, clock: Arc::new(SystemClock) };
    upnext_sqlite::open(options).await.expect("the file should open")
}

/// Runs jobs that record artifacts, four at a time; answers what was acknowledged and what happened on the disk.
async fn record(folder: &Path, durability: Durability, jobs: usize) -> (Vec<Word>, Vec<Event>) {
    recording::watch(folder);
    let path = folder.join("upnext.db");
    let backend = open(&path, durability).await;
    let words = Arc::new(Mutex::new(Vec::new()));
    let begun = Arc::new(AtomicUsize::new(0));
    let mut runners = tokio::task::JoinSet::new();
    for runner in 0..4 {
        let (backend, words, begun) = (Arc::clone(&backend), Arc::clone(&words), Arc::clone(&begun));
        let (folder, path) = (folder.to_owned(), path.clone());
        let acknowledged = move |word: Word| {
            let mut words = words.lock().unwrap();
            words.push(word);
            recording::mark(&folder, words.len() - 1);
        };
        runners.spawn(async move {
            loop {
                let number = begun.fetch_add(1, Ordering::SeqCst);
                if number >= jobs {
                    return;
                }
                let function = format!("f{runner}");
                acknowledged(Word::Accepted(backend.submit(new_job(&function)).await));
                let claimed = backend.take_one(&function).await;
                let bytes = format!("artifact {number}, ").repeat(150).into_bytes();
                let artifact = leased_artifact(claimed.lease, "made.txt", &bytes);
                let recorded = backend.record_artifacts(vec![artifact]).await.unwrap().remove(0).unwrap();
                acknowledged(Word::Recorded(recorded.id, bytes));
                backend.finish(vec![finish_ok(&claimed)]).await.unwrap();
                acknowledged(Word::Completed(claimed.lease.job_id));
                if number % 25 == 24 {
                    let path = path.clone();
                    tokio::task::spawn_blocking(move || checkpoint(&path, number)).await.unwrap();
                }
            }
        });
    }
    while let Some(runner) = runners.join_next().await {
        runner.unwrap();
    }
    let words = words.lock().unwrap().clone();
    (words, recording::take(folder))
}

/// Moves the log into the file, as commits do by themselves when the log is long.
fn checkpoint(path: &Path, number: usize) {
    let connection = Connection::open(path).unwrap();
    connection.busy_timeout(std::time::Duration::from_secs(10)).unwrap();
    let mode = ["PASSIVE", "RESTART", "TRUNCATE"][number / 25 % 3];
    connection.query_row(&format!("PRAGMA wal_checkpoint({mode})"), [], |_| Ok(())).unwrap();
}

/// What is missing on a disk after a cut, of what was acknowledged before it.
async fn missing(folder: &Path, words: &[Word]) -> Vec<Word> {
    let path = folder.join("upnext.db");
    let backend = open(&path, Durability::Full).await;
    let mut missing = Vec::new();
    for word in words {
        let there = match word {
            Word::Accepted(id) => !backend.find_jobs(vec![*id]).await.unwrap().is_empty(),
            Word::Completed(id) => backend
                .find_jobs(vec![*id])
                .await
                .unwrap()
                .iter()
                .any(|job| job.status == JobStatus::Complete),
            Word::Recorded(id, bytes) => {
                let found = backend.find_artifact(*id).await.unwrap();
                match found.and_then(|artifact| artifact.sha256) {
                    Some(digest) => backend.read_blob(digest).await.unwrap().as_deref() == Some(&bytes[..]),
                    None => false,
                }
            }
        };
        if !there {
            missing.push(word.clone());
        }
    }
    let state: String =
        Connection::open(&path).unwrap().query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(state, "ok", "after the cut the file is damaged");
    missing
}

/// Moments at which the power goes: after something was acknowledged, in the middle of writes, and anywhere.
fn moments(events: &[Event], count: usize, random: &mut Rng) -> Vec<usize> {
    let mut marks: Vec<usize> =
        (0..events.len()).filter(|place| matches!(events[*place], Event::Mark(_))).collect();
    random.shuffle(&mut marks);
    marks.truncate(count / 2);
    let mut of_the_file: Vec<usize> = (0..events.len())
        .filter(|place| matches!(&events[*place], Event::Write { file, .. } if file == "upnext.db"))
        .collect();
    random.shuffle(&mut of_the_file);
    of_the_file.truncate(count / 4);
    let anywhere = (0..count / 4).map(|_| random.usize(0..events.len()));
    let mut moments: Vec<usize> = marks.into_iter().chain(of_the_file).chain(anywhere).collect();
    moments.sort_unstable();
    moments
}

struct Cuts {
    images: usize,
    with_pending: usize,
    checked: usize,
    missing: Vec<String>,
}

/// Cuts the power at these moments in every way there is.
async fn cut_power(words: &[Word], events: &[Event], moments: &[usize], random: &mut Rng) -> Cuts {
    let mut cuts = Cuts { images: 0, with_pending: 0, checked: 0, missing: Vec::new() };
    let (mut disk, mut known, mut place) = (Disk::default(), 0, 0);
    for moment in moments {
        for event in &events[place..=*moment.max(&place)] {
            disk.take(event);
            if let Event::Mark(number) = event {
                known = number + 1;
            }
        }
        place = moment + 1;
        for loss in LOSSES {
            let folder = tempfile::tempdir().unwrap();
            disk.cut(folder.path(), loss, random);
            cuts.images += 1;
            cuts.with_pending += usize::from(disk.pending() > 0);
            cuts.checked += known;
            let missing = missing(folder.path(), &words[..known]).await;
            let moment = format!("cut after event {moment} of {}, {loss:?} lost", events.len());
            cuts.missing.extend(missing.iter().map(|word| format!("{moment}: {word:?}")));
        }
    }
    cuts
}

async fn run(durability: Durability, jobs: usize, moments_count: usize) -> Cuts {
    let seed = std::env::var("POWER_LOSS_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("POWER_LOSS_SEED={seed}");
    let mut random = Rng::with_seed(seed);
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path().canonicalize().unwrap();
    let (words, events) = record(&folder, durability, jobs).await;
    let mut moments = moments(&events, moments_count, &mut random);
    moments.dedup();
    let cuts = cut_power(&words, &events, &moments, &mut random).await;
    let syncs = events.iter().filter(|event| matches!(event, Event::Sync { .. })).count();
    println!("{} acknowledgements, {} events, {syncs} syncs", words.len(), events.len());
    println!(
        "{} disks after {} cuts, {} with writes that were not synced; {} acknowledgements checked, {} lost",
        cuts.images,
        moments.len(),
        cuts.with_pending,
        cuts.checked,
        cuts.missing.len()
    );
    cuts
}

/// Whenever the power goes, and whatever becomes of writes that were not synced: the file is whole, and everything that
/// was acknowledged before is in it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_loses_nothing_that_was_acknowledged() {
    let cuts = run(Durability::Full, 150, 40).await;
    assert!(
        cuts.missing.is_empty(),
        "{} acknowledged things are lost: {}",
        cuts.missing.len(),
        cuts.missing[0]
    );
    assert!(cuts.with_pending > 10, "almost no cut met a write that was not synced: the test shows nothing");
}

/// The same, with many more cuts and four disks after each.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes"]
async fn a_thousand_disks_after_power_cuts_lost_nothing() {
    let cuts = run(Durability::Full, 400, 250).await;
    assert!(
        cuts.missing.is_empty(),
        "{} acknowledged things are lost: {}",
        cuts.missing.len(),
        cuts.missing[0]
    );
}

/// With `UPNEXT_DURABILITY=relaxed` a power cut may lose the newest acknowledgements, as it says, but never damages the
/// file. That also shows that this test can tell.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn relaxed_durability_loses_the_newest_and_damages_nothing() {
    let cuts = run(Durability::Relaxed, 60, 20).await;
    assert!(!cuts.missing.is_empty(), "without syncs something must be lost when the power goes");
}
