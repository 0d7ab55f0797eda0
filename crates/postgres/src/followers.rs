//! What servers keep here for themselves: `hold_cursor`, `keep_secret`.

use upnext_core::backend::CursorHold;

use crate::database::Transaction;
use crate::faults::{Fault, Result};
use crate::params::params;
use crate::rows;

pub(crate) async fn hold_cursor(transaction: &Transaction<'_>, hold: &CursorHold) -> Result<Option<i64>> {
    let now = transaction.now.as_micros();
    let until = now.saturating_add(rows::stored_micros(hold.lease));
    let present: i64 = transaction.one(include_str!("../queries/last_change.sql"), &[]).await?.try_get(0)?;
    let held = transaction
        .optional(
            include_str!("../queries/hold_cursor.sql"),
            params![hold.name.as_str(), hold.holder.as_str(), hold.place, now, until, present],
        )
        .await?;
    held.map(|row| Ok(row.try_get(0)?)).transpose()
}

pub(crate) async fn keep_secret(
    transaction: &Transaction<'_>,
    name: &str,
    fresh: [u8; 32],
) -> Result<[u8; 32]> {
    let sql = include_str!("../queries/keep_secret.sql");
    let kept = transaction.one(sql, params![name, fresh.as_slice()]).await?;
    let bytes: &[u8] = kept.try_get(0)?;
    bytes.try_into().map_err(|_| Fault::unexpected("a secret has 32 bytes"))
}
