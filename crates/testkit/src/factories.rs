//! Valid domain values with good defaults; cases change only the fields they are about (`NewJob { priority: 5, ..new_job("f") }`).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use sha2::Digest as _;
use upnext_core::artifact::{Digest, NewPart, Seal};
use upnext_core::backend::{
    ClaimRequest, CondemnedBlob, Finish, LogEntry, RenewRequest, Report, ReportEntry,
};
use upnext_core::job::{DEFAULT_PRIORITY, Lease};
use upnext_core::{
    ArtifactId, ArtifactType, ClaimedJob, FunctionDefinition, JobId, JobType, Labels, LeaseToken,
    NewArtifact, NewBlob, NewContent, NewJob, Outcome, RawJson, RetryPolicy, Sealed, Timestamp, WorkerId,
    WorkerRegistration,
};

/// How long the leases of [`claim_request`] last.
pub const LEASE: Duration = Duration::from_secs(30);

/// The worker in whose name [`claim_request`] claims.
pub const WORKER: &str = "tester-00000001";

/// The id of the worker called [`WORKER`].
#[must_use]
pub fn worker_id() -> WorkerId {
    WorkerId::from(WORKER.to_owned())
}

/// JSON written in a test. Panics when it is none.
#[must_use]
pub fn json(text: &str) -> RawJson {
    RawJson::parse(text).expect("the test's JSON should be JSON")
}

/// A job that is due at once, has no retries and no key.
#[must_use]
pub fn new_job(function: &str) -> NewJob {
    NewJob {
        id: JobId::fresh(),
        function: function.to_owned(),
        function_name: function.to_owned(),
        job_type: JobType::Task,
        kwargs: json(r#"{"rows": 42}"#),
        idempotency_key: None,
        priority: DEFAULT_PRIORITY,
        scheduled_at: None,
        delay: Duration::ZERO,
        concurrency_key: None,
        cache: None,
        retry: RetryPolicy::default(),
        timeout: Duration::from_secs(60),
        parent: None,
        source: None,
        tags: Vec::new(),
    }
}

/// A job with an idempotency key.
#[must_use]
pub fn keyed_job(function: &str, key: &str) -> NewJob {
    NewJob { idempotency_key: Some(key.to_owned()), ..new_job(function) }
}

/// A job that may be retried this often, with waits of 1, 2, 4, ... seconds.
#[must_use]
pub fn retrying_job(function: &str, max_retries: u32) -> NewJob {
    NewJob { retry: RetryPolicy { max_retries, ..RetryPolicy::default() }, ..new_job(function) }
}

/// A job that is not due before `at`.
#[must_use]
pub fn delayed_job(function: &str, at: Timestamp) -> NewJob {
    NewJob { scheduled_at: Some(at), ..new_job(function) }
}

/// A claim of these functions' jobs.
#[must_use]
pub fn claim_request(functions: &[&str], limit: usize) -> ClaimRequest {
    let functions: Vec<String> = functions.iter().map(|&function| function.to_owned()).collect();
    ClaimRequest { worker: worker_id(), functions: Arc::from(functions), limit, lease: LEASE, suspect: true }
}

/// A sign of life that keeps these leases for [`LEASE`].
#[must_use]
pub fn renew_request(leases: Vec<Lease>) -> RenewRequest {
    RenewRequest { worker: worker_id(), leases, lease: LEASE, memory_bytes: None }
}

/// The moment at which a job was claimed with a lease of [`LEASE`].
#[must_use]
pub fn claimed_at(job: &ClaimedJob) -> Timestamp {
    let lease = i64::try_from(LEASE.as_micros()).unwrap_or(i64::MAX);
    Timestamp::from_micros(job.lease_expires_at.as_micros() - lease)
}

/// The end of an attempt that began when it was claimed.
#[must_use]
pub fn finish(job: &ClaimedJob, outcome: Outcome) -> Finish {
    Finish { lease: job.lease, started_at: claimed_at(job), outcome }
}

/// A good end of an attempt.
#[must_use]
pub fn finish_ok(job: &ClaimedJob) -> Finish {
    finish(job, ok())
}

/// The outcome of a task that returned `{"done": true}`.
#[must_use]
pub fn ok() -> Outcome {
    Outcome::Complete { result: json(r#"{"done": true}"#) }
}

/// A failure after which no further attempt is wanted.
#[must_use]
pub fn fatal(error: &str) -> Outcome {
    Outcome::Failed { error: error.to_owned(), traceback: None, retryable: false }
}

/// A lease that nobody ever held on a job that exists or not.
#[must_use]
pub fn forged_lease(job_id: JobId) -> Lease {
    Lease { job_id, token: LeaseToken::fresh() }
}

/// What a running attempt says of its progress.
#[must_use]
pub fn progress(lease: Lease, fraction: f64, message: Option<&str>) -> Report {
    Report { lease, entry: ReportEntry::Progress { fraction, message: message.map(str::to_owned) } }
}

/// The state a running attempt saves.
#[must_use]
pub fn checkpoint(lease: Lease, state: &str) -> Report {
    Report { lease, entry: ReportEntry::Checkpoint(json(state)) }
}

/// A line of log of a running attempt.
#[must_use]
pub fn log_line(lease: Lease, at: Timestamp, message: &str) -> Report {
    let entry = LogEntry { at, level: "info".to_owned(), message: message.to_owned(), extra: None };
    Report { lease, entry: ReportEntry::Log(entry) }
}

/// The digest of these bytes.
#[must_use]
pub fn digest(bytes: &[u8]) -> Digest {
    Digest::from_bytes(sha2::Sha256::digest(bytes).into())
}

/// An artifact of a job, made outside of any attempt, whose bytes the backend keeps.
#[must_use]
pub fn new_artifact(job_id: JobId, name: &str, bytes: &[u8]) -> NewArtifact {
    NewArtifact {
        id: ArtifactId::fresh(),
        job_id,
        lease: None,
        name: name.to_owned(),
        artifact_type: ArtifactType::Text,
        content_type: ArtifactType::Text.content_type().to_owned(),
        content: NewContent::Whole(inline(bytes)),
        labels: Labels::default(),
        expires_in: None,
        key: None,
    }
}

/// These bytes, for the backend to keep.
#[must_use]
pub fn inline(bytes: &[u8]) -> Sealed {
    let blob = NewBlob::Inline(Bytes::copy_from_slice(bytes));
    Sealed { size_bytes: bytes.len() as u64, sha256: digest(bytes), blob }
}

/// These bytes, already in local storage.
#[must_use]
pub fn stored(bytes: &[u8]) -> Sealed {
    Sealed { blob: NewBlob::Stored { storage: "local" }, ..inline(bytes) }
}

/// An artifact made by a running attempt, whose bytes the backend keeps.
#[must_use]
pub fn leased_artifact(lease: Lease, name: &str, bytes: &[u8]) -> NewArtifact {
    NewArtifact { lease: Some(lease.token), ..new_artifact(lease.job_id, name, bytes) }
}

/// An artifact of a job, made outside of any attempt, whose bytes are in local storage.
#[must_use]
pub fn stored_artifact(job_id: JobId, name: &str, bytes: &[u8]) -> NewArtifact {
    NewArtifact { content: NewContent::Whole(stored(bytes)), ..new_artifact(job_id, name, bytes) }
}

/// An artifact that a running attempt is about to write piece by piece, before everybody's eyes.
#[must_use]
pub fn live_artifact(lease: Lease, name: &str) -> NewArtifact {
    NewArtifact { content: NewContent::Live, ..leased_artifact(lease, name, b"") }
}

/// An artifact of a job that is about to arrive in pieces from outside.
#[must_use]
pub fn upload(job_id: JobId, name: &str) -> NewArtifact {
    NewArtifact {
        content: NewContent::Upload { expected_bytes: None, expected_sha256: None },
        ..new_artifact(job_id, name, b"")
    }
}

/// More bytes of an artifact that is being written, for the backend to keep.
#[must_use]
pub fn part(artifact: ArtifactId, lease: Option<Lease>, offset: u64, bytes: &[u8]) -> NewPart {
    NewPart { artifact, lease: lease.map(|lease| lease.token), offset, bytes: inline(bytes) }
}

/// The end of an artifact that was being written, whose bytes the backend keeps.
#[must_use]
pub fn seal(artifact: ArtifactId, lease: Option<Lease>, bytes: &[u8]) -> Seal {
    Seal {
        artifact,
        lease: lease.map(|lease| lease.token),
        artifact_type: ArtifactType::Text,
        content_type: ArtifactType::Text.content_type().to_owned(),
        bytes: inline(bytes),
    }
}

/// These tags and nothing else.
#[must_use]
pub fn tagged(tags: &[&str]) -> Labels {
    Labels { tags: tags.iter().map(|&tag| tag.to_owned()).collect(), ..Labels::default() }
}

/// These bytes as a blob that a sweep found in local storage.
#[must_use]
pub fn orphan(bytes: &[u8]) -> CondemnedBlob {
    CondemnedBlob { sha256: digest(bytes), storage: "local".to_owned() }
}

/// A worker called `name` that offers these functions.
#[must_use]
pub fn registration(id: &WorkerId, name: &str, functions: &[&str]) -> WorkerRegistration {
    WorkerRegistration {
        id: id.clone(),
        name: name.to_owned(),
        hostname: "test-host".to_owned(),
        pid: 4711,
        concurrency: 8,
        language: "rust".to_owned(),
        version: upnext_core::VERSION.to_owned(),
        functions: functions.iter().map(|&key| FunctionDefinition::task(key)).collect(),
    }
}
