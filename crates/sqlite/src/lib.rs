//! The embedded backend: everything in one SQLite file, which several processes on one machine may use at once.
//!
//! Writes go through one group-commit lane a process ([`lane`]); reads through a small pool ([`readers`]); other
//! processes are woken through a small file beside the database ([`wake`]). Each verb of [`Backend`] has its function
//! in the module of its noun, and its SQL in `queries/`.

mod allowance;
mod apis;
mod artifact_driver;
mod artifact_listing;
mod artifacts;
mod attempts;
mod blobs;
mod claim;
mod connection;
mod control;
mod enqueue;
mod expiry;
mod filing;
mod followers;
pub mod fork;
mod gate;
mod insights;
mod job_listing;
mod job_text;
mod lane;
mod listing;
mod log_room;
mod logs;
mod parts;
mod readers;
mod rows;
mod schedules;
mod search;
mod shelves;
mod wake;
mod workers;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicI64;

use async_trait::async_trait;
use bytes::Bytes;
use rusqlite::Connection;
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
    JobType, NewArtifact, NewJob, Signals, SystemClock, Worker, WorkerId, WorkerRegistration,
};

use crate::artifact_driver::Ready;
use crate::lane::{Lane, Promise, Transaction};
use crate::readers::Readers;

/// How to open the file.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// The file; made, with its folder, if it does not exist.
    pub path: PathBuf,
    /// What an acknowledgement means.
    pub durability: Durability,
    /// Where "now" comes from.
    pub clock: Arc<dyn Clock>,
}

impl SqliteOptions {
    /// This file, fully durable, with the machine's clock.
    #[must_use]
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self { path: path.as_ref().to_owned(), durability: Durability::Full, clock: Arc::new(SystemClock) }
    }
}

/// Opens (and if need be makes or upgrades) the file.
///
/// # Errors
/// [`BackendError::Unusable`] when the file cannot be read or written or is no database of ours,
/// [`BackendError::TooNew`] when a newer version wrote it.
///
/// ```
/// # #[tokio::main(flavor = "current_thread")] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let folder = tempfile::tempdir()?;
/// let backend = upnext_sqlite::open(upnext_sqlite::SqliteOptions::new(folder.path().join("upnext.db"))).await?;
/// backend.ping().await?;
/// # Ok(()) }
/// ```
pub async fn open(options: SqliteOptions) -> Result<Arc<dyn Backend>> {
    let opened = tokio::task::spawn_blocking(move || Sqlite::open(&options)).await;
    let backend =
        opened.map_err(|_| BackendError::Unavailable("opening the file was interrupted".into()))??;
    Ok(Arc::new(backend))
}

#[derive(Debug)]
struct Sqlite {
    lane: Lane,
    readers: Readers,
    signals: Arc<Signals>,
    clock: Arc<dyn Clock>,
}

impl Sqlite {
    fn open(options: &SqliteOptions) -> Result<Self> {
        let path = options.path.as_path();
        let _no_fork = fork::NoFork::now();
        connection::prepare(path)?;
        let signals = Arc::new(Signals::default());
        let known = Arc::new(AtomicI64::new(0));
        let lane = Lane::start(
            path,
            options.durability,
            Arc::clone(&options.clock),
            Arc::clone(&signals),
            wake::WakeFile::open(path),
            Arc::clone(&known),
        )?;
        let readers = Readers::open(path)?;
        wake::watch(path, readers.clone(), &signals, known);
        Ok(Self { lane, readers, signals, clock: Arc::clone(&options.clock) })
    }

    /// Does what the writer has not come to yet, up to the newest artifact that is there by now: as many steps of `verb` as it
    /// takes, so that others never wait long. `done` tells how far it has come.
    async fn catch_up(
        &self,
        done: fn(&Connection) -> rusqlite::Result<i64>,
        verb: fn(&mut Transaction<'_>) -> rusqlite::Result<bool>,
    ) -> Result<()> {
        let newest = self.readers.read(search::newest).await?;
        while self.readers.read(done).await? < newest {
            // The newest may be gone by now, and then it is never reached.
            if !self.lane.write(Promise::Soft, verb).await? {
                break;
            }
        }
        Ok(())
    }

    /// Brings up to date what this list goes through. Without it lists are slower, not less: reading has to work where
    /// writing fails.
    async fn prepare_list(&self, query: &ArtifactQuery) -> Ready {
        let warn = |error: &BackendError| tracing::warn!(%error, "lists are slow");
        let filed = artifact_driver::needs_filed(query)
            && self.catch_up(filing::filed, |t| filing::file_some(t)).await.inspect_err(warn).is_ok();
        let shelved = artifact_driver::needs_shelves(query)
            && self
                .catch_up(shelves::shelved, |t| shelves::shelve_some(t, shelves::LONG_STEP))
                .await
                .inspect_err(warn)
                .is_ok();
        Ready { filed, shelved }
    }
}

#[async_trait]
impl Backend for Sqlite {
    fn kind(&self) -> &'static str {
        "sqlite"
    }

    fn signals(&self) -> &Signals {
        &self.signals
    }

    async fn enqueue(&self, jobs: Vec<NewJob>) -> Result<Vec<Enqueued>> {
        self.lane.write(Promise::Durable, move |transaction| enqueue::enqueue(transaction, &jobs)).await
    }

    async fn claim(&self, request: ClaimRequest) -> Result<Claim> {
        self.lane.write(Promise::Soft, move |transaction| claim::claim(transaction, &request)).await
    }

    async fn list_schedules(&self, functions: Arc<[String]>) -> Result<Schedules> {
        let now = self.clock.now();
        self.readers.read(move |connection| schedules::list_schedules(connection, &functions, now)).await
    }

    async fn fire_schedule(&self, firing: Firing) -> Result<bool> {
        self.lane
            .write(Promise::Durable, move |transaction| schedules::fire_schedule(transaction, &firing))
            .await
    }

    async fn renew(&self, request: RenewRequest) -> Result<Vec<Renewal>> {
        self.lane.write(Promise::Soft, move |transaction| attempts::renew(transaction, &request)).await
    }

    async fn finish(&self, finishes: Vec<Finish>) -> Result<Vec<Finished>> {
        self.lane.write(Promise::Durable, move |transaction| attempts::finish(transaction, &finishes)).await
    }

    async fn release(&self, leases: Vec<Lease>) -> Result<()> {
        self.lane.write(Promise::Soft, move |transaction| attempts::release(transaction, &leases)).await
    }

    async fn reclaim_expired(&self, limit: usize) -> Result<usize> {
        self.lane.write(Promise::Soft, move |transaction| attempts::reclaim_expired(transaction, limit)).await
    }

    async fn cancel(&self, job: JobId) -> Result<Cancelled> {
        self.lane.write(Promise::Durable, move |transaction| control::cancel(transaction, job)).await
    }

    async fn retry(&self, job: JobId) -> Result<Retried> {
        self.lane.write(Promise::Durable, move |transaction| control::retry(transaction, job)).await
    }

    async fn report(&self, reports: Vec<Report>) -> Result<()> {
        self.lane.write(Promise::Soft, move |transaction| control::report(transaction, &reports)).await
    }

    async fn record_artifacts(
        &self,
        artifacts: Vec<NewArtifact>,
    ) -> Result<Vec<std::result::Result<Artifact, RecordRefusal>>> {
        self.lane
            .write(Promise::Durable, move |transaction| artifacts::record_artifacts(transaction, &artifacts))
            .await
    }

    async fn append_artifacts(
        &self,
        parts: Vec<NewPart>,
    ) -> Result<Vec<std::result::Result<u64, RecordRefusal>>> {
        self.lane
            .write(Promise::Durable, move |transaction| parts::append_artifacts(transaction, &parts))
            .await
    }

    async fn seal_artifact(&self, seal: Seal) -> Result<std::result::Result<Artifact, RecordRefusal>> {
        self.lane.write(Promise::Durable, move |transaction| parts::seal_artifact(transaction, &seal)).await
    }

    async fn list_parts(&self, id: ArtifactId, offset: u64, limit: usize) -> Result<Vec<Part>> {
        self.readers.read(move |connection| parts::list_parts(connection, id, offset, limit)).await
    }

    async fn update_artifact(
        &self,
        id: ArtifactId,
        patch: ArtifactPatch,
    ) -> Result<Option<std::result::Result<Artifact, String>>> {
        self.lane
            .write(Promise::Durable, move |transaction| artifacts::update_artifact(transaction, id, &patch))
            .await
    }

    async fn record_artifact_reads(&self, reads: Vec<(ArtifactId, JobId)>) -> Result<()> {
        self.lane
            .write(Promise::Durable, move |transaction| artifacts::record_artifact_reads(transaction, &reads))
            .await
    }

    async fn artifact_totals(&self) -> Result<ArtifactTotals> {
        self.readers.read(artifact_listing::artifact_totals).await
    }

    async fn expire(&self, request: ExpireRequest) -> Result<Expired> {
        self.lane.write(Promise::Durable, move |transaction| expiry::expire(transaction, request)).await
    }

    async fn delete_job(&self, id: JobId) -> Result<JobDeleted> {
        self.lane.write(Promise::Durable, move |transaction| expiry::delete_job(transaction, id)).await
    }

    async fn list_blobs(&self, after: Option<Digest>, limit: usize) -> Result<Vec<BlobRecord>> {
        self.readers.read(move |connection| blobs::list_blobs(connection, after, limit)).await
    }

    async fn mark_blob(&self, sha256: Digest, damaged: bool) -> Result<bool> {
        self.lane
            .write(Promise::Durable, move |transaction| blobs::mark_blob(transaction, sha256, damaged))
            .await
    }

    async fn find_artifact(&self, id: ArtifactId) -> Result<Option<Artifact>> {
        self.readers.read(move |connection| artifacts::find_artifact(connection, id)).await
    }

    async fn find_artifacts(&self, ids: Vec<ArtifactId>) -> Result<Vec<Artifact>> {
        self.readers.read(move |connection| artifacts::find_artifacts(connection, &ids)).await
    }

    async fn list_artifacts(&self, query: ArtifactQuery) -> Result<Page<Artifact>> {
        if artifact_driver::searches(&query) {
            self.catch_up(search::searchable, |t| search::index_some(t)).await?;
        }
        let ready = self.prepare_list(&query).await;
        self.readers.read(move |connection| artifact_listing::list_artifacts(connection, &query, ready)).await
    }

    async fn delete_artifact(&self, id: ArtifactId) -> Result<bool> {
        self.lane
            .write(Promise::Durable, move |transaction| artifacts::delete_artifact(transaction, id))
            .await
    }

    async fn read_blob(&self, sha256: Digest) -> Result<Option<Bytes>> {
        self.readers.read(move |connection| blobs::read_blob(connection, sha256)).await
    }

    async fn condemn_blobs(&self, orphans: Vec<CondemnedBlob>, limit: usize) -> Result<Vec<CondemnedBlob>> {
        self.lane
            .write(Promise::Durable, move |transaction| blobs::condemn_blobs(transaction, &orphans, limit))
            .await
    }

    async fn forget_blobs(&self, blobs: Vec<Digest>) -> Result<()> {
        self.lane.write(Promise::Durable, move |transaction| blobs::forget_blobs(transaction, &blobs)).await
    }

    async fn find_jobs(&self, ids: Vec<JobId>) -> Result<Vec<Job>> {
        if ids.len() <= readers::FEW {
            return self.readers.look_up(|connection| listing::find_jobs(connection, &ids)).await;
        }
        self.readers.read(move |connection| listing::find_jobs(connection, &ids)).await
    }

    async fn list_jobs(&self, query: JobQuery) -> Result<Page<Job>> {
        self.readers.read(move |connection| job_listing::list_jobs(connection, &query)).await
    }

    async fn list_attempts(&self, job: JobId) -> Result<Vec<Attempt>> {
        self.readers.read(move |connection| listing::list_attempts(connection, job)).await
    }

    async fn list_logs(&self, job: JobId, query: LogQuery) -> Result<Vec<LogLine>> {
        self.readers.read(move |connection| logs::list_logs(connection, job, &query)).await
    }

    async fn changes_since(&self, cursor: Option<i64>, limit: usize, feed: Feed) -> Result<Changes> {
        if limit <= readers::FEW {
            return self
                .readers
                .look_up(|connection| listing::changes_since(connection, cursor, limit, feed))
                .await;
        }
        self.readers.read(move |connection| listing::changes_since(connection, cursor, limit, feed)).await
    }

    async fn hold_cursor(&self, hold: CursorHold) -> Result<Option<i64>> {
        self.lane.write(Promise::Soft, move |transaction| followers::hold_cursor(transaction, &hold)).await
    }

    async fn keep_secret(&self, name: &str, fresh: [u8; 32]) -> Result<[u8; 32]> {
        let name = name.to_owned();
        self.lane
            .write(Promise::Durable, move |transaction| followers::keep_secret(transaction, &name, fresh))
            .await
    }

    async fn register_worker(&self, worker: WorkerRegistration) -> Result<()> {
        self.lane
            .write(Promise::Durable, move |transaction| workers::register_worker(transaction, &worker))
            .await
    }

    async fn deregister_worker(&self, worker: WorkerId) -> Result<()> {
        self.lane
            .write(Promise::Soft, move |transaction| workers::deregister_worker(transaction, &worker))
            .await
    }

    async fn list_workers(&self) -> Result<Vec<Worker>> {
        let now = self.clock.now();
        self.readers.read(move |connection| workers::list_workers(connection, now)).await
    }

    async fn list_definitions(&self, job_type: Option<JobType>) -> Result<Vec<FunctionDefinition>> {
        self.readers.read(move |connection| workers::list_definitions(connection, job_type)).await
    }

    async fn list_functions(&self) -> Result<Vec<Function>> {
        let now = self.clock.now();
        self.readers.read(move |connection| workers::list_functions(connection, None, now)).await
    }

    async fn find_function(&self, key: &str) -> Result<Option<Function>> {
        let now = self.clock.now();
        let key = key.to_owned();
        let found =
            self.readers.read(move |connection| workers::list_functions(connection, Some(&key), now)).await?;
        Ok(found.into_iter().next())
    }

    async fn set_paused(&self, key: &str, paused: bool) -> Result<bool> {
        let key = key.to_owned();
        self.lane
            .write(Promise::Durable, move |transaction| workers::set_paused(transaction, &key, paused))
            .await
    }

    async fn forget_function(&self, key: &str) -> Result<FunctionForgotten> {
        let key = key.to_owned();
        self.lane
            .write(Promise::Durable, move |transaction| workers::forget_function(transaction, &key))
            .await
    }

    async fn job_stats(&self, query: StatsQuery) -> Result<JobStats> {
        self.readers.read(move |connection| insights::job_stats(connection, &query)).await
    }

    async fn job_trends(&self, query: TrendsQuery) -> Result<Vec<TrendHour>> {
        let now = self.clock.now();
        self.readers.read(move |connection| insights::job_trends(connection, &query, now)).await
    }

    async fn functions_ended(&self, since: Hour) -> Result<Vec<FunctionEnded>> {
        self.readers.read(move |connection| insights::functions_ended(connection, since)).await
    }

    async fn queue_depth(&self) -> Result<QueueDepth> {
        let now = self.clock.now();
        self.readers.read(move |connection| insights::queue_depth(connection, now)).await
    }

    async fn notable_jobs(&self, which: Notable, limit: usize) -> Result<Vec<Job>> {
        let now = self.clock.now();
        self.readers.read(move |connection| insights::notable_jobs(connection, which, limit, now)).await
    }

    async fn record_requests(&self, report: ApiReport) -> Result<()> {
        self.lane.write(Promise::Soft, move |transaction| apis::record_requests(transaction, &report)).await
    }

    async fn list_apis(&self) -> Result<Vec<ApiInstance>> {
        let now = self.clock.now();
        self.readers.read(move |connection| apis::list_apis(connection, now)).await
    }

    async fn api_traffic(&self, query: TrafficQuery) -> Result<ApiTraffic> {
        let now = self.clock.now();
        self.readers.read(move |connection| apis::api_traffic(connection, &query, now)).await
    }

    async fn list_requests(&self, query: RequestQuery) -> Result<Vec<ApiRequest>> {
        self.readers.read(move |connection| apis::list_requests(connection, &query)).await
    }

    async fn ping(&self) -> Result<()> {
        self.readers.read(|connection| connection.query_row("SELECT 1", [], |_| Ok(()))).await
    }
}
