//! Filing: puts artifacts into the indexes that lists are narrowed and sorted by.
//!
//! A durable commit costs what it writes, and every index is another page. So artifacts are recorded without these
//! indexes, which are partial (`WHERE filed = 1`), and filed many at a time: by the writer when it has nothing else to
//! do or too many have come together, and by whoever lists before it looks.

use rusqlite::{Connection, params};

use crate::lane::Transaction;

/// Artifacts that are filed in one transaction.
const BATCH: usize = 2000;

/// The writer files at the latest when it has recorded so many.
pub(crate) const MOST_UNFILED: usize = 128;

/// Files the next artifacts. True when there may be more.
pub(crate) fn file_some(transaction: &Transaction<'_>) -> rusqlite::Result<bool> {
    let connection = transaction.connection;
    let from = filed(connection)?;
    let (last, count): (Option<i64>, usize) = connection
        .prepare_cached(include_str!("../queries/file_artifacts_last.sql"))?
        .query_row(params![from, BATCH], |row| Ok((row.get(0)?, row.get(1)?)))?;
    let Some(last) = last else { return Ok(false) };
    connection.prepare_cached(include_str!("../queries/file_artifacts.sql"))?.execute(params![from, last])?;
    connection.prepare_cached(include_str!("../queries/filed_set.sql"))?.execute([last])?;
    Ok(count == BATCH)
}

/// The last artifact that was filed.
pub(crate) fn filed(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached(include_str!("../queries/filed.sql"))?.query_row([], |row| row.get(0))
}
