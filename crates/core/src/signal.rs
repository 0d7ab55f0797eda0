//! Wake-ups: how sleepers in this process learn that there may be something new, without polling.
//!
//! A signal is a hint, never the truth: whoever wakes asks the backend. Losing one costs time, not correctness, because
//! every sleeper also looks by itself from time to time.

use std::sync::Arc;
use std::time::{Duration, Instant};

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

/// Tells a storm of wake-ups, in which those who sleep had better rest between two looks, from the few around a single job, of
/// which each should be heard at once.
#[derive(Debug)]
pub struct Storm {
    /// As many within [`WINDOW`](Self::WINDOW) are one.
    limit: u32,
    began: Instant,
    /// Wake-ups in this window, and in the one before.
    now: u32,
    before: u32,
}

impl Storm {
    /// Over how long wake-ups are counted.
    pub const WINDOW: Duration = Duration::from_millis(10);

    /// So many wake-ups within [`WINDOW`](Self::WINDOW) are a storm.
    #[must_use]
    pub fn of(limit: u32) -> Self {
        Self { limit, began: Instant::now(), now: 0, before: 0 }
    }

    /// Counts these wake-ups. True in a storm.
    pub fn rages(&mut self, wake_ups: usize) -> bool {
        self.rages_at(wake_ups, Instant::now())
    }

    fn rages_at(&mut self, wake_ups: usize, at: Instant) -> bool {
        let age = at.saturating_duration_since(self.began);
        if age >= Self::WINDOW {
            self.before = if age < 2 * Self::WINDOW { self.now } else { 0 };
            (self.began, self.now) = (at, 0);
        }
        self.now = self.now.saturating_add(u32::try_from(wake_ups).unwrap_or(u32::MAX));
        self.now.max(self.before) >= self.limit
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_wake_ups_are_a_storm_until_there_are_few_again() {
        let start = Instant::now();
        let at = |ms: u64| start + Duration::from_millis(ms);
        let mut storm = Storm { limit: 10, began: start, now: 0, before: 0 };
        assert!((0..9).all(|ms| !storm.rages_at(1, at(ms))), "nine in nine milliseconds are none");
        assert!(storm.rages_at(1, at(9)), "the tenth makes one");
        assert!(storm.rages_at(1, at(11)), "which goes on into the next window");
        assert!(!storm.rages_at(1, at(22)), "and ends after one with few");
        assert!(storm.rages_at(12, at(23)), "many at once are one, too");
        assert!(!storm.rages_at(1, at(60)), "which nobody remembers after a pause");
    }
}
