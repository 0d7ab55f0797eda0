//! HTTP APIs: `record_requests`, `list_apis`, `api_traffic`, `list_requests`.

use std::time::Duration;

use upnext_core::Timestamp;
use upnext_core::api::{
    self, API_ALIVE, API_LISTED, ApiInstance, ApiRegistration, ApiReport, ApiRequest, ApiTraffic, NewRequest,
    REQUESTS_KEPT, RequestQuery, RouteHour, StatusClass, Traffic, TrafficQuery,
};
use upnext_core::backend::Result;
use upnext_core::insight::Hour;

use crate::Redis;
use crate::args::Args;
use crate::link::Repeat;
use crate::reply::{Reply, unexpected};
use crate::rows::stored_micros;

/// A request as it is stored behind its number and its moment: instance, method, route, status, duration and error.
type StoredRequest = (String, String, String, u16, u64, Option<String>);

/// The name of a figure: hour, API, route and method.
type FigureName = (i64, String, String, String);

pub(crate) async fn record_requests(redis: &Redis, report: &ApiReport) -> Result<()> {
    let instance = &report.instance;
    let mut args = redis.now.begin();
    args.add(&instance.id)
        .add(&instance.api)
        .add(serde_json::to_string(instance).unwrap_or_default())
        .flag(report.stopped)
        .number(i64::try_from(report.dropped).unwrap_or(i64::MAX))
        .number(REQUESTS_KEPT)
        .number(api::listed(&report.requests).count());
    for request in api::listed(&report.requests) {
        let error = request.error.as_deref();
        let micros = stored_micros(request.duration);
        let stored = (&instance.id, &request.method, &request.route, request.status, micros, error);
        args.number(request.class().place())
            .moment(request.at)
            .add(serde_json::to_string(&stored).unwrap_or_default());
    }
    for ((hour, route, method), traffic) in api::tally(&report.requests) {
        let name = (hour.number(), &instance.api, route, method);
        args.add(serde_json::to_string(&name).unwrap_or_default()).number(hour.number());
        let counters = traffic.counters();
        let counted = counters.iter().enumerate().filter(|(_, count)| **count > 0);
        args.number(counted.clone().count());
        counted.for_each(|(place, count)| add_counter(&mut args, place, *count));
    }
    // Figures add up, so a call whose answer was lost is not repeated.
    redis.link.call("record_requests", &args, Repeat::Never).await.map(drop)
}

fn add_counter(args: &mut Args, place: usize, count: u64) {
    args.number(place).number(i64::try_from(count).unwrap_or(i64::MAX));
}

pub(crate) async fn list_apis(redis: &Redis) -> Result<Vec<ApiInstance>> {
    let mut args = redis.now.begin();
    args.number(stored_micros(API_LISTED));
    let mut reply = Reply::new(redis.link.call("list_apis", &args, Repeat::Harmless).await?);
    reply.value()?;
    let found = reply.lists()?;
    let alive_since = reply.moment()?.before(API_ALIVE);
    let mut instances = Vec::with_capacity(found.len());
    for mut instance in found {
        let registration: ApiRegistration =
            serde_json::from_str(&instance.text()?).map_err(|_| unexpected("instance of an API"))?;
        let (started_at, last_heartbeat_at) = (instance.moment()?, instance.moment()?);
        let stopped_at = instance.optional_moment()?;
        instances.push(ApiInstance {
            registration,
            started_at,
            last_heartbeat_at,
            stopped_at,
            alive: stopped_at.is_none() && last_heartbeat_at >= alive_since,
            dropped: instance.number::<i64>()?.unsigned_abs(),
        });
    }
    instances.sort_by(|a, b| {
        b.started_at.cmp(&a.started_at).then_with(|| a.registration.id.cmp(&b.registration.id))
    });
    Ok(instances)
}

pub(crate) async fn api_traffic(redis: &Redis, query: &TrafficQuery) -> Result<ApiTraffic> {
    let mut args = redis.now.begin();
    args.number(query.hours.max(1));
    let mut reply = Reply::new(redis.link.call("api_traffic", &args, Repeat::Harmless).await?);
    reply.value()?;
    let mut hours = Vec::new();
    for mut figure in reply.lists()? {
        let (hour, api, route, method): FigureName =
            serde_json::from_str(&figure.text()?).map_err(|_| unexpected("name of a figure"))?;
        let mut stored = Reply::new(figure.list()?);
        let mut counters = [0; Traffic::COUNTERS];
        while !stored.is_empty() {
            let (place, count) = (stored.number::<usize>()?, stored.number::<i64>()?);
            if let Some(counter) = counters.get_mut(place) {
                *counter = count.unsigned_abs();
            }
        }
        if query.api.as_ref().is_none_or(|wanted| *wanted == api) {
            let traffic = Traffic::from_counters(&counters);
            hours.push(RouteHour { api, hour: Hour::from_number(hour), route, method, traffic });
        }
    }
    Ok(ApiTraffic { hours, now: reply.moment()? })
}

pub(crate) async fn list_requests(redis: &Redis, query: &RequestQuery) -> Result<Vec<ApiRequest>> {
    let mut args = redis.now.begin();
    // Methods and routes are asked of each request here.
    let limit = (query.method.is_none() && query.route.is_none()).then_some(query.limit);
    args.add(query.api.as_deref().unwrap_or_default())
        .optional(query.class.map(StatusClass::place))
        .number(query.after)
        .add(query.before.map_or_else(|| "+inf".to_owned(), |before| before.to_string()))
        .optional(limit);
    let mut reply = Reply::new(redis.link.call("list_requests", &args, Repeat::Harmless).await?);
    reply.value()?;
    let mut found = Reply::new(reply.list()?);
    let mut requests = Vec::new();
    while !found.is_empty() {
        let (api, member) = (found.text()?, found.text()?);
        requests.extend(Some(read_request(api, &member)?).filter(|request| query.admits(request)));
    }
    requests.sort_unstable_by_key(|request| std::cmp::Reverse(request.sequence));
    requests.truncate(query.limit);
    Ok(requests)
}

fn read_request(api: String, member: &str) -> Result<ApiRequest> {
    let wrong = || unexpected("request");
    let mut parts = member.splitn(3, ' ');
    let mut number = || -> Result<i64> { parts.next().and_then(|text| text.parse().ok()).ok_or_else(wrong) };
    let (sequence, at) = (number()?, number()?);
    let (instance, method, route, status, micros, error): StoredRequest =
        parts.next().and_then(|stored| serde_json::from_str(stored).ok()).ok_or_else(wrong)?;
    let duration = Duration::from_micros(micros);
    let at = Timestamp::from_micros(at);
    Ok(ApiRequest {
        sequence,
        api,
        instance,
        request: NewRequest { at, method, route, status, duration, error },
    })
}
