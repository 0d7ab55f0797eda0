//! An artifact's bytes, streamed from wherever they are: whole, in parts, or as they come.

use std::io;
use std::ops::Range;

use axum::body::Body;
use axum::extract::State;
use axum::http::response::Builder;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::Response;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use futures::stream::{self, StreamExt as _};
use tokio_util::sync::CancellationToken;
use upnext_blobs::{BlobError, ByteStream};
use upnext_core::{Artifact, ArtifactId, ArtifactStatus};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::PathId;
use super::artifacts::find_artifact;
use crate::byte_ranges::{Frame, Wanted, content_range, open_start, wanted};
use crate::content_headers::{Precondition, disposition, precondition};
use crate::content_policy::{can_be_shown, is_for_a_frame, security_policy};
use crate::error::ApiError;
use crate::query::QueryPairs;
use crate::state::AppState;
use crate::wire::{CommonErrors, Content, ErrorBody};

/// Marks a response that must leave exactly as it is: compressing it would break its length, range and digest.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Verbatim;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(artifact_content))
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the parameters; QueryPairs reads them")]
struct ContentParams {
    /// True: as a file to save, not to show.
    download: Option<bool>,
    /// True: when the content is in S3, answer 307 with an address there that works for some minutes without a key.
    redirect: Option<bool>,
    /// True: while the artifact is being written, send on what comes until it is closed.
    follow: Option<bool>,
    /// True: inside of a frame the scripts of an HTML page run, with nobody's rights.
    scripts: Option<bool>,
    /// With `follow`: begin at this byte. `Range: bytes=N-` says the same.
    offset: Option<u64>,
}

/// An artifact's content. Takes `Range` (several too), `If-Range`, `If-Match` and `If-None-Match`; the ETag is the SHA-256
/// digest, and weak as long as the artifact is being written. `Upnext-Artifact-Status` tells whether it is whole.
#[utoipa::path(get, path = "/artifacts/{id}/content", tag = "artifacts",
    params(("id" = String, Path, description = "The artifact's id"), ContentParams),
    responses((status = 200, description = "The content, under the artifact's own media type",
            body = Content, content_type = "application/octet-stream"),
        (status = 206, description = "The requested range of it; several ranges as multipart/byteranges",
            body = Content, content_type = "application/octet-stream"),
        (status = 304, description = "The client has it already"),
        (status = 307, description = "With `redirect`: where it is"),
        (status = 404, description = "There is no such artifact, or its bytes are gone", body = ErrorBody),
        (status = 412, description = "It is not what If-Match names", body = ErrorBody),
        (status = 416, description = "The range lies outside of the content", body = ErrorBody), CommonErrors))]
async fn artifact_content(
    State(state): State<AppState>,
    PathId(id): PathId<ArtifactId>,
    query: QueryPairs,
    method: Method,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let download = query.flag("download")?;
    let scripts = query.flag("scripts")? && is_for_a_frame(&headers);
    let (redirect, follow) = (query.flag("redirect")?, query.flag("follow")?);
    let offset = query.number("offset")?;
    let artifact = find_artifact(&state, id).await?;
    if let (ArtifactStatus::Damaged, Some(sha256)) = (artifact.status, artifact.sha256) {
        return Err(BlobError::Damaged(sha256).into());
    }
    let etag = etag_of(&artifact);
    let response = described(&artifact, &etag, download, scripts);
    match precondition(&headers, &etag) {
        Precondition::Met => {}
        Precondition::Failed => return Err(ApiError::PreconditionFailed(not_matched(&artifact))),
        Precondition::NotModified => {
            return finish(response.status(StatusCode::NOT_MODIFIED), Body::empty());
        }
    }
    if redirect
        && method == Method::GET
        && let Some(url) = state.served.artifacts.download_url(&artifact).await?
    {
        return finish(moved(&url), Body::empty());
    }
    if follow {
        let start = offset.or_else(|| open_start(&headers)).unwrap_or(0);
        return followed(&state, &artifact, response, start, &method).await;
    }
    let response = response.header(header::ACCEPT_RANGES, "bytes");
    // RFC 9110 defines ranges for GET alone.
    if method == Method::HEAD {
        let response = response.header(header::CONTENT_LENGTH, artifact.size_bytes);
        return finish(response.header(header::CONTENT_TYPE, &artifact.content_type), Body::empty());
    }
    let strong = artifact.sha256.map(|_| etag.as_str());
    match wanted(&headers, strong, artifact.size_bytes) {
        Wanted::Whole => whole(&state, &artifact, response).await,
        Wanted::Parts(parts) => match parts.as_slice() {
            [part] => one_part(&state, &artifact, response, part.clone()).await,
            _ => several_parts(&state, &artifact, response, parts).await,
        },
        Wanted::Outside => Err(ApiError::RangeNotSatisfiable { size: artifact.size_bytes }),
    }
}

fn not_matched(artifact: &Artifact) -> String {
    match artifact.sha256 {
        Some(sha256) => format!("If-Match does not name this content: its ETag is \"{sha256}\""),
        None => "If-Match cannot hold: the artifact may still change, so it has no strong ETag".to_owned(),
    }
}

/// The headers that describe the artifact, whichever part of it is sent.
fn described(artifact: &Artifact, etag: &str, download: bool, scripts: bool) -> Builder {
    let download = download || !can_be_shown(&artifact.content_type);
    let response = Response::builder()
        .header(header::ETAG, etag)
        // The bytes behind an id never change but may be deleted: asking again costs one small answer and shows that.
        .header(header::CACHE_CONTROL, "private, no-cache")
        .header(header::CONTENT_DISPOSITION, disposition(&artifact.name, download))
        .header(header::X_CONTENT_TYPE_OPTIONS, "nosniff")
        .header(header::CONTENT_SECURITY_POLICY, security_policy(&artifact.content_type, scripts))
        .header("Upnext-Artifact-Status", artifact.status.as_str());
    match artifact.sha256 {
        Some(sha256) => {
            response.header("Repr-Digest", format!("sha-256=:{}:", STANDARD.encode(sha256.as_bytes())))
        }
        None => response,
    }
}

/// The digest, which never changes; of an artifact that is not whole, how far it has come.
fn etag_of(artifact: &Artifact) -> String {
    match artifact.sha256 {
        Some(sha256) => format!("\"{sha256}\""),
        None => format!("W/\"{}-{}\"", artifact.id, artifact.size_bytes),
    }
}

/// The address is a secret for some minutes: nobody keeps it.
fn moved(url: &str) -> Builder {
    Response::builder()
        .status(StatusCode::TEMPORARY_REDIRECT)
        .header(header::LOCATION, url)
        .header(header::CACHE_CONTROL, "no-store")
        .header(header::REFERRER_POLICY, "no-referrer")
}

async fn whole(state: &AppState, artifact: &Artifact, response: Builder) -> Result<Response, ApiError> {
    let bytes = begun(state.served.artifacts.read(artifact, None).await?).await?;
    let response = response
        .header(header::CONTENT_LENGTH, artifact.size_bytes)
        .header(header::CONTENT_TYPE, &artifact.content_type);
    finish(response, Body::from_stream(bytes))
}

async fn one_part(
    state: &AppState,
    artifact: &Artifact,
    response: Builder,
    part: Range<u64>,
) -> Result<Response, ApiError> {
    let response = response
        .status(StatusCode::PARTIAL_CONTENT)
        .header(header::CONTENT_RANGE, content_range(&part, artifact.size_bytes))
        .header(header::CONTENT_LENGTH, part.end - part.start)
        .header(header::CONTENT_TYPE, &artifact.content_type);
    let bytes = begun(state.served.artifacts.read(artifact, Some(part)).await?).await?;
    finish(response, Body::from_stream(bytes))
}

/// Several parts, each opened when the one before it has been sent.
async fn several_parts(
    state: &AppState,
    artifact: &Artifact,
    response: Builder,
    parts: Vec<Range<u64>>,
) -> Result<Response, ApiError> {
    let frame = Frame::new(&parts, &artifact.content_type, artifact.size_bytes);
    let response = response
        .status(StatusCode::PARTIAL_CONTENT)
        .header(header::CONTENT_LENGTH, frame.length(&parts))
        .header(header::CONTENT_TYPE, frame.content_type());
    let (artifacts, artifact) = (state.served.artifacts.clone(), artifact.clone());
    let bodies = stream::iter(frame.heads.into_iter().zip(parts)).then(move |(head, part)| {
        let (artifacts, artifact) = (artifacts.clone(), artifact.clone());
        async move {
            let read = artifacts.read(&artifact, Some(part)).await;
            let bytes = match read {
                Ok(bytes) => bytes.map(|piece| piece.map_err(io::Error::other)).boxed(),
                Err(error) => stream::once(async { Err(io::Error::other(error)) }).boxed(),
            };
            stream::once(async { Ok(Bytes::from(head)) }).chain(bytes)
        }
    });
    let tail = stream::once(async { Ok(Bytes::from(frame.tail)) });
    finish(response, Body::from_stream(bodies.flatten().chain(tail)))
}

/// The content from `start` on and, as long as it is being written, everything that comes. Nobody knows how long that is,
/// so there is neither a length nor a range; `Upnext-Artifact-Offset` says where it begins. A connection that ends without
/// the last chunk (a server that stops, a storage that fails) tells that there is more.
async fn followed(
    state: &AppState,
    artifact: &Artifact,
    response: Builder,
    start: u64,
    method: &Method,
) -> Result<Response, ApiError> {
    let response = response
        .header(header::ACCEPT_RANGES, "none")
        .header("Upnext-Artifact-Offset", start)
        .header("X-Accel-Buffering", "no")
        .header(header::CONTENT_TYPE, &artifact.content_type);
    if method == Method::HEAD {
        return finish(response, Body::empty());
    }
    let artifacts = &state.served.artifacts;
    let bytes = match artifact.status {
        ArtifactStatus::Writing => artifacts.follow(artifact, start),
        // The whole is checked against its digest, a part of it cannot be.
        _ => {
            let rest = (start > 0).then_some(start..artifact.size_bytes.max(start));
            begun(artifacts.read(artifact, rest).await?).await?
        }
    };
    finish(response, Body::from_stream(until_stopped(bytes, state.stopping.clone())))
}

/// The bytes; once the server stops, an error in the place of what would still come.
fn until_stopped(bytes: ByteStream, stopping: CancellationToken) -> ByteStream {
    stream::unfold(Some(bytes), move |bytes| {
        let stopping = stopping.clone();
        async move {
            let mut bytes = bytes?;
            match stopping.run_until_cancelled(bytes.next()).await {
                Some(piece) => piece.map(|piece| (piece, Some(bytes))),
                None => Some((Err(BlobError::Unavailable("the server stops".to_owned())), None)),
            }
        }
    })
    .boxed()
}

/// Waits for the first piece, so that bytes which cannot be read are an answer of their own instead of a connection that
/// breaks.
async fn begun(mut bytes: ByteStream) -> Result<ByteStream, ApiError> {
    let first = bytes.next().await.transpose()?;
    Ok(stream::iter(first.map(Ok)).chain(bytes).boxed())
}

fn finish(response: Builder, body: Body) -> Result<Response, ApiError> {
    let mut response = response.body(body).map_err(|error| {
        upnext_core::BackendError::Unexpected(format!("an artifact's record makes no header: {error}"))
    })?;
    response.extensions_mut().insert(Verbatim);
    Ok(response)
}
