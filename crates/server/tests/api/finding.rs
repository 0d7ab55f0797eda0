//! Finding artifacts: filters, orders, one name across jobs.

use reqwest::Method;
use serde_json::Value;
use upnext_core::JobId;
use upnext_core::client::Submission;
use upnext_core::job::Parent;

use crate::harness::{Api, detail, header, object};

async fn names(api: &Api, query: &str) -> Vec<String> {
    let page = api.json(&format!("/api/v1/artifacts?{query}")).await;
    let artifacts = page["artifacts"].as_array().unwrap();
    artifacts.iter().map(|artifact| artifact["name"].as_str().unwrap().to_owned()).collect()
}

async fn make(api: &Api, job: JobId, query: &str, body: &str) -> Value {
    let path = format!("/api/v1/jobs/{job}/artifacts?{query}");
    let response = api.request(Method::POST, &path).body(body.to_owned()).send().await.unwrap();
    assert_eq!(response.status(), 200);
    response.json().await.unwrap()
}

#[tokio::test]
async fn artifacts_are_found_by_all_that_is_known_about_them() {
    let api = Api::start().await;
    let root = api.submit("train").await;
    let parent = Some(Parent { parent_id: root, root_id: root });
    let child =
        api.client.submit(Submission { parent, ..Submission::new("child", object()) }).await.unwrap().id;
    let other = api.submit("other").await;
    make(&api, root, "name=model-1.bin&tag=model&tag=draft&description=First%20try", "12345").await;
    make(&api, child, "name=model-2.bin&tag=model&metadata={\"loss\":\"low\"}", "1234567").await;
    make(&api, other, "name=notes.txt", "1").await;
    for (query, found) in [
        ("", &["notes.txt", "model-2.bin", "model-1.bin"][..]),
        (&format!("root_id={root}"), &["model-2.bin", "model-1.bin"]),
        ("function=child", &["model-2.bin"]),
        ("tag=model", &["model-2.bin", "model-1.bin"]),
        ("tag=model&tag=draft", &["model-1.bin"]),
        ("tag=model,draft", &["model-1.bin"]),
        ("tag=none", &[]),
        ("glob=model-?.bin", &["model-2.bin", "model-1.bin"]),
        ("glob=*-1*", &["model-1.bin"]),
        ("name=MODEL", &["model-2.bin", "model-1.bin"]),
        ("q=first", &["model-1.bin"]),
        ("q=low+model", &["model-2.bin"]),
        ("q=nothing", &[]),
        ("min_size=5", &["model-2.bin", "model-1.bin"]),
        ("max_size=5", &["notes.txt", "model-1.bin"]),
        ("min_size=2&max_size=6", &["model-1.bin"]),
        ("sort=created_at", &["model-1.bin", "model-2.bin", "notes.txt"]),
        ("sort=size", &["notes.txt", "model-1.bin", "model-2.bin"]),
        ("sort=-size", &["model-2.bin", "model-1.bin", "notes.txt"]),
        ("sort=name", &["model-1.bin", "model-2.bin", "notes.txt"]),
        ("sort=-name", &["notes.txt", "model-2.bin", "model-1.bin"]),
        ("after=2020-01-01T00:00:00Z&before=2020-01-02T00:00:00Z", &[]),
        ("after=2020-01-01T00:00:00Z&tag=draft", &["model-1.bin"]),
    ] {
        assert_eq!(names(&api, query).await, found, "{query}");
    }
    let page = api.json(&format!("/api/v1/jobs/{root}/artifacts?tag=draft&q=try&sort=size")).await;
    assert_eq!((page["total"].as_u64(), page["total_is_capped"].as_bool()), (Some(1), Some(false)));
}

#[tokio::test]
async fn bad_filters_are_named() {
    let api = Api::start().await;
    for (query, part) in [
        ("sort=date", "sort: 'date' is not an order: use one of -created_at"),
        ("min_size=-1", "min_size is '-1'"),
        ("max_size=big", "whole number of bytes"),
        ("root_id=x", "root_id: "),
        ("read_by=x", "read_by: "),
        ("after=noon", "after is 'noon'"),
        ("q=a&q=b", "q is given more than once"),
        ("glob=a&glob=b", "glob is given more than once"),
    ] {
        let sentence = detail(api.get(&format!("/api/v1/artifacts?{query}")).await, 422).await;
        assert!(sentence.contains(part), "{query}: {sentence}");
    }
    assert!(detail(api.get("/api/v1/jobs?reads=x").await, 422).await.contains("reads: "));
}

#[tokio::test]
async fn every_order_pages_without_loss() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    for number in 0..7 {
        make(&api, job, &format!("name=n{number}.txt"), &"x".repeat(number % 3)).await;
    }
    for sort in ["-created_at", "created_at", "size", "-size", "name", "-name"] {
        let (mut seen, mut path) = (Vec::new(), format!("sort={sort}&limit=2"));
        loop {
            let page = api.json(&format!("/api/v1/artifacts?{path}")).await;
            let names = page["artifacts"].as_array().unwrap().iter();
            seen.extend(names.map(|artifact| artifact["name"].as_str().unwrap().to_owned()));
            let Some(cursor) = page["next_cursor"].as_str() else { break };
            path = format!("sort={sort}&limit=2&cursor={cursor}");
        }
        seen.sort();
        let all: Vec<String> = (0..7).map(|number| format!("n{number}.txt")).collect();
        assert_eq!(seen, all, "{sort}");
    }
}

#[tokio::test]
async fn a_name_has_a_history_across_the_jobs_of_a_function() {
    let api = Api::start().await;
    api.register("demo", &["a/b c", "empty"]).await;
    let (one, two, other) = (api.submit("a/b c").await, api.submit("a/b c").await, api.submit("x").await);
    let name = "out/größe.txt";
    let first = api.add(one, name, "text", "1").await;
    let second = api.add(one, name, "text", "2").await;
    let third = api.add(two, name, "text", "3").await;
    api.add(other, name, "text", "4").await;
    api.add(two, "else.txt", "text", "5").await;
    let path = "/api/v1/functions/a%2Fb%20c/artifacts/out%2Fgr%C3%B6%C3%9Fe.txt";
    let history = api.json(path).await;
    assert_eq!(history["total"], 3);
    let ids: Vec<&Value> = history["artifacts"].as_array().unwrap().iter().map(|one| &one["id"]).collect();
    assert_eq!(ids, [&third["id"], &second["id"], &first["id"]]);
    let page = api.json(&format!("{path}?limit=2")).await;
    let rest = api.json(&format!("{path}?cursor={}", page["next_cursor"].as_str().unwrap())).await;
    assert_eq!(rest["artifacts"].as_array().unwrap().len(), 1);
    assert_eq!(api.json(&format!("{path}/latest")).await["id"], third["id"]);
    assert_eq!(api.get(&format!("{path}/latest/content")).await.text().await.unwrap(), "3");

    assert_eq!(api.json("/api/v1/functions/empty/artifacts/a.txt").await["total"], 0);
    detail(api.get("/api/v1/functions/unknown/artifacts/a.txt").await, 404).await;
    for path in ["latest", "latest/content"] {
        let missing = api.get(&format!("/api/v1/functions/empty/artifacts/a.txt/{path}")).await;
        let sentence = detail(missing, 404).await;
        assert_eq!(sentence, "no job of the function 'empty' has made an artifact 'a.txt'");
    }
}

#[tokio::test]
async fn the_latest_content_is_elsewhere_and_keeps_its_query() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let artifact = api.add(job, "a.txt", "text", "1").await;
    let id = artifact["id"].as_str().unwrap();
    let http =
        reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let address = format!("{}/api/v1/functions/report/artifacts/a.txt/latest/content?download=1", api.url);
    let response = http.get(address).send().await.unwrap();
    assert_eq!(response.status(), 307);
    let location = header(&response, "location");
    assert_eq!(location, format!("../../../../../artifacts/{id}/content?download=1"));
    let followed = api.get("/api/v1/functions/report/artifacts/a.txt/latest/content?download=1").await;
    assert_eq!(followed.url().path(), format!("/api/v1/artifacts/{id}/content"));
    assert!(header(&followed, "content-disposition").starts_with("attachment;"));
}

#[tokio::test]
async fn the_latest_is_whole_if_any_is() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let lease = api.claim("report").await.lease;
    let open = async || {
        let request = upnext_artifacts::CreateArtifact {
            lease: Some(lease.token),
            ..upnext_artifacts::CreateArtifact::new(job, "a.log")
        };
        api.artifacts.open(request).await.unwrap()
    };
    let writing = open().await;
    let path = "/api/v1/functions/report/artifacts/a.log/latest";
    assert_eq!(api.json(path).await["status"], "writing");
    let whole = api.add(job, "a.log", "text", "x").await;
    let newer = open().await;
    assert_eq!(api.json(path).await["id"], whole["id"]);
    drop((writing, newer));
}
