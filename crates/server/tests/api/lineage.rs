//! Lineage, in both directions.

use reqwest::Method;
use serde_json::{Value, json};
use upnext_core::{ArtifactId, JobId};

use crate::harness::{Api, detail};

async fn note(api: &Api, artifact: &str, body: Value) -> reqwest::Response {
    let path = format!("/api/v1/artifacts/{artifact}/reads");
    api.request(Method::POST, &path).json(&body).send().await.unwrap()
}

fn ids(list: &Value) -> Vec<&str> {
    list.as_array().unwrap().iter().map(|one| one["id"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn artifacts_and_jobs_know_where_they_come_from_and_where_they_go() {
    let api = Api::start().await;
    let (make, clean, train) =
        (api.submit("make").await, api.submit("clean").await, api.submit("train").await);
    let raw = api.add(make, "raw.csv", "text", "1").await;
    let table = api.add(clean, "table.csv", "text", "2").await;
    let (raw, table) = (raw["id"].as_str().unwrap(), table["id"].as_str().unwrap());
    for (artifact, job) in [(raw, clean), (raw, clean), (table, train)] {
        let response = note(&api, artifact, json!({"job_id": job.to_string()})).await;
        assert_eq!((response.status().as_u16(), response.text().await.unwrap().as_str()), (204, ""));
    }
    let lineage = api.json(&format!("/api/v1/artifacts/{table}/lineage")).await;
    assert_eq!(lineage["artifact"]["id"], table);
    assert_eq!(
        (&lineage["made_by"]["id"], &lineage["made_by"]["function"]),
        (&json!(clean), &json!("clean"))
    );
    assert_eq!((ids(&lineage["inputs"]), &lineage["inputs_total"]), (vec![raw], &json!(1)));
    assert_eq!(ids(&lineage["read_by"]), [train.to_string()]);
    assert_eq!(lineage["read_by_total"], 1);

    let lineage = api.json(&format!("/api/v1/jobs/{clean}/lineage")).await;
    assert_eq!(lineage["job"]["id"], clean.to_string());
    assert_eq!((ids(&lineage["reads"]), ids(&lineage["makes"])), (vec![raw], vec![table]));
    assert_eq!((&lineage["reads_total"], &lineage["makes_total"]), (&json!(1), &json!(1)));

    assert_eq!(ids(&api.json(&format!("/api/v1/jobs?reads={raw}")).await["jobs"]), [clean.to_string()]);
    assert_eq!(ids(&api.json(&format!("/api/v1/artifacts?read_by={train}")).await["artifacts"]), [table]);
}

#[tokio::test]
async fn an_older_version_that_was_read_is_shown() {
    let api = Api::start().await;
    let (maker, reader) = (api.submit("make").await, api.submit("read").await);
    let first = api.add(maker, "a.txt", "text", "1").await;
    let second = api.add(maker, "a.txt", "text", "2").await;
    note(&api, first["id"].as_str().unwrap(), json!({"job_id": reader.to_string()})).await;
    let lineage = api.json(&format!("/api/v1/jobs/{reader}/lineage")).await;
    assert_eq!((&lineage["reads"][0]["id"], &lineage["reads"][0]["version"]), (&first["id"], &json!(1)));
    let lineage = api.json(&format!("/api/v1/jobs/{maker}/lineage")).await;
    assert_eq!(ids(&lineage["makes"]), [second["id"].as_str().unwrap()]);
}

#[tokio::test]
async fn more_than_a_hundred_are_counted() {
    let api = Api::start().await;
    let job = api.submit("make").await;
    for number in 0..103 {
        api.add(job, &format!("{number}.txt"), "text", "x").await;
    }
    let lineage = api.json(&format!("/api/v1/jobs/{job}/lineage")).await;
    assert_eq!((lineage["makes"].as_array().unwrap().len(), &lineage["makes_total"]), (100, &json!(103)));
    assert_eq!(lineage["makes"][0]["name"], "102.txt");
}

#[tokio::test]
async fn what_does_not_exist_has_no_lineage() {
    let api = Api::start().await;
    let job = api.submit("make").await;
    let artifact = api.add(job, "a.txt", "text", "1").await;
    let artifact = artifact["id"].as_str().unwrap();
    for id in [ArtifactId::fresh().to_string(), "nope".to_owned()] {
        detail(api.get(&format!("/api/v1/artifacts/{id}/lineage")).await, 404).await;
        detail(note(&api, &id, json!({"job_id": job.to_string()})).await, 404).await;
    }
    for id in [JobId::fresh().to_string(), "nope".to_owned()] {
        detail(api.get(&format!("/api/v1/jobs/{id}/lineage")).await, 404).await;
        detail(note(&api, artifact, json!({"job_id": id})).await, 404).await;
    }
    for body in [json!({}), json!({"job": "x"}), json!(1)] {
        assert!(detail(note(&api, artifact, body).await, 422).await.contains("is not {job_id}"));
    }
}
