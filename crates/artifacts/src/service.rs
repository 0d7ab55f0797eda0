//! [`ArtifactService`]: makes, lists, reads and deletes artifacts.

use std::sync::Arc;
use std::time::{Duration, Instant};

use upnext_blobs::{BlobStore, Limits, Staged};
use upnext_core::artifact::{ArtifactPatch, NewArtifact, NewBlob, NewContent, RecordRefusal, Sealed};
use upnext_core::backend::{ArtifactQuery, ArtifactTotals, Page};
use upnext_core::{
    Artifact, ArtifactId, ArtifactStatus, ArtifactType, Backend, BackendError, JobId, Settings, fault,
};

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
/// let request = CreateArtifact::new(JobId::fresh(), "a.png");
/// let error = artifacts.create(request, ArtifactData::Text("{nothing".into())).await.unwrap_err();
/// assert!(error.to_string().starts_with("artifact 'a.png' of type json: the data is not JSON"));
/// # Ok(()) }
/// ```
#[derive(Debug, Clone)]
pub struct ArtifactService {
    pub(crate) backend: Arc<dyn Backend>,
    pub(crate) blobs: BlobStore,
    pub(crate) max_bytes: u64,
    pub(crate) inline_max_bytes: usize,
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
        let request = request.checked()?;
        let intake = Intake { blobs: &self.blobs, name: &request.name, limits: self.limits() };
        let (artifact_type, staged) = intake.take(request.artifact_type.clone(), data).await?;
        request.expect(staged.sha256())?;
        if let Some(bytes) = self.inline(&staged) {
            return self.record(new_artifact(request, artifact_type, NewContent::Whole(bytes))).await;
        }
        // Rare and large: it need not weigh on every small artifact's future.
        Box::pin(self.create_stored(request, artifact_type, staged)).await
    }

    /// Where the bytes are that are not inline.
    #[must_use]
    pub const fn blobs(&self) -> &BlobStore {
        &self.blobs
    }

    pub(crate) fn limits(&self) -> Limits {
        let usual = Limits::up_to(self.max_bytes);
        Limits { memory: usual.memory.max(self.inline_max_bytes), ..usual }
    }

    /// The bytes as the backend keeps them, if they are few enough.
    pub(crate) fn inline(&self, staged: &Staged) -> Option<Sealed> {
        let bytes = staged.bytes().filter(|bytes| bytes.len() <= self.inline_max_bytes)?;
        let blob = NewBlob::Inline(bytes.clone());
        Some(Sealed { size_bytes: staged.size(), sha256: staged.sha256(), blob })
    }

    /// The bytes as the backend knows those that are in storage.
    fn stored(&self, staged: &Staged) -> Sealed {
        let blob = NewBlob::Stored { storage: self.blobs.storage() };
        Sealed { size_bytes: staged.size(), sha256: staged.sha256(), blob }
    }

    async fn create_stored(
        &self,
        request: CreateArtifact,
        artifact_type: ArtifactType,
        staged: Staged,
    ) -> Result<Artifact, ArtifactError> {
        let new = new_artifact(request, artifact_type, NewContent::Live);
        let made = self.store(&new.name, staged, |bytes| {
            let new = NewArtifact { content: NewContent::Whole(bytes), ..new.clone() };
            async move { self.record_once(&new).await }
        });
        let made = made.await;
        if made.is_err() {
            // It may have been recorded before its bytes went missing: what failed must not be listed.
            let _ = self.backend.delete_artifact(new.id).await;
        }
        made
    }

    /// First the bytes, durably, then what `record` does, which makes them needed. A sweeper may be removing the same
    /// bytes at this moment: they are refused then, and both are done again.
    pub(crate) async fn store<T, F>(
        &self,
        name: &str,
        mut staged: Staged,
        record: impl Fn(Sealed) -> F,
    ) -> Result<T, ArtifactError>
    where
        F: Future<Output = Result<Result<T, RecordRefusal>, ArtifactError>>,
    {
        let sealed = self.stored(&staged);
        for attempt in 1.. {
            let began = Instant::now();
            staged = match attempt {
                1 => self.blobs.commit(staged).await?,
                _ => self.blobs.commit_again(staged).await?,
            };
            match record(sealed.clone()).await? {
                Ok(recorded) => {
                    let settle = self.blobs.settle_time();
                    if !settle.is_zero() && began.elapsed() > settle {
                        self.look_again(staged).await?;
                    }
                    return Ok(recorded);
                }
                Err(RecordRefusal::BlobCondemned(_)) if attempt < RECORD_ATTEMPTS => pause(attempt).await,
                Err(refusal) => return Err(ArtifactError::from_refusal(name, &refusal)),
            }
        }
        unreachable!("the last attempt returns")
    }

    /// Whoever took longer than a sweeper waits looks whether its bytes are still there, and stores them again if not.
    async fn look_again(&self, staged: Staged) -> Result<(), ArtifactError> {
        let sha256 = staged.sha256();
        if self.blobs.exists(sha256).await? {
            return Ok(());
        }
        if let Err(error) = self.blobs.commit(staged).await {
            // There is a record of them by now, which must not pass for a good one.
            tracing::error!(%sha256, %error, "bytes vanished from the storage and cannot be stored again");
            self.backend.mark_blob(sha256, true).await?;
            return Err(error.into());
        }
        Ok(())
    }

    pub(crate) async fn record(&self, artifact: NewArtifact) -> Result<Artifact, ArtifactError> {
        for attempt in 1.. {
            match self.record_once(&artifact).await? {
                Ok(recorded) => return Ok(recorded),
                Err(RecordRefusal::BlobCondemned(_)) if attempt < RECORD_ATTEMPTS => pause(attempt).await,
                Err(refusal) => return Err(ArtifactError::from_refusal(&artifact.name, &refusal)),
            }
        }
        unreachable!("the last attempt returns")
    }

    async fn record_once(
        &self,
        artifact: &NewArtifact,
    ) -> Result<Result<Artifact, RecordRefusal>, ArtifactError> {
        let answer = self.backend.record_artifacts(vec![artifact.clone()]).await?.pop();
        fault::point("artifact recorded");
        answer.ok_or_else(|| BackendError::Unexpected("no answer about an artifact".to_owned()).into())
    }

    /// One artifact that can be read, or is being written.
    ///
    /// # Errors
    /// When the backend fails.
    pub async fn find(&self, id: ArtifactId) -> Result<Option<Artifact>, ArtifactError> {
        let found = self.backend.find_artifact(id).await?;
        Ok(found.filter(|artifact| artifact.status != ArtifactStatus::Uploading))
    }

    /// A page of artifacts.
    ///
    /// # Errors
    /// When the backend fails.
    pub async fn list(&self, query: ArtifactQuery) -> Result<Page<Artifact>, ArtifactError> {
        Ok(self.backend.list_artifacts(query).await?)
    }

    /// How much there is.
    ///
    /// # Errors
    /// When the backend fails.
    pub async fn totals(&self) -> Result<ArtifactTotals, ArtifactError> {
        Ok(self.backend.artifact_totals().await?)
    }

    /// Changes what is written on an artifact.
    ///
    /// # Errors
    /// [`ArtifactError::UnknownArtifact`], or [`ArtifactError::Invalid`] when the change breaks a rule.
    pub async fn update(&self, id: ArtifactId, patch: ArtifactPatch) -> Result<Artifact, ArtifactError> {
        match self.backend.update_artifact(id, patch).await? {
            None => Err(ArtifactError::UnknownArtifact(id)),
            Some(updated) => updated.map_err(ArtifactError::Invalid),
        }
    }

    /// Notes that a job has read an artifact.
    ///
    /// # Errors
    /// When the backend fails.
    pub async fn note_read(&self, artifact: ArtifactId, reader: JobId) -> Result<(), ArtifactError> {
        Ok(self.backend.record_artifact_reads(vec![(artifact, reader)]).await?)
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

pub(crate) fn new_artifact(
    request: CreateArtifact,
    artifact_type: ArtifactType,
    content: NewContent,
) -> NewArtifact {
    NewArtifact {
        id: ArtifactId::fresh(),
        job_id: request.job_id,
        lease: request.lease,
        name: request.name,
        content_type: artifact_type.content_type().to_owned(),
        artifact_type: artifact_type.without_parameters(),
        content,
        labels: request.labels,
        expires_in: request.expires_in,
        key: request.key,
    }
}

/// Waits a little longer each time, for a second at most.
pub(crate) async fn pause(attempt: u32) {
    let millis = (10_u64 << attempt.min(7)).min(1000);
    tokio::time::sleep(Duration::from_millis(millis)).await;
}
