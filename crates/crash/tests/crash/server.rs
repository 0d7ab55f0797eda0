//! The kill test of the server: clients upload whole and in pieces, and read, while it dies at every step.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use base64::prelude::{BASE64_STANDARD, Engine as _};
use reqwest::{Client, Method, RequestBuilder, Response};
use upnext_core::backend::ArtifactQuery;
use upnext_core::client::Submission;
use upnext_core::{ArtifactId, ArtifactStatus, JobId, RawJson, Settings};
use upnext_server::Served;

use crate::children::{Running, dismissal};
use crate::home::Home;
use crate::lives::{ANY_MOMENT, Lives};

const POINTS: &[(&str, u64)] = &[
    ("request accepted", 12),
    ("part stored", 6),
    ("blob synced", 6),
    ("blob renamed", 6),
    ("blob written", 6),
    ("artifact recorded", 6),
    ("committing", 12),
    ("committed", 12),
    ("before answer", 12),
    (ANY_MOMENT, 300),
];

const ADDRESS: &str = "address";

/// The child: serves until it is dismissed.
pub(crate) async fn serve(home: &Path) {
    let settings = Settings::from_env().unwrap().settings;
    let deployment =
        upnext_backends::open(settings).await.expect("a server opens whatever the one before it left");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    std::fs::write(home.join("address.new"), address).unwrap();
    std::fs::rename(home.join("address.new"), home.join(ADDRESS)).unwrap();
    let served =
        Served { client: deployment.client, artifacts: deployment.artifacts, settings: deployment.settings };
    upnext_server::serve(served, listener, dismissal()).await.unwrap();
}

/// A client that knows that its server may die at any moment.
struct Visitor {
    http: Client,
    address: PathBuf,
    job: JobId,
    lives: Arc<Lives>,
}

#[derive(Default)]
struct Uploads {
    /// The bytes of each name that was ever sent.
    sent: HashMap<String, Vec<u8>>,
    acknowledged: Vec<(ArtifactId, String)>,
    broken_answers: usize,
    read_back: usize,
}

pub(crate) fn run(kills: usize) {
    let begun = Instant::now();
    let home = Home::new(Duration::from_secs(1));
    let lives = Arc::new(Lives::new("server", POINTS, kills));
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
    let deployment = runtime.block_on(home.open());
    let submission = Submission::new("nobody", RawJson::trusted("{}"));
    let job = runtime.block_on(deployment.client.submit(submission)).unwrap().id;
    let uploads = Arc::new(Mutex::new(Uploads::default()));
    let _ = rustls::crypto::ring::default_provider().install_default();
    let visitors: Vec<_> = (0..3)
        .map(|number| {
            let http = Client::builder().no_proxy().timeout(Duration::from_secs(10)).build().unwrap();
            let visitor =
                Visitor { http, address: home.path().join(ADDRESS), job, lives: Arc::clone(&lives) };
            runtime.spawn(visitor.visit(number, Arc::clone(&uploads)))
        })
        .collect();
    lives.run(&home);
    let last = Running::start(&home, "server", None);
    for visitor in visitors {
        runtime.block_on(visitor).unwrap();
    }
    last.dismiss();
    let uploads = std::mem::take(&mut *uploads.lock().unwrap());
    runtime.block_on(judge(&deployment, job, &uploads));
    lives.report();
    println!(
        "artifacts acknowledged           {:>8}  in {:.1?}",
        uploads.acknowledged.len(),
        begun.elapsed()
    );
    println!("answers that never came          {:>8}", uploads.broken_answers);
    println!("contents read while it died      {:>8}", uploads.read_back);
    println!("artifacts lost, torn, doubled           0");
    assert!(uploads.broken_answers > 0, "no request met a dying server: the test shows nothing");
}

impl Visitor {
    /// Uploads and reads until there were kills enough and the last upload is through.
    async fn visit(self, number: usize, uploads: Arc<Mutex<Uploads>>) {
        let mut round = 0;
        while !self.lives.over() {
            round += 1;
            let name = format!("upload-{number}-{round}.bin");
            let mut bytes = vec![0; fastrand::usize(1..150_000)];
            fastrand::fill(&mut bytes);
            uploads.lock().unwrap().sent.insert(name.clone(), bytes.clone());
            let id = if round % 2 == 0 {
                self.upload_whole(&name, &bytes, &uploads).await
            } else {
                self.upload_in_pieces(&name, &bytes, &uploads).await
            };
            uploads.lock().unwrap().acknowledged.push((id, name));
            self.read_one(&uploads).await;
        }
    }

    /// Sends a request; `None` when the server died over it, or is not there.
    async fn send(
        &self,
        method: Method,
        path: &str,
        with: impl FnOnce(RequestBuilder) -> RequestBuilder,
        uploads: &Mutex<Uploads>,
    ) -> Option<Response> {
        let Ok(address) = std::fs::read_to_string(&self.address) else {
            tokio::time::sleep(Duration::from_millis(20)).await;
            return None;
        };
        let request = self.http.request(method, format!("http://{address}{path}"));
        match with(request).send().await {
            Ok(response) => Some(response),
            Err(error) => {
                // A server that is not there yet says nothing about the one that was.
                uploads.lock().unwrap().broken_answers += usize::from(!error.is_connect());
                tokio::time::sleep(Duration::from_millis(20)).await;
                None
            }
        }
    }

    /// With a key, so that an upload whose answer never came is not made twice.
    async fn upload_whole(&self, name: &str, bytes: &[u8], uploads: &Mutex<Uploads>) -> ArtifactId {
        let path = format!("/api/v1/jobs/{}/artifacts?name={name}", self.job);
        loop {
            let with = |request: RequestBuilder| request.header("idempotency-key", name).body(bytes.to_vec());
            let Some(response) = self.send(Method::POST, &path, with, uploads).await else { continue };
            let status = response.status();
            let Ok(answer) = response.json::<serde_json::Value>().await else { continue };
            assert_eq!(status, 200, "an upload was refused: {answer}");
            return answer["id"].as_str().unwrap().parse().unwrap();
        }
    }

    async fn upload_in_pieces(&self, name: &str, bytes: &[u8], uploads: &Mutex<Uploads>) -> ArtifactId {
        let upload = loop {
            let path = format!("/api/v1/jobs/{}/uploads", self.job);
            let metadata = format!("name {}", BASE64_STANDARD.encode(name));
            let with = |request: RequestBuilder| {
                tus(request).header("upload-length", bytes.len()).header("upload-metadata", metadata)
            };
            if let Some(response) = self.send(Method::POST, &path, with, uploads).await {
                assert_eq!(response.status(), 201, "an upload was not begun");
                break response.headers()["location"].to_str().unwrap().to_owned();
            }
        };
        loop {
            let Some(response) = self.send(Method::HEAD, &upload, tus, uploads).await else { continue };
            assert_eq!(response.status(), 200, "the server forgot an upload that it had begun");
            if let Some(id) = response.headers().get("upnext-artifact") {
                return id.to_str().unwrap().parse().unwrap();
            }
            let offset: usize = response.headers()["upload-offset"].to_str().unwrap().parse().unwrap();
            let piece = bytes[offset..bytes.len().min(offset + 50_000)].to_vec();
            let with = |request: RequestBuilder| {
                let typed = tus(request).header("content-type", "application/offset+octet-stream");
                typed.header("upload-offset", offset).body(piece)
            };
            let Some(response) = self.send(Method::PATCH, &upload, with, uploads).await else { continue };
            assert!(response.status() == 204 || response.status() == 409, "{response:?}");
        }
    }

    /// Whatever arrives whole of an artifact that was acknowledged must be its content.
    async fn read_one(&self, uploads: &Mutex<Uploads>) {
        let (id, name) = {
            let uploads = uploads.lock().unwrap();
            uploads.acknowledged[fastrand::usize(0..uploads.acknowledged.len())].clone()
        };
        let path = format!("/api/v1/artifacts/{id}/content");
        let Some(response) = self.send(Method::GET, &path, |request| request, uploads).await else { return };
        let status = response.status();
        let Ok(bytes) = response.bytes().await else { return };
        assert_eq!(status, 200, "'{name}' was acknowledged: {}", String::from_utf8_lossy(&bytes));
        let mut uploads = uploads.lock().unwrap();
        assert!(bytes == uploads.sent[&name], "'{name}' was read back changed");
        uploads.read_back += 1;
    }
}

fn tus(request: RequestBuilder) -> RequestBuilder {
    request.header("tus-resumable", "1.0.0")
}

/// Every acknowledged artifact is there with its content, every name once, and nothing that is listed is torn.
async fn judge(deployment: &upnext_backends::Deployment, job: JobId, uploads: &Uploads) {
    let mut seen = HashMap::new();
    let mut query =
        ArtifactQuery { job_id: Some(job), all_versions: true, limit: 500, ..ArtifactQuery::default() };
    loop {
        let page = deployment.artifacts.list(query.clone()).await.unwrap();
        for artifact in page.items {
            let bytes = deployment.artifacts.read_all(&artifact, u64::MAX).await;
            let bytes = bytes.unwrap_or_else(|error| panic!("{artifact:?} cannot be read: {error}"));
            assert!(bytes == uploads.sent[&artifact.name], "{artifact:?} is torn");
            assert_eq!(artifact.status, ArtifactStatus::Available, "{artifact:?}");
            let name = artifact.name.clone();
            assert!(seen.insert(artifact.name, artifact.id).is_none(), "'{name}' was made twice");
        }
        let Some(next) = page.next else { break };
        query.cursor = Some(next);
    }
    for (id, name) in &uploads.acknowledged {
        assert_eq!(seen.get(name), Some(id), "'{name}' was acknowledged and is not there");
    }
}
