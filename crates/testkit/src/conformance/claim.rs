//! `claim`: who is given which job, when, in which order, and what the lease says.

use std::collections::HashSet;

use upnext_core::job::Parent;
use upnext_core::{JobId, JobStatus, NewJob, Outcome, WorkerId};

use crate::factories::{
    LEASE, WORKER, claim_request, delayed_job, json, new_job, ok, registration, retrying_job, worker_id,
};
use crate::{Harness, Steps};

fn ids(jobs: &[upnext_core::ClaimedJob]) -> Vec<JobId> {
    jobs.iter().map(|job| job.lease.job_id).collect()
}

/// Higher priorities come first, whatever was submitted first.
pub async fn higher_priority_comes_first(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let priorities = [0, 5, -5, i32::MAX, i32::MIN, 1];
    let jobs = priorities.map(|priority| NewJob { priority, ..new_job("f") });
    let submitted = fixture.backend.submit_all(jobs.to_vec()).await;
    let wanted: Vec<JobId> = [3, 1, 5, 0, 2, 4].map(|n| submitted[n]).to_vec();
    assert_eq!(
        ids(&fixture.backend.take("f", 10).await),
        wanted,
        "jobs were not claimed by falling priority"
    );
}

/// Among equal priorities the job that has been due longest comes first, also when it was submitted later.
pub async fn earlier_due_time_comes_first(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let second = fixture.backend.submit(delayed_job("f", fixture.in_seconds(30))).await;
    let first = fixture.backend.submit(delayed_job("f", fixture.in_seconds(20))).await;
    fixture.advance(40);
    let third = fixture.backend.submit(new_job("f")).await;
    let urgent = fixture.backend.submit(NewJob { priority: 1, ..new_job("f") }).await;
    let claimed = ids(&fixture.backend.take("f", 10).await);
    assert_eq!(claimed, [urgent, first, second, third], "jobs were not claimed by priority, then due time");
}

/// A delayed job that is urgent comes first when it is due, however many others are due at the same moment, and none
/// of them is left behind.
pub async fn many_jobs_due_at_once_keep_their_order(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let due = fixture.in_seconds(60);
    let mut jobs: Vec<NewJob> = (0..2500).map(|_| delayed_job("f", due)).collect();
    jobs.push(NewJob { priority: 1, ..delayed_job("f", due) });
    let submitted = fixture.backend.submit_all(jobs).await;
    fixture.advance(60);
    let first = fixture.backend.take_one("f").await.lease.job_id;
    let mut left: HashSet<JobId> = submitted[..2500].iter().copied().collect();
    for _ in 0..20 {
        for claimed in fixture.backend.take("f", 500).await {
            left.remove(&claimed.lease.job_id);
        }
    }
    assert!(left.is_empty() || first != submitted[2500], "{} due jobs are never given", left.len());
    assert_eq!(
        first, submitted[2500],
        "of 2501 jobs that became due together the most urgent was not given first"
    );
}

/// Among equal priorities and due times the order of submission decides, within and across batches.
pub async fn submission_order_breaks_ties(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let mut submitted = Vec::new();
    for _ in 0..5 {
        // Ids that fall while the order of submission rises: neither may be taken for the other.
        let mut batch: Vec<NewJob> = (0..10).map(|_| new_job("f")).collect();
        batch.reverse();
        submitted.extend(fixture.backend.submit_all(batch).await);
    }
    let mut claimed = Vec::new();
    for _ in 0..10 {
        claimed.extend(ids(&fixture.backend.take("f", 5).await));
    }
    assert_eq!(claimed, submitted, "equally urgent jobs were not claimed in the order of submission");
}

/// Order holds across the functions of one claim.
pub async fn order_holds_across_functions(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let mut submitted = Vec::new();
    for function in ["a", "b", "c", "a", "c", "b"] {
        submitted.push(fixture.backend.submit(new_job(function)).await);
        fixture.advance(1);
    }
    let claim =
        fixture.backend.claim(claim_request(&["c", "a", "b"], 4)).await.expect("claim should not fail");
    assert_eq!(ids(&claim.jobs), submitted[..4], "the oldest due jobs of all offered functions come first");
}

/// Only jobs of functions that the claimer offers are given.
pub async fn only_offered_functions_are_claimed(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let f = fixture.backend.submit(new_job("f")).await;
    fixture.backend.submit(new_job("g")).await;
    fixture.backend.submit(new_job("F")).await;
    assert_eq!(ids(&fixture.backend.take("f", 10).await), [f], "a claim of 'f' gives jobs of 'f' alone");
    let none = fixture.backend.claim(claim_request(&[], 10)).await.expect("offering nothing is no error");
    assert!(none.jobs.is_empty(), "a claimer that offers nothing was given a job");
}

/// A claimer that names a function twice is given each of its jobs once.
pub async fn a_function_offered_twice_gives_each_job_once(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let submitted = fixture.backend.submit_all(vec![new_job("f"), new_job("f"), new_job("f")]).await;
    let claim = fixture.backend.claim(claim_request(&["f", "f"], 10)).await.expect("claim should not fail");
    assert_eq!(ids(&claim.jobs), submitted, "a job was given twice in one claim, or not at all");
    assert!(claim.jobs.iter().all(|job| job.attempt == 1), "one claim counted two attempts of a job");
}

/// A claim gives at most its limit, and the rest stays claimable.
pub async fn the_limit_is_respected(harness: &dyn Harness) {
    let fixture = harness.open().await;
    fixture.backend.submit_all((0..7).map(|_| new_job("f")).collect()).await;
    assert_eq!(fixture.backend.take("f", 3).await.len(), 3, "a claim of at most 3 should give 3 of 7");
    assert_eq!(fixture.backend.take("f", 100).await.len(), 4, "the 4 jobs left should be given, and no more");
    assert!(fixture.backend.take("f", 1).await.is_empty(), "an empty queue gave a job");
}

/// A claim of nothing gives nothing and leases nothing.
pub async fn a_limit_of_zero_claims_nothing(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    assert!(fixture.backend.take("f", 0).await.is_empty(), "a claim of at most 0 jobs gave one");
    assert_eq!(fixture.backend.status(id).await, JobStatus::Queued, "a claim of at most 0 jobs leased one");
}

/// Paused functions give no jobs, others do, and after resuming nothing is lost.
pub async fn paused_functions_give_no_jobs(harness: &dyn Harness) {
    let fixture = harness.open().await;
    fixture.backend.register(registration(&worker_id(), "tester", &["f", "g"])).await;
    let f = fixture.backend.submit(new_job("f")).await;
    let g = fixture.backend.submit(new_job("g")).await;
    assert!(
        fixture.backend.set_paused("f", true).await.expect("pausing should not fail"),
        "'f' is registered"
    );
    let claim = fixture.backend.claim(claim_request(&["f", "g"], 10)).await.expect("claim should not fail");
    assert_eq!(ids(&claim.jobs), [g], "a paused function gave a job, or held up another function");
    let late = fixture.backend.submit(new_job("f")).await;
    assert!(fixture.backend.take("f", 10).await.is_empty(), "a paused function gave a job submitted later");
    fixture.backend.set_paused("f", false).await.expect("resuming should not fail");
    assert_eq!(
        ids(&fixture.backend.take("f", 10).await),
        [f, late],
        "a resumed function should give its jobs"
    );
}

/// A delayed job is given from its time on and not before; until then the answer says when to look.
pub async fn delayed_jobs_wait_for_their_time(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let due = fixture.in_seconds(60);
    let id = fixture.backend.submit(delayed_job("f", due)).await;
    fixture.backend.submit(delayed_job("f", fixture.in_seconds(90))).await;
    fixture.advance(59);
    let claim = fixture.backend.claim(claim_request(&["f"], 10)).await.expect("claim should not fail");
    assert!(claim.jobs.is_empty(), "a delayed job was given before its time");
    assert_eq!(claim.next_due, Some(due), "next_due is not the earliest time a delayed job waits for");
    fixture.advance(1);
    assert_eq!(
        ids(&fixture.backend.take("f", 10).await),
        [id],
        "a delayed job was not given when it was due"
    );
}

/// A retrying job is given again from its time on and not before.
pub async fn retrying_jobs_wait_for_their_time(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(retrying_job("f", 1)).await;
    let first = fixture.backend.take_one("f").await;
    assert_eq!(fixture.backend.end_applied(&first, Outcome::failed("no")).await, JobStatus::Retrying);
    let claim = fixture.backend.claim(claim_request(&["f"], 10)).await.expect("claim should not fail");
    assert!(claim.jobs.is_empty(), "a retrying job was given before its time");
    assert_eq!(claim.next_due, Some(fixture.in_seconds(1)), "next_due is not the time of the retry");
    fixture.advance(1);
    let second = fixture.backend.take_one("f").await;
    assert_eq!(
        (second.lease.job_id, second.attempt),
        (id, 2),
        "the retry should be attempt 2 of the same job"
    );
    assert_ne!(second.lease.token, first.lease.token, "the second attempt has the first one's token");
}

/// Without delayed or retrying jobs there is no next due time.
pub async fn next_due_is_none_when_nothing_waits_for_a_time(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let claim = fixture.backend.claim(claim_request(&["f"], 10)).await.expect("claim should not fail");
    assert_eq!(claim.next_due, None, "an empty backend has a next due time");
    let cancelled = fixture.backend.submit(delayed_job("f", fixture.in_seconds(60))).await;
    fixture.backend.cancel(cancelled).await.expect("cancel should not fail");
    fixture.backend.submit_completed("f").await;
    let claim = fixture.backend.claim(claim_request(&["f"], 10)).await.expect("claim should not fail");
    assert_eq!(claim.next_due, None, "an ended job has a next due time");
}

/// The claim says all that an executor needs, and the job says who has it.
pub async fn a_claim_fills_the_lease_and_the_job(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let parent = Parent { parent_id: JobId::fresh(), root_id: JobId::fresh() };
    let given = NewJob {
        function_name: "Report".to_owned(),
        idempotency_key: Some("k".to_owned()),
        parent: Some(parent),
        kwargs: json(r#"{"kind": "monthly"}"#),
        ..retrying_job("f", 3)
    };
    let id = fixture.backend.submit(given.clone()).await;
    fixture.advance(5);
    let claimed = fixture.backend.take_one("f").await;
    assert_eq!(claimed.lease.job_id, id, "the lease names another job");
    assert_eq!(
        claimed.lease_expires_at,
        fixture.now().after(LEASE),
        "the lease does not end after its length"
    );
    assert_eq!(claimed.attempt, 1, "the first attempt has number 1");
    assert_eq!(
        (claimed.function, claimed.function_name),
        (given.function, given.function_name),
        "function changed"
    );
    assert_eq!(
        (claimed.kwargs, claimed.idempotency_key),
        (given.kwargs, given.idempotency_key),
        "job changed"
    );
    assert_eq!(
        (claimed.max_attempts, claimed.timeout),
        (4, given.timeout),
        "max_attempts or timeout changed"
    );
    assert_eq!(
        (claimed.parent_id, claimed.root_id),
        (Some(parent.parent_id), parent.root_id),
        "tree changed"
    );
    assert_eq!(claimed.checkpoint, None, "a first attempt was handed a checkpoint");
    let job = fixture.backend.read(id).await;
    assert_eq!(job.status, JobStatus::Active, "a leased job should be active");
    assert_eq!(job.attempts, 1, "the claim should count the attempt");
    assert_eq!(job.worker_id.as_deref(), Some(WORKER), "the job does not say who has it");
}

/// A leased job is not given again while its lease holds, nor is one that ended.
pub async fn a_leased_job_is_not_given_again(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let other = harness.reopen(&fixture).await;
    fixture.backend.submit(new_job("f")).await;
    let claimed = fixture.backend.take_one("f").await;
    fixture.advance(29);
    assert!(fixture.backend.take("f", 10).await.is_empty(), "a leased job was given again");
    assert!(other.take("f", 10).await.is_empty(), "a leased job was given again through another handle");
    fixture.backend.end_applied(&claimed, ok()).await;
    assert!(fixture.backend.take("f", 10).await.is_empty(), "a complete job was given again");
}

/// Each lease has a secret of its own.
pub async fn every_lease_has_its_own_token(harness: &dyn Harness) {
    let fixture = harness.open().await;
    fixture.backend.submit_all((0..1000).map(|_| new_job("f")).collect()).await;
    let tokens: HashSet<i64> =
        fixture.backend.take("f", 1000).await.iter().map(|job| job.lease.token.get()).collect();
    assert_eq!(tokens.len(), 1000, "two leases share a token, or not all 1000 jobs were claimed at once");
}

/// The job names the worker of its last attempt.
pub async fn the_job_names_its_last_worker(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(retrying_job("f", 1)).await;
    let first = fixture.backend.take_one("f").await;
    fixture.backend.end_applied(&first, Outcome::failed("no")).await;
    fixture.advance(1);
    let mut request = claim_request(&["f"], 1);
    request.worker = WorkerId::from("other-00000002".to_owned());
    fixture.backend.claim(request).await.expect("claim should not fail");
    let job = fixture.backend.read(id).await;
    assert_eq!(
        job.worker_id.as_deref(),
        Some("other-00000002"),
        "the job names its first worker, not its last"
    );
    let workers: Vec<_> = fixture.backend.attempts(id).await.into_iter().map(|a| a.worker_id).collect();
    let wanted = [Some(WORKER.to_owned()), Some("other-00000002".to_owned())];
    assert_eq!(workers, wanted, "the attempts do not name who ran each of them");
}
