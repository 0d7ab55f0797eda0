//! Callers that go away while their call is under way, as a browser does, leave nothing behind that others meet.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on may as well end")]

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use tokio_postgres::NoTls;
use upnext_core::Backend;
use upnext_core::backend::JobQuery;
use upnext_postgres::PostgresOptions;
use upnext_testkit::Steps;
use upnext_testkit::factories::{new_job, renew_request};

/// Polls a call at most so often. False when it was dropped before its end.
async fn polled<T>(call: impl Future<Output = T>, mut times: usize) -> bool {
    let mut call = pin!(call);
    poll_fn(|context| {
        if times == 0 {
            return Poll::Ready(false);
        }
        times -= 1;
        call.as_mut().poll(context).map(|_| true)
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_call_that_is_dropped_at_any_moment_leaves_no_open_transaction() {
    let server = upnext_testkit::servers::postgres::shared().url.clone();
    let schema = format!("t{}", uuid::Uuid::now_v7().simple());
    let url = format!("{server}?schema={schema}&pool_size=2");
    let backend: Arc<dyn Backend> = upnext_postgres::open(PostgresOptions::new(url)).await.unwrap();
    let (client, connection) = tokio_postgres::connect(&server, NoTls).await.unwrap();
    tokio::spawn(connection);
    let is_there = format!("SELECT count(*) FROM {schema}.jobs WHERE id = $1");

    let (mut reads, mut writes) = (false, false);
    for times in 1.. {
        if reads && writes {
            break;
        }
        assert!(times < 1000, "the calls never end");
        reads = polled(backend.list_jobs(JobQuery::default()), times).await;
        writes = polled(backend.renew(renew_request(Vec::new())), times).await;
        // On every connection that there is.
        for job in [backend.submit(new_job("f")).await, backend.submit(new_job("f")).await] {
            let id = uuid::Uuid::from_bytes(*job.as_bytes());
            let count: i64 = client.query_one(&is_there, &[&id]).await.unwrap().get(0);
            assert_eq!(
                count, 1,
                "a job was accepted and not committed, after calls that were polled {times} times"
            );
            assert_eq!(backend.read(job).await.id, job);
        }
    }
}
