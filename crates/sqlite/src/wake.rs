//! Wake-ups across processes: a small file beside the database that every process touches after a commit the others
//! may care about, and watches for the others' touches.
//!
//! The file's content means nothing and losing a touch loses nothing: whoever wakes reads the database, and a slow
//! poll stands behind the watch (some file systems report nothing).

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Weak};
use std::time::Duration;

use notify::{RecursiveMode, Watcher as _};
use rusqlite::Connection;
use upnext_core::Signals;

use crate::fork::NoFork;

/// How often the database is looked at when no touch was seen: behind a working watch, and without one.
const SAFETY_POLL: Duration = Duration::from_secs(2);
const BLIND_POLL: Duration = Duration::from_millis(50);

/// Shortest time between two looks, so that a storm of touches costs little.
const SHORTEST_GAP: Duration = Duration::from_micros(250);

/// The end that tells other processes.
#[derive(Debug)]
pub(crate) struct WakeFile(Option<File>);

impl WakeFile {
    /// Opens (and if need be makes) the file that belongs to this database.
    pub(crate) fn open(database: &Path) -> Self {
        let mut options = std::fs::OpenOptions::new();
        options.write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let opened = options.open(wake_path(database));
        if let Err(error) = &opened {
            tracing::warn!(%error, "cannot open the wake file; other processes will notice changes a little later");
        }
        Self(opened.ok())
    }

    /// Wakes the watchers of every other process.
    pub(crate) fn touch(&self) {
        use std::io::{Seek, SeekFrom, Write};
        if let Some(mut file) = self.0.as_ref() {
            // Best effort by design: the pollers behind the watch see the change too.
            let _ = file.seek(SeekFrom::Start(0)).and_then(|_| file.write_all(b"!"));
        }
    }
}

fn wake_path(database: &Path) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push("-wake");
    PathBuf::from(name)
}

/// Starts the thread that turns other processes' commits into signals. It ends when `signals` is dropped.
///
/// `written` is the number of the last change this process made itself: only later ones are foreign.
pub(crate) fn watch(database: &Path, reader: Connection, signals: &Arc<Signals>, written: Arc<AtomicI64>) {
    let (touches, inbox) = mpsc::sync_channel::<()>(1);
    let path = wake_path(database);
    let watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|event| !event.kind.is_access()) {
            // A full channel means that a look is due anyway.
            let _ = touches.try_send(());
        }
    })
    .and_then(|mut watcher| watcher.watch(&path, RecursiveMode::NonRecursive).map(|()| watcher));
    let watcher = watcher
        .inspect_err(
            |error| tracing::debug!(%error, "cannot watch the wake file; looking at the database instead"),
        )
        .ok();
    let patience = if watcher.is_some() { SAFETY_POLL } else { BLIND_POLL };
    let signals = Arc::downgrade(signals);
    let spawned = std::thread::Builder::new().name("upnext-sqlite-wake".into()).spawn(move || {
        let _watcher = watcher;
        look_on_touch(&reader, &inbox, patience, &signals, &written);
    });
    if let Err(error) = spawned {
        tracing::warn!(%error, "cannot start the thread that notices other processes' changes");
    }
}

fn look_on_touch(
    reader: &Connection,
    inbox: &mpsc::Receiver<()>,
    patience: Duration,
    signals: &Weak<Signals>,
    written: &AtomicI64,
) {
    let mut seen = last_change(reader).unwrap_or(0);
    loop {
        let touched = inbox.recv_timeout(patience);
        let Some(signals) = signals.upgrade() else { return };
        if let Some(change) = last_change(reader) {
            seen = seen.max(written.load(Ordering::SeqCst));
            if change > seen {
                seen = change;
                signals.changed_elsewhere();
            }
        }
        match touched {
            Ok(()) => std::thread::sleep(SHORTEST_GAP),
            // Without a watcher the channel has no sender: keep the pace of the blind poll.
            Err(RecvTimeoutError::Disconnected) => std::thread::sleep(BLIND_POLL),
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

fn last_change(reader: &Connection) -> Option<i64> {
    let _no_fork = NoFork::now();
    let mut statement = reader.prepare_cached(include_str!("../queries/last_change.sql")).ok()?;
    statement.query_row([], |row| row.get(0)).ok()
}
