//! Many callers, several handles, one truth.

use std::collections::HashSet;
use std::sync::Arc;

use tokio::task::JoinSet;
use upnext_core::backend::{Cancelled, Finished, JobQuery, Retried};
use upnext_core::{Backend, JobId, JobStatus, NewJob, Outcome, RetryPolicy};

use crate::factories::{fatal, finish_ok, new_artifact, new_job, ok};
use crate::{Fixture, Harness, Steps};

async fn two_handles(harness: &dyn Harness) -> (Fixture, [Arc<dyn Backend>; 2]) {
    let fixture = harness.open().await;
    let handles = [fixture.backend.clone(), harness.reopen(&fixture).await];
    (fixture, handles)
}

/// Claimers on two handles never get the same job, and together they get every job.
pub async fn claimers_never_share_a_job(harness: &dyn Harness) {
    let (_fixture, handles) = two_handles(harness).await;
    let ids: HashSet<JobId> =
        handles[0].submit_all((0..3000).map(|_| new_job("f")).collect()).await.into_iter().collect();
    let mut claimers = JoinSet::new();
    for n in 0..16_usize {
        let handle = handles[n % 2].clone();
        claimers.spawn(async move {
            let mut mine = Vec::new();
            loop {
                let jobs = handle.take("f", 1 + (n * 7) % 40).await;
                if jobs.is_empty() {
                    return mine;
                }
                mine.extend(jobs.into_iter().map(|job| job.lease.job_id));
            }
        });
    }
    let claimed: Vec<JobId> = claimers.join_all().await.into_iter().flatten().collect();
    let distinct: HashSet<JobId> = claimed.iter().copied().collect();
    assert_eq!(claimed.len(), distinct.len(), "two claimers hold leases on the same job");
    assert_eq!(distinct, ids, "some jobs were given to nobody");
}

/// Jobs that are enqueued, claimed and finished by many tasks at once are each completed once.
pub async fn a_busy_queue_completes_each_job_once(harness: &dyn Harness) {
    let (fixture, handles) = two_handles(harness).await;
    let mut tasks = JoinSet::new();
    for n in 0..8_usize {
        let handle = handles[n % 2].clone();
        tasks.spawn(async move {
            let mut applied = 0;
            for _ in 0..20 {
                handle.submit_all((0..5).map(|_| new_job("f")).collect()).await;
                let finishes: Vec<_> = handle.take("f", 7).await.iter().map(finish_ok).collect();
                let answers = handle.finish(finishes).await.expect("finish should not fail");
                assert!(!answers.contains(&Finished::Stale), "a lease that holds was refused");
                applied += answers.len();
            }
            applied
        });
    }
    let mut applied: usize = tasks.join_all().await.into_iter().sum();
    let rest: Vec<_> = fixture.backend.take("f", 1000).await.iter().map(finish_ok).collect();
    applied += fixture.backend.finish(rest).await.expect("finish should not fail").len();
    assert_eq!(applied, 800, "800 jobs were accepted, but not exactly as many were finished");
    let query = JobQuery { statuses: vec![JobStatus::Complete], limit: 1, ..JobQuery::default() };
    let complete = fixture.backend.list_jobs(query).await.expect("list_jobs should not fail").total;
    assert_eq!(complete, 800, "not every accepted job is complete");
}

/// Of many who finish the same attempt exactly one is heard.
pub async fn one_of_many_finishes_counts(harness: &dyn Harness) {
    let (fixture, handles) = two_handles(harness).await;
    for _ in 0..5 {
        let id = fixture.backend.submit(new_job("f")).await;
        let claimed = fixture.backend.take_one("f").await;
        let mut tasks = JoinSet::new();
        for n in 0..10_usize {
            let (handle, claimed) = (handles[n % 2].clone(), claimed.clone());
            let outcome = if n % 3 == 0 { fatal("no") } else { ok() };
            tasks.spawn(async move { handle.end(&claimed, outcome).await });
        }
        let mut applied = tasks.join_all().await;
        applied.retain(|answer| *answer != Finished::Stale);
        assert_eq!(applied.len(), 1, "one lease finished {} times", applied.len());
        let status = fixture.backend.status(id).await;
        assert_eq!(applied[0], Finished::Applied(status), "the job is not in the status that was answered");
        assert_eq!(
            fixture.backend.attempts(id).await.len(),
            1,
            "a refused finish left a trace in the history"
        );
    }
}

/// When a cancel and a finish race, their answers and the job agree.
pub async fn cancel_and_finish_agree(harness: &dyn Harness) {
    let (fixture, handles) = two_handles(harness).await;
    for _ in 0..30 {
        let id = fixture.backend.submit(new_job("f")).await;
        let claimed = fixture.backend.take_one("f").await;
        let (finisher, canceller) = (handles[0].clone(), handles[1].clone());
        let finish = tokio::spawn(async move { finisher.end(&claimed, ok()).await });
        let cancel = tokio::spawn(async move { canceller.cancel(id).await });
        let finished = finish.await.expect("the finisher panicked");
        let cancelled = cancel.await.expect("the canceller panicked").expect("cancel should not fail");
        let wanted = match cancelled {
            Cancelled::TooLate(JobStatus::Complete) => JobStatus::Complete,
            Cancelled::Requested => JobStatus::Cancelled,
            other => panic!("a running or complete job cannot answer {other:?} to a cancel"),
        };
        assert_eq!(finished, Finished::Applied(wanted), "cancel was answered {cancelled:?}");
        assert_eq!(
            fixture.backend.status(id).await,
            wanted,
            "the job is not as cancel and finish were answered"
        );
    }
}

/// When cancels and claims race for queued jobs, a job that was cancelled at once is never given to a worker.
pub async fn cancel_and_claim_agree(harness: &dyn Harness) {
    let (fixture, handles) = two_handles(harness).await;
    let ids = fixture.backend.submit_all((0..60).map(|_| new_job("f")).collect()).await;
    let claimer = handles[0].clone();
    let claims = tokio::spawn(async move {
        let mut claimed = HashSet::new();
        for _ in 0..30 {
            claimed.extend(claimer.take("f", 2).await.into_iter().map(|job| job.lease.job_id));
        }
        claimed
    });
    let mut at_once = HashSet::new();
    for id in ids.iter().rev() {
        match handles[1].cancel(*id).await.expect("cancel should not fail") {
            Cancelled::AtOnce => assert!(at_once.insert(*id), "a job was cancelled twice"),
            Cancelled::Requested => {}
            other => panic!("a queued or running job cannot answer {other:?} to a cancel"),
        }
    }
    let claimed = claims.await.expect("the claimer panicked");
    let both: Vec<&JobId> = claimed.intersection(&at_once).collect();
    assert!(both.is_empty(), "jobs were both cancelled at once and given to a worker: {both:?}");
    assert_eq!(claimed.len() + at_once.len(), 60, "a job was neither given to a worker nor cancelled");
}

/// When a late finish and the reclaim race, the job is either finished or queued again, and nothing in between.
pub async fn reclaim_and_finish_agree(harness: &dyn Harness) {
    let (fixture, handles) = two_handles(harness).await;
    fixture.backend.submit_all((0..40).map(|_| new_job("f")).collect()).await;
    let jobs = fixture.backend.take("f", 40).await;
    fixture.advance(31);
    let reclaimer = handles[1].clone();
    let reclaim = tokio::spawn(async move {
        let mut count = 0;
        for _ in 0..20 {
            count += reclaimer.reclaim_expired(3).await.expect("reclaim_expired should not fail");
        }
        count
    });
    let mut applied = 0;
    for job in jobs.iter().rev() {
        let answer = handles[0].end(job, ok()).await;
        let status = fixture.backend.status(job.lease.job_id).await;
        match answer {
            Finished::Applied(JobStatus::Complete) => {
                assert_eq!(
                    status,
                    JobStatus::Complete,
                    "an end was acknowledged and then undone by a reclaim"
                );
                applied += 1;
            }
            Finished::Stale => assert_ne!(status, JobStatus::Complete, "a refused end completed the job"),
            Finished::Applied(other) => panic!("a good end cannot lead to {other}"),
        }
    }
    let reclaimed = reclaim.await.expect("the reclaimer panicked") + fixture.backend.reclaim_all().await;
    assert_eq!(applied + reclaimed, 40, "a lease was both finished and reclaimed, or neither");
    assert_eq!(fixture.backend.take("f", 100).await.len(), reclaimed, "reclaimed jobs are not all claimable");
}

/// Whoever reads the history of a job while its attempts come and go sees every attempt once and no gap.
pub async fn readers_see_no_gap_in_the_history(harness: &dyn Harness) {
    let (fixture, handles) = two_handles(harness).await;
    let retry = RetryPolicy { max_retries: 1000, delay: 0.0, ..RetryPolicy::default() };
    let id = fixture.backend.submit(NewJob { retry, ..new_job("f") }).await;
    let writer = handles[0].clone();
    let attempts = tokio::spawn(async move {
        for _ in 0..80 {
            let claimed = writer.take_one("f").await;
            writer.end_applied(&claimed, Outcome::failed("no")).await;
        }
    });
    while !attempts.is_finished() {
        let history = handles[1].attempts(id).await;
        let numbers: Vec<usize> = history.iter().map(|attempt| attempt.number as usize).collect();
        assert_eq!(numbers, (1..=history.len()).collect::<Vec<_>>(), "a reader saw a gap in the history");
        let ended = &history[..history.len().saturating_sub(1)];
        assert!(ended.iter().all(|attempt| attempt.outcome == "failed"), "a reader saw an ended attempt run");
    }
    attempts.await.expect("the writer panicked");
    assert_eq!(fixture.backend.attempts(id).await.len(), 80, "the history does not hold every attempt");
}

/// Of many who retry the same failed job exactly one queues it.
pub async fn one_of_many_retries_counts(harness: &dyn Harness) {
    let (fixture, handles) = two_handles(harness).await;
    let id = fixture.backend.submit(new_job("f")).await;
    let claimed = fixture.backend.take_one("f").await;
    fixture.backend.end_applied(&claimed, Outcome::failed("no")).await;
    let mut tasks = JoinSet::new();
    for n in 0..10_usize {
        let handle = handles[n % 2].clone();
        tasks.spawn(async move { handle.retry(id).await.expect("retry should not fail") });
    }
    let queued = tasks.join_all().await.into_iter().filter(|answer| *answer == Retried::Queued).count();
    assert_eq!(queued, 1, "one failed job was queued {queued} times by hand");
    assert_eq!(
        fixture.backend.take("f", 10).await.len(),
        1,
        "the retried job is in the queue more than once"
    );
}

/// Versions of one name that are recorded at the same time by two handles get different numbers, one is the latest.
pub async fn racing_versions_are_numbered_apart(harness: &dyn Harness) {
    let (fixture, handles) = two_handles(harness).await;
    let id = fixture.backend.submit(new_job("f")).await;
    let mut tasks = JoinSet::new();
    for n in 0..20_usize {
        let handle = handles[n % 2].clone();
        let artifact = new_artifact(id, "out", format!("{n}").as_bytes());
        tasks.spawn(async move { handle.record_ok(artifact).await.version });
    }
    let mut versions = tasks.join_all().await;
    versions.sort_unstable();
    assert_eq!(
        versions,
        (1..=20).collect::<Vec<_>>(),
        "racing versions of one name are not numbered one by one"
    );
    let query = upnext_core::backend::ArtifactQuery { limit: 100, ..Default::default() };
    let listed = fixture.backend.list_artifacts(query).await.expect("list_artifacts should not fail");
    assert_eq!(listed.total, 1, "more than one version calls itself the latest");
    assert_eq!(listed.items[0].version, 20, "the latest version is not the newest");
}

/// Many callers at the same moment each get their own answer, although their work is made durable together.
pub async fn many_small_callers_each_get_their_own_answer(harness: &dyn Harness) {
    let (fixture, handles) = two_handles(harness).await;
    let mut tasks = JoinSet::new();
    for n in 0..200_usize {
        let handle = handles[n % 2].clone();
        tasks.spawn(async move {
            let job = new_job(&format!("f{n}"));
            let wanted = job.id;
            let answers = handle.enqueue(vec![job]).await.expect("enqueue should not fail");
            assert_eq!(answers[0].id, wanted, "a caller was given another caller's answer");
            let claimed = handle.take_one(&format!("f{n}")).await;
            assert_eq!(claimed.lease.job_id, wanted, "a claimer was given another function's job");
            assert_eq!(
                handle.end_applied(&claimed, ok()).await,
                JobStatus::Complete,
                "a good end should complete"
            );
            wanted
        });
    }
    let ids = tasks.join_all().await;
    let jobs = fixture.backend.find_jobs(ids).await.expect("find_jobs should not fail");
    assert_eq!(jobs.len(), 200, "an acknowledged job is not found");
    assert!(jobs.iter().all(|job| job.status == JobStatus::Complete), "an acknowledged end is not there");
}
