//! Blobs: the bytes that live beside their records, and what is known of those that live in storage.
//!
//! Everything that writes here holds the order of changes, so nobody else writes meanwhile.

use bytes::Bytes;
use tokio_postgres::Row;
use upnext_core::NewBlob;
use upnext_core::artifact::{Digest, INLINE_STORAGE, Sealed};
use upnext_core::backend::{BlobRecord, CondemnedBlob};

use crate::database::{Connection, Transaction};
use crate::faults::Result;
use crate::params::{count, params};
use crate::rows::{self, stored_size};

/// Where the bytes of a blob are, and the bytes themselves if they live in the database.
pub(crate) fn parts_of(blob: &NewBlob) -> (&str, Option<&[u8]>) {
    match blob {
        NewBlob::Inline(bytes) => (INLINE_STORAGE, Some(bytes.as_ref())),
        NewBlob::Stored { storage } => (storage, None),
    }
}

/// The row of some content, with one more use counted on it. `None` when its bytes are on their way out.
pub(crate) async fn take_blob(connection: &Connection<'_>, new: &Sealed) -> Result<Option<i64>> {
    let (storage, bytes) = parts_of(&new.blob);
    let sha256 = new.sha256.as_bytes().as_slice();
    let take = include_str!("../queries/take_blob.sql");
    let taken =
        connection.optional(take, params![sha256, stored_size(new.size_bytes), storage, bytes]).await?;
    taken.map(|row| Ok(row.try_get(0)?)).transpose()
}

/// Counts one use of a blob less. Inline bytes go with their last use.
pub(crate) async fn give_back(connection: &Connection<'_>, blob: i64) -> Result<()> {
    connection.all(include_str!("../queries/give_back_blob.sql"), params![blob]).await?;
    connection.all(include_str!("../queries/give_back_inline.sql"), params![blob]).await?;
    Ok(())
}

/// Gives back all parts of an artifact.
pub(crate) async fn drop_parts(connection: &Connection<'_>, artifact: i64) -> Result<()> {
    for row in connection.all(include_str!("../queries/delete_parts.sql"), params![artifact]).await? {
        give_back(connection, row.try_get(0)?).await?;
    }
    Ok(())
}

pub(crate) async fn list_blobs(
    connection: &Connection<'_>,
    after: Option<Digest>,
    limit: usize,
) -> Result<Vec<BlobRecord>> {
    let after: &[u8] = after.as_ref().map_or(&[], |digest| digest.as_bytes());
    let list = include_str!("../queries/list_blobs.sql");
    let rows = connection.all(list, params![after, count(limit)]).await?;
    let read = |row: &Row| {
        Ok(BlobRecord {
            sha256: rows::digest(row, 0)?,
            size_bytes: rows::count(row, 1)?,
            storage: row.try_get(2)?,
            damaged: row.try_get(3)?,
        })
    };
    rows.iter().map(read).collect()
}

pub(crate) async fn mark_blob(
    transaction: &mut Transaction<'_>,
    sha256: Digest,
    damaged: bool,
) -> Result<bool> {
    transaction.next_changes(1).await?;
    let now = transaction.now.as_micros();
    let mark = include_str!("../queries/mark_blob.sql");
    let marked = transaction.optional(mark, params![sha256.as_bytes().as_slice(), damaged, now]).await?;
    Ok(marked.is_some())
}

/// How long a sweeper may take to remove what it was given. After this it counts as dead and its blobs are given to the
/// next one.
const SWEEPER_PATIENCE_MICROS: i64 = 10 * 60 * 1_000_000;

pub(crate) async fn condemn_blobs(
    transaction: &mut Transaction<'_>,
    orphans: &[CondemnedBlob],
    limit: usize,
) -> Result<Vec<CondemnedBlob>> {
    transaction.next_changes(1).await?;
    let now = transaction.now.as_micros();
    let left = include_str!("../queries/condemn_left_behind.sql");
    let given = params![now, now - SWEEPER_PATIENCE_MICROS, count(limit)];
    let mut condemned = blobs(&transaction.all(left, given).await?)?;
    let unneeded = include_str!("../queries/condemn_unneeded.sql");
    let given = params![count(limit.saturating_sub(condemned.len())), now];
    condemned.extend(blobs(&transaction.all(unneeded, given).await?)?);
    if !orphans.is_empty() && condemned.len() < limit {
        let digests: Vec<&[u8]> = orphans.iter().map(|orphan| orphan.sha256.as_bytes().as_slice()).collect();
        let storages: Vec<&str> = orphans.iter().map(|orphan| orphan.storage.as_str()).collect();
        let given = params![digests, storages, count(limit - condemned.len()), now];
        condemned
            .extend(blobs(&transaction.all(include_str!("../queries/condemn_orphans.sql"), given).await?)?);
    }
    Ok(condemned)
}

fn blobs(rows: &[Row]) -> Result<Vec<CondemnedBlob>> {
    rows.iter()
        .map(|row| Ok(CondemnedBlob { sha256: rows::digest(row, 0)?, storage: row.try_get(1)? }))
        .collect()
}

pub(crate) async fn forget_blobs(transaction: &mut Transaction<'_>, blobs: &[Digest]) -> Result<()> {
    transaction.next_changes(1).await?;
    let digests: Vec<&[u8]> = blobs.iter().map(|digest| digest.as_bytes().as_slice()).collect();
    transaction.all(include_str!("../queries/forget_blobs.sql"), params![digests]).await.map(drop)
}

pub(crate) async fn read_blob(connection: &Connection<'_>, sha256: Digest) -> Result<Option<Bytes>> {
    let sql = include_str!("../queries/read_blob.sql");
    let found = connection.optional(sql, params![sha256.as_bytes().as_slice()]).await?;
    let bytes: Option<Vec<u8>> = found.map(|row| row.try_get(0)).transpose()?.flatten();
    Ok(bytes.map(Bytes::from))
}
