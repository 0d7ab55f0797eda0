//! Jobs: lists, one job, trees, cancel, retry, attempts, logs, figures.

use upnext_core::backend::{LogEntry, Report, ReportEntry};
use upnext_core::client::Submission;
use upnext_core::job::Parent;
use upnext_core::{JobId, Outcome, RawJson, Timestamp};

use serde_json::json;

use crate::harness::{Api, detail, object};

#[tokio::test]
async fn a_job_is_shown_with_every_field() {
    let api = Api::start().await;
    api.register("demo", &["report"]).await;
    let queued = api.submit("report").await;
    let job = api.json(&format!("/api/v1/jobs/{queued}")).await;
    assert_eq!(job["status"], "queued");
    assert_eq!(job["kwargs"]["rows"], 3);
    assert_eq!(job["job_key"], queued.to_string());
    assert_eq!(job["root_id"], queued.to_string());
    assert_eq!(job["source"]["type"], "task");
    assert_eq!(job["timeout"], 1800.0);
    assert!(job["parent_id"].is_null() && job["result"].is_null() && job["duration_ms"].is_null());

    let result = RawJson::parse(r#"{"ok": true}"#).unwrap();
    let done = api.run("report", Outcome::Complete { result }).await;
    let job = api.json(&format!("/api/v1/jobs/{done}")).await;
    assert_eq!(job["status"], "complete");
    assert_eq!(job["result"]["ok"], true);
    assert!(job["duration_ms"].is_number() && job["queue_wait_ms"].is_number());
    assert!(job["created_at"].as_str().unwrap().ends_with('Z'));
}

#[tokio::test]
async fn jobs_are_filtered_and_paged() {
    let api = Api::start().await;
    for _ in 0..5 {
        api.submit("report").await;
    }
    api.submit("other").await;
    api.run("report", Outcome::failed("ValueError: no rows")).await;
    let all = api.json("/api/v1/jobs").await;
    assert_eq!((all["total"].as_u64(), all["has_more"].as_bool()), (Some(6), Some(false)));
    assert!(all["next_cursor"].is_null());

    let failed = api.json("/api/v1/jobs?status=failed&status=cancelled").await;
    assert_eq!(failed["total"], 1);
    assert_eq!(failed["jobs"][0]["error"], "ValueError: no rows");
    assert_eq!(failed["jobs"][0]["failure_reason"], "exception");

    let mut path = "/api/v1/jobs?function=report&limit=2".to_owned();
    let mut seen = Vec::new();
    loop {
        let page = api.json(&path).await;
        seen.extend(page["jobs"].as_array().unwrap().iter().map(|job| job["id"].to_string()));
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        assert_eq!(page["has_more"], true);
        path = format!("/api/v1/jobs?function=report&limit=2&cursor={cursor}");
    }
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 5);

    assert_eq!(api.json("/api/v1/jobs?before=2020-01-01T00:00:00Z").await["total"], 0);
    assert_eq!(api.json("/api/v1/jobs?after=2020-01-01T00:00:00Z").await["total"], 6);
    assert_eq!(api.json("/api/v1/jobs?worker_id=nobody").await["total"], 0);
}

#[tokio::test]
async fn jobs_are_found_by_tags_and_by_a_text() {
    let api = Api::start().await;
    let tagged = async |function: &str, tags: &[&str]| {
        let tags = tags.iter().map(|&tag| tag.to_owned()).collect();
        let kwargs = RawJson::parse(format!(r#"{{"customer": "Ada {function}"}}"#)).unwrap();
        api.client
            .submit(Submission { tags, ..Submission::new(function, kwargs) })
            .await
            .unwrap()
            .id
            .to_string()
    };
    let first = tagged("first", &["eu", "nightly"]).await;
    let second = tagged("second", &["eu"]).await;
    let third = tagged("third", &[]).await;
    assert_eq!(api.json(&format!("/api/v1/jobs/{first}")).await["tags"], json!(["eu", "nightly"]));
    assert_eq!(api.json(&format!("/api/v1/jobs/{third}")).await["tags"], json!([]));
    let path = |query: &str| format!("/api/v1/jobs?{query}");
    for (query, wanted) in [
        ("tag=eu", vec![&second, &first]),
        ("tag=eu&tag=nightly", vec![&first]),
        ("tag=eu,nightly", vec![&first]),
        ("tag=EU", vec![]),
        ("text=ADA", vec![&third, &second, &first]),
        ("text=ada+second", vec![&second]),
        ("text=nightly", vec![&first]),
        ("text=ada&tag=eu", vec![&second, &first]),
        ("text=ada&function=third", vec![&third]),
        ("text=", vec![&third, &second, &first]),
        (&format!("text={first}"), vec![&first]),
    ] {
        let page = api.json(&path(query)).await;
        let found: Vec<&str> =
            page["jobs"].as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap()).collect();
        assert_eq!(found, wanted, "{query}");
        assert_eq!((&page["total_is_capped"], &page["has_more"]), (&json!(false), &json!(false)), "{query}");
    }
    // The job with that id comes first, before newer ones that hold it in another place.
    let mention = RawJson::parse(format!(r#"{{"after": "{first}"}}"#)).unwrap();
    let newer = api.client.submit(Submission::new("fourth", mention)).await.unwrap().id.to_string();
    for limit in [2, 100] {
        let named = api.json(&path(&format!("text={first}&limit={limit}"))).await;
        assert_eq!([&named["jobs"][0]["id"], &named["jobs"][1]["id"]], [&json!(first), &json!(newer)]);
    }
    let page = api.json(&path("text=ada&limit=2")).await;
    assert_eq!((page["total"].as_u64(), &page["total_is_capped"]), (Some(2), &json!(true)));
    let rest = api.json(&path(&format!("text=ada&cursor={}", page["next_cursor"].as_str().unwrap()))).await;
    assert_eq!((rest["jobs"][0]["id"].as_str(), rest["jobs"].as_array().unwrap().len()), (Some(&*first), 1));
}

#[tokio::test]
async fn bad_parameters_are_named() {
    let api = Api::start().await;
    for (query, part) in [
        ("limit=0", "limit is '0'"),
        ("limit=many", "from 1 to 1000"),
        ("status=done", "'done' is not a job status"),
        ("after=noon", "after is 'noon'"),
        ("cursor=abc", "not a cursor"),
        ("function=a&function=b", "more than once"),
        ("text=a&text=b", "more than once"),
    ] {
        let sentence = detail(api.get(&format!("/api/v1/jobs?{query}")).await, 422).await;
        assert!(sentence.contains(part), "{sentence}");
    }
}

#[tokio::test]
async fn what_does_not_exist_is_404_everywhere() {
    let api = Api::start().await;
    let id = JobId::fresh();
    for path in ["", "/timeline", "/attempts", "/logs", "/artifacts"] {
        assert!(
            detail(api.get(&format!("/api/v1/jobs/{id}{path}")).await, 404).await.contains("there is no job")
        );
        detail(api.get(&format!("/api/v1/jobs/nope{path}")).await, 404).await;
    }
    for path in ["cancel", "retry"] {
        detail(api.post(&format!("/api/v1/jobs/{id}/{path}")).await, 404).await;
    }
    for path in ["artifacts/nope", "functions/nope", "workers/nope", "nope", ""] {
        detail(api.get(&format!("/api/v1/{path}")).await, 404).await;
    }
    for path in ["/api", "/api/", "/api/v2/jobs", "/api/v1"] {
        detail(api.get(path).await, 404).await;
    }
}

#[tokio::test]
async fn wrong_methods_are_405() {
    let api = Api::start().await;
    assert!(detail(api.post("/api/v1/workers").await, 405).await.contains("POST"));
    detail(api.get("/api/v1/jobs/x/cancel").await, 405).await;
    detail(api.post("/api/v1/auth/status").await, 405).await;
    detail(api.post("/health").await, 405).await;
    detail(api.post("/some/page").await, 405).await;
}

#[tokio::test]
async fn waiting_and_running_jobs_are_cancelled_and_ended_ones_are_not() {
    let api = Api::start().await;
    let waiting = api.submit("report").await;
    let response = api.post(&format!("/api/v1/jobs/{waiting}/cancel")).await;
    assert_eq!(response.status(), 200);
    let body: serde_json::Value = response.json().await.unwrap();
    assert_eq!(body["cancelled"], true);
    assert_eq!(body["status"], "cancelled");
    assert_eq!(body["job_id"], waiting.to_string());

    let sentence = detail(api.post(&format!("/api/v1/jobs/{waiting}/cancel")).await, 409).await;
    assert!(sentence.contains("has ended already: it is cancelled"), "{sentence}");

    let running = api.submit("report").await;
    api.claim("report").await;
    let response = api.post(&format!("/api/v1/jobs/{running}/cancel")).await;
    assert_eq!(response.status(), 202);
    assert_eq!(response.json::<serde_json::Value>().await.unwrap()["status"], "active");
    assert_eq!(api.json(&format!("/api/v1/jobs/{running}")).await["cancel_requested"], true);
}

#[tokio::test]
async fn only_failed_jobs_are_retried() {
    let api = Api::start().await;
    let id = api.submit("report").await;
    let sentence = detail(api.post(&format!("/api/v1/jobs/{id}/retry")).await, 409).await;
    assert!(sentence.contains("only failed jobs"), "{sentence}");
    api.run("report", Outcome::failed("x")).await;
    let response = api.post(&format!("/api/v1/jobs/{id}/retry")).await;
    assert_eq!(response.status(), 200);
    let body: serde_json::Value = response.json().await.unwrap();
    assert_eq!((body["retried"].as_bool(), body["status"].as_str()), (Some(true), Some("queued")));
    let attempts = api.json(&format!("/api/v1/jobs/{id}/attempts")).await;
    assert_eq!(attempts["total"], 1);
    assert_eq!(attempts["attempts"][0]["outcome"], "failed");
    assert_eq!(attempts["attempts"][0]["error"], "x");
}

#[tokio::test]
async fn a_timeline_shows_the_whole_tree_from_any_of_its_jobs() {
    let api = Api::start().await;
    let root = api.submit("root").await;
    let parent = Some(Parent { parent_id: root, root_id: root });
    let child =
        api.client.submit(Submission { parent, ..Submission::new("child", object()) }).await.unwrap().id;
    let parent = Some(Parent { parent_id: child, root_id: root });
    api.client.submit(Submission { parent, ..Submission::new("grandchild", object()) }).await.unwrap();
    api.submit("stranger").await;
    let tree = api.json(&format!("/api/v1/jobs/{child}/timeline")).await;
    let functions: Vec<&str> =
        tree["jobs"].as_array().unwrap().iter().map(|job| job["function"].as_str().unwrap()).collect();
    assert_eq!(functions, ["root", "child", "grandchild"]);
    assert_eq!((tree["total"].as_u64(), tree["has_more"].as_bool()), (Some(3), Some(false)));
    assert_eq!(tree["jobs"][2]["parent_id"], child.to_string());
}

#[tokio::test]
async fn logs_are_read_page_by_page() {
    let api = Api::start().await;
    let id = api.submit("report").await;
    let lease = api.claim("report").await.lease;
    let line = |number: u32| {
        let extra = Some(RawJson::parse(r#"{"rows": 1}"#).unwrap());
        let at = Timestamp::from_micros(1_769_851_800_000_000);
        let message = format!("line {number}");
        Report { lease, entry: ReportEntry::Log(LogEntry { at, level: "info".to_owned(), message, extra }) }
    };
    api.client.backend().report((0..3).map(line).collect()).await.unwrap();
    let first = api.json(&format!("/api/v1/jobs/{id}/logs?limit=2")).await;
    assert_eq!(first["logs"].as_array().unwrap().len(), 2);
    assert_eq!(first["has_more"], true);
    assert_eq!(first["logs"][0]["message"], "line 0");
    assert_eq!(first["logs"][0]["extra"]["rows"], 1);
    let rest = api.json(&format!("/api/v1/jobs/{id}/logs?after={}", first["next_after"])).await;
    assert_eq!(rest["logs"].as_array().unwrap().len(), 1);
    assert_eq!(rest["has_more"], false);
    detail(api.get(&format!("/api/v1/jobs/{id}/logs?after=-1")).await, 422).await;
}

#[tokio::test]
async fn figures_count_how_jobs_ended() {
    let api = Api::start().await;
    assert!(api.json("/api/v1/jobs/stats").await["success_rate"].is_null());
    for _ in 0..4 {
        api.submit("report").await;
    }
    for _ in 0..3 {
        api.run("report", Outcome::Complete { result: RawJson::null() }).await;
    }
    api.run("report", Outcome::failed("x")).await;
    let stats = api.json("/api/v1/jobs/stats?function=report").await;
    assert_eq!(stats["total"], 4);
    assert_eq!((stats["success_count"].as_u64(), stats["failure_count"].as_u64()), (Some(3), Some(1)));
    assert_eq!(stats["success_rate"], 75.0);
    assert_eq!(api.json("/api/v1/jobs/stats?function=other").await["total"], 0);
}
