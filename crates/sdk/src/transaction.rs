//! Submitting inside of a transaction of the caller's own PostgreSQL database: which transactions do.

use std::future::Future;
use std::sync::Arc;

use upnext_core::backend::EnqueueStatement;
use upnext_core::job::Enqueued;

use crate::error::Error;

/// Why a statement did not run, as the driver says it.
pub type TransactionError = Box<dyn std::error::Error + Send + Sync>;

/// A transaction that is open on a connection of the caller's, for [`Request::submit_in`](crate::Request::submit_in).
///
/// The feature `tokio-postgres` brings it for `&tokio_postgres::Transaction`, the feature `sqlx` for `&mut
/// sqlx::Transaction<Postgres>` and for a `&mut sqlx::PgConnection` on which one is open. For another driver it is one
/// method:
///
/// ```
/// use upnext::{Transaction, TransactionError};
/// # struct Row; impl Row { fn get<T: Default>(&self, _: usize) -> T { T::default() } }
/// # struct Driver;
/// # impl Driver { async fn query(&mut self, _: &str, _: &[&str]) -> Result<Vec<Row>, std::io::Error> { Ok(vec![]) } }
///
/// struct Mine<'a>(&'a mut Driver);
///
/// impl Transaction for Mine<'_> {
///     async fn submit(self, sql: &str, jobs: &str) -> Result<Vec<(String, bool)>, TransactionError> {
///         let rows = self.0.query(sql, &[jobs]).await?;
///         Ok(rows.iter().map(|row| (row.get(0), row.get(1))).collect())
///     }
/// }
/// ```
pub trait Transaction: Send {
    /// Runs `sql`, whose one parameter `$1` is the text `jobs`, and answers its rows: a text and a boolean each.
    fn submit(
        self,
        sql: &str,
        jobs: &str,
    ) -> impl Future<Output = Result<Vec<(String, bool)>, TransactionError>> + Send;
}

/// Runs the statement; the answer has the order of its jobs.
pub(crate) async fn run(
    transaction: impl Transaction,
    statement: EnqueueStatement,
) -> Result<Vec<Enqueued>, Error> {
    let rows = transaction.submit(&statement.sql, &statement.jobs).await;
    let rows = rows.map_err(|error| Error::Transaction(Arc::from(error)))?;
    let enqueued = |(id, created): (String, bool)| match id.parse() {
        Ok(id) => Ok(Enqueued { id, created }),
        Err(error) => Err(Error::Transaction(Arc::new(error))),
    };
    rows.into_iter().map(enqueued).collect()
}

#[cfg(feature = "tokio-postgres")]
impl Transaction for &tokio_postgres::Transaction<'_> {
    async fn submit(self, sql: &str, jobs: &str) -> Result<Vec<(String, bool)>, TransactionError> {
        // With its type the statement needs no preparation, which a pooler may not keep.
        let rows = self.query_typed(sql, &[(&jobs, tokio_postgres::types::Type::TEXT)]).await?;
        rows.iter().map(|row| Ok((row.try_get(0)?, row.try_get(1)?))).collect()
    }
}

#[cfg(feature = "sqlx")]
impl Transaction for &mut sqlx::Transaction<'_, sqlx::Postgres> {
    async fn submit(self, sql: &str, jobs: &str) -> Result<Vec<(String, bool)>, TransactionError> {
        Transaction::submit(&mut **self, sql, jobs).await
    }
}

#[cfg(feature = "sqlx")]
impl Transaction for &mut sqlx::PgConnection {
    async fn submit(self, sql: &str, jobs: &str) -> Result<Vec<(String, bool)>, TransactionError> {
        // Its only parts are ours: what the caller chose is in `jobs`.
        let statement = sqlx::AssertSqlSafe(sql);
        // Behind a pooler a statement that is kept on one connection may be asked for on another.
        Ok(sqlx::query_as(statement).bind(jobs).persistent(false).fetch_all(self).await?)
    }
}
