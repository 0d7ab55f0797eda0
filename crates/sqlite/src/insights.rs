//! Figures about jobs: `job_stats`, `job_trends`, `functions_ended`, `queue_depth`, `notable_jobs`; and the counting of ends
//! while they happen.
//!
//! A transaction collects the ends of all of its requests in an [`EndTally`], and adds them to `job_hours` once before it
//! commits: one row for each function and hour, however many jobs ended.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension, Row, params};
use upnext_core::insight::{
    Depth, EndTally, Ended, FunctionEnded, Hour, JobStats, Notable, QueueDepth, StatsQuery, TrendHour,
    TrendsQuery,
};
use upnext_core::{Job, JobType, Timestamp};

use crate::lane::Transaction;
use crate::rows::{self, JOB_COLUMNS};

/// Hours that are kept although the jobs counted in them are gone: the most that trends show.
const HOURS_KEPT: u32 = 168;

/// Adds what a transaction has counted to `job_hours`.
pub(crate) fn write(tally: &EndTally, connection: &Connection) -> rusqlite::Result<()> {
    if tally.counts().is_empty() {
        return Ok(());
    }
    let mut add = connection.prepare_cached(include_str!("../queries/job_hours_add.sql"))?;
    for counts in tally.counts() {
        add.execute(params![
            counts.hour.number(),
            counts.function,
            counts.job_type.as_str(),
            counts.complete,
            counts.failed,
            counts.cancelled,
            counts.retrying,
            counts.timed,
            counts.duration_us,
        ])?;
    }
    Ok(())
}

/// Takes back what a job that has ended was counted as: it is queued again, or somebody removes it.
pub(crate) fn take_back(transaction: &mut Transaction<'_>, seq: i64) -> rusqlite::Result<()> {
    recount(transaction, seq, -1)
}

/// Counts a job whose row says that it has ended.
pub(crate) fn count_ended(transaction: &mut Transaction<'_>, seq: i64) -> rusqlite::Result<()> {
    recount(transaction, seq, 1)
}

fn recount(transaction: &mut Transaction<'_>, seq: i64, times: i64) -> rusqlite::Result<()> {
    let mut find = transaction.connection.prepare_cached(include_str!("../queries/job_hours_of.sql"))?;
    let found = find
        .query_row([seq], |row| {
            let ended_at = Timestamp::from_micros(row.get(4)?);
            Ok((
                row.get::<_, String>(0)?,
                rows::word(row, 1)?,
                rows::word(row, 2)?,
                rows::moment(row, 3)?,
                ended_at,
            ))
        })
        .optional()?;
    drop(find);
    if let Some((function, job_type, status, started_at, ended_at)) = found {
        transaction.tally.count(&function, job_type, status, (started_at, ended_at), times);
    }
    Ok(())
}

/// Forgets the hours in which nothing ended that is still there.
pub(crate) fn expire(transaction: &Transaction<'_>, jobs_ended_before: Timestamp) -> rusqlite::Result<()> {
    let first = Hour::of(jobs_ended_before).min(Hour::of(transaction.now).back(HOURS_KEPT));
    let mut forget =
        transaction.connection.prepare_cached(include_str!("../queries/expire_job_hours.sql"))?;
    forget.execute([first.number()])?;
    Ok(())
}

/// An [`Ended`] from five columns of a row, the first of which has this place.
fn ended(row: &Row<'_>, first: usize) -> rusqlite::Result<Ended> {
    Ok(Ended {
        complete: count(row, first)?,
        failed: count(row, first + 1)?,
        cancelled: count(row, first + 2)?,
        timed: count(row, first + 3)?,
        duration_micros: count(row, first + 4)?,
    })
}

fn count(row: &Row<'_>, place: usize) -> rusqlite::Result<u64> {
    Ok(u64::try_from(row.get::<_, i64>(place)?).unwrap_or(0))
}

pub(crate) fn job_stats(connection: &Connection, query: &StatsQuery) -> rusqlite::Result<JobStats> {
    let after = query.after.map_or(i64::MIN, Timestamp::as_micros);
    let before = query.before.map_or(i64::MAX, Timestamp::as_micros).max(after);
    let function = query.function.as_deref();
    // Whole hours are added up; what the window holds of the hours at its ends is counted.
    let first = query.after.map_or(i64::MIN, |after| whole_from(after).number());
    let last = query.before.map_or(i64::MAX, |before| Hour::of(before).number());
    let mut ended = Ended::default();
    let mut rows = connection.prepare_cached(include_str!("../queries/job_stats_rows.sql"))?;
    let mut counted = |from: i64, to: i64| -> rusqlite::Result<()> {
        if from < to {
            ended.add(&rows.query_row(params![from, to, function], |row| self::ended(row, 0))?);
        }
        Ok(())
    };
    if first >= last {
        counted(after, before)?;
    } else {
        if query.after.is_some() {
            counted(after, Hour::from_number(first).begins().as_micros())?;
        }
        if query.before.is_some() {
            counted(Hour::from_number(last).begins().as_micros(), before)?;
        }
        let mut hours = connection.prepare_cached(include_str!("../queries/job_stats_hours.sql"))?;
        ended.add(&hours.query_row(params![first, last, function], |row| self::ended(row, 0))?);
    }
    let mut unfinished = connection.prepare_cached(include_str!("../queries/job_stats_unfinished.sql"))?;
    let moments = [query.after, query.before].map(|moment| moment.map(Timestamp::as_micros));
    let unfinished = unfinished.query_row(params![moments[0], moments[1], function], |row| count(row, 0))?;
    Ok(JobStats { ended, unfinished })
}

/// The first hour that lies wholly at or after a moment.
fn whole_from(moment: Timestamp) -> Hour {
    let hour = Hour::of(moment);
    if hour.begins() == moment { hour } else { hour.next() }
}

pub(crate) fn job_trends(
    connection: &Connection,
    query: &TrendsQuery,
    now: Timestamp,
) -> rusqlite::Result<Vec<TrendHour>> {
    let hours = query.hours.max(1);
    let first = Hour::of(now).back(hours - 1);
    let (function, job_type) = (query.function.as_deref(), query.job_type.map(JobType::as_str));
    let mut trends: Vec<TrendHour> = (0..i64::from(hours))
        .map(|place| Hour::from_number(first.number() + place))
        .map(|hour| TrendHour { hour, complete: 0, failed: 0, retrying: 0, active: 0 })
        .collect();
    let place = |hour: i64| usize::try_from(hour - first.number()).ok();
    let mut ended = connection.prepare_cached(include_str!("../queries/job_trends_ended.sql"))?;
    let mut rows = ended.query(params![first.number(), function, job_type])?;
    while let Some(row) = rows.next()? {
        if let Some(trend) = place(row.get(0)?).and_then(|place| trends.get_mut(place)) {
            trend.complete = count(row, 1)?;
            trend.failed = count(row, 2)?;
            trend.retrying = count(row, 3)?;
        }
    }
    let mut active = connection.prepare_cached(include_str!("../queries/job_trends_active.sql"))?;
    let mut rows = active.query(params![function, job_type])?;
    while let Some(row) = rows.next()? {
        if let Some(trend) = place(row.get(0)?).and_then(|place| trends.get_mut(place)) {
            trend.active = count(row, 1)?;
        }
    }
    Ok(trends)
}

pub(crate) fn functions_ended(connection: &Connection, since: Hour) -> rusqlite::Result<Vec<FunctionEnded>> {
    connection
        .prepare_cached(include_str!("../queries/functions_ended.sql"))?
        .query_map([since.number()], |row| {
            Ok(FunctionEnded { function: row.get(0)?, ended: ended(row, 1)? })
        })?
        .collect()
}

pub(crate) fn queue_depth(connection: &Connection, now: Timestamp) -> rusqlite::Result<QueueDepth> {
    let mut functions: BTreeMap<String, Depth> = BTreeMap::new();
    let mut collect =
        |sql: &str, read: &dyn Fn(&Row<'_>) -> rusqlite::Result<Depth>| -> rusqlite::Result<()> {
            let mut statement = connection.prepare_cached(sql)?;
            let mut rows = statement.query([])?;
            while let Some(row) = rows.next()? {
                functions.entry(row.get(0)?).or_default().add(&read(row)?);
            }
            Ok(())
        };
    let queued = |row: &Row<'_>| {
        Ok(Depth { queued: count(row, 1)?, oldest_queued: rows::moment(row, 2)?, ..Depth::default() })
    };
    collect(include_str!("../queries/queue_depth_ready.sql"), &queued)?;
    collect(include_str!("../queries/queue_depth_blocked.sql"), &queued)?;
    collect(include_str!("../queries/queue_depth_suspect.sql"), &queued)?;
    collect(include_str!("../queries/queue_depth_due.sql"), &|row| {
        Ok(Depth { pending: count(row, 1)?, retrying: count(row, 2)?, ..Depth::default() })
    })?;
    collect(include_str!("../queries/queue_depth_active.sql"), &|row| {
        Ok(Depth { active: count(row, 1)?, ..Depth::default() })
    })?;
    Ok(QueueDepth { functions: functions.into_iter().collect(), now })
}

pub(crate) fn notable_jobs(
    connection: &Connection,
    which: Notable,
    limit: usize,
    now: Timestamp,
) -> rusqlite::Result<Vec<Job>> {
    // Places are found in an index that holds little else, before rows are read.
    let (chosen, order) = match which {
        Notable::Newest => ("?1 = ?1", "seq DESC"),
        // Named, because the planner would rather look through the newest jobs, however few of them failed.
        Notable::NewestFailed => (
            "seq IN (SELECT seq FROM jobs INDEXED BY jobs_ended_badly WHERE ?1 = ?1 AND status = 'failed' \
             AND status IN ('failed', 'cancelled') ORDER BY seq DESC LIMIT ?2)",
            "seq DESC",
        ),
        Notable::LongestQueued => (
            "seq IN (SELECT seq FROM jobs INDEXED BY jobs_ready WHERE ?1 = ?1 AND status = 'queued' AND blocked = 0 \
             ORDER BY scheduled_at, seq LIMIT ?2)",
            "scheduled_at, seq",
        ),
        Notable::Stuck => (
            "status = 'active' AND (lease_expires_at < ?1 OR started_at + timeout_us < ?1)",
            "started_at, seq",
        ),
    };
    let sql = format!("SELECT {JOB_COLUMNS} FROM jobs WHERE {chosen} ORDER BY {order} LIMIT ?2");
    connection
        .prepare_cached(&sql)?
        .query_map(params![now.as_micros(), i64::try_from(limit).unwrap_or(i64::MAX)], rows::job)?
        .collect()
}
