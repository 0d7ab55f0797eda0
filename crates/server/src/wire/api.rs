//! HTTP APIs on the wire: instances grouped by the name they share, figures about requests, and requests.

use std::collections::BTreeMap;

use serde::Serialize;
use upnext_core::Timestamp;
use upnext_core::api::{self as domain, RouteHour, StatusClass, Traffic};
use upnext_core::insight::Hour;
use utoipa::ToSchema;

use super::{millis, mirrored};

mirrored! {
    /// What the first digit of an HTTP status says.
    RequestStatus of domain::StatusClass {
        Informational = "1xx",
        Success = "2xx",
        Redirection = "3xx",
        ClientError = "4xx",
        ServerError = "5xx",
    }
}

/// Figures about requests.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
pub struct RequestFigures {
    /// All requests.
    pub requests: u64,
    /// Those with a status below 400.
    pub success: u64,
    /// Those with a status of 400 to 499: the caller did something wrong.
    pub client_errors: u64,
    /// Those with a status of 500 or more: the API did something wrong.
    pub server_errors: u64,
    /// Percentage, 0 to 100, of server errors among all requests; null while there is none.
    pub error_rate: Option<f64>,
    /// Mean duration in milliseconds; null while there is no request.
    pub avg_ms: Option<f64>,
    /// Half of the requests took no longer than this many milliseconds; off by an eighth at most.
    pub p50_ms: Option<f64>,
    /// 95 of 100 requests took no longer than this many milliseconds; off by an eighth at most.
    pub p95_ms: Option<f64>,
}

impl From<&Traffic> for RequestFigures {
    fn from(traffic: &Traffic) -> Self {
        let requests = traffic.requests();
        let client_errors = traffic.of_class(StatusClass::ClientError);
        let server_errors = traffic.of_class(StatusClass::ServerError);
        Self {
            requests,
            success: requests - client_errors - server_errors,
            client_errors,
            server_errors,
            error_rate: (requests > 0).then(|| 100.0 * server_errors as f64 / requests as f64),
            avg_ms: traffic.mean_ms(),
            p50_ms: traffic.quantile_ms(0.5),
            p95_ms: traffic.quantile_ms(0.95),
        }
    }
}

/// One running (or lately running) process of an API.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ApiInstance {
    /// Its id.
    pub id: String,
    /// True when it was heard of within the last three heartbeats and has not stopped.
    pub alive: bool,
    /// When it was first heard of.
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    /// When it was last heard of.
    #[schema(value_type = String, format = DateTime)]
    pub last_heartbeat: Timestamp,
    /// When it said goodbye; null while it runs, or if it vanished.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub stopped_at: Option<Timestamp>,
    /// The address it listens on.
    pub host: String,
    /// The port it listens on.
    pub port: u16,
    /// The machine it runs on.
    pub hostname: String,
    /// Its process id there.
    pub pid: u32,
    /// The version of UpNext in it.
    pub version: String,
    /// Requests that were not recorded, because there were too many at once.
    pub dropped: u64,
}

impl From<domain::ApiInstance> for ApiInstance {
    fn from(instance: domain::ApiInstance) -> Self {
        let said = instance.registration;
        Self {
            id: said.id,
            alive: instance.alive,
            started_at: instance.started_at,
            last_heartbeat: instance.last_heartbeat_at,
            stopped_at: instance.stopped_at,
            host: said.host,
            port: said.port,
            hostname: said.hostname,
            pid: said.pid,
            version: said.version,
            dropped: instance.dropped,
        }
    }
}

/// An API: all instances that share one name, and how it has been going for the last 24 hours.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Api {
    /// The name.
    pub name: String,
    /// True while one of its instances is alive.
    pub active: bool,
    /// How many of its instances are alive.
    pub instance_count: u64,
    /// Every instance heard of within the last day, the live ones first.
    pub instances: Vec<ApiInstance>,
    /// How many routes were asked for.
    pub endpoint_count: u64,
    /// What was asked for.
    #[serde(flatten)]
    pub figures: RequestFigures,
}

impl Api {
    /// Groups instances and figures by the API's name, in the order of the names.
    #[must_use]
    pub fn group(instances: Vec<domain::ApiInstance>, hours: &[RouteHour]) -> Vec<Self> {
        let mut groups: BTreeMap<String, Vec<ApiInstance>> =
            hours.iter().map(|hour| (hour.api.clone(), Vec::new())).collect();
        for instance in instances {
            groups.entry(instance.registration.api.clone()).or_default().push(instance.into());
        }
        groups.into_iter().map(|(name, instances)| Self::new(name, instances, hours)).collect()
    }

    fn new(name: String, mut instances: Vec<ApiInstance>, hours: &[RouteHour]) -> Self {
        instances.sort_by_key(|instance| (!instance.alive, std::cmp::Reverse(instance.started_at)));
        let own: Vec<&RouteHour> = hours.iter().filter(|hour| hour.api == name).collect();
        let alive = instances.iter().filter(|instance| instance.alive).count();
        Self {
            name,
            active: alive > 0,
            instance_count: alive as u64,
            instances,
            endpoint_count: endpoints(own.iter().copied()).len() as u64,
            figures: RequestFigures::from(&whole(own)),
        }
    }
}

fn whole<'a>(hours: impl IntoIterator<Item = &'a RouteHour>) -> Traffic {
    let mut whole = Traffic::default();
    for hour in hours {
        whole.add(&hour.traffic);
    }
    whole
}

fn endpoints<'a>(
    hours: impl IntoIterator<Item = &'a RouteHour>,
) -> BTreeMap<(&'a str, &'a str), Vec<&'a RouteHour>> {
    let mut endpoints: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for hour in hours {
        endpoints.entry((hour.route.as_str(), hour.method.as_str())).or_default().push(hour);
    }
    endpoints
}

/// The APIs that are alive, or were heard of or asked anything within the last 24 hours.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ApiList {
    /// The APIs, by name.
    pub apis: Vec<Api>,
    /// How many there are.
    pub total: u64,
}

/// An API with what is asked of it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ApiDetail {
    /// The API.
    #[serde(flatten)]
    pub api: Api,
    /// What was asked for within the last 24 hours, the most wanted first.
    pub endpoints: Vec<ApiEndpoint>,
}

/// A route with a method.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ApiEndpoint {
    /// The method.
    pub method: String,
    /// The route as the application wrote it; `(no route)` for requests that none matched.
    pub route: String,
    /// What was asked for.
    #[serde(flatten)]
    pub figures: RequestFigures,
}

impl ApiEndpoint {
    /// One for each method and route, the most wanted first.
    pub(crate) fn group(hours: &[RouteHour]) -> Vec<Self> {
        let mut found: Vec<Self> = endpoints(hours)
            .into_iter()
            .map(|((route, method), hours)| Self {
                method: method.to_owned(),
                route: route.to_owned(),
                figures: RequestFigures::from(&whole(hours)),
            })
            .collect();
        found.sort_by_key(|endpoint| std::cmp::Reverse(endpoint.figures.requests));
        found
    }
}

/// What is asked of an API.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ApiEndpointList {
    /// The routes, the most wanted first.
    pub endpoints: Vec<ApiEndpoint>,
    /// How many there are.
    pub total: u64,
}

/// What was asked for, hour by hour.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ApiTrends {
    /// Every hour of the window, oldest first; the last one is the present hour.
    pub hourly: Vec<ApiTrendHour>,
}

/// What was asked for in one hour.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ApiTrendHour {
    /// When the hour began.
    #[schema(value_type = String, format = DateTime)]
    pub hour: Timestamp,
    /// What was asked for.
    #[serde(flatten)]
    pub figures: RequestFigures,
}

impl ApiTrends {
    /// Every hour from the first to that of `now`, with what was asked for in it.
    pub(crate) fn new(hours: &[RouteHour], now: Timestamp, count: u32) -> Self {
        let first = Hour::of(now).back(count.max(1) - 1).number();
        let hourly = (first..=Hour::of(now).number()).map(Hour::from_number).map(|hour| ApiTrendHour {
            hour: hour.begins(),
            figures: RequestFigures::from(&whole(hours.iter().filter(|own| own.hour == hour))),
        });
        Self { hourly: hourly.collect() }
    }
}

/// A request that an API answered.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ApiRequest {
    /// Its place among all requests; later ones have higher numbers.
    pub id: i64,
    /// `api.request`.
    pub r#type: &'static str,
    /// When it came.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The API's name.
    pub api: String,
    /// Id of the instance that answered.
    pub instance_id: String,
    /// The method.
    pub method: String,
    /// The route as the application wrote it; `(no route)` when none matched.
    pub route: String,
    /// The status of the answer.
    pub status: u16,
    /// How long the answer took, in milliseconds.
    pub duration_ms: f64,
    /// The type of the error that ended it; null when none did.
    pub error: Option<String>,
}

impl From<domain::ApiRequest> for ApiRequest {
    fn from(recorded: domain::ApiRequest) -> Self {
        let request = recorded.request;
        Self {
            id: recorded.sequence,
            r#type: "api.request",
            at: request.at,
            api: recorded.api,
            instance_id: recorded.instance,
            method: request.method,
            route: request.route,
            status: request.status,
            duration_ms: millis(request.duration),
            error: request.error,
        }
    }
}

/// A page of requests. Of each API and class of statuses the newest 1,000 are kept, for a week.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct ApiRequestPage {
    /// The requests, the one recorded last first.
    pub events: Vec<ApiRequest>,
    /// Whether there are older ones.
    pub has_more: bool,
    /// Pass this as `cursor` to get them.
    pub next_cursor: Option<String>,
}
