//! `claim`: due jobs become active under fresh leases.

use std::collections::HashMap;

use tokio_postgres::Row;
use upnext_core::backend::{self, Claim, ClaimRequest};
use upnext_core::transition::SUSPECT_LOSSES;
use upnext_core::{ClaimedJob, LeaseToken, Timestamp};

use crate::allowance::Allowances;
use crate::database::{Connection, Database, Effects, Promise, Transaction, single, write};
use crate::faults::Result;
use crate::gate::{self, Gate};
use crate::params::{count, params, small};
use crate::rows;

/// Delayed jobs that one claim moves into the queue, which bounds how long it may take (a few hundred milliseconds). Only
/// when more than these become due together may a less urgent one be given first.
const MAX_PROMOTED: i64 = 50_000;

/// How many jobs more than it wants a claim looks at, since other claimers may be taking the first ones.
const ELBOW_ROOM: usize = 64;

/// How often a claim looks again when others took all it saw.
const MOST_LOOKS: usize = 20;

pub(crate) async fn claim(database: &Database, mut request: ClaimRequest) -> backend::Result<Claim> {
    once_each(&mut request);
    let mut room = ELBOW_ROOM;
    let mut promoted = false;
    for _ in 0..MOST_LOOKS {
        let seen = single!(database, |connection| claim_quickly(connection, &request, room))?;
        if !promoted && seen.next_due.is_some_and(|due| due <= seen.now) {
            write!(database, Promise::Soft, |transaction| promote_due(transaction))?;
            promoted = true;
            continue;
        }
        // What is still due comes from a moment ago, or was more than one claim moves.
        let next_due = seen.next_due;
        if seen.has_limits || next_due.is_some_and(|due| due <= seen.now) {
            return claim_carefully(database, &request).await;
        }
        // Others may have taken whatever was near; then there is more behind it.
        if !seen.jobs.is_empty() || seen.looked_at == 0 {
            if !seen.jobs.is_empty() {
                database.tell(Effects { changed: true, ..Effects::default() });
            }
            return Ok(Claim { jobs: seen.jobs, next_due, now: seen.now });
        }
        room *= 2;
    }
    claim_carefully(database, &request).await
}

/// A function that is offered twice would be read twice.
fn once_each(request: &mut ClaimRequest) {
    let mut functions = request.functions.to_vec();
    functions.sort_unstable();
    functions.dedup();
    request.functions = functions.into();
}

/// What the quick way found.
struct Seen {
    jobs: Vec<ClaimedJob>,
    now: Timestamp,
    next_due: Option<Timestamp>,
    has_limits: bool,
    looked_at: u64,
}

async fn claim_quickly(connection: &Connection<'_>, request: &ClaimRequest, room: usize) -> Result<Seen> {
    let functions: Vec<&str> = request.functions.iter().map(String::as_str).collect();
    let tokens = tokens(request.limit);
    let limit = count(request.limit);
    let looks = if request.limit == 0 { 0 } else { count(request.limit.saturating_add(room)) };
    let found = connection
        .all(
            include_str!("../queries/claim.sql"),
            params![
                connection.database.given_now(),
                functions,
                limit,
                looks,
                request.worker.as_str(),
                rows::stored_micros(request.lease),
                request.suspect && request.limit > 0,
                tokens,
                small(SUSPECT_LOSSES)
            ],
        )
        .await?;
    let Some(first) = found.first() else {
        return Err(crate::faults::Fault::unexpected("a claim was not answered"));
    };
    let now = Timestamp::from_micros(first.try_get(16)?);
    let (next_due, has_limits) = (rows::moment(first, 17)?, first.try_get(18)?);
    let looked_at = rows::count(first, 19)?;
    let nothing = first.try_get::<_, Option<i64>>(14)?.is_none();
    let jobs =
        if nothing { Vec::new() } else { found.iter().map(rows::claimed_job).collect::<Result<_>>()? };
    Ok(Seen { jobs, now, next_due, has_limits, looked_at })
}

fn tokens(count: usize) -> Vec<i64> {
    (0..count).map(|_| LeaseToken::fresh().get()).collect()
}

/// Moves delayed and retrying jobs whose time has come into the queue.
pub(crate) async fn promote_due(transaction: &mut Transaction<'_>) -> Result<()> {
    let now = transaction.now.as_micros();
    let due = transaction.all(include_str!("../queries/claim_due.sql"), params![now, MAX_PROMOTED]).await?;
    if due.is_empty() {
        return Ok(());
    }
    let mut gated: Vec<(Gate, usize, i64, i32)> = Vec::new();
    let mut jobs: Vec<i64> = Vec::with_capacity(due.len());
    for (place, row) in due.iter().enumerate() {
        let job = row.try_get(0)?;
        jobs.push(job);
        if let Some(key) = row.try_get::<_, Option<String>>(2)? {
            gated.push((Gate { function: row.try_get(1)?, key }, place, job, row.try_get(3)?));
        }
        transaction.changed(job);
    }
    let promote = include_str!("../queries/claim_promote.sql");
    let free: Vec<i64> = due_without_gate(&jobs, &gated);
    let zeros = vec![0_i16; free.len()];
    transaction.all(promote, params![free, zeros]).await?;
    // Gates in one order; within a gate in the order of times.
    gated.sort_unstable_by(|a, b| (&a.0, a.1).cmp(&(&b.0, b.1)));
    for (gate, _, job, limit) in gated {
        let blocked = i16::from(gate::is_full(transaction, &gate, limit).await?);
        transaction.all(promote, params![vec![job], vec![blocked]]).await?;
    }
    // Others may offer these functions.
    transaction.work_available();
    Ok(())
}

fn due_without_gate(jobs: &[i64], gated: &[(Gate, usize, i64, i32)]) -> Vec<i64> {
    let behind: std::collections::HashSet<i64> = gated.iter().map(|(_, _, job, _)| *job).collect();
    jobs.iter().copied().filter(|job| !behind.contains(job)).collect()
}

/// A claim from functions with limits: nobody else claims from these meanwhile.
async fn claim_carefully(database: &Database, request: &ClaimRequest) -> backend::Result<Claim> {
    write!(database, Promise::Soft, |transaction| claim_under_limits(transaction, request))
}

async fn claim_under_limits(transaction: &mut Transaction<'_>, request: &ClaimRequest) -> Result<Claim> {
    let mut allowances = Allowances::read(transaction, &request.functions).await?;
    // Those that it waited for have counted their starts at later moments than that of its beginning.
    transaction.look_at_the_clock().await?;
    let now = transaction.now;
    let next_due = transaction.optional(include_str!("../queries/claim_next_due.sql"), &[]).await?;
    let next_due = next_due.map(|row| rows::moment(&row, 0)).transpose()?.flatten();
    let mut chosen = Vec::new();
    let mut limited = Vec::new();
    for candidate in candidates(transaction, request, &mut allowances).await? {
        let function = &request.functions[candidate.function];
        if allowances.take(function) {
            chosen.push(candidate.job);
            limited.push(allowances.counts(function));
        }
    }
    let leased = lease(transaction, request, &chosen, &limited).await?;
    let mut starts: HashMap<String, i64> = HashMap::new();
    let mut jobs = Vec::with_capacity(leased.len());
    for row in &leased {
        let job = rows::claimed_job(row)?;
        if job.cached.is_none() {
            *starts.entry(job.function.clone()).or_default() += 1;
        }
        transaction.changed(row.try_get(16)?);
        jobs.push(job);
    }
    allowances.note_starts(transaction, &starts).await?;
    let next_due = [next_due, allowances.next_start].into_iter().flatten().min();
    Ok(Claim { jobs, next_due, now })
}

async fn lease(
    transaction: &Transaction<'_>,
    request: &ClaimRequest,
    chosen: &[i64],
    limited: &[bool],
) -> Result<Vec<Row>> {
    if chosen.is_empty() {
        return Ok(Vec::new());
    }
    let expires = transaction.now.after(request.lease).as_micros();
    let now = transaction.now.as_micros();
    let (chosen, limited, tokens) = (chosen.to_vec(), limited.to_vec(), tokens(chosen.len()));
    let worker = request.worker.as_str();
    transaction
        .all(
            include_str!("../queries/claim_lease.sql"),
            params![chosen, worker, tokens, expires, now, limited, small(SUSPECT_LOSSES)],
        )
        .await
}

/// A job that can be claimed. Sorts in the order of claiming.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Candidate {
    priority: std::cmp::Reverse<i32>,
    scheduled_at: i64,
    job: i64,
    /// Its place in the request.
    function: usize,
}

impl Candidate {
    fn read(row: &Row, function: usize) -> Result<Self> {
        Ok(Self {
            job: row.try_get(0)?,
            priority: std::cmp::Reverse(row.try_get(1)?),
            scheduled_at: row.try_get(2)?,
            function,
        })
    }
}

/// The most urgent jobs over all functions of the request. Each function's queue is an index range of its own, so this
/// reads at most `limit` entries of each queue that is not empty, however long it is.
async fn candidates(
    transaction: &Transaction<'_>,
    request: &ClaimRequest,
    allowances: &mut Allowances,
) -> Result<Vec<Candidate>> {
    let mut found = Vec::new();
    let mut suspect: Option<Candidate> = None;
    for (place, function) in request.functions.iter().enumerate() {
        let most = allowances.of(transaction, function).await?.unwrap_or(usize::MAX).min(request.limit);
        if most == 0 {
            continue;
        }
        let ready = include_str!("../queries/claim_ready.sql");
        for row in transaction.all(ready, params![function, count(most)]).await? {
            found.push(Candidate::read(&row, place)?);
        }
        if request.suspect {
            let next = include_str!("../queries/claim_suspect.sql");
            if let Some(row) = transaction.optional(next, params![function]).await? {
                let next = Candidate::read(&row, place)?;
                if suspect.as_ref().is_none_or(|other| next < *other) {
                    suspect = Some(next);
                }
            }
        }
    }
    found.extend(suspect);
    found.sort_unstable();
    found.truncate(request.limit);
    Ok(found)
}
