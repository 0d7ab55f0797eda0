//! Plans of statements fit the tables as they are, not as they were when a worker began on an empty queue.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may as well end")]

use std::sync::Arc;

use tokio_postgres::NoTls;
use upnext_core::{Backend, WorkerId};
use upnext_postgres::PostgresOptions;
use upnext_testkit::Steps;
use upnext_testkit::factories::{finish, new_job, ok, registration};

const JOBS: usize = 30_000;
const ROUNDS: usize = 60;

async fn complete(backend: &dyn Backend, count: usize) {
    let jobs = backend.take("f", count).await;
    assert_eq!(jobs.len(), count);
    let ends = jobs.iter().map(|job| finish(job, ok())).collect();
    backend.finish(ends).await.unwrap();
}

/// Rows of the schema that were read without an index, once everybody else who used it has gone and so has told.
async fn read_in_order(server: &str, schema: &str) -> i64 {
    let (client, connection) = tokio_postgres::connect(server, NoTls).await.unwrap();
    tokio::spawn(connection);
    let others = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE '%{schema}%'"
    );
    while client.query_one(&others, &[]).await.unwrap().get::<_, i64>(0) > 0 {
        tokio::task::yield_now().await;
    }
    let rows = "SELECT coalesce(sum(seq_tup_read), 0)::bigint FROM pg_stat_user_tables WHERE schemaname = $1";
    client.query_one(rows, &[&schema]).await.unwrap().get(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_worker_that_began_on_an_empty_queue_does_not_read_all_of_a_long_one() {
    let server = upnext_testkit::servers::postgres::shared().url.clone();
    let schema = format!("t{}", uuid::Uuid::now_v7().simple());
    let backend: Arc<dyn Backend> =
        upnext_postgres::open(PostgresOptions::new(format!("{server}?schema={schema}&pool_size=2")))
            .await
            .unwrap();
    backend.register(registration(&WorkerId::fresh("early"), "early", &["f"])).await;
    // As often as it takes until the server keeps a plan.
    for _ in 0..10 {
        backend.submit_all(vec![new_job("f")]).await;
        complete(&*backend, 1).await;
    }
    for _ in 0..JOBS / 5000 {
        backend.submit_all((0..5000).map(|_| new_job("f")).collect()).await;
    }
    for _ in 0..ROUNDS {
        complete(&*backend, 32).await;
    }
    drop(backend);
    let read = read_in_order(&server, &schema).await;
    let whole = i64::try_from(JOBS).unwrap();
    // Until the plan is noticed, and while it may not be replaced again, some claims read everything.
    assert!(read < 30 * whole, "{ROUNDS} claims and ends read {} times all jobs", read / whole);
}
