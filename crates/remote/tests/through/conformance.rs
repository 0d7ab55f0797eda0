//! The conformance suite of the `Backend` seam, through a server. A second open is a second connection to the same server.

use std::sync::Arc;

use async_trait::async_trait;
use upnext_core::{Backend, ManualClock};
use upnext_testkit::fixture::START;
use upnext_testkit::{Fixture, Harness};

use crate::server::{KEY, Server};

struct ThroughServer;

async fn open(url: &str) -> Arc<dyn Backend> {
    upnext_remote::open(url, Some(KEY)).await.expect("the server should let us in").0
}

#[async_trait]
impl Harness for ThroughServer {
    async fn open(&self) -> Fixture {
        let folder = tempfile::tempdir().expect("a temporary folder should be made");
        let clock = Arc::new(ManualClock::new(START));
        let server = Server::start(folder.path(), Arc::<ManualClock>::clone(&clock)).await;
        let location = server.url();
        Fixture { backend: open(&location).await, clock, location, keep: Box::new((server, folder)) }
    }

    async fn reopen(&self, fixture: &Fixture) -> Arc<dyn Backend> {
        open(&fixture.location).await
    }
}

upnext_testkit::backend_conformance!(ThroughServer);
