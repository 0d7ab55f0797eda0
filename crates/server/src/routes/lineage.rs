//! Lineage: which job made an artifact, from which others, and who read it.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::StatusCode;
use upnext_core::backend::{ArtifactQuery, JobQuery};
use upnext_core::{ArtifactId, JobId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::artifacts::find_artifact;
use super::{PathId, find_job};
use crate::error::ApiError;
use crate::request_body::read_json;
use crate::state::AppState;
use crate::wire::{Artifact, ArtifactLineage, ArtifactRead, CommonErrors, ErrorBody, JobLineage};

/// Most jobs, and most artifacts, of one answer.
const SHOWN: usize = 100;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(artifact_lineage))
        .routes(routes!(job_lineage))
        .routes(routes!(note_read))
}

/// Where an artifact comes from and who read it.
#[utoipa::path(get, path = "/artifacts/{id}/lineage", tag = "artifacts",
    params(("id" = String, Path, description = "The artifact's id")),
    responses((status = 200, description = "Its lineage, one step in each direction", body = ArtifactLineage),
        (status = 404, description = "There is no such artifact", body = ErrorBody), CommonErrors))]
async fn artifact_lineage(
    State(state): State<AppState>,
    PathId(id): PathId<ArtifactId>,
) -> Result<Json<ArtifactLineage>, ApiError> {
    let artifact = find_artifact(&state, id).await?;
    let made_by = find_job(&state, artifact.job_id).await?;
    let (inputs, inputs_total) = artifacts(&state, read_by(made_by.id)).await?;
    let query = JobQuery { reads: Some(id), limit: SHOWN, ..JobQuery::default() };
    let readers = state.backend().list_jobs(query).await?;
    Ok(Json(ArtifactLineage {
        artifact: artifact.into(),
        made_by: made_by.into(),
        inputs,
        inputs_total,
        read_by: readers.items.into_iter().map(Into::into).collect(),
        read_by_total: readers.total,
    }))
}

/// What a job read and what it made.
#[utoipa::path(get, path = "/jobs/{id}/lineage", tag = "artifacts",
    params(("id" = String, Path, description = "The job's id")),
    responses((status = 200, description = "Its lineage, one step in each direction", body = JobLineage),
        (status = 404, description = "There is no such job", body = ErrorBody), CommonErrors))]
async fn job_lineage(
    State(state): State<AppState>,
    PathId(id): PathId<JobId>,
) -> Result<Json<JobLineage>, ApiError> {
    let job = find_job(&state, id).await?;
    let (reads, reads_total) = artifacts(&state, read_by(id)).await?;
    let made = ArtifactQuery { job_id: Some(id), ..ArtifactQuery::default() };
    let (makes, makes_total) = artifacts(&state, made).await?;
    Ok(Json(JobLineage { job: job.into(), reads, reads_total, makes, makes_total }))
}

/// Note that a job has read an artifact. Again, it changes nothing.
#[utoipa::path(post, path = "/artifacts/{id}/reads", tag = "artifacts",
    params(("id" = String, Path, description = "The artifact's id")),
    request_body(content = ArtifactRead),
    responses((status = 204, description = "It is noted"),
        (status = 400, description = "The body ended before it was whole", body = ErrorBody),
        (status = 404, description = "There is no such artifact or job", body = ErrorBody),
        (status = 413, description = "The body is too large", body = ErrorBody), CommonErrors))]
async fn note_read(
    State(state): State<AppState>,
    PathId(id): PathId<ArtifactId>,
    request: Request,
) -> Result<StatusCode, ApiError> {
    let read: ArtifactRead = read_json(request.into_body(), "{job_id}").await?;
    let reader: JobId = read
        .job_id
        .parse()
        .map_err(|error: upnext_core::id::ParseIdError| ApiError::NotFound(error.to_string()))?;
    find_artifact(&state, id).await?;
    find_job(&state, reader).await?;
    state.served.artifacts.note_read(id, reader).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What a job read, whichever version it was.
fn read_by(job: JobId) -> ArtifactQuery {
    ArtifactQuery { read_by: Some(job), all_versions: true, ..ArtifactQuery::default() }
}

/// The newest of these artifacts, and how many there are.
async fn artifacts(state: &AppState, query: ArtifactQuery) -> Result<(Vec<Artifact>, u64), ApiError> {
    let page = state.served.artifacts.list(ArtifactQuery { limit: SHOWN, ..query }).await?;
    Ok((page.items.into_iter().map(Into::into).collect(), page.total))
}
