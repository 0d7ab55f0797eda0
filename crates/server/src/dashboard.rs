//! The dashboard: the files that Vite built, inside of this binary, and the page that stands in for them when they were
//! not built.

use axum::Json;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use rust_embed::{EmbeddedFile, RustEmbed};

use crate::content_headers::already_known;
use crate::error::ApiError;
use crate::wire::ErrorBody;

/// Everything from this server, nothing inline; artifacts are shown in frames and as pictures.
const POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self'; connect-src 'self'; \
                      object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'";

/// What the pages may load: everything from their own origin, and what they show of artifacts also from the origin that
/// artifacts have to themselves.
pub(crate) fn policy(artifact_origin: Option<&str>) -> HeaderValue {
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

const PLACEHOLDER: &str = include_str!("dashboard_not_built.html");

/// Answers whatever no route did: files of the dashboard, its shell for every page of it, 404 under `/api`.
pub(crate) async fn serve(policy: HeaderValue, method: Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    if path == "api" || path.starts_with("api/") {
        return ApiError::NotFound("there is no such call; /docs lists them all".to_owned()).into_response();
    }
    if !matches!(method, Method::GET | Method::HEAD) {
        return ApiError::MethodNotAllowed(method.to_string()).into_response();
    }
    if let Some(found) = Dist::get(path).filter(|_| !is_shell(path) && !path.starts_with('.')) {
        return file(policy, path, found, &headers);
    }
    // A missing script must not be answered with a page; every other path is a page that the shell draws.
    if path.starts_with("assets/") || matches!(path, "favicon.ico" | "robots.txt") {
        return (StatusCode::NOT_FOUND, Json(ErrorBody { detail: "there is no such file".to_owned() }))
            .into_response();
    }
    match Dist::get("index.html") {
        Some(shell) => file(policy, "index.html", shell, &headers),
        None => not_built(path),
    }
}

fn is_shell(path: &str) -> bool {
    path.is_empty() || path == "index.html"
}

fn file(policy: HeaderValue, path: &str, file: EmbeddedFile, headers: &HeaderMap) -> Response {
    // Vite puts a digest into the names under assets/: such a file never changes.
    let caching =
        if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let hash: String = file.metadata.sha256_hash().iter().map(|byte| format!("{byte:02x}")).collect();
    let etag = format!("\"{hash}\"");
    let known = already_known(headers, &etag);
    let body = if known { Body::empty() } else { Body::from(file.data) };
    let mut response = Response::new(body);
    if known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
    } else {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media_type(path)));
    }
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(caching));
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    if let Ok(etag) = HeaderValue::try_from(etag) {
        headers.insert(header::ETAG, etag);
    }
    response
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
