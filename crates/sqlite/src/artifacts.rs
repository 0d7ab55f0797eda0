//! Artifact records and the blobs that live beside them: `record_artifacts`, `delete_artifact`, `condemn_blobs`.

use std::result::Result as StdResult;

use bytes::Bytes;
use rusqlite::{Connection, OptionalExtension, params};
use upnext_core::artifact::{Digest, INLINE_STORAGE, RecordRefusal};
use upnext_core::backend::CondemnedBlob;
use upnext_core::{Artifact, ArtifactId, NewArtifact, NewBlob};

use crate::lane::Transaction;
use crate::rows::{self, ARTIFACT_COLUMNS};

type Recorded = StdResult<Artifact, RecordRefusal>;

pub(crate) fn record_artifacts(
    transaction: &Transaction<'_>,
    artifacts: &[NewArtifact],
) -> rusqlite::Result<Vec<Recorded>> {
    artifacts.iter().map(|artifact| record_one(transaction, artifact)).collect()
}

/// The job an artifact is for, as far as recording needs to know it.
struct Owner {
    seq: i64,
    function: String,
    attempts: u32,
    leased: bool,
}

fn record_one(transaction: &Transaction<'_>, new: &NewArtifact) -> rusqlite::Result<Recorded> {
    let connection = transaction.connection;
    let owner = connection
        .prepare_cached(include_str!("../queries/record_artifact_job.sql"))?
        .query_row(params![new.job_id.as_bytes(), new.lease.map(upnext_core::LeaseToken::get)], |row| {
            Ok(Owner {
                seq: row.get(0)?,
                function: row.get(1)?,
                attempts: row.get(2)?,
                leased: row.get::<_, Option<bool>>(3)?.unwrap_or(false),
            })
        })
        .optional()?;
    let Some(owner) = owner else { return Ok(Err(RecordRefusal::UnknownJob(new.job_id))) };
    // The answer to an earlier call may have been lost on its way: the same record is not made twice.
    if let Some(recorded) = find_artifact(connection, new.id)? {
        return Ok(Ok(recorded));
    }
    if new.lease.is_some() && !owner.leased {
        return Ok(Err(RecordRefusal::StaleLease(new.job_id)));
    }
    let Some(blob) = take_blob(connection, new)? else {
        return Ok(Err(RecordRefusal::BlobCondemned(new.sha256)));
    };
    let version = next_version(connection, owner.seq, &new.name)?;
    let attempt = if new.lease.is_some() { owner.attempts } else { 0 };
    connection.prepare_cached(include_str!("../queries/record_artifact.sql"))?.execute(params![
        new.id.as_bytes(),
        owner.seq,
        attempt,
        version,
        blob.id,
        transaction.now.as_micros(),
        new.artifact_type.as_str(),
        new.content_type,
        new.name,
        Some(new.name.to_lowercase()).filter(|folded| *folded != new.name),
    ])?;
    Ok(Ok(Artifact {
        id: new.id,
        job_id: new.job_id,
        function: owner.function,
        attempt,
        name: new.name.clone(),
        version,
        latest: true,
        artifact_type: new.artifact_type,
        content_type: new.content_type.clone(),
        size_bytes: new.size_bytes,
        sha256: new.sha256,
        storage: blob.storage,
        created_at: transaction.now,
    }))
}

struct TakenBlob {
    id: i64,
    storage: String,
}

/// The row of the artifact's content, with one more artifact counted on it. `None` when its bytes are on their way out.
fn take_blob(connection: &Connection, new: &NewArtifact) -> rusqlite::Result<Option<TakenBlob>> {
    let existing = connection
        .prepare_cached(include_str!("../queries/record_artifact_blob.sql"))?
        .query_row([new.sha256.as_bytes()], |row| Ok(TakenBlob { id: row.get(0)?, storage: row.get(1)? }))
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
    let size = i64::try_from(new.size_bytes).unwrap_or(i64::MAX);
    connection.prepare_cached(include_str!("../queries/record_artifact_new_blob.sql"))?.execute(params![
        new.sha256.as_bytes(),
        size,
        storage,
        bytes
    ])?;
    Ok(Some(TakenBlob { id: connection.last_insert_rowid(), storage: storage.to_owned() }))
}

fn is_condemned(connection: &Connection, sha256: Digest, storage: &str) -> rusqlite::Result<bool> {
    connection
        .prepare_cached(include_str!("../queries/record_artifact_condemned.sql"))?
        .exists(params![sha256.as_bytes(), storage])
}

fn next_version(connection: &Connection, job: i64, name: &str) -> rusqlite::Result<u32> {
    let previous = connection
        .prepare_cached(include_str!("../queries/record_artifact_previous.sql"))?
        .query_row(params![job, name], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, u32>(1)?)))
        .optional()?;
    let Some((seq, version)) = previous else { return Ok(1) };
    connection.prepare_cached(include_str!("../queries/record_artifact_outdate.sql"))?.execute([seq])?;
    Ok(version + 1)
}

pub(crate) fn delete_artifact(transaction: &Transaction<'_>, id: ArtifactId) -> rusqlite::Result<bool> {
    let connection = transaction.connection;
    let deleted = connection
        .prepare_cached(include_str!("../queries/delete_artifact.sql"))?
        .query_row([id.as_bytes()], |row| {
            Ok((
                row.get::<_, i64>(0)?,
                row.get::<_, String>(1)?,
                row.get::<_, bool>(2)?,
                row.get::<_, i64>(3)?,
            ))
        })
        .optional()?;
    let Some((job, name, was_latest, blob)) = deleted else { return Ok(false) };
    if was_latest {
        connection
            .prepare_cached(include_str!("../queries/delete_artifact_promote.sql"))?
            .execute(params![job, name])?;
    }
    connection.prepare_cached(include_str!("../queries/delete_artifact_blob.sql"))?.execute([blob])?;
    connection.prepare_cached(include_str!("../queries/delete_artifact_inline.sql"))?.execute([blob])?;
    Ok(true)
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

pub(crate) fn find_artifact(connection: &Connection, id: ArtifactId) -> rusqlite::Result<Option<Artifact>> {
    let sql = format!(
        "SELECT {ARTIFACT_COLUMNS} FROM artifacts a JOIN jobs j ON j.seq = a.job JOIN blobs b ON b.blob = a.blob \
         WHERE a.id = ?1"
    );
    connection.prepare_cached(&sql)?.query_row([id.as_bytes()], rows::artifact).optional()
}

pub(crate) fn read_blob(connection: &Connection, sha256: Digest) -> rusqlite::Result<Option<Bytes>> {
    let mut statement = connection.prepare_cached(include_str!("../queries/read_blob.sql"))?;
    let bytes: Option<Vec<u8>> = statement.query_row([sha256.as_bytes()], |row| row.get(0)).optional()?;
    Ok(bytes.map(Bytes::from))
}
