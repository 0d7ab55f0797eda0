//! The dashboard: the files that Vite built, inside of this binary, and the page that stands in for them when they were
//! not built.
//!
//! The build knows nothing of the path it is shown under: all of its addresses are relative to the `<base href>` of its shell,
//! which is written here.

use axum::Json;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use bytes::Bytes;
use rust_embed::RustEmbed;

use crate::content_headers::already_known;
use crate::error::ApiError;
use crate::wire::ErrorBody;

/// Everything from this server, nothing inline; artifacts are shown in frames and as pictures.
const POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'";

/// What the pages may load: everything from their own origin, and what they show of artifacts also from the origin that
/// artifacts have to themselves.
fn policy(artifact_origin: Option<&str>) -> HeaderValue {
    let shown = artifact_origin.map(|origin| format!(" {origin}")).unwrap_or_default();
    let whole = format!(
        "{POLICY}; img-src 'self'{shown} data: blob:; media-src 'self'{shown}; frame-src 'self'{shown}"
    );
    HeaderValue::try_from(whole).unwrap_or(HeaderValue::from_static(POLICY))
}

const PLACEHOLDER_POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'";

#[derive(RustEmbed)]
#[folder = "../../dashboard/dist"]
#[allow_missing = true]
struct Dist;

/// What the shell names as the place of all its addresses, as it was built.
const BASE: &str = "<base href=\"/\" />";

const PLACEHOLDER: &str = include_str!("dashboard_not_built.html");

/// The dashboard as this server shows it.
#[derive(Debug)]
pub(crate) struct Dashboard {
    policy: HeaderValue,
    shell: Option<Shell>,
}

/// The page that draws all pages.
#[derive(Debug)]
struct Shell {
    html: Bytes,
    etag: String,
}

impl Dashboard {
    /// Under this path; with what is shown of artifacts from this origin, if they have one to themselves.
    pub(crate) fn new(root: &str, artifact_origin: Option<&str>) -> Self {
        let shell = Dist::get("index.html").map(|built| {
            let etag = etag(&built.metadata.sha256_hash(), root);
            Shell { html: shell_under(root, &String::from_utf8_lossy(&built.data)).into(), etag }
        });
        Self { policy: policy(artifact_origin), shell }
    }

    /// Answers whatever no route did: files of the dashboard, its shell for every page of it, 404 under `/api`.
    pub(crate) fn serve(&self, method: &Method, uri: &Uri, headers: &HeaderMap) -> Response {
        let path = uri.path().trim_start_matches('/');
        if path == "api" || path.starts_with("api/") {
            return ApiError::NotFound("there is no such call; /docs lists them all".to_owned())
                .into_response();
        }
        if !matches!(*method, Method::GET | Method::HEAD) {
            return ApiError::MethodNotAllowed(method.to_string()).into_response();
        }
        if let Some(found) = Dist::get(path).filter(|_| !is_shell(path) && !path.starts_with('.')) {
            let etag = etag(&found.metadata.sha256_hash(), "");
            return self.file(path, Body::from(found.data), &etag, headers);
        }
        // A missing script must not be answered with a page; every other path is a page that the shell draws.
        if path.starts_with("assets/") || matches!(path, "favicon.ico" | "robots.txt") {
            return (StatusCode::NOT_FOUND, Json(ErrorBody { detail: "there is no such file".to_owned() }))
                .into_response();
        }
        match &self.shell {
            Some(shell) => self.file("index.html", Body::from(shell.html.clone()), &shell.etag, headers),
            None => not_built(path),
        }
    }

    fn file(&self, path: &str, body: Body, etag: &str, headers: &HeaderMap) -> Response {
        // Vite puts a digest into the names under assets/: such a file never changes.
        let caching =
            if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
        let known = already_known(headers, etag);
        let mut response = Response::new(if known { Body::empty() } else { body });
        if known {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
        } else {
            response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(path)));
        }
        let headers = response.headers_mut();
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
        headers.insert(header::CONTENT_SECURITY_POLICY, self.policy.clone());
        if let Ok(etag) = HeaderValue::try_from(etag) {
            headers.insert(header::ETAG, etag);
        }
        response
    }
}

/// The shell with its addresses under this path. The path holds nothing that HTML would read otherwise.
fn shell_under(root: &str, html: &str) -> String {
    html.replacen(BASE, &format!("<base href=\"{root}/\" />"), 1)
}

/// Tells contents apart, and the same shell under different paths.
fn etag(sha256: &[u8; 32], root: &str) -> String {
    let hash: String = sha256.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("\"{hash}{}\"", root.replace('/', "."))
}

fn is_shell(path: &str) -> bool {
    path.is_empty() || path == "index.html"
}

/// The kinds of file that a Vite build holds.
fn media_type(path: &str) -> &'static str {
    match path.rsplit_once('.').map_or("", |(_, extension)| extension) {
        "html" => "text/html; charset=utf-8",
        "js" | "mjs" => "text/javascript; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "json" | "map" => "application/json",
        "webmanifest" => "application/manifest+json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "webp" => "image/webp",
        "ico" => "image/x-icon",
        "woff2" => "font/woff2",
        "woff" => "font/woff",
        "txt" => "text/plain; charset=utf-8",
        "wasm" => "application/wasm",
        _ => "application/octet-stream",
    }
}

fn not_built(path: &str) -> Response {
    let status = if path.is_empty() { StatusCode::OK } else { StatusCode::NOT_FOUND };
    let mut response = (status, Html(PLACEHOLDER)).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(PLACEHOLDER_POLICY));
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_a_build_the_page_says_how_to_make_one() {
        assert_eq!(not_built("").status(), 200);
        assert_eq!(not_built("jobs").status(), 404);
        assert!(PLACEHOLDER.contains("make dashboard") && PLACEHOLDER.contains("href=\"docs/\""));
        assert!(!PLACEHOLDER.contains("<script"));
    }

    #[test]
    fn the_shell_is_built_to_be_moved() {
        let built = include_str!("../../../dashboard/index.html");
        assert!(shell_under("/upnext", built).contains("<base href=\"/upnext/\" />"));
        assert_eq!(shell_under("", built), built);
        assert_ne!(etag(&[1; 32], "/a"), etag(&[1; 32], ""));
    }

    #[test]
    fn the_policy_allows_nothing_inline() {
        let own = policy(None);
        let own = own.to_str().unwrap();
        assert!(
            !own.contains("unsafe") && own.contains("frame-src 'self'") && !own.contains("http"),
            "{own}"
        );
        let with_origin = policy(Some("https://artifacts.example"));
        let with_origin = with_origin.to_str().unwrap();
        for shown in ["img-src", "media-src", "frame-src"] {
            assert!(
                with_origin.contains(&format!("{shown} 'self' https://artifacts.example")),
                "{with_origin}"
            );
        }
        assert!(!with_origin.contains("script-src 'self' https"), "{with_origin}");
    }
}
