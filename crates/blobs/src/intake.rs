//! From a source to [`Staged`] bytes: one pass that counts, hashes and writes, with constant memory.
//!
//! Small sources stay in memory. Larger ones go to a temporary file; a second thread hashes what the first one writes,
//! so that the two costs overlap.

use std::io::{self, Read, Write};
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc;

use bytes::{Buf as _, Bytes};
use sha2::{Digest as _, Sha256};
use upnext_core::artifact::Digest;

use crate::error::{BlobError, StageError};
use crate::staged::{Limits, Staged, TempFile};

/// Size of one buffer of the copying loop. All of them together stay in the cache of a processor core: with 1 MiB each,
/// copying took three times as long.
const BUFFER: usize = 128 * 1024;

/// How many buffers go round between the writing and the hashing thread.
const BUFFERS: usize = 4;

/// Reads `source` to its end. Blocks. `temporary` is asked for a file only if the bytes do not fit into memory.
pub(crate) fn take_in(
    mut source: impl Read,
    limits: Limits,
    temporary: impl FnOnce() -> Result<TempFile, BlobError>,
) -> Result<Staged, StageError> {
    let mut first = Vec::new();
    let room = (limits.memory as u64).min(limits.size);
    source.by_ref().take(room + 1).read_to_end(&mut first).map_err(BlobError::Source)?;
    if first.len() as u64 > limits.size {
        return Err(StageError::TooLarge { limit: limits.size, size: None });
    }
    if first.len() as u64 <= room {
        return Ok(Staged::from_bytes(first.into()));
    }
    spill(&first, source, limits, temporary()?)
}

/// A buffer on its way round.
struct Buffer {
    bytes: Box<[u8]>,
    filled: usize,
}

impl Buffer {
    fn new() -> Self {
        Self { bytes: vec![0; BUFFER].into_boxed_slice(), filled: 0 }
    }

    fn filled(&self) -> &[u8] {
        &self.bytes[..self.filled]
    }

    /// Takes from `source` as much as there is room for; less only at its end.
    fn fill(&mut self, source: &mut impl Read) -> io::Result<()> {
        self.filled = 0;
        while self.filled < self.bytes.len() {
            match source.read(&mut self.bytes[self.filled..]) {
                Ok(0) => break,
                Ok(read) => self.filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}

/// Copies `first` and the rest of `source` to `temp` while another thread hashes it.
fn spill(first: &[u8], source: impl Read, limits: Limits, mut temp: TempFile) -> Result<Staged, StageError> {
    let (full, to_hash) = mpsc::sync_channel::<Arc<Buffer>>(BUFFERS);
    let (give_back, empty) = mpsc::sync_channel::<Arc<Buffer>>(BUFFERS);
    for _ in 0..BUFFERS {
        give_back.send(Arc::new(Buffer::new())).expect("the channel has room for every buffer");
    }
    let (copied, sha256) = std::thread::scope(|scope| {
        let hashing = scope.spawn(move || {
            let mut hasher = Sha256::new();
            for buffer in to_hash {
                hasher.update(buffer.filled());
                // The writer is gone at the end; nobody needs the buffers then.
                let _ = give_back.send(buffer);
            }
            hasher.finalize()
        });
        let copied = copy(Read::chain(first, source), limits.size, &mut temp, &full, &empty);
        drop(full);
        let digest = hashing.join().expect("hashing does not panic");
        (copied, Digest::from_bytes(digest.into()))
    });
    Ok(Staged::from_file(sha256, copied?, first, temp))
}

/// Writes everything that `source` gives to `temp`, and every buffer to `full`. Answers how much it was.
fn copy(
    mut source: impl Read,
    limit: u64,
    temp: &mut TempFile,
    full: &mpsc::SyncSender<Arc<Buffer>>,
    empty: &mpsc::Receiver<Arc<Buffer>>,
) -> Result<u64, StageError> {
    let mut size = 0;
    loop {
        let mut shared = empty.recv().expect("the hashing thread gives back what it gets");
        let buffer = Arc::get_mut(&mut shared).expect("a buffer given back is held by nobody else");
        buffer.fill(&mut source).map_err(BlobError::Source)?;
        if buffer.filled == 0 {
            return Ok(size);
        }
        size += buffer.filled as u64;
        if size > limit {
            return Err(StageError::TooLarge { limit, size: None });
        }
        full.send(Arc::clone(&shared)).expect("the hashing thread lives as long as this loop");
        if let Err(error) = temp.file.write_all(shared.filled()) {
            let path = temp.path().unwrap_or_else(|| Path::new("a temporary file"));
            return Err(BlobError::from_file("write", path, &error).into());
        }
    }
}

/// What travels from an asynchronous source to the blocking loop.
pub(crate) enum Piece {
    Bytes(io::Result<Bytes>),
    End,
}

/// The blocking end of an asynchronous source.
pub(crate) struct PieceReader {
    pieces: tokio::sync::mpsc::Receiver<Piece>,
    current: Bytes,
    ended: bool,
}

impl PieceReader {
    pub(crate) fn new(pieces: tokio::sync::mpsc::Receiver<Piece>) -> Self {
        Self { pieces, current: Bytes::new(), ended: false }
    }
}

impl Read for PieceReader {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.current.is_empty() && !self.ended {
            match self.pieces.blocking_recv() {
                Some(Piece::Bytes(bytes)) => self.current = bytes?,
                Some(Piece::End) => self.ended = true,
                // Without an end the caller has given up: half of the data must not pass for the whole.
                None => return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the source was dropped")),
            }
        }
        let length = self.current.len().min(buffer.len());
        self.current.copy_to_slice(&mut buffer[..length]);
        Ok(length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::staged::sha256;

    fn staged(bytes: &[u8], limits: Limits) -> Result<Staged, StageError> {
        take_in(bytes, limits, || Ok(TempFile::unnamed(tempfile::tempfile().unwrap())))
    }

    #[test]
    fn what_fits_stays_in_memory_and_the_rest_goes_to_a_file() {
        let limits = Limits { size: 5_000_000, memory: 1000 };
        for length in [0, 1, 999, 1000, 1001, BUFFER, 4_500_001, 5_000_000] {
            let bytes: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
            let mut staged = staged(&bytes, limits).unwrap();
            assert_eq!(staged.bytes().is_some(), length <= 1000, "{length}");
            assert_eq!((staged.size(), staged.sha256()), (length as u64, sha256(&bytes)));
            assert_eq!(staged.head(), &bytes[..length.min(512)]);
            let mut back = Vec::new();
            staged.reader().unwrap().read_to_end(&mut back).unwrap();
            assert!(back == bytes, "{length}");
        }
    }

    #[test]
    fn the_limit_holds_in_memory_and_in_files() {
        for limits in [Limits { size: 10, memory: 100 }, Limits { size: 2_000_000, memory: 100 }] {
            let bytes = vec![7; usize::try_from(limits.size).unwrap() + 1];
            let error = staged(&bytes, limits).unwrap_err();
            assert!(matches!(error, StageError::TooLarge { limit, .. } if limit == limits.size), "{error}");
            assert!(staged(&bytes[1..], limits).is_ok());
        }
    }

    #[test]
    fn a_source_that_fails_is_named_as_such() {
        struct Broken;
        impl Read for Broken {
            fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
                Err(io::Error::other("the disk fell out"))
            }
        }
        let source = Read::chain(&[1; 100][..], Broken);
        let error = take_in(source, Limits { size: 1000, memory: 10 }, || {
            Ok(TempFile::unnamed(tempfile::tempfile().unwrap()))
        })
        .unwrap_err();
        assert_eq!(error.to_string(), "the data could not be read: the disk fell out");
    }

    #[test]
    fn a_dropped_stream_is_not_a_complete_one() {
        let (sender, receiver) = tokio::sync::mpsc::channel(4);
        sender.try_send(Piece::Bytes(Ok(Bytes::from_static(b"half")))).ok().unwrap();
        drop(sender);
        let mut read = Vec::new();
        assert!(PieceReader::new(receiver).read_to_end(&mut read).is_err());
    }
}
