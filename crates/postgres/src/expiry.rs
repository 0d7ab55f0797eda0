//! What goes because of its age or on request: `expire`, `delete_job`.

use std::collections::HashSet;
use std::time::Duration;

use upnext_core::artifact::UPLOAD_PATIENCE;
use upnext_core::backend::{ExpireRequest, Expired, JobDeleted};
use upnext_core::{ArtifactId, JobId, JobStatus, Timestamp};

use crate::artifacts::delete_artifact;
use crate::database::Transaction;
use crate::faults::{Fault, Result};
use crate::params::{count, job_uuid, params};
use crate::{apis, insights, rows};

/// How long followers of changes may have been away and still hear of every deletion.
const DELETIONS_KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

pub(crate) async fn expire(transaction: &mut Transaction<'_>, request: ExpireRequest) -> Result<Expired> {
    let now = transaction.now.as_micros();
    let before = |age: Duration| now - rows::stored_micros(age);
    let limit = request.limit;
    // Their locks come before the order of changes.
    let jobs = match request.jobs_ended_before {
        Some(ended) => expired_jobs(transaction, ended, limit).await?,
        None => Vec::new(),
    };
    transaction.next_changes(1).await?;
    let mut gone =
        artifact_ids(transaction, include_str!("../queries/expire_artifacts.sql"), now, limit).await?;
    let uploads = include_str!("../queries/expire_uploads.sql");
    gone.extend(artifact_ids(transaction, uploads, before(UPLOAD_PATIENCE), limit - gone.len()).await?);
    let artifacts = gone.len();
    for id in gone {
        delete_artifact(transaction, id).await?;
    }
    let jobs = without_pinned(transaction, jobs).await?;
    remove_jobs(transaction, &jobs).await?;
    if let Some(ended) = request.jobs_ended_before {
        insights::expire(transaction, ended).await?;
    }
    let deletions = include_str!("../queries/expire_deletions.sql");
    transaction.all(deletions, params![before(DELETIONS_KEPT)]).await?;
    transaction.all(include_str!("../queries/expire_results.sql"), params![now, count(limit)]).await?;
    apis::expire(transaction).await?;
    Ok(Expired { artifacts, jobs: jobs.len() })
}

async fn expired_jobs(transaction: &Transaction<'_>, ended: Timestamp, limit: usize) -> Result<Vec<i64>> {
    let sql = include_str!("../queries/expire_jobs.sql");
    let rows = transaction.all(sql, params![ended.as_micros(), count(limit)]).await?;
    rows.iter().map(|row| Ok(row.try_get(0)?)).collect()
}

/// Somebody may have pinned an artifact before we had the order of changes.
async fn without_pinned(transaction: &Transaction<'_>, mut jobs: Vec<i64>) -> Result<Vec<i64>> {
    let sql = include_str!("../queries/expire_jobs_pinned.sql");
    let rows = transaction.all(sql, params![jobs]).await?;
    let pinned: HashSet<i64> = rows.iter().map(|row| Ok(row.try_get(0)?)).collect::<Result<_>>()?;
    jobs.retain(|job| !pinned.contains(job));
    Ok(jobs)
}

async fn artifact_ids(
    transaction: &Transaction<'_>,
    sql: &str,
    moment: i64,
    limit: usize,
) -> Result<Vec<ArtifactId>> {
    let rows = transaction.all(sql, params![moment, count(limit)]).await?;
    rows.iter().map(|row| rows::artifact_id(row, 0)).collect()
}

pub(crate) async fn delete_job(transaction: &mut Transaction<'_>, id: JobId) -> Result<JobDeleted> {
    let found =
        transaction.optional(include_str!("../queries/delete_job_find.sql"), params![job_uuid(id)]).await?;
    let Some(found) = found else {
        let live = include_str!("../queries/live_status.sql");
        let Some(row) = transaction.optional(live, params![job_uuid(id)]).await? else {
            return Ok(JobDeleted::UnknownJob);
        };
        let status: Option<JobStatus> = rows::optional_word(&row, 0)?;
        return match status {
            Some(status) => Ok(JobDeleted::NotEnded(status)),
            None => Err(Fault::Again("the job was on its way".into())),
        };
    };
    let seq: i64 = found.try_get(0)?;
    transaction.next_changes(1).await?;
    let pinned = transaction.optional(include_str!("../queries/delete_job_pinned.sql"), params![seq]).await?;
    if let Some(pinned) = pinned {
        return Ok(JobDeleted::Pinned(rows::artifact_id(&pinned, 0)?));
    }
    insights::take_back(transaction, seq).await?;
    remove_jobs(transaction, &[seq]).await?;
    Ok(JobDeleted::Gone)
}

/// Removes jobs with all they have; the caller holds the order of changes.
async fn remove_jobs(transaction: &mut Transaction<'_>, jobs: &[i64]) -> Result<()> {
    if jobs.is_empty() {
        return Ok(());
    }
    let jobs = jobs.to_vec();
    let artifacts =
        transaction.all(include_str!("../queries/delete_jobs_artifacts.sql"), params![jobs]).await?;
    for row in artifacts {
        delete_artifact(transaction, rows::artifact_id(&row, 0)?).await?;
    }
    for sql in [
        include_str!("../queries/delete_jobs_reads.sql"),
        include_str!("../queries/delete_jobs_attempts.sql"),
        include_str!("../queries/delete_jobs_logs.sql"),
        include_str!("../queries/delete_jobs_tags.sql"),
        include_str!("../queries/delete_jobs_changes.sql"),
        include_str!("../queries/delete_jobs_ended.sql"),
        include_str!("../queries/delete_jobs.sql"),
    ] {
        transaction.all(sql, params![jobs]).await?;
    }
    Ok(())
}
