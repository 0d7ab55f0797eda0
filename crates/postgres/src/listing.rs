//! Reading jobs and their attempts.

use upnext_core::{Attempt, Job, JobId};
use uuid::Uuid;

use crate::control::outcome_word;
use crate::database::Connection;
use crate::faults::Result;
use crate::params::{job_uuid, params};
use crate::rows::{self, JOB_COLUMNS, JOB_TABLES};

pub(crate) async fn find_jobs(connection: &Connection<'_>, ids: &[JobId]) -> Result<Vec<Job>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| job_uuid(*id)).collect();
    let sql = format!("SELECT {JOB_COLUMNS} FROM {JOB_TABLES} WHERE j.id = ANY ($1)");
    connection.all(&sql, params![ids]).await?.iter().map(rows::job).collect()
}

pub(crate) async fn list_attempts(connection: &Connection<'_>, id: JobId) -> Result<Vec<Attempt>> {
    let sql = include_str!("../queries/list_attempts.sql");
    let mut attempts = Vec::new();
    for row in connection.all(sql, params![job_uuid(id)]).await? {
        attempts.push(Attempt {
            number: rows::small(&row, 0)?,
            worker_id: row.try_get(1)?,
            started_at: rows::moment(&row, 2)?,
            ended_at: rows::moment(&row, 3)?,
            outcome: row.try_get(4)?,
            error: row.try_get(5)?,
            traceback: row.try_get(6)?,
        });
    }
    let Some(job) = find_jobs(connection, &[id]).await?.pop() else { return Ok(attempts) };
    let in_history = attempts.last().is_some_and(|last: &Attempt| last.number >= job.attempts);
    if job.attempts > 0 && !in_history {
        attempts.push(Attempt {
            number: job.attempts,
            worker_id: job.worker_id,
            started_at: job.started_at,
            ended_at: job.completed_at,
            outcome: outcome_word(job.status, job.failure_reason).to_owned(),
            error: job.error,
            traceback: job.traceback,
        });
    }
    Ok(attempts)
}
