//! What an open transaction does to others (nothing), and what becomes of its jobs after the commit.

use std::time::Duration;

use tokio_postgres::Client;
use upnext_core::backend::Feed;
use upnext_core::job::ConcurrencyKey;
use upnext_core::{JobStatus, NewJob};
use upnext_testkit::Steps as _;
use upnext_testkit::factories::{new_job, ok};

use crate::{Place, submit_in};

/// Far less than any look that nobody asked for: these come every 5 seconds, give or take a quarter.
const AT_ONCE: Duration = Duration::from_secs(1);

fn gated() -> NewJob {
    NewJob { concurrency_key: Some(ConcurrencyKey { key: "a".into(), limit: 1 }), ..new_job("f") }
}

async fn until_it_listens(place: &Place, client: &Client) {
    let word = format!("LISTEN \"{}.changes\"", place.schema);
    let listens = async {
        let sql = "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE query = $1 AND state = 'idle')";
        while !client.query_one(sql, &[&word]).await.unwrap().get::<_, bool>(0) {}
    };
    tokio::time::timeout(Duration::from_secs(10), listens).await.expect("nobody listens");
}

#[tokio::test]
async fn a_commit_wakes_who_sleeps() {
    let place = Place::open().await;
    let mut client = place.client().await;
    // Until then everybody looks every 100 ms.
    until_it_listens(&place, &client).await;
    for _ in 0..5 {
        let transaction = client.transaction().await.unwrap();
        submit_in(&transaction, &place.statement(new_job("f")).await).await.unwrap();
        let mut work = place.backend.signals().subscribe_work();
        work.mark_unchanged();
        transaction.commit().await.unwrap();
        tokio::time::timeout(AT_ONCE, work.changed()).await.expect("nobody was woken").unwrap();
        assert_eq!(place.backend.take("f", 1).await.len(), 1);
    }
}

#[tokio::test]
async fn an_open_transaction_holds_nobody_up() {
    let place = Place::open().await;
    let mut client = place.client().await;
    place.backend.submit(gated()).await;
    let running = place.backend.take_one("f").await;

    let transaction = client.transaction().await.unwrap();
    let keyed = NewJob { idempotency_key: Some("k".into()), tags: vec!["t".into()], ..gated() };
    let (late, _) = submit_in(&transaction, &place.statement(keyed).await).await.unwrap();
    // Everything that takes the order of changes, or the place at the very gate.
    let others = async {
        place.backend.end_applied(&running, ok()).await;
        let next = place.backend.submit(gated()).await;
        let claimed = place.backend.take_one("f").await;
        assert_eq!(claimed.lease.job_id, next);
        claimed
    };
    let claimed = tokio::time::timeout(Duration::from_secs(5), others).await.expect("somebody waits for it");
    transaction.commit().await.unwrap();

    assert!(place.backend.take("f", 1).await.is_empty(), "two jobs of one key run at once");
    assert_eq!(place.backend.status(late).await, JobStatus::Queued);
    place.backend.end_applied(&claimed, ok()).await;
    assert_eq!(place.backend.take_one("f").await.lease.job_id, late);
}

#[tokio::test]
async fn arrivals_show_up_in_the_order_of_changes() {
    let place = Place::open().await;
    let mut client = place.client().await;
    let start = place.backend.changes_since(None, 0, Feed::Jobs).await.unwrap().cursor;
    let transaction = client.transaction().await.unwrap();
    let (plain, _) = submit_in(&transaction, &place.statement(new_job("nobody")).await).await.unwrap();
    let (behind, _) = submit_in(&transaction, &place.statement(gated()).await).await.unwrap();
    let (last, _) = submit_in(&transaction, &place.statement(gated()).await).await.unwrap();
    transaction.commit().await.unwrap();
    // Whoever runs takes them in: no worker has to offer the function.
    let told = async {
        loop {
            let changes = place.backend.changes_since(Some(start), 10, Feed::Jobs).await.unwrap();
            if changes.jobs.len() == 3 {
                return changes;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let changes = tokio::time::timeout(Duration::from_secs(10), told).await.expect("nobody told of the jobs");
    let told: Vec<_> = changes.jobs.iter().map(|change| (change.id, change.status)).collect();
    assert_eq!(told, [plain, behind, last].map(|id| (id, JobStatus::Queued)));
    let left = client.query_one(&place.sql("SELECT count(*) FROM upnext.arrivals"), &[]).await.unwrap();
    assert_eq!(left.get::<_, i64>(0), 0);
    assert_eq!(place.backend.take("f", 9).await.len(), 1, "one of a key at once");
}

#[tokio::test]
async fn two_processes_take_each_arrival_in_once() {
    let place = Place::open().await;
    let second = place.reopen().await;
    let mut client = place.client().await;
    let mut jobs = Vec::new();
    for _ in 0..20 {
        let transaction = client.transaction().await.unwrap();
        let statement =
            place.backend.enqueue_statement((0..50).map(|_| new_job("f")).collect()).await.unwrap();
        let rows = transaction.query(&statement.sql, &[&statement.jobs]).await.unwrap();
        jobs.extend(rows.iter().map(|row| row.get::<_, String>(0)));
        transaction.commit().await.unwrap();
    }
    let claimed = async {
        let mut claimed = Vec::new();
        while claimed.len() < jobs.len() {
            for backend in [&place.backend, &second] {
                claimed.extend(backend.take("f", 100).await.iter().map(|job| job.lease.job_id.to_string()));
            }
        }
        claimed
    };
    let mut claimed = tokio::time::timeout(Duration::from_secs(20), claimed).await.unwrap();
    claimed.sort_unstable();
    jobs.sort_unstable();
    assert_eq!(claimed, jobs);
}
