//! The first of the two steps of storing: sources of all kinds become [`Staged`] bytes.

use std::io::{self, Cursor, Read};
use std::path::Path;

use bytes::{Bytes, BytesMut};
use futures::stream::{Stream, StreamExt as _};
use tokio::sync::mpsc;

use crate::error::{BlobError, StageError};
use crate::intake::{Piece, PieceReader, take_in};
use crate::staged::{Limits, Staged, TempFile};
use crate::store::{BlobStore, Storage};

/// Pieces of a stream that wait to be written.
const PIECES_WAITING: usize = 8;

impl BlobStore {
    /// Takes in what a blocking reader gives.
    ///
    /// # Errors
    /// When there is too much, or the source or the storage fails.
    pub async fn stage_reader(
        &self,
        source: impl Read + Send + 'static,
        limits: Limits,
    ) -> Result<Staged, StageError> {
        let store = self.clone();
        let work = tokio::task::spawn_blocking(move || take_in(source, limits, || store.temporary()));
        work.await.map_err(|error| BlobError::interrupted(&error))?
    }

    /// Takes in a file.
    ///
    /// # Errors
    /// When it is too large, or it or the storage fails.
    pub async fn stage_path(&self, path: impl AsRef<Path>, limits: Limits) -> Result<Staged, StageError> {
        let path = path.as_ref().to_owned();
        let store = self.clone();
        let work = tokio::task::spawn_blocking(move || {
            let file = std::fs::File::open(&path).map_err(BlobError::Source)?;
            let metadata = file.metadata().map_err(BlobError::Source)?;
            if metadata.is_file() && metadata.len() > limits.size {
                return Err(StageError::TooLarge { limit: limits.size, size: Some(metadata.len()) });
            }
            take_in(file, limits, || store.temporary())
        });
        work.await.map_err(|error| BlobError::interrupted(&error))?
    }

    /// Takes in what a stream gives.
    ///
    /// # Errors
    /// When there is too much, or the source or the storage fails.
    pub async fn stage_stream(
        &self,
        source: impl Stream<Item = io::Result<Bytes>> + Send,
        limits: Limits,
    ) -> Result<Staged, StageError> {
        let mut source = std::pin::pin!(source);
        let room = (limits.memory as u64).min(limits.size);
        let mut first = BytesMut::new();
        while first.len() as u64 <= room {
            match source.next().await {
                Some(piece) => first.extend_from_slice(&piece.map_err(BlobError::Source)?),
                None => return Ok(Staged::from_bytes(first.freeze())),
            }
        }
        let (pieces, waiting) = mpsc::channel(PIECES_WAITING);
        let all = Cursor::new(first.freeze()).chain(PieceReader::new(waiting));
        let mut taking = std::pin::pin!(self.stage_reader(all, limits));
        let feeding = async {
            while let Some(piece) = source.next().await {
                if pieces.send(Piece::Bytes(piece)).await.is_err() {
                    return;
                }
            }
            let _ = pieces.send(Piece::End).await;
        };
        tokio::select! {
            biased;
            // It only ends before its source when something is wrong.
            taken = &mut taking => taken,
            () = feeding => taking.await,
        }
    }

    fn temporary(&self) -> Result<TempFile, BlobError> {
        match &self.storage {
            Storage::Local(local) => local.temporary(),
            Storage::Bucket(_) | Storage::Elsewhere(_) => {
                let folder = std::env::temp_dir();
                let file = tempfile::tempfile_in(&folder);
                file.map(TempFile::unnamed).map_err(|error| BlobError::from_file("write", &folder, &error))
            }
        }
    }
}
