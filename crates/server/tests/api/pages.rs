//! What is not the API: health, documentation, dashboard, compression, stopping.

use std::time::{Duration, Instant};

use reqwest::Method;

use crate::harness::{Api, header};

#[tokio::test]
async fn probes_answer() {
    let api = Api::start().await;
    let health = api.json("/health").await;
    assert_eq!((health["status"].as_str(), health["backend"].as_str()), (Some("ok"), Some("sqlite")));
    assert_eq!(health["version"], upnext_core::VERSION);
    let ready = api.json("/ready").await;
    assert_eq!(ready["status"], "ready");
    assert_eq!(
        (ready["checks"]["backend"].as_str(), ready["checks"]["storage"].as_str()),
        (Some("ok"), Some("ok"))
    );
}

#[tokio::test]
async fn a_storage_that_cannot_be_written_is_not_ready() {
    let api = Api::start().await;
    // A file where the folder should be: also root cannot write there.
    let folder = api.folder.path().join("artifacts");
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::write(&folder, "in the way").unwrap();
    let response = api.get("/ready").await;
    assert_eq!(response.status(), 503);
    let body: serde_json::Value = response.json().await.unwrap();
    assert_eq!(
        (body["status"].as_str(), body["checks"]["backend"].as_str()),
        (Some("unavailable"), Some("ok"))
    );
    assert_eq!(body["detail"], "the artifact storage does not work");
    assert_eq!(api.get("/health").await.status(), 200);
}

#[tokio::test]
async fn the_documentation_needs_nobody_else() {
    let api = Api::start().await;
    let document = api.json("/openapi.json").await;
    assert_eq!(document["info"]["title"], "UpNext");
    assert_eq!(api.json("/api/v1/openapi.json").await, document);
    let page = api.get("/docs").await;
    assert_eq!(page.url().path(), "/docs/");
    let policy = header(&page, "content-security-policy");
    assert!(policy.starts_with("default-src 'self'"), "{policy}");
    let page = page.text().await.unwrap();
    assert!(page.contains("swagger-ui") && !page.contains("https://"), "{page}");
    let script = api.get("/docs/swagger-initializer.js").await;
    assert_eq!(script.status(), 200);
    assert!(script.text().await.unwrap().contains("../openapi.json"));
    assert_eq!(api.get("/docs/swagger-ui-bundle.js").await.status(), 200);
}

#[tokio::test]
async fn every_path_outside_the_api_is_a_page_of_the_dashboard() {
    let api = Api::start().await;
    let shell = api.get("/").await;
    assert_eq!(shell.status(), 200);
    assert_eq!(header(&shell, "content-type"), "text/html; charset=utf-8");
    let policy = header(&shell, "content-security-policy");
    let built = !shell.text().await.unwrap().contains("make dashboard");
    if built {
        assert!(policy.contains("script-src 'self'") && !policy.contains("unsafe"), "{policy}");
        let deep = api.get("/jobs/some-id").await;
        assert_eq!((deep.status().as_u16(), header(&deep, "cache-control").as_str()), (200, "no-cache"));
        let etag = header(&deep, "etag");
        let again = api.request(Method::GET, "/jobs").header("if-none-match", etag).send().await.unwrap();
        assert_eq!(again.status(), 304);
        let html = deep.text().await.unwrap();
        let start = html.find("assets/").unwrap();
        let asset = &html[start..start + html[start..].find('"').unwrap()];
        let asset = api.get(&format!("/{asset}")).await;
        assert_eq!(header(&asset, "cache-control"), "public, max-age=31536000, immutable");
    } else {
        assert!(policy.starts_with("default-src 'none'"), "{policy}");
        assert_eq!(api.get("/jobs/some-id").await.status(), 404);
    }
    assert_eq!(api.get("/assets/missing-12345678.js").await.status(), 404);
    assert_ne!(api.get("/.gitignore").await.text().await.unwrap(), "*\n!.gitignore\n");
}

#[tokio::test]
async fn json_is_compressed_and_has_safe_headers() {
    let api = Api::start().await;
    let response =
        api.request(Method::GET, "/openapi.json").header("accept-encoding", "gzip").send().await.unwrap();
    assert_eq!(header(&response, "content-encoding"), "gzip");
    let response = api.get("/api/v1/jobs").await;
    assert_eq!(header(&response, "x-content-type-options"), "nosniff");
    assert_eq!(header(&response, "cache-control"), "no-store");
    assert_eq!(header(&response, "content-security-policy"), "default-src 'none'; frame-ancestors 'none'");
}

#[tokio::test]
async fn a_stopped_server_ends_its_streams_and_refuses_more() {
    let mut api = Api::start().await;
    let mut stream = api.get("/api/v1/events/stream").await;
    assert!(stream.chunk().await.unwrap().is_some());
    let begun = Instant::now();
    api.stop.take().unwrap().send(()).unwrap();
    while stream.chunk().await.unwrap().is_some() {}
    api.server.take().unwrap().await.unwrap().unwrap();
    assert!(begun.elapsed() < Duration::from_secs(4), "{:?}", begun.elapsed());
    assert!(api.request(Method::GET, "/health").send().await.is_err());
}
