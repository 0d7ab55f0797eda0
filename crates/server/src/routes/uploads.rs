//! Resumable uploads: the tus protocol, version 1.0.0, over uploads of the artifact service.
//!
//! An upload is an artifact that nobody sees yet, and has its id. Two clients at once on one upload need no lock: each
//! piece says where it begins, and the backend takes it only if the upload ends there.

use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use futures::StreamExt as _;
use upnext_artifacts::{ArtifactError, CreateArtifact};
use upnext_core::{ArtifactId, JobId};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::PathId;
use super::upload_progress::{advance, finished};
use crate::error::ApiError;
use crate::request_body::{SharedBody, content_length, media_type};
use crate::router::API;
use crate::state::AppState;
use crate::tus;
use crate::wire::{CommonErrors, Content, ErrorBody};

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(begin_upload)).routes(routes!(
        show_upload,
        append_to_upload,
        delete_upload,
        override_method
    ))
}

#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "describes the headers; the handler reads them")]
struct VersionHeader {
    /// Always `1.0.0`.
    #[param(rename = "Tus-Resumable")]
    tus_resumable: String,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "describes the headers; the handler reads them")]
struct BeginHeaders {
    /// How many bytes will come.
    #[param(rename = "Upload-Length")]
    upload_length: u64,
    /// What is uploaded: pairs `key base64(value)` with commas between them. `name` (or `filename`) is needed; `type` (or
    /// `filetype`), `description`, `tags`, `metadata`, `expires_in` and `sha256` (in hex; the whole must have it) are known.
    #[param(rename = "Upload-Metadata")]
    upload_metadata: String,
}

/// Begin a resumable upload (tus 1.0.0, creation). The body may hold the first bytes, as
/// `application/offset+octet-stream`. OPTIONS tells extensions and the largest size.
#[utoipa::path(post, path = "/jobs/{id}/uploads", tag = "artifacts",
    params(("id" = String, Path, description = "The job it belongs to"), VersionHeader, BeginHeaders),
    request_body(description = "Nothing, or the first bytes",
        content((Content = "application/offset+octet-stream"))),
    responses((status = 201, description = "Begun: its address is in `Location`. If it is whole already, `Upnext-Artifact` \
            is the artifact's id"),
        (status = 400, description = "A header is missing, or the body ended before it was whole", body = ErrorBody),
        (status = 404, description = "There is no such job", body = ErrorBody),
        (status = 412, description = "Another version of the protocol", body = ErrorBody),
        (status = 413, description = "Larger than UPNEXT_ARTIFACT_MAX_UPLOAD_BYTES", body = ErrorBody),
        (status = 415, description = "The body is of another type", body = ErrorBody),
        (status = 507, description = "The disk or the storage is full", body = ErrorBody), CommonErrors))]
async fn begin_upload(
    State(state): State<AppState>,
    PathId(job_id): PathId<JobId>,
    request: Request,
) -> Result<Response, ApiError> {
    let (headers, body) = (request.headers().clone(), SharedBody::new(request.into_body()));
    let begun = begin(&state, job_id, &headers, &body).await;
    if begun.is_err() {
        body.drain().await;
    }
    begun
}

async fn begin(
    state: &AppState,
    job_id: JobId,
    headers: &HeaderMap,
    body: &SharedBody,
) -> Result<Response, ApiError> {
    tus::check(headers)?;
    if headers.contains_key("upload-defer-length") {
        return Err(ApiError::BadRequest(
            "Upload-Defer-Length is not supported: send Upload-Length".to_owned(),
        ));
    }
    let length = tus::number(headers, "upload-length")?;
    let (mut described, sha256) = tus::metadata(headers)?;
    let name = described.name.take().ok_or_else(|| {
        ApiError::Invalid("Upload-Metadata names no artifact: add `name` or `filename`".to_owned())
    })?;
    let with_bytes = match media_type(headers).as_str() {
        tus::PIECE => true,
        "" => false,
        _ if content_length(headers) == Some(0) => false,
        other => return Err(wrong_type(other)),
    };
    if with_bytes && content_length(headers).is_some_and(|piece| piece > length) {
        return Err(too_long(length));
    }
    let request = CreateArtifact { sha256, ..described.request(job_id, name) };
    let upload = state.served.artifacts.begin_upload(request, Some(length)).await?;
    let id = upload.id;
    let progress = advance(state, upload, with_bytes.then(|| body.clone())).await?;
    let mut response = progress.answer(StatusCode::CREATED);
    let location = HeaderValue::try_from(format!("{API}/uploads/{id}"));
    response.headers_mut().insert(header::LOCATION, location.map_err(|_| ApiError::Panicked)?);
    Ok(response)
}

/// How far an upload is. An upload that is whole by now answers `Upnext-Artifact`, the id of what it has become.
#[utoipa::path(head, path = "/uploads/{id}", tag = "artifacts",
    params(("id" = String, Path, description = "The upload's id"), VersionHeader),
    responses((status = 200, description = "`Upload-Offset` bytes of `Upload-Length` are here"),
        (status = 404, description = "There is no such upload", body = ErrorBody),
        (status = 412, description = "Another version of the protocol", body = ErrorBody), CommonErrors))]
async fn show_upload(
    State(state): State<AppState>,
    PathId(id): PathId<ArtifactId>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    tus::check(&headers)?;
    let progress = match state.served.artifacts.find_upload(id).await? {
        // Its last bytes came, but whoever sent them went away before it was put together.
        Some(upload) => advance(&state, upload, None).await?,
        None => finished(&state, id).await?,
    };
    let mut response = progress.answer(StatusCode::OK);
    let headers = response.headers_mut();
    if let Some(length) = progress.length() {
        headers.insert("upload-length", HeaderValue::from(length));
    }
    if let Ok(metadata) = HeaderValue::try_from(tus::metadata_of(progress.artifact())) {
        headers.insert("upload-metadata", metadata);
    }
    Ok(response)
}

#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "describes the headers; the handler reads them")]
struct PieceHeaders {
    /// Where the bytes of the body begin: as far as the upload is.
    #[param(rename = "Upload-Offset")]
    upload_offset: u64,
}

/// Send the next bytes of an upload. What arrived before the body broke off is kept. With the last byte the upload becomes
/// an artifact, and `Upnext-Artifact` is its id.
#[utoipa::path(patch, path = "/uploads/{id}", tag = "artifacts",
    params(("id" = String, Path, description = "The upload's id"), VersionHeader, PieceHeaders),
    request_body(content((Content = "application/offset+octet-stream"))),
    responses((status = 204, description = "They are durable; `Upload-Offset` says how far the upload is"),
        (status = 400, description = "A header is missing, or the body ended before it was whole", body = ErrorBody),
        (status = 404, description = "There is no such upload", body = ErrorBody),
        (status = 409, description = "The upload ends elsewhere (see `Upload-Offset`), or is finished", body = ErrorBody),
        (status = 412, description = "Another version of the protocol", body = ErrorBody),
        (status = 413, description = "More bytes than the upload was to have", body = ErrorBody),
        (status = 415, description = "The body is of another type", body = ErrorBody),
        (status = 507, description = "The disk or the storage is full", body = ErrorBody), CommonErrors))]
async fn append_to_upload(
    State(state): State<AppState>,
    PathId(id): PathId<ArtifactId>,
    request: Request,
) -> Result<Response, ApiError> {
    let (headers, body) = (request.headers().clone(), SharedBody::new(request.into_body()));
    let appended = append(&state, id, &headers, &body).await;
    if appended.is_err() {
        body.drain().await;
    }
    appended
}

async fn append(
    state: &AppState,
    id: ArtifactId,
    headers: &HeaderMap,
    body: &SharedBody,
) -> Result<Response, ApiError> {
    tus::check(headers)?;
    match media_type(headers).as_str() {
        tus::PIECE => {}
        other => return Err(wrong_type(other)),
    }
    let offset = tus::number(headers, "upload-offset")?;
    let piece = content_length(headers);
    let Some(upload) = state.served.artifacts.find_upload(id).await? else {
        let progress = finished(state, id).await?;
        if offset == progress.size() && body.clone().next().await.is_none() {
            return Ok(progress.answer(StatusCode::NO_CONTENT));
        }
        return Err(ApiError::Conflict(format!("upload {id} is finished: nothing can be added to it")));
    };
    if offset != upload.size_bytes {
        return Err(ArtifactError::WrongOffset { size_bytes: upload.size_bytes }.into());
    }
    if let Some(length) = upload.expected_bytes
        && piece.is_some_and(|piece| piece > length - offset)
    {
        return Err(too_long(length));
    }
    let progress = advance(state, upload, Some(body.clone())).await?;
    Ok(progress.answer(StatusCode::NO_CONTENT))
}

/// Give up an upload.
#[utoipa::path(delete, path = "/uploads/{id}", tag = "artifacts",
    params(("id" = String, Path, description = "The upload's id"), VersionHeader),
    responses((status = 204, description = "It is gone"),
        (status = 404, description = "There is no such upload", body = ErrorBody),
        (status = 409, description = "It is finished: an artifact now", body = ErrorBody),
        (status = 412, description = "Another version of the protocol", body = ErrorBody), CommonErrors))]
async fn delete_upload(
    State(state): State<AppState>,
    PathId(id): PathId<ArtifactId>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    tus::check(&headers)?;
    if state.served.artifacts.find_upload(id).await?.is_none() {
        finished(&state, id).await?;
        return Err(ApiError::Conflict(format!(
            "upload {id} is finished: delete the artifact it has become with DELETE {API}/artifacts/{id}"
        )));
    }
    state.served.artifacts.delete(id).await?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

/// PATCH and DELETE for clients that can send neither: the method stands in `X-HTTP-Method-Override`.
#[utoipa::path(post, path = "/uploads/{id}", tag = "artifacts",
    params(("id" = String, Path, description = "The upload's id"),
        ("X-HTTP-Method-Override" = String, Header, description = "`PATCH` or `DELETE`"), VersionHeader),
    responses((status = 204, description = "As the other method answers"),
        (status = 400, description = "As the other method answers", body = ErrorBody),
        (status = 404, description = "There is no such upload", body = ErrorBody),
        (status = 405, description = "No other method is named", body = ErrorBody),
        (status = 409, description = "As the other method answers", body = ErrorBody),
        (status = 412, description = "Another version of the protocol", body = ErrorBody),
        (status = 413, description = "As the other method answers", body = ErrorBody),
        (status = 415, description = "As the other method answers", body = ErrorBody),
        (status = 507, description = "As the other method answers", body = ErrorBody), CommonErrors))]
async fn override_method(
    state: State<AppState>,
    id: PathId<ArtifactId>,
    request: Request,
) -> Result<Response, ApiError> {
    match tus::text(request.headers(), "x-http-method-override")? {
        Some("PATCH") => append_to_upload(state, id, request).await,
        Some("DELETE") => delete_upload(state, id, request.headers().clone()).await,
        _ => Err(ApiError::MethodNotAllowed(Method::POST.to_string())),
    }
}

fn wrong_type(media: &str) -> ApiError {
    ApiError::UnsupportedMediaType(format!("the Content-Type is '{media}': send bytes as {}", tus::PIECE))
}

fn too_long(length: u64) -> ApiError {
    ApiError::TooLarge(format!("the upload was to have {length} bytes: these are more"))
}
