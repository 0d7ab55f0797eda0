//! The second origin for artifact content, and what browsers may do with content on any.

use reqwest::redirect::Policy;
use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;

use crate::harness::{Api, detail, header};

const ORIGIN: &str = "https://artifacts.example";
const KEY: &str = "correct horse battery staple";
const PAGE: &str = "PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==";

/// A server with a key and a second origin, a page on it, and the path of its content.
async fn with_second_origin() -> (Api, String) {
    let mut api = Api::with(&[
        ("UPNEXT_ARTIFACT_ORIGIN", ORIGIN),
        ("UPNEXT_AUTH_ENABLED", "true"),
        ("UPNEXT_API_KEY", KEY),
        ("UPNEXT_CORS_ALLOW_ORIGINS", "https://ops.example"),
    ])
    .await;
    api.http = reqwest::Client::builder().no_proxy().redirect(Policy::none()).build().unwrap();
    let job = api.submit("report").await;
    let body = serde_json::json!({"name": "page.html", "type": "file/html", "data": PAGE});
    let request = api.request(Method::POST, &format!("/api/v1/jobs/{job}/artifacts")).json(&body);
    let artifact: Value = request.header("x-api-key", KEY).send().await.unwrap().json().await.unwrap();
    let path = format!("/api/v1/artifacts/{}/content", artifact["id"].as_str().unwrap());
    (api, path)
}

fn keyed(api: &Api, path: &str) -> RequestBuilder {
    api.request(Method::GET, path).header("x-api-key", KEY)
}

/// Follows what the first origin answered to the second.
fn there(api: &Api, redirect: &Response) -> RequestBuilder {
    let location = header(redirect, "location");
    let path = location.strip_prefix(ORIGIN).unwrap_or_else(|| panic!("not there: {location}"));
    api.request(Method::GET, path).header("host", "artifacts.example")
}

#[tokio::test]
async fn content_is_shown_from_the_second_origin_without_a_key() {
    let (api, path) = with_second_origin().await;
    detail(api.get(&path).await, 401).await;
    let redirect = keyed(&api, &format!("{path}?download=true")).send().await.unwrap();
    assert_eq!(redirect.status(), 307);
    assert_eq!(header(&redirect, "cache-control"), "no-store");
    assert!(header(&redirect, "location").contains("?download=true&token="));
    let content = there(&api, &redirect).header("origin", "https://ops.example").send().await.unwrap();
    assert_eq!(content.status(), 200);
    assert_eq!(header(&content, "access-control-allow-origin"), "");
    assert_eq!(header(&content, "cross-origin-resource-policy"), "cross-origin");
    assert_eq!(header(&content, "referrer-policy"), "no-referrer");
    assert_eq!(header(&content, "x-content-type-options"), "nosniff");
    assert!(header(&content, "content-disposition").starts_with("attachment"));
    let policy = header(&content, "content-security-policy");
    assert!(policy.starts_with("sandbox;") && policy.ends_with("frame-ancestors *"), "{policy}");
    assert_eq!(content.text().await.unwrap(), "<script>alert(1)</script>");
    let part = there(&api, &redirect).header("range", "bytes=0-7").send().await.unwrap();
    assert_eq!((part.status().as_u16(), part.text().await.unwrap().as_str()), (206, "<script>"));
}

#[tokio::test]
async fn the_second_origin_serves_nothing_else() {
    let (api, path) = with_second_origin().await;
    let redirect = keyed(&api, &path).send().await.unwrap();
    let location = header(&redirect, "location");
    let token = location.split_once("token=").unwrap().1;
    let other = "01a20fc5-80d4-7744-b45f-a94dad8a0f89";
    for nothing in [
        "/".to_owned(),
        "/health".to_owned(),
        "/docs/".to_owned(),
        format!("/api/v1/jobs?token={token}"),
        path.clone(),
        format!("{path}?token={token}x"),
        format!("{}?token={token}", path.trim_end_matches("/content")),
        format!("/api/v1/artifacts/{other}/content?token={token}"),
    ] {
        let request = api.request(Method::GET, &nothing).header("host", "ARTIFACTS.example:443");
        let answer = request.header("x-api-key", KEY).send().await.unwrap();
        assert!(detail(answer, 404).await.contains("nothing here"), "{nothing}");
    }
    let delete = format!("{}?token={token}", path.trim_end_matches("/content"));
    let request = api.request(Method::DELETE, &delete).header("host", "artifacts.example");
    detail(request.send().await.unwrap(), 404).await;
    assert_eq!(there(&api, &redirect).send().await.unwrap().status(), 200);
    // And the first origin takes no tokens.
    detail(api.get(&format!("{path}?token={token}")).await, 401).await;
}

#[tokio::test]
async fn scripts_of_our_pages_still_read_content_where_they_are() {
    let (api, path) = with_second_origin().await;
    let read = keyed(&api, &path).header("sec-fetch-dest", "empty").send().await.unwrap();
    assert_eq!(read.status(), 200);
    let unknown = path.replace("/content", "x/content");
    detail(keyed(&api, &unknown).send().await.unwrap(), 404).await;
}

#[tokio::test]
async fn stored_scripts_run_only_in_frames_that_ask_for_them() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let page = api.add(job, "plot.html", "file/html", PAGE).await;
    let path = format!("/api/v1/artifacts/{}/content?scripts=1", page["id"].as_str().unwrap());
    for (destination, runs) in [(Some("iframe"), true), (Some("document"), false), (None, false)] {
        let request = api.request(Method::GET, &path);
        let request = match destination {
            Some(destination) => request.header("sec-fetch-dest", destination),
            None => request,
        };
        let response = request.send().await.unwrap();
        let policy = header(&response, "content-security-policy");
        assert_eq!(policy.contains("allow-scripts"), runs, "{destination:?}: {policy}");
        assert!(!policy.contains("allow-same-origin") && policy.contains("frame-ancestors 'self'"));
        assert_eq!(header(&response, "cross-origin-resource-policy"), "same-origin");
    }
    let plain = api.request(Method::GET, path.trim_end_matches("?scripts=1"));
    let plain = plain.header("sec-fetch-dest", "iframe").send().await.unwrap();
    assert!(header(&plain, "content-security-policy").starts_with("sandbox; default-src"));
}

#[tokio::test]
async fn content_is_never_a_part_of_a_page() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let script = api.add(job, "x.js", "text", "alert(1)").await;
    let path = format!("/api/v1/artifacts/{}/content", script["id"].as_str().unwrap());
    for destination in ["script", "style", "worker", "serviceworker", "xslt"] {
        let request = api.request(Method::GET, &path).header("sec-fetch-dest", destination);
        assert!(detail(request.send().await.unwrap(), 403).await.contains("not run"), "{destination}");
    }
    for destination in ["image", "document", "empty", "video"] {
        let request = api.request(Method::GET, &path).header("sec-fetch-dest", destination);
        assert_eq!(request.send().await.unwrap().status(), 200, "{destination}");
    }
}

#[tokio::test]
async fn unknown_types_are_handed_over_as_files() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    for (artifact_type, kind) in [
        ("file/binary", "attachment"),
        ("application/zip", "attachment"),
        ("application/xslt+xml", "attachment"),
        ("file/html", "inline"),
        ("image/png", "inline"),
        ("video/mp4", "inline"),
        ("file/pdf", "inline"),
    ] {
        let artifact = api.add(job, "a.bin", artifact_type, PAGE).await;
        let path = format!("/api/v1/artifacts/{}/content", artifact["id"].as_str().unwrap());
        let response = api.get(&path).await;
        assert!(header(&response, "content-disposition").starts_with(kind), "{artifact_type}");
        assert_eq!(header(&response, "x-content-type-options"), "nosniff");
        assert!(header(&response, "content-security-policy").contains("frame-ancestors 'self'"));
    }
}
