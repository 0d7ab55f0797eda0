//! What a job left behind besides its result and artifacts: attempts and log lines.

use axum::Json;
use axum::extract::State;
use upnext_core::JobId;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{PathId, find_job};
use crate::error::ApiError;
use crate::query::QueryPairs;
use crate::state::AppState;
use crate::wire::{Attempt, AttemptList, CommonErrors, ErrorBody, LogLine, LogPage};

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list_attempts)).routes(routes!(list_logs))
}

/// Every attempt of a job, oldest first.
#[utoipa::path(get, path = "/jobs/{id}/attempts", tag = "jobs",
    params(("id" = String, Path, description = "The job's id")),
    responses((status = 200, description = "The attempts", body = AttemptList),
        (status = 404, description = "There is no such job", body = ErrorBody), CommonErrors))]
async fn list_attempts(
    State(state): State<AppState>,
    PathId(id): PathId<JobId>,
) -> Result<Json<AttemptList>, ApiError> {
    let job = find_job(&state, id).await?;
    let attempts = state.backend().list_attempts(job.id).await?;
    let attempts: Vec<Attempt> = attempts.into_iter().map(Into::into).collect();
    Ok(Json(AttemptList { total: attempts.len() as u64, attempts }))
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the parameters; QueryPairs reads them")]
struct LogParams {
    /// Only lines after this sequence number.
    #[param(minimum = 0, default = 0)]
    after: Option<i64>,
    /// Most lines in this answer.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
}

/// Log lines of a job, oldest first.
#[utoipa::path(get, path = "/jobs/{id}/logs", tag = "jobs",
    params(("id" = String, Path, description = "The job's id"), LogParams),
    responses((status = 200, description = "The lines", body = LogPage),
        (status = 404, description = "There is no such job", body = ErrorBody), CommonErrors))]
async fn list_logs(
    State(state): State<AppState>,
    PathId(id): PathId<JobId>,
    query: QueryPairs,
) -> Result<Json<LogPage>, ApiError> {
    let (after, limit) = (query.sequence("after")?, query.limit()?);
    let job = find_job(&state, id).await?;
    let mut lines = state.backend().list_logs(job.id, after, limit + 1).await?;
    let has_more = lines.len() > limit;
    lines.truncate(limit);
    let next_after = lines.last().map_or(after, |line| line.sequence);
    let logs: Vec<LogLine> = lines.into_iter().map(Into::into).collect();
    Ok(Json(LogPage { logs, has_more, next_after }))
}
