//! Figures on the wire: trends, queues, and what the dashboard's first page shows.

use serde::Serialize;
use upnext_core::Timestamp;
use upnext_core::insight::{Depth, TrendHour};
use utoipa::ToSchema;

use super::{Job, RequestFigures, millis};

/// What happened hour by hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct JobTrends {
    /// Every hour of the window, oldest first; the last one is the present hour.
    pub hourly: Vec<JobTrendHour>,
}

/// What happened in one hour.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
pub struct JobTrendHour {
    /// When the hour began.
    #[schema(value_type = String, format = DateTime)]
    pub hour: Timestamp,
    /// Jobs that completed in it.
    pub complete: u64,
    /// Jobs that failed for good in it.
    pub failed: u64,
    /// Attempts that failed in it and are, or were, tried again.
    pub retrying: u64,
    /// Jobs that run now and whose attempt began in it.
    pub active: u64,
}

impl From<TrendHour> for JobTrendHour {
    fn from(trend: TrendHour) -> Self {
        let TrendHour { hour, complete, failed, retrying, active } = trend;
        Self { hour: hour.begins(), complete, failed, retrying, active }
    }
}

/// Jobs that wait or run at this moment.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct QueueFigures {
    /// Due, and waiting for a worker.
    pub queued: u64,
    /// Not yet due.
    pub pending: u64,
    /// Waiting for another attempt.
    pub retrying: u64,
    /// Running.
    pub active: u64,
    /// Milliseconds since the queued job became due that has waited longest; null while none is queued.
    pub oldest_queued_ms: Option<f64>,
}

impl QueueFigures {
    pub(crate) fn new(depth: &Depth, now: Timestamp) -> Self {
        Self {
            queued: depth.queued,
            pending: depth.pending,
            retrying: depth.retrying,
            active: depth.active,
            oldest_queued_ms: depth.oldest_queued.map(|oldest| millis(now.since(oldest))),
        }
    }
}

/// The queues of this moment.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct QueueMetrics {
    /// All of them together.
    #[serde(flatten)]
    pub whole: QueueFigures,
    /// Each function with jobs that have not ended, by key.
    pub functions: Vec<FunctionQueue>,
}

/// The queue of one function.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FunctionQueue {
    /// Key of the function.
    pub function: String,
    /// Its jobs that have not ended.
    #[serde(flatten)]
    pub figures: QueueFigures,
}

/// The first page of the dashboard in one answer.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct DashboardStats {
    /// What ended lately, and what runs.
    pub runs: RunFigures,
    /// What waits.
    pub queue: QueueFigures,
    /// Who works.
    pub workers: WorkerFigures,
    /// HTTP APIs that report here.
    pub apis: ApiFigures,
    /// What is kept.
    pub artifacts: KeptFigures,
    /// The newest jobs, newest first.
    pub recent_runs: Vec<Job>,
    /// The newest jobs that failed, newest first.
    pub recent_failures: Vec<Job>,
    /// Functions with jobs that failed within the window, the one with most of them first.
    pub top_failing_functions: Vec<FailingFunction>,
    /// Jobs that have waited longest for a worker, the oldest first.
    pub oldest_queued_jobs: Vec<Job>,
    /// Jobs that run although their timeout is over or their lease ran out, the oldest first.
    pub stuck_active_jobs: Vec<Job>,
}

/// What ended within the window, and what runs.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct RunFigures {
    /// Jobs that ended within the window, and those that run.
    pub total: u64,
    /// Those that completed.
    pub success: u64,
    /// Those that failed.
    pub failed: u64,
    /// Those that were cancelled.
    pub cancelled: u64,
    /// Those that run now.
    pub active: u64,
    /// Percentage, 0 to 100, of completed among completed and failed ones; null while there is none of either.
    pub success_rate: Option<f64>,
    /// How many hours the window has, the present one being the last.
    pub window_hours: u32,
}

/// Who works.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WorkerFigures {
    /// Worker instances heard of within the last day.
    pub total: u64,
    /// Those that are alive.
    pub alive: u64,
    /// Jobs that these run at once, together.
    pub slots: u64,
    /// Slots in use. Workers hold further jobs ready only while these are short.
    pub busy: u64,
}

/// HTTP APIs, and what was asked of them within the window.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ApiFigures {
    /// How many there are.
    pub total: u64,
    /// Those of which an instance is alive.
    pub alive: u64,
    /// What was asked of all of them.
    #[serde(flatten)]
    pub figures: RequestFigures,
}

/// What is kept of artifacts.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct KeptFigures {
    /// Artifacts, older versions not counted.
    pub count: u64,
    /// Bytes of all versions together, as if each had its own.
    pub logical_bytes: u64,
    /// Bytes that they take: equal contents are kept once.
    pub stored_bytes: u64,
}

/// A function with jobs that failed.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct FailingFunction {
    /// Key of the function.
    pub function: String,
    /// The function's name as people read it.
    pub function_name: String,
    /// Its jobs that failed.
    pub failed: u64,
    /// Its jobs that completed or failed.
    pub total: u64,
    /// Percentage, 0 to 100, of the failed among these.
    pub failure_rate: f64,
}

/// The settings that hold in this server.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SettingList {
    /// Every setting, in the order of the reference page.
    pub settings: Vec<Setting>,
    /// Where jobs are kept.
    pub backend: BackendFacts,
    /// Where larger artifacts are kept.
    pub storage: StorageFacts,
}

/// One setting.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Setting {
    /// Its name as an environment variable.
    pub name: String,
    /// What holds; `***` for a secret that is set, empty when nothing is set.
    pub value: String,
    /// `set`, `default`, or `no effect` for names that this version only knows.
    pub source: &'static str,
    /// True when its value is never shown.
    pub secret: bool,
    /// What it does.
    pub description: &'static str,
}

/// Where jobs are kept.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct BackendFacts {
    /// `sqlite`, `postgres` or `redis`.
    pub kind: String,
    /// `full` or `relaxed`: what an acknowledgement means.
    pub durability: &'static str,
}

/// Where larger artifacts are kept.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct StorageFacts {
    /// `local`, `s3`, `gcs` or `azure`.
    pub kind: &'static str,
    /// The folder, or the bucket with the prefix.
    pub location: String,
    /// Artifacts up to this many bytes are kept with the jobs.
    pub inline_max_bytes: u64,
    /// The largest artifact.
    pub max_upload_bytes: u64,
}
