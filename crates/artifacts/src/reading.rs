//! Artifacts on their way out: whole ones, parts of them, and those that are still being written.

use std::ops::Range;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{self, StreamExt as _};
use upnext_blobs::{BlobError, ByteStream, Staged};
use upnext_core::artifact::{Digest, INLINE_STORAGE, Part};
use upnext_core::{Artifact, ArtifactId, ArtifactStatus};

use crate::error::ArtifactError;
use crate::service::ArtifactService;

/// Parts of a live artifact that are looked up at once.
const PARTS_AT_ONCE: usize = 64;

/// How often a follower looks whether a live artifact has grown.
const FOLLOW_EVERY: Duration = Duration::from_millis(100);

impl ArtifactService {
    /// The bytes of an artifact, or the part `range` of them (as far as there are so many). A whole artifact is
    /// checked against its digest on the way: a damaged one ends with [`BlobError::Damaged`] instead of its last
    /// piece. Of one that is being written, or never was completed, this gives what was durable when it was looked up.
    ///
    /// # Errors
    /// [`BlobError::Missing`] when the bytes are gone, [`BlobError::Damaged`] when they are known to be damaged.
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
        // A part that is all of it is checked like all of it.
        let range = range.filter(|range| *range != (0..size));
        let Some(sha256) = artifact.sha256 else {
            return Ok(self.read_parts(artifact.id, range.unwrap_or(0..size)));
        };
        if artifact.status == ArtifactStatus::Damaged {
            return Err(BlobError::Damaged(sha256).into());
        }
        let bytes = match self.read_blob(&artifact.storage, sha256, size, range).await {
            Ok(bytes) => bytes,
            Err(error) => {
                self.note_damage(&error);
                return Err(self.explain_missing(artifact, error));
            }
        };
        let service = self.clone();
        let noting = move |piece: &Result<Bytes, BlobError>| {
            if let Err(error) = piece {
                service.note_damage(error);
            }
        };
        Ok(bytes.inspect(noting).boxed())
    }

    /// All bytes of an artifact at once, checked.
    ///
    /// # Errors
    /// As [`read`](Self::read); also when there are more than `limit`.
    pub async fn read_all(&self, artifact: &Artifact, limit: u64) -> Result<Bytes, ArtifactError> {
        if artifact.size_bytes > limit {
            return Err(ArtifactError::too_large(&artifact.name, Some(artifact.size_bytes), limit));
        }
        let mut bytes = self.read(artifact, None).await?;
        let mut whole = Vec::with_capacity(usize::try_from(artifact.size_bytes).unwrap_or_default());
        while let Some(piece) = bytes.next().await {
            whole.extend_from_slice(&piece?);
        }
        Ok(whole.into())
    }

    /// The bytes of an artifact from `start` on, and, as long as it is being written, all that come later. Ends when it
    /// is closed or its attempt is over.
    pub fn follow(&self, artifact: &Artifact, start: u64) -> ByteStream {
        let following = Following { service: self.clone(), id: artifact.id, at: start, ended: false };
        stream::unfold(following, |mut following| async move {
            following.next().await.transpose().map(|pieces| (pieces, following))
        })
        .map(|pieces| pieces.unwrap_or_else(|error| stream::once(async { Err(error) }).boxed()))
        .flatten()
        .boxed()
    }

    pub(crate) async fn read_blob(
        &self,
        storage: &str,
        sha256: Digest,
        size: u64,
        range: Option<Range<u64>>,
    ) -> Result<ByteStream, ArtifactError> {
        if storage != INLINE_STORAGE {
            return Ok(self.blobs.read(sha256, range).await?);
        }
        let bytes = self.backend.read_blob(sha256).await?.ok_or(BlobError::Missing(sha256))?;
        if bytes.len() as u64 != size {
            return Err(BlobError::Damaged(sha256).into());
        }
        let bytes = match range {
            Some(range) => slice(&bytes, &range),
            None if Staged::from_bytes(bytes.clone()).sha256() == sha256 => bytes,
            None => return Err(BlobError::Damaged(sha256).into()),
        };
        Ok(stream::iter((!bytes.is_empty()).then_some(Ok(bytes))).boxed())
    }

    fn explain_missing(&self, artifact: &Artifact, error: ArtifactError) -> ArtifactError {
        let storage = self.blobs.storage();
        match error {
            ArtifactError::Blob(BlobError::Missing(_))
                if artifact.storage != storage && artifact.storage != INLINE_STORAGE =>
            {
                BlobError::Unusable(format!(
                    "the bytes of artifact '{}' are in the {} storage, but this deployment uses {storage}: set \
                     UPNEXT_ARTIFACT_STORAGE_URL (or UPNEXT_ARTIFACT_STORAGE_BACKEND) back, or copy the blobs over as \
                     docs/storage.md says",
                    artifact.name, artifact.storage,
                ))
                .into()
            }
            error => error,
        }
    }

    /// The bytes `range` of an artifact that has parts.
    fn read_parts(&self, id: ArtifactId, range: Range<u64>) -> ByteStream {
        let service = self.clone();
        let batches = stream::unfold(range.start, move |at| {
            let (service, end) = (service.clone(), range.end);
            async move {
                if at >= end {
                    return None;
                }
                match service.parts_from(id, at, end).await {
                    Ok((pieces, next)) if next > at => Some((pieces, next)),
                    Ok(_) => Some((service.after_closing(id, at..end).await, end)),
                    Err(error) => Some((stream::once(async { Err(error) }).boxed(), end)),
                }
            }
        });
        batches.flatten().boxed()
    }

    /// Some bytes of the parts from `start` on, and where the next ones begin.
    async fn parts_from(&self, id: ArtifactId, start: u64, end: u64) -> Result<(ByteStream, u64), BlobError> {
        let parts = self.backend.list_parts(id, start, PARTS_AT_ONCE).await;
        let parts = parts.map_err(|error| BlobError::Unavailable(error.to_string()))?;
        let next = parts.last().map_or(start, |part| (part.offset + part.size_bytes).min(end));
        let service = self.clone();
        let pieces = stream::iter(parts)
            .take_while(move |part| std::future::ready(part.offset < end))
            .then(move |part| {
                let service = service.clone();
                async move { service.read_part(&part, start, end).await }
            })
            .map(|read| match read {
                Ok(pieces) => pieces,
                Err(error) => stream::once(async { Err(into_blob_error(error)) }).boxed(),
            })
            .flatten();
        Ok((pieces.boxed(), next))
    }

    /// The bytes `range` of an artifact whose parts went away in the middle of reading. If it was closed, the whole has
    /// the same bytes.
    async fn after_closing(&self, id: ArtifactId, range: Range<u64>) -> ByteStream {
        let read = match self.find(id).await {
            Ok(Some(whole)) if whole.sha256.is_some() && whole.size_bytes >= range.end => {
                Box::pin(self.read(&whole, Some(range))).await
            }
            Ok(_) => return broken_off(id),
            Err(error) => Err(error),
        };
        read.unwrap_or_else(|error| stream::once(async { Err(into_blob_error(error)) }).boxed())
    }

    async fn read_part(&self, part: &Part, start: u64, end: u64) -> Result<ByteStream, ArtifactError> {
        let from = start.saturating_sub(part.offset);
        let to = end.saturating_sub(part.offset).min(part.size_bytes);
        let range = (from > 0 || to < part.size_bytes).then_some(from..to);
        self.read_blob(&part.storage, part.sha256, part.size_bytes, range).await
    }
}

/// Somebody who reads an artifact while it is being written.
struct Following {
    service: ArtifactService,
    id: ArtifactId,
    at: u64,
    ended: bool,
}

impl Following {
    /// What has come since; `None` at the end.
    async fn next(&mut self) -> Result<Option<ByteStream>, BlobError> {
        let gone =
            || BlobError::Unavailable(format!("the artifact {} was removed while it was read", self.id));
        while !self.ended {
            let found = self.service.find(self.id).await.map_err(into_blob_error)?;
            let artifact = found.ok_or_else(gone)?;
            self.ended = artifact.status != ArtifactStatus::Writing;
            if artifact.size_bytes > self.at {
                let range = self.at..artifact.size_bytes;
                let read = self.service.read(&artifact, Some(range)).await;
                match read {
                    Ok(bytes) => {
                        self.at = artifact.size_bytes;
                        return Ok(Some(bytes));
                    }
                    Err(error) => return Err(into_blob_error(error)),
                }
            }
            if !self.ended {
                tokio::time::sleep(FOLLOW_EVERY).await;
            }
        }
        Ok(None)
    }
}

fn broken_off(id: ArtifactId) -> ByteStream {
    let error = BlobError::Unavailable(format!("the artifact {id} changed while it was read; read it again"));
    stream::once(async { Err(error) }).boxed()
}

/// An error in the middle of bytes.
pub(crate) fn into_blob_error(error: ArtifactError) -> BlobError {
    match error {
        ArtifactError::Blob(error) => error,
        error => BlobError::Unavailable(error.to_string()),
    }
}

fn slice(bytes: &Bytes, range: &Range<u64>) -> Bytes {
    // The range was clamped to the length, which is a usize.
    let at = |place: u64| usize::try_from(place).unwrap_or(usize::MAX).min(bytes.len());
    bytes.slice(at(range.start)..at(range.end))
}
