//! Wake-ups across processes: every step that others may care about is published under the workspace, with the name of whoever
//! took it, and a connection of its own listens here.
//!
//! A message means nothing by itself and losing one loses nothing: whoever wakes asks the backend, and a slow poll of the last
//! change stands behind the messages.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use futures::{FutureExt as _, StreamExt as _};
use redis::{Msg, Value};
use tokio::time::{Instant, timeout_at};
use upnext_core::backend::Result;
use upnext_core::{Signals, Storm};

use crate::clock::Now;
use crate::link::{Link, Repeat};
use crate::reply;

/// How often the last change is looked at when no message came.
const SAFETY_POLL: Duration = Duration::from_secs(2);

/// Messages within [`Storm::WINDOW`] that are a storm, and the shortest time between two signals in one, so that it costs little.
const STORM: u32 = 25;
const STORM_GAP: Duration = Duration::from_millis(1);

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
    let mut storm = Storm::of(STORM);
    loop {
        match timeout_at(next_look, messages.next()).await {
            Ok(None) => return Ok(()),
            Ok(Some(first)) => {
                let of_others = |message: &Msg| message.get_payload_bytes() != now.origin().as_bytes();
                let mut heard = usize::from(of_others(&first));
                // What has come together becomes one signal.
                while let Some(Some(message)) = messages.next().now_or_never() {
                    heard += usize::from(of_others(&message));
                }
                if heard == 0 {
                    continue;
                }
                let Some(signals) = signals.upgrade() else { return Ok(()) };
                signals.changed_elsewhere();
                drop(signals);
                if storm.rages(heard) {
                    tokio::time::sleep(STORM_GAP).await;
                }
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
