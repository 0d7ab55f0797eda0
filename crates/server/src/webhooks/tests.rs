//! Couriers against real receivers that take letters, refuse them, hang, or hang up.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::IntoResponse;
use axum::routing::post;
use serde_json::Value;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::sync::mpsc;
use upnext_artifacts::{ArtifactData, ArtifactService, CreateArtifact};
use upnext_blobs::BlobStore;
use upnext_core::client::Submission;
use upnext_core::{ArtifactId, Client, JobId, RawJson};
use upnext_sqlite::SqliteOptions;

use super::*;

const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// As patient as a test can afford.
const QUICK: Patience = Patience {
    tries: 4,
    first: Duration::from_millis(5),
    longest: Duration::from_millis(20),
    answer: Duration::from_millis(300),
    lease: Duration::from_millis(400),
    renewal: Duration::from_millis(20),
};

struct Deployment {
    backend: Arc<dyn Backend>,
    artifacts: ArtifactService,
    job: JobId,
    _folder: TempDir,
}

impl Deployment {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let vars = [("UPNEXT_HOME".to_owned(), folder.path().display().to_string())];
        let settings = Settings::from_vars(vars).unwrap().settings;
        let backend = upnext_sqlite::open(SqliteOptions::new(settings.database_file())).await.unwrap();
        let blobs = BlobStore::open(&settings.artifact_storage).unwrap();
        let artifacts = ArtifactService::new(Arc::clone(&backend), blobs, &settings);
        let submission = Submission::new("f", RawJson::parse("{}").unwrap());
        let job = Client::new(Arc::clone(&backend)).submit(submission).await.unwrap().id;
        Self { backend, artifacts, job, _folder: folder }
    }

    /// A courier to this address, which works until the token is cancelled. It holds its cursor when this returns.
    async fn courier(&self, url: &str) -> (CancellationToken, tokio::task::JoinHandle<()>) {
        let stopping = CancellationToken::new();
        let live = LiveFeed::new(Arc::clone(&self.backend), stopping.clone());
        let post = Post::to(url.parse().unwrap(), SECRET.parse().unwrap(), QUICK.answer).unwrap();
        let names = EventNames::chosen(["artifact.*"]).unwrap();
        let courier = Courier::new(Arc::clone(&self.backend), live, post, names, QUICK);
        courier.hold(None, QUICK.lease).await.unwrap();
        let running = tokio::spawn(courier.run(stopping.clone()));
        (stopping, running)
    }

    async fn artifact(&self, name: &str) -> ArtifactId {
        let request = CreateArtifact::new(self.job, name);
        self.artifacts.create(request, ArtifactData::Text("1".into())).await.unwrap().id
    }
}

/// A letter as it arrived.
struct Received {
    headers: HeaderMap,
    body: String,
}

impl Received {
    fn header(&self, name: &str) -> &str {
        self.headers[name].to_str().unwrap()
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap()
    }

    fn about(&self) -> String {
        self.json()["data"]["artifact"]["name"].as_str().unwrap_or_default().to_owned()
    }
}

/// A receiver that answers letter n with the n-th status, the last one from then on.
struct Receiver {
    url: String,
    letters: mpsc::UnboundedReceiver<Received>,
}

type Answers = Arc<(Mutex<Vec<StatusCode>>, mpsc::UnboundedSender<Received>)>;

impl Receiver {
    async fn answering(statuses: &[u16]) -> Self {
        let statuses = statuses.iter().rev().map(|status| StatusCode::from_u16(*status).unwrap()).collect();
        let (sender, letters) = mpsc::unbounded_channel();
        let answers: Answers = Arc::new((Mutex::new(statuses), sender));
        let app = Router::new().route("/hook", post(take)).with_state(answers);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}/hook", listener.local_addr().unwrap());
        tokio::spawn(axum::serve(listener, app).into_future());
        Self { url, letters }
    }

    async fn next(&mut self) -> Received {
        self.letters.recv().await.unwrap()
    }
}

async fn take(State(answers): State<Answers>, headers: HeaderMap, body: String) -> impl IntoResponse {
    let status = {
        let mut statuses = answers.0.lock().unwrap();
        match statuses.len() {
            1 => statuses[0],
            _ => statuses.pop().unwrap(),
        }
    };
    answers.1.send(Received { headers, body }).unwrap();
    (status, [(header::LOCATION, "/elsewhere")])
}

#[tokio::test]
async fn a_letter_is_signed_and_tells_what_happened() {
    let deployment = Deployment::new().await;
    let mut receiver = Receiver::answering(&[204]).await;
    let (_stopping, _) = deployment.courier(&receiver.url).await;
    let id = deployment.artifact("a.json").await;
    let letter = receiver.next().await;
    let json = letter.json();
    assert_eq!(json["type"], "artifact.created");
    assert_eq!(json["data"]["artifact_id"], id.to_string());
    assert_eq!(json["data"]["artifact"]["name"], "a.json");
    assert!(json["at"].as_str().unwrap().ends_with('Z') && json["data"].get("type").is_none());
    assert_eq!(json["id"], letter.header("webhook-id"));
    let seconds: i64 = letter.header("webhook-timestamp").parse().unwrap();
    let signature =
        signature::sign(&SECRET.parse().unwrap(), letter.header("webhook-id"), seconds, &letter.body);
    assert_eq!(letter.header("webhook-signature"), signature);
    assert_eq!(letter.header("content-type"), "application/json");
    assert!(letter.header("user-agent").starts_with("UpNext/"));
}

#[tokio::test]
async fn what_is_refused_is_tried_again_before_the_next() {
    let deployment = Deployment::new().await;
    let mut receiver = Receiver::answering(&[500, 302, 200]).await;
    let (_stopping, _) = deployment.courier(&receiver.url).await;
    deployment.artifact("first.json").await;
    deployment.artifact("second.json").await;
    let tries = [receiver.next().await, receiver.next().await, receiver.next().await];
    for again in &tries {
        assert_eq!(again.about(), "first.json");
        assert_eq!(again.header("webhook-id"), tries[0].header("webhook-id"));
        assert_eq!(again.body, tries[0].body);
    }
    assert_eq!(receiver.next().await.about(), "second.json");
}

#[tokio::test]
async fn what_is_never_taken_is_given_up() {
    let deployment = Deployment::new().await;
    let mut receiver = Receiver::answering(&[500, 500, 500, 500, 200]).await;
    let (_stopping, _) = deployment.courier(&receiver.url).await;
    deployment.artifact("first.json").await;
    deployment.artifact("second.json").await;
    for _ in 0..QUICK.tries {
        assert_eq!(receiver.next().await.about(), "first.json");
    }
    assert_eq!(receiver.next().await.about(), "second.json");
}

#[tokio::test]
async fn an_address_that_hangs_or_hangs_up_holds_up_nobody_else() {
    let deployment = Deployment::new().await;
    let met = Arc::new(AtomicUsize::new(0));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let bad = format!("http://{}/hook", listener.local_addr().unwrap());
    tokio::spawn({
        let met = Arc::clone(&met);
        async move {
            let mut hanging = Vec::new();
            loop {
                let (connection, _) = listener.accept().await.unwrap();
                if met.fetch_add(1, Ordering::SeqCst).is_multiple_of(2) {
                    hanging.push(connection);
                }
            }
        }
    });
    let mut good = Receiver::answering(&[200]).await;
    let (_one, _) = deployment.courier(&bad).await;
    let (_other, _) = deployment.courier(&good.url).await;
    for n in 0..20 {
        deployment.artifact(&format!("{n}.json")).await;
    }
    for n in 0..20 {
        assert_eq!(good.next().await.about(), format!("{n}.json"));
    }
    // It hangs, it hangs up, and it is tried again after both.
    while met.load(Ordering::SeqCst) < 3 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn an_endless_answer_is_cut_off() {
    let deployment = Deployment::new().await;
    let (sender, mut letters) = mpsc::unbounded_channel();
    let endless = move |body: String| async move {
        sender.send(body).unwrap();
        let chunk = axum::body::Bytes::from_static(&[b'x'; 8192]);
        let chunks = futures::stream::repeat_with(move || Ok::<_, std::io::Error>(chunk.clone()));
        axum::body::Body::from_stream(chunks)
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    let app = Router::new().route("/hook", post(endless));
    tokio::spawn(axum::serve(listener, app).into_future());
    let (_stopping, _) = deployment.courier(&url).await;
    deployment.artifact("first.json").await;
    deployment.artifact("second.json").await;
    assert!(letters.recv().await.unwrap().contains("first.json"));
    assert!(letters.recv().await.unwrap().contains("second.json"));
}

#[tokio::test]
async fn a_restart_loses_nothing() {
    let deployment = Deployment::new().await;
    let mut receiver = Receiver::answering(&[200, 200, 503, 200]).await;
    let (stopping, running) = deployment.courier(&receiver.url).await;
    deployment.artifact("one.json").await;
    assert_eq!(receiver.next().await.about(), "one.json");
    deployment.artifact("two.json").await;
    assert_eq!(receiver.next().await.about(), "two.json");
    deployment.artifact("three.json").await;
    assert_eq!(receiver.next().await.about(), "three.json");
    stopping.cancel();
    running.await.unwrap();
    deployment.artifact("four.json").await;
    let (_stopping, _) = deployment.courier(&receiver.url).await;
    // The one that was refused comes again; "two" may, when its place was not noted before the end.
    let mut letter = receiver.next().await;
    while letter.about() != "four.json" {
        assert_eq!(letter.about(), "three.json");
        letter = receiver.next().await;
    }
}

#[tokio::test]
async fn one_of_two_servers_delivers_and_the_other_takes_over() {
    let deployment = Deployment::new().await;
    let mut receiver = Receiver::answering(&[200]).await;
    let (first, first_runs) = deployment.courier(&receiver.url).await;
    let (_second, _) = deployment.courier(&receiver.url).await;
    for n in 0..3 {
        deployment.artifact(&format!("{n}.json")).await;
        assert_eq!(receiver.next().await.about(), format!("{n}.json"));
    }
    first.cancel();
    first_runs.await.unwrap();
    for n in 3..6 {
        deployment.artifact(&format!("{n}.json")).await;
        assert_eq!(receiver.next().await.about(), format!("{n}.json"));
    }
}

#[tokio::test]
async fn an_address_that_is_gone_is_left_alone() {
    let deployment = Deployment::new().await;
    let mut receiver = Receiver::answering(&[410]).await;
    let (_stopping, running) = deployment.courier(&receiver.url).await;
    deployment.artifact("a.json").await;
    assert_eq!(receiver.next().await.about(), "a.json");
    running.await.unwrap();
}

#[test]
fn waits_grow_to_hours() {
    let waits: Vec<f64> = (1..10).map(|failed| Patience::USUAL.wait(failed).as_secs_f64() / 3600.0).collect();
    assert!(waits[0] < 0.002 && waits[8] <= 5.0, "{waits:?}");
    let all: f64 = waits.iter().sum();
    assert!((6.0..12.0).contains(&all), "{all}");
}

#[test]
fn settings_that_do_not_fit_are_named_without_their_secrets() {
    let of = |vars: &[(&str, &str)]| {
        let vars = vars.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let home = ("HOME".to_owned(), "/home/ada".to_owned());
        Webhooks::of(&Settings::from_vars(vars.chain([home])).unwrap().settings)
    };
    assert!(of(&[]).unwrap().is_none());
    let urls =
        ("UPNEXT_WEBHOOK_URLS", "https://a.example/hunter2, https://a.example/hunter2,http://b.example");
    assert!(of(&[urls]).unwrap_err().to_string().contains("UPNEXT_WEBHOOK_SECRET"));
    let secret = ("UPNEXT_WEBHOOK_SECRET", SECRET);
    assert_eq!(of(&[urls, secret]).unwrap().unwrap().urls.len(), 2);
    for bad in ["https://a.example, ftp://hunter2", "https://a.example,hunter2"] {
        let sentence = of(&[("UPNEXT_WEBHOOK_URLS", bad), secret]).unwrap_err().to_string();
        assert!(sentence.contains("entry 2") && !sentence.contains("hunter2"), "{sentence}");
    }
    let sentence = of(&[("UPNEXT_WEBHOOK_EVENTS", "artefact.*")]).unwrap_err().to_string();
    assert!(sentence.contains("UPNEXT_WEBHOOK_EVENTS: 'artefact.*'"), "{sentence}");
}
