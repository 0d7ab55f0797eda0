//! The Rust crate as its users meet it, on real files.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on may as well end")]

#[path = "../../../examples/rust/report.rs"]
#[allow(unreachable_pub)]
mod report;

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use futures::StreamExt;
use tempfile::TempDir;
use upnext::{ArtifactError, ArtifactType, Error, FailureReason, JobStatus, UpNext, Worker};
use upnext_core::backend::{ArtifactQuery, LogQuery};

async fn fresh() -> (UpNext, TempDir) {
    let folder = TempDir::new().unwrap();
    let app = UpNext::open(&format!("sqlite://{}/upnext.db", folder.path().display())).await.unwrap();
    (app, folder)
}

async fn bytes_of(app: &UpNext, artifact: &upnext::Artifact) -> Vec<u8> {
    let mut stream = app.artifacts().read(artifact, None).await.unwrap();
    let mut bytes = Vec::new();
    while let Some(chunk) = stream.next().await {
        bytes.extend_from_slice(&chunk.unwrap());
    }
    bytes
}

#[tokio::test]
async fn the_report_example_makes_its_artifacts() {
    let (app, _folder) = fresh().await;
    let result = report::run_one(&app).await.unwrap();
    assert_eq!(result.value, report::Report { kind: "monthly".into(), rows: 42 });
    assert_eq!(result.job.status, JobStatus::Complete);

    let query = ArtifactQuery { job_id: Some(result.job.id), limit: 10, ..ArtifactQuery::default() };
    let mut artifacts = app.artifacts().list(query).await.unwrap().items;
    artifacts.reverse();
    let shown: Vec<(&str, ArtifactType)> =
        artifacts.iter().map(|artifact| (artifact.name.as_str(), artifact.artifact_type.clone())).collect();
    assert_eq!(
        shown,
        [
            ("report.json", ArtifactType::Json),
            ("output.json", ArtifactType::Json),
            ("log.txt", ArtifactType::Text),
            ("chart.png", ArtifactType::Png),
        ]
    );
    assert_eq!(bytes_of(&app, &artifacts[0]).await, br#"{"type":"monthly","rows":42}"#);
    assert_eq!(bytes_of(&app, &artifacts[2]).await, b"Processing completed successfully.\n3 warnings.");
    assert!(bytes_of(&app, &artifacts[3]).await.starts_with(b"\x89PNG"));
}

#[upnext::task]
async fn add(a: i64, b: Option<i64>) -> i64 {
    a + b.unwrap_or(1)
}

#[tokio::test]
async fn a_job_waits_until_a_worker_comes() {
    let (app, _folder) = fresh().await;
    let future = add.submit(&app, 40, Some(2)).await.unwrap();
    let early = future.result_within(Some(Duration::from_millis(10))).await.unwrap_err();
    assert!(matches!(early, Error::Wait(_)), "{early}");
    let worker = Worker::new("late").task(add).start(&app).await.unwrap();
    assert_eq!(future.result().await.unwrap().value, 42);
    worker.stop(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn a_function_can_be_called_by_name_with_its_arguments_checked() {
    let (app, _folder) = fresh().await;
    let worker = Worker::new("w").task(add).start(&app).await.unwrap();
    let value =
        app.call::<i64>("add", &serde_json::json!({"a": 1})).await.unwrap().result().await.unwrap().value;
    assert_eq!(value, 2);
    let error = app.call::<i64>("add", &serde_json::json!({"b": 1})).await.unwrap_err();
    assert_eq!(error.to_string(), "'add' needs the argument 'a': it takes a, b (optional)");
    worker.stop(Duration::from_secs(1)).await;
}

static TRIES: AtomicU32 = AtomicU32::new(0);

#[upnext::task(retries = 2, retry_delay = 0.01)]
async fn flaky() -> Result<u32, std::io::Error> {
    match TRIES.fetch_add(1, Ordering::SeqCst) {
        0 => Err(std::io::Error::other("not yet")),
        1 => panic!("not yet either"),
        tries => Ok(tries),
    }
}

#[tokio::test]
async fn failures_and_panics_are_retried_with_their_history_kept() {
    let (app, _folder) = fresh().await;
    let worker = Worker::new("w").task(flaky).start(&app).await.unwrap();
    let result = flaky.wait(&app).await.unwrap();
    assert_eq!(result.job.attempts, 3);
    let attempts = app.client().backend().list_attempts(result.job.id).await.unwrap();
    let shown: Vec<(&str, Option<&str>)> =
        attempts.iter().map(|attempt| (attempt.outcome.as_str(), attempt.error.as_deref())).collect();
    assert_eq!(
        shown,
        [
            ("failed", Some("not yet")),
            ("failed", Some("the task panicked: not yet either")),
            ("complete", None)
        ]
    );
    worker.stop(Duration::from_secs(1)).await;
}

#[upnext::task(timeout = 0.05)]
async fn endless() {
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_job_that_runs_too_long_is_stopped() {
    let (app, _folder) = fresh().await;
    let worker = Worker::new("w").task(endless).start(&app).await.unwrap();
    let future = endless.submit(&app).await.unwrap();
    let error = future.result_within(Some(Duration::from_secs(10))).await.unwrap_err();
    let Error::Job { reason, status, .. } = &error else { panic!("{error}") };
    assert_eq!((*status, *reason), (JobStatus::Failed, Some(FailureReason::Timeout)));
    worker.stop(Duration::from_secs(1)).await;
}

#[upnext::task]
async fn keep(text: String) -> usize {
    text.len()
}

#[tokio::test]
async fn arguments_too_large_for_a_job_say_what_to_do() {
    let (app, _folder) = fresh().await;
    let error = keep.submit(&app, "x".repeat(10 * 1024 * 1024)).await.unwrap_err().to_string();
    let wanted = "the arguments of 'keep' are 10485771 bytes of JSON; a job carries at most 4194304: put the data where \
                  the task can fetch it and pass a reference";
    assert!(error.ends_with(wanted), "{}", &error[..error.len().min(400)]);
    assert!(error.len() < 300, "the sentence carries the data");
    keep.submit(&app, "x".repeat(1024 * 1024)).await.unwrap();
}

#[upnext::task]
async fn patient() {
    std::future::pending::<()>().await;
}

#[tokio::test]
async fn a_running_job_can_be_cancelled() {
    let (app, _folder) = fresh().await;
    let worker = Worker::new("w").task(patient).start(&app).await.unwrap();
    let future = patient.submit(&app).await.unwrap();
    wait_for_status(&app, future.job_id(), JobStatus::Active).await;
    assert!(future.cancel().await.unwrap());
    let error = future.result_within(Some(Duration::from_secs(10))).await.unwrap_err();
    assert!(matches!(error, Error::Job { status: JobStatus::Cancelled, .. }), "{error}");
    assert!(!future.cancel().await.unwrap());
    worker.stop(Duration::from_secs(1)).await;
}

#[tokio::test]
async fn a_stopped_worker_gives_its_jobs_back() {
    let (app, _folder) = fresh().await;
    let worker = Worker::new("w").concurrency(1).task(patient).start(&app).await.unwrap();
    let future = patient.submit(&app).await.unwrap();
    wait_for_status(&app, future.job_id(), JobStatus::Active).await;
    worker.stop(Duration::ZERO).await;
    let job = app.client().find_job(future.job_id()).await.unwrap().unwrap();
    assert_eq!((job.status, job.attempts), (JobStatus::Queued, 0));
    let workers = app.client().backend().list_workers().await.unwrap();
    assert!(workers.iter().all(|worker| !worker.alive), "the worker said goodbye");
}

async fn wait_for_status(app: &UpNext, id: upnext::JobId, status: JobStatus) {
    let deadline = tokio::time::Instant::now() + Duration::from_secs(10);
    loop {
        let job = app.client().find_job(id).await.unwrap().unwrap();
        if job.status == status {
            return;
        }
        assert!(tokio::time::Instant::now() < deadline, "job {id} is {}, not {status}", job.status);
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[upnext::task]
async fn family() -> Result<String, Error> {
    let context = upnext::current_context();
    context.set_progress(0.5, Some("halfway")).await?;
    context.send_log("info", "asking the child").await?;
    Ok(context.job_id().to_string())
}

#[tokio::test]
async fn the_context_reports_progress_and_logs() {
    let (app, _folder) = fresh().await;
    let worker = Worker::new("w").task(family).start(&app).await.unwrap();
    let result = family.wait(&app).await.unwrap();
    assert_eq!(result.value, result.job.id.to_string());
    assert_eq!(result.job.progress_message.as_deref(), Some("halfway"));
    let logs = app.client().backend().list_logs(result.job.id, LogQuery::after(0, 10)).await.unwrap();
    assert_eq!(logs[0].entry.message, "asking the child");
    worker.stop(Duration::from_secs(1)).await;
}

#[upnext::task(artifact_ttl = 3600.0)]
async fn write_everything(folder: String) -> Result<(), ArtifactError> {
    let source = std::path::Path::new(&folder).join("source.bin");
    std::fs::write(&source, vec![7; 300_000]).unwrap();
    upnext::artifact("labelled.json")
        .description("a number")
        .tags(["small", "json"])
        .metadata(&serde_json::json!({"n": 1}))
        .expires_in(Duration::from_secs(60))
        .create(upnext::json(&[1, 2, 3])?)
        .await?;
    let file = tokio::fs::File::open(&source).await.unwrap();
    upnext::create_artifact("read.bin", upnext::reader(file), None).await?;
    let pieces = futures::stream::iter([Ok("a".into()), Ok("b".into())]);
    upnext::create_artifact("pieces.md", upnext::stream(pieces), None).await?;
    upnext::create_artifact("copied.bin", source.as_path(), None).await?;
    let log = upnext::artifact("train.log").open().await?;
    log.write(b"epoch 1\n").await?;
    log.write(b"epoch 2\n").await?;
    assert_eq!(log.close().await?.size_bytes, 16);
    Ok(())
}

#[upnext::task]
async fn read_report(url: String, job: String) -> Result<Vec<i64>, ArtifactError> {
    let app = UpNext::open(&url).await.unwrap();
    let artifact = app.job_artifact(job.parse().unwrap(), "labelled.json").await?.unwrap();
    app.artifact_json(&artifact).await
}

#[tokio::test]
async fn every_kind_of_data_becomes_an_artifact_that_can_be_read_back() {
    let (app, folder) = fresh().await;
    let url = format!("sqlite://{}/upnext.db", folder.path().display());
    let worker = Worker::new("demo").task(write_everything).task(read_report).start(&app).await.unwrap();
    let written = write_everything.wait(&app, folder.path().display().to_string()).await.unwrap().job.id;
    let find = async |name: &str| app.job_artifact(written, name).await.unwrap().unwrap();
    let labelled = find("labelled.json").await;
    assert_eq!(labelled.labels.tags, ["small", "json"]);
    let lives = |artifact: &upnext::Artifact| {
        artifact.expires_at.unwrap().as_micros() - artifact.created_at.as_micros()
    };
    assert_eq!(lives(&labelled), 60_000_000, "its own time goes before the task's");
    let read = find("read.bin").await;
    assert_eq!((read.size_bytes, lives(&read)), (300_000, 3_600_000_000));
    assert_eq!(find("copied.bin").await.sha256, read.sha256);
    let pieces = find("pieces.md").await;
    assert_eq!(
        (bytes_of(&app, &pieces).await.as_slice(), pieces.artifact_type.as_str()),
        (&b"ab"[..], "text/markdown")
    );
    assert_eq!(app.artifact_bytes(&find("train.log").await).await.unwrap(), "epoch 1\nepoch 2\n");
    let saved = folder.path().join("saved.bin");
    app.save_artifact(&read, &saved).await.unwrap();
    assert_eq!(std::fs::read(&saved).unwrap(), vec![7; 300_000]);
    let latest = app.latest_artifact("write_everything", "labelled.json").await.unwrap();
    assert_eq!(latest.as_ref(), Some(&labelled));

    let reader = read_report.wait(&app, url, written.to_string()).await.unwrap();
    assert_eq!(reader.value, [1, 2, 3]);
    let inputs = ArtifactQuery { read_by: Some(reader.job.id), limit: 10, ..ArtifactQuery::default() };
    assert_eq!(
        app.artifacts().list(inputs).await.unwrap().items,
        [labelled],
        "the read is part of the lineage"
    );
    worker.stop(Duration::from_secs(3)).await;
}

#[tokio::test]
async fn artifacts_need_a_job() {
    let error = upnext::create_artifact("a.json", "{}", None).await.unwrap_err();
    assert!(matches!(&error, ArtifactError::Invalid(text) if text.contains("outside of a job")), "{error}");
}
