//! Wake-ups: how sleepers in this process learn that there may be something new, without polling.
//!
//! A signal is a hint, never the truth: whoever wakes asks the backend. Losing one costs time, not correctness, because
//! every sleeper also looks by itself from time to time.

use std::sync::Arc;

use tokio::sync::{broadcast, watch};

use crate::id::JobId;

/// Ids of jobs that reached a final status in one commit of this process.
pub type FinishedJobs = Arc<[JobId]>;

/// The wake-ups of one backend in one process.
#[derive(Debug)]
pub struct Signals {
    work: watch::Sender<u64>,
    elsewhere: watch::Sender<u64>,
    clock: watch::Sender<u64>,
    finished: broadcast::Sender<FinishedJobs>,
}

impl Default for Signals {
    fn default() -> Self {
        Self {
            work: watch::Sender::new(0),
            elsewhere: watch::Sender::new(0),
            clock: watch::Sender::new(0),
            finished: broadcast::Sender::new(1024),
        }
    }
}

impl Signals {
    /// Says that jobs may have become claimable.
    pub fn work_available(&self) {
        self.work.send_modify(|count| *count = count.wrapping_add(1));
    }

    /// Says that this process finished these jobs.
    pub fn jobs_finished(&self, jobs: FinishedJobs) {
        if !jobs.is_empty() {
            // No receiver is fine: nobody waits.
            let _ = self.finished.send(jobs);
        }
    }

    /// Says that another process changed something.
    pub fn changed_elsewhere(&self) {
        self.elsewhere.send_modify(|count| *count = count.wrapping_add(1));
        self.work_available();
    }

    /// Says that the backend's clock was moved by hand: what sleeps until a moment has to look again.
    pub fn clock_moved(&self) {
        self.clock.send_modify(|count| *count = count.wrapping_add(1));
        self.work_available();
    }

    /// Wakes when the backend's clock was moved by hand.
    #[must_use]
    pub fn subscribe_clock(&self) -> watch::Receiver<u64> {
        self.clock.subscribe()
    }

    /// Wakes when jobs may have become claimable.
    #[must_use]
    pub fn subscribe_work(&self) -> watch::Receiver<u64> {
        self.work.subscribe()
    }

    /// Wakes when another process changed something.
    #[must_use]
    pub fn subscribe_elsewhere(&self) -> watch::Receiver<u64> {
        self.elsewhere.subscribe()
    }

    /// Receives the jobs that this process finishes. A receiver that lags must look for itself.
    #[must_use]
    pub fn subscribe_finished(&self) -> broadcast::Receiver<FinishedJobs> {
        self.finished.subscribe()
    }
}
