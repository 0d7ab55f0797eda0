//! The verbs of [`Backend`] as requests: written once, for both ends.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use upnext_core::BackendError;
use upnext_core::api::{ApiInstance, ApiReport, ApiRequest, ApiTraffic, RequestQuery, TrafficQuery};
use upnext_core::artifact::{
    Artifact, ArtifactPatch, Digest, NewArtifact, NewPart, Part, RecordRefusal, Seal,
};
use upnext_core::backend::{
    ArtifactQuery, ArtifactTotals, Backend, BlobRecord, Cancelled, Changes, Claim, ClaimRequest,
    CondemnedBlob, CursorHold, EnqueueStatement, ExpireRequest, Expired, Feed, Finish, Finished, Firing,
    FunctionForgotten, JobDeleted, JobQuery, LogLine, LogQuery, Page, RenewRequest, Renewal, Report, Result,
    Retried, Schedules,
};
use upnext_core::function::{Function, FunctionDefinition};
use upnext_core::id::{ArtifactId, JobId, WorkerId};
use upnext_core::insight::{
    FunctionEnded, Hour, JobStats, Notable, QueueDepth, StatsQuery, TrendHour, TrendsQuery,
};
use upnext_core::job::{Attempt, Enqueued, Job, JobType, Lease, NewJob};
use upnext_core::signal::Signals;
use upnext_core::worker::{Worker, WorkerRegistration};

use crate::connection::{About, Connection};
use crate::wakes::{Wake, follow};

/// The [`Backend`] of a server, reached over HTTP.
#[derive(Debug)]
pub struct RemoteBackend {
    connection: Arc<Connection>,
    kind: &'static str,
    signals: Signals,
}

/// Why a request was not carried out.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// There is no such verb in this version.
    #[error("this server knows no verb '{0}' of a backend: it runs another version than the worker")]
    UnknownVerb(String),
    /// Its arguments cannot be read.
    #[error("the arguments of '{0}' cannot be read ({1}): server and worker run different versions")]
    Unreadable(String, String),
}

/// Bytes as bytes, not as a list of numbers.
#[derive(Debug, Serialize, Deserialize)]
struct Content(#[serde(with = "upnext_core::wire::bytes")] Bytes);

/// Writes each verb at both ends: the requests of [`RemoteBackend`], and what a server does with them.
macro_rules! verbs {
    ($($verb:ident($($argument:ident: $type:ty),*) -> $answer:ty;)*) => {
        #[async_trait]
        impl Backend for RemoteBackend {
            fn kind(&self) -> &'static str {
                self.kind
            }

            fn signals(&self) -> &Signals {
                &self.signals
            }

            async fn read_blob(&self, sha256: Digest) -> Result<Option<Bytes>> {
                let content: Option<Content> = self.call("read_blob", &(sha256,)).await?;
                Ok(content.map(|content| content.0))
            }

            async fn keep_secret(&self, name: &str, fresh: [u8; 32]) -> Result<[u8; 32]> {
                self.call("keep_secret", &(name, fresh)).await
            }

            $(
                async fn $verb(&self, $($argument: $type),*) -> Result<$answer> {
                    self.call(stringify!($verb), &($($argument,)*)).await
                }
            )*
        }

        /// Carries out one request to `backend` and answers with the body to send back.
        ///
        /// # Errors
        /// [`AnswerError`] when the request is not understood. Errors of the backend are part of the answer.
        pub async fn answer(
            backend: &dyn Backend,
            verb: &str,
            body: &[u8],
        ) -> std::result::Result<Vec<u8>, AnswerError> {
            match verb {
                "read_blob" => {
                    let (sha256,) = arguments(verb, body)?;
                    Ok(written(&backend.read_blob(sha256).await.map(|bytes| bytes.map(Content))))
                }
                // What servers keep for themselves is not given out, even to who has the key.
                "keep_secret" => {
                    let (name, fresh): (String, [u8; 32]) = arguments(verb, body)?;
                    Ok(written(&backend.keep_secret(&format!("workers/{name}"), fresh).await))
                }
                $(
                    stringify!($verb) => {
                        let ($($argument,)*): ($($type,)*) = arguments(verb, body)?;
                        Ok(written(&backend.$verb($($argument),*).await))
                    }
                )*
                unknown => Err(AnswerError::UnknownVerb(unknown.chars().take(80).collect())),
            }
        }
    };
}

verbs! {
    enqueue(jobs: Vec<NewJob>) -> Vec<Enqueued>;
    enqueue_statement(jobs: Vec<NewJob>) -> EnqueueStatement;
    claim(request: ClaimRequest) -> Claim;
    list_schedules(functions: Arc<[String]>) -> Schedules;
    fire_schedule(firing: Firing) -> bool;
    renew(request: RenewRequest) -> Vec<Renewal>;
    finish(finishes: Vec<Finish>) -> Vec<Finished>;
    release(leases: Vec<Lease>) -> ();
    reclaim_expired(limit: usize) -> usize;
    cancel(job: JobId) -> Cancelled;
    retry(job: JobId) -> Retried;
    report(reports: Vec<Report>) -> ();
    record_artifacts(artifacts: Vec<NewArtifact>) -> Vec<std::result::Result<Artifact, RecordRefusal>>;
    append_artifacts(parts: Vec<NewPart>) -> Vec<std::result::Result<u64, RecordRefusal>>;
    seal_artifact(seal: Seal) -> std::result::Result<Artifact, RecordRefusal>;
    list_parts(id: ArtifactId, offset: u64, limit: usize) -> Vec<Part>;
    update_artifact(id: ArtifactId, patch: ArtifactPatch) -> Option<std::result::Result<Artifact, String>>;
    record_artifact_reads(reads: Vec<(ArtifactId, JobId)>) -> ();
    artifact_totals() -> ArtifactTotals;
    expire(request: ExpireRequest) -> Expired;
    delete_job(id: JobId) -> JobDeleted;
    list_blobs(after: Option<Digest>, limit: usize) -> Vec<BlobRecord>;
    mark_blob(sha256: Digest, damaged: bool) -> bool;
    find_artifact(id: ArtifactId) -> Option<Artifact>;
    find_artifacts(ids: Vec<ArtifactId>) -> Vec<Artifact>;
    list_artifacts(query: ArtifactQuery) -> Page<Artifact>;
    delete_artifact(id: ArtifactId) -> bool;
    condemn_blobs(orphans: Vec<CondemnedBlob>, limit: usize) -> Vec<CondemnedBlob>;
    forget_blobs(blobs: Vec<Digest>) -> ();
    find_jobs(ids: Vec<JobId>) -> Vec<Job>;
    list_jobs(query: JobQuery) -> Page<Job>;
    list_attempts(job: JobId) -> Vec<Attempt>;
    list_logs(job: JobId, query: LogQuery) -> Vec<LogLine>;
    changes_since(cursor: Option<i64>, limit: usize, feed: Feed) -> Changes;
    hold_cursor(hold: CursorHold) -> Option<i64>;
    register_worker(worker: WorkerRegistration) -> ();
    deregister_worker(worker: WorkerId) -> ();
    list_workers() -> Vec<Worker>;
    list_definitions(job_type: Option<JobType>) -> Vec<FunctionDefinition>;
    list_functions() -> Vec<Function>;
    find_function(key: &str) -> Option<Function>;
    forget_function(key: &str) -> FunctionForgotten;
    record_requests(report: ApiReport) -> ();
    list_apis() -> Vec<ApiInstance>;
    api_traffic(query: TrafficQuery) -> ApiTraffic;
    list_requests(query: RequestQuery) -> Vec<ApiRequest>;
    set_paused(key: &str, paused: bool) -> bool;
    job_stats(query: StatsQuery) -> JobStats;
    job_trends(query: TrendsQuery) -> Vec<TrendHour>;
    functions_ended(since: Hour) -> Vec<FunctionEnded>;
    queue_depth() -> QueueDepth;
    notable_jobs(which: Notable, limit: usize) -> Vec<Job>;
    ping() -> ();
}

impl RemoteBackend {
    /// Begins to follow the server's wake-ups.
    pub(crate) fn start(connection: Arc<Connection>, about: &About) -> Arc<Self> {
        let kind = ["postgres", "redis"].into_iter().find(|kind| *kind == about.backend).unwrap_or("sqlite");
        let backend =
            Arc::new(Self { connection: Arc::clone(&connection), kind, signals: Signals::default() });
        tokio::spawn(follow(connection, Arc::downgrade(&backend)));
        backend
    }

    async fn call<A: Serialize + Sync, T: DeserializeOwned>(&self, verb: &str, arguments: &A) -> Result<T> {
        let body = rmp_serde::to_vec_named(arguments).map_err(|error| {
            BackendError::Unexpected(format!("the arguments of {verb} cannot be sent: {error}"))
        })?;
        let answer = self.connection.call(verb, body.into()).await?;
        rmp_serde::from_slice(&answer).map_err(|error| {
            BackendError::Unexpected(format!(
                "the answer of the server at {} to {verb} cannot be read: {error}",
                self.connection.shown()
            ))
        })?
    }

    pub(crate) fn wake(&self, wake: Wake) {
        match wake {
            // For this process, the server and all who work through it are elsewhere.
            Wake::Work | Wake::Elsewhere => self.signals.changed_elsewhere(),
            Wake::Clock => self.signals.clock_moved(),
            Wake::Finished(jobs) => {
                self.signals.jobs_finished(jobs.into());
                self.signals.changed_elsewhere();
            }
        }
    }

    /// Makes everybody look.
    pub(crate) fn wake_all(&self) {
        self.signals.changed_elsewhere();
    }
}

fn arguments<'a, T: Deserialize<'a>>(verb: &str, body: &'a [u8]) -> std::result::Result<T, AnswerError> {
    rmp_serde::from_slice(body).map_err(|error| AnswerError::Unreadable(verb.to_owned(), error.to_string()))
}

/// An answer as it travels.
fn written<T: Serialize>(answer: &Result<T>) -> Vec<u8> {
    let write = |answer: &Result<&T>| rmp_serde::to_vec_named(answer);
    write(&answer.as_ref().map_err(Clone::clone)).unwrap_or_else(|error| {
        let error: Result<()> = Err(BackendError::Unexpected(format!("the answer cannot be sent: {error}")));
        rmp_serde::to_vec_named(&error).expect("an error is a sentence")
    })
}
