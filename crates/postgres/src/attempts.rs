//! The life of an attempt under its lease: `renew`, `finish`, `release`, `reclaim_expired`.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio_postgres::Row;
use upnext_core::backend::{self, Finish, Finished, RenewRequest, Renewal};
use upnext_core::job::Lease;
use upnext_core::transition::{self, AttemptFacts, MAX_LOSSES, SUSPECT_LOSSES};
use upnext_core::{JobId, JobStatus, JobType, LeaseToken, Outcome, RetryPolicy, Timestamp, fault};
use uuid::Uuid;

use crate::database::{Database, Promise, Transaction, write};
use crate::ends::Ends;
use crate::faults::Result;
use crate::gate::Gate;
use crate::params::{Param, count, job_uuid, params, small, text};
use crate::rows;

pub(crate) async fn renew(transaction: &Transaction<'_>, request: &RenewRequest) -> Result<Vec<Renewal>> {
    let expires = transaction.now.after(request.lease);
    let (ids, tokens) = columns(request.leases.iter().copied());
    let mut held: HashMap<(JobId, LeaseToken), bool> = HashMap::new();
    if !ids.is_empty() {
        let renew = include_str!("../queries/renew.sql");
        for row in transaction.all(renew, params![ids, tokens, expires.as_micros()]).await? {
            let token = LeaseToken::from_raw(row.try_get(1)?);
            held.insert((rows::job_id(&row, 0)?, token), row.try_get(2)?);
        }
    }
    let heartbeat = include_str!("../queries/renew_heartbeat.sql");
    let now = transaction.now.as_micros();
    let memory = request.memory_bytes.and_then(|bytes| i64::try_from(bytes).ok());
    transaction.all(heartbeat, params![request.worker.as_str(), now, memory]).await?;
    let answer = |lease: &Lease| match held.get(&(lease.job_id, lease.token)) {
        None => Renewal::Lost,
        Some(true) => Renewal::CancelRequested,
        Some(false) => Renewal::Held(expires),
    };
    Ok(request.leases.iter().map(answer).collect())
}

/// Leases as columns of [`FACTS`].
pub(crate) fn columns(leases: impl Iterator<Item = Lease>) -> (Vec<Uuid>, Vec<i64>) {
    leases.map(|lease| (job_uuid(lease.job_id), lease.token.get())).unzip()
}

/// What is known of the attempts that hold some leases, which it locks.
pub(crate) const FACTS: &str = include_str!("../queries/attempt_facts.sql");

/// For how long an outcome is sent again whose answer was lost.
const FINISH_PATIENCE: Duration = Duration::from_secs(5);

/// The lane's step. When the connection is lost meanwhile nobody knows whether the outcomes were committed: they are sent
/// again, and jobs that these very attempts ended are known by their tokens.
pub(crate) fn finish(
    database: Arc<Database>,
    finishes: Vec<Finish>,
) -> BoxFuture<'static, backend::Result<Vec<Finished>>> {
    async move {
        let begun = Instant::now();
        let mut again = Again::No;
        loop {
            let (ids, tokens) = columns(finishes.iter().map(|finish| finish.lease));
            let facts: &[&dyn Param] = params![ids, tokens];
            let finished = write!(database, Promise::Durable, Some((FACTS, facts)), |transaction, rows| {
                finish_all(transaction, &finishes, &rows, again)
            });
            match finished {
                Err(error) if error.retryable() && begun.elapsed() < FINISH_PATIENCE => {
                    tracing::debug!(%error, "outcomes are sent again");
                    again = Again::Yes;
                    tokio::time::sleep(Duration::from_millis(fastrand::u64(20..100))).await;
                }
                other => return other,
            }
        }
    }
    .boxed()
}

/// Whether outcomes may have been committed before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Again {
    No,
    Yes,
}

async fn finish_all(
    transaction: &mut Transaction<'_>,
    finishes: &[Finish],
    facts: &[Row],
    again: Again,
) -> Result<Vec<Finished>> {
    let leases: Vec<Lease> = finishes.iter().map(|finish| finish.lease).collect();
    let mut found = attempts_of(facts)?;
    let ended = match again {
        Again::No => HashMap::new(),
        Again::Yes => ended_before(transaction, &leases).await?,
    };
    let mut ends = Ends::default();
    let mut answers = Vec::with_capacity(finishes.len());
    for (place, finish) in finishes.iter().enumerate() {
        // Named twice, a lease ends its attempt once.
        let Some(attempt) = found.remove(&place) else {
            answers.push(ended.get(&place).map_or(Finished::Stale, |status| Finished::Applied(*status)));
            continue;
        };
        let random = fastrand::f64();
        let next = transition::after_outcome(&attempt.facts(), &finish.outcome, transaction.now, random);
        let (error, traceback) = match &finish.outcome {
            Outcome::Failed { error, traceback, .. } => (Some(text(error)), traceback.as_deref().map(text)),
            Outcome::TimedOut => {
                (Some("the attempt ran longer than its timeout and was stopped".to_owned()), None)
            }
            Outcome::Complete { .. } | Outcome::Cancelled => (None, None),
        };
        let result = match &finish.outcome {
            Outcome::Complete { result } if next.status == JobStatus::Complete => {
                Some(result.as_str().to_owned())
            }
            _ => None,
        };
        let started_at = Some(finish.started_at);
        let outcome = finish.outcome.as_str();
        let ending = Ending { outcome, error, traceback, started_at, lost: false, result };
        ends.add(transaction, attempt, next, ending);
        answers.push(Finished::Applied(next.status));
    }
    ends.write(transaction).await?;
    fault::point("outcome before commit");
    Ok(answers)
}

/// The statuses of jobs that ended under these very leases, by the place of the lease.
async fn ended_before(transaction: &Transaction<'_>, leases: &[Lease]) -> Result<HashMap<usize, JobStatus>> {
    let (ids, tokens) = columns(leases.iter().copied());
    let sql = include_str!("../queries/ended_before.sql");
    let rows = transaction.all(sql, params![ids, tokens]).await?;
    rows.iter()
        .map(|row| Ok((usize::try_from(row.try_get::<_, i64>(0)? - 1).unwrap_or(0), rows::word(row, 1)?)))
        .collect()
}

pub(crate) async fn release(transaction: &mut Transaction<'_>, leases: &[Lease]) -> Result<()> {
    let found = find_attempts(transaction, leases).await?;
    let (cancelled, mut released): (Vec<_>, Vec<_>) =
        found.into_values().partition(|attempt| attempt.cancel_requested);
    // Steps are noted in the order of the request.
    released.sort_unstable_by_key(|attempt| attempt.place);
    let jobs = |attempts: &[LeasedAttempt]| attempts.iter().map(|attempt| attempt.job).collect::<Vec<_>>();
    let released = jobs(&released);
    for job in &released {
        transaction.changed(*job);
    }
    let release = include_str!("../queries/release.sql");
    transaction.all(release, params![released, small(SUSPECT_LOSSES)]).await?;
    if !cancelled.is_empty() {
        let expire = include_str!("../queries/release_cancelled.sql");
        transaction.all(expire, params![jobs(&cancelled)]).await?;
    }
    transaction.work_available();
    Ok(())
}

pub(crate) async fn reclaim_expired(transaction: &mut Transaction<'_>, limit: usize) -> Result<usize> {
    let now = transaction.now.as_micros();
    let expired =
        transaction.all(include_str!("../queries/reclaim_expired.sql"), params![now, count(limit)]).await?;
    if expired.is_empty() {
        return Ok(0);
    }
    let leases: Vec<Lease> = expired
        .iter()
        .map(|row| Ok(Lease { job_id: rows::job_id(row, 0)?, token: LeaseToken::from_raw(row.try_get(1)?) }))
        .collect::<Result<_>>()?;
    let mut found = find_attempts(transaction, &leases).await?;
    let mut ends = Ends::default();
    let mut reclaimed = 0;
    for place in 0..leases.len() {
        let Some(attempt) = found.remove(&place) else { continue };
        let next = transition::after_loss(&attempt.facts());
        let worker = attempt.worker_id.as_deref().unwrap_or("unknown");
        let error = match next.status {
            JobStatus::Failed => Some(format!(
                "the worker disappeared {MAX_LOSSES} times while running this job (last: {worker}); it is not tried again"
            )),
            JobStatus::Queued => Some(format!("the worker {worker} disappeared")),
            _ => None,
        };
        let started_at = attempt.started_at;
        let ending = Ending { outcome: "lost", error, traceback: None, started_at, lost: true, result: None };
        ends.add(transaction, attempt, next, ending);
        reclaimed += 1;
    }
    ends.write(transaction).await?;
    Ok(reclaimed)
}

/// What the database knows of the attempt that holds a lease.
pub(crate) struct LeasedAttempt {
    /// Its place in the request.
    place: usize,
    pub(crate) job: i64,
    pub(crate) id: JobId,
    pub(crate) attempts: u32,
    attempts_base: u32,
    pub(crate) losses: u32,
    losses_base: u32,
    retry: RetryPolicy,
    cancel_requested: bool,
    started_at: Option<Timestamp>,
    pub(crate) worker_id: Option<String>,
    /// Others share limits with it.
    pub(crate) limited: bool,
    pub(crate) gate: Option<Gate>,
    pub(crate) function: String,
    pub(crate) job_type: JobType,
    /// Others may use its result.
    pub(crate) shared: bool,
}

impl LeasedAttempt {
    const fn facts(&self) -> AttemptFacts<'_> {
        AttemptFacts {
            attempts: self.attempts.saturating_sub(self.attempts_base),
            losses: self.losses.saturating_sub(self.losses_base),
            retry: &self.retry,
            cancel_requested: self.cancel_requested,
        }
    }

    /// True after the loss of this attempt when one more would be too many.
    pub(crate) const fn is_suspect(&self) -> bool {
        self.facts().losses + 1 >= SUSPECT_LOSSES
    }
}

/// How an attempt ended.
pub(crate) struct Ending {
    pub(crate) outcome: &'static str,
    pub(crate) error: Option<String>,
    pub(crate) traceback: Option<String>,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) lost: bool,
    pub(crate) result: Option<String>,
}

/// The attempts that hold these leases, by the place of the lease. They are locked until the commit.
pub(crate) async fn find_attempts(
    transaction: &Transaction<'_>,
    leases: &[Lease],
) -> Result<HashMap<usize, LeasedAttempt>> {
    let (ids, tokens) = columns(leases.iter().copied());
    attempts_of(&transaction.all(FACTS, params![ids, tokens]).await?)
}

/// The same from rows of `queries/attempt_facts.sql`.
pub(crate) fn attempts_of(facts: &[Row]) -> Result<HashMap<usize, LeasedAttempt>> {
    let mut found: HashMap<usize, LeasedAttempt> = HashMap::with_capacity(facts.len());
    let mut places: HashMap<i64, usize> = HashMap::with_capacity(facts.len());
    for row in facts {
        let place = usize::try_from(row.try_get::<_, i64>(0)? - 1).unwrap_or(0);
        let function: String = row.try_get(14)?;
        let key: Option<String> = row.try_get(13)?;
        let attempt = LeasedAttempt {
            place,
            job: row.try_get(1)?,
            id: rows::job_id(row, 2)?,
            attempts: rows::small(row, 4)?,
            attempts_base: rows::small(row, 5)?,
            losses: rows::small(row, 6)?,
            losses_base: rows::small(row, 7)?,
            retry: rows::retry(row, 8)?,
            cancel_requested: row.try_get(9)?,
            started_at: rows::moment(row, 10)?,
            worker_id: row.try_get(11)?,
            limited: row.try_get(12)?,
            gate: key.map(|key| Gate { function: function.clone(), key }),
            function,
            job_type: rows::word(row, 15)?,
            shared: row.try_get(16)?,
        };
        // A lease that is named twice counts at its first place.
        let first = places.entry(attempt.job).or_insert(place);
        if place < *first {
            found.remove(first);
            *first = place;
        }
        if place == *first {
            found.insert(place, attempt);
        }
    }
    Ok(found)
}
