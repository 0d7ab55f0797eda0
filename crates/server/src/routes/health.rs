//! Is the process there (`/health`), and can it work (`/ready`)? Both outside `/api/v1`, open, for probes.

use std::collections::BTreeMap;
use std::fmt::Display;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::state::AppState;
use crate::wire::{Health, Readiness};

/// What takes longer to answer is not ready.
const PATIENCE: Duration = Duration::from_secs(3);

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(health)).routes(routes!(ready))
}

/// The process answers.
#[utoipa::path(get, path = "/health", tag = "health", security(()),
    responses((status = 200, description = "It does", body = Health)))]
async fn health(State(state): State<AppState>) -> Json<Health> {
    Json(Health { status: "ok", version: upnext_core::VERSION, backend: state.backend().kind() })
}

/// Job database and artifact storage can be reached.
#[utoipa::path(get, path = "/ready", tag = "health", security(()),
    responses((status = 200, description = "They can", body = Readiness),
        (status = 503, description = "One of them cannot", body = Readiness)))]
async fn ready(State(state): State<AppState>) -> (StatusCode, Json<Readiness>) {
    let (backend, storage) = tokio::join!(
        works("the job database", state.backend().ping()),
        works("the artifact storage", state.served.artifacts.check()),
    );
    let (backend, storage) = (backend.as_ref(), storage.as_ref());
    let problem = backend.err().or(storage.err()).cloned();
    let shown = |check: Result<&(), &String>| check.err().map_or_else(|| "ok".to_owned(), Clone::clone);
    let readiness = Readiness {
        status: if problem.is_none() { "ready" } else { "unavailable" },
        version: upnext_core::VERSION,
        checks: BTreeMap::from([("backend", shown(backend)), ("storage", shown(storage))]),
        detail: problem,
    };
    let code = if readiness.detail.is_none() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (code, Json(readiness))
}

/// What a probe found, in words for everybody; the rest is for the log.
async fn works<E: Display>(what: &str, probe: impl Future<Output = Result<(), E>>) -> Result<(), String> {
    match tokio::time::timeout(PATIENCE, probe).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(error)) => {
            tracing::warn!(%error, "{what} is not ready");
            Err(format!("{what} does not work"))
        }
        Err(_) => Err(format!("{what} does not answer")),
    }
}
