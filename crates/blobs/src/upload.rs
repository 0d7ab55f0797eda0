//! Large blobs on their way into a bucket, part by part.

use std::fs::File;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::stream::{FuturesUnordered, StreamExt as _};
use object_store::path::Path;
use object_store::{MultipartUpload, ObjectStoreExt as _};

use crate::bucket::{BucketStorage, is_older};
use crate::error::BlobError;
use crate::local::read_chunk;
use crate::place::code_of;
use crate::store::blocking;

/// Above this size a blob is uploaded in parts, of at least this size each.
pub(crate) const PART: u64 = 8 * 1024 * 1024;

/// How far the clock of a service may be from ours.
const CLOCKS_APART: Duration = Duration::from_secs(60);

/// S3 takes at most 10,000 parts.
const MAX_PARTS: u64 = 9_999;

/// Parts of one blob under way at a time.
const PARTS_AT_ONCE: usize = 4;

impl BucketStorage {
    /// Uploads in parts. What cannot be completed is taken back.
    pub(crate) async fn upload(&self, path: &Path, size: u64, mut source: Source) -> Result<(), BlobError> {
        let begun = Instant::now();
        let part = PART.max(size.div_ceil(MAX_PARTS));
        let started = self.store.put_multipart(path).await.map_err(|error| self.place.write_error(&error))?;
        let mut upload = Upload(Some(started));
        let mut under_way = FuturesUnordered::new();
        let mut remaining = size;
        while remaining > 0 || !under_way.is_empty() {
            if remaining > 0 && under_way.len() < PARTS_AT_ONCE {
                let length = remaining.min(part);
                let bytes = source.next(length).await?;
                remaining -= length;
                under_way.push(upload.get().put_part(bytes.into()));
            } else if let Some(sent) = under_way.next().await {
                sent.map_err(|error| self.place.write_error(&error))?;
            }
        }
        let completed = upload.get().complete().await;
        if let Err(error) = completed
            && !self.was_completed(path, size, begun).await
        {
            return Err(self.place.write_error(&error));
        }
        upload.0 = None;
        Ok(())
    }

    /// The answer to a completion may be lost after it was carried out; asked again, the service knows no such upload any
    /// more. The object itself tells.
    async fn was_completed(&self, path: &Path, size: u64, begun: Instant) -> bool {
        let age = begun.elapsed() + CLOCKS_APART;
        self.store.head(path).await.is_ok_and(|meta| meta.size == size && !is_older(&meta, age))
    }
}

/// What is uploaded.
pub(crate) enum Source {
    Memory(Bytes),
    File(File),
}

impl Source {
    /// The next `length` bytes.
    pub(crate) async fn next(&mut self, length: u64) -> Result<Bytes, BlobError> {
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        let file = match self {
            Self::Memory(bytes) => return Ok(bytes.split_to(length)),
            Self::File(file) => file.try_clone(),
        };
        blocking(move || {
            let read = file.and_then(|mut file| read_chunk(&mut file, length));
            match read {
                Ok(chunk) if chunk.len() == length => Ok(chunk.into()),
                Ok(_) => Err(BlobError::Unavailable("a temporary file was cut off".to_owned())),
                Err(error) => Err(BlobError::Unavailable(format!("cannot read a temporary file: {error}"))),
            }
        })
        .await
    }
}

/// A multipart upload that is taken back unless it was completed: by the service's own rules it would cost for ever.
struct Upload(Option<Box<dyn MultipartUpload>>);

impl Upload {
    fn get(&mut self) -> &mut dyn MultipartUpload {
        self.0.as_mut().expect("only its end takes it away").as_mut()
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let (Some(mut upload), Ok(runtime)) = (self.0.take(), tokio::runtime::Handle::try_current()) {
            runtime.spawn(async move {
                if let Err(error) = upload.abort().await {
                    tracing::warn!(error = code_of(&error), "an unfinished upload stays in the bucket");
                }
            });
        }
    }
}
