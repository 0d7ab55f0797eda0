//! `submit_in` and `send_in`: jobs that belong to a transaction of the caller's own.

use std::time::Duration;

use tokio_postgres::NoTls;
use upnext::{Error, UpNext, Worker};

#[upnext::task(retries = 1)]
async fn double(n: i64) -> i64 {
    2 * n
}

#[upnext::task(event = "order.*")]
async fn reserve(order: i64) -> i64 {
    order
}

/// An app in a schema of its own, and the server's address.
async fn open_at() -> (UpNext, String) {
    let server = std::env::var("UPNEXT_TEST_POSTGRES")
        .unwrap_or_else(|_| upnext_testkit::servers::postgres::shared().url.clone());
    let schema = format!("sdk{}", upnext::JobId::fresh().to_string().replace('-', ""));
    let app = UpNext::open(&format!("{server}?schema={schema}&pool_size=4")).await.expect("it should open");
    (app, server)
}

async fn open() -> (UpNext, tokio_postgres::Client) {
    let (app, server) = open_at().await;
    let (client, connection) = tokio_postgres::connect(&server, NoTls).await.expect("it should connect");
    tokio::spawn(connection);
    (app, client)
}

#[tokio::test]
async fn jobs_of_a_transaction_run_once_it_has_committed() -> Result<(), Box<dyn std::error::Error>> {
    let (app, mut client) = open().await;
    let worker = Worker::new("w").task(double).task(reserve).start(&app).await?;

    let transaction = client.transaction().await?;
    let undone = double.request(1).submit_in(&app, &transaction).await?;
    transaction.rollback().await?;
    assert!(matches!(undone.result().await, Err(Error::Wait(_))), "a job outlives its transaction");

    let transaction = client.transaction().await?;
    let keyed = || double.request(21).idempotency_key("k").priority(2);
    let job = keyed().submit_in(&app, &transaction).await?;
    let again = keyed().submit_in(&app, &transaction).await?;
    assert_eq!((again.job_id(), job.created(), again.created()), (job.job_id(), true, false));
    let many = app.submit_all_in([1, 2].map(|n| double.request(n)), &transaction).await?;
    let event = upnext::event("order.placed").handler(reserve);
    let deliveries = event.send_in(&app, &transaction, &serde_json::json!({"order": 7})).await?;
    let nobody = upnext::event("nobody.cares").send_in(&app, &transaction, &serde_json::json!({})).await?;
    assert!(nobody.is_empty());
    assert!(app.client().find_job(job.job_id()).await?.is_none(), "a job is seen before the commit");
    transaction.commit().await?;

    assert_eq!(job.await?.value, 42);
    let values = futures::future::try_join_all(many.iter().map(upnext::JobFuture::result)).await?;
    assert_eq!(values.iter().map(|result| result.value).collect::<Vec<_>>(), [2, 4]);
    assert_eq!(deliveries[0].function, "reserve");
    assert_eq!(deliveries[0].job.result().await?.value, 7);
    worker.stop(Duration::from_secs(3)).await;
    Ok(())
}

#[tokio::test]
async fn elsewhere_the_way_out_is_named() -> Result<(), Box<dyn std::error::Error>> {
    let (_, mut client) = open().await;
    let folder = tempfile::tempdir()?;
    let app = UpNext::open(&format!("sqlite://{}/u.db", folder.path().display())).await?;
    let transaction = client.transaction().await?;
    let error = double.request(1).submit_in(&app, &transaction).await.expect_err("it should be refused");
    assert!(error.to_string().contains("submit after the commit"), "{error}");

    // A database without jobs, which the driver tells.
    let (other, _) = open().await;
    let hidden = Hidden(&transaction);
    let error = double.request(1).submit_in(&other, hidden).await.expect_err("it should be refused");
    assert!(error.to_string().starts_with("nothing was submitted in the transaction: "), "{error}");
    assert!(std::error::Error::source(&error).is_some());
    Ok(())
}

/// A transaction in whose database there are no jobs.
struct Hidden<'a, 'b>(&'a tokio_postgres::Transaction<'b>);

impl upnext::Transaction for Hidden<'_, '_> {
    async fn submit(self, sql: &str, jobs: &str) -> Result<Vec<(String, bool)>, upnext::TransactionError> {
        let (_, call) = sql.split_once(".submit_jobs").expect("the function is named");
        let elsewhere = format!("SELECT CAST(id AS text), created FROM nowhere.submit_jobs{call}");
        upnext::Transaction::submit(self.0, &elsewhere, jobs).await
    }
}

#[tokio::test]
async fn transactions_of_sqlx_do_the_same() -> Result<(), Box<dyn std::error::Error>> {
    let (app, server) = open_at().await;
    let mut database = <sqlx::PgConnection as sqlx::Connection>::connect(&server).await?;
    let worker = Worker::new("w").task(double).start(&app).await?;

    let mut transaction = sqlx::Connection::begin(&mut database).await?;
    let undone = double.request(1).submit_in(&app, &mut transaction).await?;
    transaction.rollback().await?;
    assert!(matches!(undone.result().await, Err(Error::Wait(_))), "a job outlives its transaction");

    let mut transaction = sqlx::Connection::begin(&mut database).await?;
    let job = double.request(21).submit_in(&app, &mut transaction).await?;
    let many = app.submit_all_in([1, 2].map(|n| double.request(n)), &mut *transaction).await?;
    assert!(app.client().find_job(job.job_id()).await?.is_none(), "a job is seen before the commit");
    transaction.commit().await?;

    assert_eq!(job.await?.value, 42);
    let values = futures::future::try_join_all(many.iter().map(upnext::JobFuture::result)).await?;
    assert_eq!(values.iter().map(|result| result.value).collect::<Vec<_>>(), [2, 4]);
    worker.stop(Duration::from_secs(3)).await;
    Ok(())
}
