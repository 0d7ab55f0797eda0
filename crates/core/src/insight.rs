//! Figures about jobs: how many ended and how, hour by hour; what waits; which jobs deserve a look.
//!
//! Ended jobs are counted as they end, so that no question here grows with how many there are.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::job::{JobStatus, JobType};

/// Microseconds in one hour.
const HOUR_MICROS: i64 = 3_600_000_000;

/// One hour of UTC, counted from 1970.
///
/// ```
/// use upnext_core::{Timestamp, insight::Hour};
/// let hour = Hour::of("2026-01-31T09:59:59Z".parse::<Timestamp>().unwrap());
/// assert_eq!(hour.begins().to_string(), "2026-01-31T09:00:00.000000Z");
/// assert_eq!(hour.back(10).begins().to_string(), "2026-01-30T23:00:00.000000Z");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Hour(i64);

impl Hour {
    /// The hour with this moment in it.
    #[must_use]
    pub const fn of(moment: Timestamp) -> Self {
        Self(moment.as_micros().div_euclid(HOUR_MICROS))
    }

    /// The hour with this number.
    #[must_use]
    pub const fn from_number(number: i64) -> Self {
        Self(number)
    }

    /// Its number.
    #[must_use]
    pub const fn number(self) -> i64 {
        self.0
    }

    /// Its first moment.
    #[must_use]
    pub const fn begins(self) -> Timestamp {
        Timestamp::from_micros(self.0.saturating_mul(HOUR_MICROS))
    }

    /// The hour this many hours before.
    #[must_use]
    pub const fn back(self, hours: u32) -> Self {
        Self(self.0.saturating_sub(hours as i64))
    }

    /// The hour after it.
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// How many jobs ended, and how.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ended {
    /// They returned.
    pub complete: u64,
    /// They failed for good.
    pub failed: u64,
    /// Somebody ended them.
    pub cancelled: u64,
    /// Those that are complete or failed and of which it is known when their last attempt began.
    pub timed: u64,
    /// How long these last attempts took together, in microseconds.
    pub duration_micros: u64,
}

impl Ended {
    /// All of them.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.complete + self.failed + self.cancelled
    }

    /// Percentage, 0 to 100, of the complete among those that are complete or failed; `None` while there is neither.
    #[must_use]
    pub fn success_rate(&self) -> Option<f64> {
        let tried = self.complete + self.failed;
        (tried > 0).then(|| 100.0 * self.complete as f64 / tried as f64)
    }

    /// Mean run time in milliseconds; `None` when it is known of none.
    #[must_use]
    pub fn mean_duration_ms(&self) -> Option<f64> {
        (self.timed > 0).then(|| self.duration_micros as f64 / self.timed as f64 / 1000.0)
    }

    /// Adds others.
    pub const fn add(&mut self, other: &Self) {
        self.complete += other.complete;
        self.failed += other.failed;
        self.cancelled += other.cancelled;
        self.timed += other.timed;
        self.duration_micros += other.duration_micros;
    }
}

/// Which jobs to count.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct StatsQuery {
    /// Only this function (its key).
    pub function: Option<String>,
    /// Only jobs that ended, or else were made, at or after this moment.
    pub after: Option<Timestamp>,
    /// Only jobs that ended, or else were made, before this moment.
    pub before: Option<Timestamp>,
}

/// How many jobs there are, and how they ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobStats {
    /// Those that ended.
    pub ended: Ended,
    /// Those that did not.
    pub unfinished: u64,
}

/// What to show hour by hour.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct TrendsQuery {
    /// This many hours, the present one being the last.
    pub hours: u32,
    /// Only this function (its key).
    pub function: Option<String>,
    /// Only jobs of this type.
    pub job_type: Option<JobType>,
}

/// What happened in one hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TrendHour {
    /// The hour.
    pub hour: Hour,
    /// Jobs that completed in it.
    pub complete: u64,
    /// Jobs that failed for good in it.
    pub failed: u64,
    /// Attempts that failed in it and are tried again.
    pub retrying: u64,
    /// Jobs that run now and whose attempt began in it.
    pub active: u64,
}

/// How the jobs of one function ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FunctionEnded {
    /// Key of the function.
    pub function: String,
    /// How its jobs ended.
    pub ended: Ended,
}

/// What waits and what runs at this moment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Depth {
    /// Due, and waiting for a worker.
    pub queued: u64,
    /// Not yet due.
    pub pending: u64,
    /// Waiting for another attempt.
    pub retrying: u64,
    /// Running.
    pub active: u64,
    /// When the queued job became due that has waited longest.
    pub oldest_queued: Option<Timestamp>,
}

impl Depth {
    /// Adds what waits and runs elsewhere.
    pub fn add(&mut self, other: &Self) {
        self.queued += other.queued;
        self.pending += other.pending;
        self.retrying += other.retrying;
        self.active += other.active;
        self.oldest_queued = [self.oldest_queued, other.oldest_queued].into_iter().flatten().min();
    }

    /// All of it.
    #[must_use]
    pub const fn total(&self) -> u64 {
        self.queued + self.pending + self.retrying + self.active
    }
}

/// The depth of every queue that is not empty.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueDepth {
    /// Of each function with unfinished jobs, in the order of the keys.
    pub functions: Vec<(String, Depth)>,
    /// The moment of the answer, by the backend's clock.
    pub now: Timestamp,
}

impl QueueDepth {
    /// All queues together.
    #[must_use]
    pub fn whole(&self) -> Depth {
        let mut whole = Depth::default();
        for (_, depth) in &self.functions {
            whole.add(depth);
        }
        whole
    }
}

/// Jobs that deserve a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Notable {
    /// The newest, newest first.
    Newest,
    /// The newest that failed, newest first.
    NewestFailed,
    /// Those that can run and have waited longest for a worker, the oldest first.
    LongestQueued,
    /// Those that run although their timeout is over or their lease ran out, the oldest first.
    Stuck,
}

/// What is to be added to the figures of one function and type in one hour; less than nothing when ends are taken back.
#[derive(Debug, Clone)]
pub struct EndCounts {
    /// The key of the function.
    pub function: String,
    /// The type of its jobs.
    pub job_type: JobType,
    /// When they ended.
    pub hour: Hour,
    /// Jobs that completed.
    pub complete: i64,
    /// Jobs that failed.
    pub failed: i64,
    /// Jobs that were cancelled.
    pub cancelled: i64,
    /// Attempts that will be tried again.
    pub retrying: i64,
    /// Those of the complete and failed ones that ran.
    pub timed: i64,
    /// How long these ran together, in microseconds.
    pub duration_us: i64,
}

/// The ends that one transaction of a backend has seen, by function, type and hour. Few at once, so they are looked through.
#[derive(Debug, Default)]
pub struct EndTally(Vec<EndCounts>);

impl EndTally {
    /// Counts a job that reached this status, or takes it back (`times` is -1). `started_at` is that of its last attempt.
    pub fn count(
        &mut self,
        function: &str,
        job_type: JobType,
        status: JobStatus,
        (started_at, ended_at): (Option<Timestamp>, Timestamp),
        times: i64,
    ) {
        let counts = self.of(function, job_type, Hour::of(ended_at));
        match status {
            JobStatus::Complete => counts.complete += times,
            JobStatus::Failed => counts.failed += times,
            JobStatus::Cancelled => counts.cancelled += times,
            JobStatus::Retrying => counts.retrying += times,
            JobStatus::Pending | JobStatus::Queued | JobStatus::Active => {}
        }
        if let (JobStatus::Complete | JobStatus::Failed, Some(started_at)) = (status, started_at) {
            let micros = i64::try_from(ended_at.since(started_at).as_micros()).unwrap_or(i64::MAX);
            counts.timed += times;
            // Far from the end of what a number holds, so that sums stay in it.
            counts.duration_us += times * micros.min(i64::MAX / 4);
        }
    }

    fn of(&mut self, function: &str, job_type: JobType, hour: Hour) -> &mut EndCounts {
        let found = self
            .0
            .iter()
            .position(|one| one.hour == hour && one.job_type == job_type && one.function == function);
        let place = found.unwrap_or_else(|| {
            self.0.push(EndCounts {
                function: function.to_owned(),
                job_type,
                hour,
                complete: 0,
                failed: 0,
                cancelled: 0,
                retrying: 0,
                timed: 0,
                duration_us: 0,
            });
            self.0.len() - 1
        });
        &mut self.0[place]
    }

    /// All that was counted, each function, type and hour once.
    #[must_use]
    pub fn counts(&self) -> &[EndCounts] {
        &self.0
    }
}
