//! `claim`: due jobs become active under fresh leases.

use rusqlite::params;
use upnext_core::backend::{Claim, ClaimRequest};
use upnext_core::{LeaseToken, Timestamp};

use crate::lane::Transaction;
use crate::rows;

/// Delayed jobs that one claim moves into the queue, which bounds how long it may take (a few hundred milliseconds). Only
/// when more than these become due together may a less urgent one be given first.
const MAX_PROMOTED: usize = 50_000;

pub(crate) fn claim(transaction: &mut Transaction<'_>, request: &ClaimRequest) -> rusqlite::Result<Claim> {
    if request.limit == 0 {
        return Ok(Claim::default());
    }
    let mut next_due = next_due(transaction)?;
    if next_due.is_some_and(|due| due <= transaction.now) {
        promote_due(transaction)?;
        next_due = self::next_due(transaction)?;
    }
    let expires = transaction.now.after(request.lease);
    let mut jobs = Vec::new();
    for candidate in candidates(transaction, request)? {
        let token = LeaseToken::fresh();
        let change = transaction.next_change();
        let mut statement = transaction.connection.prepare_cached(include_str!("../queries/claim.sql"))?;
        jobs.push(statement.query_row(
            params![
                candidate.seq,
                request.worker.as_str(),
                token.get(),
                expires.as_micros(),
                transaction.now.as_micros(),
                change
            ],
            |row| rows::claimed_job(row, token, expires),
        )?);
    }
    Ok(Claim { jobs, next_due })
}

fn next_due(transaction: &Transaction<'_>) -> rusqlite::Result<Option<Timestamp>> {
    let mut statement =
        transaction.connection.prepare_cached(include_str!("../queries/claim_next_due.sql"))?;
    statement.query_row([], |row| rows::moment(row, 0))
}

fn promote_due(transaction: &mut Transaction<'_>) -> rusqlite::Result<()> {
    let due: Vec<i64> = transaction
        .connection
        .prepare_cached(include_str!("../queries/claim_due.sql"))?
        .query_map(params![transaction.now.as_micros(), MAX_PROMOTED], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    for seq in due {
        let change = transaction.next_change();
        let mut promote =
            transaction.connection.prepare_cached(include_str!("../queries/claim_promote.sql"))?;
        promote.execute([seq, change])?;
    }
    // Others may offer these functions.
    transaction.work_available();
    Ok(())
}

/// A job that can be claimed. Sorts in the order of claiming.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    priority: std::cmp::Reverse<i64>,
    scheduled_at: i64,
    seq: i64,
}

/// The most urgent jobs over all functions of the request. Each function's queue is an index range of its own, so this
/// reads at most `limit` entries of each queue that is not empty, however long it is.
fn candidates(transaction: &Transaction<'_>, request: &ClaimRequest) -> rusqlite::Result<Vec<Candidate>> {
    let paused: Vec<String> = transaction
        .connection
        .prepare_cached(include_str!("../queries/claim_paused.sql"))?
        .query_map([], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    let mut statement = transaction.connection.prepare_cached(include_str!("../queries/claim_ready.sql"))?;
    let mut found = Vec::new();
    for function in request.functions.iter().filter(|function| !paused.contains(function)) {
        let mut rows = statement.query(params![function, request.limit])?;
        while let Some(row) = rows.next()? {
            found.push(Candidate {
                seq: row.get(0)?,
                priority: std::cmp::Reverse(row.get(1)?),
                scheduled_at: row.get(2)?,
            });
        }
    }
    if request.functions.len() > 1 {
        found.sort_unstable();
        // A function that is offered twice was read twice.
        found.dedup();
        found.truncate(request.limit);
    }
    Ok(found)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on may as well end")]
mod tests {
    use rusqlite::Connection;

    #[test]
    fn a_claim_reads_nothing_but_the_index_of_what_is_ready() {
        let database = Connection::open_in_memory().unwrap();
        database.execute_batch(include_str!("../migrations/0001_init.sql")).unwrap();
        let explained = concat!("EXPLAIN QUERY PLAN ", include_str!("../queries/claim_ready.sql"));
        let mut statement = database.prepare(explained).unwrap();
        let steps: Vec<String> = statement
            .query_map(rusqlite::params!["f", 10], |row| row.get("detail"))
            .unwrap()
            .collect::<Result<_, _>>()
            .unwrap();
        // One step: neither the table nor a sort, both of which would grow with the queue.
        assert_eq!(steps, ["SEARCH jobs USING COVERING INDEX jobs_ready (function=?)"]);
    }
}
