//! The calls of the REST API, one file for each noun.

pub(crate) mod api_events;
pub(crate) mod apis;
pub(crate) mod artifact_changes;
pub(crate) mod artifact_content;
pub(crate) mod artifact_history;
pub(crate) mod artifact_preview;
pub(crate) mod artifact_stats;
pub(crate) mod artifacts;
pub(crate) mod auth;
pub(crate) mod backend;
pub(crate) mod events;
pub(crate) mod functions;
pub(crate) mod health;
pub(crate) mod insights;
pub(crate) mod job_archive;
pub(crate) mod job_history;
pub(crate) mod jobs;
pub(crate) mod lineage;
pub(crate) mod new_artifact;
mod new_artifact_form;
pub(crate) mod presigned;
pub(crate) mod settings;
pub(crate) mod submissions;
pub(crate) mod upload_progress;
pub(crate) mod uploads;
pub(crate) mod workers;

use std::str::FromStr;

use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use upnext_core::{ArtifactId, Job, JobId};

use crate::error::ApiError;
use crate::state::AppState;

/// An id in the path. One that could not be an id names nothing, so it is answered with 404.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PathId<T>(pub(crate) T);

impl<T: FromStr<Err: std::fmt::Display>, S: Send + Sync> FromRequestParts<S> for PathId<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let PathText(text) = PathText::from_request_parts(parts, state).await?;
        text.parse().map(Self).map_err(|error: T::Err| ApiError::NotFound(error.to_string()))
    }
}

/// The one free text in the path.
#[derive(Debug)]
pub(crate) struct PathText(pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for PathText {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let text = texts(parts, state).await?.next();
        text.map(Self).ok_or_else(names_nothing)
    }
}

/// The two free texts in the path.
#[derive(Debug)]
pub(crate) struct PathPair(pub(crate) String, pub(crate) String);

impl<S: Send + Sync> FromRequestParts<S> for PathPair {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let mut texts = texts(parts, state).await?;
        texts.next().zip(texts.next()).map(|(one, two)| Self(one, two)).ok_or_else(names_nothing)
    }
}

/// The free texts in the path, in their order.
async fn texts<S: Send + Sync>(parts: &mut Parts, state: &S) -> Result<std::vec::IntoIter<String>, ApiError> {
    let params = RawPathParams::from_request_parts(parts, state)
        .await
        .map_err(|_| ApiError::NotFound("the path is not valid UTF-8".to_owned()))?;
    let texts: Vec<String> = params.iter().map(|(_, text)| text.to_owned()).collect();
    Ok(texts.into_iter())
}

fn names_nothing() -> ApiError {
    ApiError::NotFound("the path names nothing".to_owned())
}

pub(crate) fn no_job(id: JobId) -> ApiError {
    ApiError::NotFound(format!("there is no job {id}"))
}

pub(crate) fn no_artifact(id: ArtifactId) -> ApiError {
    ApiError::NotFound(format!("there is no artifact {id}"))
}

/// The job, or 404.
pub(crate) async fn find_job(state: &AppState, id: JobId) -> Result<Job, ApiError> {
    state.served.client.find_job(id).await?.ok_or_else(|| no_job(id))
}
