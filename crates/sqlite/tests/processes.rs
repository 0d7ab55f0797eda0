//! Real second processes on one file. The test binary runs itself again as its own child: [`child`] does what the
//! environment says, and nothing when this is an ordinary run of the tests.

use std::collections::{HashMap, HashSet};
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use upnext_core::backend::JobQuery;
use upnext_core::settings::Durability;
use upnext_core::{Backend, JobId, JobStatus, ManualClock};
use upnext_sqlite::SqliteOptions;
use upnext_testkit::Steps;
use upnext_testkit::factories::{finish_ok, new_job};
use upnext_testkit::fixture::{START, deadline, fires};

const ROLE: &str = "TESTKIT_CHILD_ROLE";
const FILE: &str = "TESTKIT_CHILD_FILE";

/// What stands before each id that a child prints, so that the words of the test runner around it do no harm.
const MARK: &str = "job=";

async fn open(path: &Path) -> Arc<dyn Backend> {
    open_at(path, Arc::new(ManualClock::new(START))).await
}

async fn open_at(path: &Path, clock: Arc<ManualClock>) -> Arc<dyn Backend> {
    let options = SqliteOptions { path: path.to_owned(), durability: Durability::Full, clock };
    upnext_sqlite::open(options).await.expect("the file should open")
}

fn spawn(role: &str, path: &Path) -> Child {
    Command::new(std::env::current_exe().expect("a test knows its own binary"))
        .args(["--exact", "child", "--nocapture", "--test-threads=1"])
        .env(ROLE, role)
        .env(FILE, path)
        .stdout(Stdio::piped())
        .spawn()
        .expect("the test binary should run itself")
}

/// The lines with an id that a child prints, as they come.
fn printed(child: &mut Child) -> impl Iterator<Item = JobId> + use<> {
    let stdout = child.stdout.take().expect("the child's output is a pipe");
    // A line that the kill cut short was not acknowledged to anybody.
    BufReader::new(stdout).split(b'\n').map_while(Result::ok).filter_map(|line| {
        let line = String::from_utf8_lossy(&line).into_owned();
        line.split_once(MARK).and_then(|(_, id)| id.parse().ok())
    })
}

fn print(id: JobId) {
    let mut stdout = std::io::stdout().lock();
    writeln!(stdout, "{MARK}{id}")
        .and_then(|()| stdout.flush())
        .expect("the parent reads what the child prints");
}

/// The other process. An ordinary run of the tests finds no role and is done.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn child() {
    let (Ok(role), Ok(path)) = (std::env::var(ROLE), std::env::var(FILE)) else { return };
    let backend = open(Path::new(&path)).await;
    match role.as_str() {
        "finish" => claim_and_finish(&*backend).await,
        "enqueue" => enqueue_for_ever(backend).await,
        "enqueue one" => print(backend.submit(new_job("f")).await),
        other => panic!("no child has the role '{other}'"),
    }
}

/// Claims and finishes until the queue is empty; prints what it finished, after the acknowledgement.
async fn claim_and_finish(backend: &dyn Backend) {
    loop {
        let jobs = backend.take("f", 7).await;
        if jobs.is_empty() {
            return;
        }
        let answers =
            backend.finish(jobs.iter().map(finish_ok).collect()).await.expect("finish should not fail");
        for (job, answer) in jobs.iter().zip(answers) {
            assert_eq!(
                answer,
                upnext_core::backend::Finished::Applied(JobStatus::Complete),
                "a lease was lost"
            );
            print(job.lease.job_id);
        }
    }
}

/// Enqueues from several tasks until it is killed; prints each id after its acknowledgement.
async fn enqueue_for_ever(backend: Arc<dyn Backend>) {
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..4 {
        let backend = backend.clone();
        tasks.spawn(async move {
            loop {
                print(backend.submit(new_job("f")).await);
            }
        });
    }
    tasks.join_all().await;
}

async fn count(backend: &dyn Backend, status: JobStatus) -> u64 {
    let query = JobQuery { statuses: vec![status], limit: 1, ..JobQuery::default() };
    backend.list_jobs(query).await.expect("list_jobs should not fail").total
}

/// Three processes share 2,000 jobs: each job is finished by exactly one of them, once.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn processes_never_share_a_job() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("upnext.db");
    let backend = open(&path).await;
    let ids = backend.submit_all((0..2000).map(|_| new_job("f")).collect()).await;
    let mut children: Vec<Child> = (0..3).map(|_| spawn("finish", &path)).collect();
    let readers: Vec<_> = children
        .iter_mut()
        .map(printed)
        .map(|ids| std::thread::spawn(move || ids.collect::<Vec<_>>()))
        .collect();
    let mut finishers: HashMap<JobId, usize> = HashMap::new();
    for reader in readers {
        for id in reader.join().unwrap() {
            *finishers.entry(id).or_default() += 1;
        }
    }
    for mut child in children {
        assert!(child.wait().unwrap().success(), "a child failed: see its words above");
    }
    assert_eq!(finishers.len(), 2000, "some jobs were finished by nobody");
    assert!(finishers.values().all(|count| *count == 1), "some jobs were finished twice");
    assert_eq!(count(&*backend, JobStatus::Complete).await, 2000, "not every job is complete");
    for id in ids.iter().step_by(97) {
        assert_eq!(backend.attempt_words(*id).await, ["complete"], "a job was tried more than once");
    }
}

/// A process that is killed in the middle of its work loses nothing: what it acknowledged is complete, what it held
/// comes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_worker_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("upnext.db");
    let clock = Arc::new(ManualClock::new(START));
    let backend = open_at(&path, Arc::clone(&clock)).await;
    let ids = backend.submit_all((0..1000).map(|_| new_job("f")).collect()).await;
    let mut child = spawn("finish", &path);
    let mut output = printed(&mut child);
    let mut acknowledged: Vec<JobId> = output.by_ref().take(150).collect();
    child.kill().unwrap();
    child.wait().unwrap();
    acknowledged.extend(output);
    assert!(acknowledged.len() < 1000, "the child was done before it was killed: the case shows nothing");
    clock.advance(Duration::from_secs(31));
    backend.reclaim_all().await;
    for job in backend.find_jobs(acknowledged.clone()).await.unwrap() {
        assert_eq!(
            job.status,
            JobStatus::Complete,
            "an end was acknowledged to a process that was killed, and lost"
        );
    }
    assert_eq!(
        count(&*backend, JobStatus::Active).await,
        0,
        "a lease of the killed process was not taken back"
    );
    claim_rest(&*backend).await;
    assert_eq!(count(&*backend, JobStatus::Complete).await, 1000, "a job was lost with the killed process");
    let found = backend.find_jobs(ids).await.unwrap();
    assert!(found.iter().all(|job| job.attempts <= 2), "a job was tried more often than it was lost");
}

async fn claim_rest(backend: &dyn Backend) {
    loop {
        let jobs = backend.take("f", 100).await;
        if jobs.is_empty() {
            return;
        }
        backend.finish(jobs.iter().map(finish_ok).collect()).await.expect("finish should not fail");
    }
}

/// Every job whose id a process printed before it was killed is there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_submitter_loses_no_acknowledged_job() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("upnext.db");
    for round in 1..=3 {
        let mut child = spawn("enqueue", &path);
        let mut output = printed(&mut child);
        let mut acknowledged: HashSet<JobId> = output.by_ref().take(60 * round).collect();
        child.kill().unwrap();
        child.wait().unwrap();
        acknowledged.extend(output);
        assert!(acknowledged.len() >= 60 * round, "the child stopped by itself");
        let backend = open(&path).await;
        let found = backend.find_jobs(acknowledged.iter().copied().collect()).await.unwrap();
        assert_eq!(
            found.len(),
            acknowledged.len(),
            "a job was acknowledged to a process that was killed, and lost"
        );
        assert!(found.iter().all(|job| job.status == JobStatus::Queued), "an acknowledged job is damaged");
    }
}

/// A job that another process enqueues wakes the claimers of this one, well before they would look by themselves.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_process_wakes_the_claimers() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("upnext.db");
    let backend = open(&path).await;
    let mut elsewhere = backend.signals().subscribe_elsewhere();
    let mut work = backend.signals().subscribe_work();
    let mut child = spawn("enqueue one", &path);
    let mut output = printed(&mut child);
    let id = output.next().expect("the child enqueues one job");
    let acknowledged = Instant::now();
    assert!(fires(&mut elsewhere).await, "another process's commit was not signalled in time");
    assert!(fires(&mut work).await, "another process's job did not wake the claimers in time");
    assert!(Instant::now() < deadline(), "the wake-up came later than {:?}", acknowledged.elapsed());
    assert_eq!(backend.take_one("f").await.lease.job_id, id, "the other process's job cannot be claimed");
    assert_eq!(output.next(), None, "the child enqueues one job alone");
    assert!(child.wait().unwrap().success(), "the child failed: see its words above");
}
