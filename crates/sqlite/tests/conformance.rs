//! Runs the conformance suite of the `Backend` seam against SQLite files. A second open of the same file in this
//! process counts as another process: it has its own connections, lane and wake-ups.

use std::sync::Arc;

use async_trait::async_trait;
use upnext_core::settings::Durability;
use upnext_core::{Backend, ManualClock};
use upnext_sqlite::SqliteOptions;
use upnext_testkit::fixture::START;
use upnext_testkit::{Fixture, Harness};

struct SqliteHarness;

async fn open(location: &str, clock: &Arc<ManualClock>) -> Arc<dyn Backend> {
    let options = SqliteOptions {
        path: location.into(),
        durability: Durability::Full,
        clock: Arc::<ManualClock>::clone(clock),
    };
    upnext_sqlite::open(options).await.expect("a fresh file should open")
}

#[async_trait]
impl Harness for SqliteHarness {
    async fn open(&self) -> Fixture {
        let folder = tempfile::tempdir().expect("a temporary folder should be made");
        let location =
            folder.path().join("upnext.db").to_str().expect("the path should be Unicode").to_owned();
        let clock = Arc::new(ManualClock::new(START));
        Fixture { backend: open(&location, &clock).await, clock, location, keep: Box::new(folder) }
    }

    async fn reopen(&self, fixture: &Fixture) -> Arc<dyn Backend> {
        open(&fixture.location, &fixture.clock).await
    }
}

upnext_testkit::backend_conformance!(SqliteHarness);
