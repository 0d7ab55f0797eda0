//! The life of an attempt under its lease: `renew`, `finish`, `release`, `reclaim_expired`.

use rusqlite::{CachedStatement, Connection, OptionalExtension, params};
use upnext_core::backend::{Finish, Finished, RenewRequest, Renewal};
use upnext_core::job::Lease;
use upnext_core::transition::{self, AttemptFacts, MAX_LOSSES, SUSPECT_LOSSES, Transition};
use upnext_core::{JobStatus, JobType, LeaseToken, Outcome, RawJson, RetryPolicy, Timestamp, fault};

use crate::lane::Transaction;
use crate::{gate, rows};

/// Values of `jobs.blocked`: in the usual queue, or in the one of jobs that must not lose one more worker.
const FREE: u8 = 0;
const SUSPECT: u8 = 2;

pub(crate) fn renew(transaction: &Transaction<'_>, request: &RenewRequest) -> rusqlite::Result<Vec<Renewal>> {
    let expires = transaction.now.after(request.lease);
    let memory = request.memory_bytes.and_then(|bytes| i64::try_from(bytes).ok());
    transaction
        .connection
        .prepare_cached(include_str!("../queries/renew_heartbeat.sql"))?
        .execute(params![request.worker.as_str(), transaction.now.as_micros(), memory])?;
    let mut statement = transaction.connection.prepare_cached(include_str!("../queries/renew.sql"))?;
    let mut renew_one = |lease: &Lease| {
        let cancel_requested = statement
            .query_row(params![lease.job_id.as_bytes(), lease.token.get(), expires.as_micros()], |row| {
                row.get::<_, bool>(0)
            })
            .optional()?;
        Ok(match cancel_requested {
            None => Renewal::Lost,
            Some(true) => Renewal::CancelRequested,
            Some(false) => Renewal::Held(expires),
        })
    };
    request.leases.iter().map(&mut renew_one).collect()
}

pub(crate) fn finish(
    transaction: &mut Transaction<'_>,
    finishes: &[Finish],
) -> rusqlite::Result<Vec<Finished>> {
    let mut completing = Completing::prepare(transaction.connection)?;
    let finished = finishes.iter().map(|finish| finish_one(transaction, &mut completing, finish)).collect();
    fault::point("outcome before commit");
    finished
}

/// The statements of the common end, looked up once for a whole batch.
struct Completing<'a> {
    find: CachedStatement<'a>,
    write: CachedStatement<'a>,
}

impl<'a> Completing<'a> {
    fn prepare(connection: &'a Connection) -> rusqlite::Result<Self> {
        Ok(Self {
            find: connection.prepare_cached(include_str!("../queries/finish_find.sql"))?,
            write: connection.prepare_cached(include_str!("../queries/finish_complete.sql"))?,
        })
    }

    /// The common end of an attempt that returned: nothing has to be decided. False when it is not that.
    fn complete(
        &mut self,
        transaction: &mut Transaction<'_>,
        finish: &Finish,
        result: &RawJson,
    ) -> rusqlite::Result<bool> {
        let (lease, now) = (finish.lease, transaction.now);
        let tally = &mut transaction.tally;
        let find = |row: &rusqlite::Row<'_>| {
            let (function, job_type) = (row.get_ref(3)?.as_str()?, rows::word(row, 4)?);
            tally.count(function, job_type, JobStatus::Complete, (Some(finish.started_at), now), 1);
            Ok((row.get(0)?, row.get(1)?, row.get(2)?))
        };
        let found: Option<(i64, bool, bool)> =
            self.find.query_row(params![lease.job_id.as_bytes(), lease.token.get()], find).optional()?;
        let Some((seq, of_interest, shared)) = found else { return Ok(false) };
        let (started, ended, change) =
            (finish.started_at.as_micros(), now.as_micros(), transaction.next_change());
        self.write.execute(params![seq, started, ended, result.as_str(), change])?;
        transaction.finished(lease.job_id);
        if of_interest {
            tell_others(transaction, seq, shared)?;
        }
        Ok(true)
    }
}

fn finish_one(
    transaction: &mut Transaction<'_>,
    completing: &mut Completing<'_>,
    finish: &Finish,
) -> rusqlite::Result<Finished> {
    if let Outcome::Complete { result } = &finish.outcome
        && completing.complete(transaction, finish, result)?
    {
        return Ok(Finished::Applied(JobStatus::Complete));
    }
    let Some(attempt) = find_attempt(transaction, finish.lease)? else { return Ok(Finished::Stale) };
    let next = transition::after_outcome(&attempt.facts(), &finish.outcome, transaction.now, fastrand::f64());
    let (error, traceback) = match &finish.outcome {
        Outcome::Failed { error, traceback, .. } => (Some(error.clone()), traceback.clone()),
        Outcome::TimedOut => {
            (Some("the attempt ran longer than its timeout and was stopped".to_owned()), None)
        }
        Outcome::Complete { .. } | Outcome::Cancelled => (None, None),
    };
    let ending = Ending {
        outcome: finish.outcome.as_str(),
        error,
        traceback,
        started_at: Some(finish.started_at),
        lost: false,
    };
    end_attempt(transaction, finish.lease, &attempt, next, &ending)?;
    Ok(Finished::Applied(next.status))
}

/// A job has completed whose result others share, or that others have waited for.
fn tell_others(transaction: &mut Transaction<'_>, seq: i64, shared: bool) -> rusqlite::Result<()> {
    if shared {
        let now = transaction.now.as_micros();
        transaction
            .connection
            .prepare_cached(include_str!("../queries/cache_result.sql"))?
            .execute([seq, now])?;
    }
    gate::place_given_up(transaction, seq)?;
    transaction.work_available();
    Ok(())
}

pub(crate) fn release(transaction: &mut Transaction<'_>, leases: &[Lease]) -> rusqlite::Result<()> {
    for lease in leases {
        let change = transaction.next_change();
        let mut release = transaction.connection.prepare_cached(include_str!("../queries/release.sql"))?;
        let released =
            release.execute(params![lease.job_id.as_bytes(), lease.token.get(), change, SUSPECT_LOSSES])?;
        if released == 0 {
            let mut expire =
                transaction.connection.prepare_cached(include_str!("../queries/release_cancelled.sql"))?;
            expire.execute(params![lease.job_id.as_bytes(), lease.token.get()])?;
        }
        transaction.work_available();
    }
    Ok(())
}

pub(crate) fn reclaim_expired(transaction: &mut Transaction<'_>, limit: usize) -> rusqlite::Result<usize> {
    let expired: Vec<Lease> = transaction
        .connection
        .prepare_cached(include_str!("../queries/reclaim_expired.sql"))?
        .query_map(params![transaction.now.as_micros(), limit], |row| {
            Ok(Lease {
                job_id: upnext_core::JobId::from_bytes(row.get(0)?),
                token: LeaseToken::from_raw(row.get(1)?),
            })
        })?
        .collect::<Result<_, _>>()?;
    for lease in &expired {
        let Some(attempt) = find_attempt(transaction, *lease)? else { continue };
        let next = transition::after_loss(&attempt.facts());
        let worker = attempt.worker_id.as_deref().unwrap_or("unknown");
        let error = match next.status {
            JobStatus::Failed => Some(format!(
                "the worker disappeared {MAX_LOSSES} times while running this job (last: {worker}); it is not tried again"
            )),
            JobStatus::Queued => Some(format!("the worker {worker} disappeared")),
            _ => None,
        };
        let ending =
            Ending { outcome: "lost", error, traceback: None, started_at: attempt.started_at, lost: true };
        end_attempt(transaction, *lease, &attempt, next, &ending)?;
    }
    Ok(expired.len())
}

/// What the database knows of the attempt that holds a lease.
struct LeasedAttempt {
    seq: i64,
    attempts: u32,
    attempts_base: u32,
    losses: u32,
    losses_base: u32,
    retry: RetryPolicy,
    cancel_requested: bool,
    started_at: Option<Timestamp>,
    worker_id: Option<String>,
    /// Others share limits with it.
    limited: bool,
    has_gate: bool,
    function: String,
    job_type: JobType,
}

impl LeasedAttempt {
    const fn facts(&self) -> AttemptFacts<'_> {
        AttemptFacts {
            attempts: self.attempts.saturating_sub(self.attempts_base),
            losses: self.losses.saturating_sub(self.losses_base),
            retry: &self.retry,
            cancel_requested: self.cancel_requested,
        }
    }
}

/// True after the loss of this attempt when one more would be too many.
const fn is_suspect(attempt: &LeasedAttempt) -> bool {
    attempt.facts().losses + 1 >= SUSPECT_LOSSES
}

/// How the attempt ended, for its history.
struct Ending {
    outcome: &'static str,
    error: Option<String>,
    traceback: Option<String>,
    started_at: Option<Timestamp>,
    lost: bool,
}

fn find_attempt(transaction: &Transaction<'_>, lease: Lease) -> rusqlite::Result<Option<LeasedAttempt>> {
    let mut statement =
        transaction.connection.prepare_cached(include_str!("../queries/attempt_facts.sql"))?;
    statement
        .query_row(params![lease.job_id.as_bytes(), lease.token.get()], |row| {
            Ok(LeasedAttempt {
                seq: row.get(0)?,
                attempts: row.get(1)?,
                attempts_base: row.get(2)?,
                losses: row.get(3)?,
                losses_base: row.get(4)?,
                retry: rows::retry(row, 5)?,
                cancel_requested: row.get(6)?,
                started_at: rows::moment(row, 7)?,
                worker_id: row.get(8)?,
                limited: row.get(9)?,
                has_gate: row.get(10)?,
                function: row.get(11)?,
                job_type: rows::word(row, 12)?,
            })
        })
        .optional()
}

/// Applies a transition. An attempt that does not end its job goes into history; the last one is told by the job's row.
fn end_attempt(
    transaction: &mut Transaction<'_>,
    lease: Lease,
    attempt: &LeasedAttempt,
    next: Transition,
    ending: &Ending,
) -> rusqlite::Result<()> {
    let change = transaction.next_change();
    let now = transaction.now.as_micros();
    let is_final = next.status.is_final();
    let mut end = transaction.connection.prepare_cached(include_str!("../queries/attempt_end.sql"))?;
    end.execute(params![
        attempt.seq,
        next.status.as_str(),
        next.scheduled_at.map(Timestamp::as_micros),
        is_final.then_some(now),
        ending.started_at.map(Timestamp::as_micros),
        next.failure_reason.map(upnext_core::FailureReason::as_str),
        ending.error,
        ending.traceback,
        attempt.losses + u32::from(ending.lost),
        change,
        if next.status == JobStatus::Queued && is_suspect(attempt) { SUSPECT } else { FREE },
    ])?;
    drop(end);
    let moments = (ending.started_at, transaction.now);
    transaction.tally.count(&attempt.function, attempt.job_type, next.status, moments, 1);
    // A job that goes back to the queue at once keeps its place.
    if attempt.has_gate && next.status != JobStatus::Queued {
        gate::place_given_up(transaction, attempt.seq)?;
    }
    if attempt.limited {
        transaction.work_available();
    }
    if is_final {
        transaction.finished(lease.job_id);
        return Ok(());
    }
    let mut record = transaction.connection.prepare_cached(include_str!("../queries/attempt_record.sql"))?;
    record.execute(params![
        attempt.seq,
        attempt.attempts,
        attempt.worker_id,
        ending.started_at.map(Timestamp::as_micros),
        now,
        ending.outcome,
        ending.error,
        ending.traceback,
    ])?;
    transaction.work_available();
    Ok(())
}
