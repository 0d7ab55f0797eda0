//! `upnext stats`: how much there is to do, how the last day went, who works, and what is kept.

use std::time::Duration;

use serde::Serialize;
use upnext_backends::Deployment;
use upnext_core::backend::JobQuery;
use upnext_core::{Clock as _, JobStatus, SystemClock, Timestamp};
use upnext_server::wire;

use super::DONE;
use crate::failure::Failure;
use crate::table::size;
use crate::{output, paint};

const HOURS: u64 = 24;

#[derive(Serialize)]
struct Stats {
    queue: Queue,
    runs: Runs,
    workers: Workers,
    artifacts: wire::ArtifactTotals,
}

/// Jobs that have not ended.
#[derive(Serialize)]
struct Queue {
    queued: u64,
    pending: u64,
    active: u64,
    retrying: u64,
}

/// Jobs made in the last hours.
#[derive(Serialize)]
struct Runs {
    hours: u64,
    total: u64,
    complete: u64,
    failed: u64,
    cancelled: u64,
    /// Percentage, 0 to 100, of complete among complete and failed ones; null while there is none of either.
    success_rate: Option<f64>,
}

#[derive(Serialize)]
struct Workers {
    /// Worker instances that are alive.
    alive: u64,
    /// Jobs that they run at once, together.
    concurrency: u64,
    /// Registered functions, and how many of them are paused.
    functions: u64,
    paused: u64,
}

pub(super) async fn show(deployment: Deployment, json: bool) -> Result<u8, Failure> {
    let stats = collect(&deployment).await?;
    if json {
        output::json(&stats)?;
        return Ok(DONE);
    }
    let Stats { queue, runs, workers, artifacts } = stats;
    let counted = |count: u64, word: &str, paint: fn(&str) -> String| {
        let text = format!("{count} {word}");
        if count > 0 { paint(&text) } else { text }
    };
    let plain: fn(&str) -> String = str::to_owned;
    let join = |parts: &[String]| parts.join(", ");
    let rate = runs.success_rate.map_or_else(String::new, |rate| {
        format!(" ({rate:.1} % of those that ended by themselves are complete)")
    });
    let lines = [
        (
            "queue",
            join(&[
                counted(queue.queued, "queued", plain),
                counted(queue.pending, "pending", plain),
                counted(queue.active, "active", paint::busy),
                counted(queue.retrying, "retrying", paint::warning),
            ]),
        ),
        (
            "last 24 h",
            format!(
                "{} jobs: {}{rate}",
                runs.total,
                join(&[
                    counted(runs.complete, "complete", paint::good),
                    counted(runs.failed, "failed", paint::bad),
                    counted(runs.cancelled, "cancelled", paint::warning),
                ])
            ),
        ),
        ("workers", format!("{} alive, {} jobs at once", workers.alive, workers.concurrency)),
        (
            "functions",
            join(&[workers.functions.to_string(), counted(workers.paused, "paused", paint::warning)]),
        ),
        (
            "artifacts",
            format!(
                "{} ({} versions), {} in all, {} stored",
                artifacts.count,
                artifacts.versions,
                size(artifacts.logical_bytes),
                size(artifacts.stored_bytes)
            ),
        ),
    ];
    for (word, text) in lines {
        output::line(format_args!("{word:<9}  {text}"));
    }
    Ok(DONE)
}

async fn collect(deployment: &Deployment) -> Result<Stats, Failure> {
    let backend = deployment.client.backend();
    let count = async |status: Option<JobStatus>, after: Option<Timestamp>| -> Result<u64, Failure> {
        let statuses = status.into_iter().collect();
        let query = JobQuery { statuses, after, limit: 1, ..JobQuery::default() };
        Ok(backend.list_jobs(query).await?.total)
    };
    let queue = Queue {
        queued: count(Some(JobStatus::Queued), None).await?,
        pending: count(Some(JobStatus::Pending), None).await?,
        active: count(Some(JobStatus::Active), None).await?,
        retrying: count(Some(JobStatus::Retrying), None).await?,
    };
    let since = Some(SystemClock.now().before(Duration::from_secs(HOURS * 3600)));
    let complete = count(Some(JobStatus::Complete), since).await?;
    let failed = count(Some(JobStatus::Failed), since).await?;
    let ended = complete + failed;
    let runs = Runs {
        hours: HOURS,
        total: count(None, since).await?,
        complete,
        failed,
        cancelled: count(Some(JobStatus::Cancelled), since).await?,
        success_rate: (ended > 0).then(|| 100.0 * complete as f64 / ended as f64),
    };
    let alive: Vec<_> = backend.list_workers().await?.into_iter().filter(|worker| worker.alive).collect();
    let functions = backend.list_functions().await?;
    let workers = Workers {
        alive: alive.len() as u64,
        concurrency: alive.iter().map(|worker| u64::from(worker.concurrency)).sum(),
        functions: functions.len() as u64,
        paused: functions.iter().filter(|function| function.paused).count() as u64,
    };
    let artifacts = wire::ArtifactStats::from(backend.artifact_totals().await?).artifacts;
    Ok(Stats { queue, runs, workers, artifacts })
}
