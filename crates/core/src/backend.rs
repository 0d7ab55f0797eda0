//! The seam behind which all truth about jobs and artifact records is kept.
//!
//! This is an internal seam between the crates of this workspace, free to change with them. Each verb is one atomic
//! domain step over a batch: either all of it is durable when the call returns, or none of it. Answers come in the
//! order of the request. A backend holds no policy: which status follows which is asked of [`transition`].
//!
//! [`transition`]: crate::transition

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;

use crate::artifact::{Artifact, ArtifactType, Digest, NewArtifact, RecordRefusal};
use crate::clock::Timestamp;
use crate::error::BackendError;
use crate::function::Function;
use crate::id::{ArtifactId, JobId, WorkerId};
use crate::job::{Attempt, ClaimedJob, Enqueued, Job, JobStatus, Lease, NewJob, Outcome, RawJson};
use crate::signal::Signals;
use crate::worker::{Worker, WorkerRegistration};

/// What every verb answers.
pub type Result<T> = std::result::Result<T, BackendError>;

/// A claim for work.
#[derive(Debug, Clone)]
pub struct ClaimRequest {
    /// Who will run the jobs.
    pub worker: WorkerId,
    /// Keys of the functions it offers.
    pub functions: Arc<[String]>,
    /// At most this many jobs.
    pub limit: usize,
    /// How long the leases last.
    pub lease: Duration,
}

/// The answer to a claim.
#[derive(Debug, Clone, Default)]
pub struct Claim {
    /// The jobs, most urgent first.
    pub jobs: Vec<ClaimedJob>,
    /// When the next delayed or retrying job is due, if there is one: the claimer need not look before, unless woken.
    pub next_due: Option<Timestamp>,
}

/// The worker's sign of life, with the leases it wants to keep.
#[derive(Debug, Clone)]
pub struct RenewRequest {
    /// Who.
    pub worker: WorkerId,
    /// Leases to prolong; may be empty.
    pub leases: Vec<Lease>,
    /// How long from now.
    pub lease: Duration,
}

/// What became of one lease when it was renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Renewal {
    /// It holds until this moment.
    Held(Timestamp),
    /// It holds, but somebody asked for the job's end: stop the attempt.
    CancelRequested,
    /// It is gone; the attempt must stop, its outcome will be refused.
    Lost,
}

/// The end of one attempt.
#[derive(Debug, Clone)]
pub struct Finish {
    /// The right to say so.
    pub lease: Lease,
    /// When the attempt really began (a claimed job may wait in the worker for a moment).
    pub started_at: Timestamp,
    /// How it ended.
    pub outcome: Outcome,
}

/// What a backend did with a [`Finish`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finished {
    /// The job now has this status.
    Applied(JobStatus),
    /// The lease was stale: nothing changed.
    Stale,
}

/// What a request to cancel did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cancelled {
    /// The job is cancelled.
    AtOnce,
    /// It is running; its worker will be told.
    Requested,
    /// It had ended with this status.
    TooLate(JobStatus),
    /// There is no such job.
    UnknownJob,
}

/// What a request to retry by hand did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retried {
    /// It is queued again.
    Queued,
    /// Only failed jobs can be retried; this one has this status.
    NotFailed(JobStatus),
    /// There is no such job.
    UnknownJob,
}

/// Something a running attempt wants to be known.
#[derive(Debug, Clone)]
pub struct Report {
    /// The right to say so.
    pub lease: Lease,
    /// What.
    pub entry: ReportEntry,
}

/// The kinds of [`Report`].
#[derive(Debug, Clone)]
pub enum ReportEntry {
    /// How far it is.
    Progress {
        /// Between 0 and 1.
        fraction: f64,
        /// A word about it.
        message: Option<String>,
    },
    /// State to start from if the attempt fails.
    Checkpoint(RawJson),
    /// A line of log.
    Log(LogEntry),
}

/// One line of a job's log.
#[derive(Debug, Clone)]
pub struct LogEntry {
    /// When it was written.
    pub at: Timestamp,
    /// `debug`, `info`, `warning`, `error` or `critical`.
    pub level: String,
    /// The text.
    pub message: String,
    /// Further fields: one JSON object.
    pub extra: Option<RawJson>,
}

/// A line of a job's log as it is read back.
#[derive(Debug, Clone)]
pub struct LogLine {
    /// Its place; later lines have higher numbers.
    pub sequence: i64,
    /// The attempt that wrote it.
    pub attempt: u32,
    /// The line.
    pub entry: LogEntry,
}

/// Which jobs to list, newest first.
#[derive(Debug, Clone, Default)]
pub struct JobQuery {
    /// Only this function (its key).
    pub function: Option<String>,
    /// Only these statuses; empty means all.
    pub statuses: Vec<JobStatus>,
    /// Only jobs last run by this worker instance.
    pub worker_id: Option<String>,
    /// Only jobs made at or after this moment.
    pub after: Option<Timestamp>,
    /// Only jobs made before this moment.
    pub before: Option<Timestamp>,
    /// Only the tree under this root, the root included.
    pub root_id: Option<JobId>,
    /// At most this many.
    pub limit: usize,
    /// Where the page before ended.
    pub cursor: Option<Cursor>,
}

/// Which artifacts to list, newest first.
#[derive(Debug, Clone, Default)]
pub struct ArtifactQuery {
    /// Only those of this job.
    pub job_id: Option<JobId>,
    /// Only those of jobs of this function (its key).
    pub function: Option<String>,
    /// Only this type.
    pub artifact_type: Option<ArtifactType>,
    /// Only names that contain this text, letter case aside.
    pub name_contains: Option<String>,
    /// Older versions of the same name too.
    pub all_versions: bool,
    /// At most this many.
    pub limit: usize,
    /// Where the page before ended.
    pub cursor: Option<Cursor>,
}

/// A place in a listing. Opaque outside a backend.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cursor(pub i64);

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "c{:x}", self.0)
    }
}

impl std::str::FromStr for Cursor {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        text.strip_prefix('c')
            .and_then(|digits| i64::from_str_radix(digits, 16).ok())
            .map(Self)
            .ok_or_else(|| format!("'{text}' is not a cursor: pass back a next_cursor as it was given"))
    }
}

/// One page of a listing.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// How many there are on all pages together.
    pub total: u64,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<Cursor>,
}

/// One step in the life of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JobChange {
    /// Its place in the order of all changes.
    pub sequence: i64,
    /// The job.
    pub id: JobId,
    /// Its status now (steps in between may have been passed over).
    pub status: JobStatus,
}

/// The answer to [`Backend::changes_since`].
#[derive(Debug, Clone, Default)]
pub struct Changes {
    /// The changed jobs, oldest change first, each once.
    pub jobs: Vec<JobChange>,
    /// Pass this to the next call.
    pub cursor: i64,
}

/// A blob in storage that no artifact needs any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CondemnedBlob {
    /// Its digest, from which its key follows.
    pub sha256: Digest,
    /// The storage that holds it.
    pub storage: String,
}

/// One engine that keeps all truth about jobs and artifact records. See the module's text for what every verb promises.
#[async_trait]
pub trait Backend: Send + Sync + std::fmt::Debug {
    /// `sqlite`, `postgres` or `redis`.
    fn kind(&self) -> &'static str;

    /// The wake-ups that this backend gives in this process.
    fn signals(&self) -> &Signals;

    /// Accepts jobs. One with an idempotency key that an unfinished job of the same function holds is answered with
    /// that job and not made.
    async fn enqueue(&self, jobs: Vec<NewJob>) -> Result<Vec<Enqueued>>;

    /// Leases due jobs of the given functions to a worker: highest priority first, then oldest due time. Paused
    /// functions give none. Also moves delayed and retrying jobs whose time has come into the queue.
    async fn claim(&self, request: ClaimRequest) -> Result<Claim>;

    /// Prolongs leases and notes the worker's sign of life.
    async fn renew(&self, request: RenewRequest) -> Result<Vec<Renewal>>;

    /// Ends attempts. Refused, each for itself, when its lease is stale.
    async fn finish(&self, finishes: Vec<Finish>) -> Result<Vec<Finished>>;

    /// Gives leases back unused: the jobs are queued again as if these attempts had not been. Stale leases are ignored.
    async fn release(&self, leases: Vec<Lease>) -> Result<()>;

    /// Takes back the leases that ran out and answers how many there were. At most `limit` in one call.
    async fn reclaim_expired(&self, limit: usize) -> Result<usize>;

    /// Ends a job before its time.
    async fn cancel(&self, job: JobId) -> Result<Cancelled>;

    /// Queues a failed job again, under its own id, with a fresh set of retries.
    async fn retry(&self, job: JobId) -> Result<Retried>;

    /// Notes progress, checkpoints and log lines of running attempts. Those with stale leases are ignored.
    async fn report(&self, reports: Vec<Report>) -> Result<()>;

    /// Records artifacts whose bytes are durable or inline. After this they are listed.
    async fn record_artifacts(
        &self,
        artifacts: Vec<NewArtifact>,
    ) -> Result<Vec<std::result::Result<Artifact, RecordRefusal>>>;

    /// One artifact.
    async fn find_artifact(&self, id: ArtifactId) -> Result<Option<Artifact>>;

    /// A page of artifacts, newest first.
    async fn list_artifacts(&self, query: ArtifactQuery) -> Result<Page<Artifact>>;

    /// Removes an artifact's record (and its inline bytes, if nothing else needs them). False when there was none.
    async fn delete_artifact(&self, id: ArtifactId) -> Result<bool>;

    /// The bytes of an inline blob.
    async fn read_blob(&self, sha256: Digest) -> Result<Option<Bytes>>;

    /// Chooses stored blobs to remove: those whose last artifact is gone, and those of `orphans` that no artifact
    /// ever needed. From now on until [`forget_blobs`](Self::forget_blobs), recording an artifact with such a blob is
    /// refused, so that no record can ever point at bytes that are about to go.
    async fn condemn_blobs(&self, orphans: Vec<CondemnedBlob>, limit: usize) -> Result<Vec<CondemnedBlob>>;

    /// Says that the bytes of condemned blobs are gone.
    async fn forget_blobs(&self, blobs: Vec<Digest>) -> Result<()>;

    /// The jobs with these ids; unknown ones are left out, the order is not kept.
    async fn find_jobs(&self, ids: Vec<JobId>) -> Result<Vec<Job>>;

    /// A page of jobs, newest first.
    async fn list_jobs(&self, query: JobQuery) -> Result<Page<Job>>;

    /// Every attempt of a job, oldest first.
    async fn list_attempts(&self, job: JobId) -> Result<Vec<Attempt>>;

    /// The log lines of a job after `after`, oldest first, at most `limit`.
    async fn list_logs(&self, job: JobId, after: i64, limit: usize) -> Result<Vec<LogLine>>;

    /// What changed after `cursor`, at most `limit` jobs. `None` answers no jobs and the cursor of this moment.
    async fn changes_since(&self, cursor: Option<i64>, limit: usize) -> Result<Changes>;

    /// Makes a worker and its functions known; again, with the same id, replaces what was known.
    async fn register_worker(&self, worker: WorkerRegistration) -> Result<()>;

    /// Notes that a worker stopped in good order.
    async fn deregister_worker(&self, worker: WorkerId) -> Result<()>;

    /// The workers that are alive or were heard of within the last day, newest first.
    async fn list_workers(&self) -> Result<Vec<Worker>>;

    /// Every function ever registered, by key, with its figures.
    async fn list_functions(&self) -> Result<Vec<Function>>;

    /// One function.
    async fn find_function(&self, key: &str) -> Result<Option<Function>>;

    /// Stops or restarts claiming of a function's jobs. False when there is no such function.
    async fn set_paused(&self, key: &str, paused: bool) -> Result<bool>;

    /// Answers when the backend works.
    async fn ping(&self) -> Result<()>;
}
