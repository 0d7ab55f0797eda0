//! An artifact's bytes, streamed from wherever they are.

use axum::body::Body;
use axum::extract::State;
use axum::http::response::Builder;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use upnext_core::{Artifact, ArtifactId};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::PathId;
use super::artifacts::find_artifact;
use crate::content_headers::{Wanted, already_known, disposition, wanted};
use crate::content_policy::{can_be_shown, is_for_a_frame, security_policy};
use crate::error::ApiError;
use crate::query::QueryPairs;
use crate::state::AppState;
use crate::wire::{CommonErrors, Content, ErrorBody};

/// Marks a response that must leave exactly as it is: compressing it would break its length, range and digest.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Verbatim;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(artifact_content))
}

/// An artifact's content. Takes `Range`, `If-Range` and `If-None-Match`; the ETag is the SHA-256 digest.
#[utoipa::path(get, path = "/artifacts/{id}/content", tag = "artifacts",
    params(("id" = String, Path, description = "The artifact's id"),
        ("download" = Option<bool>, Query, description = "True: as a file to save, not to show"),
        ("scripts" = Option<bool>, Query,
            description = "True: inside of a frame the scripts of an HTML page run, with nobody's rights")),
    responses((status = 200, description = "The content, under the artifact's own media type",
            body = Content, content_type = "application/octet-stream"),
        (status = 206, description = "The requested range of it",
            body = Content, content_type = "application/octet-stream"),
        (status = 304, description = "The client has it already"),
        (status = 404, description = "There is no such artifact", body = ErrorBody),
        (status = 416, description = "The range lies outside of the content", body = ErrorBody), CommonErrors))]
async fn artifact_content(
    State(state): State<AppState>,
    PathId(id): PathId<ArtifactId>,
    query: QueryPairs,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let download = query.flag("download")?;
    let scripts = query.flag("scripts")? && is_for_a_frame(&headers);
    let artifact = find_artifact(&state, id).await?;
    let etag = etag_of(&artifact);
    let response = described(&artifact, &etag, download, scripts);
    if already_known(&headers, &etag) {
        return finish(response.status(StatusCode::NOT_MODIFIED), Body::empty());
    }
    let size = artifact.size_bytes;
    // RFC 9110 defines ranges for GET alone.
    let range = match wanted(&headers, &etag, size) {
        Wanted::Part(range) if method == Method::GET => Some(range),
        Wanted::Outside if method == Method::GET => return Err(ApiError::RangeNotSatisfiable { size }),
        _ => None,
    };
    let length = range.as_ref().map_or(size, |range| range.end - range.start);
    let response =
        response.header(header::CONTENT_LENGTH, length).header(header::CONTENT_TYPE, &artifact.content_type);
    let response = match &range {
        None => response.status(StatusCode::OK),
        Some(range) => response
            .status(StatusCode::PARTIAL_CONTENT)
            .header(header::CONTENT_RANGE, format!("bytes {}-{}/{size}", range.start, range.end - 1)),
    };
    if method == Method::HEAD {
        return finish(response, Body::empty());
    }
    let bytes = state.served.artifacts.read(&artifact, range).await?;
    finish(response, Body::from_stream(bytes))
}

/// The headers that describe the artifact, whichever part of it is sent.
fn described(artifact: &Artifact, etag: &str, download: bool, scripts: bool) -> Builder {
    let download = download || !can_be_shown(&artifact.content_type);
    let response = Response::builder()
        .header(header::ETAG, etag)
        // The bytes behind an id never change but may be deleted: asking again costs one small answer and shows that.
        .header(header::CACHE_CONTROL, "private, no-cache")
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::CONTENT_DISPOSITION, disposition(&artifact.name, download))
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .header(header::CONTENT_SECURITY_POLICY, security_policy(&artifact.content_type, scripts));
    match artifact.sha256 {
        Some(sha256) => {
            response.header("Repr-Digest", format!("sha-256=:{}:", STANDARD.encode(sha256.as_bytes())))
        }
        None => response,
    }
}

/// The digest, which never changes; of an artifact that is not whole, how far it has come.
fn etag_of(artifact: &Artifact) -> String {
    match artifact.sha256 {
        Some(sha256) => format!("\"{sha256}\""),
        None => format!("\"{}-{}\"", artifact.id, artifact.size_bytes),
    }
}

fn finish(response: Builder, body: Body) -> Result<Response, ApiError> {
    let mut response = response.body(body).map_err(|error| {
        upnext_core::BackendError::Unexpected(format!("an artifact's record makes no header: {error}"))
    })?;
    response.extensions_mut().insert(Verbatim);
    Ok(response)
}
