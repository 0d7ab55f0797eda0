//! Addresses in a bucket that work for a while without a key, and what arrives through them.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures::StreamExt as _;
use http::{HeaderName, HeaderValue, Method};
use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use object_store::signer::SignedUrlOptions;
use upnext_core::artifact::Digest;

use crate::bucket::BucketStorage;
use crate::error::BlobError;
use crate::place::Service;
use crate::reading::ByteStream;

/// Binds the digest of the bytes into an address of S3: the service takes no others.
const CHECKSUM: HeaderName = HeaderName::from_static("x-amz-checksum-sha256");

/// Where the bytes of a blob are taken by one PUT without a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadAddress {
    /// The address.
    pub url: String,
    /// Headers that the request must have, by name.
    pub headers: Vec<(String, String)>,
}

impl BucketStorage {
    pub(crate) async fn download_url(
        &self,
        sha256: Digest,
        valid: Duration,
    ) -> Result<Option<String>, BlobError> {
        self.signed(Method::GET, &self.path(sha256), valid, &SignedUrlOptions::default()).await
    }

    pub(crate) async fn blob_upload_url(
        &self,
        sha256: Digest,
        valid: Duration,
    ) -> Result<Option<UploadAddress>, BlobError> {
        let mut options = SignedUrlOptions::default();
        let headers = match self.place.service {
            Service::S3 => {
                let checksum = STANDARD.encode(sha256.as_bytes());
                if let Ok(value) = HeaderValue::from_str(&checksum) {
                    options = options.with_signed_header(CHECKSUM, value);
                }
                vec![(CHECKSUM.to_string(), checksum)]
            }
            Service::Gcs => Vec::new(),
            // Azure knows several kinds of blobs and wants to be told.
            Service::Azure => vec![("x-ms-blob-type".to_owned(), "BlockBlob".to_owned())],
        };
        let url = self.signed(Method::PUT, &self.path(sha256), valid, &options).await?;
        Ok(url.map(|url| UploadAddress { url, headers }))
    }

    /// Whether whoever has no key can put bytes by a plain PUT. Azure would ask for a header.
    pub(crate) fn has_addresses(&self) -> bool {
        self.signer.is_some() && self.place.service != Service::Azure
    }

    pub(crate) async fn upload_url(&self, name: &str, valid: Duration) -> Result<Option<String>, BlobError> {
        if !self.has_addresses() {
            return Ok(None);
        }
        self.signed(Method::PUT, &self.handed_in(name), valid, &SignedUrlOptions::default()).await
    }

    async fn signed(
        &self,
        method: Method,
        path: &Path,
        valid: Duration,
        options: &SignedUrlOptions,
    ) -> Result<Option<String>, BlobError> {
        let Some(signer) = &self.signer else { return Ok(None) };
        let signed = signer.signed_url_opts(method, path, valid, options).await;
        signed.map(|url| Some(url.into())).map_err(|error| self.place.broken("sign an address in", &error))
    }

    pub(crate) async fn read_handed_in(&self, name: &str) -> Result<Option<ByteStream>, BlobError> {
        let place = self.place.clone();
        match self.store.get(&self.handed_in(name)).await {
            Ok(got) => {
                let pieces =
                    got.into_stream().map(move |piece| piece.map_err(|error| place.broken("read", &error)));
                Ok(Some(pieces.boxed()))
            }
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.place.broken("read", &error)),
        }
    }

    pub(crate) async fn forget_handed_in(&self, name: &str) -> Result<(), BlobError> {
        self.remove(&self.handed_in(name)).await.map(drop)
    }

    /// Not below `sha256/`: these bytes are nobody's yet.
    pub(crate) fn incoming(&self) -> Path {
        Path::from(format!("{}/incoming", self.prefix))
    }

    fn handed_in(&self, name: &str) -> Path {
        Path::from(format!("{}/{name}", self.incoming()))
    }
}
