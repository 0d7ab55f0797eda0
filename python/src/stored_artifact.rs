//! An artifact that exists, as Python holds it: the way to its bytes and to changes of its record.

use std::path::PathBuf;
use std::time::Duration;

use pyo3::prelude::*;
use upnext_artifacts::{ArtifactError, SaveError};
use upnext_blobs::{BlobError, ByteStream};
use upnext_core::artifact::ArtifactPatch;
use upnext_core::{Artifact, ArtifactStatus, Clock, RawJson, SystemClock};

use crate::artifact_reader::{ArtifactReader, Follower, Piece};
use crate::artifact_record::Kept;
use crate::attempt::{Attempt, ReadNote};
use crate::error::Failure;
use crate::work::Work;

/// Description, tags, metadata as JSON, pinned, whether the expiry changes, and the new one in seconds from now.
type Changes = (Option<String>, Option<Vec<String>>, Option<String>, Option<bool>, bool, Option<f64>);

/// The handle of an artifact.
#[pyclass(frozen, module = "upnext._bridge")]
pub(crate) struct StoredArtifact {
    source: Source,
    pid: u32,
}

/// Where an artifact is read from.
#[derive(Clone)]
pub(crate) struct Source {
    pub(crate) kept: std::sync::Arc<Kept>,
    note: Option<ReadNote>,
}

impl StoredArtifact {
    pub(crate) fn new(kept: Kept) -> Self {
        let source = Source { kept: std::sync::Arc::new(kept), note: None };
        Self { source, pid: std::process::id() }
    }

    fn read_by(&self, reader: Option<&Attempt>) -> Source {
        let kept = &self.source.kept;
        let note = reader
            .filter(|attempt| attempt.job.lease.job_id != kept.artifact.job_id)
            .map(|attempt| attempt.note_of(kept.artifact.id));
        Source { kept: std::sync::Arc::clone(kept), note }
    }
}

#[pymethods]
impl StoredArtifact {
    /// False in a child process: the handle belongs to the process that made it.
    #[getter]
    fn is_ours(&self) -> bool {
        self.pid == std::process::id()
    }

    /// All bytes. `reader` is the attempt that reads, if one does.
    fn read_all(&self, reader: Option<&Attempt>) -> Work {
        let source = self.read_by(reader);
        Work::new(async move {
            let artifact = source.current().await?;
            let bytes = source.kept.deployment.artifacts.read_all(&artifact, u64::MAX).await;
            match bytes {
                Ok(bytes) => Ok(Piece(bytes)),
                Err(error) => Err(source.failure(error).await),
            }
        })
    }

    /// Writes all bytes into a file, which appears when they are complete.
    fn save(&self, path: PathBuf, reader: Option<&Attempt>) -> Work {
        let source = self.read_by(reader);
        Work::new(async move {
            let artifact = source.current().await?;
            match source.kept.deployment.artifacts.save(&artifact, &path, |_| {}).await {
                Ok(()) => Ok(()),
                Err(SaveError::File(error)) => Err(Failure::File(error)),
                Err(SaveError::Artifact(error)) => Err(source.failure(error).await),
            }
        })
    }

    /// Opens it for reading.
    fn open(&self, reader: Option<&Attempt>) -> Work {
        let source = self.read_by(reader);
        Work::new(async move {
            let artifact = source.current().await?;
            Ok(ArtifactReader::new(source, artifact))
        })
    }

    /// Opens it for reading along while it is written, from the byte `start` on.
    fn follow(&self, start: u64, reader: Option<&Attempt>) -> Work {
        let source = self.read_by(reader);
        Work::new(async move {
            let artifact = source.current().await?;
            let pieces = source.kept.deployment.artifacts.follow(&artifact, start);
            Ok(Follower::new(artifact.name, pieces))
        })
    }

    /// Changes what is written on it; the answer is its record then.
    fn update(&self, changes: Changes) -> Work {
        let kept = std::sync::Arc::clone(&self.source.kept);
        let (description, tags, metadata, pinned, changes_expiry, expires_in) = changes;
        let expires_at = expires_in.map(|seconds| SystemClock.now().after(Duration::from_secs_f64(seconds)));
        let patch = ArtifactPatch {
            description,
            tags,
            // Python's own encoder wrote it.
            metadata: metadata.map(RawJson::trusted),
            pinned,
            expires_at: changes_expiry.then_some(expires_at),
        };
        Work::new(async move {
            let deployment = kept.deployment.clone();
            let updated = deployment.artifacts.update(kept.artifact.id, patch).await;
            let artifact = updated.map_err(|error| failure(&kept.artifact, error))?;
            Ok(Kept { artifact, deployment })
        })
    }

    /// Removes it; the answer is false when it was gone.
    fn delete(&self) -> Work {
        let kept = std::sync::Arc::clone(&self.source.kept);
        Work::new(async move {
            let deleted = kept.deployment.artifacts.delete(kept.artifact.id).await;
            deleted.map_err(|error| failure(&kept.artifact, error))
        })
    }
}

impl Source {
    /// The record as it is now, once it is noted who reads it. A whole artifact never changes.
    async fn current(&self) -> Result<Artifact, Failure> {
        let Kept { artifact, deployment } = &*self.kept;
        if let Some(note) = &self.note {
            note.write(deployment).await.map_err(|error| failure(artifact, error))?;
        }
        if artifact.sha256.is_some() {
            return Ok(artifact.clone());
        }
        let found = deployment.artifacts.find(artifact.id).await;
        let found = found.and_then(|found| found.ok_or(ArtifactError::UnknownArtifact(artifact.id)));
        found.map_err(|error| failure(artifact, error))
    }

    pub(crate) async fn read(
        &self,
        artifact: &Artifact,
        range: Option<std::ops::Range<u64>>,
    ) -> Result<ByteStream, Failure> {
        match self.kept.deployment.artifacts.read(artifact, range).await {
            Ok(bytes) => Ok(bytes),
            Err(error) => Err(self.failure(error).await),
        }
    }

    /// Bytes that are missing may have been removed with their artifact, or set aside because they are damaged.
    async fn failure(&self, error: ArtifactError) -> Failure {
        let Kept { artifact, deployment } = &*self.kept;
        let ArtifactError::Blob(BlobError::Missing(sha256)) = &error else { return failure(artifact, error) };
        let why = match deployment.artifacts.find(artifact.id).await {
            Ok(None) => ArtifactError::UnknownArtifact(artifact.id),
            Ok(Some(found)) if found.status == ArtifactStatus::Damaged => BlobError::Damaged(*sha256).into(),
            Ok(Some(_)) | Err(_) => error,
        };
        failure(artifact, why)
    }
}

fn failure(artifact: &Artifact, error: ArtifactError) -> Failure {
    Failure::Artifact { name: artifact.name.clone(), error }
}
