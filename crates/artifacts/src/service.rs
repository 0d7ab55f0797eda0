//! [`ArtifactService`]: makes, lists, reads and deletes artifacts.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::stream::{self, StreamExt as _};
use upnext_blobs::{BlobError, BlobStore, ByteStream, Limits, Staged};
use upnext_core::artifact::{INLINE_STORAGE, NewArtifact, NewBlob, RecordRefusal, validate_name};
use upnext_core::backend::{ArtifactQuery, Page};
use upnext_core::{Artifact, ArtifactId, ArtifactType, Backend, BackendError, Settings};

use crate::error::ArtifactError;
use crate::intake::Intake;
use crate::request::{ArtifactData, CreateArtifact};

/// How often an artifact is recorded again whose bytes are just being swept; about ten seconds in all.
const RECORD_ATTEMPTS: u32 = 15;

/// Makes, lists, reads and deletes artifacts. Cheap to clone.
///
/// ```
/// # use upnext_artifacts::{ArtifactData, ArtifactService, CreateArtifact};
/// # use upnext_core::{JobId, Settings};
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let home = folder.path().display().to_string();
/// # let settings = Settings::from_vars([("UPNEXT_HOME".to_owned(), home)])?.settings;
/// # let backend = upnext_sqlite::open(upnext_sqlite::SqliteOptions::new(settings.database_file())).await?;
/// let blobs = upnext_blobs::BlobStore::open(&settings.artifact_storage)?;
/// let artifacts = ArtifactService::new(backend, blobs, &settings);
/// let request =
///     CreateArtifact { job_id: JobId::fresh(), lease: None, name: "a.png".into(), artifact_type: None };
/// let error = artifacts.create(request, ArtifactData::Text("{nothing".into())).await.unwrap_err();
/// assert!(error.to_string().starts_with("artifact 'a.png' of type json: the data is not JSON"));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct ArtifactService {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) blobs: BlobStore,
    max_bytes: u64,
    inline_max_bytes: usize,
}

impl ArtifactService {
    /// A service over this backend and storage, with the limits of these settings.
    #[must_use]
    pub fn new(backend: Arc<dyn Backend>, blobs: BlobStore, settings: &Settings) -> Self {
        Self {
            backend,
            blobs,
            max_bytes: settings.artifact_max_upload_bytes,
            inline_max_bytes: usize::try_from(settings.artifact_inline_max_bytes).unwrap_or(usize::MAX),
        }
    }

    /// Makes an artifact. When this returns, bytes and record are durable and listed.
    ///
    /// # Errors
    /// See [`ArtifactError`]; nothing is listed then.
    pub async fn create(
        &self,
        request: CreateArtifact,
        data: ArtifactData,
    ) -> Result<Artifact, ArtifactError> {
        validate_name(&request.name).map_err(ArtifactError::Invalid)?;
        let usual = Limits::up_to(self.max_bytes);
        let limits = Limits { memory: usual.memory.max(self.inline_max_bytes), ..usual };
        let intake = Intake { blobs: &self.blobs, name: &request.name, limits };
        let (artifact_type, staged) = intake.take(request.artifact_type, data).await?;
        let inline = staged.bytes().filter(|bytes| bytes.len() <= self.inline_max_bytes).cloned();
        let artifact = |blob| new_artifact(&request, artifact_type, &staged, blob);
        match inline {
            Some(bytes) => self.record_inline(artifact(NewBlob::Inline(bytes))).await,
            None => {
                let artifact = artifact(NewBlob::Stored { storage: self.blobs.storage() });
                // Rare and large: it need not weigh on every small artifact's future.
                Box::pin(self.record_stored(artifact, staged)).await
            }
        }
    }

    async fn record_inline(&self, artifact: NewArtifact) -> Result<Artifact, ArtifactError> {
        for attempt in 1.. {
            match self.record(&artifact).await? {
                Ok(recorded) => return Ok(recorded),
                Err(RecordRefusal::BlobCondemned(_)) if attempt < RECORD_ATTEMPTS => pause(attempt).await,
                Err(refusal) => return Err(ArtifactError::from_refusal(&artifact.name, &refusal)),
            }
        }
        unreachable!("the last attempt returns")
    }

    /// First the bytes, durably, then the record. A sweeper may be removing the same bytes at this moment: the record
    /// is refused then, and both are done again.
    async fn record_stored(
        &self,
        artifact: NewArtifact,
        mut staged: Staged,
    ) -> Result<Artifact, ArtifactError> {
        for attempt in 1.. {
            let began = Instant::now();
            staged = match attempt {
                1 => self.blobs.commit(staged).await?,
                _ => self.blobs.commit_again(staged).await?,
            };
            match self.record(&artifact).await? {
                Ok(recorded) => {
                    let settle = self.blobs.settle_time();
                    if !settle.is_zero() && began.elapsed() > settle {
                        self.make_sure(&recorded, staged).await?;
                    }
                    return Ok(recorded);
                }
                Err(RecordRefusal::BlobCondemned(_)) if attempt < RECORD_ATTEMPTS => pause(attempt).await,
                Err(refusal) => return Err(ArtifactError::from_refusal(&artifact.name, &refusal)),
            }
        }
        unreachable!("the last attempt returns")
    }

    async fn record(&self, artifact: &NewArtifact) -> Result<Result<Artifact, RecordRefusal>, ArtifactError> {
        let answer = self.backend.record_artifacts(vec![artifact.clone()]).await?.pop();
        answer.ok_or_else(|| BackendError::Unexpected("no answer about an artifact".to_owned()).into())
    }

    /// Whoever took longer than a sweeper waits looks whether its bytes are still there.
    async fn make_sure(&self, artifact: &Artifact, staged: Staged) -> Result<(), ArtifactError> {
        if artifact.storage != self.blobs.storage() || self.blobs.exists(artifact.sha256).await? {
            return Ok(());
        }
        if let Err(error) = self.blobs.commit(staged).await {
            self.backend.delete_artifact(artifact.id).await?;
            return Err(error.into());
        }
        Ok(())
    }

    /// One artifact.
    ///
    /// # Errors
    /// When the backend fails.
    pub async fn find(&self, id: ArtifactId) -> Result<Option<Artifact>, ArtifactError> {
        Ok(self.backend.find_artifact(id).await?)
    }

    /// A page of artifacts, newest first.
    ///
    /// # Errors
    /// When the backend fails.
    pub async fn list(&self, query: ArtifactQuery) -> Result<Page<Artifact>, ArtifactError> {
        Ok(self.backend.list_artifacts(query).await?)
    }

    /// The bytes of an artifact, or the part `range` of them (as far as there are so many). A whole artifact is
    /// checked against its digest on the way: a damaged one ends with [`BlobError::Damaged`] instead of its last
    /// piece.
    ///
    /// # Errors
    /// [`BlobError::Missing`] when the bytes are gone.
    pub async fn read(
        &self,
        artifact: &Artifact,
        range: Option<Range<u64>>,
    ) -> Result<ByteStream, ArtifactError> {
        let size = artifact.size_bytes;
        let range = range.map(|range| {
            let start = range.start.min(size);
            start..range.end.clamp(start, size)
        });
        if artifact.storage == INLINE_STORAGE {
            return self.read_inline(artifact, range).await;
        }
        match self.blobs.read(artifact.sha256, range).await {
            Err(BlobError::Missing(_)) if artifact.storage != self.blobs.storage() => {
                Err(BlobError::Unusable(format!(
                    "the bytes of artifact '{}' are in the {} storage, but this deployment uses {}: set \
                     UPNEXT_ARTIFACT_STORAGE_BACKEND back, or copy the blobs over",
                    artifact.name,
                    artifact.storage,
                    self.blobs.storage()
                ))
                .into())
            }
            read => Ok(read?),
        }
    }

    async fn read_inline(
        &self,
        artifact: &Artifact,
        range: Option<Range<u64>>,
    ) -> Result<ByteStream, ArtifactError> {
        let sha256 = artifact.sha256;
        let bytes = self.backend.read_blob(sha256).await?.ok_or(BlobError::Missing(sha256))?;
        if bytes.len() as u64 != artifact.size_bytes {
            return Err(BlobError::Damaged(sha256).into());
        }
        let bytes = match range {
            Some(range) => slice(&bytes, &range),
            None if Staged::from_bytes(bytes.clone()).sha256() == sha256 => bytes,
            None => return Err(BlobError::Damaged(sha256).into()),
        };
        Ok(stream::iter((!bytes.is_empty()).then_some(Ok(bytes))).boxed())
    }

    /// Removes an artifact. False when there was none. Its stored bytes go with a later [`sweep`](Self::sweep), if no
    /// other artifact needs them.
    ///
    /// # Errors
    /// When the backend fails.
    pub async fn delete(&self, id: ArtifactId) -> Result<bool, ArtifactError> {
        Ok(self.backend.delete_artifact(id).await?)
    }

    /// Answers when the blob storage works.
    ///
    /// # Errors
    /// What is wrong with it.
    pub async fn check(&self) -> Result<(), ArtifactError> {
        Ok(self.blobs.check().await?)
    }
}

fn new_artifact(
    request: &CreateArtifact,
    artifact_type: ArtifactType,
    staged: &Staged,
    blob: NewBlob,
) -> NewArtifact {
    NewArtifact {
        id: ArtifactId::fresh(),
        job_id: request.job_id,
        lease: request.lease,
        name: request.name.clone(),
        artifact_type,
        content_type: artifact_type.content_type().to_owned(),
        size_bytes: staged.size(),
        sha256: staged.sha256(),
        blob,
    }
}

/// Waits a little longer each time, for a second at most.
async fn pause(attempt: u32) {
    let millis = (10_u64 << attempt.min(7)).min(1000);
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

fn slice(bytes: &Bytes, range: &Range<u64>) -> Bytes {
    // The range was clamped to the length, which is a usize.
    let at = |place: u64| usize::try_from(place).unwrap_or(usize::MAX).min(bytes.len());
    bytes.slice(at(range.start)..at(range.end))
}
