//! Artifacts as bytes that can be read from any position, wherever they are.

use std::collections::VecDeque;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt as _;
use tokio::runtime::Handle;
use tokio::time::Instant;
use upnext_artifacts::{ArtifactError, ArtifactService};
use upnext_blobs::BlobError;
use upnext_core::Artifact;
use upnext_core::artifact::INLINE_STORAGE;
use upnext_previews::{ReadSeek, Source};

use crate::error::ApiError;

/// Bytes of one request to a storage that has no files.
const BLOCK: u64 = 1 << 20;

/// Blocks that are kept: decoders go back and forth.
const BLOCKS: usize = 8;

/// How long all requests for one preview may take together.
const PATIENCE: Duration = Duration::from_secs(10);

/// An artifact that is open for a preview.
pub(super) struct Opened {
    artifact: Artifact,
    reader: Box<dyn ReadSeek>,
}

impl Opened {
    pub(super) async fn of(artifacts: &ArtifactService, artifact: &Artifact) -> Result<Self, ApiError> {
        let reader: Box<dyn ReadSeek> = if artifact.sha256.is_some() && artifact.storage == INLINE_STORAGE {
            Box::new(Cursor::new(artifacts.read_all(artifact, artifact.size_bytes).await?))
        } else if let Some(file) = artifacts.open_file(artifact).await? {
            Box::new(BufReader::with_capacity(64 * 1024, file))
        } else {
            Box::new(Ranges::new(artifacts.clone(), artifact.clone()))
        };
        Ok(Self { artifact: artifact.clone(), reader })
    }

    pub(super) fn source(&mut self) -> Source<'_> {
        Source {
            media_type: &self.artifact.content_type,
            name: &self.artifact.name,
            size: self.artifact.size_bytes,
            reader: &mut *self.reader,
        }
    }
}

/// Reads an artifact in blocks. To be used on a thread that may block.
struct Ranges {
    artifacts: ArtifactService,
    artifact: Artifact,
    runtime: Handle,
    deadline: Instant,
    position: u64,
    /// The one used last comes first.
    blocks: VecDeque<(u64, Bytes)>,
}

impl Ranges {
    fn new(artifacts: ArtifactService, artifact: Artifact) -> Self {
        let deadline = Instant::now() + PATIENCE;
        Self {
            artifacts,
            artifact,
            runtime: Handle::current(),
            deadline,
            position: 0,
            blocks: VecDeque::new(),
        }
    }

    fn block(&mut self, number: u64) -> io::Result<Bytes> {
        let known = self.blocks.iter().position(|(known, _)| *known == number);
        let block = match known.and_then(|place| self.blocks.remove(place)) {
            Some(block) => block,
            None => (number, self.fetch(number)?),
        };
        let bytes = block.1.clone();
        self.blocks.push_front(block);
        self.blocks.truncate(BLOCKS);
        Ok(bytes)
    }

    fn fetch(&self, number: u64) -> io::Result<Bytes> {
        let start = number * BLOCK;
        let range = start..(start + BLOCK).min(self.artifact.size_bytes);
        let fetched = self.runtime.block_on(tokio::time::timeout_at(self.deadline, async {
            let mut pieces = self.artifacts.read(&self.artifact, Some(range)).await?;
            let mut block = Vec::new();
            while let Some(piece) = pieces.next().await {
                block.extend_from_slice(&piece?);
            }
            Ok::<_, ArtifactError>(Bytes::from(block))
        }));
        match fetched {
            Ok(Ok(block)) => Ok(block),
            Ok(Err(ArtifactError::Blob(error))) => Err(io::Error::other(error)),
            Ok(Err(error)) => Err(io::Error::other(error)),
            Err(_) => Err(io::Error::other(BlobError::Unavailable(
                "it took too long to read an artifact for its preview".to_owned(),
            ))),
        }
    }
}

impl Read for Ranges {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.position >= self.artifact.size_bytes || buffer.is_empty() {
            return Ok(0);
        }
        let block = self.block(self.position / BLOCK)?;
        let within = usize::try_from(self.position % BLOCK).map_err(io::Error::other)?;
        let rest = block.get(within..).unwrap_or_default();
        let length = rest.len().min(buffer.len());
        buffer[..length].copy_from_slice(&rest[..length]);
        self.position += length as u64;
        Ok(length)
    }
}

impl Seek for Ranges {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let position = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.artifact.size_bytes.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = position.ok_or_else(|| {
            io::Error::new(io::ErrorKind::InvalidInput, "a position before the beginning was asked for")
        })?;
        Ok(self.position)
    }
}
