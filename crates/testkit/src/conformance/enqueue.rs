//! `enqueue`: what is accepted stays, reads back as it was given, and is kept apart from or merged with other requests
//! as the idempotency key says.

use std::collections::HashSet;
use std::time::Duration;

use upnext_core::backend::{Finished, JobQuery};
use upnext_core::job::Parent;
use upnext_core::{BackendError, JobId, JobStatus, JobType, NewJob, Outcome, RetryPolicy};

use crate::factories::{delayed_job, finish, json, keyed_job, new_job, ok, retrying_job};
use crate::{Harness, Steps};

/// A job that was acknowledged is there for other handles at once, and after the backend was closed and opened again.
pub async fn accepted_jobs_are_there_after_reopening(harness: &dyn Harness) {
    let mut fixture = harness.open().await;
    let ids = fixture.backend.submit_all((0..20).map(|_| new_job("report")).collect()).await;
    let other = harness.reopen(&fixture).await;
    assert_eq!(
        other.find_jobs(ids.clone()).await.expect("find_jobs should not fail").len(),
        20,
        "another handle does not see all acknowledged jobs"
    );
    drop(other);
    fixture.backend = harness.reopen(&fixture).await;
    for id in ids {
        assert_eq!(
            fixture.backend.status(id).await,
            JobStatus::Queued,
            "a job changed by closing and opening"
        );
    }
}

/// Every field of a new job is found again, and the fields that nobody has set are empty.
pub async fn every_field_reads_back(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let retry = RetryPolicy { max_retries: 7, delay: 0.25, backoff: 1.5, max_delay: 12.5, jitter: 0.125 };
    let given = NewJob {
        function_name: "Monthly report".to_owned(),
        job_type: JobType::Cron,
        idempotency_key: Some("2026-01".to_owned()),
        priority: -3,
        retry,
        timeout: Duration::from_micros(1_500_001),
        source: Some(json(r#"{"type": "cron", "schedule": "0 0 1 * *"}"#)),
        tags: vec!["nightly".to_owned(), "größe 図".to_owned()],
        ..new_job("report")
    };
    fixture.advance(7);
    let id = fixture.backend.submit(given.clone()).await;
    assert_eq!(id, given.id, "a fresh job is answered with another id than its own");
    let job = fixture.backend.read(id).await;
    assert_eq!(job.function, given.function, "the function's key changed");
    assert_eq!(job.function_name, given.function_name, "the function's name changed");
    assert_eq!(job.job_type, JobType::Cron, "the job type changed");
    assert_eq!(job.idempotency_key, given.idempotency_key, "the idempotency key changed");
    assert_eq!(job.priority, -3, "the priority changed");
    assert_eq!(job.retry, retry, "the retry policy changed");
    assert_eq!(job.timeout, given.timeout, "the timeout changed");
    assert_eq!(job.kwargs, given.kwargs, "the arguments changed");
    assert_eq!(job.source, given.source, "the source changed");
    assert_eq!(job.tags, given.tags, "the tags changed");
    assert_eq!(job.status, JobStatus::Queued, "a job that is due at once should be queued");
    assert_eq!(job.created_at, fixture.now(), "created_at is not the moment of acceptance");
    assert_eq!(job.scheduled_at, fixture.now(), "a job without a time is due when it is accepted");
    assert_eq!(
        (job.parent_id, job.root_id),
        (None, id),
        "a job from outside is its own root and has no parent"
    );
    assert_eq!((job.attempts, job.losses), (0, 0), "a new job has no attempts");
    assert_eq!((job.started_at, job.completed_at), (None, None), "a new job neither began nor ended");
    assert_eq!((job.result, job.checkpoint), (None, None), "a new job has no result and no checkpoint");
    assert_eq!((job.error, job.traceback, job.failure_reason), (None, None, None), "a new job has no error");
    assert_eq!(job.worker_id, None, "a new job has no worker");
    assert_eq!((job.progress, job.progress_message), (0.0, None), "a new job has no progress");
    assert!(!job.cancel_requested, "nobody asked to cancel a new job");
}

/// The answers stand in the order of the request, one for each job.
pub async fn answers_come_in_the_order_of_the_request(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let mut jobs: Vec<NewJob> = (0..500).map(|_| new_job("report")).collect();
    jobs.reverse();
    let given: Vec<JobId> = jobs.iter().map(|job| job.id).collect();
    assert_eq!(fixture.backend.submit_all(jobs).await, given, "answers are not in the order of the request");
}

/// A batch of no jobs is answered with no answers.
pub async fn an_empty_batch_answers_empty(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let answers = fixture.backend.enqueue(Vec::new()).await.expect("an empty batch is no error");
    assert!(answers.is_empty(), "no job was given, yet there is an answer");
}

/// While a job with the key is pending, queued, active or retrying, the same job is answered and none is made.
pub async fn an_unfinished_key_stands_for_its_job(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let first =
        fixture.backend.submit(NewJob { idempotency_key: Some("k".into()), ..retrying_job("f", 1) }).await;
    for expected in [JobStatus::Queued, JobStatus::Active, JobStatus::Retrying] {
        assert_eq!(
            fixture.backend.status(first).await,
            expected,
            "the case did not reach the status it is about"
        );
        let again =
            fixture.backend.enqueue(vec![keyed_job("f", "k")]).await.expect("enqueue should not fail");
        assert_eq!(
            again[0].id, first,
            "a second job was made while the first one with its key was {expected}"
        );
        assert!(
            !again[0].created,
            "the answer says a job was made although the {expected} one stands for it"
        );
        if expected == JobStatus::Queued {
            fixture.backend.take_one("f").await;
        } else if expected == JobStatus::Active {
            fixture.advance(31);
            fixture.backend.reclaim_all().await;
            let claimed = fixture.backend.take_one("f").await;
            fixture.backend.end_applied(&claimed, Outcome::failed("no")).await;
        }
    }
    let pending = NewJob { idempotency_key: Some("p".into()), ..delayed_job("f", fixture.in_seconds(60)) };
    let pending = fixture.backend.submit(pending).await;
    assert_eq!(
        fixture.backend.submit(keyed_job("f", "p")).await,
        pending,
        "a second job was made while the first one with its key was pending"
    );
    let total = fixture.backend.list_all(JobQuery { limit: 100, ..JobQuery::default() }).await.len();
    assert_eq!(total, 2, "only two jobs were made");
}

/// Once the job with the key is complete, failed or cancelled, the key makes a new job.
pub async fn a_finished_key_makes_a_new_job(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let mut seen = HashSet::new();
    for outcome in [ok(), Outcome::failed("no"), Outcome::Cancelled] {
        let answer =
            fixture.backend.enqueue(vec![keyed_job("f", "k")]).await.expect("enqueue should not fail");
        assert!(answer[0].created, "the job before ended, yet its key makes no new one");
        assert!(seen.insert(answer[0].id), "an ended job was answered for a new request");
        let claimed = fixture.backend.take_one("f").await;
        assert_eq!(claimed.idempotency_key.as_deref(), Some("k"), "the claimed job does not carry its key");
        fixture.backend.end_applied(&claimed, outcome).await;
    }
}

/// The same key with another function is another job.
pub async fn a_key_belongs_to_its_function(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let jobs = vec![keyed_job("f", "k"), keyed_job("g", "k"), keyed_job("f", "K"), keyed_job("f", "k ")];
    let ids: HashSet<JobId> = fixture.backend.submit_all(jobs).await.into_iter().collect();
    assert_eq!(ids.len(), 4, "keys of different functions, or different keys, were taken for the same");
}

/// Jobs without a key never stand for one another.
pub async fn jobs_without_a_key_are_never_merged(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let ids: HashSet<JobId> = fixture
        .backend
        .submit_all(vec![new_job("f"), new_job("f"), new_job("f")])
        .await
        .into_iter()
        .collect();
    assert_eq!(ids.len(), 3, "jobs without an idempotency key were merged");
}

/// A key that comes twice in one batch makes one job.
pub async fn a_key_twice_in_one_batch_makes_one_job(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let batch = vec![keyed_job("f", "k"), new_job("f"), keyed_job("f", "k")];
    let answers = fixture.backend.enqueue(batch).await.expect("enqueue should not fail");
    assert_eq!(answers[0].id, answers[2].id, "the key made two jobs within one batch");
    let created: Vec<bool> = answers.iter().map(|answer| answer.created).collect();
    assert_eq!(created, [true, true, false], "only the first request with the key makes a job");
    assert_eq!(fixture.backend.take("f", 10).await.len(), 2, "the queue should hold two jobs");
}

/// The same call again (its answer was lost, say) is answered with the same job.
pub async fn a_repeated_call_makes_no_second_job(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let job = new_job("f");
    fixture.backend.submit(job.clone()).await;
    let again = fixture.backend.enqueue(vec![new_job("f"), job.clone()]).await;
    let again = again.expect("a job that is there already must not spoil its batch");
    assert_eq!(
        (again[1].id, again[1].created),
        (job.id, false),
        "the repeated job was not recognised by its id"
    );
    assert!(again[0].created, "the other job of the batch was not made");
    assert_eq!(fixture.backend.take("f", 10).await.len(), 2, "the repeated job was queued twice, or lost");
}

/// Two handles that submit the same key at the same time get the same job.
pub async fn a_key_raced_for_by_two_handles_makes_one_job(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let other = harness.reopen(&fixture).await;
    let mut tasks = tokio::task::JoinSet::new();
    for n in 0..16 {
        let handle = if n % 2 == 0 { fixture.backend.clone() } else { other.clone() };
        tasks.spawn(async move { handle.enqueue(vec![keyed_job("f", "k")]).await });
    }
    let answers = tasks.join_all().await;
    let answers: Vec<_> =
        answers.into_iter().map(|answer| answer.expect("a race is no error for the loser")[0]).collect();
    let ids: HashSet<JobId> = answers.iter().map(|answer| answer.id).collect();
    assert_eq!(ids.len(), 1, "racing submitters of one key were given different jobs");
    let created = answers.iter().filter(|answer| answer.created).count();
    assert_eq!(created, 1, "exactly one of the racing submitters made the job");
}

/// Any Unicode, escapes, odd spacing and large numbers come back letter by letter.
pub async fn unicode_reads_back_exactly(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let text = "{ \"größe\" : \"図 👩‍👩‍👧 \\u0000 \\ud83d\\ude00\",\n \"n\":123456789012345678901234567890, \"x\": 1e400, \"b\":1, \"b\":2 }";
    let job = NewJob {
        kwargs: json(text), idempotency_key: Some("ключ 🔑".into()), ..new_job("отчёт.図")
    };
    let id = fixture.backend.submit(job).await;
    let claimed = fixture.backend.take_one("отчёт.図").await;
    assert_eq!(claimed.kwargs.as_str(), text, "the claimed arguments are not the text that was submitted");
    let result = Outcome::Complete { result: json(text) };
    let answers =
        fixture.backend.finish(vec![finish(&claimed, result)]).await.expect("finish should not fail");
    assert_eq!(answers, [Finished::Applied(JobStatus::Complete)], "a good end should complete the job");
    let job = fixture.backend.read(id).await;
    assert_eq!(job.kwargs.as_str(), text, "the listed arguments are not the text that was submitted");
    assert_eq!(job.result, Some(json(text)), "the result is not the text that was returned");
    assert_eq!(job.idempotency_key.as_deref(), Some("ключ 🔑"), "the key changed");
}

/// Arguments of one mebibyte are accepted, claimed and read back.
pub async fn large_arguments_read_back_exactly(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let text = format!("{{\"data\": \"{}\"}}", "0123456789abcdef".repeat(64 * 1024));
    let id = fixture.backend.submit(NewJob { kwargs: json(&text), ..new_job("f") }).await;
    let claimed = fixture.backend.take_one("f").await;
    assert!(claimed.kwargs.as_str() == text, "1 MiB of arguments was claimed with other content");
    fixture.backend.end_applied(&claimed, Outcome::Complete { result: json(&text) }).await;
    let job = fixture.backend.read(id).await;
    assert!(job.kwargs.as_str() == text, "1 MiB of arguments reads back with other content");
    assert!(job.result == Some(json(&text)), "1 MiB of result reads back with other content");
}

/// A batch of some thousand jobs is accepted whole.
pub async fn a_large_batch_is_accepted_whole(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let ids = fixture.backend.submit_all((0..5000).map(|_| new_job("f")).collect()).await;
    let found = fixture.backend.find_jobs(ids).await.expect("find_jobs should not fail");
    assert_eq!(found.len(), 5000, "not every job of a large batch is found by its id");
}

/// A job with a later time is pending; one whose time is past is queued.
pub async fn a_delayed_job_is_pending_until_its_time(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let later = fixture.in_seconds(60);
    let past = fixture.now();
    fixture.advance(10);
    let ids = fixture.backend.submit_all(vec![delayed_job("f", later), delayed_job("f", past)]).await;
    let job = fixture.backend.read(ids[0]).await;
    assert_eq!(job.status, JobStatus::Pending, "a job that is not due yet should be pending");
    assert_eq!(job.scheduled_at, later, "the time it was asked for changed");
    assert_eq!(
        fixture.backend.status(ids[1]).await,
        JobStatus::Queued,
        "a job whose time is past should be queued"
    );
}

/// A child keeps its parent and its root, also when neither is in the backend any more.
pub async fn a_child_keeps_its_parent_and_root(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let parent = Parent { parent_id: JobId::fresh(), root_id: JobId::fresh() };
    let id = fixture.backend.submit(NewJob { parent: Some(parent), ..new_job("f") }).await;
    let claimed = fixture.backend.take_one("f").await;
    let wanted = (Some(parent.parent_id), parent.root_id);
    assert_eq!((claimed.parent_id, claimed.root_id), wanted, "the claimed job lost its place in the tree");
    let job = fixture.backend.read(id).await;
    assert_eq!((job.parent_id, job.root_id), wanted, "the listed job lost its place in the tree");
}

/// The statement for transactions of callers is given without accepting anything; where there can be none, the sentence names
/// the way out.
pub async fn a_statement_for_transactions_accepts_nothing_itself(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let job = new_job("f");
    let id = job.id;
    match fixture.backend.enqueue_statement(vec![job]).await {
        Ok(statement) => {
            assert!(statement.sql.contains("$1"), "{} has no parameter for the jobs", statement.sql);
            assert!(statement.jobs.contains(&id.to_string()), "the job's id is not in the statement's value");
        }
        Err(BackendError::Unusable(sentence)) => {
            assert!(sentence.contains("UPNEXT_DATABASE_URL=postgres://"), "'{sentence}' names no way out");
            assert!(
                sentence.contains(fixture.backend.kind()),
                "'{sentence}' does not say where jobs are kept"
            );
        }
        Err(other) => panic!("no statement was given: {other}"),
    }
    let found = fixture.backend.find_jobs(vec![id]).await.expect("find_jobs should not fail");
    assert!(found.is_empty(), "a statement that nobody ran made a job");
}
