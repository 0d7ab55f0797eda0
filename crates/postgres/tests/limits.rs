//! Limits when claims of several processes wait for each other.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may as well end")]

use std::sync::Arc;

use tokio_postgres::{Client, NoTls};
use upnext_core::limits::Limits;
use upnext_core::{Backend, FunctionDefinition, WorkerId};
use upnext_postgres::PostgresOptions;
use upnext_testkit::Steps;
use upnext_testkit::factories::{claim_request, new_job, registration};

/// The moment at which a claim waits, and a later slot of a rate of 10 seconds.
const NEXT_SLOT: &str = "SELECT pg_sleep(0.06)";

async fn client(url: &str) -> Client {
    let (client, connection) = tokio_postgres::connect(url, NoTls).await.unwrap();
    tokio::spawn(connection);
    client
}

/// A claim began, another one from the same function committed while it waited for its turn: the starts of that one count,
/// although they lie after the moment at which the waiting claim began, and they are not forgotten.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_claim_counts_what_began_while_it_waited() {
    let server = upnext_testkit::servers::postgres::shared().url.clone();
    let schema = format!("t{}", uuid::Uuid::now_v7().simple());
    let backend: Arc<dyn Backend> =
        upnext_postgres::open(PostgresOptions::new(format!("{server}?schema={schema}"))).await.unwrap();
    let limits = Limits { rate_limit: Some("2/10s".parse().unwrap()), ..Limits::default() };
    let mut worker = registration(&WorkerId::fresh("limited"), "limited", &[]);
    worker.functions = vec![FunctionDefinition { limits, ..FunctionDefinition::task("f") }];
    backend.register(worker).await;
    backend.submit_all((0..5).map(|_| new_job("f")).collect()).await;

    let (other, watcher) = (client(&server).await, client(&server).await);
    other.batch_execute(&format!("BEGIN; SELECT 1 FROM {schema}.functions FOR UPDATE")).await.unwrap();
    let waiting = Arc::clone(&backend);
    let claim = tokio::spawn(async move { waiting.claim(claim_request(&["f"], 5)).await.unwrap().jobs });
    let waits = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%{schema}.functions%'"
    );
    while watcher.query_one(&waits, &[]).await.unwrap().get::<_, i64>(0) == 0 {
        tokio::task::yield_now().await;
    }
    other.batch_execute(NEXT_SLOT).await.unwrap();
    let count =
        format!("INSERT INTO {schema}.rate_starts SELECT 'f', {schema}.moment() / 50000 * 50000, 2; COMMIT");
    other.batch_execute(&count).await.unwrap();

    assert_eq!(claim.await.unwrap().len(), 0, "more began than the rate allows");
    let kept = format!("SELECT sum(starts)::bigint FROM {schema}.rate_starts");
    assert_eq!(watcher.query_one(&kept, &[]).await.unwrap().get::<_, i64>(0), 2, "starts were forgotten");
}
