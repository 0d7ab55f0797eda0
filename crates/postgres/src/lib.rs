//! The PostgreSQL backend: everything in one schema of a server, which any number of processes may use at once.
//!
//! Verbs run in transactions on pooled connections ([`database`]); what many callers of a process ask for at once shares one
//! ([`lane`]); other processes are woken by NOTIFY ([`wake`]). Each verb of [`Backend`] has its function in the module of its
//! noun, and its SQL in `queries/`; what several statements have to do in one round trip is a function of the schema
//! (`migrations/`).

mod allowance;
mod apis;
mod artifact_listing;
mod artifacts;
mod attempts;
mod blobs;
mod changes;
mod claim;
mod control;
mod database;
mod ends;
mod enqueue;
mod expiry;
mod faults;
mod filter;
mod followers;
mod gate;
mod insights;
mod job_listing;
mod job_text;
mod lane;
mod listing;
mod location;
mod logs;
#[cfg(feature = "measured")]
#[doc(hidden)]
pub mod measured;
mod migrations;
mod params;
mod parts;
mod plans;
mod reports;
mod rows;
mod schedules;
mod search;
mod tls;
mod transactions;
mod wake;
mod workers;

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use deadpool_postgres::{Manager, ManagerConfig, Pool, RecyclingMethod, Runtime};
use tokio::sync::{Notify, OnceCell, Semaphore, watch};
use upnext_core::api::{ApiInstance, ApiReport, ApiRequest, ApiTraffic, RequestQuery, TrafficQuery};
use upnext_core::artifact::{ArtifactPatch, Digest, NewPart, Part, RecordRefusal, Seal};
use upnext_core::backend::{
    ArtifactQuery, ArtifactTotals, BlobRecord, Cancelled, Changes, Claim, ClaimRequest, CondemnedBlob,
    CursorHold, EnqueueStatement, ExpireRequest, Expired, Feed, Finish, Finished, Firing, FunctionForgotten,
    JobDeleted, JobQuery, LogLine, LogQuery, Page, RenewRequest, Renewal, Report, Result, Retried, Schedules,
};
use upnext_core::insight::{
    FunctionEnded, Hour, JobStats, Notable, QueueDepth, StatsQuery, TrendHour, TrendsQuery,
};
use upnext_core::job::{Enqueued, Lease};
use upnext_core::settings::Durability;
use upnext_core::{
    Artifact, ArtifactId, Attempt, Backend, BackendError, Clock, Function, FunctionDefinition, Job, JobId,
    JobType, NewArtifact, NewJob, Signals, Worker, WorkerId, WorkerRegistration,
};

use crate::artifacts::Recorded;
use crate::database::{Database, Promise, read, single, write};
use crate::lane::{Lane, Width};
use crate::location::Location;
pub use crate::migrations::Migration;
use crate::parts::Appended;
use crate::plans::Plans;

/// How to reach the server.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// A `postgres:` URL with the parameters of libpq, and `schema` (default `upnext`), `pool_size` (default 16) and
    /// `pgbouncer` (true when a pooler in transaction mode is in between).
    pub url: String,
    /// What an acknowledgement means.
    pub durability: Durability,
    /// Where "now" comes from; `None` is the server's own clock, which all processes share.
    pub clock: Option<Arc<dyn Clock>>,
}

impl PostgresOptions {
    /// This server, fully durable, with its own clock.
    #[must_use]
    pub fn new(url: impl Into<String>) -> Self {
        Self { url: url.into(), durability: Durability::Full, clock: None }
    }
}

/// How long a verb waits for a connection: to become free, and to be made.
const CONNECTION_PATIENCE: Duration = Duration::from_secs(5);

/// Submissions that look at once whether a key has become free which somebody else's transaction holds.
const WAITING: usize = 4;

/// How much goes together where many callers ask for the same verb at once.
const JOBS: Width = Width { abreast: 2, items: 2000 };
const ENDS: Width = Width { abreast: 2, items: 1000 };
const ARTIFACTS: Width = Width { abreast: 1, items: 256 };

/// Opens the schema, and makes or upgrades it if need be.
///
/// # Errors
/// [`BackendError::Unusable`] when the URL, the server or its rights do not do, [`BackendError::Unavailable`] when the server
/// cannot be reached, [`BackendError::TooNew`] when a newer version wrote the schema.
pub async fn open(options: PostgresOptions) -> Result<Arc<dyn Backend>> {
    let (database, ears, closed, to_tell) = connect(&options)?;
    migrations::migrate(&database).await?;
    let (open, is_open) = closed;
    wake::start(&database, ears, to_tell, is_open);
    Ok(Arc::new(Postgres::over(database, open)))
}

/// Every step of the schema, oldest first, and when it was taken. Changes nothing.
///
/// # Errors
/// As [`open`].
pub async fn history(options: &PostgresOptions) -> Result<Vec<Migration>> {
    let (database, ..) = connect(options)?;
    migrations::history(&database).await
}

type Closed = (watch::Sender<()>, watch::Receiver<()>);

fn connect(options: &PostgresOptions) -> Result<(Arc<Database>, wake::Ears, Closed, Arc<Notify>)> {
    let location = Location::read(&options.url)?;
    let tls = tls::connector(&location)?;
    let manager = ManagerConfig { recycling_method: RecyclingMethod::Fast };
    let manager = Manager::from_config(location.config.clone(), tls.clone(), manager);
    let pool = Pool::builder(manager)
        .max_size(location.pool_size)
        .runtime(Runtime::Tokio1)
        .wait_timeout(Some(CONNECTION_PATIENCE))
        .create_timeout(Some(CONNECTION_PATIENCE))
        .build()
        .map_err(|error| BackendError::Unusable(error.to_string()))?;
    let to_tell = Arc::new(Notify::new());
    let database = Arc::new(Database {
        pool,
        schema: location.schema,
        clock: options.clock.clone(),
        durability: options.durability,
        unnamed: AtomicBool::new(location.pooled),
        plans: Plans::default(),
        deployment: OnceCell::new(),
        waiting: Semaphore::new(WAITING),
        signals: Arc::new(Signals::default()),
        to_tell: Arc::clone(&to_tell),
    });
    let ears = wake::Ears { config: location.config, tls, deaf: location.pooled };
    Ok((database, ears, watch::channel(()), to_tell))
}

#[derive(Debug)]
struct Postgres {
    database: Arc<Database>,
    enqueues: Lane<NewJob, Enqueued>,
    finishes: Lane<Finish, Finished>,
    reports: Lane<Report, ()>,
    records: Lane<NewArtifact, Recorded>,
    appends: Lane<NewPart, Appended>,
    /// The tasks that tell and hear of changes end with it.
    _open: watch::Sender<()>,
}

impl Postgres {
    fn over(database: Arc<Database>, open: watch::Sender<()>) -> Self {
        Self {
            enqueues: Lane::with_patience(&database, JOBS, enqueue::enqueue, enqueue::enqueue_patiently),
            finishes: Lane::start(&database, ENDS, attempts::finish),
            reports: Lane::start(&database, ENDS, reports::report),
            records: Lane::start(&database, ARTIFACTS, artifacts::record_artifacts),
            appends: Lane::start(&database, ARTIFACTS, parts::append_artifacts),
            database,
            _open: open,
        }
    }
}

#[async_trait]
impl Backend for Postgres {
    fn kind(&self) -> &'static str {
        "postgres"
    }

    fn signals(&self) -> &Signals {
        &self.database.signals
    }

    async fn enqueue(&self, jobs: Vec<NewJob>) -> Result<Vec<Enqueued>> {
        self.enqueues.ask(jobs).await
    }

    async fn enqueue_statement(&self, jobs: Vec<NewJob>) -> Result<EnqueueStatement> {
        transactions::enqueue_statement(&self.database, &jobs).await
    }

    async fn claim(&self, request: ClaimRequest) -> Result<Claim> {
        claim::claim(&self.database, request).await
    }

    async fn list_schedules(&self, functions: Arc<[String]>) -> Result<Schedules> {
        read!(self.database, |transaction| async {
            let entries = schedules::list_schedules(transaction, &functions).await?;
            Ok(Schedules { entries, now: transaction.now })
        })
    }

    async fn fire_schedule(&self, firing: Firing) -> Result<bool> {
        write!(self.database, Promise::Durable, |transaction| schedules::fire_schedule(transaction, &firing))
    }

    async fn renew(&self, request: RenewRequest) -> Result<Vec<Renewal>> {
        write!(self.database, Promise::Soft, |transaction| attempts::renew(transaction, &request))
    }

    async fn finish(&self, finishes: Vec<Finish>) -> Result<Vec<Finished>> {
        self.finishes.ask(finishes).await
    }

    async fn release(&self, leases: Vec<Lease>) -> Result<()> {
        write!(self.database, Promise::Soft, |transaction| attempts::release(transaction, &leases))
    }

    async fn reclaim_expired(&self, limit: usize) -> Result<usize> {
        write!(self.database, Promise::Soft, |transaction| attempts::reclaim_expired(transaction, limit))
    }

    async fn cancel(&self, job: JobId) -> Result<Cancelled> {
        write!(self.database, Promise::Durable, |transaction| control::cancel(transaction, job))
    }

    async fn retry(&self, job: JobId) -> Result<Retried> {
        write!(self.database, Promise::Durable, |transaction| control::retry(transaction, job))
    }

    async fn report(&self, reports: Vec<Report>) -> Result<()> {
        self.reports.ask(reports).await.map(drop)
    }

    async fn record_artifacts(
        &self,
        artifacts: Vec<NewArtifact>,
    ) -> Result<Vec<std::result::Result<Artifact, RecordRefusal>>> {
        self.records.ask(artifacts).await
    }

    async fn append_artifacts(
        &self,
        parts: Vec<NewPart>,
    ) -> Result<Vec<std::result::Result<u64, RecordRefusal>>> {
        self.appends.ask(parts).await
    }

    async fn seal_artifact(&self, seal: Seal) -> Result<std::result::Result<Artifact, RecordRefusal>> {
        write!(self.database, Promise::Durable, |transaction| parts::seal_artifact(transaction, &seal))
    }

    async fn list_parts(&self, id: ArtifactId, offset: u64, limit: usize) -> Result<Vec<Part>> {
        single!(self.database, |connection| parts::list_parts(connection, id, offset, limit))
    }

    async fn update_artifact(
        &self,
        id: ArtifactId,
        patch: ArtifactPatch,
    ) -> Result<Option<std::result::Result<Artifact, String>>> {
        write!(self.database, Promise::Durable, |transaction| artifacts::update_artifact(
            transaction,
            id,
            &patch
        ))
    }

    async fn record_artifact_reads(&self, reads: Vec<(ArtifactId, JobId)>) -> Result<()> {
        write!(self.database, Promise::Soft, |transaction| artifacts::record_artifact_reads(
            transaction,
            &reads
        ))
    }

    async fn artifact_totals(&self) -> Result<ArtifactTotals> {
        single!(self.database, |connection| artifact_listing::artifact_totals(connection))
    }

    async fn expire(&self, request: ExpireRequest) -> Result<Expired> {
        write!(self.database, Promise::Durable, |transaction| expiry::expire(transaction, request))
    }

    async fn delete_job(&self, id: JobId) -> Result<JobDeleted> {
        write!(self.database, Promise::Durable, |transaction| expiry::delete_job(transaction, id))
    }

    async fn list_blobs(&self, after: Option<Digest>, limit: usize) -> Result<Vec<BlobRecord>> {
        single!(self.database, |connection| blobs::list_blobs(connection, after, limit))
    }

    async fn mark_blob(&self, sha256: Digest, damaged: bool) -> Result<bool> {
        write!(self.database, Promise::Durable, |transaction| blobs::mark_blob(transaction, sha256, damaged))
    }

    async fn find_artifact(&self, id: ArtifactId) -> Result<Option<Artifact>> {
        single!(self.database, |connection| artifacts::find_artifact(connection, id))
    }

    async fn find_artifacts(&self, ids: Vec<ArtifactId>) -> Result<Vec<Artifact>> {
        single!(self.database, |connection| artifacts::find_artifacts(connection, &ids))
    }

    async fn list_artifacts(&self, query: ArtifactQuery) -> Result<Page<Artifact>> {
        read!(self.database, |transaction| artifact_listing::list_artifacts(transaction, &query))
    }

    async fn delete_artifact(&self, id: ArtifactId) -> Result<bool> {
        write!(self.database, Promise::Durable, |transaction| artifacts::delete_artifact(transaction, id))
    }

    async fn read_blob(&self, sha256: Digest) -> Result<Option<Bytes>> {
        single!(self.database, |connection| blobs::read_blob(connection, sha256))
    }

    async fn condemn_blobs(&self, orphans: Vec<CondemnedBlob>, limit: usize) -> Result<Vec<CondemnedBlob>> {
        write!(self.database, Promise::Durable, |transaction| blobs::condemn_blobs(
            transaction,
            &orphans,
            limit
        ))
    }

    async fn forget_blobs(&self, blobs: Vec<Digest>) -> Result<()> {
        write!(self.database, Promise::Durable, |transaction| blobs::forget_blobs(transaction, &blobs))
    }

    async fn find_jobs(&self, ids: Vec<JobId>) -> Result<Vec<Job>> {
        single!(self.database, |connection| listing::find_jobs(connection, &ids))
    }

    async fn list_jobs(&self, query: JobQuery) -> Result<Page<Job>> {
        read!(self.database, |transaction| job_listing::list_jobs(transaction, &query))
    }

    async fn list_attempts(&self, job: JobId) -> Result<Vec<Attempt>> {
        read!(self.database, |transaction| listing::list_attempts(transaction, job))
    }

    async fn list_logs(&self, job: JobId, query: LogQuery) -> Result<Vec<LogLine>> {
        single!(self.database, |connection| logs::list_logs(connection, job, &query))
    }

    async fn changes_since(&self, cursor: Option<i64>, limit: usize, feed: Feed) -> Result<Changes> {
        changes::changes_since(&self.database, cursor, limit, feed).await
    }

    async fn hold_cursor(&self, hold: CursorHold) -> Result<Option<i64>> {
        write!(self.database, Promise::Durable, |transaction| followers::hold_cursor(transaction, &hold))
    }

    async fn keep_secret(&self, name: &str, fresh: [u8; 32]) -> Result<[u8; 32]> {
        write!(self.database, Promise::Durable, |transaction| followers::keep_secret(
            transaction,
            name,
            fresh
        ))
    }

    async fn register_worker(&self, worker: WorkerRegistration) -> Result<()> {
        write!(self.database, Promise::Durable, |transaction| workers::register_worker(transaction, &worker))
    }

    async fn deregister_worker(&self, worker: WorkerId) -> Result<()> {
        write!(self.database, Promise::Soft, |transaction| workers::deregister_worker(transaction, &worker))
    }

    async fn list_workers(&self) -> Result<Vec<Worker>> {
        read!(self.database, |transaction| workers::list_workers(transaction, transaction.now))
    }

    async fn list_definitions(&self, job_type: Option<JobType>) -> Result<Vec<FunctionDefinition>> {
        single!(self.database, |connection| workers::list_definitions(connection, job_type))
    }

    async fn list_functions(&self) -> Result<Vec<Function>> {
        read!(self.database, |transaction| workers::list_functions(transaction, None, transaction.now))
    }

    async fn find_function(&self, key: &str) -> Result<Option<Function>> {
        let found = read!(self.database, |transaction| workers::list_functions(
            transaction,
            Some(key),
            transaction.now
        ))?;
        Ok(found.into_iter().next())
    }

    async fn set_paused(&self, key: &str, paused: bool) -> Result<bool> {
        write!(self.database, Promise::Durable, |transaction| workers::set_paused(transaction, key, paused))
    }

    async fn forget_function(&self, key: &str) -> Result<FunctionForgotten> {
        write!(self.database, Promise::Durable, |transaction| workers::forget_function(transaction, key))
    }

    async fn job_stats(&self, query: StatsQuery) -> Result<JobStats> {
        read!(self.database, |transaction| insights::job_stats(transaction, &query))
    }

    async fn job_trends(&self, query: TrendsQuery) -> Result<Vec<TrendHour>> {
        read!(self.database, |transaction| insights::job_trends(transaction, &query, transaction.now))
    }

    async fn functions_ended(&self, since: Hour) -> Result<Vec<FunctionEnded>> {
        single!(self.database, |connection| insights::functions_ended(connection, since))
    }

    async fn queue_depth(&self) -> Result<QueueDepth> {
        read!(self.database, |transaction| insights::queue_depth(transaction, transaction.now))
    }

    async fn notable_jobs(&self, which: Notable, limit: usize) -> Result<Vec<Job>> {
        read!(self.database, |transaction| insights::notable_jobs(transaction, which, limit, transaction.now))
    }

    async fn record_requests(&self, report: ApiReport) -> Result<()> {
        write!(self.database, Promise::Soft, |transaction| apis::record_requests(transaction, &report))
    }

    async fn list_apis(&self) -> Result<Vec<ApiInstance>> {
        read!(self.database, |transaction| apis::list_apis(transaction, transaction.now))
    }

    async fn api_traffic(&self, query: TrafficQuery) -> Result<ApiTraffic> {
        read!(self.database, |transaction| apis::api_traffic(transaction, &query, transaction.now))
    }

    async fn list_requests(&self, query: RequestQuery) -> Result<Vec<ApiRequest>> {
        single!(self.database, |connection| apis::list_requests(connection, &query))
    }

    async fn ping(&self) -> Result<()> {
        single!(self.database, |connection| async { connection.one("SELECT 1", &[]).await.map(drop) })
    }
}
