//! Between rows and domain types: the one place that knows columns by name.

use rusqlite::types::Type;
use rusqlite::{Error, Row};
use upnext_core::artifact::{Digest, PARTS_STORAGE};
use upnext_core::job::Lease;
use upnext_core::{
    Artifact, ArtifactId, ArtifactType, ClaimedJob, Job, JobId, Labels, LeaseToken, RawJson, RetryPolicy,
    Timestamp,
};

/// Columns of [`job`], in its order.
pub(crate) const JOB_COLUMNS: &str = "id, status, function, function_name, job_type, priority, created_at, \
    scheduled_at, started_at, completed_at, attempts, losses, timeout_us, retry, worker_id, cancel_requested, \
    idempotency_key, parent_id, root_id, progress, progress_message, failure_reason, error, traceback, source, \
    checkpoint_at, checkpoint, result, kwargs, seq, tags";

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
        tags: tags(row, 30)?,
    })
}

/// A claimed job from a row of `queries/claim_job.sql`.
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
        cached: None,
        suspect: row.get(13)?,
        kwargs: RawJson::trusted(row.get::<_, String>(10)?),
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
    WHEN j.status = 'active' AND j.attempts = a.attempt THEN 'writing' ELSE 'incomplete' END, a.expected, a.expected_sha256, a.seq";

/// Place of `seq` in [`ARTIFACT_COLUMNS`].
pub(crate) const ARTIFACT_SEQ: usize = 21;

/// What [`ARTIFACT_COLUMNS`] are columns of.
pub(crate) const ARTIFACT_TABLES: &str =
    "artifacts a JOIN jobs j ON j.seq = a.job LEFT JOIN blobs b ON b.blob = a.blob";

/// An artifact from a row of [`ARTIFACT_COLUMNS`].
pub(crate) fn artifact(row: &Row<'_>) -> rusqlite::Result<Artifact> {
    let artifact_type: ArtifactType = word(row, 7)?;
    Ok(Artifact {
        id: ArtifactId::from_bytes(row.get(0)?),
        job_id: JobId::from_bytes(row.get(1)?),
        function: row.get(2)?,
        attempt: row.get(3)?,
        name: row.get(4)?,
        // An upload that is not whole has no version yet.
        version: u32::try_from(row.get::<_, i64>(5)?).unwrap_or(0),
        latest: row.get(6)?,
        content_type: row
            .get::<_, Option<String>>(8)?
            .unwrap_or_else(|| artifact_type.content_type().to_owned()),
        artifact_type,
        size_bytes: row.get(9)?,
        expected_bytes: row.get(19)?,
        expected_sha256: row.get::<_, Option<[u8; 32]>>(20)?.map(Digest::from_bytes),
        sha256: row.get::<_, Option<[u8; 32]>>(10)?.map(Digest::from_bytes),
        storage: row.get::<_, Option<String>>(11)?.unwrap_or_else(|| PARTS_STORAGE.to_owned()),
        created_at: Timestamp::from_micros(row.get(12)?),
        labels: labels(row, 13)?,
        expires_at: moment(row, 16)?,
        pinned: row.get(17)?,
        status: word(row, 18)?,
    })
}

/// Description, tags and metadata from three columns, the first of them `index`.
pub(crate) fn labels(row: &Row<'_>, index: usize) -> rusqlite::Result<Labels> {
    Ok(Labels { description: row.get(index)?, tags: tags(row, index + 1)?, metadata: json(row, index + 2)? })
}

/// The tags in column `index`.
pub(crate) fn tags(row: &Row<'_>, index: usize) -> rusqlite::Result<Vec<String>> {
    match row.get_ref(index)?.as_str_or_null()? {
        None => Ok(Vec::new()),
        Some(text) => serde_json::from_str(text).map_err(|error| unreadable(index, error)),
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
pub(crate) fn retry(row: &Row<'_>, index: usize) -> rusqlite::Result<RetryPolicy> {
    match row.get_ref(index)?.as_str_or_null()? {
        None => Ok(RetryPolicy::default()),
        Some(text) => serde_json::from_str(text).map_err(|error| unreadable(index, error)),
    }
}

/// The enum word in column `index`.
pub(crate) fn word<T>(row: &Row<'_>, index: usize) -> rusqlite::Result<T>
where
    T: std::str::FromStr<Err: std::error::Error + Send + Sync + 'static>,
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
