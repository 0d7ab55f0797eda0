//! A load that goes on whatever happens to the server: callers that submit jobs and record artifacts, and workers that run them. They
//! do what the engine does about an error that may pass: try again. What was acknowledged is kept, to be asked for afterwards.
#![allow(dead_code, reason = "each test uses its part of it")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use upnext_core::backend::{ClaimRequest, Finish, Finished, Result};
use upnext_core::{
    ArtifactId, Backend, BackendError, ClaimedJob, FailureReason, Job, JobId, JobStatus, Outcome, RawJson,
    WorkerId,
};
use upnext_redis::RedisOptions;
use upnext_testkit::factories::{new_artifact, new_job};

/// How soon everything has to work again after the server's return.
pub(crate) const RECOVERY: Duration = Duration::from_secs(5);

/// How long a server may take to be there again at all, for instance while a failover is agreed on.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

const FUNCTION: &str = "f";

/// A workspace of its own on this server.
pub(crate) async fn open(url: &str) -> (Arc<dyn Backend>, String) {
    let workspace = format!("faults-{:016x}", fastrand::u64(..));
    (attach(url, &workspace).await, workspace)
}

/// Another handle on a workspace, as another process would have.
pub(crate) async fn attach(url: &str, workspace: &str) -> Arc<dyn Backend> {
    let options = RedisOptions { workspace: workspace.to_owned(), ..RedisOptions::new(url) };
    upnext_redis::open(options).await.expect("the workspace should open")
}

/// Asks until the answer is no longer an error that may pass.
pub(crate) async fn until_it_works<T>(mut ask: impl AsyncFnMut() -> Result<T>) -> T {
    let deadline = Instant::now() + PATIENCE;
    loop {
        match ask().await {
            Ok(answer) => return answer,
            Err(error) => {
                assert!(error.retryable(), "an error that does not pass: {error}");
                assert!(Instant::now() < deadline, "the server did not come back: {error}");
            }
        }
        // Nobody waits for this: it only keeps a server that is gone from being asked without a pause.
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

/// What callers were told, and what workers did.
#[derive(Debug, Default)]
pub(crate) struct Done {
    pub(crate) jobs: std::sync::Mutex<Vec<JobId>>,
    pub(crate) artifacts: std::sync::Mutex<Vec<(ArtifactId, Vec<u8>)>>,
    pub(crate) ended: AtomicUsize,
    pub(crate) errors: AtomicUsize,
}

/// Callers and workers that go on until they are told to stop.
pub(crate) struct Load {
    pub(crate) done: Arc<Done>,
    stop: Arc<AtomicBool>,
    tasks: JoinSet<()>,
}

impl Load {
    /// Starts callers and workers, each with a handle of its own.
    pub(crate) async fn start(url: &str, workspace: &str, callers: usize, workers: usize) -> Self {
        let (done, stop, mut tasks) = (Arc::<Done>::default(), Arc::<AtomicBool>::default(), JoinSet::new());
        for _ in 0..callers {
            tasks.spawn(submit(attach(url, workspace).await, Arc::clone(&done), Arc::clone(&stop)));
        }
        for _ in 0..workers {
            tasks.spawn(work(attach(url, workspace).await, Arc::clone(&done), Arc::clone(&stop)));
        }
        Self { done, stop, tasks }
    }

    /// Answers when callers and workers have both got on since now, and how long that took.
    pub(crate) async fn gets_on(&self) -> Duration {
        let began = Instant::now();
        let counts = || {
            (
                self.done.jobs.lock().expect("nobody panics while holding it").len(),
                self.done.ended.load(Ordering::SeqCst),
            )
        };
        let before = counts();
        loop {
            let now = counts();
            if now.0 > before.0 && now.1 > before.1 {
                return began.elapsed();
            }
            assert!(began.elapsed() < PATIENCE, "the load stands still");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Ends the load.
    pub(crate) async fn stop(mut self) -> Arc<Done> {
        self.stop.store(true, Ordering::SeqCst);
        while let Some(ended) = self.tasks.join_next().await {
            ended.expect("a part of the load panicked");
        }
        self.done
    }
}

/// Counts an error that may pass.
fn note(done: &Done, error: &BackendError) {
    assert!(error.retryable(), "an error that does not pass: {error}");
    done.errors.fetch_add(1, Ordering::SeqCst);
}

async fn submit(backend: Arc<dyn Backend>, done: Arc<Done>, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::SeqCst) {
        let jobs: Vec<_> = (0..10).map(|_| new_job(FUNCTION)).collect();
        match backend.enqueue(jobs).await {
            Ok(accepted) => done
                .jobs
                .lock()
                .expect("nobody panics while holding it")
                .extend(accepted.iter().map(|job| job.id)),
            Err(error) => {
                note(&done, &error);
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
    }
}

async fn work(backend: Arc<dyn Backend>, done: Arc<Done>, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::SeqCst) {
        if let Err(error) = work_once(&*backend, &done, 20).await {
            note(&done, &error);
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn request(limit: usize) -> ClaimRequest {
    ClaimRequest {
        worker: WorkerId::from("faults".to_owned()),
        functions: [FUNCTION.to_owned()].into(),
        limit,
        // Jobs of a claim whose answer was lost come back this soon.
        lease: Duration::from_secs(2),
        suspect: true,
    }
}

/// Claims some jobs, records an artifact for the first of them and ends all. Answers how many there were.
async fn work_once(backend: &dyn Backend, done: &Done, limit: usize) -> Result<usize> {
    backend.reclaim_expired(100).await?;
    let claim = backend.claim(request(limit)).await?;
    if let Some(first) = claim.jobs.first() {
        record(backend, done, first).await?;
    }
    let end = |job: &ClaimedJob| Finish {
        lease: job.lease,
        started_at: claim.now,
        outcome: Outcome::Complete { result: RawJson::null() },
    };
    let answers = backend.finish(claim.jobs.iter().map(end).collect()).await?;
    let ended = answers.iter().filter(|answer| matches!(answer, Finished::Applied(_))).count();
    done.ended.fetch_add(ended, Ordering::SeqCst);
    Ok(claim.jobs.len())
}

async fn record(backend: &dyn Backend, done: &Done, job: &ClaimedJob) -> Result<()> {
    let bytes = format!("made by {}", job.lease.job_id).into_bytes();
    let new = upnext_core::NewArtifact {
        lease: Some(job.lease.token),
        ..new_artifact(job.lease.job_id, "made.txt", &bytes)
    };
    if let Ok(artifact) = backend.record_artifacts(vec![new]).await?.remove(0) {
        done.artifacts.lock().expect("nobody panics while holding it").push((artifact.id, bytes));
    }
    Ok(())
}

/// Ends every job that is left, and asks for everything that was acknowledged. Answers how many jobs and artifacts are lost.
pub(crate) async fn lost(backend: &dyn Backend, done: &Done) -> (usize, usize) {
    let deadline = Instant::now() + PATIENCE;
    let jobs = done.jobs.lock().expect("nobody panics while holding it").clone();
    let mut there = 0;
    for page in jobs.chunks(500) {
        loop {
            until_it_works(async || work_once(backend, done, 500).await).await;
            let found = until_it_works(async || backend.find_jobs(page.to_vec()).await).await;
            if found.iter().all(|job| job.status.is_final()) {
                // A job whose lease was lost three times, with the answers of three claims, has failed for that alone.
                let by_losses = |job: &Job| job.failure_reason == Some(FailureReason::Unknown);
                assert!(found.iter().all(|job| job.status == JobStatus::Complete || by_losses(job)));
                let failed = found.iter().filter(|job| by_losses(job)).count();
                if failed > 0 {
                    println!("{failed} jobs failed because the answers of three of their claims were lost");
                }
                there += found.len();
                break;
            }
            let left: Vec<&Job> = found.iter().filter(|job| !job.status.is_final()).collect();
            assert!(Instant::now() < deadline, "jobs that are there never end: {left:?}");
        }
    }
    let artifacts = done.artifacts.lock().expect("nobody panics while holding it").clone();
    let mut gone = 0;
    for (id, bytes) in &artifacts {
        let found = until_it_works(async || backend.find_artifact(*id).await).await;
        let Some(sha256) = found.and_then(|artifact| artifact.sha256) else {
            gone += 1;
            continue;
        };
        let read = until_it_works(async || backend.read_blob(sha256).await).await;
        gone += usize::from(read.as_deref() != Some(bytes.as_slice()));
    }
    (jobs.len() - there, gone)
}
