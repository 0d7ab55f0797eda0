//! Runs the conformance suite of the `Backend` seam against a real server, each case in a schema of its own. A second open of
//! the same schema counts as another process: it has its own connections, lanes and wake-ups.

use std::sync::Arc;

use async_trait::async_trait;
use upnext_core::settings::Durability;
use upnext_core::{Backend, ManualClock};
use upnext_postgres::PostgresOptions;
use upnext_testkit::fixture::START;
use upnext_testkit::{Fixture, Harness};

struct PostgresHarness;

async fn open(location: &str, clock: &Arc<ManualClock>) -> Arc<dyn Backend> {
    let options = PostgresOptions {
        url: location.to_owned(),
        durability: Durability::Full,
        clock: Some(Arc::<ManualClock>::clone(clock)),
    };
    upnext_postgres::open(options).await.expect("a fresh schema should open")
}

/// A schema that nobody has used.
fn fresh_location() -> String {
    let server = match std::env::var("UPNEXT_TEST_POSTGRES") {
        Ok(url) => url,
        Err(_) => upnext_testkit::servers::postgres::shared().url.clone(),
    };
    let separator = if server.contains('?') { '&' } else { '?' };
    format!("{server}{separator}schema=t{}&pool_size=8", uuid::Uuid::now_v7().simple())
}

#[async_trait]
impl Harness for PostgresHarness {
    async fn open(&self) -> Fixture {
        let location = fresh_location();
        let clock = Arc::new(ManualClock::new(START));
        Fixture { backend: open(&location, &clock).await, clock, location, keep: Box::new(()) }
    }

    async fn reopen(&self, fixture: &Fixture) -> Arc<dyn Backend> {
        open(&fixture.location, &fixture.clock).await
    }
}

upnext_testkit::backend_conformance!(PostgresHarness);
