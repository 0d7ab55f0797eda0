//! Steps that most cases take, in one call each. They panic, with words, when the backend itself fails.

use async_trait::async_trait;
use upnext_core::artifact::RecordRefusal;
use upnext_core::backend::{Finished, JobQuery, Report};
use upnext_core::{
    Artifact, Attempt, Backend, ClaimedJob, Job, JobId, JobStatus, NewArtifact, NewJob, Outcome,
    WorkerRegistration,
};

use crate::factories::{claim_request, finish, ok};

/// Shorthands over the verbs of a backend.
#[async_trait]
pub trait Steps: Backend {
    /// Enqueues one job and answers the job that stands for it.
    async fn submit(&self, job: NewJob) -> JobId {
        self.submit_all(vec![job]).await[0]
    }

    /// Enqueues jobs in one batch and answers the jobs that stand for them.
    async fn submit_all(&self, jobs: Vec<NewJob>) -> Vec<JobId> {
        let count = jobs.len();
        let answers = self.enqueue(jobs).await.expect("enqueue should not fail");
        assert_eq!(answers.len(), count, "enqueue should answer each job once");
        answers.into_iter().map(|answer| answer.id).collect()
    }

    /// Claims at most `limit` jobs of one function.
    async fn take(&self, function: &str, limit: usize) -> Vec<ClaimedJob> {
        self.claim(claim_request(&[function], limit)).await.expect("claim should not fail").jobs
    }

    /// Claims the next job of a function, which must be there.
    async fn take_one(&self, function: &str) -> ClaimedJob {
        let mut jobs = self.take(function, 1).await;
        assert_eq!(
            jobs.len(),
            1,
            "a claim of one '{function}' job should give one: it is due and nobody holds it"
        );
        jobs.remove(0)
    }

    /// Ends one attempt.
    async fn end(&self, job: &ClaimedJob, outcome: Outcome) -> Finished {
        let answers = self.finish(vec![finish(job, outcome)]).await.expect("finish should not fail");
        assert_eq!(answers.len(), 1, "finish should answer each attempt once");
        answers[0]
    }

    /// Ends one attempt, which must be accepted, and answers the job's new status.
    async fn end_applied(&self, job: &ClaimedJob, outcome: Outcome) -> JobStatus {
        match self.end(job, outcome).await {
            Finished::Applied(status) => status,
            Finished::Stale => panic!("a finish under a lease that holds was refused as stale"),
        }
    }

    /// Submits a job, claims it and completes it.
    async fn submit_completed(&self, function: &str) -> JobId {
        let id = self.submit(crate::factories::new_job(function)).await;
        let claimed = self.take_one(function).await;
        assert_eq!(claimed.lease.job_id, id, "the claim gave another job than the only one that waits");
        self.end_applied(&claimed, ok()).await;
        id
    }

    /// The job with this id, which must be there.
    async fn read(&self, id: JobId) -> Job {
        let mut jobs = self.find_jobs(vec![id]).await.expect("find_jobs should not fail");
        assert_eq!(jobs.len(), 1, "job {id} was acknowledged, so exactly one such job should be found");
        jobs.remove(0)
    }

    /// The status of the job with this id, which must be there.
    async fn status(&self, id: JobId) -> JobStatus {
        self.read(id).await.status
    }

    /// Every attempt of a job.
    async fn attempts(&self, id: JobId) -> Vec<Attempt> {
        self.list_attempts(id).await.expect("list_attempts should not fail")
    }

    /// The words for how the attempts of a job ended.
    async fn attempt_words(&self, id: JobId) -> Vec<String> {
        self.attempts(id).await.into_iter().map(|attempt| attempt.outcome).collect()
    }

    /// Takes back every lease that ran out and answers how many there were.
    async fn reclaim_all(&self) -> usize {
        self.reclaim_expired(10_000).await.expect("reclaim_expired should not fail")
    }

    /// Notes what running attempts report.
    async fn note(&self, reports: Vec<Report>) {
        self.report(reports).await.expect("report should not fail");
    }

    /// Records one artifact.
    async fn record(&self, artifact: NewArtifact) -> Result<Artifact, RecordRefusal> {
        let mut answers =
            self.record_artifacts(vec![artifact]).await.expect("record_artifacts should not fail");
        assert_eq!(answers.len(), 1, "record_artifacts should answer each artifact once");
        answers.remove(0)
    }

    /// Records one artifact, which must not be refused.
    async fn record_ok(&self, artifact: NewArtifact) -> Artifact {
        self.record(artifact).await.expect("a valid artifact should be recorded")
    }

    /// The ids of all jobs that a query lists, page by page.
    async fn list_all(&self, query: JobQuery) -> Vec<JobId> {
        let mut ids = Vec::new();
        let mut query = query;
        loop {
            let page = self.list_jobs(query.clone()).await.expect("list_jobs should not fail");
            assert!(
                ids.len() as u64 <= page.total,
                "the pages hold more jobs than there are: they do not end"
            );
            ids.extend(page.items.iter().map(|job| job.id));
            match page.next {
                Some(next) => query.cursor = Some(next),
                None => return ids,
            }
        }
    }

    /// Makes a worker known.
    async fn register(&self, worker: WorkerRegistration) {
        self.register_worker(worker).await.expect("register_worker should not fail");
    }
}

impl<B: Backend + ?Sized> Steps for B {}
