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
