//! The group-commit lane: one thread owns the writing connection; whatever its callers ask for while one transaction
//! is being made durable goes into the next one together.
//!
//! So many callers share one fsync, and nobody ever waits for company: an idle lane takes a single request at once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::Duration;

use rusqlite::Connection;
use tokio::sync::oneshot;
use upnext_core::insight::EndTally;
use upnext_core::settings::Durability;
use upnext_core::{BackendError, Clock, JobId, Signals, Timestamp, fault};

use crate::connection::{self, Result, explain};
use crate::filing::{self, MOST_UNFILED};
use crate::fork::NoFork;
use crate::log_room::LogRoom;
use crate::search;
use crate::shelves::{self, LOAD, LONG_STEP, Load, PLACES_PER_RECORD};
use crate::wake::WakeFile;

/// Most requests in one transaction. Bounds how long the first of them waits for the last.
const MAX_BATCH: usize = 512;

/// How long nobody asks for anything before the lane counts as idle.
const IDLE_AFTER: Duration = Duration::from_millis(150);

/// How long nobody asks for anything before a piece of room is made in the log: so long can other processes write in between.
const ROOM_PAUSE: Duration = Duration::from_millis(5);

/// Whether a request has to survive power loss before it is acknowledged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Promise {
    /// It has: jobs, outcomes, artifacts.
    Durable,
    /// It has not: losing a claim, a renewal or a step of progress only means that the job runs again. Later durable
    /// commits carry it along, since the log is written in order.
    Soft,
}

/// What a request sees while it runs: the connection inside the transaction, and what is to be told after the commit.
pub(crate) struct Transaction<'a> {
    pub(crate) connection: &'a Connection,
    /// The moment of this transaction.
    pub(crate) now: Timestamp,
    /// The ends that this transaction has seen.
    pub(crate) tally: EndTally,
    /// Artifacts that are being put on the shelves. Forgotten if this transaction is undone.
    pub(crate) load: Option<Load>,
    change: i64,
    effects: Effects,
}

/// What a commit means to sleepers in this and other processes.
#[derive(Default)]
struct Effects {
    finished: Vec<JobId>,
    work: bool,
    /// Another process committed something that this one has not heard of.
    foreign: bool,
    /// Artifacts that are still to be filed, put on the shelves and into the search index.
    recorded: usize,
}

impl Transaction<'_> {
    /// The number of the next step in the life of any job.
    pub(crate) fn next_change(&mut self) -> i64 {
        self.change += 1;
        self.change
    }

    /// Notes that a job reached a final status.
    pub(crate) fn finished(&mut self, job: JobId) {
        self.effects.finished.push(job);
    }

    /// Notes that an artifact was recorded, for which something is left to do that nobody waits for.
    pub(crate) fn recorded_artifact(&mut self) {
        self.effects.recorded += 1;
    }

    /// Notes that jobs may have become claimable, or will at a new moment.
    pub(crate) fn work_available(&mut self) {
        self.effects.work = true;
    }
}

/// A request that can be run again if the transaction it shared with others had to be undone.
trait Request: Send {
    fn promise(&self) -> Promise;
    fn run(&mut self, transaction: &mut Transaction<'_>) -> Result<()>;
    fn answer(self: Box<Self>, committed: Result<()>);
}

struct Call<T, F> {
    promise: Promise,
    verb: F,
    value: Option<T>,
    reply: oneshot::Sender<Result<T>>,
}

impl<T, F> Request for Call<T, F>
where
    T: Send,
    F: FnMut(&mut Transaction<'_>) -> rusqlite::Result<T> + Send,
{
    fn promise(&self) -> Promise {
        self.promise
    }

    fn run(&mut self, transaction: &mut Transaction<'_>) -> Result<()> {
        self.value = Some((self.verb)(transaction).map_err(|error| explain(&error))?);
        Ok(())
    }

    fn answer(self: Box<Self>, committed: Result<()>) {
        let nothing = || BackendError::Unexpected("a request was committed without having run".into());
        let Self { value, reply, .. } = *self;
        // Whoever asked may have gone away; the work is done all the same.
        let _ = reply.send(committed.and_then(|()| value.ok_or_else(nothing)));
    }
}

/// The handle on the lane. Dropping the last one ends the thread.
#[derive(Debug, Clone)]
pub(crate) struct Lane {
    requests: mpsc::Sender<Box<dyn Request>>,
}

impl Lane {
    /// Starts the thread. `known` is the number of the last change that this process has made or heard of.
    pub(crate) fn start(
        path: &Path,
        durability: Durability,
        clock: Arc<dyn Clock>,
        signals: Arc<Signals>,
        wake: WakeFile,
        known: Arc<AtomicI64>,
    ) -> Result<Self> {
        let connection = connection::open_writer(path)?;
        let (requests, inbox) = mpsc::channel();
        let mut writer = Writer {
            connection,
            durability,
            synchronous: None,
            clock,
            signals,
            wake,
            known,
            // Another process may have left some.
            leftovers: true,
            unfiled: 0,
            unshelved: 0,
            load: None,
            room: LogRoom::of(path),
        };
        std::thread::Builder::new()
            .name("upnext-sqlite-writer".into())
            .spawn(move || writer.serve(&inbox))
            .map_err(|error| BackendError::Unavailable(format!("cannot start a thread: {error}")))?;
        Ok(Self { requests })
    }

    /// Runs `verb` inside a transaction and answers when that is committed. `verb` may be run again, so it must
    /// depend on nothing that it changes outside the database.
    pub(crate) async fn write<T, F>(&self, promise: Promise, verb: F) -> Result<T>
    where
        T: Send + 'static,
        F: FnMut(&mut Transaction<'_>) -> rusqlite::Result<T> + Send + 'static,
    {
        let gone = || BackendError::Unavailable("the writer has stopped".into());
        let (reply, answer) = oneshot::channel();
        self.requests.send(Box::new(Call { promise, verb, value: None, reply })).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

/// The thread's own state.
struct Writer {
    connection: Connection,
    durability: Durability,
    synchronous: Option<Promise>,
    clock: Arc<dyn Clock>,
    signals: Arc<Signals>,
    wake: WakeFile,
    known: Arc<AtomicI64>,
    /// Whether there may be work that nobody waits for.
    leftovers: bool,
    /// Artifacts recorded here since the last filing.
    unfiled: usize,
    /// Artifacts recorded here that are not on the shelves, but for those that others put there.
    unshelved: usize,
    /// A load on its way there.
    load: Option<Load>,
    room: LogRoom,
}

impl Writer {
    fn serve(&mut self, inbox: &mpsc::Receiver<Box<dyn Request>>) {
        loop {
            let first = if self.room.is_wanted() {
                inbox.recv_timeout(ROOM_PAUSE)
            } else if self.leftovers {
                inbox.recv_timeout(IDLE_AFTER)
            } else {
                inbox.recv().map_err(Into::into)
            };
            match first {
                Ok(first) => {
                    let mut batch = vec![first];
                    batch.extend(inbox.try_iter().take(MAX_BATCH - 1));
                    self.commit_together(batch);
                    self.room.ask();
                    if self.unfiled >= MOST_UNFILED {
                        self.keep_up();
                    }
                }
                Err(RecvTimeoutError::Timeout) => self.tidy(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Does what cannot wait for an idle moment any longer.
    fn keep_up(&mut self) {
        let recorded = std::mem::take(&mut self.unfiled);
        self.do_some(|transaction| filing::file_some(transaction));
        if self.unshelved >= LOAD || self.load.is_some() {
            self.do_some(move |transaction| shelves::shelve_some(transaction, PLACES_PER_RECORD * recorded));
            if self.load.is_none() {
                self.unshelved = self.unshelved.saturating_sub(LOAD);
            }
        }
    }

    /// Does a piece of the work that waits for an idle moment.
    fn tidy(&mut self) {
        if self.room.is_wanted() {
            return self.make_room();
        }
        self.unfiled = 0;
        self.leftovers = self.do_some(|transaction| filing::file_some(transaction))
            || self.do_some(|transaction| shelves::shelve_some(transaction, LONG_STEP));
        if !self.leftovers {
            self.unshelved = 0;
            self.leftovers = self.do_some(|transaction| search::index_some(transaction));
        }
    }

    fn make_room(&mut self) {
        let _no_fork = NoFork::now();
        match self.execute("BEGIN IMMEDIATE") {
            Ok(()) => self.room.make_some(),
            Err(_) => self.room.do_without(),
        }
        // Nothing was written; and if this fails, so will the next request, whose caller is told why.
        let _ = self.execute("ROLLBACK");
    }

    /// Does a piece of the work that nobody waits for. True when there may be more.
    fn do_some(
        &mut self,
        verb: impl FnMut(&mut Transaction<'_>) -> rusqlite::Result<bool> + Send + 'static,
    ) -> bool {
        let (reply, mut answer) = oneshot::channel();
        self.commit_together(vec![Box::new(Call { promise: Promise::Soft, verb, value: None, reply })]);
        // Whatever is wrong, those who ask for something will hear of it.
        matches!(answer.try_recv(), Ok(Ok(true)))
    }

    fn commit_together(&mut self, mut batch: Vec<Box<dyn Request>>) {
        let outcome = self.transact(&mut batch);
        if outcome.is_ok() || batch.len() == 1 {
            return self.tell(batch, outcome);
        }
        // One request failed and took the others with it: run each by itself, so that only the culprit sees the error.
        for request in batch {
            let mut alone = vec![request];
            let outcome = self.transact(&mut alone);
            self.tell(alone, outcome);
        }
    }

    /// Tells everybody what came of a transaction. Each wake-up of a core that sleeps costs this thread some 20 µs and whoever is
    /// woken 50, so those come first who have the longest way: other processes, then whoever asked, then sleepers in this one.
    fn tell(&self, batch: Vec<Box<dyn Request>>, outcome: Result<Effects>) {
        if outcome.as_ref().is_ok_and(|effects| effects.work || !effects.finished.is_empty()) {
            self.wake.touch();
        }
        let committed = outcome.as_ref().map(|_| ()).map_err(Clone::clone);
        for request in batch {
            request.answer(committed.clone());
        }
        let Ok(effects) = outcome else { return };
        self.signals.jobs_finished(effects.finished.into());
        if effects.foreign {
            self.signals.changed_elsewhere();
        } else if effects.work {
            self.signals.work_available();
        }
    }

    fn transact(&mut self, batch: &mut [Box<dyn Request>]) -> Result<Effects> {
        let _no_fork = NoFork::now();
        let durable = batch.iter().any(|request| request.promise() == Promise::Durable);
        let ran = catch_unwind(AssertUnwindSafe(|| self.run_and_commit(batch, durable)));
        let outcome = ran.unwrap_or_else(|_| Err(BackendError::Unexpected("a request panicked".into())));
        match outcome {
            Ok(effects) => {
                self.unfiled += effects.recorded;
                self.unshelved += effects.recorded;
                self.leftovers |= effects.recorded > 0;
                Ok(effects)
            }
            Err(error) => {
                // After some errors SQLite has rolled back by itself; then this one fails and changes nothing.
                let _ = self.connection.execute_batch("ROLLBACK");
                Err(error)
            }
        }
    }

    fn run_and_commit(&mut self, batch: &mut [Box<dyn Request>], durable: bool) -> Result<Effects> {
        self.set_synchronous(if durable { Promise::Durable } else { Promise::Soft })?;
        self.execute("BEGIN IMMEDIATE")?;
        let before = self.last_change()?;
        let mut transaction = Transaction {
            connection: &self.connection,
            now: self.clock.now(),
            tally: EndTally::default(),
            load: self.load.take(),
            change: before,
            effects: Effects { foreign: before > self.known.load(Ordering::SeqCst), ..Effects::default() },
        };
        for request in batch {
            request.run(&mut transaction)?;
        }
        let Transaction { change, effects, tally, load, .. } = transaction;
        crate::insights::write(&tally, &self.connection).map_err(|error| explain(&error))?;
        if effects.foreign {
            self.known.store(before, Ordering::SeqCst);
        }
        if change != before {
            self.connection
                .prepare_cached(include_str!("../queries/last_change_set.sql"))
                .and_then(|mut statement| statement.execute([change]))
                .map_err(|error| explain(&error))?;
            // Before the commit, so that the watcher of foreign changes never takes this one for foreign.
            self.known.store(change, Ordering::SeqCst);
        }
        fault::point("committing");
        // After a failed commit these numbers are free again, for other processes too.
        self.execute("COMMIT").inspect_err(|_| self.known.store(before, Ordering::SeqCst))?;
        fault::point("committed");
        self.load = load;
        Ok(effects)
    }

    fn last_change(&self) -> Result<i64> {
        self.connection
            .prepare_cached(include_str!("../queries/last_change.sql"))
            .and_then(|mut statement| statement.query_row([], |row| row.get(0)))
            .map_err(|error| explain(&error))
    }

    /// FULL syncs the log on every commit, NORMAL only at checkpoints. Cannot be changed inside a transaction.
    fn set_synchronous(&mut self, promise: Promise) -> Result<()> {
        let promise = if self.durability == Durability::Relaxed { Promise::Soft } else { promise };
        if self.synchronous == Some(promise) {
            return Ok(());
        }
        self.execute(match promise {
            Promise::Durable => "PRAGMA synchronous = FULL",
            Promise::Soft => "PRAGMA synchronous = NORMAL",
        })?;
        self.synchronous = Some(promise);
        Ok(())
    }

    fn execute(&self, sql: &'static str) -> Result<()> {
        self.connection
            .prepare_cached(sql)
            .and_then(|mut statement| statement.raw_execute().map(|_| ()))
            .map_err(|error| explain(&error))
    }
}
