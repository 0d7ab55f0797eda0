//! The gate: jobs of one function with the same concurrency key run only so many at once.
//!
//! A job holds a place from when it enters the queue unblocked until it leaves the running ones. Those that find no place are
//! `blocked`, which keeps them out of the index that claims read; whoever gives a place up lets the next one in. So a claim
//! knows nothing of gates, and a key with a million waiting jobs is in nobody's way.
//!
//! Nobody decides about a gate without its lock; who needs several takes them in the order of function and key.

use crate::database::Transaction;
use crate::faults::Result;
use crate::params::params;

/// A gate of some function. Sorts in the order of locking.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Gate {
    pub(crate) function: String,
    pub(crate) key: String,
}

/// True when a job that enters the queue has to wait behind others with its key.
pub(crate) async fn is_full(transaction: &Transaction<'_>, gate: &Gate, limit: i32) -> Result<bool> {
    lock(transaction, gate).await?;
    Ok(places_taken(transaction, gate).await? >= i64::from(limit))
}

/// After jobs have given their places up: lets in who fits.
pub(crate) async fn places_given_up(transaction: &mut Transaction<'_>, mut gates: Vec<Gate>) -> Result<()> {
    gates.sort_unstable();
    gates.dedup();
    for gate in gates {
        lock(transaction, &gate).await?;
        let mut taken = places_taken(transaction, &gate).await?;
        while let Some((next, limit)) = next_blocked(transaction, &gate).await?
            && taken < i64::from(limit)
        {
            transaction.all(include_str!("../queries/gate_open.sql"), params![next]).await?;
            transaction.work_available();
            taken += 1;
        }
    }
    Ok(())
}

async fn lock(transaction: &Transaction<'_>, gate: &Gate) -> Result<()> {
    let sql = include_str!("../queries/gate_lock.sql");
    transaction.all(sql, params![gate.function, gate.key]).await.map(drop)
}

async fn places_taken(transaction: &Transaction<'_>, gate: &Gate) -> Result<i64> {
    let sql = include_str!("../queries/gate_taken.sql");
    Ok(transaction.one(sql, params![gate.function, gate.key]).await?.try_get(0)?)
}

async fn next_blocked(transaction: &Transaction<'_>, gate: &Gate) -> Result<Option<(i64, i32)>> {
    let sql = include_str!("../queries/gate_next.sql");
    let next = transaction.optional(sql, params![gate.function, gate.key]).await?;
    next.map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).transpose()
}
