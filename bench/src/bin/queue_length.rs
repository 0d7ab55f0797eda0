//! Measures whether a claim costs more when more jobs wait: `claim(32)` with 1,000 and with very many jobs in the queue,
//! in turns, so that whatever else the machine does weighs on both alike; the same for ending those and submitting as many. Then
//! drains the long queue.
//!
//! Usage: `queue_length [JOBS] [ROUNDS]`, by default 1000000 and 2000. Uses a fresh temporary folder.
#![allow(clippy::print_stdout, reason = "it prints its figures")]

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use upnext::{JobStatus, UpNext, Worker};
use upnext_core::backend::{ClaimRequest, Finish, JobQuery};
use upnext_core::client::Submission;
use upnext_core::{Outcome, RawJson, WorkerId};

const SHORT: usize = 1000;
const TOGETHER: usize = 32;

#[upnext::task]
async fn noop() {}

struct Queue {
    app: UpNext,
    claims: Vec<Duration>,
    /// From before a claim until its jobs have ended and others stand in their place.
    cycles: Vec<Duration>,
}

impl Queue {
    async fn of(length: usize, file: &Path) -> anyhow::Result<Self> {
        let app = UpNext::open(&format!("sqlite://{}", file.display())).await?;
        let queue = Self { app, claims: Vec::new(), cycles: Vec::new() };
        let begun = Instant::now();
        for done in (0..length).step_by(SHORT) {
            queue.submit(SHORT.min(length - done)).await?;
        }
        println!("enqueue {length:>9}      {:>10.0} jobs/s", length as f64 / begun.elapsed().as_secs_f64());
        Ok(queue)
    }

    async fn submit(&self, count: usize) -> anyhow::Result<()> {
        let submissions = (0..count).map(|_| Submission::new("noop", RawJson::trusted("{}"))).collect();
        self.app.client().submit_many(submissions).await?;
        Ok(())
    }

    /// Claims, ends the jobs and submits as many, so that the queue keeps its length.
    async fn cycle(&mut self) -> anyhow::Result<()> {
        let request = ClaimRequest {
            worker: WorkerId::from("bench-1".to_owned()),
            functions: Arc::from(["noop".to_owned()]),
            limit: TOGETHER,
            lease: Duration::from_secs(30),
            suspect: true,
        };
        let backend = self.app.client().backend();
        let begun = Instant::now();
        let claim = backend.claim(request).await?;
        self.claims.push(begun.elapsed());
        anyhow::ensure!(claim.jobs.len() == TOGETHER, "the claim gave {} jobs", claim.jobs.len());
        let finish = |job: &upnext_core::ClaimedJob| Finish {
            lease: job.lease,
            started_at: job.lease_expires_at,
            outcome: Outcome::Complete { result: RawJson::null() },
        };
        backend.finish(claim.jobs.iter().map(finish).collect()).await?;
        self.submit(TOGETHER).await?;
        self.cycles.push(begun.elapsed());
        Ok(())
    }

    async fn left(&self) -> anyhow::Result<u64> {
        let statuses = vec![JobStatus::Queued, JobStatus::Active];
        let query = JobQuery { statuses, limit: 1, ..JobQuery::default() };
        Ok(self.app.client().backend().list_jobs(query).await?.total)
    }
}

/// The median and the 99th percentile.
fn percentiles(all: &mut Vec<Duration>) -> (Duration, Duration) {
    // The first ones warm the caches.
    let mut some = all.split_off(all.len() / 10);
    some.sort();
    (some[some.len() / 2], some[some.len() * 99 / 100])
}

fn ratio(long: Duration, short: Duration) -> f64 {
    long.as_secs_f64() / short.as_secs_f64()
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let long: usize = arguments.next().map_or(Ok(1_000_000), |text| text.parse())?;
    let rounds: usize = arguments.next().map_or(Ok(2000), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let mut queues = [
        Queue::of(SHORT, &folder.path().join("short.db")).await?,
        Queue::of(long, &folder.path().join("long.db")).await?,
    ];
    for _ in 0..rounds {
        for queue in &mut queues {
            queue.cycle().await?;
        }
    }
    let [short, full] = &mut queues;
    let cycles = ratio(percentiles(&mut full.cycles).0, percentiles(&mut short.cycles).0);
    let (short, at_length) = (percentiles(&mut short.claims), percentiles(&mut full.claims));
    println!("claim({TOGETHER}), {SHORT:>9} queued  p50 {:?}  p99 {:?}", short.0, short.1);
    println!("claim({TOGETHER}), {long:>9} queued  p50 {:?}  p99 {:?}", at_length.0, at_length.1);
    println!(
        "ratio                      p50 {:.2}  p99 {:.2}",
        ratio(at_length.0, short.0),
        ratio(at_length.1, short.1)
    );
    println!("ratio of whole cycles      p50 {cycles:.2}");

    let [_, queue] = &queues;
    let begun = Instant::now();
    let worker = Worker::new("bench").concurrency(TOGETHER).task(noop).start(&queue.app).await?;
    while queue.left().await? > 0 {
        tokio::time::sleep(Duration::from_millis(250)).await;
    }
    println!(
        "drain {long:>9}        {:>10.0} jobs/s  {:.1?}",
        long as f64 / begun.elapsed().as_secs_f64(),
        begun.elapsed()
    );
    worker.stop(Duration::from_secs(1)).await;
    Ok(())
}
