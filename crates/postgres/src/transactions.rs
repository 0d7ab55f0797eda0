//! Jobs that are submitted inside of transactions of others, on connections that are not ours.
//!
//! Such a transaction may stay open for long, so the function that it calls (`submit_jobs` of the schema) takes no lock that
//! others wait for. What needs these locks is done here, after the commit, by whoever looks first: the beginnings of the jobs
//! get their numbers in the order of changes, and those with a concurrency key their places.

use upnext_core::backend::{self, EnqueueStatement};
use upnext_core::{BackendError, NewJob};
use uuid::Uuid;

use crate::claim;
use crate::database::{Database, Promise, Transaction, single, write};
use crate::enqueue::Columns;
use crate::faults::Result;
use crate::params::params;

/// The most arrivals that one transaction takes in.
const MOST_AT_ONCE: i64 = 1000;

/// The statement that accepts these jobs on a connection to this database.
pub(crate) async fn enqueue_statement(
    database: &Database,
    jobs: &[NewJob],
) -> backend::Result<EnqueueStatement> {
    let deployment = deployment(database).await?;
    let columns = Columns::of(&jobs.iter().collect::<Vec<_>>());
    let jobs =
        serde_json::to_string(&columns).map_err(|error| BackendError::Unexpected(error.to_string()))?;
    // Names of schemas need no quotes. Every cast is written so that no driver takes a colon for a parameter.
    let sql = format!(
        "SELECT CAST(id AS text), created FROM {}.submit_jobs(CAST(CAST($1 AS text) AS json), CAST('{deployment}' AS uuid)) \
         WITH ORDINALITY made (id, created, place) ORDER BY place",
        database.schema
    );
    Ok(EnqueueStatement { sql, jobs })
}

async fn deployment(database: &Database) -> backend::Result<Uuid> {
    let read = || async {
        single!(database, |connection| async {
            connection.one("SELECT id FROM upnext.deployment", &[]).await?.try_get(0).map_err(Into::into)
        })
    };
    database.deployment.get_or_try_init(read).await.copied()
}

/// Does for jobs of transactions that were committed what these could not. Others do the same: each job is one's alone.
pub(crate) async fn receive(database: &Database) -> backend::Result<()> {
    let arrived: bool = single!(database, |connection| async {
        connection
            .one("SELECT EXISTS (SELECT 1 FROM upnext.arrivals)", &[])
            .await?
            .try_get(0)
            .map_err(Into::into)
    })?;
    if !arrived {
        return Ok(());
    }
    while write!(database, Promise::Soft, |transaction| take_in(transaction))? {}
    // Whoever follows the changes in this process has looked before the numbers were there.
    database.signals.changed_elsewhere();
    Ok(())
}

/// True when there may be more.
async fn take_in(transaction: &mut Transaction<'_>) -> Result<bool> {
    let rows = transaction
        .all(include_str!("../queries/receive.sql"), params![MOST_AT_ONCE, transaction.now.as_micros()])
        .await?;
    let mut due = false;
    for row in &rows {
        if row.try_get(1)? {
            transaction.changed(row.try_get(0)?);
        }
        due |= row.try_get::<_, bool>(2)?;
    }
    if due {
        claim::promote_due(transaction).await?;
    }
    Ok(rows.len() >= usize::try_from(MOST_AT_ONCE).unwrap_or(usize::MAX))
}
