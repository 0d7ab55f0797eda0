//! A disk without room under a running worker: a small file system in memory, mounted for one child alone.

use std::io::Write as _;
use std::ops::Range;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use upnext::{UpNext, Worker};
use upnext_core::backend::ArtifactQuery;
use upnext_core::client::Submission;
use upnext_core::{BackendError, JobId, JobStatus, RawJson, RetryPolicy, SubmitError};

use crate::children::{Running, words};
use crate::home::{Home, Ledger};
use crate::tasks;

/// Ways to have a mount namespace of one's own: as root, and as anybody where the system allows it.
const WAYS: [&[&str]; 2] = [&["--mount"], &["--mount", "--user", "--map-root-user"]];

const PAUSED: &str = "the worker takes no new jobs until this is over";

const MOUNT: &str = r#"mount -t tmpfs -o size=64m tmpfs "$0""#;

pub(crate) fn run() {
    let home = Home::new(Duration::from_secs(1));
    let data = home.path().join("data");
    std::fs::create_dir(&data).unwrap();
    let works = |way: &&&[&str]| {
        let tried = Command::new("unshare").args(**way).args(["sh", "-c", MOUNT]).arg(&data).output();
        tried.is_ok_and(|tried| tried.status.success())
    };
    let Some(way) = WAYS.iter().find(works) else {
        println!("not run: this system lets nobody mount a small file system (try it as root)");
        return;
    };
    let mut command = Command::new("unshare");
    command.args(*way).args(["sh", "-c", &format!(r#"{MOUNT} && exec "$@""#)]).arg(&data);
    let mut child = Running::start_under(&home, command, "full disk", &data);
    let fate = child.wait();
    let log = home.words_of_children();
    assert_eq!(fate, crate::children::Fate::Ended(0), "{log}");
    let said = |part: &str| log.lines().find(|line| line.contains(part)).map(str::to_owned);
    for part in [PAUSED, "refused: ", "the job database works again", "accepted and complete"] {
        println!("{}", said(part).unwrap_or_else(|| panic!("nobody said '{part}':\n{log}")));
    }
}

/// The child: fills the disk under its own worker, waits for its words, makes room, and looks for what was acknowledged.
pub(crate) async fn work(data: &Path) {
    let ledger = tempfile::tempdir().unwrap();
    tasks::keep_ledger(ledger.path());
    let app = UpNext::from_env().await.unwrap();
    let worker = Worker::new("crash").concurrency(4).task(tasks::make).start(&app).await.unwrap();
    let mut accepted = submit(&app, 0..40).await.expect("there is room");
    // So many that some still wait when there is no room to claim them.
    accepted.extend(submit(&app, 40..540).await.expect("there is room"));
    let mut waiting = Vec::new();
    let ballast = data.join("ballast");
    fill(&ballast);
    // Every write fails now, sooner or later: the log has some room of its own, which jobs that nobody runs use up.
    let refusal = loop {
        let kwargs = RawJson::trusted(format!("{{\"text\":\"{}\"}}", "x".repeat(256 * 1024)));
        match app.client().submit(Submission::new("nobody runs this", kwargs)).await {
            Ok(idle) => waiting.push(idle.id),
            Err(error) => break error,
        }
    };
    assert!(
        matches!(refusal, SubmitError::Backend(BackendError::Full(_) | BackendError::Unavailable(_))),
        "a submission was refused with other words: {refusal}"
    );
    println!("refused: {refusal}");
    words(PAUSED, 3).await;
    std::fs::remove_file(&ballast).unwrap();
    for id in &accepted {
        let job = app
            .client()
            .wait(*id, Some(Duration::from_secs(30)))
            .await
            .expect("jobs go on when there is room");
        assert_eq!(job.status, JobStatus::Complete, "{job:?}");
    }
    for id in &waiting {
        let job = app.client().find_job(*id).await.expect("it can be read").expect("it was accepted");
        assert_eq!(job.status, JobStatus::Queued, "{}", job.id);
    }
    let listed = look(&app, ledger.path()).await;
    println!("{} jobs accepted and complete, {listed} artifacts acknowledged and whole", accepted.len());
    worker.stop(Duration::from_secs(5)).await;
}

async fn submit(app: &UpNext, numbers: Range<u64>) -> Result<Vec<JobId>, SubmitError> {
    let retry = RetryPolicy { max_retries: 1000, delay: 0.2, backoff: 1.0, ..RetryPolicy::default() };
    let submission = |number| {
        let kwargs = RawJson::trusted(format!("{{\"number\":{number}}}"));
        Submission { retry, ..Submission::new("make", kwargs) }
    };
    let accepted = app.client().submit_many(numbers.map(submission).collect()).await?;
    Ok(accepted.into_iter().map(|job| job.id).collect())
}

/// Takes all the room there is.
fn fill(ballast: &Path) {
    let mut file = std::fs::OpenOptions::new().create(true).append(true).open(ballast).unwrap();
    for size in [65_536, 4096, 512, 1] {
        let piece = vec![0; size];
        let until = Instant::now() + Duration::from_secs(10);
        while file.write_all(&piece).is_ok() {
            assert!(Instant::now() < until, "the disk does not fill");
        }
    }
}

/// Every artifact that was acknowledged must be there and whole; answers how many these are.
async fn look(app: &UpNext, ledger: &Path) -> usize {
    let mut acknowledged = 0;
    for line in Ledger::read(ledger) {
        let Some(line) = line.strip_prefix("artifact ") else { continue };
        let (id, digest) = line.split_once(' ').unwrap();
        let found = app.artifacts().find(id.parse().unwrap()).await.unwrap();
        let artifact = found.unwrap_or_else(|| panic!("artifact {id} was acknowledged and is not there"));
        assert_eq!(artifact.sha256.map(|found| found.to_string()).as_deref(), Some(digest));
        app.artifacts().read_all(&artifact, u64::MAX).await.expect("its bytes are there and whole");
        acknowledged += 1;
    }
    let query = ArtifactQuery { limit: 500, ..ArtifactQuery::default() };
    for artifact in app.artifacts().list(query).await.unwrap().items {
        app.artifacts().read_all(&artifact, u64::MAX).await.expect("whatever is listed can be read");
    }
    acknowledged
}
