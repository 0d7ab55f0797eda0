//! Artifact records: making them from JSON, lists, versions, deletion.

use reqwest::Method;
use serde_json::{Value, json};
use upnext_core::{ArtifactId, JobId};

use crate::harness::{Api, detail};

#[tokio::test]
async fn a_json_body_makes_an_artifact_as_python_does() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    for (body, bytes) in [
        (json!({"name": "a", "type": "json", "data": {"key": "value"}}), r#"{"key":"value"}"#.as_bytes()),
        (json!({"name": "b", "data": [1, 2]}), b"[1,2]"),
        (json!({"name": "c", "type": "json", "data": "{\"ready\": 1}"}), br#"{"ready": 1}"#),
        (json!({"name": "d.txt", "type": "text", "data": "größe\n"}), "größe\n".as_bytes()),
        (json!({"name": "e.png", "type": "image/png", "data": "iVBO Rw0K\n"}), b"\x89PNG\r\n"),
    ] {
        let path = format!("/api/v1/jobs/{job}/artifacts");
        let response = api.request(Method::POST, &path).json(&body).send().await.unwrap();
        assert_eq!(response.status(), 200, "{body}");
        let artifact: Value = response.json().await.unwrap();
        assert_eq!(artifact["name"], body["name"]);
        assert_eq!(artifact["job_id"], job.to_string());
        assert_eq!((artifact["status"].as_str(), artifact["error"].is_null()), (Some("available"), true));
        assert_eq!(artifact["size_bytes"], bytes.len());
        assert_eq!((artifact["version"].as_u64(), artifact["attempt"].as_u64()), (Some(1), Some(0)));
        let id = artifact["id"].as_str().unwrap();
        let content = api.get(&format!("/api/v1/artifacts/{id}/content")).await.bytes().await.unwrap();
        assert_eq!(content, bytes);
        assert_eq!(api.json(&format!("/api/v1/artifacts/{id}")).await, artifact);
    }
    assert_eq!(api.json(&format!("/api/v1/jobs/{job}/artifacts")).await["total"], 5);
}

#[tokio::test]
async fn bad_artifacts_are_refused_with_their_rule_and_nothing_is_listed() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let path = format!("/api/v1/jobs/{job}/artifacts");
    for (body, part) in [
        (json!({"name": "../etc/passwd", "data": {}}), "segment '..'"),
        (json!({"name": "", "data": {}}), "empty"),
        (json!({"name": "a\nb", "data": {}}), "U+000A"),
        (json!({"name": "a.png", "type": "image/png", "data": "not base64!"}), "a.png"),
        (json!({"name": "a", "type": "json", "data": "{broken"}), "not JSON"),
        (json!({"name": "a", "type": "text", "data": {"x": 1}}), "is a string"),
        (json!({"name": "a", "type": "docx", "data": "x"}), "use one of json"),
        (json!({"name": "a", "data": 5}), "must be a string, an object or a list"),
        (json!({"data": {}}), "missing field `name`"),
        (json!({"name": "a"}), "missing field `data`"),
        (json!([1]), "is not {name, type, data}"),
    ] {
        let sentence = detail(api.request(Method::POST, &path).json(&body).send().await.unwrap(), 422).await;
        assert!(sentence.contains(part), "{body}: {sentence}");
    }
    let broken = api.request(Method::POST, &path).header("content-type", "application/json").body("{");
    assert!(detail(broken.send().await.unwrap(), 422).await.contains("EOF"));
    let neither = api.request(Method::POST, &path).header("content-type", "text/plain").body("x");
    assert!(detail(neither.send().await.unwrap(), 422).await.contains("?name="));
    assert_eq!(api.json("/api/v1/artifacts").await["total"], 0);
}

#[tokio::test]
async fn an_artifact_needs_a_job() {
    let api = Api::start().await;
    let body = json!({"name": "a", "data": {}});
    for path in [
        format!("/api/v1/jobs/{}/artifacts", JobId::fresh()),
        format!("/api/v1/artifacts?job_id={}", JobId::fresh()),
        "/api/v1/jobs/nope/artifacts".to_owned(),
        "/api/v1/artifacts?job_id=nope".to_owned(),
    ] {
        detail(api.request(Method::POST, &path).json(&body).send().await.unwrap(), 404).await;
        detail(api.get(&path).await, 404).await;
    }
    let without = api.request(Method::POST, "/api/v1/artifacts").json(&body).send().await.unwrap();
    assert!(detail(without, 422).await.contains("job_id is missing"));
}

#[tokio::test]
async fn the_global_list_filters_and_pages() {
    let api = Api::start().await;
    let (one, two) = (api.submit("report").await, api.submit("resize").await);
    api.add(one, "Summary.txt", "text", "a").await;
    api.add(one, "data.json", "json", "{}").await;
    api.add(two, "summary-2.txt", "text", "b").await;
    let total =
        async |query: &str| api.json(&format!("/api/v1/artifacts{query}")).await["total"].as_u64().unwrap();
    assert_eq!(total("").await, 3);
    assert_eq!(total("?type=text").await, 2);
    assert_eq!(total("?function=resize").await, 1);
    assert_eq!(total("?name=SUMMARY").await, 2);
    assert_eq!(total(&format!("?job_id={one}")).await, 2);
    assert_eq!(total("?type=image/png").await, 0);
    let page = api.json("/api/v1/artifacts?limit=2").await;
    assert_eq!(page["artifacts"].as_array().unwrap().len(), 2);
    assert_eq!((page["has_more"].as_bool(), page["total"].as_u64()), (Some(true), Some(3)));
    let cursor = page["next_cursor"].as_str().unwrap();
    let rest = api.json(&format!("/api/v1/artifacts?limit=2&cursor={cursor}")).await;
    assert_eq!(rest["artifacts"].as_array().unwrap().len(), 1);
    assert_eq!(rest["has_more"], false);
    detail(api.get("/api/v1/artifacts?type=x").await, 422).await;
    detail(api.get("/api/v1/artifacts?versions=some").await, 422).await;
}

#[tokio::test]
async fn the_same_name_again_is_a_new_version() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    api.add(job, "log.txt", "text", "first").await;
    let second = api.add(job, "log.txt", "text", "second").await;
    assert_eq!(second["version"], 2);
    let newest = api.json(&format!("/api/v1/jobs/{job}/artifacts")).await;
    assert_eq!((newest["total"].as_u64(), newest["artifacts"][0]["version"].as_u64()), (Some(1), Some(2)));
    let all = api.json(&format!("/api/v1/jobs/{job}/artifacts?versions=all")).await;
    assert_eq!(all["total"], 2);
}

#[tokio::test]
async fn a_deleted_artifact_is_gone() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let artifact = api.add(job, "a.txt", "text", "x").await;
    let path = format!("/api/v1/artifacts/{}", artifact["id"].as_str().unwrap());
    let response = api.request(Method::DELETE, &path).send().await.unwrap();
    assert_eq!(response.status(), 200);
    let body: Value = response.json().await.unwrap();
    assert_eq!((body["status"].as_str(), &body["id"]), (Some("deleted"), &artifact["id"]));
    detail(api.get(&path).await, 404).await;
    detail(api.get(&format!("{path}/content")).await, 404).await;
    detail(api.request(Method::DELETE, &path).send().await.unwrap(), 404).await;
    let other = format!("/api/v1/artifacts/{}", ArtifactId::fresh());
    detail(api.request(Method::DELETE, &other).send().await.unwrap(), 404).await;
}
