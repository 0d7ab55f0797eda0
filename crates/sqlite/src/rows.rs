//! Between rows and domain types: the one place that knows columns by name.

use rusqlite::types::Type;
use rusqlite::{Error, Row};
use upnext_core::artifact::Digest;
use upnext_core::job::Lease;
use upnext_core::{
    Artifact, ArtifactId, ClaimedJob, Job, JobId, LeaseToken, RawJson, RetryPolicy, Timestamp,
};

/// Columns of [`job`], in its order.
pub(crate) const JOB_COLUMNS: &str = "id, status, function, function_name, job_type, priority, created_at, \
    scheduled_at, started_at, completed_at, attempts, losses, timeout_us, retry, worker_id, cancel_requested, \
    idempotency_key, parent_id, root_id, progress, progress_message, failure_reason, error, traceback, source, \
    checkpoint_at, checkpoint, result, kwargs, seq";

/// A whole job from a row of [`JOB_COLUMNS`].
pub(crate) fn job(row: &Row<'_>) -> rusqlite::Result<Job> {
    let id = JobId::from_bytes(row.get(0)?);
    let function: String = row.get(2)?;
    Ok(Job {
        id,
        status: word(row, 1)?,
        function_name: row.get::<_, Option<String>>(3)?.unwrap_or_else(|| function.clone()),
        function,
        job_type: word(row, 4)?,
        priority: row.get(5)?,
        created_at: Timestamp::from_micros(row.get(6)?),
        scheduled_at: Timestamp::from_micros(row.get(7)?),
        started_at: moment(row, 8)?,
        completed_at: moment(row, 9)?,
        attempts: row.get(10)?,
        losses: row.get(11)?,
        timeout: duration(row, 12)?,
        retry: retry(row, 13)?,
        worker_id: row.get(14)?,
        cancel_requested: row.get(15)?,
        idempotency_key: row.get(16)?,
        parent_id: row.get::<_, Option<[u8; 16]>>(17)?.map(JobId::from_bytes),
        root_id: row.get::<_, Option<[u8; 16]>>(18)?.map_or(id, JobId::from_bytes),
        progress: row.get(19)?,
        progress_message: row.get(20)?,
        failure_reason: optional_word(row, 21)?,
        error: row.get(22)?,
        traceback: row.get(23)?,
        source: json(row, 24)?,
        checkpoint_at: moment(row, 25)?,
        checkpoint: json(row, 26)?,
        result: json(row, 27)?,
        kwargs: RawJson::trusted(row.get::<_, String>(28)?),
    })
}

/// A claimed job from a row of `queries/claim.sql`.
pub(crate) fn claimed_job(
    row: &Row<'_>,
    token: LeaseToken,
    expires: Timestamp,
) -> rusqlite::Result<ClaimedJob> {
    let id = JobId::from_bytes(row.get(0)?);
    let function: String = row.get(1)?;
    Ok(ClaimedJob {
        lease: Lease { job_id: id, token },
        lease_expires_at: expires,
        function_name: row.get::<_, Option<String>>(2)?.unwrap_or_else(|| function.clone()),
        function,
        attempt: row.get(3)?,
        timeout: duration(row, 4)?,
        max_attempts: (retry(row, 5)?.max_retries).saturating_add(1).saturating_add(row.get(11)?),
        idempotency_key: row.get(6)?,
        parent_id: row.get::<_, Option<[u8; 16]>>(7)?.map(JobId::from_bytes),
        root_id: row.get::<_, Option<[u8; 16]>>(8)?.map_or(id, JobId::from_bytes),
        checkpoint: json(row, 9)?,
        kwargs: RawJson::trusted(row.get::<_, String>(10)?),
    })
}

/// Columns of [`artifact`], in its order; the tables are `artifacts a`, `blobs b` and `jobs j`.
pub(crate) const ARTIFACT_COLUMNS: &str = "a.id, j.id, j.function, a.attempt, a.name, a.version, a.latest, a.type, \
    a.content_type, b.size_bytes, b.sha256, b.storage, a.created_at, a.seq";

/// An artifact from a row of [`ARTIFACT_COLUMNS`].
pub(crate) fn artifact(row: &Row<'_>) -> rusqlite::Result<Artifact> {
    Ok(Artifact {
        id: ArtifactId::from_bytes(row.get(0)?),
        job_id: JobId::from_bytes(row.get(1)?),
        function: row.get(2)?,
        attempt: row.get(3)?,
        name: row.get(4)?,
        version: row.get(5)?,
        latest: row.get(6)?,
        artifact_type: word(row, 7)?,
        content_type: row.get(8)?,
        size_bytes: u64::try_from(row.get::<_, i64>(9)?).unwrap_or(0),
        sha256: Digest::from_bytes(row.get(10)?),
        storage: row.get(11)?,
        created_at: Timestamp::from_micros(row.get(12)?),
    })
}

/// A policy as it is stored: nothing for the default one, so that most rows stay small.
pub(crate) fn stored_retry(retry: &RetryPolicy) -> Option<String> {
    (*retry != RetryPolicy::default()).then(|| serde_json::to_string(retry).unwrap_or_default())
}

/// The retry policy in column `index`.
pub(crate) fn retry(row: &Row<'_>, index: usize) -> rusqlite::Result<RetryPolicy> {
    match row.get_ref(index)?.as_str_or_null()? {
        None => Ok(RetryPolicy::default()),
        Some(text) => serde_json::from_str(text).map_err(|error| unreadable(index, error)),
    }
}

/// The enum word in column `index`.
pub(crate) fn word<T>(row: &Row<'_>, index: usize) -> rusqlite::Result<T>
where
    T: std::str::FromStr<Err = upnext_core::job::ParseWordError>,
{
    row.get_ref(index)?.as_str()?.parse().map_err(|error| unreadable(index, error))
}

pub(crate) fn optional_word<T>(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<T>>
where
    T: std::str::FromStr<Err = upnext_core::job::ParseWordError>,
{
    row.get_ref(index)?
        .as_str_or_null()?
        .map(|text| text.parse().map_err(|error| unreadable(index, error)))
        .transpose()
}

pub(crate) fn moment(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<Timestamp>> {
    Ok(row.get::<_, Option<i64>>(index)?.map(Timestamp::from_micros))
}

pub(crate) fn json(row: &Row<'_>, index: usize) -> rusqlite::Result<Option<RawJson>> {
    Ok(row.get::<_, Option<String>>(index)?.map(RawJson::trusted))
}

fn duration(row: &Row<'_>, index: usize) -> rusqlite::Result<std::time::Duration> {
    Ok(std::time::Duration::from_micros(u64::try_from(row.get::<_, i64>(index)?).unwrap_or(0)))
}

fn unreadable(index: usize, error: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::FromSqlConversionFailure(index, Type::Text, Box::new(error))
}

/// A duration as it is stored, in microseconds.
pub(crate) fn stored_micros(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}
