//! Bytes on their way out, checked on the way: nobody gets the last piece of a blob that is not what was stored.

use std::fs::File;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures::stream::{self, BoxStream, StreamExt as _};
use sha2::{Digest as _, Sha256};
use tokio::task::JoinHandle;
use upnext_core::artifact::Digest;

use crate::error::BlobError;
use crate::local::{LocalStorage, read_chunk};
use crate::store::blocking;

/// Bytes on their way out.
pub type ByteStream = BoxStream<'static, Result<Bytes, BlobError>>;

/// Size of the pieces in which a file is read.
const CHUNK: u64 = 256 * 1024;

/// Follows the bytes of one read and says at its end whether they were the right ones.
pub(crate) struct Check {
    sha256: Digest,
    remaining: u64,
    /// `None` for a part of a blob, whose digest nobody knows.
    hasher: Option<Sha256>,
}

impl Check {
    /// For `length` bytes; `whole` when these are the entire blob.
    pub(crate) fn new(sha256: Digest, length: u64, whole: bool) -> Self {
        Self { sha256, remaining: length, hasher: whole.then(Sha256::new) }
    }

    /// Takes note of the next piece. Fails instead of letting the last one pass when something is wrong.
    pub(crate) fn pass(&mut self, piece: &[u8]) -> Result<(), BlobError> {
        let damaged = BlobError::Damaged(self.sha256);
        let Some(remaining) = self.remaining.checked_sub(piece.len() as u64) else { return Err(damaged) };
        self.remaining = remaining;
        if let Some(hasher) = &mut self.hasher {
            hasher.update(piece);
        }
        match self.remaining {
            0 => self.end(),
            _ if piece.is_empty() => Err(damaged),
            _ => Ok(()),
        }
    }

    /// The bytes came to an end.
    pub(crate) fn end(&mut self) -> Result<(), BlobError> {
        let digest = self.hasher.take().map(|hasher| Digest::from_bytes(hasher.finalize().into()));
        if self.remaining > 0 || digest.is_some_and(|digest| digest != self.sha256) {
            return Err(BlobError::Damaged(self.sha256));
        }
        Ok(())
    }
}

/// A file that is being read.
struct FileRead {
    file: File,
    check: Check,
}

impl FileRead {
    /// The next piece; `None` at the end. Blocks.
    fn next(&mut self) -> Result<Option<Bytes>, BlobError> {
        if self.check.remaining == 0 {
            // Only an empty blob still has its hasher here.
            return self.check.end().map(|()| None);
        }
        let length = self.check.remaining.min(CHUNK);
        let chunk = read_chunk(&mut self.file, usize::try_from(length).unwrap_or(usize::MAX));
        let chunk = chunk.map_err(|error| {
            BlobError::Unavailable(format!("cannot read the blob {}: {error}", self.check.sha256))
        })?;
        self.check.pass(&chunk)?;
        Ok(Some(chunk.into()))
    }
}

/// Reads a blob of the local storage. The first piece is read together with opening the file; each further one while
/// the one before is on its way out, so that reading and hashing cost no time of their own. No thread waits for a slow
/// receiver: at most one piece is read that nobody has asked for yet.
pub(crate) async fn read_local(
    storage: &Arc<LocalStorage>,
    sha256: Digest,
    range: Option<Range<u64>>,
) -> Result<ByteStream, BlobError> {
    let storage = Arc::clone(storage);
    let (first, reading) = blocking(move || {
        let start = range.as_ref().map_or(0, |range| range.start);
        let (file, length) = storage.open_blob(sha256, start)?;
        let check = match &range {
            Some(range) => Check::new(sha256, range.end.saturating_sub(range.start), false),
            None => Check::new(sha256, length, true),
        };
        let mut reading = FileRead { file, check };
        Ok((reading.next(), reading))
    })
    .await?;
    let pieces = stream::unfold(Some(Ahead::Read(first, reading)), |ahead| async move {
        match ahead?.get().await {
            (Ok(Some(piece)), reading) => Some((Ok(piece), reading.and_then(Ahead::start))),
            (Ok(None), _) => None,
            (Err(error), _) => Some((Err(error), None)),
        }
    });
    Ok(pieces.boxed())
}

/// What one step of reading gave.
type Piece = Result<Option<Bytes>, BlobError>;

/// The next piece of a file: read already, or being read.
enum Ahead {
    Read(Piece, FileRead),
    Reading(JoinHandle<(Piece, FileRead)>),
}

impl Ahead {
    /// Begins to read the next piece, if there is one.
    fn start(mut reading: FileRead) -> Option<Self> {
        let more = reading.check.remaining > 0;
        more.then(|| Self::Reading(tokio::task::spawn_blocking(move || (reading.next(), reading))))
    }

    async fn get(self) -> (Piece, Option<FileRead>) {
        match self {
            Self::Read(piece, reading) => (piece, Some(reading)),
            Self::Reading(reading) => match reading.await {
                Ok((piece, reading)) => (piece, Some(reading)),
                Err(error) => (Err(BlobError::interrupted(&error)), None),
            },
        }
    }
}

/// Checks a stream that comes from elsewhere.
pub(crate) fn checked(source: ByteStream, check: Check) -> ByteStream {
    stream::unfold(Some((source, check)), |state| async move {
        let (mut source, mut check) = state?;
        loop {
            return match source.next().await {
                Some(Ok(piece)) if piece.is_empty() => continue,
                Some(Ok(piece)) => match check.pass(&piece) {
                    Ok(()) => Some((Ok(piece), Some((source, check)))),
                    Err(error) => Some((Err(error), None)),
                },
                Some(Err(error)) => Some((Err(error), None)),
                None => check.end().err().map(|error| (Err(error), None)),
            };
        }
    })
    .boxed()
}
