//! A server that goes away and comes back: calls wait for it, and wake-ups go on.

use std::sync::Arc;
use std::time::{Duration, Instant};

use upnext_core::SystemClock;
use upnext_testkit::factories;

use crate::server::{BlobPlace, KEY, Server};

#[tokio::test]
async fn a_restarted_server_is_found_again() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), Arc::new(SystemClock)).await;
    let (address, url) = (server.address.to_string(), server.url());
    let (backend, _) = upnext_remote::open(&url, Some(KEY)).await.unwrap();
    server.stop().await;

    // The call begins while nobody listens, and ends when somebody does.
    let calling = tokio::spawn({
        let backend = Arc::clone(&backend);
        async move { backend.enqueue(vec![factories::new_job("again")]).await }
    });
    tokio::task::yield_now().await;
    let began = Instant::now();
    let server = Server::at(&address, folder.path(), Arc::new(SystemClock), BlobPlace::Local).await;
    let enqueued = calling.await.unwrap().unwrap();
    assert!(enqueued[0].created);
    println!("a call went through {:?} after the server was back", began.elapsed());

    // Somebody else's job wakes this process: the stream of wake-ups was begun again.
    let mut work = backend.signals().subscribe_work();
    let woken = async {
        loop {
            server.backend.enqueue(vec![factories::new_job("again")]).await.unwrap();
            work.mark_unchanged();
            if tokio::time::timeout(Duration::from_millis(100), work.changed()).await.is_ok() {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(5), woken).await.expect("wake-ups should come within 5 s");
    server.stop().await;
}
