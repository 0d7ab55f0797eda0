//! The part of a source that a preview may see: so many bytes, for so long.
//!
//! At the limit the window ends like a file does, because every decoder knows what to do at the end of a file. What
//! really happened is asked of the window afterwards.

use std::io::{self, Read, Seek, SeekFrom};
use std::time::Instant;

use crate::{Limits, PreviewError, ReadSeek, Source};

/// Why a window ended before its source did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Stop {
    Bytes,
    Time,
}

impl Stop {
    /// The sentence for whoever sees no preview.
    pub(crate) fn reason(self, limits: &Limits) -> String {
        match self {
            Self::Bytes => format!(
                "the preview would have to read more than {} bytes; download the artifact to see it",
                limits.read_bytes
            ),
            Self::Time => format!(
                "the preview took longer than {} seconds; download the artifact to see it",
                limits.time.as_secs_f32()
            ),
        }
    }
}

/// Reads a source within limits.
pub(crate) struct Window<'a> {
    pub(crate) name: &'a str,
    pub(crate) media_type: &'a str,
    /// What the source says; only ever compared, never reserved.
    pub(crate) size: u64,
    reader: &'a mut dyn ReadSeek,
    left: u64,
    deadline: Instant,
    stopped: Option<Stop>,
    failure: Option<io::Error>,
}

impl<'a> Window<'a> {
    pub(crate) fn new(source: Source<'a>, limits: &Limits, deadline: Instant) -> Self {
        let Source { media_type, name, size, reader } = source;
        Self {
            name,
            media_type,
            size,
            reader,
            left: limits.read_bytes,
            deadline,
            stopped: None,
            failure: None,
        }
    }

    /// Back to the first byte, with at least so many bytes to read from there.
    pub(crate) fn again(&mut self, at_least: u64) {
        self.left = self.left.max(at_least);
        if self.stopped == Some(Stop::Bytes) {
            self.stopped = None;
        }
        // A failure is remembered and told by `verdict`.
        let _ = self.rewind();
    }

    /// Up to `limit` bytes from the beginning, and whether the source ends with them. They are not counted as read, and
    /// the window stands at the beginning afterwards.
    pub(crate) fn peek(&mut self, limit: u64) -> io::Result<(Vec<u8>, bool)> {
        let left = self.left;
        self.again(0);
        let bytes = self.head(limit.saturating_add(1));
        let stopped = self.stopped.is_some();
        self.left = left;
        self.again(0);
        let mut bytes = bytes?;
        let whole = !stopped && bytes.len() as u64 <= limit;
        bytes.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok((bytes, whole))
    }

    /// Why the window ended early, if it did.
    pub(crate) fn stopped(&self) -> Option<Stop> {
        self.stopped
    }

    /// When the work has to be over.
    pub(crate) fn deadline(&self) -> Instant {
        self.deadline
    }

    /// True when no more time is left; remembers that.
    pub(crate) fn out_of_time(&mut self) -> bool {
        if Instant::now() >= self.deadline {
            self.stopped = Some(Stop::Time);
        }
        self.stopped == Some(Stop::Time)
    }

    /// The source's own failure, which decoders wrap or swallow.
    pub(crate) fn verdict(&mut self) -> Result<(), PreviewError> {
        match self.failure.take() {
            Some(error) => Err(PreviewError::Unreadable { name: self.name.to_owned(), error }),
            None => Ok(()),
        }
    }

    /// Up to `limit` bytes from here. Memory grows with what arrives, not with what was promised.
    pub(crate) fn head(&mut self, limit: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.take(limit).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    /// Exactly `length` bytes from a position.
    pub(crate) fn exactly(&mut self, position: u64, length: u64) -> io::Result<Vec<u8>> {
        self.seek(SeekFrom::Start(position))?;
        let bytes = self.head(length)?;
        if bytes.len() as u64 == length { Ok(bytes) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
    }

    fn remember<T>(&mut self, answer: io::Result<T>) -> io::Result<T> {
        answer.map_err(|error| {
            let told = io::Error::from(error.kind());
            // Looking for a place before the first byte is a mistake of the content, not of the reader.
            if !matches!(error.kind(), io::ErrorKind::InvalidInput | io::ErrorKind::Interrupted) {
                self.failure = Some(error);
            }
            told
        })
    }
}

impl Read for Window<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() || self.failure.is_some() || self.out_of_time() {
            return Ok(0);
        }
        if self.left == 0 {
            // A source that ends exactly here did not exceed the limit: one more byte tells.
            let answer = self.reader.read(&mut [0]);
            if self.remember(answer)? > 0 {
                self.stopped = Some(Stop::Bytes);
            }
            return Ok(0);
        }
        let room = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let answer = self.reader.read(&mut buffer[..room]);
        let count = self.remember(answer)?;
        self.left = self.left.saturating_sub(count as u64);
        Ok(count)
    }
}

impl Seek for Window<'_> {
    fn seek(&mut self, position: SeekFrom) -> io::Result<u64> {
        let answer = self.reader.seek(position);
        self.remember(answer)
    }
}
