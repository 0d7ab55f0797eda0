//! One server's address: requests to it, and what their failures mean.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};
use serde::{Deserialize, Serialize};
use upnext_core::BackendError;

use crate::{MEDIA_TYPE, PATH, PROTOCOL, PROTOCOL_HEADER};

/// How long a server may take to accept a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// How long it may say nothing in the middle of an answer.
const READ_TIMEOUT: Duration = Duration::from_secs(60);

/// How long to wait before a server that took no connection is asked again: a restart should not be noticed.
const RETRY_AFTER: [Duration; 5] = [
    Duration::from_millis(50),
    Duration::from_millis(200),
    Duration::from_millis(500),
    Duration::from_millis(1000),
    Duration::from_millis(2000),
];

/// What a server says of itself to whoever wants to work through it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct About {
    /// Its version of UpNext.
    pub version: String,
    /// The version of the protocol, see [`PROTOCOL`].
    pub protocol: String,
    /// The backend behind it: `sqlite`, `postgres` or `redis`.
    pub backend: String,
    /// The storage behind it: `local`, `s3`, `gcs` or `azure`.
    pub storage: String,
}

/// A server's address and the key to it.
pub(crate) struct Connection {
    client: Client,
    base: Url,
}

impl fmt::Debug for Connection {
    /// The client knows the key: it is left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("base", &self.base.as_str()).finish_non_exhaustive()
    }
}

impl Connection {
    pub(crate) fn new(url: &str, key: Option<&str>) -> Result<Self, BackendError> {
        let wrong = |why: &str| {
            BackendError::Unusable(format!(
                "UPNEXT_URL is not the address of a server: {why}; write http://host:8080"
            ))
        };
        let mut base: Url = url.parse().map_err(|_| wrong("it is no URL"))?;
        if !matches!(base.scheme(), "http" | "https") || base.host().is_none() {
            return Err(wrong("it has to begin with http:// or https:// and name a host"));
        }
        if !base.username().is_empty() || base.password().is_some() {
            return Err(wrong("it holds a user or password, which belongs into UPNEXT_API_KEY"));
        }
        base.set_query(None);
        base.set_fragment(None);
        let path = format!("{}{PATH}/", base.path().trim_end_matches('/'));
        base.set_path(&path);
        // A program that brought its own provider keeps it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = Client::builder()
            .default_headers(headers(key)?)
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| BackendError::Unusable(format!("no HTTP client can be made: {error}")))?;
        Ok(Self { client, base })
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        let url = self.base.join(path).expect("a verb or digest is a path of a URL");
        self.client.request(method, url)
    }

    /// A request to an address that is not the server's, without the key.
    pub(crate) fn elsewhere(&self) -> reqwest::Result<Client> {
        Client::builder().connect_timeout(CONNECT_TIMEOUT).read_timeout(READ_TIMEOUT).build()
    }

    /// What the server says of itself. Fails when it is no server that this end can work through.
    pub(crate) async fn about(&self) -> Result<About, BackendError> {
        let response = self.send(|| self.request(Method::GET, "about")).await?;
        let about: About = response.json().await.map_err(|_| {
            BackendError::Unusable(format!(
                "there is no server of UpNext at {}: check UPNEXT_URL",
                self.shown()
            ))
        })?;
        if about.protocol != PROTOCOL {
            return Err(BackendError::Unusable(format!(
                "the server at {} is UpNext {} and speaks protocol {}, this is {} and speaks {PROTOCOL}: bring both to the \
                 same version",
                self.shown(),
                about.version,
                about.protocol,
                env!("CARGO_PKG_VERSION")
            )));
        }
        Ok(about)
    }

    /// One verb: sends a body and answers with the body that comes back.
    pub(crate) async fn call(&self, verb: &str, body: Bytes) -> Result<Bytes, BackendError> {
        let request = || self.request(Method::POST, verb).header(CONTENT_TYPE, MEDIA_TYPE).body(body.clone());
        let response = self.send(request).await?;
        response.bytes().await.map_err(|error| self.lost(&error))
    }

    /// Sends a request until a server takes the connection, and sorts its answer.
    pub(crate) async fn send(&self, request: impl Fn() -> RequestBuilder) -> Result<Response, BackendError> {
        for wait in RETRY_AFTER {
            match request().send().await {
                // Nothing was sent, so nothing can happen twice.
                Err(error) if error.is_connect() => tokio::time::sleep(wait).await,
                Err(error) => return Err(self.lost(&error)),
                Ok(response) => return self.sorted(response).await,
            }
        }
        match request().send().await {
            Ok(response) => self.sorted(response).await,
            Err(error) => Err(self.lost(&error)),
        }
    }

    async fn sorted(&self, response: Response) -> Result<Response, BackendError> {
        let status = response.status();
        if status.is_success() {
            return Ok(response);
        }
        #[derive(Deserialize)]
        struct Refusal {
            detail: String,
        }
        let detail =
            response.json().await.map_or_else(|_| status.to_string(), |refusal: Refusal| refusal.detail);
        Err(match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => BackendError::Unusable(format!(
                "the server at {} does not let this process in ({detail}): set UPNEXT_API_KEY to its key",
                self.shown()
            )),
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => BackendError::Unusable(format!(
                "the server at {} cannot be worked through ({detail}): check UPNEXT_URL, and that it runs the same version",
                self.shown()
            )),
            status if status.is_server_error() || status == StatusCode::TOO_MANY_REQUESTS => {
                BackendError::Unavailable(format!(
                    "the server at {} answers {status}: {detail}",
                    self.shown()
                ))
            }
            _ => {
                BackendError::Unexpected(format!("the server at {} answers {status}: {detail}", self.shown()))
            }
        })
    }

    pub(crate) fn lost(&self, error: &reqwest::Error) -> BackendError {
        let mut cause: &dyn std::error::Error = error;
        while let Some(source) = cause.source() {
            cause = source;
        }
        BackendError::Unavailable(format!("no answer from the server at {} ({cause})", self.shown()))
    }

    /// The server's address as people write it.
    pub(crate) fn shown(&self) -> &str {
        self.base.as_str().trim_end_matches('/').trim_end_matches(PATH)
    }
}

fn headers(key: Option<&str>) -> Result<HeaderMap, BackendError> {
    let mut headers = HeaderMap::new();
    headers.insert(HeaderName::from_static(PROTOCOL_HEADER), HeaderValue::from_static(PROTOCOL));
    if let Some(key) = key {
        let mut value = HeaderValue::try_from(format!("Bearer {key}")).map_err(|_| {
            BackendError::Unusable("UPNEXT_API_KEY holds characters that no HTTP header may hold".to_owned())
        })?;
        value.set_sensitive(true);
        headers.insert(AUTHORIZATION, value);
    }
    Ok(headers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_checked_and_the_key_never_shown() {
        let connection = Connection::new("http://host:8080/upnext/", Some("hunter2")).unwrap();
        assert_eq!(connection.shown(), "http://host:8080/upnext");
        assert_eq!(connection.base.as_str(), "http://host:8080/upnext/api/v1/backend/");
        assert!(!format!("{connection:?}").contains("hunter2"));
        for wrong in ["host:8080", "ftp://host", "http://user:hunter2@host"] {
            let error = Connection::new(wrong, None).unwrap_err().to_string();
            assert!(
                error.starts_with("UPNEXT_URL is not the address") && !error.contains("hunter2"),
                "{error}"
            );
        }
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_unavailable() {
        // Nobody listens on the discard port.
        let connection = Connection::new("http://127.0.0.1:9", None).unwrap();
        let error =
            connection.request(Method::GET, "about").send().await.map_err(|error| connection.lost(&error));
        let error = error.unwrap_err();
        assert!(error.retryable() && error.to_string().contains("http://127.0.0.1:9"), "{error}");
    }
}
