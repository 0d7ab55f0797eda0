//! HTTP APIs: who serves them, what is asked of them hour by hour and route by route.

use axum::Json;
use axum::extract::State;
use axum::response::Response;
use upnext_core::api::{ApiTraffic, TrafficQuery};
use utoipa::IntoParams;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use super::PathText;
use crate::error::ApiError;
use crate::live::snapshots;
use crate::query::QueryPairs;
use crate::state::AppState;
use crate::wire::{
    Api, ApiDetail, ApiEndpoint, ApiEndpointList, ApiList, ApiTrends, CommonErrors, ErrorBody,
};

/// The window of the figures of an API, and of what is shown when the caller names no number of hours.
pub(super) const WINDOW_HOURS: u32 = 24;

/// Most hours that are shown: a week.
const MAX_HOURS: usize = 168;

pub(crate) fn router() -> OpenApiRouter<AppState> {
    OpenApiRouter::default()
        .routes(routes!(list_apis))
        .routes(routes!(stream_apis))
        .routes(routes!(api_trends))
        .routes(routes!(stream_api_trends))
        .routes(routes!(get_api))
        .routes(routes!(stream_api))
        .routes(routes!(list_endpoints))
}

/// List the APIs that are alive, or were heard of or asked anything within the last 24 hours.
#[utoipa::path(get, path = "/apis", tag = "apis",
    responses((status = 200, description = "The APIs, by name", body = ApiList), CommonErrors))]
async fn list_apis(State(state): State<AppState>) -> Result<Json<ApiList>, ApiError> {
    Ok(Json(all(&state).await?))
}

/// The same as it changes: `event: apis.snapshot` at once, and again within seconds after something changed.
#[utoipa::path(get, path = "/apis/stream", tag = "apis",
    responses((status = 200, description = "The stream; each message is one ApiList",
        body = ApiList, content_type = "text/event-stream"), CommonErrors))]
async fn stream_apis(State(state): State<AppState>) -> Result<Response, ApiError> {
    snapshots(&state, "apis.snapshot", |state| async move { all(&state).await }).await
}

async fn all(state: &AppState) -> Result<ApiList, ApiError> {
    let traffic = traffic(state, WINDOW_HOURS, None).await?;
    let apis = Api::group(state.backend().list_apis().await?, &traffic.hours);
    Ok(ApiList { total: apis.len() as u64, apis })
}

async fn traffic(state: &AppState, hours: u32, api: Option<String>) -> Result<ApiTraffic, ApiError> {
    Ok(state.backend().api_traffic(TrafficQuery { hours, api }).await?)
}

/// One API, with what was asked of it within the last 24 hours.
#[utoipa::path(get, path = "/apis/{name}", tag = "apis",
    params(("name" = String, Path, description = "The API's name")),
    responses((status = 200, description = "The API", body = ApiDetail),
        (status = 404, description = "There is no such API", body = ErrorBody), CommonErrors))]
async fn get_api(
    State(state): State<AppState>,
    PathText(name): PathText,
) -> Result<Json<ApiDetail>, ApiError> {
    Ok(Json(one(&state, &name).await?))
}

/// The same as it changes: `event: api.snapshot` at once, and again within seconds after something changed.
#[utoipa::path(get, path = "/apis/{name}/stream", tag = "apis",
    params(("name" = String, Path, description = "The API's name")),
    responses((status = 200, description = "The stream; each message is one ApiDetail",
            body = ApiDetail, content_type = "text/event-stream"),
        (status = 404, description = "There is no such API", body = ErrorBody), CommonErrors))]
async fn stream_api(State(state): State<AppState>, PathText(name): PathText) -> Result<Response, ApiError> {
    snapshots(&state, "api.snapshot", move |state| {
        let name = name.clone();
        async move { one(&state, &name).await }
    })
    .await
}

async fn one(state: &AppState, name: &str) -> Result<ApiDetail, ApiError> {
    let traffic = traffic(state, WINDOW_HOURS, Some(name.to_owned())).await?;
    let mut instances = state.backend().list_apis().await?;
    instances.retain(|instance| instance.registration.api == name);
    let api = Api::group(instances, &traffic.hours).pop().ok_or_else(|| no_api(name))?;
    Ok(ApiDetail { api, endpoints: ApiEndpoint::group(&traffic.hours) })
}

fn no_api(name: &str) -> ApiError {
    let shown: String = name.chars().take(80).collect();
    ApiError::NotFound(format!("there is no API '{shown}' that was heard of within the last day"))
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the parameters; QueryPairs reads them")]
struct HoursParams {
    /// How many hours, the present one being the last.
    #[param(minimum = 1, maximum = 168, default = 24)]
    hours: Option<u32>,
}

fn hours(query: &QueryPairs) -> Result<u32, ApiError> {
    let hours = query.count("hours", MAX_HOURS)?.and_then(|hours| u32::try_from(hours).ok());
    Ok(hours.unwrap_or(WINDOW_HOURS))
}

/// What is asked of an API, by method and route. An API that nobody knows has nothing.
#[utoipa::path(get, path = "/apis/{name}/endpoints", tag = "apis",
    params(("name" = String, Path, description = "The API's name"), HoursParams),
    responses((status = 200, description = "The routes, the most wanted first", body = ApiEndpointList), CommonErrors))]
async fn list_endpoints(
    State(state): State<AppState>,
    PathText(name): PathText,
    query: QueryPairs,
) -> Result<Json<ApiEndpointList>, ApiError> {
    let traffic = traffic(&state, hours(&query)?, Some(name)).await?;
    let endpoints = ApiEndpoint::group(&traffic.hours);
    Ok(Json(ApiEndpointList { total: endpoints.len() as u64, endpoints }))
}

#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[allow(dead_code, reason = "describes the parameters; QueryPairs reads them")]
struct TrendParams {
    /// How many hours, the present one being the last.
    #[param(minimum = 1, maximum = 168, default = 24)]
    hours: Option<u32>,
    /// Only requests to this API.
    api: Option<String>,
    /// Only requests with this method.
    method: Option<String>,
    /// Only requests for this route.
    route: Option<String>,
}

#[derive(Clone)]
struct Trend {
    hours: u32,
    api: Option<String>,
    method: Option<String>,
    route: Option<String>,
}

impl Trend {
    fn of(query: &QueryPairs) -> Result<Self, ApiError> {
        let text = |name: &str| Ok::<_, ApiError>(query.one(name)?.map(str::to_owned));
        Ok(Self { hours: hours(query)?, api: text("api")?, method: text("method")?, route: text("route")? })
    }

    async fn read(self, state: &AppState) -> Result<ApiTrends, ApiError> {
        let mut traffic = traffic(state, self.hours, self.api).await?;
        let same = |wanted: &Option<String>, is: &str| wanted.as_deref().is_none_or(|wanted| wanted == is);
        traffic.hours.retain(|hour| same(&self.method, &hour.method) && same(&self.route, &hour.route));
        Ok(ApiTrends::new(&traffic.hours, traffic.now, self.hours))
    }
}

/// How many requests there were, hour by hour, how they ended and how long they took.
#[utoipa::path(get, path = "/apis/trends", tag = "apis", params(TrendParams),
    responses((status = 200, description = "Every hour of the window, oldest first", body = ApiTrends), CommonErrors))]
async fn api_trends(State(state): State<AppState>, query: QueryPairs) -> Result<Json<ApiTrends>, ApiError> {
    Ok(Json(Trend::of(&query)?.read(&state).await?))
}

/// The same as it changes: `event: apis.trends.snapshot` at once, and again within seconds after something changed.
#[utoipa::path(get, path = "/apis/trends/stream", tag = "apis", params(TrendParams),
    responses((status = 200, description = "The stream; each message is one ApiTrends",
        body = ApiTrends, content_type = "text/event-stream"), CommonErrors))]
async fn stream_api_trends(State(state): State<AppState>, query: QueryPairs) -> Result<Response, ApiError> {
    let trend = Trend::of(&query)?;
    snapshots(&state, "apis.trends.snapshot", move |state| {
        let trend = trend.clone();
        async move { trend.read(&state).await }
    })
    .await
}
