//! Wake-ups across processes: a small file beside the database that every process touches after a commit the others
//! may care about, and watches for the others' touches.
//!
//! The file's content means nothing and losing a touch loses nothing: whoever wakes reads the database, and a slow
//! poll stands behind the watch (some file systems report nothing).

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use notify::{RecursiveMode, Watcher as _};
use rusqlite::Connection;
use upnext_core::{Signals, Storm};

use crate::connection::beside;
use crate::readers::Readers;

/// How often the database is looked at when no touch was seen: behind a working watch, and without one.
const SAFETY_POLL: Duration = Duration::from_secs(2);
const BLIND_POLL: Duration = Duration::from_millis(50);

/// Touches within [`Storm::WINDOW`] that are a storm, and how long to rest between two looks of one, so that it costs little.
const STORM: u32 = 40;
const STORM_GAP: Duration = Duration::from_micros(250);

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
    beside(database, "-wake")
}

/// Turns other processes' commits into signals until `signals` is dropped.
///
/// `known` is the number of the last change that this process has made or heard of: only later ones are news.
pub(crate) fn watch(database: &Path, readers: Readers, signals: &Arc<Signals>, known: Arc<AtomicI64>) {
    let lookout = Arc::new(Lookout { signals: Arc::downgrade(signals), known, readers });
    let watcher = watch_touches(database, Arc::clone(&lookout))
        .inspect_err(
            |error| tracing::debug!(%error, "cannot watch the wake file; looking at the database instead"),
        )
        .ok();
    let patience = if watcher.is_some() { SAFETY_POLL } else { BLIND_POLL };
    let spawned = std::thread::Builder::new().name("upnext-sqlite-wake".into()).spawn(move || {
        let _watcher = watcher;
        while lookout.look() {
            std::thread::sleep(patience);
        }
    });
    if let Err(error) = spawned {
        tracing::warn!(%error, "cannot start the thread that notices other processes' changes");
    }
}

/// Looks at every touch, on the watcher's own thread: handing it to another would cost the wait for that one to wake.
fn watch_touches(database: &Path, lookout: Arc<Lookout>) -> notify::Result<notify::RecommendedWatcher> {
    let mut storm = Storm::of(STORM);
    let mut watcher = notify::recommended_watcher(move |event: notify::Result<notify::Event>| {
        if event.is_ok_and(|event| event.kind.is_access()) {
            return;
        }
        lookout.look();
        if storm.rages(1) {
            // Touches that come meanwhile become one.
            std::thread::sleep(STORM_GAP);
        }
    })?;
    watcher.watch(&wake_path(database), RecursiveMode::NonRecursive)?;
    Ok(watcher)
}

/// Who looks whether another process committed.
struct Lookout {
    signals: Weak<Signals>,
    known: Arc<AtomicI64>,
    readers: Readers,
}

impl Lookout {
    /// Signals when there is a change by another process. False when nobody listens any more.
    fn look(&self) -> bool {
        let Some(signals) = self.signals.upgrade() else { return false };
        // A database that cannot be read is looked at again, and whoever waits for it hears why when reading it himself.
        if let Ok(change) = self.readers.look_up_now(last_change) {
            // The writer, too, tells of changes that it is the first to see.
            if change > self.known.fetch_max(change, Ordering::SeqCst) {
                signals.changed_elsewhere();
            }
        }
        true
    }
}

fn last_change(connection: &Connection) -> rusqlite::Result<i64> {
    connection.prepare_cached(include_str!("../queries/last_change.sql"))?.query_row([], |row| row.get(0))
}
