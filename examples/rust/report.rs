//! A task that makes artifacts, a job that runs it, and the artifacts read back.
//!
//! Run it with `cargo run -p upnext --example report`. Jobs and artifacts go to `~/.upnext` (or `$UPNEXT_HOME`).

#![allow(missing_docs, clippy::print_stdout, reason = "an example prints, and its text explains it")]

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::json;
use upnext::{ArtifactError, ArtifactType, TaskResult, UpNext, Worker};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    #[serde(rename = "type")]
    pub kind: String,
    pub rows: u32,
}

#[upnext::task]
pub async fn generate_report(report_type: String) -> Result<Report, ArtifactError> {
    let data = Report { kind: report_type, rows: 42 };
    upnext::create_artifact("report.json", upnext::json(&data)?, ArtifactType::Json).await?;

    // JSON is the type of a JSON value, so it may be left out.
    upnext::create_artifact("output.json", json!({"key": "value"}), None).await?;
    let log = "Processing completed successfully.\n3 warnings.";
    upnext::create_artifact("log.txt", log, ArtifactType::Text).await?;
    // Bytes are taken as they are; a `&str` for an image would have to be base64.
    upnext::create_artifact("chart.png", chart(), ArtifactType::Png).await?;
    Ok(data)
}

/// The smallest PNG there is: one transparent pixel.
fn chart() -> Vec<u8> {
    const PIXEL: [u8; 67] = [
        0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a, 0x00, 0x00, 0x00, 0x0d, 0x49, 0x48, 0x44, 0x52, 0x00,
        0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01, 0x08, 0x06, 0x00, 0x00, 0x00, 0x1f, 0x15, 0xc4, 0x89, 0x00,
        0x00, 0x00, 0x0a, 0x49, 0x44, 0x41, 0x54, 0x78, 0x9c, 0x63, 0x00, 0x01, 0x00, 0x00, 0x05, 0x00, 0x01,
        0x0d, 0x0a, 0x2d, 0xb4, 0x00, 0x00, 0x00, 0x00, 0x49, 0x45, 0x4e, 0x44, 0xae, 0x42, 0x60, 0x82,
    ];
    PIXEL.to_vec()
}

/// Starts a worker, has it run one job, stops it again.
pub async fn run_one(app: &UpNext) -> Result<TaskResult<Report>, upnext::Error> {
    let worker = Worker::new("demo").concurrency(4).task(generate_report).start(app).await?;
    let result = generate_report.wait(app, "monthly".to_owned()).await;
    worker.stop(Duration::from_secs(3)).await;
    result
}

#[allow(dead_code, reason = "the test of this page calls run_one by itself")]
#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let app = UpNext::from_env().await?;
    let result = run_one(&app).await?;
    println!("job {} returned {:?}", result.job.id, result.value);
    Ok(())
}
