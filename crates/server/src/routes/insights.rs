//! Figures: trends, queues, and the dashboard's first page.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use upnext_core::api::{Traffic, TrafficQuery};
use upnext_core::insight::{Ended, FunctionEnded, Hour, Notable, TrendsQuery};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::error::ApiError;
use crate::live::snapshots;
use crate::query::QueryPairs;
use crate::state::AppState;
use crate::wire::{
    Api, ApiFigures, CommonErrors, DashboardStats, FailingFunction, FunctionQueue, Job, JobTrends, JobType,
    KeptFigures, QueueFigures, QueueMetrics, RequestFigures, RunFigures, WorkerFigures,
};

/// Hours shown when the caller names no number.
const DEFAULT_HOURS: u32 = 24;

/// Most hours that are shown: a week.
const MAX_HOURS: usize = 168;

/// The window of the dashboard's figures.
const WINDOW_HOURS: u32 = 24;

/// Jobs and functions in each list of the dashboard's first page.
const LISTED: usize = 10;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(job_trends))
        .routes(routes!(stream_job_trends))
        .routes(routes!(queue_metrics))
        .routes(routes!(dashboard_stats))
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the parameters; QueryPairs reads them")]
struct TrendParams {
    /// How many hours, the present one being the last.
    #[param(minimum = 1, maximum = 168, default = 24)]
    hours: Option<u32>,
    /// Only jobs of this function (its key).
    function: Option<String>,
    /// Only jobs of this type.
    #[param(inline)]
    r#type: Option<JobType>,
}

fn trends_query(query: &QueryPairs) -> Result<TrendsQuery, ApiError> {
    let hours = query.count("hours", MAX_HOURS)?.and_then(|hours| u32::try_from(hours).ok());
    Ok(TrendsQuery {
        hours: hours.unwrap_or(DEFAULT_HOURS),
        function: query.one("function")?.map(str::to_owned),
        job_type: query.job_type()?,
    })
}

async fn trends(state: &AppState, query: TrendsQuery) -> Result<JobTrends, ApiError> {
    let hours = state.backend().job_trends(query).await?;
    Ok(JobTrends { hourly: hours.into_iter().map(Into::into).collect() })
}

/// How many jobs ended, hour by hour, and how.
#[utoipa::path(get, path = "/jobs/trends", tag = "jobs", params(TrendParams),
    responses((status = 200, description = "Every hour of the window, oldest first", body = JobTrends), CommonErrors))]
async fn job_trends(State(state): State<AppState>, query: QueryPairs) -> Result<Json<JobTrends>, ApiError> {
    Ok(Json(trends(&state, trends_query(&query)?).await?))
}

/// The same as it changes: `event: jobs.trends.snapshot` at once, and again after something happened, at most every two
/// seconds.
#[utoipa::path(get, path = "/jobs/trends/stream", tag = "jobs", params(TrendParams),
    responses((status = 200, description = "The stream; each message is one JobTrends",
        body = JobTrends, content_type = "text/event-stream"), CommonErrors))]
async fn stream_job_trends(State(state): State<AppState>, query: QueryPairs) -> Result<Response, ApiError> {
    let query = trends_query(&query)?;
    snapshots(&state, "jobs.trends.snapshot", move |state| {
        let query = query.clone();
        async move { trends(&state, query).await }
    })
    .await
}

/// How much waits and runs, altogether and by function.
#[utoipa::path(get, path = "/metrics/queue", tag = "dashboard",
    responses((status = 200, description = "The queues of this moment", body = QueueMetrics), CommonErrors))]
async fn queue_metrics(State(state): State<AppState>) -> Result<Json<QueueMetrics>, ApiError> {
    let depth = state.backend().queue_depth().await?;
    let whole = QueueFigures::new(&depth.whole(), depth.now);
    let of_function = |(function, own): (String, _)| FunctionQueue {
        function,
        figures: QueueFigures::new(&own, depth.now),
    };
    Ok(Json(QueueMetrics { whole, functions: depth.functions.into_iter().map(of_function).collect() }))
}

/// Everything that the dashboard's first page shows: the figures of the last 24 hours, queues, workers, and the jobs that
/// deserve a look.
#[utoipa::path(get, path = "/dashboard/stats", tag = "dashboard",
    responses((status = 200, description = "The figures of this moment", body = DashboardStats), CommonErrors))]
async fn dashboard_stats(State(state): State<AppState>) -> Result<Json<DashboardStats>, ApiError> {
    let backend = state.backend();
    let depth = backend.queue_depth().await?;
    let functions = backend.functions_ended(Hour::of(depth.now).back(WINDOW_HOURS - 1)).await?;
    let queue = QueueFigures::new(&depth.whole(), depth.now);
    let notable = async |which: Notable| -> Result<Vec<Job>, ApiError> {
        Ok(backend.notable_jobs(which, LISTED).await?.into_iter().map(Into::into).collect())
    };
    let kept = state.served.artifacts.totals().await?;
    Ok(Json(DashboardStats {
        runs: runs(&functions, queue.active),
        workers: workers(&state).await?,
        apis: apis(&state).await?,
        artifacts: KeptFigures {
            count: kept.artifacts,
            logical_bytes: kept.logical_bytes,
            stored_bytes: kept.stored_bytes,
        },
        recent_runs: notable(Notable::Newest).await?,
        recent_failures: notable(Notable::NewestFailed).await?,
        top_failing_functions: top_failing(&state, functions).await?,
        oldest_queued_jobs: notable(Notable::LongestQueued).await?,
        stuck_active_jobs: notable(Notable::Stuck).await?,
        queue,
    }))
}

fn runs(functions: &[FunctionEnded], active: u64) -> RunFigures {
    let mut ended = Ended::default();
    for function in functions {
        ended.add(&function.ended);
    }
    RunFigures {
        total: ended.total() + active,
        success: ended.complete,
        failed: ended.failed,
        cancelled: ended.cancelled,
        active,
        success_rate: ended.success_rate(),
        window_hours: WINDOW_HOURS,
    }
}

async fn workers(state: &AppState) -> Result<WorkerFigures, ApiError> {
    let workers = state.backend().list_workers().await?;
    let alive = || workers.iter().filter(|worker| worker.alive);
    Ok(WorkerFigures {
        total: workers.len() as u64,
        alive: alive().count() as u64,
        slots: alive().map(|worker| u64::from(worker.concurrency)).sum(),
        // A worker holds leases on more than it runs when jobs are short.
        busy: alive().map(|worker| u64::from(worker.active_jobs.min(worker.concurrency))).sum(),
    })
}

async fn apis(state: &AppState) -> Result<ApiFigures, ApiError> {
    let query = TrafficQuery { hours: WINDOW_HOURS, api: None };
    let hours = state.backend().api_traffic(query).await?.hours;
    let mut whole = Traffic::default();
    for hour in &hours {
        whole.add(&hour.traffic);
    }
    let apis = Api::group(state.backend().list_apis().await?, &hours);
    Ok(ApiFigures {
        total: apis.len() as u64,
        alive: apis.iter().filter(|api| api.active).count() as u64,
        figures: RequestFigures::from(&whole),
    })
}

async fn top_failing(
    state: &AppState,
    mut functions: Vec<FunctionEnded>,
) -> Result<Vec<FailingFunction>, ApiError> {
    functions.retain(|function| function.ended.failed > 0);
    functions.sort_by_key(|function| std::cmp::Reverse(function.ended.failed));
    functions.truncate(LISTED);
    let known = state.backend().list_definitions(None).await?;
    let names: BTreeMap<String, String> =
        known.into_iter().map(|definition| (definition.key, definition.name)).collect();
    let failing = functions.into_iter().map(|FunctionEnded { function, ended }| {
        let total = ended.complete + ended.failed;
        FailingFunction {
            function_name: names.get(&function).unwrap_or(&function).clone(),
            function,
            failed: ended.failed,
            total,
            failure_rate: 100.0 * ended.failed as f64 / total as f64,
        }
    });
    Ok(failing.collect())
}
