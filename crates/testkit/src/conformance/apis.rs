//! `record_requests`, `list_apis`, `api_traffic` and `list_requests`: who serves APIs, and what was asked of them.

use std::time::Duration;

use upnext_core::api::{
    ApiInstance, ApiRegistration, ApiReport, ApiRequest, NewRequest, REQUESTS_KEPT, RequestQuery, RouteHour,
    StatusClass, Traffic, TrafficQuery,
};
use upnext_core::backend::ExpireRequest;
use upnext_core::insight::Hour;
use upnext_core::{Backend, Timestamp};

use crate::{Fixture, Harness};

fn instance(id: &str, api: &str) -> ApiRegistration {
    ApiRegistration {
        id: id.to_owned(),
        api: api.to_owned(),
        hostname: "host 図".to_owned(),
        pid: u32::MAX,
        host: "::1".to_owned(),
        port: u16::MAX,
        version: "1.2.3".to_owned(),
    }
}

fn report(id: &str, api: &str, requests: Vec<NewRequest>) -> ApiReport {
    ApiReport { instance: instance(id, api), requests, dropped: 0, stopped: false }
}

fn request(at: Timestamp, route: &str, status: u16, millis: u64) -> NewRequest {
    NewRequest::new(at, "GET", Some(route), status, Duration::from_millis(millis), None)
}

async fn record(backend: &dyn Backend, report: ApiReport) {
    backend.record_requests(report).await.expect("record_requests should not fail");
}

async fn instances(fixture: &Fixture) -> Vec<ApiInstance> {
    fixture.backend.list_apis().await.expect("list_apis should not fail")
}

async fn only_instance(fixture: &Fixture) -> ApiInstance {
    let mut instances = instances(fixture).await;
    assert_eq!(instances.len(), 1, "exactly one instance reported");
    instances.remove(0)
}

async fn requests(fixture: &Fixture, query: RequestQuery) -> Vec<ApiRequest> {
    fixture.backend.list_requests(query).await.expect("list_requests should not fail")
}

fn all() -> RequestQuery {
    RequestQuery { limit: 100_000, ..RequestQuery::default() }
}

fn routes(requests: &[ApiRequest]) -> Vec<&str> {
    requests.iter().map(|request| request.request.route.as_str()).collect()
}

async fn traffic(fixture: &Fixture, hours: u32, api: Option<&str>) -> Vec<RouteHour> {
    let query = TrafficQuery { hours, api: api.map(str::to_owned) };
    let mut traffic = fixture.backend.api_traffic(query).await.expect("api_traffic should not fail");
    assert_eq!(traffic.now, fixture.now(), "the answer should carry the backend's time");
    traffic
        .hours
        .sort_by(|a, b| (&a.api, a.hour, &a.route, &a.method).cmp(&(&b.api, b.hour, &b.route, &b.method)));
    traffic.hours
}

/// An API that reports is listed with all it said of itself; a later report replaces that, and counts what was dropped.
pub async fn a_reported_api_is_listed(harness: &dyn Harness) {
    let mut fixture = harness.open().await;
    assert!(instances(&fixture).await.is_empty(), "a fresh backend has APIs");
    let began = fixture.now();
    record(&*fixture.backend, ApiReport { dropped: 3, ..report("i-1", "größe", Vec::new()) }).await;
    let listed = only_instance(&fixture).await;
    assert_eq!(
        listed.registration,
        instance("i-1", "größe"),
        "what an API says of itself does not read back"
    );
    assert_eq!((listed.started_at, listed.last_heartbeat_at), (began, began), "wrong moments");
    assert_eq!((listed.stopped_at, listed.alive, listed.dropped), (None, true, 3), "a fresh API is alive");

    fixture.advance(4);
    let moved = ApiRegistration { port: 80, ..instance("i-1", "größe") };
    let again = ApiReport { instance: moved.clone(), dropped: 4, ..report("i-1", "größe", Vec::new()) };
    record(&*fixture.backend, again).await;
    fixture.backend = harness.reopen(&fixture).await;
    let listed = only_instance(&fixture).await;
    assert_eq!((listed.registration, listed.dropped), (moved, 7), "a later report did not add to the first");
    assert_eq!((listed.started_at, listed.last_heartbeat_at), (began, fixture.now()), "wrong moments");

    record(&*fixture.backend, ApiReport { stopped: true, ..report("i-1", "größe", Vec::new()) }).await;
    let listed = only_instance(&fixture).await;
    assert_eq!((listed.stopped_at, listed.alive), (Some(fixture.now()), false), "a stopped API is alive");
    record(&*fixture.backend, report("i-1", "größe", Vec::new())).await;
    let listed = only_instance(&fixture).await;
    assert_eq!((listed.stopped_at, listed.alive), (None, true), "an API that reports again is not alive");
}

/// An API is alive for three heartbeats of silence, then not; instances are listed for a day, newest first.
pub async fn a_silent_api_is_not_alive(harness: &dyn Harness) {
    let fixture = harness.open().await;
    record(&*fixture.backend, report("i-1", "shop", Vec::new())).await;
    fixture.advance(14);
    assert!(only_instance(&fixture).await.alive, "14 s of silence is less than three heartbeats of 5 s");
    fixture.advance(2);
    assert!(!only_instance(&fixture).await.alive, "16 s of silence is more than three heartbeats of 5 s");
    record(&*fixture.backend, report("i-2", "shop", Vec::new())).await;
    fixture.advance(60);
    record(&*fixture.backend, report("i-3", "admin", Vec::new())).await;
    let ids: Vec<String> = instances(&fixture).await.into_iter().map(|i| i.registration.id).collect();
    assert_eq!(ids, ["i-3", "i-2", "i-1"], "instances are not listed newest first");
    fixture.advance(24 * 3600 - 30);
    let ids: Vec<String> = instances(&fixture).await.into_iter().map(|i| i.registration.id).collect();
    assert_eq!(ids, ["i-3"], "exactly the instances that were heard of within the last day are listed");
}

/// Requests read back whole, the last recorded first, and can be read page by page in both directions.
pub async fn requests_are_listed_newest_first(harness: &dyn Harness) {
    let mut fixture = harness.open().await;
    let now = fixture.now();
    let full = NewRequest::new(
        now,
        "patch",
        Some("/größe/{图}"),
        500,
        Duration::from_micros(1_234_567),
        Some("KeyError"),
    );
    // Requests that began earlier may end later: the order is that of recording.
    let first = vec![full.clone(), request(now, "/a", 200, 1)];
    record(&*fixture.backend, report("i-1", "shop", first)).await;
    let earlier = Timestamp::from_micros(now.as_micros() - 5_000_000);
    record(&*fixture.backend, report("i-2", "admin", vec![request(earlier, "/b", 404, 1)])).await;
    fixture.backend = harness.reopen(&fixture).await;

    let listed = requests(&fixture, all()).await;
    assert_eq!(routes(&listed), ["/b", "/a", "/größe/{图}"], "not the last recorded first");
    assert!(listed.windows(2).all(|pair| pair[0].sequence > pair[1].sequence), "numbers do not grow");
    assert_eq!((listed[2].api.as_str(), listed[2].instance.as_str()), ("shop", "i-1"), "not who answered");
    assert_eq!(listed[2].request, full, "a request does not read back whole");
    assert_eq!((listed[0].api.as_str(), listed[0].request.at), ("admin", earlier), "not who answered when");

    let older = RequestQuery { before: Some(listed[0].sequence), limit: 1, ..all() };
    assert_eq!(routes(&requests(&fixture, older).await), ["/a"], "wrong page of older requests");
    let newer = RequestQuery { after: listed[2].sequence, ..all() };
    assert_eq!(routes(&requests(&fixture, newer).await), ["/b", "/a"], "wrong page of newer requests");
    let none = RequestQuery { after: listed[0].sequence, ..all() };
    assert!(requests(&fixture, none).await.is_empty(), "something is newer than the newest");
    assert!(requests(&fixture, RequestQuery { limit: 0, ..all() }).await.is_empty(), "a limit of none");
}

/// Every filter narrows the list, alone and with others.
pub async fn requests_are_found_by_what_they_are(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let now = fixture.now();
    let post = NewRequest::new(now, "POST", Some("/a"), 201, Duration::ZERO, None);
    let of_shop = vec![request(now, "/a", 200, 1), request(now, "/a", 404, 1), post];
    record(&*fixture.backend, report("i-1", "shop", of_shop)).await;
    let of_admin = vec![request(now, "/b", 503, 1), request(now, "/a", 302, 1)];
    record(&*fixture.backend, report("i-2", "admin", of_admin)).await;
    let shop = || Some("shop".to_owned());
    for (query, wanted) in [
        (RequestQuery { api: shop(), ..all() }, vec![201, 404, 200]),
        (RequestQuery { method: Some("POST".into()), ..all() }, vec![201]),
        (RequestQuery { route: Some("/a".into()), ..all() }, vec![302, 201, 404, 200]),
        (RequestQuery { class: Some(StatusClass::ClientError), ..all() }, vec![404]),
        (RequestQuery { class: Some(StatusClass::ServerError), api: shop(), ..all() }, vec![]),
        (RequestQuery { class: Some(StatusClass::Success), api: shop(), limit: 1, ..all() }, vec![201]),
        (RequestQuery { api: Some("nobody".into()), ..all() }, vec![]),
    ] {
        let text = format!("{query:?}");
        let statuses: Vec<u16> =
            requests(&fixture, query).await.iter().map(|request| request.request.status).collect();
        assert_eq!(statuses, wanted, "wrong requests for {text}");
    }
}

/// Of each API and class of statuses a bounded number stays listed, so that good answers push out no bad ones.
pub async fn the_newest_of_each_class_stay_listed(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let now = fixture.now();
    let kept = REQUESTS_KEPT as u64;
    let many = |first: u64, count: u64| -> Vec<NewRequest> {
        (first..first + count).map(|n| request(now, &format!("/{n}"), 200, 1)).collect()
    };
    record(&*fixture.backend, report("i-1", "shop", vec![request(now, "/bad", 500, 1)])).await;
    record(&*fixture.backend, report("i-2", "admin", many(0, 1))).await;
    // More than are kept, in one report and by several.
    record(&*fixture.backend, report("i-1", "shop", many(0, kept + 10))).await;
    record(&*fixture.backend, report("i-3", "shop", many(kept + 10, 20))).await;
    let listed = requests(&fixture, RequestQuery { api: Some("shop".into()), ..all() }).await;
    assert_eq!(listed.len() as u64, kept + 1, "not as many requests stay listed as should");
    assert_eq!(listed[0].request.route, format!("/{}", kept + 29), "the newest is not there");
    let oldest: Vec<&str> = routes(&listed[listed.len() - 2..]);
    assert_eq!(oldest, ["/30", "/bad"], "not the oldest good ones went");
    let of_admin = requests(&fixture, RequestQuery { api: Some("admin".into()), ..all() }).await;
    assert_eq!(of_admin.len(), 1, "one API pushed out the requests of another");
    let counted: u64 = traffic(&fixture, 1, Some("shop")).await.iter().map(|h| h.traffic.requests()).sum();
    assert_eq!(counted, kept + 31, "requests that are not listed are not counted");
}

/// Figures are what counting would give, of every hour, route and method, over reports and reopening.
pub async fn figures_are_by_hour_and_route(harness: &dyn Harness) {
    let mut fixture = harness.open().await;
    assert_eq!(traffic(&fixture, 24, None).await, [], "a fresh backend has figures");
    let now = fixture.now();
    let earlier = Timestamp::from_micros(now.as_micros() - 3600 * 1_000_000);
    let posted = NewRequest::new(now, "POST", Some("/a"), 503, Duration::from_secs(200), Some("OSError"));
    let first = vec![request(now, "/a", 200, 5), request(earlier, "/a", 404, 50), posted.clone()];
    let second = vec![request(now, "/a", 200, 7), request(now, "/b", 302, 1)];
    record(&*fixture.backend, report("i-1", "shop", first)).await;
    record(&*fixture.backend, report("i-1", "shop", second)).await;
    record(&*fixture.backend, report("i-2", "admin", vec![request(now, "/a", 200, 5)])).await;
    fixture.backend = harness.reopen(&fixture).await;

    let of = |api: &str, at: Timestamp, route: &str, method: &str, requests: &[NewRequest]| {
        let mut traffic = Traffic::default();
        for request in requests {
            traffic.count(request);
        }
        let (route, method) = (route.to_owned(), method.to_owned());
        RouteHour { api: api.to_owned(), hour: Hour::of(at), route, method, traffic }
    };
    let shop = vec![
        of("shop", earlier, "/a", "GET", &[request(earlier, "/a", 404, 50)]),
        of("shop", now, "/a", "GET", &[request(now, "/a", 200, 5), request(now, "/a", 200, 7)]),
        of("shop", now, "/a", "POST", &[posted]),
        of("shop", now, "/b", "GET", &[request(now, "/b", 302, 1)]),
    ];
    let mut everything = vec![of("admin", now, "/a", "GET", &[request(now, "/a", 200, 5)])];
    everything.extend(shop.clone());
    assert_eq!(traffic(&fixture, 2, Some("shop")).await, shop, "wrong figures of one API");
    assert_eq!(traffic(&fixture, 24, None).await, everything, "wrong figures of all APIs");
    assert_eq!(traffic(&fixture, 1, Some("shop")).await, shop[1..], "wrong figures of the present hour");
    fixture.advance(3600);
    assert_eq!(traffic(&fixture, 1, None).await, [], "an hour in which nothing happened has figures");
}

/// Reports that come at the same time through several handles lose nothing.
pub async fn figures_of_many_reporters_add_up(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let other = harness.reopen(&fixture).await;
    let now = fixture.now();
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..20 {
        let backend = if n % 2 == 0 { fixture.backend.clone() } else { other.clone() };
        tasks.spawn(async move {
            let requests = (0..10).map(|_| request(now, "/a", 200, 1)).collect();
            record(&*backend, report(&format!("i-{n}"), "shop", requests)).await;
        });
    }
    while let Some(done) = tasks.join_next().await {
        done.expect("a reporter should not fail");
    }
    let figures = traffic(&fixture, 1, None).await;
    let counted: Vec<u64> = figures.iter().map(|hour| hour.traffic.requests()).collect();
    assert_eq!(counted, [200], "figures do not add up");
    let listed = requests(&fixture, all()).await;
    let mut numbers: Vec<i64> = listed.iter().map(|request| request.sequence).collect();
    numbers.dedup();
    assert_eq!(numbers.len(), 200, "two requests share a number, or one is missing");
}

/// What is older than a week is forgotten; the numbers of requests are never used again.
pub async fn what_is_too_old_is_forgotten(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let now = fixture.now();
    record(&*fixture.backend, report("i-1", "shop", vec![request(now, "/old", 200, 1)])).await;
    let old = requests(&fixture, all()).await[0].sequence;
    let expire = async || {
        let request = ExpireRequest { jobs_ended_before: None, limit: 100 };
        fixture.backend.expire(request).await.expect("expire should not fail")
    };
    fixture.advance(7 * 24 * 3600);
    expire().await;
    assert_eq!(requests(&fixture, all()).await.len(), 1, "a request of a week ago is gone");
    assert_eq!(traffic(&fixture, 169, None).await.len(), 1, "the figures of a week ago are gone");
    fixture.advance(3600);
    expire().await;
    assert!(requests(&fixture, all()).await.is_empty(), "a request is kept for ever");
    assert!(traffic(&fixture, 1000, None).await.is_empty(), "figures are kept for ever");
    let now = fixture.now();
    record(&*fixture.backend, report("i-1", "shop", vec![request(now, "/new", 200, 1)])).await;
    let newer = RequestQuery { after: old, ..all() };
    assert_eq!(routes(&requests(&fixture, newer).await), ["/new"], "a number was used twice");
}
