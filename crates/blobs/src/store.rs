//! [`BlobStore`]: one face for all storages.

use std::fs::File;
use std::io::{self, Read};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, BoxStream, Stream, StreamExt as _, TryStreamExt as _};
use upnext_core::artifact::{Digest, StorageName};
use upnext_core::settings::StorageSettings;

use crate::bucket::BucketStorage;
use crate::elsewhere::{self, Carrier};
use crate::error::{BlobError, StageError};
use crate::local::{LocalStorage, Removal};
use crate::reading::{ByteStream, read_local};
use crate::signed::UploadAddress;
use crate::staged::{Limits, Staged, StoredBlob};
use crate::vars::Vars;

/// Where blobs are kept. Cheap to clone.
///
/// ```
/// # use upnext_blobs::{BlobStore, Limits};
/// # use upnext_core::settings::StorageSettings;
/// # use futures::TryStreamExt as _;
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// # let folder = tempfile::tempdir().unwrap();
/// let blobs = BlobStore::open(&StorageSettings::Local { root: folder.path().join("artifacts") })?;
/// let stored = blobs.put_reader(std::io::repeat(7).take(1_000_000), 1 << 20).await?;
/// let pieces: Vec<_> = blobs.read(stored.sha256, Some(10..20)).await?.try_collect().await?;
/// assert_eq!(pieces.concat(), [7; 10]);
/// # use std::io::Read as _;
/// # Ok::<(), upnext_blobs::StageError>(())
/// # }).unwrap();
/// ```
#[derive(Debug, Clone)]
pub struct BlobStore {
    pub(crate) storage: Storage,
}

#[derive(Debug, Clone)]
pub(crate) enum Storage {
    Local(Arc<LocalStorage>),
    Bucket(Arc<BucketStorage>),
    Elsewhere(Arc<dyn Carrier>),
}

impl BlobStore {
    /// The storage these settings name. The credentials of a bucket come from the usual places of its service: for S3
    /// `AWS_*` variables, the files in `~/.aws`, or the machine's role. Makes the folder of a local storage; does not reach
    /// out to a remote one: see [`check`](Self::check).
    ///
    /// # Errors
    /// [`BlobError::Unusable`] when it cannot be used as configured.
    pub fn open(settings: &StorageSettings) -> Result<Self, BlobError> {
        let vars = std::env::vars_os()
            .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)));
        Self::open_with_vars(settings, vars)
    }

    /// As [`open`](Self::open), with variables from anywhere.
    ///
    /// # Errors
    /// [`BlobError::Unusable`] when it cannot be used as configured.
    pub fn open_with_vars(
        settings: &StorageSettings,
        vars: impl IntoIterator<Item = (String, String)>,
    ) -> Result<Self, BlobError> {
        let storage = match settings {
            StorageSettings::Local { root } => Storage::Local(Arc::new(LocalStorage::open(root)?)),
            StorageSettings::Bucket(bucket) => {
                Storage::Bucket(Arc::new(BucketStorage::open(bucket, &vars.into_iter().collect::<Vars>())?))
            }
        };
        Ok(Self { storage })
    }

    /// A storage that this process reaches through somebody else.
    #[must_use]
    pub fn elsewhere(carrier: Arc<dyn Carrier>) -> Self {
        Self { storage: Storage::Elsewhere(carrier) }
    }

    /// `local`, `s3`, `gcs` or `azure`.
    #[must_use]
    pub fn storage(&self) -> StorageName {
        match &self.storage {
            Storage::Local(_) => "local",
            Storage::Bucket(bucket) => bucket.place.service.name(),
            Storage::Elsewhere(carrier) => carrier.storage(),
        }
    }

    /// How long a sweeper has to wait after the last removal before it says that the blobs are gone. A removal on disk
    /// cannot cross a write; in a bucket it can, and this outlasts it.
    #[must_use]
    pub const fn settle_time(&self) -> Duration {
        match self.storage {
            Storage::Local(_) => Duration::ZERO,
            Storage::Bucket(_) | Storage::Elsewhere(_) => Duration::from_secs(2),
        }
    }

    /// Stores staged bytes: when this returns, they are durable and can be read. May be called again for the same
    /// ones, to make sure of them. A storage that cannot be reached is asked again for a few seconds.
    ///
    /// # Errors
    /// When the storage fails.
    pub async fn commit(&self, staged: Staged) -> Result<Staged, BlobError> {
        let mut staged = staged;
        for wait in RETRY_AFTER {
            let (kept, outcome) = self.commit_once(staged).await?;
            match outcome {
                Err(error @ BlobError::Unavailable(_)) => {
                    tracing::warn!(%error, "storing an artifact failed; trying again in {wait:?}");
                    staged = kept;
                }
                outcome => return outcome.map(|()| kept),
            }
            tokio::time::sleep(wait).await;
        }
        let (kept, outcome) = self.commit_once(staged).await?;
        outcome.map(|()| kept)
    }

    /// The outer error means that the staged bytes are lost.
    async fn commit_once(&self, mut staged: Staged) -> Result<(Staged, Result<(), BlobError>), BlobError> {
        match &self.storage {
            Storage::Local(local) => {
                let local = Arc::clone(local);
                blocking(move || {
                    let outcome = local.commit(&mut staged);
                    Ok((staged, outcome))
                })
                .await
            }
            Storage::Bucket(bucket) => {
                let outcome = bucket.commit(&mut staged).await;
                Ok((staged, outcome))
            }
            Storage::Elsewhere(carrier) => {
                let outcome = elsewhere::commit(carrier.as_ref(), &mut staged).await;
                Ok((staged, outcome))
            }
        }
    }

    /// As [`commit`](Self::commit), for bytes that were committed already and may have been removed since.
    ///
    /// # Errors
    /// When the storage fails.
    pub async fn commit_again(&self, staged: Staged) -> Result<Staged, BlobError> {
        if let Storage::Bucket(bucket) = &self.storage
            && bucket.is_younger_than(staged.sha256(), REUSE_WITHIN).await?
        {
            return Ok(staged);
        }
        self.commit(staged).await
    }

    /// Stores bytes that are in memory under their digest.
    ///
    /// # Errors
    /// When the storage fails.
    pub async fn put(&self, sha256: Digest, bytes: Bytes) -> Result<(), BlobError> {
        match &self.storage {
            Storage::Local(local) => {
                let local = Arc::clone(local);
                blocking(move || local.put(sha256, &bytes)).await
            }
            Storage::Bucket(bucket) => bucket.put(sha256, bytes).await,
            Storage::Elsewhere(carrier) => {
                let size = bytes.len() as u64;
                carrier.put(sha256, size, stream::iter([Ok(bytes)]).boxed()).await
            }
        }
    }

    /// Stores what a blocking reader gives, at most `limit` bytes.
    ///
    /// # Errors
    /// When there is too much, or the source or the storage fails.
    pub async fn put_reader(
        &self,
        source: impl Read + Send + 'static,
        limit: u64,
    ) -> Result<StoredBlob, StageError> {
        self.store(self.stage_reader(source, Limits::up_to(limit)).await?).await
    }

    /// Stores a file of at most `limit` bytes.
    ///
    /// # Errors
    /// When it is too large, or it or the storage fails.
    pub async fn put_path(&self, path: impl AsRef<Path>, limit: u64) -> Result<StoredBlob, StageError> {
        self.store(self.stage_path(path, Limits::up_to(limit)).await?).await
    }

    /// Stores what a stream gives, at most `limit` bytes.
    ///
    /// # Errors
    /// When there is too much, or the source or the storage fails.
    pub async fn put_stream(
        &self,
        source: impl Stream<Item = io::Result<Bytes>> + Send,
        limit: u64,
    ) -> Result<StoredBlob, StageError> {
        self.store(self.stage_stream(source, Limits::up_to(limit)).await?).await
    }

    async fn store(&self, staged: Staged) -> Result<StoredBlob, StageError> {
        let staged = self.commit(staged).await?;
        Ok(StoredBlob { sha256: staged.sha256(), size: staged.size() })
    }

    /// The bytes of a blob, or the part `range` of them. A whole blob is checked against its digest on the way: a
    /// damaged one ends with [`BlobError::Damaged`] instead of its last piece.
    ///
    /// # Errors
    /// [`BlobError::Missing`] when there is no such blob.
    pub async fn read(&self, sha256: Digest, range: Option<Range<u64>>) -> Result<ByteStream, BlobError> {
        match &self.storage {
            Storage::Local(local) => read_local(local, sha256, range).await,
            Storage::Bucket(bucket) => bucket.read(sha256, range).await,
            Storage::Elsewhere(carrier) => elsewhere::read(carrier.as_ref(), sha256, range).await,
        }
    }

    /// The file that holds a blob, for whoever has to move about in it; `None` when the storage has no files. What is read
    /// from it is not checked against the digest.
    ///
    /// # Errors
    /// [`BlobError::Missing`] when there is no such blob.
    pub async fn open_file(&self, sha256: Digest) -> Result<Option<File>, BlobError> {
        match &self.storage {
            Storage::Local(local) => {
                let local = Arc::clone(local);
                blocking(move || Ok(Some(local.open_blob(sha256, 0)?.0))).await
            }
            Storage::Bucket(_) | Storage::Elsewhere(_) => Ok(None),
        }
    }

    /// Length of a blob, if it is there.
    ///
    /// # Errors
    /// When the storage fails.
    pub async fn size(&self, sha256: Digest) -> Result<Option<u64>, BlobError> {
        match &self.storage {
            Storage::Local(local) => {
                let local = Arc::clone(local);
                blocking(move || local.size(sha256)).await
            }
            Storage::Bucket(bucket) => bucket.size(sha256).await,
            Storage::Elsewhere(carrier) => carrier.size(sha256).await,
        }
    }

    /// Whether a blob is there.
    ///
    /// # Errors
    /// When the storage fails.
    pub async fn exists(&self, sha256: Digest) -> Result<bool, BlobError> {
        Ok(self.size(sha256).await?.is_some())
    }

    /// Removes a blob, whoever needs it. One that is not there counts as removed.
    ///
    /// # Errors
    /// When the storage fails.
    pub async fn delete(&self, sha256: Digest) -> Result<(), BlobError> {
        match &self.storage {
            Storage::Local(local) => {
                let local = Arc::clone(local);
                blocking(move || local.delete(sha256)).await
            }
            Storage::Bucket(bucket) => bucket.delete(sha256).await,
            Storage::Elsewhere(_) => Err(elsewhere::not_from_here("delete from")),
        }
    }

    /// Takes a damaged blob out of the way, so that storing the same bytes again writes them anew. In a bucket that
    /// happens by itself.
    ///
    /// # Errors
    /// When the storage fails.
    pub async fn set_aside(&self, sha256: Digest) -> Result<(), BlobError> {
        match &self.storage {
            Storage::Local(local) => {
                let local = Arc::clone(local);
                blocking(move || local.set_aside(sha256)).await
            }
            Storage::Bucket(_) => Ok(()),
            Storage::Elsewhere(carrier) => carrier.set_aside(sha256).await,
        }
    }

    /// Whether blobs and handed-in bytes have addresses that work without a key: see
    /// [`download_url`](Self::download_url) and [`upload_url`](Self::upload_url).
    #[must_use]
    pub fn has_addresses(&self) -> bool {
        matches!(&self.storage, Storage::Bucket(bucket) if bucket.has_addresses())
    }

    /// An address from which whoever has it can fetch a blob for a while without any key; `None` for a storage that has
    /// no addresses.
    ///
    /// # Errors
    /// When the address cannot be signed.
    pub async fn download_url(&self, sha256: Digest, valid: Duration) -> Result<Option<String>, BlobError> {
        match &self.storage {
            Storage::Local(_) | Storage::Elsewhere(_) => Ok(None),
            Storage::Bucket(bucket) => bucket.download_url(sha256, valid).await,
        }
    }

    /// An address to which whoever has it can put bytes for a while without any key, under a name of the caller's; `None`
    /// for a storage that has no addresses. See [`read_handed_in`](Self::read_handed_in).
    ///
    /// # Errors
    /// When the address cannot be signed.
    pub async fn upload_url(&self, name: &str, valid: Duration) -> Result<Option<String>, BlobError> {
        match &self.storage {
            Storage::Local(_) | Storage::Elsewhere(_) => Ok(None),
            Storage::Bucket(bucket) => bucket.upload_url(name, valid).await,
        }
    }

    /// An address to which whoever has it can put this very blob for a while without any key; `None` for a storage that has
    /// no addresses. S3 takes nothing but the bytes of that digest there; elsewhere only whoever reads them checks.
    ///
    /// # Errors
    /// When the address cannot be signed.
    pub async fn blob_upload_url(
        &self,
        sha256: Digest,
        valid: Duration,
    ) -> Result<Option<UploadAddress>, BlobError> {
        match &self.storage {
            Storage::Local(_) | Storage::Elsewhere(_) => Ok(None),
            Storage::Bucket(bucket) => bucket.blob_upload_url(sha256, valid).await,
        }
    }

    /// The bytes that were put to an [`upload_url`](Self::upload_url); `None` when there are none.
    ///
    /// # Errors
    /// When the storage fails.
    pub async fn read_handed_in(&self, name: &str) -> Result<Option<ByteStream>, BlobError> {
        match &self.storage {
            Storage::Local(_) | Storage::Elsewhere(_) => Ok(None),
            Storage::Bucket(bucket) => bucket.read_handed_in(name).await,
        }
    }

    /// Removes the bytes that were put to an [`upload_url`](Self::upload_url).
    ///
    /// # Errors
    /// When the storage fails.
    pub async fn forget_handed_in(&self, name: &str) -> Result<(), BlobError> {
        match &self.storage {
            Storage::Local(_) | Storage::Elsewhere(_) => Ok(()),
            Storage::Bucket(bucket) => bucket.forget_handed_in(name).await,
        }
    }

    /// Removes a blob unless it was stored (again) within `age`.
    ///
    /// # Errors
    /// When the storage fails.
    pub async fn delete_if_older_than(&self, sha256: Digest, age: Duration) -> Result<Removal, BlobError> {
        match &self.storage {
            Storage::Local(local) => {
                let local = Arc::clone(local);
                blocking(move || local.delete_if_older_than(sha256, age)).await
            }
            Storage::Bucket(bucket) => bucket.delete_if_older_than(sha256, age).await,
            Storage::Elsewhere(_) => Err(elsewhere::not_from_here("delete from")),
        }
    }

    /// Every blob that was last stored at least `age` ago, in no particular order.
    pub fn list_older_than(&self, age: Duration) -> BoxStream<'static, Result<Digest, BlobError>> {
        let local = match &self.storage {
            Storage::Local(local) => Arc::clone(local),
            Storage::Bucket(bucket) => return bucket.list_older_than(age),
            Storage::Elsewhere(_) => return stream::iter([Err(elsewhere::not_from_here("list"))]).boxed(),
        };
        stream::iter(0..=u8::MAX)
            .then(move |first| {
                let local = Arc::clone(&local);
                blocking(move || local.list_older_than(first, age))
            })
            .map_ok(|found| stream::iter(found.into_iter().map(Ok)))
            .try_flatten()
            .boxed()
    }

    /// Removes what crashes and uploads nobody completed left behind that is older than `older_than`, and answers how many
    /// files and uploads that were. Half uploads to GCS are for the bucket's own lifecycle rule, and Azure forgets them after
    /// a week.
    ///
    /// # Errors
    /// When the storage fails.
    pub async fn sweep_temporary(&self, older_than: Duration) -> Result<usize, BlobError> {
        match &self.storage {
            Storage::Local(local) => {
                let local = Arc::clone(local);
                blocking(move || local.sweep_temporary(older_than)).await
            }
            Storage::Bucket(bucket) => bucket.sweep_temporary(older_than).await,
            Storage::Elsewhere(_) => Err(elsewhere::not_from_here("sweep")),
        }
    }

    /// Answers when the storage works: a local one takes a file, a bucket can be reached.
    ///
    /// # Errors
    /// [`BlobError::Full`], [`BlobError::Unavailable`] or [`BlobError::Unusable`].
    pub async fn check(&self) -> Result<(), BlobError> {
        match &self.storage {
            Storage::Local(local) => {
                let local = Arc::clone(local);
                blocking(move || local.check()).await
            }
            Storage::Bucket(bucket) => bucket.check().await,
            Storage::Elsewhere(carrier) => carrier.check().await,
        }
    }
}

/// How long to wait before a storage that could not be reached is asked again.
const RETRY_AFTER: [Duration; 3] =
    [Duration::from_millis(100), Duration::from_millis(400), Duration::from_millis(1600)];

/// An object stored within this time is safe from every sweeper, which leave much older ones alone.
const REUSE_WITHIN: Duration = Duration::from_secs(120);

/// Runs work on files away from the threads that serve everybody.
pub(crate) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, BlobError> + Send + 'static,
) -> Result<T, BlobError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| BlobError::interrupted(&error))?
}
