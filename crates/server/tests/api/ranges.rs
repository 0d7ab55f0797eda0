//! Several ranges at once, conditions on content, and content that is damaged or gone.

use reqwest::{Method, Response};
use serde_json::Value;

use crate::harness::{Api, detail, header};
use crate::s3::Bucket;

fn sample(length: usize) -> Vec<u8> {
    (0..length).map(|n| (n % 251) as u8).collect()
}

fn content(artifact: &Value) -> String {
    format!("/api/v1/artifacts/{}/content", artifact["id"].as_str().unwrap())
}

async fn get(api: &Api, path: &str, headers: &[(&str, &str)]) -> Response {
    let request = headers
        .iter()
        .fold(api.request(Method::GET, path), |request, (name, value)| request.header(*name, *value));
    request.send().await.unwrap()
}

/// The parts of a multipart body: their `Content-Range` and their bytes.
fn parts(boundary: &str, body: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut rest = body.strip_prefix(format!("--{boundary}\r\n").as_bytes()).unwrap();
    loop {
        let head = rest.windows(4).position(|window| window == b"\r\n\r\n").unwrap();
        let headers = std::str::from_utf8(&rest[..head]).unwrap().to_owned();
        rest = &rest[head + 4..];
        let mark = format!("\r\n--{boundary}");
        let end = rest.windows(mark.len()).position(|window| window == mark.as_bytes()).unwrap();
        let range = headers.lines().find_map(|line| line.strip_prefix("Content-Range: ")).unwrap();
        found.push((range.to_owned(), rest[..end].to_vec()));
        rest = &rest[end + mark.len()..];
        if rest == b"--\r\n" {
            return found;
        }
        rest = rest.strip_prefix(b"\r\n").unwrap();
    }
}

async fn several_ranges_come_as_parts(api: &Api) {
    let job = api.submit("report").await;
    let bytes = sample(600_000);
    let artifact = api.upload(job, "big.bin", bytes.clone()).await;
    let response = get(api, &content(&artifact), &[("range", "bytes=500000-500099,0-9,-5")]).await;
    assert_eq!(response.status(), 206);
    assert_eq!(header(&response, "content-range"), "");
    let (length, kind) = (header(&response, "content-length"), header(&response, "content-type"));
    let boundary = kind.strip_prefix("multipart/byteranges; boundary=").unwrap();
    let body = response.bytes().await.unwrap();
    assert_eq!(length, body.len().to_string());
    let expected = [
        ("bytes 500000-500099/600000".to_owned(), bytes[500_000..500_100].to_vec()),
        ("bytes 0-9/600000".to_owned(), bytes[..10].to_vec()),
        ("bytes 599995-599999/600000".to_owned(), bytes[599_995..].to_vec()),
    ];
    assert_eq!(parts(boundary, &body), expected);
}

#[tokio::test]
async fn several_ranges_of_a_file_come_as_parts() {
    several_ranges_come_as_parts(&Api::start().await).await;
}

#[tokio::test]
async fn several_ranges_of_an_object_come_as_parts() {
    several_ranges_come_as_parts(&Bucket::start().await.api).await;
}

#[tokio::test]
async fn many_or_overlapping_ranges_are_no_lever() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let bytes = sample(100_000);
    let path = content(&api.upload(job, "big.bin", bytes.clone()).await);
    let overlapping = format!("bytes={}", vec!["0-"; 60].join(","));
    let one = get(&api, &path, &[("range", &overlapping)]).await;
    assert_eq!(
        (one.status().as_u16(), header(&one, "content-range").as_str()),
        (206, "bytes 0-99999/100000")
    );
    assert_eq!(one.bytes().await.unwrap(), bytes);
    let many: Vec<String> = (0..1000).map(|n| format!("{0}-{0}", n * 90)).collect();
    let everything = get(&api, &path, &[("range", &format!("bytes={}", many.join(",")))]).await;
    assert_eq!((everything.status().as_u16(), everything.bytes().await.unwrap().len()), (200, 100_000));
    let outside = get(&api, &path, &[("range", "bytes=100000-,200000-")]).await;
    assert_eq!(header(&outside, "content-range"), "bytes */100000");
    detail(outside, 416).await;
}

#[tokio::test]
async fn a_condition_that_does_not_hold_stops_the_answer() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let artifact = api.add(job, "a.txt", "text", "0123456789").await;
    let (path, etag) = (content(&artifact), format!("\"{}\"", artifact["sha256"].as_str().unwrap()));
    assert_eq!(get(&api, &path, &[("if-match", &etag)]).await.status(), 200);
    assert_eq!(get(&api, &path, &[("if-match", "*")]).await.status(), 200);
    let sentence = detail(get(&api, &path, &[("if-match", "\"other\"")]).await, 412).await;
    assert!(sentence.contains(&etag), "{sentence}");
    let known = api.request(Method::HEAD, &path).header("if-none-match", &etag).send().await.unwrap();
    assert_eq!(known.status(), 304);
}

#[tokio::test]
async fn a_damaged_artifact_is_an_error_and_never_passes_as_good() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let small = api.upload(job, "small.bin", sample(100_000)).await;
    api.damage(&small);
    let sentence = detail(get(&api, &content(&small), &[]).await, 500).await;
    assert!(sentence.contains("are damaged"), "{sentence}");
    // What one reader met, everybody learns.
    while api.json(&format!("/api/v1/artifacts/{}", small["id"].as_str().unwrap())).await["status"]
        != "damaged"
    {
        tokio::task::yield_now().await;
    }
    for condition in [("if-none-match", "*"), ("range", "bytes=0-1")] {
        detail(get(&api, &content(&small), &[condition]).await, 500).await;
    }
    let large = api.upload(job, "large.bin", sample(2_000_000)).await;
    api.damage(&large);
    let response = get(&api, &content(&large), &[]).await;
    assert!(response.bytes().await.is_err(), "the last piece must not come");
}

#[tokio::test]
async fn bytes_that_are_gone_are_not_found() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let artifact = api.upload(job, "gone.bin", sample(100_000)).await;
    let file = api.folder.path().join("artifacts").join(artifact["storage_key"].as_str().unwrap());
    std::fs::remove_file(file).unwrap();
    let sentence = detail(get(&api, &content(&artifact), &[]).await, 404).await;
    assert!(sentence.contains("missing"), "{sentence}");
}

#[tokio::test]
async fn a_redirect_leads_to_the_bucket() {
    let bucket = Bucket::start().await;
    let job = bucket.api.submit("report").await;
    let bytes = sample(100_000);
    let artifact = bucket.api.upload(job, "big.bin", bytes.clone()).await;
    assert_eq!(artifact["storage_backend"], "s3");
    let client =
        reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let ask = async |path: String| client.get(format!("{}{path}", bucket.api.url)).send().await.unwrap();
    let path = format!("{}?redirect=1", content(&artifact));
    let moved = ask(path.clone()).await;
    assert_eq!((moved.status().as_u16(), header(&moved, "cache-control").as_str()), (307, "no-store"));
    let address = header(&moved, "location");
    assert!(address.contains("X-Amz-Signature=") && !address.contains("test-secret"), "{address}");
    let fetched = client.get(&address).send().await.unwrap();
    assert_eq!(fetched.bytes().await.unwrap(), bytes);
    // Without being asked, and for what is not in the bucket, the server answers itself.
    assert_eq!(ask(content(&artifact)).await.status(), 200);
    let small = bucket.api.add(job, "a.txt", "text", "x").await;
    assert_eq!(ask(format!("{}?redirect=1", content(&small))).await.status(), 200);
    let head = client.head(format!("{}{path}", bucket.api.url)).send().await.unwrap();
    assert_eq!(head.status(), 200);
}

#[tokio::test]
async fn a_local_storage_has_nowhere_to_redirect_to() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let artifact = api.upload(job, "big.bin", sample(100_000)).await;
    let response = get(&api, &format!("{}?redirect=1", content(&artifact)), &[]).await;
    assert_eq!((response.status().as_u16(), response.bytes().await.unwrap().len()), (200, 100_000));
}
