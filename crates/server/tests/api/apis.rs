//! HTTP APIs: who serves them, what was asked of them, and requests as they come.

use std::time::Duration;

use reqwest::{Method, Response};
use serde_json::Value;
use upnext_core::api::{ApiRegistration, ApiReport, NO_ROUTE, NewRequest};
use upnext_core::{Clock as _, SystemClock};

use crate::harness::{Api, detail};
use crate::insights::message;

fn request(method: &str, route: Option<&str>, status: u16, millis: u64) -> NewRequest {
    let error = (status == 500).then_some("KeyError");
    NewRequest::new(SystemClock.now(), method, route, status, Duration::from_millis(millis), error)
}

async fn report(api: &Api, name: &str, requests: Vec<NewRequest>, stopped: bool) {
    let instance = ApiRegistration {
        id: format!("{name}-1"),
        api: name.to_owned(),
        hostname: "host".to_owned(),
        pid: 7,
        host: "127.0.0.1".to_owned(),
        port: 8000,
        version: "0.0.0".to_owned(),
    };
    let report = ApiReport { instance, requests, dropped: 0, stopped };
    api.client.backend().record_requests(report).await.unwrap();
}

async fn two_apis(api: &Api) {
    let requests = vec![
        request("GET", Some("/orders/{id}"), 200, 10),
        request("GET", Some("/orders/{id}"), 404, 10),
        request("POST", Some("/orders"), 500, 100),
        request("GET", Some("/orders/{id}"), 304, 10),
        request("GET", None, 404, 1),
    ];
    report(api, "shop", requests, false).await;
    report(api, "admin", Vec::new(), true).await;
}

#[tokio::test]
async fn apis_are_listed_with_their_instances_and_figures() {
    let api = Api::start().await;
    assert_eq!(api.json("/api/v1/apis").await["total"], 0);
    detail(api.get("/api/v1/apis/shop").await, 404).await;
    two_apis(&api).await;

    let list = api.json("/api/v1/apis").await;
    assert_eq!(list["total"], 2);
    let (admin, shop) = (&list["apis"][0], &list["apis"][1]);
    assert_eq!(
        (&admin["name"], &admin["active"], &admin["requests"]),
        (&"admin".into(), &false.into(), &0.into())
    );
    assert!(
        admin["error_rate"].is_null()
            && admin["p95_ms"].is_null()
            && admin["instances"][0]["stopped_at"].is_string()
    );
    let counts =
        ["instance_count", "endpoint_count", "requests", "success", "client_errors", "server_errors"];
    assert_eq!(counts.map(|field| shop[field].as_u64().unwrap()), [1, 3, 5, 2, 2, 1], "{shop}");
    assert_eq!((shop["error_rate"].as_f64(), shop["avg_ms"].as_f64()), (Some(20.0), Some(26.2)), "{shop}");
    let instance = &shop["instances"][0];
    assert_eq!(
        (&instance["alive"], &instance["port"], &instance["dropped"]),
        (&true.into(), &8000.into(), &0.into())
    );

    let one = api.json("/api/v1/apis/shop").await;
    assert_eq!((&one["name"], &one["requests"]), (&"shop".into(), &5.into()));
    assert_eq!(one["endpoints"][0]["route"], "/orders/{id}", "not the most wanted first: {one}");
    let endpoints = api.json("/api/v1/apis/shop/endpoints?hours=1").await;
    assert_eq!(endpoints["total"], 3);
    assert_eq!(endpoints["endpoints"], one["endpoints"]);
    assert!(one["endpoints"].as_array().unwrap().iter().any(|endpoint| endpoint["route"] == NO_ROUTE));
    let stats = &api.json("/api/v1/dashboard/stats").await["apis"];
    let counts = ["total", "alive", "requests", "server_errors"];
    assert_eq!(counts.map(|field| stats[field].as_u64().unwrap()), [2, 1, 5, 1], "{stats}");
}

#[tokio::test]
async fn trends_of_apis_show_every_hour() {
    let api = Api::start().await;
    two_apis(&api).await;
    let requests = |trends: &Value| -> u64 {
        trends["hourly"].as_array().unwrap().iter().map(|hour| hour["requests"].as_u64().unwrap()).sum()
    };
    for (query, wanted) in [
        ("hours=3", 5),
        ("hours=3&api=shop", 5),
        ("hours=3&api=admin", 0),
        ("hours=3&method=POST", 1),
        ("hours=3&api=shop&route=/orders/%7Bid%7D", 3),
    ] {
        let trends = api.json(&format!("/api/v1/apis/trends?{query}")).await;
        assert_eq!((trends["hourly"].as_array().unwrap().len(), requests(&trends)), (3, wanted), "{query}");
    }
    for path in ["trends?hours=0", "trends/stream?hours=169", "shop/endpoints?hours=x"] {
        detail(api.get(&format!("/api/v1/apis/{path}")).await, 422).await;
    }
}

#[tokio::test]
async fn the_latest_requests_come_page_by_page() {
    let api = Api::start().await;
    two_apis(&api).await;
    let statuses = |page: &Value| -> Vec<u64> {
        page["events"].as_array().unwrap().iter().map(|event| event["status"].as_u64().unwrap()).collect()
    };
    let first = api.json("/api/v1/apis/events?limit=3").await;
    assert_eq!((statuses(&first), &first["has_more"]), (vec![404, 304, 500], &true.into()));
    let failed = &first["events"][2];
    assert_eq!(
        (&failed["error"], &failed["route"], &failed["method"]),
        (&"KeyError".into(), &"/orders".into(), &"POST".into())
    );
    assert_eq!((failed["duration_ms"].as_f64(), &failed["instance_id"]), (Some(100.0), &"shop-1".into()));
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = api.json(&format!("/api/v1/apis/events?limit=3&cursor={cursor}")).await;
    assert_eq!((statuses(&second), &second["has_more"]), (vec![404, 200], &false.into()));
    assert!(second["next_cursor"].is_null());
    for (query, wanted) in [
        ("status=4xx", vec![404, 404]),
        ("status=5xx&api=shop", vec![500]),
        ("api=admin", vec![]),
        ("route=/orders/%7Bid%7D&status=2xx", vec![200]),
        ("method=POST", vec![500]),
    ] {
        assert_eq!(statuses(&api.json(&format!("/api/v1/apis/events?{query}")).await), wanted, "{query}");
    }
    for bad in ["status=500", "limit=0", "cursor=x"] {
        detail(api.get(&format!("/api/v1/apis/events?{bad}")).await, 422).await;
    }
}

/// The next message with data of a stream whose messages have no names.
async fn event(stream: &mut Response, buffer: &mut String) -> (String, Value) {
    loop {
        while let Some((one, rest)) = buffer.split_once("\n\n") {
            let (one, rest) = (one.to_owned(), rest.to_owned());
            *buffer = rest;
            let line = |name: &str| one.lines().find_map(|line| line.strip_prefix(name).map(str::to_owned));
            if let Some(data) = line("data: ").filter(|data| data.starts_with('{')) {
                return (line("id: ").unwrap(), serde_json::from_str(&data).unwrap());
            }
        }
        let chunk = stream.chunk().await.unwrap().expect("the stream goes on");
        buffer.push_str(std::str::from_utf8(&chunk).unwrap());
    }
}

#[tokio::test]
async fn requests_are_told_as_they_come_and_can_be_resumed() {
    let api = Api::start().await;
    report(&api, "shop", vec![request("GET", Some("/before"), 200, 1)], false).await;
    let mut stream = api.get("/api/v1/apis/events/stream?status=5xx").await;
    assert_eq!(stream.headers()["content-type"], "text/event-stream");
    let mut text = String::new();
    while !text.contains("event: open") {
        text.push_str(std::str::from_utf8(&stream.chunk().await.unwrap().unwrap()).unwrap());
    }
    two_apis(&api).await;
    let (id, failed) = event(&mut stream, &mut text).await;
    assert_eq!(
        (&failed["type"], &failed["status"], &failed["route"]),
        (&"api.request".into(), &500.into(), &"/orders".into())
    );
    assert_eq!(failed["id"].to_string(), id);

    let resumed = api.request(Method::GET, "/api/v1/apis/events/stream").header("last-event-id", id);
    let (mut stream, mut text) = (resumed.send().await.unwrap(), String::new());
    let mut seen = Vec::new();
    while seen.len() < 2 {
        seen.push(event(&mut stream, &mut text).await.1["status"].as_u64().unwrap());
    }
    assert_eq!(seen, [304, 404], "not what came after the failure, oldest first");
    detail(api.get("/api/v1/apis/events/stream?status=x").await, 422).await;
}

#[tokio::test]
async fn apis_are_told_as_they_change() {
    let api = Api::start().await;
    let mut list = api.get("/api/v1/apis/stream").await;
    let mut text = String::new();
    assert_eq!(message(&mut list, &mut text, "apis.snapshot").await["total"], 0);
    detail(api.get("/api/v1/apis/shop/stream").await, 404).await;
    two_apis(&api).await;
    let mut one = api.get("/api/v1/apis/shop/stream").await;
    assert_eq!(message(&mut one, &mut String::new(), "api.snapshot").await["requests"], 5);
    let mut trends = api.get("/api/v1/apis/trends/stream?hours=2").await;
    let hours = message(&mut trends, &mut String::new(), "apis.trends.snapshot").await;
    assert_eq!(hours["hourly"].as_array().unwrap().len(), 2);
    while message(&mut list, &mut text, "apis.snapshot").await["total"] != 2 {}
}

#[tokio::test]
async fn functions_that_nobody_offers_are_forgotten() {
    let api = Api::start().await;
    let worker = api.register("demo", &["report"]).await;
    let forget = async |key: &str| {
        api.request(Method::DELETE, &format!("/api/v1/functions/{key}")).send().await.unwrap()
    };
    let sentence = detail(forget("report").await, 409).await;
    assert!(sentence.contains("demo-1"), "{sentence}");
    api.client.backend().deregister_worker(worker).await.unwrap();
    let answer: Value = forget("report").await.json().await.unwrap();
    assert_eq!((&answer["status"], &answer["key"]), (&"deleted".into(), &"report".into()));
    detail(forget("report").await, 404).await;
    assert_eq!(api.json("/api/v1/functions").await["total"], 0);
}
