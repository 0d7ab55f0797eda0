//! Authentication as seen by a client: is a key needed, is mine good, and a session for my browser.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use axum::response::{IntoResponse, Response};
use upnext_core::{Clock as _, SystemClock};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::ApiError;
use crate::guard::end_session;
use crate::request_body::read_json;
use crate::state::AppState;
use crate::wire::{AuthStatus, AuthVerified, CommonErrors, ErrorBody, Login, SessionState};

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(auth_verify))
}

/// The calls that are open although authentication is on: they stand outside of the guard.
pub(crate) fn open_router() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(auth_status)).routes(routes!(log_in)).routes(routes!(log_out))
}

/// Whether calls need a key, and whether this browser has a session. Open to everybody.
#[utoipa::path(get, path = "/auth/status", tag = "auth", security(()),
    responses((status = 200, description = "Whether calls need a key", body = AuthStatus), CommonErrors))]
async fn auth_status(
    State(state): State<AppState>,
    headers: HeaderMap,
) -> Result<Json<AuthStatus>, ApiError> {
    let session = match &state.lock {
        Some(lock) => lock.sessions.holds(&headers, SystemClock.now()).await?,
        None => false,
    };
    Ok(Json(AuthStatus { auth_enabled: state.lock.is_some(), session }))
}

/// Begin a session: whoever knows the key gets a cookie that opens every call for a week, as the key does. Changes are taken
/// with it from this server's own pages alone.
#[utoipa::path(post, path = "/auth/login", tag = "auth", security(()), request_body(content = Login),
    responses((status = 200, description = "The session has begun, or no key is needed", body = SessionState),
        (status = 400, description = "The body ended before it was whole", body = ErrorBody),
        (status = 413, description = "The body is too large", body = ErrorBody), CommonErrors))]
async fn log_in(State(state): State<AppState>, request: Request) -> Result<Response, ApiError> {
    let headers = request.headers().clone();
    let Some(lock) = &state.lock else { return Ok(Json(SessionState { session: false }).into_response()) };
    if !lock.origins.allows(&headers) {
        return Err(ApiError::Forbidden("a page of another site asked for a session".to_owned()));
    }
    let asked: Login = read_json(request.into_body(), "{key}").await?;
    if !lock.sessions.opens(asked.key.trim()) {
        return Err(ApiError::Unauthorized("; the one that was sent is wrong"));
    }
    let cookie = lock.sessions.begin(&state.served.settings.root_path, &headers, SystemClock.now()).await?;
    Ok(([(header::SET_COOKIE, cookie)], Json(SessionState { session: true })).into_response())
}

/// End the session of this browser.
#[utoipa::path(post, path = "/auth/logout", tag = "auth", security(()),
    responses((status = 200, description = "The cookie is gone", body = SessionState), CommonErrors))]
async fn log_out(State(state): State<AppState>, headers: HeaderMap) -> Result<Response, ApiError> {
    if state.lock.as_ref().is_some_and(|lock| !lock.origins.allows(&headers)) {
        return Err(ApiError::Forbidden("a page of another site asked to end the session".to_owned()));
    }
    Ok((
        [(header::SET_COOKIE, end_session(&state.served.settings.root_path, &headers))],
        Json(SessionState { session: false }),
    )
        .into_response())
}

/// Check the key of this request.
#[utoipa::path(post, path = "/auth/verify", tag = "auth",
    responses((status = 200, description = "The key is good, or none is needed", body = AuthVerified),
        CommonErrors))]
async fn auth_verify() -> Json<AuthVerified> {
    // Whoever comes this far has passed the guard.
    Json(AuthVerified { ok: true })
}
