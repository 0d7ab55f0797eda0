//! Wake-ups across processes: a NOTIFY after commits that others may care about, at most one for each moment, and a
//! connection that listens.
//!
//! A notification means nothing by itself and losing one loses nothing: whoever wakes reads the database, and a slow look at
//! the last change stands behind. Where nobody can listen (behind a pooler) that look is the only way, and quicker.

use std::sync::{Arc, Weak};
use std::time::Duration;

use futures::StreamExt as _;
use tokio::sync::{Notify, mpsc, watch};
use tokio_postgres::{AsyncMessage, Config};
use tokio_postgres_rustls::MakeRustlsConnect;
use upnext_core::{Signals, Storm};

use crate::database::Database;
use crate::faults::{Fault, Result};
use crate::params::params;
use crate::transactions;

/// How often the last change is looked at: behind a connection that listens, and without one.
const SAFETY_POLL: Duration = Duration::from_secs(5);
const BLIND_POLL: Duration = Duration::from_millis(100);

/// Notifications within [`Storm::WINDOW`] that are a storm, and the shortest time between two in one: of those that this
/// process sends, each of which is a transaction, and of the looks that those of others cause.
const TOLD_STORM: u32 = 8;
const HEARD_STORM: u32 = 10;
const STORM_GAP: Duration = Duration::from_micros(500);

/// How long a notification of our own may take to come back before nobody counts as listening.
const ECHO_PATIENCE: Duration = Duration::from_secs(2);

/// What a transaction that submitted jobs says when it commits, and within which time of that somebody takes them in: one of
/// many processes, if luck will have it. Workers do not wait for it.
const SUBMITTED: &str = "submitted";
const INTAKE_SPREAD: Duration = Duration::from_millis(50);

/// Waits between attempts to connect again.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(1);

/// How a process hears of others.
pub(crate) struct Ears {
    pub(crate) config: Config,
    pub(crate) tls: MakeRustlsConnect,
    /// A pooler is in between.
    pub(crate) deaf: bool,
}

/// Starts the tasks that tell other processes and hear of them. They end when the sender of `closed` is dropped.
pub(crate) fn start(database: &Arc<Database>, ears: Ears, to_tell: Arc<Notify>, closed: watch::Receiver<()>) {
    let own = format!("{:016x}", fastrand::u64(..));
    tokio::spawn(tell(Arc::downgrade(database), to_tell, own.clone(), closed.clone()));
    let (hearing, is_hearing) = watch::channel(false);
    let arrived = Arc::new(Notify::new());
    if !ears.deaf {
        let heard = Heard { own, arrived: Arc::clone(&arrived), hearing };
        tokio::spawn(listen(Arc::downgrade(database), ears, heard, closed.clone()));
    }
    tokio::spawn(look(Arc::downgrade(database), is_hearing, arrived, closed));
}

/// What comes of listening.
struct Heard {
    /// What this process itself says.
    own: String,
    /// Wakes whoever takes in jobs of transactions.
    arrived: Arc<Notify>,
    /// Whether notifications come through.
    hearing: watch::Sender<bool>,
}

/// Tells other processes that something was committed, once for all that came together meanwhile.
async fn tell(database: Weak<Database>, to_tell: Arc<Notify>, own: String, mut closed: watch::Receiver<()>) {
    let mut storm = Storm::of(TOLD_STORM);
    loop {
        tokio::select! {
            () = to_tell.notified() => {}
            _ = closed.changed() => return,
        }
        let Some(database) = database.upgrade() else { return };
        // Best effort by design: those who look by themselves see the change, too.
        if let Err(fault) = notify(&database, &own).await {
            tracing::debug!(?fault, "other processes will notice changes a little later");
        }
        drop(database);
        if storm.rages(1) {
            tokio::time::sleep(STORM_GAP).await;
        }
    }
}

async fn notify(database: &Database, payload: &str) -> Result<()> {
    // A notification is a transaction, which would wait for the disk before anybody hears of it.
    let quickly = "SELECT set_config('synchronous_commit', 'off', true), pg_notify('upnext.changes', $1)";
    let connection = database.connection().await?;
    connection.all(quickly, params![payload]).await.map(drop)
}

/// Listens, and connects again for as long as it takes.
async fn listen(database: Weak<Database>, ears: Ears, heard: Heard, mut closed: watch::Receiver<()>) {
    let mut wait = FIRST_WAIT;
    loop {
        let ended = tokio::select! {
            ended = listen_once(&database, &ears, &heard) => ended,
            _ = closed.changed() => return,
        };
        let was_hearing = heard.hearing.send_replace(false);
        match ended {
            Ok(Deaf) => {
                tracing::info!(
                    "a pooler is between this process and PostgreSQL: changes of others are looked for"
                );
                return;
            }
            Err(fault) => tracing::debug!(?fault, "the connection that listens is gone"),
        }
        wait = if was_hearing { FIRST_WAIT } else { (wait * 2).min(LONGEST_WAIT) };
        tokio::select! {
            () = tokio::time::sleep(wait) => {}
            _ = closed.changed() => return,
        }
    }
}

/// Notifications do not come through.
struct Deaf;

async fn listen_once(database: &Weak<Database>, ears: &Ears, heard: &Heard) -> Result<Deaf> {
    let (client, mut connection) = ears.config.connect(ears.tls.clone()).await?;
    let (words, mut inbox) = mpsc::unbounded_channel();
    // Ends with the client, which this function holds.
    let driving = async move {
        let mut messages = futures::stream::poll_fn(|context| connection.poll_message(context));
        while let Some(message) = messages.next().await {
            if let AsyncMessage::Notification(word) = message? {
                let _ = words.send(word.payload().to_owned());
            }
        }
        Ok::<(), Fault>(())
    };
    let listening = async {
        let Some(held) = database.upgrade() else { return Ok(Deaf) };
        client.batch_execute(&held.text("LISTEN \"upnext.changes\"")).await?;
        let echo = format!("echo {}", heard.own);
        notify(&held, &echo).await?;
        let signals = Arc::clone(&held.signals);
        drop(held);
        let echoed = async {
            while let Some(word) = inbox.recv().await {
                if word == echo {
                    return true;
                }
            }
            false
        };
        if !tokio::time::timeout(ECHO_PATIENCE, echoed).await.unwrap_or(false) {
            return Ok(Deaf);
        }
        heard.hearing.send_replace(true);
        // Whatever happened while nobody listened.
        signals.changed_elsewhere();
        hear(&signals, &mut inbox, heard).await;
        Err(Fault::Lost("the connection that listens was closed".into()))
    };
    tokio::select! {
        ended = driving => ended.and(Err(Fault::Lost("the connection that listens was closed".into()))),
        ended = listening => ended,
    }
}

async fn hear(signals: &Signals, inbox: &mut mpsc::UnboundedReceiver<String>, heard: &Heard) {
    let mut storm = Storm::of(HEARD_STORM);
    while let Some(first) = inbox.recv().await {
        let mut words = vec![first];
        while let Ok(word) = inbox.try_recv() {
            words.push(word);
        }
        let foreign = words.iter().any(|word| is_foreign(word, &heard.own));
        if words.iter().any(|word| word == SUBMITTED) {
            heard.arrived.notify_one();
        }
        if foreign {
            signals.changed_elsewhere();
            if storm.rages(words.len()) {
                tokio::time::sleep(STORM_GAP).await;
            }
        }
    }
}

fn is_foreign(word: &str, own: &str) -> bool {
    word != own && !word.starts_with("echo ")
}

/// Looks at the last change from time to time, and takes in jobs of transactions.
async fn look(
    database: Weak<Database>,
    mut hearing: watch::Receiver<bool>,
    arrived: Arc<Notify>,
    mut closed: watch::Receiver<()>,
) {
    let mut seen = None;
    loop {
        let patience = if *hearing.borrow_and_update() { SAFETY_POLL } else { BLIND_POLL };
        tokio::select! {
            () = tokio::time::sleep(patience.mul_f64(0.75 + fastrand::f64() / 2.0)) => {}
            () = arrived.notified() => tokio::time::sleep(INTAKE_SPREAD.mul_f64(fastrand::f64())).await,
            Ok(()) = hearing.changed() => continue,
            _ = closed.changed() => return,
        }
        let Some(database) = database.upgrade() else { return };
        if let Err(error) = transactions::receive(&database).await {
            tracing::debug!(%error, "jobs of transactions will show up in streams a little later");
        }
        if let Ok(last) = last_change(&database).await {
            if seen.is_some_and(|seen| seen != last) {
                database.signals.changed_elsewhere();
            }
            seen = Some(last);
        }
    }
}

async fn last_change(database: &Database) -> Result<i64> {
    let connection = database.connection().await?;
    Ok(connection.one(include_str!("../queries/last_change.sql"), &[]).await?.try_get(0)?)
}
