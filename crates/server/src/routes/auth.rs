//! Authentication as seen by a client: is a key needed, and is mine good?

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;
use crate::wire::{AuthStatus, AuthVerified, CommonErrors};

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(auth_verify))
}

/// The one call that is open although authentication is on: it stands outside of the guard.
pub(crate) fn open_router() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(auth_status))
}

/// Whether calls need a key. Open to everybody.
#[utoipa::path(get, path = "/auth/status", tag = "auth", security(()),
    responses((status = 200, description = "Whether calls need a key", body = AuthStatus)))]
async fn auth_status(State(state): State<AppState>) -> Json<AuthStatus> {
    Json(AuthStatus { auth_enabled: state.served.settings.auth_enabled })
}

/// Check the key of this request.
#[utoipa::path(post, path = "/auth/verify", tag = "auth",
    responses((status = 200, description = "The key is good, or none is needed", body = AuthVerified),
        CommonErrors))]
async fn auth_verify() -> Json<AuthVerified> {
    // Whoever comes this far has passed the guard.
    Json(AuthVerified { ok: true })
}
