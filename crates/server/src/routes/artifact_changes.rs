//! Changes to what is written on an artifact: labels, expiry, pins. Its bytes never change.

use axum::Json;
use axum::extract::{Request, State};
use upnext_core::artifact::ArtifactPatch;
use upnext_core::{ArtifactId, Clock as _, RawJson, SystemClock, Timestamp};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::PathId;
use crate::described::lifetime;
use crate::error::ApiError;
use crate::request_body::read_json;
use crate::state::AppState;
use crate::wire::{self, Artifact, CommonErrors, ErrorBody};

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(update_artifact))
        .routes(routes!(pin_artifact))
        .routes(routes!(unpin_artifact))
}

/// Change an artifact's description, tags, metadata, pin or expiry. What is left out stays; null takes it away.
#[utoipa::path(patch, path = "/artifacts/{id}", tag = "artifacts",
    params(("id" = String, Path, description = "The artifact's id")),
    request_body(content = wire::ArtifactPatch),
    responses((status = 200, description = "The artifact as it is now", body = Artifact),
        (status = 400, description = "The body ended before it was whole", body = ErrorBody),
        (status = 404, description = "There is no such artifact", body = ErrorBody),
        (status = 413, description = "The body is too large", body = ErrorBody), CommonErrors))]
async fn update_artifact(
    State(state): State<AppState>,
    PathId(id): PathId<ArtifactId>,
    request: Request,
) -> Result<Json<Artifact>, ApiError> {
    let shape = "{description, tags, metadata, pinned, expires_at or expires_in}";
    let asked: wire::ArtifactPatch = read_json(request.into_body(), shape).await?;
    update(&state, id, patch_of(asked, SystemClock.now())?).await
}

/// Pin an artifact: it outlives every rule of retention until it is unpinned.
#[utoipa::path(post, path = "/artifacts/{id}/pin", tag = "artifacts",
    params(("id" = String, Path, description = "The artifact's id")),
    responses((status = 200, description = "The artifact as it is now", body = Artifact),
        (status = 404, description = "There is no such artifact", body = ErrorBody), CommonErrors))]
async fn pin_artifact(
    State(state): State<AppState>,
    PathId(id): PathId<ArtifactId>,
) -> Result<Json<Artifact>, ApiError> {
    update(&state, id, ArtifactPatch { pinned: Some(true), ..ArtifactPatch::default() }).await
}

/// Unpin an artifact.
#[utoipa::path(post, path = "/artifacts/{id}/unpin", tag = "artifacts",
    params(("id" = String, Path, description = "The artifact's id")),
    responses((status = 200, description = "The artifact as it is now", body = Artifact),
        (status = 404, description = "There is no such artifact", body = ErrorBody), CommonErrors))]
async fn unpin_artifact(
    State(state): State<AppState>,
    PathId(id): PathId<ArtifactId>,
) -> Result<Json<Artifact>, ApiError> {
    update(&state, id, ArtifactPatch { pinned: Some(false), ..ArtifactPatch::default() }).await
}

async fn update(state: &AppState, id: ArtifactId, patch: ArtifactPatch) -> Result<Json<Artifact>, ApiError> {
    Ok(Json(state.served.artifacts.update(id, patch).await?.into()))
}

fn patch_of(asked: wire::ArtifactPatch, now: Timestamp) -> Result<ArtifactPatch, ApiError> {
    let expires_at = match (asked.expires_at, asked.expires_in) {
        (Some(_), Some(_)) => {
            return Err(ApiError::Invalid("give expires_at or expires_in, not both".to_owned()));
        }
        (Some(Some(moment)), None) if moment <= now => {
            return Err(ApiError::Invalid(format!(
                "expires_at is {moment}, which is over: name a later moment, or delete the artifact"
            )));
        }
        (at, None) => at,
        (None, Some(seconds)) => Some(seconds.map(lifetime).transpose()?.map(|time| now.after(time))),
    };
    Ok(ArtifactPatch {
        description: asked.description.map(Option::unwrap_or_default),
        tags: asked.tags.map(Option::unwrap_or_default),
        metadata: asked.metadata.map(|metadata| metadata.unwrap_or_else(RawJson::null)),
        pinned: asked.pinned.map(Option::unwrap_or_default),
        expires_at,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patch(body: &str) -> Result<ArtifactPatch, String> {
        let asked = serde_json::from_str(body).map_err(|error: serde_json::Error| error.to_string())?;
        patch_of(asked, Timestamp::from_micros(1_000_000)).map_err(|error| error.to_string())
    }

    #[test]
    fn null_and_absence_are_two_things() {
        let nothing = patch("{}").unwrap();
        assert!(nothing.description.is_none() && nothing.tags.is_none() && nothing.metadata.is_none());
        assert!(nothing.pinned.is_none() && nothing.expires_at.is_none());
        let nulls =
            r#"{"description": null, "tags": null, "metadata": null, "pinned": null, "expires_in": null}"#;
        let away = patch(nulls).unwrap();
        assert_eq!((away.description.as_deref(), away.tags.as_deref()), (Some(""), Some(&[][..])));
        assert_eq!(away.metadata.unwrap().as_str(), "null");
        assert_eq!((away.pinned, away.expires_at), (Some(false), Some(None)));
    }

    #[test]
    fn expiry_is_a_later_moment_or_a_time_from_now() {
        let at = |body: &str| patch(body).unwrap().expires_at.unwrap().unwrap().as_micros();
        assert_eq!(at(r#"{"expires_in": 2.5}"#), 3_500_000);
        assert_eq!(at(r#"{"expires_at": "1970-01-01T00:00:09Z"}"#), 9_000_000);
        for (body, part) in [
            (r#"{"expires_at": "1970-01-01T00:00:01Z"}"#, "which is over"),
            (r#"{"expires_at": null, "expires_in": 1}"#, "not both"),
            (r#"{"expires_in": -1}"#, "more than 0"),
            (r#"{"discription": "x"}"#, "unknown field `discription`"),
        ] {
            let error = patch(body).unwrap_err();
            assert!(error.contains(part), "{error}");
        }
    }
}
