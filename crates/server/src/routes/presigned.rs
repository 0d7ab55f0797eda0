//! Uploads that go straight to the storage: an address to put the bytes to, then the word that they are there.

use std::time::Duration;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::Method;
use upnext_artifacts::{CreateArtifact, HandInId};
use upnext_core::{JobId, Labels};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{PathId, find_job, no_job};
use crate::error::ApiError;
use crate::state::AppState;
use crate::wire::{Artifact, CommonErrors, ErrorBody, PresignRequest, PresignedUpload};

/// The largest description of an upload that is read: metadata may have 64 KiB.
const MAX_BODY: usize = 512 * 1024;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(presign_artifact)).routes(routes!(complete_presigned))
}

/// Get an address in S3 to put an artifact's bytes to, past this server. Nobody sees the artifact before it is completed.
#[utoipa::path(post, path = "/jobs/{id}/artifacts/presign", tag = "artifacts",
    params(("id" = String, Path, description = "The job it belongs to")),
    request_body = PresignRequest,
    responses((status = 200, description = "Where to put the bytes", body = PresignedUpload),
        (status = 404, description = "There is no such job", body = ErrorBody),
        (status = 409, description = "The artifact storage has no addresses", body = ErrorBody),
        (status = 413, description = "Larger than UPNEXT_ARTIFACT_MAX_UPLOAD_BYTES", body = ErrorBody), CommonErrors))]
async fn presign_artifact(
    State(state): State<AppState>,
    PathId(id): PathId<JobId>,
    body: axum::body::Body,
) -> Result<Json<PresignedUpload>, ApiError> {
    let (request, size_bytes) = read(id, body).await?;
    find_job(&state, id).await?;
    match state.served.artifacts.begin_hand_in(request, size_bytes).await? {
        Some(hand_in) => Ok(Json(PresignedUpload {
            upload_id: hand_in.id.to_string(),
            upload_url: hand_in.url,
            method: Method::PUT.as_str().to_owned(),
            expires_at: hand_in.expires_at,
        })),
        None => Err(ApiError::Conflict(format!(
            "the artifact storage of this server has no addresses to upload to (only s3 has): send the bytes to \
             POST /api/v1/jobs/{id}/artifacts?name=..., or piece by piece to POST /api/v1/jobs/{id}/uploads"
        ))),
    }
}

async fn read(job: JobId, body: axum::body::Body) -> Result<(CreateArtifact, Option<u64>), ApiError> {
    let invalid = |error: &dyn std::fmt::Display| {
        ApiError::Invalid(format!("the body is not {{name, type, size_bytes, sha256, ...}}: {error}"))
    };
    let bytes = axum::body::to_bytes(body, MAX_BODY).await.map_err(|error| invalid(&error))?;
    let asked: PresignRequest = serde_json::from_slice(&bytes).map_err(|error| invalid(&error))?;
    let field = |name: &'static str| {
        move |error: &dyn std::fmt::Display| ApiError::Invalid(format!("{name}: {error}"))
    };
    let artifact_type = asked.artifact_type.as_deref().map(str::parse).transpose();
    let sha256 = asked.sha256.as_deref().map(str::parse).transpose();
    let expires_in = asked.expires_in.map(Duration::try_from_secs_f64).transpose();
    let request = CreateArtifact {
        artifact_type: artifact_type
            .map_err(|error: upnext_core::artifact::ParseTypeError| field("type")(&error))?,
        sha256: sha256.map_err(|error: upnext_core::artifact::ParseDigestError| field("sha256")(&error))?,
        expires_in: expires_in.map_err(|error| field("expires_in")(&error))?,
        labels: Labels {
            description: asked.description,
            tags: asked.tags.unwrap_or_default(),
            metadata: asked.metadata,
        },
        key: asked.key,
        ..CreateArtifact::new(job, asked.name)
    };
    Ok((request, asked.size_bytes))
}

/// Say that the bytes were put to the address. They are checked, and become the artifact. May be repeated.
#[utoipa::path(post, path = "/jobs/{id}/artifacts/presigned/{upload_id}", tag = "artifacts",
    params(("id" = String, Path, description = "The job it belongs to"),
        ("upload_id" = String, Path, description = "The upload's id, as it was given")),
    responses((status = 200, description = "It is durable and listed", body = Artifact),
        (status = 404, description = "The job has no such upload", body = ErrorBody),
        (status = 409, description = "Nothing was put to its address yet", body = ErrorBody),
        (status = 413, description = "Larger than UPNEXT_ARTIFACT_MAX_UPLOAD_BYTES", body = ErrorBody),
        (status = 507, description = "The disk or the storage is full", body = ErrorBody), CommonErrors))]
async fn complete_presigned(
    State(state): State<AppState>,
    Path((job, upload)): Path<(String, String)>,
) -> Result<Json<Artifact>, ApiError> {
    let not_found = |error: &dyn std::fmt::Display| ApiError::NotFound(error.to_string());
    let job: JobId = job.parse().map_err(|error: upnext_core::id::ParseIdError| not_found(&error))?;
    let upload: HandInId =
        upload.parse().map_err(|error: upnext_artifacts::ParseHandInIdError| not_found(&error))?;
    if state.served.client.find_job(job).await?.is_none() {
        return Err(no_job(job));
    }
    Ok(Json(state.served.artifacts.take_handed_in(job, upload).await?.into()))
}
