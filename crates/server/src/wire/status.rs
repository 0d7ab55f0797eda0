//! What the server says of itself.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Whether calls need a key.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AuthStatus {
    /// True when every call under `/api/v1` but this one needs a key.
    pub auth_enabled: bool,
    /// True when this request carries a session that has not ended.
    pub session: bool,
}

/// A wish for a session.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Login {
    /// The API key.
    pub key: String,
}

/// Whether the browser has a session after this answer.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SessionState {
    /// True after logging in, false after logging out, and false where no key is needed.
    pub session: bool,
}

/// The key of this request is good (or none is needed).
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AuthVerified {
    /// Always true; a bad key is answered with 401.
    pub ok: bool,
}

/// The process answers.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Health {
    /// Always `ok`.
    pub status: &'static str,
    /// The version of the server.
    pub version: &'static str,
    /// `sqlite`, `postgres` or `redis`.
    pub backend: &'static str,
}

/// Whether the server can do its work.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Readiness {
    /// `ready` or `unavailable`.
    pub status: &'static str,
    /// The version of the server.
    pub version: &'static str,
    /// `ok`, or one sentence about what is wrong, for `backend` and `storage`.
    pub checks: BTreeMap<&'static str, String>,
    /// What is wrong, in one sentence, when it is not ready.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub detail: Option<String>,
}
