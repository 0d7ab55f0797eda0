//! Jobs, their attempts, their log lines and their figures on the wire.

use serde::Serialize;
use upnext_core::backend::Page;
use upnext_core::{RawJson, Timestamp};
use utoipa::ToSchema;

use super::{FailureReason, JobStatus, JobType, millis};

/// A job with all that is known about it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Job {
    /// Its id.
    #[schema(format = "uuid")]
    pub id: String,
    /// The idempotency key it was submitted with, else its id.
    pub job_key: String,
    /// Key of the function it runs.
    pub function: String,
    /// The function's name as people read it.
    pub function_name: String,
    /// Where it stands.
    pub status: JobStatus,
    /// When it was accepted.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it is, or became, due.
    #[schema(value_type = String, format = DateTime)]
    pub scheduled_at: Timestamp,
    /// When its last attempt began.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started_at: Option<Timestamp>,
    /// When it reached a final status.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub completed_at: Option<Timestamp>,
    /// Attempts begun so far.
    pub attempts: u32,
    /// Attempts it may have after the first one.
    pub max_retries: u32,
    /// Seconds that one attempt may run.
    pub timeout: f64,
    /// The worker instance of the last attempt.
    pub worker_id: Option<String>,
    /// The job from inside which it was submitted.
    #[schema(format = "uuid")]
    pub parent_id: Option<String>,
    /// The top of its tree; itself for a job that nobody submitted from inside a job.
    #[schema(format = "uuid")]
    pub root_id: String,
    /// How far it is, from 0 to 1.
    pub progress: f64,
    /// The text last given with the progress.
    pub progress_message: Option<String>,
    /// Its named arguments.
    #[schema(value_type = std::collections::HashMap<String, serde_json::Value>)]
    pub kwargs: RawJson,
    /// What made it.
    pub job_type: JobType,
    /// Where it came from: an object with a `type`.
    #[schema(value_type = std::collections::HashMap<String, serde_json::Value>)]
    pub source: RawJson,
    /// The state it saved last.
    #[schema(value_type = serde_json::Value, nullable)]
    pub checkpoint: Option<RawJson>,
    /// When it saved that.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub checkpoint_at: Option<Timestamp>,
    /// Milliseconds between being due and the begin of its last attempt.
    pub queue_wait_ms: Option<f64>,
    /// What it returned.
    #[schema(value_type = serde_json::Value, nullable)]
    pub result: Option<RawJson>,
    /// One line saying what went wrong last.
    pub error: Option<String>,
    /// The traceback of that.
    pub traceback: Option<String>,
    /// Why it failed or was cancelled.
    pub failure_reason: Option<FailureReason>,
    /// True while its worker has been told to stop it but has not yet.
    pub cancel_requested: bool,
    /// Higher runs first.
    pub priority: i32,
    /// Words it can be found by.
    pub tags: Vec<String>,
    /// Milliseconds its last attempt ran, once the job has ended.
    pub duration_ms: Option<f64>,
}

impl From<upnext_core::Job> for Job {
    fn from(job: upnext_core::Job) -> Self {
        let (queue_wait_ms, duration_ms) = (job.queue_wait().map(millis), job.duration().map(millis));
        let id = job.id.to_string();
        Self {
            job_key: job.idempotency_key.unwrap_or_else(|| id.clone()),
            id,
            function: job.function,
            function_name: job.function_name,
            status: job.status.into(),
            created_at: job.created_at,
            scheduled_at: job.scheduled_at,
            started_at: job.started_at,
            completed_at: job.completed_at,
            attempts: job.attempts,
            max_retries: job.retry.max_retries,
            timeout: job.timeout.as_secs_f64(),
            worker_id: job.worker_id,
            parent_id: job.parent_id.map(|id| id.to_string()),
            root_id: job.root_id.to_string(),
            progress: job.progress,
            progress_message: job.progress_message,
            kwargs: job.kwargs,
            source: job
                .source
                .unwrap_or_else(|| RawJson::trusted(format!(r#"{{"type":"{}"}}"#, job.job_type))),
            job_type: job.job_type.into(),
            checkpoint: job.checkpoint,
            checkpoint_at: job.checkpoint_at,
            queue_wait_ms,
            result: job.result,
            error: job.error,
            traceback: job.traceback,
            failure_reason: job.failure_reason.map(Into::into),
            cancel_requested: job.cancel_requested,
            priority: job.priority,
            tags: job.tags,
            duration_ms,
        }
    }
}

/// One page of jobs.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct JobPage {
    /// The jobs.
    pub jobs: Vec<Job>,
    /// How many there are on all pages together.
    pub total: u64,
    /// True when there may be more than `total`: a search for a text knows what it has seen.
    pub total_is_capped: bool,
    /// True when there is a further page.
    pub has_more: bool,
    /// Pass this as `cursor` to get the next page.
    pub next_cursor: Option<String>,
}

impl From<Page<upnext_core::Job>> for JobPage {
    fn from(page: Page<upnext_core::Job>) -> Self {
        Self {
            jobs: page.items.into_iter().map(Into::into).collect(),
            total: page.total,
            total_is_capped: page.total_is_capped,
            has_more: page.next.is_some(),
            next_cursor: page.next.map(|cursor| cursor.to_string()),
        }
    }
}

/// A job in brief, as other objects mention it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Run {
    /// The job's id.
    #[schema(format = "uuid")]
    pub id: String,
    /// Key of the function it runs.
    pub function: String,
    /// The function's name as people read it.
    pub function_name: String,
    /// Where it stands.
    pub status: JobStatus,
    /// When it was accepted.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When its last attempt began.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started_at: Option<Timestamp>,
    /// When it reached a final status.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub completed_at: Option<Timestamp>,
    /// Milliseconds its last attempt ran, once the job has ended.
    pub duration_ms: Option<f64>,
    /// One line saying what went wrong last.
    pub error: Option<String>,
    /// The worker instance of the last attempt.
    pub worker_id: Option<String>,
    /// Attempts begun so far.
    pub attempts: u32,
    /// How far it is, from 0 to 1.
    pub progress: f64,
}

impl From<upnext_core::Job> for Run {
    fn from(job: upnext_core::Job) -> Self {
        Self {
            id: job.id.to_string(),
            duration_ms: job.duration().map(millis),
            function: job.function,
            function_name: job.function_name,
            status: job.status.into(),
            created_at: job.created_at,
            started_at: job.started_at,
            completed_at: job.completed_at,
            error: job.error,
            worker_id: job.worker_id,
            attempts: job.attempts,
            progress: job.progress,
        }
    }
}

/// How many jobs there are and how they ended.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct JobStats {
    /// All jobs.
    pub total: u64,
    /// Those that completed.
    pub success_count: u64,
    /// Those that failed.
    pub failure_count: u64,
    /// Those that were cancelled.
    pub cancelled_count: u64,
    /// Percentage, 0 to 100, of completed among completed and failed ones; null while there is none of either.
    pub success_rate: Option<f64>,
    /// Mean run time in milliseconds of completed and failed ones; null while there is none of either.
    pub avg_duration_ms: Option<f64>,
}

impl From<upnext_core::insight::JobStats> for JobStats {
    fn from(stats: upnext_core::insight::JobStats) -> Self {
        let ended = stats.ended;
        Self {
            total: ended.total() + stats.unfinished,
            success_count: ended.complete,
            failure_count: ended.failed,
            cancelled_count: ended.cancelled,
            success_rate: ended.success_rate(),
            avg_duration_ms: ended.mean_duration_ms(),
        }
    }
}

/// The answer to a request to cancel.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct JobCancelled {
    /// The job.
    #[schema(format = "uuid")]
    pub job_id: String,
    /// Always true: the request was accepted.
    pub cancelled: bool,
    /// `cancelled` when it was waiting and is cancelled now; `active` while its worker is being told.
    pub status: JobStatus,
}

/// The answer to the deletion of a job.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct JobDeleted {
    /// Always `deleted`.
    pub status: &'static str,
    /// The job that was deleted.
    #[schema(format = "uuid")]
    pub id: String,
}

/// The answer to a request to retry.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct JobRetried {
    /// The job.
    #[schema(format = "uuid")]
    pub job_id: String,
    /// Always true: the job is queued again.
    pub retried: bool,
    /// Where it stands now.
    pub status: JobStatus,
}

/// One try at a job.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Attempt {
    /// 1 for the first.
    pub number: u32,
    /// The worker instance that ran it.
    pub worker_id: Option<String>,
    /// When it began.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub started_at: Option<Timestamp>,
    /// When it ended; null while it runs.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
    /// Milliseconds it ran, once it has ended.
    pub duration_ms: Option<f64>,
    /// `active`, `complete`, `failed`, `timeout`, `cancelled` or `lost` (its worker disappeared).
    pub outcome: String,
    /// One line saying what went wrong.
    pub error: Option<String>,
    /// The traceback of that.
    pub traceback: Option<String>,
}

impl From<upnext_core::Attempt> for Attempt {
    fn from(attempt: upnext_core::Attempt) -> Self {
        let duration =
            attempt.started_at.zip(attempt.ended_at).map(|(started, ended)| millis(ended.since(started)));
        Self {
            number: attempt.number,
            worker_id: attempt.worker_id,
            started_at: attempt.started_at,
            ended_at: attempt.ended_at,
            duration_ms: duration,
            outcome: attempt.outcome,
            error: attempt.error,
            traceback: attempt.traceback,
        }
    }
}

/// Every attempt of a job, oldest first.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct AttemptList {
    /// The attempts.
    pub attempts: Vec<Attempt>,
    /// How many there are.
    pub total: u64,
}

/// One line of a job's log.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LogLine {
    /// Its place; later lines have higher numbers.
    pub sequence: i64,
    /// The attempt that wrote it.
    pub attempt: u32,
    /// When it was written.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// `debug`, `info`, `warning`, `error` or `critical`.
    pub level: String,
    /// The text.
    pub message: String,
    /// Further fields.
    #[schema(value_type = Option<std::collections::HashMap<String, serde_json::Value>>)]
    pub extra: Option<RawJson>,
}

impl From<upnext_core::backend::LogLine> for LogLine {
    fn from(line: upnext_core::backend::LogLine) -> Self {
        Self {
            sequence: line.sequence,
            attempt: line.attempt,
            at: line.entry.at,
            level: line.entry.level,
            message: line.entry.message,
            extra: line.entry.extra,
        }
    }
}

/// Log lines of a job, oldest first.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct LogPage {
    /// The lines.
    pub logs: Vec<LogLine>,
    /// True when there are further lines at this moment.
    pub has_more: bool,
    /// Pass this as `after` to get the lines that follow.
    pub next_after: i64,
}
