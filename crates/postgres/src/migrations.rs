//! The schema's steps: taking them, and saying which were taken.
//!
//! Workers of an older version may be at work meanwhile: a step never takes away what they use, waits briefly for its locks
//! instead of making everybody wait behind it, and only one process at a time takes steps.

use std::time::Duration;

use upnext_core::{BackendError, Timestamp};

use crate::database::{Connection, Database};
use crate::faults::{Fault, Result};
use crate::params::params;

/// One step.
#[derive(Debug)]
struct Step {
    name: &'static str,
    sql: &'static str,
    /// The oldest schema whose programs go on working after it.
    oldest: i32,
}

/// Every step, oldest first. Forward only; a released step is never edited.
const STEPS: &[Step] = &[
    Step { name: "init", sql: include_str!("../migrations/0001_init.sql"), oldest: 1 },
    Step { name: "worker_memory", sql: include_str!("../migrations/0002_worker_memory.sql"), oldest: 1 },
    Step { name: "transactions", sql: include_str!("../migrations/0003_transactions.sql"), oldest: 1 },
];

/// The oldest PostgreSQL that does: 15.
const OLDEST_SERVER: i32 = 150_000;

/// How long a step waits for a lock that a transaction of somebody else holds, and how often it is tried.
const LOCK_PATIENCE: &str = "SET LOCAL lock_timeout = '3s'";
const MOST_TRIES: u32 = 20;

/// A step that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// Its number, 1 for the first.
    pub version: i32,
    /// A word about it.
    pub name: String,
    /// When it was taken; `None` when it is still to be taken.
    pub applied_at: Option<Timestamp>,
}

/// Takes the steps that are missing.
pub(crate) async fn migrate(database: &Database) -> std::result::Result<(), BackendError> {
    let mut tries = 0;
    loop {
        tries += 1;
        match try_to_migrate(database).await {
            Ok(()) => return Ok(()),
            Err(Fault::Told(BackendError::Unavailable(_)) | Fault::Held(_) | Fault::Again(_))
                if tries < MOST_TRIES =>
            {
                tokio::time::sleep(Duration::from_millis(fastrand::u64(10..100))).await;
            }
            Err(Fault::Unnamed) if tries < 3 => {
                database.unnamed.store(true, std::sync::atomic::Ordering::Relaxed);
            }
            Err(fault) => return Err(fault.told()),
        }
    }
}

async fn try_to_migrate(database: &Database) -> Result<()> {
    let mut connection = database.connection().await?;
    check_server(&connection).await?;
    if version(&connection).await? == newest() {
        return Ok(());
    }
    let migrated = take_steps(&connection).await;
    if migrated.is_err() {
        // It may be in the middle of a transaction.
        connection.give_up();
    }
    migrated
}

async fn check_server(connection: &Connection<'_>) -> Result<()> {
    let server = connection
        .one("SELECT current_setting('server_version_num')::integer, current_setting('server_encoding')", &[])
        .await?;
    let (number, encoding): (i32, &str) = (server.try_get(0)?, server.try_get(1)?);
    if number < OLDEST_SERVER {
        let text = format!("UpNext needs PostgreSQL 15 or newer; this server is version {}", number / 10_000);
        return Err(Fault::Told(BackendError::Unusable(text)));
    }
    if encoding != "UTF8" {
        let text = format!(
            "UpNext needs a database with the encoding UTF8; this one has {encoding}: make another one"
        );
        return Err(Fault::Told(BackendError::Unusable(text)));
    }
    Ok(())
}

fn newest() -> i32 {
    i32::try_from(STEPS.len()).unwrap_or(i32::MAX)
}

/// How far the schema is as this build sees it: a newer one that lets us go on counts as ours.
async fn version(connection: &Connection<'_>) -> Result<i32> {
    let there = connection.one("SELECT to_regclass('upnext.migrations') IS NOT NULL", &[]).await?;
    if !there.try_get::<_, bool>(0)? {
        return Ok(0);
    }
    let found = connection
        .one("SELECT coalesce(max(version), 0), coalesce(max(oldest), 0) FROM upnext.migrations", &[])
        .await?;
    let (version, oldest): (i32, i32) = (found.try_get(0)?, found.try_get(1)?);
    if oldest > newest() {
        return Err(Fault::Told(BackendError::TooNew(format!(
            "the schema {} was written by a newer version of UpNext (schema {version}, this build knows {}); upgrade this build",
            connection.database.schema,
            newest()
        ))));
    }
    Ok(version.min(newest()))
}

async fn take_steps(connection: &Connection<'_>) -> Result<()> {
    connection.execute("BEGIN").await?;
    connection.one("SELECT pg_advisory_xact_lock(hashtextextended('upnext.migrations', 0))", &[]).await?;
    connection.execute(LOCK_PATIENCE).await?;
    let schema = &connection.database.schema;
    let there = connection.one("SELECT to_regnamespace($1) IS NOT NULL", params![schema.as_str()]).await?;
    if !there.try_get::<_, bool>(0)? {
        connection.execute(&format!("CREATE SCHEMA {schema}")).await?;
    }
    connection
        .execute(
            "CREATE TABLE IF NOT EXISTS upnext.migrations (version integer PRIMARY KEY, name text NOT NULL, \
             oldest integer NOT NULL, applied_at timestamptz NOT NULL DEFAULT clock_timestamp())",
        )
        .await?;
    // Somebody else may have taken them while we waited for our turn.
    let from = version(connection).await?;
    for (step, version) in STEPS.iter().zip(1..).skip(usize::try_from(from).unwrap_or(0)) {
        connection.execute(step.sql).await?;
        connection
            .all(
                "INSERT INTO upnext.migrations (version, name, oldest) VALUES ($1, $2, $3)",
                params![version, step.name, step.oldest],
            )
            .await?;
    }
    connection.execute("COMMIT").await
}

/// Every step, taken or not, oldest first.
pub(crate) async fn history(database: &Database) -> std::result::Result<Vec<Migration>, BackendError> {
    let connection = database.connection().await.map_err(Fault::told)?;
    let there = connection.one("SELECT to_regclass('upnext.migrations') IS NOT NULL", &[]).await;
    let there: bool = there.and_then(|row| Ok(row.try_get(0)?)).map_err(Fault::told)?;
    let mut taken = Vec::new();
    if there {
        let rows = connection
            .all(
                "SELECT version, name, (extract(epoch FROM applied_at) * 1000000)::bigint FROM upnext.migrations ORDER BY version",
                &[],
            )
            .await
            .map_err(Fault::told)?;
        for row in rows {
            let read = || -> Result<Migration> {
                let applied_at = Some(Timestamp::from_micros(row.try_get(2)?));
                Ok(Migration { version: row.try_get(0)?, name: row.try_get(1)?, applied_at })
            };
            taken.push(read().map_err(Fault::told)?);
        }
    }
    let missing = STEPS.iter().zip(1..).skip(taken.len());
    let missing =
        missing.map(|(step, version)| Migration { version, name: step.name.to_owned(), applied_at: None });
    let missing: Vec<Migration> = missing.collect();
    taken.extend(missing);
    Ok(taken)
}
