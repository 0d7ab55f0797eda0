//! Workers and functions: who is there, what they offer, and how it has been going.

use serde::{Deserialize, Serialize};
use upnext_core::backend::{FunctionForgotten, Result};
use upnext_core::function::FunctionStats;
use upnext_core::worker::HEARTBEAT_SECONDS;
use upnext_core::{
    Function, FunctionDefinition, JobStatus, JobType, Timestamp, Worker, WorkerId, WorkerRegistration,
};

use crate::Redis;
use crate::args::Args;
use crate::limits::stored_limits;
use crate::link::Repeat;
use crate::reply::{self, Reply, unexpected};

/// A worker is alive if it was heard of within this time, in microseconds.
const ALIVE_MICROS: i64 = 3 * HEARTBEAT_SECONDS as i64 * 1_000_000;

/// How many finished jobs the rates and times of a function are taken from.
const SAMPLE: usize = 1000;

/// What is kept of a worker.
#[derive(Serialize, Deserialize)]
struct Kept {
    name: String,
    hostname: String,
    pid: u32,
    concurrency: u32,
    language: String,
    version: String,
    functions: Vec<String>,
}

pub(crate) async fn register_worker(redis: &Redis, worker: &WorkerRegistration) -> Result<()> {
    // Schedules are counted here, from the moment that it is there.
    let has_schedule = worker.functions.iter().any(|function| function.cron.is_some());
    let now = if has_schedule { redis.moment().await? } else { Timestamp::default() };
    let kept = Kept {
        name: worker.name.clone(),
        hostname: worker.hostname.clone(),
        pid: worker.pid,
        concurrency: worker.concurrency,
        language: worker.language.clone(),
        version: worker.version.clone(),
        functions: worker.functions.iter().map(|function| function.key.clone()).collect(),
    };
    let mut args = redis.now.begin();
    args.add(worker.id.as_str()).add(serde_json::to_string(&kept).unwrap_or_default());
    worker.functions.iter().for_each(|function| add_function(&mut args, function, now));
    redis.link.call("register_worker", &args, Repeat::Harmless).await?;
    redis.signals.work_available();
    Ok(())
}

fn add_function(args: &mut Args, function: &FunctionDefinition, now: Timestamp) {
    let rule = function
        .cron
        .as_ref()
        .map(|cron| format!("{} {}", cron.schedule, cron.timezone.as_deref().unwrap_or("UTC")));
    args.add(&function.key)
        .add(serde_json::to_string(function).unwrap_or_default())
        .add(if function.limits.bind() { stored_limits(&function.limits) } else { String::new() })
        .add(function.limits.routing_group.as_deref().unwrap_or_default())
        .add(rule.unwrap_or_default())
        .optional(function.first_run_after(now).map(Timestamp::as_micros));
}

pub(crate) async fn deregister_worker(redis: &Redis, worker: &WorkerId) -> Result<()> {
    let mut args = redis.now.begin();
    args.add(worker.as_str());
    redis.link.call("deregister_worker", &args, Repeat::Harmless).await.map(drop)
}

pub(crate) async fn list_workers(redis: &Redis) -> Result<Vec<Worker>> {
    let args = redis.now.begin();
    let mut reply = Reply::new(redis.link.call("list_workers", &args, Repeat::Harmless).await?);
    reply.value()?;
    let workers = reply.lists()?;
    read_workers(workers, reply.moment()?)
}

fn read_workers(found: Vec<Reply>, now: Timestamp) -> Result<Vec<Worker>> {
    let mut workers = Vec::with_capacity(found.len());
    for mut worker in found {
        let id: WorkerId = worker.text()?.into();
        let kept = worker.text()?;
        let (started_at, kept) = kept.split_once(' ').ok_or_else(|| unexpected("worker"))?;
        let kept: Kept = serde_json::from_str(kept).map_err(|_| unexpected("worker"))?;
        let last_heartbeat_at = worker.moment()?;
        let stopped_at = worker.optional_moment()?;
        workers.push(Worker {
            id,
            name: kept.name,
            hostname: kept.hostname,
            pid: kept.pid,
            concurrency: kept.concurrency,
            language: kept.language,
            version: kept.version,
            functions: kept.functions,
            active_jobs: u32::try_from(worker.number::<i64>()?).unwrap_or(0),
            memory_bytes: worker.optional_number()?,
            started_at: Timestamp::from_micros(started_at.parse().map_err(|_| unexpected("moment"))?),
            alive: stopped_at.is_none() && last_heartbeat_at.as_micros() >= now.as_micros() - ALIVE_MICROS,
            last_heartbeat_at,
            stopped_at,
        });
    }
    workers.sort_by(|a, b| b.started_at.cmp(&a.started_at).then_with(|| a.id.cmp(&b.id)));
    Ok(workers)
}

pub(crate) async fn list_definitions(
    redis: &Redis,
    job_type: Option<JobType>,
) -> Result<Vec<FunctionDefinition>> {
    let args = redis.now.begin();
    let mut reply = Reply::new(redis.link.call("list_definitions", &args, Repeat::Harmless).await?);
    reply.value()?;
    let mut found = Reply::new(reply.list()?);
    let mut definitions = Vec::new();
    while !found.is_empty() {
        let (key, definition) = (found.text()?, found.text()?);
        definitions.push(read_definition(&key, &definition));
    }
    definitions.retain(|definition| job_type.is_none_or(|wanted| definition.job_type == wanted));
    definitions.sort_by(|a, b| a.key.cmp(&b.key));
    Ok(definitions)
}

/// A definition from another version that this one cannot read still has its key.
fn read_definition(key: &str, definition: &str) -> FunctionDefinition {
    serde_json::from_str(definition).unwrap_or_else(|_| FunctionDefinition::task(key))
}

/// All functions, or the one with this key.
pub(crate) async fn list_functions(redis: &Redis, key: Option<&str>) -> Result<Vec<Function>> {
    if key == Some("") {
        return Ok(Vec::new());
    }
    let mut args = redis.now.begin();
    args.add(key.unwrap_or_default()).number(SAMPLE);
    let mut reply = Reply::new(redis.link.call("list_functions", &args, Repeat::Harmless).await?);
    reply.value()?;
    let found = reply.lists()?;
    let workers = reply.lists()?;
    let workers = read_workers(workers, reply.moment()?)?;
    let mut functions = Vec::with_capacity(found.len());
    for mut function in found {
        let (key, definition) = (function.text()?, function.text()?);
        let offers = |worker: &&Worker| worker.alive && worker.functions.contains(&key);
        functions.push(Function {
            definition: read_definition(&key, &definition),
            paused: function.number::<i64>()? == 1,
            next_run_at: function.optional_moment()?,
            workers: workers.iter().filter(offers).map(|worker| worker.id.to_string()).collect(),
            stats: read_stats(function)?,
        });
    }
    functions.sort_by(|a, b| a.definition.key.cmp(&b.definition.key));
    Ok(functions)
}

fn read_stats(mut function: Reply) -> Result<FunctionStats> {
    let (runs, backlog): (i64, i64) = (function.number()?, function.number()?);
    let last_run_at = function.optional_moment()?;
    let last_status = function.value()?;
    let last_run_status =
        if reply::is_nothing(&last_status) { None } else { Some(reply::status(&last_status)?) };
    let mut sample = Reply::new(function.list()?);
    let (mut completed, mut count) = (0, 0);
    let (mut durations, mut waits) = (Vec::new(), Vec::new());
    while !sample.is_empty() {
        let (status, due) = (reply::status(&sample.value()?)?, sample.moment()?);
        let (started, ended) = (sample.optional_moment()?, sample.optional_moment()?);
        count += 1;
        completed += usize::from(status == JobStatus::Complete);
        durations.extend(started.and_then(|started| Some(millis(ended?.as_micros() - started.as_micros()))));
        waits.extend(started.map(|started| millis(started.as_micros() - due.as_micros())));
    }
    let (avg_duration_ms, p95_duration_ms) = mean_and_p95(durations);
    let (avg_wait_ms, p95_wait_ms) = mean_and_p95(waits);
    Ok(FunctionStats {
        runs_24h: u64::try_from(runs).unwrap_or(0),
        success_rate: (count > 0).then(|| completed as f64 / count as f64),
        avg_duration_ms,
        p95_duration_ms,
        avg_wait_ms,
        p95_wait_ms,
        queue_backlog: u64::try_from(backlog).unwrap_or(0),
        last_run_at,
        last_run_status,
    })
}

/// Microseconds as milliseconds; clocks that stepped back give zero.
fn millis(micros: i64) -> f64 {
    micros.max(0) as f64 / 1000.0
}

fn mean_and_p95(mut values: Vec<f64>) -> (Option<f64>, Option<f64>) {
    if values.is_empty() {
        return (None, None);
    }
    values.sort_by(f64::total_cmp);
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let rank = (values.len() * 95).div_ceil(100).max(1) - 1;
    (Some(mean), Some(values[rank]))
}

pub(crate) async fn set_paused(redis: &Redis, key: &str, paused: bool) -> Result<bool> {
    let mut args = redis.now.begin();
    args.add(key).flag(paused);
    let mut reply = Reply::new(redis.link.call("set_paused", &args, Repeat::Harmless).await?);
    reply.value()?;
    redis.signals.work_available();
    Ok(reply.number::<i64>()? == 1)
}

pub(crate) async fn forget_function(redis: &Redis, key: &str) -> Result<FunctionForgotten> {
    let mut args = redis.now.begin();
    args.add(key).number(ALIVE_MICROS);
    let mut reply = Reply::new(redis.link.call("forget_function", &args, Repeat::Never).await?);
    reply.value()?;
    match reply.text()?.as_str() {
        "G" => Ok(FunctionForgotten::Gone),
        "U" => Ok(FunctionForgotten::UnknownFunction),
        _ => {
            let mut found = Reply::new(reply.list()?);
            let mut offering = Vec::new();
            while !found.is_empty() {
                offering.push((found.moment()?, found.text()?));
            }
            // The newest first, as workers are listed.
            offering.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
            Ok(FunctionForgotten::Offered(offering.into_iter().map(|(_, id)| id).collect()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::mean_and_p95;

    #[test]
    fn the_95th_percentile_is_the_nearest_rank() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(mean_and_p95(values), (Some(50.5), Some(95.0)));
        assert_eq!(mean_and_p95(vec![]), (None, None));
    }
}
