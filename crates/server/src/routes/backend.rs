//! The backend and the storage themselves, for workers that reach nothing but this server: see `upnext-remote`, which owns the
//! protocol. Not part of the described API, and behind the same key.

use std::convert::Infallible;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Json, Response};
use axum::routing::{get, post};
use axum::{Extension, Router};
use bytes::Bytes;
use futures::{StreamExt as _, stream};
use tokio::sync::{broadcast, watch};
use upnext_blobs::{BlobError, Limits, StageError};
use upnext_core::Backend;
use upnext_core::artifact::Digest;
use upnext_core::signal::FinishedJobs;
use upnext_remote::{About, AnswerError, Destination, MEDIA_TYPE, PROTOCOL, Wake};

use super::artifact_content::Verbatim;
use super::{PathId, PathText};
use crate::error::ApiError;
use crate::state::AppState;

/// The largest batch that one call may carry: many jobs with the largest arguments.
const MAX_CALL_BYTES: usize = 256 * 1024 * 1024;

/// How long the addresses of the storage work: long enough to begin.
const ADDRESS_VALID: Duration = Duration::from_secs(15 * 60);

/// How often a quiet stream of wake-ups says that it is there.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/backend/about", get(about))
        .route("/backend/signals", get(signals))
        .route("/backend/blobs/{sha256}", get(read_blob).put(put_blob).delete(set_blob_aside))
        .route("/backend/blobs/{sha256}/destination", post(destination))
        .route("/backend/{verb}", post(call).layer(DefaultBodyLimit::max(MAX_CALL_BYTES)))
}

async fn about(State(state): State<AppState>) -> Json<About> {
    Json(About {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        protocol: PROTOCOL.to_owned(),
        backend: state.backend().kind().to_owned(),
        storage: state.served.artifacts.blobs().storage().to_owned(),
    })
}

async fn call(
    State(state): State<AppState>,
    PathText(verb): PathText,
    body: Bytes,
) -> Result<Response, ApiError> {
    let answer = upnext_remote::answer(state.backend().as_ref(), &verb, &body).await;
    let answer = answer.map_err(|error| match error {
        AnswerError::UnknownVerb(_) => ApiError::NotFound(error.to_string()),
        AnswerError::Unreadable(..) => ApiError::BadRequest(error.to_string()),
    })?;
    Ok(([(header::CONTENT_TYPE, MEDIA_TYPE)], answer).into_response())
}

/// What wakes sleepers in this process, to be told to those in another.
struct Wakes {
    work: watch::Receiver<u64>,
    elsewhere: watch::Receiver<u64>,
    clock: watch::Receiver<u64>,
    finished: broadcast::Receiver<FinishedJobs>,
}

impl Wakes {
    fn of(backend: &Arc<dyn Backend>) -> Self {
        let signals = backend.signals();
        Self {
            work: signals.subscribe_work(),
            elsewhere: signals.subscribe_elsewhere(),
            clock: signals.subscribe_clock(),
            finished: signals.subscribe_finished(),
        }
    }

    /// The next line; an empty one when all was quiet for a while.
    async fn next(&mut self) -> String {
        let wake = tokio::select! {
            Ok(()) = self.work.changed() => Wake::Work,
            Ok(()) = self.elsewhere.changed() => Wake::Elsewhere,
            Ok(()) = self.clock.changed() => Wake::Clock,
            finished = self.finished.recv() => match finished {
                Ok(jobs) => Wake::Finished(jobs.to_vec()),
                // Some were missed: everybody looks.
                Err(_) => Wake::Elsewhere,
            },
            () = tokio::time::sleep(KEEP_ALIVE) => return "\n".to_owned(),
        };
        wake.line()
    }
}

async fn signals(State(state): State<AppState>) -> Response {
    let wakes = Wakes::of(state.backend());
    let lines =
        stream::unfold(wakes, async |mut wakes| Some((Ok::<_, Infallible>(wakes.next().await), wakes)));
    // The first line says that nothing is missed from here on.
    let lines = stream::iter([Ok("\n".to_owned())]).chain(lines);
    let lines = lines.take_until(state.stopping.clone().cancelled_owned());
    let headers = [(header::CONTENT_TYPE.as_str(), "application/x-ndjson"), ("x-accel-buffering", "no")];
    (headers, Extension(Verbatim), Body::from_stream(lines)).into_response()
}

async fn read_blob(
    State(state): State<AppState>,
    PathId(sha256): PathId<Digest>,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let blobs = state.served.artifacts.blobs();
    let size = blobs.size(sha256).await?.ok_or(BlobError::Missing(sha256))?;
    let range = part(&headers)?;
    let length = range.as_ref().map_or(size, |range| range.end - range.start);
    let status = if range.is_some() { StatusCode::PARTIAL_CONTENT } else { StatusCode::OK };
    let answer = Response::builder()
        .status(status)
        .header(header::CONTENT_LENGTH, length)
        .header(header::CONTENT_TYPE, "application/octet-stream")
        .extension(Verbatim);
    if range.as_ref().is_some_and(|range| range.end > size) {
        return Err(ApiError::RangeNotSatisfiable { size });
    }
    let body = if method == Method::HEAD {
        Body::empty()
    } else if let Some(url) = blobs.download_url(sha256, ADDRESS_VALID).await? {
        return Ok((StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, url)]).into_response());
    } else {
        Body::from_stream(blobs.read(sha256, range).await?)
    };
    answer.body(body).map_err(|error| ApiError::Unexpected(error.to_string()))
}

/// The part that `Range` names, which the other end writes in one way only.
fn part(headers: &HeaderMap) -> Result<Option<Range<u64>>, ApiError> {
    let Some(value) = headers.get(header::RANGE) else { return Ok(None) };
    let read = || {
        let (start, last) = value.to_str().ok()?.strip_prefix("bytes=")?.split_once('-')?;
        let range = start.parse().ok()?..last.parse::<u64>().ok()?.checked_add(1)?;
        (range.start < range.end).then_some(range)
    };
    read().map(Some).ok_or_else(|| ApiError::BadRequest("Range is not bytes=first-last".to_owned()))
}

async fn put_blob(
    State(state): State<AppState>,
    PathId(sha256): PathId<Digest>,
    body: Body,
) -> Result<StatusCode, ApiError> {
    let blobs = state.served.artifacts.blobs();
    let limit = state.served.settings.artifact_max_upload_bytes;
    let pieces = body.into_data_stream().map(|piece| piece.map_err(std::io::Error::other));
    let staged = blobs.stage_stream(pieces, Limits::up_to(limit)).await.map_err(|error| match error {
        StageError::TooLarge { .. } => ApiError::TooLarge(format!(
            "the artifact is larger than {limit} bytes, the limit of this server: raise UPNEXT_ARTIFACT_MAX_UPLOAD_BYTES there"
        )),
        StageError::Blob(error) => error.into(),
    })?;
    if staged.sha256() != sha256 {
        return Err(ApiError::Invalid(format!(
            "the bytes are not those of the digest {sha256}; nothing was stored"
        )));
    }
    blobs.commit(staged).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn set_blob_aside(
    State(state): State<AppState>,
    PathId(sha256): PathId<Digest>,
) -> Result<StatusCode, ApiError> {
    state.served.artifacts.blobs().set_aside(sha256).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn destination(
    State(state): State<AppState>,
    PathId(sha256): PathId<Digest>,
) -> Result<Json<Destination>, ApiError> {
    let address = state.served.artifacts.blobs().blob_upload_url(sha256, ADDRESS_VALID).await?;
    Ok(Json(address.map_or_else(Destination::default, |address| Destination {
        url: Some(address.url),
        headers: address.headers,
    })))
}
