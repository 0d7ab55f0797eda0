//! Blobs as objects in a bucket: AWS S3, or any service that speaks its protocol.
//!
//! Every request that carries bytes also carries their SHA-256, which the service checks before it stores them. Errors
//! name the bucket and the service's error code, never a request or a key.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{BoxStream, StreamExt as _};
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, Checksum};
use object_store::path::Path;
use object_store::{
    BackoffConfig, ClientOptions, GetOptions, GetRange, ObjectMeta, ObjectStore, ObjectStoreExt as _,
    RetryConfig,
};
use upnext_core::artifact::Digest;

use crate::error::BlobError;
use crate::local::Removal;
use crate::reading::{ByteStream, Check, checked};
use crate::staged::{Content, Staged};
use crate::upload::{PART, Source};

/// Where an S3 storage is, as the settings name it.
pub(crate) struct S3Location<'a> {
    pub(crate) bucket: &'a str,
    pub(crate) prefix: &'a str,
    pub(crate) region: Option<&'a str>,
    pub(crate) endpoint_url: Option<&'a str>,
}

/// The S3 storage.
pub(crate) struct S3Storage {
    pub(crate) store: Arc<AmazonS3>,
    pub(crate) prefix: String,
    pub(crate) bucket: String,
}

impl fmt::Debug for S3Storage {
    /// The client knows secrets: it is left out.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("S3Storage")
            .field("bucket", &self.bucket)
            .field("prefix", &self.prefix)
            .finish_non_exhaustive()
    }
}

impl S3Storage {
    /// `vars` are the `AWS_*` variables with credentials and the like; the location wins over them.
    pub(crate) fn open(
        location: &S3Location<'_>,
        vars: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, BlobError> {
        // A program that brought its own provider keeps it.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = AmazonS3Builder::new();
        for (name, value) in vars {
            if name.starts_with("AWS_")
                && let Ok(key) = name.to_ascii_lowercase().parse::<AmazonS3ConfigKey>()
            {
                builder = builder.with_config(key, value);
            }
        }
        builder = builder
            .with_bucket_name(location.bucket)
            .with_checksum_algorithm(Checksum::SHA256)
            .with_disable_bulk_delete(true)
            .with_retry(retries());
        if let Some(region) = location.region {
            builder = builder.with_region(region);
        }
        let mut options = ClientOptions::new()
            .with_timeout_disabled()
            .with_read_timeout(Duration::from_secs(60))
            .with_connect_timeout(Duration::from_secs(5));
        if let Some(url) = location.endpoint_url {
            builder = builder
                .with_config(AmazonS3ConfigKey::S3Endpoint, url)
                .with_endpoint(url)
                .with_virtual_hosted_style_request(false);
            options = options.with_allow_http(url.starts_with("http://"));
        }
        let store = builder.with_client_options(options).build().map_err(|error| {
            BlobError::Unusable(format!(
                "the artifact storage in the S3 bucket '{}' cannot be used as configured: {error}",
                location.bucket
            ))
        })?;
        Ok(Self {
            store: Arc::new(store),
            prefix: location.prefix.trim_matches('/').to_owned(),
            bucket: location.bucket.to_owned(),
        })
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
        self.store.put(&path, bytes.into()).await.map_err(|error| self.write_error(&error))?;
        Ok(())
    }

    pub(crate) async fn commit(&self, staged: &mut Staged) -> Result<(), BlobError> {
        let (sha256, size) = (staged.sha256(), staged.size());
        let source = match &mut staged.content {
            Content::Memory(bytes) => return self.put(sha256, bytes.clone()).await,
            Content::File(temp) => Source::File(temp.rewound()?),
        };
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
        let bucket = self.bucket.clone();
        let bytes =
            got.into_stream().map(move |piece| piece.map_err(|error| broken(&bucket, "read", &error)));
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
        match self.store.delete(&self.path(sha256)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(broken(&self.bucket, "delete from", &error)),
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
        let storage =
            Self { store: Arc::clone(&self.store), prefix: self.prefix.clone(), bucket: self.bucket.clone() };
        let blobs = Path::from(format!("{}/sha256", self.prefix));
        self.store
            .list(Some(&blobs))
            .filter_map(move |listed| {
                let found = match listed {
                    Ok(meta) => storage.blob_of(&meta, age).map(Ok),
                    Err(error) => Some(Err(broken(&storage.bucket, "list", &error))),
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
            Some(Err(error)) => Err(self.write_error(&error)),
        }
    }

    fn read_error(&self, sha256: Digest, error: &object_store::Error) -> BlobError {
        match error {
            object_store::Error::NotFound { .. } => BlobError::Missing(sha256),
            // The part lies beyond the end: the object is shorter than what was stored.
            error if status_and_code(error) == "InvalidRange" => BlobError::Damaged(sha256),
            error => broken(&self.bucket, "read", error),
        }
    }

    /// What a failed request means that needs no object to be there.
    pub(crate) fn write_error(&self, error: &object_store::Error) -> BlobError {
        if matches!(error, object_store::Error::NotFound { .. }) {
            return BlobError::Unusable(format!(
                "the S3 bucket '{}' does not exist: create it, or set UPNEXT_ARTIFACT_STORAGE_S3_BUCKET, \
                 _S3_REGION and _S3_ENDPOINT_URL to the right one",
                self.bucket
            ));
        }
        broken(&self.bucket, "write to", error)
    }
}

/// Enough to ride out a hiccup; a longer failure is the caller's to retry.
fn retries() -> RetryConfig {
    RetryConfig {
        backoff: BackoffConfig { init_backoff: Duration::from_millis(100), ..BackoffConfig::default() },
        max_retries: 4,
        retry_timeout: Duration::from_secs(30),
    }
}

pub(crate) fn is_older(meta: &ObjectMeta, age: Duration) -> bool {
    let elapsed = std::time::SystemTime::now().duration_since(meta.last_modified.into());
    elapsed.is_ok_and(|elapsed| elapsed >= age)
}

/// What a failed request means, wherever an object that is not there would be no failure.
pub(crate) fn broken(bucket: &str, action: &str, error: &object_store::Error) -> BlobError {
    let reason = status_and_code(error);
    match error {
        _ if is_denied(error, &reason) => BlobError::Unusable(format!(
            "the S3 service does not allow UpNext to {action} the bucket '{bucket}' ({reason}): check \
                 AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or the role) and what they may do"
        )),
        _ if ["XMinioStorageFull", "QuotaExceeded", "507"].iter().any(|full| reason.contains(full)) => {
            BlobError::Full(format!("the S3 bucket '{bucket}' takes no more ({reason})"))
        }
        _ => BlobError::Unavailable(format!("cannot {action} the S3 bucket '{bucket}' ({reason})")),
    }
}

/// True when nothing but other keys or rights will help.
fn is_denied(error: &object_store::Error, reason: &str) -> bool {
    let denied =
        ["AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken"];
    matches!(
        error,
        object_store::Error::PermissionDenied { .. } | object_store::Error::Unauthenticated { .. }
    ) || denied.contains(&reason)
}

/// The error in few words: the service's answer may hold signatures and key ids, and is cut down to its code.
pub(crate) fn status_and_code(error: &object_store::Error) -> String {
    let text = error.to_string();
    if let Some((_, rest)) = text.split_once("<Code>")
        && let Some((code, _)) = rest.split_once("</Code>")
    {
        return code.chars().take(60).collect();
    }
    // The innermost cause that is no answer of the service says what is wrong with the connection.
    let mut cause: &dyn std::error::Error = error;
    while let Some(source) = cause.source() {
        cause = source;
    }
    let cause = cause.to_string();
    let line = cause.split(['<', '\n']).next().unwrap_or_default().trim_end_matches([':', ' ']);
    line.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn open(vars: &[(&str, &str)], endpoint_url: Option<&str>) -> Result<S3Storage, BlobError> {
        let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let location = S3Location { bucket: "b", prefix: "/p/q/", region: None, endpoint_url };
        S3Storage::open(&location, vars)
    }

    #[test]
    fn secrets_are_in_no_debug_output() {
        let vars = [("AWS_ACCESS_KEY_ID", "AKIA123"), ("AWS_SECRET_ACCESS_KEY", "hunter2")];
        let storage = open(&vars, None).unwrap();
        let text = format!("{storage:?}");
        assert!(!text.contains("hunter2") && !text.contains("AKIA123"), "{text}");
        assert!(storage.path(Digest::from_bytes([1; 32])).as_ref().starts_with("p/q/sha256/01/01/"));
    }

    #[test]
    fn an_answer_is_cut_down_to_its_code() {
        let body = "<Error><Code>SignatureDoesNotMatch</Code><AWSAccessKeyId>AKIA</AWSAccessKeyId></Error>";
        let error = object_store::Error::PermissionDenied { path: "x".into(), source: body.into() };
        let sentence = broken("b", "write to", &error).to_string();
        assert!(sentence.contains("(SignatureDoesNotMatch)") && !sentence.contains("AKIA"), "{sentence}");
    }

    #[test]
    fn nothing_found_where_nothing_is_looked_for_means_no_bucket() {
        let error = object_store::Error::NotFound { path: "x".into(), source: "404".into() };
        let error = open(&[], None).unwrap().write_error(&error);
        assert!(matches!(error, BlobError::Unusable(_)), "{error:?}");
        assert!(error.to_string().starts_with("the S3 bucket 'b' does not exist: create it"), "{error}");
    }

    #[tokio::test]
    async fn an_endpoint_without_a_service_is_unavailable() {
        // Nobody listens on the discard port.
        let vars = [("AWS_ACCESS_KEY_ID", "a"), ("AWS_SECRET_ACCESS_KEY", "b")];
        let storage = open(&vars, Some("http://127.0.0.1:9")).unwrap();
        let error = storage.check().await.unwrap_err();
        assert!(matches!(&error, BlobError::Unavailable(_)) && error.retryable(), "{error}");
        assert!(error.to_string().contains("bucket 'b'"), "{error}");
    }
}
