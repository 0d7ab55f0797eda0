//! `list_functions`, `find_function`, `set_paused` and `forget_function`: definitions and figures.

use std::time::Duration;

use upnext_core::backend::{Finish, FunctionForgotten};
use upnext_core::function::{CronRule, FunctionStats};
use upnext_core::{
    Backend, Function, FunctionDefinition, JobStatus, JobType, Outcome, Parameter, RetryPolicy,
    WorkerRegistration,
};

use crate::factories::{delayed_job, finish, new_job, ok, registration, retrying_job, worker_id};
use crate::{Fixture, Harness, Steps};

async fn find(fixture: &Fixture, key: &str) -> Function {
    let found = fixture.backend.find_function(key).await.expect("find_function should not fail");
    found.expect("a function that was registered should be found")
}

async fn stats(fixture: &Fixture, key: &str) -> FunctionStats {
    find(fixture, key).await.stats
}

async fn register(fixture: &Fixture, functions: &[&str]) {
    fixture.backend.register(registration(&worker_id(), "tester", functions)).await;
}

fn is_about(value: Option<f64>, wanted: f64) -> bool {
    value.is_some_and(|value| (value - wanted).abs() < 1e-6)
}

/// A definition reads back whole, and a later registration replaces it.
pub async fn the_last_definition_counts(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let rich = FunctionDefinition {
        name: "Monthly größe".to_owned(),
        job_type: JobType::Cron,
        timeout: 12.5,
        retry: RetryPolicy { max_retries: 3, delay: 0.5, backoff: 1.5, max_delay: 60.0, jitter: 0.25 },
        parameters: Some(vec![
            Parameter { name: "kind".into(), required: true },
            Parameter { name: "rows".into(), required: false },
        ]),
        takes_any: true,
        artifact_ttl: Some(60.0),
        tags: vec!["etl".to_owned()],
        ..FunctionDefinition::task("report")
    };
    let worker = |definition: &FunctionDefinition| WorkerRegistration {
        functions: vec![definition.clone()],
        ..registration(&worker_id(), "tester", &[])
    };
    fixture.backend.register(worker(&rich)).await;
    let found = find(&fixture, "report").await;
    assert_eq!(found.definition, rich, "the definition does not read back as it was registered");
    assert!(!found.paused, "a fresh function is paused");
    assert_eq!(
        found.workers,
        [worker_id().to_string()],
        "the function does not name the worker that offers it"
    );
    let plain = FunctionDefinition::task("report");
    fixture.backend.register(worker(&plain)).await;
    let found = find(&fixture, "report").await;
    assert_eq!(found.definition, plain, "a later registration should replace the definition");
}

/// Functions are listed by key, stay when their workers are gone, and then name no worker.
pub async fn functions_outlive_their_workers(harness: &dyn Harness) {
    let fixture = harness.open().await;
    register(&fixture, &["c", "a", "b"]).await;
    fixture.backend.submit(new_job("never registered")).await;
    fixture.advance(16);
    let functions = fixture.backend.list_functions().await.expect("list_functions should not fail");
    let keys: Vec<&str> = functions.iter().map(|function| function.definition.key.as_str()).collect();
    assert_eq!(
        keys,
        ["a", "b", "c"],
        "every function ever registered, and no other, should be listed by key"
    );
    assert!(functions.iter().all(|f| f.workers.is_empty()), "a function names a worker that is silent");
    register(&fixture, &["a", "b"]).await;
    assert!(
        !find(&fixture, "a").await.workers.is_empty(),
        "a function does not name a worker that came back"
    );
    assert!(
        find(&fixture, "c").await.workers.is_empty(),
        "a function names a worker that no longer offers it"
    );
    fixture.backend.deregister_worker(worker_id()).await.expect("deregister_worker should not fail");
    assert!(find(&fixture, "a").await.workers.is_empty(), "a function names a worker that stopped");
}

/// A function that was never registered is not found, and pausing it says so.
pub async fn an_unknown_function_is_not_found(harness: &dyn Harness) {
    let fixture = harness.open().await;
    register(&fixture, &["f"]).await;
    let found = fixture.backend.find_function("F").await.expect("find_function should not fail");
    assert!(found.is_none(), "a function that was never registered is found");
    let paused = fixture.backend.set_paused("g", true).await.expect("an unknown function is no error");
    assert!(!paused, "a function that was never registered was paused");
}

/// A function that nobody offers any more can be forgotten, with its schedule; its jobs stay, and it can come back.
pub async fn a_function_that_nobody_offers_is_forgotten(harness: &dyn Harness) {
    let mut fixture = harness.open().await;
    let cron = FunctionDefinition {
        job_type: JobType::Cron,
        cron: Some(CronRule::new("* * * * *")),
        ..FunctionDefinition::task("f")
    };
    let worker = WorkerRegistration {
        functions: vec![cron, FunctionDefinition::task("g")],
        ..registration(&worker_id(), "tester", &[])
    };
    fixture.backend.register(worker.clone()).await;
    let forget = async |backend: &dyn Backend, key: &str| {
        backend.forget_function(key).await.expect("forget_function should not fail")
    };
    let offered = FunctionForgotten::Offered(vec![worker_id().to_string()]);
    assert_eq!(forget(&*fixture.backend, "f").await, offered, "a living worker offers 'f'");
    assert!(find(&fixture, "f").await.next_run_at.is_some(), "a refusal changed something");

    let job = fixture.backend.submit(new_job("f")).await;
    fixture.backend.deregister_worker(worker_id()).await.expect("deregister_worker should not fail");
    assert_eq!(forget(&*fixture.backend, "f").await, FunctionForgotten::Gone, "nobody offers 'f'");
    assert_eq!(forget(&*fixture.backend, "f").await, FunctionForgotten::UnknownFunction, "'f' is gone");
    fixture.backend = harness.reopen(&fixture).await;
    let left = fixture.backend.list_definitions(None).await.expect("list_definitions should not fail");
    assert_eq!(left.iter().map(|f| f.key.as_str()).collect::<Vec<_>>(), ["g"], "not 'f' alone is gone");
    let found = fixture.backend.find_function("f").await.expect("find_function should not fail");
    assert!(found.is_none(), "a forgotten function is found");
    let schedules = fixture.backend.list_schedules(vec!["f".to_owned()].into()).await;
    assert_eq!(schedules.expect("list_schedules should not fail").entries, [], "its schedule is left");
    assert_eq!(fixture.backend.status(job).await, JobStatus::Queued, "its job went along");

    fixture.backend.register(worker).await;
    assert!(!find(&fixture, "f").await.workers.is_empty(), "a worker does not bring it back");
    assert_eq!(fixture.backend.take_one("f").await.lease.job_id, job, "its job cannot be claimed");
}

/// Pausing is remembered through registrations and reopening, and can be repeated.
pub async fn pausing_is_remembered(harness: &dyn Harness) {
    let mut fixture = harness.open().await;
    register(&fixture, &["f", "g"]).await;
    for _ in 0..2 {
        assert!(
            fixture.backend.set_paused("f", true).await.expect("pausing should not fail"),
            "'f' is registered"
        );
    }
    register(&fixture, &["f", "g"]).await;
    fixture.backend = harness.reopen(&fixture).await;
    assert!(
        find(&fixture, "f").await.paused,
        "pausing was forgotten when a worker registered, or by reopening"
    );
    assert!(!find(&fixture, "g").await.paused, "another function was paused, too");
    assert!(
        fixture.backend.set_paused("f", false).await.expect("resuming should not fail"),
        "'f' is registered"
    );
    assert!(!find(&fixture, "f").await.paused, "a resumed function is still paused");
}

/// A function without jobs has no figures.
pub async fn a_function_without_jobs_has_no_figures(harness: &dyn Harness) {
    let fixture = harness.open().await;
    register(&fixture, &["f"]).await;
    fixture.backend.submit(new_job("g")).await;
    assert_eq!(stats(&fixture, "f").await, FunctionStats::default(), "a function without jobs has figures");
}

/// The backlog counts what is due and waits, not what is delayed, retrying, running or ended.
pub async fn the_backlog_counts_what_waits(harness: &dyn Harness) {
    let fixture = harness.open().await;
    register(&fixture, &["f", "g"]).await;
    fixture.backend.submit_completed("f").await;
    fixture.backend.submit(retrying_job("f", 1)).await;
    let claimed = fixture.backend.take_one("f").await;
    fixture.backend.end_applied(&claimed, Outcome::failed("no")).await;
    fixture.backend.submit_all(vec![new_job("f"), new_job("f"), new_job("f"), new_job("g")]).await;
    fixture.backend.take("f", 1).await;
    fixture.backend.submit(delayed_job("f", fixture.in_seconds(60))).await;
    let figures = stats(&fixture, "f").await;
    assert_eq!(figures.queue_backlog, 2, "two of the jobs are due and wait for a worker");
    assert_eq!(figures.runs_24h, 6, "six jobs were made today");
    assert_eq!(stats(&fixture, "g").await.queue_backlog, 1, "another function's jobs were counted");
}

/// A delayed job counts from its time on, also when no worker is there to claim anything.
pub async fn the_backlog_counts_jobs_that_became_due(harness: &dyn Harness) {
    let fixture = harness.open().await;
    register(&fixture, &["f"]).await;
    fixture.backend.submit(delayed_job("f", fixture.in_seconds(60))).await;
    assert_eq!(stats(&fixture, "f").await.queue_backlog, 0, "a job counts as waiting before its time");
    fixture.advance(61);
    assert_eq!(
        stats(&fixture, "f").await.queue_backlog,
        1,
        "a job that became due does not count as waiting"
    );
}

/// Rates and times come from finished jobs; the last run is the newest job.
pub async fn rates_and_times_come_from_finished_jobs(harness: &dyn Harness) {
    let fixture = harness.open().await;
    register(&fixture, &["f"]).await;
    // Each job waits 2 s from being due to its begin and then runs 1, 2, 3 and 4 s; the last one fails.
    for run in 1..=4 {
        fixture.backend.submit(new_job("f")).await;
        let claimed = fixture.backend.take_one("f").await;
        fixture.advance(2);
        let started_at = fixture.now();
        fixture.advance(run);
        let outcome = if run == 4 { Outcome::failed("no") } else { ok() };
        let end = Finish { started_at, ..finish(&claimed, outcome) };
        fixture.backend.finish(vec![end]).await.expect("finish should not fail");
    }
    let made = fixture.now();
    fixture.backend.submit(new_job("f")).await;
    let figures = stats(&fixture, "f").await;
    assert!(is_about(figures.success_rate, 0.75), "three of four jobs completed: {figures:?}");
    assert!(is_about(figures.avg_duration_ms, 2500.0), "1, 2, 3 and 4 s are 2.5 s in the mean: {figures:?}");
    assert!(is_about(figures.avg_wait_ms, 2000.0), "every job waited 2 s: {figures:?}");
    assert!(is_about(figures.p95_wait_ms, 2000.0), "every job waited 2 s: {figures:?}");
    let p95 = figures.p95_duration_ms.unwrap_or_default();
    assert!(
        (3000.0..=4000.0).contains(&p95),
        "the 95th percentile of 1, 2, 3 and 4 s lies from 3 to 4 s: {p95} ms"
    );
    assert_eq!(figures.last_run_at, Some(made), "the last run is the newest job");
    assert_eq!(figures.last_run_status, Some(JobStatus::Queued), "the newest job is queued");
}

/// Figures are about the last 24 hours; the last run is remembered beyond.
pub async fn figures_are_about_one_day(harness: &dyn Harness) {
    let fixture = harness.open().await;
    register(&fixture, &["f"]).await;
    let made = fixture.now();
    fixture.backend.submit_completed("f").await;
    fixture.clock.advance(Duration::from_secs(24 * 3600 - 10));
    assert_eq!(stats(&fixture, "f").await.runs_24h, 1, "a job made less than a day ago should count");
    fixture.advance(20);
    let figures = stats(&fixture, "f").await;
    assert_eq!(figures.runs_24h, 0, "a job made more than a day ago should not count");
    assert_eq!(figures.success_rate, None, "a job that finished more than a day ago should not count");
    assert_eq!(figures.last_run_at, Some(made), "the last run was forgotten after a day");
    assert_eq!(
        figures.last_run_status,
        Some(JobStatus::Complete),
        "the last run's status was forgotten after a day"
    );
}

/// The list and the single function tell the same figures.
pub async fn list_and_find_agree(harness: &dyn Harness) {
    let fixture = harness.open().await;
    register(&fixture, &["f", "g"]).await;
    fixture.backend.submit_completed("f").await;
    fixture.backend.submit(new_job("f")).await;
    for listed in fixture.backend.list_functions().await.expect("list_functions should not fail") {
        let found = find(&fixture, &listed.definition.key).await;
        assert_eq!(found.definition, listed.definition, "list and find disagree about a definition");
        assert_eq!(found.stats, listed.stats, "list and find disagree about the figures");
        assert_eq!(found.workers, listed.workers, "list and find disagree about the workers");
    }
}
