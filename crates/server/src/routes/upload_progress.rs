//! How far a resumable upload is, and what carries it on: more bytes, and its end.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use futures::StreamExt as _;
use upnext_artifacts::ArtifactError;
use upnext_core::{Artifact, ArtifactId};

use crate::error::ApiError;
use crate::request_body::SharedBody;
use crate::state::AppState;
use crate::tus;

/// The uploads whose bytes are being put together by this server: who asks again meanwhile waits for the answer, rather
/// than doing it all a second time.
#[derive(Debug, Clone, Default)]
pub(crate) struct Finishing(Arc<Mutex<HashMap<ArtifactId, Weak<tokio::sync::Mutex<()>>>>>);

impl Finishing {
    fn turn(&self, id: ArtifactId) -> Arc<tokio::sync::Mutex<()>> {
        let mut turns = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        turns.retain(|_, turn| turn.strong_count() > 0);
        let turn = turns.get(&id).and_then(Weak::upgrade).unwrap_or_default();
        turns.insert(id, Arc::downgrade(&turn));
        turn
    }
}

/// How far an upload is; once it is whole, the artifact.
pub(super) struct Progress {
    upload: Artifact,
}

impl Progress {
    /// What is known about it.
    pub(super) const fn artifact(&self) -> &Artifact {
        &self.upload
    }

    fn is_whole(&self) -> bool {
        self.upload.sha256.is_some()
    }

    pub(super) fn size(&self) -> u64 {
        self.upload.size_bytes
    }

    /// How long it will be, or is.
    pub(super) fn length(&self) -> Option<u64> {
        if self.is_whole() { Some(self.size()) } else { self.upload.expected_bytes }
    }

    pub(super) fn answer(&self, status: StatusCode) -> Response {
        let mut response = status.into_response();
        let headers = response.headers_mut();
        headers.insert("upload-offset", HeaderValue::from(self.size()));
        if !self.is_whole() {
            headers.extend(tus::expires(self.upload.created_at));
        } else if let Ok(id) = HeaderValue::try_from(self.upload.id.to_string()) {
            headers.insert("upnext-artifact", id);
        }
        response
    }
}

/// Adds the bytes of `body`, and finishes the upload if it has all of its bytes then. This goes on when the client goes
/// away: what arrived is kept, and what is whole becomes an artifact.
pub(super) async fn advance(
    state: &AppState,
    upload: Artifact,
    body: Option<SharedBody>,
) -> Result<Progress, ApiError> {
    let state = state.clone();
    let work = tokio::spawn(async move {
        let mut upload = upload;
        if let Some(body) = body {
            let appended = state.served.artifacts.append_upload(upload.id, upload.size_bytes, body.boxed());
            upload.size_bytes = appended.await?;
        }
        if upload.expected_bytes == Some(upload.size_bytes) {
            upload = finish(&state, upload.id).await?;
        }
        Ok::<_, ArtifactError>(Progress { upload })
    });
    Ok(work.await.map_err(|_| ApiError::Panicked)??)
}

/// Makes an upload that has all of its bytes the artifact it was to become. If it can never become that, it goes.
async fn finish(state: &AppState, id: ArtifactId) -> Result<Artifact, ArtifactError> {
    let turn = state.finishing.turn(id);
    let _turn = turn.lock().await;
    match state.served.artifacts.finish_upload(id, None).await {
        Err(error @ (ArtifactError::DigestMismatch(_) | ArtifactError::Invalid(_))) => {
            state.served.artifacts.delete(id).await?;
            Err(error)
        }
        finished => finished,
    }
}

/// What an upload has become.
pub(super) async fn finished(state: &AppState, id: ArtifactId) -> Result<Progress, ApiError> {
    let found = state.served.artifacts.find(id).await?.filter(|artifact| artifact.sha256.is_some());
    let upload = found.ok_or_else(|| ApiError::NotFound(format!("there is no upload {id}")))?;
    Ok(Progress { upload })
}
