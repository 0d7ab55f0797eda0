//! A running worker whose machine sets the clock forward and back by an hour. What each verb does then is told by the
//! conformance suite (`clock_steps`); here all of it runs together.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use upnext_core::{Clock, JobId, JobStatus, Outcome, RetryPolicy, SystemClock, Timestamp};

use crate::{Stage, complete, finish, stage_at};

const HOUR: i64 = 3_600_000_000;

/// The machine's clock, set forward or back.
#[derive(Debug, Default)]
struct Stepped(AtomicI64);

impl Stepped {
    fn step(&self, micros: i64) {
        self.0.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Clock for Stepped {
    fn now(&self) -> Timestamp {
        Timestamp::from_micros(SystemClock.now().as_micros() + self.0.load(Ordering::SeqCst))
    }
}

async fn stepped() -> (Stage, Arc<Stepped>) {
    let clock = Arc::new(Stepped::default());
    let stage = stage_at(clock.clone(), |config| {
        config.concurrency = 4;
        config.lease = Duration::from_secs(2);
    });
    (stage.await, clock)
}

async fn submit_all(stage: &Stage, count: usize) -> Vec<JobId> {
    let mut ids = Vec::new();
    for _ in 0..count {
        let retry = RetryPolicy { max_retries: 1, delay: 0.1, ..RetryPolicy::default() };
        ids.push(stage.submit_with(|submission| submission.retry = retry).await);
    }
    ids
}

/// Lets every job end well and counts how often each was begun from here on.
async fn complete_all(stage: &mut Stage, ids: &[JobId]) -> HashMap<JobId, u32> {
    let mut begun = HashMap::new();
    let client = stage.client.clone();
    let wanted = ids.to_vec();
    let mut all = tokio::spawn(async move {
        for id in wanted {
            let job = client.wait(id, Some(crate::PATIENCE)).await.expect("a job is stuck after the step");
            assert_eq!(job.status, JobStatus::Complete, "{job:?}");
        }
    });
    loop {
        tokio::select! {
            done = &mut all => {
                done.expect("every job should be complete");
                return begun;
            }
            Some(assignment) = stage.started.recv() => {
                *begun.entry(assignment.job.lease.job_id).or_default() += 1;
                complete(&assignment);
            }
        }
    }
}

#[tokio::test]
async fn an_hour_forward_loses_no_job() {
    let (mut stage, clock) = stepped().await;
    let ids = submit_all(&stage, 30).await;
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(stage.next_started().await);
    }
    clock.step(HOUR);
    // Whether each of these still holds its lease depends on what came first, its renewal or somebody's look for leases
    // that ran out.
    for assignment in &held {
        complete(assignment);
    }
    let begun = complete_all(&mut stage, &ids).await;
    for id in ids {
        let job = stage.client.find_job(id).await.unwrap().unwrap();
        let again = u32::from(held.iter().any(|assignment| assignment.job.lease.job_id == id));
        assert_eq!(begun.get(&id).unwrap_or(&0) + again, job.attempts, "an attempt ran twice: {job:?}");
        assert!(job.attempts <= 1 + again, "a job that was not running at the step ran twice: {job:?}");
    }
}

#[tokio::test]
async fn an_hour_back_puts_off_retries_alone_and_loses_no_job() {
    let (mut stage, clock) = stepped().await;
    let ids = submit_all(&stage, 30).await;
    let failed = stage.next_started().await;
    finish(&failed, Outcome::failed("no"));
    let retrying = failed.job.lease.job_id;
    let mut held = Vec::new();
    for _ in 0..4 {
        held.push(stage.next_started().await);
    }
    clock.step(-HOUR);
    for assignment in &held {
        complete(assignment);
    }
    let others: Vec<JobId> = ids.into_iter().filter(|id| *id != retrying).collect();
    let begun = complete_all(&mut stage, &others).await;
    for id in others {
        let job = stage.client.find_job(id).await.unwrap().unwrap();
        assert_eq!(job.attempts, 1, "a step back made a job run again: {job:?}");
        assert!(begun.get(&id).is_none_or(|count| *count == 1), "an attempt ran twice: {job:?}");
    }
    if !begun.contains_key(&retrying) {
        let job = stage.client.find_job(retrying).await.unwrap().unwrap();
        assert_eq!(job.status, JobStatus::Retrying, "{job:?}");
        clock.step(HOUR);
        complete_all(&mut stage, &[retrying]).await;
    }
}
