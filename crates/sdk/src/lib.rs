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
mod declare;
mod error;
mod event;
mod executor;
mod failure;
mod future;
mod hooks;
mod job_log;
mod recording;
mod request;
mod state;
mod task;
mod transaction;
mod worker;

pub use app::UpNext;
pub use artifacts::{ArtifactBuilder, IntoArtifactData, artifact, create_artifact, json, reader, stream};
pub use context::{Context, current_context};
pub use error::Error;
pub use event::{Delivery, EventBuilder, event};
pub use failure::{GiveUp, TaskFailure};
pub use future::{JobFuture, TaskResult, first_completed};
pub use hooks::Hooks;
pub use job_log::{JobLog, job_log};
pub use request::Request;
pub use task::Task;
pub use transaction::{Transaction, TransactionError};
pub use upnext_artifacts::{ArtifactData, ArtifactError, ArtifactService, ArtifactWriter};
pub use upnext_core::artifact::{ArtifactPatch, Digest, Labels};
pub use upnext_core::backend::{ArtifactQuery, ArtifactSort};
pub use upnext_core::schedule::MissedRunPolicy;
pub use upnext_core::{
    Artifact, ArtifactId, ArtifactStatus, ArtifactType, FailureReason, FunctionDefinition, Job, JobId,
    JobStatus, JobType, Parameter, RawJson, Timestamp, VERSION,
};
pub use worker::{RunningWorker, Worker};

/// Turns an `async fn` into a task: a value of the same name with the methods `submit`, `wait`, `request` and `call`.
///
/// Arguments need `serde::Serialize` and `Deserialize`; so does what it returns, alone or as the `Ok` of a `Result` with
/// any error that can be shown. An argument of type `Option` may be left out by callers. An error is retried unless it
/// is, or comes from, a [`GiveUp`]; its causes are kept with it.
///
/// Lengths of time are numbers of seconds or a [`Duration`](std::time::Duration). An option that breaks its rule is refused
/// when a worker starts or a job is submitted ([`Error::Definition`]).
///
/// | option | default | |
/// | --- | --- | --- |
/// | `name` | the function's | what jobs are addressed to |
/// | `timeout` | 1800 | how long one attempt may run |
/// | `retries` | 0 | attempts after the first |
/// | `retry_delay` | 1 | wait before the first retry |
/// | `retry_backoff` | 2.0 | factor by which further waits grow |
/// | `retry_max_delay` | 3600 | longest wait |
/// | `retry_jitter` | 0.0 | part of the wait, 0 to 1, that is drawn at random |
/// | `artifact_ttl` | none | how long artifacts stay that name no time; else as long as their job |
/// | `tags` | none | words its jobs can be found by: `["etl", "nightly"]` |
/// | `rate_limit` | none | starts in the whole deployment, such as `"100/m"` or `"5/10s"` |
/// | `max_concurrency` | none | jobs at once in the whole deployment |
/// | `routing_group`, `group_max_concurrency` | none | a limit that tasks of one group share |
/// | `concurrency_key` | none | jobs of one key wait for each other: `"{customer}"`, `"{order.id}"` |
/// | `key_max_concurrency` | 1 | jobs of one key at once |
/// | `cache_key` | none | jobs of one key share a result |
/// | `cache_ttl` | without end | for how long |
/// | `cron` | none | a schedule of 5 fields, or 6 with the seconds first |
/// | `timezone` | UTC | an IANA name, for `cron` |
/// | `missed_run_policy` | `"latest_only"` | or `"catch_up"`, `"skip"`: runs that no worker was there for |
/// | `max_catch_up_seconds` | without end | how far back catching up reaches |
/// | `event` | none | a pattern such as `"order.*"`: the task handles these events |
/// | `on_start`, `on_success`, `on_failure`, `on_retry`, `on_complete` | none | functions to call around attempts: [`Hooks`] |
///
/// ```
/// #[upnext::task(name = "add-up", retries = 3, timeout = 10, rate_limit = "100/m", concurrency_key = "{a}")]
/// async fn add(a: i64, b: i64) -> i64 {
///     a + b
/// }
///
/// /// Runs by itself while a worker offers it.
/// #[upnext::task(cron = "0 3 * * *", timezone = "Europe/Berlin", missed_run_policy = "skip")]
/// async fn clean_up() {}
///
/// /// Gets a job for each event; of its data it takes the fields that it names.
/// #[upnext::task(event = "order.*", retries = 3)]
/// async fn reserve(order: i64, customer: Option<String>) {
///     let _ = (order, customer);
/// }
/// # use upnext::Task;
/// # fn main() -> Result<(), upnext::Error> {
/// let definition = add::definition()?;
/// assert_eq!((definition.key.as_str(), definition.retry.max_retries), ("add-up", 3));
/// assert_eq!(clean_up::definition()?.job_type, upnext::JobType::Cron);
/// assert_eq!(reserve::definition()?.job_type, upnext::JobType::Event);
/// # Ok(()) }
/// ```
pub use upnext_macros::task;

/// What the macro's expansion needs; not for other use.
#[doc(hidden)]
pub mod __private {
    pub use crate::declare::{Seconds, checked, pattern, rate_limit, template};
    pub use crate::failure::{Thrown, ThrownBox, ThrownError, ThrownFailure, ThrownShared, ThrownText};
    pub use crate::hooks::{ByReference, Form, Hook, HookEnd};
    pub use serde;
    pub use upnext_core::function::CronRule;
}

/// The guide's examples, compiled with those of this crate.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/rust.md")]
struct Guide;
