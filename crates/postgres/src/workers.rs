//! Workers and functions: who is there, what they offer, and how it has been going.

use tokio_postgres::Row;
use upnext_core::backend::FunctionForgotten;
use upnext_core::function::FunctionStats;
use upnext_core::worker::HEARTBEAT_SECONDS;
use upnext_core::{
    Function, FunctionDefinition, JobStatus, JobType, Timestamp, Worker, WorkerId, WorkerRegistration,
};

use crate::database::{Connection, Transaction};
use crate::faults::Result;
use crate::params::params;
use crate::{rows, schedules};

const DAY_MICROS: i64 = 24 * 60 * 60 * 1_000_000;

/// A worker is alive if it was heard of within this time.
const ALIVE_MICROS: i64 = 3 * HEARTBEAT_SECONDS as i64 * 1_000_000;

/// How many finished jobs the rates and times of a function are taken from.
const SAMPLE: i64 = 1000;

pub(crate) async fn register_worker(
    transaction: &mut Transaction<'_>,
    worker: &WorkerRegistration,
) -> Result<()> {
    let now = transaction.now.as_micros();
    let keys: Vec<&str> = worker.functions.iter().map(|function| function.key.as_str()).collect();
    let keys = serde_json::to_string(&keys).unwrap_or_default();
    let given = params![
        worker.id.as_str(),
        worker.name.as_str(),
        worker.hostname.as_str(),
        i64::from(worker.pid),
        i64::from(worker.concurrency),
        worker.language.as_str(),
        worker.version.as_str(),
        keys,
        now,
    ];
    transaction.all(include_str!("../queries/register_worker.sql"), given).await?;
    // In one order, so that no two workers wait for each other.
    let mut functions: Vec<&FunctionDefinition> = worker.functions.iter().collect();
    functions.sort_by(|a, b| a.key.cmp(&b.key));
    for function in &functions {
        register_function(transaction, function).await?;
    }
    for function in functions.iter().filter(|function| function.limits.counts_running()) {
        let count = include_str!("../queries/register_limited.sql");
        transaction.all(count, params![function.key.as_str()]).await?;
    }
    transaction.work_available();
    Ok(())
}

async fn register_function(transaction: &Transaction<'_>, function: &FunctionDefinition) -> Result<()> {
    let definition = serde_json::to_string(function).unwrap_or_default();
    let limits = function.limits.bind().then(|| serde_json::to_string(&function.limits).unwrap_or_default());
    let group = function.limits.routing_group.as_deref();
    let register = include_str!("../queries/register_function.sql");
    let now = transaction.now.as_micros();
    transaction.all(register, params![function.key.as_str(), definition, now, limits, group]).await?;
    match &function.cron {
        Some(cron) => schedules::register(transaction, function, cron).await,
        None => schedules::forget(transaction, &function.key).await,
    }
}

pub(crate) async fn deregister_worker(transaction: &Transaction<'_>, worker: &WorkerId) -> Result<()> {
    let sql = include_str!("../queries/deregister_worker.sql");
    transaction.all(sql, params![worker.as_str(), transaction.now.as_micros()]).await.map(drop)
}

pub(crate) async fn list_workers(connection: &Connection<'_>, now: Timestamp) -> Result<Vec<Worker>> {
    let since = now.as_micros() - DAY_MICROS;
    let rows = connection.all(include_str!("../queries/list_workers.sql"), params![since]).await?;
    rows.iter().map(|row| worker(row, now)).collect()
}

fn worker(row: &Row, now: Timestamp) -> Result<Worker> {
    let last_heartbeat_at: i64 = row.try_get(9)?;
    let stopped_at = rows::moment(row, 10)?;
    let number = |index: usize| rows::count(row, index);
    Ok(Worker {
        id: row.try_get::<_, String>(0)?.into(),
        name: row.try_get(1)?,
        hostname: row.try_get(2)?,
        pid: u32::try_from(number(3)?).unwrap_or(0),
        concurrency: u32::try_from(number(4)?).unwrap_or(0),
        language: row.try_get(5)?,
        version: row.try_get(6)?,
        functions: serde_json::from_str(row.try_get(7)?).unwrap_or_default(),
        started_at: Timestamp::from_micros(row.try_get(8)?),
        last_heartbeat_at: Timestamp::from_micros(last_heartbeat_at),
        alive: stopped_at.is_none() && last_heartbeat_at >= now.as_micros() - ALIVE_MICROS,
        stopped_at,
        active_jobs: u32::try_from(number(11)?).unwrap_or(u32::MAX),
        memory_bytes: row.try_get::<_, Option<i64>>(12)?.and_then(|bytes| u64::try_from(bytes).ok()),
    })
}

/// All functions, or the one with this key.
pub(crate) async fn list_functions(
    connection: &Connection<'_>,
    key: Option<&str>,
    now: Timestamp,
) -> Result<Vec<Function>> {
    let workers = list_workers(connection, now).await?;
    let rows = connection.all(include_str!("../queries/list_functions.sql"), params![key]).await?;
    let mut functions = Vec::with_capacity(rows.len());
    for row in &rows {
        let (key, definition): (String, &str) = (row.try_get(0)?, row.try_get(1)?);
        let offers = |worker: &&Worker| worker.alive && worker.functions.contains(&key);
        let schedule = schedules::list_schedules(connection, std::slice::from_ref(&key)).await?;
        functions.push(Function {
            definition: read_definition(&key, definition),
            next_run_at: schedule.into_iter().next().and_then(|entry| entry.next_run_at),
            paused: row.try_get(2)?,
            workers: workers.iter().filter(offers).map(|worker| worker.id.to_string()).collect(),
            stats: stats(connection, &key, now).await?,
        });
    }
    Ok(functions)
}

pub(crate) async fn list_definitions(
    connection: &Connection<'_>,
    job_type: Option<JobType>,
) -> Result<Vec<FunctionDefinition>> {
    let rows = connection.all(include_str!("../queries/list_definitions.sql"), &[]).await?;
    let mut definitions = Vec::with_capacity(rows.len());
    for row in &rows {
        let definition = read_definition(row.try_get(0)?, row.try_get(1)?);
        if job_type.is_none_or(|wanted| definition.job_type == wanted) {
            definitions.push(definition);
        }
    }
    Ok(definitions)
}

/// A definition from another version that this one cannot read still has its key.
fn read_definition(key: &str, definition: &str) -> FunctionDefinition {
    serde_json::from_str(definition).unwrap_or_else(|_| FunctionDefinition::task(key))
}

pub(crate) async fn set_paused(transaction: &mut Transaction<'_>, key: &str, paused: bool) -> Result<bool> {
    let set = transaction.optional(include_str!("../queries/set_paused.sql"), params![key, paused]).await?;
    transaction.work_available();
    Ok(set.is_some())
}

pub(crate) async fn forget_function(transaction: &Transaction<'_>, key: &str) -> Result<FunctionForgotten> {
    let known =
        transaction.optional(include_str!("../queries/forget_function_lock.sql"), params![key]).await?;
    let offers = |worker: &&Worker| worker.alive && worker.functions.iter().any(|offered| offered == key);
    let workers = list_workers(transaction, transaction.now).await?;
    let offering: Vec<String> = workers.iter().filter(offers).map(|worker| worker.id.to_string()).collect();
    if !offering.is_empty() {
        return Ok(FunctionForgotten::Offered(offering));
    }
    if known.is_none() {
        return Ok(FunctionForgotten::UnknownFunction);
    }
    transaction.all(include_str!("../queries/forget_function.sql"), params![key]).await?;
    schedules::forget(transaction, key).await?;
    transaction.all(include_str!("../queries/forget_function_results.sql"), params![key]).await?;
    Ok(FunctionForgotten::Gone)
}

async fn stats(connection: &Connection<'_>, key: &str, now: Timestamp) -> Result<FunctionStats> {
    let since = now.as_micros() - DAY_MICROS;
    let runs = include_str!("../queries/function_runs.sql");
    let runs = connection.one(runs, params![key, since, now.as_micros()]).await?;
    let last = connection.optional(include_str!("../queries/function_last_run.sql"), params![key]).await?;
    let last: Option<(Timestamp, JobStatus)> = last
        .map(|row| crate::faults::Result::Ok((Timestamp::from_micros(row.try_get(0)?), rows::word(&row, 1)?)))
        .transpose()?;
    let sample = include_str!("../queries/function_sample.sql");
    let rows = connection.all(sample, params![key, since, SAMPLE]).await?;
    let sample: Vec<(JobStatus, i64, Option<i64>, Option<i64>)> = rows
        .iter()
        .map(|row| Ok((rows::word(row, 0)?, row.try_get(1)?, row.try_get(2)?, row.try_get(3)?)))
        .collect::<Result<_>>()?;
    let completed = sample.iter().filter(|(status, ..)| *status == JobStatus::Complete).count();
    let durations = sample.iter().filter_map(|(_, _, started, ended)| Some(millis((*ended)? - (*started)?)));
    let waits = sample.iter().filter_map(|(_, due, started, _)| Some(millis((*started)? - due)));
    let (avg_duration_ms, p95_duration_ms) = mean_and_p95(durations.collect());
    let (avg_wait_ms, p95_wait_ms) = mean_and_p95(waits.collect());
    Ok(FunctionStats {
        runs_24h: rows::count(&runs, 0)?,
        success_rate: (!sample.is_empty()).then(|| completed as f64 / sample.len() as f64),
        avg_duration_ms,
        p95_duration_ms,
        avg_wait_ms,
        p95_wait_ms,
        queue_backlog: rows::count(&runs, 1)?,
        last_run_at: last.map(|(at, _)| at),
        last_run_status: last.map(|(_, status)| status),
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

#[cfg(test)]
mod tests {
    use super::mean_and_p95;

    #[test]
    fn the_95th_percentile_is_the_nearest_rank() {
        let values: Vec<f64> = (1..=100).map(f64::from).collect();
        assert_eq!(mean_and_p95(values), (Some(50.5), Some(95.0)));
        assert_eq!(mean_and_p95(vec![7.0]), (Some(7.0), Some(7.0)));
        assert_eq!(mean_and_p95(vec![]), (None, None));
    }
}
