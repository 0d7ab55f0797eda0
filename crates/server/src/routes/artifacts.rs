//! Artifact records: lists, one artifact, deletion.

use axum::Json;
use axum::extract::State;
use upnext_core::backend::ArtifactQuery;
use upnext_core::{ArtifactId, JobId};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{PathId, find_job, no_artifact};
use crate::error::ApiError;
use crate::query::QueryPairs;
use crate::state::AppState;
use crate::wire::{Artifact, ArtifactDeleted, ArtifactPage, CommonErrors, ErrorBody};

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(list_artifacts))
        .routes(routes!(list_job_artifacts))
        .routes(routes!(get_artifact, delete_artifact))
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the parameters; QueryPairs reads them")]
struct ArtifactListParams {
    /// Only artifacts of this type.
    #[param(rename = "type")]
    artifact_type: Option<String>,
    /// Only artifacts of jobs of this function (its key).
    function: Option<String>,
    /// Only artifacts of the tree of jobs under this root, the root included.
    #[param(format = "uuid")]
    root_id: Option<String>,
    /// Only artifacts that this job has read.
    #[param(format = "uuid")]
    read_by: Option<String>,
    /// Only names that contain this text, letter case aside.
    name: Option<String>,
    /// Only names of this shape: `*` any characters, `?` one, `[a-z]` one of these. Letter case counts.
    glob: Option<String>,
    /// Only artifacts that have this tag. Repeatable: `tag=model&tag=draft` finds those that have both.
    #[param(style = Form, explode)]
    tag: Option<Vec<String>>,
    /// Only artifacts of at least this many bytes.
    #[param(minimum = 0)]
    min_size: Option<u64>,
    /// Only artifacts of at most this many bytes.
    #[param(minimum = 0)]
    max_size: Option<u64>,
    /// Only artifacts recorded at or after this moment (RFC 3339).
    #[param(format = DateTime)]
    after: Option<String>,
    /// Only artifacts recorded before this moment (RFC 3339).
    #[param(format = DateTime)]
    before: Option<String>,
    /// Only artifacts in whose name, description, tags or metadata each of these words occurs, letter case aside.
    q: Option<String>,
    /// `all`: older versions of the same name too.
    #[param(inline)]
    versions: Option<Versions>,
    /// In which order. Among equals the newest comes first; `-` turns an order round.
    #[param(inline)]
    sort: Option<Sort>,
    /// Most artifacts on this page.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
}

/// Which versions of a name a list shows.
#[derive(utoipa::ToSchema)]
#[schema(rename_all = "lowercase")]
#[allow(dead_code, reason = "describes a parameter")]
enum Versions {
    Latest,
    All,
}

/// In which order a list comes.
#[derive(utoipa::ToSchema)]
#[allow(dead_code, reason = "describes a parameter")]
enum Sort {
    #[schema(rename = "-created_at")]
    Newest,
    #[schema(rename = "created_at")]
    Oldest,
    #[schema(rename = "-size")]
    Largest,
    #[schema(rename = "size")]
    Smallest,
    #[schema(rename = "name")]
    Name,
    #[schema(rename = "-name")]
    NameDescending,
}

/// List artifacts, newest first unless asked otherwise: of one job with `job_id`, else of all jobs.
#[utoipa::path(get, path = "/artifacts", tag = "artifacts",
    params(("job_id" = Option<String>, Query, description = "Only artifacts of this job"), ArtifactListParams),
    responses((status = 200, description = "One page of artifacts", body = ArtifactPage),
        (status = 404, description = "There is no such job", body = ErrorBody), CommonErrors))]
async fn list_artifacts(
    State(state): State<AppState>,
    query: QueryPairs,
) -> Result<Json<ArtifactPage>, ApiError> {
    let job_id = super::new_artifact::job_id_of(&query)?;
    page(&state, &query, job_id).await
}

/// List the artifacts of a job, newest first unless asked otherwise.
#[utoipa::path(get, path = "/jobs/{id}/artifacts", tag = "artifacts",
    params(("id" = String, Path, description = "The job's id"), ArtifactListParams),
    responses((status = 200, description = "One page of artifacts", body = ArtifactPage),
        (status = 404, description = "There is no such job", body = ErrorBody), CommonErrors))]
async fn list_job_artifacts(
    State(state): State<AppState>,
    PathId(id): PathId<JobId>,
    query: QueryPairs,
) -> Result<Json<ArtifactPage>, ApiError> {
    page(&state, &query, Some(id)).await
}

async fn page(
    state: &AppState,
    query: &QueryPairs,
    job_id: Option<JobId>,
) -> Result<Json<ArtifactPage>, ApiError> {
    let query = ArtifactQuery { job_id, ..query.artifact_query()? };
    let page = state.served.artifacts.list(query).await?;
    if let (Some(id), 0) = (job_id, page.total) {
        // A job without artifacts and a job that does not exist look alike in the list.
        find_job(state, id).await?;
    }
    Ok(Json(page.into()))
}

/// One artifact's record.
#[utoipa::path(get, path = "/artifacts/{id}", tag = "artifacts",
    params(("id" = String, Path, description = "The artifact's id")),
    responses((status = 200, description = "The artifact", body = Artifact),
        (status = 404, description = "There is no such artifact", body = ErrorBody), CommonErrors))]
async fn get_artifact(
    State(state): State<AppState>,
    PathId(id): PathId<ArtifactId>,
) -> Result<Json<Artifact>, ApiError> {
    Ok(Json(find_artifact(&state, id).await?.into()))
}

pub(super) async fn find_artifact(
    state: &AppState,
    id: ArtifactId,
) -> Result<upnext_core::Artifact, ApiError> {
    state.served.artifacts.find(id).await?.ok_or_else(|| no_artifact(id))
}

/// Delete an artifact. Its bytes go too, unless another artifact has the same.
#[utoipa::path(delete, path = "/artifacts/{id}", tag = "artifacts",
    params(("id" = String, Path, description = "The artifact's id")),
    responses((status = 200, description = "It is deleted", body = ArtifactDeleted),
        (status = 404, description = "There is no such artifact", body = ErrorBody), CommonErrors))]
async fn delete_artifact(
    State(state): State<AppState>,
    PathId(id): PathId<ArtifactId>,
) -> Result<Json<ArtifactDeleted>, ApiError> {
    if state.served.artifacts.delete(id).await? {
        return Ok(Json(ArtifactDeleted { status: "deleted", id: id.to_string() }));
    }
    Err(no_artifact(id))
}
