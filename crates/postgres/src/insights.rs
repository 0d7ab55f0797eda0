//! Figures about jobs: `job_stats`, `job_trends`, `functions_ended`, `queue_depth`, `notable_jobs`; and the counting of ends
//! while they happen.
//!
//! A transaction collects the ends of all of its requests in an [`EndTally`], and adds them to `job_hours` once when it
//! commits: one row for each function and hour, however many jobs ended.

use tokio_postgres::Row;
use upnext_core::insight::{
    Depth, EndCounts, EndTally, Ended, FunctionEnded, Hour, JobStats, Notable, QueueDepth, StatsQuery,
    TrendHour, TrendsQuery,
};
use upnext_core::{Job, JobType, Timestamp};

use crate::database::{Connection, Transaction};
use crate::faults::Result;
use crate::params::{Param, count as stored_count, params};
use crate::rows::{self, JOB_COLUMNS, JOB_TABLES, count};

/// Hours that are kept although the jobs counted in them are gone: the most that trends show.
const HOURS_KEPT: u32 = 168;

/// An [`EndTally`] as columns of `queries/job_hours_add.sql`.
pub(crate) struct TallyColumns {
    hours: Vec<i64>,
    functions: Vec<String>,
    types: Vec<&'static str>,
    counts: [Vec<i64>; 6],
}

impl TallyColumns {
    /// In one order for all transactions.
    pub(crate) fn of(tally: &EndTally) -> Self {
        let mut entries: Vec<&EndCounts> = tally.counts().iter().collect();
        entries.sort_unstable_by_key(|one| (one.hour, &one.function, one.job_type.as_str()));
        let of = |pick: fn(&EndCounts) -> i64| entries.iter().map(|one| pick(one)).collect();
        Self {
            hours: of(|one| one.hour.number()),
            functions: entries.iter().map(|one| one.function.clone()).collect(),
            types: entries.iter().map(|one| one.job_type.as_str()).collect(),
            counts: [
                of(|one| one.complete),
                of(|one| one.failed),
                of(|one| one.cancelled),
                of(|one| one.retrying),
                of(|one| one.timed),
                of(|one| one.duration_us),
            ],
        }
    }

    pub(crate) fn params(&self) -> Vec<&dyn Param> {
        let names: [&dyn Param; 3] = [&self.hours, &self.functions, &self.types];
        names.into_iter().chain(self.counts.iter().map(|counts| counts as &dyn Param)).collect()
    }
}

/// Takes back what a job that has ended was counted as: it is queued again, or somebody removes it.
pub(crate) async fn take_back(transaction: &mut Transaction<'_>, seq: i64) -> Result<()> {
    let found = transaction.optional(include_str!("../queries/job_hours_of.sql"), params![seq]).await?;
    if let Some(row) = found {
        let function: String = row.try_get(0)?;
        let ended_at = Timestamp::from_micros(row.try_get(4)?);
        let moments = (rows::moment(&row, 3)?, ended_at);
        transaction.tally.count(&function, rows::word(&row, 1)?, rows::word(&row, 2)?, moments, -1);
    }
    Ok(())
}

/// Forgets the hours in which nothing ended that is still there.
pub(crate) async fn expire(transaction: &Transaction<'_>, jobs_ended_before: Timestamp) -> Result<()> {
    let first = Hour::of(jobs_ended_before).min(Hour::of(transaction.now).back(HOURS_KEPT));
    let forget = include_str!("../queries/expire_job_hours.sql");
    transaction.all(forget, params![first.number()]).await.map(drop)
}

/// An [`Ended`] from five columns of a row, the first of which has this place.
fn ended(row: &Row, first: usize) -> Result<Ended> {
    Ok(Ended {
        complete: count(row, first)?,
        failed: count(row, first + 1)?,
        cancelled: count(row, first + 2)?,
        timed: count(row, first + 3)?,
        duration_micros: count(row, first + 4)?,
    })
}

pub(crate) async fn job_stats(connection: &Connection<'_>, query: &StatsQuery) -> Result<JobStats> {
    let after = query.after.map_or(i64::MIN, Timestamp::as_micros);
    let before = query.before.map_or(i64::MAX, Timestamp::as_micros).max(after);
    let function = query.function.as_deref();
    // Whole hours are added up; what the window holds of the hours at its ends is counted.
    let first = query.after.map_or(i64::MIN, |after| whole_from(after).number());
    let last = query.before.map_or(i64::MAX, |before| Hour::of(before).number());
    let mut ended = Ended::default();
    let mut edges = Vec::new();
    if first >= last {
        edges.push((after, before));
    } else {
        if query.after.is_some() {
            edges.push((after, Hour::from_number(first).begins().as_micros()));
        }
        if query.before.is_some() {
            edges.push((Hour::from_number(last).begins().as_micros(), before));
        }
        let hours = include_str!("../queries/job_stats_hours.sql");
        ended.add(&self::ended(&connection.one(hours, params![first, last, function]).await?, 0)?);
    }
    for (from, to) in edges.into_iter().filter(|(from, to)| from < to) {
        let rows = include_str!("../queries/job_stats_rows.sql");
        ended.add(&self::ended(&connection.one(rows, params![from, to, function]).await?, 0)?);
    }
    let moments = [query.after, query.before].map(|moment| moment.map(Timestamp::as_micros));
    let unfinished = include_str!("../queries/job_stats_unfinished.sql");
    let unfinished = connection.one(unfinished, params![moments[0], moments[1], function]).await?;
    Ok(JobStats { ended, unfinished: count(&unfinished, 0)? })
}

/// The first hour that lies wholly at or after a moment.
fn whole_from(moment: Timestamp) -> Hour {
    let hour = Hour::of(moment);
    if hour.begins() == moment { hour } else { hour.next() }
}

pub(crate) async fn job_trends(
    connection: &Connection<'_>,
    query: &TrendsQuery,
    now: Timestamp,
) -> Result<Vec<TrendHour>> {
    let hours = query.hours.max(1);
    let first = Hour::of(now).back(hours - 1);
    let (function, job_type) = (query.function.as_deref(), query.job_type.map(JobType::as_str));
    let mut trends: Vec<TrendHour> = (0..i64::from(hours))
        .map(|place| Hour::from_number(first.number() + place))
        .map(|hour| TrendHour { hour, complete: 0, failed: 0, retrying: 0, active: 0 })
        .collect();
    let place = |hour: i64| usize::try_from(hour - first.number()).ok();
    let ended = include_str!("../queries/job_trends_ended.sql");
    for row in connection.all(ended, params![first.number(), function, job_type]).await? {
        if let Some(trend) = place(row.try_get(0)?).and_then(|place| trends.get_mut(place)) {
            trend.complete = count(&row, 1)?;
            trend.failed = count(&row, 2)?;
            trend.retrying = count(&row, 3)?;
        }
    }
    let active = include_str!("../queries/job_trends_active.sql");
    for row in connection.all(active, params![function, job_type]).await? {
        if let Some(trend) = place(row.try_get(0)?).and_then(|place| trends.get_mut(place)) {
            trend.active = count(&row, 1)?;
        }
    }
    Ok(trends)
}

pub(crate) async fn functions_ended(connection: &Connection<'_>, since: Hour) -> Result<Vec<FunctionEnded>> {
    let sql = include_str!("../queries/functions_ended.sql");
    let rows = connection.all(sql, params![since.number()]).await?;
    rows.iter().map(|row| Ok(FunctionEnded { function: row.try_get(0)?, ended: ended(row, 1)? })).collect()
}

pub(crate) async fn queue_depth(connection: &Connection<'_>, now: Timestamp) -> Result<QueueDepth> {
    let rows = connection.all(include_str!("../queries/queue_depth.sql"), &[]).await?;
    let depth = |row: &Row| {
        let depth = Depth {
            queued: count(row, 1)?,
            oldest_queued: rows::moment(row, 2)?,
            pending: count(row, 3)?,
            retrying: count(row, 4)?,
            active: count(row, 5)?,
        };
        Ok((row.try_get(0)?, depth))
    };
    Ok(QueueDepth { functions: rows.iter().map(depth).collect::<Result<_>>()?, now })
}

pub(crate) async fn notable_jobs(
    connection: &Connection<'_>,
    which: Notable,
    limit: usize,
    now: Timestamp,
) -> Result<Vec<Job>> {
    // Places are found in an index that holds little else, before rows are read.
    let (chosen, order) = match which {
        Notable::Newest => ("true", "j.seq DESC"),
        Notable::NewestFailed => (
            "j.seq IN (SELECT job FROM upnext.ended WHERE status = 'failed' ORDER BY job DESC LIMIT $2)",
            "j.seq DESC",
        ),
        Notable::LongestQueued => (
            "j.seq IN (SELECT job FROM upnext.live WHERE status = 'queued' AND blocked = 0 \
             ORDER BY scheduled_at, job LIMIT $2)",
            "l.scheduled_at, j.seq",
        ),
        Notable::Stuck => (
            "j.seq IN (SELECT job FROM upnext.live WHERE status = 'active') \
             AND (l.lease_expires_at < $1 OR l.started_at + j.timeout_us < $1)",
            "l.started_at, j.seq",
        ),
    };
    let sql = format!(
        "SELECT {JOB_COLUMNS} FROM {JOB_TABLES} WHERE $1::bigint IS NOT NULL AND {chosen} ORDER BY {order} LIMIT $2"
    );
    let rows = connection.all(&sql, params![now.as_micros(), stored_count(limit)]).await?;
    rows.iter().map(rows::job).collect()
}
