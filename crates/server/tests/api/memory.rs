//! Large bodies move in constant memory. The test binary runs itself again as a server, so that the client's memory does
//! not count: [`server`] serves when the environment says so, and does nothing in an ordinary run of the tests.
#![cfg(target_os = "linux")]

use std::io::{BufRead, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

use bytes::Bytes;
use futures::stream;
use reqwest::{Body, Method, RequestBuilder, Response};

use crate::harness::{Api, header};

const ROLE: &str = "UPNEXT_TEST_SERVES";

/// What stands before the address that the server prints, so that the words of the test runner around it do no harm.
const MARK: &str = "serves=";

const PIECE: usize = 64 * 1024;
const PIECES: usize = 200 * 16;
const TOTAL: usize = PIECE * PIECES;

/// The most that the server may need for it.
const MOST_KIB: u64 = 48 * 1024;

/// The other process: serves until its standard input ends.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn server() {
    if std::env::var_os(ROLE).is_none() {
        return;
    }
    let api = Api::start().await;
    let job = api.submit("report").await;
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{MARK}{} {job}", api.url).and_then(|()| stdout.flush()).unwrap();
    drop(stdout);
    tokio::task::spawn_blocking(|| std::io::stdin().lines().count()).await.unwrap();
}

struct Server {
    process: Child,
    url: String,
    job: String,
    http: reqwest::Client,
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Server {
    fn start() -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "memory::server", "--nocapture", "--test-threads=1"])
            .env(ROLE, "yes")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(process.stdout.take().unwrap()).lines().map_while(Result::ok);
        let said = lines.filter_map(|line| line.split_once(MARK).map(|(_, said)| said.to_owned())).next();
        let said = said.unwrap();
        let (url, job) = said.split_once(' ').unwrap();
        let (url, job) = (url.to_owned(), job.to_owned());
        let _ = rustls::crypto::ring::default_provider().install_default();
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        Self { process, url, job, http }
    }

    fn request(&self, method: Method, path: &str) -> RequestBuilder {
        self.http.request(method, format!("{}{path}", self.url))
    }

    /// A figure of the server's memory in KiB.
    fn memory(&self, name: &str) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap();
        line.trim_start_matches(':').trim_end_matches("kB").trim().parse().unwrap()
    }

    /// By how much the server's memory grows at most while `work` goes on.
    async fn growth(&self, work: impl Future<Output = ()>) -> u64 {
        // From here on the peak is counted anew.
        std::fs::write(format!("/proc/{}/clear_refs", self.process.id()), "5").unwrap();
        let before = self.memory("VmRSS");
        work.await;
        self.memory("VmHWM").saturating_sub(before)
    }
}

fn content(pieces: usize) -> impl Iterator<Item = Bytes> + Send {
    let piece = Bytes::from(vec![b'x'; PIECE]);
    (0..pieces).map(move |_| piece.clone())
}

fn body(pieces: impl Iterator<Item = Bytes> + Send + 'static) -> Body {
    Body::wrap_stream(stream::iter(pieces.map(Ok::<_, std::io::Error>)))
}

async fn has(response: Response, pieces: usize) {
    assert_eq!(response.status(), 200);
    let artifact: serde_json::Value = response.json().await.unwrap();
    assert_eq!(artifact["size_bytes"], pieces * PIECE);
}

async fn raw(server: &Server, pieces: usize) {
    let path = format!("/api/v1/jobs/{}/artifacts?name=raw.bin", server.job);
    let request = server.request(Method::POST, &path).header("content-md5", "AAAAAAAAAAAAAAAAAAAAAA==");
    assert_eq!(request.body(body(content(pieces))).send().await.unwrap().status(), 422);
    let request = server.request(Method::POST, &path);
    has(request.body(body(content(pieces))).send().await.unwrap(), pieces).await;
}

async fn form(server: &Server, pieces: usize) {
    let begin = "--b\r\nContent-Disposition: form-data; name=\"file\"; filename=\"form.bin\"\r\n\r\n";
    let parts = std::iter::once(Bytes::from_static(begin.as_bytes()))
        .chain(content(pieces))
        .chain([Bytes::from_static(b"\r\n--b--\r\n")]);
    let path = format!("/api/v1/jobs/{}/artifacts", server.job);
    let request =
        server.request(Method::POST, &path).header("content-type", "multipart/form-data; boundary=b");
    has(request.body(body(parts)).send().await.unwrap(), pieces).await;
}

async fn upload(server: &Server, pieces: usize) {
    let path = format!("/api/v1/jobs/{}/uploads", server.job);
    let begun = server.request(Method::POST, &path).header("tus-resumable", "1.0.0");
    let begun =
        begun.header("upload-length", pieces * PIECE).header("upload-metadata", "name dXBsb2FkLmJpbg==");
    let location = header(&begun.send().await.unwrap(), "location");
    let request = server
        .request(Method::PATCH, &location)
        .header("tus-resumable", "1.0.0")
        .header("content-type", "application/offset+octet-stream")
        .header("upload-offset", 0);
    let response = request.body(body(content(pieces))).send().await.unwrap();
    assert_eq!((response.status().as_u16(), header(&response, "upnext-artifact").len()), (204, 36));
}

async fn download(server: &Server) {
    let list =
        server.request(Method::GET, &format!("/api/v1/jobs/{}/artifacts?min_size=100000000", server.job));
    let list: serde_json::Value = list.send().await.unwrap().json().await.unwrap();
    let path = format!("/api/v1/artifacts/{}/content", list["artifacts"][0]["id"].as_str().unwrap());
    let mut response = server.request(Method::GET, &path).send().await.unwrap();
    let mut size = 0;
    while let Some(piece) = response.chunk().await.unwrap() {
        size += piece.len();
    }
    assert_eq!(size, TOTAL);
}

#[tokio::test]
async fn large_bodies_move_in_constant_memory() {
    let server = Server::start();
    // What every way needs once, it needs before the measuring.
    raw(&server, 80).await;
    form(&server, 80).await;
    upload(&server, 80).await;
    let figures = [
        ("raw", server.growth(raw(&server, PIECES)).await),
        ("form", server.growth(form(&server, PIECES)).await),
        ("upload", server.growth(upload(&server, PIECES)).await),
        ("download", server.growth(download(&server)).await),
    ];
    println!("growth in KiB: {figures:?}");
    for (way, growth) in figures {
        assert!(growth < MOST_KIB, "{way}: {growth} KiB; {figures:?}");
    }
}
