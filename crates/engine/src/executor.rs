//! The seam between the engine, which decides when an attempt runs, and what runs it (a Rust function, a Python
//! coroutine, a thread, a process).

use std::fmt;

use tokio::sync::mpsc;
use upnext_core::{ClaimedJob, Outcome, Timestamp};

/// Names one attempt within one worker. Never used twice by the same worker.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct AttemptKey(pub u64);

/// Why an attempt is asked to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopReason {
    /// Somebody cancelled the job.
    Cancelled,
    /// It ran longer than its timeout.
    Timeout,
    /// Its lease is gone; whatever it does now will be refused.
    LeaseLost,
    /// The worker stops and its patience is over; the job will be queued again.
    Shutdown,
}

/// One attempt to run, handed to an executor.
#[derive(Debug)]
pub struct Assignment {
    /// Its name in this worker.
    pub key: AttemptKey,
    /// What to run.
    pub job: ClaimedJob,
    /// Where its end is reported, exactly once.
    pub reporter: Reporter,
}

/// The end of one attempt, on its way to the engine.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) key: AttemptKey,
    pub(crate) started_at: Timestamp,
    pub(crate) outcome: Outcome,
}

/// Where executors report. Cheap to clone; never blocks.
#[derive(Clone)]
pub struct Reporter {
    pub(crate) ended: mpsc::UnboundedSender<Ended>,
}

impl Reporter {
    /// Reports the end of an attempt. `started_at` is when its code really began. A second report for the same attempt,
    /// or one that comes after the engine gave the attempt up, is ignored.
    pub fn finish(&self, key: AttemptKey, started_at: Timestamp, outcome: Outcome) {
        // A closed channel means the worker has stopped: the lease will run out and the job run elsewhere.
        let _ = self.ended.send(Ended { key, started_at, outcome });
    }
}

impl fmt::Debug for Reporter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Reporter")
    }
}

/// What runs attempts.
pub trait Executor: Send + Sync + 'static {
    /// Takes over these attempts. Must not block: it is called from the engine's own task.
    fn start(&self, assignments: Vec<Assignment>);

    /// Asks a running attempt to stop. Best effort: the engine does not wait for ever, and the attempt's own report, if
    /// one comes in time, still decides nothing but how fast its slot is free. Must not block.
    fn stop(&self, key: AttemptKey, reason: StopReason);
}
