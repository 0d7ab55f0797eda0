//! What servers keep here for themselves: `hold_cursor`, `keep_secret`.

use rusqlite::{OptionalExtension, params};
use upnext_core::backend::CursorHold;

use crate::lane::Transaction;
use crate::rows;

pub(crate) fn hold_cursor(
    transaction: &mut Transaction<'_>,
    hold: &CursorHold,
) -> rusqlite::Result<Option<i64>> {
    let now = transaction.now.as_micros();
    let until = now.saturating_add(rows::stored_micros(hold.lease));
    transaction
        .connection
        .prepare_cached(include_str!("../queries/hold_cursor.sql"))?
        .query_row(params![hold.name, hold.holder, hold.place, now, until], |row| row.get(0))
        .optional()
}

pub(crate) fn keep_secret(
    transaction: &mut Transaction<'_>,
    name: &str,
    fresh: [u8; 32],
) -> rusqlite::Result<[u8; 32]> {
    transaction
        .connection
        .prepare_cached(include_str!("../queries/keep_secret.sql"))?
        .query_row(params![name, fresh], |row| row.get(0))
}
