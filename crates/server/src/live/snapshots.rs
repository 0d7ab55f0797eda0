//! Streams of whole states: the state of the moment at once, and again when it has changed. Nothing is resumed, since each
//! message tells everything.

use std::convert::Infallible;
use std::future::Future;
use std::time::Duration;

use axum::http::HeaderValue;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::StreamExt as _;
use serde::Serialize;
use tokio::time::Instant;

use super::Follower;
use crate::error::ApiError;
use crate::state::AppState;

/// Shortest time between two messages.
const SHORTEST_GAP: Duration = Duration::from_secs(2);

/// How often the state is looked at although no job changed: hours begin, and workers fall silent, without one.
const LOOK_EVERY: Duration = Duration::from_secs(5);

const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// A stream of what `read` answers, under this name. The first answer is made before the stream begins, so that what is
/// wrong with the request is an error and no stream.
pub(crate) async fn snapshots<T, F, R>(
    state: &AppState,
    name: &'static str,
    read: R,
) -> Result<Response, ApiError>
where
    T: Serialize,
    F: Future<Output = Result<T, ApiError>> + Send + 'static,
    R: Fn(AppState) -> F + Send + Sync + 'static,
{
    // From before the first look, so that no change is missed between the two.
    let follower = state.live.follow(None).await?;
    let first = json(&read(state.clone()).await?)?;
    let watcher =
        Watcher { state: state.clone(), follower, name, read, told: String::new(), ready: Some(first) };
    let messages = futures::stream::unfold(watcher, |mut watcher| async move {
        let json = watcher.next().await;
        let message = Event::default().event(watcher.name).data(&json);
        watcher.told = json;
        Some((Ok::<_, Infallible>(message), watcher))
    });
    let messages = messages.take_until(state.stopping.clone().cancelled_owned());
    let open = futures::stream::iter([Ok(Event::default().event("open").data("connected"))]);
    let keep_alive = KeepAlive::new().interval(KEEP_ALIVE).text("keep-alive");
    let mut response = Sse::new(open.chain(messages)).keep_alive(keep_alive).into_response();
    // Proxies must not collect the stream.
    response.headers_mut().insert("x-accel-buffering", HeaderValue::from_static("no"));
    Ok(response)
}

fn json(value: &impl Serialize) -> Result<String, ApiError> {
    serde_json::to_string(value)
        .map_err(|error| ApiError::Unexpected(format!("a snapshot makes no JSON: {error}")))
}

struct Watcher<R> {
    state: AppState,
    follower: Follower,
    name: &'static str,
    read: R,
    /// What the listener was sent last.
    told: String,
    ready: Option<String>,
}

impl<T, F, R> Watcher<R>
where
    T: Serialize,
    F: Future<Output = Result<T, ApiError>> + Send,
    R: Fn(AppState) -> F,
{
    /// The next state that is another than the one before.
    async fn next(&mut self) -> String {
        if let Some(first) = self.ready.take() {
            return first;
        }
        let mut earliest = Instant::now() + SHORTEST_GAP;
        loop {
            let _ = tokio::time::timeout(LOOK_EVERY, self.follower.next()).await;
            // What happens meanwhile is in the next look.
            self.pass_over_until(earliest).await;
            match (self.read)(self.state.clone()).await.and_then(|value| json(&value)) {
                Ok(json) if json != self.told => return json,
                Ok(_) => {}
                // Listeners outlive a moment without a database.
                Err(error) => tracing::debug!(%error, "a snapshot could not be made"),
            }
            earliest = Instant::now() + SHORTEST_GAP;
        }
    }

    async fn pass_over_until(&mut self, moment: Instant) {
        let pass_over = async {
            loop {
                self.follower.next().await;
            }
        };
        let _: Result<(), _> = tokio::time::timeout_at(moment, pass_over).await;
    }
}
