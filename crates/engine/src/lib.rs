//! The worker: claims jobs, keeps their leases, has them executed, and reports how they ended. Beside it, what HTTP APIs
//! report of themselves.
//!
//! What runs a job is an [`Executor`]; where jobs are kept is the [`Client`]'s backend. This crate names neither a
//! concrete backend nor a language.

mod api_reporter;
mod cron;
mod executor;
mod job_lines;
mod memory;
mod pace;
mod run;
mod worker;

pub use api_reporter::ApiReporter;
pub use executor::{Assignment, AttemptKey, Executor, Reporter, StopReason};
pub use worker::{Worker, WorkerConfig, WorkerHandle};
