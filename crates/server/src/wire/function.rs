//! Functions on the wire.

use serde::Serialize;
use upnext_core::Timestamp;
use utoipa::ToSchema;

use super::{JobStatus, JobType, Run};

/// A function that workers registered, with figures about its jobs. Limits, cache, schedule and pattern are null
/// where it has none.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Function {
    /// The name jobs are addressed to.
    pub key: String,
    /// The name people read.
    pub name: String,
    /// What makes its jobs.
    #[serde(rename = "type")]
    pub job_type: JobType,
    /// True while a live worker offers it.
    pub active: bool,
    /// Paused functions accept jobs, but none of them is run.
    pub paused: bool,
    /// Seconds that one attempt may run.
    pub timeout: f64,
    /// Attempts after the first one.
    pub max_retries: u32,
    /// Seconds before the first retry.
    pub retry_delay: f64,
    /// Factor by which each further delay grows.
    pub retry_backoff: f64,
    /// Its arguments; null when its worker could not tell.
    pub parameters: Option<Vec<FunctionParameter>>,
    /// Jobs per time, for example `100/m`.
    pub rate_limit: Option<String>,
    /// Jobs at once in the whole deployment.
    pub max_concurrency: Option<u32>,
    /// Its group for shared limits.
    pub routing_group: Option<String>,
    /// Jobs at once in that group.
    pub group_max_concurrency: Option<u32>,
    /// Jobs whose arguments give the same key here wait for each other.
    pub concurrency_key: Option<String>,
    /// Jobs of one such key at once; null is 1.
    pub key_max_concurrency: Option<u32>,
    /// Jobs whose arguments give the same key here share a result.
    pub cache_key: Option<String>,
    /// Seconds that a result is shared for; null is without end.
    pub cache_ttl: Option<f64>,
    /// The schedule of a cron function.
    pub schedule: Option<String>,
    /// The time zone of that schedule.
    pub timezone: Option<String>,
    /// When that schedule fires next.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub next_run_at: Option<Timestamp>,
    /// What happens to runs that were missed.
    pub missed_run_policy: Option<String>,
    /// How old a missed run may be.
    pub max_catch_up_seconds: Option<f64>,
    /// The events that an event handler listens to.
    pub pattern: Option<String>,
    /// Ids of the live worker instances that offer it.
    pub workers: Vec<String>,
    /// Jobs made in the last 24 hours.
    pub runs_24h: u64,
    /// Percentage, 0 to 100, of completed among finished jobs of the last 24 hours; null without finished jobs.
    pub success_rate: Option<f64>,
    /// Mean run time in milliseconds.
    pub avg_duration_ms: Option<f64>,
    /// 95th percentile of the run time in milliseconds.
    pub p95_duration_ms: Option<f64>,
    /// Mean wait in milliseconds between being due and beginning.
    pub avg_wait_ms: Option<f64>,
    /// 95th percentile of that wait in milliseconds.
    pub p95_wait_ms: Option<f64>,
    /// Jobs that are due and wait for a worker.
    pub queue_backlog: u64,
    /// When the newest job was made.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub last_run_at: Option<Timestamp>,
    /// How that job stands.
    pub last_run_status: Option<JobStatus>,
}

/// One named argument of a function.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FunctionParameter {
    /// Its name.
    pub name: String,
    /// True when it has no default.
    pub required: bool,
}

impl From<upnext_core::Function> for Function {
    fn from(function: upnext_core::Function) -> Self {
        let upnext_core::Function { definition, paused, next_run_at, workers, stats } = function;
        let limits = definition.limits;
        let cron = definition.cron;
        Self {
            key: definition.key,
            name: definition.name,
            job_type: definition.job_type.into(),
            active: !workers.is_empty(),
            paused,
            timeout: definition.timeout,
            max_retries: definition.retry.max_retries,
            retry_delay: definition.retry.delay,
            retry_backoff: definition.retry.backoff,
            parameters: definition.parameters.map(|parameters| {
                let wire = |parameter: upnext_core::Parameter| FunctionParameter {
                    name: parameter.name,
                    required: parameter.required,
                };
                parameters.into_iter().map(wire).collect()
            }),
            rate_limit: limits.rate_limit.map(|rate| rate.to_string()),
            max_concurrency: limits.max_concurrency,
            routing_group: limits.routing_group,
            group_max_concurrency: limits.group_max_concurrency,
            concurrency_key: definition.concurrency_key.map(|template| template.to_string()),
            key_max_concurrency: definition.key_max_concurrency,
            cache_key: definition.cache_key.map(|template| template.to_string()),
            cache_ttl: definition.cache_ttl,
            schedule: cron.as_ref().map(|cron| cron.schedule.clone()),
            timezone: cron.as_ref().map(|cron| cron.timezone.clone().unwrap_or_else(|| "UTC".to_owned())),
            next_run_at,
            missed_run_policy: cron.as_ref().map(|cron| cron.missed_run_policy.to_string()),
            max_catch_up_seconds: cron.and_then(|cron| cron.max_catch_up_seconds),
            pattern: definition.pattern.map(|pattern| pattern.to_string()),
            workers,
            runs_24h: stats.runs_24h,
            success_rate: stats.success_rate.map(|part| part * 100.0),
            avg_duration_ms: stats.avg_duration_ms,
            p95_duration_ms: stats.p95_duration_ms,
            avg_wait_ms: stats.avg_wait_ms,
            p95_wait_ms: stats.p95_wait_ms,
            queue_backlog: stats.queue_backlog,
            last_run_at: stats.last_run_at,
            last_run_status: stats.last_run_status.map(Into::into),
        }
    }
}

/// Every function ever registered.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FunctionList {
    /// The functions, by key.
    pub functions: Vec<Function>,
    /// How many there are.
    pub total: u64,
}

/// One function with its newest jobs.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FunctionDetail {
    /// The function.
    #[serde(flatten)]
    pub function: Function,
    /// Its newest jobs, newest first.
    pub recent_runs: Vec<Run>,
}

/// The answer to a request to forget a function.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FunctionDeleted {
    /// Always `deleted`.
    pub status: &'static str,
    /// Key of the function.
    pub key: String,
}

/// The answer to pausing or resuming a function.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FunctionPaused {
    /// The function.
    pub key: String,
    /// Whether it is paused now.
    pub paused: bool,
}
