//! Following the log of a job until the job ends, for whoever prints or streams it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{broadcast, watch};

use crate::backend::{Backend, LogLine, LogQuery, Result};
use crate::id::JobId;
use crate::job::JobStatus;
use crate::signal::FinishedJobs;

/// How often new lines are looked for: lines alone give no signal.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// After so many looks the job is looked at too, although nothing said that it ended.
const LOOKS_PER_CHECK: u32 = 5;

/// How many lines are read at once.
const PAGE: usize = 500;

/// One reader of one job's log, who is given every wanted line once, as they come.
#[derive(Debug)]
pub struct LogFollower {
    backend: Arc<dyn Backend>,
    job: JobId,
    wanted: LogQuery,
    /// The job as it was last seen; `None` when there is none.
    status: Option<JobStatus>,
    check: bool,
    over: bool,
    looks: u32,
    elsewhere: watch::Receiver<u64>,
    finished: broadcast::Receiver<FinishedJobs>,
}

impl LogFollower {
    /// Follows the lines that `wanted` admits, those after `wanted.after`.
    #[must_use]
    pub fn new(backend: Arc<dyn Backend>, job: JobId, wanted: LogQuery) -> Self {
        let elsewhere = backend.signals().subscribe_elsewhere();
        let finished = backend.signals().subscribe_finished();
        let (status, check, over, looks) = (None, true, false, 0);
        Self { backend, job, wanted, status, check, over, looks, elsewhere, finished }
    }

    /// The next lines, at least one. `None` once the job has ended (or is gone) and all of its lines were given. Nothing
    /// is lost when the returned future is dropped, or after an error.
    ///
    /// # Errors
    /// When the backend fails. It may be asked again.
    pub async fn next(&mut self) -> Result<Option<Vec<LogLine>>> {
        while !self.over {
            // The job first: a job that has ended writes no more, so the lines read after that are all there are.
            if self.check {
                self.status = self.backend.find_jobs(vec![self.job]).await?.pop().map(|job| job.status);
                self.check = false;
            }
            let ended = self.has_ended();
            // Lines are chosen here, so that those which are not wanted are read but once.
            let mut lines =
                self.backend.list_logs(self.job, LogQuery::after(self.wanted.after, PAGE)).await?;
            let is_last = lines.len() < PAGE;
            self.wanted.after = lines.last().map_or(self.wanted.after, |line| line.sequence);
            self.over = ended && is_last;
            lines.retain(|line| self.wanted.admits(line));
            if !lines.is_empty() {
                return Ok(Some(lines));
            }
            if is_last && !ended {
                self.pause().await;
            }
        }
        Ok(None)
    }

    /// How the job stood when it was last looked at; `None` when there is none any more.
    #[must_use]
    pub const fn status(&self) -> Option<JobStatus> {
        self.status
    }

    fn has_ended(&self) -> bool {
        self.status.is_none_or(JobStatus::is_final)
    }

    async fn pause(&mut self) {
        let woken = tokio::select! {
            _ = self.elsewhere.changed() => true,
            _ = self.finished.recv() => true,
            () = tokio::time::sleep(LOOK_EVERY) => false,
        };
        self.looks = if woken { 0 } else { self.looks + 1 };
        if woken || self.looks >= LOOKS_PER_CHECK {
            self.looks = 0;
            self.check = true;
        }
    }
}
