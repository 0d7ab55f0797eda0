//! The `Host` header. A page of another site can make its own name point to 127.0.0.1 (DNS rebinding) and then talk to a
//! local server as if it were its own; but the browser still sends that name.

use std::collections::BTreeSet;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::Response;

use super::{authority_of, host_of};
use crate::error::ApiError;

/// Which names a server answers to.
#[derive(Debug, Clone)]
pub(crate) struct HostPolicy {
    /// `None`: to all.
    extra: Option<Arc<BTreeSet<String>>>,
}

impl HostPolicy {
    /// On a loopback address only to names of this machine and of the allowed origins; on any other to every name,
    /// since nobody here knows by which ones it is reached.
    pub(crate) fn new(bound: SocketAddr, allowed_origins: &[String]) -> Self {
        let extra = bound.ip().is_loopback().then(|| {
            let authorities = allowed_origins.iter().filter_map(|origin| authority_of(origin));
            Arc::new(authorities.map(host_of).collect())
        });
        Self { extra }
    }

    fn allows(&self, authority: &str) -> bool {
        let Some(extra) = &self.extra else { return true };
        let host = host_of(authority);
        is_loopback_name(&host) || extra.contains(&host)
    }
}

fn is_loopback_name(host: &str) -> bool {
    host == "localhost"
        || host.ends_with(".localhost")
        || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

/// Refuses requests under a foreign name.
pub(crate) async fn check_host(
    State(policy): State<HostPolicy>,
    request: Request,
    next: Next,
) -> Result<Response, ApiError> {
    // Browsers always send one; whatever comes without is no page of another site.
    let host = request.headers().get(header::HOST).map(|value| value.to_str().unwrap_or("?"));
    let named = host.or_else(|| request.uri().authority().map(axum::http::uri::Authority::as_str));
    match named {
        Some(name) if !policy.allows(name) => {
            let shown: String = name.chars().take(80).collect();
            Err(ApiError::Forbidden(format!(
                "this server listens on a loopback address and answers only to localhost, not to the host name \
                 '{shown}': open http://localhost, or add the origin you use to UPNEXT_CORS_ALLOW_ORIGINS"
            )))
        }
        _ => Ok(next.run(request).await),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loopback_server_knows_its_names() {
        let policy = HostPolicy::new("127.0.0.1:8080".parse().unwrap(), &["https://jobs.example".to_owned()]);
        for good in [
            "localhost",
            "LocalHost:8080",
            "127.0.0.1:1",
            "127.9.9.9",
            "[::1]:8080",
            "a.localhost",
            "jobs.example:443",
        ] {
            assert!(policy.allows(good), "{good}");
        }
        for bad in
            ["evil.example", "localhost.evil.example", "10.0.0.1", "[fe80::1]", "", "127.0.0.1.evil.example"]
        {
            assert!(!policy.allows(bad), "{bad}");
        }
    }

    #[test]
    fn a_public_server_answers_to_every_name() {
        assert!(HostPolicy::new("0.0.0.0:80".parse().unwrap(), &[]).allows("anything.example"));
    }
}
