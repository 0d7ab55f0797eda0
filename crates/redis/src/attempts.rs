//! The life of an attempt under its lease: `renew`, `finish`, `release`, `reclaim_expired`.
//!
//! What follows on an outcome is decided here, by [`transition`], and carried out by the function only if what the decision was
//! made from still holds. An attempt that returned needs no look before: the answer is known unless somebody asked for the job's
//! end, and the function checks that.

use redis::Value;
use upnext_core::backend::{Finish, Finished, RenewRequest, Renewal, Result};
use upnext_core::job::Lease;
use upnext_core::transition::{self, AttemptFacts, MAX_LOSSES, SUSPECT_LOSSES, Transition};
use upnext_core::{JobId, JobStatus, LeaseToken, Outcome, RetryPolicy, Timestamp};

use crate::Redis;
use crate::args::Args;
use crate::link::Repeat;
use crate::reply::{self, Reply, letter_of, unexpected};
use crate::rows::{self, stored_micros, stored_token};

pub(crate) async fn renew(redis: &Redis, request: &RenewRequest) -> Result<Vec<Renewal>> {
    let mut args = redis.now.begin();
    args.add(request.worker.as_str()).number(stored_micros(request.lease)).optional(request.memory_bytes);
    for lease in &request.leases {
        args.add(lease.job_id.as_bytes()).add(stored_token(lease.token));
    }
    let mut reply = Reply::new(redis.link.call("renew", &args, Repeat::Harmless).await?);
    reply.value()?;
    let answers = reply.list()?;
    let expires = reply.moment()?;
    let read = |answer: &Value| {
        Ok(match reply::number::<i64>(answer)? {
            0 => Renewal::Lost,
            1 => Renewal::Held(expires),
            _ => Renewal::CancelRequested,
        })
    };
    answers.iter().map(read).collect()
}

/// The status that follows when an attempt returned and nobody asked for the job's end.
pub(crate) fn status_of_returned() -> &'static str {
    let retry = RetryPolicy::default();
    let facts = AttemptFacts { attempts: 1, losses: 0, retry: &retry, cancel_requested: false };
    let returned = Outcome::Complete { result: upnext_core::RawJson::null() };
    letter_of(transition::after_outcome(&facts, &returned, Timestamp::default(), 0.0).status)
}

/// What a decision about an attempt is made from.
struct Facts {
    cancel_requested: bool,
    attempts: u32,
    losses: u32,
    retry: RetryPolicy,
    started_at: Option<Timestamp>,
    worker: Option<String>,
}

impl Facts {
    /// Reads what `FACTS` of `finish.lua` names, after the token.
    fn read(mut reply: Reply) -> Result<Self> {
        let cancel_requested = !reply::is_nothing(&reply.value()?);
        let mut number = || -> Result<u32> {
            let value = reply.value()?;
            if reply::is_nothing(&value) { Ok(0) } else { reply::number(&value) }
        };
        let (attempts, attempts_base, losses, losses_base) = (number()?, number()?, number()?, number()?);
        let retry = reply.value()?;
        let retry = if reply::is_nothing(&retry) { RetryPolicy::default() } else { rows::retry(retry)? };
        let started_at = reply.optional_moment()?;
        let worker = reply.value()?;
        Ok(Self {
            cancel_requested,
            attempts: attempts.saturating_sub(attempts_base),
            losses: losses.saturating_sub(losses_base),
            retry,
            started_at,
            worker: if reply::is_nothing(&worker) { None } else { Some(reply::text(worker)?) },
        })
    }

    const fn of_attempt(&self) -> AttemptFacts<'_> {
        AttemptFacts {
            attempts: self.attempts,
            losses: self.losses,
            retry: &self.retry,
            cancel_requested: self.cancel_requested,
        }
    }
}

/// How an attempt ended, for its history.
struct Ending<'a> {
    outcome: &'a str,
    error: Option<&'a str>,
    traceback: Option<&'a str>,
    started_at: Option<Timestamp>,
    lost: bool,
}

/// Adds a decision to the arguments of `finish.lua`.
fn add_decision(args: &mut Args, lease: Lease, facts: &Facts, next: Transition, ending: &Ending<'_>) {
    args.add(lease.job_id.as_bytes())
        .add(stored_token(lease.token))
        .optional(ending.started_at.map(Timestamp::as_micros))
        .add("D")
        .flag(facts.cancel_requested)
        .flag(ending.lost)
        .add(letter_of(next.status))
        .optional(next.scheduled_at.map(Timestamp::as_micros))
        .add(next.failure_reason.map_or("", upnext_core::FailureReason::as_str))
        .add(ending.error.unwrap_or_default())
        .add(ending.traceback.unwrap_or_default())
        .add(ending.outcome)
        .flag(facts.losses + 1 >= SUSPECT_LOSSES);
}

fn add_outcome(args: &mut Args, finish: &Finish, decided: Option<&(Facts, Transition)>) {
    if let Some((facts, next)) = decided {
        let (error, traceback) = match &finish.outcome {
            Outcome::Failed { error, traceback, .. } => (Some(error.as_str()), traceback.as_deref()),
            Outcome::TimedOut => (Some("the attempt ran longer than its timeout and was stopped"), None),
            Outcome::Complete { .. } | Outcome::Cancelled => (None, None),
        };
        let started_at = Some(finish.started_at);
        let ending = Ending { outcome: finish.outcome.as_str(), error, traceback, started_at, lost: false };
        return add_decision(args, finish.lease, facts, *next, &ending);
    }
    args.add(finish.lease.job_id.as_bytes()).add(stored_token(finish.lease.token)).moment(finish.started_at);
    match &finish.outcome {
        Outcome::Complete { result } => args.add("C").add(result.as_str()),
        _ => args.add("F"),
    };
}

/// What `finish.lua` answers about one attempt.
enum Said {
    Done(Finished),
    Facts(Facts),
}

fn read_answer(value: Value) -> Result<Said> {
    Ok(match value {
        Value::Int(0) => Said::Done(Finished::Stale),
        Value::Array(facts) => {
            let mut facts = Reply::new(facts);
            facts.value()?;
            Said::Facts(Facts::read(facts)?)
        }
        letter => Said::Done(Finished::Applied(reply::status(&letter)?)),
    })
}

pub(crate) async fn finish(redis: &Redis, finishes: &[Finish]) -> Result<Vec<Finished>> {
    let mut answers: Vec<Option<Finished>> = vec![None; finishes.len()];
    let mut decided: Vec<Option<(Facts, Transition)>> = finishes.iter().map(|_| None).collect();
    let mut open: Vec<usize> = (0..finishes.len()).collect();
    let mut ended: Vec<JobId> = Vec::new();
    while !open.is_empty() {
        let mut args = Args::default();
        open.iter().for_each(|place| add_outcome(&mut args, &finishes[*place], decided[*place].as_ref()));
        let answer = redis.lanes.finish.ask(args, open.len()).await?;
        let now = reply::moment(answer.rest.first().ok_or_else(|| unexpected("moment"))?)?;
        let mut still_open = Vec::new();
        for (place, value) in open.into_iter().zip(answer.values) {
            match read_answer(value)? {
                Said::Facts(facts) => {
                    let outcome = &finishes[place].outcome;
                    let next = transition::after_outcome(&facts.of_attempt(), outcome, now, fastrand::f64());
                    decided[place] = Some((facts, next));
                    still_open.push(place);
                }
                Said::Done(finished) => {
                    if matches!(finished, Finished::Applied(status) if status.is_final()) {
                        ended.push(finishes[place].lease.job_id);
                    }
                    answers[place] = Some(finished);
                }
            }
        }
        open = still_open;
        if answer.work {
            redis.signals.work_available();
        }
    }
    redis.signals.jobs_finished(ended.into());
    answers.into_iter().map(|answer| answer.ok_or_else(|| unexpected("answer"))).collect()
}

pub(crate) async fn release(redis: &Redis, leases: &[Lease]) -> Result<()> {
    let mut args = redis.now.begin();
    args.number(SUSPECT_LOSSES);
    for lease in leases {
        args.add(lease.job_id.as_bytes()).add(stored_token(lease.token));
    }
    redis.link.call("release", &args, Repeat::Harmless).await?;
    redis.signals.work_available();
    Ok(())
}

/// A lease that ran out, with what the decision about it is made from.
struct Expired {
    lease: Lease,
    facts: Facts,
}

async fn list_expired(redis: &Redis, limit: usize) -> Result<Vec<Expired>> {
    let mut args = redis.now.begin();
    args.number(limit);
    let mut reply = Reply::new(redis.link.call("reclaim_expired", &args, Repeat::Harmless).await?);
    reply.value()?;
    let mut found = Reply::new(reply.list()?);
    let mut expired = Vec::new();
    while !found.is_empty() {
        let job_id = found.job_id()?;
        let mut facts = Reply::new(found.list()?);
        let Some(token) = read_token(facts.value()?)? else { continue };
        expired.push(Expired { lease: Lease { job_id, token }, facts: Facts::read(facts)? });
    }
    Ok(expired)
}

fn read_token(value: Value) -> Result<Option<LeaseToken>> {
    if reply::is_nothing(&value) {
        return Ok(None);
    }
    let text = reply::text(value)?;
    let parts =
        text.split_once(',').and_then(|(draw, number)| Some((draw.parse().ok()?, number.parse().ok()?)));
    let (draw, number): (i64, i64) = parts.ok_or_else(|| unexpected("token"))?;
    Ok(Some(LeaseToken::from_raw((draw << rows::TOKEN_BITS) | number)))
}

pub(crate) async fn reclaim_expired(redis: &Redis, limit: usize) -> Result<usize> {
    let (mut reclaimed, mut ended) = (0, Vec::new());
    let expired = list_expired(redis, limit).await?;
    if expired.is_empty() {
        return Ok(0);
    }
    let mut args = Args::default();
    for Expired { lease, facts } in &expired {
        let next = transition::after_loss(&facts.of_attempt());
        let worker = facts.worker.as_deref().unwrap_or("unknown");
        let error = match next.status {
            JobStatus::Failed => Some(format!(
                "the worker disappeared {MAX_LOSSES} times while running this job (last: {worker}); it is not tried again"
            )),
            JobStatus::Queued => Some(format!("the worker {worker} disappeared")),
            _ => None,
        };
        let ending = Ending {
            outcome: "lost",
            error: error.as_deref(),
            traceback: None,
            started_at: facts.started_at,
            lost: true,
        };
        add_decision(&mut args, *lease, facts, next, &ending);
    }
    let answer = redis.lanes.finish.ask(args, expired.len()).await?;
    for (expired, value) in expired.iter().zip(answer.values) {
        // Another answer than a status: it was renewed, ended or asked to end meanwhile. The next look will see.
        if let Said::Done(Finished::Applied(status)) = read_answer(value)? {
            reclaimed += 1;
            ended.extend(Some(expired.lease.job_id).filter(|_| status.is_final()));
        }
    }
    redis.signals.jobs_finished(ended.into());
    if answer.work {
        redis.signals.work_available();
    }
    Ok(reclaimed)
}
