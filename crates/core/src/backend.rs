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
use serde::{Deserialize, Serialize};

use crate::api::{ApiInstance, ApiReport, ApiRequest, ApiTraffic, RequestQuery, TrafficQuery};
use crate::artifact::{Artifact, ArtifactPatch, Digest, NewArtifact, NewPart, Part, RecordRefusal, Seal};
use crate::clock::Timestamp;
use crate::error::BackendError;
use crate::function::{Function, FunctionDefinition};
use crate::id::{ArtifactId, JobId, WorkerId};
use crate::insight::{
    FunctionEnded, Hour, JobStats, Notable, QueueDepth, StatsQuery, TrendHour, TrendsQuery,
};
use crate::job::{Attempt, ClaimedJob, Enqueued, Job, JobStatus, JobType, Lease, NewJob, Outcome, RawJson};
pub use crate::query::{ArtifactQuery, ArtifactSort, Cursor, JobQuery, LogLevel, LogQuery, Page, TEXT_LOOKS};
use crate::signal::Signals;
use crate::worker::{Worker, WorkerRegistration};

/// What every verb answers.
pub type Result<T> = std::result::Result<T, BackendError>;

/// A claim for work.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ClaimRequest {
    /// Who will run the jobs.
    pub worker: WorkerId,
    /// Keys of the functions it offers.
    pub functions: Arc<[String]>,
    /// At most this many jobs.
    pub limit: usize,
    /// How long the leases last.
    pub lease: Duration,
    /// Whether one of them may be a job that has lost [`SUSPECT_LOSSES`](crate::transition::SUSPECT_LOSSES) workers. A worker
    /// that holds one takes no other, so that a job which kills its workers fails alone.
    pub suspect: bool,
}

/// The answer to a claim.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Claim {
    /// The jobs, most urgent first.
    pub jobs: Vec<ClaimedJob>,
    /// When there may be more: the next delayed or retrying job is due, or a rate limit lets one begin. The claimer need not
    /// look before, unless woken.
    pub next_due: Option<Timestamp>,
    /// The moment of the answer, by the backend's clock.
    pub now: Timestamp,
}

/// When a cron function is to run next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScheduleEntry {
    /// Key of the function.
    pub function: String,
    /// The next run; `None` when there is none any more.
    pub next_run_at: Option<Timestamp>,
    /// Paused functions make no runs.
    pub paused: bool,
}

/// The schedules that somebody asked for.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Schedules {
    /// Those that exist.
    pub entries: Vec<ScheduleEntry>,
    /// The moment of the answer, by the backend's clock.
    pub now: Timestamp,
}

/// The runs of a cron function that have become due.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Firing {
    /// Key of the function.
    pub function: String,
    /// The next run as it was read. If it is another by now, somebody else was faster, and nothing is done.
    pub expected: Timestamp,
    /// The next run from now on.
    pub next_run_at: Option<Timestamp>,
    /// The runs, oldest first.
    pub jobs: Vec<NewJob>,
}

/// The worker's sign of life, with the leases it wants to keep.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RenewRequest {
    /// Who.
    pub worker: WorkerId,
    /// Leases to prolong; may be empty.
    pub leases: Vec<Lease>,
    /// How long from now.
    pub lease: Duration,
    /// Memory that the worker's process takes right now, in bytes; `None` where it cannot tell.
    #[serde(default)]
    pub memory_bytes: Option<u64>,
}

/// What became of one lease when it was renewed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Renewal {
    /// It holds until this moment.
    Held(Timestamp),
    /// It holds, but somebody asked for the job's end: stop the attempt.
    CancelRequested,
    /// It is gone; the attempt must stop, its outcome will be refused.
    Lost,
}

/// The end of one attempt.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Finish {
    /// The right to say so.
    pub lease: Lease,
    /// When the attempt really began (a claimed job may wait in the worker for a moment).
    pub started_at: Timestamp,
    /// How it ended.
    pub outcome: Outcome,
}

/// What a backend did with a [`Finish`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Finished {
    /// The job now has this status.
    Applied(JobStatus),
    /// The lease was stale: nothing changed.
    Stale,
}

/// What a request to cancel did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Retried {
    /// It is queued again.
    Queued,
    /// Only failed jobs can be retried; this one has this status.
    NotFailed(JobStatus),
    /// There is no such job.
    UnknownJob,
}

/// Something a running attempt wants to be known.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Report {
    /// The right to say so.
    pub lease: Lease,
    /// What.
    pub entry: ReportEntry,
}

/// The kinds of [`Report`].
#[derive(Debug, Clone, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Serialize, Deserialize)]
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
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct LogLine {
    /// Its place; later lines have higher numbers.
    pub sequence: i64,
    /// The attempt that wrote it.
    pub attempt: u32,
    /// The line.
    pub entry: LogEntry,
}

/// One step in the life of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct JobChange {
    /// Its place in the order of all changes.
    pub sequence: i64,
    /// The job.
    pub id: JobId,
    /// Its status now (steps in between may have been passed over).
    pub status: JobStatus,
}

/// What happened to an artifact last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum ArtifactChangeKind {
    /// It was recorded.
    Created,
    /// It was closed, or what is written on it changed.
    Updated,
    /// It was removed.
    Deleted,
}

/// A change of an artifact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactChange {
    /// Its place in the order of all changes.
    pub sequence: i64,
    /// The artifact.
    pub id: ArtifactId,
    /// Its job.
    pub job_id: JobId,
    /// What happened, seen from the cursor that was asked about.
    pub kind: ArtifactChangeKind,
    /// When it was removed; `None` of one that is there.
    pub deleted_at: Option<Timestamp>,
}

/// A wish to follow the changes alone under some name, and how far one has come.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CursorHold {
    /// Names the cursor.
    pub name: String,
    /// Who wishes; no two processes have the same word.
    pub holder: String,
    /// Moves the cursor here, if that is further on.
    pub place: Option<i64>,
    /// For how long nobody else may hold it; zero gives it back.
    pub lease: Duration,
}

/// Which changes somebody follows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Feed {
    /// Those of jobs.
    Jobs,
    /// Those of jobs and artifacts.
    Everything,
}

/// The answer to [`Backend::changes_since`].
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Changes {
    /// The changed jobs, oldest change first, each once.
    pub jobs: Vec<JobChange>,
    /// The changed artifacts, oldest change first, each once.
    pub artifacts: Vec<ArtifactChange>,
    /// Pass this to the next call.
    pub cursor: i64,
}

/// A blob in storage that no artifact needs any more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CondemnedBlob {
    /// Its digest, from which its key follows.
    pub sha256: Digest,
    /// The storage that holds it.
    pub storage: String,
}

/// A blob as a backend knows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlobRecord {
    /// Its digest.
    pub sha256: Digest,
    /// Its length.
    pub size_bytes: u64,
    /// `inline`, `local`, `s3`, `gcs` or `azure`.
    pub storage: String,
    /// True when it was last found to be damaged.
    pub damaged: bool,
}

/// How much there is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ArtifactTotals {
    /// Artifacts, older versions not counted.
    pub artifacts: u64,
    /// Artifacts with all of their versions.
    pub versions: u64,
    /// Bytes of all versions together, as if each had its own.
    pub logical_bytes: u64,
    /// Distinct contents that are kept.
    pub blobs: u64,
    /// Bytes that these take.
    pub stored_bytes: u64,
}

/// What is to be removed because of its age.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct ExpireRequest {
    /// Finished jobs that ended before this moment go, with their artifacts; `None` keeps them all.
    pub jobs_ended_before: Option<Timestamp>,
    /// At most this many artifacts and this many jobs.
    pub limit: usize,
}

/// What was removed because of its age.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Expired {
    /// Artifacts.
    pub artifacts: usize,
    /// Jobs.
    pub jobs: usize,
}

/// What a request to delete a job did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum JobDeleted {
    /// It is gone, with its history and its artifacts.
    Gone,
    /// It has not ended; it has this status.
    NotEnded(JobStatus),
    /// One of its artifacts is pinned.
    Pinned(ArtifactId),
    /// There is no such job.
    UnknownJob,
}

/// What a request to forget a function did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum FunctionForgotten {
    /// It is gone, with its schedule, its limits and its cached results. Its jobs stay.
    Gone,
    /// These worker instances are alive and offer it.
    Offered(Vec<String>),
    /// There is no such function.
    UnknownFunction,
}

/// A statement that accepts jobs inside of a transaction of the caller's own, on a connection of the caller's own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct EnqueueStatement {
    /// SQL with one parameter, `$1`, which is a text. It answers a row for each job, in their order: the id of the job that
    /// stands for the request, as text, and whether it was made.
    pub sql: String,
    /// The value of the parameter.
    pub jobs: String,
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

    /// The statement that accepts these jobs inside of a transaction of the caller's. Accepts nothing itself. Only where jobs
    /// live in a database that callers have transactions in.
    async fn enqueue_statement(&self, _jobs: Vec<NewJob>) -> Result<EnqueueStatement> {
        Err(BackendError::Unusable(format!(
            "jobs are kept in {} here, which has no part in transactions of your database: submit after the commit, or keep \
             jobs in the same PostgreSQL database (UPNEXT_DATABASE_URL=postgres://...)",
            self.kind()
        )))
    }

    /// Leases due jobs of the given functions to a worker: highest priority first, then oldest due time. Paused
    /// functions give none, and those with limits no more than these allow. A job whose result is cached comes with it. Also
    /// moves delayed and retrying jobs whose time has come into the queue.
    async fn claim(&self, request: ClaimRequest) -> Result<Claim>;

    /// When these cron functions are to run next.
    async fn list_schedules(&self, functions: Arc<[String]>) -> Result<Schedules>;

    /// Accepts the runs of a cron function and moves its schedule on, in one step. False, and nothing done, when the
    /// schedule has moved on already: so every run is made once, however many workers look.
    async fn fire_schedule(&self, firing: Firing) -> Result<bool>;

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

    /// Records artifacts whose bytes are durable or inline, or that are about to be written. After this they are listed,
    /// unless they are uploads.
    async fn record_artifacts(
        &self,
        artifacts: Vec<NewArtifact>,
    ) -> Result<Vec<std::result::Result<Artifact, RecordRefusal>>>;

    /// Adds bytes to artifacts that are being written. Answers how long each is then.
    async fn append_artifacts(
        &self,
        parts: Vec<NewPart>,
    ) -> Result<Vec<std::result::Result<u64, RecordRefusal>>>;

    /// Closes an artifact that was being written: its parts make way for one blob. Repeated with the same bytes, it
    /// answers the artifact.
    async fn seal_artifact(&self, seal: Seal) -> Result<std::result::Result<Artifact, RecordRefusal>>;

    /// The parts of an artifact that is not whole which end after `offset`, in their order, at most `limit`.
    async fn list_parts(&self, id: ArtifactId, offset: u64, limit: usize) -> Result<Vec<Part>>;

    /// Changes what is written on an artifact. The answer is what it is then; `None` when there is none.
    async fn update_artifact(
        &self,
        id: ArtifactId,
        patch: ArtifactPatch,
    ) -> Result<Option<std::result::Result<Artifact, String>>>;

    /// Notes that jobs have read artifacts. Of what does not exist nothing is noted.
    async fn record_artifact_reads(&self, reads: Vec<(ArtifactId, JobId)>) -> Result<()>;

    /// How much there is.
    async fn artifact_totals(&self) -> Result<ArtifactTotals>;

    /// Removes artifacts whose time has come and jobs that ended long ago. Pinned artifacts stay, and so do their jobs. Also
    /// forgets instances, requests and figures of APIs that are older than [`api`](crate::api) says.
    async fn expire(&self, request: ExpireRequest) -> Result<Expired>;

    /// Removes a job that has ended, with its history and its artifacts.
    async fn delete_job(&self, id: JobId) -> Result<JobDeleted>;

    /// Known blobs in the order of their digests, those after `after`, at most `limit`.
    async fn list_blobs(&self, after: Option<Digest>, limit: usize) -> Result<Vec<BlobRecord>>;

    /// Notes whether a blob was found to be damaged, which the artifacts that need it show until its bytes are recorded
    /// anew. False when nobody knows it.
    async fn mark_blob(&self, sha256: Digest, damaged: bool) -> Result<bool>;

    /// One artifact.
    async fn find_artifact(&self, id: ArtifactId) -> Result<Option<Artifact>>;

    /// The artifacts with these ids; unknown ones are left out, the order is not kept.
    async fn find_artifacts(&self, ids: Vec<ArtifactId>) -> Result<Vec<Artifact>>;

    /// A page of artifacts.
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

    /// Log lines of a job, oldest first.
    async fn list_logs(&self, job: JobId, query: LogQuery) -> Result<Vec<LogLine>>;

    /// What changed after `cursor`, at most `limit` jobs and artifacts together. A job is told at the place of its last
    /// change; an artifact, too, but if it was made after the cursor, at the place of its making: so whoever goes on from
    /// any place has heard of every artifact that was made before. `None` answers nothing but the cursor of this moment.
    async fn changes_since(&self, cursor: Option<i64>, limit: usize, feed: Feed) -> Result<Changes>;

    /// Takes, keeps or gives back a cursor, and moves it. A cursor that nobody ever held begins at the present. Answers
    /// where it is then; `None`, and nothing done, while somebody else holds it.
    async fn hold_cursor(&self, hold: CursorHold) -> Result<Option<i64>>;

    /// The secret bytes that this deployment keeps under a name: those of the first call that ever named it.
    async fn keep_secret(&self, name: &str, fresh: [u8; 32]) -> Result<[u8; 32]>;

    /// Makes a worker and its functions known; again, with the same id, replaces what was known. A schedule that is new or
    /// has changed begins with its first run from now on; one that is known goes on where it was.
    async fn register_worker(&self, worker: WorkerRegistration) -> Result<()>;

    /// Notes that a worker stopped in good order.
    async fn deregister_worker(&self, worker: WorkerId) -> Result<()>;

    /// The workers that are alive or were heard of within the last day, newest first.
    async fn list_workers(&self) -> Result<Vec<Worker>>;

    /// What every function ever registered is, by key, without figures; only those of one type if it is given.
    async fn list_definitions(&self, job_type: Option<JobType>) -> Result<Vec<FunctionDefinition>>;

    /// Every function ever registered, by key, with its figures.
    async fn list_functions(&self) -> Result<Vec<Function>>;

    /// One function.
    async fn find_function(&self, key: &str) -> Result<Option<Function>>;

    /// Stops or restarts claiming of a function's jobs. False when there is no such function.
    async fn set_paused(&self, key: &str, paused: bool) -> Result<bool>;

    /// Forgets a function that no living worker offers: it is listed no more, its schedule makes no runs, its handler hears
    /// no events. A worker that offers it again brings it back.
    async fn forget_function(&self, key: &str) -> Result<FunctionForgotten>;

    /// How many jobs there are, and how they ended. Jobs that were removed because of their age may still be counted; one that
    /// was queued again by hand has not ended.
    async fn job_stats(&self, query: StatsQuery) -> Result<JobStats>;

    /// What happened in each hour, oldest first. Every hour that was asked for is there.
    async fn job_trends(&self, query: TrendsQuery) -> Result<Vec<TrendHour>>;

    /// How the jobs of each function ended since an hour began, in the order of the keys. Functions of which none did may be
    /// left out.
    async fn functions_ended(&self, since: Hour) -> Result<Vec<FunctionEnded>>;

    /// What waits and what runs, by function.
    async fn queue_depth(&self) -> Result<QueueDepth>;

    /// Jobs that deserve a look, at most `limit`.
    async fn notable_jobs(&self, which: Notable, limit: usize) -> Result<Vec<Job>>;

    /// Notes that an instance of an API is alive, and which requests it answered. What is known of it is replaced; figures
    /// and dropped requests add up. Of the requests those stay listed that [`listed`](crate::api::listed) would choose among all
    /// of that API.
    async fn record_requests(&self, report: ApiReport) -> Result<()>;

    /// The instances of APIs that were heard of within [`API_LISTED`](crate::api::API_LISTED), newest first.
    async fn list_apis(&self) -> Result<Vec<ApiInstance>>;

    /// Figures about requests, one for each API, hour, route and method.
    async fn api_traffic(&self, query: TrafficQuery) -> Result<ApiTraffic>;

    /// Requests that are still listed, the one recorded last first.
    async fn list_requests(&self, query: RequestQuery) -> Result<Vec<ApiRequest>>;

    /// Answers when the backend works.
    async fn ping(&self) -> Result<()>;
}
