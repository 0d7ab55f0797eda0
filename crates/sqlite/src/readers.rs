//! Reading: a few connections, used on blocking threads so that a long listing never holds up the runtime. A few rows by
//! key are read where they are asked for: to hand such a read to another thread and back takes several times as long.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::{Semaphore, SemaphorePermit};
use upnext_core::BackendError;

use crate::connection::{self, Result, explain};
use crate::fork::NoFork;

/// Most reads at once. More would only take turns on the same few cores.
const MAX_READERS: usize = 4;

/// Most rows that are read without another thread: some tens of microseconds.
pub(crate) const FEW: usize = 16;

/// A pool of reading connections. Cheap to clone.
#[derive(Debug, Clone)]
pub(crate) struct Readers {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    path: PathBuf,
    turns: Semaphore,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    /// A pool over this file. Opens one connection, so that a file that cannot be read is noticed here.
    pub(crate) fn open(path: &Path) -> Result<Self> {
        let first = connection::open_reader(path)?;
        let shared = Shared {
            path: path.to_owned(),
            turns: Semaphore::new(MAX_READERS),
            idle: Mutex::new(vec![first]),
        };
        Ok(Self { shared: Arc::new(shared) })
    }

    /// Runs `query` on a reading connection. It sees everything that was committed before the call.
    pub(crate) async fn read<T, F>(&self, query: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    {
        let shared = Arc::clone(&self.shared);
        let _turn = self.turn().await?;
        let joined = tokio::task::spawn_blocking(move || shared.read(query));
        joined.await.map_err(|_| BackendError::Unavailable("a read was interrupted".into()))?
    }

    /// The same for at most [`FEW`] rows that are found by a key, on the thread that asks.
    pub(crate) async fn look_up<T>(
        &self,
        query: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send,
    ) -> Result<T> {
        let _turn = self.turn().await?;
        self.shared.read(query)
    }

    /// The same for a thread of its own.
    pub(crate) fn look_up_now<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        self.shared.read(query)
    }

    async fn turn(&self) -> Result<SemaphorePermit<'_>> {
        let stopped = |_| BackendError::Unavailable("the readers have stopped".into());
        self.shared.turns.acquire().await.map_err(stopped)
    }
}

/// Runs `query` inside one transaction, so that its statements all see the same moment.
fn snapshot<T>(connection: &Connection, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
    let run = || {
        let transaction = connection.unchecked_transaction()?;
        let answer = query(&transaction)?;
        transaction.finish()?;
        Ok(answer)
    };
    run().map_err(|error: rusqlite::Error| explain(&error))
}

impl Shared {
    fn read<T>(&self, query: impl FnOnce(&Connection) -> rusqlite::Result<T>) -> Result<T> {
        let _no_fork = NoFork::now();
        let connection = self.take()?;
        let answer = snapshot(&connection, query);
        self.give_back(connection);
        answer
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Connection>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn take(&self) -> Result<Connection> {
        let idle = self.lock().pop();
        idle.map_or_else(|| connection::open_reader(&self.path), Ok)
    }

    fn give_back(&self, connection: Connection) {
        self.lock().push(connection);
    }
}
