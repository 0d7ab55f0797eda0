//! Raw bodies that stream, and what happens to the ones that are too large or break off.

use std::io;

use bytes::Bytes;
use futures::stream;
use reqwest::{Body, Method};
use serde_json::Value;

use crate::harness::{Api, detail};

fn chunks(count: usize, size: usize) -> Body {
    let part = Bytes::from(vec![7; size]);
    Body::wrap_stream(stream::iter((0..count).map(move |_| Ok::<_, io::Error>(part.clone()))))
}

#[tokio::test]
async fn a_raw_body_streams_into_an_artifact() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let path = format!("/api/v1/jobs/{job}/artifacts?name=big.bin");
    let response = api.request(Method::POST, &path).body(chunks(64, 64 * 1024)).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let artifact: Value = response.json().await.unwrap();
    assert_eq!(artifact["size_bytes"], 64 * 64 * 1024);
    assert_eq!(
        (artifact["type"].as_str(), artifact["storage_backend"].as_str()),
        (Some("file/binary"), Some("local"))
    );
    let content = api.get(&format!("/api/v1/artifacts/{}/content", artifact["id"].as_str().unwrap())).await;
    assert_eq!(content.bytes().await.unwrap(), vec![7; 64 * 64 * 1024]);
}

#[tokio::test]
async fn a_raw_body_may_be_json_and_names_its_type() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let path = format!("/api/v1/artifacts?job_id={job}&name=report%20%C3%BC.json&type=json");
    let request = api.request(Method::POST, &path).header("content-type", "application/json");
    let artifact: Value = request.body(r#"{"name": "inside"}"#).send().await.unwrap().json().await.unwrap();
    assert_eq!((artifact["name"].as_str(), artifact["type"].as_str()), (Some("report ü.json"), Some("json")));
    let broken = api.request(Method::POST, &path).body("{").send().await.unwrap();
    assert!(detail(broken, 422).await.contains("not JSON"));
    let bad_type = format!("/api/v1/artifacts?job_id={job}&name=a&type=x");
    detail(api.request(Method::POST, &bad_type).body("x").send().await.unwrap(), 422).await;
    let bad_name = format!("/api/v1/artifacts?job_id={job}&name=..");
    detail(api.request(Method::POST, &bad_name).body("x").send().await.unwrap(), 422).await;
}

#[tokio::test]
async fn too_large_is_refused_while_it_streams_and_nothing_is_listed() {
    let api = Api::with(&[("UPNEXT_ARTIFACT_MAX_UPLOAD_BYTES", "100000")]).await;
    let job = api.submit("report").await;
    let path = format!("/api/v1/jobs/{job}/artifacts?name=big.bin");
    let streamed = api.request(Method::POST, &path).body(chunks(64, 64 * 1024)).send().await.unwrap();
    assert!(detail(streamed, 413).await.contains("UPNEXT_ARTIFACT_MAX_UPLOAD_BYTES"));
    let announced = api.request(Method::POST, &path).body(vec![7; 100_001]).send().await.unwrap();
    assert!(detail(announced, 413).await.contains("larger than 100000 bytes"));
    let text = "x".repeat(100_001);
    let json = serde_json::json!({"name": "a", "type": "text", "data": text});
    let json_path = format!("/api/v1/jobs/{job}/artifacts");
    detail(api.request(Method::POST, &json_path).json(&json).send().await.unwrap(), 413).await;
    let huge = serde_json::json!({"name": "a", "type": "text", "data": "x".repeat(3_000_000)});
    detail(api.request(Method::POST, &json_path).json(&huge).send().await.unwrap(), 413).await;
    let streamed = api.request(Method::POST, &json_path).header("content-type", "application/json");
    detail(streamed.body(chunks(64, 64 * 1024)).send().await.unwrap(), 413).await;
    assert_eq!(api.json("/api/v1/artifacts?versions=all").await["total"], 0);
    // At the limit is fine.
    let exact = api.request(Method::POST, &path).body(vec![7; 100_000]).send().await.unwrap();
    assert_eq!(exact.status(), 200);
}

#[tokio::test]
async fn a_body_that_breaks_off_leaves_nothing() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let path = format!("/api/v1/jobs/{job}/artifacts?name=broken.bin");
    let parts = [Ok(Bytes::from(vec![7; 100_000])), Err(io::Error::other("gone"))];
    let sent = api.request(Method::POST, &path).body(Body::wrap_stream(stream::iter(parts))).send().await;
    assert!(sent.is_err() || sent.unwrap().status() == 400);
    assert_eq!(api.json("/api/v1/artifacts").await["total"], 0);
}
