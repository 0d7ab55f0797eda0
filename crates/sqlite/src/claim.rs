//! `claim`: due jobs become active under fresh leases.

use std::collections::HashMap;

use rusqlite::{CachedStatement, Connection, OptionalExtension, params};
use upnext_core::backend::{Claim, ClaimRequest};
use upnext_core::transition::SUSPECT_LOSSES;
use upnext_core::{ClaimedJob, LeaseToken, RawJson, Timestamp};

use crate::allowance::Allowances;
use crate::lane::Transaction;
use crate::{gate, rows};

/// Delayed jobs that one claim moves into the queue, which bounds how long it may take (a few hundred milliseconds). Only
/// when more than these become due together may a less urgent one be given first.
const MAX_PROMOTED: usize = 50_000;

pub(crate) fn claim(transaction: &mut Transaction<'_>, request: &ClaimRequest) -> rusqlite::Result<Claim> {
    let now = transaction.now;
    if request.limit == 0 {
        return Ok(Claim { now, ..Claim::default() });
    }
    let mut next_due = next_due(transaction)?;
    if next_due.is_some_and(|due| due <= now) {
        promote_due(transaction)?;
        next_due = self::next_due(transaction)?;
    }
    let mut allowances = Allowances::read(transaction)?;
    let mut starts = HashMap::new();
    let mut jobs = Vec::new();
    let mut leasing = Leasing::prepare(transaction.connection)?;
    for candidate in candidates(transaction, request, &mut allowances)? {
        let function = &request.functions[candidate.function];
        if !allowances.take(function) {
            continue;
        }
        let job = leasing.lease(transaction, request, candidate.seq, allowances.counts(function))?;
        if job.cached.is_none() {
            *starts.entry(function.clone()).or_default() += 1;
        }
        jobs.push(job);
    }
    allowances.note_starts(transaction, &starts)?;
    let next_due = [next_due, allowances.next_start].into_iter().flatten().min();
    Ok(Claim { jobs, next_due, now })
}

/// The statements of a lease, looked up once for a whole claim.
struct Leasing<'a> {
    read: CachedStatement<'a>,
    write: CachedStatement<'a>,
}

impl<'a> Leasing<'a> {
    fn prepare(connection: &'a Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            read: connection.prepare_cached(include_str!("../queries/claim_job.sql"))?,
            write: connection.prepare_cached(include_str!("../queries/claim.sql"))?,
        })
    }

    /// Makes a job active, and finds the result that it shares, if there is one.
    fn lease(
        &mut self,
        transaction: &mut Transaction<'_>,
        request: &ClaimRequest,
        seq: i64,
        limited: bool,
    ) -> rusqlite::Result<ClaimedJob> {
        let token = LeaseToken::fresh();
        let expires = transaction.now.after(request.lease);
        let (mut job, cache_key) = self.read.query_row(params![seq, SUSPECT_LOSSES], |row| {
            Ok((rows::claimed_job(row, token, expires)?, row.get::<_, Option<String>>(12)?))
        })?;
        let (now, change) = (transaction.now.as_micros(), transaction.next_change());
        let worker = request.worker.as_str();
        self.write.execute(params![seq, worker, token.get(), expires.as_micros(), now, change, limited])?;
        if let Some(key) = cache_key {
            job.cached = shared_result(transaction, &job, &key, seq)?;
        }
        Ok(job)
    }
}

/// The result that a job shares, if there is one: it is marked, so that it is not shared again.
fn shared_result(
    transaction: &Transaction<'_>,
    job: &ClaimedJob,
    key: &str,
    seq: i64,
) -> rusqlite::Result<Option<RawJson>> {
    let (connection, now) = (transaction.connection, transaction.now.as_micros());
    let mut find = connection.prepare_cached(include_str!("../queries/cached_result.sql"))?;
    let found = find.query_row(params![job.function, key, now], |row| row.get::<_, String>(0)).optional()?;
    if found.is_some() {
        connection.prepare_cached(include_str!("../queries/cached_job.sql"))?.execute([seq])?;
    }
    Ok(found.map(RawJson::trusted))
}

fn next_due(transaction: &Transaction<'_>) -> rusqlite::Result<Option<Timestamp>> {
    let mut statement =
        transaction.connection.prepare_cached(include_str!("../queries/claim_next_due.sql"))?;
    statement.query_row([], |row| rows::moment(row, 0))
}

fn promote_due(transaction: &mut Transaction<'_>) -> rusqlite::Result<()> {
    let due: Vec<(i64, bool)> = transaction
        .connection
        .prepare_cached(include_str!("../queries/claim_due.sql"))?
        .query_map(params![transaction.now.as_micros(), MAX_PROMOTED], |row| Ok((row.get(0)?, row.get(1)?)))?
        .collect::<Result<_, _>>()?;
    for (seq, has_gate) in due {
        let change = transaction.next_change();
        let blocked = has_gate && gate::is_full_for(transaction, seq)?;
        let mut promote =
            transaction.connection.prepare_cached(include_str!("../queries/claim_promote.sql"))?;
        promote.execute(params![seq, change, blocked])?;
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
    /// Its place in the request.
    function: usize,
}

/// The most urgent jobs over all functions of the request. Each function's queue is an index range of its own, so this
/// reads at most `limit` entries of each queue that is not empty, however long it is.
fn candidates(
    transaction: &Transaction<'_>,
    request: &ClaimRequest,
    allowances: &mut Allowances,
) -> rusqlite::Result<Vec<Candidate>> {
    let mut statement = transaction.connection.prepare_cached(include_str!("../queries/claim_ready.sql"))?;
    let mut found = Vec::new();
    for (place, function) in request.functions.iter().enumerate() {
        let limit = allowances.of(transaction, function)?.unwrap_or(usize::MAX).min(request.limit);
        if limit == 0 {
            continue;
        }
        let mut rows = statement.query(params![function, limit])?;
        while let Some(row) = rows.next()? {
            found.push(Candidate {
                seq: row.get(0)?,
                priority: std::cmp::Reverse(row.get(1)?),
                scheduled_at: row.get(2)?,
                function: place,
            });
        }
    }
    if request.suspect {
        found.extend(next_suspect(transaction, request, allowances)?);
        found.sort_unstable();
        found.truncate(request.limit);
    }
    if request.functions.len() > 1 {
        found.sort_unstable();
        // A function that is offered twice was read twice.
        found.dedup_by_key(|candidate| candidate.seq);
        found.truncate(request.limit);
    }
    Ok(found)
}

/// The most urgent job that must not lose one more worker, if there is one.
fn next_suspect(
    transaction: &Transaction<'_>,
    request: &ClaimRequest,
    allowances: &mut Allowances,
) -> rusqlite::Result<Option<Candidate>> {
    let mut statement =
        transaction.connection.prepare_cached(include_str!("../queries/claim_suspect.sql"))?;
    let mut next: Option<Candidate> = None;
    for (place, function) in request.functions.iter().enumerate() {
        let found = statement
            .query_row([function], |row| {
                Ok(Candidate {
                    seq: row.get(0)?,
                    priority: std::cmp::Reverse(row.get(1)?),
                    scheduled_at: row.get(2)?,
                    function: place,
                })
            })
            .optional()?;
        if let Some(found) = found
            && next.as_ref().is_none_or(|next| found < *next)
            && allowances.of(transaction, function)? != Some(0)
        {
            next = Some(found);
        }
    }
    Ok(next)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on may as well end")]
mod tests {
    use rusqlite::Connection;

    #[test]
    fn a_claim_reads_nothing_but_the_index_of_what_is_ready() {
        let database = Connection::open_in_memory().unwrap();
        for migration in crate::connection::MIGRATIONS {
            database.execute_batch(migration).unwrap();
        }
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
