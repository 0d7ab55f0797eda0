//! One name across all jobs of a function: its history, and the latest of it.

use axum::Json;
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use upnext_core::ArtifactStatus;
use upnext_core::backend::ArtifactQuery;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::PathPair;
use super::functions::no_function;
use crate::error::ApiError;
use crate::query::QueryPairs;
use crate::state::AppState;
use crate::wire::{Artifact, ArtifactPage, CommonErrors, ErrorBody};

/// How far back the latest whole artifact is looked for, past those that are being written or never were completed.
const LOOK_BACK: usize = 100;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(artifact_history))
        .routes(routes!(latest_artifact))
        .routes(routes!(latest_content))
}

#[derive(IntoParams)]
#[into_params(parameter_in = Path)]
#[allow(dead_code, reason = "describes the parameters; PathPair reads them")]
struct HistoryPath {
    /// The function's key, percent-encoded as one segment.
    key: String,
    /// The artifact's name, percent-encoded as one segment.
    name: String,
}

/// Every version of an artifact's name in all jobs of a function, newest first.
#[utoipa::path(get, path = "/functions/{key}/artifacts/{name}", tag = "artifacts",
    params(HistoryPath,
        ("limit" = Option<u32>, Query, description = "Most artifacts on this page", minimum = 1, maximum = 1000),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before")),
    responses((status = 200, description = "One page of artifacts", body = ArtifactPage),
        (status = 404, description = "There is no such function", body = ErrorBody), CommonErrors))]
async fn artifact_history(
    State(state): State<AppState>,
    PathPair(key, name): PathPair,
    query: QueryPairs,
) -> Result<Json<ArtifactPage>, ApiError> {
    let (limit, cursor) = (query.limit()?, query.cursor()?);
    let page = state.served.artifacts.list(ArtifactQuery { limit, cursor, ..history(&key, &name) }).await?;
    if page.total == 0 {
        // A function that made none and one that does not exist look alike in the list.
        state.backend().find_function(&key).await?.ok_or_else(|| no_function(&key))?;
    }
    Ok(Json(page.into()))
}

/// The latest artifact of this name in all jobs of a function: the newest that is whole, else the newest.
#[utoipa::path(get, path = "/functions/{key}/artifacts/{name}/latest", tag = "artifacts",
    params(HistoryPath),
    responses((status = 200, description = "The artifact", body = Artifact),
        (status = 404, description = "No job of this function has made such an artifact", body = ErrorBody),
        CommonErrors))]
async fn latest_artifact(
    State(state): State<AppState>,
    PathPair(key, name): PathPair,
) -> Result<Json<Artifact>, ApiError> {
    Ok(Json(latest(&state, &key, &name).await?.into()))
}

/// Leads to the content of the latest artifact of this name. The query goes along, `download` say.
#[utoipa::path(get, path = "/functions/{key}/artifacts/{name}/latest/content", tag = "artifacts",
    params(HistoryPath,
        ("download" = Option<bool>, Query, description = "True: as a file to save, not to show")),
    responses((status = 307, description = "The content's address is in `Location`"),
        (status = 404, description = "No job of this function has made such an artifact", body = ErrorBody),
        CommonErrors))]
async fn latest_content(
    State(state): State<AppState>,
    PathPair(key, name): PathPair,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let id = latest(&state, &key, &name).await?.id;
    let query = query.map_or_else(String::new, |query| format!("?{query}"));
    // Relative, so that it holds behind a proxy that serves us under a prefix.
    let location = format!("../../../../../artifacts/{id}/content{query}");
    Ok((StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, location)]).into_response())
}

async fn latest(state: &AppState, key: &str, name: &str) -> Result<upnext_core::Artifact, ApiError> {
    let query = ArtifactQuery { limit: LOOK_BACK, ..history(key, name) };
    let mut newest = state.served.artifacts.list(query).await?.items;
    let whole = newest.iter().position(|artifact| artifact.status == ArtifactStatus::Available);
    if newest.is_empty() {
        return Err(ApiError::NotFound(format!(
            "no job of the function '{key}' has made an artifact '{name}'"
        )));
    }
    Ok(newest.swap_remove(whole.unwrap_or(0)))
}

fn history(key: &str, name: &str) -> ArtifactQuery {
    ArtifactQuery {
        function: Some(key.to_owned()),
        name: Some(name.to_owned()),
        all_versions: true,
        ..ArtifactQuery::default()
    }
}
