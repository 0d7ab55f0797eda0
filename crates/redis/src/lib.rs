//! The Redis and Valkey backend: everything of a workspace in one server, under one hash tag.
//!
//! Each verb of [`Backend`] is one Lua function of a library that the server keeps (`scripts/`, [`library`]), and so one atomic
//! step; its Rust half is in the module of its noun. One connection serves all callers of a process ([`link`]), what many ask at
//! once goes into one call ([`lane`]), and a second connection listens for what other processes do ([`wake`]).

mod address;
mod apis;
mod args;
mod artifact_listing;
mod artifacts;
mod attempts;
mod blobs;
mod claim;
mod clock;
mod control;
mod enqueue;
mod expiry;
mod followers;
mod glob;
mod insights;
mod job_listing;
mod lane;
mod library;
mod limits;
mod link;
mod listing;
mod logs;
mod look;
#[cfg(feature = "measured")]
#[doc(hidden)]
pub mod measured;
mod parts;
mod reply;
mod rows;
mod schedules;
mod server;
mod wake;
mod workers;

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::task::AbortHandle;
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
use upnext_core::settings::Durability;
use upnext_core::{
    Artifact, ArtifactId, Attempt, Backend, BackendError, Clock, Function, FunctionDefinition, Job, JobId,
    JobType, NewArtifact, NewJob, Signals, Timestamp, Worker, WorkerId, WorkerRegistration,
};

use crate::address::Address;
use crate::args::Args;
use crate::clock::Now;
use crate::lane::{Lane, Verb};
use crate::link::{Link, Repeat};

/// The workspace of a deployment that names none.
pub const DEFAULT_WORKSPACE: &str = "local";

/// How to open a workspace.
#[derive(Clone)]
pub struct RedisOptions {
    /// Where the server is: `redis://`, `rediss://`, `valkey://`, `redis+sentinel://` or `redis+cluster://`. May hold a password.
    pub url: String,
    /// Names the deployment: those with different workspaces share a server without seeing each other.
    pub workspace: String,
    /// Whether to warn of a server that may lose what was acknowledged. What an acknowledgement means is up to the server's own
    /// settings (`appendonly`, `appendfsync`).
    pub durability: Durability,
    /// Where "now" comes from; `None` is the server's own clock, which all processes share.
    pub clock: Option<Arc<dyn Clock>>,
}

impl std::fmt::Debug for RedisOptions {
    /// Leaves the URL out, which may hold a password.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RedisOptions").field("workspace", &self.workspace).finish_non_exhaustive()
    }
}

impl RedisOptions {
    /// The default workspace of this server, with the server's clock.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        let workspace = DEFAULT_WORKSPACE.to_owned();
        Self { url: url.into(), workspace, durability: Durability::Full, clock: None }
    }
}

/// Connects to the server and looks whether it can be used. Must be called inside a tokio runtime, which has to live as long as the
/// backend.
///
/// # Errors
/// [`BackendError::Unusable`] when the URL cannot be read, the server is too old, throws keys away or refuses the user;
/// [`BackendError::Unavailable`] when it cannot be reached.
pub async fn open(options: RedisOptions) -> Result<Arc<dyn Backend>> {
    let is_good = |character: char| !character.is_control() && !matches!(character, '{' | '}');
    if options.workspace.is_empty() || !options.workspace.chars().all(is_good) {
        return Err(BackendError::Unusable(format!(
            "{:?} is not the name of a workspace: it has at least one character, and no braces",
            options.workspace
        )));
    }
    let link = Link::new(Address::parse(&options.url)?, format!("{{upnext:{}}}:", options.workspace));
    server::check(&link, options.durability).await?;
    Ok(Arc::new(Redis::start(link, options.clock)))
}

/// The lanes of the verbs that many callers ask for at once.
#[derive(Debug)]
struct Lanes {
    enqueue: Lane,
    finish: Lane,
    report: Lane,
    record: Lane,
    append: Lane,
}

#[derive(Debug)]
struct Redis {
    link: Arc<Link>,
    lanes: Lanes,
    now: Now,
    signals: Arc<Signals>,
    listener: AbortHandle,
}

impl Drop for Redis {
    fn drop(&mut self) {
        self.listener.abort();
    }
}

impl Redis {
    fn start(link: Link, clock: Option<Arc<dyn Clock>>) -> Self {
        let (link, now, signals) = (Arc::new(link), Now::new(clock), Arc::new(Signals::default()));
        let lane = |name: &'static str, head: Args, answers: usize, repeat: Repeat| {
            Lane::start(Arc::clone(&link), now.clone(), Verb { name, head, answers, repeat })
        };
        let mut returned = Args::default();
        returned.add(attempts::status_of_returned());
        let lanes = Lanes {
            enqueue: lane("enqueue", Args::default(), 2, Repeat::Harmless),
            finish: lane("finish", returned, 1, Repeat::Never),
            report: lane("report", Args::default(), 0, Repeat::Never),
            record: lane("record_artifacts", Args::default(), 1, Repeat::Harmless),
            append: lane("append_artifacts", Args::default(), 1, Repeat::Never),
        };
        let listener = tokio::spawn(wake::listen(Arc::clone(&link), now.clone(), Arc::downgrade(&signals)));
        Self { link, lanes, now, signals, listener: listener.abort_handle() }
    }

    /// The present moment, by the clock that counts.
    async fn moment(&self) -> Result<Timestamp> {
        let args = self.now.begin();
        let given = args.iter().next().and_then(|moment| std::str::from_utf8(moment).ok()?.parse().ok());
        if let Some(micros) = given {
            return Ok(Timestamp::from_micros(micros));
        }
        let time = self.link.send(&redis::cmd("TIME"), Repeat::Harmless).await?;
        let mut time = reply::Reply::new(reply::list(time)?);
        let (seconds, micros): (i64, i64) = (time.number()?, time.number()?);
        Ok(Timestamp::from_micros(seconds * 1_000_000 + micros))
    }
}

#[async_trait]
impl Backend for Redis {
    fn kind(&self) -> &'static str {
        "redis"
    }

    fn signals(&self) -> &Signals {
        &self.signals
    }

    async fn enqueue(&self, jobs: Vec<NewJob>) -> Result<Vec<Enqueued>> {
        if jobs.is_empty() {
            return Ok(Vec::new());
        }
        let mut args = Args::default();
        jobs.iter().for_each(|job| enqueue::add_job(&mut args, job));
        let answer = self.lanes.enqueue.ask(args, jobs.len()).await?;
        if answer.work {
            self.signals.work_available();
        }
        enqueue::read_answers(answer.values)
    }

    async fn claim(&self, request: ClaimRequest) -> Result<Claim> {
        claim::claim(self, &request).await
    }

    async fn list_schedules(&self, functions: Arc<[String]>) -> Result<Schedules> {
        schedules::list_schedules(self, &functions).await
    }

    async fn fire_schedule(&self, firing: Firing) -> Result<bool> {
        schedules::fire_schedule(self, &firing).await
    }

    async fn renew(&self, request: RenewRequest) -> Result<Vec<Renewal>> {
        attempts::renew(self, &request).await
    }

    async fn finish(&self, finishes: Vec<Finish>) -> Result<Vec<Finished>> {
        attempts::finish(self, &finishes).await
    }

    async fn release(&self, leases: Vec<Lease>) -> Result<()> {
        attempts::release(self, &leases).await
    }

    async fn reclaim_expired(&self, limit: usize) -> Result<usize> {
        attempts::reclaim_expired(self, limit).await
    }

    async fn cancel(&self, job: JobId) -> Result<Cancelled> {
        control::cancel(self, job).await
    }

    async fn retry(&self, job: JobId) -> Result<Retried> {
        control::retry(self, job).await
    }

    async fn report(&self, reports: Vec<Report>) -> Result<()> {
        control::report(self, &reports).await
    }

    async fn record_artifacts(
        &self,
        artifacts: Vec<NewArtifact>,
    ) -> Result<Vec<std::result::Result<Artifact, RecordRefusal>>> {
        artifacts::record_artifacts(self, &artifacts).await
    }

    async fn append_artifacts(
        &self,
        parts: Vec<NewPart>,
    ) -> Result<Vec<std::result::Result<u64, RecordRefusal>>> {
        parts::append_artifacts(self, &parts).await
    }

    async fn seal_artifact(&self, seal: Seal) -> Result<std::result::Result<Artifact, RecordRefusal>> {
        parts::seal_artifact(self, &seal).await
    }

    async fn list_parts(&self, id: ArtifactId, offset: u64, limit: usize) -> Result<Vec<Part>> {
        parts::list_parts(self, id, offset, limit).await
    }

    async fn update_artifact(
        &self,
        id: ArtifactId,
        patch: ArtifactPatch,
    ) -> Result<Option<std::result::Result<Artifact, String>>> {
        artifacts::update_artifact(self, id, &patch).await
    }

    async fn record_artifact_reads(&self, reads: Vec<(ArtifactId, JobId)>) -> Result<()> {
        artifacts::record_artifact_reads(self, &reads).await
    }

    async fn artifact_totals(&self) -> Result<ArtifactTotals> {
        artifacts::artifact_totals(self).await
    }

    async fn expire(&self, request: ExpireRequest) -> Result<Expired> {
        expiry::expire(self, request).await
    }

    async fn delete_job(&self, id: JobId) -> Result<JobDeleted> {
        expiry::delete_job(self, id).await
    }

    async fn list_blobs(&self, after: Option<Digest>, limit: usize) -> Result<Vec<BlobRecord>> {
        blobs::list_blobs(self, after, limit).await
    }

    async fn mark_blob(&self, sha256: Digest, damaged: bool) -> Result<bool> {
        blobs::mark_blob(self, sha256, damaged).await
    }

    async fn find_artifact(&self, id: ArtifactId) -> Result<Option<Artifact>> {
        Ok(artifacts::find_artifacts(self, &[id]).await?.pop())
    }

    async fn find_artifacts(&self, ids: Vec<ArtifactId>) -> Result<Vec<Artifact>> {
        artifacts::find_artifacts(self, &ids).await
    }

    async fn list_artifacts(&self, query: ArtifactQuery) -> Result<Page<Artifact>> {
        artifact_listing::list_artifacts(self, &query).await
    }

    async fn delete_artifact(&self, id: ArtifactId) -> Result<bool> {
        artifacts::delete_artifact(self, id).await
    }

    async fn read_blob(&self, sha256: Digest) -> Result<Option<Bytes>> {
        blobs::read_blob(self, sha256).await
    }

    async fn condemn_blobs(&self, orphans: Vec<CondemnedBlob>, limit: usize) -> Result<Vec<CondemnedBlob>> {
        blobs::condemn_blobs(self, &orphans, limit).await
    }

    async fn forget_blobs(&self, blobs: Vec<Digest>) -> Result<()> {
        blobs::forget_blobs(self, &blobs).await
    }

    async fn find_jobs(&self, ids: Vec<JobId>) -> Result<Vec<Job>> {
        listing::find_jobs(self, &ids).await
    }

    async fn list_jobs(&self, query: JobQuery) -> Result<Page<Job>> {
        job_listing::list_jobs(self, &query).await
    }

    async fn list_attempts(&self, job: JobId) -> Result<Vec<Attempt>> {
        listing::list_attempts(self, job).await
    }

    async fn list_logs(&self, job: JobId, query: LogQuery) -> Result<Vec<LogLine>> {
        logs::list_logs(self, job, &query).await
    }

    async fn changes_since(&self, cursor: Option<i64>, limit: usize, feed: Feed) -> Result<Changes> {
        listing::changes_since(self, cursor, limit, feed).await
    }

    async fn hold_cursor(&self, hold: CursorHold) -> Result<Option<i64>> {
        followers::hold_cursor(self, &hold).await
    }

    async fn keep_secret(&self, name: &str, fresh: [u8; 32]) -> Result<[u8; 32]> {
        followers::keep_secret(self, name, fresh).await
    }

    async fn register_worker(&self, worker: WorkerRegistration) -> Result<()> {
        workers::register_worker(self, &worker).await
    }

    async fn deregister_worker(&self, worker: WorkerId) -> Result<()> {
        workers::deregister_worker(self, &worker).await
    }

    async fn list_workers(&self) -> Result<Vec<Worker>> {
        workers::list_workers(self).await
    }

    async fn list_definitions(&self, job_type: Option<JobType>) -> Result<Vec<FunctionDefinition>> {
        workers::list_definitions(self, job_type).await
    }

    async fn list_functions(&self) -> Result<Vec<Function>> {
        workers::list_functions(self, None).await
    }

    async fn find_function(&self, key: &str) -> Result<Option<Function>> {
        Ok(workers::list_functions(self, Some(key)).await?.pop())
    }

    async fn set_paused(&self, key: &str, paused: bool) -> Result<bool> {
        workers::set_paused(self, key, paused).await
    }

    async fn forget_function(&self, key: &str) -> Result<FunctionForgotten> {
        workers::forget_function(self, key).await
    }

    async fn job_stats(&self, query: StatsQuery) -> Result<JobStats> {
        insights::job_stats(self, &query).await
    }

    async fn job_trends(&self, query: TrendsQuery) -> Result<Vec<TrendHour>> {
        insights::job_trends(self, &query).await
    }

    async fn functions_ended(&self, since: Hour) -> Result<Vec<FunctionEnded>> {
        insights::functions_ended(self, since).await
    }

    async fn queue_depth(&self) -> Result<QueueDepth> {
        insights::queue_depth(self).await
    }

    async fn notable_jobs(&self, which: Notable, limit: usize) -> Result<Vec<Job>> {
        insights::notable_jobs(self, which, limit).await
    }

    async fn record_requests(&self, report: ApiReport) -> Result<()> {
        apis::record_requests(self, &report).await
    }

    async fn list_apis(&self) -> Result<Vec<ApiInstance>> {
        apis::list_apis(self).await
    }

    async fn api_traffic(&self, query: TrafficQuery) -> Result<ApiTraffic> {
        apis::api_traffic(self, &query).await
    }

    async fn list_requests(&self, query: RequestQuery) -> Result<Vec<ApiRequest>> {
        apis::list_requests(self, &query).await
    }

    async fn ping(&self) -> Result<()> {
        self.link.send(&redis::cmd("PING"), Repeat::Harmless).await.map(drop)
    }
}
