//! Uploads that go straight to the bucket.

use reqwest::Method;
use serde_json::{Value, json};
use upnext_core::JobId;

use crate::harness::{Api, detail};
use crate::s3::Bucket;

const SHA256: &str = "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882";

async fn presign(api: &Api, job: JobId, body: &Value) -> Value {
    let path = format!("/api/v1/jobs/{job}/artifacts/presign");
    let response = api.request(Method::POST, &path).json(body).send().await.unwrap();
    let status = response.status();
    let answer: Value = response.json().await.unwrap();
    assert_eq!(status, 200, "{answer}");
    answer
}

/// Puts bytes to the address, as a client without any key does.
async fn put(api: &Api, presigned: &Value, bytes: impl Into<reqwest::Body>) {
    assert_eq!(presigned["method"], "PUT");
    let request = api.http.put(presigned["upload_url"].as_str().unwrap()).body(bytes);
    assert_eq!(request.send().await.unwrap().status(), 200);
}

fn completion(job: JobId, presigned: &Value) -> String {
    format!("/api/v1/jobs/{job}/artifacts/presigned/{}", presigned["upload_id"].as_str().unwrap())
}

#[tokio::test]
async fn bytes_put_to_the_bucket_become_an_artifact() {
    let bucket = Bucket::start().await;
    let (api, job) = (&bucket.api, bucket.api.submit("report").await);
    let bytes: Vec<u8> = (0..3_000_000_u32).map(|n| (n % 251) as u8).collect();
    let body = json!({"name": "rows.bin", "type": "application/x-rows", "size_bytes": 3_000_000, "tags": ["nightly"],
                      "description": "all rows", "metadata": {"rows": 7}});
    let presigned = presign(api, job, &body).await;
    assert!(!presigned["upload_url"].as_str().unwrap().contains("test-secret"));
    let early = detail(api.post(&completion(job, &presigned)).await, 409).await;
    assert!(early.contains("'rows.bin'") && early.contains("PUT"), "{early}");
    put(api, &presigned, bytes.clone()).await;
    assert_eq!(api.json("/api/v1/artifacts").await["total"], 0, "nobody asked for it yet");
    let artifact: Value = api.post(&completion(job, &presigned)).await.json().await.unwrap();
    assert_eq!((&artifact["status"], &artifact["type"]), (&json!("available"), &json!("application/x-rows")));
    assert_eq!((&artifact["tags"], &artifact["metadata"]["rows"]), (&json!(["nightly"]), &json!(7)));
    assert_eq!((artifact["storage_backend"].as_str(), bucket.handed_in()), (Some("s3"), 0));
    let content = api.get(&format!("/api/v1/artifacts/{}/content", artifact["id"].as_str().unwrap())).await;
    assert_eq!(content.bytes().await.unwrap(), bytes);
    let again: Value = api.post(&completion(job, &presigned)).await.json().await.unwrap();
    assert_eq!(again, artifact, "it may be repeated");
    assert_eq!(api.json("/api/v1/artifacts?versions=all").await["total"], 1);
}

#[tokio::test]
async fn what_was_announced_is_checked_and_may_be_put_again() {
    let bucket = Bucket::start().await;
    let (api, job) = (&bucket.api, bucket.api.submit("report").await);
    for (announced, wrong, part) in [
        (json!({"name": "a.txt", "sha256": SHA256}), "012345678x", "SHA-256 digest"),
        (json!({"name": "b.txt", "size_bytes": 10}), "0123", "10 bytes were announced, but 4"),
    ] {
        let presigned = presign(api, job, &announced).await;
        put(api, &presigned, wrong).await;
        let sentence = detail(api.post(&completion(job, &presigned)).await, 422).await;
        assert!(sentence.contains(part), "{sentence}");
        put(api, &presigned, "0123456789").await;
        let artifact: Value = api.post(&completion(job, &presigned)).await.json().await.unwrap();
        assert_eq!((&artifact["sha256"], &artifact["size_bytes"]), (&json!(SHA256), &json!(10)));
    }
    let json = presign(api, job, &json!({"name": "c.json", "type": "json"})).await;
    put(api, &json, "{broken").await;
    assert!(detail(api.post(&completion(job, &json)).await, 422).await.contains("not JSON"));
    let short = presign(api, job, &json!({"name": "d.txt", "size_bytes": 3})).await;
    put(api, &short, "0123").await;
    detail(api.post(&completion(job, &short)).await, 413).await;
    assert_eq!(api.json("/api/v1/artifacts").await["total"], 2);
}

#[tokio::test]
async fn completing_at_the_same_time_makes_one_artifact() {
    let bucket = Bucket::start().await;
    let (api, job) = (&bucket.api, bucket.api.submit("report").await);
    let presigned = presign(api, job, &json!({"name": "a.bin"})).await;
    put(api, &presigned, vec![7; 200_000]).await;
    let path = completion(job, &presigned);
    let answers = futures::future::join_all((0..4).map(|_| api.post(&path))).await;
    for answer in answers {
        assert_eq!(answer.status(), 200);
    }
    assert_eq!(api.json("/api/v1/artifacts?versions=all").await["total"], 1);
}

#[tokio::test]
async fn uploads_that_make_no_sense_are_refused() {
    let bucket = Bucket::start().await;
    let (api, job) = (&bucket.api, bucket.api.submit("report").await);
    let path = format!("/api/v1/jobs/{job}/artifacts/presign");
    for (body, status, part) in [
        (json!({"name": "../x"}), 422, "segment '..'"),
        (json!({}), 422, "missing field `name`"),
        (json!({"name": "a", "size": 3}), 422, "unknown field `size`"),
        (json!({"name": "a", "sha256": "abc"}), 422, "sha256: "),
        (json!({"name": "a", "type": "docx"}), 422, "type: "),
        (json!({"name": "a", "expires_in": -1}), 422, "expires_in: "),
        (json!({"name": "a", "size_bytes": 1_u64 << 40}), 413, "UPNEXT_ARTIFACT_MAX_UPLOAD_BYTES"),
    ] {
        let response = api.request(Method::POST, &path).json(&body).send().await.unwrap();
        let sentence = detail(response, status).await;
        assert!(sentence.contains(part), "{body}: {sentence}");
    }
    let body = json!({"name": "a"});
    let nobody = format!("/api/v1/jobs/{}/artifacts/presign", JobId::fresh());
    detail(api.request(Method::POST, &nobody).json(&body).send().await.unwrap(), 404).await;
    let presigned = presign(api, job, &body).await;
    put(api, &presigned, "x").await;
    let other = api.submit("report").await;
    detail(api.post(&completion(other, &presigned)).await, 404).await;
    detail(api.post(&format!("/api/v1/jobs/{job}/artifacts/presigned/nope")).await, 404).await;
    let listed = api.add(job, "b", "text", "x").await;
    let same = format!("/api/v1/jobs/{job}/artifacts/presigned/{}", listed["id"].as_str().unwrap());
    assert_eq!(api.post(&same).await.status(), 200, "what is whole is answered as it is");
}

#[tokio::test]
async fn a_local_storage_names_the_other_ways() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let path = format!("/api/v1/jobs/{job}/artifacts/presign");
    let response = api.request(Method::POST, &path).json(&json!({"name": "a"})).send().await.unwrap();
    let sentence = detail(response, 409).await;
    assert!(sentence.contains("/artifacts?name=") && sentence.contains("/uploads"), "{sentence}");
}
