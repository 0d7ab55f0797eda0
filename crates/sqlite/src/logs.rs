//! Reading the log lines of a job.

use rusqlite::{Connection, Row, params};
use upnext_core::backend::{LogEntry, LogLine, LogQuery};
use upnext_core::{JobId, Timestamp};

use crate::rows;

pub(crate) fn list_logs(
    connection: &Connection,
    job: JobId,
    query: &LogQuery,
) -> rusqlite::Result<Vec<LogLine>> {
    let sql = if query.newest {
        include_str!("../queries/list_logs_newest.sql")
    } else {
        include_str!("../queries/list_logs.sql")
    };
    let mut statement = connection.prepare_cached(sql)?;
    let mut rows = statement.query(params![job.as_bytes(), query.after])?;
    let mut lines = Vec::new();
    while lines.len() < query.limit
        && let Some(row) = rows.next()?
    {
        lines.extend(Some(line(row)?).filter(|line| query.admits(line)));
    }
    if query.newest {
        lines.reverse();
    }
    Ok(lines)
}

fn line(row: &Row<'_>) -> rusqlite::Result<LogLine> {
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
}
