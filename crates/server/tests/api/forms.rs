//! Forms with a file.

use std::io;

use bytes::Bytes;
use futures::stream;
use reqwest::{Body, Method, RequestBuilder};
use serde_json::{Value, json};
use upnext_core::JobId;

use crate::harness::{Api, detail};

const BOUNDARY: &str = "----a7xq";

fn field(name: &str, value: &str) -> String {
    format!("--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
}

fn file(file_name: &str, more: &str, content: &str) -> String {
    format!(
        "--{BOUNDARY}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{file_name}\"\r\n\
         Content-Type: application/octet-stream\r\n{more}\r\n{content}\r\n"
    )
}

fn end() -> String {
    format!("--{BOUNDARY}--\r\n")
}

fn post(api: &Api, job: JobId, body: impl Into<Body>) -> RequestBuilder {
    api.request(Method::POST, &format!("/api/v1/jobs/{job}/artifacts"))
        .header("content-type", format!("multipart/form-data; boundary=\"{BOUNDARY}\""))
        .body(body)
}

async fn made(request: RequestBuilder) -> Value {
    let response = request.send().await.unwrap();
    let (status, body) = (response.status(), response.text().await.unwrap());
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

#[tokio::test]
async fn a_form_makes_one_artifact_of_its_file() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let form = [
        field("name", "größe/a.md"),
        field("type", "text/markdown"),
        field("description", "A note"),
        field("tags", "a,b"),
        field("tags", "c"),
        field("metadata", "{\"n\": 1}"),
        field("expires_in", "60"),
        file("C:\\other.txt", "", "# x\r\n--no boundary\r\n"),
        end(),
    ]
    .concat();
    let artifact = made(post(&api, job, form)).await;
    assert_eq!((&artifact["name"], &artifact["type"]), (&json!("größe/a.md"), &json!("text/markdown")));
    assert_eq!((&artifact["tags"], &artifact["metadata"]), (&json!(["a", "b", "c"]), &json!({"n": 1})));
    assert_eq!(artifact["description"], "A note");
    assert!(artifact["expires_at"].is_string());
    let id = artifact["id"].as_str().unwrap();
    let content = api.get(&format!("/api/v1/artifacts/{id}/content")).await.text().await.unwrap();
    assert_eq!(content, "# x\r\n--no boundary\r\n");
}

#[tokio::test]
async fn without_a_name_the_artifact_has_the_files() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let form = [field("name", ""), file("table.csv", "", "a,b\n"), end()].concat();
    let artifact = made(post(&api, job, form)).await;
    assert_eq!((&artifact["name"], &artifact["type"]), (&json!("table.csv"), &json!("file/csv")));
    let path = format!("/api/v1/artifacts?job_id={job}");
    let form = [file("b.bin", "", ""), end()].concat();
    let request = api.request(Method::POST, &path).body(form);
    let content_type = format!("multipart/form-data; boundary={BOUNDARY}");
    assert_eq!(made(request.header("content-type", content_type)).await["size_bytes"], 0);
}

#[tokio::test]
async fn bad_forms_name_their_rule_and_nothing_is_kept() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let many: String = (0..70).map(|number| field("tag", &number.to_string())).collect();
    for (form, status, part) in [
        (vec![file("a", "", "x"), file("b", "", "y"), end()], 422, "more than one file"),
        (vec![file("a", "", "x"), field("tags", "t"), end()], 422, "field `tags` after its file"),
        (vec![field("name", "a"), end()], 422, "no part `file`"),
        (vec![field("nam", "a"), file("a", "", "x"), end()], 422, "field `nam`"),
        (vec![field("name", "../a"), file("a", "", "x"), end()], 422, "segment '..'"),
        (vec![field("type", "pdf"), file("a", "", "x"), end()], 422, "type: 'pdf'"),
        (vec![field("metadata", "["), file("a", "", "x"), end()], 422, "not JSON"),
        (vec![field("metadata", &"x".repeat(200_000)), file("a", "", "x"), end()], 422, "more than 131072"),
        (vec![many, file("a", "", "x"), end()], 422, "more than 64 fields"),
        (vec![field("file", "x"), end()], 422, "names no artifact"),
        (vec![file("a.bin", "", "x")], 400, "ended before it was whole"),
        (vec![field("name", "a")], 400, "ended before it was whole"),
        (vec!["no form at all".to_owned()], 400, "ended before it was whole"),
    ] {
        let form = form.concat();
        let shown: String = form.chars().take(200).collect();
        let sentence = detail(post(&api, job, form).send().await.unwrap(), status).await;
        assert!(sentence.contains(part), "{shown}: {sentence}");
    }
    let no_boundary = api.request(Method::POST, &format!("/api/v1/jobs/{job}/artifacts"));
    let no_boundary =
        no_boundary.header("content-type", "multipart/form-data").body("x").send().await.unwrap();
    assert!(detail(no_boundary, 422).await.contains("boundary"));
    let form = [file("a", "", "x"), end()].concat();
    detail(post(&api, JobId::fresh(), form).send().await.unwrap(), 404).await;
    assert_eq!(api.json("/api/v1/artifacts").await["total"], 0);
}

#[tokio::test]
async fn digests_stand_in_the_headers_of_the_request_or_the_file() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let md5 = "Content-MD5: kAFQmDzST7DWlj99KOF/cg==\r\n";
    let sha256 = "Repr-Digest: sha-256=:ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=:\r\n";
    for more in [md5, sha256] {
        made(post(&api, job, [file("a", more, "abc"), end()].concat())).await;
        let wrong = post(&api, job, [file("a", more, "abd"), end()].concat()).send().await.unwrap();
        assert!(detail(wrong, 422).await.contains("its bytes have the"), "{more}");
    }
    let form = || [file("a", "", "abc"), end()].concat();
    let with =
        |value: &str| post(&api, job, form()).header("content-md5", value).header("idempotency-key", "k");
    let first = made(with("kAFQmDzST7DWlj99KOF/cg==")).await;
    assert_eq!(made(with("kAFQmDzST7DWlj99KOF/cg==")).await["id"], first["id"]);
    detail(with("1B2M2Y8AsgTpgAmY7PhCfg==").send().await.unwrap(), 422).await;
    assert_eq!(api.json("/api/v1/artifacts?versions=all").await["total"], 3);
}

#[tokio::test]
async fn the_limit_holds_while_a_form_streams() {
    let api = Api::with(&[("UPNEXT_ARTIFACT_MAX_UPLOAD_BYTES", "100000")]).await;
    let job = api.submit("report").await;
    let exact = [file("a.bin", "", &"x".repeat(100_000)), end()].concat();
    assert_eq!(made(post(&api, job, exact)).await["size_bytes"], 100_000);
    let piece = Bytes::from(vec![b'x'; 50_000]);
    let begin = file("b.bin", "", "").trim_end().to_owned() + "\r\n\r\n";
    let pieces = std::iter::once(Bytes::from(begin)).chain((0..40).map(move |_| piece.clone()));
    let streamed = Body::wrap_stream(stream::iter(pieces.map(Ok::<_, io::Error>)));
    let sentence = detail(post(&api, job, streamed).send().await.unwrap(), 413).await;
    assert!(sentence.contains("UPNEXT_ARTIFACT_MAX_UPLOAD_BYTES"), "{sentence}");
    assert_eq!(api.json("/api/v1/artifacts").await["total"], 1);
}
