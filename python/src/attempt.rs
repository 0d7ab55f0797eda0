//! One attempt as Python holds it: what to run, the way to say how it went, and what the context offers.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU8, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use pyo3::prelude::*;
use tokio::runtime::Handle;
use upnext_artifacts::ArtifactError;
use upnext_backends::Deployment;
use upnext_core::backend::{LogEntry, ReportEntry};
use upnext_core::job::Parent;
use upnext_core::{ArtifactId, ClaimedJob, Clock, JobId, Outcome, RawJson, SystemClock, Timestamp};
use upnext_engine::{Assignment, AttemptKey, Reporter, StopReason};

use crate::child::Description;
use crate::client::Connection;
use crate::reports::{End, Lane, Progress};
use crate::runtime;

/// What the attempts of one worker share.
pub(crate) struct Workplace {
    pub(crate) deployment: Deployment,
    pub(crate) lane: Lane,
    pub(crate) runtime: Handle,
}

/// A running attempt.
#[pyclass(frozen, module = "upnext._bridge")]
pub(crate) struct Attempt {
    pub(crate) job: ClaimedJob,
    pub(crate) workplace: Arc<Workplace>,
    key: AttemptKey,
    /// None in a child process, whose parent reports.
    reporter: Option<Reporter>,
    /// Microseconds since 1970; 0 until the code began.
    started_at: AtomicI64,
    /// 0, or 1 and the place of the reason in [`REASONS`].
    stop: AtomicU8,
    ended: AtomicBool,
    /// True once anything went through the lane.
    spoke: AtomicBool,
    progress: OnceLock<Arc<Progress>>,
    /// Seconds that the task gives its artifacts.
    artifact_ttl: Option<f64>,
    /// The artifacts of which it is known that this job read them.
    read: Arc<Mutex<HashSet<ArtifactId>>>,
}

/// That a job reads an artifact, to be written down once.
#[derive(Clone)]
pub(crate) struct ReadNote {
    artifact: ArtifactId,
    reader: JobId,
    written: Arc<Mutex<HashSet<ArtifactId>>>,
}

impl ReadNote {
    pub(crate) async fn write(&self, deployment: &Deployment) -> Result<(), ArtifactError> {
        let written = || self.written.lock().unwrap_or_else(PoisonError::into_inner);
        if !written().contains(&self.artifact) {
            deployment.artifacts.note_read(self.artifact, self.reader).await?;
            written().insert(self.artifact);
        }
        Ok(())
    }
}

const REASONS: [(StopReason, &str); 4] = [
    (StopReason::Cancelled, "cancelled"),
    (StopReason::Timeout, "timeout"),
    (StopReason::LeaseLost, "lease_lost"),
    (StopReason::Shutdown, "shutdown"),
];

impl Attempt {
    pub(crate) fn new(assignment: Assignment, workplace: Arc<Workplace>, artifact_ttl: Option<f64>) -> Self {
        let Assignment { key, job, reporter } = assignment;
        Self::of(key, job, Some(reporter), workplace, artifact_ttl)
    }

    /// An attempt that a worker's child process runs for it: everything but its end is said from here.
    pub(crate) fn adopted(job: ClaimedJob, workplace: Arc<Workplace>, artifact_ttl: Option<f64>) -> Self {
        Self::of(AttemptKey(0), job, None, workplace, artifact_ttl)
    }

    fn of(
        key: AttemptKey,
        job: ClaimedJob,
        reporter: Option<Reporter>,
        workplace: Arc<Workplace>,
        artifact_ttl: Option<f64>,
    ) -> Self {
        Self {
            job,
            workplace,
            key,
            reporter,
            started_at: AtomicI64::new(0),
            stop: AtomicU8::new(0),
            ended: AtomicBool::new(false),
            spoke: AtomicBool::new(false),
            progress: OnceLock::new(),
            artifact_ttl,
            read: Arc::default(),
        }
    }

    pub(crate) fn as_parent(&self) -> Parent {
        Parent { parent_id: self.job.lease.job_id, root_id: self.job.root_id }
    }

    /// What is to be noted when this attempt reads an artifact.
    pub(crate) fn note_of(&self, artifact: ArtifactId) -> ReadNote {
        ReadNote { artifact, reader: self.job.lease.job_id, written: Arc::clone(&self.read) }
    }

    fn finish(&self, outcome: Outcome) {
        let Some(reporter) = self.reporter.clone() else { return };
        if self.ended.swap(true, Ordering::AcqRel) {
            return;
        }
        let started_at = match self.started_at.load(Ordering::Acquire) {
            0 => SystemClock.now(),
            micros => Timestamp::from_micros(micros),
        };
        let end = End { reporter, key: self.key, started_at, outcome };
        if self.spoke.load(Ordering::Acquire) {
            if let Some(progress) = self.progress.get() {
                progress.flush();
            }
            self.workplace.lane.end(end);
        } else {
            end.tell();
        }
    }

    fn say(&self, entry: ReportEntry) {
        self.spoke.store(true, Ordering::Release);
        self.workplace.lane.report(self.job.lease, entry);
    }
}

#[pymethods]
impl Attempt {
    #[getter]
    fn key(&self) -> u64 {
        self.key.0
    }

    #[getter]
    fn job_id(&self) -> String {
        self.job.lease.job_id.to_string()
    }

    #[getter]
    fn job_key(&self) -> Option<&str> {
        self.job.idempotency_key.as_deref()
    }

    #[getter]
    fn parent_id(&self) -> Option<String> {
        self.job.parent_id.map(|id| id.to_string())
    }

    #[getter]
    fn root_id(&self) -> String {
        self.job.root_id.to_string()
    }

    #[getter]
    fn number(&self) -> u32 {
        self.job.attempt
    }

    #[getter]
    fn max_attempts(&self) -> u32 {
        self.job.max_attempts
    }

    #[getter]
    fn function(&self) -> &str {
        &self.job.function
    }

    #[getter]
    fn function_name(&self) -> &str {
        &self.job.function_name
    }

    /// Seconds after which artifacts of this task expire, if it says so.
    #[getter]
    fn artifact_ttl(&self) -> Option<f64> {
        self.artifact_ttl
    }

    /// The connection to where this job is kept.
    #[getter]
    fn connection(&self) -> Connection {
        Connection { deployment: self.workplace.deployment.clone() }
    }

    /// The saved state of an earlier attempt, as JSON.
    #[getter]
    fn checkpoint_state(&self) -> Option<&str> {
        self.job.checkpoint.as_ref().map(RawJson::as_str)
    }

    /// True once the code began.
    #[getter]
    fn begun(&self) -> bool {
        self.started_at.load(Ordering::Acquire) != 0
    }

    /// What a child process needs to run this attempt; `adopt_attempt` makes an attempt of it there.
    fn description(&self) -> Description {
        let job = &self.job;
        (
            job.lease.job_id.to_string(),
            job.lease.token.get(),
            job.lease_expires_at.as_micros(),
            job.attempt,
            job.max_attempts,
            job.timeout.as_secs_f64(),
            job.function.clone(),
            job.function_name.clone(),
            job.idempotency_key.clone(),
            job.parent_id.map(|id| id.to_string()),
            job.root_id.to_string(),
            job.checkpoint.as_ref().map(|state| state.as_str().to_owned()),
        )
    }

    /// Returns when all that it said so far is recorded. Blocks.
    fn flush(&self, py: Python<'_>) -> PyResult<()> {
        if !self.spoke.load(Ordering::Acquire) {
            return Ok(());
        }
        if let Some(progress) = self.progress.get() {
            progress.flush();
        }
        let recorded = self.workplace.lane.recorded();
        runtime::wait(py, async move {
            recorded.await;
            Ok(())
        })
    }

    /// Why it was asked to stop: `cancelled`, `timeout`, `lease_lost` or `shutdown`.
    #[getter]
    fn stop_reason(&self) -> Option<&'static str> {
        let place = usize::from(self.stop.load(Ordering::Acquire)).checked_sub(1)?;
        REASONS.get(place).map(|(_, word)| *word)
    }

    /// Notes that, and why, it is asked to stop.
    fn ask_to_stop(&self, reason: &str) {
        let place = REASONS.iter().position(|(_, word)| *word == reason).unwrap_or_default();
        self.stop.store(u8::try_from(place + 1).unwrap_or(1), Ordering::Release);
    }

    /// Notes that the code begins now.
    fn begin(&self) {
        self.started_at.store(SystemClock.now().as_micros(), Ordering::Release);
    }

    /// Ends with this result, which is JSON.
    fn complete(&self, result: &str) {
        self.finish(Outcome::Complete { result: RawJson::trusted(result) });
    }

    fn fail(&self, error: String, traceback: Option<String>, retryable: bool) {
        self.finish(Outcome::Failed { error, traceback, retryable });
    }

    /// Ends as it was asked to.
    fn stopped(&self) {
        self.finish(match self.stop_reason() {
            Some("timeout") => Outcome::TimedOut,
            _ => Outcome::Cancelled,
        });
    }

    fn set_progress(&self, fraction: f64, message: Option<String>) {
        self.spoke.store(true, Ordering::Release);
        let progress = self.progress.get_or_init(|| {
            let Workplace { deployment, lane, .. } = &*self.workplace;
            Arc::new(Progress::new(self.job.lease, lane.clone(), &deployment.settings))
        });
        progress.set(&self.workplace.runtime, fraction, message);
    }

    fn checkpoint(&self, state: &str) {
        self.say(ReportEntry::Checkpoint(RawJson::trusted(state)));
    }

    /// Adds a line to the job's log; `at`, in microseconds since 1970, is for a line that was held back.
    #[pyo3(signature = (level, message, extra, at=None))]
    fn log(&self, level: String, message: String, extra: Option<&str>, at: Option<i64>) {
        let extra = extra.map(RawJson::trusted);
        let at = at.map_or_else(|| SystemClock.now(), Timestamp::from_micros);
        self.say(ReportEntry::Log(LogEntry { at, level, message, extra }));
    }
}

/// The word that Python knows a reason by.
pub(crate) fn word(reason: StopReason) -> &'static str {
    REASONS.iter().find(|(known, _)| *known == reason).map_or("cancelled", |(_, word)| word)
}
