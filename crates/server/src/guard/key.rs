//! The API key: kept as a digest, compared in constant time.

use std::fmt;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use crate::error::ApiError;

/// The SHA-256 digest of the key. Comparing digests hides the key's length as well.
#[derive(Clone, Copy)]
pub(crate) struct KeyDigest([u8; 32]);

impl KeyDigest {
    pub(crate) fn of(key: &str) -> Self {
        Self(Sha256::digest(key.as_bytes()).into())
    }

    fn is_of(self, key: &str) -> bool {
        Self::of(key).0.ct_eq(&self.0).into()
    }
}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyDigest")
    }
}

/// Lets a request through when it carries the key, or when no key is needed.
pub(crate) async fn require_key(
    State(wanted): State<Option<KeyDigest>>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let Some(wanted) = wanted else { return Ok(next.run(request).await) };
    match key_in(request.headers()) {
        None => Err(ApiError::Unauthorized("")),
        Some(key) if wanted.is_of(key) => Ok(next.run(request).await),
        Some(_) => Err(ApiError::Unauthorized("; the one that was sent is wrong")),
    }
}

fn key_in(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| {
        let (scheme, key) = value.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
    });
    bearer.or_else(|| headers.get("x-api-key")?.to_str().ok().map(str::trim))
}
