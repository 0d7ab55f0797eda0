//! Artifact records: `record_artifacts`, `update_artifact`, `delete_artifact` and what they share.
//!
//! Whatever writes here takes the locks of the attempts it writes for, then the order of changes; from then on it is alone.

use std::collections::{HashMap, HashSet};
use std::result::Result as StdResult;
use std::sync::Arc;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio_postgres::Row;
use upnext_core::artifact::{ArtifactPatch, Digest, NewContent, PARTS_STORAGE, RecordRefusal};
use upnext_core::folding::without_case;
use upnext_core::{
    Artifact, ArtifactId, ArtifactStatus, ArtifactType, JobId, Labels, LeaseToken, NewArtifact, RawJson,
    Timestamp, backend,
};
use uuid::Uuid;

use crate::blobs;
use crate::database::{Connection, Database, Promise, Transaction, write};
use crate::faults::{Fault, Result};
use crate::params::{artifact_uuid, job_uuid, params, small, text};
use crate::rows::{self, ARTIFACT_COLUMNS, ARTIFACT_TABLES, stored_size};

pub(crate) type Recorded = StdResult<Artifact, RecordRefusal>;

/// The lane's step.
pub(crate) fn record_artifacts(
    database: Arc<Database>,
    artifacts: Vec<NewArtifact>,
) -> BoxFuture<'static, backend::Result<Vec<Recorded>>> {
    async move { write!(database, Promise::Durable, |transaction| record_all(transaction, &artifacts)) }
        .boxed()
}

/// The job an artifact is for, as far as recording needs to know it.
struct Owner {
    seq: i64,
    function: String,
    attempts: u32,
    leased: bool,
    /// The artifact itself was recorded before.
    recorded: bool,
    /// What was recorded before with the same key.
    same_key: Option<(ArtifactId, String, Option<Digest>)>,
}

impl Owner {
    fn read(row: &Row) -> Result<Self> {
        let same_key = match row.try_get::<_, Option<Uuid>>(5)? {
            None => None,
            Some(id) => Some((
                ArtifactId::from_bytes(*id.as_bytes()),
                row.try_get(6)?,
                rows::optional_digest(row, 7)?,
            )),
        };
        Ok(Self {
            seq: row.try_get(1)?,
            function: row.try_get(2)?,
            attempts: rows::small(row, 3)?,
            leased: row.try_get(4)?,
            recorded: row.try_get(8)?,
            same_key,
        })
    }
}

async fn record_all(transaction: &mut Transaction<'_>, artifacts: &[NewArtifact]) -> Result<Vec<Recorded>> {
    let jobs: Vec<Uuid> = artifacts.iter().map(|new| job_uuid(new.job_id)).collect();
    transaction.all(include_str!("../queries/record_artifact_lock.sql"), params![jobs]).await?;
    let mut number = transaction.next_changes(artifacts.len()).await?;
    let mut answers = Vec::with_capacity(artifacts.len());
    let mut rest = artifacts;
    while !rest.is_empty() {
        // What is named twice has to be looked at again before its second time.
        let (part, later) = rest.split_at(distinct(rest));
        let mut owners = owners(transaction, part).await?;
        for (place, new) in part.iter().enumerate() {
            answers.push(record_one(transaction, new, owners.remove(&place), number).await?);
            number += 1;
        }
        rest = later;
    }
    Ok(answers)
}

/// How many of these share neither id nor key with one before them.
fn distinct(artifacts: &[NewArtifact]) -> usize {
    let mut seen = HashSet::new();
    let mut keys = HashSet::new();
    let repeated = artifacts.iter().position(|new| {
        !seen.insert(new.id) || new.key.as_ref().is_some_and(|key| !keys.insert((new.job_id, key)))
    });
    repeated.unwrap_or(artifacts.len())
}

async fn owners(transaction: &Transaction<'_>, artifacts: &[NewArtifact]) -> Result<HashMap<usize, Owner>> {
    let jobs: Vec<Uuid> = artifacts.iter().map(|new| job_uuid(new.job_id)).collect();
    let tokens: Vec<Option<i64>> = artifacts.iter().map(|new| new.lease.map(LeaseToken::get)).collect();
    let ids: Vec<Uuid> = artifacts.iter().map(|new| artifact_uuid(new.id)).collect();
    let keys: Vec<Option<String>> = artifacts.iter().map(|new| new.key.as_deref().map(text)).collect();
    let facts = include_str!("../queries/record_artifact_facts.sql");
    let mut owners = HashMap::with_capacity(artifacts.len());
    for row in transaction.all(facts, params![jobs, tokens, ids, keys]).await? {
        let place: i64 = row.try_get(0)?;
        owners.insert(usize::try_from(place - 1).unwrap_or(0), Owner::read(&row)?);
    }
    Ok(owners)
}

async fn record_one(
    transaction: &Transaction<'_>,
    new: &NewArtifact,
    owner: Option<Owner>,
    number: i64,
) -> Result<Recorded> {
    let Some(owner) = owner else { return Ok(Err(RecordRefusal::UnknownJob(new.job_id))) };
    if let Some(earlier) = recorded_before(transaction, &owner, new).await? {
        return Ok(earlier);
    }
    if new.lease.is_some() && !owner.leased {
        return Ok(Err(RecordRefusal::StaleLease(new.job_id)));
    }
    insert(transaction, owner, new, number).await
}

/// What an earlier call made: the same record is not made twice when its answer was lost on its way, nor when the
/// caller repeats a key.
async fn recorded_before(
    connection: &Connection<'_>,
    owner: &Owner,
    new: &NewArtifact,
) -> Result<Option<Recorded>> {
    if owner.recorded {
        return Ok(find_artifact(connection, new.id).await?.map(Ok));
    }
    let Some((id, name, sha256)) = &owner.same_key else { return Ok(None) };
    let same_bytes = match &new.content {
        NewContent::Whole(bytes) => *sha256 == Some(bytes.sha256),
        NewContent::Live | NewContent::Upload { .. } => true,
    };
    if *name != new.name || !same_bytes {
        return Ok(Some(Err(RecordRefusal::KeyReused(*id))));
    }
    Ok(find_artifact(connection, *id).await?.map(Ok))
}

async fn insert(
    transaction: &Transaction<'_>,
    owner: Owner,
    new: &NewArtifact,
    number: i64,
) -> Result<Recorded> {
    let (status, bytes) = match &new.content {
        NewContent::Upload { .. } => (ArtifactStatus::Uploading, None),
        NewContent::Live => (ArtifactStatus::Writing, None),
        NewContent::Whole(bytes) => (ArtifactStatus::Available, Some(bytes)),
    };
    let (expected_bytes, expected_sha256) = match &new.content {
        NewContent::Upload { expected_bytes, expected_sha256 } => (*expected_bytes, *expected_sha256),
        NewContent::Live | NewContent::Whole(_) => (None, None),
    };
    // Nobody sees an upload before it is whole; until then it only has to differ from all others.
    let version = matches!(new.content, NewContent::Upload { .. }).then(|| -fastrand::i64(1..i64::MAX));
    let (storage, inline) = bytes.map_or(("", None), |bytes| blobs::parts_of(&bytes.blob));
    let size_bytes = bytes.map_or(0, |bytes| bytes.size_bytes);
    let attempt = if new.lease.is_some() { owner.attempts } else { 0 };
    let expires_at = new.expires_in.map(|time| transaction.now.after(time));
    let folded = Some(without_case(&new.name)).filter(|folded| *folded != new.name);
    let made = transaction
        .optional(
            include_str!("../queries/record_artifact.sql"),
            params![
                artifact_uuid(new.id),
                owner.seq,
                small(attempt),
                version,
                bytes.map(|bytes| bytes.sha256.as_bytes().as_slice()),
                stored_size(size_bytes),
                storage,
                inline,
                new.name.as_str(),
                transaction.now.as_micros(),
                number,
                expires_at.map(Timestamp::as_micros),
                owner.function.as_str(),
                new.artifact_type.as_str(),
                stored_content_type(&new.artifact_type, &new.content_type),
                folded,
                new.key.as_deref().map(text),
                new.labels.description.as_deref().map(text),
                rows::stored_tags(&new.labels.tags),
                new.labels.metadata.as_ref().map(RawJson::as_str),
                new.labels.search_text().as_deref().map(text),
                expected_bytes.map(stored_size),
                expected_sha256.as_ref().map(|digest| digest.as_bytes().as_slice())
            ],
        )
        .await?;
    let Some(made) = made else {
        let sha256 =
            bytes.map(|bytes| bytes.sha256).ok_or_else(|| Fault::unexpected("no artifact was made"))?;
        return Ok(Err(RecordRefusal::BlobCondemned(sha256)));
    };
    add_tags(transaction, number, &new.labels).await?;
    let version: i64 = made.try_get(1)?;
    Ok(Ok(Artifact {
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
        sha256: bytes.map(|bytes| bytes.sha256),
        storage: made.try_get::<_, Option<String>>(2)?.unwrap_or_else(|| PARTS_STORAGE.to_owned()),
        created_at: Timestamp::from_micros(made.try_get(0)?),
        labels: new.labels.clone(),
        expires_at,
        pinned: false,
    }))
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

async fn add_tags(connection: &Connection<'_>, seq: i64, labels: &Labels) -> Result<()> {
    if labels.tags.is_empty() {
        return Ok(());
    }
    let tags: Vec<String> = labels.tags.iter().map(|tag| text(tag)).collect();
    let artifacts = vec![seq; tags.len()];
    connection
        .all(include_str!("../queries/record_artifact_tags.sql"), params![tags, artifacts])
        .await
        .map(drop)
}

pub(crate) async fn update_artifact(
    transaction: &mut Transaction<'_>,
    id: ArtifactId,
    patch: &ArtifactPatch,
) -> Result<Option<StdResult<Artifact, String>>> {
    let change = transaction.next_changes(1).await?;
    let found = transaction
        .optional(include_str!("../queries/update_artifact_find.sql"), params![artifact_uuid(id)])
        .await?;
    let Some(found) = found else { return Ok(None) };
    let labels = match patch.apply(rows::labels(&found, 1)?) {
        Ok(labels) => labels,
        Err(rule) => return Ok(Some(Err(rule))),
    };
    let seq: i64 = found.try_get(0)?;
    let expires_at = patch.expires_at.unwrap_or(rows::moment(&found, 5)?).map(Timestamp::as_micros);
    let given = params![
        seq,
        labels.description.as_deref().map(text),
        rows::stored_tags(&labels.tags),
        labels.metadata.as_ref().map(RawJson::as_str),
        labels.search_text().as_deref().map(text),
        patch.pinned.unwrap_or(found.try_get(4)?),
        expires_at,
        change,
    ];
    transaction.all(include_str!("../queries/update_artifact.sql"), given).await?;
    transaction.all(include_str!("../queries/delete_tags.sql"), params![seq]).await?;
    add_tags(transaction, seq, &labels).await?;
    Ok(find_artifact(transaction, id).await?.map(Ok))
}

/// Removes an artifact; the caller holds the order of changes.
pub(crate) async fn delete_artifact(transaction: &mut Transaction<'_>, id: ArtifactId) -> Result<bool> {
    let change = transaction.next_changes(1).await?;
    let deleted = transaction
        .optional(include_str!("../queries/delete_artifact.sql"), params![artifact_uuid(id)])
        .await?;
    let Some(gone) = deleted else { return Ok(false) };
    let (seq, job): (i64, i64) = (gone.try_get(0)?, gone.try_get(1)?);
    if gone.try_get(3)? {
        let name: &str = gone.try_get(2)?;
        let promote = include_str!("../queries/delete_artifact_promote.sql");
        transaction.all(promote, params![job, name]).await?;
    }
    match gone.try_get(4)? {
        Some(blob) => blobs::give_back(transaction, blob).await?,
        None => blobs::drop_parts(transaction, seq).await?,
    }
    transaction.all(include_str!("../queries/delete_tags.sql"), params![seq]).await?;
    transaction.all(include_str!("../queries/delete_artifact_reads.sql"), params![seq]).await?;
    let was_seen = gone.try_get::<_, i64>(5)? > 0;
    if was_seen {
        let (made, job_id): (i64, Uuid) = (gone.try_get(6)?, gone.try_get(7)?);
        let now = transaction.now.as_micros();
        let note = include_str!("../queries/delete_artifact_note.sql");
        transaction.all(note, params![change, made, artifact_uuid(id), job_id, now]).await?;
    }
    Ok(true)
}

pub(crate) async fn record_artifact_reads(
    transaction: &mut Transaction<'_>,
    reads: &[(ArtifactId, JobId)],
) -> Result<()> {
    transaction.next_changes(1).await?;
    let (artifacts, jobs): (Vec<Uuid>, Vec<Uuid>) =
        reads.iter().map(|(artifact, job)| (artifact_uuid(*artifact), job_uuid(*job))).unzip();
    let record = include_str!("../queries/record_artifact_reads.sql");
    transaction.all(record, params![artifacts, jobs]).await.map(drop)
}

pub(crate) async fn find_artifact(connection: &Connection<'_>, id: ArtifactId) -> Result<Option<Artifact>> {
    Ok(find_artifacts(connection, &[id]).await?.pop())
}

pub(crate) async fn find_artifacts(connection: &Connection<'_>, ids: &[ArtifactId]) -> Result<Vec<Artifact>> {
    let ids: Vec<Uuid> = ids.iter().map(|id| artifact_uuid(*id)).collect();
    let sql = format!("SELECT {ARTIFACT_COLUMNS} FROM {ARTIFACT_TABLES} WHERE a.id = ANY ($1)");
    connection.all(&sql, params![ids]).await?.iter().map(rows::artifact).collect()
}
