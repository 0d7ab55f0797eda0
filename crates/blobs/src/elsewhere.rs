//! A storage behind somebody else: the seam for whoever carries blobs to a place that this process cannot reach itself.

use std::fmt;
use std::ops::Range;

use async_trait::async_trait;
use bytes::Bytes;
use futures::StreamExt as _;
use futures::stream::{self, BoxStream};
use upnext_core::artifact::{Digest, StorageName};

use crate::error::BlobError;
use crate::reading::{ByteStream, Check, checked};
use crate::staged::{Content, Staged};
use crate::upload::Source;

/// Size of the pieces in which staged bytes leave.
const CHUNK: u64 = 256 * 1024;

/// Bytes on their way to a storage, from their first one on. Can be asked for again when a transfer broke off.
pub type Outgoing = BoxStream<'static, Result<Bytes, BlobError>>;

/// Carries blobs between this process and a storage. [`BlobStore`](crate::BlobStore) stages, checks and retries around it.
#[async_trait]
pub trait Carrier: Send + Sync + fmt::Debug {
    /// The storage in which the blobs are.
    fn storage(&self) -> StorageName;

    /// Stores `size` bytes under their digest: durable when this returns.
    async fn put(&self, sha256: Digest, size: u64, bytes: Outgoing) -> Result<(), BlobError>;

    /// The bytes of a blob, or a part of them, and how many they are.
    async fn read(&self, sha256: Digest, range: Option<Range<u64>>) -> Result<(u64, ByteStream), BlobError>;

    /// Length of a blob, if it is there.
    async fn size(&self, sha256: Digest) -> Result<Option<u64>, BlobError>;

    /// Takes a damaged blob out of the way.
    async fn set_aside(&self, sha256: Digest) -> Result<(), BlobError>;

    /// Answers when the storage works.
    async fn check(&self) -> Result<(), BlobError>;
}

pub(crate) async fn commit(carrier: &dyn Carrier, staged: &mut Staged) -> Result<(), BlobError> {
    let (sha256, size) = (staged.sha256(), staged.size());
    let source = match &mut staged.content {
        Content::Memory(bytes) => Source::Memory(bytes.clone()),
        Content::File(temp) => temp.rewound().map(Source::File)?,
    };
    carrier.put(sha256, size, pieces(source, size)).await
}

pub(crate) async fn read(
    carrier: &dyn Carrier,
    sha256: Digest,
    range: Option<Range<u64>>,
) -> Result<ByteStream, BlobError> {
    if range.as_ref().is_some_and(Range::is_empty) {
        let found = carrier.size(sha256).await?;
        return found.map(|_| stream::empty().boxed()).ok_or(BlobError::Missing(sha256));
    }
    let whole = range.is_none();
    let expected = range.as_ref().map(|range| range.end - range.start);
    let (length, bytes) = carrier.read(sha256, range).await?;
    Ok(checked(bytes, Check::new(sha256, expected.unwrap_or(length), whole)))
}

/// What a storage that is reached through a carrier does not do from here.
pub(crate) fn not_from_here(action: &str) -> BlobError {
    BlobError::Unusable(format!(
        "this process works through a server and cannot {action} its storage: run this where the server runs"
    ))
}

fn pieces(source: Source, size: u64) -> Outgoing {
    stream::unfold((source, size), |(mut source, remaining)| async move {
        if remaining == 0 {
            return None;
        }
        let length = remaining.min(CHUNK);
        match source.next(length).await {
            Ok(piece) => Some((Ok(piece), (source, remaining - length))),
            Err(error) => Some((Err(error), (source, 0))),
        }
    })
    .boxed()
}
