//! All routes put together, inside the layers that guard and finish every answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{Extensions, HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Uri, Version, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use tokio_util::sync::CancellationToken;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::compression::CompressionLayer;
use tower_http::compression::predicate::{DefaultPredicate, Predicate as _};
use tower_http::cors::CorsLayer;
use upnext_core::{Backend, Settings, fault};
use utoipa_axum::router::OpenApiRouter;

use crate::artifact_origin::{ArtifactOrigin, ContentOnly, by_host, show_content_elsewhere};
use crate::dashboard::Dashboard;
use crate::error::ApiError;
use crate::guard::{
    HostPolicy, KeyDigest, Lock, OriginPolicy, Sessions, check_host, check_origin, require_key,
};
use crate::live::LiveFeed;
use crate::previews::Previews;
use crate::routes::artifact_content::Verbatim;
use crate::routes::upload_progress::Finishing;
use crate::routes::{
    api_events, apis, artifact_changes, artifact_content, artifact_history, artifact_preview, artifact_stats,
    artifacts, auth, backend, events, functions, health, insights, job_archive, job_history, jobs, lineage,
    new_artifact, presigned, settings, submissions, uploads, workers,
};
use crate::serve::{ServeError, check};
use crate::state::{AppState, Served};
use crate::{openapi, root_path, tus};

/// Where the API lives.
pub(crate) const API: &str = "/api/v1";

/// What pages of allowed origins may send, and may see, beside what every page may.
const REQUEST_HEADERS: &[&str] = &[
    "authorization",
    "content-digest",
    "content-md5",
    "content-type",
    "idempotency-key",
    "if-match",
    "if-none-match",
    "if-range",
    "last-event-id",
    "range",
    "repr-digest",
    "x-api-key",
];
const RESPONSE_HEADERS: &[&str] = &[
    "content-disposition",
    "content-range",
    "etag",
    "repr-digest",
    "upnext-artifact-offset",
    "upnext-artifact-status",
];

/// The routes under [`API`] that a key guards, with their descriptions.
pub(crate) fn api_routes() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .merge(jobs::router())
        .merge(job_history::router())
        .merge(submissions::router())
        .merge(artifacts::router())
        .merge(artifact_changes::router())
        .merge(artifact_history::router())
        .merge(lineage::router())
        .merge(uploads::router())
        .merge(new_artifact::router())
        .merge(artifact_content::router())
        .merge(artifact_preview::router())
        .merge(artifact_stats::router())
        .merge(presigned::router())
        .merge(job_archive::router())
        .merge(functions::router())
        .merge(insights::router())
        .merge(settings::router())
        .merge(workers::router())
        .merge(apis::router())
        .merge(api_events::router())
        .merge(events::router())
        .merge(auth::router())
}

/// Everything a server at `bound` answers: the API, its documentation, health probes and the dashboard.
///
/// # Errors
/// When the settings do not allow this address; see [`check`].
pub fn router(served: Served, bound: SocketAddr) -> Result<Router, ServeError> {
    let stopping = CancellationToken::new();
    let live = LiveFeed::new(Arc::clone(served.client.backend()), stopping.clone());
    build(served, bound, stopping, live)
}

pub(crate) fn build(
    served: Served,
    bound: SocketAddr,
    stopping: CancellationToken,
    live: LiveFeed,
) -> Result<Router, ServeError> {
    check(&served.settings, bound)?;
    let settings = Arc::clone(&served.settings);
    let origins = &settings.cors_allow_origins;
    let artifact_origin = settings.artifact_origin.as_deref();
    let dashboard = Arc::new(Dashboard::new(&settings.root_path, artifact_origin));
    let links_to =
        |origin: &str| ArtifactOrigin::new(origin, &settings.root_path, Arc::clone(served.client.backend()));
    let artifact_origin = artifact_origin.and_then(links_to);
    let artifact_origin = artifact_origin.map(Arc::new);
    let lock = lock_of(&settings, served.client.backend());
    let state = AppState {
        served,
        lock: lock.clone(),
        stopping,
        finishing: Finishing::default(),
        live,
        previews: Previews::default(),
    };
    let content = Router::new().nest(API, artifact_content::router().into()).with_state(state.clone());
    let outside: Router<AppState> = health::router().into();
    let router = Router::new()
        .nest(API, api(&settings, lock, artifact_origin.clone()))
        .merge(outside)
        .with_state(state)
        .merge(openapi::router(&settings.root_path))
        .fallback(move |method: Method, uri: Uri, headers: HeaderMap| async move {
            dashboard.serve(&method, &uri, &headers)
        })
        .method_not_allowed_fallback(wrong_method)
        .layer(CompressionLayer::new().gzip(true).compress_when(DefaultPredicate::new().and(may_compress)))
        .layer(cors(origins)?)
        .layer(middleware::from_fn_with_state(settings.artifact_max_upload_bytes, tus::add_headers))
        .layer(middleware::from_fn_with_state(HostPolicy::new(bound, origins), check_host));
    let router = match artifact_origin {
        Some(origin) => {
            router.layer(middleware::from_fn_with_state(ContentOnly { origin, content }, by_host))
        }
        None => router,
    };
    let router = router
        .layer(middleware::from_fn_with_state(origins.is_empty(), finish))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn(trace));
    Ok(root_path::under(&settings.root_path, router))
}

fn lock_of(settings: &Settings, backend: &Arc<dyn Backend>) -> Option<Lock> {
    let key = KeyDigest::of(settings.api_key.as_deref().filter(|_| settings.auth_enabled)?);
    let origins = OriginPolicy::new(&settings.cors_allow_origins, settings.auth_enabled);
    Some(Lock { sessions: Sessions::new(Arc::clone(backend), key), origins })
}

fn api(
    settings: &Settings,
    lock: Option<Lock>,
    artifact_origin: Option<Arc<ArtifactOrigin>>,
) -> Router<AppState> {
    let origins = OriginPolicy::new(&settings.cors_allow_origins, settings.auth_enabled);
    Router::from(api_routes())
        .merge(backend::router())
        .route("/openapi.json", openapi::document(&settings.root_path))
        .fallback(async || {
            ApiError::NotFound("there is no such call; /docs lists them all".to_owned()).into_response()
        })
        .method_not_allowed_fallback(wrong_method)
        .layer(middleware::from_fn_with_state(artifact_origin, show_content_elsewhere))
        .layer(middleware::from_fn_with_state(lock, require_key))
        .layer(middleware::from_fn_with_state(origins, check_origin))
        .merge(Router::from(auth::open_router()))
}

async fn wrong_method(method: Method) -> ApiError {
    ApiError::MethodNotAllowed(method.to_string())
}

/// Artifact content leaves as it is; so does what is too small or already compressed.
fn may_compress(_: StatusCode, _: Version, _: &HeaderMap, extensions: &Extensions) -> bool {
    extensions.get::<Verbatim>().is_none()
}

fn cors(origins: &[String]) -> Result<CorsLayer, ServeError> {
    let origins = origins
        .iter()
        .map(|origin| HeaderValue::try_from(origin).map_err(|_| ServeError::BadOrigin(origin.clone())))
        .collect::<Result<Vec<_>, _>>()?;
    let named = |names: &[&'static str]| -> Vec<HeaderName> {
        names.iter().map(|name| HeaderName::from_static(name)).collect()
    };
    Ok(CorsLayer::new()
        .allow_origin(origins)
        .allow_methods([Method::GET, Method::HEAD, Method::POST, Method::PATCH, Method::DELETE])
        .allow_headers([named(REQUEST_HEADERS), named(tus::REQUEST_HEADERS)].concat())
        .expose_headers([named(RESPONSE_HEADERS), named(tus::RESPONSE_HEADERS)].concat())
        .max_age(Duration::from_secs(3600)))
}

/// The headers that every answer has unless it brought its own.
async fn finish(State(own_pages_only): State<bool>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    let mut default = |name: HeaderName, value: &'static str| {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    };
    default(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    default(header::REFERRER_POLICY, "same-origin");
    default(header::CACHE_CONTROL, "no-store");
    default(header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'");
    if own_pages_only {
        default(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    }
    response
}

/// The panic itself is on stderr (or wherever the process's panic hook writes).
#[allow(clippy::needless_pass_by_value, reason = "the signature that the layer asks for")]
fn panicked(_: Box<dyn std::any::Any + Send + 'static>) -> Response {
    ApiError::Panicked.into_response()
}

/// One debug line for each request. The query and the headers stay out of it: they may hold what is nobody's business.
async fn trace(request: Request, next: Next) -> Response {
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let begun = std::time::Instant::now();
    fault::point("request accepted");
    let response = next.run(request).await;
    fault::point("before answer");
    tracing::debug!(%method, path, status = response.status().as_u16(), elapsed = ?begun.elapsed(), "answered");
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_a_500_that_tells_nothing() {
        let response = panicked(Box::new("secret"));
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let body = axum::body::to_bytes(response.into_body(), 1000).await.unwrap();
        let text = std::str::from_utf8(&body).unwrap();
        assert!(text.starts_with("{\"detail\":") && !text.contains("secret"), "{text}");
    }
}
