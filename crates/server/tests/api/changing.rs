//! Changing artifacts, and deleting jobs.

use reqwest::Method;
use serde_json::{Value, json};
use upnext_core::{ArtifactId, JobId, Outcome, RawJson};

use crate::harness::{Api, detail};

async fn patch(api: &Api, id: &str, body: Value) -> reqwest::Response {
    api.request(Method::PATCH, &format!("/api/v1/artifacts/{id}")).json(&body).send().await.unwrap()
}

#[tokio::test]
async fn what_is_written_on_an_artifact_changes_and_is_found_by_its_new_words() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let artifact = api.add(job, "a.txt", "text", "x").await;
    let id = artifact["id"].as_str().unwrap();
    let body = json!({"description": "Final one", "tags": ["good"], "metadata": {"n": 1}, "pinned": true,
                      "expires_in": 60});
    let changed: Value = patch(&api, id, body).await.json().await.unwrap();
    assert_eq!((&changed["description"], &changed["tags"]), (&json!("Final one"), &json!(["good"])));
    assert_eq!((&changed["metadata"], &changed["pinned"]), (&json!({"n": 1}), &json!(true)));
    assert!(changed["expires_at"].is_string());
    assert_eq!((&changed["sha256"], &changed["version"]), (&artifact["sha256"], &artifact["version"]));
    assert_eq!(api.json(&format!("/api/v1/artifacts/{id}")).await, changed);
    assert_eq!(api.json("/api/v1/artifacts?q=final&tag=good").await["total"], 1);

    let same: Value = patch(&api, id, json!({"tags": ["x", "y"]})).await.json().await.unwrap();
    assert_eq!((&same["description"], &same["tags"]), (&json!("Final one"), &json!(["x", "y"])));
    let moment = "2999-01-01T00:00:00.000000Z";
    let later: Value = patch(&api, id, json!({"expires_at": moment})).await.json().await.unwrap();
    assert_eq!(later["expires_at"], moment);
    let nulls =
        json!({"description": null, "tags": null, "metadata": null, "pinned": null, "expires_at": null});
    let bare: Value = patch(&api, id, nulls).await.json().await.unwrap();
    assert!(bare["description"].is_null() && bare["metadata"].is_null() && bare["expires_at"].is_null());
    assert_eq!((&bare["tags"], &bare["pinned"]), (&json!([]), &json!(false)));
    assert_eq!(api.json("/api/v1/artifacts?q=final").await["total"], 0);
}

#[tokio::test]
async fn bad_changes_name_their_rule_and_change_nothing() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let artifact = api.add(job, "a.txt", "text", "x").await;
    let id = artifact["id"].as_str().unwrap();
    for (body, part) in [
        (json!({"name": "b"}), "unknown field `name`"),
        (json!([]), "the body is not {description"),
        (json!({"metadata": [1]}), "one JSON object"),
        (json!({"tags": ["a,b"]}), "is not a tag"),
        (json!({"expires_at": "2020-01-01T00:00:00Z"}), "which is over"),
        (json!({"expires_at": "noon"}), "the body is not"),
        (json!({"expires_at": null, "expires_in": 1}), "not both"),
        (json!({"expires_in": 0}), "more than 0"),
        (json!({"description": "x".repeat(5000)}), "has 5000"),
    ] {
        let sentence = detail(patch(&api, id, body.clone()).await, 422).await;
        assert!(sentence.contains(part), "{body}: {sentence}");
    }
    let large = json!({"description": "x".repeat(2_000_000)});
    detail(patch(&api, id, large).await, 413).await;
    assert_eq!(api.json(&format!("/api/v1/artifacts/{id}")).await, artifact);
    for id in [ArtifactId::fresh().to_string(), "nope".to_owned()] {
        detail(patch(&api, &id, json!({})).await, 404).await;
        detail(api.post(&format!("/api/v1/artifacts/{id}/pin")).await, 404).await;
        detail(api.post(&format!("/api/v1/artifacts/{id}/unpin")).await, 404).await;
    }
}

#[tokio::test]
async fn artifacts_are_pinned_and_unpinned() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let artifact = api.add(job, "a.txt", "text", "x").await;
    let path = format!("/api/v1/artifacts/{}", artifact["id"].as_str().unwrap());
    for (verb, pinned) in [("pin", true), ("pin", true), ("unpin", false), ("unpin", false)] {
        let answer: Value = api.post(&format!("{path}/{verb}")).await.json().await.unwrap();
        assert_eq!(answer["pinned"], pinned);
        assert_eq!(api.json(&path).await["pinned"], pinned);
    }
}

#[tokio::test]
async fn a_job_is_deleted_with_its_artifacts_once_it_has_ended() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let artifact = api.add(job, "a.txt", "text", "x").await;
    let id = artifact["id"].as_str().unwrap();
    let path = format!("/api/v1/jobs/{job}");
    let delete = async || api.request(Method::DELETE, &path).send().await.unwrap();
    let sentence = detail(delete().await, 409).await;
    assert!(sentence.contains("is queued: only jobs that have ended"), "{sentence}");
    api.run("report", Outcome::Complete { result: RawJson::null() }).await;
    api.post(&format!("/api/v1/artifacts/{id}/pin")).await;
    let sentence = detail(delete().await, 409).await;
    assert!(
        sentence.contains(&format!("'a.txt' ({id})")) && sentence.contains("unpin it first"),
        "{sentence}"
    );
    api.post(&format!("/api/v1/artifacts/{id}/unpin")).await;
    let response = delete().await;
    assert_eq!(response.status(), 200);
    assert_eq!(response.json::<Value>().await.unwrap(), json!({"status": "deleted", "id": job.to_string()}));
    detail(api.get(&path).await, 404).await;
    detail(api.get(&format!("/api/v1/artifacts/{id}")).await, 404).await;
    detail(delete().await, 404).await;
    let unknown = format!("/api/v1/jobs/{}", JobId::fresh());
    detail(api.request(Method::DELETE, &unknown).send().await.unwrap(), 404).await;
}
