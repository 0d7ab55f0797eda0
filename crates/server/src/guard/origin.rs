//! The `Origin` header. Without authentication any page in the user's browser could post to this server; so what changes
//! something must come from this server's own pages, from an allowed origin, or from no page at all.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::Response;

use super::authority_of;
use crate::error::ApiError;

/// Which origins may change something.
#[derive(Debug, Clone)]
pub(crate) struct OriginPolicy {
    allowed: Arc<[String]>,
    /// False when a key is required: no page of another site has it.
    needed: bool,
}

impl OriginPolicy {
    pub(crate) fn new(allowed: &[String], auth_enabled: bool) -> Self {
        Self { allowed: allowed.into(), needed: !auth_enabled }
    }

    /// True unless a page of another site asks.
    pub(crate) fn allows(&self, headers: &HeaderMap) -> bool {
        let from = text(headers, "sec-fetch-site");
        self.allows_origin(headers).unwrap_or(!matches!(from, Some("cross-site" | "same-site")))
    }

    /// True when it is known that an own page, or one of an allowed origin, asks.
    pub(crate) fn is_own_page(&self, headers: &HeaderMap) -> bool {
        self.allows_origin(headers).unwrap_or_else(|| text(headers, "sec-fetch-site") == Some("same-origin"))
    }

    /// Whether the origin of the request is this server's or an allowed one; `None` when it names none.
    fn allows_origin(&self, headers: &HeaderMap) -> Option<bool> {
        let origin = text(headers, header::ORIGIN.as_str())?;
        let own = authority_of(origin)
            .zip(text(headers, header::HOST.as_str()))
            .is_some_and(|(authority, host)| authority.eq_ignore_ascii_case(host));
        Some(own || self.allowed.iter().any(|allowed| allowed.eq_ignore_ascii_case(origin)))
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap_or("?"))
}

/// True when a call with this method changes nothing.
pub(super) fn is_harmless(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Refuses changes that pages of other sites ask for.
pub(crate) async fn check_origin(
    State(policy): State<OriginPolicy>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    if is_harmless(request.method()) || !policy.needed || policy.allows(request.headers()) {
        return Ok(next.run(request).await);
    }
    Err(ApiError::Forbidden(
        "a page of another site asked for this change: add its origin to UPNEXT_CORS_ALLOW_ORIGINS if that is wanted"
            .to_owned(),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allows(pairs: &[(&str, &str)]) -> bool {
        let policy = OriginPolicy::new(&["https://ops.example".to_owned()], false);
        let headers = pairs
            .iter()
            .map(|(name, value)| (header::HeaderName::try_from(*name).unwrap(), value.parse().unwrap()));
        policy.allows(&headers.collect())
    }

    #[test]
    fn own_pages_allowed_origins_and_no_page_may_change_things() {
        assert!(allows(&[("host", "localhost:8080")]));
        assert!(allows(&[("host", "localhost:8080"), ("origin", "http://localhost:8080")]));
        assert!(allows(&[("host", "localhost:8080"), ("origin", "https://ops.example")]));
        assert!(allows(&[("host", "localhost:8080"), ("sec-fetch-site", "same-origin")]));
    }

    #[test]
    fn a_session_needs_an_own_page() {
        let policy = OriginPolicy::new(&[], true);
        let own = |name: &'static str, value: &'static str| {
            let pairs = [(header::HOST, "localhost:8080"), (header::HeaderName::from_static(name), value)];
            policy
                .is_own_page(&pairs.into_iter().map(|(name, value)| (name, value.parse().unwrap())).collect())
        };
        assert!(own("origin", "http://localhost:8080") && own("sec-fetch-site", "same-origin"));
        assert!(!own("origin", "null") && !own("sec-fetch-site", "none") && !own("accept", "*/*"));
        assert!(!own("origin", "http://localhost:8081") && !own("sec-fetch-site", "same-site"));
    }

    #[test]
    fn others_may_not() {
        for origin in
            ["https://evil.example", "null", "http://localhost:9999", "localhost:8080", "file://", ""]
        {
            assert!(!allows(&[("host", "localhost:8080"), ("origin", origin)]), "{origin}");
        }
        assert!(!allows(&[("host", "localhost:8080"), ("sec-fetch-site", "cross-site")]));
    }
}
