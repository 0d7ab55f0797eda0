//! Workers: list and one worker, its instances grouped under its name.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::PathText;
use crate::error::ApiError;
use crate::live::snapshots;
use crate::state::AppState;
use crate::wire::{CommonErrors, ErrorBody, Worker, WorkerList};

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(list_workers))
        .routes(routes!(stream_workers))
        .routes(routes!(get_worker))
}

/// List the workers that are alive or were heard of within the last day.
#[utoipa::path(get, path = "/workers", tag = "workers",
    responses((status = 200, description = "The workers, by name", body = WorkerList), CommonErrors))]
async fn list_workers(State(state): State<AppState>) -> Result<Json<WorkerList>, ApiError> {
    Ok(Json(all(&state).await?))
}

/// The same as it changes: `event: workers.snapshot` at once, and again after something happened, at most every two seconds.
#[utoipa::path(get, path = "/workers/stream", tag = "workers",
    responses((status = 200, description = "The stream; each message is one WorkerList",
        body = WorkerList, content_type = "text/event-stream"), CommonErrors))]
async fn stream_workers(State(state): State<AppState>) -> Result<Response, ApiError> {
    snapshots(&state, "workers.snapshot", |state| async move { all(&state).await }).await
}

async fn all(state: &AppState) -> Result<WorkerList, ApiError> {
    let workers = groups(state).await?;
    Ok(WorkerList { total: workers.len() as u64, workers })
}

/// One worker, by its name or by the id of one of its instances.
#[utoipa::path(get, path = "/workers/{id}", tag = "workers",
    params(("id" = String, Path, description = "A worker's name, or the id of an instance")),
    responses((status = 200, description = "The worker", body = Worker),
        (status = 404, description = "There is no such worker", body = ErrorBody), CommonErrors))]
async fn get_worker(State(state): State<AppState>, PathText(id): PathText) -> Result<Json<Worker>, ApiError> {
    let mut workers = groups(&state).await?;
    let named = workers.iter().position(|worker| worker.name == id);
    let found = named.or_else(|| {
        workers.iter().position(|worker| worker.instances.iter().any(|instance| instance.id == id))
    });
    let shown: String = id.chars().take(80).collect();
    let missing = || ApiError::NotFound(format!("there is no worker '{shown}'"));
    Ok(Json(workers.swap_remove(found.ok_or_else(missing)?)))
}

async fn groups(state: &AppState) -> Result<Vec<Worker>, ApiError> {
    let functions = state.backend().list_functions().await?;
    let names: BTreeMap<String, String> =
        functions.into_iter().map(|function| (function.definition.key, function.definition.name)).collect();
    Ok(Worker::group(state.backend().list_workers().await?, &names))
}
