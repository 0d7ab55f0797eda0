//! Background jobs that keep what they make.
//!
//! A **task** is an `async fn` with `#[upnext::task]`. A **job** is one durable request to run it. An **artifact** is a
//! named, typed output of a job: JSON, text, an image, any file. Nothing needs to be installed or configured: jobs and
//! artifacts live in `~/.upnext` (or `$UPNEXT_HOME`) until a URL says otherwise.
//!
//! ```
//! use upnext::{ArtifactType, UpNext, Worker};
//!
//! #[upnext::task(retries = 2)]
//! async fn generate_report(report_type: String) -> Result<serde_json::Value, upnext::ArtifactError> {
//!     let data = serde_json::json!({"type": report_type, "rows": 42});
//!     upnext::create_artifact("report.json", data.clone(), ArtifactType::Json).await?;
//!     Ok(data)
//! }
//!
//! # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # let folder = tempfile::tempdir()?;
//! # let app = UpNext::open(&format!("sqlite://{}/upnext.db", folder.path().display())).await?;
//! # /*
//! let app = UpNext::from_env().await?;
//! # */
//! let worker = Worker::new("demo").task(generate_report).start(&app).await?;
//! let result = generate_report.wait(&app, "monthly".to_owned()).await?;
//! assert_eq!(result.value["rows"], 42);
//! worker.stop(std::time::Duration::from_secs(3)).await;
//! # Ok(()) }
//! ```
//!
//! A job submitted here may run in a Python worker that offers a task of the same name, and the other way round:
//! arguments and results are JSON, and the name is all that counts.

mod app;
mod artifacts;
mod context;
mod error;
mod executor;
mod task;
mod worker;

pub use app::{JobFuture, TaskResult, UpNext};
pub use artifacts::{ArtifactBuilder, IntoArtifactData, artifact, create_artifact, json, reader, stream};
pub use context::{Context, current_context};
pub use error::Error;
pub use task::{Task, TaskFailure};
pub use upnext_artifacts::{ArtifactData, ArtifactError, ArtifactService, ArtifactWriter};
pub use upnext_core::artifact::{ArtifactPatch, Digest, Labels};
pub use upnext_core::backend::{ArtifactQuery, ArtifactSort};
pub use upnext_core::{
    Artifact, ArtifactId, ArtifactStatus, ArtifactType, FailureReason, FunctionDefinition, JobId, JobStatus,
    Parameter, VERSION,
};
pub use worker::{RunningWorker, Worker};

/// Turns an `async fn` into a task: a value of the same name with the methods `submit`, `wait` and `call`.
///
/// Arguments need `serde::Serialize` and `Deserialize`; so does what it returns, alone or as the `Ok` of a `Result` with
/// any error that can be shown. An argument of type `Option` may be left out by callers. Options: `name` (default: the
/// function's name), `retries` (0), `retry_delay` in seconds (1.0), `retry_backoff` (2.0), `timeout` in seconds (1800.0),
/// `artifact_ttl` in seconds (none: artifacts stay as long as their job).
///
/// ```
/// #[upnext::task(name = "add-up", retries = 3, timeout = 10.0)]
/// async fn add(a: i64, b: i64) -> i64 {
///     a + b
/// }
/// # use upnext::Task;
/// assert_eq!(add::definition().key, "add-up");
/// assert_eq!(add::definition().retry.max_retries, 3);
/// ```
pub use upnext_macros::task;

/// What the macro's expansion needs; not for other use.
#[doc(hidden)]
pub mod __private {
    pub use serde;
}
