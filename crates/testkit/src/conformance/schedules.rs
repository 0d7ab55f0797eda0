//! Schedules: when cron functions run next, and that every run is made once.

use std::sync::Arc;

use upnext_core::backend::{Firing, ScheduleEntry};
use upnext_core::function::CronRule;
use upnext_core::{FunctionDefinition, JobStatus, JobType, NewJob, Timestamp, WorkerId};

use crate::factories::{new_job, registration};
use crate::{Fixture, Harness, Steps};

async fn register(fixture: &Fixture, cron: Option<CronRule>) {
    let mut worker = registration(&WorkerId::fresh("cron"), "cron", &[]);
    worker.functions =
        vec![FunctionDefinition { cron, job_type: JobType::Cron, ..FunctionDefinition::task("f") }];
    fixture.backend.register(worker).await;
}

async fn entries(fixture: &Fixture) -> Vec<ScheduleEntry> {
    let functions: Arc<[String]> = vec!["f".to_owned(), "unknown".to_owned()].into();
    let schedules = fixture.backend.list_schedules(functions).await.expect("list_schedules should not fail");
    assert_eq!(schedules.now, fixture.now(), "the answer should carry the backend's time");
    schedules.entries
}

async fn next(fixture: &Fixture) -> Option<Timestamp> {
    entries(fixture).await.first().and_then(|entry| entry.next_run_at)
}

fn firing(expected: Timestamp, next_run_at: Option<Timestamp>) -> Firing {
    let jobs = vec![NewJob { job_type: JobType::Cron, ..new_job("f") }];
    Firing { function: "f".to_owned(), expected, next_run_at, jobs }
}

/// A new schedule begins with its first run from now on; registering again changes nothing; another schedule begins anew.
pub async fn a_schedule_begins_when_it_is_registered(harness: &dyn Harness) {
    let fixture = harness.open().await;
    assert_eq!(entries(&fixture).await, [], "nobody has a schedule yet");
    // The clock stands at 09:20.
    register(&fixture, Some(CronRule::new("*/30 * * * *"))).await;
    assert_eq!(next(&fixture).await, Some(fixture.in_seconds(600)), "the first run is at 09:30");
    fixture.advance(3600);
    register(&fixture, Some(CronRule::new("*/30 * * * *"))).await;
    let missed = Some(crate::fixture::START.after(std::time::Duration::from_secs(600)));
    assert_eq!(next(&fixture).await, missed, "a run that was missed is still to be decided about");
    register(&fixture, Some(CronRule::new("0 * * * *"))).await;
    assert_eq!(
        next(&fixture).await,
        Some(fixture.in_seconds(2400)),
        "the new schedule's first run is at 11:00"
    );
    let function = fixture.backend.find_function("f").await.expect("find_function should not fail");
    assert_eq!(
        function.and_then(|f| f.next_run_at),
        Some(fixture.in_seconds(2400)),
        "the function should show it"
    );
    register(&fixture, None).await;
    assert_eq!(entries(&fixture).await, [], "a function without a schedule has none");
}

/// A run is made once, however often it is fired, and its jobs are there when that is acknowledged.
pub async fn every_run_is_made_once(harness: &dyn Harness) {
    let fixture = harness.open().await;
    register(&fixture, Some(CronRule::new("* * * * *"))).await;
    let due = next(&fixture).await.expect("a next run");
    fixture.advance(60);
    let after = due.after(std::time::Duration::from_secs(60));
    let run = firing(due, Some(after));
    let id = run.jobs[0].id;
    assert!(
        fixture.backend.fire_schedule(run).await.expect("fire_schedule should not fail"),
        "nobody was faster"
    );
    let again = harness.reopen(&fixture).await;
    assert!(
        !again.fire_schedule(firing(due, Some(after))).await.expect("fire_schedule should not fail"),
        "the same run was made twice"
    );
    assert_eq!(again.status(id).await, JobStatus::Queued, "the run's job should be queued");
    assert_eq!(again.take("f", 10).await.len(), 1, "one run makes one job");
    assert_eq!(next(&fixture).await, Some(after), "the schedule should have moved on");
}

/// Two handles race for every run: each is made once.
pub async fn a_run_raced_for_is_made_once(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let other = harness.reopen(&fixture).await;
    register(&fixture, Some(CronRule::new("* * * * * *"))).await;
    let mut due = next(&fixture).await.expect("a next run");
    for _ in 0..20 {
        let after = due.after(std::time::Duration::from_secs(1));
        let (one, two) = tokio::join!(
            fixture.backend.fire_schedule(firing(due, Some(after))),
            other.fire_schedule(firing(due, Some(after)))
        );
        let (one, two) = (one.expect("fire_schedule"), two.expect("fire_schedule"));
        assert!(one != two, "one of two must be the faster: {one} {two}");
        due = after;
    }
    assert_eq!(fixture.backend.take("f", 100).await.len(), 20, "20 runs make 20 jobs");
}

/// Paused functions say so, and a schedule can come to its end.
pub async fn paused_and_ended_schedules_say_so(harness: &dyn Harness) {
    let fixture = harness.open().await;
    register(&fixture, Some(CronRule::new("* * * * *"))).await;
    fixture.backend.set_paused("f", true).await.expect("set_paused should not fail");
    assert!(entries(&fixture).await[0].paused, "the function is paused");
    let due = next(&fixture).await.expect("a next run");
    assert!(fixture.backend.fire_schedule(firing(due, None)).await.expect("fire_schedule should not fail"));
    assert_eq!(entries(&fixture).await[0].next_run_at, None, "no run is left");
}
