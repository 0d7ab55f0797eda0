//! Artifacts that grow: written by a running job while others read along, or uploaded piece by piece from outside.
//!
//! Each piece is a blob of its own until the artifact is closed; then all of them are read once more and become one.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use futures::stream::{BoxStream, StreamExt as _};
use tokio::sync::{Mutex, Notify};
use tokio::task::JoinHandle;
use upnext_blobs::{BlobError, StageError, Staged};
use upnext_core::artifact::{Digest, NewContent, NewPart, RecordRefusal, Seal, Sealed};
use upnext_core::{Artifact, ArtifactId, ArtifactStatus, ArtifactType, BackendError, LeaseToken, fault};

use crate::error::ArtifactError;
use crate::infer::infer_type;
use crate::intake::Intake;
use crate::request::CreateArtifact;
use crate::service::{ArtifactService, new_artifact, pause};

/// Bytes that are made durable together: at the latest when there are so many, or when they have waited so long.
const PIECE: usize = 256 * 1024;
const PIECE_WAITS: Duration = Duration::from_millis(50);

/// The largest piece of an upload. One is in memory at a time.
const UPLOAD_PIECE: usize = 4 * 1024 * 1024;

/// The content type of an upload about whose type neither its maker nor its name say anything: its bytes will.
const UNKNOWN_YET: &str = "application/octet-stream; type=unknown";

/// How often a piece is handed over again whose bytes are just being swept.
const ATTEMPTS: u32 = 15;

impl ArtifactService {
    /// Begins an artifact that is written piece by piece. It is listed at once, with the status `writing`.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub async fn open(&self, request: CreateArtifact) -> Result<ArtifactWriter, ArtifactError> {
        let request = request.checked()?;
        let (wanted, lease) = (request.artifact_type.clone(), request.lease);
        let artifact_type = wanted.clone().unwrap_or_else(|| infer_type(&request.name, &[]));
        let artifact = self.record(new_artifact(request, artifact_type, NewContent::Live)).await?;
        Ok(ArtifactWriter::start(self.clone(), artifact, lease, wanted))
    }

    /// Begins an upload. Nobody sees it before [`finish_upload`](Self::finish_upload), which checks the digest that is
    /// announced here, if one is.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub async fn begin_upload(
        &self,
        request: CreateArtifact,
        expected_bytes: Option<u64>,
    ) -> Result<Artifact, ArtifactError> {
        let request = request.checked()?;
        if let Some(size) = expected_bytes.filter(|size| *size > self.max_bytes) {
            return Err(ArtifactError::too_large(&request.name, Some(size), self.max_bytes));
        }
        let declared = request.artifact_type.is_some();
        let artifact_type = request.artifact_type.clone().unwrap_or_else(|| infer_type(&request.name, &[]));
        let unknown = !declared && artifact_type == ArtifactType::Binary;
        let content = NewContent::Upload { expected_bytes, expected_sha256: request.sha256 };
        let mut new = new_artifact(request, artifact_type, content);
        if unknown {
            UNKNOWN_YET.clone_into(&mut new.content_type);
        }
        self.record(new).await
    }

    /// An upload that is not finished.
    ///
    /// # Errors
    /// When the backend fails.
    pub async fn find_upload(&self, id: ArtifactId) -> Result<Option<Artifact>, ArtifactError> {
        let found = self.backend.find_artifact(id).await?;
        Ok(found.filter(|artifact| artifact.status == ArtifactStatus::Uploading))
    }

    /// Adds bytes to an upload, the first of them at `offset`, and answers how long it is then. What arrived before the
    /// source broke off is kept.
    ///
    /// # Errors
    /// [`ArtifactError::WrongOffset`] when the upload is not `offset` bytes long, [`ArtifactError::UnknownArtifact`].
    pub async fn append_upload(
        &self,
        id: ArtifactId,
        offset: u64,
        mut source: BoxStream<'static, std::io::Result<Bytes>>,
    ) -> Result<u64, ArtifactError> {
        let upload = self.find_upload(id).await?.ok_or(ArtifactError::UnknownArtifact(id))?;
        if upload.size_bytes != offset {
            return Err(ArtifactError::WrongOffset { size_bytes: upload.size_bytes });
        }
        let most = upload.expected_bytes.unwrap_or(self.max_bytes).min(self.max_bytes);
        let (mut size, mut held) = (offset, BytesMut::new());
        loop {
            let piece = source.next().await;
            if let Some(Ok(bytes)) = &piece {
                if size + (held.len() + bytes.len()) as u64 > most {
                    return Err(ArtifactError::too_large(&upload.name, None, most));
                }
                held.extend_from_slice(bytes);
            }
            let last = !matches!(piece, Some(Ok(_)));
            while held.len() >= UPLOAD_PIECE || (last && !held.is_empty()) {
                let next = held.split_to(held.len().min(UPLOAD_PIECE)).freeze();
                size = self.append(&upload, None, size, next).await?;
            }
            match piece {
                Some(Ok(_)) => {}
                Some(Err(error)) => return Err(BlobError::Source(error).into()),
                None => return Ok(size),
            }
        }
    }

    /// Makes an upload the artifact it was to become. With a digest, here or when it began: only if its bytes have this
    /// one. An upload that is finished already is answered with the artifact.
    ///
    /// # Errors
    /// [`ArtifactError::DigestMismatch`], [`ArtifactError::Invalid`] when the bytes break a rule of the type,
    /// [`ArtifactError::UnknownArtifact`]; the upload stays as it is then.
    pub async fn finish_upload(
        &self,
        id: ArtifactId,
        sha256: Option<Digest>,
    ) -> Result<Artifact, ArtifactError> {
        let Some(upload) = self.find_upload(id).await? else {
            return self.finished(id, sha256).await?.ok_or(ArtifactError::UnknownArtifact(id));
        };
        let wanted = Some(upload.artifact_type.clone()).filter(|_| upload.content_type != UNKNOWN_YET);
        match self.seal(&upload, None, wanted, sha256.or(upload.expected_sha256)).await {
            Ok(artifact) => Ok(artifact),
            // Somebody else may have finished it at the same time, and taken its parts away from under this call.
            Err(error) => self.finished(id, sha256).await?.ok_or(error),
        }
    }

    /// The artifact that an upload has become.
    async fn finished(
        &self,
        id: ArtifactId,
        sha256: Option<Digest>,
    ) -> Result<Option<Artifact>, ArtifactError> {
        let whole = |artifact: &Artifact| artifact.sha256.is_some();
        let Some(artifact) = self.find(id).await?.filter(whole) else { return Ok(None) };
        if let Some(found) = artifact.sha256 {
            CreateArtifact { sha256, ..CreateArtifact::new(artifact.job_id, &artifact.name) }
                .expect(found)?;
        }
        Ok(Some(artifact))
    }

    /// Makes one piece durable; answers how long the artifact is then.
    async fn append(
        &self,
        artifact: &Artifact,
        lease: Option<LeaseToken>,
        offset: u64,
        bytes: Bytes,
    ) -> Result<u64, ArtifactError> {
        let staged = Staged::from_bytes(bytes);
        let (name, artifact) = (&artifact.name, artifact.id);
        let append = |bytes: Sealed| async move {
            let answer =
                self.backend.append_artifacts(vec![NewPart { artifact, lease, offset, bytes }]).await?.pop();
            fault::point("part stored");
            answer.ok_or_else(|| BackendError::Unexpected("no answer about a part".to_owned()).into())
        };
        match self.inline(&staged) {
            None => self.store(name, staged, append).await,
            Some(bytes) => {
                append(bytes).await?.map_err(|refusal| ArtifactError::from_refusal(name, &refusal))
            }
        }
    }

    /// All parts become one blob, and the artifact whole.
    async fn seal(
        &self,
        artifact: &Artifact,
        lease: Option<LeaseToken>,
        wanted: Option<ArtifactType>,
        sha256: Option<Digest>,
    ) -> Result<Artifact, ArtifactError> {
        let parts = self.read(artifact, None).await?.map(|piece| piece.map_err(std::io::Error::other));
        let staged = self.blobs.stage_stream(parts, self.limits()).await;
        let staged =
            staged.map_err(|error| ArtifactError::from_staging(&artifact.name, of_storage(error)))?;
        self.seal_staged(artifact, lease, wanted, sha256, staged).await
    }

    /// Staged bytes become those of the artifact, and it becomes whole.
    pub(crate) async fn seal_staged(
        &self,
        artifact: &Artifact,
        lease: Option<LeaseToken>,
        wanted: Option<ArtifactType>,
        sha256: Option<Digest>,
        staged: Staged,
    ) -> Result<Artifact, ArtifactError> {
        let wanted_is_known = wanted.is_some();
        let intake = Intake { blobs: &self.blobs, name: &artifact.name, limits: self.limits() };
        let (artifact_type, staged) = intake.check_staged(wanted, staged).await?;
        let expected =
            CreateArtifact { sha256, ..CreateArtifact::new(artifact.job_id, artifact.name.clone()) };
        expected.expect(staged.sha256())?;
        let content_type = match wanted_is_known {
            true => artifact.content_type.clone(),
            false => artifact_type.content_type().to_owned(),
        };
        let seal = |bytes: Sealed| {
            let (artifact_type, content_type) =
                (artifact_type.clone().without_parameters(), content_type.clone());
            let seal = Seal { artifact: artifact.id, lease, artifact_type, content_type, bytes };
            async move { Ok(self.backend.seal_artifact(seal).await?) }
        };
        let Some(bytes) = self.inline(&staged) else { return self.store(&artifact.name, staged, seal).await };
        for attempt in 1.. {
            match seal(bytes.clone()).await? {
                Err(RecordRefusal::BlobCondemned(_)) if attempt < ATTEMPTS => pause(attempt).await,
                sealed => {
                    return sealed.map_err(|refusal| ArtifactError::from_refusal(&artifact.name, &refusal));
                }
            }
        }
        unreachable!("the last attempt returns")
    }
}

/// Parts are read back from our own storage: what fails there is no fault of a caller's source.
fn of_storage(error: StageError) -> StageError {
    match error {
        StageError::Blob(BlobError::Source(source)) => match source.downcast::<BlobError>() {
            Ok(error) => error.into(),
            Err(source) => BlobError::Source(source).into(),
        },
        error => error,
    }
}

/// Writes an artifact piece by piece. Dropped without [`close`](Self::close), the artifact stays incomplete.
#[derive(Debug)]
pub struct ArtifactWriter {
    shared: Arc<Shared>,
    wanted: Option<ArtifactType>,
    flusher: JoinHandle<()>,
}

#[derive(Debug)]
struct Shared {
    service: ArtifactService,
    artifact: Artifact,
    lease: Option<LeaseToken>,
    written: Notify,
    pending: Mutex<Pending>,
}

#[derive(Debug, Default)]
struct Pending {
    held: BytesMut,
    /// What is durable.
    size: u64,
    /// Why a flush behind the writer's back failed; told to the next caller.
    failure: Option<ArtifactError>,
}

impl ArtifactWriter {
    fn start(
        service: ArtifactService,
        artifact: Artifact,
        lease: Option<LeaseToken>,
        wanted: Option<ArtifactType>,
    ) -> Self {
        let size = artifact.size_bytes;
        let pending = Mutex::new(Pending { size, ..Pending::default() });
        let shared = Arc::new(Shared { service, artifact, lease, written: Notify::new(), pending });
        let flusher = tokio::spawn(flush_in_time(Arc::clone(&shared)));
        Self { shared, wanted, flusher }
    }

    /// The record as it was when writing began.
    #[must_use]
    pub fn artifact(&self) -> &Artifact {
        &self.shared.artifact
    }

    /// Adds bytes. They are durable, and readers see them, a moment later: see [`flush`](Self::flush).
    ///
    /// # Errors
    /// When the artifact becomes too large, the attempt has lost its lease, or storage or backend fail; also when that
    /// happened to bytes written before.
    pub async fn write(&self, bytes: &[u8]) -> Result<(), ArtifactError> {
        let mut pending = self.shared.pending.lock().await;
        if let Some(failure) = pending.failure.take() {
            return Err(failure);
        }
        let most = self.shared.service.max_bytes;
        if pending.size + (pending.held.len() + bytes.len()) as u64 > most {
            return Err(ArtifactError::too_large(&self.shared.artifact.name, None, most));
        }
        pending.held.extend_from_slice(bytes);
        while pending.held.len() >= PIECE {
            self.shared.flush(&mut pending).await?;
        }
        if !pending.held.is_empty() {
            self.shared.written.notify_one();
        }
        Ok(())
    }

    /// Makes everything written so far durable, and visible to readers.
    ///
    /// # Errors
    /// As [`write`](Self::write).
    pub async fn flush(&self) -> Result<(), ArtifactError> {
        let mut pending = self.shared.pending.lock().await;
        if let Some(failure) = pending.failure.take() {
            return Err(failure);
        }
        self.shared.flush_all(&mut pending).await
    }

    /// Closes the artifact: it is whole now, and never changes again.
    ///
    /// # Errors
    /// As [`write`](Self::write), and [`ArtifactError::Invalid`] when the bytes break a rule of the type; the artifact stays
    /// incomplete then.
    pub async fn close(&self) -> Result<Artifact, ArtifactError> {
        self.flush().await?;
        let size_bytes = self.shared.pending.lock().await.size;
        let written = Artifact { size_bytes, ..self.shared.artifact.clone() };
        self.shared.service.seal(&written, self.shared.lease, self.wanted.clone(), None).await
    }
}

impl Drop for ArtifactWriter {
    fn drop(&mut self) {
        self.flusher.abort();
    }
}

impl Shared {
    async fn flush_all(&self, pending: &mut Pending) -> Result<(), ArtifactError> {
        while !pending.held.is_empty() {
            self.flush(pending).await?;
        }
        Ok(())
    }

    /// Makes one piece durable. If that fails, the bytes stay with the writer, so that a further try loses nothing.
    async fn flush(&self, pending: &mut Pending) -> Result<(), ArtifactError> {
        let piece = pending.held.len().min(PIECE);
        let bytes = Bytes::copy_from_slice(&pending.held[..piece]);
        let appended = self.service.append(&self.artifact, self.lease, pending.size, bytes).await;
        pending.size = match appended {
            Ok(size) => size,
            // The answer to an earlier call was lost on its way: the bytes are there.
            Err(ArtifactError::WrongOffset { size_bytes }) if size_bytes == pending.size + piece as u64 => {
                size_bytes
            }
            Err(error) => return Err(error),
        };
        let _ = pending.held.split_to(piece);
        Ok(())
    }
}

/// Makes durable what nobody adds to any more.
async fn flush_in_time(shared: Arc<Shared>) {
    loop {
        shared.written.notified().await;
        tokio::time::sleep(PIECE_WAITS).await;
        let mut pending = shared.pending.lock().await;
        if let Err(error) = shared.flush_all(&mut pending).await {
            pending.failure = Some(error);
        }
    }
}
