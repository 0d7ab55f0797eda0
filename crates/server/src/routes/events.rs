//! The live stream of what happens to jobs, as Server-Sent Events that a client can resume where it lost them.

use std::collections::{HashMap, VecDeque};
use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::Stream;
use tokio::sync::{broadcast, watch};
use upnext_core::JobId;
use upnext_core::backend::{Feed, JobChange};
use upnext_core::signal::FinishedJobs;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::ApiError;
use crate::state::AppState;
use crate::wire::{CommonErrors, JobEvent};

/// How often the stream looks although nothing woke it: begins and progress of jobs give no signal in this process.
const LOOK_EVERY: Duration = Duration::from_secs(1);

const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Changes read at once.
const PAGE: usize = 500;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(stream_events))
}

/// Every change of every job, as it happens: first `event: open`, then one message for each changed job. A client that
/// sends the `Last-Event-ID` it saw last gets everything that changed since.
#[utoipa::path(get, path = "/events/stream", tag = "events",
    params(("Last-Event-ID" = Option<String>, Header, description = "Id of the last event that was seen")),
    responses((status = 200, description = "The stream; each message is one JobEvent",
        body = JobEvent, content_type = "text/event-stream"), CommonErrors))]
async fn stream_events(State(state): State<AppState>, headers: HeaderMap) -> Result<Response, ApiError> {
    let seen = match headers.get("last-event-id").map(|value| value.to_str().unwrap_or("?").trim()) {
        None | Some("") => None,
        Some(text) => Some(text.parse::<i64>().map_err(|_| {
            ApiError::Invalid(format!("Last-Event-ID is '{text}': send back an id as the stream gave it"))
        })?),
    };
    let cursor = match seen {
        Some(cursor) => cursor,
        None => state.backend().changes_since(None, 0, Feed::Jobs).await?.cursor,
    };
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE).text("keep-alive");
    let mut response = Sse::new(events(Tail::new(state, cursor))).keep_alive(keep_alive).into_response();
    // Proxies must not collect the stream.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

fn events(tail: Tail) -> impl Stream<Item = Result<Event, Infallible>> {
    futures::stream::unfold(tail, |mut tail| async move { tail.next().await.map(|event| (Ok(event), tail)) })
}

/// One client's place in the order of changes.
struct Tail {
    state: AppState,
    cursor: i64,
    ready: VecDeque<Event>,
    finished: broadcast::Receiver<FinishedJobs>,
    elsewhere: watch::Receiver<u64>,
}

impl Tail {
    fn new(state: AppState, cursor: i64) -> Self {
        let signals = state.backend().signals();
        let (finished, elsewhere) = (signals.subscribe_finished(), signals.subscribe_elsewhere());
        let open = Event::default().event("open").id(cursor.to_string()).data("connected");
        Self { state, cursor, ready: VecDeque::from([open]), finished, elsewhere }
    }

    /// The next event; `None` when the server stops.
    async fn next(&mut self) -> Option<Event> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return Some(event);
            }
            if let Err(error) = self.read().await {
                // The stream outlives a moment without a database: the next look asks again.
                tracing::debug!(%error, "the live stream could not be read");
            }
            if self.ready.is_empty() && !self.sleep().await {
                return None;
            }
        }
    }

    async fn read(&mut self) -> Result<(), upnext_core::BackendError> {
        let backend = self.state.backend();
        let changes = backend.changes_since(Some(self.cursor), PAGE, Feed::Jobs).await?;
        if !changes.jobs.is_empty() {
            let ids: Vec<JobId> = changes.jobs.iter().map(|change| change.id).collect();
            let jobs = backend.find_jobs(ids).await?;
            let mut jobs: HashMap<JobId, _> = jobs.into_iter().map(|job| (job.id, job)).collect();
            let event = |change: JobChange| to_event(change.sequence, jobs.remove(&change.id)?);
            self.ready.extend(changes.jobs.into_iter().filter_map(event));
        }
        self.cursor = changes.cursor;
        Ok(())
    }

    /// Waits until there may be something new. False when the server stops.
    async fn sleep(&mut self) -> bool {
        tokio::select! {
            () = self.state.stopping.cancelled() => return false,
            _ = self.finished.recv() => {}
            _ = self.elsewhere.changed() => {}
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        true
    }
}

fn to_event(sequence: i64, job: upnext_core::Job) -> Option<Event> {
    Event::default().id(sequence.to_string()).json_data(JobEvent::from(job)).ok()
}
