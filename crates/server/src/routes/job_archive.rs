//! All artifacts of a job, or of a tree of jobs, as one zip file.

use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::Response;
use upnext_core::JobId;
use upnext_core::backend::ArtifactQuery;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::artifact_content::Verbatim;
use super::{PathId, find_job};
use crate::archive::Archive;
use crate::content_headers::disposition;
use crate::error::ApiError;
use crate::query::QueryPairs;
use crate::state::AppState;
use crate::wire::{CommonErrors, Content, ErrorBody};

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(job_archive))
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the parameters; QueryPairs reads them")]
struct ArchiveParams {
    /// True: of all jobs under the same root, each in a folder of its own.
    tree: Option<bool>,
    /// `all`: older versions of the same name too.
    versions: Option<String>,
}

/// All artifacts of a job as a zip file. Names are made safe and unique. Whatever cannot be read to its end breaks the
/// connection: a zip file that arrives whole is good.
#[utoipa::path(get, path = "/jobs/{id}/artifacts.zip", tag = "artifacts",
    params(("id" = String, Path, description = "The job's id"), ArchiveParams),
    responses((status = 200, description = "The zip file", body = Content, content_type = "application/zip"),
        (status = 404, description = "There is no such job", body = ErrorBody), CommonErrors))]
async fn job_archive(
    State(state): State<AppState>,
    PathId(id): PathId<JobId>,
    query: QueryPairs,
) -> Result<Response, ApiError> {
    let (tree, all_versions) = (query.flag("tree")?, query.all_versions()?);
    let job = find_job(&state, id).await?;
    let whose = match tree {
        true => ArtifactQuery { root_id: Some(job.root_id), ..ArtifactQuery::default() },
        false => ArtifactQuery { job_id: Some(id), ..ArtifactQuery::default() },
    };
    let query = ArtifactQuery { all_versions, ..whose };
    let text = if tree { job.root_id.to_string() } else { id.to_string() };
    let name = format!("{}-{}{}.zip", job.function, if tree { "tree-" } else { "" }, &text[text.len() - 8..]);
    let pieces = Box::pin(Archive::new(state.served.artifacts.clone(), query, tree).begin()).await?;
    let response = Response::builder()
        .status(StatusCode::OK)
        .header(header::CONTENT_TYPE, "application/zip")
        .header(header::CONTENT_DISPOSITION, disposition(&name, true))
        .header(header::CACHE_CONTROL, "no-store")
        .body(Body::from_stream(pieces));
    let mut response = response
        .map_err(|error| ApiError::Unexpected(format!("a job's function makes no header: {error}")))?;
    response.extensions_mut().insert(Verbatim);
    Ok(response)
}
