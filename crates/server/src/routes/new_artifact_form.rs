//! Making an artifact from a form (`multipart/form-data`): what describes it first, then the one file, which streams.

use std::io;

use axum::Json;
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt as _, TryStreamExt as _};
use multer::{Constraints, Field, Multipart, SizeLimit};
use upnext_artifacts::{ArtifactData, CreateArtifact};
use upnext_core::JobId;

use super::find_job;
use super::new_artifact::{OVERHEAD, idempotency_key};
use crate::announced::Announced;
use crate::described::Described;
use crate::error::ApiError;
use crate::request_body::{Refused, SharedBody, broken_off, refuse_longer};
use crate::state::AppState;
use crate::wire::Artifact;

/// The part that holds the content.
const FILE: &str = "file";

/// The longest other part: metadata may be long.
const FIELD_BYTES: u64 = 128 * 1024;

/// Most parts before the file: each tag may have its own.
const FIELDS: usize = 64;

pub(super) async fn create(
    state: &AppState,
    job_id: JobId,
    headers: &HeaderMap,
    body: &SharedBody,
) -> Result<Json<Artifact>, ApiError> {
    let limit = state.served.settings.artifact_max_upload_bytes;
    refuse_longer(headers, limit + OVERHEAD, "the form")?;
    let announced = Announced::in_headers(headers)?;
    let key = idempotency_key(headers)?;
    find_job(state, job_id).await?;
    let mut form = open(headers, body)?;
    let (mut described, file) = read_to_file(&mut form).await?;
    let announced = announced.and(Announced::in_headers(file.headers())?)?;
    let name = described.name.take().or_else(|| file.file_name().map(str::to_owned));
    let name = name.ok_or_else(|| {
        ApiError::Invalid(
            "the form names no artifact: add a field `name`, or a filename to `file`".to_owned(),
        )
    })?;
    let data = ArtifactData::Stream(announced.checking(&name, content(file, form).boxed()));
    let request = CreateArtifact { sha256: announced.sha256, key, ..described.request(job_id, name) };
    Ok(Json(state.served.artifacts.create(request, data).await?.into()))
}

fn open(headers: &HeaderMap, body: &SharedBody) -> Result<Multipart<'static>, ApiError> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let boundary = multer::parse_boundary(content_type.unwrap_or_default()).map_err(|_| {
        ApiError::Invalid("the Content-Type of the form names no boundary between its parts".to_owned())
    })?;
    let sizes = SizeLimit::new().per_field(FIELD_BYTES).for_field(FILE, u64::MAX);
    let constraints = Constraints::new().size_limit(sizes);
    Ok(Multipart::with_constraints(one_at_a_time(body.clone()), boundary, constraints))
}

/// The form parser reads on as long as there is something to read, and keeps it all in memory. So it is told after each
/// piece that there is nothing more for the moment.
fn one_at_a_time(mut body: SharedBody) -> impl Stream<Item = io::Result<Bytes>> + Send {
    let mut rest = false;
    stream::poll_fn(move |context| {
        if std::mem::take(&mut rest) {
            context.waker().wake_by_ref();
            return std::task::Poll::Pending;
        }
        let piece = body.poll_next_unpin(context);
        rest = piece.is_ready();
        piece
    })
}

/// The fields that describe the artifact, and the file.
async fn read_to_file(form: &mut Multipart<'static>) -> Result<(Described, Field<'static>), ApiError> {
    let mut described = Described::default();
    for _ in 0..=FIELDS {
        let Some(field) = form.next_field().await.map_err(|error| unreadable(&error))? else {
            return Err(ApiError::Invalid("the form has no part `file`: send the content in it".to_owned()));
        };
        let name = field.name().unwrap_or_default().to_owned();
        if name == FILE {
            return Ok((described, field));
        }
        let text = field.bytes().await.map_err(|error| unreadable(&error))?;
        let text = std::str::from_utf8(&text)
            .map_err(|_| ApiError::Invalid(format!("the field `{name}` is not UTF-8")))?;
        if !described.take(&name, text)? {
            return Err(ApiError::Invalid(format!(
                "the form has a field `{name}`: use name, type, description, tags, metadata and expires_in, and then \
                 file"
            )));
        }
    }
    Err(ApiError::Invalid(format!("the form has more than {FIELDS} fields before its file")))
}

/// The bytes of the file. They end well only if the form ends with them: whatever else it holds was not looked at.
fn content(file: Field<'static>, form: Multipart<'static>) -> impl Stream<Item = io::Result<Bytes>> + Send {
    stream::try_unfold((Some(file), form), |(file, mut form)| async move {
        let Some(mut file) = file else { return Ok(None) };
        if let Some(piece) = file.chunk().await.map_err(io::Error::other)? {
            return Ok(Some((piece, (Some(file), form))));
        }
        drop(file);
        match form.next_field().await.map_err(io::Error::other)? {
            None => Ok(None),
            Some(field) => Err(too_much(field.name().unwrap_or_default()).into_error()),
        }
    })
    .into_stream()
}

fn too_much(field: &str) -> Refused {
    Refused(match field {
        FILE => {
            "the form has more than one file: send each in a request of its own; nothing was kept".to_owned()
        }
        field => format!("the form has a field `{field}` after its file: send it before; nothing was kept"),
    })
}

fn unreadable(error: &multer::Error) -> ApiError {
    match error {
        multer::Error::FieldSizeExceeded { limit, field_name } => ApiError::Invalid(format!(
            "the field `{}` has more than {limit} bytes",
            field_name.as_deref().unwrap_or_default()
        )),
        multer::Error::StreamReadFailed(_)
        | multer::Error::IncompleteFieldData { .. }
        | multer::Error::IncompleteHeaders
        | multer::Error::IncompleteStream => broken_off(),
        error => ApiError::Invalid(format!("the form cannot be read: {error}")),
    }
}
