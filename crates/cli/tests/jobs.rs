//! The real binary about jobs: listing, trees, logs, waiting, cancelling and retrying; and functions and figures.
#![cfg(unix)]
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use upnext_core::backend::{ClaimRequest, Finish, LogEntry, Report, ReportEntry};
use upnext_core::client::Submission;
use upnext_core::job::Parent;
use upnext_core::{ClaimedJob, Clock as _, JobId, Outcome, RawJson, Settings, SystemClock, WorkerId};

/// A data folder with a worker of its own, and the binary to look at it with.
struct Deployment {
    home: TempDir,
    runtime: Runtime,
    opened: upnext_backends::Deployment,
}

impl Deployment {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let vars = [("UPNEXT_HOME".to_owned(), home.path().display().to_string())];
        let runtime = Runtime::new().unwrap();
        let opened =
            runtime.block_on(upnext_backends::open(Settings::from_vars(vars).unwrap().settings)).unwrap();
        Self { home, runtime, opened }
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_upnext"));
        command.args(args).env_clear().env("UPNEXT_HOME", self.home.path());
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    fn run(&self, args: &[&str]) -> Ran {
        Ran::of(self.command(args).spawn().unwrap())
    }

    /// A job, inside of another if one is given.
    fn submit(&self, function: &str, above: Option<JobId>) -> JobId {
        let parent = above.map(|job_id| {
            let above = self.runtime.block_on(self.opened.client.find_job(job_id)).unwrap().unwrap();
            Parent { parent_id: job_id, root_id: above.root_id }
        });
        let kwargs = RawJson::parse(r#"{"rows": 3}"#).unwrap();
        let submission = Submission { parent, ..Submission::new(function, kwargs) };
        self.runtime.block_on(self.opened.client.submit(submission)).unwrap().id
    }

    fn claim(&self, function: &str) -> ClaimedJob {
        let request = ClaimRequest {
            worker: WorkerId::from("demo-1".to_owned()),
            functions: Arc::from([function.to_owned()]),
            limit: 1,
            lease: Duration::from_secs(60),
            suspect: true,
        };
        self.runtime.block_on(self.opened.client.backend().claim(request)).unwrap().jobs.pop().unwrap()
    }

    fn log(&self, claimed: &ClaimedJob, level: &str, message: &str) {
        let entry = LogEntry {
            at: SystemClock.now(),
            level: level.to_owned(),
            message: message.to_owned(),
            extra: Some(RawJson::parse(r#"{"n": 1}"#).unwrap()),
        };
        let report = Report { lease: claimed.lease, entry: ReportEntry::Log(entry) };
        self.runtime.block_on(self.opened.client.backend().report(vec![report])).unwrap();
    }

    fn end(&self, claimed: &ClaimedJob, outcome: Outcome) {
        let finish = Finish { lease: claimed.lease, started_at: SystemClock.now(), outcome };
        self.runtime.block_on(self.opened.client.backend().finish(vec![finish])).unwrap();
    }

    fn complete(&self, claimed: &ClaimedJob) {
        self.end(claimed, Outcome::Complete { result: RawJson::parse(r#"{"rows": 42}"#).unwrap() });
    }

    fn register(&self, functions: &[&str]) {
        let registration = upnext_core::WorkerRegistration {
            id: WorkerId::from("demo-1".to_owned()),
            name: "demo".into(),
            hostname: "host".into(),
            pid: 7,
            concurrency: 3,
            language: "rust".into(),
            version: "0".into(),
            functions: functions.iter().map(|key| upnext_core::FunctionDefinition::task(*key)).collect(),
        };
        self.runtime.block_on(self.opened.client.backend().register_worker(registration)).unwrap();
    }
}

struct Ran {
    code: Option<i32>,
    stdout: String,
    stderr: String,
}

impl Ran {
    fn of(child: Child) -> Self {
        let output = child.wait_with_output().unwrap();
        Self {
            code: output.status.code(),
            stdout: String::from_utf8(output.stdout).unwrap(),
            stderr: String::from_utf8(output.stderr).unwrap(),
        }
    }

    #[track_caller]
    fn ok(self) -> String {
        assert_eq!(self.code, Some(0), "{}", self.stderr);
        self.stdout
    }

    #[track_caller]
    fn json(self) -> Value {
        serde_json::from_str(&self.ok()).unwrap()
    }

    #[track_caller]
    fn fails(self, code: i32, part: &str) {
        assert_eq!(self.code, Some(code), "{}{}", self.stdout, self.stderr);
        assert!(self.stderr.contains(part), "{}", self.stderr);
    }
}

/// The ids in a JSON list of jobs, in its order.
fn ids(jobs: &Value) -> Vec<&str> {
    jobs.as_array().unwrap().iter().map(|job| job["id"].as_str().unwrap()).collect()
}

#[test]
fn a_list_is_filtered_and_goes_on() {
    let deployment = Deployment::new();
    let made: Vec<String> = (0..5).map(|_| deployment.submit("report", None).to_string()).collect();
    let failed = deployment.submit("fail", None).to_string();
    deployment.end(&deployment.claim("fail"), Outcome::failed("ValueError: no"));
    let list = |more: &[&str]| deployment.run(&[&["jobs", "list", "--json"], more].concat()).json();
    assert_eq!(ids(&list(&["--status", "failed", "--status", "complete"])["jobs"]), [&failed]);
    assert_eq!(list(&["--function", "report"])["total"], 5);
    assert_eq!(ids(&list(&["--worker", "demo-1"])["jobs"]), [&failed]);
    assert_eq!(list(&["--after", "1h"])["total"], 6);
    assert_eq!(list(&["--before", "1h"])["total"], 0);
    assert_eq!(list(&["--after", "2026-01-01", "--before", "2200-01-01T00:00:00Z"])["total"], 6);
    let newest = &made[4];
    assert_eq!(ids(&list(&["--text", newest])["jobs"]), [newest]);
    assert_eq!(ids(&list(&["--text", "VALUEERROR"])["jobs"]), [&failed]);
    assert_eq!(list(&["--text", "Rows\": 3", "--function", "report"])["total"], 5);
    assert_eq!(list(&["--tag", "eu"])["total"], 0);
    let searched = deployment.run(&["jobs", "list", "--text", "report", "--limit", "2"]).stderr;
    assert!(searched.starts_with("2 jobs so far; --cursor "), "{searched}");
    deployment.run(&["jobs", "list", "--after", "noon"]).fails(2, "an age such as 90s");

    let first = deployment.run(&["jobs", "list", "--function", "report", "--limit", "3"]);
    let hint = first.stderr.clone();
    assert!(hint.starts_with("3 of 5 jobs; --cursor "), "{hint}");
    assert_eq!(first.ok().lines().count(), 4);
    let cursor = hint.split_whitespace().nth(5).unwrap();
    let rest = list(&["--function", "report", "--limit", "3", "--cursor", cursor]);
    assert_eq!(ids(&rest["jobs"]), [&made[1], &made[0]]);
    assert_eq!(rest["has_more"], false);
}

#[test]
fn a_job_is_shown_with_all_that_belongs_to_it() {
    let deployment = Deployment::new();
    let root = deployment.submit("root", None);
    let child = deployment.submit("child", Some(root));
    let grandchild = deployment.submit("grandchild", Some(child));
    let other = deployment.submit("other", Some(root));
    let claimed = deployment.claim("grandchild");
    let outcome = Outcome::Failed {
        error: "ValueError: not today".into(),
        traceback: Some("Traceback:\n\tfile\x1b[31m\nValueError: not today\n".into()),
        retryable: true,
    };
    deployment.end(&claimed, outcome);
    let file = deployment.home.path().join("notes.md");
    std::fs::write(&file, "# Notes").unwrap();
    let put = ["artifacts", "put", &grandchild.to_string(), file.to_str().unwrap()];
    deployment.run(&put).ok();

    let tree = deployment.run(&["jobs", "tree", &child.to_string()]).ok();
    let width = tree.find("STATUS").unwrap();
    let first_column = |line: &str| line.chars().take(width).collect::<String>().trim_end().to_owned();
    let drawn: Vec<String> = tree.lines().map(first_column).collect();
    assert_eq!(drawn, ["JOB", "root", "├─ child ←", "│  └─ grandchild", "└─ other"], "{tree}");
    assert!(tree.lines().nth(3).unwrap().contains("ValueError: not today"), "{tree}");
    let all = [root, child, grandchild, other].map(|id| id.to_string());
    assert_eq!(ids(&deployment.run(&["jobs", "tree", &all[2], "--json"]).json()["jobs"]), all);

    let shown = deployment.run(&["jobs", "show", &all[1]]).ok();
    assert!(shown.contains("└─ grandchild") && !shown.contains("other"), "{shown}");
    let shown = deployment.run(&["jobs", "show", &all[2]]).ok();
    for part in ["ValueError: not today", "Traceback:\n    file [31m\n", "notes.md", "s ago)", "demo-1"] {
        assert!(shown.contains(part), "{part} is not in\n{shown}");
    }
    assert!(!shown.contains('\x1b'), "{shown:?}");
    let json = deployment.run(&["jobs", "show", &all[0], "--json"]).json();
    assert_eq!(ids(&json["descendants"]), all[1..]);
    let json = deployment.run(&["jobs", "show", &all[2], "--json"]).json();
    assert_eq!((&json["attempts"], &json["attempt_history"][0]["outcome"]), (&json!(1), &json!("failed")));
    assert_eq!(json["artifacts"][0]["name"], "notes.md");
}

#[test]
fn a_job_is_named_by_the_beginning_of_its_id() {
    let deployment = Deployment::new();
    let id = deployment.submit("report", None).to_string();
    let named = |beginning: &str| deployment.run(&["jobs", "show", "--json", beginning]);
    assert_eq!(named(&id[..30]).json()["id"], id);
    assert_eq!(named(&id[..8]).json()["id"], id);
    deployment.submit("report", None);
    named(&id[..8]).fails(1, "more than one job has an id that begins with");
    named("ffffffff-ffff").fails(1, "there is no job whose id begins with ffffffff-ffff");
    named("0190").fails(2, "is not the id of a job");
}

#[test]
fn log_lines_are_chosen() {
    let deployment = Deployment::new();
    let id = deployment.submit("report", None).to_string();
    let claimed = deployment.claim("report");
    for (level, message) in
        [("debug", "one"), ("info", "two\nlines"), ("warning", "three Größe"), ("error", "four")]
    {
        deployment.log(&claimed, level, message);
    }
    let logs = |more: &[&str]| -> Vec<String> {
        let page = deployment.run(&[&["jobs", "logs", &id, "--json"], more].concat()).json();
        let lines = page["logs"].as_array().unwrap();
        lines.iter().map(|line| line["message"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(logs(&[]), ["one", "two\nlines", "three Größe", "four"]);
    assert_eq!(logs(&["--level", "warning"]), ["three Größe", "four"]);
    assert_eq!(logs(&["--search", "GRÖSSE"]), ["three Größe"]);
    assert_eq!(logs(&["--tail", "1"]), ["four"]);
    assert_eq!(logs(&["--tail", "1", "--level", "debug", "--search", "o"]), ["four"]);
    assert!(logs(&["--attempt", "2"]).is_empty());
    let text = deployment.run(&["jobs", "logs", &id]).ok();
    assert!(text.contains("INFO     [1] two\n    lines  {\"n\": 1}\n"), "{text}");
    deployment.run(&["jobs", "logs", &id, "--level", "loud"]).fails(2, "use one of debug, info");
}

#[test]
fn following_prints_lines_as_they_come_and_ends_with_the_job() {
    let deployment = Deployment::new();
    let id = deployment.submit("report", None).to_string();
    let claimed = deployment.claim("report");
    for message in ["old", "newer", "newest"] {
        deployment.log(&claimed, "info", message);
    }
    let args = ["jobs", "logs", &id, "--follow", "--json", "--tail", "2", "--search", "new"];
    let mut child = deployment.command(&args).spawn().unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut next =
        || -> Option<Value> { lines.next().map(|line| serde_json::from_str(&line.unwrap()).unwrap()) };
    assert_eq!(next().unwrap()["message"], "newer");
    assert_eq!(next().unwrap()["message"], "newest");
    deployment.log(&claimed, "info", "nothing of interest");
    deployment.log(&claimed, "error", "a new one");
    assert_eq!(next().unwrap()["message"], "a new one");
    deployment.log(&claimed, "info", "the last new one");
    deployment.complete(&claimed);
    assert_eq!(next().unwrap()["message"], "the last new one");
    assert!(next().is_none(), "a line after the end");
    let ran = Ran::of(child);
    assert_eq!(ran.stderr, format!("job {id} is complete\n"));
    ran.ok();
    let again = deployment.run(&["jobs", "logs", &id, "-f"]).ok();
    assert_eq!(again.lines().count(), 6, "{again}");
}

#[test]
fn waiting_says_how_jobs_ended() {
    let deployment = Deployment::new();
    let good = deployment.submit("good", None).to_string();
    let bad = deployment.submit("bad", None).to_string();
    let child = deployment.command(&["jobs", "wait", &good, &good, "--timeout", "20"]).spawn().unwrap();
    deployment.complete(&deployment.claim("good"));
    let ran = Ran::of(child);
    assert!(ran.stdout.starts_with(&format!("job {good} (good) is complete after ")), "{}", ran.stdout);
    assert_eq!((ran.code, ran.stdout.lines().count()), (Some(0), 1));

    let late = deployment.run(&["jobs", "wait", &good, &bad, "--timeout", "0.05"]);
    assert!(late.stdout.contains(&good), "{}", late.stdout);
    late.fails(124, &format!("1 of 2 jobs had not ended in time: {bad}"));
    let late = deployment.run(&["jobs", "wait", &bad, "--timeout", "0", "--json"]);
    let json: Value = serde_json::from_str(&late.stdout).unwrap();
    assert_eq!((late.code, &json["timed_out"]), (Some(124), &json!(true)));

    deployment.end(&deployment.claim("bad"), Outcome::failed("ValueError: no"));
    let ended = deployment.run(&["jobs", "wait", &bad, &good]);
    assert!(ended.stdout.contains("is failed after") && ended.stdout.contains("ValueError: no"));
    assert_eq!((ended.code, ended.stderr.as_str()), (Some(1), ""));
    let json = deployment.run(&["jobs", "wait", &bad, &good, "--json"]);
    assert_eq!(json.code, Some(1));
    let json: Value = serde_json::from_str(&json.stdout).unwrap();
    assert_eq!((ids(&json["jobs"]), &json["timed_out"]), (vec![bad.as_str(), good.as_str()], &json!(false)));
    let unknown = "0190b2f5-6c1e-7d3a-9f41-2b7c8d9e0f10";
    deployment.run(&["jobs", "wait", &good, unknown]).fails(1, "there is no job");
    assert!(deployment.run(&["jobs", "wait", "--help"]).ok().contains("124"));
}

#[test]
fn several_jobs_are_cancelled_and_retried() {
    let deployment = Deployment::new();
    let one = deployment.submit("report", None).to_string();
    let two = deployment.submit("report", None).to_string();
    let running = deployment.submit("busy", None).to_string();
    let failed = deployment.submit("fail", None).to_string();
    deployment.claim("busy");
    deployment.end(&deployment.claim("fail"), Outcome::failed("no"));
    let ran = deployment.run(&["jobs", "cancel", &one, &failed, &running]);
    let expected =
        format!("job {one} is cancelled\njob {running} is running; its worker is told to stop it\n");
    assert_eq!(ran.stdout, expected);
    ran.fails(1, &format!("job {failed} has ended already: it is failed"));
    let ran = deployment.run(&["jobs", "cancel", &one, &two, "--json"]);
    let json: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(json["jobs"], json!([{"job_id": two, "cancelled": true, "status": "cancelled"}]));
    assert_eq!((ran.code, &json["refused"][0]["job_id"]), (Some(1), &json!(one)));
    let unknown = "0190b2f5-6c1e-7d3a-9f41-2b7c8d9e0f10";
    deployment.run(&["jobs", "retry", &failed, unknown]).fails(1, "there is no job");
    let retried = deployment.run(&["jobs", "retry", &failed, &two]);
    assert_eq!(retried.stdout, format!("job {failed} is queued again\n"));
    retried.fails(1, "only failed jobs can be retried");
}

#[test]
fn functions_are_paused_and_resumed() {
    let deployment = Deployment::new();
    deployment.run(&["functions", "pause", "report"]).fails(1, "no worker has registered any function yet");
    deployment.register(&["report", "train"]);
    deployment.run(&["functions", "pause", "train", "rport"]).fails(1, "known functions are report, train");
    let paused = |key: &str| -> bool {
        let list = deployment.run(&["functions", "list", "--json"]).json();
        let functions = list["functions"].as_array().unwrap().clone();
        functions.iter().find(|function| function["key"] == key).unwrap()["paused"].as_bool().unwrap()
    };
    assert!(!paused("train"), "paused although another name was wrong");
    let answer = deployment.run(&["functions", "pause", "report", "train", "--json"]).json();
    assert_eq!(answer["functions"][1], json!({"key": "train", "paused": true}));
    assert!(paused("report") && paused("train"));
    assert!(deployment.run(&["list"]).ok().lines().nth(1).unwrap().ends_with("paused"));
    let said = deployment.run(&["functions", "resume", "report"]).ok();
    assert_eq!(said, "function 'report' is not paused any more\n");
    assert!(!paused("report") && paused("train"));
}

#[test]
fn figures_are_counted() {
    let deployment = Deployment::new();
    let empty = deployment.run(&["stats", "--json"]).json();
    assert_eq!((&empty["runs"]["total"], &empty["runs"]["success_rate"]), (&json!(0), &Value::Null));
    deployment.register(&["report"]);
    let done = deployment.submit("report", None).to_string();
    deployment.complete(&deployment.claim("report"));
    for outcome in [Outcome::failed("no"), Outcome::Cancelled] {
        deployment.submit("report", None);
        deployment.end(&deployment.claim("report"), outcome);
    }
    deployment.submit("report", None);
    deployment.claim("report");
    deployment.submit("report", None);
    let file = deployment.home.path().join("notes.md");
    std::fs::write(&file, "# Notes").unwrap();
    for name in ["a.md", "b.md"] {
        deployment.run(&["artifacts", "put", &done, file.to_str().unwrap(), "--name", name]).ok();
    }
    let stats = deployment.run(&["stats", "--json"]).json();
    assert_eq!(stats["queue"], json!({"queued": 1, "pending": 0, "active": 1, "retrying": 0}));
    let runs =
        json!({"hours": 24, "total": 5, "complete": 1, "failed": 1, "cancelled": 1, "success_rate": 50.0});
    assert_eq!(stats["runs"], runs);
    assert_eq!(stats["workers"], json!({"alive": 1, "concurrency": 3, "functions": 1, "paused": 0}));
    let artifacts = &stats["artifacts"];
    let bytes = (&artifacts["logical_bytes"], &artifacts["stored_bytes"]);
    assert_eq!((&artifacts["count"], bytes), (&json!(2), (&json!(14), &json!(7))));
    let text = deployment.run(&["stats"]).ok();
    for part in [
        "1 queued",
        "5 jobs: 1 complete, 1 failed, 1 cancelled (50.0 %",
        "1 alive",
        "14 B in all, 7 B stored",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
}

#[test]
fn colours_are_for_terminals() {
    let deployment = Deployment::new();
    deployment.submit("fail", None);
    deployment.end(&deployment.claim("fail"), Outcome::failed("no"));
    assert!(!deployment.run(&["jobs", "list"]).ok().contains('\x1b'));
    let forced = |more: (&str, &str)| {
        let mut command = deployment.command(&["jobs", "list"]);
        Ran::of(command.env("CLICOLOR_FORCE", "1").env(more.0, more.1).spawn().unwrap()).ok()
    };
    assert!(forced(("X", "1")).contains("\x1b[31mfailed\x1b[0m"));
    assert!(!forced(("NO_COLOR", "1")).contains('\x1b'), "NO_COLOR goes before all else");
}

#[test]
fn shells_are_told_how_to_complete() {
    let deployment = Deployment::new();
    for shell in ["bash", "zsh", "fish"] {
        let script = deployment.run(&["completions", shell]).ok();
        assert!(script.contains("upnext") && script.contains("stats"), "{shell}");
    }
    deployment.run(&["completions", "cmd"]).fails(2, "possible values");
}
