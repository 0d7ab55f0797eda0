//! Resumable uploads: the tus protocol, step by step.

use std::io::Write as _;
use std::net::TcpStream;

use reqwest::{Method, RequestBuilder, Response};
use sha2::{Digest as _, Sha256};
use upnext_core::backend::ArtifactQuery;
use upnext_core::{ArtifactId, JobId};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::harness::{Api, detail, header};

const PIECE: &str = "application/offset+octet-stream";

fn bytes(length: usize) -> Vec<u8> {
    (0..length).map(|index| (index % 251) as u8).collect()
}

fn hex(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn metadata(pairs: &[(&str, &str)]) -> String {
    let pairs: Vec<String> =
        pairs.iter().map(|(key, value)| format!("{key} {}", STANDARD.encode(value))).collect();
    pairs.join(",")
}

fn tus(api: &Api, method: Method, path: &str) -> RequestBuilder {
    api.request(method, path).header("tus-resumable", "1.0.0")
}

fn begin(api: &Api, job: JobId, length: usize, pairs: &[(&str, &str)]) -> RequestBuilder {
    tus(api, Method::POST, &format!("/api/v1/jobs/{job}/uploads"))
        .header("upload-length", length)
        .header("upload-metadata", metadata(pairs))
}

async fn begun(request: RequestBuilder) -> String {
    let response = request.send().await.unwrap();
    assert_eq!(response.status(), 201);
    header(&response, "location")
}

fn patch(api: &Api, path: &str, offset: usize, piece: &[u8]) -> RequestBuilder {
    tus(api, Method::PATCH, path)
        .header("content-type", PIECE)
        .header("upload-offset", offset)
        .body(piece.to_vec())
}

async fn head(api: &Api, path: &str) -> Response {
    tus(api, Method::HEAD, path).send().await.unwrap()
}

async fn offset(api: &Api, path: &str) -> usize {
    header(&head(api, path).await, "upload-offset").parse().unwrap()
}

#[tokio::test]
async fn an_upload_in_pieces_becomes_an_artifact_with_the_last_one() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let all = bytes(300_000);
    let pairs = [
        ("filename", "größe.bin"),
        ("filetype", "video/mp4"),
        ("description", "A film"),
        ("tags", "a,b"),
        ("sha256", &hex(&all)),
        ("relativePath", "x"),
    ];
    let response = begin(&api, job, all.len(), &pairs).send().await.unwrap();
    assert_eq!(response.status(), 201);
    assert_eq!(header(&response, "tus-resumable"), "1.0.0");
    assert_eq!(header(&response, "upload-offset"), "0");
    assert!(header(&response, "upload-expires").ends_with(" GMT"));
    let path = header(&response, "location");
    let id = path.strip_prefix("/api/v1/uploads/").unwrap();
    assert_eq!(api.json("/api/v1/artifacts").await["total"], 0, "nobody sees an upload");
    detail(api.get(&format!("/api/v1/artifacts/{id}")).await, 404).await;

    let first = patch(&api, &path, 0, &all[..100_000]).send().await.unwrap();
    assert_eq!((first.status().as_u16(), header(&first, "upload-offset").as_str()), (204, "100000"));
    assert_eq!(header(&first, "upnext-artifact"), "");
    let shown = head(&api, &path).await;
    assert_eq!(shown.status(), 200);
    assert_eq!(header(&shown, "upload-length"), "300000");
    assert_eq!(header(&shown, "cache-control"), "no-store");
    assert!(header(&shown, "upload-metadata").starts_with(&metadata(&[("name", "größe.bin")])));

    let last = patch(&api, &path, 100_000, &all[100_000..]).send().await.unwrap();
    assert_eq!((last.status().as_u16(), header(&last, "upload-offset").as_str()), (204, "300000"));
    assert_eq!(
        (header(&last, "upnext-artifact").as_str(), header(&last, "upload-expires").as_str()),
        (id, "")
    );
    let artifact = api.json(&format!("/api/v1/artifacts/{id}")).await;
    assert_eq!(
        (artifact["name"].as_str(), artifact["type"].as_str()),
        (Some("größe.bin"), Some("video/mp4"))
    );
    assert_eq!(
        (artifact["sha256"].as_str(), artifact["status"].as_str()),
        (Some(&*hex(&all)), Some("available"))
    );
    assert_eq!((artifact["description"].as_str(), artifact["tags"][1].as_str()), (Some("A film"), Some("b")));
    let content = api.get(&format!("/api/v1/artifacts/{id}/content")).await.bytes().await.unwrap();
    assert!(content == all);

    // The answer to the last piece may have been lost.
    let again = head(&api, &path).await;
    assert_eq!(
        (header(&again, "upload-offset").as_str(), header(&again, "upload-length").as_str()),
        ("300000", "300000")
    );
    assert_eq!(header(&again, "upnext-artifact"), id);
    let nothing = patch(&api, &path, all.len(), b"").send().await.unwrap();
    assert_eq!((nothing.status().as_u16(), header(&nothing, "upnext-artifact").as_str()), (204, id));
    detail(patch(&api, &path, all.len(), b"more").send().await.unwrap(), 409).await;
}

#[tokio::test]
async fn an_upload_may_begin_with_bytes_or_have_none() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let whole = begin(&api, job, 3, &[("name", "a.txt")]).header("content-type", PIECE).body("abc");
    let response = whole.send().await.unwrap();
    assert_eq!((response.status().as_u16(), header(&response, "upload-offset").as_str()), (201, "3"));
    let id = header(&response, "upnext-artifact");
    assert_eq!(api.json(&format!("/api/v1/artifacts/{id}")).await["type"], "text");
    let part = begin(&api, job, 3, &[("name", "b.txt")]).header("content-type", PIECE).body("a");
    let path = begun(part).await;
    assert_eq!(offset(&api, &path).await, 1);
    let response = begin(&api, job, 0, &[("name", "empty")]).send().await.unwrap();
    let id = header(&response, "upnext-artifact");
    assert_eq!(api.json(&format!("/api/v1/artifacts/{id}")).await["size_bytes"], 0);
}

#[tokio::test]
async fn types_are_declared_or_inferred() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    for (pairs, found) in [
        (&[("name", "a.csv"), ("type", "text/markdown")][..], "text/markdown"),
        (&[("name", "a.csv"), ("filetype", "")], "file/csv"),
        (&[("name", "a.csv"), ("type", "file/binary")], "file/binary"),
        (&[("name", "a")], "file/pdf"),
    ] {
        let body = begin(&api, job, 8, pairs).header("content-type", PIECE).body("%PDF-1.7");
        let id = header(&body.send().await.unwrap(), "upnext-artifact");
        assert_eq!(api.json(&format!("/api/v1/artifacts/{id}")).await["type"], found, "{pairs:?}");
    }
}

#[tokio::test]
async fn what_arrived_before_the_connection_was_cut_is_kept() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let all = bytes(5 * 1024 * 1024);
    let path = begun(begin(&api, job, all.len(), &[("name", "a.bin"), ("sha256", &hex(&all))])).await;
    let mut socket = TcpStream::connect(api.url.strip_prefix("http://").unwrap()).unwrap();
    write!(
        socket,
        "PATCH {path} HTTP/1.1\r\nHost: localhost\r\nTus-Resumable: 1.0.0\r\nContent-Type: {PIECE}\r\n\
         Upload-Offset: 0\r\nContent-Length: {}\r\n\r\n",
        all.len()
    )
    .unwrap();
    let half = all[..1_000_000].to_vec();
    tokio::task::spawn_blocking(move || {
        socket.write_all(&half).unwrap();
        socket.shutdown(std::net::Shutdown::Both).unwrap();
    })
    .await
    .unwrap();
    let kept = loop {
        match offset(&api, &path).await {
            0 => tokio::task::yield_now().await,
            kept => break kept,
        }
    };
    assert!(kept <= 1_000_000, "{kept}");
    let rest = patch(&api, &path, kept, &all[kept..]).send().await.unwrap();
    assert_eq!(rest.status(), 204);
    let id = header(&rest, "upnext-artifact");
    let content = api.get(&format!("/api/v1/artifacts/{id}/content")).await.bytes().await.unwrap();
    assert!(content == all);
}

#[tokio::test]
async fn two_at_once_tear_nothing() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let (ones, twos) = (vec![1; 700_000], vec![2; 700_000]);
    let path = begun(begin(&api, job, 700_000, &[("name", "a.bin")])).await;
    let (one, two) = tokio::join!(patch(&api, &path, 0, &ones).send(), patch(&api, &path, 0, &twos).send());
    let mut statuses = [one.unwrap().status().as_u16(), two.unwrap().status().as_u16()];
    statuses.sort_unstable();
    assert_eq!(statuses, [204, 409]);
    let id = header(&head(&api, &path).await, "upnext-artifact");
    let content = api.get(&format!("/api/v1/artifacts/{id}/content")).await.bytes().await.unwrap();
    assert!(content == ones || content == twos);
}

#[tokio::test]
async fn a_piece_that_begins_elsewhere_is_told_where_the_upload_ends() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let path = begun(begin(&api, job, 10, &[("name", "a.bin")])).await;
    assert_eq!(patch(&api, &path, 0, b"0123").send().await.unwrap().status(), 204);
    for wrong in [0, 3, 5, 10] {
        let response = patch(&api, &path, wrong, b"456").send().await.unwrap();
        assert_eq!(header(&response, "upload-offset"), "4");
        assert!(detail(response, 409).await.contains("4 bytes long"));
    }
    let sentence = detail(patch(&api, &path, 4, b"4567890").send().await.unwrap(), 413).await;
    assert!(sentence.contains("10 bytes"), "{sentence}");
    assert_eq!(offset(&api, &path).await, 4);
}

#[tokio::test]
async fn an_upload_that_is_not_what_was_announced_is_given_up() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let path = begun(begin(&api, job, 3, &[("name", "a.bin"), ("sha256", &hex(b"other"))])).await;
    let sentence = detail(patch(&api, &path, 0, b"abc").send().await.unwrap(), 422).await;
    assert!(sentence.contains("its bytes have the SHA-256 digest"), "{sentence}");
    assert_eq!(head(&api, &path).await.status(), 404);
    let path = begun(begin(&api, job, 1, &[("name", "a.json")])).await;
    let sentence = detail(patch(&api, &path, 0, b"{").send().await.unwrap(), 422).await;
    assert!(sentence.contains("not JSON"), "{sentence}");
    assert_eq!(head(&api, &path).await.status(), 404);
    assert_eq!(api.json("/api/v1/artifacts").await["total"], 0);
}

#[tokio::test]
async fn an_upload_whose_last_answer_was_never_given_is_finished_by_whoever_asks() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let path = begun(begin(&api, job, 3, &[("name", "a.txt")])).await;
    // As if the server had been killed between the last byte and the end.
    let id: ArtifactId = path.rsplit('/').next().unwrap().parse().unwrap();
    let body = Box::pin(futures::stream::iter([Ok(bytes::Bytes::from_static(b"abc"))]));
    assert_eq!(api.artifacts.append_upload(id, 0, body).await.unwrap(), 3);
    assert!(
        api.artifacts
            .list(ArtifactQuery { limit: 1, ..ArtifactQuery::default() })
            .await
            .unwrap()
            .items
            .is_empty()
    );
    let (one, two) = tokio::join!(head(&api, &path), head(&api, &path));
    assert_eq!(header(&one, "upnext-artifact"), id.to_string());
    assert_eq!(header(&two, "upnext-artifact"), id.to_string());
    assert_eq!(api.json("/api/v1/artifacts").await["total"], 1);
}

#[tokio::test]
async fn uploads_are_given_up_and_artifacts_are_not() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let path = begun(begin(&api, job, 3, &[("name", "a.txt")])).await;
    let delete = async |path: &str| tus(&api, Method::DELETE, path).send().await.unwrap();
    assert_eq!(delete(&path).await.status(), 204);
    assert_eq!(head(&api, &path).await.status(), 404);
    detail(delete(&path).await, 404).await;
    detail(patch(&api, &path, 0, b"abc").send().await.unwrap(), 404).await;
    let artifact = api.add(job, "b.txt", "text", "x").await;
    let finished = format!("/api/v1/uploads/{}", artifact["id"].as_str().unwrap());
    assert!(detail(delete(&finished).await, 409).await.contains("DELETE /api/v1/artifacts/"));
    detail(delete("/api/v1/uploads/nope").await, 404).await;
}

#[tokio::test]
async fn requests_that_break_the_protocol_name_its_rule() {
    let api = Api::with(&[("UPNEXT_ARTIFACT_MAX_UPLOAD_BYTES", "1000")]).await;
    let job = api.submit("report").await;
    let uploads = format!("/api/v1/jobs/{job}/uploads");
    let named = metadata(&[("name", "a")]);
    let path = begun(begin(&api, job, 10, &[("name", "a")])).await;
    let post = || tus(&api, Method::POST, &uploads).header("upload-metadata", &named);
    for (request, status, part) in [
        (api.request(Method::POST, &uploads), 412, "Tus-Resumable is missing"),
        (api.request(Method::POST, &uploads).header("tus-resumable", "0.2"), 412, "speaks 1.0.0"),
        (api.request(Method::PATCH, &path), 412, "speaks 1.0.0"),
        (api.request(Method::DELETE, &path), 412, "speaks 1.0.0"),
        (post(), 400, "upload-length is missing"),
        (post().header("upload-length", "-1"), 400, "upload-length is '-1'"),
        (post().header("upload-defer-length", "1"), 400, "send Upload-Length"),
        (post().header("upload-length", "1001"), 413, "UPNEXT_ARTIFACT_MAX_UPLOAD_BYTES"),
        (post().header("upload-length", "1").header("content-type", PIECE).body("ab"), 413, "1 bytes"),
        (post().header("upload-length", "1").header("content-type", "text/plain").body("a"), 415, PIECE),
        (tus(&api, Method::POST, &uploads).header("upload-length", "1"), 422, "names no artifact"),
        (begin(&api, job, 1, &[("name", "..")]), 422, "segment '..'"),
        (begin(&api, job, 1, &[("name", "a"), ("sha256", "x")]), 422, "64 hex digits"),
        (begin(&api, JobId::fresh(), 1, &[("name", "a")]), 404, "there is no job"),
        (tus(&api, Method::PATCH, &path).header("upload-offset", "0").body("a"), 415, PIECE),
        (
            tus(&api, Method::PATCH, &path).header("content-type", PIECE).body("a"),
            400,
            "upload-offset is missing",
        ),
        (patch(&api, &path, 0, b"a").header("upload-checksum", "sha1 x"), 400, "sha256"),
        (tus(&api, Method::POST, &path), 405, "POST"),
    ] {
        let response = request.send().await.unwrap();
        assert_eq!(header(&response, "tus-resumable"), "1.0.0");
        assert_eq!(header(&response, "tus-version"), "1.0.0");
        let sentence = detail(response, status).await;
        assert!(sentence.contains(part), "{sentence}");
    }
    assert_eq!(offset(&api, &path).await, 0);
}

#[tokio::test]
async fn other_methods_travel_inside_of_post() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let path = begun(begin(&api, job, 6, &[("name", "a.txt")])).await;
    let post =
        tus(&api, Method::POST, &path).header("content-type", PIECE).header("upload-offset", 0).body("abc");
    let response = post.header("x-http-method-override", "PATCH").send().await.unwrap();
    assert_eq!((response.status().as_u16(), header(&response, "upload-offset").as_str()), (204, "3"));
    let post = tus(&api, Method::POST, &path).header("x-http-method-override", "DELETE");
    assert_eq!(post.send().await.unwrap().status(), 204);
    assert_eq!(head(&api, &path).await.status(), 404);
}

#[tokio::test]
async fn options_tell_what_is_spoken_and_pages_of_allowed_origins_may_speak_it() {
    let api = Api::with(&[("UPNEXT_CORS_ALLOW_ORIGINS", "https://ops.example")]).await;
    let job = api.submit("report").await;
    for path in [format!("/api/v1/jobs/{job}/uploads"), "/api/v1/uploads/x".to_owned()] {
        let response = api.request(Method::OPTIONS, &path).send().await.unwrap();
        assert!(response.status().is_success());
        assert_eq!(header(&response, "tus-version"), "1.0.0");
        assert_eq!(
            header(&response, "tus-extension"),
            "creation,creation-with-upload,expiration,termination"
        );
        assert_eq!(header(&response, "tus-max-size"), "268435456");
        let preflight = api
            .request(Method::OPTIONS, &path)
            .header("origin", "https://ops.example")
            .header("access-control-request-method", "PATCH")
            .header("access-control-request-headers", "tus-resumable,upload-offset");
        let response = preflight.send().await.unwrap();
        assert!(header(&response, "access-control-allow-methods").contains("PATCH"));
        let allowed = header(&response, "access-control-allow-headers");
        for name in ["tus-resumable", "upload-length", "upload-offset", "upload-metadata", "idempotency-key"]
        {
            assert!(allowed.contains(name), "{name}: {allowed}");
        }
    }
    let begun = begin(&api, job, 1, &[("name", "a")]).header("origin", "https://ops.example");
    let exposed = header(&begun.send().await.unwrap(), "access-control-expose-headers");
    for name in ["location", "upload-offset", "upload-length", "tus-resumable", "upnext-artifact"] {
        assert!(exposed.contains(name), "{name}: {exposed}");
    }
    let other = api.request(Method::OPTIONS, "/api/v1/jobs").send().await.unwrap();
    assert_eq!(header(&other, "tus-version"), "");
}
