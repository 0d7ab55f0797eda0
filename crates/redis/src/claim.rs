//! `claim`: what the function is told and what it gives.
//!
//! The function chooses and leases; the jobs themselves are read afterwards with plain commands, which costs the server a fourth of
//! what it costs to pass them through Lua.

use redis::Value;
use upnext_core::backend::{Claim, ClaimRequest, Result};
use upnext_core::job::Lease;
use upnext_core::limits::RATE_SLOTS;
use upnext_core::transition::SUSPECT_LOSSES;
use upnext_core::{ClaimedJob, JobId, LeaseToken, RawJson, Timestamp};

use crate::Redis;
use crate::link::Repeat;
use crate::look::read_jobs;
use crate::reply::{self, Reply};
use crate::rows::{self, TOKEN_BITS, stored_micros};

/// Most jobs of one claim: so many tokens are made of one draw.
const MOST_JOBS: usize = 1 << TOKEN_BITS;

pub(crate) async fn claim(redis: &Redis, request: &ClaimRequest) -> Result<Claim> {
    // The first part of all tokens of this claim; the function numbers the jobs for the rest.
    let draw = (LeaseToken::fresh().get() >> TOKEN_BITS).max(1);
    let mut functions: Vec<&str> = Vec::with_capacity(request.functions.len());
    for function in request.functions.iter() {
        if !functions.contains(&function.as_str()) {
            functions.push(function);
        }
    }
    let mut args = redis.now.begin();
    args.add(request.worker.as_str())
        .number(stored_micros(request.lease))
        .number(request.limit.min(MOST_JOBS))
        .flag(request.suspect && request.limit > 0)
        .number(SUSPECT_LOSSES)
        .number(RATE_SLOTS)
        .number(draw)
        .number(functions.len())
        .each(functions);
    let mut reply = Reply::new(redis.link.call("claim", &args, Repeat::Never).await?);
    let work = reply.number::<i64>()? == 1;
    let mut given = Reply::new(reply.list()?);
    let next_due = reply.optional_moment()?.filter(|_| request.limit > 0);
    let (now, expires): (Timestamp, Timestamp) = (reply.moment()?, reply.moment()?);
    if work {
        // Delayed jobs have entered the queue: others may offer their functions.
        redis.signals.work_available();
    }
    let (mut leases, mut results) = (Vec::new(), Vec::new());
    while !given.is_empty() {
        let number = i64::try_from(leases.len()).unwrap_or(i64::MAX);
        let token = LeaseToken::from_raw((draw << TOKEN_BITS) | number);
        leases.push(Lease { job_id: given.job_id()?, token });
        let cached = given.value()?;
        results.push(if matches!(cached, Value::Nil) { None } else { Some(reply::json(cached)?) });
    }
    let jobs = read_claimed(redis, leases, results, expires).await?;
    Ok(Claim { jobs, next_due, now })
}

/// Reads the jobs of leases that were just given. If that fails the leases run out by themselves, as they do when an answer is lost.
async fn read_claimed(
    redis: &Redis,
    leases: Vec<Lease>,
    results: Vec<Option<RawJson>>,
    expires: Timestamp,
) -> Result<Vec<ClaimedJob>> {
    let ids: Vec<JobId> = leases.iter().map(|lease| lease.job_id).collect();
    let stored = read_jobs(redis, &ids).await?;
    let mut jobs = Vec::with_capacity(ids.len());
    for ((lease, flat), cached) in leases.into_iter().zip(stored).zip(results) {
        if let Some(job) = rows::claimed_job(lease, flat, expires, SUSPECT_LOSSES)? {
            jobs.push(ClaimedJob { cached, ..job });
        }
    }
    Ok(jobs)
}
