//! Artifact bytes: headers, validators, ranges, and that nothing stored ever runs as the dashboard.

use reqwest::{Method, Response};
use upnext_core::JobId;

use crate::harness::{Api, detail, header};

const TEXT: &str = "0123456789";
const SHA256: &str = "84d89877f0d4041efb6bf91a16f0248f2fd573e6af05c19f96bedb9f882f7882";

async fn with_text() -> (Api, String) {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let artifact = api.add(job, "digits.txt", "text", TEXT).await;
    let path = format!("/api/v1/artifacts/{}/content", artifact["id"].as_str().unwrap());
    (api, path)
}

async fn get(api: &Api, path: &str, headers: &[(&str, &str)]) -> Response {
    let request = headers
        .iter()
        .fold(api.request(Method::GET, path), |request, (name, value)| request.header(*name, *value));
    request.send().await.unwrap()
}

#[tokio::test]
async fn content_comes_with_all_its_headers() {
    let (api, path) = with_text().await;
    let response = get(&api, &path, &[("accept-encoding", "gzip")]).await;
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "content-type"), "text/plain; charset=utf-8");
    assert_eq!(header(&response, "content-length"), "10");
    assert_eq!(header(&response, "etag"), format!("\"{SHA256}\""));
    assert_eq!(header(&response, "accept-ranges"), "bytes");
    assert_eq!(header(&response, "cache-control"), "private, no-cache");
    assert_eq!(header(&response, "x-content-type-options"), "nosniff");
    assert_eq!(header(&response, "repr-digest"), "sha-256=:hNiYd/DUBB77a/kaFvAkjy/Vc+avBcGflr7bn4gveII=:");
    assert_eq!(header(&response, "content-encoding"), "");
    assert!(header(&response, "content-disposition").starts_with("inline; filename=\"digits.txt\""));
    assert_eq!(response.text().await.unwrap(), TEXT);
}

#[tokio::test]
async fn head_tells_everything_but_the_bytes() {
    let (api, path) = with_text().await;
    let response = api.request(Method::HEAD, &path).header("range", "bytes=0-1").send().await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "content-length"), "10");
    assert_eq!(header(&response, "etag"), format!("\"{SHA256}\""));
    assert_eq!(response.bytes().await.unwrap().len(), 0);
}

#[tokio::test]
async fn what_the_client_has_is_not_sent_again() {
    let (api, path) = with_text().await;
    let etag = format!("\"{SHA256}\"");
    let response = get(&api, &path, &[("if-none-match", &etag)]).await;
    assert_eq!(response.status(), 304);
    assert_eq!(header(&response, "etag"), etag);
    assert_eq!(response.bytes().await.unwrap().len(), 0);
    assert_eq!(get(&api, &path, &[("if-none-match", "\"other\"")]).await.status(), 200);
}

#[tokio::test]
async fn ranges_are_answered() {
    let (api, path) = with_text().await;
    for (range, part, content_range) in [
        ("bytes=2-4", "234", "bytes 2-4/10"),
        ("bytes=8-", "89", "bytes 8-9/10"),
        ("bytes=-3", "789", "bytes 7-9/10"),
    ] {
        let response = get(&api, &path, &[("range", range)]).await;
        assert_eq!(response.status(), 206);
        assert_eq!(header(&response, "content-range"), content_range);
        assert_eq!(header(&response, "content-length"), part.len().to_string());
        assert_eq!(response.text().await.unwrap(), part);
    }
    let outside = get(&api, &path, &[("range", "bytes=10-")]).await;
    assert_eq!(header(&outside, "content-range"), "bytes */10");
    detail(outside, 416).await;
    let etag = format!("\"{SHA256}\"");
    let same = get(&api, &path, &[("range", "bytes=0-0"), ("if-range", &etag)]).await;
    assert_eq!(same.status(), 206);
    let changed = get(&api, &path, &[("range", "bytes=0-0"), ("if-range", "\"old\"")]).await;
    assert_eq!((changed.status().as_u16(), changed.text().await.unwrap().as_str()), (200, TEXT));
}

#[tokio::test]
async fn stored_files_have_ranges_too() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let bytes: Vec<u8> = (0..200_000_u32).map(|n| (n % 251) as u8).collect();
    let path = format!("/api/v1/jobs/{job}/artifacts?name=big.bin");
    let artifact: serde_json::Value =
        api.request(Method::POST, &path).body(bytes.clone()).send().await.unwrap().json().await.unwrap();
    assert_eq!(artifact["storage_backend"], "local");
    let path = format!("/api/v1/artifacts/{}/content", artifact["id"].as_str().unwrap());
    let response = get(&api, &path, &[("range", "bytes=100000-150000")]).await;
    assert_eq!(response.status(), 206);
    assert_eq!(response.bytes().await.unwrap(), bytes[100_000..=150_000]);
    assert_eq!(get(&api, &path, &[]).await.bytes().await.unwrap(), bytes);
}

#[tokio::test]
async fn an_empty_artifact_is_served() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let artifact = api.add(job, "empty.txt", "text", "").await;
    let path = format!("/api/v1/artifacts/{}/content", artifact["id"].as_str().unwrap());
    let response = get(&api, &path, &[]).await;
    assert_eq!((response.status().as_u16(), header(&response, "content-length").as_str()), (200, "0"));
    detail(get(&api, &path, &[("range", "bytes=0-")]).await, 416).await;
}

#[tokio::test]
async fn downloads_carry_harmless_file_names() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    for (name, expected) in [
        ("a b.txt", "attachment; filename=\"a b.txt\"; filename*=UTF-8''a%20b.txt"),
        (
            "x\"; filename=\"evil.exe",
            "attachment; filename=\"x__ filename=_evil.exe\"; filename*=UTF-8''x%22%3B%20filename%3D%22evil.exe",
        ),
        ("deep/図.txt", "attachment; filename=\"_.txt\"; filename*=UTF-8''%E5%9B%B3.txt"),
        ("a'b%41;c\\d.txt", "attachment; filename=\"d.txt\"; filename*=UTF-8''d.txt"),
    ] {
        let artifact = api.add(job, name, "text", "x").await;
        let path = format!("/api/v1/artifacts/{}/content?download=true", artifact["id"].as_str().unwrap());
        let response = get(&api, &path, &[]).await;
        assert_eq!(header(&response, "content-disposition"), expected, "{name}");
        assert_eq!(response.text().await.unwrap(), "x");
    }
    let artifact = api.add(job, "y", "text", "x").await;
    let path = format!("/api/v1/artifacts/{}/content?download=maybe", artifact["id"].as_str().unwrap());
    detail(get(&api, &path, &[]).await, 422).await;
}

#[tokio::test]
async fn stored_pages_never_run() {
    let api = Api::start().await;
    let job: JobId = api.submit("report").await;
    let script = "PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg==";
    for (artifact_type, content_type) in [
        ("file/html", "text/html"),
        ("image/svg", "image/svg+xml"),
        ("file/xml", "application/xml"),
        ("file/binary", "application/octet-stream"),
    ] {
        let artifact = api.add(job, "page.html", artifact_type, script).await;
        let path = format!("/api/v1/artifacts/{}/content", artifact["id"].as_str().unwrap());
        let response = get(&api, &path, &[]).await;
        assert_eq!(header(&response, "content-type"), content_type);
        let policy = header(&response, "content-security-policy");
        assert!(policy.starts_with("sandbox;") && policy.contains("default-src 'none'"), "{policy}");
        assert!(!policy.contains("allow-") && !policy.contains("script-src"), "{policy}");
        assert_eq!(header(&response, "x-content-type-options"), "nosniff");
    }
    // Text that looks like a page stays text.
    let artifact = api.add(job, "page.html", "text", "<script>alert(1)</script>").await;
    let path = format!("/api/v1/artifacts/{}/content", artifact["id"].as_str().unwrap());
    let response = get(&api, &path, &[]).await;
    assert_eq!(header(&response, "content-type"), "text/plain; charset=utf-8");
    assert_eq!(header(&response, "x-content-type-options"), "nosniff");
}
