//! Artifacts that are written piece by piece: `append_artifacts`, `seal_artifact`, `list_parts`.

use std::result::Result as StdResult;

use redis::Value;
use upnext_core::artifact::{NewPart, Part, RecordRefusal, Seal};
use upnext_core::backend::Result;
use upnext_core::{Artifact, ArtifactId, JobId};

use crate::Redis;
use crate::args::Args;
use crate::artifacts::{add_sealed, add_token, read_recorded, read_refusal};
use crate::link::Repeat;
use crate::reply::{self, Reply, unexpected};
use crate::rows::stored_content_type;

pub(crate) async fn append_artifacts(
    redis: &Redis,
    parts: &[NewPart],
) -> Result<Vec<StdResult<u64, RecordRefusal>>> {
    if parts.is_empty() {
        return Ok(Vec::new());
    }
    let mut args = Args::default();
    for part in parts {
        args.add(part.artifact.as_bytes());
        add_token(&mut args, part.lease);
        args.number(part.offset);
        add_sealed(&mut args, &part.bytes);
    }
    let answer = redis.lanes.append.ask(args, parts.len()).await?;
    answer.values.into_iter().zip(parts).map(|(value, part)| read_length(value, part)).collect()
}

fn read_length(value: Value, part: &NewPart) -> Result<StdResult<u64, RecordRefusal>> {
    let Value::Array(values) = value else { return reply::number(&value).map(Ok) };
    let refusal = read_refusal(&values, part.artifact, JobId::from_bytes([0; 16]), Some(part.bytes.sha256))?;
    Ok(Err(refusal.ok_or_else(|| unexpected("length"))?))
}

pub(crate) async fn seal_artifact(redis: &Redis, seal: &Seal) -> Result<StdResult<Artifact, RecordRefusal>> {
    let mut args = redis.now.begin();
    args.add(seal.artifact.as_bytes());
    add_token(&mut args, seal.lease);
    args.add(seal.artifact_type.as_str())
        .add(stored_content_type(&seal.artifact_type, &seal.content_type).unwrap_or_default());
    add_sealed(&mut args, &seal.bytes);
    // Repeated with the same bytes, it answers the artifact.
    let mut reply = Reply::new(redis.link.call("seal_artifact", &args, Repeat::Harmless).await?);
    reply.value()?;
    let nobody = JobId::from_bytes([0; 16]);
    read_recorded(reply.value()?, seal.artifact, nobody, Some(seal.bytes.sha256))
}

pub(crate) async fn list_parts(
    redis: &Redis,
    id: ArtifactId,
    offset: u64,
    limit: usize,
) -> Result<Vec<Part>> {
    let mut args = redis.now.begin();
    args.add(id.as_bytes()).number(offset).number(limit);
    let mut reply = Reply::new(redis.link.call("list_parts", &args, Repeat::Harmless).await?);
    reply.value()?;
    let read = |mut part: Reply| {
        Ok(Part {
            offset: part.number::<i64>()?.unsigned_abs(),
            size_bytes: part.number::<i64>()?.unsigned_abs(),
            sha256: reply::digest(&part.value()?)?,
            storage: part.text()?,
        })
    };
    reply.lists()?.into_iter().map(read).collect()
}
