//! Power cuts under artifacts: a workload makes, appends, deletes and sweeps artifacts of all sizes while every write,
//! rename and sync below the data folder is recorded, those of SQLite and those of the blob storage in one order. Then
//! the disk is put together as it may be after a cut at any moment: files that were not synced are lost, empty, torn or
//! garbage, names that were not synced are lost in any combination. On each such disk every listed artifact must have its
//! bytes, and every acknowledged one must be listed.
//!
//! What this does not show: that the disk keeps its word about syncs.
#![cfg(target_os = "linux")]
#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot go on should stop, and figures are for people"
)]

mod disk;
mod recording;

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use fastrand::Rng;
use futures::{StreamExt as _, stream};
use upnext_artifacts::{ArtifactData, ArtifactService, CreateArtifact, SweepOptions};
use upnext_backends::Deployment;
use upnext_core::artifact::Digest;
use upnext_core::backend::ArtifactQuery;
use upnext_core::client::Submission;
use upnext_core::{Artifact, ArtifactId, ArtifactStatus, JobId, RawJson, Settings};

use disk::{Disk, LOSSES, Lie};
use recording::Event;

/// What was acknowledged. The number of a mark is its place in the list.
#[derive(Debug, Clone, Copy)]
enum Word {
    /// This artifact has these bytes.
    Made(ArtifactId, Digest),
    /// From here on it may be gone.
    Deleting(ArtifactId),
}

#[derive(Clone, Default)]
struct Words(Arc<Mutex<Vec<Word>>>);

impl Words {
    fn say(&self, word: Word) {
        let mut words = self.0.lock().unwrap();
        words.push(word);
        recording::mark(words.len() - 1);
    }
}

async fn open(home: &Path) -> Deployment {
    let home = ("UPNEXT_HOME".to_owned(), home.display().to_string());
    let settings = Settings::from_vars([home]).unwrap().settings;
    upnext_backends::open(settings).await.expect("whatever is left, the data can be opened")
}

fn content(number: usize) -> Bytes {
    // Every fifth is the same, so that equal bytes are stored at once; every third lives in the job database.
    let (seed, size) = match number {
        _ if number.is_multiple_of(5) => (0, 60_000),
        _ if number.is_multiple_of(3) => (number, 900),
        _ if number.is_multiple_of(7) => (number, 300_000),
        _ => (number, 33_000 + number % 4096),
    };
    let mut bytes = vec![0; size];
    Rng::with_seed(seed as u64).fill(&mut bytes);
    bytes.into()
}

/// Makes one artifact in the way that its number says, and waits for the word that it is kept.
async fn make(artifacts: &ArtifactService, job: JobId, number: usize) -> Artifact {
    let request = CreateArtifact::new(job, format!("{number}.bin"));
    let bytes = content(number);
    if number % 8 == 1 {
        let writer = artifacts.open(request).await.unwrap();
        for piece in bytes.chunks(bytes.len().div_ceil(2)) {
            writer.write(piece).await.unwrap();
            writer.flush().await.unwrap();
        }
        return writer.close().await.unwrap();
    }
    let data = if number.is_multiple_of(7) {
        // More than is kept in memory: it comes through a temporary file.
        let pieces: Vec<_> = bytes.chunks(50_000).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        ArtifactData::Stream(stream::iter(pieces).boxed())
    } else {
        ArtifactData::Bytes(bytes)
    };
    artifacts.create(request, data).await.unwrap()
}

/// Deletes an artifact and makes its bytes old, so that the next sweep takes them.
async fn forget(home: &Path, artifacts: &ArtifactService, artifact: &Artifact, number: usize) {
    artifacts.delete(artifact.id).await.unwrap();
    // Those that others make as well must not be made old under them.
    if !number.is_multiple_of(5)
        && let Some(sha256) = artifact.sha256
        && let Ok(file) =
            std::fs::File::options().append(true).open(home.join("artifacts").join(sha256.storage_key()))
    {
        file.set_modified(SystemTime::now() - Duration::from_secs(7200)).unwrap();
    }
}

/// Runs the workload, four at a time; answers what was acknowledged and what happened to the files.
async fn record(home: &Path, count: usize) -> (Vec<Word>, Vec<Event>) {
    recording::watch(home);
    let deployment = open(home).await;
    let submission = Submission::new("make", RawJson::trusted("{}".to_owned()));
    let job = deployment.client.submit(submission).await.unwrap().id;
    let (words, begun) = (Words::default(), Arc::new(AtomicUsize::new(0)));
    let mut runners = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let (artifacts, words, begun) = (deployment.artifacts.clone(), words.clone(), Arc::clone(&begun));
        let home = home.to_owned();
        runners.spawn(async move {
            loop {
                let number = begun.fetch_add(1, Ordering::SeqCst);
                if number >= count {
                    return;
                }
                let artifact = make(&artifacts, job, number).await;
                words.say(Word::Made(artifact.id, artifact.sha256.unwrap()));
                if number % 4 == 3 {
                    words.say(Word::Deleting(artifact.id));
                    forget(&home, &artifacts, &artifact, number).await;
                }
                if number % 10 == 9 {
                    let ages = SweepOptions {
                        keep_younger_than: Duration::from_secs(60),
                        ..SweepOptions::default()
                    };
                    artifacts.sweep_with(ages).await.unwrap();
                }
            }
        });
    }
    while let Some(runner) = runners.join_next().await {
        runner.unwrap();
    }
    let until = Instant::now() + Duration::from_secs(20);
    // The database still puts things in order behind the last word.
    while let Err(difference) = compare(home, &recording::so_far()) {
        assert!(Instant::now() < until, "the recording missed something: {difference}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let words = words.0.lock().unwrap().clone();
    (words, recording::take())
}

/// What was recorded must add up to the files that are there.
fn compare(home: &Path, events: &[Event]) -> Result<(), String> {
    let mut disk = Disk::new(Lie::None);
    events.iter().for_each(|event| disk.take(event));
    let image = tempfile::tempdir().unwrap();
    disk.write_all(image.path());
    let (found, recorded) = (files(home), files(image.path()));
    assert!(found.keys().any(|name| name.contains("/sha256/")), "there are no blobs: {:?}", found.keys());
    let other = found.keys().find(|name| found.get(*name) != recorded.get(*name));
    let more = recorded.keys().find(|name| !found.contains_key(*name));
    other.or(more).map_or(Ok(()), |name| Err(name.clone()))
}

/// All files below a folder but SQLite's shared memory, which is no file to it.
fn files(folder: &Path) -> HashMap<String, Vec<u8>> {
    let mut found = HashMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            let name = path.display().to_string().replacen(&folder.display().to_string(), "", 1);
            if path.is_dir() {
                folders.push(path);
            } else if !name.ends_with("-shm") {
                found.insert(name, std::fs::read(path).unwrap());
            }
        }
    }
    found
}

/// What power cuts did.
#[derive(Default)]
struct Cuts {
    cuts: usize,
    disks: usize,
    behind: usize,
    acknowledged: usize,
    lost: Vec<String>,
    listed: usize,
    without_bytes: Vec<String>,
}

impl Cuts {
    /// Looks at a disk after a cut.
    async fn judge(&mut self, home: &Path, words: &[Word], cut: &str) {
        let deployment = open(home).await;
        let mut listed = HashMap::new();
        let mut query = ArtifactQuery { limit: 500, ..ArtifactQuery::default() };
        loop {
            let page = deployment.artifacts.list(query.clone()).await.unwrap();
            listed.extend(page.items.into_iter().map(|artifact| (artifact.id, artifact)));
            let Some(next) = page.next else { break };
            query.cursor = Some(next);
        }
        for artifact in listed.values().filter(|artifact| artifact.status == ArtifactStatus::Available) {
            self.listed += 1;
            if let Err(error) = deployment.artifacts.read_all(artifact, u64::MAX).await {
                self.without_bytes
                    .push(format!("{cut}: artifact {} ({}): {error}", artifact.id, artifact.name));
            }
        }
        let deleted: HashSet<ArtifactId> = words
            .iter()
            .filter_map(|word| if let Word::Deleting(id) = word { Some(*id) } else { None })
            .collect();
        for word in words {
            let Word::Made(id, digest) = word else { continue };
            if deleted.contains(id) {
                continue;
            }
            self.acknowledged += 1;
            if listed.get(id).and_then(|artifact| artifact.sha256) != Some(*digest) {
                self.lost.push(format!("{cut}: artifact {id}"));
            }
        }
    }
}

/// Cuts the power after `count` of these events, in every way there is.
async fn cut_power(words: &[Word], events: &[Event], count: usize, lie: Lie, random: &mut Rng) -> Cuts {
    let mut moments: Vec<usize> = (0..count).map(|_| random.usize(0..events.len())).collect();
    // Half of them right after a word was given.
    let marks: Vec<usize> =
        (0..events.len()).filter(|place| matches!(events[*place], Event::Mark(_))).collect();
    for moment in moments.iter_mut().step_by(2) {
        *moment = marks[random.usize(0..marks.len())];
    }
    moments.sort_unstable();
    moments.dedup();
    let mut cuts = Cuts { cuts: moments.len(), ..Cuts::default() };
    let (mut disk, mut place, mut known) = (Disk::new(lie), 0, 0);
    for moment in moments {
        for event in &events[place..=moment] {
            disk.take(event);
            if let Event::Mark(number) = event {
                known = number + 1;
            }
        }
        place = moment + 1;
        for loss in LOSSES {
            let image = tempfile::tempdir().unwrap();
            disk.cut(image.path(), loss, random);
            cuts.disks += 1;
            cuts.behind += usize::from(disk.is_behind());
            let cut = format!("cut after event {moment} of {}, {loss:?} lost", events.len());
            cuts.judge(image.path(), &words[..known], &cut).await;
        }
    }
    cuts
}

async fn run(count: usize, moments: usize, lies: &[Lie]) -> Vec<Cuts> {
    static ONE_AT_A_TIME: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());
    let _alone = ONE_AT_A_TIME.lock().await;
    let seed = std::env::var("POWER_LOSS_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = seed.unwrap_or_else(|| fastrand::u64(..));
    println!("POWER_LOSS_SEED={seed}");
    let mut random = Rng::with_seed(seed);
    let folder = tempfile::tempdir().unwrap();
    let home = folder.path().canonicalize().unwrap();
    let (words, events) = record(&home, count).await;
    let kind = |wanted: fn(&Event) -> bool| events.iter().filter(|event| wanted(event)).count();
    println!(
        "{count} artifacts, {} events: {} writes, {} renames, {} removals, {} syncs of files, {} of folders",
        events.len(),
        kind(|event| matches!(event, Event::Write { .. })),
        kind(|event| matches!(event, Event::Rename { .. })),
        kind(|event| matches!(event, Event::Remove { .. })),
        kind(|event| matches!(event, Event::Sync { .. })),
        kind(|event| matches!(event, Event::SyncFolder { .. })),
    );
    let mut all = Vec::new();
    for lie in lies {
        let cuts = cut_power(&words, &events, moments, *lie, &mut random).await;
        println!(
            "syncs that the disk lies about: {lie:?}; {} disks after {} cuts, {} behind; {} listed, {} of these without \
             their bytes; {} acknowledged, {} of these lost",
            cuts.disks,
            cuts.cuts,
            cuts.behind,
            cuts.listed,
            cuts.without_bytes.len(),
            cuts.acknowledged,
            cuts.lost.len()
        );
        all.push(cuts);
    }
    all
}

fn assert_clean(cuts: &Cuts) {
    let (without, lost) = (&cuts.without_bytes, &cuts.lost);
    assert!(without.is_empty(), "{} records without their bytes: {}", without.len(), without[0]);
    assert!(lost.is_empty(), "{} acknowledged artifacts are lost: {}", lost.len(), lost[0]);
    assert!(cuts.behind > 10, "almost no cut met anything that was not synced: the test shows nothing");
}

/// Whenever the power goes, and whatever becomes of files and names that were not synced: no record is without its bytes,
/// and no acknowledged artifact is lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_leaves_no_record_without_its_bytes() {
    assert_clean(&run(60, 24, &[Lie::None]).await[0]);
}

/// The same with many more cuts.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes"]
async fn a_thousand_disks_after_power_cuts_have_all_bytes_of_their_records() {
    assert_clean(&run(150, 220, &[Lie::None]).await[0]);
}

/// A disk that does not do one of the two kinds of syncs does leave records without their bytes: both are needed, and this
/// test can tell.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_either_sync_records_would_lose_their_bytes() {
    for cuts in run(40, 10, &[Lie::Blobs, Lie::Folders]).await {
        assert!(!cuts.without_bytes.is_empty());
    }
}
