//! How many jobs to claim ahead: as many as will be finished while a claim is under way, and no more.
//!
//! A worker with long jobs claims only for free slots, so that other workers get the rest. A worker whose jobs take
//! microseconds would starve between two claims without a small stock. Both follow from two measured figures.

use std::time::Duration;

use tokio::time::Instant;

/// Weight of the newest measurement.
const NEWEST: f64 = 0.3;

/// Running averages of how fast jobs end and how long a claim takes.
#[derive(Debug)]
pub(crate) struct Pace {
    ended_per_second: f64,
    claim_seconds: f64,
    ended: u32,
    since: Instant,
}

impl Pace {
    pub(crate) fn new(now: Instant) -> Self {
        Self { ended_per_second: 0.0, claim_seconds: 0.0, ended: 0, since: now }
    }

    /// Notes that an attempt ended.
    pub(crate) fn attempt_ended(&mut self) {
        self.ended = self.ended.saturating_add(1);
    }

    /// Notes how long a claim took, and takes stock of the attempts that ended since the one before.
    pub(crate) fn claim_took(&mut self, took: Duration, now: Instant) {
        let elapsed = now.duration_since(self.since).as_secs_f64();
        if elapsed > 0.0 {
            self.ended_per_second += NEWEST * (f64::from(self.ended) / elapsed - self.ended_per_second);
        }
        self.claim_seconds += NEWEST * (took.as_secs_f64() - self.claim_seconds);
        self.ended = 0;
        self.since = now;
    }

    /// Jobs to hold ready beyond the free slots: twice what ends during one claim, so that the next claim can be on its
    /// way while the stock lasts.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "floored, not negative and capped"
    )]
    pub(crate) fn stock(&self, most: usize) -> usize {
        ((self.ended_per_second * self.claim_seconds * 2.0).floor() as usize).min(most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(ended: u32, took: Duration, rounds: u32) -> Pace {
        let mut now = Instant::now();
        let mut pace = Pace::new(now);
        for _ in 0..rounds {
            now += Duration::from_secs(1);
            (0..ended).for_each(|_| pace.attempt_ended());
            pace.claim_took(took, now);
        }
        pace
    }

    #[tokio::test]
    async fn long_jobs_are_never_claimed_ahead() {
        assert_eq!(after(2, Duration::from_millis(5), 20).stock(256), 0);
    }

    #[tokio::test]
    async fn short_jobs_are_claimed_ahead_as_far_as_a_claim_lasts() {
        let stock = after(10_000, Duration::from_millis(3), 20).stock(256);
        assert!((55..=60).contains(&stock), "{stock}");
        assert_eq!(after(1_000_000, Duration::from_millis(3), 20).stock(256), 256);
    }
}
