//! Jobs: list, figures, one job, its tree, cancel and retry.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use upnext_core::JobId;
use upnext_core::backend::{Cancelled, JobQuery, Retried};
use upnext_core::insight::StatsQuery;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{PathId, find_job, no_job};
use crate::described::split_tags;
use crate::error::ApiError;
use crate::query::QueryPairs;
use crate::state::AppState;
use crate::wire::{
    self, CommonErrors, ErrorBody, Job, JobCancelled, JobDeleted, JobPage, JobRetried, JobStats,
};

/// Most jobs of one tree that a timeline shows.
const MAX_TREE: usize = 10_000;

const TREE_PAGE: usize = 1000;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(list_jobs))
        .routes(routes!(job_stats))
        .routes(routes!(get_job, delete_job))
        .routes(routes!(job_timeline))
        .routes(routes!(cancel_job))
        .routes(routes!(retry_job))
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the parameters; QueryPairs reads them")]
struct JobListParams {
    /// Only jobs of this function (its key).
    function: Option<String>,
    /// Only jobs with one of these statuses. Repeatable: `status=failed&status=cancelled`.
    #[param(style = Form, explode)]
    status: Option<Vec<wire::JobStatus>>,
    /// Only jobs last run by this worker instance.
    worker_id: Option<String>,
    /// Only jobs made at or after this moment (RFC 3339).
    #[param(format = DateTime)]
    after: Option<String>,
    /// Only jobs made before this moment (RFC 3339).
    #[param(format = DateTime)]
    before: Option<String>,
    /// Only jobs that have read this artifact.
    #[param(format = "uuid")]
    reads: Option<String>,
    /// Only jobs that have this tag. Repeatable: `tag=nightly&tag=eu` finds those that have both.
    #[param(style = Form, explode)]
    tag: Option<Vec<String>>,
    /// Only jobs that hold this text, letter case aside: in their id, function, key, tags, error or arguments. A search looks
    /// through jobs for half a second at most; if it has not seen all of them by then, `has_more` is true however few it
    /// found, and `next_cursor` goes on.
    text: Option<String>,
    /// Most jobs on this page.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// List jobs, newest first.
#[utoipa::path(get, path = "/jobs", tag = "jobs", params(JobListParams),
    responses((status = 200, description = "One page of jobs", body = JobPage), CommonErrors))]
async fn list_jobs(State(state): State<AppState>, query: QueryPairs) -> Result<Json<JobPage>, ApiError> {
    let page = state
        .served
        .client
        .list_jobs(JobQuery {
            statuses: query.statuses()?,
            worker_id: query.one("worker_id")?.map(str::to_owned),
            reads: query.parsed("reads")?,
            tags: query.all("tag").flat_map(split_tags).collect(),
            text: query.one("text")?.map(str::to_owned),
            limit: query.limit()?,
            cursor: query.cursor()?,
            ..filter(&query)?
        })
        .await?;
    Ok(Json(page.into()))
}

/// The filters that lists and figures share.
fn filter(query: &QueryPairs) -> Result<JobQuery, ApiError> {
    Ok(JobQuery {
        function: query.one("function")?.map(str::to_owned),
        after: query.moment("after")?,
        before: query.moment("before")?,
        ..JobQuery::default()
    })
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the parameters; QueryPairs reads them")]
struct JobStatsParams {
    /// Only jobs of this function (its key).
    function: Option<String>,
    /// Only jobs that ended at or after this moment (RFC 3339), or were made then and have not ended.
    #[param(format = DateTime)]
    after: Option<String>,
    /// Only jobs that ended before this moment (RFC 3339), or were made then and have not ended.
    #[param(format = DateTime)]
    before: Option<String>,
}

/// Count jobs by how they ended.
#[utoipa::path(get, path = "/jobs/stats", tag = "jobs", params(JobStatsParams),
    responses((status = 200, description = "The figures", body = JobStats), CommonErrors))]
async fn job_stats(State(state): State<AppState>, query: QueryPairs) -> Result<Json<JobStats>, ApiError> {
    let JobQuery { function, after, before, .. } = filter(&query)?;
    let stats = state.backend().job_stats(StatsQuery { function, after, before }).await?;
    Ok(Json(stats.into()))
}

/// One job.
#[utoipa::path(get, path = "/jobs/{id}", tag = "jobs", params(("id" = String, Path, description = "The job's id")),
    responses((status = 200, description = "The job", body = Job),
        (status = 404, description = "There is no such job", body = ErrorBody), CommonErrors))]
async fn get_job(State(state): State<AppState>, PathId(id): PathId<JobId>) -> Result<Json<Job>, ApiError> {
    Ok(Json(find_job(&state, id).await?.into()))
}

/// Delete a job that has ended, with its history and its artifacts.
#[utoipa::path(delete, path = "/jobs/{id}", tag = "jobs",
    params(("id" = String, Path, description = "The job's id")),
    responses((status = 200, description = "It is deleted", body = JobDeleted),
        (status = 404, description = "There is no such job", body = ErrorBody),
        (status = 409, description = "It has not ended, or one of its artifacts is pinned", body = ErrorBody),
        CommonErrors))]
async fn delete_job(
    State(state): State<AppState>,
    PathId(id): PathId<JobId>,
) -> Result<Json<JobDeleted>, ApiError> {
    use upnext_core::backend::JobDeleted as Answer;
    match state.backend().delete_job(id).await? {
        Answer::Gone => Ok(Json(JobDeleted { status: "deleted", id: id.to_string() })),
        Answer::UnknownJob => Err(no_job(id)),
        Answer::NotEnded(status) => Err(ApiError::Conflict(format!(
            "job {id} is {status}: only jobs that have ended can be deleted, so cancel it first"
        ))),
        Answer::Pinned(artifact) => {
            let found = state.served.artifacts.find(artifact).await?;
            let name = found.map_or_else(String::new, |artifact| format!(" '{}'", artifact.name));
            Err(ApiError::Conflict(format!(
                "the artifact{name} ({artifact}) of job {id} is pinned: unpin it first"
            )))
        }
    }
}

/// The whole tree that a job belongs to: its root and everything submitted under it, oldest first.
#[utoipa::path(get, path = "/jobs/{id}/timeline", tag = "jobs",
    params(("id" = String, Path, description = "Id of any job of the tree")),
    responses((status = 200, description = "The jobs of the tree, oldest first", body = JobPage),
        (status = 404, description = "There is no such job", body = ErrorBody), CommonErrors))]
async fn job_timeline(
    State(state): State<AppState>,
    PathId(id): PathId<JobId>,
) -> Result<Json<JobPage>, ApiError> {
    let root_id = Some(find_job(&state, id).await?.root_id);
    let (mut jobs, mut cursor): (Vec<Job>, _) = (Vec::new(), None);
    let (total, rest) = loop {
        let query = JobQuery { root_id, limit: TREE_PAGE, cursor, ..JobQuery::default() };
        let page = state.backend().list_jobs(query).await?;
        jobs.extend(page.items.into_iter().map(Job::from));
        cursor = page.next;
        if cursor.is_none() || jobs.len() >= MAX_TREE {
            break (page.total, cursor);
        }
    };
    jobs.reverse();
    Ok(Json(JobPage { jobs, total, total_is_capped: false, has_more: rest.is_some(), next_cursor: None }))
}

/// Cancel a job. One that waits is cancelled at once (200); the worker of one that runs is told to stop it (202).
#[utoipa::path(post, path = "/jobs/{id}/cancel", tag = "jobs",
    params(("id" = String, Path, description = "The job's id")),
    responses((status = 200, description = "It was waiting and is cancelled", body = JobCancelled),
        (status = 202, description = "It is running; its worker is told to stop it", body = JobCancelled),
        (status = 404, description = "There is no such job", body = ErrorBody),
        (status = 409, description = "It has ended already", body = ErrorBody), CommonErrors))]
async fn cancel_job(
    State(state): State<AppState>,
    PathId(id): PathId<JobId>,
) -> Result<(StatusCode, Json<JobCancelled>), ApiError> {
    let (code, status) = match state.served.client.cancel(id).await? {
        Cancelled::AtOnce => (StatusCode::OK, wire::JobStatus::Cancelled),
        Cancelled::Requested => (StatusCode::ACCEPTED, wire::JobStatus::Active),
        Cancelled::TooLate(status) => {
            return Err(ApiError::Conflict(format!("job {id} has ended already: it is {status}")));
        }
        Cancelled::UnknownJob => return Err(no_job(id)),
    };
    Ok((code, Json(JobCancelled { job_id: id.to_string(), cancelled: true, status })))
}

/// Queue a failed job again, under its own id, with a fresh set of retries.
#[utoipa::path(post, path = "/jobs/{id}/retry", tag = "jobs",
    params(("id" = String, Path, description = "The job's id")),
    responses((status = 200, description = "It is queued again", body = JobRetried),
        (status = 404, description = "There is no such job", body = ErrorBody),
        (status = 409, description = "It has not failed", body = ErrorBody), CommonErrors))]
async fn retry_job(
    State(state): State<AppState>,
    PathId(id): PathId<JobId>,
) -> Result<Json<JobRetried>, ApiError> {
    match state.served.client.retry(id).await? {
        Retried::Queued => {
            let status = wire::JobStatus::Queued;
            Ok(Json(JobRetried { job_id: id.to_string(), retried: true, status }))
        }
        Retried::NotFailed(status) => {
            Err(ApiError::Conflict(format!("job {id} is {status}: only failed jobs can be retried")))
        }
        Retried::UnknownJob => Err(no_job(id)),
    }
}
