//! Submitters and workers that go on for as long as a test wants, whatever happens to the server, and remember what they were
//! promised.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use upnext_core::backend::{ClaimRequest, Finish, Finished, JobQuery};
use upnext_core::{
    ArtifactId, Backend, BackendError, ClaimedJob, JobId, JobStatus, NewArtifact, Outcome, RawJson, WorkerId,
};
use upnext_testkit::factories::{new_artifact, new_job};

/// How long callers wait before they try again what did not work.
const PAUSE: Duration = Duration::from_millis(10);

/// How long the leases of these workers last.
const LEASE: Duration = Duration::from_secs(3);

/// What was promised.
#[derive(Default)]
pub(crate) struct Promises {
    jobs: Mutex<Vec<JobId>>,
    ended: Mutex<Vec<JobId>>,
    artifacts: Mutex<Vec<(ArtifactId, Vec<u8>)>>,
    submissions: AtomicU64,
    ends: AtomicU64,
    failures: AtomicU64,
}

/// Callers at work.
pub(crate) struct Load {
    pub(crate) promises: Arc<Promises>,
    stop: Arc<AtomicBool>,
    tasks: JoinSet<()>,
}

pub(crate) async fn open(url: &str) -> Arc<dyn Backend> {
    upnext_postgres::open(upnext_postgres::PostgresOptions::new(url)).await.expect("the server should open")
}

impl Load {
    /// Starts so many submitters and workers on each of these backends.
    pub(crate) fn start(backends: &[Arc<dyn Backend>], each: usize) -> Self {
        let mut load = Self { promises: Arc::default(), stop: Arc::default(), tasks: JoinSet::new() };
        for (place, backend) in backends.iter().enumerate() {
            for n in 0..each {
                let (promises, stop) = (Arc::clone(&load.promises), Arc::clone(&load.stop));
                load.tasks.spawn(submit(Arc::clone(backend), promises, stop));
                let (promises, stop) = (Arc::clone(&load.promises), Arc::clone(&load.stop));
                let worker = WorkerId::from(format!("worker-{place}-{n}"));
                load.tasks.spawn(work(Arc::clone(backend), worker, promises, stop));
            }
        }
        load
    }

    /// Waits until so many more submissions and ends were acknowledged, and answers how long that took.
    pub(crate) async fn progress(&self, more: u64) -> Duration {
        let begun = Instant::now();
        let counts = [&self.promises.submissions, &self.promises.ends];
        let wanted = counts.map(|count| count.load(Ordering::SeqCst) + more);
        while counts.iter().zip(wanted).any(|(count, wanted)| count.load(Ordering::SeqCst) < wanted) {
            assert!(begun.elapsed() < Duration::from_secs(30), "nobody gets on any more");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        begun.elapsed()
    }

    /// Lets everybody finish what they began.
    pub(crate) async fn stop(mut self) -> Arc<Promises> {
        self.stop.store(true, Ordering::SeqCst);
        while let Some(ended) = self.tasks.join_next().await {
            ended.expect("a caller panicked");
        }
        self.promises
    }
}

async fn submit(backend: Arc<dyn Backend>, promises: Arc<Promises>, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::SeqCst) {
        let jobs: Vec<_> = (0..3).map(|_| new_job("f")).collect();
        // The same submission again and again, until somebody says that it is accepted.
        while let Err(error) = backend.enqueue(jobs.clone()).await {
            promises.failed(&error).await;
        }
        promises.jobs.lock().unwrap().extend(jobs.iter().map(|job| job.id));
        promises.submissions.fetch_add(1, Ordering::SeqCst);
    }
}

async fn work(backend: Arc<dyn Backend>, worker: WorkerId, promises: Arc<Promises>, stop: Arc<AtomicBool>) {
    while !stop.load(Ordering::SeqCst) {
        let request = ClaimRequest {
            worker: worker.clone(),
            functions: vec!["f".to_owned()].into(),
            limit: 5,
            lease: LEASE,
            suspect: true,
        };
        match backend.claim(request).await {
            Ok(claim) => {
                for job in &claim.jobs {
                    run(&*backend, job, &promises).await;
                }
            }
            Err(error) => promises.failed(&error).await,
        }
        if let Err(error) = backend.reclaim_expired(100).await {
            promises.failed(&error).await;
        }
    }
}

async fn run(backend: &dyn Backend, job: &ClaimedJob, promises: &Promises) {
    let id = job.lease.job_id;
    let bytes = id.to_string().into_bytes();
    let artifact = NewArtifact { lease: Some(job.lease.token), ..new_artifact(id, "out", &bytes) };
    let recorded = loop {
        match backend.record_artifacts(vec![artifact.clone()]).await {
            Ok(answers) => break answers.into_iter().next().expect("one answer").is_ok(),
            Err(error) => promises.failed(&error).await,
        }
    };
    if recorded {
        promises.artifacts.lock().unwrap().push((artifact.id, bytes));
    }
    let finish = Finish {
        lease: job.lease,
        started_at: upnext_core::Timestamp::from(std::time::SystemTime::now()),
        outcome: Outcome::Complete { result: RawJson::null() },
    };
    loop {
        match backend.finish(vec![finish.clone()]).await {
            Ok(answers) => {
                if answers[0] == Finished::Applied(JobStatus::Complete) {
                    promises.ended.lock().unwrap().push(id);
                    promises.ends.fetch_add(1, Ordering::SeqCst);
                }
                return;
            }
            Err(error) => promises.failed(&error).await,
        }
    }
}

impl Promises {
    async fn failed(&self, error: &BackendError) {
        assert!(error.retryable(), "an error that nobody would try again after: {error}");
        self.failures.fetch_add(1, Ordering::SeqCst);
        tokio::time::sleep(PAUSE).await;
    }

    /// Calls that failed for the moment.
    pub(crate) fn failures(&self) -> u64 {
        self.failures.load(Ordering::SeqCst)
    }

    /// Finishes what is left, and compares everything that was promised with what is there. Answers the counts of jobs, ends
    /// and artifacts.
    pub(crate) async fn verify(&self, backend: &dyn Backend) -> (usize, usize, usize) {
        let jobs = self.jobs.lock().unwrap().clone();
        let distinct: HashSet<JobId> = jobs.iter().copied().collect();
        assert_eq!(distinct.len(), jobs.len(), "the test submitted a job twice");
        self.drain(backend).await;
        for part in jobs.chunks(500) {
            let found = backend.find_jobs(part.to_vec()).await.expect("find_jobs should not fail");
            assert_eq!(found.len(), part.len(), "accepted jobs are gone");
            let open: Vec<_> = found.iter().filter(|job| job.status != JobStatus::Complete).collect();
            assert!(open.is_empty(), "accepted jobs were never completed: {open:?}");
        }
        let query = JobQuery { limit: 1, ..JobQuery::default() };
        let total = backend.list_jobs(query).await.expect("list_jobs should not fail").total;
        assert_eq!(total, jobs.len() as u64, "a submission that was sent again made a second job");
        let ended = self.ended.lock().unwrap().clone();
        let once: HashSet<JobId> = ended.iter().copied().collect();
        assert_eq!(once.len(), ended.len(), "an end was acknowledged twice");
        assert!(once.is_subset(&distinct), "an end of a job that nobody submitted was acknowledged");
        let artifacts = self.artifacts.lock().unwrap().clone();
        for (id, bytes) in &artifacts {
            let found = backend.find_artifact(*id).await.expect("find_artifact should not fail");
            let digest = found.expect("an acknowledged artifact is gone").sha256.expect("it is whole");
            let read = backend.read_blob(digest).await.expect("read_blob should not fail");
            assert_eq!(read.as_deref(), Some(bytes.as_slice()), "an artifact has other bytes");
        }
        (jobs.len(), ended.len(), artifacts.len())
    }

    /// Runs jobs until none is left: those that a crash took from their workers come back after their leases.
    async fn drain(&self, backend: &dyn Backend) {
        let deadline = Instant::now() + Duration::from_secs(60);
        loop {
            let depth = backend.queue_depth().await.expect("queue_depth should not fail");
            if depth.whole().total() == 0 {
                return;
            }
            assert!(Instant::now() < deadline, "jobs are left over: {depth:?}");
            backend.reclaim_expired(1000).await.expect("reclaim_expired should not fail");
            let request = ClaimRequest {
                worker: WorkerId::from("last".to_owned()),
                functions: vec!["f".to_owned()].into(),
                limit: 100,
                lease: LEASE,
                suspect: true,
            };
            let claim = backend.claim(request).await.expect("claim should not fail");
            if claim.jobs.is_empty() {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
            for job in &claim.jobs {
                run(backend, job, self).await;
            }
        }
    }
}
