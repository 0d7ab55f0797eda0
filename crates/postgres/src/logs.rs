//! Reading the log lines of a job.

use tokio_postgres::Row;
use upnext_core::backend::{LogEntry, LogLine, LogQuery};
use upnext_core::{JobId, Timestamp};

use crate::database::Connection;
use crate::faults::Result;
use crate::params::{count, job_uuid, params};
use crate::rows;

/// Lines that are read at once while those that are wanted are looked for.
const AT_ONCE: usize = 1000;

pub(crate) async fn list_logs(
    connection: &Connection<'_>,
    job: JobId,
    query: &LogQuery,
) -> Result<Vec<LogLine>> {
    let id = job_uuid(job);
    let (mut after, mut before) = (query.after, i64::MAX);
    let mut lines: Vec<LogLine> = Vec::new();
    while lines.len() < query.limit {
        let many = count(AT_ONCE);
        let rows = if query.newest {
            let sql = include_str!("../queries/list_logs_newest.sql");
            connection.all(sql, params![id, after, many, before]).await?
        } else {
            connection.all(include_str!("../queries/list_logs.sql"), params![id, after, many]).await?
        };
        for row in &rows {
            let line = line(row)?;
            if query.newest {
                before = line.sequence;
            } else {
                after = line.sequence;
            }
            if lines.len() < query.limit && query.admits(&line) {
                lines.push(line);
            }
        }
        if rows.len() < AT_ONCE {
            break;
        }
    }
    if query.newest {
        lines.reverse();
    }
    Ok(lines)
}

fn line(row: &Row) -> Result<LogLine> {
    Ok(LogLine {
        sequence: row.try_get(0)?,
        attempt: rows::small(row, 1)?,
        entry: LogEntry {
            at: Timestamp::from_micros(row.try_get(2)?),
            level: row.try_get(3)?,
            message: row.try_get(4)?,
            extra: rows::json(row, 5)?,
        },
    })
}
