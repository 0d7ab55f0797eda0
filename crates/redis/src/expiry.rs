//! What goes because of its age or on request: `expire`, `delete_job`.

use std::time::Duration;

use upnext_core::api::{API_LISTED, TRAFFIC_HOURS_KEPT};
use upnext_core::artifact::UPLOAD_PATIENCE;
use upnext_core::backend::{ExpireRequest, Expired, JobDeleted, Result};
use upnext_core::insight::Hour;
use upnext_core::{JobId, Timestamp};

use crate::Redis;
use crate::link::Repeat;
use crate::reply::{self, Reply};
use crate::rows::stored_micros;

/// How long followers of changes may have been away and still hear of every deletion.
const DELETIONS_KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// Hours that are kept although the jobs counted in them are gone: the most that trends show.
const HOURS_KEPT: u32 = 168;

pub(crate) async fn expire(redis: &Redis, request: ExpireRequest) -> Result<Expired> {
    let mut args = redis.now.begin();
    args.optional(request.jobs_ended_before.map(Timestamp::as_micros))
        .number(request.limit)
        .number(stored_micros(UPLOAD_PATIENCE))
        .number(stored_micros(DELETIONS_KEPT))
        .optional(request.jobs_ended_before.map(|ended| Hour::of(ended).number()))
        .number(HOURS_KEPT)
        .number(stored_micros(API_LISTED))
        .number(TRAFFIC_HOURS_KEPT);
    let mut reply = Reply::new(redis.link.call("expire", &args, Repeat::Never).await?);
    reply.value()?;
    Ok(Expired { artifacts: count(&mut reply)?, jobs: count(&mut reply)? })
}

fn count(reply: &mut Reply) -> Result<usize> {
    Ok(usize::try_from(reply.number::<i64>()?).unwrap_or(0))
}

pub(crate) async fn delete_job(redis: &Redis, id: JobId) -> Result<JobDeleted> {
    let mut args = redis.now.begin();
    args.add(id.as_bytes());
    let mut reply = Reply::new(redis.link.call("delete_job", &args, Repeat::Never).await?);
    reply.value()?;
    let answer = reply.value()?;
    match reply::bytes(answer.clone())?.as_slice() {
        b"G" => Ok(JobDeleted::Gone),
        b"U" => Ok(JobDeleted::UnknownJob),
        b"P" => Ok(JobDeleted::Pinned(reply::artifact_id(&reply.value()?)?)),
        _ => Ok(JobDeleted::NotEnded(reply::status(&answer)?)),
    }
}
