//! Functions and workers.

use upnext_core::{Outcome, RawJson};

use crate::harness::{Api, detail};

#[tokio::test]
async fn functions_are_listed_and_shown_with_their_newest_jobs() {
    let api = Api::start().await;
    assert_eq!(api.json("/api/v1/functions").await["total"], 0);
    let worker = api.register("demo", &["report", "resize"]).await;
    api.submit("report").await;
    api.run("report", Outcome::Complete { result: RawJson::null() }).await;
    let list = api.json("/api/v1/functions?type=task").await;
    assert_eq!(list["total"], 2);
    let report = &list["functions"][0];
    assert_eq!(report["key"], "report");
    assert_eq!(report["type"], "task");
    assert_eq!(report["active"], true);
    assert_eq!(report["workers"][0], worker.as_str());
    assert_eq!(report["success_rate"], 100.0);
    assert!(report["rate_limit"].is_null() && report["schedule"].is_null());
    assert_eq!(api.json("/api/v1/functions?type=cron").await["total"], 0);
    detail(api.get("/api/v1/functions?type=none").await, 422).await;
    let detail = api.json("/api/v1/functions/report").await;
    assert_eq!(detail["recent_runs"][0]["status"], "complete");
    assert_eq!(detail["key"], "report");
}

#[tokio::test]
async fn functions_are_paused_and_resumed() {
    let api = Api::start().await;
    api.register("demo", &["billing/charge now"]).await;
    let path = "/api/v1/functions/billing%2Fcharge%20now";
    for (verb, paused) in [("pause", true), ("resume", false)] {
        let response = api.post(&format!("{path}/{verb}")).await;
        assert_eq!(response.status(), 200);
        assert_eq!(response.json::<serde_json::Value>().await.unwrap()["paused"], paused);
        assert_eq!(api.json(path).await["paused"], paused);
    }
    detail(api.post("/api/v1/functions/none/pause").await, 404).await;
}

#[tokio::test]
async fn workers_are_grouped_by_name() {
    let api = Api::start().await;
    let id = api.register("demo", &["report"]).await;
    api.register("other", &[]).await;
    let list = api.json("/api/v1/workers").await;
    assert_eq!(list["total"], 2);
    let demo = &list["workers"][0];
    assert_eq!((demo["name"].as_str(), demo["active"].as_bool()), (Some("demo"), Some(true)));
    assert_eq!((demo["instance_count"].as_u64(), demo["concurrency"].as_u64()), (Some(1), Some(2)));
    assert_eq!(demo["function_names"]["report"], "report");
    assert_eq!(demo["instances"][0]["id"], id.as_str());
    assert_eq!(api.json("/api/v1/workers/demo").await, *demo);
    assert_eq!(api.json("/api/v1/workers/demo-1").await, *demo);

    api.client.backend().deregister_worker(id).await.unwrap();
    let demo = api.json("/api/v1/workers/demo").await;
    assert_eq!((demo["active"].as_bool(), demo["instance_count"].as_u64()), (Some(false), Some(0)));
    assert_eq!(demo["instances"][0]["alive"], false);
    assert_eq!(demo["functions"][0], "report");
}
