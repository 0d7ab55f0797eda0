//! Blobs: the bytes that live beside their records, and what is known of those that live in storage.

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, params};
use upnext_core::NewBlob;
use upnext_core::artifact::{Digest, INLINE_STORAGE, Sealed};
use upnext_core::backend::{BlobRecord, CondemnedBlob};

use crate::lane::Transaction;

/// A blob with one more artifact (or part of one) counted on it.
pub(crate) struct TakenBlob {
    pub(crate) id: i64,
    pub(crate) storage: String,
    pub(crate) damaged: bool,
}

/// The row of some content, with one more use counted on it. `None` when its bytes are on their way out.
pub(crate) fn take_blob(connection: &Connection, new: &Sealed) -> rusqlite::Result<Option<TakenBlob>> {
    let existing = connection
        .prepare_cached(include_str!("../queries/record_artifact_blob.sql"))?
        .query_row([new.sha256.as_bytes()], |row| {
            Ok(TakenBlob { id: row.get(0)?, storage: row.get(1)?, damaged: row.get(2)? })
        })
        .optional()?;
    if let Some(blob) = existing {
        connection
            .prepare_cached(include_str!("../queries/record_artifact_share_blob.sql"))?
            .execute([blob.id])?;
        return Ok(Some(blob));
    }
    let (storage, bytes) = match &new.blob {
        NewBlob::Inline(bytes) => (INLINE_STORAGE, Some(bytes.as_ref())),
        NewBlob::Stored { storage } if is_condemned(connection, new.sha256, storage)? => return Ok(None),
        NewBlob::Stored { storage } => (*storage, None),
    };
    connection.prepare_cached(include_str!("../queries/record_artifact_new_blob.sql"))?.execute(params![
        new.sha256.as_bytes(),
        new.size_bytes,
        storage,
        bytes
    ])?;
    Ok(Some(TakenBlob { id: connection.last_insert_rowid(), storage: storage.to_owned(), damaged: false }))
}

fn is_condemned(connection: &Connection, sha256: Digest, storage: &str) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(include_str!("../queries/record_artifact_condemned.sql"))?
        .exists(params![sha256.as_bytes(), storage])
}

/// Counts one use of a blob less. Inline bytes go with their last use.
pub(crate) fn give_back(connection: &Connection, blob: i64) -> rusqlite::Result<()> {
    connection.prepare_cached(include_str!("../queries/delete_artifact_blob.sql"))?.execute([blob])?;
    connection.prepare_cached(include_str!("../queries/delete_artifact_inline.sql"))?.execute([blob])?;
    Ok(())
}

/// Gives back all parts of an artifact.
pub(crate) fn drop_parts(connection: &Connection, artifact: i64) -> rusqlite::Result<()> {
    let blobs: Vec<i64> = connection
        .prepare_cached(include_str!("../queries/delete_parts.sql"))?
        .query_map([artifact], |row| row.get(0))?
        .collect::<Result<_, _>>()?;
    blobs.into_iter().try_for_each(|blob| give_back(connection, blob))
}

pub(crate) fn list_blobs(
    connection: &Connection,
    after: Option<Digest>,
    limit: usize,
) -> rusqlite::Result<Vec<BlobRecord>> {
    let after: &[u8] = after.as_ref().map_or(&[], |digest| digest.as_bytes());
    connection
        .prepare_cached(include_str!("../queries/list_blobs.sql"))?
        .query_map(params![after, limit], |row| {
            Ok(BlobRecord {
                sha256: Digest::from_bytes(row.get(0)?),
                size_bytes: row.get(1)?,
                storage: row.get(2)?,
                damaged: row.get(3)?,
            })
        })?
        .collect()
}

pub(crate) fn mark_blob(
    transaction: &Transaction<'_>,
    sha256: Digest,
    damaged: bool,
) -> rusqlite::Result<bool> {
    let mut mark = transaction.connection.prepare_cached(include_str!("../queries/mark_blob.sql"))?;
    Ok(mark.execute(params![sha256.as_bytes(), damaged, transaction.now.as_micros()])? > 0)
}

/// How long a sweeper may take to remove what it was given. After this it counts as dead and its blobs are given to the
/// next one.
const SWEEPER_PATIENCE_MICROS: i64 = 10 * 60 * 1_000_000;

pub(crate) fn condemn_blobs(
    transaction: &Transaction<'_>,
    orphans: &[CondemnedBlob],
    limit: usize,
) -> rusqlite::Result<Vec<CondemnedBlob>> {
    let connection = transaction.connection;
    let now = transaction.now.as_micros();
    let mut condemned = query_blobs(
        connection,
        include_str!("../queries/condemn_left_behind.sql"),
        params![now, now - SWEEPER_PATIENCE_MICROS, limit],
    )?;
    let unneeded = query_blobs(
        connection,
        include_str!("../queries/condemn_unneeded.sql"),
        params![limit - condemned.len()],
    )?;
    let mut condemn = connection.prepare_cached(include_str!("../queries/condemn.sql"))?;
    let mut add = |blob: CondemnedBlob, condemned: &mut Vec<CondemnedBlob>| -> rusqlite::Result<()> {
        condemn.execute(params![blob.sha256.as_bytes(), blob.storage, now])?;
        condemned.push(blob);
        Ok(())
    };
    for blob in unneeded {
        add(blob, &mut condemned)?;
    }
    let mut is_known = connection.prepare_cached(include_str!("../queries/condemn_orphan_find.sql"))?;
    for orphan in orphans {
        if condemned.len() >= limit {
            break;
        }
        // Needed by an artifact, or in a sweeper's hands already.
        let known: bool =
            is_known.query_row(params![orphan.sha256.as_bytes(), orphan.storage], |row| row.get(0))?;
        if !known {
            add(orphan.clone(), &mut condemned)?;
        }
    }
    Ok(condemned)
}

fn query_blobs(
    connection: &Connection,
    sql: &str,
    params: impl rusqlite::Params,
) -> rusqlite::Result<Vec<CondemnedBlob>> {
    connection
        .prepare_cached(sql)?
        .query_map(params, |row| {
            Ok(CondemnedBlob { sha256: Digest::from_bytes(row.get(0)?), storage: row.get(1)? })
        })?
        .collect()
}

pub(crate) fn forget_blobs(transaction: &Transaction<'_>, blobs: &[Digest]) -> rusqlite::Result<()> {
    let mut forget = transaction.connection.prepare_cached(include_str!("../queries/forget_blob.sql"))?;
    blobs.iter().try_for_each(|digest| forget.execute([digest.as_bytes()]).map(|_| ()))
}

pub(crate) fn read_blob(connection: &Connection, sha256: Digest) -> rusqlite::Result<Option<Bytes>> {
    let mut statement = connection.prepare_cached(include_str!("../queries/read_blob.sql"))?;
    let bytes: Option<Vec<u8>> = statement.query_row([sha256.as_bytes()], |row| row.get(0)).optional()?;
    Ok(bytes.map(Bytes::from))
}
