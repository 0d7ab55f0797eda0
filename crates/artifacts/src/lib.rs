//! The artifact service: everything that turns data into a durable, listed artifact and back. (Being written.)

use std::ops::Range;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::BoxStream;
use upnext_blobs::{BlobError, BlobStore, ByteStream};
use upnext_core::backend::{ArtifactQuery, Page};
use upnext_core::{Artifact, ArtifactId, ArtifactType, Backend, BackendError, JobId, LeaseToken, Settings};

/// What an artifact is to be.
#[derive(Debug, Clone)]
pub struct CreateArtifact {
    /// The job it belongs to.
    pub job_id: JobId,
    /// The lease of the running attempt; `None` from outside a job.
    pub lease: Option<LeaseToken>,
    /// Its name.
    pub name: String,
    /// What it is; `None` leaves it to the data: JSON for [`ArtifactData::Text`], else by name and first bytes.
    pub artifact_type: Option<ArtifactType>,
}

/// The data of a new artifact.
pub enum ArtifactData {
    /// Text as the type writes it: ready JSON, the text itself, or base64 of the bytes.
    Text(String),
    /// The bytes themselves.
    Bytes(Bytes),
    /// A file to read.
    Path(PathBuf),
    /// Bytes that arrive piece by piece.
    Stream(BoxStream<'static, std::io::Result<Bytes>>),
}

/// Why an artifact could not be made or read. Nothing half-written can ever be read.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// The name or the data break a rule; the sentence names the artifact, the rule and the way out.
    #[error("{0}")]
    Invalid(String),
    /// Larger than `UPNEXT_ARTIFACT_MAX_UPLOAD_BYTES`.
    #[error("{0}")]
    TooLarge(String),
    /// There is no such job.
    #[error("there is no job {0}")]
    UnknownJob(JobId),
    /// The attempt that made it has lost its lease.
    #[error("{0}")]
    StaleLease(String),
    /// The blob storage failed.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The backend failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

/// Makes, lists, reads and deletes artifacts. Cheap to clone.
#[derive(Debug, Clone)]
pub struct ArtifactService {
    backend: Arc<dyn Backend>,
}

impl ArtifactService {
    /// A service over this backend and storage, with the limits of these settings.
    #[must_use]
    pub fn new(backend: Arc<dyn Backend>, blobs: BlobStore, settings: &Settings) -> Self {
        let _ = (blobs, settings);
        Self { backend }
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
        let _ = data;
        Err(ArtifactError::UnknownJob(request.job_id))
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

    /// The bytes of an artifact, or the part `range` of them.
    ///
    /// # Errors
    /// [`BlobError::Missing`] when the bytes are gone.
    pub async fn read(
        &self,
        artifact: &Artifact,
        range: Option<Range<u64>>,
    ) -> Result<ByteStream, ArtifactError> {
        let _ = range;
        Err(BlobError::Missing(artifact.sha256).into())
    }

    /// Removes an artifact. False when there was none.
    ///
    /// # Errors
    /// When the backend fails.
    pub async fn delete(&self, id: ArtifactId) -> Result<bool, ArtifactError> {
        Ok(self.backend.delete_artifact(id).await?)
    }
}
