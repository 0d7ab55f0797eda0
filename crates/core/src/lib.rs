//! The heart of UpNext: what a job, an attempt, a lease and an artifact *are*, which state follows which, and the
//! one seam ([`Backend`]) behind which all truth about them is kept.
//!
//! This crate does no I/O. SQL, HTTP, files and Python live in the crates around it; decisions that two of them must
//! never answer differently (may this job be retried? is this name allowed?) are pure functions here.

pub mod api;
pub mod artifact;
mod artifact_type;
pub mod backend;
pub mod client;
pub mod clock;
mod digest;
pub mod eager;
pub mod error;
pub mod events;
pub mod fault;
mod finding;
pub mod folding;
pub mod function;
pub mod id;
pub mod insight;
pub mod job;
mod labels;
pub mod limits;
pub mod log;
mod lookups;
pub mod pattern;
mod query;
pub mod schedule;
pub mod settings;
pub mod shown_settings;
pub mod signal;
mod storage_settings;
mod submission;
pub mod template;
pub mod transition;
mod waiters;
pub mod wire;
pub mod worker;

pub use artifact::{
    Artifact, ArtifactStatus, ArtifactType, Labels, NewArtifact, NewBlob, NewContent, Sealed,
};
pub use backend::Backend;
pub use client::Client;
pub use clock::{Clock, ManualClock, SystemClock, Timestamp};
pub use error::{BackendError, SubmitError, WaitError};
pub use function::{Function, FunctionDefinition, Parameter, RetryPolicy};
pub use id::{ArtifactId, JobId, LeaseToken, WorkerId};
pub use job::{Attempt, ClaimedJob, FailureReason, Job, JobStatus, JobType, NewJob, Outcome, RawJson};
pub use settings::Settings;
pub use signal::{Signals, Storm};
pub use worker::{Worker, WorkerRegistration};

/// The version of this build, as every face reports it.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");
