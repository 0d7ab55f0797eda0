//! Asking for work: a job of a function, or an event for whoever handles it.

use std::time::Duration;

use axum::Json;
use axum::extract::{Request, State};
use upnext_core::client::Submission;
use upnext_core::events::Event;
use upnext_core::job::{DEFAULT_PRIORITY, MAX_PAYLOAD_BYTES};
use upnext_core::{FunctionDefinition, RawJson, SubmitError};
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::described::LONGEST_SECONDS;
use crate::error::ApiError;
use crate::request_body::read_json_of;
use crate::state::AppState;
use crate::wire::{CommonErrors, ErrorBody, EventSent, JobSubmitted, NewEvent, NewJob};

/// Room for the largest arguments, and for what stands around them.
const MAX_BODY: u64 = MAX_PAYLOAD_BYTES as u64 + 64 * 1024;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(submit_job)).routes(routes!(send_event))
}

impl From<SubmitError> for ApiError {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Invalid(rule) => Self::Invalid(rule),
            SubmitError::UnknownFunction(sentence) => Self::NotFound(sentence),
            SubmitError::Backend(error) => Self::Backend(error),
        }
    }
}

/// Ask for a job of a function that a worker has registered, with the retries, the timeout and the limits registered for it.
/// When this answers, the job is durable.
#[utoipa::path(post, path = "/jobs", tag = "jobs", request_body(content = NewJob),
    responses((status = 200, description = "The job that stands for this request", body = JobSubmitted),
        (status = 400, description = "The body ended before it was whole", body = ErrorBody),
        (status = 404, description = "No worker ever registered such a function", body = ErrorBody),
        (status = 413, description = "The body is too large", body = ErrorBody), CommonErrors))]
async fn submit_job(State(state): State<AppState>, request: Request) -> Result<Json<JobSubmitted>, ApiError> {
    let shape = "{function, kwargs, delay, at, priority, idempotency_key, tags}";
    let asked: NewJob = read_json_of(MAX_BODY, request.into_body(), shape).await?;
    let client = &state.served.client;
    let definition = client.find_definition(&asked.function).await?;
    let submission = submission_of(asked, &definition)?;
    Ok(Json(client.submit(submission).await?.into()))
}

fn submission_of(asked: NewJob, definition: &FunctionDefinition) -> Result<Submission, ApiError> {
    let kwargs = asked.kwargs.unwrap_or_else(no_arguments);
    definition.check_arguments(&kwargs).map_err(ApiError::Invalid)?;
    let mut submission = Submission {
        idempotency_key: asked.idempotency_key,
        priority: asked.priority.unwrap_or(DEFAULT_PRIORITY),
        at: asked.at,
        delay: asked.delay.map(delay_of).transpose()?.unwrap_or_default(),
        ..Submission::to(definition, kwargs)
    };
    submission.tags.extend(asked.tags.unwrap_or_default());
    Ok(submission)
}

fn delay_of(seconds: f64) -> Result<Duration, ApiError> {
    if (0.0..=LONGEST_SECONDS).contains(&seconds) {
        return Ok(Duration::from_secs_f64(seconds));
    }
    Err(ApiError::Invalid(format!(
        "delay is {seconds}: it must be a number of seconds, at least 0 and at most {LONGEST_SECONDS}"
    )))
}

fn no_arguments() -> RawJson {
    RawJson::trusted("{}")
}

/// Tell every handler whose pattern fits that something happened: each gets a job of its own, all of them in one step.
/// Without a handler nothing is made, and the answer is empty.
#[utoipa::path(post, path = "/events", tag = "events", request_body(content = NewEvent),
    responses((status = 200, description = "The jobs that stand for this event", body = EventSent),
        (status = 400, description = "The body ended before it was whole", body = ErrorBody),
        (status = 413, description = "The body is too large", body = ErrorBody), CommonErrors))]
async fn send_event(State(state): State<AppState>, request: Request) -> Result<Json<EventSent>, ApiError> {
    let asked: NewEvent =
        read_json_of(MAX_BODY, request.into_body(), "{event, data, idempotency_key}").await?;
    let data = asked.data.unwrap_or_else(no_arguments);
    // Without a handler nobody else would look.
    if !data.as_str().trim_start().starts_with('{') {
        return Err(ApiError::Invalid(format!("the data of '{}' must be one JSON object", asked.event)));
    }
    let event = Event { name: asked.event, data, idempotency_key: asked.idempotency_key, parent: None };
    let jobs = state.served.client.send_event(event, &[]).await?;
    Ok(Json(EventSent { jobs: jobs.into_iter().map(Into::into).collect() }))
}
