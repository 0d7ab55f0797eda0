//! Artifacts that are read while a job writes them.

use std::time::{Duration, Instant};

use reqwest::{Method, Response};
use upnext_artifacts::ArtifactWriter;
use upnext_core::backend::Finish;
use upnext_core::{Outcome, RawJson};

use crate::harness::{Api, detail, header};

async fn started() -> (Api, ArtifactWriter, String) {
    let api = Api::start().await;
    let (_, writer) = api.open("train.log").await;
    write(&writer, "epoch 1\n").await;
    let path = format!("/api/v1/artifacts/{}/content", writer.artifact().id);
    (api, writer, path)
}

async fn write(writer: &ArtifactWriter, text: &str) {
    writer.write(text.as_bytes()).await.unwrap();
    writer.flush().await.unwrap();
}

/// Reads until so many bytes have come.
async fn next(response: &mut Response, length: usize) -> String {
    let mut text = Vec::new();
    while text.len() < length {
        text.extend_from_slice(&response.chunk().await.unwrap().unwrap());
    }
    String::from_utf8(text).unwrap()
}

#[tokio::test]
async fn a_follower_sees_what_is_written_until_it_is_closed() {
    let (api, writer, path) = started().await;
    let mut response = api.get(&format!("{path}?follow=1")).await;
    assert_eq!(response.status(), 200);
    assert_eq!(
        (header(&response, "content-length"), header(&response, "accept-ranges")),
        (String::new(), "none".into())
    );
    assert_eq!(header(&response, "upnext-artifact-status"), "writing");
    assert!(header(&response, "etag").starts_with("W/"));
    assert_eq!(next(&mut response, 8).await, "epoch 1\n");
    write(&writer, "epoch 2\n").await;
    assert_eq!(next(&mut response, 8).await, "epoch 2\n");
    write(&writer, "done\n").await;
    writer.close().await.unwrap();
    assert_eq!(next(&mut response, 5).await, "done\n");
    assert!(response.chunk().await.unwrap().is_none());
}

#[tokio::test]
async fn following_begins_where_it_is_told_to() {
    let (api, writer, path) = started().await;
    write(&writer, "epoch 2\n").await;
    let by_header = api.request(Method::GET, &format!("{path}?follow=1")).header("range", "bytes=8-");
    for request in [by_header, api.request(Method::GET, &format!("{path}?follow=true&offset=8"))] {
        let mut response = request.send().await.unwrap();
        assert_eq!(
            (response.status().as_u16(), header(&response, "upnext-artifact-offset")),
            (200, "8".to_owned())
        );
        assert_eq!(next(&mut response, 8).await, "epoch 2\n");
    }
    detail(api.get(&format!("{path}?follow=1&offset=-1")).await, 422).await;
    // Also beyond what is there: it may still come.
    let mut later = api.get(&format!("{path}?follow=1&offset=18")).await;
    write(&writer, "epoch 3\n").await;
    assert_eq!(next(&mut later, 6).await, "och 3\n");
    writer.close().await.unwrap();
    assert!(later.chunk().await.unwrap().is_none());
}

#[tokio::test]
async fn a_finished_artifact_is_followed_to_its_end() {
    let (api, writer, path) = started().await;
    writer.close().await.unwrap();
    for (offset, rest) in [(0, "epoch 1\n"), (6, "1\n"), (8, ""), (100, "")] {
        let response = api.get(&format!("{path}?follow=1&offset={offset}")).await;
        assert_eq!(response.text().await.unwrap(), rest, "{offset}");
    }
}

#[tokio::test]
async fn a_live_artifact_is_served_as_far_as_it_goes() {
    let (api, writer, path) = started().await;
    let response = api.get(&path).await;
    assert_eq!(
        (header(&response, "content-length").as_str(), header(&response, "upnext-artifact-status").as_str()),
        ("8", "writing")
    );
    assert_eq!(header(&response, "repr-digest"), "");
    let etag = header(&response, "etag");
    assert_eq!(response.text().await.unwrap(), "epoch 1\n");
    let ask = async |name: &str, value: &str| {
        api.request(Method::GET, &path).header("range", "bytes=0-4").header(name, value).send().await.unwrap()
    };
    assert_eq!(ask("x-nothing", "").await.text().await.unwrap(), "epoch");
    assert_eq!(ask("if-none-match", &etag).await.status(), 304);
    // What may still change has no strong validator.
    assert_eq!(ask("if-range", &etag).await.status(), 200);
    detail(ask("if-match", &etag).await, 412).await;
    write(&writer, "epoch 2\n").await;
    assert_eq!(ask("if-none-match", &etag).await.status(), 206, "it has grown");
}

#[tokio::test]
async fn an_artifact_that_was_never_closed_says_so() {
    let api = Api::start().await;
    let (job, writer) = api.open("train.log").await;
    write(&writer, "epoch 1\n").await;
    let path = format!("/api/v1/artifacts/{}/content", writer.artifact().id);
    let mut follower = api.get(&format!("{path}?follow=1")).await;
    assert_eq!(next(&mut follower, 8).await, "epoch 1\n");
    let outcome = Outcome::Complete { result: RawJson::null() };
    let started_at = writer.artifact().created_at;
    api.client.backend().finish(vec![Finish { lease: job.lease, started_at, outcome }]).await.unwrap();
    assert!(follower.chunk().await.unwrap().is_none(), "its attempt is over");
    let response = api.get(&path).await;
    assert_eq!(header(&response, "upnext-artifact-status"), "incomplete");
    assert_eq!(response.text().await.unwrap(), "epoch 1\n");
}

#[tokio::test]
async fn followers_learn_that_the_server_stops() {
    let (mut api, _writer, path) = started().await;
    let mut response = api.get(&format!("{path}?follow=1")).await;
    assert_eq!(next(&mut response, 8).await, "epoch 1\n");
    let begun = Instant::now();
    api.stop.take().unwrap().send(()).unwrap();
    assert!(response.chunk().await.is_err(), "an end in good order would mean that the artifact is whole");
    api.server.take().unwrap().await.unwrap().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
}
