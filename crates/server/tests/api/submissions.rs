//! Asking for jobs and sending events.

use reqwest::{Method, Response};
use serde_json::{Value, json};
use upnext_core::pattern::EventPattern;
use upnext_core::{FunctionDefinition, JobType, Parameter, WorkerId, WorkerRegistration};

use crate::harness::{Api, detail};

async fn post(api: &Api, path: &str, body: &Value) -> Response {
    api.request(Method::POST, path).json(body).send().await.unwrap()
}

async fn posted(api: &Api, path: &str, body: &Value) -> Value {
    let response = post(api, path, body).await;
    let status = response.status();
    let answer: Value = response.json().await.unwrap();
    assert_eq!(status, 200, "{answer}");
    answer
}

async fn register(api: &Api, functions: Vec<FunctionDefinition>) {
    let registration = WorkerRegistration {
        id: WorkerId::from("demo-1".to_owned()),
        name: "demo".to_owned(),
        hostname: "host".to_owned(),
        pid: 7,
        concurrency: 2,
        language: "rust".to_owned(),
        version: "0.0.0".to_owned(),
        functions,
    };
    api.client.backend().register_worker(registration).await.unwrap();
}

#[tokio::test]
async fn a_job_is_made_as_its_function_says() {
    let api = Api::start().await;
    let mut report = FunctionDefinition::task("reports.daily");
    report.name = "daily".to_owned();
    report.retry.max_retries = 4;
    report.timeout = 12.5;
    report.tags = vec!["etl".to_owned()];
    report.parameters = Some(vec![Parameter { name: "kind".to_owned(), required: true }]);
    register(&api, vec![report]).await;
    let body = json!({
        "function": "daily", "kwargs": {"kind": "x"}, "priority": 7, "idempotency_key": "k", "tags": ["eu ", "etl"],
    });
    let made = posted(&api, "/api/v1/jobs", &body).await;
    assert_eq!(made["created"], true);
    let job = api.json(&format!("/api/v1/jobs/{}", made["job_id"].as_str().unwrap())).await;
    assert_eq!(
        (job["function"].as_str(), job["function_name"].as_str()),
        (Some("reports.daily"), Some("daily"))
    );
    assert_eq!((job["max_retries"].as_u64(), job["timeout"].as_f64()), (Some(4), Some(12.5)));
    assert_eq!((job["priority"].as_i64(), job["status"].as_str()), (Some(7), Some("queued")));
    assert_eq!((&job["kwargs"], &job["tags"]), (&json!({"kind": "x"}), &json!(["etl", "eu"])));

    let again = posted(&api, "/api/v1/jobs", &body).await;
    assert_eq!(again, json!({"job_id": made["job_id"], "created": false}));
}

#[tokio::test]
async fn a_job_may_wait_for_its_time() {
    let api = Api::start().await;
    api.register("demo", &["report"]).await;
    let moment = "2126-01-31T09:30:00Z";
    for (body, scheduled_at) in [
        (json!({"function": "report", "at": moment}), Some("2126-01-31T09:30:00.000000Z")),
        (json!({"function": "report", "at": moment, "delay": 1.5}), Some("2126-01-31T09:30:01.500000Z")),
        (json!({"function": "report", "delay": 3600}), None),
    ] {
        let made = posted(&api, "/api/v1/jobs", &body).await;
        let job = api.json(&format!("/api/v1/jobs/{}", made["job_id"].as_str().unwrap())).await;
        assert_eq!(job["status"], "pending", "{body}");
        assert!(scheduled_at.is_none_or(|moment| job["scheduled_at"] == moment), "{job}");
        assert!(job["scheduled_at"].as_str() > job["created_at"].as_str(), "{job}");
    }
}

#[tokio::test]
async fn what_cannot_be_run_is_refused_with_a_sentence() {
    let api = Api::start().await;
    let nobody = detail(post(&api, "/api/v1/jobs", &json!({"function": "report"})).await, 404).await;
    assert!(nobody.contains("there is no function 'report'"), "{nobody}");
    let mut report = FunctionDefinition::task("report");
    report.parameters = Some(vec![Parameter { name: "kind".to_owned(), required: true }]);
    register(&api, vec![report]).await;
    let unknown = detail(post(&api, "/api/v1/jobs", &json!({"function": "reprot"})).await, 404).await;
    assert!(unknown.contains("known functions are report"), "{unknown}");
    for (body, part) in [
        (json!({"function": "report"}), "needs the argument 'kind'"),
        (json!({"function": "report", "kwargs": {"kind": 1, "rows": 2}}), "has no argument 'rows'"),
        (json!({"function": "report", "kwargs": [1]}), "must be one JSON object"),
        (json!({"function": "report", "kwargs": {"kind": 1}, "delay": -1}), "delay is -1"),
        (json!({"function": "report", "kwargs": {"kind": 1}, "delay": 1e300}), "at most"),
        (json!({"function": "report", "kwargs": {"kind": 1}, "at": "noon"}), "{function, kwargs"),
        (json!({"function": "report", "kwargs": {"kind": 1}, "idempotency_key": " "}), "idempotency key"),
        (json!({"function": "report", "args": {}}), "unknown field `args`"),
        (json!({"function": "report", "kwargs": {"kind": 1}, "tags": ["a,b"]}), "\"a,b\" is not a tag"),
        (json!({"kwargs": {}}), "missing field `function`"),
        (json!([]), "it is a list"),
    ] {
        let sentence = detail(post(&api, "/api/v1/jobs", &body).await, 422).await;
        assert!(sentence.contains(part), "{sentence}");
    }
    let large = json!({"function": "report", "kwargs": {"kind": "x".repeat(5 * 1024 * 1024)}});
    detail(post(&api, "/api/v1/jobs", &large).await, 413).await;
    assert_eq!(api.json("/api/v1/jobs").await["total"], 0, "something that was refused is there");
}

#[tokio::test]
async fn an_event_makes_a_job_for_each_of_its_handlers() {
    let api = Api::start().await;
    let handler = |key: &str, pattern: &str| {
        let mut handler = FunctionDefinition::task(key);
        handler.job_type = JobType::Event;
        handler.pattern = Some(EventPattern::parse(pattern).unwrap());
        handler
    };
    register(
        &api,
        vec![handler("ship", "order.placed"), handler("log", "order.*"), handler("ban", "user.*")],
    )
    .await;
    let body = json!({"event": "order.placed", "data": {"id": 5}, "idempotency_key": "5"});
    let sent = posted(&api, "/api/v1/events", &body).await;
    let jobs = sent["jobs"].as_array().unwrap();
    let functions: Vec<&str> = jobs.iter().map(|job| job["function"].as_str().unwrap()).collect();
    assert_eq!(functions, ["log", "ship"]);
    for made in jobs {
        let job = api.json(&format!("/api/v1/jobs/{}", made["job_id"].as_str().unwrap())).await;
        assert_eq!((&made["created"], &job["kwargs"]["id"]), (&json!(true), &json!(5)));
        assert_eq!((&job["source"]["event"], &job["job_type"]), (&json!("order.placed"), &json!("event")));
    }
    let again = posted(&api, "/api/v1/events", &body).await;
    assert!(again["jobs"].as_array().unwrap().iter().all(|job| job["created"] == false), "{again}");
    assert_eq!(posted(&api, "/api/v1/events", &json!({"event": "nothing"})).await, json!({"jobs": []}));
    for (body, part) in [
        (json!({"event": ""}), "event"),
        (json!({"event": "nothing", "data": [1]}), "one JSON object"),
        (json!({"event": "order.placed", "data": 5}), "one JSON object"),
    ] {
        let sentence = detail(post(&api, "/api/v1/events", &body).await, 422).await;
        assert!(sentence.contains(part), "{sentence}");
    }
}
