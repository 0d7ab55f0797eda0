//! Artifacts that are written piece by piece: `append_artifacts`, `seal_artifact`, `list_parts`.

use std::result::Result as StdResult;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use upnext_core::artifact::{Digest, NewPart, Part, RecordRefusal, Seal};
use upnext_core::{Artifact, ArtifactId, JobId, LeaseToken, backend};
use uuid::Uuid;

use crate::artifacts::{find_artifact, stored_content_type};
use crate::blobs;
use crate::database::{Connection, Database, Promise, Transaction, write};
use crate::faults::Result;
use crate::params::{artifact_uuid, count, params};
use crate::rows::{self, stored_size};

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

/// Takes the locks: nobody ends the attempts that write, and nobody else writes.
async fn lock(transaction: &mut Transaction<'_>, ids: Vec<Uuid>, numbers: usize) -> Result<i64> {
    transaction.all(include_str!("../queries/open_artifact_lock.sql"), params![ids]).await?;
    transaction.next_changes(numbers).await
}

async fn open(
    connection: &Connection<'_>,
    id: ArtifactId,
    lease: Option<LeaseToken>,
) -> Result<StdResult<Open, RecordRefusal>> {
    let sql = include_str!("../queries/open_artifact.sql");
    let given = params![artifact_uuid(id), lease.map(LeaseToken::get)];
    let Some(row) = connection.optional(sql, given).await? else {
        return Ok(Err(RecordRefusal::UnknownArtifact(id)));
    };
    Ok(Ok(Open {
        seq: row.try_get(0)?,
        job: row.try_get(1)?,
        version: row.try_get(2)?,
        size_bytes: rows::count(&row, 3)?,
        name: row.try_get(4)?,
        job_id: rows::job_id(&row, 5)?,
        sha256: rows::optional_digest(&row, 6)?,
        may_write: row.try_get(7)?,
    }))
}

pub(crate) type Appended = StdResult<u64, RecordRefusal>;

/// The lane's step.
pub(crate) fn append_artifacts(
    database: Arc<Database>,
    parts: Vec<NewPart>,
) -> BoxFuture<'static, backend::Result<Vec<Appended>>> {
    async move { write!(database, Promise::Durable, |transaction| append_all(transaction, &parts)) }.boxed()
}

async fn append_all(transaction: &mut Transaction<'_>, parts: &[NewPart]) -> Result<Vec<Appended>> {
    lock(transaction, parts.iter().map(|part| artifact_uuid(part.artifact)).collect(), 1).await?;
    let mut answers = Vec::with_capacity(parts.len());
    for part in parts {
        answers.push(append_one(transaction, part).await?);
    }
    Ok(answers)
}

async fn append_one(connection: &Connection<'_>, part: &NewPart) -> Result<Appended> {
    let open = match open(connection, part.artifact, part.lease).await? {
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
    let Some(blob) = blobs::take_blob(connection, &part.bytes).await? else {
        return Ok(Err(RecordRefusal::BlobCondemned(part.bytes.sha256)));
    };
    let size = stored_size(part.bytes.size_bytes);
    let add = include_str!("../queries/append_artifact_part.sql");
    connection.all(add, params![open.seq, stored_size(part.offset), size, blob]).await?;
    let grown =
        connection.one(include_str!("../queries/append_artifact.sql"), params![open.seq, size]).await?;
    Ok(Ok(rows::count(&grown, 0)?))
}

pub(crate) async fn seal_artifact(
    transaction: &mut Transaction<'_>,
    seal: &Seal,
) -> Result<StdResult<Artifact, RecordRefusal>> {
    let change = lock(transaction, vec![artifact_uuid(seal.artifact)], 1).await?;
    let open = match open(transaction, seal.artifact, seal.lease).await? {
        Ok(open) => open,
        Err(refusal) => return Ok(Err(refusal)),
    };
    if let Some(sha256) = open.sha256 {
        // The answer to an earlier call may have been lost on its way.
        let again = find_artifact(transaction, seal.artifact).await?.filter(|_| sha256 == seal.bytes.sha256);
        return Ok(again.ok_or(RecordRefusal::Closed(seal.artifact)));
    }
    if !open.may_write {
        return Ok(Err(RecordRefusal::StaleLease(open.job_id)));
    }
    let Some(blob) = blobs::take_blob(transaction, &seal.bytes).await? else {
        return Ok(Err(RecordRefusal::BlobCondemned(seal.bytes.sha256)));
    };
    blobs::drop_parts(transaction, open.seq).await?;
    let version = match open.version {
        seen if seen > 0 => seen,
        _ => {
            let next = include_str!("../queries/next_version.sql");
            let previous = transaction.optional(next, params![open.job, open.name.as_str()]).await?;
            previous.map_or(Ok(0), |row| row.try_get::<_, i64>(0))? + 1
        }
    };
    let given = params![
        open.seq,
        blob,
        stored_size(seal.bytes.size_bytes),
        seal.artifact_type.as_str(),
        stored_content_type(&seal.artifact_type, &seal.content_type),
        change,
        version
    ];
    transaction.all(include_str!("../queries/seal_artifact.sql"), given).await?;
    let sealed = find_artifact(transaction, seal.artifact).await?;
    Ok(sealed.ok_or(RecordRefusal::UnknownArtifact(seal.artifact)))
}

pub(crate) async fn list_parts(
    connection: &Connection<'_>,
    id: ArtifactId,
    offset: u64,
    limit: usize,
) -> Result<Vec<Part>> {
    let list = include_str!("../queries/list_parts.sql");
    let rows = connection.all(list, params![artifact_uuid(id), stored_size(offset), count(limit)]).await?;
    rows.iter()
        .map(|row| {
            Ok(Part {
                offset: rows::count(row, 0)?,
                size_bytes: rows::count(row, 1)?,
                sha256: rows::digest(row, 2)?,
                storage: row.try_get(3)?,
            })
        })
        .collect()
}
