//! Artifact bytes, addressed by digest, on local disk or S3. (Being written.)

use std::ops::Range;

use bytes::Bytes;
use futures::stream::BoxStream;
use upnext_core::artifact::Digest;
use upnext_core::settings::StorageSettings;

/// Why bytes could not be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// No such blob.
    #[error("the stored bytes {0} are missing")]
    Missing(Digest),
    /// The disk is full.
    #[error("the artifact storage is full: {0}")]
    Full(String),
    /// The storage cannot be reached; may succeed later.
    #[error("the artifact storage is unavailable: {0}")]
    Unavailable(String),
    /// It cannot be used as configured.
    #[error("{0}")]
    Unusable(String),
    /// The source of the bytes failed.
    #[error("the data could not be read: {0}")]
    Source(std::io::Error),
    /// What was read back is not what was stored.
    #[error("the stored bytes {0} are damaged")]
    Damaged(Digest),
}

/// Bytes on their way out.
pub type ByteStream = BoxStream<'static, Result<Bytes, BlobError>>;

/// Where blobs are kept. Cheap to clone.
#[derive(Debug, Clone)]
pub struct BlobStore;

impl BlobStore {
    /// The storage these settings name.
    ///
    /// # Errors
    /// [`BlobError::Unusable`] when it cannot be used as configured.
    pub fn open(settings: &StorageSettings) -> Result<Self, BlobError> {
        let _ = settings;
        Ok(Self)
    }

    /// `local` or `s3`.
    #[must_use]
    pub fn storage(&self) -> &'static str {
        "local"
    }

    /// The bytes of a blob, or the part `range` of them.
    ///
    /// # Errors
    /// [`BlobError::Missing`] when there is no such blob.
    pub async fn read(&self, sha256: Digest, range: Option<Range<u64>>) -> Result<ByteStream, BlobError> {
        let _ = range;
        Err(BlobError::Missing(sha256))
    }
}
