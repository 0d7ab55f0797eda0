//! Making artifacts: what is said about them, digests that are announced, and requests that are repeated.

use bytes::Bytes;
use futures::stream;
use reqwest::{Body, Method, RequestBuilder};
use serde_json::{Value, json};
use upnext_core::JobId;

use crate::harness::{Api, detail};

/// Digests of `abc` and, in base64, of nothing.
const ABC_SHA256: &str = "sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:";
const ABC_MD5: &str = "kAFQmDzST7DWlj99KOF/cg==";
const EMPTY_SHA256: &str = "sha-256=:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=:";
const EMPTY_MD5: &str = "1B2M2Y8AsgTpgAmY7PhCfg==";

async fn made(request: RequestBuilder) -> Value {
    let response = request.send().await.unwrap();
    let (status, body) = (response.status(), response.text().await.unwrap());
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

async fn total(api: &Api) -> u64 {
    api.json("/api/v1/artifacts?versions=all").await["total"].as_u64().unwrap()
}

/// Files in a folder and below.
fn files(folder: &std::path::Path) -> usize {
    let entries = std::fs::read_dir(folder).into_iter().flatten().map(Result::unwrap);
    entries.map(|entry| if entry.path().is_dir() { files(&entry.path()) } else { 1 }).sum()
}

fn post(api: &Api, job: JobId, query: &str) -> RequestBuilder {
    api.request(Method::POST, &format!("/api/v1/jobs/{job}/artifacts{query}"))
}

#[tokio::test]
async fn a_raw_body_says_in_the_query_what_is_known_about_it() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let query = "?name=a.bin&type=text/markdown&description=Gr%C3%B6%C3%9Fe&tag=a&tag=b,c\
                 &metadata=%7B%22epoch%22%3A3%7D&expires_in=3600";
    let artifact = made(post(&api, job, query).body("# x")).await;
    assert_eq!(artifact["type"], "text/markdown");
    assert_eq!(artifact["description"], "Größe");
    assert_eq!(artifact["tags"], json!(["a", "b", "c"]));
    assert_eq!(artifact["metadata"], json!({"epoch": 3}));
    assert!(artifact["expires_at"].is_string() && artifact["pinned"] == false);
    for (query, part) in [
        ("name=a&metadata=[1]", "one JSON object"),
        ("name=a&metadata={", "metadata: it is not JSON"),
        ("name=a&expires_in=0", "expires_in is '0'"),
        ("name=a&expires_in=soon", "expires_in is 'soon'"),
        ("name=a&description=x&description=y", "description is given more than once"),
        ("name=a&name=b", "name is given more than once"),
        (&format!("name=a&tag={}", "x".repeat(65)), "is not a tag"),
    ] {
        let sentence =
            detail(post(&api, job, &format!("?{query}")).body("x").send().await.unwrap(), 422).await;
        assert!(sentence.contains(part), "{query}: {sentence}");
    }
    assert_eq!(total(&api).await, 1);
}

#[tokio::test]
async fn a_json_body_says_the_same_in_its_fields() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let body = json!({"name": "a.json", "data": {}, "description": "d", "tags": ["x", "y"], "metadata": {"n": 1},
                      "expires_in": 1.5});
    let artifact = made(post(&api, job, "").json(&body)).await;
    assert_eq!((&artifact["description"], &artifact["tags"]), (&json!("d"), &json!(["x", "y"])));
    assert_eq!(artifact["metadata"], json!({"n": 1}));
    assert!(artifact["expires_at"].is_string());
    let nulls = json!({"name": "b", "data": {}, "description": null, "tags": null, "metadata": null,
                       "expires_in": null});
    let artifact = made(post(&api, job, "").json(&nulls)).await;
    assert!(artifact["description"].is_null() && artifact["expires_at"].is_null());
    for (field, value, part) in [
        ("metadata", json!([1]), "one JSON object"),
        ("tags", json!("x"), "expected a sequence"),
        ("tags", json!(["a,b"]), "is not a tag"),
        ("expires_in", json!(-1), "more than 0"),
    ] {
        let mut body = json!({"name": "c", "data": {}});
        body[field] = value;
        let sentence = detail(post(&api, job, "").json(&body).send().await.unwrap(), 422).await;
        assert!(sentence.contains(part), "{body}: {sentence}");
    }
}

#[tokio::test]
async fn bytes_with_the_announced_digest_are_taken() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    for (name, value) in [
        ("repr-digest", ABC_SHA256),
        ("content-digest", ABC_SHA256),
        ("repr-digest", "sha-512=:AAAA:"),
        ("content-md5", ABC_MD5),
    ] {
        let artifact = made(post(&api, job, "?name=a.txt").header(name, value).body("abc")).await;
        assert_eq!(artifact["size_bytes"], 3);
        let body = json!({"name": "a.bin", "type": "file/binary", "data": "YW\nJj"});
        made(post(&api, job, "").header(name, value).json(&body)).await;
        let body = json!({"name": "a.txt", "type": "text", "data": "abc"});
        made(post(&api, job, "").header(name, value).json(&body)).await;
    }
    made(post(&api, job, "?name=e").header("content-md5", EMPTY_MD5).header("repr-digest", EMPTY_SHA256))
        .await;
}

#[tokio::test]
async fn bytes_with_another_digest_are_refused_and_nothing_is_kept() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    for (name, value, algorithm) in [
        ("repr-digest", EMPTY_SHA256, "SHA-256"),
        ("content-digest", EMPTY_SHA256, "SHA-256"),
        ("content-md5", EMPTY_MD5, "MD5"),
    ] {
        let large = Body::wrap_stream(stream::iter(
            (0..10).map(|_| Ok::<_, std::io::Error>(Bytes::from(vec![7; 100_000]))),
        ));
        for request in [
            post(&api, job, "?name=a.bin").body("abc"),
            post(&api, job, "?name=a.bin").body(large),
            post(&api, job, "").json(&json!({"name": "a.bin", "type": "file/binary", "data": "YWJj"})),
            post(&api, job, "").json(&json!({"name": "a.bin", "type": "text", "data": "abc"})),
        ] {
            let sentence = detail(request.header(name, value).send().await.unwrap(), 422).await;
            let begin = format!("artifact 'a.bin': its bytes have the {algorithm} digest ");
            assert!(sentence.starts_with(&begin) && sentence.ends_with("send them again"), "{sentence}");
        }
    }
    for (name, value, part) in
        [("repr-digest", "sha-256=:AAAA:", "32 bytes"), ("content-md5", "zzz", "16 bytes")]
    {
        let request = post(&api, job, "?name=a").header(name, value).body("abc");
        assert!(detail(request.send().await.unwrap(), 422).await.contains(part));
    }
    let both =
        post(&api, job, "?name=a").header("repr-digest", ABC_SHA256).header("content-digest", EMPTY_SHA256);
    assert!(detail(both.body("abc").send().await.unwrap(), 422).await.contains("two different digests"));
    assert_eq!(total(&api).await, 0);
    assert_eq!(files(&api.folder.path().join("artifacts")), 0, "no byte of a refused body is stored");
}

#[tokio::test]
async fn a_repeated_request_is_answered_with_what_the_first_one_made() {
    let api = Api::start().await;
    let (job, other) = (api.submit("report").await, api.submit("report").await);
    let keyed = |job, key: &str, body: &'static str| {
        post(&api, job, "?name=a.txt").header("idempotency-key", key).body(body)
    };
    let first = made(keyed(job, "k-1", "abc")).await;
    assert_eq!(made(keyed(job, "\"k-1\"", "abc")).await, first);
    let json = json!({"name": "a.txt", "type": "text", "data": "abc"});
    assert_eq!(made(post(&api, job, "").header("idempotency-key", "k-1").json(&json)).await, first);
    assert_ne!(made(keyed(job, "k-2", "abc")).await["id"], first["id"]);
    assert_ne!(made(keyed(other, "k-1", "abc")).await["id"], first["id"]);
    let reused = detail(keyed(job, "k-1", "other").send().await.unwrap(), 409).await;
    assert!(reused.contains("fresh key"), "{reused}");
    for bad in ["\"\"", &"k".repeat(257)] {
        let sentence = detail(keyed(job, bad, "abc").send().await.unwrap(), 422).await;
        assert!(sentence.contains("idempotency key"), "{sentence}");
    }
    let twice = keyed(job, "a", "abc").header("idempotency-key", "b").send().await.unwrap();
    assert!(detail(twice, 422).await.contains("more than once"));
    assert_eq!(total(&api).await, 3);
}
