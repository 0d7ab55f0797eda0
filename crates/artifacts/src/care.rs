//! Keeping what is kept: checking stored bytes against their digests, and letting go of what is too old.

use std::time::Duration;

use futures::StreamExt as _;
use upnext_blobs::BlobError;
use upnext_core::artifact::Digest;
use upnext_core::backend::{BlobRecord, ExpireRequest, Expired};
use upnext_core::{Clock as _, SystemClock};

use crate::error::ArtifactError;
use crate::service::ArtifactService;

/// Blobs that are looked up at once.
const PAGE: usize = 500;

/// Artifacts, and jobs, that go in one transaction.
const EXPIRE_AT_ONCE: usize = 200;

/// What a verification found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct VerifyReport {
    /// Blobs that were read and are what they were.
    pub whole: u64,
    /// Bytes of these.
    pub bytes: u64,
    /// Blobs whose bytes are not those that were stored.
    pub damaged: Vec<Digest>,
    /// Blobs whose bytes are gone.
    pub missing: Vec<Digest>,
}

impl ArtifactService {
    /// Reads every blob and checks its digest. Artifacts whose bytes are damaged or gone show it from then on, and no longer
    /// if they are whole again. `progress` is told after each blob.
    ///
    /// # Errors
    /// When backend or storage fail; a damaged blob is no failure but a finding.
    pub async fn verify(
        &self,
        mut progress: impl FnMut(&VerifyReport),
    ) -> Result<VerifyReport, ArtifactError> {
        let mut report = VerifyReport::default();
        let mut after = None;
        loop {
            let page = self.backend.list_blobs(after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(report) };
            after = Some(last.sha256);
            for blob in page {
                self.verify_blob(&blob, &mut report).await?;
                progress(&report);
            }
        }
    }

    async fn verify_blob(&self, blob: &BlobRecord, report: &mut VerifyReport) -> Result<(), ArtifactError> {
        let damaged = match self.read_through(blob).await {
            Ok(()) => {
                report.whole += 1;
                report.bytes += blob.size_bytes;
                false
            }
            Err(ArtifactError::Blob(BlobError::Damaged(_))) => {
                report.damaged.push(blob.sha256);
                true
            }
            Err(ArtifactError::Blob(BlobError::Missing(_))) => {
                report.missing.push(blob.sha256);
                true
            }
            Err(error) => return Err(error),
        };
        if damaged {
            self.blobs.set_aside(blob.sha256).await?;
        }
        if damaged != blob.damaged {
            self.backend.mark_blob(blob.sha256, damaged).await?;
        }
        Ok(())
    }

    async fn read_through(&self, blob: &BlobRecord) -> Result<(), ArtifactError> {
        let mut bytes = self.read_blob(&blob.storage, blob.sha256, blob.size_bytes, None).await?;
        let mut size = 0;
        while let Some(piece) = bytes.next().await {
            size += piece?.len() as u64;
        }
        if size == blob.size_bytes { Ok(()) } else { Err(BlobError::Damaged(blob.sha256).into()) }
    }

    /// Sees to it that everybody learns of damage that somebody met. Does so in the background: whoever met it has an
    /// answer to give.
    pub(crate) fn note_damage(&self, error: &impl AsBlobError) {
        let Some(BlobError::Damaged(sha256)) = error.as_blob_error() else { return };
        let (service, sha256) = (self.clone(), *sha256);
        tracing::error!(%sha256, "stored bytes are damaged; artifacts that need them are shown as damaged");
        tokio::spawn(async move {
            let marked = service.backend.mark_blob(sha256, true).await;
            let moved = service.blobs.set_aside(sha256).await;
            if let Some(error) = marked.err().map(|e| e.to_string()).or(moved.err().map(|e| e.to_string())) {
                tracing::warn!(%sha256, error, "damage could not be noted");
            }
        });
    }

    /// Removes artifacts whose time has come and, with `retention`, jobs that ended longer ago than that, with their
    /// artifacts. Pinned artifacts stay, and so do their jobs. The bytes go with the next [`sweep`](Self::sweep).
    ///
    /// # Errors
    /// When the backend fails; what was not done is done by the next call.
    pub async fn expire(&self, retention: Option<Duration>) -> Result<Expired, ArtifactError> {
        let jobs_ended_before = retention.map(|retention| SystemClock.now().before(retention));
        let mut all = Expired::default();
        loop {
            let request = ExpireRequest { jobs_ended_before, limit: EXPIRE_AT_ONCE };
            let expired = self.backend.expire(request).await?;
            all.artifacts += expired.artifacts;
            all.jobs += expired.jobs;
            if expired == Expired::default() {
                return Ok(all);
            }
        }
    }
}

/// Errors that may be about stored bytes.
pub(crate) trait AsBlobError {
    fn as_blob_error(&self) -> Option<&BlobError>;
}

impl AsBlobError for BlobError {
    fn as_blob_error(&self) -> Option<&BlobError> {
        Some(self)
    }
}

impl AsBlobError for ArtifactError {
    fn as_blob_error(&self) -> Option<&BlobError> {
        if let Self::Blob(error) = self { Some(error) } else { None }
    }
}
