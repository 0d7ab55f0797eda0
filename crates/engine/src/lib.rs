//! The worker: claims jobs, keeps their leases, has them executed, and reports how they ended.
//!
//! What runs a job is an [`Executor`]; where jobs are kept is the [`Client`]'s backend. This crate names neither a
//! concrete backend nor a language.

mod cron;
mod executor;
mod job_lines;
mod pace;
mod run;
mod worker;

pub use executor::{Assignment, AttemptKey, Executor, Reporter, StopReason};
pub use worker::{Worker, WorkerConfig, WorkerHandle};
