//! What happens, as it happens: one reader of the backend's changes for all who follow them in this server.
//!
//! [`LiveFeed`] runs the reader while anybody listens and gives each stretch of changes to all followers at once. A
//! [`Follower`] is one listener's place in the order of changes: it takes what the feed gives as long as that begins where
//! it stands, and else (it resumed, or was too slow) reads what lies between from the backend itself.

mod event;
mod follower;
mod names;
mod pages;
mod snapshots;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::broadcast::{self, error::RecvError};
use tokio_util::sync::CancellationToken;
use upnext_core::backend::Feed;
use upnext_core::{Backend, BackendError};

pub(crate) use event::LiveEvent;
pub(crate) use follower::Follower;
pub(crate) use names::EventNames;
use pages::Page;
pub(crate) use snapshots::snapshots;

/// How often the reader looks although nothing woke it: progress of jobs and new artifacts give no signal.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// Shortest time between two looks, so that a storm of signals costs little.
const SHORTEST_GAP: Duration = Duration::from_millis(5);

/// How long to leave a backend alone that failed.
const AFTER_FAILURE: Duration = Duration::from_millis(500);

/// Stretches that are kept for followers who are a little behind. With the size of a page this bounds the memory.
const KEPT: usize = 32;

/// All that changed between two places, in order. Shared by all followers.
#[derive(Debug)]
struct Stretch {
    from: i64,
    to: i64,
    events: Vec<Arc<LiveEvent>>,
}

/// The changes of one backend, read once for all followers of this server. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct LiveFeed {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    backend: Arc<dyn Backend>,
    stopping: CancellationToken,
    stretches: broadcast::Sender<Arc<Stretch>>,
    reader: Mutex<Reader>,
}

#[derive(Debug)]
struct Reader {
    runs: bool,
    /// Where the last stretch ended.
    place: i64,
}

impl LiveFeed {
    /// A feed that ends when `stopping` is cancelled.
    pub(crate) fn new(backend: Arc<dyn Backend>, stopping: CancellationToken) -> Self {
        Self::keeping(KEPT, backend, stopping)
    }

    fn keeping(kept: usize, backend: Arc<dyn Backend>, stopping: CancellationToken) -> Self {
        let reader = Mutex::new(Reader { runs: false, place: 0 });
        let stretches = broadcast::Sender::new(kept);
        Self { shared: Arc::new(Shared { backend, stopping, stretches, reader }) }
    }

    /// Follows the changes after `place`; without one, those from now on.
    pub(crate) async fn follow(&self, place: Option<i64>) -> Result<Follower, BackendError> {
        let (stretches, present) = self.join().await?;
        Ok(Follower::new(Arc::clone(&self.shared), stretches, place.unwrap_or(present), present))
    }

    /// A receiver of the stretches that begin at the answered place. Starts the reader if it rests.
    async fn join(&self) -> Result<(broadcast::Receiver<Arc<Stretch>>, i64), BackendError> {
        if let Some(joined) = self.shared.join_if(|reader| reader.runs) {
            return Ok(joined);
        }
        let present = self.shared.backend.changes_since(None, 0, Feed::Everything).await?.cursor;
        let joined = self.shared.join_if(|reader| {
            if !reader.runs {
                *reader = Reader { runs: true, place: present };
                tokio::spawn(read(Arc::clone(&self.shared), present));
            }
            true
        });
        joined.ok_or_else(|| BackendError::Unexpected("a reader that was just started does not run".into()))
    }
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Reader> {
        self.reader.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn join_if(
        &self,
        condition: impl FnOnce(&mut Reader) -> bool,
    ) -> Option<(broadcast::Receiver<Arc<Stretch>>, i64)> {
        // Under the lock no stretch goes out: the first one received begins where the reader stands.
        let mut reader = self.lock();
        condition(&mut reader).then(|| (self.stretches.subscribe(), reader.place))
    }

    /// Gives a stretch to all followers. False when there are none any more: the reader ends then.
    fn give(&self, stretch: Stretch) -> bool {
        let mut reader = self.lock();
        reader.runs = self.stretches.receiver_count() > 0;
        reader.place = stretch.to;
        if stretch.to > stretch.from {
            // Without a receiver nothing is lost: nobody follows.
            let _ = self.stretches.send(Arc::new(stretch));
        }
        reader.runs
    }
}

/// Reads while anybody follows.
async fn read(shared: Arc<Shared>, mut place: i64) {
    let signals = shared.backend.signals();
    let mut finished = signals.subscribe_finished();
    let (mut elsewhere, mut work) = (signals.subscribe_elsewhere(), signals.subscribe_work());
    loop {
        let (page, wait) = match Page::read(&*shared.backend, place, i64::MAX).await {
            Ok(page) => {
                let wait = (!page.more).then_some(LOOK_EVERY);
                (page, wait)
            }
            Err(error) => {
                // Followers outlive a moment without a database: the next look asks again.
                tracing::debug!(%error, "the changes could not be read");
                (Page { events: Vec::new(), place, more: false }, Some(AFTER_FAILURE))
            }
        };
        if !shared.give(Stretch { from: place, to: page.place, events: page.events }) {
            return;
        }
        place = page.place;
        let Some(wait) = wait else { continue };
        tokio::time::sleep(SHORTEST_GAP).await;
        tokio::select! {
            () = shared.stopping.cancelled() => return,
            () = tokio::time::sleep(wait) => {}
            received = finished.recv() => if matches!(received, Err(RecvError::Closed)) { return },
            _ = elsewhere.changed() => {}
            _ = work.changed() => {}
        }
    }
}

#[cfg(test)]
mod tests;
