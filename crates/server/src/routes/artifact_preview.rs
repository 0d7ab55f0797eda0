//! Small renderings of artifacts, and what differs between two.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use upnext_blobs::BlobError;
use upnext_core::{Artifact, ArtifactId, ArtifactStatus};
use upnext_previews::Difference;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::PathId;
use super::artifact_content::Verbatim;
use super::artifacts::find_artifact;
use crate::content_headers::already_known;
use crate::error::ApiError;
use crate::previews::{Shape, VERSION, head_of};
use crate::query::QueryPairs;
use crate::state::AppState;
use crate::wire::{ArtifactDifference, ArtifactPreview, CommonErrors, Content, ErrorBody, Preview};

/// Most rows and columns of a table in one preview.
const MAX_ROWS: usize = 500;
const MAX_COLUMNS: usize = 500;

/// Most lines of a text that can be asked for.
const MAX_LINES: usize = 500;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(artifact_preview))
        .routes(routes!(artifact_thumbnail))
        .routes(routes!(artifact_difference))
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the parameters; QueryPairs reads them")]
struct PreviewParams {
    /// Most rows of a table.
    #[param(minimum = 1, maximum = 500, default = 50)]
    rows: Option<u32>,
    /// Most columns of a table.
    #[param(minimum = 1, maximum = 500, default = 100)]
    columns: Option<u32>,
    /// Most lines of a text or of a small JSON document, each cut after 200 characters; without it as many as a preview holds.
    #[param(minimum = 1, maximum = 500)]
    lines: Option<u32>,
}

/// A small, safe rendering of an artifact: the head of a text, the first rows of a table, a thumbnail, an outline. Of one
/// that is being written: of what is there now.
#[utoipa::path(get, path = "/artifacts/{id}/preview", tag = "artifacts",
    params(("id" = String, Path, description = "The artifact's id"), PreviewParams),
    responses((status = 200, description = "The rendering", body = ArtifactPreview),
        (status = 304, description = "The client has it already"),
        (status = 404, description = "There is no such artifact, or its bytes are gone", body = ErrorBody), CommonErrors))]
async fn artifact_preview(
    State(state): State<AppState>,
    PathId(id): PathId<ArtifactId>,
    query: QueryPairs,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let usual = Shape::default();
    let shape = Shape {
        rows: query.count("rows", MAX_ROWS)?.unwrap_or(usual.rows),
        columns: query.count("columns", MAX_COLUMNS)?.unwrap_or(usual.columns),
    };
    let lines = query.count("lines", MAX_LINES)?;
    let artifact = readable(&state, id).await?;
    let cut = lines.map_or_else(String::new, |lines| format!("-{lines}"));
    let etag = etag(&artifact, &format!("preview{VERSION}-{}-{}{cut}", shape.rows, shape.columns));
    if let Some(response) = known(&headers, etag.as_deref()) {
        return Ok(response);
    }
    let preview = state.previews.of(&state.served.artifacts, &artifact, shape).await?;
    let preview = lines.map_or(Arc::clone(&preview), |lines| Arc::new(head_of(&preview, lines)));
    let etag = etag.filter(|_| !matches!(*preview, Preview::TooLarge(_)));
    let response = Json(ArtifactPreview { artifact: (&artifact).into(), preview }).into_response();
    Ok(lasting(response, etag.as_deref()))
}

/// An image artifact made small, as an image.
#[utoipa::path(get, path = "/artifacts/{id}/thumbnail", tag = "artifacts",
    params(("id" = String, Path, description = "The artifact's id")),
    responses((status = 200, description = "A PNG or JPEG image", body = Content, content_type = "image/png"),
        (status = 304, description = "The client has it already"),
        (status = 404, description = "There is no such artifact, or it has no thumbnail", body = ErrorBody),
        CommonErrors))]
async fn artifact_thumbnail(
    State(state): State<AppState>,
    PathId(id): PathId<ArtifactId>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let artifact = readable(&state, id).await?;
    let etag = etag(&artifact, &format!("thumbnail{VERSION}"));
    if let Some(response) = known(&headers, etag.as_deref()) {
        return Ok(response);
    }
    let preview = state.previews.of(&state.served.artifacts, &artifact, Shape::default()).await?;
    let thumbnail = match &*preview {
        Preview::Image(image) => {
            image.thumbnail.as_ref().ok_or(image.note.as_deref().unwrap_or("it cannot be shown"))
        }
        Preview::TooLarge(none) => Err(none.reason.as_str()),
        _ => Err("it is not an image"),
    };
    let thumbnail = thumbnail.map_err(|reason| {
        ApiError::NotFound(format!("the artifact '{}' has no thumbnail: {reason}", artifact.name))
    })?;
    let bytes = STANDARD.decode(&thumbnail.bytes).map_err(|error| ApiError::Unexpected(error.to_string()))?;
    let response = ([(header::CONTENT_TYPE, thumbnail.media_type)], bytes).into_response();
    let mut response = lasting(response, etag.as_deref());
    response.extensions_mut().insert(Verbatim);
    Ok(response)
}

/// What differs between an old artifact and a new one: texts by lines, JSON by values, tables by columns and numbers of
/// rows, images by pixels, all else by bytes.
#[utoipa::path(get, path = "/artifacts/{a}/diff/{b}", tag = "artifacts",
    params(("a" = String, Path, description = "The old artifact's id"),
        ("b" = String, Path, description = "The new artifact's id")),
    responses((status = 200, description = "What differs", body = ArtifactDifference),
        (status = 404, description = "There is no such artifact, or its bytes are gone", body = ErrorBody), CommonErrors))]
async fn artifact_difference(
    State(state): State<AppState>,
    Path((a, b)): Path<(String, String)>,
) -> Result<Json<ArtifactDifference>, ApiError> {
    let id = |text: String| {
        text.parse().map_err(|error: upnext_core::id::ParseIdError| ApiError::NotFound(error.to_string()))
    };
    let (a, b) = (readable(&state, id(a)?).await?, readable(&state, id(b)?).await?);
    let difference = match (a.sha256, b.sha256) {
        (Some(one), Some(other)) if one == other => Difference::Same { size: a.size_bytes },
        _ => state.previews.compare(&state.served.artifacts, &a, &b).await?,
    };
    Ok(Json(ArtifactDifference {
        same: matches!(difference, Difference::Same { .. }),
        a: (&a).into(),
        b: (&b).into(),
        difference: difference.into(),
    }))
}

/// An artifact that is not known to be damaged.
async fn readable(state: &AppState, id: ArtifactId) -> Result<Artifact, ApiError> {
    let artifact = find_artifact(state, id).await?;
    match artifact.sha256 {
        Some(sha256) if artifact.status == ArtifactStatus::Damaged => Err(BlobError::Damaged(sha256).into()),
        _ => Ok(artifact),
    }
}

/// Names what follows from a whole artifact; `None` while it may still change.
fn etag(artifact: &Artifact, what: &str) -> Option<String> {
    artifact.sha256.map(|sha256| format!("\"{sha256}-{what}\""))
}

fn known(headers: &HeaderMap, etag: Option<&str>) -> Option<Response> {
    let etag = etag.filter(|etag| already_known(headers, etag))?;
    Some(lasting(StatusCode::NOT_MODIFIED.into_response(), Some(etag)))
}

/// With a validator, if there is one: the client asks again each time, which costs one small answer.
fn lasting(mut response: Response, etag: Option<&str>) -> Response {
    if let Some(etag) = etag.and_then(|etag| HeaderValue::try_from(etag).ok()) {
        let headers = response.headers_mut();
        headers.insert(header::ETAG, etag);
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    }
    response
}
