//! Wake-ups across processes: every step that others may care about is published under the workspace, with the name of whoever
//! took it, and a connection of its own listens here.
//!
//! A message means nothing by itself and losing one loses nothing: whoever wakes asks the backend, and a slow poll of the last
//! change stands behind the messages.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures::StreamExt;
use redis::Value;
use tokio::time::{Instant, timeout_at};
use upnext_core::Signals;
use upnext_core::backend::Result;

use crate::clock::Now;
use crate::link::{Link, Repeat};
use crate::reply;

/// How often the last change is looked at when no message came.
const SAFETY_POLL: Duration = Duration::from_secs(2);

/// Shortest time between two signals, so that a storm of messages costs little.
const SHORTEST_GAP: Duration = Duration::from_millis(1);

/// How long to wait before listening again when that failed: so others are heard well within five seconds of the server's return.
const RETRY_AFTER: Duration = Duration::from_millis(500);

/// Listens until `signals` is dropped.
pub(crate) async fn listen(link: Arc<Link>, now: Now, signals: Weak<Signals>) {
    loop {
        if let Err(error) = listen_once(&link, &now, &signals).await {
            tracing::debug!(%error, "cannot listen for what other processes do; trying again");
        }
        if signals.strong_count() == 0 {
            return;
        }
        tokio::time::sleep(RETRY_AFTER).await;
    }
}

async fn listen_once(link: &Link, now: &Now, signals: &Weak<Signals>) -> Result<()> {
    let lost = |error: redis::RedisError| {
        upnext_core::BackendError::Unavailable(format!("{}: {error}", link.shown()))
    };
    let mut subscription = link.client().await?.get_async_pubsub().await.map_err(lost)?;
    subscription.subscribe(format!("{}wake", link.prefix())).await.map_err(lost)?;
    let mut messages = subscription.into_on_message();
    // What happened while nobody listened.
    look(link, signals).await?;
    let mut next_look = Instant::now() + SAFETY_POLL;
    loop {
        match timeout_at(next_look, messages.next()).await {
            Ok(None) => return Ok(()),
            Ok(Some(message)) => {
                if message.get_payload_bytes() == now.origin().as_bytes() {
                    continue;
                }
                let Some(signals) = signals.upgrade() else { return Ok(()) };
                signals.changed_elsewhere();
                drop(signals);
                tokio::time::sleep(SHORTEST_GAP).await;
            }
            Err(_) => {
                look(link, signals).await?;
                next_look = Instant::now() + SAFETY_POLL;
            }
        }
        if signals.strong_count() == 0 {
            return Ok(());
        }
    }
}

/// Signals that others changed something since the last look.
async fn look(link: &Link, signals: &Weak<Signals>) -> Result<()> {
    let mut command = redis::cmd("GET");
    command.arg(format!("{}change", link.prefix()));
    let change = match link.send(&command, Repeat::Harmless).await? {
        Value::Nil => 0,
        value => reply::number(&value)?,
    };
    let seen = link.seen().swap(change, Ordering::SeqCst);
    if seen != change
        && let Some(signals) = signals.upgrade()
    {
        signals.changed_elsewhere();
    }
    Ok(())
}
