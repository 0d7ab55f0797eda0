//! Idempotency keys that a transaction decides about while it is open.

use std::sync::Arc;
use std::time::Duration;

use tokio_postgres::error::SqlState;
use upnext_core::{Backend, BackendError, NewJob};
use upnext_testkit::Steps as _;
use upnext_testkit::factories::{keyed_job, new_job, ok};

use crate::{Place, exists, submit_in};

/// Submits in the background, with the key `k`.
fn submit_meanwhile(
    backend: &Arc<dyn Backend>,
) -> tokio::task::JoinHandle<Result<(NewJob, bool), BackendError>> {
    let backend = Arc::clone(backend);
    tokio::spawn(async move {
        let mut job = keyed_job("f", "k");
        let [answer] = backend.enqueue(vec![job.clone()]).await?[..] else { panic!("one answer") };
        job.id = answer.id;
        Ok((job, answer.created))
    })
}

/// Waits until somebody waits for `holder`, so that what comes then meets what is meant.
async fn until_somebody_waits(place: &Place, holder: i32) {
    let client = place.client().await;
    let waits = async {
        loop {
            let row = client
                .query_one(
                    "SELECT EXISTS (SELECT 1 FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid)))",
                    &[&holder],
                )
                .await
                .unwrap();
            if row.get(0) {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(10), waits).await.expect("nobody waits");
}

async fn pid(client: &impl tokio_postgres::GenericClient) -> i32 {
    client.query_one("SELECT pg_backend_pid()", &[]).await.unwrap().get(0)
}

#[tokio::test]
async fn one_key_makes_one_job_in_a_transaction() {
    let place = Place::open().await;
    let mut client = place.client().await;
    let transaction = client.transaction().await.unwrap();
    let (first, made) = submit_in(&transaction, &place.statement(keyed_job("f", "k")).await).await.unwrap();
    let again = submit_in(&transaction, &place.statement(keyed_job("f", "k")).await).await.unwrap();
    assert!(made);
    assert_eq!(again, (first, false));
    // Also in one call, and other functions have keys of their own.
    let jobs = vec![keyed_job("f", "k"), keyed_job("f", "m"), keyed_job("f", "m"), keyed_job("g", "k")];
    let statement = place.backend.enqueue_statement(jobs.clone()).await.unwrap();
    let rows = transaction.query(&statement.sql, &[&statement.jobs]).await.unwrap();
    let answers: Vec<(String, bool)> = rows.iter().map(|row| (row.get(0), row.get(1))).collect();
    assert_eq!(answers[0], (first.to_string(), false));
    assert!(answers[1].0 == answers[2].0 && answers[1].1 != answers[2].1, "{answers:?}");
    assert_eq!(answers[3], (jobs[3].id.to_string(), true));
    transaction.commit().await.unwrap();
    assert_eq!(place.backend.take("f", 9).await.len(), 2);
}

#[tokio::test]
async fn an_unfinished_job_stands_for_the_request() {
    let place = Place::open().await;
    let client = place.client().await;
    let there = place.backend.submit(keyed_job("f", "k")).await;
    let statement = place.statement(keyed_job("f", "k")).await;
    assert_eq!(submit_in(&client, &statement).await.unwrap(), (there, false));
    let claimed = place.backend.take_one("f").await;
    assert_eq!(submit_in(&client, &statement).await.unwrap(), (there, false));
    place.backend.end_applied(&claimed, ok()).await;
    let (fresh, made) = submit_in(&client, &statement).await.unwrap();
    assert!(made && fresh != there);
}

#[tokio::test]
async fn a_snapshot_from_before_loses_no_job() {
    let place = Place::open().await;
    let mut client = place.client().await;
    let there = place.backend.submit(keyed_job("f", "k")).await;
    let old = client.build_transaction().isolation_level(tokio_postgres::IsolationLevel::RepeatableRead);
    let transaction = old.start().await.unwrap();
    // The snapshot is taken while the job is unfinished; it ends before the submission.
    transaction.query_one("SELECT 1", &[]).await.unwrap();
    let claimed = place.backend.take_one("f").await;
    place.backend.end_applied(&claimed, ok()).await;
    let (fresh, made) = submit_in(&transaction, &place.statement(keyed_job("f", "k")).await).await.unwrap();
    transaction.commit().await.unwrap();
    assert!(made && fresh != there && exists(&place.backend, fresh).await);
}

#[tokio::test]
async fn a_submission_waits_for_the_transaction_that_decides() {
    for commits in [true, false] {
        let place = Place::open().await;
        let mut client = place.client().await;
        let transaction = client.transaction().await.unwrap();
        let (inside, _) = submit_in(&transaction, &place.statement(keyed_job("f", "k")).await).await.unwrap();
        let outside = submit_meanwhile(&place.backend);
        until_somebody_waits(&place, pid(&transaction).await).await;
        // Meanwhile nobody else is held up, not even those that share the lane.
        let others = (0..20).map(|_| place.backend.enqueue(vec![new_job("g"), keyed_job("f", "other")]));
        let others = futures::future::try_join_all(others);
        tokio::time::timeout(Duration::from_secs(3), others).await.expect("others wait, too").unwrap();
        if commits {
            transaction.commit().await.unwrap();
        } else {
            transaction.rollback().await.unwrap();
        }
        let (outside, made) = outside.await.unwrap().unwrap();
        assert_eq!((outside.id == inside, made), (commits, !commits), "commits: {commits}");
        assert!(exists(&place.backend, outside.id).await);
    }
}

#[tokio::test]
async fn who_waits_for_a_transaction_that_stays_open_is_told() {
    let place = Place::open().await;
    let mut client = place.client().await;
    let transaction = client.transaction().await.unwrap();
    submit_in(&transaction, &place.statement(keyed_job("f", "k")).await).await.unwrap();
    let error = submit_meanwhile(&place.backend).await.unwrap().unwrap_err();
    assert!(error.retryable());
    assert_eq!(
        error.to_string(),
        "the job database is unavailable: a transaction that has not ended decides about the idempotency key 'k' of 'f': \
         commit it or roll it back, or submit inside of it"
    );
}

#[tokio::test]
async fn of_two_transactions_the_second_waits_for_the_first() {
    for commits in [true, false] {
        let place = Place::open().await;
        let (mut one, mut two) = (place.client().await, place.client().await);
        let first = one.transaction().await.unwrap();
        let (inside, _) = submit_in(&first, &place.statement(keyed_job("f", "k")).await).await.unwrap();
        let holder = pid(&first).await;
        let statement = place.statement(keyed_job("f", "k")).await;
        let second = tokio::spawn(async move {
            let second = two.transaction().await.unwrap();
            let answer = submit_in(&second, &statement).await.unwrap();
            second.commit().await.unwrap();
            answer
        });
        until_somebody_waits(&place, holder).await;
        if commits {
            first.commit().await.unwrap();
        } else {
            first.rollback().await.unwrap();
        }
        let (id, made) = second.await.unwrap();
        assert_eq!((id == inside, made), (commits, !commits));
        assert_eq!(place.backend.take("f", 9).await.len(), 1);
    }
}

#[tokio::test]
async fn a_deadlock_of_two_transactions_ends_one_of_them() {
    let place = Place::open().await;
    let (mut one, mut two) = (place.client().await, place.client().await);
    let (a, b) = (place.statement(keyed_job("f", "a")).await, place.statement(keyed_job("f", "b")).await);
    let (first, second) = (one.transaction().await.unwrap(), two.transaction().await.unwrap());
    submit_in(&first, &a).await.unwrap();
    submit_in(&second, &b).await.unwrap();
    let later = |job| place.statement(job);
    let (b_again, a_again) = (later(keyed_job("f", "b")).await, later(keyed_job("f", "a")).await);
    let crossed = async {
        // Whoever is ended gives its keys up at once, so that the other goes on.
        let one = async {
            match submit_in(&first, &b_again).await {
                Ok(_) => first.commit().await.map(|()| true),
                Err(error) => first.rollback().await.and(Err(error)),
            }
        };
        let two = async {
            match submit_in(&second, &a_again).await {
                Ok(_) => second.commit().await.map(|()| true),
                Err(error) => second.rollback().await.and(Err(error)),
            }
        };
        tokio::join!(one, two)
    };
    let (one, two) =
        tokio::time::timeout(Duration::from_secs(20), crossed).await.expect("they wait for ever");
    let ended: Vec<_> = [one, two].into_iter().filter_map(Result::err).collect();
    assert_eq!(ended.len(), 1, "one of them goes on");
    assert_eq!(ended[0].code(), Some(&SqlState::T_R_DEADLOCK_DETECTED));
    assert_eq!(place.backend.take("f", 9).await.len(), 2, "the other has both of its jobs");
}

#[tokio::test]
async fn keys_taken_in_one_call_are_taken_in_one_order() {
    let place = Place::open().await;
    let rounds = (0..8).map(|round| {
        let place = &place;
        async move {
            let mut client = place.client().await;
            for _ in 0..10 {
                let mut jobs: Vec<_> = (0..20).map(|key| keyed_job("f", &format!("k{key}"))).collect();
                if round % 2 == 0 {
                    jobs.reverse();
                }
                let statement = place.backend.enqueue_statement(jobs).await.unwrap();
                let transaction = client.transaction().await.unwrap();
                transaction.query(&statement.sql, &[&statement.jobs]).await.unwrap();
                transaction.commit().await.unwrap();
            }
        }
    });
    futures::future::join_all(rounds).await;
    assert_eq!(place.backend.take("f", 100).await.len(), 20);
}

#[tokio::test]
async fn a_retry_by_hand_does_not_wait_for_long() {
    let place = Place::open().await;
    let mut client = place.client().await;
    let failed = place.backend.submit(keyed_job("f", "k")).await;
    let claimed = place.backend.take_one("f").await;
    place.backend.end_applied(&claimed, upnext_testkit::factories::fatal("no")).await;
    let transaction = client.transaction().await.unwrap();
    submit_in(&transaction, &place.statement(keyed_job("f", "k")).await).await.unwrap();
    let error = place.backend.retry(failed).await.unwrap_err();
    assert!(error.retryable(), "{error}");
    transaction.rollback().await.unwrap();
    assert_eq!(place.backend.retry(failed).await.unwrap(), upnext_core::backend::Retried::Queued);
}
