//! Reading pages of jobs and artifacts, attempts, logs and changes.
//!
//! Statements of fixed shape are files under `queries/`; the two listings put theirs together from fixed terms, because
//! a single statement with optional filters (`?1 IS NULL OR ...`) could use no index.

use rusqlite::types::{ToSql, Value};
use rusqlite::{Connection, params_from_iter};
use upnext_core::backend::{ArtifactQuery, Changes, Cursor, JobChange, JobQuery, LogEntry, LogLine, Page};
use upnext_core::{Artifact, Attempt, Job, JobId, Timestamp};

use crate::control::outcome_word;
use crate::rows::{self, ARTIFACT_COLUMNS, JOB_COLUMNS};

/// Terms of a WHERE clause with their values.
#[derive(Default)]
struct Filter {
    terms: Vec<&'static str>,
    values: Vec<Value>,
}

impl Filter {
    fn add(&mut self, term: &'static str, value: impl Into<Value>) {
        self.terms.push(term);
        self.values.push(value.into());
    }

    fn add_if<T: Into<Value>>(&mut self, term: &'static str, value: Option<T>) {
        if let Some(value) = value {
            self.add(term, value);
        }
    }

    fn sql(&self) -> String {
        if self.terms.is_empty() { String::new() } else { format!("WHERE {}", self.terms.join(" AND ")) }
    }

    fn count(&self, connection: &Connection, from: &str) -> rusqlite::Result<u64> {
        let sql = format!("SELECT count(*) FROM {from} {}", self.sql());
        let count: i64 =
            connection.prepare_cached(&sql)?.query_row(params_from_iter(&self.values), |row| row.get(0))?;
        Ok(u64::try_from(count).unwrap_or(0))
    }
}

/// One page: asks for one row more than wanted, which tells whether there is a next page.
fn page<T>(
    connection: &Connection,
    sql: &str,
    filter: &Filter,
    limit: usize,
    total: u64,
    read: fn(&rusqlite::Row<'_>) -> rusqlite::Result<T>,
    seq_column: usize,
) -> rusqlite::Result<Page<T>> {
    let more = i64::try_from(limit.saturating_add(1)).unwrap_or(i64::MAX);
    let values: Vec<&dyn ToSql> =
        filter.values.iter().map(|value| value as &dyn ToSql).chain([&more as &dyn ToSql]).collect();
    let mut rows: Vec<(i64, T)> = connection
        .prepare_cached(sql)?
        .query_map(values.as_slice(), |row| Ok((row.get(seq_column)?, read(row)?)))?
        .collect::<Result<_, _>>()?;
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| has_more).map(|(seq, _)| Cursor(*seq));
    Ok(Page { items: rows.into_iter().map(|(_, item)| item).collect(), total, next })
}

fn id_value(id: JobId) -> Value {
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

pub(crate) fn list_jobs(connection: &Connection, query: &JobQuery) -> rusqlite::Result<Page<Job>> {
    let mut filter = Filter::default();
    filter.add_if("function = ?", query.function.clone());
    filter.add_if("worker_id = ?", query.worker_id.clone());
    filter.add_if("created_at >= ?", query.after.map(Timestamp::as_micros));
    filter.add_if("created_at < ?", query.before.map(Timestamp::as_micros));
    if let Some(root) = query.root_id {
        filter.add("(root_id = ? OR id = ?)", id_value(root));
        filter.values.push(id_value(root));
    }
    if !query.statuses.is_empty() {
        let words: Vec<&str> = query.statuses.iter().map(|status| status.as_str()).collect();
        filter.add(
            "status IN (SELECT value FROM json_each(?))",
            serde_json::to_string(&words).unwrap_or_default(),
        );
    }
    let total = filter.count(connection, "jobs")?;
    filter.add_if("seq < ?", query.cursor.map(|cursor| cursor.0));
    let sql = format!("SELECT {JOB_COLUMNS} FROM jobs {} ORDER BY seq DESC LIMIT ?", filter.sql());
    page(connection, &sql, &filter, query.limit, total, rows::job, 29)
}

pub(crate) fn list_artifacts(
    connection: &Connection,
    query: &ArtifactQuery,
) -> rusqlite::Result<Page<Artifact>> {
    const TABLES: &str = "artifacts a JOIN jobs j ON j.seq = a.job JOIN blobs b ON b.blob = a.blob";
    let mut filter = Filter::default();
    filter.add_if("a.job = (SELECT seq FROM jobs WHERE id = ?)", query.job_id.map(id_value));
    filter.add_if("j.function = ?", query.function.clone());
    filter.add_if("a.type = ?", query.artifact_type.map(|kind| kind.as_str().to_owned()));
    filter.add_if(
        "instr(coalesce(a.folded_name, a.name), ?) > 0",
        query.name_contains.as_deref().map(str::to_lowercase),
    );
    if !query.all_versions {
        filter.terms.push("a.latest = 1");
    }
    let counted = if query.function.is_some() { TABLES } else { "artifacts a" };
    let total = filter.count(connection, counted)?;
    filter.add_if("a.seq < ?", query.cursor.map(|cursor| cursor.0));
    let sql = format!("SELECT {ARTIFACT_COLUMNS} FROM {TABLES} {} ORDER BY a.seq DESC LIMIT ?", filter.sql());
    page(connection, &sql, &filter, query.limit, total, rows::artifact, 13)
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

pub(crate) fn list_logs(
    connection: &Connection,
    id: JobId,
    after: i64,
    limit: usize,
) -> rusqlite::Result<Vec<LogLine>> {
    connection
        .prepare_cached(include_str!("../queries/list_logs.sql"))?
        .query_map(rusqlite::params![id.as_bytes(), after, limit], |row| {
            Ok(LogLine {
                sequence: row.get(0)?,
                attempt: row.get(1)?,
                entry: LogEntry {
                    at: Timestamp::from_micros(row.get(2)?),
                    level: row.get(3)?,
                    message: row.get(4)?,
                    extra: rows::json(row, 5)?,
                },
            })
        })?
        .collect()
}

pub(crate) fn changes_since(
    connection: &Connection,
    cursor: Option<i64>,
    limit: usize,
) -> rusqlite::Result<Changes> {
    let Some(after) = cursor else {
        let mut newest = connection.prepare_cached(include_str!("../queries/last_change.sql"))?;
        return Ok(Changes { jobs: Vec::new(), cursor: newest.query_row([], |row| row.get(0))? });
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
    let cursor = jobs.last().map_or(after, |change| change.sequence);
    Ok(Changes { jobs, cursor })
}
