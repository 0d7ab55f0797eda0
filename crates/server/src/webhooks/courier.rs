//! Takes events to one address, one after the other, and remembers durably how far it came.

use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest as _, Sha256};
use tokio::time::{Instant, Interval, MissedTickBehavior};
use tokio_util::sync::CancellationToken;
use upnext_core::backend::CursorHold;
use upnext_core::{Backend, BackendError, JobId};

use super::Patience;
use super::post::{Answer, Letter, Post};
use crate::live::{EventNames, LiveEvent, LiveFeed};

/// Why a courier stopped delivering.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// The server stops.
    Stopping,
    /// Another server delivers now, or will.
    Lost,
    /// The address wants no more.
    Unwanted,
}

/// One address's courier.
#[derive(Debug)]
pub(super) struct Courier {
    backend: Arc<dyn Backend>,
    live: LiveFeed,
    post: Post,
    names: EventNames,
    patience: Patience,
    /// The name of its cursor, and of this courier among those of other servers.
    cursor: String,
    holder: String,
}

impl Courier {
    pub(super) fn new(
        backend: Arc<dyn Backend>,
        live: LiveFeed,
        post: Post,
        names: EventNames,
        patience: Patience,
    ) -> Self {
        let digest = Sha256::digest(post.url().as_str().as_bytes());
        let digest: String = digest.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        // Any fresh id will do: only that no two are the same matters.
        let holder = JobId::fresh().to_string();
        Self { backend, live, post, names, patience, cursor: format!("webhook-{digest}"), holder }
    }

    pub(super) async fn run(self, stopping: CancellationToken) {
        loop {
            match self.deliver_while_held(&stopping).await {
                Ok(End::Lost) => {}
                Ok(End::Stopping) => return,
                Ok(End::Unwanted) => {
                    tracing::warn!(address = self.post.shown(), "it wants no more webhooks (410 Gone)");
                    return;
                }
                Err(error) => {
                    tracing::warn!(%error, address = self.post.shown(), "webhooks have to wait");
                }
            }
            let pause = tokio::time::sleep(self.patience.renewal);
            if stopping.run_until_cancelled(pause).await.is_none() {
                return;
            }
        }
    }

    async fn deliver_while_held(&self, stopping: &CancellationToken) -> Result<End, BackendError> {
        let Some(place) = self.hold(None, self.patience.lease).await? else { return Ok(End::Lost) };
        let mut round = Round {
            courier: self,
            place,
            renewals: tokio::time::interval_at(Instant::now() + self.patience.renewal, self.patience.renewal),
        };
        round.renewals.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let ended = stopping.run_until_cancelled(round.deliver()).await;
        let end = ended.unwrap_or(Ok(End::Stopping))?;
        if end != End::Lost {
            // Given back, so that whoever comes next need not wait for the lease to run out.
            self.hold(Some(round.place), Duration::ZERO).await?;
        }
        Ok(end)
    }

    pub(super) async fn hold(
        &self,
        place: Option<i64>,
        lease: Duration,
    ) -> Result<Option<i64>, BackendError> {
        let hold = CursorHold { name: self.cursor.clone(), holder: self.holder.clone(), place, lease };
        self.backend.hold_cursor(hold).await
    }
}

/// The time for which a courier holds its cursor.
struct Round<'a> {
    courier: &'a Courier,
    /// Everything up to here is delivered, or not to be.
    place: i64,
    renewals: Interval,
}

impl Round<'_> {
    async fn deliver(&mut self) -> Result<End, BackendError> {
        let courier = self.courier;
        let mut follower = courier.live.follow(Some(self.place)).await?;
        loop {
            tokio::select! {
                event = follower.next() => {
                    let chosen = courier.names.contains(event.name);
                    if chosen && let Some(end) = self.deliver_one(&event).await? {
                        return Ok(end);
                    }
                    self.place = self.place.max(event.place);
                    if chosen && !self.keep().await? {
                        return Ok(End::Lost);
                    }
                }
                _ = self.renewals.tick() => {
                    self.place = follower.settled().unwrap_or(self.place).max(self.place);
                    if !self.keep().await? {
                        return Ok(End::Lost);
                    }
                }
            }
        }
    }

    /// Tries until the event is taken or has been tried often enough. `Some` when the round ends with it.
    async fn deliver_one(&mut self, event: &LiveEvent) -> Result<Option<End>, BackendError> {
        let Courier { post, patience, .. } = self.courier;
        let letter = Letter::about(event);
        for tried in 1.. {
            let (reason, wanted) = match post.send(&letter).await {
                Answer::Taken => return Ok(None),
                Answer::Unwanted => return Ok(Some(End::Unwanted)),
                Answer::Refused(reason, wanted) => (reason, wanted),
            };
            let (address, id) = (post.shown(), event.id.as_str());
            if tried >= patience.tries {
                tracing::error!(address, id, reason, "a webhook was given up after {tried} tries");
                return Ok(None);
            }
            let wait = patience.wait(tried).max(wanted.unwrap_or_default().min(patience.longest));
            tracing::warn!(address, id, reason, ?wait, "a webhook was not taken; trying again");
            if !self.keep_for(wait).await? {
                return Ok(Some(End::Lost));
            }
        }
        unreachable!("the last try returns")
    }

    /// Waits without letting go of the cursor. False when it is lost.
    async fn keep_for(&mut self, wait: Duration) -> Result<bool, BackendError> {
        let over = tokio::time::sleep(wait);
        tokio::pin!(over);
        loop {
            tokio::select! {
                () = &mut over => return self.keep().await,
                _ = self.renewals.tick() => if !self.keep().await? { return Ok(false) },
            }
        }
    }

    async fn keep(&self) -> Result<bool, BackendError> {
        Ok(self.courier.hold(Some(self.place), self.courier.patience.lease).await?.is_some())
    }
}
