//! Small renderings of artifacts.

use std::io::{Cursor, Write as _};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::{Method, Response};
use serde_json::{Value, json};
use upnext_core::ArtifactId;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::harness::{Api, detail, header};
use crate::s3::Bucket;

/// One red pixel.
const PNG: &str =
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAIAAACQd1PeAAAADElEQVR4nGP4z8AAAAMBAQDJ/pLvAAAAAElFTkSuQmCC";

fn path(artifact: &Value, what: &str) -> String {
    format!("/api/v1/artifacts/{}/{what}", artifact["id"].as_str().unwrap())
}

async fn with_etag(api: &Api, path: &str, etag: &str) -> Response {
    api.request(Method::GET, path).header("if-none-match", etag).send().await.unwrap()
}

/// A zip file of many entries, too large to be kept in the database.
fn zip_of(entries: usize) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Stored);
    for number in 0..entries {
        zip.start_file(format!("part/{number}.bin"), options).unwrap();
        zip.write_all(&[7; 5000]).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[tokio::test]
async fn each_kind_of_content_has_its_shape() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let text = api.add(job, "run.log", "text", "one\ntwo\n").await;
    let preview = api.json(&path(&text, "preview")).await;
    assert_eq!(
        (&preview["kind"], &preview["text"], &preview["lines"]),
        (&json!("text"), &json!("one\ntwo\n"), &json!(2))
    );
    assert_eq!((&preview["truncated"], &preview["note"]), (&json!(false), &Value::Null));
    let facts = json!({"id": text["id"], "name": "run.log", "type": "text", "content_type": "text/plain; charset=utf-8",
                       "size_bytes": 8, "sha256": text["sha256"], "status": "available"});
    assert_eq!(preview["artifact"], facts);
    let document = api.add(job, "a.json", "json", r#"{"rows": 1.10}"#).await;
    let preview = api.json(&path(&document, "preview")).await;
    assert_eq!(preview["kind"], "json");
    assert!(preview["text"].as_str().unwrap().contains("1.10"), "{preview}");
    let picture = api.add(job, "a.png", "image/png", PNG).await;
    let preview = api.json(&path(&picture, "preview")).await;
    assert_eq!(
        (&preview["kind"], &preview["width"], &preview["format"]),
        (&json!("image"), &json!(1), &json!("png"))
    );
    assert_eq!(preview["thumbnail"]["media_type"], "image/png");
    let bytes = api.upload(job, "a.bin", vec![0, 1, 2]).await;
    assert_eq!(api.json(&path(&bytes, "preview")).await["hex"], "000102");
    let film = api.upload(job, "a.mp4", vec![0; 10]).await;
    let preview = api.json(&path(&film, "preview")).await;
    assert!(
        preview["kind"] == "none" && preview["reason"].as_str().unwrap().contains("browser"),
        "{preview}"
    );
    detail(api.get(&format!("/api/v1/artifacts/{}/preview", ArtifactId::fresh())).await, 404).await;
}

#[tokio::test]
async fn a_table_is_as_large_as_asked_for() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let rows: String = (0..30_000).map(|n| format!("{n},x,y\n")).collect();
    let table = api.upload(job, "rows.csv", format!("number,one,two\n{rows}")).await;
    assert_eq!(table["storage_backend"], "local");
    let preview = api.json(&path(&table, "preview?rows=3&columns=2")).await;
    assert_eq!((&preview["kind"], &preview["format"]), (&json!("table"), &json!("csv")));
    assert_eq!(preview["rows"].as_array().unwrap().len(), 3);
    assert_eq!(
        preview["columns"],
        json!([{"name": "number", "type": "integer"}, {"name": "one", "type": "text"}])
    );
    assert_eq!((&preview["total_rows"], &preview["total_columns"]), (&json!(30_000), &json!(3)));
    assert_eq!(api.json(&path(&table, "preview")).await["rows"].as_array().unwrap().len(), 50);
    for bad in ["rows=0", "rows=501", "columns=many", "rows=1&rows=2"] {
        detail(api.get(&path(&table, &format!("preview?{bad}"))).await, 422).await;
    }
}

#[tokio::test]
async fn a_text_is_as_long_as_asked_for() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let log = api.upload(job, "a.log", format!("{}\n{}", "x".repeat(1000), "line\n".repeat(50))).await;
    let head = api.json(&path(&log, "preview?lines=3")).await;
    let wanted = format!("{}\nline\nline", "x".repeat(200));
    assert_eq!(
        (&head["text"], &head["lines"], &head["truncated"]),
        (&json!(wanted), &json!(3), &json!(true))
    );
    let whole = api.json(&path(&log, "preview")).await;
    assert_eq!((&whole["lines"], &whole["truncated"]), (&json!(51), &json!(false)));
    let json = api.upload(job, "a.json", "{\"a\": 1, \"b\": 2}").await;
    assert_eq!(api.json(&path(&json, "preview?lines=2")).await["text"], "{\n  \"a\": 1,");
    let tags = [&log, &log].map(|artifact| path(artifact, "preview"));
    let short = header(&api.get(&format!("{}?lines=3", tags[0])).await, "etag");
    assert_eq!(with_etag(&api, &tags[1], &short).await.status(), 200, "a head stands for the whole");
    detail(api.get(&path(&log, "preview?lines=0")).await, 422).await;
}

#[tokio::test]
async fn previews_are_kept_and_have_strong_tags() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let artifact = api.upload(job, "rows.log", "a line of it\n".repeat(10_000)).await;
    let (first, other) = (path(&artifact, "preview"), path(&artifact, "preview?rows=3"));
    let response = api.get(&first).await;
    let etag = header(&response, "etag");
    assert!(etag.starts_with(&format!("\"{}-preview", artifact["sha256"].as_str().unwrap())), "{etag}");
    assert_eq!(header(&response, "cache-control"), "private, no-cache");
    let preview: Value = response.json().await.unwrap();
    let again = with_etag(&api, &first, &etag).await;
    assert_eq!((again.status().as_u16(), header(&again, "etag")), (304, etag.clone()));
    assert_eq!(with_etag(&api, &other, &etag).await.status(), 200, "it has another shape");
    // Made once: the file is not looked at again.
    std::fs::remove_file(api.folder.path().join("artifacts").join(artifact["storage_key"].as_str().unwrap()))
        .unwrap();
    assert_eq!(api.json(&first).await, preview);
    let same = api.upload(job, "copy.log", "a line of it\n".repeat(10_000)).await;
    assert_eq!(api.json(&path(&same, "preview")).await["artifact"]["name"], "copy.log");
}

#[tokio::test]
async fn many_may_ask_at_once() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let mut paths = Vec::new();
    for number in 0..6 {
        let artifact = api.upload(job, "rows.csv", format!("number\n{number}\n").repeat(10_000)).await;
        paths.extend(std::iter::repeat_n(path(&artifact, "preview"), 5));
    }
    for response in futures::future::join_all(paths.iter().map(|path| api.get(path))).await {
        assert_eq!(response.status(), 200);
    }
}

#[tokio::test]
async fn a_live_artifact_is_shown_as_it_is_now() {
    let api = Api::start().await;
    let (_, writer) = api.open("train.log").await;
    let path = format!("/api/v1/artifacts/{}/preview", writer.artifact().id);
    for (line, seen) in [("epoch 1\n", "epoch 1\n"), ("epoch 2\n", "epoch 1\nepoch 2\n")] {
        writer.write(line.as_bytes()).await.unwrap();
        writer.flush().await.unwrap();
        let response = api.get(&path).await;
        assert_eq!(
            (header(&response, "etag"), header(&response, "cache-control")),
            (String::new(), "no-store".into())
        );
        let preview: Value = response.json().await.unwrap();
        assert_eq!((&preview["text"], &preview["artifact"]["status"]), (&json!(seen), &json!("writing")));
    }
}

#[tokio::test]
async fn an_archive_in_a_bucket_is_read_in_blocks() {
    let bucket = Bucket::start().await;
    let job = bucket.api.submit("report").await;
    let artifact = bucket.api.upload(job, "parts.zip", zip_of(700)).await;
    assert_eq!(artifact["storage_backend"], "s3");
    let preview = bucket.api.json(&path(&artifact, "preview")).await;
    assert_eq!((&preview["kind"], &preview["total_entries"]), (&json!("archive"), &json!(700)));
    assert_eq!(
        preview["entries"][1],
        json!({"path": "part/1.bin", "type": "file", "size": 5000, "compressed_size": 5000})
    );
    // What the bucket has lost is said, not shown as damaged content.
    let lost = bucket.api.upload(job, "lost.log", "x".repeat(100_000)).await;
    std::fs::remove_file(bucket.files.join(lost["storage_key"].as_str().unwrap())).unwrap();
    let sentence = detail(bucket.api.get(&path(&lost, "preview")).await, 404).await;
    assert!(sentence.contains("missing"), "{sentence}");
}

#[tokio::test]
async fn a_thumbnail_is_an_image() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let picture = api.add(job, "a.png", "image/png", PNG).await;
    let response = api.get(&path(&picture, "thumbnail")).await;
    assert_eq!((response.status().as_u16(), header(&response, "content-type").as_str()), (200, "image/png"));
    assert_eq!(header(&response, "x-content-type-options"), "nosniff");
    let etag = header(&response, "etag");
    assert!(response.bytes().await.unwrap().starts_with(&STANDARD.decode(PNG).unwrap()[..8]));
    assert_eq!(with_etag(&api, &path(&picture, "thumbnail"), &etag).await.status(), 304);
    let text = api.add(job, "a.txt", "text", "x").await;
    let sentence = detail(api.get(&path(&text, "thumbnail")).await, 404).await;
    assert!(sentence.contains("'a.txt' has no thumbnail: it is not an image"), "{sentence}");
    let broken = api.add(job, "broken.png", "image/png", "iVBORw0KGgo=").await;
    detail(api.get(&path(&broken, "thumbnail")).await, 404).await;
}

#[tokio::test]
async fn a_damaged_artifact_is_not_shown() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let artifact = api.upload(job, "a.log", "x".repeat(100_000)).await;
    api.damage(&artifact);
    detail(api.get(&path(&artifact, "content")).await, 500).await;
    while api.json(&format!("/api/v1/artifacts/{}", artifact["id"].as_str().unwrap())).await["status"]
        != "damaged"
    {
        tokio::task::yield_now().await;
    }
    for what in ["preview", "thumbnail", &format!("diff/{}", artifact["id"].as_str().unwrap())] {
        let sentence = detail(api.get(&path(&artifact, what)).await, 500).await;
        assert!(sentence.contains("are damaged"), "{sentence}");
    }
}
