//! How much is kept.

use axum::Json;
use axum::extract::State;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::ApiError;
use crate::state::AppState;
use crate::wire::{ArtifactStats, CommonErrors};

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(artifact_stats))
}

/// How many artifacts there are, how large they are, and what they take in storage: equal contents are kept once.
#[utoipa::path(get, path = "/artifacts/stats", tag = "artifacts",
    responses((status = 200, description = "The figures of this moment", body = ArtifactStats), CommonErrors))]
async fn artifact_stats(State(state): State<AppState>) -> Result<Json<ArtifactStats>, ApiError> {
    Ok(Json(state.served.artifacts.totals().await?.into()))
}
