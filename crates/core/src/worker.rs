//! Workers: the processes that run jobs, as the backend knows them.

use serde::{Deserialize, Serialize};

use crate::clock::Timestamp;
use crate::function::FunctionDefinition;
use crate::id::WorkerId;

/// What a worker instance says of itself when it starts.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WorkerRegistration {
    /// This instance.
    pub id: WorkerId,
    /// The worker's name, shared by all of its instances.
    pub name: String,
    /// The machine it runs on.
    pub hostname: String,
    /// Its process id there.
    pub pid: u32,
    /// Jobs it runs at once.
    pub concurrency: u32,
    /// `python` or `rust`.
    pub language: String,
    /// The version of UpNext in it.
    pub version: String,
    /// What it offers.
    pub functions: Vec<FunctionDefinition>,
}

/// A worker instance as it is listed.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Worker {
    /// This instance.
    pub id: WorkerId,
    /// The worker's name, shared by all of its instances.
    pub name: String,
    /// The machine it runs on.
    pub hostname: String,
    /// Its process id there.
    pub pid: u32,
    /// Jobs it runs at once.
    pub concurrency: u32,
    /// `python` or `rust`.
    pub language: String,
    /// The version of UpNext in it.
    pub version: String,
    /// Keys of what it offers.
    pub functions: Vec<String>,
    /// Jobs it holds leases on.
    pub active_jobs: u32,
    /// Memory that its process took at its last sign of life, in bytes; `None` until it told, and where it cannot.
    #[serde(default)]
    pub memory_bytes: Option<u64>,
    /// When it registered.
    pub started_at: Timestamp,
    /// When it was last heard of.
    pub last_heartbeat_at: Timestamp,
    /// When it said goodbye; `None` while it runs or if it vanished.
    pub stopped_at: Option<Timestamp>,
    /// True when it was heard of within the last three heartbeats and has not stopped.
    pub alive: bool,
}

/// Seconds between two heartbeats of a worker.
pub const HEARTBEAT_SECONDS: u64 = 5;
