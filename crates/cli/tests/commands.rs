//! The real binary: what it prints, and how it ends.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Output, Stdio};

use tempfile::TempDir;

/// A data folder of its own, and the binary to use it with.
struct Cli {
    home: TempDir,
}

impl Cli {
    fn new() -> Self {
        Self { home: tempfile::tempdir().unwrap() }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_upnext"));
        command.args(args).env_clear().env("UPNEXT_HOME", self.home.path()).env("PATH", "/nowhere");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, args: &[&str]) -> Ran {
        Ran::from(self.command(args).output().unwrap())
    }

    fn run_with_input(&self, args: &[&str], input: &[u8]) -> Ran {
        let mut child = self.command(args).stdin(Stdio::piped()).spawn().unwrap();
        child.stdin.take().unwrap().write_all(input).unwrap();
        Ran::from(child.wait_with_output().unwrap())
    }

    /// A job to work with: made with the libraries, as a worker would.
    fn job(&self, function: &str) -> String {
        let settings = self.settings();
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let deployment = upnext_backends::open(settings).await.unwrap();
            let kwargs = upnext_core::RawJson::parse(r#"{"rows": 3}"#).unwrap();
            let submission = upnext_core::client::Submission::new(function, kwargs);
            deployment.client.submit(submission).await.unwrap().id.to_string()
        })
    }

    /// A worker that offers one function and never runs anything.
    fn worker(&self, function: &str) {
        let settings = self.settings();
        let mut definition = upnext_core::FunctionDefinition::task(function);
        definition.parameters = Some(vec![upnext_core::Parameter { name: "rows".into(), required: true }]);
        let runtime = tokio::runtime::Runtime::new().unwrap();
        runtime.block_on(async {
            let deployment = upnext_backends::open(settings).await.unwrap();
            let id = upnext_core::WorkerId::from("demo-1".to_owned());
            let registration = upnext_core::WorkerRegistration {
                id: id.clone(),
                name: "demo".into(),
                hostname: "host".into(),
                pid: 7,
                concurrency: 2,
                language: "rust".into(),
                version: "0".into(),
                functions: vec![definition],
            };
            deployment.client.backend().register_worker(registration).await.unwrap();
            deployment.client.backend().deregister_worker(id).await.unwrap();
        });
    }

    /// An API that has answered requests with these statuses.
    fn api(&self, name: &str, statuses: &[u16]) {
        use upnext_core::api::{ApiRegistration, ApiReport, NewRequest};
        use upnext_core::{Clock as _, SystemClock};
        let settings = self.settings();
        let now = SystemClock.now();
        let answered = |status: &u16| {
            let took = std::time::Duration::from_millis(3);
            NewRequest::new(now, "GET", Some("/"), *status, took, None)
        };
        let instance = ApiRegistration {
            id: format!("{name}-1"),
            api: name.to_owned(),
            hostname: "host".into(),
            pid: 7,
            host: "127.0.0.1".into(),
            port: 8000,
            version: "0".into(),
        };
        let requests = statuses.iter().map(answered).collect();
        let report = ApiReport { instance, requests, dropped: 0, stopped: false };
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let deployment = upnext_backends::open(settings).await.unwrap();
            deployment.client.backend().record_requests(report).await.unwrap();
        });
    }

    fn settings(&self) -> upnext_core::Settings {
        let home = self.home.path().display().to_string();
        upnext_core::Settings::from_vars([("UPNEXT_HOME".to_owned(), home)]).unwrap().settings
    }

    fn file(&self, name: &str, bytes: &[u8]) -> String {
        let path = self.home.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path.display().to_string()
    }
}

struct Ran {
    code: i32,
    stdout: String,
    stderr: String,
    raw: Vec<u8>,
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
            raw: output.stdout,
        }
    }
}

impl Ran {
    #[track_caller]
    fn ok(self) -> String {
        assert_eq!(self.code, 0, "{}", self.stderr);
        self.stdout.trim_end().to_owned()
    }

    #[track_caller]
    fn fails(self, code: i32, part: &str) {
        assert_eq!(self.code, code, "{}{}", self.stdout, self.stderr);
        assert!(self.stderr.contains(part), "{}", self.stderr);
        assert!(!self.stderr.contains("panicked"), "{}", self.stderr);
    }

    #[track_caller]
    fn json(self) -> serde_json::Value {
        serde_json::from_str(&self.ok()).unwrap()
    }
}

/// A server process that is killed if the test forgets it.
struct Server {
    child: Child,
    line: String,
}

impl Server {
    fn start(cli: &Cli, args: &[&str]) -> Self {
        let mut child = cli.command(args).spawn().unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        Self { child, line }
    }

    fn url(&self) -> String {
        let rest = self
            .line
            .strip_prefix("UpNext server listening on ")
            .unwrap_or_else(|| panic!("{:?}", self.line));
        rest.split(' ').next().unwrap().to_owned()
    }

    fn signal(&self, name: &str) {
        let done = Command::new("/bin/kill").args([name, &self.child.id().to_string()]).status().unwrap();
        assert!(done.success());
    }

    fn end(&mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn help_and_version_go_to_stdout() {
    let cli = Cli::new();
    let help = cli.run(&["--help"]).ok();
    for command in [
        "run",
        "dev",
        "call",
        "list",
        "functions",
        "jobs",
        "artifacts",
        "workers",
        "apis",
        "stats",
        "server",
        "settings",
    ] {
        assert!(help.contains(&format!("\n  {command} ")), "{help}");
    }
    assert_eq!(cli.run(&["--version"]).ok(), format!("upnext {}", upnext_core::VERSION));
    assert!(cli.run(&["server", "start", "--help"]).ok().contains("--port"));
}

#[test]
fn wrong_calls_end_with_2() {
    let cli = Cli::new();
    cli.run(&["artefacts"]).fails(2, "artifacts");
    cli.run(&[]).fails(2, "Usage");
    cli.run(&["jobs", "show", "nope"]).fails(2, "is not the id of a job");
    cli.run(&["jobs", "list", "--status", "done"]).fails(2, "use one of pending");
    cli.run(&["jobs", "list", "--limit", "0"]).fails(2, "1..=1000");
    cli.run(&["call", "x", "--kwargs", "{broken"]).fails(2, "--kwargs is not JSON");
    cli.run(&["call", "x", "--timeout=-1"]).fails(2, "number of seconds");
    cli.run(&["list", "--database-url", "mysql://h"]).fails(2, "not with 'mysql:'");
}

#[test]
fn bad_settings_end_with_2_and_odd_ones_are_named() {
    let cli = Cli::new();
    let bad =
        cli.command(&["list"]).env("UPNEXT_PORT", "http").env("UPNEXT_LOG_FORMAT", "xml").output().unwrap();
    let bad = Ran::from(bad);
    assert_eq!(
        bad.stderr.lines().filter(|line| line.starts_with("error: UPNEXT_")).count(),
        2,
        "{}",
        bad.stderr
    );
    bad.fails(2, "UPNEXT_PORT=http: must be a number");
    let odd = Ran::from(cli.command(&["list"]).env("UPNEXT_PROT", "1").output().unwrap());
    assert_eq!(odd.code, 0);
    assert!(odd.stderr.starts_with("warning: UPNEXT_PROT is not a setting"), "{}", odd.stderr);
}

#[test]
fn settings_are_listed_without_secrets() {
    let cli = Cli::new();
    let mut command = cli.command(&["settings"]);
    command.env("UPNEXT_API_KEY", "hunter2").env("UPNEXT_REDIS_URL", "redis://:hunter2@h");
    let shown = Ran::from(command.output().unwrap()).ok();
    assert!(!shown.contains("hunter2") && shown.contains("UPNEXT_ARTIFACT_MAX_UPLOAD_BYTES"), "{shown}");
    let json = cli.run(&["settings", "--json"]).json();
    let home = json.as_array().unwrap().iter().find(|setting| setting["name"] == "UPNEXT_HOME").unwrap();
    assert_eq!((home["is_set"].as_bool(), home["default"].as_str()), (Some(true), Some("~/.upnext")));
}

#[test]
fn an_unknown_function_is_named_with_the_known_ones() {
    let cli = Cli::new();
    cli.run(&["call", "nope"]).fails(1, "there is no function 'nope': no worker has registered any");
    cli.worker("report");
    cli.run(&["call", "nope"]).fails(1, "known functions are report");
    cli.run(&["call", "report"]).fails(2, "needs the argument 'rows'");
}

#[test]
fn a_call_says_that_it_waits_for_a_worker() {
    let cli = Cli::new();
    cli.worker("report");
    let ran = cli.run(&["call", "report", "--kwargs", r#"{"rows": 1}"#, "--no-wait"]);
    assert!(ran.stderr.contains("no live worker offers 'report'"), "{}", ran.stderr);
    let id = ran.ok();
    assert_eq!(cli.run(&["jobs", "show", &id, "--json"]).json()["kwargs"]["rows"], 1);
    let ran = cli.run(&["call", "report", "--kwargs", r#"{"rows": 1}"#, "--timeout", "0.05"]);
    ran.fails(124, "had not ended after 50ms; it goes on, and can be waited for again");
}

/// Waits in the queue for the job that the command line submits, and ends it so.
async fn serve_one(settings: upnext_core::Settings, outcome: upnext_core::Outcome) {
    use upnext_core::backend::{ClaimRequest, Finish};
    let deployment = upnext_backends::open(settings).await.unwrap();
    let backend = deployment.client.backend();
    let mut work = backend.signals().subscribe_work();
    let claimed = loop {
        let request = ClaimRequest {
            worker: upnext_core::WorkerId::from("demo-1".to_owned()),
            functions: ["report".to_owned()].into(),
            limit: 1,
            lease: std::time::Duration::from_secs(60),
            suspect: true,
        };
        if let Some(claimed) = backend.claim(request).await.unwrap().jobs.pop() {
            break claimed;
        }
        let _ = tokio::time::timeout(std::time::Duration::from_millis(200), work.changed()).await;
    };
    let started_at = deployment.client.find_job(claimed.lease.job_id).await.unwrap().unwrap().created_at;
    let finish = Finish { lease: claimed.lease, started_at, outcome };
    backend.finish(vec![finish]).await.unwrap();
}

#[test]
fn a_call_prints_the_result_or_why_there_is_none() {
    let cli = Cli::new();
    cli.worker("report");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let call = |more: &[&str], outcome: upnext_core::Outcome| {
        let args = [&["call", "report", "--kwargs", r#"{"rows": 1}"#], more].concat();
        let child = cli.command(&args).spawn().unwrap();
        runtime.block_on(serve_one(cli.settings(), outcome));
        Ran::from(child.wait_with_output().unwrap())
    };
    let result = upnext_core::RawJson::parse(r#"{"rows":42}"#).unwrap();
    let complete = upnext_core::Outcome::Complete { result };
    assert_eq!(call(&[], complete.clone()).ok(), "{\n  \"rows\": 42\n}");
    let job = call(&["--json"], complete).json();
    assert_eq!((job["status"].as_str(), job["result"]["rows"].as_u64()), (Some("complete"), Some(42)));
    let failed = call(&[], upnext_core::Outcome::failed("ValueError: no rows"));
    assert_eq!(failed.stdout, "");
    failed.fails(1, "failed: ValueError: no rows");
}

#[test]
fn lists_are_tables_or_json() {
    let cli = Cli::new();
    assert_eq!(cli.run(&["jobs", "list"]).ok(), "");
    assert_eq!(cli.run(&["list", "--json"]).json()["total"], 0);
    cli.worker("report");
    let id = cli.job("report");
    let table = cli.run(&["list"]).ok();
    assert!(
        table.starts_with("KEY     TYPE  WORKERS  TIMEOUT  RETRIES  BACKLOG\nreport  task  0"),
        "{table}"
    );
    let jobs = cli.run(&["jobs", "list", "--status", "queued"]).ok();
    assert!(jobs.contains(&id) && jobs.contains("queued"), "{jobs}");
    assert_eq!(cli.run(&["jobs", "list", "--json"]).json()["jobs"][0]["id"], id);
    assert!(cli.run(&["workers"]).ok().contains("demo-1"));
    assert_eq!(cli.run(&["workers", "--json"]).json()["workers"][0]["name"], "demo");
    assert!(cli.run(&["jobs", "show", &id]).ok().contains("{\"rows\": 3}"));
}

#[test]
fn apis_are_listed_with_their_figures() {
    let cli = Cli::new();
    let none = cli.run(&["apis"]);
    assert!(none.stderr.contains("no API was heard of"), "{}", none.stderr);
    assert_eq!(none.ok(), "");
    cli.api("shop", &[200, 200, 500, 404]);
    let table = cli.run(&["apis"]).ok();
    assert!(table.starts_with("API   STATE  ADDRESS"), "{table}");
    assert!(table.contains("shop  alive  127.0.0.1:8000") && table.contains("25.0 %"), "{table}");
    let shop = &cli.run(&["apis", "--json"]).json()["apis"][0];
    assert_eq!(
        (&shop["name"], &shop["requests"], &shop["client_errors"]),
        (&"shop".into(), &4.into(), &1.into())
    );
}

#[test]
fn functions_that_nobody_offers_are_forgotten() {
    let cli = Cli::new();
    cli.worker("report");
    cli.run(&["functions", "forget", "report", "nothing"]).fails(1, "there is no function 'nothing'");
    assert!(cli.run(&["functions", "forget", "report"]).ok().contains("function 'report' is forgotten"));
    assert_eq!(cli.run(&["list", "--json"]).json()["total"], 0);
    cli.run(&["functions", "forget", "report"]).fails(1, "there is no function 'report'");
}

#[test]
fn jobs_are_cancelled_and_retried_where_that_is_right() {
    let cli = Cli::new();
    let id = cli.job("report");
    cli.run(&["jobs", "retry", &id]).fails(1, "only failed jobs");
    assert!(cli.run(&["jobs", "cancel", &id]).ok().contains("is cancelled"));
    cli.run(&["jobs", "cancel", &id]).fails(1, "has ended already");
    let unknown = "0190b2f5-6c1e-7d3a-9f41-2b7c8d9e0f10";
    cli.run(&["jobs", "show", unknown]).fails(1, "there is no job");
}

#[test]
fn artifacts_are_labelled_found_and_shown() {
    let cli = Cli::new();
    let job = cli.job("train");
    let file = cli.file("notes.md", b"# Notes");
    let put = [
        "artifacts",
        "put",
        &job,
        &file,
        "--tag",
        "best",
        "--tag",
        "model",
        "--description",
        "after training",
    ];
    let put = [&put[..], &["--metadata", "{\"loss\": 0.1}", "--key", "once", "--json"]].concat();
    let artifact = cli.run(&put).json();
    assert_eq!(artifact["type"], "text/markdown");
    assert_eq!(artifact["tags"], serde_json::json!(["best", "model"]));
    assert_eq!(cli.run(&put).json()["id"], artifact["id"], "the same key makes nothing new");
    let id = artifact["id"].as_str().unwrap();
    for filter in [
        vec!["--tag", "best", "--tag", "model"],
        vec!["--search", "TRAIN loss"],
        vec!["--glob", "n*.md"],
        vec!["--min-size", "7", "--max-size", "7"],
        vec!["--root", &job],
        vec!["--type", "text/markdown", "--sort", "-size"],
    ] {
        let listed = cli.run(&[&["artifacts", "list", "--json"][..], &filter].concat()).json();
        assert_eq!(listed["artifacts"][0]["id"], id, "{filter:?}");
    }
    assert!(cli.run(&["artifacts", "list", "--tag", "worst"]).ok().is_empty());
    let shown = cli.run(&["artifacts", "show", &format!("{job}/notes.md")]).ok();
    for fact in [id, "text/markdown", "after training", "best, model", "{\"loss\": 0.1}", "available"] {
        assert!(shown.contains(fact), "{fact} is not in\n{shown}");
    }
    assert!(cli.run(&["artifacts", "pin", id]).ok().contains("is pinned"));
    assert_eq!(cli.run(&["artifacts", "show", id, "--json"]).json()["pinned"], true);
    assert!(cli.run(&["artifacts", "unpin", id]).ok().contains("not pinned"));
    cli.run(&["artifacts", "show", &format!("{job}/other")]).fails(1, "has no artifact 'other'");
    cli.run(&["artifacts", "put", &job, &file, "--metadata", "[1]"]).fails(2, "one JSON object");
    cli.run(&["artifacts", "put", &job, &file, "--metadata", "{"]).fails(2, "it is not JSON");
    cli.run(&["artifacts", "list", "--sort", "date"]).fails(2, "is not an order");
}

#[test]
fn differences_are_shown_and_counted_as_failures() {
    let cli = Cli::new();
    let job = cli.job("report");
    let put = |name: &str, bytes: &[u8]| {
        cli.run_with_input(&["artifacts", "put", &job, "-", "--name", name], bytes).ok()
    };
    let (one, two) = (put("a.txt", b"same\nold\n"), put("b.txt", b"same\nnew\n"));
    let text = cli.run(&["artifacts", "diff", &one, &two]);
    assert_eq!(text.code, 1);
    assert!(text.stdout.contains("-old\n+new"), "{}", text.stdout);
    let (one, two) = (put("a.json", b"{\"n\": 1}"), put("b.json", b"{\"n\": 2, \"m\": []}"));
    let json = cli.run(&["artifacts", "diff", &one, &two]);
    assert!(json.stdout.contains("~ /n: 1 -> 2") && json.stdout.contains("+ /m: []"), "{}", json.stdout);
    assert!(cli.run(&["artifacts", "diff", &one, &one]).ok().contains("they are the same"));
}

#[test]
fn stored_bytes_are_verified_and_collected() {
    let cli = Cli::new();
    let job = cli.job("report");
    let file = cli.file("large.bin", &vec![7; 100_000]);
    let id = cli.run(&["artifacts", "put", &job, &file]).ok();
    assert!(cli.run(&["artifacts", "verify"]).ok().starts_with("1 contents"));
    let artifact = cli.run(&["artifacts", "show", &id, "--json"]).json();
    let stored = cli.home.path().join("artifacts").join(artifact["storage_key"].as_str().unwrap());
    std::fs::write(&stored, vec![8; 100_000]).unwrap();
    let verified = cli.run(&["artifacts", "verify", "--json"]);
    assert_eq!(verified.code, 1);
    assert!(verified.stdout.contains(artifact["sha256"].as_str().unwrap()), "{}", verified.stdout);
    assert_eq!(cli.run(&["artifacts", "show", &id, "--json"]).json()["status"], "damaged");
    cli.run(&["artifacts", "get", &id]).fails(1, "damaged");
    cli.run(&["artifacts", "rm", &id]).ok();
    let collected = cli.run(&["artifacts", "gc", "--json"]).json();
    assert_eq!(collected["stored_bytes_after"], 0, "{collected}");
}

#[test]
fn artifacts_go_in_and_come_out_the_same() {
    let cli = Cli::new();
    let job = cli.job("report");
    let bytes: Vec<u8> = (0..100_000_u32).map(|n| (n % 253) as u8).collect();
    let file = cli.file("data.bin", &bytes);
    let id = cli.run(&["artifacts", "put", &job, &file]).ok();
    assert_eq!(cli.run(&["artifacts", "get", &id]).raw, bytes);
    let target = cli.home.path().join("back.bin");
    cli.run(&["artifacts", "get", &id, "--output", target.to_str().unwrap()]).ok();
    assert_eq!(std::fs::read(&target).unwrap(), bytes);

    let put = ["artifacts", "put", &job, "-", "--name", "größe.json", "--json"];
    let artifact = cli.run_with_input(&put, br#"{"a": 1}"#).json();
    assert_eq!((artifact["name"].as_str(), artifact["type"].as_str()), (Some("größe.json"), Some("json")));
    cli.run_with_input(&put, b"{broken").fails(2, "not JSON");
    cli.run(&["artifacts", "put", &job, "-"]).fails(2, "--name");
    cli.run(&["artifacts", "put", &job, "/no/such/file"]).fails(2, "/no/such/file");

    let list = cli.run(&["artifacts", "list", "--job", &job, "--json"]).json();
    assert_eq!(list["total"], 2);
    assert!(cli.run(&["artifacts", "list", "--type", "json"]).ok().contains("größe.json"));
    assert!(cli.run(&["artifacts", "rm", &id]).ok().contains("is removed"));
    cli.run(&["artifacts", "rm", &id]).fails(1, "there is no artifact");
    cli.run(&["artifacts", "get", &id]).fails(1, "there is no artifact");
}

#[test]
fn python_workers_need_python() {
    let cli = Cli::new();
    cli.run(&["run", "worker.py"]).fails(2, "pip install upnext");
    cli.run(&["dev", "worker.py"]).fails(2, "pip install upnext");
    cli.run(&["run"]).fails(2, "FILES");
}

/// A stand-in for Python that says what it was called with.
#[test]
fn python_is_called_with_the_same_request() {
    let cli = Cli::new();
    let python =
        cli.file("python3", b"#!/bin/sh\ncase \"$1\" in -c) exit 0;; esac\nprintf '%s\\n' \"$@\"\nexit 7\n");
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(Path::new(&python), mode).unwrap();
    let args = ["run", "a.py", "b.py", "-o", "demo", "--redis-url", "redis://h", "-v"];
    let ran = Ran::from(cli.command(&args).env("PATH", cli.home.path()).output().unwrap());
    assert_eq!(ran.code, 7, "{}", ran.stderr);
    let expected = "-m upnext run --only demo --database-url redis://h --verbose -- a.py b.py";
    assert_eq!(ran.stdout.split_whitespace().collect::<Vec<_>>().join(" "), expected);
    let ran = Ran::from(
        cli.command(&["dev", "a.py", "--port", "0"]).env("PATH", cli.home.path()).output().unwrap(),
    );
    let expected = "-m upnext dev --host 127.0.0.1 --port 0 -- a.py";
    assert_eq!(ran.stdout.split_whitespace().collect::<Vec<_>>().join(" "), expected);
}

#[test]
fn the_server_serves_until_it_is_told_to_stop() {
    let cli = Cli::new();
    for signal in ["-TERM", "-INT"] {
        let mut server = Server::start(&cli, &["server", "start", "--port", "0"]);
        let url = server.url();
        assert!(
            server.line.contains(&format!("dashboard: {url}/"))
                && server.line.contains(&format!("{url}/docs"))
        );
        let health: serde_json::Value = get(&format!("{url}/health"));
        assert_eq!(health["status"], "ok");
        server.signal(signal);
        assert_eq!(server.end().code(), Some(0), "{signal}");
        let mut stderr = String::new();
        server.child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert_eq!(stderr, "stopping; running requests have a few seconds to finish\n");
    }
}

fn get(url: &str) -> serde_json::Value {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        client.get(url).send().await.unwrap().json().await.unwrap()
    })
}

#[test]
fn a_port_in_use_is_one_clear_sentence() {
    let cli = Cli::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let ran = cli.run(&["server", "start", "--port", &port]);
    assert_eq!(ran.stdout, "");
    assert_eq!(ran.stderr.lines().count(), 1, "{}", ran.stderr);
    ran.fails(1, "is in use: stop what uses it, or choose another with --port");
}

#[test]
fn a_public_address_needs_a_key() {
    let cli = Cli::new();
    let ran = cli.run(&["server", "start", "--host", "0.0.0.0", "--port", "0"]);
    ran.fails(2, "UPNEXT_ALLOW_PUBLIC_WITHOUT_AUTH");
    let without = Ran::from(
        cli.command(&["server", "start", "--port", "0"]).env("UPNEXT_AUTH_ENABLED", "1").output().unwrap(),
    );
    without.fails(2, "set UPNEXT_API_KEY");
}

#[test]
fn the_database_says_what_it_is() {
    let cli = Cli::new();
    assert!(cli.run(&["server", "db", "current"]).ok().contains("does not exist yet"));
    assert!(!cli.home.path().join("upnext.db").exists());
    assert!(cli.run(&["server", "db", "upgrade"]).ok().contains("has the schema of version"));
    assert!(cli.run(&["server", "db", "current"]).ok().contains("has the schema of version"));
    cli.run(&["server", "db", "history"]).ok();
}
