//! The API key: kept as a digest, compared in constant time.

use std::fmt;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::middleware::Next;
use axum::response::Response;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

use upnext_core::{Clock as _, SystemClock};

use super::origin::{OriginPolicy, is_harmless};
use super::session::Sessions;
use crate::error::ApiError;

/// The SHA-256 digest of the key. Comparing digests hides the key's length as well.
#[derive(Clone, Copy)]
pub(crate) struct KeyDigest([u8; 32]);

impl KeyDigest {
    pub(crate) fn of(key: &str) -> Self {
        Self(Sha256::digest(key.as_bytes()).into())
    }

    pub(super) fn is_of(self, key: &str) -> bool {
        Self::of(key).0.ct_eq(&self.0).into()
    }
}

impl KeyDigest {
    pub(super) const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for KeyDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyDigest")
    }
}

/// What opens the API when a key is required.
#[derive(Debug, Clone)]
pub(crate) struct Lock {
    pub(crate) sessions: Sessions,
    pub(crate) origins: OriginPolicy,
}

/// Lets a request through when it carries the key or a session, or when no key is needed.
pub(crate) async fn require_key(
    State(lock): State<Option<Lock>>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    let Some(lock) = lock else { return Ok(next.run(request).await) };
    let headers = request.headers();
    match key_in(headers) {
        Some(key) if lock.sessions.opens(key) => Ok(next.run(request).await),
        Some(_) => Err(ApiError::Unauthorized("; the one that was sent is wrong")),
        None if !lock.sessions.holds(headers, SystemClock.now()).await? => Err(ApiError::Unauthorized("")),
        // Browsers send cookies along by themselves: a change must be known to come from an own page.
        None if !is_harmless(request.method()) && !lock.origins.is_own_page(headers) => {
            Err(ApiError::Forbidden(
                "a session changes things from the pages of this server alone: send the API key instead"
                    .to_owned(),
            ))
        }
        None => Ok(next.run(request).await),
    }
}

fn key_in(headers: &HeaderMap) -> Option<&str> {
    let bearer = headers.get(header::AUTHORIZATION).and_then(|value| {
        let (scheme, key) = value.to_str().ok()?.split_once(' ')?;
        scheme.eq_ignore_ascii_case("bearer").then(|| key.trim())
    });
    bearer.or_else(|| headers.get("x-api-key")?.to_str().ok().map(str::trim))
}
