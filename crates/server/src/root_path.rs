//! A server that a proxy shows under a path of its own (`UPNEXT_ROOT_PATH`).
//!
//! Everything inside speaks of paths as they are without it. Here it is taken off requests, which a proxy may have done
//! before, and put in front of the paths that answers send browsers to.

use axum::Router;
use axum::extract::{Request, State};
use axum::http::uri::{PathAndQuery, Uri};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};

/// `inner` under the root path as well as without it.
pub(crate) fn under(root: &str, inner: Router) -> Router {
    if root.is_empty() {
        return inner;
    }
    // Routes are chosen after this, since the layers of a router come before its fallback alone.
    Router::new().fallback_service(inner).layer(middleware::from_fn_with_state(root.to_owned(), take_off))
}

async fn take_off(State(root): State<String>, mut request: Request, next: Next) -> Response {
    match request.uri().path().strip_prefix(&root) {
        // Relative links of a page belong behind the slash.
        Some("") => {
            let query = request.uri().query().map_or_else(String::new, |query| format!("?{query}"));
            return (StatusCode::PERMANENT_REDIRECT, [(header::LOCATION, format!("{root}/{query}"))])
                .into_response();
        }
        Some(rest) if rest.starts_with('/') => {
            if let Some(uri) = with_path(request.uri(), rest) {
                *request.uri_mut() = uri;
            }
        }
        // The proxy has taken it off, or somebody asks without one.
        _ => {}
    }
    let mut response = next.run(request).await;
    put_on(&root, response.headers_mut());
    response
}

fn with_path(uri: &Uri, path: &str) -> Option<Uri> {
    let query = uri.query().map_or_else(String::new, |query| format!("?{query}"));
    let mut parts = uri.clone().into_parts();
    parts.path_and_query = Some(PathAndQuery::try_from(format!("{path}{query}")).ok()?);
    Uri::from_parts(parts).ok()
}

/// Locations that are paths from the server's root; others lead elsewhere, or hold under any path.
fn put_on(root: &str, headers: &mut HeaderMap) {
    let location = headers.get(header::LOCATION).and_then(|value| value.to_str().ok());
    let Some(path) = location.filter(|path| path.starts_with('/') && !path.starts_with("//")) else { return };
    if let Ok(location) = HeaderValue::try_from(format!("{root}{path}")) {
        headers.insert(header::LOCATION, location);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn location(given: &'static str) -> String {
        let mut headers = HeaderMap::from_iter([(header::LOCATION, HeaderValue::from_static(given))]);
        put_on("/upnext", &mut headers);
        headers[header::LOCATION].to_str().unwrap().to_owned()
    }

    #[test]
    fn only_paths_of_this_server_get_the_root_path() {
        assert_eq!(location("/docs/"), "/upnext/docs/");
        for elsewhere in ["https://s3.example/key", "//evil.example/x", "../../x", "docs/"] {
            assert_eq!(location(elsewhere), elsewhere);
        }
    }

    #[test]
    fn a_query_stays_when_the_path_gets_shorter() {
        let uri: Uri = "/upnext/api/v1/jobs?limit=1&text=a%20b".parse().unwrap();
        assert_eq!(with_path(&uri, "/api/v1/jobs").unwrap(), "/api/v1/jobs?limit=1&text=a%20b");
        let absolute: Uri = "http://ops.example/upnext/jobs".parse().unwrap();
        assert_eq!(with_path(&absolute, "/jobs").unwrap(), "http://ops.example/jobs");
    }
}
