//! Bytes that travel straight between a client and the storage: addresses to fetch from and to put to, and files that may
//! be opened in place.
//!
//! What was put to an address is nobody's until it is asked for. Then it is read, hashed and checked like every other
//! upload, and only what passed becomes an artifact.

use std::fmt;
use std::fs::File;
use std::str::FromStr;
use std::time::Duration;

use futures::StreamExt as _;
use upnext_blobs::{BlobError, ByteStream, Limits, Staged};
use upnext_core::artifact::{Digest, INLINE_STORAGE};
use upnext_core::{
    Artifact, ArtifactId, ArtifactStatus, ArtifactType, Clock as _, JobId, SystemClock, Timestamp,
};

use crate::error::ArtifactError;
use crate::request::CreateArtifact;
use crate::service::ArtifactService;

/// How long an address to fetch from works: long enough to begin.
const DOWNLOAD_VALID: Duration = Duration::from_secs(15 * 60);

/// How long an address to put to works.
const UPLOAD_VALID: Duration = Duration::from_secs(3600);

/// Names an upload that goes straight to the storage, together with the digest that was announced for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HandInId {
    artifact: ArtifactId,
    sha256: Option<Digest>,
}

impl fmt::Display for HandInId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.artifact)?;
        self.sha256.map_or(Ok(()), |sha256| write!(f, ".{sha256}"))
    }
}

/// A text that names no upload.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is not the id of an upload: pass back an upload_id as it was given")]
pub struct ParseHandInIdError(String);

impl FromStr for HandInId {
    type Err = ParseHandInIdError;

    fn from_str(text: &str) -> Result<Self, ParseHandInIdError> {
        let (artifact, sha256) = match text.split_once('.') {
            Some((artifact, sha256)) => (artifact, Some(sha256)),
            None => (text, None),
        };
        let read = || {
            let sha256 = sha256.map(str::parse).transpose().ok()?;
            Some(Self { artifact: artifact.parse().ok()?, sha256 })
        };
        read().ok_or_else(|| ParseHandInIdError(text.chars().take(80).collect()))
    }
}

/// Where to put the bytes of a new artifact.
#[derive(Debug, Clone)]
pub struct HandIn {
    /// Names the upload.
    pub id: HandInId,
    /// Takes one PUT with the bytes as its body.
    pub url: String,
    /// Until when it does.
    pub expires_at: Timestamp,
}

impl ArtifactService {
    /// An address from which whoever has it can fetch the artifact's bytes for some minutes without a key; `None` when
    /// they are where nothing has an address.
    ///
    /// # Errors
    /// [`BlobError::Damaged`]; also when the address cannot be signed.
    pub async fn download_url(&self, artifact: &Artifact) -> Result<Option<String>, ArtifactError> {
        let Some(sha256) = self.stored_digest(artifact)? else { return Ok(None) };
        Ok(self.blobs.download_url(sha256, DOWNLOAD_VALID).await?)
    }

    /// The file that holds the artifact's bytes, for whoever has to move about in it; `None` when no file holds just them.
    /// What is read from it is not checked against the digest.
    ///
    /// # Errors
    /// [`BlobError::Missing`] when the bytes are gone, [`BlobError::Damaged`] when they are known to be damaged.
    pub async fn open_file(&self, artifact: &Artifact) -> Result<Option<File>, ArtifactError> {
        let Some(sha256) = self.stored_digest(artifact)? else { return Ok(None) };
        Ok(self.blobs.open_file(sha256).await?)
    }

    /// The digest of an artifact whose bytes are in the storage of this deployment.
    fn stored_digest(&self, artifact: &Artifact) -> Result<Option<Digest>, ArtifactError> {
        match artifact.sha256 {
            Some(sha256) if artifact.status == ArtifactStatus::Damaged => {
                Err(BlobError::Damaged(sha256).into())
            }
            sha256 => Ok(sha256
                .filter(|_| artifact.storage != INLINE_STORAGE && artifact.storage == self.blobs.storage())),
        }
    }

    /// Begins an artifact whose bytes the client puts straight to the storage; `None` when the storage has no addresses.
    /// Nobody sees it before [`take_handed_in`](Self::take_handed_in).
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub async fn begin_hand_in(
        &self,
        request: CreateArtifact,
        expected_bytes: Option<u64>,
    ) -> Result<Option<HandIn>, ArtifactError> {
        if !self.blobs.has_addresses() {
            return Ok(None);
        }
        let sha256 = request.sha256;
        let upload = self.begin_upload(request, expected_bytes).await?;
        if upload.status != ArtifactStatus::Uploading {
            return Err(ArtifactError::Conflict(format!(
                "artifact '{}': the idempotency key belongs to an artifact that is there already (id {}); use that one",
                upload.name, upload.id
            )));
        }
        let id = HandInId { artifact: upload.id, sha256 };
        let expires_at = SystemClock.now().after(UPLOAD_VALID);
        let url = self.blobs.upload_url(&id.to_string(), UPLOAD_VALID).await?;
        Ok(url.map(|url| HandIn { id, url, expires_at }))
    }

    /// Makes what was put to an address the artifact it was to become. May be repeated: the answer is the same artifact.
    ///
    /// # Errors
    /// [`ArtifactError::UnknownArtifact`] when this job has no such upload, [`ArtifactError::Conflict`] when nothing was put
    /// there yet, and as [`create`](Self::create). The bytes may be put again then.
    pub async fn take_handed_in(&self, job: JobId, id: HandInId) -> Result<Artifact, ArtifactError> {
        if let Some(whole) = self.handed_in_before(job, id).await? {
            return Ok(whole);
        }
        let unknown = || ArtifactError::UnknownArtifact(id.artifact);
        let upload = self.find_upload(id.artifact).await?.ok_or_else(unknown)?;
        let Some(bytes) = self.blobs.read_handed_in(&id.to_string()).await? else {
            // Somebody else may have completed it at this moment.
            return self.handed_in_before(job, id).await?.ok_or_else(|| {
                ArtifactError::Conflict(format!(
                    "artifact '{}': nothing was put to its upload address yet; PUT the bytes there, then complete it",
                    upload.name
                ))
            });
        };
        let staged = self.stage_handed_in(&upload, bytes).await?;
        let wanted = Some(upload.artifact_type.clone()).filter(|found| *found != ArtifactType::Binary);
        match self.seal_staged(&upload, None, wanted, id.sha256, staged).await {
            Ok(artifact) => {
                self.forget_handed_in(id).await;
                Ok(artifact)
            }
            Err(error @ ArtifactError::Conflict(_)) => self.handed_in_before(job, id).await?.ok_or(error),
            Err(error) => Err(error),
        }
    }

    /// The artifact that an earlier call made of this upload.
    async fn handed_in_before(&self, job: JobId, id: HandInId) -> Result<Option<Artifact>, ArtifactError> {
        let found = self.backend.find_artifact(id.artifact).await?.filter(|found| found.job_id == job);
        match found {
            None => Err(ArtifactError::UnknownArtifact(id.artifact)),
            Some(upload) if upload.status == ArtifactStatus::Uploading => Ok(None),
            Some(whole) if whole.sha256.is_some() => {
                // The earlier call may have died before it came to this.
                self.forget_handed_in(id).await;
                Ok(Some(whole))
            }
            Some(_) => Err(ArtifactError::UnknownArtifact(id.artifact)),
        }
    }

    async fn stage_handed_in(&self, upload: &Artifact, bytes: ByteStream) -> Result<Staged, ArtifactError> {
        let most = upload.expected_bytes.unwrap_or(self.max_bytes).min(self.max_bytes);
        let limits = Limits { size: most, ..self.limits() };
        let mut failure = None;
        let source = bytes.map(|piece| {
            piece.map_err(|error| {
                let text = std::io::Error::other(error.to_string());
                failure = Some(error);
                text
            })
        });
        let staged = self.blobs.stage_stream(source, limits).await;
        if let Some(error) = failure {
            return Err(error.into());
        }
        let staged = staged.map_err(|error| ArtifactError::from_staging(&upload.name, error))?;
        match upload.expected_bytes {
            Some(expected) if expected != staged.size() => Err(ArtifactError::Invalid(format!(
                "artifact '{}': {expected} bytes were announced, but {} were put to its upload address; put them again",
                upload.name,
                staged.size()
            ))),
            _ => Ok(staged),
        }
    }

    /// What stays behind if this fails goes with a sweep.
    async fn forget_handed_in(&self, id: HandInId) {
        if let Err(error) = self.blobs.forget_handed_in(&id.to_string()).await {
            tracing::warn!(%error, "the bytes of a completed upload stay in the storage until the next sweep");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_uploads_round_trip() {
        for sha256 in [None, Some(Digest::from_bytes([7; 32]))] {
            let id = HandInId { artifact: ArtifactId::fresh(), sha256 };
            assert_eq!(id.to_string().parse(), Ok(id));
        }
        for bad in ["", "x", "0190b2f5-6c1e-7d3a-9f41-2b7c8d9e0f10.abc", "../../etc"] {
            assert!(bad.parse::<HandInId>().unwrap_err().to_string().contains("upload_id"), "{bad}");
        }
    }
}
