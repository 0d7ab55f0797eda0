//! One try to hand one event to one address.

use std::time::Duration;

use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode, Url};
use serde_json::{Value, json};
use upnext_core::settings::WebhookSecret;
use upnext_core::{Clock as _, SystemClock};

use super::signature::sign;
use crate::live::LiveEvent;

/// Bytes of an answer that are read, so that its connection can be used again. What is longer is cut off with it.
const MOST_READ: usize = 16 * 1024;

/// A signed letter.
#[derive(Debug)]
pub(super) struct Letter {
    id: String,
    body: String,
}

impl Letter {
    /// The event as receivers get it: `{id, type, at, data}`.
    pub(super) fn about(event: &LiveEvent) -> Self {
        let mut data: Value = serde_json::from_str(&event.json).unwrap_or_default();
        let mut take = |field: &str| data.as_object_mut().and_then(|data| data.remove(field));
        let (name, at) = (take("type"), take("at"));
        let body = json!({"id": event.id, "type": name, "at": at, "data": data}).to_string();
        Self { id: event.id.clone(), body }
    }
}

/// What an address said to a letter.
#[derive(Debug)]
pub(super) enum Answer {
    /// It has it.
    Taken,
    /// Not now: why, and how long it wants to be left alone.
    Refused(String, Option<Duration>),
    /// It wants no more letters.
    Unwanted,
}

/// The way to one address.
#[derive(Debug)]
pub(super) struct Post {
    http: Client,
    url: Url,
    secret: WebhookSecret,
}

impl Post {
    pub(super) fn to(url: Url, secret: WebhookSecret, patience: Duration) -> reqwest::Result<Self> {
        // A program that brought its own provider keeps it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        // A redirect would carry what is signed for one address to another that nobody named.
        let http = Client::builder()
            .redirect(Policy::none())
            .timeout(patience)
            .user_agent(concat!("UpNext/", env!("CARGO_PKG_VERSION")))
            .build()?;
        Ok(Self { http, url, secret })
    }

    pub(super) fn url(&self) -> &Url {
        &self.url
    }

    /// The address as logs show it: what follows the host may be secret.
    pub(super) fn shown(&self) -> String {
        format!("{}://{}", self.url.scheme(), self.url.authority().rsplit('@').next().unwrap_or_default())
    }

    pub(super) async fn send(&self, letter: &Letter) -> Answer {
        let seconds = SystemClock.now().as_micros() / 1_000_000;
        let request = self
            .http
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", &letter.id)
            .header("webhook-timestamp", seconds)
            .header("webhook-signature", sign(&self.secret, &letter.id, seconds, &letter.body))
            .body(letter.body.clone());
        match request.send().await {
            Ok(response) => answer(response).await,
            Err(error) => Answer::Refused(reason(&error), None),
        }
    }
}

async fn answer(mut response: Response) -> Answer {
    let status = response.status();
    let wait = wait_asked_for(response.headers());
    let mut read = 0;
    // The status has said it all: what goes wrong from here on changes nothing.
    while let Ok(Some(chunk)) = response.chunk().await {
        read += chunk.len();
        if read > MOST_READ {
            break;
        }
    }
    match status {
        status if status.is_success() => Answer::Taken,
        StatusCode::GONE => Answer::Unwanted,
        status => Answer::Refused(format!("it answered {status}"), wait),
    }
}

/// `Retry-After` in seconds; its other form, a date, is not worth a clock that may differ.
fn wait_asked_for(headers: &HeaderMap) -> Option<Duration> {
    headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// In few words and without the address.
fn reason(error: &reqwest::Error) -> String {
    let kind = match error {
        error if error.is_timeout() => "it did not answer in time",
        error if error.is_connect() => "it cannot be reached",
        _ => "the connection broke",
    };
    kind.to_owned()
}
