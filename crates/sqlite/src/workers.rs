//! Workers and functions: who is there, what they offer, and how it has been going.

use rusqlite::{Connection, OptionalExtension, params};
use upnext_core::backend::FunctionForgotten;
use upnext_core::function::FunctionStats;
use upnext_core::worker::HEARTBEAT_SECONDS;
use upnext_core::{
    Function, FunctionDefinition, JobStatus, JobType, Timestamp, Worker, WorkerId, WorkerRegistration,
};

use crate::lane::Transaction;
use crate::{rows, schedules};

const DAY_MICROS: i64 = 24 * 60 * 60 * 1_000_000;

/// A worker is alive if it was heard of within this time.
const ALIVE_MICROS: i64 = 3 * HEARTBEAT_SECONDS as i64 * 1_000_000;

/// How many finished jobs the rates and times of a function are taken from.
const SAMPLE: usize = 1000;

pub(crate) fn register_worker(
    transaction: &mut Transaction<'_>,
    worker: &WorkerRegistration,
) -> rusqlite::Result<()> {
    let now = transaction.now.as_micros();
    let keys: Vec<&str> = worker.functions.iter().map(|function| function.key.as_str()).collect();
    transaction.connection.prepare_cached(include_str!("../queries/register_worker.sql"))?.execute(
        params![
            worker.id.as_str(),
            worker.name,
            worker.hostname,
            worker.pid,
            worker.concurrency,
            worker.language,
            worker.version,
            serde_json::to_string(&keys).unwrap_or_default(),
            now,
        ],
    )?;
    for function in &worker.functions {
        register_function(transaction, function)?;
    }
    transaction.work_available();
    Ok(())
}

fn register_function(transaction: &Transaction<'_>, function: &FunctionDefinition) -> rusqlite::Result<()> {
    let (connection, now) = (transaction.connection, transaction.now);
    let definition = serde_json::to_string(function).unwrap_or_default();
    let limits = function.limits.bind().then(|| serde_json::to_string(&function.limits).unwrap_or_default());
    let group = function.limits.routing_group.as_ref();
    let mut register = connection.prepare_cached(include_str!("../queries/register_function.sql"))?;
    register.execute(params![function.key, definition, now.as_micros(), limits, group])?;
    if function.limits.counts_running() {
        connection
            .prepare_cached(include_str!("../queries/register_limited.sql"))?
            .execute([&function.key])?;
    }
    match &function.cron {
        Some(cron) => schedules::register(transaction, function, cron),
        None => schedules::forget(transaction, &function.key),
    }
}

pub(crate) fn deregister_worker(transaction: &Transaction<'_>, worker: &WorkerId) -> rusqlite::Result<()> {
    transaction
        .connection
        .prepare_cached(include_str!("../queries/deregister_worker.sql"))?
        .execute(params![worker.as_str(), transaction.now.as_micros()])?;
    Ok(())
}

pub(crate) fn list_workers(connection: &Connection, now: Timestamp) -> rusqlite::Result<Vec<Worker>> {
    connection
        .prepare_cached(include_str!("../queries/list_workers.sql"))?
        .query_map([now.as_micros() - DAY_MICROS], |row| {
            let last_heartbeat_at: i64 = row.get(9)?;
            let stopped_at = rows::moment(row, 10)?;
            Ok(Worker {
                id: row.get::<_, String>(0)?.into(),
                name: row.get(1)?,
                hostname: row.get(2)?,
                pid: row.get(3)?,
                concurrency: row.get(4)?,
                language: row.get(5)?,
                version: row.get(6)?,
                functions: serde_json::from_str(row.get_ref(7)?.as_str()?).unwrap_or_default(),
                started_at: Timestamp::from_micros(row.get(8)?),
                last_heartbeat_at: Timestamp::from_micros(last_heartbeat_at),
                alive: stopped_at.is_none() && last_heartbeat_at >= now.as_micros() - ALIVE_MICROS,
                stopped_at,
                active_jobs: row.get(11)?,
                memory_bytes: row.get::<_, Option<i64>>(12)?.and_then(|bytes| u64::try_from(bytes).ok()),
            })
        })?
        .collect()
}

/// All functions, or the one with this key.
pub(crate) fn list_functions(
    connection: &Connection,
    key: Option<&str>,
    now: Timestamp,
) -> rusqlite::Result<Vec<Function>> {
    let workers = list_workers(connection, now)?;
    let rows: Vec<(String, String, bool)> = connection
        .prepare_cached(include_str!("../queries/list_functions.sql"))?
        .query_map([key], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))?
        .collect::<Result<_, _>>()?;
    rows.into_iter()
        .map(|(key, definition, paused)| {
            let offers = |worker: &&Worker| worker.alive && worker.functions.contains(&key);
            Ok(Function {
                definition: read_definition(&key, &definition),
                next_run_at: schedules::next_run(connection, &key)?,
                paused,
                workers: workers.iter().filter(offers).map(|worker| worker.id.to_string()).collect(),
                stats: stats(connection, &key, now)?,
            })
        })
        .collect()
}

pub(crate) fn list_definitions(
    connection: &Connection,
    job_type: Option<JobType>,
) -> rusqlite::Result<Vec<FunctionDefinition>> {
    let mut list = connection.prepare_cached(include_str!("../queries/list_definitions.sql"))?;
    let all = list.query_map([], |row| {
        let (key, definition): (String, String) = (row.get(0)?, row.get(1)?);
        Ok(read_definition(&key, &definition))
    })?;
    let wanted =
        |definition: &FunctionDefinition| job_type.is_none_or(|wanted| definition.job_type == wanted);
    all.filter(|definition| definition.as_ref().map_or(true, wanted)).collect()
}

/// A definition from another version that this one cannot read still has its key.
fn read_definition(key: &str, definition: &str) -> FunctionDefinition {
    serde_json::from_str(definition).unwrap_or_else(|_| FunctionDefinition::task(key))
}

pub(crate) fn set_paused(
    transaction: &mut Transaction<'_>,
    key: &str,
    paused: bool,
) -> rusqlite::Result<bool> {
    let mut set = transaction.connection.prepare_cached(include_str!("../queries/set_paused.sql"))?;
    let known = set.execute(params![key, paused])? == 1;
    drop(set);
    transaction.work_available();
    Ok(known)
}

pub(crate) fn forget_function(
    transaction: &Transaction<'_>,
    key: &str,
) -> rusqlite::Result<FunctionForgotten> {
    let (connection, now) = (transaction.connection, transaction.now);
    let offers = |worker: &Worker| worker.alive && worker.functions.iter().any(|offered| offered == key);
    let offering: Vec<String> = list_workers(connection, now)?
        .iter()
        .filter(|worker| offers(worker))
        .map(|worker| worker.id.to_string())
        .collect();
    if !offering.is_empty() {
        return Ok(FunctionForgotten::Offered(offering));
    }
    if connection.prepare_cached(include_str!("../queries/forget_function.sql"))?.execute([key])? == 0 {
        return Ok(FunctionForgotten::UnknownFunction);
    }
    schedules::forget(transaction, key)?;
    connection.prepare_cached(include_str!("../queries/forget_function_results.sql"))?.execute([key])?;
    Ok(FunctionForgotten::Gone)
}

fn stats(connection: &Connection, key: &str, now: Timestamp) -> rusqlite::Result<FunctionStats> {
    let since = now.as_micros() - DAY_MICROS;
    let (runs, backlog): (i64, i64) = connection
        .prepare_cached(include_str!("../queries/function_runs.sql"))?
        .query_row(params![key, since, now.as_micros()], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let last: Option<(Timestamp, JobStatus)> = connection
        .prepare_cached(include_str!("../queries/function_last_run.sql"))?
        .query_row([key], |row| Ok((Timestamp::from_micros(row.get(0)?), rows::word(row, 1)?)))
        .optional()?;
    let sample: Vec<(JobStatus, i64, Option<i64>, Option<i64>)> = connection
        .prepare_cached(include_str!("../queries/function_sample.sql"))?
        .query_map(params![key, since, SAMPLE], |row| {
            Ok((rows::word(row, 0)?, row.get(1)?, row.get(2)?, row.get(3)?))
        })?
        .collect::<Result<_, _>>()?;
    let completed = sample.iter().filter(|(status, ..)| *status == JobStatus::Complete).count();
    let durations = sample.iter().filter_map(|(_, _, started, ended)| Some(millis((*ended)? - (*started)?)));
    let waits = sample.iter().filter_map(|(_, due, started, _)| Some(millis((*started)? - due)));
    let (avg_duration_ms, p95_duration_ms) = mean_and_p95(durations.collect());
    let (avg_wait_ms, p95_wait_ms) = mean_and_p95(waits.collect());
    Ok(FunctionStats {
        runs_24h: u64::try_from(runs).unwrap_or(0),
        success_rate: (!sample.is_empty()).then(|| completed as f64 / sample.len() as f64),
        avg_duration_ms,
        p95_duration_ms,
        avg_wait_ms,
        p95_wait_ms,
        queue_backlog: u64::try_from(backlog).unwrap_or(0),
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
