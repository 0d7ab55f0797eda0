//! Measures the Redis backend by itself, without workers around it:
//! `cargo run --release -p upnext-redis --example figures -- redis://127.0.0.1:6379 [COUNT]`.
//!
//! Fills workspaces of its own with no-op jobs (default 1,000,000), drains them with 1, 2 and 4 claimers of 256 jobs each, and prints
//! rates, times of a claim of 32 in queues of both lengths, and the memory that a job takes. Its workspaces stay in the server: use
//! one that holds nothing else.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a program for people")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use upnext_core::backend::{ClaimRequest, Finish, JobQuery};
use upnext_core::job::JobType;
use upnext_core::{Backend, JobId, NewJob, Outcome, RawJson, RetryPolicy, Timestamp, WorkerId};
use upnext_redis::RedisOptions;

const BATCH: usize = 500;

#[tokio::main]
async fn main() {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().unwrap_or_else(|| "redis://127.0.0.1:6379".to_owned());
    let most: usize = arguments.next().map_or(1_000_000, |text| text.parse().unwrap());
    println!("one caller, one job at a time: {}", single_jobs(&open(&url).await).await);
    for count in [10_000, 200_000] {
        for workers in [1, 2, 4] {
            let backend = open(&url).await;
            let enqueued = fill(&backend, count).await;
            let drained = drain(&url, &backend.1, count, workers).await;
            println!("{count} jobs: enqueued {enqueued:.0}/s, drained by {workers} with {drained:.0}/s");
        }
    }
    for count in [1000, most] {
        let before = memory(&url).await;
        let backend = open(&url).await;
        fill(&backend, count).await;
        let queued = memory(&url).await - before;
        println!("{count} queued: {} bytes each, {}", queued / count as i64, claims(&*backend.0).await);
        if count == most {
            drain(&url, &backend.1, count - 32 * RUNS, 2).await;
            let finished = memory(&url).await - before;
            println!("{count} finished: {} bytes each", finished / count as i64);
            println!("a page of {count} jobs: {}", pages(&*backend.0).await);
        }
    }
}

const RUNS: usize = 30;

type Open = (Arc<dyn Backend>, String);

async fn open(url: &str) -> Open {
    let workspace = format!("figures-{:08x}", fastrand::u32(..));
    (attach(url, &workspace).await, workspace)
}

async fn attach(url: &str, workspace: &str) -> Arc<dyn Backend> {
    let options = RedisOptions { workspace: workspace.to_owned(), ..RedisOptions::new(url) };
    upnext_redis::open(options).await.unwrap()
}

fn job() -> NewJob {
    NewJob {
        id: JobId::fresh(),
        function: "no_op".into(),
        function_name: "no_op".into(),
        job_type: JobType::Task,
        kwargs: RawJson::trusted("{\"n\": 1}"),
        idempotency_key: None,
        priority: 0,
        scheduled_at: None,
        delay: Duration::ZERO,
        concurrency_key: None,
        cache: None,
        retry: RetryPolicy::default(),
        timeout: upnext_core::function::DEFAULT_TIMEOUT,
        parent: None,
        source: None,
        tags: Vec::new(),
    }
}

async fn single_jobs((backend, _): &Open) -> String {
    let mut times = Vec::new();
    for _ in 0..2000 {
        let began = Instant::now();
        backend.enqueue(vec![job()]).await.unwrap();
        times.push(began.elapsed());
    }
    quantiles(times)
}

fn quantiles(mut times: Vec<Duration>) -> String {
    times.sort();
    let at = |part: usize| times[times.len() * part / 100];
    format!("p50 {:?}, p95 {:?}, p99 {:?}", at(50), at(95), at(99))
}

/// Jobs a second.
async fn fill((backend, _): &Open, count: usize) -> f64 {
    let began = Instant::now();
    let mut callers = tokio::task::JoinSet::new();
    for caller in 0..4 {
        let backend = Arc::clone(backend);
        callers.spawn(async move {
            for _ in (caller * BATCH..count).step_by(4 * BATCH) {
                backend.enqueue((0..BATCH).map(|_| job()).collect()).await.unwrap();
            }
        });
    }
    callers.join_all().await;
    count as f64 / began.elapsed().as_secs_f64()
}

fn request(limit: usize) -> ClaimRequest {
    ClaimRequest {
        worker: WorkerId::from("figures".to_owned()),
        functions: ["no_op".to_owned()].into(),
        limit,
        lease: Duration::from_secs(30),
        suspect: true,
    }
}

/// Jobs a second.
async fn drain(url: &str, workspace: &str, count: usize, workers: usize) -> f64 {
    let mut drainers = tokio::task::JoinSet::new();
    let began = Instant::now();
    for _ in 0..workers {
        let backend = attach(url, workspace).await;
        drainers.spawn(async move {
            let mut ended = 0;
            let mut finishing: Option<tokio::task::JoinHandle<()>> = None;
            loop {
                let claim = backend.claim(request(256)).await.unwrap();
                if let Some(finishing) = finishing.take() {
                    finishing.await.unwrap();
                }
                if claim.jobs.is_empty() {
                    return ended;
                }
                ended += claim.jobs.len();
                let end = |job: &upnext_core::ClaimedJob, now: Timestamp| Finish {
                    lease: job.lease,
                    started_at: now,
                    outcome: Outcome::Complete { result: RawJson::null() },
                };
                let finishes = claim.jobs.iter().map(|job| end(job, claim.now)).collect();
                // As workers do: the next jobs are claimed while outcomes are on their way.
                let backend = Arc::clone(&backend);
                finishing = Some(tokio::spawn(async move { drop(backend.finish(finishes).await.unwrap()) }));
            }
        });
    }
    let ended: usize = drainers.join_all().await.into_iter().sum();
    assert_eq!(ended, count, "jobs were lost or given twice");
    count as f64 / began.elapsed().as_secs_f64()
}

async fn claims(backend: &dyn Backend) -> String {
    let mut times = Vec::new();
    for _ in 0..RUNS {
        let began = Instant::now();
        let claimed = backend.claim(request(32)).await.unwrap().jobs.len();
        times.push(began.elapsed());
        assert_eq!(claimed, 32, "the queue is too short");
    }
    format!("claim of 32: {}", quantiles(times))
}

/// The newest jobs, and those that a filter finds only by looking at all of them.
async fn pages(backend: &dyn Backend) -> String {
    let newest = JobQuery { limit: 100, ..JobQuery::default() };
    let rare = JobQuery { worker_id: Some("nobody".into()), ..newest.clone() };
    let mut shown = Vec::new();
    for (what, query) in [("the newest", newest), ("none of them fits", rare)] {
        let began = Instant::now();
        backend.list_jobs(query).await.unwrap();
        shown.push(format!("{what} {:?}", began.elapsed()));
    }
    shown.join(", ")
}

/// Bytes that the server has allocated.
async fn memory(url: &str) -> i64 {
    let mut connection = redis::Client::open(url).unwrap().get_multiplexed_async_connection().await.unwrap();
    let info: String = redis::cmd("INFO").arg("memory").query_async(&mut connection).await.unwrap();
    let used = info.lines().find_map(|line| line.strip_prefix("used_memory:")).unwrap();
    used.trim().parse().unwrap()
}
