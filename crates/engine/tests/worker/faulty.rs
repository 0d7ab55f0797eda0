//! A backend that can be told to fail: everything else goes to the real one behind it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use async_trait::async_trait;
use bytes::Bytes;
use upnext_core::api::{ApiInstance, ApiReport, ApiRequest, ApiTraffic, RequestQuery, TrafficQuery};
use upnext_core::artifact::{ArtifactPatch, Digest, NewPart, Part, RecordRefusal, Seal};
use upnext_core::backend::{
    ArtifactQuery, ArtifactTotals, BlobRecord, Cancelled, Changes, Claim, ClaimRequest, CondemnedBlob,
    CursorHold, ExpireRequest, Expired, Feed, Finish, Finished, Firing, FunctionForgotten, JobDeleted,
    JobQuery, LogLine, LogQuery, Page, RenewRequest, Renewal, Report, Result, Retried, Schedules,
};
use upnext_core::insight::{
    FunctionEnded, Hour, JobStats, Notable, QueueDepth, StatsQuery, TrendHour, TrendsQuery,
};
use upnext_core::job::{Enqueued, Lease};
use upnext_core::{
    Artifact, ArtifactId, Attempt, Backend, BackendError, Function, FunctionDefinition, Job, JobId, JobType,
    NewArtifact, NewJob, Signals, Worker, WorkerId, WorkerRegistration,
};

/// Fails the verbs of a worker's life while a switch is on.
#[derive(Debug)]
pub struct Faulty {
    inner: Arc<dyn Backend>,
    /// Every claim, renewal and finish fails, as if the backend were away.
    pub away: AtomicBool,
    /// Renewals alone fail, so that leases run out under a worker that is alive.
    pub renewals_fail: AtomicBool,
    /// What waiters read fails.
    pub reads_fail: AtomicBool,
}

impl Faulty {
    pub fn new(inner: Arc<dyn Backend>) -> Arc<Self> {
        Arc::new(Self {
            inner,
            away: AtomicBool::new(false),
            renewals_fail: AtomicBool::new(false),
            reads_fail: AtomicBool::new(false),
        })
    }

    fn check(&self, switch: &AtomicBool) -> Result<()> {
        if switch.load(Ordering::SeqCst) {
            return Err(BackendError::Unavailable("switched off by the test".into()));
        }
        Ok(())
    }
}

macro_rules! pass_on {
    ($(async fn $verb:ident(&self $(, $argument:ident: $kind:ty)*) -> $answer:ty;)+) => {
        #[async_trait]
        impl Backend for Faulty {
            fn kind(&self) -> &'static str {
                self.inner.kind()
            }

            fn signals(&self) -> &Signals {
                self.inner.signals()
            }

            async fn claim(&self, request: ClaimRequest) -> Result<Claim> {
                self.check(&self.away)?;
                self.inner.claim(request).await
            }

            async fn renew(&self, request: RenewRequest) -> Result<Vec<Renewal>> {
                self.check(&self.away)?;
                self.check(&self.renewals_fail)?;
                self.inner.renew(request).await
            }

            async fn finish(&self, finishes: Vec<Finish>) -> Result<Vec<Finished>> {
                self.check(&self.away)?;
                self.inner.finish(finishes).await
            }

            async fn find_jobs(&self, ids: Vec<JobId>) -> Result<Vec<Job>> {
                self.check(&self.reads_fail)?;
                self.inner.find_jobs(ids).await
            }

            async fn changes_since(&self, cursor: Option<i64>, limit: usize, feed: Feed) -> Result<Changes> {
                self.check(&self.reads_fail)?;
                self.inner.changes_since(cursor, limit, feed).await
            }

            $(async fn $verb(&self $(, $argument: $kind)*) -> $answer {
                self.inner.$verb($($argument),*).await
            })+
        }
    };
}

pass_on! {
    async fn list_schedules(&self, functions: Arc<[String]>) -> Result<Schedules>;
    async fn fire_schedule(&self, firing: Firing) -> Result<bool>;
    async fn list_definitions(&self, job_type: Option<JobType>) -> Result<Vec<FunctionDefinition>>;
    async fn enqueue(&self, jobs: Vec<NewJob>) -> Result<Vec<Enqueued>>;
    async fn release(&self, leases: Vec<Lease>) -> Result<()>;
    async fn reclaim_expired(&self, limit: usize) -> Result<usize>;
    async fn cancel(&self, job: JobId) -> Result<Cancelled>;
    async fn retry(&self, job: JobId) -> Result<Retried>;
    async fn report(&self, reports: Vec<Report>) -> Result<()>;
    async fn record_artifacts(
        &self, artifacts: Vec<NewArtifact>
    ) -> Result<Vec<std::result::Result<Artifact, RecordRefusal>>>;
    async fn append_artifacts(&self, parts: Vec<NewPart>) -> Result<Vec<std::result::Result<u64, RecordRefusal>>>;
    async fn seal_artifact(&self, seal: Seal) -> Result<std::result::Result<Artifact, RecordRefusal>>;
    async fn list_parts(&self, id: ArtifactId, offset: u64, limit: usize) -> Result<Vec<Part>>;
    async fn update_artifact(&self, id: ArtifactId, patch: ArtifactPatch) -> Result<Option<std::result::Result<Artifact, String>>>;
    async fn record_artifact_reads(&self, reads: Vec<(ArtifactId, JobId)>) -> Result<()>;
    async fn artifact_totals(&self) -> Result<ArtifactTotals>;
    async fn expire(&self, request: ExpireRequest) -> Result<Expired>;
    async fn delete_job(&self, id: JobId) -> Result<JobDeleted>;
    async fn list_blobs(&self, after: Option<Digest>, limit: usize) -> Result<Vec<BlobRecord>>;
    async fn mark_blob(&self, sha256: Digest, damaged: bool) -> Result<bool>;
    async fn find_artifact(&self, id: ArtifactId) -> Result<Option<Artifact>>;
    async fn find_artifacts(&self, ids: Vec<ArtifactId>) -> Result<Vec<Artifact>>;
    async fn list_artifacts(&self, query: ArtifactQuery) -> Result<Page<Artifact>>;
    async fn delete_artifact(&self, id: ArtifactId) -> Result<bool>;
    async fn read_blob(&self, sha256: Digest) -> Result<Option<Bytes>>;
    async fn condemn_blobs(&self, orphans: Vec<CondemnedBlob>, limit: usize) -> Result<Vec<CondemnedBlob>>;
    async fn forget_blobs(&self, blobs: Vec<Digest>) -> Result<()>;
    async fn list_jobs(&self, query: JobQuery) -> Result<Page<Job>>;
    async fn list_attempts(&self, job: JobId) -> Result<Vec<Attempt>>;
    async fn list_logs(&self, job: JobId, query: LogQuery) -> Result<Vec<LogLine>>;
    async fn hold_cursor(&self, hold: CursorHold) -> Result<Option<i64>>;
    async fn keep_secret(&self, name: &str, fresh: [u8; 32]) -> Result<[u8; 32]>;
    async fn register_worker(&self, worker: WorkerRegistration) -> Result<()>;
    async fn deregister_worker(&self, worker: WorkerId) -> Result<()>;
    async fn list_workers(&self) -> Result<Vec<Worker>>;
    async fn list_functions(&self) -> Result<Vec<Function>>;
    async fn find_function(&self, key: &str) -> Result<Option<Function>>;
    async fn set_paused(&self, key: &str, paused: bool) -> Result<bool>;
    async fn forget_function(&self, key: &str) -> Result<FunctionForgotten>;
    async fn record_requests(&self, report: ApiReport) -> Result<()>;
    async fn list_apis(&self) -> Result<Vec<ApiInstance>>;
    async fn api_traffic(&self, query: TrafficQuery) -> Result<ApiTraffic>;
    async fn list_requests(&self, query: RequestQuery) -> Result<Vec<ApiRequest>>;
    async fn job_stats(&self, query: StatsQuery) -> Result<JobStats>;
    async fn job_trends(&self, query: TrendsQuery) -> Result<Vec<TrendHour>>;
    async fn functions_ended(&self, since: Hour) -> Result<Vec<FunctionEnded>>;
    async fn queue_depth(&self) -> Result<QueueDepth>;
    async fn notable_jobs(&self, which: Notable, limit: usize) -> Result<Vec<Job>>;
    async fn ping(&self) -> Result<()>;
}
