//! The live stream.

use reqwest::{Method, Response};
use upnext_core::{Outcome, RawJson};

use crate::harness::{Api, detail, header};

/// Reads the stream until it holds `part`.
async fn read_until(response: &mut Response, part: &str) -> String {
    let mut text = String::new();
    while !text.contains(part) {
        let chunk = response.chunk().await.unwrap().expect("the stream goes on");
        text.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    text
}

#[tokio::test]
async fn changes_arrive_as_they_happen_and_can_be_resumed() {
    let api = Api::start().await;
    let mut live = api.get("/api/v1/events/stream").await;
    assert_eq!(header(&live, "content-type"), "text/event-stream");
    let open = read_until(&mut live, "\n\n").await;
    assert!(open.contains("event: open") && open.contains("data: connected"), "{open}");

    let id = api.submit("report").await;
    let queued = read_until(&mut live, "\n\n").await;
    assert!(queued.contains("\"type\":\"job.queued\"") && queued.contains(&id.to_string()), "{queued}");
    let seen = queued.lines().find_map(|line| line.strip_prefix("id: ")).unwrap().to_owned();
    drop(live);

    api.run("report", Outcome::Complete { result: RawJson::null() }).await;
    let again = api.request(Method::GET, "/api/v1/events/stream").header("last-event-id", seen);
    let missed = read_until(&mut again.send().await.unwrap(), "job.completed").await;
    assert!(missed.contains("\"function\":\"report\""), "{missed}");
}

#[tokio::test]
async fn a_foreign_event_id_is_refused() {
    let api = Api::start().await;
    let request = api.request(Method::GET, "/api/v1/events/stream").header("last-event-id", "x");
    assert!(detail(request.send().await.unwrap(), 422).await.contains("Last-Event-ID"));
}

#[tokio::test]
async fn artifacts_are_told_to_all_who_follow_their_job() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let other = api.submit("report").await;
    let mut all = api.get("/api/v1/events/stream?types=artifact.*").await;
    let mut mine = api.get(&format!("/api/v1/jobs/{job}/artifacts/stream")).await;
    assert_eq!(header(&mine, "content-type"), "text/event-stream");
    read_until(&mut mine, "event: open").await;
    read_until(&mut all, "event: open").await;
    api.submit("report").await;
    let theirs = api.add(other, "theirs.txt", "text", "x").await;
    let ours = api.add(job, "ours.txt", "text", "x").await;
    let told = read_until(&mut all, "ours.txt").await;
    assert!(told.contains("\"type\":\"artifact.created\"") && told.contains("theirs.txt"), "{told}");
    assert!(!told.contains("job.queued"), "{told}");
    let told = read_until(&mut mine, "ours.txt").await;
    let id = ours["id"].as_str().unwrap();
    assert!(told.contains(&format!("\"artifact_id\":\"{id}\"")) && !told.contains("theirs.txt"), "{told}");
    let seen = told.lines().rev().find_map(|line| line.strip_prefix("id: ")).unwrap().to_owned();
    drop(mine);

    for artifact in [&theirs, &ours] {
        let path = format!("/api/v1/artifacts/{}", artifact["id"].as_str().unwrap());
        assert_eq!(api.request(Method::DELETE, &path).send().await.unwrap().status(), 200);
    }
    let path = format!("/api/v1/jobs/{job}/artifacts/stream");
    let again = api.request(Method::GET, &path).header("last-event-id", seen);
    let missed = read_until(&mut again.send().await.unwrap(), "artifact.deleted").await;
    assert!(missed.contains(id) && !missed.contains("artifact.created"), "{missed}");
}

#[tokio::test]
async fn only_events_that_exist_can_be_chosen() {
    let api = Api::start().await;
    let detail_of = detail(api.get("/api/v1/events/stream?types=artefact.*").await, 422).await;
    assert!(detail_of.contains("'artefact.*'") && detail_of.contains("artifact.created"), "{detail_of}");
    let unknown = upnext_core::JobId::fresh();
    detail(api.get(&format!("/api/v1/jobs/{unknown}/artifacts/stream")).await, 404).await;
}
