//! Artifacts that are written piece by piece: `append_artifacts`, `seal_artifact`, `list_parts`.

use std::result::Result as StdResult;

use rusqlite::{Connection, OptionalExtension, params};
use upnext_core::artifact::{Digest, NewPart, Part, RecordRefusal, Seal};
use upnext_core::{Artifact, ArtifactId, JobId, LeaseToken};

use crate::artifacts::{find_artifact, next_version, stored_content_type};
use crate::blobs;
use crate::lane::Transaction;

/// An artifact that somebody wants to write.
struct Open {
    seq: i64,
    job: i64,
    version: i64,
    size_bytes: u64,
    name: String,
    job_id: JobId,
    /// Of the whole artifact: it is closed.
    sha256: Option<Digest>,
    may_write: bool,
}

fn open(
    connection: &Connection,
    id: ArtifactId,
    lease: Option<LeaseToken>,
) -> rusqlite::Result<StdResult<Open, RecordRefusal>> {
    let found = connection
        .prepare_cached(include_str!("../queries/open_artifact.sql"))?
        .query_row(params![id.as_bytes(), lease.map(LeaseToken::get)], |row| {
            Ok(Open {
                seq: row.get(0)?,
                job: row.get(1)?,
                version: row.get(3)?,
                size_bytes: row.get(4)?,
                name: row.get(5)?,
                job_id: JobId::from_bytes(row.get(6)?),
                sha256: row.get::<_, Option<[u8; 32]>>(7)?.map(Digest::from_bytes),
                may_write: row.get::<_, Option<bool>>(8)?.unwrap_or(false),
            })
        })
        .optional()?;
    Ok(found.ok_or(RecordRefusal::UnknownArtifact(id)))
}

pub(crate) fn append_artifacts(
    transaction: &Transaction<'_>,
    parts: &[NewPart],
) -> rusqlite::Result<Vec<StdResult<u64, RecordRefusal>>> {
    parts.iter().map(|part| append_one(transaction.connection, part)).collect()
}

fn append_one(connection: &Connection, part: &NewPart) -> rusqlite::Result<StdResult<u64, RecordRefusal>> {
    let open = match open(connection, part.artifact, part.lease)? {
        Ok(open) => open,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if open.sha256.is_some() {
        return Ok(Err(RecordRefusal::Closed(part.artifact)));
    }
    if !open.may_write {
        return Ok(Err(RecordRefusal::StaleLease(open.job_id)));
    }
    if part.offset != open.size_bytes {
        return Ok(Err(RecordRefusal::WrongOffset { size_bytes: open.size_bytes }));
    }
    if part.bytes.size_bytes == 0 {
        return Ok(Ok(open.size_bytes));
    }
    let Some(blob) = blobs::take_blob(connection, &part.bytes)? else {
        return Ok(Err(RecordRefusal::BlobCondemned(part.bytes.sha256)));
    };
    connection.prepare_cached(include_str!("../queries/append_artifact_part.sql"))?.execute(params![
        open.seq,
        part.offset,
        part.bytes.size_bytes,
        blob.id
    ])?;
    connection
        .prepare_cached(include_str!("../queries/append_artifact.sql"))?
        .query_row(params![open.seq, part.bytes.size_bytes], |row| row.get(0))
        .map(Ok)
}

pub(crate) fn seal_artifact(
    transaction: &mut Transaction<'_>,
    seal: &Seal,
) -> rusqlite::Result<StdResult<Artifact, RecordRefusal>> {
    let connection = transaction.connection;
    let open = match open(connection, seal.artifact, seal.lease)? {
        Ok(open) => open,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if let Some(sha256) = open.sha256 {
        // The answer to an earlier call may have been lost on its way.
        let again = find_artifact(connection, seal.artifact)?.filter(|_| sha256 == seal.bytes.sha256);
        return Ok(again.ok_or(RecordRefusal::Closed(seal.artifact)));
    }
    if !open.may_write {
        return Ok(Err(RecordRefusal::StaleLease(open.job_id)));
    }
    let Some(blob) = blobs::take_blob(connection, &seal.bytes)? else {
        return Ok(Err(RecordRefusal::BlobCondemned(seal.bytes.sha256)));
    };
    blobs::drop_parts(connection, open.seq)?;
    let version = match open.version {
        seen if seen > 0 => seen,
        _ => next_version(connection, open.job, &open.name)?,
    };
    let change = transaction.next_change();
    connection.prepare_cached(include_str!("../queries/seal_artifact.sql"))?.execute(params![
        open.seq,
        blob.id,
        seal.bytes.size_bytes,
        seal.artifact_type.as_str(),
        stored_content_type(&seal.artifact_type, &seal.content_type),
        change,
        version
    ])?;
    Ok(find_artifact(connection, seal.artifact)?.ok_or(RecordRefusal::UnknownArtifact(seal.artifact)))
}

pub(crate) fn list_parts(
    connection: &Connection,
    id: ArtifactId,
    offset: u64,
    limit: usize,
) -> rusqlite::Result<Vec<Part>> {
    connection
        .prepare_cached(include_str!("../queries/list_parts.sql"))?
        .query_map(params![id.as_bytes(), offset, limit], |row| {
            Ok(Part {
                offset: row.get(0)?,
                size_bytes: row.get(1)?,
                sha256: Digest::from_bytes(row.get(2)?),
                storage: row.get(3)?,
            })
        })?
        .collect()
}
