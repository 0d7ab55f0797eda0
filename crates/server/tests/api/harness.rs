//! One server per test, and the jobs it serves.

use std::sync::Arc;
use std::time::Duration;

use reqwest::{Method, RequestBuilder, Response};
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use upnext_artifacts::{ArtifactService, ArtifactWriter, CreateArtifact};
use upnext_blobs::BlobStore;
use upnext_core::backend::{ClaimRequest, Finish};
use upnext_core::client::Submission;
use upnext_core::{
    ClaimedJob, Client, FunctionDefinition, JobId, Outcome, RawJson, Settings, Timestamp, WorkerId,
    WorkerRegistration,
};
use upnext_server::{ServeError, Served};
use upnext_sqlite::SqliteOptions;

/// A running server with everything behind it.
pub(crate) struct Api {
    pub(crate) folder: TempDir,
    pub(crate) url: String,
    pub(crate) http: reqwest::Client,
    pub(crate) client: Client,
    pub(crate) artifacts: ArtifactService,
    pub(crate) stop: Option<oneshot::Sender<()>>,
    pub(crate) server: Option<JoinHandle<Result<(), ServeError>>>,
}

impl Api {
    pub(crate) async fn start() -> Self {
        Self::with(&[]).await
    }

    /// A server with these settings.
    pub(crate) async fn with(vars: &[(&str, &str)]) -> Self {
        Self::with_keys(vars, &[]).await
    }

    /// A server with these settings, and these variables for the storage.
    pub(crate) async fn with_keys(vars: &[(&str, &str)], keys: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = folder.path().display().to_string();
        let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let settings = Settings::from_vars(vars.chain([("UPNEXT_HOME".to_owned(), home)])).unwrap().settings;
        let backend = upnext_sqlite::open(SqliteOptions::new(settings.database_file())).await.unwrap();
        let keys = keys.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let blobs = BlobStore::open_with_vars(&settings.artifact_storage, keys).unwrap();
        let artifacts = ArtifactService::new(Arc::clone(&backend), blobs, &settings);
        let client = Client::new(backend);
        let served =
            Served { client: client.clone(), artifacts: artifacts.clone(), settings: Arc::new(settings) };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (stop, stopped) = oneshot::channel::<()>();
        let server = tokio::spawn(upnext_server::serve(served, listener, async {
            let _ = stopped.await;
        }));
        // The blob crate links rustls without a provider, and this client is built with all that is linked.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(20)).build().unwrap();
        Self { folder, url, http, client, artifacts, stop: Some(stop), server: Some(server) }
    }

    pub(crate) fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    pub(crate) async fn get(&self, path: &str) -> Response {
        self.request(Method::GET, path).send().await.unwrap()
    }

    pub(crate) async fn post(&self, path: &str) -> Response {
        self.request(Method::POST, path).send().await.unwrap()
    }

    /// The JSON of a GET that must work.
    pub(crate) async fn json(&self, path: &str) -> Value {
        let response = self.get(path).await;
        assert_eq!(response.status(), 200, "{path}");
        response.json().await.unwrap()
    }

    pub(crate) async fn submit(&self, function: &str) -> JobId {
        self.client.submit(Submission::new(function, object())).await.unwrap().id
    }

    /// Makes a worker known that offers these functions.
    pub(crate) async fn register(&self, worker: &str, functions: &[&str]) -> WorkerId {
        let id = WorkerId::from(format!("{worker}-1"));
        let registration = WorkerRegistration {
            id: id.clone(),
            name: worker.to_owned(),
            hostname: "host".to_owned(),
            pid: 7,
            concurrency: 2,
            language: "rust".to_owned(),
            version: "0.0.0".to_owned(),
            functions: functions.iter().map(|key| FunctionDefinition::task(*key)).collect(),
        };
        self.client.backend().register_worker(registration).await.unwrap();
        id
    }

    /// Lets a worker begin the next job of this function.
    pub(crate) async fn claim(&self, function: &str) -> ClaimedJob {
        let request = ClaimRequest {
            worker: WorkerId::from("demo-1".to_owned()),
            functions: [function.to_owned()].into(),
            limit: 1,
            lease: Duration::from_secs(60),
            suspect: true,
        };
        self.client.backend().claim(request).await.unwrap().jobs.pop().unwrap()
    }

    /// Lets the next job of this function end so.
    pub(crate) async fn run(&self, function: &str, outcome: Outcome) -> JobId {
        let lease = self.claim(function).await.lease;
        let started_at: Timestamp = self.client.find_job(lease.job_id).await.unwrap().unwrap().created_at;
        self.client.backend().finish(vec![Finish { lease, started_at, outcome }]).await.unwrap();
        lease.job_id
    }

    /// Adds an artifact with these bytes to a job and answers its record.
    pub(crate) async fn upload(&self, job: JobId, name: &str, bytes: impl Into<reqwest::Body>) -> Value {
        let name = form_urlencoded::Serializer::new(String::new()).append_pair("name", name).finish();
        let path = format!("/api/v1/jobs/{job}/artifacts?{name}");
        let response = self.request(Method::POST, &path).body(bytes).send().await.unwrap();
        let status = response.status();
        let answer: Value = response.json().await.unwrap();
        assert_eq!(status, 200, "{answer}");
        answer
    }

    /// A running attempt of a job of `report` opens an artifact to write into.
    pub(crate) async fn open(&self, name: &str) -> (ClaimedJob, ArtifactWriter) {
        let job = self.submit("report").await;
        self.register("demo", &["report"]).await;
        let claimed = self.claim("report").await;
        let lease = Some(claimed.lease.token);
        let request = CreateArtifact { lease, ..CreateArtifact::new(job, name) };
        (claimed, self.artifacts.open(request).await.unwrap())
    }

    /// Spoils the stored bytes of an artifact without changing their length.
    pub(crate) fn damage(&self, artifact: &Value) {
        let file = self.folder.path().join("artifacts").join(artifact["storage_key"].as_str().unwrap());
        let mut bytes = std::fs::read(&file).unwrap();
        let last = bytes.last_mut().unwrap();
        *last = !*last;
        std::fs::write(&file, bytes).unwrap();
    }

    /// Adds a text artifact to a job and answers its record.
    pub(crate) async fn add(&self, job: JobId, name: &str, artifact_type: &str, data: &str) -> Value {
        let body = serde_json::json!({"name": name, "type": artifact_type, "data": data});
        let path = format!("/api/v1/jobs/{job}/artifacts");
        let response = self.request(Method::POST, &path).json(&body).send().await.unwrap();
        let status = response.status();
        let answer: Value = response.json().await.unwrap();
        assert_eq!(status, 200, "{answer}");
        answer
    }
}

pub(crate) fn object() -> RawJson {
    RawJson::parse(r#"{"rows": 3}"#).unwrap()
}

/// Checks that a response is an error of the one shape, and answers its sentence.
pub(crate) async fn detail(response: Response, status: u16) -> String {
    assert_eq!(response.status().as_u16(), status, "{}", response.url());
    assert_eq!(response.headers()["content-type"], "application/json");
    let body: Value = response.json().await.unwrap();
    let fields: Vec<&String> = body.as_object().unwrap().keys().collect();
    assert_eq!(fields, ["detail"]);
    body["detail"].as_str().unwrap().to_owned()
}

pub(crate) fn header(response: &Response, name: &str) -> String {
    response.headers().get(name).map(|value| value.to_str().unwrap().to_owned()).unwrap_or_default()
}
