//! Between rows and domain types: the one place that knows columns by name.

use tokio_postgres::Row;
use upnext_core::artifact::{Digest, PARTS_STORAGE};
use upnext_core::job::Lease;
use upnext_core::{
    Artifact, ArtifactId, ArtifactType, ClaimedJob, Job, JobId, Labels, LeaseToken, RawJson, RetryPolicy,
    Timestamp,
};
use uuid::Uuid;

use crate::faults::{Fault, Result};

/// Columns of [`job`], in its order; the tables are [`JOB_TABLES`] or others with the same names.
pub(crate) const JOB_COLUMNS: &str = "j.id, coalesce(l.status, e.status), j.function, j.function_name, j.job_type, j.priority, \
    j.created_at, coalesce(l.scheduled_at, e.scheduled_at), coalesce(l.started_at, e.started_at), e.completed_at, \
    coalesce(l.attempts, e.attempts), coalesce(l.losses, e.losses), j.timeout_us, j.retry, coalesce(l.worker_id, e.worker_id), \
    coalesce(l.cancel_requested, e.cancel_requested), j.idempotency_key, j.parent_id, j.root_id, \
    coalesce(l.progress, e.progress), coalesce(l.progress_message, e.progress_message), \
    coalesce(l.failure_reason, e.failure_reason), coalesce(l.error, e.error), coalesce(l.traceback, e.traceback), j.source, \
    coalesce(l.checkpoint_at, e.checkpoint_at), coalesce(l.checkpoint, e.checkpoint), e.result, j.kwargs, j.seq, j.tags";

/// Place of `seq` in [`JOB_COLUMNS`].
pub(crate) const JOB_SEQ: usize = 29;

/// What [`JOB_COLUMNS`] are columns of. A job is in one of `live` and `ended`.
pub(crate) const JOB_TABLES: &str =
    "upnext.jobs j LEFT JOIN upnext.live l ON l.job = j.seq LEFT JOIN upnext.ended e ON e.job = j.seq";

/// A whole job from a row of [`JOB_COLUMNS`].
pub(crate) fn job(row: &Row) -> Result<Job> {
    let id = job_id(row, 0)?;
    let function: String = row.try_get(2)?;
    Ok(Job {
        id,
        status: word(row, 1)?,
        function_name: row.try_get::<_, Option<String>>(3)?.unwrap_or_else(|| function.clone()),
        function,
        job_type: word(row, 4)?,
        priority: row.try_get(5)?,
        created_at: Timestamp::from_micros(row.try_get(6)?),
        scheduled_at: Timestamp::from_micros(row.try_get(7)?),
        started_at: moment(row, 8)?,
        completed_at: moment(row, 9)?,
        attempts: small(row, 10)?,
        losses: small(row, 11)?,
        timeout: duration(row, 12)?,
        retry: retry(row, 13)?,
        worker_id: row.try_get(14)?,
        cancel_requested: row.try_get(15)?,
        idempotency_key: row.try_get(16)?,
        parent_id: optional_job_id(row, 17)?,
        root_id: optional_job_id(row, 18)?.unwrap_or(id),
        progress: row.try_get(19)?,
        progress_message: row.try_get(20)?,
        failure_reason: optional_word(row, 21)?,
        error: row.try_get(22)?,
        traceback: row.try_get(23)?,
        source: json(row, 24)?,
        checkpoint_at: moment(row, 25)?,
        checkpoint: json(row, 26)?,
        result: json(row, 27)?,
        kwargs: RawJson::trusted(row.try_get::<_, String>(28)?),
        tags: tags(row, 30)?,
    })
}

/// A claimed job from a row of `queries/claim.sql` or `queries/claim_lease.sql`, whose first columns are the same.
pub(crate) fn claimed_job(row: &Row) -> Result<ClaimedJob> {
    let id = job_id(row, 0)?;
    let function: String = row.try_get(1)?;
    let written_off: u32 = small(row, 11)?;
    Ok(ClaimedJob {
        lease: Lease { job_id: id, token: LeaseToken::from_raw(row.try_get(14)?) },
        lease_expires_at: Timestamp::from_micros(row.try_get(15)?),
        function_name: row.try_get::<_, Option<String>>(2)?.unwrap_or_else(|| function.clone()),
        function,
        attempt: small(row, 3)?,
        timeout: duration(row, 4)?,
        max_attempts: retry(row, 5)?.max_retries.saturating_add(1).saturating_add(written_off),
        idempotency_key: row.try_get(6)?,
        parent_id: optional_job_id(row, 7)?,
        root_id: optional_job_id(row, 8)?.unwrap_or(id),
        checkpoint: json(row, 9)?,
        cached: json(row, 12)?,
        suspect: row.try_get(13)?,
        kwargs: RawJson::trusted(row.try_get::<_, String>(10)?),
    })
}

/// Columns of [`artifact`], in its order; the tables are [`ARTIFACT_TABLES`].
///
/// Whether somebody still writes an artifact that is not whole follows from its job: the attempt that began it is the
/// running one, or it never will be again. One from outside a job can be written for ever.
pub(crate) const ARTIFACT_COLUMNS: &str = "a.id, j.id, a.function, a.attempt, a.name, a.version, a.latest, a.type, \
    a.content_type, a.size_bytes, b.sha256, b.storage, a.created_at, a.description, a.tags, a.metadata, a.expires_at, \
    a.pinned, CASE WHEN b.damaged_at IS NOT NULL THEN 'damaged' WHEN a.blob IS NOT NULL THEN 'available' \
    WHEN a.version < 0 THEN 'uploading' WHEN a.attempt = 0 THEN 'writing' \
    WHEN l.status = 'active' AND l.attempts = a.attempt THEN 'writing' ELSE 'incomplete' END, a.expected, a.expected_sha256, \
    a.seq";

/// Place of `seq` in [`ARTIFACT_COLUMNS`].
pub(crate) const ARTIFACT_SEQ: usize = 21;

/// What [`ARTIFACT_COLUMNS`] are columns of.
pub(crate) const ARTIFACT_TABLES: &str = "upnext.artifacts a JOIN upnext.jobs j ON j.seq = a.job \
    LEFT JOIN upnext.live l ON l.job = a.job LEFT JOIN upnext.blobs b ON b.blob = a.blob";

/// An artifact from a row of [`ARTIFACT_COLUMNS`].
pub(crate) fn artifact(row: &Row) -> Result<Artifact> {
    let artifact_type: ArtifactType = word(row, 7)?;
    Ok(Artifact {
        id: artifact_id(row, 0)?,
        job_id: job_id(row, 1)?,
        function: row.try_get(2)?,
        attempt: small(row, 3)?,
        name: row.try_get(4)?,
        // An upload that is not whole has no version yet.
        version: u32::try_from(row.try_get::<_, i64>(5)?).unwrap_or(0),
        latest: row.try_get(6)?,
        content_type: row
            .try_get::<_, Option<String>>(8)?
            .unwrap_or_else(|| artifact_type.content_type().to_owned()),
        artifact_type,
        size_bytes: count(row, 9)?,
        expected_bytes: row.try_get::<_, Option<i64>>(19)?.and_then(|bytes| u64::try_from(bytes).ok()),
        expected_sha256: optional_digest(row, 20)?,
        sha256: optional_digest(row, 10)?,
        storage: row.try_get::<_, Option<String>>(11)?.unwrap_or_else(|| PARTS_STORAGE.to_owned()),
        created_at: Timestamp::from_micros(row.try_get(12)?),
        labels: labels(row, 13)?,
        expires_at: moment(row, 16)?,
        pinned: row.try_get(17)?,
        status: word(row, 18)?,
    })
}

/// Description, tags and metadata from three columns, the first of them `index`.
pub(crate) fn labels(row: &Row, index: usize) -> Result<Labels> {
    Ok(Labels {
        description: row.try_get(index)?,
        tags: tags(row, index + 1)?,
        metadata: json(row, index + 2)?,
    })
}

/// The tags in column `index`.
pub(crate) fn tags(row: &Row, index: usize) -> Result<Vec<String>> {
    match row.try_get::<_, Option<&str>>(index)? {
        None => Ok(Vec::new()),
        Some(text) => serde_json::from_str(text).map_err(|error| unreadable(index, &error)),
    }
}

/// Tags as they are stored: nothing when there are none.
pub(crate) fn stored_tags(tags: &[String]) -> Option<String> {
    (!tags.is_empty()).then(|| serde_json::to_string(tags).unwrap_or_default())
}

/// A policy as it is stored: nothing for the default one, so that most rows stay small.
pub(crate) fn stored_retry(retry: &RetryPolicy) -> Option<String> {
    (*retry != RetryPolicy::default()).then(|| serde_json::to_string(retry).unwrap_or_default())
}

/// The retry policy in column `index`.
pub(crate) fn retry(row: &Row, index: usize) -> Result<RetryPolicy> {
    match row.try_get::<_, Option<&str>>(index)? {
        None => Ok(RetryPolicy::default()),
        Some(text) => serde_json::from_str(text).map_err(|error| unreadable(index, &error)),
    }
}

pub(crate) fn job_id(row: &Row, index: usize) -> Result<JobId> {
    Ok(JobId::from_bytes(*row.try_get::<_, Uuid>(index)?.as_bytes()))
}

fn optional_job_id(row: &Row, index: usize) -> Result<Option<JobId>> {
    Ok(row.try_get::<_, Option<Uuid>>(index)?.map(|id| JobId::from_bytes(*id.as_bytes())))
}

pub(crate) fn artifact_id(row: &Row, index: usize) -> Result<ArtifactId> {
    Ok(ArtifactId::from_bytes(*row.try_get::<_, Uuid>(index)?.as_bytes()))
}

pub(crate) fn digest(row: &Row, index: usize) -> Result<Digest> {
    optional_digest(row, index)?.ok_or_else(|| unreadable(index, &"a digest is missing"))
}

pub(crate) fn optional_digest(row: &Row, index: usize) -> Result<Option<Digest>> {
    let Some(bytes) = row.try_get::<_, Option<&[u8]>>(index)? else { return Ok(None) };
    let bytes: [u8; 32] = bytes.try_into().map_err(|_| unreadable(index, &"a digest has 32 bytes"))?;
    Ok(Some(Digest::from_bytes(bytes)))
}

/// The enum word in column `index`.
pub(crate) fn word<T: std::str::FromStr<Err: std::fmt::Display>>(row: &Row, index: usize) -> Result<T> {
    row.try_get::<_, &str>(index)?.parse().map_err(|error| unreadable(index, &error))
}

pub(crate) fn optional_word<T>(row: &Row, index: usize) -> Result<Option<T>>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    let text: Option<&str> = row.try_get(index)?;
    text.map(|text| text.parse().map_err(|error| unreadable(index, &error))).transpose()
}

pub(crate) fn moment(row: &Row, index: usize) -> Result<Option<Timestamp>> {
    Ok(row.try_get::<_, Option<i64>>(index)?.map(Timestamp::from_micros))
}

pub(crate) fn json(row: &Row, index: usize) -> Result<Option<RawJson>> {
    Ok(row.try_get::<_, Option<String>>(index)?.map(RawJson::trusted))
}

/// A number that is never negative.
pub(crate) fn count(row: &Row, index: usize) -> Result<u64> {
    Ok(u64::try_from(row.try_get::<_, i64>(index)?).unwrap_or(0))
}

/// A small number that is never negative.
pub(crate) fn small(row: &Row, index: usize) -> Result<u32> {
    Ok(u32::try_from(row.try_get::<_, i32>(index)?).unwrap_or(0))
}

fn duration(row: &Row, index: usize) -> Result<std::time::Duration> {
    Ok(std::time::Duration::from_micros(count(row, index)?))
}

fn unreadable(index: usize, error: &dyn std::fmt::Display) -> Fault {
    Fault::unexpected(format!("column {index} cannot be read: {error}"))
}

/// A duration as it is stored, in microseconds. Far from the end of what a number holds, so that sums stay in it.
pub(crate) fn stored_micros(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX).min(i64::MAX / 4)
}

/// A length as it is stored.
pub(crate) fn stored_size(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}
