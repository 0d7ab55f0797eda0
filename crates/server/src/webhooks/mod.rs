//! Webhooks: chosen events are posted to the addresses in the settings, signed, in order, at least once.
//!
//! Each address has a courier of its own, with its own durable place in the order of changes. A courier that is refused
//! waits with the event it has and reads no further, so a dead address costs neither memory nor anybody else's time; what
//! it misses stays in the backend. Of several servers one at a time serves an address.

mod courier;
mod post;
mod signature;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use tokio_util::sync::CancellationToken;
use upnext_core::settings::WebhookSecret;
use upnext_core::{Backend, Settings};

use crate::live::{EventNames, LiveFeed};
use crate::serve::ServeError;
use courier::Courier;
use post::Post;

/// How patient couriers are.
#[derive(Debug, Clone, Copy)]
struct Patience {
    /// How often one event is tried.
    tries: u32,
    /// The first wait; each further one is three times as long, up to the longest, give or take a quarter.
    first: Duration,
    longest: Duration,
    /// How long one try may take.
    answer: Duration,
    /// How long a server that vanished keeps others from its addresses, and how often one that lives says so.
    lease: Duration,
    renewal: Duration,
}

impl Patience {
    /// Ten tries in about nine hours.
    const USUAL: Self = Self {
        tries: 10,
        first: Duration::from_secs(5),
        longest: Duration::from_secs(4 * 3600),
        answer: Duration::from_secs(10),
        lease: Duration::from_secs(30),
        renewal: Duration::from_secs(10),
    };

    /// How long to wait after this many failed tries.
    fn wait(&self, failed: u32) -> Duration {
        let factor = 3_u32.checked_pow(failed.saturating_sub(1)).unwrap_or(u32::MAX);
        let wait = self.first.saturating_mul(factor).min(self.longest);
        // Servers that come back are not met by everybody at once.
        wait.mul_f64(0.75 + fastrand::f64() / 2.0)
    }
}

/// What to post, and where.
#[derive(Debug, Clone)]
pub(crate) struct Webhooks {
    urls: BTreeSet<Url>,
    names: EventNames,
    secret: WebhookSecret,
    patience: Patience,
}

impl Webhooks {
    /// What the settings ask for; `None` when they name no address.
    ///
    /// # Errors
    /// A sentence about the setting that does not fit. It shows no address: those may hold secrets.
    pub(crate) fn of(settings: &Settings) -> Result<Option<Self>, ServeError> {
        let patterns = settings.webhook_events.iter().map(String::as_str);
        let names = EventNames::chosen(patterns).map_err(ServeError::BadWebhookEvents)?;
        let parsed = settings.webhook_urls.iter().enumerate().map(|(index, text)| {
            let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
            url.filter(Url::has_host).ok_or(ServeError::BadWebhookUrl(index + 1))
        });
        let urls = parsed.collect::<Result<BTreeSet<_>, _>>()?;
        if urls.is_empty() {
            return Ok(None);
        }
        let secret = settings.webhook_secret.clone().ok_or(ServeError::NoWebhookSecret)?;
        Ok(Some(Self { urls, names, secret, patience: Patience::USUAL }))
    }

    /// Sends a courier to each address. They stop with the server.
    pub(crate) fn start(self, backend: &Arc<dyn Backend>, live: &LiveFeed, stopping: &CancellationToken) {
        for url in self.urls {
            let post = match Post::to(url, self.secret.clone(), self.patience.answer) {
                Ok(post) => post,
                Err(error) => {
                    tracing::error!(%error, "webhooks cannot be sent");
                    return;
                }
            };
            let courier =
                Courier::new(Arc::clone(backend), live.clone(), post, self.names.clone(), self.patience);
            tokio::spawn(courier.run(stopping.clone()));
        }
    }
}

#[cfg(test)]
mod tests;
