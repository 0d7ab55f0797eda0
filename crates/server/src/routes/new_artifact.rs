//! Making artifacts over HTTP: a JSON body as Python's `create_artifact` takes it, a raw body that streams straight into
//! the artifact service, or a form with a file. Only JSON is ever whole in memory.

use axum::Json;
use axum::extract::{Request, State};
use axum::http::HeaderMap;
use futures::StreamExt as _;
use serde_json::value::RawValue;
use upnext_artifacts::{ArtifactData, CreateArtifact};
use upnext_core::{ArtifactType, JobId, Labels};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{PathId, find_job, new_artifact_form};
use crate::announced::Announced;
use crate::described::{Described, lifetime};
use crate::error::ApiError;
use crate::query::QueryPairs;
use crate::request_body::{SharedBody, media_type, refuse_longer};
use crate::state::AppState;
use crate::wire::{Artifact, ArtifactForm, CommonErrors, Content, ErrorBody, NewArtifact};

/// Room in a JSON body or a form beside the data itself.
pub(super) const OVERHEAD: u64 = 1024 * 1024;

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
    /// A sentence about it, for a raw body.
    description: Option<String>,
    /// A word it can be found by, for a raw body. Repeatable: `tag=model&tag=draft`.
    #[param(style = Form, explode)]
    tag: Option<Vec<String>>,
    /// What else is to be noted about it, for a raw body: one JSON object as text.
    metadata: Option<String>,
    /// Seconds after which it is removed, for a raw body.
    #[param(exclusive_minimum = 0)]
    expires_in: Option<f64>,
}

#[derive(IntoParams)]
#[into_params(parameter_in = Header)]
#[allow(dead_code, reason = "describes the headers; the handler reads them")]
struct NewArtifactHeaders {
    /// A request with the key of an earlier one for the same job is answered with what that one made. 1 to 256 characters.
    #[param(rename = "Idempotency-Key")]
    idempotency_key: Option<String>,
    /// Digest of the artifact's bytes (RFC 9530), for example `sha-256=:...:`. Nothing is kept when they have another one.
    #[param(rename = "Repr-Digest")]
    repr_digest: Option<String>,
    /// The same as `Repr-Digest`: nothing is encoded on its way here.
    #[param(rename = "Content-Digest")]
    content_digest: Option<String>,
    /// MD5 digest of the artifact's bytes in base64 (RFC 1864).
    #[param(rename = "Content-MD5")]
    content_md5: Option<String>,
}

/// Make an artifact of the job `job_id`. The same as `POST /jobs/{id}/artifacts`.
#[utoipa::path(post, path = "/artifacts", tag = "artifacts",
    params(("job_id" = String, Query, description = "The job it belongs to"), RawParams, NewArtifactHeaders),
    request_body(description = "`{name, type, data}`, or a form with a file, or with `?name=` the content itself",
        content((NewArtifact<'static> = "application/json"), (ArtifactForm = "multipart/form-data"),
            (Content = "application/octet-stream"))),
    responses((status = 200, description = "It is durable and listed", body = Artifact),
        (status = 400, description = "The body ended before it was whole", body = ErrorBody),
        (status = 404, description = "There is no such job", body = ErrorBody),
        (status = 409, description = "The idempotency key was used for another artifact", body = ErrorBody),
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

/// Make an artifact of a job. When this answers, content and record are durable and listed. Digests that are announced
/// in headers are checked first; a wrong one is refused with 422.
#[utoipa::path(post, path = "/jobs/{id}/artifacts", tag = "artifacts",
    params(("id" = String, Path, description = "The job it belongs to"), RawParams, NewArtifactHeaders),
    request_body(description = "`{name, type, data}`, or a form with a file, or with `?name=` the content itself",
        content((NewArtifact<'static> = "application/json"), (ArtifactForm = "multipart/form-data"),
            (Content = "application/octet-stream"))),
    responses((status = 200, description = "It is durable and listed", body = Artifact),
        (status = 400, description = "The body ended before it was whole", body = ErrorBody),
        (status = 404, description = "There is no such job", body = ErrorBody),
        (status = 409, description = "The idempotency key was used for another artifact", body = ErrorBody),
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
    let named = query.one("name")?.is_some();
    let created = match (named, media_type(&headers).as_str()) {
        (true, _) => create_raw(state, job_id, query, &headers, &body).await,
        (false, "multipart/form-data") => new_artifact_form::create(state, job_id, &headers, &body).await,
        (false, media) if is_json(media) => create_from_json(state, job_id, &headers, &body).await,
        (false, _) => Err(ApiError::Invalid(
            "send {\"name\", \"type\", \"data\"} as application/json, or a form with a file as \
             multipart/form-data, or give ?name= and send the content itself"
                .to_owned(),
        )),
    };
    if created.is_err() {
        body.drain().await;
    }
    created
}

async fn create_raw(
    state: &AppState,
    job_id: JobId,
    query: &QueryPairs,
    headers: &HeaderMap,
    body: &SharedBody,
) -> Result<Json<Artifact>, ApiError> {
    let mut described = Described::in_query(query)?;
    let name = described.name.take().unwrap_or_default();
    // Refuse what is known to be wrong before any byte is taken.
    upnext_core::artifact::validate_name(&name).map_err(ApiError::Invalid)?;
    let limit = state.served.settings.artifact_max_upload_bytes;
    refuse_longer(headers, limit, &format!("the artifact '{name}'"))?;
    let announced = Announced::in_headers(headers)?;
    let key = idempotency_key(headers)?;
    find_job(state, job_id).await?;
    let data = ArtifactData::Stream(announced.checking(&name, body.clone().boxed()));
    let request = CreateArtifact { sha256: announced.sha256, key, ..described.request(job_id, name) };
    Ok(Json(state.served.artifacts.create(request, data).await?.into()))
}

async fn create_from_json(
    state: &AppState,
    job_id: JobId,
    headers: &HeaderMap,
    body: &SharedBody,
) -> Result<Json<Artifact>, ApiError> {
    // Base64 is a third longer than what it stands for.
    let limit = state.served.settings.artifact_max_upload_bytes / 3 * 4 + OVERHEAD;
    refuse_longer(headers, limit, "the body")?;
    let announced = Announced::in_headers(headers)?;
    let key = idempotency_key(headers)?;
    let body = body.read_whole(limit).await?;
    let (request, text) = read_json(job_id, &body)?;
    drop(body);
    let encoding = request.artifact_type.as_ref().unwrap_or(&ArtifactType::Json).encoding();
    announced.check_text(&request.name, encoding, &text)?;
    let request = CreateArtifact { sha256: announced.sha256, key, ..request };
    Ok(Json(state.served.artifacts.create(request, ArtifactData::Text(text)).await?.into()))
}

fn is_json(media: &str) -> bool {
    media == "application/json" || (media.starts_with("application/") && media.ends_with("+json"))
}

/// `Idempotency-Key`, bare or as the quoted string of a structured field.
pub(super) fn idempotency_key(headers: &HeaderMap) -> Result<Option<String>, ApiError> {
    let mut values = headers.get_all("idempotency-key").iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(ApiError::Invalid("Idempotency-Key is given more than once".to_owned()));
    }
    let text = std::str::from_utf8(value.as_bytes())
        .map_err(|_| ApiError::Invalid("Idempotency-Key is not UTF-8".to_owned()))?
        .trim();
    let quoted = text.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let bare = quoted.map(|inner| inner.replace("\\\"", "\"").replace("\\\\", "\\"));
    Ok(Some(bare.unwrap_or_else(|| text.to_owned())))
}

fn read_json(job_id: JobId, body: &[u8]) -> Result<(CreateArtifact, String), ApiError> {
    let new: NewArtifact<'_> = serde_json::from_slice(body)
        .map_err(|error| ApiError::Invalid(format!("the body is not {{name, type, data}}: {error}")))?;
    let artifact_type = new
        .artifact_type
        .as_deref()
        .map(str::parse::<ArtifactType>)
        .transpose()
        .map_err(|error| ApiError::Invalid(format!("type: {error}")))?;
    let text = text_of(&new.name, artifact_type.as_ref(), new.data)?;
    let described = Described {
        name: None,
        artifact_type,
        labels: Labels {
            description: new.description.map(Into::into),
            tags: new.tags.unwrap_or_default(),
            metadata: new.metadata,
        },
        expires_in: new.expires_in.map(lifetime).transpose()?,
    };
    Ok((described.request(job_id, new.name), text))
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

#[cfg(test)]
mod tests {
    use super::*;

    fn read(body: &str) -> Result<(Option<ArtifactType>, String), String> {
        match read_json(JobId::fresh(), body.as_bytes()) {
            Ok((request, text)) => Ok((request.artifact_type, text)),
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
            (
                r#"{"name":"a","data":{},"lables":[]}"#,
                "unknown field `lables`, expected one of `name`, `type`",
            ),
            (r#"{"name":"a","data":7}"#, "must be a string, an object or a list"),
            (r#"{"name":"a","type":"text","data":{}}"#, "data of type text is a string"),
            (r#"{"name":"a","type":"pdf","data":""}"#, "use one of json, text"),
            (r#"{"name":"a","data":"\ud800"}"#, "not a string of Unicode characters"),
        ] {
            let error = read(body).unwrap_err();
            assert!(error.contains(part), "{body}: {error}");
        }
    }

    #[test]
    fn keys_may_be_quoted() {
        let key = |text: &str| {
            let headers = [(axum::http::HeaderName::from_static("idempotency-key"), text.parse().unwrap())];
            idempotency_key(&headers.into_iter().collect()).unwrap()
        };
        assert_eq!(key("k-1").as_deref(), Some("k-1"));
        assert_eq!(key(" \"k-1\" ").as_deref(), Some("k-1"));
        assert_eq!(key(r#""a\"b\\c""#).as_deref(), Some(r#"a"b\c"#));
        assert_eq!(idempotency_key(&HeaderMap::new()).unwrap(), None);
    }
}
