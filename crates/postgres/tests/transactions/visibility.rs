//! Commit, rollback and savepoints; who may submit, and where.

use std::time::Duration;

use tokio_postgres::error::SqlState;
use upnext_core::job::{CacheUse, Parent};
use upnext_core::{JobId, JobStatus, NewJob, RawJson, RetryPolicy, Timestamp};
use upnext_testkit::Steps as _;
use upnext_testkit::factories::{delayed_job, new_job};

use crate::{Place, exists, submit_in};

#[tokio::test]
async fn a_job_exists_exactly_if_its_transaction_commits() {
    let place = Place::open().await;
    let mut client = place.client().await;

    let transaction = client.transaction().await.unwrap();
    let (undone, made) = submit_in(&transaction, &place.statement(new_job("f")).await).await.unwrap();
    assert!(
        made && !exists(&place.backend, undone).await,
        "a job is seen before its transaction has committed"
    );
    assert!(place.backend.take("f", 1).await.is_empty());
    transaction.rollback().await.unwrap();
    assert!(!exists(&place.backend, undone).await, "a job outlives its transaction");

    let mut transaction = client.transaction().await.unwrap();
    let (before, _) = submit_in(&transaction, &place.statement(new_job("f")).await).await.unwrap();
    let savepoint = transaction.savepoint("s").await.unwrap();
    let (within, _) = submit_in(&savepoint, &place.statement(new_job("f")).await).await.unwrap();
    savepoint.rollback().await.unwrap();
    let (after, _) = submit_in(&transaction, &place.statement(new_job("f")).await).await.unwrap();
    transaction.commit().await.unwrap();
    assert!(!exists(&place.backend, within).await, "a job outlives its savepoint");
    let claimed: Vec<_> = place.backend.take("f", 9).await.iter().map(|job| job.lease.job_id).collect();
    assert_eq!(claimed, [before, after]);
}

#[tokio::test]
async fn every_field_reads_back_as_from_enqueue() {
    let place = Place::open().await;
    let client = place.client().await;
    let job = NewJob {
        function_name: "a name".into(),
        kwargs: RawJson::parse(r#"{ "z": 1.0, "a": "\u0000 ü", "n": 1e3 }"#).unwrap(),
        idempotency_key: Some("k".into()),
        priority: -3,
        delay: Duration::from_millis(1500),
        cache: Some(CacheUse { key: "c".into(), ttl: None }),
        retry: RetryPolicy { max_retries: 4, ..RetryPolicy::default() },
        parent: Some(Parent { parent_id: JobId::fresh(), root_id: JobId::fresh() }),
        source: Some(RawJson::parse(r#"{"type": "task", "x": [1]}"#).unwrap()),
        tags: vec!["a".into(), "b \"q\"".into()],
        ..delayed_job("f", Timestamp::from_micros(4_000_000_000_000_000))
    };
    let other = NewJob { id: JobId::fresh(), function: "g".into(), ..job.clone() };
    let (here, _) = submit_in(&client, &place.statement(job).await).await.unwrap();
    let there = place.backend.submit(other).await;
    let read = async |id| {
        let mut job = serde_json::to_value(place.backend.read(id).await).unwrap();
        for own in ["id", "created_at", "function"] {
            job[own] = serde_json::Value::Null;
        }
        job
    };
    assert_eq!(read(here).await, read(there).await);
    assert_eq!(place.backend.status(here).await, JobStatus::Pending);
}

#[tokio::test]
async fn the_answers_have_the_order_of_the_jobs() {
    let place = Place::open().await;
    let client = place.client().await;
    let jobs: Vec<_> = ["z", "a", "m", "a"].map(new_job).into_iter().collect();
    let ids: Vec<String> = jobs.iter().map(|job| job.id.to_string()).collect();
    let statement = place.backend.enqueue_statement(jobs).await.unwrap();
    let rows = client.query(&statement.sql, &[&statement.jobs]).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.get(0)).collect::<Vec<String>>(), ids);
}

#[tokio::test]
async fn another_deployment_is_refused() {
    let (one, other) = (Place::open().await, Place::open().await);
    let client = one.client().await;
    let mut statement = one.statement(new_job("f")).await;
    statement.sql = statement.sql.replace(&one.schema, &other.schema);
    let error = submit_in(&client, &statement).await.unwrap_err();
    let error = error.as_db_error().unwrap();
    assert_eq!(error.code().code(), "UN001");
    assert!(error.message().starts_with("this database holds another deployment of UpNext"), "{error}");
}

#[tokio::test]
async fn who_may_call_the_functions_needs_no_other_rights() {
    let place = Place::open().await;
    let client = place.client().await;
    let statement = place.statement(new_job("f")).await;
    let role = format!("role_{}", place.schema);
    client.batch_execute(&format!("CREATE ROLE {role}; SET ROLE {role}")).await.unwrap();
    let error = submit_in(&client, &statement).await.unwrap_err();
    assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE));
    let grants =
        place.sql(&format!("RESET ROLE; GRANT USAGE ON SCHEMA {} TO {role}; SET ROLE {role}", place.schema));
    client.batch_execute(&grants).await.unwrap();
    let error = submit_in(&client, &statement).await.unwrap_err();
    assert_eq!(error.code(), Some(&SqlState::INSUFFICIENT_PRIVILEGE), "{error}");
    let grants = place.sql(&format!(
        "RESET ROLE; GRANT EXECUTE ON FUNCTION upnext.submit_jobs, upnext.submit, upnext.send_event TO {role}; \
         SET ROLE {role}"
    ));
    client.batch_execute(&grants).await.unwrap();
    let (id, made) = submit_in(&client, &statement).await.unwrap();
    assert!(made);
    let read = place.sql("SELECT 1 FROM upnext.jobs");
    assert!(client.batch_execute(&read).await.is_err(), "the right to submit is no right to read");
    client.batch_execute(&format!("RESET ROLE; DROP OWNED BY {role}; DROP ROLE {role}")).await.unwrap();
    assert!(exists(&place.backend, id).await);
}
