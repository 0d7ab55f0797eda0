//! The live streams of what happens to jobs and artifacts, as Server-Sent Events that a client can resume where it lost
//! them. What happens is read by the live feed; here it is chosen and sent.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::{Stream, StreamExt as _};
use upnext_core::JobId;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::{PathId, find_job};
use crate::error::ApiError;
use crate::live::{EventNames, Follower, LiveEvent};
use crate::query::QueryPairs;
use crate::state::AppState;
use crate::wire::{ArtifactEvent, CommonErrors, ErrorBody, StreamedEvent};

const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// How long to leave a backend alone that failed.
pub(super) const AFTER_FAILURE: Duration = Duration::from_millis(500);

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(stream_events)).routes(routes!(stream_job_artifacts))
}

/// Every change of every job and artifact, as it happens: first `event: open`, then one message for each change. A client
/// that sends the `Last-Event-ID` it saw last gets everything that changed since.
#[utoipa::path(get, path = "/events/stream", tag = "events",
    params(("Last-Event-ID" = Option<String>, Header, description = "Id of the last event that was seen"),
        ("types" = Option<String>, Query,
            description = "Only these events: comma-separated names such as `artifact.*` or `job.failed`")),
    responses((status = 200, description = "The stream; each message is one event",
        body = StreamedEvent, content_type = "text/event-stream"), CommonErrors))]
async fn stream_events(
    State(state): State<AppState>,
    query: QueryPairs,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let patterns: Vec<&str> = query.all("types").flat_map(|types| types.split(',')).map(str::trim).collect();
    let names = match patterns.as_slice() {
        [] => EventNames::all(),
        patterns => EventNames::chosen(patterns.iter().copied())
            .map_err(|error| ApiError::Invalid(format!("types: {error}")))?,
    };
    stream(&state, &headers, Choice { names, job_id: None }).await
}

/// What happens to the artifacts of one job, as it happens. Works as the stream of all events does.
#[utoipa::path(get, path = "/jobs/{id}/artifacts/stream", tag = "artifacts",
    params(("id" = String, Path, description = "The job's id"),
        ("Last-Event-ID" = Option<String>, Header, description = "Id of the last event that was seen")),
    responses((status = 200, description = "The stream; each message is one ArtifactEvent",
            body = ArtifactEvent, content_type = "text/event-stream"),
        (status = 404, description = "There is no such job", body = ErrorBody), CommonErrors))]
async fn stream_job_artifacts(
    State(state): State<AppState>,
    PathId(id): PathId<JobId>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    find_job(&state, id).await?;
    let names = EventNames::chosen(["artifact.*"]).map_err(ApiError::Invalid)?;
    stream(&state, &headers, Choice { names, job_id: Some(id) }).await
}

async fn stream(state: &AppState, headers: &HeaderMap, choice: Choice) -> Result<Response, ApiError> {
    let seen = last_event_id(headers)?;
    let follower = state.live.follow(seen).await?;
    let begin = seen.or_else(|| follower.settled()).unwrap_or_default();
    let open = Event::default().event("open").id(begin.to_string()).data("connected");
    let listener = Listener { follower, choice, told: begin, first: Some(open) };
    Ok(event_stream(events(listener), state))
}

/// The id of the event that a client saw last, if it says so.
pub(super) fn last_event_id(headers: &HeaderMap) -> Result<Option<i64>, ApiError> {
    match headers.get("last-event-id").map(|value| value.to_str().unwrap_or("?").trim()) {
        None | Some("") => Ok(None),
        Some(text) => text.parse::<i64>().map(Some).map_err(|_| {
            ApiError::Invalid(format!("Last-Event-ID is '{text}': send back an id as the stream gave it"))
        }),
    }
}

/// A stream of events as an answer, kept alive, until the server stops.
pub(super) fn event_stream(
    events: impl Stream<Item = Result<Event, Infallible>> + Send + 'static,
    state: &AppState,
) -> Response {
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE).text("keep-alive");
    let events = events.take_until(state.stopping.clone().cancelled_owned());
    let mut response = Sse::new(events).keep_alive(keep_alive).into_response();
    // Proxies must not collect the stream.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    response
}

fn events(listener: Listener) -> impl Stream<Item = Result<Event, Infallible>> {
    futures::stream::unfold(
        listener,
        |mut listener| async move { Some((Ok(listener.next().await), listener)) },
    )
}

/// What a client wants to hear of.
struct Choice {
    names: EventNames,
    job_id: Option<JobId>,
}

impl Choice {
    fn includes(&self, event: &LiveEvent) -> bool {
        self.names.contains(event.name) && self.job_id.is_none_or(|id| id == event.job_id)
    }
}

/// One client.
struct Listener {
    follower: Follower,
    choice: Choice,
    /// The id that the client was sent last.
    told: i64,
    first: Option<Event>,
}

impl Listener {
    async fn next(&mut self) -> Event {
        if let Some(first) = self.first.take() {
            return first;
        }
        let quiet = tokio::time::sleep(KEEP_ALIVE);
        tokio::pin!(quiet);
        loop {
            tokio::select! {
                event = self.follower.next() => {
                    if self.choice.includes(&event) {
                        self.told = event.place;
                        return Event::default().id(event.place.to_string()).data(&event.json);
                    }
                }
                () = &mut quiet => {
                    // An id without data is no message, but the client resumes there instead of where it last heard one.
                    if let Some(place) = self.follower.settled().filter(|place| *place > self.told) {
                        self.told = place;
                        return Event::default().id(place.to_string());
                    }
                    quiet.as_mut().reset(tokio::time::Instant::now() + KEEP_ALIVE);
                }
            }
        }
    }
}
