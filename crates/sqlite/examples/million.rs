//! Measures lists and searches over very many artifacts, and what recording them costs:
//! `cargo run --release -p upnext-sqlite --example million -- FOLDER COUNT`; a count of 0 measures the recording alone.
//!
//! Fills `FOLDER/million.db` (20,000 jobs of 200 functions, twelve types, mixed names, one artifact in twenty with labels)
//! unless it is there already, and prints the rates and the times of pages.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program for people")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use fastrand::Rng;
use upnext_core::artifact::Digest;
use upnext_core::backend::{ArtifactQuery, ArtifactSort, JobQuery};
use upnext_core::job::JobType;
use upnext_core::settings::Durability;
use upnext_core::{
    ArtifactId, ArtifactType, Backend, JobId, Labels, ManualClock, NewArtifact, NewBlob, NewContent, NewJob,
    RawJson, RetryPolicy, Sealed, Timestamp,
};
use upnext_sqlite::SqliteOptions;

const JOBS: usize = 20_000;
const FUNCTIONS: usize = 200;
const BATCH: usize = 1000;
const START: Timestamp = Timestamp::from_micros(1_769_851_200_000_000);
/// Time between two batches of the filling.
const STEP: Duration = Duration::from_secs(60);
const RUNS: usize = 200;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = std::path::PathBuf::from(arguments.next().unwrap_or_else(|| "/tmp".to_owned()));
    let count: usize = arguments.next().map_or(1_000_000, |text| text.parse().unwrap());
    let small = tempfile::tempdir_in(&folder).unwrap();
    let (empty, _) = open(&small.path().join("empty.db")).await;
    let job = submit(&*empty, 1).await[0];
    print_recording(&*empty, job, "an empty file").await;
    if count == 0 {
        return;
    }
    let file = folder.join("million.db");
    let is_new = !file.exists();
    let (backend, clock) = open(&file).await;
    let jobs = if is_new { fill(&*backend, &clock, count).await } else { known_jobs(&*backend).await };
    clock.set(moment(count));
    index(&*backend).await;
    print_pages(&*backend, &jobs, count).await;
    print_recording(&*backend, jobs[1], "the full file").await;
}

async fn open(path: &std::path::Path) -> (Arc<dyn Backend>, Arc<ManualClock>) {
    let clock = Arc::new(ManualClock::new(START));
    let options = SqliteOptions {
        path: path.to_owned(),
        durability: Durability::Full,
        clock: Arc::<ManualClock>::clone(&clock),
    };
    (upnext_sqlite::open(options).await.unwrap(), clock)
}

/// When the artifact with this number was made.
fn moment(number: usize) -> Timestamp {
    START.after(STEP * u32::try_from(number / BATCH).unwrap())
}

fn function(job: usize) -> String {
    format!("team_{}.task_{}", job % FUNCTIONS / 20, job % FUNCTIONS)
}

async fn submit(backend: &dyn Backend, count: usize) -> Vec<JobId> {
    let jobs = (0..count).map(|number| NewJob {
        id: JobId::fresh(),
        function: function(number),
        function_name: function(number),
        job_type: JobType::Task,
        kwargs: RawJson::parse("{}").unwrap(),
        idempotency_key: None,
        priority: 0,
        scheduled_at: None,
        delay: Duration::ZERO,
        concurrency_key: None,
        cache: None,
        retry: RetryPolicy::default(),
        timeout: Duration::from_secs(60),
        parent: None,
        source: None,
        tags: Vec::new(),
    });
    backend.enqueue(jobs.collect()).await.unwrap().into_iter().map(|job| job.id).collect()
}

async fn known_jobs(backend: &dyn Backend) -> Vec<JobId> {
    let page = backend.list_jobs(JobQuery { limit: JOBS, ..JobQuery::default() }).await.unwrap();
    page.items.into_iter().rev().map(|job| job.id).collect()
}

async fn fill(backend: &dyn Backend, clock: &ManualClock, count: usize) -> Vec<JobId> {
    let jobs = submit(backend, JOBS).await;
    let mut random = Rng::with_seed(1);
    let began = Instant::now();
    for first in (0..count).step_by(BATCH) {
        clock.set(moment(first));
        let batch = (first..count.min(first + BATCH)).map(|number| artifact(&jobs, number, &mut random));
        let answers = backend.record_artifacts(batch.collect()).await.unwrap();
        assert!(answers.iter().all(Result::is_ok));
    }
    println!("filled with {count} artifacts: {:.0}/s", count as f64 / began.elapsed().as_secs_f64());
    jobs
}

/// The artifact with this number. The first job has a thousand.
fn artifact(jobs: &[JobId], number: usize, random: &mut Rng) -> NewArtifact {
    const WORDS: [&str; 8] = ["loss", "accuracy", "größe", "summary", "trace", "Übersicht", "input", "図表"];
    let job = if number < 1000 { 0 } else { random.usize(1..jobs.len()) };
    let word = WORDS[random.usize(0..WORDS.len())];
    let name = match random.u32(0..50_000) {
        0 => format!("zeppelin-{number}.csv"),
        1..12_000 => format!("report-{number}.json"),
        12_000..20_000 => "result.json".to_owned(),
        20_000..35_000 => format!("charts/{word}/{}.png", random.u32(0..5000)),
        35_000..45_000 => format!("{word} epoch {} of job {job}.bin", random.u32(0..100)),
        _ => format!("logs/2026-01-{:02}/{word}.txt", random.u32(1..31)),
    };
    let types: Vec<ArtifactType> = ArtifactType::named().collect();
    let artifact_type = types[random.usize(0..types.len())].clone();
    let labels = if number.is_multiple_of(20) { labels(number, random) } else { Labels::default() };
    NewArtifact {
        id: ArtifactId::fresh(),
        job_id: jobs[job],
        lease: None,
        content_type: artifact_type.content_type().to_owned(),
        artifact_type,
        name,
        content: NewContent::Whole(content(number, random)),
        labels,
        expires_in: None,
        key: None,
    }
}

fn labels(number: usize, random: &mut Rng) -> Labels {
    const OWNERS: [&str; 4] = ["ada", "grace", "edsger", "barbara"];
    let mut tags = vec![format!("owner:{}", OWNERS[random.usize(0..4)])];
    if random.bool() {
        tags.push("nightly".to_owned());
    }
    if number.is_multiple_of(100_000) {
        tags.push("golden".to_owned());
    }
    let (epoch, loss) = (random.u32(0..100), random.f32());
    let metadata = format!(r#"{{"epoch": {epoch}, "loss": {loss}, "host": "node-{}"}}"#, random.u32(0..500));
    Labels { description: None, tags, metadata: Some(RawJson::parse(metadata).unwrap()) }
}

/// Mostly small bytes of its own, sometimes some that many share, sometimes a large file in storage.
fn content(number: usize, random: &mut Rng) -> Sealed {
    let distinct = if random.u32(0..10) == 0 { number % 100 } else { number };
    let mut sha256 = [0; 32];
    sha256[..8].copy_from_slice(&(distinct as u64).wrapping_mul(0x9E37_79B9_7F4A_7C15).to_be_bytes());
    let sha256 = Digest::from_bytes(sha256);
    if random.u32(0..10) == 0 {
        let size_bytes = 1 << random.u32(15..30);
        return Sealed {
            size_bytes: size_bytes + number as u64 % 1000,
            sha256,
            blob: NewBlob::Stored { storage: "local" },
        };
    }
    let bytes =
        Bytes::from(format!("{{\"index\": {distinct}, \"text\": \"{}\"}}", "x".repeat(random.usize(0..300))));
    Sealed { size_bytes: bytes.len() as u64, sha256, blob: NewBlob::Inline(bytes) }
}

/// Records small artifacts one batch after the other, as a single caller does.
async fn print_recording(backend: &dyn Backend, job: JobId, place: &str) {
    for (batch, count) in [(1, 1_000), (32, 40_000)] {
        let mut random = Rng::new();
        let mut took = Vec::new();
        let (began, busy) = (Instant::now(), processor_time());
        for first in (0..count).step_by(batch) {
            let new = (first..first + batch).map(|number| small(job, number, &mut random)).collect();
            let one = Instant::now();
            let answers = backend.record_artifacts(new).await.unwrap();
            took.push(one.elapsed());
            assert!(answers.iter().all(Result::is_ok));
        }
        let rate = count as f64 / began.elapsed().as_secs_f64();
        let busy = (processor_time() - busy).as_micros() / count as u128;
        println!(
            "recording into {place}, batches of {batch}: {rate:.0}/s, {} a batch, processor {busy} µs each",
            percentiles(took)
        );
    }
}

/// What this process has used of its processors (Linux), in steps of 10 ms.
fn processor_time() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default().split_whitespace().skip(11).take(2);
    Duration::from_millis(fields.map(|ticks| ticks.parse::<u64>().unwrap_or(0) * 10).sum())
}

fn small(job_id: JobId, number: usize, random: &mut Rng) -> NewArtifact {
    let bytes = Bytes::from(format!("{{\"index\": {number}, \"text\": \"{}\"}}", "x".repeat(170)));
    let mut sha256 = [0; 32];
    random.fill(&mut sha256);
    let blob = NewBlob::Inline(bytes.clone());
    let sealed = Sealed { size_bytes: bytes.len() as u64, sha256: Digest::from_bytes(sha256), blob };
    NewArtifact {
        id: ArtifactId::fresh(),
        job_id,
        lease: None,
        name: format!("small-{:08x}-{number}.json", random.u32(..)),
        artifact_type: ArtifactType::Json,
        content_type: "application/json".to_owned(),
        content: NewContent::Whole(sealed),
        labels: Labels::default(),
        expires_in: None,
        key: None,
    }
}

async fn index(backend: &dyn Backend) {
    let began = Instant::now();
    backend.list_artifacts(containing("anything")).await.unwrap();
    println!("search index brought up to date in {:.1} s", began.elapsed().as_secs_f64());
}

fn query() -> ArtifactQuery {
    ArtifactQuery { limit: 100, ..ArtifactQuery::default() }
}

fn containing(text: &str) -> ArtifactQuery {
    ArtifactQuery { name_contains: Some(text.to_owned()), ..query() }
}

fn searching(text: &str) -> ArtifactQuery {
    ArtifactQuery { search: Some(text.to_owned()), ..query() }
}

fn tagged(tags: &[&str]) -> ArtifactQuery {
    ArtifactQuery { tags: tags.iter().map(|&tag| tag.to_owned()).collect(), ..query() }
}

async fn print_pages(backend: &dyn Backend, jobs: &[JobId], count: usize) {
    let any_function = |random: &mut Rng| Some(function(random.usize(0..FUNCTIONS)));
    let any_type = |random: &mut Rng| ArtifactType::named().nth(random.usize(0..12));
    let span = |random: &mut Rng, from: usize, to: usize| {
        let first = random.usize(from..to);
        ArtifactQuery { after: Some(moment(first)), before: Some(moment(first + 20 * BATCH)), ..query() }
    };
    page(backend, "newest", |_| query()).await;
    page(backend, "by function", |random| ArtifactQuery { function: any_function(random), ..query() }).await;
    page(backend, "by type", |random| ArtifactQuery { artifact_type: any_type(random), ..query() }).await;
    page(backend, "by function and type", |random| ArtifactQuery {
        function: any_function(random),
        artifact_type: any_type(random),
        ..query()
    })
    .await;
    page(backend, "by job with 1,000", |_| ArtifactQuery { job_id: Some(jobs[0]), ..query() }).await;
    page(backend, "all of a job with 1,000", |_| ArtifactQuery {
        job_id: Some(jobs[0]),
        limit: 1000,
        ..query()
    })
    .await;
    page(backend, "by root", |random| ArtifactQuery {
        root_id: Some(jobs[random.usize(1..JOBS)]),
        ..query()
    })
    .await;
    page(backend, "by name (common)", |_| ArtifactQuery { name: Some("result.json".into()), ..query() })
        .await;
    page(backend, "by function and name", |random| ArtifactQuery {
        function: any_function(random),
        name: Some("result.json".into()),
        all_versions: true,
        ..query()
    })
    .await;
    page(backend, "by tag (common)", |_| tagged(&["nightly"])).await;
    page(backend, "by tag (rare)", |_| tagged(&["golden"])).await;
    page(backend, "by two tags", |_| tagged(&["nightly", "owner:ada"])).await;
    page(backend, "by two tags, the second rare", |_| tagged(&["nightly", "golden"])).await;
    page(backend, "by size (common)", |_| ArtifactQuery { max_size: Some(300), ..query() }).await;
    page(backend, "by size (rare)", |random| {
        let from = 1 << random.u32(25..29);
        ArtifactQuery { min_size: Some(from), max_size: Some(from + random.u64(1..400)), ..query() }
    })
    .await;
    page(backend, "by size (none)", |_| ArtifactQuery { min_size: Some(1 << 40), ..query() }).await;
    page(backend, "by function and size", |random| ArtifactQuery {
        function: any_function(random),
        min_size: Some(1 << 28),
        ..query()
    })
    .await;
    page(backend, "by time (old)", |random| span(random, 0, count / 10)).await;
    page(backend, "by time (recent)", |random| span(random, count * 9 / 10, count - 20 * BATCH)).await;
    page(backend, "by time (old) and function", |random| ArtifactQuery {
        function: any_function(random),
        ..span(random, 0, count / 10)
    })
    .await;
    text_pages(backend).await;
    sorted_pages(backend, count).await;
    let mut took = Vec::new();
    for _ in 0..RUNS {
        let began = Instant::now();
        backend.artifact_totals().await.unwrap();
        took.push(began.elapsed());
    }
    println!("{:<44} {}", "totals", percentiles(took));
}

async fn text_pages(backend: &dyn Backend) {
    page(backend, "name contains (common)", |_| containing("REPORT")).await;
    page(backend, "name contains (rare)", |_| containing("zeppelin")).await;
    page(backend, "name contains (one)", |random| {
        containing(&format!("report-{:06}", random.u32(..900_000)))
    })
    .await;
    page(backend, "name contains (none)", |_| containing("nowhere")).await;
    page(backend, "name contains (common parts, none)", |_| containing("report-epoch")).await;
    page(backend, "name contains (two letters, common)", |_| containing("og")).await;
    page(backend, "name contains (Greek and so on)", |_| containing("ÜBERSICHT")).await;
    page(backend, "glob (common)", |_| ArtifactQuery { name_glob: Some("report-*.json".into()), ..query() })
        .await;
    page(backend, "glob (rare)", |_| ArtifactQuery { name_glob: Some("zep*[0-4].csv".into()), ..query() })
        .await;
    page(backend, "full text (common)", |_| searching("loss")).await;
    page(backend, "full text (rare)", |_| searching("golden")).await;
    page(backend, "full text (two words)", |random| searching(&format!("node-{} grace", random.u32(0..500))))
        .await;
    page(backend, "full text (common and rare)", |_| searching("loss golden")).await;
    page(backend, "full text (none)", |_| searching("nowhere")).await;
    page(backend, "full text by function", |random| ArtifactQuery {
        function: Some(function(random.usize(0..FUNCTIONS))),
        ..searching("epoch")
    })
    .await;
}

async fn sorted_pages(backend: &dyn Backend, count: usize) {
    for (name, sort) in [
        ("oldest", ArtifactSort::Oldest),
        ("largest", ArtifactSort::Largest),
        ("smallest", ArtifactSort::Smallest),
        ("by name, ascending", ArtifactSort::Name),
        ("by name, descending", ArtifactSort::NameDescending),
    ] {
        page(backend, name, |_| ArtifactQuery { sort, ..query() }).await;
        let label = format!("{name}, of a function");
        let of_function = |random: &mut Rng| Some(function(random.usize(0..FUNCTIONS)));
        page(backend, &label, |random| ArtifactQuery { sort, function: of_function(random), ..query() })
            .await;
    }
    for (name, sort) in [
        ("newest, deep", ArtifactSort::Newest),
        ("by name, deep", ArtifactSort::Name),
        ("largest, deep", ArtifactSort::Largest),
    ] {
        let mut deep = ArtifactQuery { sort, limit: 1000, ..query() };
        for _ in 0..count / 2000 {
            deep.cursor = backend.list_artifacts(deep.clone()).await.unwrap().next;
        }
        page(backend, name, |_| ArtifactQuery { limit: 100, ..deep.clone() }).await;
    }
}

async fn page(backend: &dyn Backend, name: &str, make: impl Fn(&mut Rng) -> ArtifactQuery) {
    let mut random = Rng::with_seed(7);
    let mut took = Vec::new();
    let began = Instant::now();
    let mut last = String::new();
    for _ in 0..RUNS {
        let query = make(&mut random);
        let one = Instant::now();
        let page = backend.list_artifacts(query).await.unwrap();
        took.push(one.elapsed());
        last =
            format!("{} of {}{}", page.items.len(), page.total, if page.total_is_capped { "+" } else { "" });
        // A page that takes this long needs no statistics.
        if began.elapsed() > Duration::from_secs(4) {
            break;
        }
    }
    println!("{name:<44} {} {last}", percentiles(took));
}

fn percentiles(mut took: Vec<Duration>) -> String {
    took.sort();
    let at = |share: f64| took[((took.len() - 1) as f64 * share) as usize].as_secs_f64() * 1000.0;
    format!("p50 {:8.2} ms   p99 {:8.2} ms", at(0.5), at(0.99))
}
