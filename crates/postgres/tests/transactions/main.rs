//! Jobs that are submitted inside of transactions of others, on connections of their own: they exist exactly if the transaction
//! commits, and until then nobody else is held up.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may as well end")]

mod arrivals;
mod keys;
mod plain_sql;
mod visibility;

use std::sync::Arc;

use tokio_postgres::{Client, GenericClient, NoTls};
use upnext_core::backend::EnqueueStatement;
use upnext_core::{Backend, JobId, NewJob};
use upnext_postgres::PostgresOptions;

/// A deployment of one test, and how to reach its database as a stranger.
struct Place {
    backend: Arc<dyn Backend>,
    url: String,
    schema: String,
}

fn server() -> String {
    match std::env::var("UPNEXT_TEST_POSTGRES") {
        Ok(url) => url,
        Err(_) => upnext_testkit::servers::postgres::shared().url.clone(),
    }
}

impl Place {
    async fn open() -> Self {
        let schema = format!("t{}", uuid::Uuid::now_v7().simple());
        let url = server();
        let separator = if url.contains('?') { '&' } else { '?' };
        let options = PostgresOptions::new(format!("{url}{separator}schema={schema}&pool_size=4"));
        let backend = upnext_postgres::open(options).await.unwrap();
        Self { backend, url, schema }
    }

    /// The same deployment as another process sees it.
    async fn reopen(&self) -> Arc<dyn Backend> {
        let separator = if self.url.contains('?') { '&' } else { '?' };
        let options =
            PostgresOptions::new(format!("{}{separator}schema={}&pool_size=4", self.url, self.schema));
        upnext_postgres::open(options).await.unwrap()
    }

    /// A connection that knows nothing of UpNext.
    async fn client(&self) -> Client {
        let (client, connection) = tokio_postgres::connect(&self.url, NoTls).await.unwrap();
        tokio::spawn(connection);
        client
    }

    /// The statement that submits this job.
    async fn statement(&self, job: NewJob) -> EnqueueStatement {
        self.backend.enqueue_statement(vec![job]).await.unwrap()
    }

    /// SQL in the name of this schema.
    fn sql(&self, text: &str) -> String {
        text.replace("upnext.", &format!("{}.", self.schema))
    }
}

/// Submits in a transaction. Answers the job and whether it was made.
async fn submit_in(
    client: &impl GenericClient,
    statement: &EnqueueStatement,
) -> Result<(JobId, bool), tokio_postgres::Error> {
    let row = client.query_one(&statement.sql, &[&statement.jobs]).await?;
    Ok((row.get::<_, String>(0).parse().unwrap(), row.get(1)))
}

async fn exists(backend: &Arc<dyn Backend>, id: JobId) -> bool {
    !backend.find_jobs(vec![id]).await.unwrap().is_empty()
}
