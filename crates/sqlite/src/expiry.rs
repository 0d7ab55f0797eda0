//! What goes because of its age or on request: `expire`, `delete_job`.

use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};
use upnext_core::artifact::UPLOAD_PATIENCE;
use upnext_core::backend::{ExpireRequest, Expired, JobDeleted};
use upnext_core::{ArtifactId, JobId, JobStatus};

use crate::artifacts::delete_artifact;
use crate::lane::Transaction;
use crate::{apis, insights, rows};

/// How long followers of changes may have been away and still hear of every deletion.
const DELETIONS_KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

pub(crate) fn expire(transaction: &mut Transaction<'_>, request: ExpireRequest) -> rusqlite::Result<Expired> {
    let now = transaction.now.as_micros();
    let before = |age: Duration| now - rows::stored_micros(age);
    let connection = transaction.connection;
    let limit = request.limit;
    let mut gone = artifact_ids(connection, include_str!("../queries/expire_artifacts.sql"), now, limit)?;
    let uploads = include_str!("../queries/expire_uploads.sql");
    gone.extend(artifact_ids(connection, uploads, before(UPLOAD_PATIENCE), limit - gone.len())?);
    let artifacts = gone.len();
    for id in gone {
        delete_artifact(transaction, id)?;
    }
    let mut jobs = 0;
    if let Some(ended) = request.jobs_ended_before {
        let ids: Vec<JobId> = connection
            .prepare_cached(include_str!("../queries/expire_jobs.sql"))?
            .query_map(params![ended.as_micros(), limit], |row| Ok(JobId::from_bytes(row.get(0)?)))?
            .collect::<Result<_, _>>()?;
        for id in ids {
            jobs += usize::from(remove_job(transaction, id, Figures::Keep)? == JobDeleted::Gone);
        }
        insights::expire(transaction, ended)?;
    }
    connection
        .prepare_cached(include_str!("../queries/expire_deletions.sql"))?
        .execute([before(DELETIONS_KEPT)])?;
    let mut results = connection.prepare_cached(include_str!("../queries/expire_results.sql"))?;
    results.execute(params![now, limit])?;
    drop(results);
    apis::expire(transaction)?;
    Ok(Expired { artifacts, jobs })
}

fn artifact_ids(
    connection: &Connection,
    sql: &str,
    moment: i64,
    limit: usize,
) -> rusqlite::Result<Vec<ArtifactId>> {
    connection
        .prepare_cached(sql)?
        .query_map(params![moment, limit], |row| Ok(ArtifactId::from_bytes(row.get(0)?)))?
        .collect()
}

pub(crate) fn delete_job(transaction: &mut Transaction<'_>, id: JobId) -> rusqlite::Result<JobDeleted> {
    remove_job(transaction, id, Figures::Correct)
}

/// What becomes of the figures about a job that is removed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Figures {
    /// They go with it.
    Correct,
    /// It happened, and was long ago: they stay as long as trends show them.
    Keep,
}

fn remove_job(
    transaction: &mut Transaction<'_>,
    id: JobId,
    figures: Figures,
) -> rusqlite::Result<JobDeleted> {
    let connection = transaction.connection;
    let found = connection
        .prepare_cached(include_str!("../queries/delete_job_find.sql"))?
        .query_row([id.as_bytes()], |row| {
            let pinned = row.get::<_, Option<[u8; 16]>>(2)?.map(ArtifactId::from_bytes);
            Ok((row.get::<_, i64>(0)?, rows::word::<JobStatus>(row, 1)?, pinned))
        })
        .optional()?;
    let (seq, pinned) = match found {
        None => return Ok(JobDeleted::UnknownJob),
        Some((_, status, _)) if !status.is_final() => return Ok(JobDeleted::NotEnded(status)),
        Some((seq, _, pinned)) => (seq, pinned),
    };
    if let Some(pinned) = pinned {
        return Ok(JobDeleted::Pinned(pinned));
    }
    let artifacts: Vec<ArtifactId> = connection
        .prepare_cached(include_str!("../queries/delete_job_artifacts.sql"))?
        .query_map([seq], |row| Ok(ArtifactId::from_bytes(row.get(0)?)))?
        .collect::<Result<_, _>>()?;
    for artifact in artifacts {
        delete_artifact(transaction, artifact)?;
    }
    if figures == Figures::Correct {
        insights::take_back(transaction, seq)?;
    }
    for sql in [
        include_str!("../queries/delete_job_reads.sql"),
        include_str!("../queries/delete_job_attempts.sql"),
        include_str!("../queries/delete_job_logs.sql"),
        include_str!("../queries/delete_job_tags.sql"),
        include_str!("../queries/delete_job.sql"),
    ] {
        connection.prepare_cached(sql)?.execute([seq])?;
    }
    Ok(JobDeleted::Gone)
}
