//! What others ask of a job, and what a running attempt lets them know: `cancel`, `retry`, `report`.

use rusqlite::{OptionalExtension, params};
use upnext_core::backend::{Cancelled, Report, ReportEntry, Retried};
use upnext_core::transition::{self, Cancellation};
use upnext_core::{FailureReason, JobId, JobStatus, RawJson, Timestamp};

use crate::enqueue::find_idempotent;
use crate::lane::Transaction;
use crate::{gate, insights, rows};

pub(crate) fn cancel(transaction: &mut Transaction<'_>, job: JobId) -> rusqlite::Result<Cancelled> {
    let mut find = transaction.connection.prepare_cached(include_str!("../queries/cancel_find.sql"))?;
    let found = find
        .query_row([job.as_bytes()], |row| {
            Ok((row.get::<_, i64>(0)?, rows::word::<JobStatus>(row, 1)?, row.get::<_, bool>(2)?))
        })
        .optional()?;
    drop(find);
    let Some((seq, status, has_place)) = found else { return Ok(Cancelled::UnknownJob) };
    match transition::on_cancel(status) {
        Cancellation::TooLate => Ok(Cancelled::TooLate(status)),
        Cancellation::AtOnce => {
            let change = transaction.next_change();
            let now = transaction.now.as_micros();
            let mut end =
                transaction.connection.prepare_cached(include_str!("../queries/cancel_at_once.sql"))?;
            end.execute([seq, now, change])?;
            drop(end);
            insights::count_ended(transaction, seq)?;
            if has_place && status == JobStatus::Queued {
                gate::place_given_up(transaction, seq)?;
            }
            transaction.finished(job);
            Ok(Cancelled::AtOnce)
        }
        Cancellation::Requested => {
            let change = transaction.next_change();
            let mut ask =
                transaction.connection.prepare_cached(include_str!("../queries/cancel_request.sql"))?;
            ask.execute([seq, change])?;
            // Its worker is woken like any other and renews at once when it sees the change.
            transaction.work_available();
            Ok(Cancelled::Requested)
        }
    }
}

/// The last attempt of a failed job, on its way into history.
struct LastAttempt {
    seq: i64,
    status: JobStatus,
    attempts: u32,
    worker_id: Option<String>,
    started_at: Option<i64>,
    completed_at: Option<i64>,
    failure_reason: Option<FailureReason>,
    error: Option<String>,
    traceback: Option<String>,
    function: String,
    idempotency_key: Option<String>,
    has_gate: bool,
}

pub(crate) fn retry(transaction: &mut Transaction<'_>, job: JobId) -> rusqlite::Result<Retried> {
    let mut find = transaction.connection.prepare_cached(include_str!("../queries/retry_find.sql"))?;
    let found = find.query_row([job.as_bytes()], last_attempt).optional()?;
    drop(find);
    let Some(last) = found else { return Ok(Retried::UnknownJob) };
    if !transition::may_retry_by_hand(last.status) {
        return Ok(Retried::NotFailed(last.status));
    }
    let key_is_taken = match &last.idempotency_key {
        Some(key) => find_idempotent(transaction, &last.function, key)?.is_some(),
        None => false,
    };
    let mut record = transaction.connection.prepare_cached(include_str!("../queries/attempt_record.sql"))?;
    record.execute(params![
        last.seq,
        last.attempts,
        last.worker_id,
        last.started_at,
        last.completed_at,
        outcome_word(last.status, last.failure_reason),
        last.error,
        last.traceback,
    ])?;
    drop(record);
    insights::take_back(transaction, last.seq)?;
    let change = transaction.next_change();
    let now = transaction.now.as_micros();
    let blocked = last.has_gate && gate::is_full_for(transaction, last.seq)?;
    let mut queue = transaction.connection.prepare_cached(include_str!("../queries/retry.sql"))?;
    queue.execute(params![last.seq, now, change, key_is_taken, blocked])?;
    transaction.work_available();
    Ok(Retried::Queued)
}

fn last_attempt(row: &rusqlite::Row<'_>) -> rusqlite::Result<LastAttempt> {
    Ok(LastAttempt {
        seq: row.get(0)?,
        status: rows::word(row, 1)?,
        attempts: row.get(2)?,
        worker_id: row.get(3)?,
        started_at: row.get(4)?,
        completed_at: row.get(5)?,
        failure_reason: rows::optional_word(row, 6)?,
        error: row.get(7)?,
        traceback: row.get(8)?,
        function: row.get(9)?,
        idempotency_key: row.get(10)?,
        has_gate: row.get(11)?,
    })
}

/// The word for the outcome of a job's last attempt, told from the job's own row.
pub(crate) const fn outcome_word(status: JobStatus, reason: Option<FailureReason>) -> &'static str {
    match (status, reason) {
        (JobStatus::Complete, _) => "complete",
        (JobStatus::Cancelled, _) => "cancelled",
        (JobStatus::Failed, Some(FailureReason::Timeout)) => "timeout",
        (JobStatus::Failed, Some(FailureReason::Unknown)) => "lost",
        (JobStatus::Failed, _) => "failed",
        _ => "active",
    }
}

pub(crate) fn report(transaction: &mut Transaction<'_>, reports: &[Report]) -> rusqlite::Result<()> {
    for report in reports {
        let job = report.lease.job_id;
        let token = report.lease.token.get();
        match &report.entry {
            // What is no number says nothing about progress.
            ReportEntry::Progress { fraction, .. } if !fraction.is_finite() => {}
            ReportEntry::Progress { fraction, message } => {
                let change = transaction.next_change();
                let mut note =
                    transaction.connection.prepare_cached(include_str!("../queries/report_progress.sql"))?;
                note.execute(params![job.as_bytes(), token, fraction, message, change])?;
            }
            ReportEntry::Checkpoint(state) => {
                let change = transaction.next_change();
                let now = transaction.now.as_micros();
                let mut note = transaction
                    .connection
                    .prepare_cached(include_str!("../queries/report_checkpoint.sql"))?;
                note.execute(params![job.as_bytes(), token, state.as_str(), now, change])?;
            }
            ReportEntry::Log(line) => {
                let mut note =
                    transaction.connection.prepare_cached(include_str!("../queries/report_log.sql"))?;
                note.execute(params![
                    job.as_bytes(),
                    token,
                    Timestamp::as_micros(line.at),
                    line.level,
                    line.message,
                    line.extra.as_ref().map(RawJson::as_str),
                ])?;
            }
        }
    }
    Ok(())
}
