//! Measures the Rust worker, on the embedded backend or another: no-op jobs per second, idle latency, small artifacts per second.
//!
//! Usage: `rust_jobs [JOBS] [CONCURRENCY] [URL]`, by default 10000 and 32, and SQLite in a fresh temporary folder.
#![allow(clippy::print_stdout, reason = "it prints its figures")]

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use upnext::{ArtifactType, UpNext, Worker};
use upnext_bench::drained;
use upnext_core::RawJson;
use upnext_core::client::Submission;

static RAN: AtomicUsize = AtomicUsize::new(0);

#[upnext::task]
async fn noop() {
    RAN.fetch_add(1, Ordering::Relaxed);
}

#[upnext::task]
async fn make_artifacts(count: u32, together: u32) -> Result<f64, upnext::ArtifactError> {
    let begun = Instant::now();
    let mut made = 0;
    while made < count {
        let batch = (made..(made + together).min(count)).map(|number| async move {
            let text = format!("{{\"number\": {number}, \"text\": \"{}\"}}", "x".repeat(170));
            upnext::create_artifact(&format!("artifact-{number}.json"), text, ArtifactType::Json).await
        });
        made += u32::try_from(try_join_all(batch).await?.len()).unwrap_or(0);
    }
    Ok(f64::from(count) / begun.elapsed().as_secs_f64())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let jobs: usize = arguments.next().map_or(Ok(10_000), |text| text.parse())?;
    let concurrency: usize = arguments.next().map_or(Ok(32), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let url = arguments.next().unwrap_or_else(|| format!("sqlite://{}/upnext.db", folder.path().display()));
    let app = UpNext::open(&url).await?;

    let begun = Instant::now();
    let submissions = (0..jobs).map(|_| Submission::new("noop", RawJson::trusted("{}"))).collect();
    app.client().submit_many(submissions).await?;
    println!("bulk enqueue      {:>10.0} jobs/s", rate(jobs, begun.elapsed()));

    let begun = Instant::now();
    let worker =
        Worker::new("bench").concurrency(concurrency).task(noop).task(make_artifacts).start(&app).await?;
    drained(&app).await?;
    let seconds = begun.elapsed();
    anyhow::ensure!(RAN.load(Ordering::Relaxed) == jobs, "{jobs} jobs ran {RAN:?} times");
    println!("drain             {:>10.0} jobs/s", rate(jobs, seconds));

    let begun = Instant::now();
    let futures = try_join_all((0..jobs).map(|_| noop.submit(&app))).await?;
    wait_for_all(&app, futures.iter().map(upnext::JobFuture::job_id).collect()).await?;
    println!("submit and run    {:>10.0} jobs/s", rate(jobs, begun.elapsed()));

    let mut latencies = Vec::new();
    for _ in 0..500 {
        let begun = Instant::now();
        noop.wait(&app).await?;
        latencies.push(begun.elapsed());
    }
    latencies.sort();
    println!("submit to result  p50 {:?}  p99 {:?}", latencies[250], latencies[495]);

    for (count, together) in [(2000, 1), (20_000, 32)] {
        let rate = make_artifacts.wait(&app, count, together).await?.value;
        println!("200 B artifacts, {together:>2} in flight {rate:>10.0}/s");
    }
    worker.stop(Duration::from_secs(1)).await;
    Ok(())
}

async fn wait_for_all(app: &UpNext, ids: Vec<upnext::JobId>) -> anyhow::Result<()> {
    try_join_all(ids.into_iter().map(|id| app.client().wait(id, None))).await?;
    Ok(())
}

fn rate(count: usize, elapsed: Duration) -> f64 {
    count as f64 / elapsed.as_secs_f64()
}
