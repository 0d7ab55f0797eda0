//! The one error type of the API, and the one place that turns errors of the domain into status codes and public
//! words. Internals go to the log only.

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use upnext_artifacts::ArtifactError;
use upnext_blobs::BlobError;
use upnext_core::BackendError;

use crate::request_body::{Refused, broken_off};
use crate::wire::ErrorBody;

/// Why a call was refused or did not work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// The body could not be read to its end.
    #[error("{0}")]
    BadRequest(String),
    /// The key is missing or wrong.
    #[error(
        "this server needs an API key: send it as `Authorization: Bearer <key>` or `X-API-Key: <key>`{0}"
    )]
    Unauthorized(&'static str),
    /// The request came from where it may not come from.
    #[error("{0}")]
    Forbidden(String),
    /// There is no such thing.
    #[error("{0}")]
    NotFound(String),
    /// The path exists, the method does not.
    #[error("this path does not take the method {0}")]
    MethodNotAllowed(String),
    /// The thing is in the wrong state for this.
    #[error("{0}")]
    Conflict(String),
    /// The thing, or the protocol, is not what the caller takes it for.
    #[error("{0}")]
    PreconditionFailed(String),
    /// The body is of the wrong kind.
    #[error("{0}")]
    UnsupportedMediaType(String),
    /// Others are being served; the same call may work in a moment.
    #[error("{0}")]
    Busy(String),
    /// More bytes than allowed.
    #[error("{0}")]
    TooLarge(String),
    /// The range lies outside of the content.
    #[error("the content has {size} bytes: the requested range lies outside of it")]
    RangeNotSatisfiable {
        /// Length of the content.
        size: u64,
    },
    /// A parameter or the body breaks a rule.
    #[error("{0}")]
    Invalid(String),
    /// The artifact service failed.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
    /// The backend failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
    /// Something that should not be possible. The words are for the log.
    #[error("{0}")]
    Unexpected(String),
    /// A handler panicked.
    #[error("a handler panicked")]
    Panicked,
}

impl From<BlobError> for ApiError {
    fn from(error: BlobError) -> Self {
        Self::Artifact(error.into())
    }
}

const UNEXPECTED: &str = "the server met an unexpected problem; its log says more";

impl ApiError {
    /// The status code and the words for the caller.
    fn answer(&self) -> (StatusCode, String) {
        let status = match self {
            Self::BadRequest(_) => StatusCode::BAD_REQUEST,
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed(_) => StatusCode::METHOD_NOT_ALLOWED,
            Self::Conflict(_) => StatusCode::CONFLICT,
            Self::PreconditionFailed(_) => StatusCode::PRECONDITION_FAILED,
            Self::UnsupportedMediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::Busy(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::RangeNotSatisfiable { .. } => StatusCode::RANGE_NOT_SATISFIABLE,
            Self::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Unexpected(_) | Self::Panicked => {
                return (StatusCode::INTERNAL_SERVER_ERROR, UNEXPECTED.to_owned());
            }
            Self::Artifact(error) => return artifact_answer(error),
            Self::Backend(error) => return backend_answer(error),
        };
        (status, self.to_string())
    }
}

fn artifact_answer(error: &ArtifactError) -> (StatusCode, String) {
    let status = match error {
        ArtifactError::Invalid(_) => StatusCode::UNPROCESSABLE_ENTITY,
        ArtifactError::TooLarge(_) => StatusCode::PAYLOAD_TOO_LARGE,
        ArtifactError::UnknownJob(_) | ArtifactError::UnknownArtifact(_) => StatusCode::NOT_FOUND,
        ArtifactError::StaleLease(_) | ArtifactError::Conflict(_) | ArtifactError::WrongOffset { .. } => {
            StatusCode::CONFLICT
        }
        ArtifactError::DigestMismatch(_) => StatusCode::UNPROCESSABLE_ENTITY,
        ArtifactError::Blob(error) => return blob_answer(error),
        ArtifactError::Backend(error) => return backend_answer(error),
    };
    (status, error.to_string())
}

fn blob_answer(error: &BlobError) -> (StatusCode, String) {
    match error {
        BlobError::Missing(_) => (StatusCode::NOT_FOUND, error.to_string()),
        BlobError::Source(source) => match Refused::in_error(source) {
            Some(sentence) => (StatusCode::UNPROCESSABLE_ENTITY, sentence.to_owned()),
            None => (StatusCode::BAD_REQUEST, broken_off().to_string()),
        },
        BlobError::Full(_) => (
            StatusCode::INSUFFICIENT_STORAGE,
            "the artifact storage is full; free some space, nothing was stored".to_owned(),
        ),
        BlobError::Unavailable(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the artifact storage is unavailable; try again in a moment".to_owned(),
        ),
        BlobError::Damaged(_) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
        BlobError::Unusable(_) => (StatusCode::INTERNAL_SERVER_ERROR, UNEXPECTED.to_owned()),
    }
}

fn backend_answer(error: &BackendError) -> (StatusCode, String) {
    match error {
        BackendError::Unavailable(_) => (
            StatusCode::SERVICE_UNAVAILABLE,
            "the job database is unavailable; try again in a moment".to_owned(),
        ),
        BackendError::Full(_) => (
            StatusCode::INSUFFICIENT_STORAGE,
            "the disk under the job database is full; free some space, nothing was written".to_owned(),
        ),
        BackendError::Unusable(_) | BackendError::TooNew(_) | BackendError::Unexpected(_) => {
            (StatusCode::INTERNAL_SERVER_ERROR, UNEXPECTED.to_owned())
        }
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (status, detail) = self.answer();
        if status.is_server_error() {
            tracing::error!(status = status.as_u16(), error = %self, "a request failed");
        }
        let mut response = (status, Json(ErrorBody { detail })).into_response();
        let headers = response.headers_mut();
        match &self {
            Self::Unauthorized(_) => {
                headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"UpNext\""));
            }
            Self::RangeNotSatisfiable { size } => {
                if let Ok(value) = HeaderValue::try_from(format!("bytes */{size}")) {
                    headers.insert(header::CONTENT_RANGE, value);
                }
            }
            Self::Artifact(ArtifactError::WrongOffset { size_bytes }) => {
                headers.insert("upload-offset", HeaderValue::from(*size_bytes));
            }
            _ if status == StatusCode::SERVICE_UNAVAILABLE => {
                headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
            }
            _ => {}
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use upnext_core::JobId;
    use upnext_core::artifact::Digest;

    fn status(error: impl Into<ApiError>) -> u16 {
        error.into().answer().0.as_u16()
    }

    #[test]
    fn every_domain_error_has_its_status() {
        let digest = Digest::from_bytes([1; 32]);
        assert_eq!(status(ArtifactError::Invalid("x".into())), 422);
        assert_eq!(status(ArtifactError::TooLarge("x".into())), 413);
        assert_eq!(status(ArtifactError::UnknownJob(JobId::fresh())), 404);
        assert_eq!(status(ArtifactError::StaleLease("x".into())), 409);
        assert_eq!(status(BlobError::Missing(digest)), 404);
        assert_eq!(status(BlobError::Full("x".into())), 507);
        assert_eq!(status(BlobError::Unavailable("x".into())), 503);
        assert_eq!(status(BlobError::Damaged(digest)), 500);
        assert_eq!(status(BackendError::Unavailable("x".into())), 503);
        assert_eq!(status(BackendError::Full("x".into())), 507);
        assert_eq!(status(BackendError::Unexpected("x".into())), 500);
    }

    #[test]
    fn internals_stay_inside() {
        for error in [
            BackendError::Unavailable("/secret/path".into()),
            BackendError::Full("/secret/path".into()),
            BackendError::Unusable("/secret/path".into()),
            BackendError::Unexpected("/secret/path".into()),
        ] {
            assert!(!ApiError::from(error).answer().1.contains("secret"));
        }
    }
}
