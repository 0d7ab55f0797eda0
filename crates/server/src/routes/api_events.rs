//! Requests that HTTP APIs answered: the latest, and as they come.

use std::collections::VecDeque;
use std::convert::Infallible;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use axum::response::sse::Event;
use upnext_core::api::RequestQuery;
use upnext_core::backend::Cursor;
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::events::{event_stream, last_event_id};
use crate::error::ApiError;
use crate::query::QueryPairs;
use crate::state::AppState;
use crate::wire::{ApiRequest, ApiRequestPage, CommonErrors, RequestStatus};

/// How often a stream looks for new requests: as often as APIs tell them.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Most requests that a stream sends after one look; of more, the newest.
const MOST_AT_ONCE: usize = 200;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::default().routes(routes!(list_api_events)).routes(routes!(stream_api_events))
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the parameters; QueryPairs reads them")]
struct EventParams {
    /// Only requests to this API.
    api: Option<String>,
    /// Only requests with this method.
    method: Option<String>,
    /// Only requests for this route.
    route: Option<String>,
    /// Only requests with a status of this class.
    #[param(inline)]
    status: Option<RequestStatus>,
}

fn request_query(query: &QueryPairs) -> Result<RequestQuery, ApiError> {
    let text = |name: &str| Ok::<_, ApiError>(query.one(name)?.map(str::to_owned));
    Ok(RequestQuery {
        api: text("api")?,
        method: text("method")?,
        route: text("route")?,
        class: query.parsed("status")?,
        ..RequestQuery::default()
    })
}

/// The latest requests, the one recorded last first.
#[utoipa::path(get, path = "/apis/events", tag = "apis",
    params(EventParams,
        ("limit" = Option<u32>, Query, description = "At most this many, 1 to 1000; 100 when not given"),
        ("cursor" = Option<String>, Query, description = "`next_cursor` of the page before")),
    responses((status = 200, description = "One page", body = ApiRequestPage), CommonErrors))]
async fn list_api_events(
    State(state): State<AppState>,
    query: QueryPairs,
) -> Result<Json<ApiRequestPage>, ApiError> {
    let limit = query.limit()?;
    // One more tells whether there is another page.
    let wanted =
        RequestQuery { limit: limit + 1, before: query.cursor()?.map(|at| at.seq), ..request_query(&query)? };
    let mut found = state.backend().list_requests(wanted).await?;
    let has_more = found.len() > limit;
    found.truncate(limit);
    let next = found.last().filter(|_| has_more).map(|last| Cursor { seq: last.sequence, key: None });
    Ok(Json(ApiRequestPage {
        events: found.into_iter().map(Into::into).collect(),
        has_more,
        next_cursor: next.map(|cursor| cursor.to_string()),
    }))
}

/// Requests as they come: first `event: open`, then one message for each, within two seconds after it was answered. A client
/// that sends the `Last-Event-ID` it saw last gets those that it missed and that are still kept.
#[utoipa::path(get, path = "/apis/events/stream", tag = "apis",
    params(EventParams,
        ("Last-Event-ID" = Option<String>, Header, description = "Id of the last request that was seen")),
    responses((status = 200, description = "The stream; each message is one ApiRequest",
        body = ApiRequest, content_type = "text/event-stream"), CommonErrors))]
async fn stream_api_events(
    State(state): State<AppState>,
    query: QueryPairs,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let wanted = request_query(&query)?;
    let told = match last_event_id(&headers)? {
        Some(seen) => seen,
        None => newest(&state).await?,
    };
    let open = Event::default().event("open").id(told.to_string()).data("connected");
    let listener = Listener { state: state.clone(), wanted, told, ready: VecDeque::from([open]) };
    let events = futures::stream::unfold(listener, |mut listener| async move {
        Some((Ok::<_, Infallible>(listener.next().await), listener))
    });
    Ok(event_stream(events, &state))
}

/// The number of the request that was recorded last; 0 when there is none.
async fn newest(state: &AppState) -> Result<i64, ApiError> {
    let query = RequestQuery { limit: 1, ..RequestQuery::default() };
    Ok(state.backend().list_requests(query).await?.first().map_or(0, |newest| newest.sequence))
}

/// One client.
struct Listener {
    state: AppState,
    wanted: RequestQuery,
    /// The number of the request that was found last.
    told: i64,
    ready: VecDeque<Event>,
}

impl Listener {
    async fn next(&mut self) -> Event {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return event;
            }
            tokio::time::sleep(LOOK_EVERY).await;
            self.look().await;
        }
    }

    async fn look(&mut self) {
        let query = RequestQuery { after: self.told, limit: MOST_AT_ONCE, ..self.wanted.clone() };
        match self.state.backend().list_requests(query).await {
            Ok(found) => {
                self.told = found.first().map_or(self.told, |newest| newest.sequence);
                for request in found.into_iter().rev() {
                    let id = request.sequence.to_string();
                    let json = serde_json::to_string(&ApiRequest::from(request)).unwrap_or_default();
                    self.ready.push_back(Event::default().id(id).data(json));
                }
            }
            // Listeners outlive a moment without a database.
            Err(error) => tracing::debug!(%error, "requests could not be read"),
        }
    }
}
