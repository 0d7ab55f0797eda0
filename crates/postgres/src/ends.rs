//! Ends of attempts, collected and written together: jobs with a final status move to `ended`, the others go on in `live`.

use upnext_core::transition::Transition;
use upnext_core::{FailureReason, JobStatus, Timestamp};

use crate::attempts::{Ending, LeasedAttempt};
use crate::database::Transaction;
use crate::faults::Result;
use crate::gate::{self, Gate};
use crate::params::{params, small};

/// Values of `live.blocked`: in the usual queue, or in the one of jobs that must not lose one more worker.
const FREE: i16 = 0;
const SUSPECT: i16 = 2;

/// The ends of one transaction, as columns.
#[derive(Default)]
pub(crate) struct Ends {
    finals: Finals,
    others: Others,
    shared: Vec<i64>,
    gates: Vec<Gate>,
}

#[derive(Default)]
struct Finals {
    jobs: Vec<i64>,
    statuses: Vec<&'static str>,
    started: Vec<Option<i64>>,
    reasons: Vec<Option<&'static str>>,
    errors: Vec<Option<String>>,
    tracebacks: Vec<Option<String>>,
    losses: Vec<i32>,
    results: Vec<Option<String>>,
}

/// Jobs that go on, and the attempts that go into their history.
#[derive(Default)]
struct Others {
    jobs: Vec<i64>,
    statuses: Vec<&'static str>,
    scheduled: Vec<Option<i64>>,
    started: Vec<Option<i64>>,
    reasons: Vec<Option<&'static str>>,
    errors: Vec<Option<String>>,
    tracebacks: Vec<Option<String>>,
    losses: Vec<i32>,
    blocked: Vec<i16>,
    numbers: Vec<i32>,
    workers: Vec<Option<String>>,
    outcomes: Vec<&'static str>,
}

impl Ends {
    /// Applies a transition. An attempt that does not end its job goes into history; the last one is told by the job's row.
    pub(crate) fn add(
        &mut self,
        transaction: &mut Transaction<'_>,
        attempt: LeasedAttempt,
        next: Transition,
        ending: Ending,
    ) {
        let is_final = next.status.is_final();
        transaction.changed(attempt.job);
        let moments = (ending.started_at, transaction.now);
        transaction.tally.count(&attempt.function, attempt.job_type, next.status, moments, 1);
        if attempt.limited || attempt.gate.is_some() || attempt.shared || !is_final {
            transaction.work_available();
        }
        let losses = small(attempt.losses + u32::from(ending.lost));
        let started = ending.started_at.map(Timestamp::as_micros);
        let reason = next.failure_reason.map(FailureReason::as_str);
        if is_final {
            transaction.finished(attempt.id);
            if attempt.shared && next.status == JobStatus::Complete {
                self.shared.push(attempt.job);
            }
            let finals = &mut self.finals;
            finals.jobs.push(attempt.job);
            finals.statuses.push(next.status.as_str());
            finals.started.push(started);
            finals.reasons.push(reason);
            finals.errors.push(ending.error);
            finals.tracebacks.push(ending.traceback);
            finals.losses.push(losses);
            finals.results.push(ending.result);
        } else {
            let is_suspect = next.status == JobStatus::Queued && attempt.is_suspect();
            let others = &mut self.others;
            others.jobs.push(attempt.job);
            others.statuses.push(next.status.as_str());
            others.scheduled.push(next.scheduled_at.map(Timestamp::as_micros));
            others.started.push(started);
            others.reasons.push(reason);
            others.errors.push(ending.error);
            others.tracebacks.push(ending.traceback);
            others.losses.push(losses);
            others.blocked.push(if is_suspect { SUSPECT } else { FREE });
            others.numbers.push(small(attempt.attempts));
            others.workers.push(attempt.worker_id);
            others.outcomes.push(ending.outcome);
        }
        // A job that goes back to the queue at once keeps its place.
        if next.status != JobStatus::Queued {
            self.gates.extend(attempt.gate);
        }
    }

    pub(crate) async fn write(self, transaction: &mut Transaction<'_>) -> Result<()> {
        let now = transaction.now.as_micros();
        if !self.finals.jobs.is_empty() {
            let f = &self.finals;
            let finish = include_str!("../queries/finish.sql");
            let given = params![
                f.jobs,
                f.statuses,
                f.started,
                f.reasons,
                f.errors,
                f.tracebacks,
                f.losses,
                f.results,
                now
            ];
            transaction.all(finish, given).await?;
        }
        if !self.others.jobs.is_empty() {
            let o = &self.others;
            let end = include_str!("../queries/attempt_end.sql");
            let given = params![
                o.jobs,
                o.statuses,
                o.scheduled,
                o.started,
                o.reasons,
                o.errors,
                o.tracebacks,
                o.losses,
                o.blocked
            ];
            transaction.all(end, given).await?;
            let ended = vec![now; o.jobs.len()];
            let record = include_str!("../queries/attempt_record.sql");
            let given =
                params![o.jobs, o.numbers, o.workers, o.started, ended, o.outcomes, o.errors, o.tracebacks];
            transaction.all(record, given).await?;
        }
        if !self.shared.is_empty() {
            let share = include_str!("../queries/cache_result.sql");
            transaction.all(share, params![self.shared, now]).await?;
        }
        gate::places_given_up(transaction, self.gates).await
    }
}
