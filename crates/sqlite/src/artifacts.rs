//! Artifact records: `record_artifacts`, `update_artifact`, `delete_artifact` and what they share.

use std::result::Result as StdResult;

use rusqlite::{Connection, OptionalExtension, params};
use upnext_core::artifact::{ArtifactPatch, Digest, NewContent, PARTS_STORAGE, RecordRefusal};
use upnext_core::folding::without_case;
use upnext_core::{
    Artifact, ArtifactId, ArtifactStatus, ArtifactType, JobId, Labels, LeaseToken, NewArtifact, Timestamp,
};

use crate::blobs::{self, TakenBlob};
use crate::lane::Transaction;
use crate::rows::{self, ARTIFACT_COLUMNS, ARTIFACT_TABLES};
use crate::search;

type Recorded = StdResult<Artifact, RecordRefusal>;

pub(crate) fn record_artifacts(
    transaction: &mut Transaction<'_>,
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
    /// The artifact itself was recorded before.
    recorded: bool,
}

fn record_one(transaction: &mut Transaction<'_>, new: &NewArtifact) -> rusqlite::Result<Recorded> {
    let connection = transaction.connection;
    let owner = connection
        .prepare_cached(include_str!("../queries/record_artifact_job.sql"))?
        .query_row(params![new.job_id.as_bytes(), new.lease.map(LeaseToken::get), new.id.as_bytes()], |row| {
            Ok(Owner {
                seq: row.get(0)?,
                function: row.get(1)?,
                attempts: row.get(2)?,
                leased: row.get::<_, Option<bool>>(3)?.unwrap_or(false),
                recorded: row.get(4)?,
            })
        })
        .optional()?;
    let Some(owner) = owner else { return Ok(Err(RecordRefusal::UnknownJob(new.job_id))) };
    if let Some(earlier) = recorded_before(connection, &owner, new)? {
        return Ok(earlier);
    }
    if new.lease.is_some() && !owner.leased {
        return Ok(Err(RecordRefusal::StaleLease(new.job_id)));
    }
    let blob = match &new.content {
        NewContent::Live | NewContent::Upload { .. } => None,
        NewContent::Whole(bytes) => match blobs::take_blob(connection, bytes)? {
            None => return Ok(Err(RecordRefusal::BlobCondemned(bytes.sha256))),
            taken => taken,
        },
    };
    insert(transaction, owner, new, blob).map(Ok)
}

/// What an earlier call made: the same record is not made twice when its answer was lost on its way, nor when the
/// caller repeats a key.
fn recorded_before(
    connection: &Connection,
    owner: &Owner,
    new: &NewArtifact,
) -> rusqlite::Result<Option<Recorded>> {
    if owner.recorded {
        return Ok(find_artifact(connection, new.id)?.map(Ok));
    }
    let Some(key) = &new.key else { return Ok(None) };
    let found = connection
        .prepare_cached(include_str!("../queries/record_artifact_key.sql"))?
        .query_row(params![owner.seq, key], |row| {
            Ok((
                ArtifactId::from_bytes(row.get(0)?),
                row.get::<_, String>(1)?,
                row.get::<_, Option<[u8; 32]>>(2)?.map(Digest::from_bytes),
            ))
        })
        .optional()?;
    let Some((id, name, sha256)) = found else { return Ok(None) };
    let same_bytes = match &new.content {
        NewContent::Whole(bytes) => sha256 == Some(bytes.sha256),
        NewContent::Live | NewContent::Upload { .. } => true,
    };
    if name != new.name || !same_bytes {
        return Ok(Some(Err(RecordRefusal::KeyReused(id))));
    }
    Ok(find_artifact(connection, id)?.map(Ok))
}

fn insert(
    transaction: &mut Transaction<'_>,
    owner: Owner,
    new: &NewArtifact,
    blob: Option<TakenBlob>,
) -> rusqlite::Result<Artifact> {
    let connection = transaction.connection;
    let change = transaction.next_change();
    let version = match &new.content {
        // Nobody sees an upload before it is whole; until then it only has to differ from all others.
        NewContent::Upload { .. } => -fastrand::i64(1..i64::MAX),
        NewContent::Live | NewContent::Whole(_) => next_version(connection, owner.seq, &new.name)?,
    };
    let status = match &new.content {
        NewContent::Upload { .. } => ArtifactStatus::Uploading,
        NewContent::Live => ArtifactStatus::Writing,
        NewContent::Whole(_) => ArtifactStatus::Available,
    };
    let (size_bytes, sha256) = match &new.content {
        NewContent::Whole(bytes) => (bytes.size_bytes, Some(bytes.sha256)),
        NewContent::Live | NewContent::Upload { .. } => (0, None),
    };
    let (expected_bytes, expected_sha256) = match &new.content {
        NewContent::Upload { expected_bytes, expected_sha256 } => (*expected_bytes, *expected_sha256),
        NewContent::Live | NewContent::Whole(_) => (None, None),
    };
    let attempt = if new.lease.is_some() { owner.attempts } else { 0 };
    let expires_at = new.expires_in.map(|time| transaction.now.after(time));
    let created_at = next_moment(connection, transaction.now)?;
    connection.prepare_cached(include_str!("../queries/record_artifact.sql"))?.execute(params![
        new.id.as_bytes(),
        owner.seq,
        attempt,
        version,
        blob.as_ref().map(|blob| blob.id),
        size_bytes,
        created_at.as_micros(),
        change,
        expires_at.map(Timestamp::as_micros),
        owner.function,
        new.artifact_type.as_str(),
        stored_content_type(&new.artifact_type, &new.content_type),
        new.name,
        Some(without_case(&new.name)).filter(|folded| *folded != new.name),
        new.key,
        new.labels.description,
        rows::stored_tags(&new.labels.tags),
        new.labels.metadata.as_ref().map(upnext_core::RawJson::as_str),
        new.labels.search_text(),
        expected_bytes,
        expected_sha256.as_ref().map(Digest::as_bytes),
    ])?;
    // Artifacts are numbered by the change that makes them.
    add_tags(connection, change, &new.labels)?;
    transaction.recorded_artifact();
    Ok(Artifact {
        id: new.id,
        job_id: new.job_id,
        function: owner.function,
        attempt,
        name: new.name.clone(),
        version: u32::try_from(version).unwrap_or(0),
        latest: version > 0,
        artifact_type: new.artifact_type.clone(),
        content_type: new.content_type.clone(),
        status,
        size_bytes,
        expected_bytes,
        expected_sha256,
        sha256,
        storage: blob.map_or_else(|| PARTS_STORAGE.to_owned(), |blob| blob.storage),
        created_at,
        labels: new.labels.clone(),
        expires_at,
        pinned: false,
    })
}

/// When an artifact is made that is made now: never before the one before it, so that a span of time is a span of numbers,
/// whatever the clock does.
fn next_moment(connection: &Connection, now: Timestamp) -> rusqlite::Result<Timestamp> {
    let mut last = connection.prepare_cached(include_str!("../queries/record_artifact_last.sql"))?;
    let last = last.query_row([], |row| row.get::<_, i64>(0)).optional()?;
    Ok(last.map_or(now, |last| now.max(Timestamp::from_micros(last))))
}

/// Most artifacts have the content type of their type: those rows need not repeat it.
pub(crate) fn stored_content_type<'a>(
    artifact_type: &ArtifactType,
    content_type: &'a str,
) -> Option<&'a str> {
    // A type that is a media type forgets its parameters in the column `type`.
    let implied = artifact_type.as_str().parse::<ArtifactType>();
    let implied = implied.is_ok_and(|implied| implied.content_type() == content_type);
    (!implied).then_some(content_type)
}

fn add_tags(connection: &Connection, seq: i64, labels: &Labels) -> rusqlite::Result<()> {
    if labels.tags.is_empty() {
        return Ok(());
    }
    let mut add = connection.prepare_cached(include_str!("../queries/record_artifact_tag.sql"))?;
    labels.tags.iter().try_for_each(|tag| add.execute(params![tag, seq]).map(drop))
}

/// The number of the next version of a name in a job. The one before is no longer the latest.
pub(crate) fn next_version(connection: &Connection, job: i64, name: &str) -> rusqlite::Result<i64> {
    let previous = connection
        .prepare_cached(include_str!("../queries/record_artifact_previous.sql"))?
        .query_row(params![job, name], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)))
        .optional()?;
    let Some((seq, version)) = previous else { return Ok(1) };
    connection.prepare_cached(include_str!("../queries/record_artifact_outdate.sql"))?.execute([seq])?;
    Ok(version + 1)
}

/// What is written on an artifact, as an update finds it.
struct Written {
    seq: i64,
    labels: Labels,
    pinned: bool,
    expires_at: Option<Timestamp>,
}

pub(crate) fn update_artifact(
    transaction: &mut Transaction<'_>,
    id: ArtifactId,
    patch: &ArtifactPatch,
) -> rusqlite::Result<Option<StdResult<Artifact, String>>> {
    let connection = transaction.connection;
    let found = connection
        .prepare_cached(include_str!("../queries/update_artifact_find.sql"))?
        .query_row([id.as_bytes()], |row| {
            Ok(Written {
                seq: row.get(0)?,
                labels: rows::labels(row, 1)?,
                pinned: row.get(4)?,
                expires_at: rows::moment(row, 5)?,
            })
        })
        .optional()?;
    let Some(written) = found else { return Ok(None) };
    let labels = match patch.apply(written.labels) {
        Ok(labels) => labels,
        Err(rule) => return Ok(Some(Err(rule))),
    };
    let seq = written.seq;
    let change = transaction.next_change();
    connection.prepare_cached(include_str!("../queries/update_artifact.sql"))?.execute(params![
        seq,
        labels.description,
        rows::stored_tags(&labels.tags),
        labels.metadata.as_ref().map(upnext_core::RawJson::as_str),
        labels.search_text(),
        patch.pinned.unwrap_or(written.pinned),
        patch.expires_at.unwrap_or(written.expires_at).map(Timestamp::as_micros),
        change,
    ])?;
    connection.prepare_cached(include_str!("../queries/delete_tags.sql"))?.execute([seq])?;
    add_tags(connection, seq, &labels)?;
    search::renew(connection, seq)?;
    Ok(find_artifact(connection, id)?.map(Ok))
}

/// A record that was just removed.
struct Removed {
    seq: i64,
    job: i64,
    name: String,
    was_latest: bool,
    blob: Option<i64>,
    was_seen: bool,
    made: i64,
    job_id: JobId,
}

pub(crate) fn delete_artifact(transaction: &mut Transaction<'_>, id: ArtifactId) -> rusqlite::Result<bool> {
    let connection = transaction.connection;
    let deleted = connection
        .prepare_cached(include_str!("../queries/delete_artifact.sql"))?
        .query_row([id.as_bytes()], |row| {
            Ok(Removed {
                seq: row.get(0)?,
                job: row.get(1)?,
                name: row.get(2)?,
                was_latest: row.get(3)?,
                blob: row.get(4)?,
                was_seen: row.get::<_, i64>(5)? > 0,
                made: row.get(6)?,
                job_id: JobId::from_bytes(row.get(7)?),
            })
        })
        .optional()?;
    let Some(gone) = deleted else { return Ok(false) };
    if gone.was_latest {
        connection
            .prepare_cached(include_str!("../queries/delete_artifact_promote.sql"))?
            .execute(params![gone.job, gone.name])?;
    }
    match gone.blob {
        Some(blob) => blobs::give_back(connection, blob)?,
        None => blobs::drop_parts(connection, gone.seq)?,
    }
    connection.prepare_cached(include_str!("../queries/delete_tags.sql"))?.execute([gone.seq])?;
    connection.prepare_cached(include_str!("../queries/delete_artifact_reads.sql"))?.execute([gone.seq])?;
    search::renew(connection, gone.seq)?;
    if gone.was_seen {
        let change = transaction.next_change();
        connection.prepare_cached(include_str!("../queries/delete_artifact_note.sql"))?.execute(params![
            change,
            gone.made,
            id.as_bytes(),
            gone.job_id.as_bytes(),
            transaction.now.as_micros()
        ])?;
    }
    Ok(true)
}

pub(crate) fn record_artifact_reads(
    transaction: &Transaction<'_>,
    reads: &[(ArtifactId, JobId)],
) -> rusqlite::Result<()> {
    let mut record =
        transaction.connection.prepare_cached(include_str!("../queries/record_artifact_read.sql"))?;
    reads
        .iter()
        .try_for_each(|(artifact, job)| record.execute([artifact.as_bytes(), job.as_bytes()]).map(drop))
}

pub(crate) fn find_artifact(connection: &Connection, id: ArtifactId) -> rusqlite::Result<Option<Artifact>> {
    let sql = format!("SELECT {ARTIFACT_COLUMNS} FROM {ARTIFACT_TABLES} WHERE a.id = ?1");
    connection.prepare_cached(&sql)?.query_row([id.as_bytes()], rows::artifact).optional()
}

pub(crate) fn find_artifacts(connection: &Connection, ids: &[ArtifactId]) -> rusqlite::Result<Vec<Artifact>> {
    let found = ids.iter().map(|id| find_artifact(connection, *id));
    found.filter_map(Result::transpose).collect()
}
