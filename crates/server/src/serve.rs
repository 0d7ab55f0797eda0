//! Running a server: what must hold before it starts, and how it stops.

use std::future::{Future, IntoFuture};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::serve::ListenerExt;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use upnext_core::Settings;

use crate::guard::authority_of;
use crate::live::LiveFeed;
use crate::maintenance::Caretaker;
use crate::router::build;
use crate::state::Served;
use crate::webhooks::Webhooks;

/// How long requests may go on after the server was told to stop.
const DRAIN: Duration = Duration::from_secs(5);

/// Why a server does not start, or stopped.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Everybody who can reach this address could do everything.
    #[error(
        "{0} is not a loopback address and authentication is off: everybody who can reach it could read and change \
         everything. Set UPNEXT_AUTH_ENABLED=true and UPNEXT_API_KEY, or, if the network itself keeps others out, \
         UPNEXT_ALLOW_PUBLIC_WITHOUT_AUTH=true"
    )]
    Public(SocketAddr),
    /// Authentication without a key.
    #[error("UPNEXT_AUTH_ENABLED is true but no key is set: set UPNEXT_API_KEY")]
    NoKey,
    /// An entry of `UPNEXT_CORS_ALLOW_ORIGINS` is no origin.
    #[error(
        "UPNEXT_CORS_ALLOW_ORIGINS: '{0}' is not an origin: write scheme and host as browsers send them, for example \
         https://ops.example.com"
    )]
    BadOrigin(String),
    /// `UPNEXT_ARTIFACT_ORIGIN` is no origin, or the server's own.
    #[error(
        "UPNEXT_ARTIFACT_ORIGIN: '{0}' is not a second origin: write scheme and host under which nothing else is reached, \
         for example https://artifacts.example.com"
    )]
    BadArtifactOrigin(String),
    /// Webhooks without a key to sign them with.
    #[error(
        "UPNEXT_WEBHOOK_URLS names addresses but UPNEXT_WEBHOOK_SECRET is not set: receivers could not tell who wrote; \
         set it to what `echo whsec_$(openssl rand -base64 32)` prints"
    )]
    NoWebhookSecret,
    /// The entry of `UPNEXT_WEBHOOK_URLS` with this number is no address.
    #[error("UPNEXT_WEBHOOK_URLS: entry {0} is not an address: write it as https://host/path")]
    BadWebhookUrl(usize),
    /// An entry of `UPNEXT_WEBHOOK_EVENTS` names no event.
    #[error("UPNEXT_WEBHOOK_EVENTS: {0}")]
    BadWebhookEvents(String),
    /// The socket failed.
    #[error("the server's socket failed: {0}")]
    Socket(#[from] std::io::Error),
}

/// Checks that these settings allow a server at `address`.
///
/// # Errors
/// One sentence that names the setting and the way out.
pub fn check(settings: &Settings, address: SocketAddr) -> Result<(), ServeError> {
    let has_key = settings.api_key.as_deref().is_some_and(|key| !key.is_empty());
    if settings.auth_enabled && !has_key {
        return Err(ServeError::NoKey);
    }
    if !address.ip().is_loopback() && !settings.auth_enabled && !settings.allow_public_without_auth {
        return Err(ServeError::Public(address));
    }
    Webhooks::of(settings)?;
    if let Some(origin) = &settings.artifact_origin {
        let authority = authority_of(origin).filter(|authority| *authority != address.to_string());
        authority.ok_or_else(|| ServeError::BadArtifactOrigin(origin.clone()))?;
    }
    match settings.cors_allow_origins.iter().find(|origin| authority_of(origin).is_none()) {
        Some(bad) => Err(ServeError::BadOrigin(bad.clone())),
        None => Ok(()),
    }
}

/// Serves until `shutdown` resolves; then takes no more connections, ends live streams, and gives running requests a
/// few seconds to finish.
///
/// # Errors
/// When the settings do not allow the listener's address (see [`check`]), or the socket fails.
pub async fn serve(
    served: Served,
    listener: TcpListener,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), ServeError> {
    let stopping = CancellationToken::new();
    check(&served.settings, listener.local_addr()?)?;
    let backend = Arc::clone(served.client.backend());
    let live = LiveFeed::new(Arc::clone(&backend), stopping.clone());
    let caretaker = Caretaker::new(served.artifacts.clone(), &served.settings);
    let webhooks = Webhooks::of(&served.settings)?;
    let app = build(served, listener.local_addr()?, stopping.clone(), live.clone())?;
    tokio::spawn(caretaker.run(stopping.clone()));
    if let Some(webhooks) = webhooks {
        webhooks.start(&backend, &live, &stopping);
    }
    let listener = listener.tap_io(|connection| {
        // Small answers must not wait for more to say. A socket that refuses this still works.
        let _ = connection.set_nodelay(true);
    });
    let stop = {
        let stopping = stopping.clone();
        async move {
            shutdown.await;
            stopping.cancel();
        }
    };
    let server = axum::serve(listener, app).with_graceful_shutdown(stop).into_future();
    let deadline = async {
        stopping.cancelled().await;
        tokio::time::sleep(DRAIN).await;
    };
    tokio::select! {
        ended = server => Ok(ended?),
        () = deadline => {
            tracing::warn!("some requests had not finished {DRAIN:?} after the server was told to stop");
            Ok(())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(vars: &[(&str, &str)]) -> Settings {
        let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Settings::from_vars(vars.chain([("HOME".to_owned(), "/home/ada".to_owned())])).unwrap().settings
    }

    fn refusal(vars: &[(&str, &str)], address: &str) -> Option<String> {
        check(&settings(vars), address.parse().unwrap()).err().map(|error| error.to_string())
    }

    #[test]
    fn a_public_address_needs_a_key_or_a_word() {
        assert_eq!(refusal(&[], "127.0.0.1:80"), None);
        assert_eq!(refusal(&[], "[::1]:80"), None);
        let sentence = refusal(&[], "0.0.0.0:80").unwrap();
        assert!(
            sentence.contains("UPNEXT_AUTH_ENABLED") && sentence.contains("UPNEXT_ALLOW_PUBLIC_WITHOUT_AUTH")
        );
        assert_eq!(refusal(&[("UPNEXT_ALLOW_PUBLIC_WITHOUT_AUTH", "true")], "0.0.0.0:80"), None);
        let with_key = [("UPNEXT_AUTH_ENABLED", "true"), ("UPNEXT_API_KEY", "k")];
        assert_eq!(refusal(&with_key, "0.0.0.0:80"), None);
    }

    #[test]
    fn authentication_needs_a_key() {
        assert!(
            refusal(&[("UPNEXT_AUTH_ENABLED", "true")], "127.0.0.1:80").unwrap().contains("UPNEXT_API_KEY")
        );
    }

    #[test]
    fn the_artifact_origin_is_another_origin() {
        for bad in ["artifacts.example", "https://artifacts.example/x", "http://127.0.0.1:80"] {
            let sentence = refusal(&[("UPNEXT_ARTIFACT_ORIGIN", bad)], "127.0.0.1:80").unwrap();
            assert!(sentence.contains("UPNEXT_ARTIFACT_ORIGIN") && sentence.contains(bad), "{sentence}");
        }
        assert_eq!(refusal(&[("UPNEXT_ARTIFACT_ORIGIN", "https://a.example")], "127.0.0.1:80"), None);
    }

    #[test]
    fn origins_are_origins() {
        for bad in ["*", "example.com", "https://example.com/", "null"] {
            let sentence = refusal(&[("UPNEXT_CORS_ALLOW_ORIGINS", bad)], "127.0.0.1:80").unwrap();
            assert!(sentence.contains(bad), "{sentence}");
        }
        let good = [("UPNEXT_CORS_ALLOW_ORIGINS", "https://a.example, http://localhost:5173")];
        assert_eq!(refusal(&good, "127.0.0.1:80"), None);
    }
}
