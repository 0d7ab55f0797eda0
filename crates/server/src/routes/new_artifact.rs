//! Making artifacts over HTTP: a JSON body as Python's `create_artifact` takes it, or a raw body that streams straight
//! into the artifact service and is never whole in memory.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::Json;
use axum::body::{Body, BodyDataStream};
use axum::extract::{Request, State};
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use serde_json::value::RawValue;
use upnext_artifacts::{ArtifactData, CreateArtifact};
use upnext_core::{ArtifactType, JobId};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{PathId, find_job};
use crate::error::ApiError;
use crate::query::QueryPairs;
use crate::state::AppState;
use crate::wire::{Artifact, CommonErrors, Content, ErrorBody, NewArtifact};

/// Room in a JSON body beside the data itself.
const JSON_OVERHEAD: u64 = 1024 * 1024;

/// What is read and thrown away after a refusal, so that a client that is still sending gets to see the answer.
const DRAIN_BYTES: usize = 16 * 1024 * 1024;
const DRAIN_TIME: Duration = Duration::from_secs(2);

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(create_artifact)).routes(routes!(create_job_artifact))
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the parameters; QueryPairs reads them")]
struct RawParams {
    /// The artifact's name. With it, the whole body is the artifact's content as it is, whatever its Content-Type.
    name: Option<String>,
    /// The artifact's type, for a raw body. Without it: by the name's extension, then by the first bytes.
    #[param(rename = "type")]
    artifact_type: Option<String>,
}

/// Make an artifact of the job `job_id`. The same as `POST /jobs/{id}/artifacts`.
#[utoipa::path(post, path = "/artifacts", tag = "artifacts",
    params(("job_id" = String, Query, description = "The job it belongs to"), RawParams),
    request_body(description = "`{name, type, data}`, or with `?name=` the content itself",
        content((NewArtifact<'static> = "application/json"), (Content = "application/octet-stream"))),
    responses((status = 200, description = "It is durable and listed", body = Artifact),
        (status = 400, description = "The body ended before it was whole", body = ErrorBody),
        (status = 404, description = "There is no such job", body = ErrorBody),
        (status = 413, description = "Larger than UPNEXT_ARTIFACT_MAX_UPLOAD_BYTES", body = ErrorBody),
        (status = 507, description = "The disk or the storage is full", body = ErrorBody), CommonErrors))]
async fn create_artifact(
    State(state): State<AppState>,
    query: QueryPairs,
    request: Request,
) -> Result<Json<Artifact>, ApiError> {
    let Some(job_id) = job_id_of(&query)? else {
        return Err(ApiError::Invalid("job_id is missing: name the job the artifact belongs to".to_owned()));
    };
    create(&state, job_id, &query, request).await
}

/// Make an artifact of a job. When this answers, content and record are durable and listed.
#[utoipa::path(post, path = "/jobs/{id}/artifacts", tag = "artifacts",
    params(("id" = String, Path, description = "The job it belongs to"), RawParams),
    request_body(description = "`{name, type, data}`, or with `?name=` the content itself",
        content((NewArtifact<'static> = "application/json"), (Content = "application/octet-stream"))),
    responses((status = 200, description = "It is durable and listed", body = Artifact),
        (status = 400, description = "The body ended before it was whole", body = ErrorBody),
        (status = 404, description = "There is no such job", body = ErrorBody),
        (status = 413, description = "Larger than UPNEXT_ARTIFACT_MAX_UPLOAD_BYTES", body = ErrorBody),
        (status = 507, description = "The disk or the storage is full", body = ErrorBody), CommonErrors))]
async fn create_job_artifact(
    State(state): State<AppState>,
    PathId(id): PathId<JobId>,
    query: QueryPairs,
    request: Request,
) -> Result<Json<Artifact>, ApiError> {
    create(&state, id, &query, request).await
}

/// `job_id` of the query. One that could not be an id names no job.
pub(super) fn job_id_of(query: &QueryPairs) -> Result<Option<JobId>, ApiError> {
    let parse = |text: &str| {
        text.parse().map_err(|error: upnext_core::id::ParseIdError| ApiError::NotFound(error.to_string()))
    };
    query.one("job_id")?.map(parse).transpose()
}

async fn create(
    state: &AppState,
    job_id: JobId,
    query: &QueryPairs,
    request: Request,
) -> Result<Json<Artifact>, ApiError> {
    let (headers, body) = (request.headers().clone(), SharedBody::new(request.into_body()));
    let created = match query.one("name")? {
        Some(name) => create_raw(state, job_id, name, query, &headers, &body).await,
        None => create_from_json(state, job_id, &headers, &body).await,
    };
    if created.is_err() {
        body.drain().await;
    }
    created
}

async fn create_raw(
    state: &AppState,
    job_id: JobId,
    name: &str,
    query: &QueryPairs,
    headers: &HeaderMap,
    body: &SharedBody,
) -> Result<Json<Artifact>, ApiError> {
    let artifact_type = query.artifact_type()?;
    // Refuse what is known to be wrong before any byte is taken.
    upnext_core::artifact::validate_name(name).map_err(ApiError::Invalid)?;
    let limit = state.served.settings.artifact_max_upload_bytes;
    refuse_longer(headers, limit, &format!("the artifact '{name}'"))?;
    find_job(state, job_id).await?;
    let request = CreateArtifact { artifact_type, ..CreateArtifact::new(job_id, name) };
    let data = ArtifactData::Stream(body.clone().boxed());
    Ok(Json(state.served.artifacts.create(request, data).await?.into()))
}

async fn create_from_json(
    state: &AppState,
    job_id: JobId,
    headers: &HeaderMap,
    body: &SharedBody,
) -> Result<Json<Artifact>, ApiError> {
    if !is_json(headers) {
        return Err(ApiError::Invalid(
            "send {\"name\", \"type\", \"data\"} as application/json, or give ?name= and send the content itself"
                .to_owned(),
        ));
    }
    // Base64 is a third longer than what it stands for.
    let limit = state.served.settings.artifact_max_upload_bytes / 3 * 4 + JSON_OVERHEAD;
    refuse_longer(headers, limit, "the body")?;
    let body = body.read_whole(limit).await?;
    let (request, data) = read_json(job_id, &body)?;
    drop(body);
    Ok(Json(state.served.artifacts.create(request, data).await?.into()))
}

fn is_json(headers: &HeaderMap) -> bool {
    let Some(value) = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()) else {
        return false;
    };
    let essence = value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    essence == "application/json" || (essence.starts_with("application/") && essence.ends_with("+json"))
}

fn refuse_longer(headers: &HeaderMap, limit: u64, what: &str) -> Result<(), ApiError> {
    let length =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if length.is_some_and(|length| length > limit) {
        return Err(too_large(what, limit));
    }
    Ok(())
}

fn too_large(what: &str, limit: u64) -> ApiError {
    ApiError::TooLarge(format!(
        "{what} is larger than {limit} bytes: raise UPNEXT_ARTIFACT_MAX_UPLOAD_BYTES to take it"
    ))
}

fn read_json(job_id: JobId, body: &[u8]) -> Result<(CreateArtifact, ArtifactData), ApiError> {
    let new: NewArtifact<'_> = serde_json::from_slice(body)
        .map_err(|error| ApiError::Invalid(format!("the body is not {{name, type, data}}: {error}")))?;
    let artifact_type = new
        .artifact_type
        .as_deref()
        .map(str::parse::<ArtifactType>)
        .transpose()
        .map_err(|error| ApiError::Invalid(format!("type: {error}")))?;
    let data = ArtifactData::Text(text_of(&new.name, artifact_type.as_ref(), new.data)?);
    let name = new.name.into_owned();
    Ok((CreateArtifact { artifact_type, ..CreateArtifact::new(job_id, name) }, data))
}

/// `data` as the text that the type expects.
fn text_of(name: &str, artifact_type: Option<&ArtifactType>, data: &RawValue) -> Result<String, ApiError> {
    let raw = data.get();
    let invalid = |rule: String| Err(ApiError::Invalid(format!("the artifact {name:?}: {rule}")));
    match raw.as_bytes().first() {
        Some(b'"') => serde_json::from_str(raw)
            .or_else(|error| invalid(format!("data is not a string of Unicode characters: {error}"))),
        Some(b'{' | b'[') => match artifact_type {
            None | Some(ArtifactType::Json) => Ok(raw.to_owned()),
            Some(other) => invalid(format!("data of type {other} is a string, not an object or a list")),
        },
        _ => invalid("data must be a string, an object or a list".to_owned()),
    }
}

/// A request body that can still be drained after its reader gave up.
#[derive(Debug, Clone)]
struct SharedBody(Arc<Mutex<BodyDataStream>>);

impl SharedBody {
    fn new(body: Body) -> Self {
        Self(Arc::new(Mutex::new(body.into_data_stream())))
    }

    /// All of it, at most `limit` bytes.
    async fn read_whole(&self, limit: u64) -> Result<Vec<u8>, ApiError> {
        let (mut body, mut whole) = (self.clone(), Vec::new());
        while let Some(part) = body.next().await {
            let part =
                part.map_err(|_| ApiError::BadRequest("the body ended before it was whole".to_owned()))?;
            if whole.len() as u64 + part.len() as u64 > limit {
                return Err(too_large("the body", limit));
            }
            whole.extend_from_slice(&part);
        }
        Ok(whole)
    }

    /// Reads on for a while. Closing the connection at once would throw away our answer together with what the client
    /// has still under way.
    async fn drain(mut self) {
        let drained = async {
            let mut left = DRAIN_BYTES;
            while let Some(Ok(bytes)) = self.next().await {
                left = left.saturating_sub(bytes.len());
                if left == 0 {
                    return;
                }
            }
        };
        let _ = tokio::time::timeout(DRAIN_TIME, drained).await;
    }
}

impl Stream for SharedBody {
    type Item = io::Result<Bytes>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut body = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        body.poll_next_unpin(context).map(|item| item.map(|bytes| bytes.map_err(io::Error::other)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<(Option<ArtifactType>, String), String> {
        match read_json(JobId::fresh(), body.as_bytes()) {
            Ok((request, ArtifactData::Text(text))) => Ok((request.artifact_type, text)),
            Ok(_) => Err("not text".to_owned()),
            Err(error) => Err(error.to_string()),
        }
    }

    #[test]
    fn data_may_be_an_object_a_list_or_a_string() {
        let json = Some(ArtifactType::Json);
        assert_eq!(
            read(r#"{"name":"a","type":"json","data":{"n": 1.10}}"#),
            Ok((json, r#"{"n": 1.10}"#.to_owned()))
        );
        assert_eq!(read(r#"{"name":"a","data":[1]}"#), Ok((None, "[1]".to_owned())));
        assert_eq!(
            read(r#"{"name":"a","type":"text","data":"x\ny"}"#),
            Ok((Some(ArtifactType::Text), "x\ny".to_owned()))
        );
    }

    #[test]
    fn bad_bodies_name_their_rule() {
        for (body, part) in [
            ("{", "is not {name, type, data}"),
            (r#"{"type":"json","data":{}}"#, "missing field `name`"),
            (r#"{"name":"a","data":7}"#, "must be a string, an object or a list"),
            (r#"{"name":"a","type":"text","data":{}}"#, "data of type text is a string"),
            (r#"{"name":"a","type":"pdf","data":""}"#, "use one of json, text"),
            (r#"{"name":"a","data":"\ud800"}"#, "not a string of Unicode characters"),
        ] {
            let error = read(body).unwrap_err();
            assert!(error.contains(part), "{body}: {error}");
        }
    }
}
