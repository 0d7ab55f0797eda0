//! Figures about artifacts.

use reqwest::Method;
use serde_json::json;

use crate::harness::Api;

#[tokio::test]
async fn stored_and_logical_bytes_are_told_apart() {
    let api = Api::start().await;
    let nothing = json!({"artifacts": {"count": 0, "versions": 0, "logical_bytes": 0, "stored_bytes": 0, "blobs": 0,
                                       "deduplication": 1.0}});
    assert_eq!(api.json("/api/v1/artifacts/stats").await, nothing);
    let job = api.submit("report").await;
    let first = api.upload(job, "a.bin", vec![7; 100_000]).await;
    api.upload(job, "b.bin", vec![7; 100_000]).await;
    api.upload(job, "b.bin", vec![7; 100_000]).await;
    api.add(job, "c.txt", "text", "0123456789").await;
    let stats = api.json("/api/v1/artifacts/stats").await;
    let expected = json!({"count": 3, "versions": 4, "logical_bytes": 300_010, "stored_bytes": 100_010, "blobs": 2,
                          "deduplication": 300_010.0 / 100_010.0});
    assert_eq!(stats["artifacts"], expected);
    let path = format!("/api/v1/artifacts/{}", first["id"].as_str().unwrap());
    api.request(Method::DELETE, &path).send().await.unwrap();
    let stats = api.json("/api/v1/artifacts/stats").await;
    assert_eq!(
        (&stats["artifacts"]["count"], &stats["artifacts"]["stored_bytes"]),
        (&json!(2), &json!(100_010))
    );
}
