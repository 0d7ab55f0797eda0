//! Between stored fields and domain types: the one place that knows fields by name.

use std::time::Duration;

use redis::Value;
use upnext_core::artifact::PARTS_STORAGE;
use upnext_core::backend::Result;
use upnext_core::function::DEFAULT_TIMEOUT;
use upnext_core::job::{DEFAULT_PRIORITY, Lease};
use upnext_core::{
    Artifact, ArtifactId, ArtifactStatus, ArtifactType, ClaimedJob, Job, JobId, JobStatus, JobType, Labels,
    LeaseToken, NewJob, RawJson, RetryPolicy, Timestamp,
};

use crate::args::Args;
use crate::reply::{self, unexpected};

/// A duration as it is stored, in microseconds.
pub(crate) fn stored_micros(duration: Duration) -> i64 {
    i64::try_from(duration.as_micros()).unwrap_or(i64::MAX)
}

/// The letter that a type of jobs is stored as.
pub(crate) const fn letter_of_type(job_type: JobType) -> &'static str {
    match job_type {
        JobType::Task => "t",
        JobType::Cron => "c",
        JobType::Event => "e",
    }
}

fn job_type(value: &Value) -> Result<JobType> {
    match value {
        Value::BulkString(letter) if letter == b"c" => Ok(JobType::Cron),
        Value::BulkString(letter) if letter == b"e" => Ok(JobType::Event),
        Value::BulkString(letter) if letter == b"t" => Ok(JobType::Task),
        _ => Err(unexpected("type of a job")),
    }
}

/// A token as it is stored: claims draw its first part, and number the jobs that they give.
pub(crate) const TOKEN_BITS: u32 = 14;

pub(crate) fn stored_token(token: LeaseToken) -> String {
    let raw = token.get();
    format!("{},{}", raw >> TOKEN_BITS, raw & ((1 << TOKEN_BITS) - 1))
}

/// The fields of a job that do not change by themselves. What has its default is left out.
pub(crate) fn stored_job(job: &NewJob, fields: &mut Args) {
    fields.add("f").add(&job.function).add("k").add(job.kwargs.as_str());
    if job.function_name != job.function {
        fields.add("n").add(&job.function_name);
    }
    if job.job_type != JobType::Task {
        fields.add("y").add(letter_of_type(job.job_type));
    }
    if job.priority != DEFAULT_PRIORITY {
        fields.add("pr").number(job.priority);
    }
    if job.timeout != DEFAULT_TIMEOUT {
        fields.add("to").number(stored_micros(job.timeout));
    }
    if job.retry != RetryPolicy::default() {
        fields.add("re").add(serde_json::to_string(&job.retry).unwrap_or_default());
    }
    if job.idempotency_key.is_some() || job.concurrency_key.is_some() || job.cache.is_some() {
        fields.add("o").add("1");
    }
    if let Some(key) = &job.idempotency_key {
        fields.add("ik").add(key);
    }
    if !job.tags.is_empty() {
        fields.add("tg").add(stored_tags(&job.tags));
    }
    if let Some(parent) = &job.parent {
        fields.add("pa").add(parent.parent_id.as_bytes()).add("ro").add(parent.root_id.as_bytes());
    }
    if let Some(source) = &job.source {
        fields.add("so").add(source.as_str());
    }
    if let Some(gate) = &job.concurrency_key {
        fields.add("gk").add(&gate.key).add("gl").number(gate.limit);
    }
    if let Some(cache) = &job.cache {
        fields.add("ck").add(&cache.key);
        if let Some(ttl) = cache.ttl {
            fields.add("ct").number(stored_micros(ttl));
        }
    }
}

/// A job with what only the backend knows of it.
pub(crate) struct StoredJob {
    pub(crate) job: Job,
    pub(crate) attempts_base: u32,
    pub(crate) losses_base: u32,
    /// Of the lease on it.
    pub(crate) token: Option<String>,
}

fn blank_job(id: JobId) -> Job {
    Job {
        id,
        idempotency_key: None,
        function: String::new(),
        function_name: String::new(),
        job_type: JobType::Task,
        status: JobStatus::Pending,
        priority: DEFAULT_PRIORITY,
        created_at: Timestamp::default(),
        scheduled_at: Timestamp::default(),
        started_at: None,
        completed_at: None,
        attempts: 0,
        losses: 0,
        retry: RetryPolicy::default(),
        timeout: DEFAULT_TIMEOUT,
        worker_id: None,
        parent_id: None,
        root_id: id,
        progress: 0.0,
        progress_message: None,
        kwargs: RawJson::null(),
        source: None,
        checkpoint: None,
        checkpoint_at: None,
        result: None,
        error: None,
        traceback: None,
        failure_reason: None,
        cancel_requested: false,
        tags: Vec::new(),
    }
}

/// A job from names and values of fields that follow each other.
pub(crate) fn job(id: JobId, flat: Vec<Value>) -> Result<StoredJob> {
    let mut stored = StoredJob { job: blank_job(id), attempts_base: 0, losses_base: 0, token: None };
    let (mut name, mut root) = (None, None);
    let job = &mut stored.job;
    let mut values = flat.into_iter();
    while let (Some(field), Some(value)) = (values.next(), values.next()) {
        let Value::BulkString(field) = field else { return Err(unexpected("name of a field")) };
        match field.as_slice() {
            b"tk" => stored.token = Some(reply::text(value)?),
            b"st" => job.status = reply::status(&value)?,
            b"f" => job.function = reply::text(value)?,
            b"n" => name = Some(reply::text(value)?),
            b"y" => job.job_type = job_type(&value)?,
            b"pr" => job.priority = reply::number(&value)?,
            b"ca" => job.created_at = reply::moment(&value)?,
            b"du" => job.scheduled_at = reply::moment(&value)?,
            b"sa" => job.started_at = Some(reply::moment(&value)?),
            b"en" => job.completed_at = Some(reply::moment(&value)?),
            b"at" => job.attempts = reply::number(&value)?,
            b"ab" => stored.attempts_base = reply::number(&value)?,
            b"lo" => job.losses = reply::number(&value)?,
            b"lb" => stored.losses_base = reply::number(&value)?,
            b"to" => job.timeout = Duration::from_micros(reply::number(&value)?),
            b"re" => job.retry = retry(value)?,
            b"w" => job.worker_id = Some(reply::text(value)?),
            b"cr" => job.cancel_requested = true,
            b"ik" => job.idempotency_key = Some(reply::text(value)?),
            b"tg" => job.tags = tags(value)?,
            b"pa" => job.parent_id = Some(reply::job_id(&value)?),
            b"ro" => root = Some(reply::job_id(&value)?),
            b"pg" => job.progress = reply::text(value)?.parse().map_err(|_| unexpected("progress"))?,
            b"pm" => job.progress_message = Some(reply::text(value)?),
            b"fr" => {
                job.failure_reason = Some(reply::text(value)?.parse().map_err(|_| unexpected("reason"))?);
            }
            b"er" => job.error = Some(reply::text(value)?),
            b"tb" => job.traceback = Some(reply::text(value)?),
            b"so" => job.source = Some(reply::json(value)?),
            b"cp" => job.checkpoint = Some(reply::json(value)?),
            b"cpa" => job.checkpoint_at = Some(reply::moment(&value)?),
            b"rs" => job.result = Some(reply::json(value)?),
            b"k" => job.kwargs = reply::json(value)?,
            _ => {}
        }
    }
    job.function_name = name.unwrap_or_else(|| job.function.clone());
    job.root_id = root.unwrap_or(job.id);
    if job.status == JobStatus::Complete {
        job.progress = 1.0;
    }
    Ok(stored)
}

/// The policy in a field.
pub(crate) fn retry(value: Value) -> Result<RetryPolicy> {
    serde_json::from_str(&reply::text(value)?).map_err(|_| unexpected("retry policy"))
}

/// A claimed job as it is stored. `None` when somebody else has it by now.
pub(crate) fn claimed_job(
    lease: Lease,
    flat: Vec<Value>,
    expires: Timestamp,
    suspect_losses: u32,
) -> Result<Option<ClaimedJob>> {
    let StoredJob { job, attempts_base, losses_base, token } = self::job(lease.job_id, flat)?;
    if token != Some(stored_token(lease.token)) {
        return Ok(None);
    }
    let losses = job.losses.saturating_sub(losses_base);
    Ok(Some(ClaimedJob {
        lease,
        lease_expires_at: expires,
        attempt: job.attempts,
        function: job.function,
        function_name: job.function_name,
        kwargs: job.kwargs,
        idempotency_key: job.idempotency_key,
        max_attempts: job.retry.max_retries.saturating_add(1).saturating_add(attempts_base + losses),
        timeout: job.timeout,
        parent_id: job.parent_id,
        root_id: job.root_id,
        checkpoint: job.checkpoint,
        cached: None,
        suspect: losses >= suspect_losses,
    }))
}

/// Tags as they are stored: nothing when there are none.
pub(crate) fn stored_tags(tags: &[String]) -> String {
    if tags.is_empty() { String::new() } else { serde_json::to_string(tags).unwrap_or_default() }
}

pub(crate) fn tags(value: Value) -> Result<Vec<String>> {
    serde_json::from_str(&reply::text(value)?).map_err(|_| unexpected("tags"))
}

/// Most artifacts have the content type of their type: those need not repeat it.
pub(crate) fn stored_content_type<'a>(
    artifact_type: &ArtifactType,
    content_type: &'a str,
) -> Option<&'a str> {
    // A type that is a media type forgets its parameters when it is stored.
    let implied = artifact_type.as_str().parse::<ArtifactType>();
    let implied = implied.is_ok_and(|implied| implied.content_type() == content_type);
    (!implied).then_some(content_type)
}

/// An artifact with what only the backend knows of it.
pub(crate) struct StoredArtifact {
    pub(crate) artifact: Artifact,
    /// Number of its last change.
    pub(crate) change: i64,
}

fn blank_artifact() -> Artifact {
    Artifact {
        id: ArtifactId::from_bytes([0; 16]),
        job_id: JobId::from_bytes([0; 16]),
        function: String::new(),
        attempt: 0,
        name: String::new(),
        version: 0,
        latest: false,
        artifact_type: ArtifactType::Binary,
        content_type: String::new(),
        status: ArtifactStatus::Available,
        size_bytes: 0,
        expected_bytes: None,
        expected_sha256: None,
        sha256: None,
        storage: PARTS_STORAGE.to_owned(),
        created_at: Timestamp::default(),
        labels: Labels::default(),
        expires_at: None,
        pinned: false,
    }
}

/// An artifact from names and values of fields that follow each other.
pub(crate) fn artifact(flat: Vec<Value>) -> Result<StoredArtifact> {
    let mut artifact = blank_artifact();
    let (mut change, mut content_type, mut is_damaged) = (0, None, false);
    let (mut job_is_active, mut job_attempts) = (false, 0_u32);
    let mut values = flat.into_iter();
    while let (Some(field), Some(value)) = (values.next(), values.next()) {
        let Value::BulkString(field) = field else { return Err(unexpected("name of a field")) };
        match field.as_slice() {
            b"id" => artifact.id = reply::artifact_id(&value)?,
            b"j" => artifact.job_id = reply::job_id(&value)?,
            b"f" => artifact.function = reply::text(value)?,
            b"at" => artifact.attempt = reply::number(&value)?,
            b"n" => artifact.name = reply::text(value)?,
            b"v" => artifact.version = reply::number(&value)?,
            b"la" => artifact.latest = true,
            b"ty" => artifact.artifact_type = reply::text(value)?.parse().map_err(|_| unexpected("type"))?,
            b"ct" => content_type = Some(reply::text(value)?),
            b"sz" => artifact.size_bytes = reply::number(&value)?,
            b"x" => artifact.expected_bytes = Some(reply::number(&value)?),
            b"xs" => artifact.expected_sha256 = Some(reply::digest(&value)?),
            b"b" => artifact.sha256 = Some(reply::digest(&value)?),
            b"bs" => artifact.storage = reply::text(value)?,
            b"bd" => is_damaged = true,
            b"ca" => artifact.created_at = reply::moment(&value)?,
            b"de" => artifact.labels.description = Some(reply::text(value)?),
            b"tg" => artifact.labels.tags = tags(value)?,
            b"me" => artifact.labels.metadata = Some(reply::json(value)?),
            b"ex" => artifact.expires_at = Some(reply::moment(&value)?),
            b"pi" => artifact.pinned = true,
            b"ch" => change = reply::number(&value)?,
            b"js" => job_is_active = reply::text(value)? == reply::letter_of(JobStatus::Active),
            b"ja" => job_attempts = reply::number(&value)?,
            _ => {}
        }
    }
    artifact.content_type = content_type.unwrap_or_else(|| artifact.artifact_type.content_type().to_owned());
    // Whether somebody still writes an artifact that is not whole follows from its job: the attempt that began it is the
    // running one, or it never will be again. One from outside a job can be written for ever.
    artifact.status = match artifact.sha256 {
        Some(_) if is_damaged => ArtifactStatus::Damaged,
        Some(_) => ArtifactStatus::Available,
        None if artifact.version == 0 => ArtifactStatus::Uploading,
        None if artifact.attempt == 0 => ArtifactStatus::Writing,
        None if job_is_active && job_attempts == artifact.attempt => ArtifactStatus::Writing,
        None => ArtifactStatus::Incomplete,
    };
    Ok(StoredArtifact { artifact, change })
}
