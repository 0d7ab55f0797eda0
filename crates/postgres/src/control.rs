//! What others ask of a job: `cancel`, `retry`.

use upnext_core::backend::{Cancelled, Retried};
use upnext_core::transition::{self, Cancellation};
use upnext_core::{FailureReason, JobId, JobStatus};

use crate::database::Transaction;
use crate::faults::{Fault, Result};
use crate::gate::{self, Gate};
use crate::insights;
use crate::params::{job_uuid, params};
use crate::rows;

pub(crate) async fn cancel(transaction: &mut Transaction<'_>, job: JobId) -> Result<Cancelled> {
    let found =
        transaction.optional(include_str!("../queries/cancel_find.sql"), params![job_uuid(job)]).await?;
    let Some(found) = found else { return cancel_too_late(transaction, job).await };
    let (seq, status): (i64, JobStatus) = (found.try_get(0)?, rows::word(&found, 1)?);
    match transition::on_cancel(status) {
        Cancellation::TooLate => Ok(Cancelled::TooLate(status)),
        Cancellation::AtOnce => {
            let now = transaction.now;
            let end = include_str!("../queries/cancel_at_once.sql");
            transaction.all(end, params![seq, now.as_micros()]).await?;
            let function: String = found.try_get(4)?;
            let (job_type, moments) = (rows::word(&found, 5)?, (rows::moment(&found, 6)?, now));
            transaction.tally.count(&function, job_type, JobStatus::Cancelled, moments, 1);
            let has_place: bool = found.try_get(3)?;
            if let Some(key) = found.try_get::<_, Option<String>>(2)?.filter(|_| has_place)
                && status == JobStatus::Queued
            {
                gate::places_given_up(transaction, vec![Gate { function, key }]).await?;
            }
            transaction.changed(seq);
            transaction.finished(job);
            Ok(Cancelled::AtOnce)
        }
        Cancellation::Requested => {
            transaction.all(include_str!("../queries/cancel_request.sql"), params![seq]).await?;
            transaction.changed(seq);
            // Its worker is woken like any other and renews at once when it sees the change.
            transaction.work_available();
            Ok(Cancelled::Requested)
        }
    }
}

async fn cancel_too_late(transaction: &Transaction<'_>, job: JobId) -> Result<Cancelled> {
    let ended = include_str!("../queries/ended_status.sql");
    let Some(row) = transaction.optional(ended, params![job_uuid(job)]).await? else {
        return Ok(Cancelled::UnknownJob);
    };
    match rows::optional_word(&row, 0)? {
        Some(status) => Ok(Cancelled::TooLate(status)),
        None => Err(moved()),
    }
}

/// Between two looks a job went from what lives to what has ended, or back.
fn moved() -> Fault {
    Fault::Again("the job was on its way".into())
}

pub(crate) async fn retry(transaction: &mut Transaction<'_>, job: JobId) -> Result<Retried> {
    let id = job_uuid(job);
    let found = transaction.optional(include_str!("../queries/retry_find.sql"), params![id]).await?;
    let Some(last) = found else {
        let live = include_str!("../queries/live_status.sql");
        let Some(row) = transaction.optional(live, params![id]).await? else {
            return Ok(Retried::UnknownJob);
        };
        let status = rows::optional_word(&row, 0)?.ok_or_else(moved)?;
        return Ok(Retried::NotFailed(status));
    };
    let status: JobStatus = rows::word(&last, 1)?;
    if !transition::may_retry_by_hand(status) {
        return Ok(Retried::NotFailed(status));
    }
    let seq: i64 = last.try_get(0)?;
    let reason: Option<FailureReason> = rows::optional_word(&last, 6)?;
    let function: String = last.try_get(9)?;
    if let Some(key) = last.try_get::<_, Option<&str>>(10)? {
        let taken =
            transaction.one(include_str!("../queries/retry_key_taken.sql"), params![function, key]).await?;
        if taken.try_get(0)? {
            transaction.all(include_str!("../queries/retry_drop_key.sql"), params![seq]).await?;
        }
    }
    let attempt = include_str!("../queries/attempt_record.sql");
    let given = params![
        vec![seq],
        vec![last.try_get::<_, i32>(2)?],
        vec![last.try_get::<_, Option<String>>(3)?],
        vec![last.try_get::<_, Option<i64>>(4)?],
        vec![last.try_get::<_, Option<i64>>(5)?],
        vec![outcome_word(status, reason)],
        vec![last.try_get::<_, Option<String>>(7)?],
        vec![last.try_get::<_, Option<String>>(8)?],
    ];
    transaction.all(attempt, given).await?;
    insights::take_back(transaction, seq).await?;
    let now = transaction.now.as_micros();
    let blocked = match last.try_get::<_, Option<String>>(11)? {
        Some(key) => gate::is_full(transaction, &Gate { function, key }, last.try_get(12)?).await?,
        None => false,
    };
    let queue = include_str!("../queries/retry.sql");
    // A transaction of somebody else may hold the key for long.
    transaction.execute("SET LOCAL lock_timeout = '1s'").await?;
    transaction.all(queue, params![seq, now, i16::from(blocked)]).await?;
    transaction.execute("SET LOCAL lock_timeout TO DEFAULT").await?;
    transaction.changed(seq);
    transaction.work_available();
    Ok(Retried::Queued)
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
