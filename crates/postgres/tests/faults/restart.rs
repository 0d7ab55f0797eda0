//! The server is killed under load, and started again.

use std::time::{Duration, Instant};

use upnext_testkit::servers;

use crate::load::{Load, open};

/// The engine promises to be back at work so soon after the server is.
const BACK: Duration = Duration::from_secs(5);

async fn survive(rounds: usize) {
    let mut server = servers::postgres::private(&[]);
    let backends = [open(server.url()).await, open(server.url()).await];
    let load = Load::start(&backends, 4);
    let mut slowest = Duration::ZERO;
    for _ in 0..rounds {
        load.progress(30).await;
        server.kill();
        // Everybody runs into it.
        let met = Instant::now();
        while load.promises.failures() == 0 && met.elapsed() < BACK {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        tokio::task::block_in_place(|| server.restart());
        let back = load.progress(1).await;
        assert!(back < BACK, "work went on only {back:?} after the server was back");
        slowest = slowest.max(back);
    }
    wakes_across(&backends).await;
    let promises = load.stop().await;
    let (jobs, ends, artifacts) = promises.verify(&*backends[1]).await;
    println!(
        "{rounds} crashes of the server: {jobs} jobs, {ends} ends and {artifacts} artifacts acknowledged, none lost; \
         {} calls failed meanwhile; back at work within {slowest:?}",
        promises.failures()
    );
}

/// Processes hear of each other again.
async fn wakes_across(backends: &[std::sync::Arc<dyn upnext_core::Backend>; 2]) {
    let mut elsewhere = backends[0].signals().subscribe_elsewhere();
    elsewhere.mark_unchanged();
    let heard = tokio::time::timeout(BACK, elsewhere.changed()).await;
    assert!(heard.is_ok(), "a process no longer hears of the others");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_killed_server_loses_nothing_that_was_acknowledged() {
    survive(2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "takes minutes"]
async fn a_server_that_is_killed_again_and_again_loses_nothing() {
    survive(25).await;
}
