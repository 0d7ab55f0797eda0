//! Log lines of a job: chosen ones, and the stream of them.

use reqwest::{Method, Response};
use upnext_core::backend::{LogEntry, Report, ReportEntry};
use upnext_core::{ClaimedJob, Outcome, Timestamp};

use crate::harness::{Api, detail, header};

async fn log(api: &Api, claimed: &ClaimedJob, lines: &[(&str, &str)]) {
    let report = |(level, message): &(&str, &str)| {
        let (level, message) = ((*level).to_owned(), (*message).to_owned());
        let entry = LogEntry { at: Timestamp::from_micros(1), level, message, extra: None };
        Report { lease: claimed.lease, entry: ReportEntry::Log(entry) }
    };
    api.client.backend().report(lines.iter().map(report).collect()).await.unwrap();
}

/// Reads a stream until it holds `part`, or until it ends.
async fn read_until(response: &mut Response, part: &str) -> String {
    let mut text = String::new();
    while !text.contains(part) {
        let Some(chunk) = response.chunk().await.unwrap() else { break };
        text.push_str(std::str::from_utf8(&chunk).unwrap());
    }
    text
}

#[tokio::test]
async fn lines_are_chosen_by_level_text_and_attempt() {
    let api = Api::start().await;
    let id = api.submit("report").await;
    let claimed = api.claim("report").await;
    log(&api, &claimed, &[("info", "one"), ("warning", "two Größe"), ("error", "three")]).await;
    let messages = async |query: &str| -> Vec<String> {
        let page = api.json(&format!("/api/v1/jobs/{id}/logs?{query}")).await;
        let lines = page["logs"].as_array().unwrap();
        lines.iter().map(|line| line["message"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(messages("level=warning").await, ["two Größe", "three"]);
    assert_eq!(messages("search=GR%C3%96SSE").await, ["two Größe"]);
    assert_eq!(messages("attempt=1&level=error").await, ["three"]);
    assert!(messages("attempt=2").await.is_empty());
    let page = api.json(&format!("/api/v1/jobs/{id}/logs?level=warning&limit=1")).await;
    assert_eq!(page["has_more"], true);
    assert_eq!(messages(&format!("level=warning&after={}", page["next_after"])).await, ["three"]);
    let refused = detail(api.get(&format!("/api/v1/jobs/{id}/logs?level=loud")).await, 422).await;
    assert!(refused.contains("level") && refused.contains("use one of debug, info"), "{refused}");
}

#[tokio::test]
async fn lines_arrive_as_they_are_written_until_the_job_ends() {
    let api = Api::start().await;
    let id = api.submit("report").await;
    let claimed = api.claim("report").await;
    log(&api, &claimed, &[("info", "before")]).await;
    let path = format!("/api/v1/jobs/{id}/logs/stream?level=info");
    let mut live = api.get(&path).await;
    assert_eq!(header(&live, "content-type"), "text/event-stream");
    let begin = read_until(&mut live, "before").await;
    assert!(begin.starts_with("event: open\n"), "{begin}");
    log(&api, &claimed, &[("debug", "not wanted"), ("warning", "now")]).await;
    let now = read_until(&mut live, "now\"").await;
    assert!(!now.contains("not wanted") && now.contains("\"level\":\"warning\""), "{now}");
    let seen = now.lines().find_map(|line| line.strip_prefix("id: ")).unwrap().to_owned();
    drop(live);

    log(&api, &claimed, &[("info", "missed")]).await;
    let again = api.request(Method::GET, &path).header("last-event-id", &seen);
    let mut again = again.send().await.unwrap();
    let missed = read_until(&mut again, "missed").await;
    assert!(missed.contains(&format!("id: {seen}\n")) && !missed.contains("before"), "{missed}");
    let finish = upnext_core::backend::Finish {
        lease: claimed.lease,
        started_at: Timestamp::from_micros(1),
        outcome: Outcome::failed("no"),
    };
    log(&api, &claimed, &[("error", "last words")]).await;
    api.client.backend().finish(vec![finish]).await.unwrap();
    // The stream ends by itself, so this reads to its end.
    let rest = read_until(&mut again, "there is no such text").await;
    assert!(rest.contains("last words"), "{rest}");
    assert!(rest.trim_end().ends_with("event: end\ndata: {\"status\":\"failed\"}"), "{rest}");
}

#[tokio::test]
async fn a_stream_needs_a_job_and_an_id_of_its_own() {
    let api = Api::start().await;
    let unknown = "/api/v1/jobs/0190b2f5-6c1e-7d3a-9f41-2b7c8d9e0f10/logs/stream";
    detail(api.get(unknown).await, 404).await;
    let path = format!("/api/v1/jobs/{}/logs/stream", api.submit("report").await);
    let foreign = api.request(Method::GET, &path).header("last-event-id", "x").send().await.unwrap();
    assert!(detail(foreign, 422).await.contains("Last-Event-ID"));
}
