//! Blobs as objects in a bucket, whichever of the three services keeps it.
//!
//! One key is one digest, so writing a key again can only write the same bytes: it renews the object's age, by which
//! sweepers go, and replaces an object that was damaged. That is why no write says `If-None-Match`.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt as _};
use object_store::path::Path;
use object_store::signer::Signer;
use object_store::{
    BackoffConfig, ClientOptions, GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt as _,
    RetryConfig,
};
use upnext_core::artifact::Digest;
use upnext_core::settings::{BucketSettings, ServiceSettings};

use crate::abandoned::Unfinished;
use crate::error::BlobError;
use crate::local::Removal;
use crate::place::{Place, code_of, is_bucket_missing};
use crate::reading::{ByteStream, Check, checked};
use crate::staged::{Content, Staged};
use crate::upload::{PART, Source};
use crate::vars::Vars;
use crate::{azure, gcs, s3};

/// The storage in a bucket. Cheap to clone.
#[derive(Clone)]
pub(crate) struct BucketStorage {
    pub(crate) store: Arc<dyn ObjectStore>,
    /// Signs addresses; `None` when the credentials cannot.
    pub(crate) signer: Option<Arc<dyn Signer>>,
    /// Finds uploads that nobody finished; `None` where the service forgets them by itself, or by a rule.
    pub(crate) unfinished: Option<Arc<Unfinished>>,
    pub(crate) place: Place,
    pub(crate) prefix: String,
}

impl fmt::Debug for BucketStorage {
    /// The client knows secrets: it is left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BucketStorage")
            .field("place", &self.place)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

impl BucketStorage {
    /// `vars` are the environment with credentials and the like; the settings win over them.
    pub(crate) fn open(settings: &BucketSettings, vars: &Vars) -> Result<Self, BlobError> {
        // A program that brought its own provider keeps it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        match &settings.service {
            ServiceSettings::S3(service) => s3::open(settings, service, vars),
            ServiceSettings::Gcs => gcs::open(settings, vars),
            ServiceSettings::Azure { account } => azure::open(settings, account.as_deref(), vars),
        }
    }

    pub(crate) fn path(&self, sha256: Digest) -> Path {
        Path::from(format!("{}/{}", self.prefix, sha256.storage_key()))
    }

    pub(crate) async fn put(&self, sha256: Digest, bytes: Bytes) -> Result<(), BlobError> {
        let path = self.path(sha256);
        if bytes.len() as u64 > PART {
            let size = bytes.len() as u64;
            return self.upload(&path, size, Source::Memory(bytes)).await;
        }
        self.store.put(&path, bytes.into()).await.map_err(|error| self.place.write_error(&error))?;
        Ok(())
    }

    pub(crate) async fn commit(&self, staged: &mut Staged) -> Result<(), BlobError> {
        let (sha256, size) = (staged.sha256(), staged.size());
        let mut source = match &mut staged.content {
            Content::Memory(bytes) => return self.put(sha256, bytes.clone()).await,
            Content::File(temp) => Source::File(temp.rewound()?),
        };
        if size <= PART {
            // One request instead of the three that parts take.
            return self.put(sha256, source.next(size).await?).await;
        }
        self.upload(&self.path(sha256), size, source).await
    }

    /// True when the blob was stored within `age`.
    pub(crate) async fn is_younger_than(&self, sha256: Digest, age: Duration) -> Result<bool, BlobError> {
        Ok(self.head(sha256).await?.is_some_and(|meta| !is_older(&meta, age)))
    }

    pub(crate) async fn read(
        &self,
        sha256: Digest,
        range: Option<Range<u64>>,
    ) -> Result<ByteStream, BlobError> {
        if range.as_ref().is_some_and(Range::is_empty) {
            let found = self.head(sha256).await?;
            return found.map(|_| futures::stream::empty().boxed()).ok_or(BlobError::Missing(sha256));
        }
        let options = GetOptions { range: range.clone().map(GetRange::Bounded), ..GetOptions::default() };
        let got = self.store.get_opts(&self.path(sha256), options).await;
        let got = got.map_err(|error| self.read_error(sha256, &error))?;
        let check = match range {
            Some(range) => Check::new(sha256, range.end - range.start, false),
            None => Check::new(sha256, got.meta.size, true),
        };
        let place = self.place.clone();
        let bytes = got.into_stream().map(move |piece| piece.map_err(|error| place.broken("read", &error)));
        Ok(checked(bytes.boxed(), check))
    }

    async fn head(&self, sha256: Digest) -> Result<Option<ObjectMeta>, BlobError> {
        match self.store.head(&self.path(sha256)).await {
            Ok(meta) => Ok(Some(meta)),
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(self.read_error(sha256, &error)),
        }
    }

    pub(crate) async fn size(&self, sha256: Digest) -> Result<Option<u64>, BlobError> {
        Ok(self.head(sha256).await?.map(|meta| meta.size))
    }

    pub(crate) async fn delete(&self, sha256: Digest) -> Result<(), BlobError> {
        self.remove(&self.path(sha256)).await.map(drop)
    }

    /// Removes an object; false when there was none.
    pub(crate) async fn remove(&self, path: &Path) -> Result<bool, BlobError> {
        match self.store.delete(path).await {
            Ok(()) => Ok(true),
            Err(object_store::Error::NotFound { .. }) => Ok(false),
            Err(error) => Err(self.place.broken("delete from", &error)),
        }
    }

    pub(crate) async fn delete_if_older_than(
        &self,
        sha256: Digest,
        age: Duration,
    ) -> Result<Removal, BlobError> {
        if self.is_younger_than(sha256, age).await? {
            return Ok(Removal::Kept);
        }
        self.delete(sha256).await.map(|()| Removal::Gone)
    }

    pub(crate) fn list_older_than(&self, age: Duration) -> BoxStream<'static, Result<Digest, BlobError>> {
        let storage = self.clone();
        let blobs = Path::from(format!("{}/sha256", self.prefix));
        self.store
            .list(Some(&blobs))
            .filter_map(move |listed| {
                let found = match listed {
                    Ok(meta) => storage.blob_of(&meta, age).map(Ok),
                    Err(error) => Some(Err(storage.place.broken("list", &error))),
                };
                async move { found }
            })
            .boxed()
    }

    /// The blob that this object is, if it is one and old enough.
    fn blob_of(&self, meta: &ObjectMeta, age: Duration) -> Option<Digest> {
        let sha256 = meta.location.filename()?.parse::<Digest>().ok()?;
        (self.path(sha256) == meta.location && is_older(meta, age)).then_some(sha256)
    }

    /// Fails when the bucket cannot be reached.
    pub(crate) async fn check(&self) -> Result<(), BlobError> {
        let nothing = Path::from(format!("{}/check", self.prefix));
        match self.store.list(Some(&nothing)).next().await {
            None | Some(Ok(_)) => Ok(()),
            Some(Err(error)) => Err(self.place.write_error(&error)),
        }
    }

    fn read_error(&self, sha256: Digest, error: &object_store::Error) -> BlobError {
        match error {
            error if is_bucket_missing(error) => self.place.no_such_bucket(),
            object_store::Error::NotFound { .. } => BlobError::Missing(sha256),
            // The part lies beyond the end: the object is shorter than what was stored.
            error if code_of(error) == "InvalidRange" => BlobError::Damaged(sha256),
            error => self.place.broken("read", error),
        }
    }
}

/// Enough to ride out a hiccup; a longer failure is the caller's to retry.
pub(crate) fn retries() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig { init_backoff: Duration::from_millis(100), ..BackoffConfig::default() },
        max_retries: 4,
        retry_timeout: Duration::from_secs(30),
    }
}

/// No limit to a transfer as long as something moves; plain HTTP for an address that says so.
pub(crate) fn client_options(endpoint: Option<&str>) -> ClientOptions {
    ClientOptions::new()
        .with_timeout_disabled()
        .with_read_timeout(Duration::from_secs(60))
        .with_connect_timeout(Duration::from_secs(5))
        .with_allow_http(endpoint.is_some_and(|url| url.starts_with("http://")))
}

pub(crate) fn is_older(meta: &ObjectMeta, age: Duration) -> bool {
    let elapsed = std::time::SystemTime::now().duration_since(meta.last_modified.into());
    elapsed.is_ok_and(|elapsed| elapsed >= age)
}
