//! Limits of functions: how many of their jobs run at once and how often they begin, wherever they are claimed.

use upnext_core::limits::Limits;
use upnext_core::{FunctionDefinition, JobId, WorkerId};

use crate::factories::{claim_request, new_job, ok, registration};
use crate::{Fixture, Harness, Steps};

async fn register(fixture: &Fixture, functions: Vec<(&str, Limits)>) {
    let mut worker = registration(&WorkerId::fresh("limited"), "limited", &[]);
    worker.functions = functions
        .into_iter()
        .map(|(key, limits)| FunctionDefinition { limits, ..FunctionDefinition::task(key) })
        .collect();
    fixture.backend.register(worker).await;
}

async fn submit(fixture: &Fixture, function: &str, count: usize) -> Vec<JobId> {
    fixture.backend.submit_all((0..count).map(|_| new_job(function)).collect()).await
}

fn at_once(max_concurrency: u32) -> Limits {
    Limits { max_concurrency: Some(max_concurrency), ..Limits::default() }
}

fn rate(text: &str) -> Limits {
    Limits { rate_limit: Some(text.parse().expect("the test's rate should be one")), ..Limits::default() }
}

fn grouped(group: &str, most: u32) -> Limits {
    Limits { routing_group: Some(group.to_owned()), group_max_concurrency: Some(most), ..Limits::default() }
}

/// No more jobs of a function run than `max_concurrency` says, over all claims; each that ends makes room for one.
pub async fn no_more_run_at_once_than_allowed(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let backend = &fixture.backend;
    register(&fixture, vec![("f", at_once(3))]).await;
    submit(&fixture, "f", 10).await;
    let first = backend.take("f", 2).await;
    let second = backend.take("f", 10).await;
    assert_eq!((first.len(), second.len()), (2, 1), "3 may run at once");
    assert_eq!(backend.take("f", 10).await.len(), 0, "a fourth job began");
    backend.end_applied(&first[0], ok()).await;
    backend.end_applied(&first[1], upnext_core::Outcome::failed("x")).await;
    assert_eq!(backend.take("f", 10).await.len(), 2, "ended jobs did not make room");
}

/// Jobs that were given back, or whose worker vanished, use up nothing.
pub async fn what_no_longer_runs_makes_room(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let backend = &fixture.backend;
    register(&fixture, vec![("f", at_once(1))]).await;
    submit(&fixture, "f", 3).await;
    let released = backend.take_one("f").await;
    backend.release(vec![released.lease]).await.expect("release should not fail");
    backend.take_one("f").await;
    fixture.advance(3600);
    assert_eq!(backend.reclaim_all().await, 1, "the lease should have run out");
    backend.take_one("f").await;
}

/// Jobs that began before their function had a limit count against it.
pub async fn a_new_limit_counts_what_runs_already(harness: &dyn Harness) {
    let fixture = harness.open().await;
    submit(&fixture, "f", 5).await;
    let running = fixture.backend.take("f", 2).await;
    register(&fixture, vec![("f", at_once(2))]).await;
    assert_eq!(fixture.backend.take("f", 5).await.len(), 0, "a third job began under a limit of 2");
    fixture.backend.end_applied(&running[0], ok()).await;
    assert_eq!(fixture.backend.take("f", 5).await.len(), 1, "an ended job did not make room");
}

/// A limit that is taken back no longer holds.
pub async fn a_limit_can_be_taken_back(harness: &dyn Harness) {
    let fixture = harness.open().await;
    register(&fixture, vec![("f", at_once(1))]).await;
    submit(&fixture, "f", 3).await;
    fixture.backend.take_one("f").await;
    register(&fixture, vec![("f", Limits::default())]).await;
    assert_eq!(fixture.backend.take("f", 5).await.len(), 2, "the limit still holds");
}

/// Functions of a group share their limit, also within one claim; others are not touched by it.
pub async fn a_group_shares_its_limit(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let backend = &fixture.backend;
    register(&fixture, vec![("a", grouped("g", 3)), ("b", grouped("g", 3)), ("c", Limits::default())]).await;
    submit(&fixture, "a", 2).await;
    submit(&fixture, "b", 5).await;
    submit(&fixture, "c", 5).await;
    let claim = backend.claim(claim_request(&["a", "b", "c"], 20)).await.expect("claim should not fail");
    let of = |function: &str| claim.jobs.iter().filter(|job| job.function == function).count();
    assert_eq!((of("a"), of("b"), of("c")), (2, 1, 5), "3 jobs of the group may run at once");
    let ended = claim.jobs.iter().find(|job| job.function == "a").expect("one of a");
    backend.end_applied(ended, ok()).await;
    assert_eq!(backend.take("b", 5).await.len(), 1, "an ended job did not make room for its group");
}

/// Within any period no more jobs begin than the rate says; the answer tells when the next may.
pub async fn no_more_begin_than_the_rate_allows(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let backend = &fixture.backend;
    register(&fixture, vec![("f", rate("4/10s"))]).await;
    submit(&fixture, "f", 20).await;
    assert_eq!(backend.take("f", 3).await.len(), 3, "the first 3 of 4");
    fixture.advance(6);
    let claim = backend.claim(claim_request(&["f"], 10)).await.expect("claim should not fail");
    assert_eq!(claim.jobs.len(), 1, "the fourth of 4");
    let claim = backend.claim(claim_request(&["f"], 10)).await.expect("claim should not fail");
    assert_eq!(claim.jobs.len(), 0, "a fifth job began within 10 s");
    let next = claim.next_due.expect("a rate limit should say when the next job may begin");
    let wait = next.since(fixture.now());
    assert!((4.0..4.2).contains(&wait.as_secs_f64()), "the next may begin in 4 s, not in {wait:?}");
    fixture.clock.advance(wait);
    assert_eq!(backend.take("f", 10).await.len(), 3, "3 starts are more than 10 s ago, 1 is not");
}

/// Ended jobs have begun all the same.
pub async fn a_rate_counts_starts_not_running_jobs(harness: &dyn Harness) {
    let fixture = harness.open().await;
    register(&fixture, vec![("f", rate("1/m"))]).await;
    submit(&fixture, "f", 2).await;
    let first = fixture.backend.take_one("f").await;
    fixture.backend.end_applied(&first, ok()).await;
    assert_eq!(fixture.backend.take("f", 1).await.len(), 0, "a second job began within a minute");
    fixture.advance(61);
    fixture.backend.take_one("f").await;
}

/// A clock that is put back stops nothing for longer than a period.
pub async fn a_clock_put_back_does_not_stop_a_rate(harness: &dyn Harness) {
    let fixture = harness.open().await;
    register(&fixture, vec![("f", rate("1/10s"))]).await;
    submit(&fixture, "f", 3).await;
    fixture.advance(7200);
    fixture.backend.take_one("f").await;
    fixture.clock.set(crate::fixture::START);
    fixture.backend.take_one("f").await;
}
