//! One listener's place in the order of changes.

use std::collections::VecDeque;
use std::sync::Arc;

use tokio::sync::broadcast::{self, error::RecvError};

use super::pages::Page;
use super::{AFTER_FAILURE, LiveEvent, Shared, Stretch};

/// Hands out every change after a place, in order, each once.
#[derive(Debug)]
pub(crate) struct Follower {
    shared: Arc<Shared>,
    stretches: broadcast::Receiver<Arc<Stretch>>,
    /// Everything up to here was handed out or is ready.
    place: i64,
    ready: VecDeque<Arc<LiveEvent>>,
    /// What lies between `place` and this one has to be read from the backend.
    gap_to: Option<i64>,
}

impl Follower {
    pub(super) fn new(
        shared: Arc<Shared>,
        stretches: broadcast::Receiver<Arc<Stretch>>,
        place: i64,
        present: i64,
    ) -> Self {
        let gap_to = Some(present).filter(|present| place < *present);
        Self { shared, stretches, place, ready: VecDeque::new(), gap_to }
    }

    /// The place up to which everything was handed out; `None` while something waits to be.
    pub(crate) fn settled(&self) -> Option<i64> {
        (self.ready.is_empty() && self.gap_to.is_none()).then_some(self.place)
    }

    /// The next event. Nothing is lost when the returned future is dropped.
    pub(crate) async fn next(&mut self) -> Arc<LiveEvent> {
        loop {
            if let Some(event) = self.ready.pop_front() {
                return event;
            }
            self.refill().await;
        }
    }

    async fn refill(&mut self) {
        if let Some(bound) = self.gap_to {
            match Page::read(&*self.shared.backend, self.place, bound).await {
                Ok(page) => {
                    self.ready.extend(page.events);
                    self.place = if page.more { page.place } else { bound };
                    self.gap_to = self.gap_to.filter(|_| page.more);
                }
                Err(error) => {
                    tracing::debug!(%error, "the changes could not be read");
                    tokio::time::sleep(AFTER_FAILURE).await;
                }
            }
            return;
        }
        match self.stretches.recv().await {
            Ok(stretch) if stretch.to <= self.place => {}
            Ok(stretch) if stretch.from == self.place => {
                self.ready.extend(stretch.events.iter().cloned());
                self.place = stretch.to;
            }
            Ok(stretch) => self.gap_to = Some(stretch.to),
            // The next stretch that is still kept begins further on: a gap.
            Err(RecvError::Lagged(_)) => {}
            Err(RecvError::Closed) => std::future::pending().await,
        }
    }
}
