//! Blobs: the bytes that live beside their records, and what is known of those that live in storage.

use std::time::Duration;

use bytes::Bytes;
use redis::Value;
use upnext_core::artifact::Digest;
use upnext_core::backend::{BlobRecord, CondemnedBlob, Result};

use crate::Redis;
use crate::link::Repeat;
use crate::reply::{self, Reply};
use crate::rows::stored_micros;

/// How long a sweeper may take to remove what it was given. After this it counts as dead and its blobs are given to the
/// next one.
const SWEEPER_PATIENCE: Duration = Duration::from_secs(10 * 60);

pub(crate) async fn list_blobs(
    redis: &Redis,
    after: Option<Digest>,
    limit: usize,
) -> Result<Vec<BlobRecord>> {
    let mut args = redis.now.begin();
    args.add(after.as_ref().map_or(&[][..], |digest| digest.as_bytes())).number(limit);
    let mut reply = Reply::new(redis.link.call("list_blobs", &args, Repeat::Harmless).await?);
    reply.value()?;
    let read = |mut blob: Reply| {
        Ok(BlobRecord {
            sha256: reply::digest(&blob.value()?)?,
            size_bytes: blob.number::<i64>()?.unsigned_abs(),
            storage: blob.text()?,
            damaged: blob.number::<i64>()? == 1,
        })
    };
    reply.lists()?.into_iter().map(read).collect()
}

pub(crate) async fn mark_blob(redis: &Redis, sha256: Digest, damaged: bool) -> Result<bool> {
    let mut args = redis.now.begin();
    args.add(sha256.as_bytes()).flag(damaged);
    let mut reply = Reply::new(redis.link.call("mark_blob", &args, Repeat::Harmless).await?);
    reply.value()?;
    Ok(reply.number::<i64>()? == 1)
}

pub(crate) async fn condemn_blobs(
    redis: &Redis,
    orphans: &[CondemnedBlob],
    limit: usize,
) -> Result<Vec<CondemnedBlob>> {
    let mut args = redis.now.begin();
    args.number(stored_micros(SWEEPER_PATIENCE)).number(limit);
    args.each(orphans.iter().flat_map(|orphan| [&orphan.sha256.as_bytes()[..], orphan.storage.as_bytes()]));
    let mut reply = Reply::new(redis.link.call("condemn_blobs", &args, Repeat::Never).await?);
    reply.value()?;
    let read =
        |mut blob: Reply| Ok(CondemnedBlob { sha256: reply::digest(&blob.value()?)?, storage: blob.text()? });
    reply.lists()?.into_iter().map(read).collect()
}

pub(crate) async fn forget_blobs(redis: &Redis, blobs: &[Digest]) -> Result<()> {
    let mut args = redis.now.begin();
    args.each(blobs.iter().map(Digest::as_bytes));
    redis.link.call("forget_blobs", &args, Repeat::Harmless).await.map(drop)
}

pub(crate) async fn read_blob(redis: &Redis, sha256: Digest) -> Result<Option<Bytes>> {
    let mut args = redis.now.begin();
    args.add(sha256.as_bytes());
    let mut reply = Reply::new(redis.link.call("read_blob", &args, Repeat::Harmless).await?);
    reply.value()?;
    match reply.value()? {
        Value::Nil => Ok(None),
        bytes => reply::bytes(bytes).map(|bytes| Some(bytes.into())),
    }
}
