//! The gate: jobs of one function with the same concurrency key run only so many at once.
//!
//! A job holds a place from when it enters the queue unblocked until it leaves the running ones. Those that find no place are
//! `blocked`, which keeps them out of the index that claims read; whoever gives a place up lets the next one in. So a claim
//! knows nothing of gates, and a key with a million waiting jobs is in nobody's way.

use rusqlite::{OptionalExtension, params};

use crate::lane::Transaction;

/// True when a job that enters the queue has to wait behind others with its key.
pub(crate) fn is_full(
    transaction: &Transaction<'_>,
    function: &str,
    key: &str,
    limit: u32,
) -> rusqlite::Result<bool> {
    Ok(places_taken(transaction, function, key)? >= limit)
}

/// The same for a job that is known already.
pub(crate) fn is_full_for(transaction: &Transaction<'_>, seq: i64) -> rusqlite::Result<bool> {
    let Some((function, key, limit)) = gate_of(transaction, seq)? else { return Ok(false) };
    is_full(transaction, &function, &key, limit)
}

/// After a job that may have a key has given its place up: lets in who fits.
pub(crate) fn place_given_up(transaction: &mut Transaction<'_>, seq: i64) -> rusqlite::Result<()> {
    let Some((function, key, _)) = gate_of(transaction, seq)? else { return Ok(()) };
    let mut taken = places_taken(transaction, &function, &key)?;
    while let Some((next, limit)) = next_blocked(transaction, &function, &key)?
        && taken < limit
    {
        transaction.connection.prepare_cached(include_str!("../queries/gate_open.sql"))?.execute([next])?;
        transaction.work_available();
        taken += 1;
    }
    Ok(())
}

fn gate_of(transaction: &Transaction<'_>, seq: i64) -> rusqlite::Result<Option<(String, String, u32)>> {
    let mut find = transaction.connection.prepare_cached(include_str!("../queries/gate_of.sql"))?;
    find.query_row([seq], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).optional()
}

fn places_taken(transaction: &Transaction<'_>, function: &str, key: &str) -> rusqlite::Result<u32> {
    let mut count = transaction.connection.prepare_cached(include_str!("../queries/gate_taken.sql"))?;
    count.query_row(params![function, key], |row| row.get(0))
}

fn next_blocked(
    transaction: &Transaction<'_>,
    function: &str,
    key: &str,
) -> rusqlite::Result<Option<(i64, u32)>> {
    let mut find = transaction.connection.prepare_cached(include_str!("../queries/gate_next.sql"))?;
    find.query_row(params![function, key], |row| Ok((row.get(0)?, row.get(1)?))).optional()
}
