//! Functions: list, one function with its newest jobs, pause, resume and forget.

use axum::Json;
use axum::extract::State;
use upnext_core::backend::{FunctionForgotten, JobQuery};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::PathText;
use crate::error::ApiError;
use crate::query::QueryPairs;
use crate::state::AppState;
use crate::wire::{
    CommonErrors, ErrorBody, Function, FunctionDeleted, FunctionDetail, FunctionList, FunctionPaused, JobType,
};

/// Newest jobs shown with a function.
const RECENT_RUNS: usize = 20;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(list_functions))
        .routes(routes!(get_function, forget_function))
        .routes(routes!(pause_function))
        .routes(routes!(resume_function))
}

/// List every function that a worker ever registered.
#[utoipa::path(get, path = "/functions", tag = "functions",
    params(("type" = Option<JobType>, Query, description = "Only functions of this type")),
    responses((status = 200, description = "The functions, by key", body = FunctionList), CommonErrors))]
async fn list_functions(
    State(state): State<AppState>,
    query: QueryPairs,
) -> Result<Json<FunctionList>, ApiError> {
    let wanted = query.job_type()?;
    let functions = state.backend().list_functions().await?.into_iter();
    let functions: Vec<Function> = functions
        .filter(|function| wanted.is_none_or(|wanted| function.definition.job_type == wanted))
        .map(Into::into)
        .collect();
    Ok(Json(FunctionList { total: functions.len() as u64, functions }))
}

/// One function with its newest jobs.
#[utoipa::path(get, path = "/functions/{key}", tag = "functions",
    params(("key" = String, Path, description = "The function's key")),
    responses((status = 200, description = "The function", body = FunctionDetail),
        (status = 404, description = "There is no such function", body = ErrorBody), CommonErrors))]
async fn get_function(
    State(state): State<AppState>,
    PathText(key): PathText,
) -> Result<Json<FunctionDetail>, ApiError> {
    let function = state.backend().find_function(&key).await?.ok_or_else(|| no_function(&key))?;
    let query = JobQuery { function: Some(key), limit: RECENT_RUNS, ..JobQuery::default() };
    let recent = state.backend().list_jobs(query).await?.items;
    Ok(Json(FunctionDetail {
        function: function.into(),
        recent_runs: recent.into_iter().map(Into::into).collect(),
    }))
}

/// Pause a function: its jobs are accepted, but none of them is run.
#[utoipa::path(post, path = "/functions/{key}/pause", tag = "functions",
    params(("key" = String, Path, description = "The function's key")),
    responses((status = 200, description = "It is paused", body = FunctionPaused),
        (status = 404, description = "There is no such function", body = ErrorBody), CommonErrors))]
async fn pause_function(
    State(state): State<AppState>,
    PathText(key): PathText,
) -> Result<Json<FunctionPaused>, ApiError> {
    set_paused(&state, key, true).await
}

/// Resume a paused function.
#[utoipa::path(post, path = "/functions/{key}/resume", tag = "functions",
    params(("key" = String, Path, description = "The function's key")),
    responses((status = 200, description = "It is no longer paused", body = FunctionPaused),
        (status = 404, description = "There is no such function", body = ErrorBody), CommonErrors))]
async fn resume_function(
    State(state): State<AppState>,
    PathText(key): PathText,
) -> Result<Json<FunctionPaused>, ApiError> {
    set_paused(&state, key, false).await
}

async fn set_paused(state: &AppState, key: String, paused: bool) -> Result<Json<FunctionPaused>, ApiError> {
    if state.backend().set_paused(&key, paused).await? {
        return Ok(Json(FunctionPaused { key, paused }));
    }
    Err(no_function(&key))
}

/// Forget a function that no living worker offers: it is listed no more, its schedule makes no runs. Its jobs stay.
#[utoipa::path(delete, path = "/functions/{key}", tag = "functions",
    params(("key" = String, Path, description = "The function's key")),
    responses((status = 200, description = "It is gone", body = FunctionDeleted),
        (status = 404, description = "There is no such function", body = ErrorBody),
        (status = 409, description = "A living worker offers it", body = ErrorBody), CommonErrors))]
async fn forget_function(
    State(state): State<AppState>,
    PathText(key): PathText,
) -> Result<Json<FunctionDeleted>, ApiError> {
    match state.backend().forget_function(&key).await? {
        FunctionForgotten::Gone => Ok(Json(FunctionDeleted { status: "deleted", key })),
        FunctionForgotten::UnknownFunction => Err(no_function(&key)),
        FunctionForgotten::Offered(workers) => Err(ApiError::Conflict(format!(
            "function '{key}' is offered by {}: stop what offers it first",
            workers.join(", ")
        ))),
    }
}

pub(super) fn no_function(key: &str) -> ApiError {
    let shown: String = key.chars().take(80).collect();
    ApiError::NotFound(format!("there is no function '{shown}'"))
}
