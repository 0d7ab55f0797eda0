//! What differs between two artifacts.

use serde_json::{Value, json};
use upnext_core::ArtifactId;

use crate::harness::{Api, detail};
use crate::s3::Bucket;

async fn difference(api: &Api, old: &Value, new: &Value) -> Value {
    let (old, new) = (old["id"].as_str().unwrap(), new["id"].as_str().unwrap());
    api.json(&format!("/api/v1/artifacts/{old}/diff/{new}")).await
}

#[tokio::test]
async fn equal_contents_are_the_same_at_once() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let one = api.upload(job, "a.bin", vec![7; 100_000]).await;
    let two = api.upload(job, "b.bin", vec![7; 100_000]).await;
    // Their digests tell: the bytes are not needed.
    std::fs::remove_file(api.folder.path().join("artifacts").join(one["storage_key"].as_str().unwrap()))
        .unwrap();
    let found = difference(&api, &one, &two).await;
    assert_eq!(
        (&found["same"], &found["difference"]),
        (&json!(true), &json!({"kind": "same", "size": 100_000}))
    );
    assert_eq!((&found["a"]["name"], &found["b"]["name"]), (&json!("a.bin"), &json!("b.bin")));
}

#[tokio::test]
async fn versions_are_compared_by_what_they_are() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let old = api.add(job, "a.json", "json", r#"{"rows": 1, "old": true}"#).await;
    let new = api.add(job, "a.json", "json", r#"{"rows": 2, "new": [1]}"#).await;
    let found = difference(&api, &old, &new).await;
    assert_eq!((&found["same"], &found["difference"]["kind"]), (&json!(false), &json!("json")));
    let changes = found["difference"]["changes"].as_array().unwrap();
    assert!(
        changes.contains(&json!({"path": "/rows", "change": "changed", "old": "1", "new": "2"})),
        "{found}"
    );
    assert!(
        changes.contains(&json!({"path": "/old", "change": "removed", "old": "true", "new": null})),
        "{found}"
    );
    let old = api.add(job, "a.txt", "text", "one\ntwo\n").await;
    let new = api.add(job, "a.txt", "text", "one\n2\n").await;
    let found = difference(&api, &old, &new).await;
    assert_eq!((&found["difference"]["kind"], &found["difference"]["added"]), (&json!("text"), &json!(1)));
    let lines = &found["difference"]["hunks"][0]["lines"];
    assert_eq!(lines[1], json!({"change": "removed", "text": "two"}));
    let old = api.upload(job, "a.csv", "x,y\n1,2\n").await;
    let new = api.upload(job, "a.csv", "x,z\n1,2\n3,4\n").await;
    let found = difference(&api, &old, &new).await;
    assert_eq!(
        (&found["difference"]["kind"], &found["difference"]["new_rows"]),
        (&json!("table"), &json!(2))
    );
    assert_eq!(found["difference"]["columns_added"][0]["name"], "z");
}

#[tokio::test]
async fn different_kinds_fall_to_bytes() {
    let bucket = Bucket::start().await;
    let (api, job) = (&bucket.api, bucket.api.submit("report").await);
    let mut bytes = vec![7; 100_000];
    let old = api.upload(job, "a.bin", bytes.clone()).await;
    bytes[70_000] = 8;
    let new = api.upload(job, "a.bin", bytes).await;
    let found = difference(api, &old, &new).await;
    let expected = json!({"kind": "bytes", "old_size": 100_000, "new_size": 100_000, "first_difference": 70_000, "note": null});
    assert_eq!(found["difference"], expected);
    let text = api.add(job, "a.txt", "text", "x").await;
    assert_eq!(difference(api, &old, &text).await["difference"]["kind"], "bytes");
}

#[tokio::test]
async fn both_have_to_be_there() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let artifact = api.add(job, "a.txt", "text", "x").await;
    let id = artifact["id"].as_str().unwrap();
    for path in [
        format!("{id}/diff/{}", ArtifactId::fresh()),
        format!("{}/diff/{id}", ArtifactId::fresh()),
        format!("{id}/diff/x"),
    ] {
        detail(api.get(&format!("/api/v1/artifacts/{path}")).await, 404).await;
    }
}
