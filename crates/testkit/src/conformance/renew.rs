//! `renew`: leases that are kept, lost, or to be given up.

use std::time::Duration;

use upnext_core::JobId;
use upnext_core::backend::{RenewRequest, Renewal};

use crate::factories::{forged_lease, new_job, ok, registration, renew_request, worker_id};
use crate::{Harness, Steps};

/// A renewed lease holds beyond its first end, and until its new one.
pub async fn a_renewed_lease_holds_longer(harness: &dyn Harness) {
    let fixture = harness.open().await;
    fixture.backend.submit(new_job("f")).await;
    let claimed = fixture.backend.take_one("f").await;
    fixture.advance(20);
    let request = RenewRequest { lease: Duration::from_secs(60), ..renew_request(vec![claimed.lease]) };
    let answers = fixture.backend.renew(request).await.expect("renew should not fail");
    assert_eq!(answers, [Renewal::Held(fixture.in_seconds(60))], "the lease should hold for 60 s from now");
    fixture.advance(59);
    assert_eq!(fixture.backend.reclaim_all().await, 0, "a renewed lease was taken back before its new end");
    fixture.advance(2);
    assert_eq!(
        fixture.backend.reclaim_all().await,
        1,
        "a renewed lease was not taken back after its new end"
    );
}

/// A lease can be renewed again and again.
pub async fn a_lease_is_renewed_again_and_again(harness: &dyn Harness) {
    let fixture = harness.open().await;
    fixture.backend.submit(new_job("f")).await;
    let claimed = fixture.backend.take_one("f").await;
    for round in 0..10 {
        fixture.advance(25);
        let answers = fixture.backend.renew(renew_request(vec![claimed.lease])).await;
        let answers = answers.expect("renew should not fail");
        assert_eq!(answers, [Renewal::Held(fixture.in_seconds(30))], "renewal {round} was refused");
        assert_eq!(fixture.backend.reclaim_all().await, 0, "a lease was taken back although it was renewed");
    }
    fixture.backend.end_applied(&claimed, ok()).await;
}

/// A worker learns that its job's end was asked for, and still holds the lease.
pub async fn a_request_to_cancel_reaches_the_worker(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    let claimed = fixture.backend.take_one("f").await;
    fixture.backend.cancel(id).await.expect("cancel should not fail");
    fixture.advance(20);
    let answers =
        fixture.backend.renew(renew_request(vec![claimed.lease])).await.expect("renew should not fail");
    assert_eq!(answers, [Renewal::CancelRequested], "the worker was not told to stop");
    fixture.advance(20);
    assert_eq!(
        fixture.backend.reclaim_all().await,
        0,
        "a lease under a request to cancel should hold when renewed"
    );
    fixture.backend.end_applied(&claimed, ok()).await;
}

/// Leases that were finished, reclaimed, released, forged or of unknown jobs are lost; each is answered in its place.
pub async fn lost_leases_are_told_one_by_one(harness: &dyn Harness) {
    let fixture = harness.open().await;
    fixture.backend.submit_all((0..4).map(|_| new_job("f")).collect()).await;
    let reclaimed = fixture.backend.take_one("f").await;
    fixture.advance(31);
    fixture.backend.reclaim_all().await;
    let jobs = fixture.backend.take("f", 4).await;
    let finished =
        jobs.iter().find(|job| job.lease.job_id != reclaimed.lease.job_id).expect("there are four jobs");
    fixture.backend.end_applied(finished, ok()).await;
    let rest: Vec<_> = jobs.iter().filter(|job| job.lease.job_id != finished.lease.job_id).collect();
    fixture.backend.release(vec![rest[0].lease]).await.expect("release should not fail");
    let leases = vec![
        rest[1].lease,
        reclaimed.lease,
        finished.lease,
        rest[0].lease,
        forged_lease(rest[1].lease.job_id),
        forged_lease(JobId::fresh()),
        rest[2].lease,
    ];
    let answers = fixture.backend.renew(renew_request(leases)).await.expect("renew should not fail");
    let held = Renewal::Held(fixture.in_seconds(30));
    let lost = Renewal::Lost;
    assert_eq!(answers, [held, lost, lost, lost, lost, lost, held], "leases are not answered one by one");
}

/// A renewal without leases is a sign of life and no more.
pub async fn an_empty_renewal_is_a_sign_of_life(harness: &dyn Harness) {
    let fixture = harness.open().await;
    fixture.backend.register(registration(&worker_id(), "tester", &["f"])).await;
    fixture.advance(14);
    let answers = fixture.backend.renew(renew_request(Vec::new())).await.expect("renew should not fail");
    assert!(answers.is_empty(), "no lease was given, yet there is an answer");
    let workers = fixture.backend.list_workers().await.expect("list_workers should not fail");
    assert_eq!(
        workers[0].last_heartbeat_at,
        fixture.now(),
        "a renewal should note the worker's sign of life"
    );
    fixture.advance(14);
    let workers = fixture.backend.list_workers().await.expect("list_workers should not fail");
    assert!(workers[0].alive, "a worker heard of 14 s ago should be alive");
}

/// A worker that never registered may renew all the same.
pub async fn an_unregistered_worker_may_renew(harness: &dyn Harness) {
    let fixture = harness.open().await;
    fixture.backend.submit(new_job("f")).await;
    let claimed = fixture.backend.take_one("f").await;
    let answers =
        fixture.backend.renew(renew_request(vec![claimed.lease])).await.expect("renew should not fail");
    assert_eq!(
        answers,
        [Renewal::Held(fixture.in_seconds(30))],
        "the lease of an unregistered worker should hold"
    );
    let workers = fixture.backend.list_workers().await.expect("list_workers should not fail");
    assert!(workers.is_empty(), "a renewal made up a worker that never registered");
}
