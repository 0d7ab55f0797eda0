//! Blobs by way of a server: through it, or by an address that it gives straight to and from the storage.

use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use futures::StreamExt as _;
use reqwest::header::{CONTENT_LENGTH, LOCATION, RANGE};
use reqwest::{Body, Client, Method, RequestBuilder, Response, StatusCode};
use serde::{Deserialize, Serialize};
use upnext_blobs::{BlobError, ByteStream, Carrier, Outgoing};
use upnext_core::BackendError;
use upnext_core::artifact::{Digest, StorageName};

use crate::connection::{About, Connection};

/// S3 takes no more in one request: larger blobs go through the server, which sends them in parts.
const MAX_DIRECT: u64 = 5 * 1024 * 1024 * 1024;

/// The storages that a server may have.
const STORAGES: [StorageName; 4] = ["local", "s3", "gcs", "azure"];

/// Where a server wants the bytes of a blob.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Destination {
    /// An address that takes them by one PUT without a key; without it they go through the server.
    pub url: Option<String>,
    /// Headers that this PUT must have.
    #[serde(default)]
    pub headers: Vec<(String, String)>,
}

#[derive(Debug)]
pub(crate) struct RemoteStorage {
    connection: Arc<Connection>,
    /// Knows no key, for addresses that are not the server's.
    direct: Client,
    storage: StorageName,
}

impl RemoteStorage {
    pub(crate) fn new(connection: Arc<Connection>, about: &About) -> Result<Self, BackendError> {
        let storage = STORAGES.into_iter().find(|storage| *storage == about.storage);
        let storage = storage.ok_or_else(|| {
            BackendError::Unusable(format!(
                "the server keeps artifacts in '{}', of which this version knows nothing",
                about.storage
            ))
        })?;
        let direct = connection.elsewhere().map_err(|error| connection.lost(&error))?;
        Ok(Self { connection, direct, storage })
    }

    fn request(&self, method: Method, sha256: Digest) -> RequestBuilder {
        self.connection.request(method, &format!("blobs/{sha256}"))
    }

    async fn send(&self, sha256: Digest, request: RequestBuilder) -> Result<Response, BlobError> {
        let response = request.send().await.map_err(|error| unavailable(&self.connection.lost(&error)))?;
        self.sorted(sha256, response).await
    }

    async fn sorted(&self, sha256: Digest, response: Response) -> Result<Response, BlobError> {
        match response.status() {
            status if status.is_success() => Ok(response),
            StatusCode::NOT_FOUND => Err(BlobError::Missing(sha256)),
            StatusCode::INSUFFICIENT_STORAGE => {
                Err(BlobError::Full("the artifact storage of the server takes no more".to_owned()))
            }
            StatusCode::UNPROCESSABLE_ENTITY | StatusCode::RANGE_NOT_SATISFIABLE => {
                Err(BlobError::Damaged(sha256))
            }
            status if status.is_server_error() => {
                Err(BlobError::Unavailable(format!("the artifact storage answers {status}")))
            }
            status => Err(BlobError::Unusable(format!("the artifact storage answers {status}"))),
        }
    }

    /// The address that the storage itself has for these bytes, if it has one.
    async fn destination(&self, sha256: Digest) -> Result<Destination, BlobError> {
        if self.storage == "local" {
            return Ok(Destination::default());
        }
        let request = self.connection.request(Method::POST, &format!("blobs/{sha256}/destination"));
        let destination: Destination = self
            .send(sha256, request)
            .await?
            .json()
            .await
            .map_err(|error| unavailable(&self.connection.lost(&error)))?;
        Ok(destination)
    }
}

#[async_trait]
impl Carrier for RemoteStorage {
    fn storage(&self) -> StorageName {
        self.storage
    }

    async fn put(&self, sha256: Digest, size: u64, bytes: Outgoing) -> Result<(), BlobError> {
        let direct =
            if size <= MAX_DIRECT { self.destination(sha256).await? } else { Destination::default() };
        let request = match &direct.url {
            Some(url) => {
                let headers = direct.headers.iter();
                headers.fold(self.direct.put(url), |request, (name, value)| request.header(name, value))
            }
            None => self.request(Method::PUT, sha256),
        };
        let request = request.header(CONTENT_LENGTH, size).body(Body::wrap_stream(bytes));
        self.send(sha256, request).await?;
        Ok(())
    }

    async fn read(&self, sha256: Digest, range: Option<Range<u64>>) -> Result<(u64, ByteStream), BlobError> {
        let ranged = |request: RequestBuilder| match &range {
            Some(range) => request.header(RANGE, format!("bytes={}-{}", range.start, range.end - 1)),
            None => request,
        };
        let response = ranged(self.request(Method::GET, sha256)).send().await;
        let response = response.map_err(|error| unavailable(&self.connection.lost(&error)))?;
        let response = match response.headers().get(LOCATION).and_then(|url| url.to_str().ok()) {
            Some(url) if response.status() == StatusCode::TEMPORARY_REDIRECT => {
                let answer = ranged(self.direct.get(url)).send().await;
                answer.map_err(|error| unavailable(&self.connection.lost(&error)))?
            }
            _ => response,
        };
        let response = self.sorted(sha256, response).await?;
        let length = response.content_length().ok_or(BlobError::Damaged(sha256))?;
        let shown = self.connection.shown().to_owned();
        let bytes = response.bytes_stream().map(move |piece| {
            piece.map_err(|_| {
                BlobError::Unavailable(format!("the bytes from the server at {shown} broke off"))
            })
        });
        Ok((length, bytes.boxed()))
    }

    async fn size(&self, sha256: Digest) -> Result<Option<u64>, BlobError> {
        match self.send(sha256, self.request(Method::HEAD, sha256)).await {
            Ok(response) => {
                let length = response.headers().get(CONTENT_LENGTH).and_then(|length| length.to_str().ok());
                Ok(length.and_then(|length| length.parse().ok()))
            }
            Err(BlobError::Missing(_)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn set_aside(&self, sha256: Digest) -> Result<(), BlobError> {
        self.send(sha256, self.request(Method::DELETE, sha256)).await.map(drop)
    }

    async fn check(&self) -> Result<(), BlobError> {
        self.connection.about().await.map(drop).map_err(|error| unavailable(&error))
    }
}

fn unavailable(error: &BackendError) -> BlobError {
    match error {
        BackendError::Unusable(sentence) => BlobError::Unusable(sentence.clone()),
        error => BlobError::Unavailable(error.to_string()),
    }
}
