//! What must be true of one job, kept beside a backend by the random walks and compared with what the backend says.

use upnext_core::backend::Cancelled;
use upnext_core::transition::{self, AttemptFacts, Cancellation, Transition};
use upnext_core::{ClaimedJob, Job, JobStatus, NewJob, Timestamp};

use crate::factories::claimed_at;

/// What the model knows of one job.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) new: NewJob,
    pub(crate) status: JobStatus,
    pub(crate) due: Timestamp,
    pub(crate) attempts: u32,
    pub(crate) losses: u32,
    /// Attempts and losses when the job was last queued by hand: what came before counts no more.
    forgiven: (u32, u32),
    pub(crate) cancel_requested: bool,
    pub(crate) lease: Option<ClaimedJob>,
    /// Names of the artifacts that were recorded for it.
    pub(crate) artifacts: Vec<String>,
}

impl Known {
    /// A job that was accepted at `now`.
    pub(crate) fn accepted(new: NewJob, now: Timestamp) -> Self {
        let due = new.scheduled_at.unwrap_or(now);
        let status = if due > now { JobStatus::Pending } else { JobStatus::Queued };
        Self {
            new,
            status,
            due,
            attempts: 0,
            losses: 0,
            forgiven: (0, 0),
            cancel_requested: false,
            lease: None,
            artifacts: Vec::new(),
        }
    }

    /// What the rules in core need to know of its attempt.
    pub(crate) fn facts(&self) -> AttemptFacts<'_> {
        AttemptFacts {
            attempts: self.attempts - self.forgiven.0,
            losses: self.losses - self.forgiven.1,
            retry: &self.new.retry,
            cancel_requested: self.cancel_requested,
        }
    }

    /// Its attempt ended.
    pub(crate) fn apply(&mut self, transition: &Transition) {
        self.status = transition.status;
        self.due = transition.scheduled_at.unwrap_or(self.due);
        self.lease = None;
    }

    /// Gives up the lease if it ran out before `now`.
    pub(crate) fn expire(&mut self, now: Timestamp) -> Option<ClaimedJob> {
        let lease = self.lease.take_if(|lease| lease.lease_expires_at < now)?;
        let wanted = transition::after_loss(&self.facts());
        self.apply(&wanted);
        self.losses += 1;
        Some(lease)
    }

    /// Somebody asks for its end; answers what the backend should answer.
    pub(crate) fn cancel(&mut self) -> Cancelled {
        match transition::on_cancel(self.status) {
            Cancellation::AtOnce => {
                self.status = JobStatus::Cancelled;
                Cancelled::AtOnce
            }
            Cancellation::Requested => {
                self.cancel_requested = true;
                Cancelled::Requested
            }
            Cancellation::TooLate => Cancelled::TooLate(self.status),
        }
    }

    /// It is queued again by hand.
    pub(crate) fn retry(&mut self) {
        self.status = JobStatus::Queued;
        self.forgiven = (self.attempts, self.losses);
    }

    /// True when a claim at `now` may give it.
    pub(crate) fn waits_at(&self, now: Timestamp) -> bool {
        match self.status {
            JobStatus::Queued => true,
            JobStatus::Pending | JobStatus::Retrying => self.due <= now,
            _ => false,
        }
    }

    /// True when it and `other` may not both be unfinished.
    pub(crate) fn holds_key_of(&self, other: &NewJob) -> bool {
        other.idempotency_key.is_some()
            && self.new.idempotency_key == other.idempotency_key
            && self.new.function == other.function
            && !self.status.is_final()
    }

    /// Panics unless the backend says of the job what the model knows. `latest` is the latest moment that there was: the
    /// clock may have been set back since.
    pub(crate) fn compare(&mut self, job: &Job, now: Timestamp, latest: Timestamp, seed: u64) {
        if job.status == JobStatus::Queued && self.waits_at(now) {
            // Whether a job that is due is moved into the queue at once or by the next claim is the backend's choice.
            let arrow = self.status == job.status || transition::may_follow(self.status, job.status);
            assert!(arrow, "a job went from {} to {}, seed {seed}", self.status, job.status);
            // So is the due time of a job that came back; order is judged by what the backend says it is.
            self.due = job.scheduled_at;
            self.status = JobStatus::Queued;
        }
        assert_eq!(job.status, self.status, "wrong status of {self:?}, seed {seed}");
        assert_eq!(job.attempts, self.attempts, "wrong number of attempts, seed {seed}");
        // Whether forgiven losses are still shown has a case of its own.
        let shown = [self.losses, self.losses - self.forgiven.1];
        assert!(shown.contains(&job.losses), "wrong number of losses, seed {seed}: {job:?}");
        let ended = job.completed_at.is_some();
        assert_eq!(
            ended,
            job.status.is_final(),
            "completed_at does not go with the status, seed {seed}: {job:?}"
        );
        if matches!(job.status, JobStatus::Pending | JobStatus::Retrying) {
            assert_eq!(job.scheduled_at, self.due, "a waiting job is due at another time, seed {seed}");
        }
        if let Some(lease) = &self.lease {
            let requested = job.cancel_requested;
            assert_eq!(requested, self.cancel_requested, "cancel_requested is wrong, seed {seed}: {job:?}");
            assert!(claimed_at(lease) <= latest, "a lease begins in the future, seed {seed}");
        }
    }
}
