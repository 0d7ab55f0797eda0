//! `enqueue`: jobs become rows, or turn out to be there already.

use rusqlite::{CachedStatement, OptionalExtension, params};
use upnext_core::job::Enqueued;
use upnext_core::{JobId, JobStatus, NewJob, fault};

use crate::gate;
use crate::lane::Transaction;
use crate::rows::{stored_micros, stored_retry, stored_tags};

pub(crate) fn enqueue(transaction: &mut Transaction<'_>, jobs: &[NewJob]) -> rusqlite::Result<Vec<Enqueued>> {
    let mut insert = transaction.connection.prepare_cached(include_str!("../queries/enqueue.sql"))?;
    let enqueued = jobs.iter().map(|job| enqueue_one(transaction, &mut insert, job)).collect();
    fault::point("enqueue before commit");
    enqueued
}

fn enqueue_one(
    transaction: &mut Transaction<'_>,
    insert: &mut CachedStatement<'_>,
    job: &NewJob,
) -> rusqlite::Result<Enqueued> {
    if let Some(key) = &job.idempotency_key
        && let Some(id) = find_idempotent(transaction, &job.function, key)?
    {
        return Ok(Enqueued { id, created: false });
    }
    let now = transaction.now;
    let due = job.scheduled_at.unwrap_or(now).after(job.delay);
    let delayed = due > now;
    let status = if delayed { JobStatus::Pending } else { JobStatus::Queued };
    let blocked = match &job.concurrency_key {
        // A job that is not due yet takes no place.
        Some(gate) if !delayed => gate::is_full(transaction, &job.function, &gate.key, gate.limit)?,
        _ => false,
    };
    let change = transaction.next_change();
    let inserted = insert.execute(params![
        job.id.as_bytes(),
        status.as_str(),
        job.function,
        (job.function_name != job.function).then_some(&job.function_name),
        job.job_type.as_str(),
        job.priority,
        now.as_micros(),
        due.max(now).as_micros(),
        stored_micros(job.timeout),
        stored_retry(&job.retry),
        change,
        job.idempotency_key,
        job.parent.as_ref().map(|parent| parent.parent_id.as_bytes()),
        job.parent.as_ref().map(|parent| parent.root_id.as_bytes()),
        job.source.as_ref().map(upnext_core::RawJson::as_str),
        job.kwargs.as_str(),
        job.concurrency_key.as_ref().map(|gate| &gate.key),
        job.concurrency_key.as_ref().map(|gate| gate.limit),
        blocked,
        job.cache.as_ref().map(|cache| &cache.key),
        job.cache.as_ref().and_then(|cache| cache.ttl).map(stored_micros),
        stored_tags(&job.tags),
    ])?;
    if inserted == 1 && !job.tags.is_empty() {
        let seq = transaction.connection.last_insert_rowid();
        let mut file = transaction.connection.prepare_cached(include_str!("../queries/enqueue_tag.sql"))?;
        for tag in &job.tags {
            file.execute(params![tag, seq])?;
        }
    }
    transaction.work_available();
    Ok(Enqueued { id: job.id, created: inserted == 1 })
}

/// The unfinished job that holds this key.
pub(crate) fn find_idempotent(
    transaction: &Transaction<'_>,
    function: &str,
    key: &str,
) -> rusqlite::Result<Option<JobId>> {
    transaction
        .connection
        .prepare_cached(include_str!("../queries/enqueue_find_idempotent.sql"))?
        .query_row([function, key], |row| row.get(0))
        .optional()
        .map(|found| found.map(JobId::from_bytes))
}
