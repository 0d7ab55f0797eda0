//! Steps that most cases take, in one call each. They panic, with words, when the backend itself fails.

use async_trait::async_trait;
use upnext_core::artifact::{ArtifactPatch, NewPart, Part, RecordRefusal, Seal};
use upnext_core::backend::{ArtifactQuery, ArtifactTotals, Changes, Feed, Finished, JobQuery, Page, Report};
use upnext_core::{
    Artifact, ArtifactId, Attempt, Backend, ClaimedJob, Job, JobId, JobStatus, NewArtifact, NewJob, Outcome,
    WorkerRegistration,
};

use crate::factories::{claim_request, digest, finish, ok};

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

    /// Adds bytes to one artifact.
    async fn append(&self, part: NewPart) -> Result<u64, RecordRefusal> {
        let mut answers = self.append_artifacts(vec![part]).await.expect("append_artifacts should not fail");
        assert_eq!(answers.len(), 1, "append_artifacts should answer each part once");
        answers.remove(0)
    }

    /// Adds bytes to one artifact, which must not be refused.
    async fn append_ok(&self, part: NewPart) -> u64 {
        self.append(part)
            .await
            .expect("a part where the artifact ends, from whoever writes it, should be taken")
    }

    /// Closes one artifact.
    async fn close(&self, seal: Seal) -> Result<Artifact, RecordRefusal> {
        self.seal_artifact(seal).await.expect("seal_artifact should not fail")
    }

    /// Closes one artifact, which must not be refused.
    async fn close_ok(&self, seal: Seal) -> Artifact {
        self.close(seal).await.expect("whoever writes an artifact should be able to close it")
    }

    /// Every part of an artifact.
    async fn parts(&self, id: ArtifactId) -> Vec<Part> {
        self.list_parts(id, 0, 10_000).await.expect("list_parts should not fail")
    }

    /// Changes what is written on an artifact, which must be there, within the rules.
    async fn patch(&self, id: ArtifactId, patch: ArtifactPatch) -> Artifact {
        let answer = self.update_artifact(id, patch).await.expect("update_artifact should not fail");
        answer.expect("the artifact was not deleted").expect("the patch keeps to the rules")
    }

    /// Removes an artifact, which must be there.
    async fn remove(&self, id: ArtifactId) {
        let deleted = self.delete_artifact(id).await.expect("delete_artifact should not fail");
        assert!(deleted, "the artifact was recorded, yet it could not be deleted");
    }

    /// The artifact with this id.
    async fn artifact(&self, id: ArtifactId) -> Option<Artifact> {
        self.find_artifact(id).await.expect("find_artifact should not fail")
    }

    /// The artifact with this id, which must be there.
    async fn artifact_there(&self, id: ArtifactId) -> Artifact {
        self.artifact(id).await.expect("the artifact was recorded and not deleted, so it should be found")
    }

    /// A page of artifacts.
    async fn page(&self, query: ArtifactQuery) -> Page<Artifact> {
        self.list_artifacts(query).await.expect("list_artifacts should not fail")
    }

    /// The names on the first page of a query, which must hold all there are.
    async fn names(&self, query: ArtifactQuery) -> Vec<String> {
        let page = self.page(ArtifactQuery { limit: 500, ..query }).await;
        let total = (page.total, page.total_is_capped);
        assert_eq!(
            total,
            (page.items.len() as u64, false),
            "the total is not the number of artifacts that match"
        );
        page.items.into_iter().map(|artifact| artifact.name).collect()
    }

    /// The bytes that the backend keeps of this content.
    async fn kept(&self, bytes: &[u8]) -> bool {
        let read = self.read_blob(digest(bytes)).await.expect("read_blob should not fail");
        assert!(read.as_deref().is_none_or(|read| read == bytes), "inline bytes read back changed");
        read.is_some()
    }

    /// How much there is.
    async fn totals(&self) -> ArtifactTotals {
        self.artifact_totals().await.expect("artifact_totals should not fail")
    }

    /// The cursor of this moment.
    async fn place(&self) -> i64 {
        self.changes_since(None, 1, Feed::Everything).await.expect("changes_since should not fail").cursor
    }

    /// What changed after a place, all of it.
    async fn everything_since(&self, place: i64) -> Changes {
        self.changes_since(Some(place), 10_000, Feed::Everything)
            .await
            .expect("changes_since should not fail")
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
