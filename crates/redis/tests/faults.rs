//! What happens when the server dies under load, the connection breaks in the middle of a call, or the library is gone. Each test
//! prints its figures; the `#[ignore]`d ones do the same for longer.
#![allow(clippy::print_stdout, reason = "they print their figures")]

mod proxy;
mod workload;

use std::time::{Duration, Instant};

use upnext_core::backend::{Feed, JobQuery};
use upnext_testkit::Steps;
use upnext_testkit::factories::new_job;
use upnext_testkit::servers::valkey;

use crate::proxy::Proxy;
use crate::workload::{Load, RECOVERY, attach, lost, open, until_it_works};

/// With every write synced before it is acknowledged, a server that is killed under load loses nothing, and everybody goes on by
/// themselves.
async fn kill_under_load(times: usize) {
    let mut server = valkey::private(&["appendonly=yes", "appendfsync=always"]);
    let (backend, workspace) = open(server.url()).await;
    let load = Load::start(server.url(), &workspace, 4, 3).await;
    let mut slowest = Duration::ZERO;
    for _ in 0..times {
        load.gets_on().await;
        server.kill();
        server.restart();
        let recovered = load.gets_on().await;
        assert!(recovered < RECOVERY, "it took {recovered:?} after the server's return");
        slowest = slowest.max(recovered);
    }
    let done = load.stop().await;
    let (jobs, artifacts) = lost(&*backend, &done).await;
    let errors = done.errors.load(std::sync::atomic::Ordering::SeqCst);
    println!(
        "{times} kills: {} jobs and {} artifacts acknowledged, {jobs} and {artifacts} lost; {errors} errors told, \
         everybody back after {slowest:?} at most",
        done.jobs.lock().expect("nobody panics while holding it").len(),
        done.artifacts.lock().expect("nobody panics while holding it").len(),
    );
    assert_eq!((jobs, artifacts), (0, 0), "what was acknowledged is lost");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_loses_nothing_that_was_acknowledged() {
    kill_under_load(2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a minute"]
async fn a_server_killed_again_and_again_loses_nothing_that_was_acknowledged() {
    kill_under_load(25).await;
}

/// What other processes do is heard of again after the server's return, without a poll's delay.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_are_heard_again_after_the_servers_return() {
    let mut server = valkey::private(&["appendonly=yes", "appendfsync=always"]);
    let (backend, workspace) = open(server.url()).await;
    let other = attach(server.url(), &workspace).await;
    other.submit(new_job("f")).await;
    server.kill();
    server.restart();
    let began = Instant::now();
    let mut elsewhere = backend.signals().subscribe_elsewhere();
    until_it_works(async || other.enqueue(vec![new_job("f")]).await).await;
    // The first signal tells that somebody listens again.
    assert!(
        upnext_testkit::fixture::fires(&mut elsewhere).await,
        "nothing was heard after the server's return"
    );
    let heard = began.elapsed();
    println!("heard of others {heard:?} after the server's return");
    assert!(heard < RECOVERY, "it took {heard:?}");
}

/// A connection that breaks in the middle of calls, before the server hears of them or before it has answered: what was acknowledged
/// is there, and no job is there twice.
async fn cut_under_load(times: usize) {
    let server = valkey::shared();
    let proxy = Proxy::before(server.port).await;
    let (direct, workspace) = open(&server.url).await;
    let load = Load::start(&proxy.url(), &workspace, 4, 3).await;
    let mut slowest = Duration::ZERO;
    for time in 0..times {
        load.gets_on().await;
        if time % 2 == 0 {
            proxy.cut();
        } else {
            proxy.swallow_answers_and_cut().await;
        }
        let recovered = load.gets_on().await;
        assert!(recovered < RECOVERY, "it took {recovered:?} after the connection broke");
        slowest = slowest.max(recovered);
    }
    let done = load.stop().await;
    let (jobs, artifacts) = lost(&*direct, &done).await;
    let errors = done.errors.load(std::sync::atomic::Ordering::SeqCst);
    let acknowledged = done.jobs.lock().expect("nobody panics while holding it").len();
    println!(
        "{times} broken connections: {acknowledged} jobs acknowledged, {jobs} lost; {errors} errors told, back after \
         {slowest:?} at most"
    );
    assert_eq!((jobs, artifacts), (0, 0), "what was acknowledged is lost");
    let listed =
        direct.list_jobs(JobQuery { limit: 1, ..JobQuery::default() }).await.expect("list_jobs").total;
    // Nobody was told about these; ten belong to each call.
    let unheard = usize::try_from(listed).expect("a count") - acknowledged;
    assert!(unheard <= 10 * errors, "{unheard} jobs that nobody asked for");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_broken_connection_loses_nothing_that_was_acknowledged() {
    cut_under_load(6).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes a minute"]
async fn connections_that_break_all_the_time_lose_nothing_that_was_acknowledged() {
    cut_under_load(200).await;
}

/// A submission whose answer was lost is repeated by itself, and makes no second job.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_submission_whose_answer_is_lost_is_repeated_once() {
    let server = valkey::shared();
    let proxy = Proxy::before(server.port).await;
    let (backend, workspace) = open(&proxy.url()).await;
    let direct = attach(&server.url, &workspace).await;
    backend.submit(new_job("f")).await;
    let place = direct.changes_since(None, 1, Feed::Jobs).await.expect("changes_since").cursor;
    proxy.swallow_answers();
    let asking = tokio::spawn(async move { backend.enqueue(vec![new_job("f")]).await });
    // The server has it, but its answer is on the way to nowhere.
    while direct.changes_since(Some(place), 10, Feed::Jobs).await.expect("changes_since").jobs.is_empty() {
        tokio::task::yield_now().await;
    }
    proxy.cut();
    let answer = asking.await.expect("enqueue panicked").expect("enqueue should repeat the call by itself");
    assert!(!answer[0].created, "the repeated call should find the job");
    let jobs = direct.list_all(JobQuery { limit: 10, ..JobQuery::default() }).await;
    assert_eq!((jobs.len(), jobs[0]), (2, answer[0].id), "a second job was made");
}

/// When somebody removes the library from the server, the next call loads it again.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_library_is_loaded_again_when_it_is_gone() {
    let server = valkey::private(&[]);
    let (backend, _) = open(server.url()).await;
    let client = redis::Client::open(server.url()).expect("the URL is good");
    let mut connection = client.get_multiplexed_async_connection().await.expect("the server should answer");
    for command in ["FUNCTION", "SCRIPT"] {
        let first = backend.submit(new_job("f")).await;
        let _: () =
            redis::cmd(command).arg("FLUSH").query_async(&mut connection).await.expect("it should flush");
        assert_eq!(backend.take_one("f").await.lease.job_id, first, "a call after {command} FLUSH failed");
    }
}
