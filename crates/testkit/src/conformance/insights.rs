//! `job_stats`, `job_trends`, `functions_ended`, `queue_depth`, `notable_jobs`: figures are what a count would give.

use std::collections::BTreeMap;
use std::time::Duration;

use upnext_core::backend::{ExpireRequest, Finish, JobQuery, Retried};
use upnext_core::insight::{Depth, Ended, Hour, Notable, StatsQuery, TrendHour, TrendsQuery};
use upnext_core::{Backend, Job, JobId, JobStatus, JobType, NewJob, Outcome, Timestamp};

use crate::factories::{claim_request, delayed_job, fatal, finish, finish_ok, new_job, ok, retrying_job};
use crate::{Harness, Steps};

const DAY: TrendsQuery = TrendsQuery { hours: 24, function: None, job_type: None };

async fn trends(backend: &dyn Backend, query: TrendsQuery) -> Vec<TrendHour> {
    backend.job_trends(query).await.expect("job_trends should not fail")
}

async fn ended(backend: &dyn Backend, query: StatsQuery) -> Ended {
    backend.job_stats(query).await.expect("job_stats should not fail").ended
}

async fn notable(backend: &dyn Backend, which: Notable, limit: usize) -> Vec<JobId> {
    let jobs = backend.notable_jobs(which, limit).await.expect("notable_jobs should not fail");
    jobs.iter().map(|job| job.id).collect()
}

/// Where nothing happened every hour is there, and empty.
pub async fn an_empty_backend_has_empty_figures(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let hours = trends(&*fixture.backend, DAY).await;
    let first = Hour::of(fixture.now()).back(23);
    let wanted: Vec<i64> = (0..24).map(|place| first.number() + place).collect();
    assert_eq!(
        hours.iter().map(|hour| hour.hour.number()).collect::<Vec<_>>(),
        wanted,
        "not every hour is there"
    );
    assert!(
        hours.iter().all(|h| h.complete + h.failed + h.retrying + h.active == 0),
        "something happened: {hours:?}"
    );
    assert_eq!(ended(&*fixture.backend, StatsQuery::default()).await, Ended::default(), "something ended");
    let depth = fixture.backend.queue_depth().await.expect("queue_depth should not fail");
    assert_eq!((depth.whole(), depth.now), (Depth::default(), fixture.now()), "something waits");
    for which in [Notable::Newest, Notable::NewestFailed, Notable::LongestQueued, Notable::Stuck] {
        assert_eq!(notable(&*fixture.backend, which, 10).await, [], "a job deserves a look: {which:?}");
    }
}

/// Ends are counted in the hour in which they happened, of their function and type, with how long they took.
pub async fn ends_are_counted_in_their_hour(harness: &dyn Harness) {
    let mut fixture = harness.open().await;
    let cron = NewJob { job_type: JobType::Cron, ..new_job("g") };
    fixture.backend.submit_all(vec![new_job("f"), new_job("f"), retrying_job("f", 1), cron]).await;
    let claimed =
        fixture.backend.claim(claim_request(&["f", "g"], 4)).await.expect("claim should not fail").jobs;
    let of = |function: &str| claimed.iter().filter(|job| job.function == function).collect::<Vec<_>>();
    fixture.advance(2);
    let ends = vec![finish_ok(of("f")[0]), finish(of("f")[1], fatal("x")), finish_ok(of("g")[0])];
    fixture.backend.finish(ends).await.expect("finish should not fail");
    fixture.advance(3600);
    let now = fixture.now();
    fixture.backend.reclaim_all().await;
    let again = fixture.backend.take("f", 1).await;
    let end = Finish { started_at: now, ..finish(&again[0], Outcome::failed("y")) };
    fixture.backend.finish(vec![end]).await.expect("finish should not fail");
    fixture.backend = harness.reopen(&fixture).await;

    let all = trends(&*fixture.backend, DAY).await;
    let figures = |hour: &TrendHour| (hour.complete, hour.failed, hour.retrying, hour.active);
    assert_eq!(figures(&all[22]), (2, 1, 0, 0), "wrong figures of the hour before: {all:?}");
    let last = figures(&all[23]);
    assert_eq!(last, (0, 0, 1, 0), "the attempt that is tried again is not counted: {all:?}");
    let of_g = TrendsQuery { function: Some("g".to_owned()), ..DAY };
    assert_eq!(
        figures(&trends(&*fixture.backend, of_g).await[22]),
        (1, 0, 0, 0),
        "wrong figures of one function"
    );
    let crons = TrendsQuery { job_type: Some(JobType::Cron), ..DAY };
    assert_eq!(
        figures(&trends(&*fixture.backend, crons).await[22]),
        (1, 0, 0, 0),
        "wrong figures of one type"
    );
    let short = trends(&*fixture.backend, TrendsQuery { hours: 1, ..DAY }).await;
    assert_eq!(short.iter().map(figures).collect::<Vec<_>>(), [last], "wrong figures of the present hour");

    let of_g = StatsQuery { function: Some("g".to_owned()), ..StatsQuery::default() };
    let wanted = Ended { complete: 1, timed: 1, duration_micros: 2_000_000, ..Ended::default() };
    assert_eq!(ended(&*fixture.backend, of_g).await, wanted, "wrong figures of how long jobs took");
    let since = Hour::of(fixture.now()).back(1);
    let functions = fixture.backend.functions_ended(since).await.expect("functions_ended should not fail");
    let counts: BTreeMap<&str, (u64, u64)> =
        functions.iter().map(|f| (f.function.as_str(), (f.ended.complete, f.ended.failed))).collect();
    assert_eq!(counts["g"], (1, 0), "wrong figures of a function");
    assert_eq!(counts["f"].0, 1, "wrong figures of a function");
}

/// A retry by hand takes the failure back, a deleted job is not counted, and one that was too old still is.
pub async fn what_is_taken_back_is_not_counted(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let backend = &*fixture.backend;
    let failed = backend.submit(new_job("f")).await;
    let job = backend.take_one("f").await;
    backend.end_applied(&job, fatal("x")).await;
    let gone = backend.submit_completed("f").await;
    assert_eq!(ended(backend, StatsQuery::default()).await.total(), 2, "ends are not counted");
    assert_eq!(backend.retry(failed).await.expect("retry should not fail"), Retried::Queued, "not retried");
    backend.delete_job(gone).await.expect("delete_job should not fail");
    let stats = backend.job_stats(StatsQuery::default()).await.expect("job_stats should not fail");
    assert_eq!((stats.ended, stats.unfinished), (Ended::default(), 1), "what was taken back is counted");
    assert_eq!(trends(backend, DAY).await[23].failed, 0, "a failure that was taken back shows");
    backend.cancel(failed).await.expect("cancel should not fail");
    assert_eq!(ended(backend, StatsQuery::default()).await.cancelled, 1, "a cancelled job is not counted");

    fixture.advance(7200);
    let request = ExpireRequest { jobs_ended_before: Some(fixture.now()), limit: 10 };
    assert_eq!(backend.expire(request).await.expect("expire should not fail").jobs, 1, "nothing was too old");
    assert_eq!(ended(backend, StatsQuery::default()).await.cancelled, 1, "history went with an old job");
    fixture.advance(200 * 3600);
    let request = ExpireRequest { jobs_ended_before: Some(fixture.now()), limit: 10 };
    backend.expire(request).await.expect("expire should not fail");
    assert_eq!(ended(backend, StatsQuery::default()).await, Ended::default(), "history stays for ever");
}

/// Whatever window is asked for, the figures are those of a count of the jobs.
pub async fn figures_equal_a_count_in_any_window(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let backend = &*fixture.backend;
    let mut random = fastrand::Rng::with_seed(7);
    let mut moments = vec![fixture.now()];
    for _ in 0..60 {
        let function = ["f", "g"][random.usize(0..2)];
        let id = backend.submit(new_job(function)).await;
        match random.u32(0..5) {
            0 => {
                backend.cancel(id).await.expect("cancel should not fail");
            }
            1 => {}
            outcome => {
                let jobs = backend.take(function, 1).await;
                fixture.advance(random.u64(0..20));
                let outcome = if outcome == 2 { fatal("x") } else { ok() };
                backend.end(&jobs[0], outcome).await;
            }
        }
        fixture.advance(random.u64(0..1500));
        moments.push(fixture.now());
    }
    let jobs =
        backend.list_jobs(JobQuery { limit: 1000, ..JobQuery::default() }).await.expect("list_jobs").items;
    for _ in 0..100 {
        let moment = |random: &mut fastrand::Rng| {
            let moment = moments[random.usize(0..moments.len())];
            match random.u32(0..3) {
                0 => None,
                1 => Some(Hour::of(moment).begins()),
                _ => Some(moment),
            }
        };
        let function = [None, Some("f".to_owned())][random.usize(0..2)].clone();
        let query = StatsQuery { function, after: moment(&mut random), before: moment(&mut random) };
        let stats = backend.job_stats(query.clone()).await.expect("job_stats should not fail");
        let wanted = recount(&jobs, &query);
        assert_eq!((stats.ended, stats.unfinished), wanted, "the figures of {query:?} are not a count");
    }
}

fn recount(jobs: &[Job], query: &StatsQuery) -> (Ended, u64) {
    let (mut ended, mut unfinished) = (Ended::default(), 0);
    let within = |moment: Timestamp| {
        query.after.is_none_or(|after| moment >= after) && query.before.is_none_or(|before| moment < before)
    };
    for job in jobs.iter().filter(|job| query.function.as_ref().is_none_or(|wanted| *wanted == job.function))
    {
        match job.status {
            _ if !within(job.completed_at.unwrap_or(job.created_at)) => {}
            JobStatus::Complete => ended.complete += 1,
            JobStatus::Failed => ended.failed += 1,
            JobStatus::Cancelled => ended.cancelled += 1,
            _ => unfinished += 1,
        }
        let timed = matches!(job.status, JobStatus::Complete | JobStatus::Failed);
        if let (true, Some(took)) =
            (timed && within(job.completed_at.unwrap_or(job.created_at)), job.duration())
        {
            ended.timed += 1;
            ended.duration_micros += u64::try_from(took.as_micros()).expect("a test is short");
        }
    }
    (ended, unfinished)
}

/// What waits and runs is told by function, with the oldest that waits.
pub async fn depth_is_what_waits_and_runs(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let backend = &*fixture.backend;
    let begun = fixture.now();
    backend.submit_all(vec![new_job("f"), new_job("f"), delayed_job("f", fixture.in_seconds(900))]).await;
    backend.submit(retrying_job("g", 3)).await;
    fixture.advance(5);
    backend.submit(new_job("f")).await;
    backend.take_one("f").await;
    let job = backend.take_one("g").await;
    backend.end_applied(&job, Outcome::failed("x")).await;
    let depth = backend.queue_depth().await.expect("queue_depth should not fail");
    let f = Depth { queued: 2, pending: 1, active: 1, oldest_queued: Some(begun), ..Depth::default() };
    let g = Depth { retrying: 1, ..Depth::default() };
    assert_eq!(depth.functions, [("f".to_owned(), f), ("g".to_owned(), g)], "wrong depths");
    assert_eq!(depth.whole().total(), 5, "the whole is not the sum of its parts");
}

/// The newest, the failed, the longest waiting and the stuck ones are found, each in its order.
pub async fn notable_jobs_are_found(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let backend = &*fixture.backend;
    let mut failed = Vec::new();
    for _ in 0..3 {
        failed.push(backend.submit(new_job("f")).await);
        let job = backend.take_one("f").await;
        backend.end_applied(&job, fatal("x")).await;
        backend.submit_completed("f").await;
    }
    failed.reverse();
    assert_eq!(notable(backend, Notable::NewestFailed, 2).await, failed[..2], "wrong failed jobs");
    let late = backend.submit(NewJob { priority: 99, ..new_job("g") }).await;
    fixture.advance(1);
    let later = backend.submit(new_job("f")).await;
    assert_eq!(notable(backend, Notable::Newest, 1).await, [later], "wrong newest job");
    assert_eq!(notable(backend, Notable::LongestQueued, 9).await, [late, later], "wrong order of what waits");

    let slow = NewJob { timeout: Duration::from_secs(3600), ..new_job("h") };
    let hasty = NewJob { timeout: Duration::from_secs(10), ..new_job("h") };
    let ids = backend.submit_all(vec![slow, hasty]).await;
    backend.take("h", 2).await;
    assert_eq!(notable(backend, Notable::Stuck, 9).await, [], "a job that just began is not stuck");
    fixture.advance(11);
    assert_eq!(notable(backend, Notable::Stuck, 9).await, [ids[1]], "a job over its time is stuck");
    fixture.advance(60);
    assert_eq!(notable(backend, Notable::Stuck, 9).await, ids, "a job whose lease ran out is stuck");
}
