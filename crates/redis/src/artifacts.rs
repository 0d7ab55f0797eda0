//! Artifact records: `record_artifacts`, `update_artifact`, `delete_artifact` and what they share.

use std::result::Result as StdResult;

use redis::Value;
use upnext_core::artifact::{ArtifactPatch, Digest, NewContent, RecordRefusal, Sealed};
use upnext_core::backend::{ArtifactTotals, Result};
use upnext_core::folding::without_case;
use upnext_core::{Artifact, ArtifactId, JobId, LeaseToken, NewArtifact, NewBlob, RawJson, Timestamp};

use crate::Redis;
use crate::args::Args;
use crate::link::Repeat;
use crate::reply::{self, Reply, unexpected};
use crate::rows::{self, StoredArtifact, stored_content_type, stored_micros, stored_tags, stored_token};

type Recorded = StdResult<Artifact, RecordRefusal>;

/// Adds a token, or nothing.
pub(crate) fn add_token(args: &mut Args, lease: Option<LeaseToken>) {
    args.add(lease.map(stored_token).unwrap_or_default());
}

/// Adds digest, size, storage and bytes.
pub(crate) fn add_sealed(args: &mut Args, bytes: &Sealed) {
    args.add(bytes.sha256.as_bytes()).number(bytes.size_bytes);
    match &bytes.blob {
        NewBlob::Inline(content) => args.add("inline").add(content),
        NewBlob::Stored { storage } => args.add(storage).add(""),
    };
}

fn add_artifact(args: &mut Args, new: &NewArtifact) {
    args.add(new.id.as_bytes()).add(new.job_id.as_bytes());
    add_token(args, new.lease);
    args.add(new.key.as_deref().unwrap_or_default());
    match &new.content {
        NewContent::Whole(bytes) => {
            args.add("W");
            add_sealed(args, bytes);
        }
        NewContent::Live => {
            args.each(["L", "", "", "", ""]);
        }
        NewContent::Upload { .. } => {
            args.each(["U", "", "", "", ""]);
        }
    }
    args.optional(new.expires_in.map(stored_micros))
        .add(&new.name)
        .counted(|fields| stored_fields(new, fields));
}

/// The fields of an artifact that are known before it is recorded. What has its default is left out.
fn stored_fields(new: &NewArtifact, fields: &mut Args) {
    fields.add("n").add(&new.name).add("ty").add(new.artifact_type.as_str());
    let folded = without_case(&new.name);
    if folded != new.name {
        fields.add("fo").add(folded);
    }
    if let Some(content_type) = stored_content_type(&new.artifact_type, &new.content_type) {
        fields.add("ct").add(content_type);
    }
    if let Some(key) = &new.key {
        fields.add("k").add(key);
    }
    if let NewContent::Upload { expected_bytes, expected_sha256 } = &new.content {
        if let Some(expected) = expected_bytes {
            fields.add("x").number(expected);
        }
        if let Some(expected) = expected_sha256 {
            fields.add("xs").add(expected.as_bytes());
        }
    }
    if let Some(description) = &new.labels.description {
        fields.add("de").add(description);
    }
    if !new.labels.tags.is_empty() {
        fields.add("tg").add(stored_tags(&new.labels.tags));
    }
    if let Some(metadata) = &new.labels.metadata {
        fields.add("me").add(metadata.as_str());
    }
    if let Some(text) = new.labels.search_text() {
        fields.add("tx").add(text);
    }
}

pub(crate) async fn record_artifacts(redis: &Redis, artifacts: &[NewArtifact]) -> Result<Vec<Recorded>> {
    if artifacts.is_empty() {
        return Ok(Vec::new());
    }
    let mut args = Args::default();
    artifacts.iter().for_each(|artifact| add_artifact(&mut args, artifact));
    let answer = redis.lanes.record.ask(args, artifacts.len()).await?;
    let read = |(value, new): (Value, &NewArtifact)| {
        let sha256 = match &new.content {
            NewContent::Whole(bytes) => Some(bytes.sha256),
            NewContent::Live | NewContent::Upload { .. } => None,
        };
        read_recorded(value, new.id, new.job_id, sha256)
    };
    answer.values.into_iter().zip(artifacts).map(read).collect()
}

/// An artifact, or why it was refused: a list that begins with one letter.
pub(crate) fn read_recorded(
    value: Value,
    id: ArtifactId,
    job_id: JobId,
    sha256: Option<Digest>,
) -> Result<Recorded> {
    let values = reply::list(value)?;
    match read_refusal(&values, id, job_id, sha256)? {
        Some(refusal) => Ok(Err(refusal)),
        None => Ok(Ok(rows::artifact(values)?.artifact)),
    }
}

pub(crate) fn read_refusal(
    values: &[Value],
    id: ArtifactId,
    job_id: JobId,
    sha256: Option<Digest>,
) -> Result<Option<RecordRefusal>> {
    let letter = match values.first() {
        Some(Value::BulkString(letter)) if letter.len() == 1 && values.len() <= 2 => letter[0],
        _ => return Ok(None),
    };
    let with = || values.get(1).ok_or_else(|| unexpected("reason"));
    Ok(Some(match letter {
        b'J' => RecordRefusal::UnknownJob(job_id),
        b'A' => RecordRefusal::UnknownArtifact(id),
        b'S' => RecordRefusal::StaleLease(values.get(1).map_or(Ok(job_id), reply::job_id)?),
        b'B' => RecordRefusal::BlobCondemned(sha256.ok_or_else(|| unexpected("digest"))?),
        b'K' => RecordRefusal::KeyReused(reply::artifact_id(with()?)?),
        b'C' => RecordRefusal::Closed(id),
        b'O' => RecordRefusal::WrongOffset { size_bytes: reply::number(with()?)? },
        _ => return Err(unexpected("known refusal")),
    }))
}

pub(crate) async fn find_stored(redis: &Redis, ids: &[ArtifactId]) -> Result<Vec<StoredArtifact>> {
    if ids.is_empty() {
        return Ok(Vec::new());
    }
    let mut args = redis.now.begin();
    args.each(ids.iter().map(ArtifactId::as_bytes));
    let mut reply = Reply::new(redis.link.call("find_artifacts", &args, Repeat::Harmless).await?);
    reply.value()?;
    reply.list()?.into_iter().map(|artifact| rows::artifact(reply::list(artifact)?)).collect()
}

pub(crate) async fn find_artifacts(redis: &Redis, ids: &[ArtifactId]) -> Result<Vec<Artifact>> {
    Ok(find_stored(redis, ids).await?.into_iter().map(|stored| stored.artifact).collect())
}

pub(crate) async fn update_artifact(
    redis: &Redis,
    id: ArtifactId,
    patch: &ArtifactPatch,
) -> Result<Option<StdResult<Artifact, String>>> {
    loop {
        let found = find_stored(redis, &[id]).await?.pop().filter(|found| found.artifact.version > 0);
        let Some(found) = found else { return Ok(None) };
        let labels = match patch.apply(found.artifact.labels) {
            Ok(labels) => labels,
            Err(rule) => return Ok(Some(Err(rule))),
        };
        let mut args = redis.now.begin();
        args.add(id.as_bytes()).number(found.change);
        match patch.pinned {
            None => args.add(""),
            Some(pinned) => args.flag(pinned),
        };
        match patch.expires_at {
            None => args.add(""),
            Some(None) => args.add("n"),
            Some(Some(moment)) => args.moment(moment),
        };
        args.add(labels.description.as_deref().unwrap_or_default())
            .add(stored_tags(&labels.tags))
            .add(labels.metadata.as_ref().map_or("", RawJson::as_str))
            .add(labels.search_text().unwrap_or_default());
        let mut reply = Reply::new(redis.link.call("update_artifact", &args, Repeat::Harmless).await?);
        reply.value()?;
        match reply.value()? {
            Value::Int(0) => return Ok(None),
            // Somebody else changed it since it was looked at.
            Value::Int(_) => {}
            artifact => return Ok(Some(Ok(rows::artifact(reply::list(artifact)?)?.artifact))),
        }
    }
}

pub(crate) async fn delete_artifact(redis: &Redis, id: ArtifactId) -> Result<bool> {
    let mut args = redis.now.begin();
    args.add(id.as_bytes());
    let mut reply = Reply::new(redis.link.call("delete_artifact", &args, Repeat::Never).await?);
    reply.value()?;
    Ok(reply.number::<i64>()? == 1)
}

pub(crate) async fn record_artifact_reads(redis: &Redis, reads: &[(ArtifactId, JobId)]) -> Result<()> {
    let mut args = redis.now.begin();
    args.each(reads.iter().flat_map(|(artifact, job)| [artifact.as_bytes(), job.as_bytes()]));
    redis.link.call("record_artifact_reads", &args, Repeat::Harmless).await.map(drop)
}

/// Counts of artifacts of one function and type.
pub(crate) struct Counted {
    pub(crate) function: String,
    pub(crate) artifact_type: String,
    /// `l` latest ones, `v` all versions, `b` their bytes.
    pub(crate) what: char,
    pub(crate) count: u64,
}

/// All counts of artifacts, and those of blobs: how many, and their bytes.
pub(crate) async fn counts(redis: &Redis) -> Result<(Vec<Counted>, u64, u64)> {
    let args = redis.now.begin();
    let mut reply = Reply::new(redis.link.call("artifact_totals", &args, Repeat::Harmless).await?);
    reply.value()?;
    let mut fields = Reply::new(reply.list()?);
    let (mut counted, mut blobs, mut bytes) = (Vec::new(), 0, 0);
    while !fields.is_empty() {
        let (field, count) = (fields.text()?, fields.number::<i64>()?);
        let count = u64::try_from(count).unwrap_or(0);
        match field.split_once('\0') {
            None if field == "blobs" => blobs = count,
            None => bytes = count,
            Some((front, artifact_type)) => {
                let mut front = front.chars();
                let what = front.next().ok_or_else(|| unexpected("letter"))?;
                let (function, artifact_type) = (front.as_str().to_owned(), artifact_type.to_owned());
                counted.push(Counted { function, artifact_type, what, count });
            }
        }
    }
    Ok((counted, blobs, bytes))
}

pub(crate) async fn artifact_totals(redis: &Redis) -> Result<ArtifactTotals> {
    let (counted, blobs, stored_bytes) = counts(redis).await?;
    let sum =
        |what: char| counted.iter().filter(|counted| counted.what == what).map(|counted| counted.count).sum();
    Ok(ArtifactTotals {
        artifacts: sum('l'),
        versions: sum('v'),
        logical_bytes: sum('b'),
        blobs,
        stored_bytes,
    })
}

/// The number that the first artifact recorded at this moment or later has; `None` when there is none.
pub(crate) async fn first_made_at(redis: &Redis, moment: Timestamp) -> Result<Option<i64>> {
    let mut args = redis.now.begin();
    args.moment(moment);
    let mut reply = Reply::new(redis.link.call("first_made_at", &args, Repeat::Harmless).await?);
    reply.value()?;
    let found = reply.value()?;
    if reply::is_nothing(&found) { Ok(None) } else { reply::number(&found).map(Some) }
}
