//! Figures: trends and their stream, queues, the dashboard's first page, settings.

use reqwest::Response;
use serde_json::Value;
use upnext_core::{Outcome, RawJson};

use crate::harness::{Api, detail, header};

fn complete() -> Outcome {
    Outcome::Complete { result: RawJson::null() }
}

/// The next message with this name.
pub(crate) async fn message(stream: &mut Response, buffer: &mut String, name: &str) -> Value {
    loop {
        while let Some((one, rest)) = buffer.split_once("\n\n") {
            let (one, rest) = (one.to_owned(), rest.to_owned());
            *buffer = rest;
            if one.lines().any(|line| line == format!("event: {name}")) {
                let data = one.lines().find_map(|line| line.strip_prefix("data: ")).unwrap();
                return serde_json::from_str(data).unwrap();
            }
        }
        let chunk = stream.chunk().await.unwrap().expect("the stream goes on");
        buffer.push_str(std::str::from_utf8(&chunk).unwrap());
    }
}

#[tokio::test]
async fn trends_show_every_hour_and_what_happened_in_it() {
    let api = Api::start().await;
    for _ in 0..3 {
        api.submit("report").await;
    }
    api.run("report", complete()).await;
    api.run("report", Outcome::failed("x")).await;
    api.claim("report").await;
    for (query, hours) in [("", 24), ("?hours=168", 168), ("?hours=1", 1)] {
        let trends = api.json(&format!("/api/v1/jobs/trends{query}")).await;
        let hourly = trends["hourly"].as_array().unwrap();
        assert_eq!(hourly.len(), hours, "{query}");
        let sum = |field: &str| hourly.iter().map(|hour| hour[field].as_u64().unwrap()).sum::<u64>();
        // The hour may have changed on the way.
        if hours > 1 {
            assert_eq!(
                (sum("complete"), sum("failed"), sum("retrying"), sum("active")),
                (1, 1, 0, 1),
                "{trends}"
            );
        }
        let moments: Vec<&str> = hourly.iter().map(|hour| hour["hour"].as_str().unwrap()).collect();
        assert!(moments.is_sorted() && moments[0].ends_with(":00:00.000000Z"), "{moments:?}");
    }
    let other = api.json("/api/v1/jobs/trends?function=other").await;
    assert!(other["hourly"].as_array().unwrap().iter().all(|hour| hour["complete"] == 0));
    for (query, part) in
        [("hours=0", "from 1 to 168"), ("hours=169", "hours is '169'"), ("type=x", "type: 'x'")]
    {
        let sentence = detail(api.get(&format!("/api/v1/jobs/trends?{query}")).await, 422).await;
        assert!(sentence.contains(part), "{sentence}");
        detail(api.get(&format!("/api/v1/jobs/trends/stream?{query}")).await, 422).await;
    }
}

#[tokio::test]
async fn trends_and_workers_are_told_as_they_change() {
    let api = Api::start().await;
    let mut trends = api.get("/api/v1/jobs/trends/stream?hours=2").await;
    assert_eq!(header(&trends, "content-type"), "text/event-stream");
    let mut workers = api.get("/api/v1/workers/stream").await;
    let (mut trends_text, mut workers_text) = (String::new(), String::new());
    let first = message(&mut trends, &mut trends_text, "jobs.trends.snapshot").await;
    assert_eq!(first["hourly"].as_array().unwrap().len(), 2);
    let none = message(&mut workers, &mut workers_text, "workers.snapshot").await;
    assert_eq!(none["total"], 0);

    api.register("demo", &["report"]).await;
    api.submit("report").await;
    api.run("report", complete()).await;
    let complete = |trends: &Value| {
        trends["hourly"]
            .as_array()
            .unwrap()
            .iter()
            .map(|hour| hour["complete"].as_u64().unwrap())
            .sum::<u64>()
    };
    while complete(&message(&mut trends, &mut trends_text, "jobs.trends.snapshot").await) != 1 {}
    while message(&mut workers, &mut workers_text, "workers.snapshot").await["workers"][0]["name"] != "demo" {
    }
}

#[tokio::test]
async fn queues_are_counted_by_function() {
    let api = Api::start().await;
    let empty = api.json("/api/v1/metrics/queue").await;
    assert!(empty["oldest_queued_ms"].is_null() && empty["functions"].as_array().unwrap().is_empty());
    for function in ["report", "report", "report", "resize"] {
        api.submit(function).await;
    }
    api.claim("report").await;
    let queue = api.json("/api/v1/metrics/queue").await;
    let counts =
        |queue: &Value| ["queued", "pending", "retrying", "active"].map(|f| queue[f].as_u64().unwrap());
    assert_eq!(counts(&queue), [3, 0, 0, 1]);
    assert_eq!(queue["functions"][0]["function"], "report");
    assert_eq!(counts(&queue["functions"][0]), [2, 0, 0, 1]);
    assert_eq!(counts(&queue["functions"][1]), [1, 0, 0, 0]);
    assert!(queue["functions"][0]["oldest_queued_ms"].as_f64() > Some(0.0), "{queue}");
}

#[tokio::test]
async fn the_first_page_comes_in_one_answer() {
    let api = Api::start().await;
    let empty = api.json("/api/v1/dashboard/stats").await;
    assert!(empty["runs"]["success_rate"].is_null() && empty["recent_runs"].as_array().unwrap().is_empty());
    api.register("demo", &["report", "resize"]).await;
    for function in ["report", "report", "report", "report", "resize", "resize"] {
        api.submit(function).await;
    }
    for _ in 0..2 {
        api.run("report", complete()).await;
    }
    let failed = api.run("report", Outcome::failed("ValueError: no rows")).await;
    let running = api.claim("report").await.lease.job_id;
    let cancelled = api.submit("resize").await;
    api.client.cancel(cancelled).await.unwrap();
    api.add(failed, "a.txt", "text", "hello").await;

    let stats = api.json("/api/v1/dashboard/stats").await;
    let runs = &stats["runs"];
    let counts = ["total", "success", "failed", "cancelled", "active", "window_hours"];
    assert_eq!(counts.map(|field| runs[field].as_u64().unwrap()), [5, 2, 1, 1, 1, 24], "{runs}");
    assert!((runs["success_rate"].as_f64().unwrap() - 66.67).abs() < 0.01, "{runs}");
    assert_eq!((stats["queue"]["queued"].as_u64(), stats["queue"]["active"].as_u64()), (Some(2), Some(1)));
    let workers = ["total", "alive", "slots", "busy"].map(|field| stats["workers"][field].as_u64().unwrap());
    assert_eq!(workers, [1, 1, 2, 1]);
    assert_eq!((&stats["apis"]["total"], &stats["artifacts"]["count"]), (&0.into(), &1.into()));
    assert_eq!(stats["artifacts"]["logical_bytes"], 5);
    assert_eq!(stats["recent_runs"].as_array().unwrap().len(), 7);
    assert_eq!(stats["recent_runs"][0]["id"], cancelled.to_string());
    assert_eq!(stats["recent_failures"].as_array().unwrap().len(), 1);
    assert_eq!(stats["recent_failures"][0]["id"], failed.to_string());
    let failing = &stats["top_failing_functions"];
    assert_eq!(failing.as_array().unwrap().len(), 1, "{failing}");
    assert_eq!((failing[0]["function"].as_str(), failing[0]["total"].as_u64()), (Some("report"), Some(3)));
    assert!((failing[0]["failure_rate"].as_f64().unwrap() - 33.33).abs() < 0.01, "{failing}");
    assert_eq!(stats["oldest_queued_jobs"].as_array().unwrap().len(), 2);
    assert_eq!(stats["oldest_queued_jobs"][0]["function"], "resize");
    assert!(stats["stuck_active_jobs"].as_array().unwrap().is_empty(), "{running} is not stuck");
}

#[tokio::test]
async fn settings_are_shown_without_secrets() {
    let vars = [("UPNEXT_AUTH_ENABLED", "true"), ("UPNEXT_API_KEY", "hunter2"), ("UPNEXT_PORT", "9999")];
    let api = Api::with(&vars).await;
    detail(api.get("/api/v1/settings").await, 401).await;
    let request = api.request(reqwest::Method::GET, "/api/v1/settings").bearer_auth("hunter2");
    let text = request.send().await.unwrap().text().await.unwrap();
    assert!(!text.contains("hunter2"), "{text}");
    let shown: Value = serde_json::from_str(&text).unwrap();
    let of = |name: &str| {
        let all = shown["settings"].as_array().unwrap();
        all.iter().find(|setting| setting["name"] == name).unwrap().clone()
    };
    let key = of("UPNEXT_API_KEY");
    assert_eq!((&key["value"], &key["source"], &key["secret"]), (&"***".into(), &"set".into(), &true.into()));
    assert_eq!(of("UPNEXT_PORT")["value"], "9999");
    assert_eq!(of("UPNEXT_HOST")["source"], "default");
    assert_eq!((&shown["backend"]["kind"], &shown["storage"]["kind"]), (&"sqlite".into(), &"local".into()));
}
