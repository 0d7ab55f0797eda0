//! Connections to the server: a pool, statements in the schema's name, and what a transaction collects until it commits.

use std::borrow::Cow;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use deadpool_postgres::{Object, Pool};
use tokio::sync::{Notify, OnceCell, Semaphore};
use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Row, Statement};
use upnext_core::insight::EndTally;
use upnext_core::settings::Durability;
use upnext_core::{Clock, JobId, Signals, Timestamp, fault};
use uuid::Uuid;

use crate::faults::{Fault, Result};
use crate::insights::TallyColumns;
use crate::params::{Param, params};
use crate::plans::Plans;

/// How long one statement may take before its connection counts as lost.
const STATEMENT_PATIENCE: Duration = Duration::from_secs(60);

/// How often a verb is run again because it met another transaction.
const MOST_TRIES: u32 = 20;

/// For how long, and how often at most, a verb looks for a connection that works, after one that did not. Callers have more
/// patience; this is for connections that broke while nobody used them.
const LOST_PATIENCE: Duration = Duration::from_secs(1);
const MOST_LOST: u32 = 5;

/// What all verbs share.
#[derive(Debug)]
pub(crate) struct Database {
    pub(crate) pool: Pool,
    pub(crate) schema: String,
    /// `None`: the server's own.
    pub(crate) clock: Option<Arc<dyn Clock>>,
    pub(crate) durability: Durability,
    /// Statements are not kept on the server.
    pub(crate) unnamed: AtomicBool,
    /// When statements got the plans that they have.
    pub(crate) plans: Plans,
    /// Which deployment this is, once somebody asked.
    pub(crate) deployment: OnceCell<Uuid>,
    /// Places for submissions that wait for a key which somebody else's transaction holds.
    pub(crate) waiting: Semaphore,
    pub(crate) signals: Arc<Signals>,
    /// Wakes whoever tells other processes.
    pub(crate) to_tell: Arc<Notify>,
}

/// Whether an answer has to wait until it would survive a crash of the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Promise {
    /// It has: jobs, outcomes, artifacts.
    Durable,
    /// It has not: losing a claim, a renewal or a step of progress only means that the job runs again. Later durable
    /// commits carry it along, since the log is written in order.
    Soft,
}

/// Commits everything before it for good: the log is written in order, so one more entry that waits for the disk (and for
/// synchronous standbys) makes all earlier ones durable. The transactions themselves do not wait, because they hold the
/// order of changes until they are done.
const BARRIER: &str = "SELECT CASE WHEN current_setting('synchronous_commit') = 'off' \
    THEN set_config('synchronous_commit', 'on', true) END, pg_logical_emit_message(true, 'upnext', '')";

impl Database {
    /// The moment by the clock of the caller's choice, if there is one.
    pub(crate) fn given_now(&self) -> Option<i64> {
        self.clock.as_ref().map(|clock| clock.now().as_micros())
    }

    /// A statement in the name of this schema.
    pub(crate) fn text<'a>(&self, sql: &'a str) -> Cow<'a, str> {
        if self.schema == crate::location::DEFAULT_SCHEMA {
            Cow::Borrowed(sql)
        } else {
            Cow::Owned(sql.replace("upnext.", &format!("{}.", self.schema)))
        }
    }

    pub(crate) async fn connection(&self) -> Result<Connection<'_>> {
        Ok(Connection { object: Some(self.pool.get().await?), database: self })
    }

    /// A transaction that writes; its first statement, if one is given, is on its way together with the beginning.
    pub(crate) async fn begin_with(&self, first: Option<First<'_>>) -> Result<(Transaction<'_>, Vec<Row>)> {
        let connection = self.connection().await?;
        let given = self.given_now();
        let moment = match given {
            Some(_) => None,
            None => Some(connection.prepare("SELECT upnext.moment()", &[]).await?),
        };
        let statement = match first {
            Some((sql, params)) => Some((connection.prepare(sql, params).await?, params)),
            None => None,
        };
        let mut transaction = Transaction::beginning(connection);
        let connection = &transaction.connection;
        let (begun, now, rows) = futures::join!(
            connection.execute("BEGIN; SET LOCAL synchronous_commit = off"),
            async {
                match &moment {
                    Some(moment) => Ok(one(connection.run(moment, &[]).await?)?.try_get(0)?),
                    None => Ok(given.unwrap_or_default()),
                }
            },
            async {
                match &statement {
                    Some((statement, params)) => connection.run(statement, params).await,
                    None => Ok(Vec::new()),
                }
            },
        );
        let now: Result<i64> = now;
        begun?;
        transaction.now = Timestamp::from_micros(now?);
        Ok((transaction, rows?))
    }

    /// A transaction whose statements all see the same moment.
    pub(crate) async fn snapshot(&self) -> Result<Transaction<'_>> {
        let mut transaction = Transaction::beginning(self.connection().await?);
        transaction.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY").await?;
        let now = match self.given_now() {
            Some(now) => now,
            None => transaction.one("SELECT upnext.moment()", &[]).await?.try_get(0)?,
        };
        transaction.now = Timestamp::from_micros(now);
        Ok(transaction)
    }

    /// What makes durable everything that was committed before; nothing where nobody asked for it.
    pub(crate) fn barrier(&self) -> Option<&'static str> {
        (self.durability == Durability::Full).then_some(BARRIER)
    }

    /// Lets sleepers of this and other processes know of a commit.
    pub(crate) fn tell(&self, effects: Effects) {
        let of_interest_elsewhere = effects.work || !effects.finished.is_empty() || effects.changed;
        self.signals.jobs_finished(effects.finished.into());
        if effects.work {
            self.signals.work_available();
        }
        if of_interest_elsewhere {
            self.to_tell.notify_one();
        }
    }
}

/// What a commit means to sleepers.
#[derive(Debug, Default)]
pub(crate) struct Effects {
    pub(crate) finished: Vec<JobId>,
    pub(crate) work: bool,
    pub(crate) changed: bool,
}

/// One of the pool's connections.
#[derive(Debug)]
pub(crate) struct Connection<'a> {
    object: Option<Object>,
    pub(crate) database: &'a Database,
}

/// A statement with its values.
pub(crate) type First<'a> = (&'a str, &'a [&'a dyn Param]);

/// A statement that is known to the server, or is sent along each time.
pub(crate) struct Prepared<'a> {
    text: Cow<'a, str>,
    types: Vec<Type>,
    named: Option<Statement>,
}

impl Connection<'_> {
    fn object(&self) -> Result<&Object> {
        self.object.as_ref().ok_or_else(|| Fault::Lost("the connection was given up".into()))
    }

    /// Closes it instead of giving it back.
    pub(crate) fn give_up(&mut self) {
        if let Some(object) = self.object.take() {
            drop(Object::take(object));
        }
    }

    pub(crate) async fn prepare<'a>(&self, sql: &'a str, params: &[&dyn Param]) -> Result<Prepared<'a>> {
        let types: Vec<Type> = params.iter().map(|param| param.kind()).collect();
        let text = self.database.text(sql);
        let named = if self.database.unnamed.load(Ordering::Relaxed) {
            None
        } else {
            Some(self.object()?.prepare_typed_cached(&text, &types).await?)
        };
        Ok(Prepared { text, types, named })
    }

    /// Sends a statement at once when it is first polled, so that several can be on their way together.
    pub(crate) async fn run(&self, statement: &Prepared<'_>, params: &[&dyn Param]) -> Result<Vec<Row>> {
        let object = self.object()?;
        let begun = Instant::now();
        let plain: Vec<&(dyn ToSql + Sync)> =
            params.iter().map(|param| *param as &(dyn ToSql + Sync)).collect();
        let answer = async {
            match &statement.named {
                Some(named) => object.query(named, &plain).await,
                None => {
                    let typed: Vec<_> = plain.into_iter().zip(statement.types.iter().cloned()).collect();
                    object.query_typed(&statement.text, &typed).await
                }
            }
        };
        let Ok(rows) = tokio::time::timeout(STATEMENT_PATIENCE, answer).await else {
            return Err(Fault::Lost(format!("PostgreSQL did not answer within {STATEMENT_PATIENCE:?}")));
        };
        if statement.named.is_some() && self.database.plans.has_outlived(&statement.text, begun.elapsed()) {
            self.database.pool.manager().statement_caches.remove(&statement.text, &statement.types);
        }
        Ok(rows?)
    }

    pub(crate) async fn all(&self, sql: &str, params: &[&dyn Param]) -> Result<Vec<Row>> {
        let statement = self.prepare(sql, params).await?;
        self.run(&statement, params).await
    }

    /// A statement, and right behind it others without values: they are on their way together.
    pub(crate) async fn all_then(
        &self,
        sql: &str,
        params: &[&dyn Param],
        then: Option<&str>,
    ) -> Result<Vec<Row>> {
        let statement = self.prepare(sql, params).await?;
        let Some(then) = then else { return self.run(&statement, params).await };
        let (rows, done) = futures::join!(self.run(&statement, params), self.execute(then));
        done.and(rows)
    }

    pub(crate) async fn optional(&self, sql: &str, params: &[&dyn Param]) -> Result<Option<Row>> {
        Ok(self.all(sql, params).await?.into_iter().next())
    }

    pub(crate) async fn one(&self, sql: &str, params: &[&dyn Param]) -> Result<Row> {
        one(self.all(sql, params).await?)
    }

    /// Runs statements without values, all in one message.
    pub(crate) async fn execute(&self, sql: &str) -> Result<()> {
        Ok(self.object()?.batch_execute(&self.database.text(sql)).await?)
    }
}

fn one(rows: Vec<Row>) -> Result<Row> {
    rows.into_iter().next().ok_or_else(|| Fault::unexpected("a row is missing"))
}

/// A transaction under way. Dropped without a commit it is undone.
pub(crate) struct Transaction<'a> {
    connection: Connection<'a>,
    /// The moment of this transaction.
    pub(crate) now: Timestamp,
    /// The ends that this transaction has seen.
    pub(crate) tally: EndTally,
    /// Jobs that took a step, in the order of the steps.
    changed: Vec<i64>,
    effects: Effects,
    is_open: bool,
}

impl<'a> std::ops::Deref for Transaction<'a> {
    type Target = Connection<'a>;

    fn deref(&self) -> &Connection<'a> {
        &self.connection
    }
}

impl Drop for Transaction<'_> {
    fn drop(&mut self) {
        if self.is_open {
            // Nobody waits for a rollback here; the server does it when the connection closes.
            self.connection.give_up();
        }
    }
}

impl<'a> Transaction<'a> {
    /// To be made before the transaction is begun: whoever asked may go away at any moment, and a connection on which it was begun
    /// must not be used by others, who would commit nothing.
    fn beginning(connection: Connection<'a>) -> Self {
        Self {
            connection,
            now: Timestamp::from_micros(0),
            tally: EndTally::default(),
            changed: Vec::new(),
            effects: Effects::default(),
            is_open: true,
        }
    }

    /// Looks at the clock again: whoever waited for a lock is later than it was when it began.
    pub(crate) async fn look_at_the_clock(&mut self) -> Result<()> {
        if self.database.given_now().is_none() {
            self.now = Timestamp::from_micros(self.one("SELECT upnext.moment()", &[]).await?.try_get(0)?);
        }
        Ok(())
    }

    /// Notes a step in the life of a job.
    pub(crate) fn changed(&mut self, job: i64) {
        self.changed.push(job);
    }

    /// Takes the order of changes until the commit, and the next `count` numbers of it. Answers the first.
    pub(crate) async fn next_changes(&mut self, count: usize) -> Result<i64> {
        self.effects.changed = true;
        let count = crate::params::count(count.max(1));
        Ok(self.one("SELECT upnext.next_changes($1)", params![count]).await?.try_get(0)?)
    }

    /// Notes that a job reached a final status.
    pub(crate) fn finished(&mut self, job: JobId) {
        self.effects.finished.push(job);
    }

    /// Notes that jobs may have become claimable, or will at a new moment.
    pub(crate) fn work_available(&mut self) {
        self.effects.work = true;
    }

    /// The steps that were noted, each job at its last.
    fn steps(&self) -> Vec<i64> {
        let mut seen = std::collections::HashSet::with_capacity(self.changed.len());
        let mut steps: Vec<i64> =
            self.changed.iter().rev().copied().filter(|job| seen.insert(*job)).collect();
        steps.reverse();
        steps
    }

    /// Commits, and tells whom it may concern.
    pub(crate) async fn commit(self, promise: Promise) -> Result<()> {
        self.end(promise).await.map_err(|fault| match fault {
            Fault::Lost(text) => Fault::Torn(text),
            other => other,
        })
    }

    async fn end(mut self, promise: Promise) -> Result<()> {
        fault::point("committing");
        let steps = self.steps();
        let database = self.connection.database;
        let durable = promise == Promise::Durable && database.durability == Durability::Full;
        let end = if durable { format!("COMMIT; {BARRIER}") } else { "COMMIT".to_owned() };
        let connection = &self.connection;
        let note = params![steps];
        let note_sql = "SELECT upnext.note_changes($1)";
        let tally = TallyColumns::of(&self.tally);
        let tally_params = tally.params();
        // All on their way together: when one fails, the commit undoes everything.
        if steps.is_empty() && self.tally.counts().is_empty() {
            connection.execute(&end).await?;
        } else {
            let noting = connection.prepare(note_sql, note).await?;
            let counting =
                connection.prepare(include_str!("../queries/job_hours_add.sql"), &tally_params).await?;
            let (noted, counted, ended) = futures::join!(
                connection.run(&noting, note),
                async {
                    if self.tally.counts().is_empty() {
                        Ok(Vec::new())
                    } else {
                        connection.run(&counting, &tally_params).await
                    }
                },
                connection.execute(&end),
            );
            noted?;
            counted?;
            ended?;
        }
        self.is_open = false;
        fault::point("committed");
        self.effects.changed |= !steps.is_empty();
        database.tell(std::mem::take(&mut self.effects));
        Ok(())
    }

    /// Undoes everything; a connection that cannot do that is closed.
    pub(crate) async fn undo(mut self) {
        let undone = self.connection.execute("ROLLBACK").await;
        self.is_open = undone.is_err();
    }

    /// Ends a transaction that only read.
    pub(crate) async fn done(mut self) -> Result<()> {
        self.connection.execute("COMMIT").await?;
        self.is_open = false;
        Ok(())
    }
}

/// How often a verb was run again.
#[derive(Debug)]
pub(crate) struct Tries {
    begun: Instant,
    met: u32,
    lost: u32,
    unnamed: u32,
}

impl Default for Tries {
    fn default() -> Self {
        Self { begun: Instant::now(), met: 0, lost: 0, unnamed: 0 }
    }
}

impl Tries {
    /// True when it is worth another try, after a short wait.
    pub(crate) async fn again(&mut self, database: &Database, fault: &Fault) -> bool {
        let (count, wait) = match fault {
            Fault::Unnamed => {
                if !database.unnamed.swap(true, Ordering::Relaxed) {
                    tracing::info!(
                        "a pooler is between this process and PostgreSQL: statements are sent along each time"
                    );
                }
                self.unnamed += 1;
                return self.unnamed <= 2;
            }
            Fault::Again(_) if self.met < MOST_TRIES => (&mut self.met, Duration::from_millis(1)),
            Fault::Lost(_) if self.lost < MOST_LOST && self.begun.elapsed() < LOST_PATIENCE => {
                (&mut self.lost, Duration::from_millis(20))
            }
            _ => return false,
        };
        *count += 1;
        tokio::time::sleep(wait.mul_f64(fastrand::f64() * f64::from(1_u32 << (*count).min(6)))).await;
        true
    }
}

/// Runs a verb inside a transaction and commits it; again, when it met another one.
macro_rules! write {
    ($database:expr, $promise:expr, |$transaction:ident| $verb:expr) => {
        $crate::database::write!($database, $promise, None, |$transaction, _rows| $verb)
    };
    ($database:expr, $promise:expr, $first:expr, |$transaction:ident, $rows:ident| $verb:expr) => {{
        let database: &$crate::database::Database = &$database;
        let mut tries = $crate::database::Tries::default();
        loop {
            let outcome = async {
                #[allow(unused_mut, reason = "some verbs only read what they are given")]
                let (mut transaction, $rows) = database.begin_with($first).await?;
                let $transaction = &mut transaction;
                match $verb.await {
                    Ok(value) => transaction.commit($promise).await.map(|()| value),
                    Err(fault) => {
                        let fault: $crate::faults::Fault = fault;
                        transaction.undo().await;
                        Err(fault)
                    }
                }
            };
            match outcome.await {
                Ok(value) => break Ok(value),
                Err(fault) => {
                    if !tries.again(database, &fault).await {
                        break Err(fault.told());
                    }
                }
            }
        }
    }};
}
pub(crate) use write;

/// Runs statements that only read, all of one moment.
macro_rules! read {
    ($database:expr, |$transaction:ident| $verb:expr) => {{
        let database: &$crate::database::Database = &$database;
        let mut tries = $crate::database::Tries::default();
        loop {
            let outcome = async {
                let $transaction = database.snapshot().await?;
                let value = {
                    let $transaction = &$transaction;
                    $verb.await
                };
                match value {
                    Ok(value) => $transaction.done().await.map(|()| value),
                    Err(fault) => {
                        let fault: $crate::faults::Fault = fault;
                        $transaction.undo().await;
                        Err(fault)
                    }
                }
            };
            match outcome.await {
                Ok(value) => break Ok(value),
                Err(fault) => {
                    if !tries.again(database, &fault).await {
                        break Err(fault.told());
                    }
                }
            }
        }
    }};
}
pub(crate) use read;

/// Runs one statement that needs no transaction of its own.
macro_rules! single {
    ($database:expr, |$connection:ident| $verb:expr) => {{
        let database: &$crate::database::Database = &$database;
        let mut tries = $crate::database::Tries::default();
        loop {
            let outcome = async {
                let $connection = &database.connection().await?;
                $verb.await
            };
            let outcome: $crate::faults::Result<_> = outcome.await;
            match outcome {
                Ok(value) => break Ok(value),
                Err(fault) => {
                    if !tries.again(database, &fault).await {
                        break Err(fault.told());
                    }
                }
            }
        }
    }};
}
pub(crate) use single;
