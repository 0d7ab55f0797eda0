//! Request bodies: shared between whoever reads them and whoever answers, bounded, and drained after a refusal.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, BodyDataStream};
use axum::http::{HeaderMap, header};
use bytes::Bytes;
use futures::{Stream, StreamExt};
use serde::de::DeserializeOwned;

use crate::error::ApiError;

/// What is read and thrown away after a refusal, so that a client that is still sending gets to see the answer.
const DRAIN_BYTES: usize = 16 * 1024 * 1024;
const DRAIN_TIME: Duration = Duration::from_secs(2);

/// The largest JSON body of a call that carries no content.
const SMALL_JSON: u64 = 1024 * 1024;

/// A request body that can still be drained after its reader gave up.
#[derive(Debug, Clone)]
pub(crate) struct SharedBody(Arc<Mutex<BodyDataStream>>);

impl SharedBody {
    pub(crate) fn new(body: Body) -> Self {
        Self(Arc::new(Mutex::new(body.into_data_stream())))
    }

    /// All of it, at most `limit` bytes.
    pub(crate) async fn read_whole(&self, limit: u64) -> Result<Vec<u8>, ApiError> {
        let (mut body, mut whole) = (self.clone(), Vec::new());
        while let Some(part) = body.next().await {
            let part = part.map_err(|_| broken_off())?;
            if whole.len() as u64 + part.len() as u64 > limit {
                return Err(too_large("the body", limit));
            }
            whole.extend_from_slice(&part);
        }
        Ok(whole)
    }

    /// Reads on for a while. Closing the connection at once would throw away our answer together with what the client
    /// has still under way.
    pub(crate) async fn drain(mut self) {
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

/// Reads a small JSON body. `shape` names what it should be.
pub(crate) async fn read_json<T: DeserializeOwned>(body: Body, shape: &str) -> Result<T, ApiError> {
    read_json_of(SMALL_JSON, body, shape).await
}

/// Reads a JSON body of at most `limit` bytes.
pub(crate) async fn read_json_of<T: DeserializeOwned>(
    limit: u64,
    body: Body,
    shape: &str,
) -> Result<T, ApiError> {
    let body = SharedBody::new(body);
    let whole = match body.read_whole(limit).await {
        Err(ApiError::TooLarge(_)) => {
            body.drain().await;
            return Err(ApiError::TooLarge(format!(
                "the body is larger than {limit} bytes, the most that this call takes"
            )));
        }
        Ok(whole) => whole,
        Err(error) => {
            body.drain().await;
            return Err(error);
        }
    };
    // Derived readers take a list of values for an object as well, which nobody means here.
    if whole.trim_ascii_start().first() == Some(&b'[') {
        return Err(ApiError::Invalid(format!("the body is not {shape}: it is a list")));
    }
    serde_json::from_slice(&whole)
        .map_err(|error| ApiError::Invalid(format!("the body is not {shape}: {error}")))
}

/// Refuses a body that says itself that it is too long, before any of it is taken.
pub(crate) fn refuse_longer(headers: &HeaderMap, limit: u64, what: &str) -> Result<(), ApiError> {
    if content_length(headers).is_some_and(|length| length > limit) {
        return Err(too_large(what, limit));
    }
    Ok(())
}

pub(crate) fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok())
}

/// The media type of the body in lower case, without its parameters; empty when there is none.
pub(crate) fn media_type(headers: &HeaderMap) -> String {
    let value = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

pub(crate) fn too_large(what: &str, limit: u64) -> ApiError {
    ApiError::TooLarge(format!(
        "{what} is larger than {limit} bytes: raise UPNEXT_ARTIFACT_MAX_UPLOAD_BYTES to take it"
    ))
}

pub(crate) fn broken_off() -> ApiError {
    ApiError::BadRequest("the body ended before it was whole".to_owned())
}

/// Why a body was refused while it was being read. It travels inside of the [`io::Error`] that ends the stream, through
/// whatever takes the bytes, and comes out as the answer.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refused(pub(crate) String);

impl Refused {
    pub(crate) fn into_error(self) -> io::Error {
        io::Error::new(io::ErrorKind::InvalidData, self)
    }

    /// The sentence inside of an error, if there is one.
    pub(crate) fn in_error(error: &io::Error) -> Option<&str> {
        error.get_ref()?.downcast_ref::<Self>().map(|refused| refused.0.as_str())
    }
}
