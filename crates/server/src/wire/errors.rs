//! The one shape of every error, and its place in the OpenAPI document.

use serde::Serialize;
use utoipa::{IntoResponses, ToSchema};

/// What every error answers.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ErrorBody {
    /// One sentence that names what was wrong.
    pub detail: String,
}

/// The errors that any call may answer.
#[derive(IntoResponses)]
#[allow(dead_code, reason = "only its derived description is used")]
pub(crate) enum CommonErrors {
    /// Authentication is on and the key is missing or wrong.
    #[response(status = 401)]
    Unauthorized(ErrorBody),
    /// The request came from another site's page, or under a host name that is not this server's.
    #[response(status = 403)]
    Forbidden(ErrorBody),
    /// A parameter or the body breaks a rule.
    #[response(status = 422)]
    Invalid(ErrorBody),
    /// The server met an unexpected problem; its log says more.
    #[response(status = 500)]
    Internal(ErrorBody),
    /// The job database or the artifact storage is unavailable. The same call may succeed later.
    #[response(status = 503)]
    Unavailable(ErrorBody),
}
