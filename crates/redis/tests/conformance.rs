//! Runs the conformance suite of the `Backend` seam against a real server, each case in a workspace of its own. A second open of the
//! same workspace in this process counts as another process: it has its own connections, lanes and wake-ups.

use std::sync::Arc;

use async_trait::async_trait;
use upnext_core::{Backend, ManualClock};
use upnext_redis::RedisOptions;
use upnext_testkit::fixture::START;
use upnext_testkit::servers::valkey;
use upnext_testkit::{Fixture, Harness};

struct RedisHarness;

async fn open(workspace: &str, clock: &Arc<ManualClock>) -> Arc<dyn Backend> {
    let options = RedisOptions {
        workspace: workspace.to_owned(),
        clock: Some(Arc::<ManualClock>::clone(clock)),
        ..RedisOptions::new(&valkey::shared().url)
    };
    upnext_redis::open(options).await.expect("a workspace should open")
}

#[async_trait]
impl Harness for RedisHarness {
    async fn open(&self) -> Fixture {
        let location = format!("suite-{:016x}", fastrand::u64(..));
        let clock = Arc::new(ManualClock::new(START));
        Fixture { backend: open(&location, &clock).await, clock, location, keep: Box::new(()) }
    }

    async fn reopen(&self, fixture: &Fixture) -> Arc<dyn Backend> {
        open(&fixture.location, &fixture.clock).await
    }
}

upnext_testkit::backend_conformance!(RedisHarness);
