//! Limits and shared results, as the worker sees them.

use std::time::Duration;

use upnext_core::job::CacheUse;
use upnext_core::limits::Limits;
use upnext_core::{JobStatus, Outcome, RawJson};

use crate::{complete, finish, stage};

#[tokio::test]
async fn a_job_that_shares_a_result_never_reaches_the_executor() {
    let mut stage = stage(|_| {}).await;
    let cache = CacheUse { key: "k".to_owned(), ttl: Some(Duration::from_secs(60)) };
    let first = stage.submit_with(|job| job.cache = Some(cache.clone())).await;
    let assignment = stage.next_started().await;
    finish(&assignment, Outcome::Complete { result: RawJson::trusted("42") });
    assert_eq!(stage.end_of(first).await.status, JobStatus::Complete);
    let second = stage.submit_with(|job| job.cache = Some(cache)).await;
    let job = stage.end_of(second).await;
    assert_eq!(job.result, Some(RawJson::trusted("42")));
    assert!(stage.started.try_recv().is_err(), "it was run although its result was there");
}

#[tokio::test]
async fn a_worker_begins_what_a_limit_lets_it_as_soon_as_it_may() {
    let mut stage = stage(|config| {
        config.concurrency = 8;
        config.functions[0].limits = Limits {
            max_concurrency: Some(1),
            rate_limit: Some("3/s".parse().unwrap()),
            ..Limits::default()
        };
    })
    .await;
    // Before the first is submitted: on a busy machine it begins before the last one is.
    let begun = std::time::Instant::now();
    for _ in 0..5 {
        stage.submit().await;
    }
    for number in 0..5 {
        let assignment = stage.next_started().await;
        assert!(stage.started.try_recv().is_err(), "two jobs run at once under a limit of one");
        let elapsed = begun.elapsed();
        assert!(number < 3 || elapsed >= Duration::from_millis(990), "job {number} began after {elapsed:?}");
        // The end of each is what lets the next one begin: a wake-up, not the slow poll.
        complete(&assignment);
    }
    assert!(begun.elapsed() < Duration::from_secs(4), "five jobs at 3/s took {:?}", begun.elapsed());
}
