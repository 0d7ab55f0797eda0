//! Which status follows which: the job state machine as pure functions.
//!
//! ```text
//! pending ──> queued ──> active ──> complete
//!    │          │  ▲        ├─────> failed ──(by hand)──> queued
//!    │          │  │        ├─────> cancelled
//!    │          │  └────────┼─────> retrying ──> queued | failed | cancelled
//!    └──────────┴───────────────────────────────────────> cancelled
//! ```
//! Backends apply what these functions answer, under the lease; they hold no rules of their own, so that no two of
//! them can disagree.

use crate::clock::Timestamp;
use crate::function::RetryPolicy;
use crate::job::{FailureReason, JobStatus, Outcome};

/// Attempts of one job that may end with the worker disappearing. A job that takes down its worker each time (a poison
/// job) fails for good after this many, however many retries it has left. Losses do not use up retries, since most are
/// not the job's fault.
pub const MAX_LOSSES: u32 = 3;

/// A job with this many losses is run beside no other such job in the same worker: the one that kills its workers would
/// otherwise take innocent ones down with it until they fail, too.
pub const SUSPECT_LOSSES: u32 = MAX_LOSSES - 1;

/// True when the state diagram has an arrow from `from` to `to`.
///
/// ```
/// use upnext_core::{JobStatus::*, transition::may_follow};
/// assert!(may_follow(Active, Retrying));
/// assert!(!may_follow(Cancelled, Complete));
/// ```
#[must_use]
pub const fn may_follow(from: JobStatus, to: JobStatus) -> bool {
    use JobStatus::{Active, Cancelled, Complete, Failed, Pending, Queued, Retrying};
    matches!(
        (from, to),
        (Pending, Queued | Cancelled)
            | (Queued, Active | Cancelled)
            | (Active, Complete | Failed | Cancelled | Retrying | Queued)
            | (Retrying, Queued | Failed | Cancelled)
            | (Failed, Queued)
    )
}

/// What the rules need to know of a job whose attempt ended.
#[derive(Debug, Clone, Copy)]
pub struct AttemptFacts<'a> {
    /// Attempts begun, this one included.
    pub attempts: u32,
    /// How many of the earlier ones ended with the worker disappearing.
    pub losses: u32,
    /// What to do when an attempt fails.
    pub retry: &'a RetryPolicy,
    /// Somebody asked for the job's end while it was active.
    pub cancel_requested: bool,
}

impl AttemptFacts<'_> {
    /// Attempts that failed by themselves if the one at hand did, too.
    const fn failures(&self) -> u32 {
        self.attempts.saturating_sub(self.losses)
    }
}

/// Where a job goes next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Transition {
    /// Its new status.
    pub status: JobStatus,
    /// When it is due, if the new status waits for a moment.
    pub scheduled_at: Option<Timestamp>,
    /// Why it failed or was cancelled.
    pub failure_reason: Option<FailureReason>,
}

impl Transition {
    const fn to(status: JobStatus, failure_reason: Option<FailureReason>) -> Self {
        Self { status, scheduled_at: None, failure_reason }
    }
}

/// Where a job goes when its attempt ended with `outcome`. `random` (0 to 1) feeds the policy's jitter.
///
/// A job whose end was asked for never completes: its result came too late.
#[must_use]
pub fn after_outcome(facts: &AttemptFacts<'_>, outcome: &Outcome, now: Timestamp, random: f64) -> Transition {
    if facts.cancel_requested {
        return Transition::to(JobStatus::Cancelled, Some(FailureReason::Cancelled));
    }
    let (reason, retryable) = match outcome {
        Outcome::Complete { .. } => return Transition::to(JobStatus::Complete, None),
        Outcome::Cancelled => return Transition::to(JobStatus::Cancelled, Some(FailureReason::Cancelled)),
        Outcome::Failed { retryable, .. } => (FailureReason::Exception, *retryable),
        Outcome::TimedOut => (FailureReason::Timeout, true),
    };
    if !retryable || facts.failures() > facts.retry.max_retries {
        return Transition::to(JobStatus::Failed, Some(reason));
    }
    Transition {
        status: JobStatus::Retrying,
        scheduled_at: Some(now.after(facts.retry.wait_before(facts.failures(), random))),
        failure_reason: Some(reason),
    }
}

/// Where a job goes when its lease ran out: back to the queue at once, unless it has lost too many workers.
#[must_use]
pub const fn after_loss(facts: &AttemptFacts<'_>) -> Transition {
    if facts.cancel_requested {
        return Transition::to(JobStatus::Cancelled, Some(FailureReason::Cancelled));
    }
    if facts.losses + 1 >= MAX_LOSSES {
        return Transition::to(JobStatus::Failed, Some(FailureReason::Unknown));
    }
    Transition::to(JobStatus::Queued, None)
}

/// What a request to cancel does to a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancellation {
    /// It was waiting: it is cancelled at once.
    AtOnce,
    /// It is running: its worker is asked to stop it.
    Requested,
    /// It has ended: too late.
    TooLate,
}

/// What a request to cancel does to a job in this status.
#[must_use]
pub const fn on_cancel(status: JobStatus) -> Cancellation {
    match status {
        JobStatus::Pending | JobStatus::Queued | JobStatus::Retrying => Cancellation::AtOnce,
        JobStatus::Active => Cancellation::Requested,
        JobStatus::Complete | JobStatus::Failed | JobStatus::Cancelled => Cancellation::TooLate,
    }
}

/// True when a job in this status may be queued again by hand.
#[must_use]
pub const fn may_retry_by_hand(status: JobStatus) -> bool {
    matches!(status, JobStatus::Failed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::job::RawJson;
    use proptest::prelude::*;

    const NOW: Timestamp = Timestamp::from_micros(1_000_000);

    fn facts(attempts: u32, losses: u32, retry: &RetryPolicy) -> AttemptFacts<'_> {
        AttemptFacts { attempts, losses, retry, cancel_requested: false }
    }

    #[test]
    fn a_failed_attempt_retries_after_its_delay_until_none_is_left() {
        let retry = RetryPolicy { max_retries: 1, delay: 3.0, ..RetryPolicy::default() };
        let first = after_outcome(&facts(1, 0, &retry), &Outcome::failed("x"), NOW, 0.0);
        assert_eq!(first.status, JobStatus::Retrying);
        assert_eq!(first.scheduled_at, Some(Timestamp::from_micros(4_000_000)));
        let second = after_outcome(&facts(2, 0, &retry), &Outcome::failed("x"), NOW, 0.0);
        assert_eq!(second, Transition::to(JobStatus::Failed, Some(FailureReason::Exception)));
    }

    #[test]
    fn a_lost_worker_costs_no_retry() {
        let retry = RetryPolicy { max_retries: 1, ..RetryPolicy::default() };
        let after = after_outcome(&facts(2, 1, &retry), &Outcome::TimedOut, NOW, 0.0);
        assert_eq!(after.status, JobStatus::Retrying);
    }

    #[test]
    fn a_poison_job_fails_for_good() {
        let retry = RetryPolicy { max_retries: 100, ..RetryPolicy::default() };
        assert_eq!(after_loss(&facts(1, 0, &retry)).status, JobStatus::Queued);
        assert_eq!(after_loss(&facts(2, 1, &retry)).status, JobStatus::Queued);
        assert_eq!(
            after_loss(&facts(3, 2, &retry)),
            Transition::to(JobStatus::Failed, Some(FailureReason::Unknown))
        );
    }

    #[test]
    fn a_cancelled_job_never_turns_complete() {
        let retry = RetryPolicy::default();
        let facts = AttemptFacts { cancel_requested: true, ..facts(1, 0, &retry) };
        let outcome = Outcome::Complete { result: RawJson::null() };
        assert_eq!(after_outcome(&facts, &outcome, NOW, 0.0).status, JobStatus::Cancelled);
    }

    fn any_outcome() -> impl Strategy<Value = Outcome> {
        prop_oneof![
            Just(Outcome::Complete { result: RawJson::null() }),
            any::<bool>().prop_map(|retryable| Outcome::Failed {
                error: "x".into(),
                traceback: None,
                retryable
            }),
            Just(Outcome::TimedOut),
            Just(Outcome::Cancelled),
        ]
    }

    proptest! {
        #[test]
        fn every_answer_is_an_arrow_of_the_diagram(
            attempts in 1u32..20, losses in 0u32..20, max_retries in 0u32..20,
            cancel_requested: bool, outcome in any_outcome(), random in 0.0f64..1.0,
        ) {
            let retry = RetryPolicy { max_retries, ..RetryPolicy::default() };
            let facts = AttemptFacts { attempts, losses, retry: &retry, cancel_requested };
            for next in [after_outcome(&facts, &outcome, NOW, random), after_loss(&facts)] {
                prop_assert!(may_follow(JobStatus::Active, next.status));
                prop_assert_eq!(next.scheduled_at.is_some(), next.status == JobStatus::Retrying);
                prop_assert!(!(cancel_requested && next.status != JobStatus::Cancelled));
            }
        }
    }
}
