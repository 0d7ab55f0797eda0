//! All artifacts of a job as one zip file.

use std::collections::HashSet;
use std::io::{Cursor, Read as _};

use bytes::Bytes;
use reqwest::{Method, Response};
use upnext_artifacts::{ArtifactData, CreateArtifact};
use upnext_core::client::Submission;
use upnext_core::job::Parent;
use upnext_core::{JobId, Timestamp};
use zip::{CompressionMethod, ZipArchive};

use crate::harness::{Api, detail, header, object};

type Zip = ZipArchive<Cursor<Bytes>>;

async fn unzip(response: Response) -> Zip {
    assert_eq!(response.status(), 200);
    assert_eq!(header(&response, "content-type"), "application/zip");
    ZipArchive::new(Cursor::new(response.bytes().await.unwrap())).unwrap()
}

async fn archive(api: &Api, job: JobId, query: &str) -> Zip {
    unzip(api.get(&format!("/api/v1/jobs/{job}/artifacts.zip{query}")).await).await
}

fn names(zip: &Zip) -> Vec<String> {
    let mut names: Vec<String> = zip.file_names().map(|name| name.unwrap().into_owned()).collect();
    names.sort();
    names
}

fn content(zip: &mut Zip, name: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    // Reading to the end checks the entry's checksum.
    zip.by_name(name).unwrap().read_to_end(&mut bytes).unwrap();
    bytes
}

#[tokio::test]
async fn a_zip_holds_every_artifact_as_it_is() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let noise: Vec<u8> = (0..700_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let text = "the same line\n".repeat(40_000);
    let first = api.upload(job, "model/weights.bin", noise.clone()).await;
    api.upload(job, "größe.txt", text.clone()).await;
    api.add(job, "empty.txt", "text", "").await;
    let response = api.get(&format!("/api/v1/jobs/{job}/artifacts.zip")).await;
    let id = job.to_string();
    let expected = format!("attachment; filename=\"report-{}.zip\"", &id[id.len() - 8..]);
    assert!(header(&response, "content-disposition").starts_with(&expected));
    assert_eq!(header(&response, "x-content-type-options"), "nosniff");
    let mut zip = unzip(response).await;
    assert_eq!(names(&zip), ["empty.txt", "größe.txt", "model/weights.bin"]);
    assert_eq!(content(&mut zip, "model/weights.bin"), noise);
    assert_eq!(content(&mut zip, "größe.txt"), text.as_bytes());
    assert_eq!(content(&mut zip, "empty.txt"), b"");
    let packed = zip.by_name("größe.txt").unwrap();
    assert_eq!(packed.compression(), CompressionMethod::Deflated);
    assert!(packed.compressed_size() < packed.size() / 10);
    drop(packed);
    let stored = zip.by_name("model/weights.bin").unwrap();
    assert_eq!(stored.compression(), CompressionMethod::Stored);
    let made: Timestamp = first["created_at"].as_str().unwrap().parse().unwrap();
    let modified = stored.last_modified().unwrap().to_string();
    let (date, time) = (&made.to_string()[..10], made.to_string()[11..16].to_owned());
    assert!(modified.starts_with(date) && modified.contains(&time), "{modified} is not {made}");
}

#[tokio::test]
async fn hostile_names_are_unpacked_nowhere_else() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    for name in [
        "/etc/passwd",
        "C:\\x.dll",
        "..\\..\\evil",
        "NUL",
        "a.txt",
        "A.TXT",
        "a",
        "a/b",
        "gro\u{308}ße",
        "größe",
        "x\u{202e}gpj.exe",
    ] {
        api.upload(job, name, "x").await;
    }
    let zip = archive(&api, job, "").await;
    let expected = [
        ".._.._evil",
        "A (2).TXT",
        "C__x.dll",
        "_NUL",
        "a",
        "a (2)/b",
        "a.txt",
        "etc/passwd",
        "größe",
        "größe (2)",
        "xgpj.exe",
    ];
    assert_eq!(names(&zip), expected);
    let mut zip = zip;
    for place in 0..zip.len() {
        let entry = zip.by_index(place).unwrap();
        assert!(entry.enclosed_name().is_some() && !entry.is_dir(), "{place}");
    }
}

#[tokio::test]
async fn older_versions_come_when_asked_for() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    for text in ["first", "second", "third"] {
        api.add(job, "logs/run.txt", "text", text).await;
    }
    let mut newest = archive(&api, job, "").await;
    assert_eq!(names(&newest), ["logs/run.txt"]);
    assert_eq!(content(&mut newest, "logs/run.txt"), b"third");
    let mut all = archive(&api, job, "?versions=all").await;
    assert_eq!(names(&all), ["logs/run (version 1).txt", "logs/run (version 2).txt", "logs/run.txt"]);
    assert_eq!(content(&mut all, "logs/run (version 1).txt"), b"first");
}

#[tokio::test]
async fn a_tree_of_jobs_has_a_folder_for_each() {
    let api = Api::start().await;
    let root = api.submit("report").await;
    let mut child = Submission::new("resize", object());
    child.parent = Some(Parent { parent_id: root, root_id: root });
    let child = api.client.submit(child).await.unwrap().id;
    for job in [root, child, api.submit("report").await] {
        api.add(job, "a.txt", "text", &job.to_string()).await;
    }
    let folder = |function: &str, job: JobId| format!("{function}-{}/a.txt", &job.to_string()[28..]);
    // From any job of the tree.
    let mut zip = archive(&api, child, "?tree=1").await;
    assert_eq!(names(&zip), [folder("report", root), folder("resize", child)]);
    assert_eq!(content(&mut zip, &folder("resize", child)), child.to_string().as_bytes());
    assert_eq!(names(&archive(&api, child, "").await), ["a.txt"]);
}

#[tokio::test]
async fn a_job_without_artifacts_has_an_empty_zip() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    assert!(archive(&api, job, "").await.is_empty());
    detail(api.get(&format!("/api/v1/jobs/{}/artifacts.zip", JobId::fresh())).await, 404).await;
    detail(api.get(&format!("/api/v1/jobs/{job}/artifacts.zip?tree=maybe")).await, 422).await;
    let head = api.request(Method::HEAD, &format!("/api/v1/jobs/{job}/artifacts.zip")).send().await.unwrap();
    assert_eq!((head.status().as_u16(), head.bytes().await.unwrap().len()), (200, 0));
}

#[tokio::test]
async fn damage_in_the_middle_breaks_the_download() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    api.upload(job, "first.bin", vec![1; 300_000]).await;
    let damaged = api.upload(job, "second.bin", vec![2; 400_000]).await;
    api.upload(job, "third.bin", vec![3; 300_000]).await;
    api.damage(&damaged);
    let response = api.get(&format!("/api/v1/jobs/{job}/artifacts.zip")).await;
    assert_eq!(response.status(), 200, "it had begun");
    assert!(response.bytes().await.is_err(), "a zip with damage must not pass as good");
}

#[tokio::test]
async fn damage_at_the_beginning_is_an_answer() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let damaged = api.upload(job, "a.bin", vec![2; 100_000]).await;
    api.damage(&damaged);
    let sentence = detail(api.get(&format!("/api/v1/jobs/{job}/artifacts.zip")).await, 500).await;
    assert!(sentence.contains("are damaged"), "{sentence}");
}

#[tokio::test]
async fn a_live_artifact_is_packed_as_far_as_it_goes() {
    let api = Api::start().await;
    let (job, writer) = api.open("train.log").await;
    writer.write(b"epoch 1\n").await.unwrap();
    writer.flush().await.unwrap();
    let mut zip = archive(&api, job.lease.job_id, "").await;
    assert_eq!(content(&mut zip, "train.log"), b"epoch 1\n");
    assert!(zip.by_name("train.log").unwrap().comment().contains("still being written"));
}

#[tokio::test]
async fn five_thousand_artifacts_fit() {
    let api = Api::start().await;
    let job = api.submit("report").await;
    let make = |number: usize| {
        let request = CreateArtifact::new(job, format!("part/{number:04}.txt"));
        api.artifacts.create(request, ArtifactData::Bytes(format!("number {number}").into()))
    };
    let numbers: Vec<usize> = (0..5000).collect();
    for batch in numbers.chunks(250) {
        for made in futures::future::join_all(batch.iter().map(|number| make(*number))).await {
            made.unwrap();
        }
    }
    let mut zip = archive(&api, job, "").await;
    assert_eq!(zip.len(), 5000);
    let mut seen = HashSet::new();
    for place in 0..zip.len() {
        let mut entry = zip.by_index(place).unwrap();
        let mut text = String::new();
        entry.read_to_string(&mut text).unwrap();
        let number: usize = text.strip_prefix("number ").unwrap().parse().unwrap();
        assert_eq!(entry.name().unwrap(), format!("part/{number:04}.txt"));
        assert!(seen.insert(number));
    }
}
