//! Reading jobs by id, attempts and changes.

use upnext_core::backend::{ArtifactChange, ArtifactChangeKind, Changes, Feed, JobChange, Result};
use upnext_core::{Attempt, Job, JobId, JobStatus, Timestamp};

use crate::Redis;
use crate::control::outcome_word;
use crate::link::Repeat;
use crate::look::read_jobs;
use crate::reply::{self, Reply, letter_of, unexpected};
use crate::rows;

pub(crate) async fn find_jobs(redis: &Redis, ids: &[JobId]) -> Result<Vec<Job>> {
    let stored = read_jobs(redis, ids).await?;
    let known = stored.into_iter().zip(ids).filter(|(fields, _)| !fields.is_empty());
    known.map(|(fields, id)| Ok(rows::job(*id, fields)?.job)).collect()
}

/// An attempt as `record_attempt` in `finish.lua` stores it: worker, begin, end, outcome, error and traceback.
type StoredAttempt = (Option<String>, Option<String>, Option<String>, String, Option<String>, Option<String>);

fn read_attempt(number: u32, stored: &str) -> Result<Attempt> {
    let wrong = || unexpected("attempt");
    let (worker_id, started_at, ended_at, outcome, error, traceback): StoredAttempt =
        serde_json::from_str(stored).map_err(|_| wrong())?;
    let moment = |text: Option<String>| {
        text.map(|text| text.parse().map(Timestamp::from_micros).map_err(|_| wrong())).transpose()
    };
    let (started_at, ended_at) = (moment(started_at)?, moment(ended_at)?);
    Ok(Attempt { number, worker_id, started_at, ended_at, outcome, error, traceback })
}

pub(crate) async fn list_attempts(redis: &Redis, id: JobId) -> Result<Vec<Attempt>> {
    let mut args = redis.now.begin();
    args.add(id.as_bytes());
    let mut reply = Reply::new(redis.link.call("list_attempts", &args, Repeat::Harmless).await?);
    reply.value()?;
    let mut history = Reply::new(reply.list()?);
    let mut attempts = Vec::new();
    while !history.is_empty() {
        attempts.push(read_attempt(history.number()?, &history.text()?)?);
    }
    attempts.sort_unstable_by_key(|attempt| attempt.number);
    let flat = reply.list()?;
    if flat.is_empty() {
        return Ok(attempts);
    }
    let job = rows::job(id, flat)?.job;
    attempts.retain(|attempt| attempt.number <= job.attempts);
    let in_history = attempts.last().is_some_and(|last| last.number >= job.attempts);
    if job.attempts > 0 && !in_history {
        attempts.push(Attempt {
            number: job.attempts,
            worker_id: job.worker_id,
            started_at: job.started_at,
            ended_at: job.completed_at,
            outcome: outcome_word(job.status, job.failure_reason).to_owned(),
            error: job.error,
            traceback: job.traceback,
        });
    }
    Ok(attempts)
}

pub(crate) async fn changes_since(
    redis: &Redis,
    cursor: Option<i64>,
    limit: usize,
    feed: Feed,
) -> Result<Changes> {
    let mut args = redis.now.begin();
    args.optional(cursor).number(limit).flag(feed == Feed::Everything);
    let mut reply = Reply::new(redis.link.call("changes_since", &args, Repeat::Harmless).await?);
    reply.value()?;
    let newest = reply.number()?;
    let Some(after) = cursor else { return Ok(Changes { cursor: newest, ..Changes::default() }) };
    let mut changes = Changes::default();
    for mut job in reply.lists()? {
        let (id, sequence) = (job.job_id()?, job.number()?);
        changes.jobs.push(JobChange { sequence, id, status: reply::status(&job.value()?)? });
    }
    for kind in [ArtifactChangeKind::Created, ArtifactChangeKind::Updated] {
        for mut artifact in reply.lists()? {
            let (id, sequence) = (reply::artifact_id(&artifact.value()?)?, artifact.number()?);
            let job_id = artifact.job_id()?;
            changes.artifacts.push(ArtifactChange { sequence, id, job_id, kind, deleted_at: None });
        }
    }
    for mut deletion in reply.lists()? {
        let (member, sequence) = (deletion.bytes()?, deletion.number()?);
        changes.artifacts.push(read_deletion(&member, sequence)?);
    }
    changes.artifacts.sort_unstable_by_key(|change| change.sequence);
    cut(&mut changes, limit);
    let last =
        [changes.jobs.last().map(|change| change.sequence), changes.artifacts.last().map(|c| c.sequence)];
    changes.cursor = last.into_iter().flatten().max().unwrap_or(after);
    Ok(changes)
}

/// A deletion as `remove_artifact` in `artifact.lua` notes it: since when the artifact was seen, when it was removed, seven bytes
/// each, its id and its job.
fn read_deletion(member: &[u8], sequence: i64) -> Result<ArtifactChange> {
    let part = |from: usize, to: usize| member.get(from..to).ok_or_else(|| unexpected("deletion"));
    let at = part(7, 14)?.iter().fold(0, |number, byte| (number << 8) | i64::from(*byte));
    let id: [u8; 16] = part(14, 30)?.try_into().map_err(|_| unexpected("id"))?;
    let job: [u8; 16] = part(30, 46)?.try_into().map_err(|_| unexpected("id"))?;
    Ok(ArtifactChange {
        sequence,
        id: upnext_core::ArtifactId::from_bytes(id),
        job_id: JobId::from_bytes(job),
        kind: ArtifactChangeKind::Deleted,
        deleted_at: Some(Timestamp::from_micros(at)),
    })
}

/// Keeps the first `limit` of jobs and artifacts together, so that no change before the cursor is left out.
fn cut(changes: &mut Changes, limit: usize) {
    let jobs = changes.jobs.iter().map(|change| change.sequence);
    let mut sequences: Vec<i64> =
        jobs.chain(changes.artifacts.iter().map(|change| change.sequence)).collect();
    sequences.sort_unstable();
    if let Some(&first_left_out) = sequences.get(limit) {
        changes.jobs.retain(|change| change.sequence < first_left_out);
        changes.artifacts.retain(|change| change.sequence < first_left_out);
    }
}

/// The status that a letter in front of a function's name stands for.
pub(crate) fn status_in_front(field: &str) -> Option<(JobStatus, &str)> {
    let letter = field.get(..1)?;
    let status = JobStatus::ALL.iter().find(|status| letter_of(**status) == letter)?;
    Some((*status, &field[1..]))
}
