//! Reading pages of jobs, attempts and changes.
//!
//! Statements of fixed shape are files under `queries/`; listings put theirs together from fixed terms, because a single
//! statement with optional filters (`?1 IS NULL OR ...`) could use no index.

use rusqlite::types::{ToSql, Value};
use rusqlite::{Connection, params, params_from_iter};
use upnext_core::backend::{ArtifactChange, ArtifactChangeKind, Changes, Cursor, Feed, JobChange};
use upnext_core::{ArtifactId, Attempt, Job, JobId, Timestamp};

use crate::control::outcome_word;
use crate::rows::{self, JOB_COLUMNS};

/// Terms of a WHERE clause with their values.
#[derive(Clone, Default)]
pub(crate) struct Filter {
    pub(crate) terms: Vec<&'static str>,
    pub(crate) values: Vec<Value>,
}

impl Filter {
    pub(crate) fn add(&mut self, term: &'static str, value: impl Into<Value>) {
        self.terms.push(term);
        self.values.push(value.into());
    }

    pub(crate) fn add_if<T: Into<Value>>(&mut self, term: &'static str, value: Option<T>) {
        if let Some(value) = value {
            self.add(term, value);
        }
    }

    /// These terms and those of another.
    pub(crate) fn and(mut self, other: &Self) -> Self {
        self.terms.extend(&other.terms);
        self.values.extend(other.values.iter().cloned());
        self
    }

    pub(crate) fn sql(&self) -> String {
        if self.terms.is_empty() { String::new() } else { format!("WHERE {}", self.terms.join(" AND ")) }
    }

    pub(crate) fn count(&self, connection: &Connection, from: &str) -> rusqlite::Result<u64> {
        let sql = format!("SELECT count(*) FROM {from} {}", self.sql());
        let count: i64 =
            connection.prepare_cached(&sql)?.query_row(params_from_iter(&self.values), |row| row.get(0))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }
}

/// The rows of one page, each with its place: asks for one row more than wanted, which tells whether there is a next page.
pub(crate) fn page_rows<T>(
    connection: &Connection,
    sql: &str,
    filter: &Filter,
    limit: usize,
    read: impl Fn(&rusqlite::Row<'_>) -> rusqlite::Result<(Cursor, T)>,
) -> rusqlite::Result<(Vec<T>, Option<Cursor>)> {
    let more = i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX);
    let values: Vec<&dyn ToSql> =
        filter.values.iter().map(|value| value as &dyn ToSql).chain([&more as &dyn ToSql]).collect();
    let mut rows: Vec<(Cursor, T)> = connection
        .prepare_cached(sql)?
        .query_map(values.as_slice(), |row| read(row))?
        .collect::<Result<_, _>>()?;
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| has_more).map(|(cursor, _)| cursor.clone());
    Ok((rows.into_iter().map(|(_, item)| item).collect(), next))
}

/// The tag that the fewest things have, so that a list walks as few rows as it can. `count` tells how many have a tag (`?1`), as
/// far as is counted (`?2`).
pub(crate) fn rarest_tag<'a>(
    connection: &Connection,
    tags: &'a [String],
    count: &str,
    counted: u64,
) -> rusqlite::Result<Option<&'a String>> {
    if tags.len() < 2 {
        return Ok(tags.first());
    }
    let mut count = connection.prepare_cached(count)?;
    let mut rarest: Option<(i64, &String)> = None;
    for tag in tags {
        let found = count.query_row(params![tag, counted], |row| row.get(0))?;
        if rarest.is_none_or(|(fewest, _)| found < fewest) {
            rarest = Some((found, tag));
        }
    }
    Ok(rarest.map(|(_, tag)| tag))
}

pub(crate) fn id_value(id: JobId) -> Value {
    Value::Blob(id.as_bytes().to_vec())
}

pub(crate) fn find_jobs(connection: &Connection, ids: &[JobId]) -> rusqlite::Result<Vec<Job>> {
    let mut statement =
        connection.prepare_cached(&format!("SELECT {JOB_COLUMNS} FROM jobs WHERE id = ?1"))?;
    let mut jobs = Vec::with_capacity(ids.len());
    for id in ids {
        let mut rows = statement.query([id.as_bytes()])?;
        while let Some(row) = rows.next()? {
            jobs.push(rows::job(row)?);
        }
    }
    Ok(jobs)
}

pub(crate) fn list_attempts(connection: &Connection, id: JobId) -> rusqlite::Result<Vec<Attempt>> {
    let mut attempts: Vec<Attempt> = connection
        .prepare_cached(include_str!("../queries/list_attempts.sql"))?
        .query_map([id.as_bytes()], |row| {
            Ok(Attempt {
                number: row.get(0)?,
                worker_id: row.get(1)?,
                started_at: rows::moment(row, 2)?,
                ended_at: rows::moment(row, 3)?,
                outcome: row.get(4)?,
                error: row.get(5)?,
                traceback: row.get(6)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    let Some(job) = find_jobs(connection, &[id])?.pop() else { return Ok(attempts) };
    let in_history = attempts.last().is_some_and(|last| last.number >= job.attempts);
    if job.attempts > 0 && !in_history {
        attempts.push(Attempt {
            number: job.attempts,
            worker_id: job.worker_id,
            started_at: job.started_at,
            ended_at: job.completed_at,
            outcome: outcome_word(job.status, job.failure_reason).to_owned(),
            error: job.error,
            traceback: job.traceback,
        });
    }
    Ok(attempts)
}

pub(crate) fn changes_since(
    connection: &Connection,
    cursor: Option<i64>,
    limit: usize,
    feed: Feed,
) -> rusqlite::Result<Changes> {
    let Some(after) = cursor else {
        let mut newest = connection.prepare_cached(include_str!("../queries/last_change.sql"))?;
        return Ok(Changes { cursor: newest.query_row([], |row| row.get(0))?, ..Changes::default() });
    };
    let jobs: Vec<JobChange> = connection
        .prepare_cached(include_str!("../queries/changes_since.sql"))?
        .query_map(rusqlite::params![after, limit], |row| {
            Ok(JobChange {
                sequence: row.get(0)?,
                id: JobId::from_bytes(row.get(1)?),
                status: rows::word(row, 2)?,
            })
        })?
        .collect::<Result<_, _>>()?;
    // What comes after the last job of a full page is cut off anyway.
    let until = jobs.last().filter(|_| jobs.len() >= limit).map_or(i64::MAX, |last| last.sequence);
    let mut changes = Changes { jobs, ..Changes::default() };
    if feed == Feed::Everything {
        changes.artifacts = artifact_changes(connection, after, until, limit)?;
    }
    cut(&mut changes, limit);
    let last =
        [changes.jobs.last().map(|change| change.sequence), changes.artifacts.last().map(|c| c.sequence)];
    changes.cursor = last.into_iter().flatten().max().unwrap_or(after);
    Ok(changes)
}

/// Keeps the first `limit` of jobs and artifacts together, so that no change before the cursor is left out.
fn cut(changes: &mut Changes, limit: usize) {
    let jobs = changes.jobs.iter().map(|change| change.sequence);
    let mut sequences: Vec<i64> =
        jobs.chain(changes.artifacts.iter().map(|change| change.sequence)).collect();
    sequences.sort_unstable();
    if let Some(&first_left_out) = sequences.get(limit) {
        changes.jobs.retain(|change| change.sequence < first_left_out);
        changes.artifacts.retain(|change| change.sequence < first_left_out);
    }
}

fn artifact_changes(
    connection: &Connection,
    after: i64,
    mut until: i64,
    limit: usize,
) -> rusqlite::Result<Vec<ArtifactChange>> {
    let mut changes: Vec<ArtifactChange> = Vec::new();
    // The last of these passes over artifacts that are of no interest, and so must not look farther than the others fill.
    for sql in [
        include_str!("../queries/changes_since_updates.sql"),
        include_str!("../queries/changes_since_creations.sql"),
        include_str!("../queries/changes_since_artifacts.sql"),
    ] {
        let mut statement = connection.prepare_cached(sql)?;
        let found = statement.query_map(rusqlite::params![after, limit, until], |row| {
            let kind = if row.get(3)? { ArtifactChangeKind::Created } else { ArtifactChangeKind::Updated };
            artifact_change(row, kind, None)
        })?;
        let found: Vec<ArtifactChange> = found.collect::<Result<_, _>>()?;
        if let Some(last) = found.last().filter(|_| found.len() >= limit) {
            until = until.min(last.sequence);
        }
        changes.extend(found);
    }
    let mut deletions = connection.prepare_cached(include_str!("../queries/changes_since_deletions.sql"))?;
    let deleted = deletions.query_map(rusqlite::params![after, limit, until], |row| {
        artifact_change(row, ArtifactChangeKind::Deleted, rows::moment(row, 3)?)
    })?;
    for change in deleted {
        changes.push(change?);
    }
    changes.sort_unstable_by_key(|change: &ArtifactChange| change.sequence);
    Ok(changes)
}

fn artifact_change(
    row: &rusqlite::Row<'_>,
    kind: ArtifactChangeKind,
    deleted_at: Option<Timestamp>,
) -> rusqlite::Result<ArtifactChange> {
    Ok(ArtifactChange {
        sequence: row.get(0)?,
        id: ArtifactId::from_bytes(row.get(1)?),
        job_id: JobId::from_bytes(row.get(2)?),
        kind,
        deleted_at,
    })
}
