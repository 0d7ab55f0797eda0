//! One step of `bench/sizing.py`, on what the environment names: prints one JSON object.
//!
//! Usage: `sizing STEP [NUMBERS]`, where STEP is one of
//! `fill COUNT` (submits no-op jobs, a thousand in a call), `drained` (waits until none waits or runs), `burst COUNT` (both),
//! `ping COUNT` (one job after the other on an idle system), `claims ROUNDS` (claims of 32, whose jobs it ends),
//! `work SLOTS` (a worker, until it is told to stop), `artifacts COUNT TOGETHER` (of 200 bytes, inside of one job).
#![allow(clippy::print_stdout, reason = "it prints its figures")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::future::try_join_all;
use upnext::{ArtifactType, UpNext, Worker};
use upnext_bench::drained;
use upnext_core::backend::{ClaimRequest, Finish};
use upnext_core::client::Submission;
use upnext_core::{Outcome, RawJson, WorkerId};

const BATCH: usize = 1000;
const CLAIM: usize = 32;

#[upnext::task]
async fn noop() {}

#[upnext::task]
async fn make_artifacts(count: u32, together: u32) -> Result<(), upnext::ArtifactError> {
    let mut made = 0;
    while made < count {
        let batch = (made..(made + together).min(count)).map(|number| async move {
            let text = format!("{{\"number\": {number}, \"text\": \"{}\"}}", "x".repeat(170));
            upnext::create_artifact(&format!("artifact-{number}.json"), text, ArtifactType::Json).await
        });
        made += u32::try_from(try_join_all(batch).await?.len()).unwrap_or(0);
    }
    Ok(())
}

async fn fill(app: &UpNext, count: usize) -> anyhow::Result<Duration> {
    let begun = Instant::now();
    for done in (0..count).step_by(BATCH) {
        let some = BATCH.min(count - done);
        let submissions = (0..some).map(|_| Submission::new("noop", RawJson::trusted("{}"))).collect();
        app.client().submit_many(submissions).await?;
    }
    Ok(begun.elapsed())
}

async fn ping(app: &UpNext, count: usize) -> anyhow::Result<Vec<Duration>> {
    let mut times = Vec::new();
    for _ in 0..count {
        tokio::time::sleep(Duration::from_millis(5)).await;
        let begun = Instant::now();
        noop.wait(app).await?;
        times.push(begun.elapsed());
    }
    Ok(times)
}

async fn claims(app: &UpNext, rounds: usize) -> anyhow::Result<Vec<Duration>> {
    let backend = app.client().backend();
    let mut times = Vec::new();
    for _ in 0..rounds {
        let request = ClaimRequest {
            worker: WorkerId::from("sizing-1".to_owned()),
            functions: Arc::from(["noop".to_owned()]),
            limit: CLAIM,
            lease: Duration::from_secs(30),
            suspect: true,
        };
        let begun = Instant::now();
        let claim = backend.claim(request).await?;
        times.push(begun.elapsed());
        anyhow::ensure!(claim.jobs.len() == CLAIM, "the claim gave {} jobs", claim.jobs.len());
        let finish = |job: &upnext_core::ClaimedJob| Finish {
            lease: job.lease,
            started_at: claim.now,
            outcome: Outcome::Complete { result: RawJson::null() },
        };
        backend.finish(claim.jobs.iter().map(finish).collect()).await?;
    }
    Ok(times)
}

fn percentiles(mut times: Vec<Duration>) -> String {
    times.sort();
    let at = |share: usize| 1000.0 * times[(times.len() * share / 100).min(times.len() - 1)].as_secs_f64();
    format!("{{\"p50_ms\": {:.3}, \"p99_ms\": {:.3}}}", at(50), at(99))
}

fn seconds(took: Duration) -> String {
    format!("{{\"seconds\": {:.4}}}", took.as_secs_f64())
}

/// Works until the standard input ends, which it does with whoever started this.
async fn work(app: &UpNext, slots: usize) -> anyhow::Result<()> {
    let worker = Worker::new("sizing").concurrency(slots).task(noop).task(make_artifacts).start(app).await?;
    println!("ready");
    tokio::task::spawn_blocking(|| std::io::copy(&mut std::io::stdin(), &mut std::io::sink())).await??;
    worker.stop(Duration::from_secs(5)).await;
    Ok(())
}

#[tokio::main]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let step = arguments.next().unwrap_or_default();
    let numbers = arguments.map(|text| text.parse()).collect::<Result<Vec<usize>, _>>()?;
    let number = |at: usize| numbers.get(at).copied().ok_or_else(|| anyhow::anyhow!("{step} takes a number"));
    let app = UpNext::from_env().await?;
    let begun = Instant::now();
    let said = match step.as_str() {
        "fill" => seconds(fill(&app, number(0)?).await?),
        "drained" => {
            drained(&app).await?;
            seconds(begun.elapsed())
        }
        "burst" => {
            let filled = fill(&app, number(0)?).await?;
            drained(&app).await?;
            format!(
                "{{\"seconds\": {:.4}, \"filled\": {:.4}}}",
                begun.elapsed().as_secs_f64(),
                filled.as_secs_f64()
            )
        }
        "ping" => percentiles(ping(&app, number(0)?).await?),
        "claims" => percentiles(claims(&app, number(0)?).await?),
        "artifacts" => {
            let (count, together) = (u32::try_from(number(0)?)?, u32::try_from(number(1)?)?);
            make_artifacts.wait(&app, count, together).await?;
            seconds(begun.elapsed())
        }
        "work" => return work(&app, number(0)?).await,
        _ => anyhow::bail!("there is no step '{step}': see the beginning of this file"),
    };
    println!("{said}");
    Ok(())
}
