//! What a job left behind besides its result and artifacts: attempts and log lines.

use std::convert::Infallible;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::response::sse::Event;
use futures::{Stream, StreamExt as _};
use upnext_core::JobId;
use upnext_core::backend::LogQuery;
use upnext_core::log::LogFollower;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::events::{AFTER_FAILURE, event_stream, last_event_id};
use super::{PathId, find_job};
use crate::error::ApiError;
use crate::query::QueryPairs;
use crate::state::AppState;
use crate::wire::{self, Attempt, AttemptList, CommonErrors, ErrorBody, LogLine, LogPage};

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(list_attempts))
        .routes(routes!(list_logs))
        .routes(routes!(stream_logs))
}

/// Every attempt of a job, oldest first.
#[utoipa::path(get, path = "/jobs/{id}/attempts", tag = "jobs",
    params(("id" = String, Path, description = "The job's id")),
    responses((status = 200, description = "The attempts", body = AttemptList),
        (status = 404, description = "There is no such job", body = ErrorBody), CommonErrors))]
async fn list_attempts(
    State(state): State<AppState>,
    PathId(id): PathId<JobId>,
) -> Result<Json<AttemptList>, ApiError> {
    let job = find_job(&state, id).await?;
    let attempts = state.backend().list_attempts(job.id).await?;
    let attempts: Vec<Attempt> = attempts.into_iter().map(Into::into).collect();
    Ok(Json(AttemptList { total: attempts.len() as u64, attempts }))
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the parameters; QueryPairs reads them")]
struct LogParams {
    /// Only lines of at least this level: `debug`, `info`, `warning`, `error` or `critical`.
    level: Option<String>,
    /// Only lines whose message contains this text, letter case aside.
    search: Option<String>,
    /// Only lines that this attempt wrote.
    #[param(minimum = 1)]
    attempt: Option<u32>,
    /// Only lines after this sequence number.
    #[param(minimum = 0, default = 0)]
    after: Option<i64>,
    /// Most lines in this answer.
    #[param(minimum = 1, maximum = 1000, default = 100)]
    limit: Option<u32>,
}

/// Log lines of a job, oldest first.
#[utoipa::path(get, path = "/jobs/{id}/logs", tag = "jobs",
    params(("id" = String, Path, description = "The job's id"), LogParams),
    responses((status = 200, description = "The lines", body = LogPage),
        (status = 404, description = "There is no such job", body = ErrorBody), CommonErrors))]
async fn list_logs(
    State(state): State<AppState>,
    PathId(id): PathId<JobId>,
    query: QueryPairs,
) -> Result<Json<LogPage>, ApiError> {
    let (wanted, limit) = (wanted(&query)?, query.limit()?);
    let after = wanted.after;
    let job = find_job(&state, id).await?;
    let mut lines = state.backend().list_logs(job.id, LogQuery { limit: limit + 1, ..wanted }).await?;
    let has_more = lines.len() > limit;
    lines.truncate(limit);
    let next_after = lines.last().map_or(after, |line| line.sequence);
    let logs: Vec<LogLine> = lines.into_iter().map(Into::into).collect();
    Ok(Json(LogPage { logs, has_more, next_after }))
}

fn wanted(query: &QueryPairs) -> Result<LogQuery, ApiError> {
    Ok(LogQuery {
        after: query.sequence("after")?,
        level: query.parsed("level")?,
        search: query.one("search")?.map(str::to_owned),
        attempt: query.number("attempt")?.map(|number| u32::try_from(number).unwrap_or(u32::MAX)),
        ..LogQuery::default()
    })
}

/// Log lines of a job, as they are written: first `event: open`, then one message for each line, and `event: end` when the
/// job has ended. The id of a message is the line's sequence number: a client that sends it as `Last-Event-ID` gets the
/// lines after it.
#[utoipa::path(get, path = "/jobs/{id}/logs/stream", tag = "jobs",
    params(("id" = String, Path, description = "The job's id"),
        ("level" = Option<String>, Query, description = "Only lines of at least this level"),
        ("search" = Option<String>, Query,
            description = "Only lines whose message contains this text, letter case aside"),
        ("attempt" = Option<u32>, Query, description = "Only lines that this attempt wrote", minimum = 1),
        ("after" = Option<i64>, Query, description = "Only lines after this sequence number", minimum = 0),
        ("Last-Event-ID" = Option<String>, Header, description = "Id of the last line that was seen; goes before `after`")),
    responses((status = 200, description = "The stream; each message is one LogLine",
            body = LogLine, content_type = "text/event-stream"),
        (status = 404, description = "There is no such job", body = ErrorBody), CommonErrors))]
async fn stream_logs(
    State(state): State<AppState>,
    PathId(id): PathId<JobId>,
    query: QueryPairs,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let mut wanted = wanted(&query)?;
    wanted.after = last_event_id(&headers)?.unwrap_or(wanted.after);
    let job = find_job(&state, id).await?;
    let open = Event::default().event("open").id(wanted.after.to_string()).data("connected");
    let follower = LogFollower::new(state.backend().clone(), job.id, wanted);
    let events = futures::stream::iter([Ok(open)]).chain(log_events(follower));
    Ok(event_stream(events, &state))
}

/// The lines as messages, and then the end.
fn log_events(follower: LogFollower) -> impl Stream<Item = Result<Event, Infallible>> {
    let pages = futures::stream::unfold(Some(follower), |follower| async move {
        let mut follower = follower?;
        loop {
            match follower.next().await {
                Ok(Some(lines)) => {
                    let events: Vec<Event> = lines.into_iter().filter_map(line_event).collect();
                    return Some((events, Some(follower)));
                }
                Ok(None) => {
                    let status = follower.status().map(wire::JobStatus::from);
                    let end = Event::default().event("end").json_data(serde_json::json!({"status": status}));
                    return Some((end.into_iter().collect(), None));
                }
                Err(error) => {
                    tracing::debug!(%error, "the log could not be read");
                    tokio::time::sleep(AFTER_FAILURE).await;
                }
            }
        }
    });
    pages.flat_map(|events| futures::stream::iter(events.into_iter().map(Ok)))
}

fn line_event(line: upnext_core::backend::LogLine) -> Option<Event> {
    let id = line.sequence.to_string();
    Event::default().id(id).json_data(LogLine::from(line)).ok()
}
