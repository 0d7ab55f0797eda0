//! Measures the backend against a real server: `cargo run --release -p upnext-postgres --example load [part]`, where part is
//! one of `enqueue`, `drain`, `claim`, `idle` and `growth [seconds [jobs a second]]`; without one all but `growth` run.
//!
//! The server is one of the development tools with `fsync=on`, or the one that `UPNEXT_TEST_POSTGRES` names.
#![allow(clippy::print_stdout, reason = "it tells figures")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use upnext_core::backend::{ClaimRequest, ExpireRequest, Feed, Finish, JobQuery};
use upnext_core::{Backend, ClaimedJob, NewJob, Outcome, RawJson, Timestamp, WorkerId};
use upnext_postgres::PostgresOptions;
use upnext_testkit::factories::new_job;
use upnext_testkit::servers;

/// Where to measure; the server lives as long as this.
struct Place {
    url: String,
    _server: Option<servers::Private>,
}

impl Place {
    fn new() -> Self {
        match std::env::var("UPNEXT_TEST_POSTGRES") {
            Ok(url) => Self { url, _server: None },
            Err(_) => {
                let settings =
                    ["fsync=on", "full_page_writes=on", "shared_buffers=256MB", "max_wal_size=2GB"];
                let server = servers::postgres::private(&settings);
                Self { url: server.url().to_owned(), _server: Some(server) }
            }
        }
    }

    /// A schema that nobody has used, and the URL that names it.
    fn fresh(&self) -> (String, String) {
        let schema = format!("load_{:08x}", fastrand::u32(..));
        let separator = if self.url.contains('?') { '&' } else { '?' };
        (format!("{}{separator}schema={schema}", self.url), schema)
    }
}

async fn open(url: &str) -> Arc<dyn Backend> {
    upnext_postgres::open(PostgresOptions::new(url)).await.expect("the server should open")
}

fn jobs(count: usize) -> Vec<NewJob> {
    (0..count).map(|_| new_job("f")).collect()
}

async fn fill(backend: &dyn Backend, count: usize) {
    let mut left = count;
    while left > 0 {
        let part = left.min(5000);
        backend.enqueue(jobs(part)).await.expect("enqueue");
        left -= part;
    }
}

async fn claim(backend: &dyn Backend, limit: usize) -> Vec<ClaimedJob> {
    let request = ClaimRequest {
        worker: WorkerId::from("load-1".to_owned()),
        functions: vec!["f".to_owned()].into(),
        limit,
        lease: Duration::from_secs(60),
        suspect: true,
    };
    backend.claim(request).await.expect("claim").jobs
}

fn now() -> Timestamp {
    Timestamp::from(std::time::SystemTime::now())
}

fn ends(jobs: &[ClaimedJob]) -> Vec<Finish> {
    let finish = |job: &ClaimedJob| Finish {
        lease: job.lease,
        started_at: now(),
        outcome: Outcome::Complete { result: RawJson::trusted(r#"{"rows": 42}"#) },
    };
    jobs.iter().map(finish).collect()
}

fn rate(count: usize, took: Duration) -> f64 {
    count as f64 / took.as_secs_f64()
}

async fn enqueue(place: &Place) {
    for (count, batch) in [(10_000, 1000), (200_000, 1000)] {
        let backend = open(&place.fresh().0).await;
        let begun = Instant::now();
        for _ in 0..count / batch {
            backend.enqueue(jobs(batch)).await.expect("enqueue");
        }
        println!("enqueue {count} jobs, {batch} a call, one caller: {:.0}/s", rate(count, begun.elapsed()));
    }
    for (callers, each) in [(1, 1000), (100, 200)] {
        let backend = open(&place.fresh().0).await;
        let begun = Instant::now();
        let mut tasks = JoinSet::new();
        for _ in 0..callers {
            let backend = Arc::clone(&backend);
            tasks.spawn(async move {
                for _ in 0..each {
                    backend.enqueue(jobs(1)).await.expect("enqueue");
                }
            });
        }
        tasks.join_all().await;
        println!("enqueue one job a call, {callers} callers: {:.0}/s", rate(callers * each, begun.elapsed()));
    }
}

async fn drain(place: &Place) {
    for workers in [1, 2, 4] {
        let (url, _) = place.fresh();
        fill(&*open(&url).await, 50_000).await;
        let mut tasks = JoinSet::new();
        let begun = Instant::now();
        for _ in 0..workers {
            let backend = open(&url).await;
            tasks.spawn(async move {
                let mut done = 0;
                // What was claimed is finished while the next jobs are claimed, as the engine does.
                let mut running = claim(&*backend, 100).await;
                while !running.is_empty() {
                    let ending = ends(&running);
                    let (next, ended) = tokio::join!(claim(&*backend, 100), backend.finish(ending));
                    done += ended.expect("finish").len();
                    running = next;
                }
                done
            });
        }
        let done: usize = tasks.join_all().await.into_iter().sum();
        println!(
            "drain {done} jobs with {workers} workers, claims of 100: {:.0}/s",
            rate(done, begun.elapsed())
        );
    }
}

async fn claims(place: &Place) {
    for queued in [1000, 100_000, 1_000_000] {
        let backend = open(&place.fresh().0).await;
        fill(&*backend, queued).await;
        let mut took: Vec<Duration> = Vec::new();
        for _ in 0..30 {
            let begun = Instant::now();
            let claimed = claim(&*backend, 32).await;
            took.push(begun.elapsed());
            assert_eq!(claimed.len(), 32);
        }
        took.sort_unstable();
        println!("claim(32) with {queued} queued: median {:?}, 95 % {:?}", took[15], took[28]);
        if queued >= 1_000_000 {
            listings(&*backend).await;
        }
    }
}

async fn listings(backend: &dyn Backend) {
    for _ in 0..2 {
        let begun = Instant::now();
        backend.list_jobs(JobQuery { limit: 100, ..JobQuery::default() }).await.expect("list_jobs");
        let listed = begun.elapsed();
        let begun = Instant::now();
        backend.queue_depth().await.expect("queue_depth");
        let depth = begun.elapsed();
        let begun = Instant::now();
        backend.find_function("f").await.expect("find_function");
        let function = begun.elapsed();
        println!(
            "with a million queued: list_jobs {listed:?}, queue_depth {depth:?}, find_function {function:?}"
        );
    }
}

/// From submitting in one process to the claim of another that sleeps, and from its finish back to the submitter.
async fn idle(place: &Place) {
    let (url, _) = place.fresh();
    let (submitter, worker) = (open(&url).await, open(&url).await);
    let (mut there, mut back) = (Vec::new(), Vec::new());
    for _ in 0..200 {
        tokio::time::sleep(Duration::from_millis(20)).await;
        let mut work = worker.signals().subscribe_work();
        let mut elsewhere = submitter.signals().subscribe_elsewhere();
        let cursor = submitter.changes_since(None, 0, Feed::Jobs).await.expect("changes").cursor;
        let begun = Instant::now();
        let id = submitter.enqueue(jobs(1)).await.expect("enqueue")[0].id;
        let claimed = loop {
            let claimed = claim(&*worker, 1).await;
            if !claimed.is_empty() {
                break claimed;
            }
            let _ = tokio::time::timeout(Duration::from_secs(2), work.changed()).await;
        };
        there.push(begun.elapsed());
        let begun = Instant::now();
        worker.finish(ends(&claimed)).await.expect("finish");
        loop {
            let changes = submitter.changes_since(Some(cursor), 10, Feed::Jobs).await.expect("changes");
            if changes.jobs.iter().any(|change| change.id == id && change.status.is_final()) {
                break;
            }
            let _ = tokio::time::timeout(Duration::from_secs(2), elsewhere.changed()).await;
        }
        back.push(begun.elapsed());
    }
    there.sort_unstable();
    back.sort_unstable();
    println!("idle, between processes: submit to claim median {:?}, 95 % {:?}", there[100], there[190]);
    println!("idle, between processes: finish to known median {:?}, 95 % {:?}", back[100], back[190]);
}

/// Submits so many jobs a second, works them off as they come, and forgets them after a minute: tables and indexes have to
/// stop growing.
async fn growth(place: &Place, seconds: u64, jobs_a_second: usize) {
    let (url, schema) = place.fresh();
    let backend = open(&url).await;
    let (client, connection) =
        tokio_postgres::connect(&place.url, tokio_postgres::NoTls).await.expect("a connection");
    tokio::spawn(connection);
    let stop = Arc::new(AtomicBool::new(false));
    let done = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for _ in 0..2 {
        let (submitter, stopped) = (open(&url).await, Arc::clone(&stop));
        tasks.spawn(async move {
            let mut beat = tokio::time::interval(Duration::from_millis(100));
            while !stopped.load(Ordering::SeqCst) {
                beat.tick().await;
                submitter.enqueue(jobs(jobs_a_second / 20)).await.expect("enqueue");
            }
        });
        let (worker, stopped, count) = (open(&url).await, Arc::clone(&stop), Arc::clone(&done));
        tasks.spawn(async move {
            while !stopped.load(Ordering::SeqCst) {
                let claimed = claim(&*worker, 50).await;
                if claimed.is_empty() {
                    tokio::time::sleep(Duration::from_millis(10)).await;
                    continue;
                }
                worker.finish(ends(&claimed)).await.expect("finish");
                count.fetch_add(claimed.len(), Ordering::SeqCst);
            }
        });
    }
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(seconds) {
        tokio::time::sleep(Duration::from_secs(15)).await;
        let removed = forget(&*backend, now().before(Duration::from_secs(60))).await;
        let sizes = "SELECT string_agg(format('%s %s + %s kB', relname, pg_table_size(oid) / 1024, \
             pg_indexes_size(oid) / 1024), ', ' ORDER BY relname) || format(', all %s kB', \
             (SELECT sum(pg_total_relation_size(oid)) / 1024 FROM pg_class \
             WHERE relnamespace = to_regnamespace($1) AND relkind = 'r')) \
             FROM pg_class WHERE relnamespace = to_regnamespace($1) \
             AND relname IN ('jobs', 'live', 'ended', 'job_changes', 'job_hours')";
        let row = client.query_one(sizes, &[&schema]).await.expect("sizes");
        let sizes: String = row.get(0);
        let (time, done) = (begun.elapsed().as_secs(), done.load(Ordering::SeqCst));
        let begun = Instant::now();
        claim(&*backend, 0).await;
        println!(
            "{time:>4} s: {done} jobs done, {removed} removed; an empty claim {:?}; {sizes}",
            begun.elapsed()
        );
    }
    stop.store(true, Ordering::SeqCst);
    tasks.join_all().await;
}

/// Removes what ended before this moment.
async fn forget(backend: &dyn Backend, before: Timestamp) -> usize {
    let mut removed = 0;
    loop {
        let request = ExpireRequest { jobs_ended_before: Some(before), limit: 1000 };
        let gone = backend.expire(request).await.expect("expire").jobs;
        removed += gone;
        if gone < 1000 {
            return removed;
        }
    }
}

fn main() {
    let part = std::env::args().nth(1);
    let wants = |name: &str| part.as_deref().is_none_or(|part| part == name);
    let place = Place::new();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        if wants("enqueue") {
            enqueue(&place).await;
        }
        if wants("drain") {
            drain(&place).await;
        }
        if wants("claim") {
            claims(&place).await;
        }
        if wants("idle") {
            idle(&place).await;
        }
        if part.as_deref() == Some("growth") {
            let number = |at, default| {
                std::env::args().nth(at).and_then(|number| number.parse().ok()).unwrap_or(default)
            };
            let jobs = usize::try_from(number(3, 1000)).unwrap_or(1000);
            growth(&place, number(2, 120), jobs).await;
        }
    });
}
