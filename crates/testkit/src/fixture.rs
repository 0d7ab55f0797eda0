//! What a conformance case works on: one backend with a clock that the case moves, made by the backend's [`Harness`].

use std::any::Any;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use tokio::sync::watch;
use upnext_core::{Backend, Clock, ManualClock, Timestamp};

/// How long a case waits for a wake-up before it says that none came.
pub const SIGNAL_DEADLINE: Duration = Duration::from_secs(5);

/// Where the clock of a fresh fixture stands: 2026-01-31T09:20:00Z.
pub const START: Timestamp = Timestamp::from_micros(1_769_851_200_000_000);

/// How one kind of backend is opened for the suite.
#[async_trait]
pub trait Harness: Send + Sync {
    /// A backend with no data in it, whose clock stands at [`START`].
    async fn open(&self) -> Fixture;

    /// A second, independent handle on the same data and clock, as another process would have.
    async fn reopen(&self, fixture: &Fixture) -> Arc<dyn Backend>;
}

/// One backend under test.
#[derive(Debug)]
pub struct Fixture {
    /// The backend.
    pub backend: Arc<dyn Backend>,
    /// The clock it reads; it stands still until the case moves it.
    pub clock: Arc<ManualClock>,
    /// Where the data is, in the harness's own words (a path, a URL).
    pub location: String,
    /// Whatever must live as long as the data (a temporary folder, a server).
    pub keep: Box<dyn Any + Send + Sync>,
}

impl Fixture {
    /// The present moment of the backend.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// The moment this many seconds from now.
    #[must_use]
    pub fn in_seconds(&self, seconds: u64) -> Timestamp {
        self.now().after(Duration::from_secs(seconds))
    }

    /// Moves the clock later by this many seconds.
    pub fn advance(&self, seconds: u64) {
        self.clock.advance(Duration::from_secs(seconds));
    }
}

/// True when the signal fires before [`SIGNAL_DEADLINE`].
pub async fn fires(signal: &mut watch::Receiver<u64>) -> bool {
    tokio::time::timeout(SIGNAL_DEADLINE, signal.changed()).await.is_ok_and(|changed| changed.is_ok())
}

/// A point in real time after which a polling case gives up.
#[must_use]
pub fn deadline() -> Instant {
    Instant::now() + SIGNAL_DEADLINE
}
