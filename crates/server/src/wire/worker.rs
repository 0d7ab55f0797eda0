//! Workers on the wire: instances grouped by the name they share.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use upnext_core::Timestamp;
use utoipa::ToSchema;

/// A worker: all instances that share one name.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct Worker {
    /// The name.
    pub name: String,
    /// True while one of its instances is alive.
    pub active: bool,
    /// How many of its instances are alive.
    pub instance_count: u64,
    /// Every instance heard of within the last day, the live ones first.
    pub instances: Vec<WorkerInstance>,
    /// Keys of the functions it offers.
    pub functions: Vec<String>,
    /// Their names as people read them, by key.
    pub function_names: BTreeMap<String, String>,
    /// Jobs that its live instances run at once, together.
    pub concurrency: u64,
}

/// One running (or lately running) process of a worker.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WorkerInstance {
    /// Its id.
    pub id: String,
    /// The worker's name.
    pub worker_name: String,
    /// True when it was heard of within the last three heartbeats and has not stopped.
    pub alive: bool,
    /// When it registered.
    #[schema(value_type = String, format = DateTime)]
    pub started_at: Timestamp,
    /// When it was last heard of.
    #[schema(value_type = String, format = DateTime)]
    pub last_heartbeat: Timestamp,
    /// When it said goodbye; null while it runs, or if it vanished.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub stopped_at: Option<Timestamp>,
    /// Keys of the functions it offers.
    pub functions: Vec<String>,
    /// Their names as people read them, by key.
    pub function_names: BTreeMap<String, String>,
    /// Jobs it runs at once.
    pub concurrency: u32,
    /// Jobs it holds leases on.
    pub active_jobs: u32,
    /// Resident memory of its process at its last heartbeat, in bytes, without its child processes; null until it told, and
    /// where the system does not tell.
    pub memory_bytes: Option<u64>,
    /// The machine it runs on.
    pub hostname: String,
    /// Its process id there.
    pub pid: u32,
    /// `python` or `rust`.
    pub language: String,
    /// The version of UpNext in it.
    pub version: String,
}

impl WorkerInstance {
    fn new(worker: upnext_core::Worker, names: &BTreeMap<String, String>) -> Self {
        Self {
            id: worker.id.to_string(),
            worker_name: worker.name,
            alive: worker.alive,
            started_at: worker.started_at,
            last_heartbeat: worker.last_heartbeat_at,
            stopped_at: worker.stopped_at,
            function_names: names_of(&worker.functions, names),
            functions: worker.functions,
            concurrency: worker.concurrency,
            active_jobs: worker.active_jobs,
            memory_bytes: worker.memory_bytes,
            hostname: worker.hostname,
            pid: worker.pid,
            language: worker.language,
            version: worker.version,
        }
    }
}

impl Worker {
    /// Groups instances by worker name, in the order of the names. `names` holds the functions' names by key.
    #[must_use]
    pub fn group(instances: Vec<upnext_core::Worker>, names: &BTreeMap<String, String>) -> Vec<Self> {
        let mut groups: BTreeMap<String, Vec<WorkerInstance>> = BTreeMap::new();
        for instance in instances {
            groups.entry(instance.name.clone()).or_default().push(WorkerInstance::new(instance, names));
        }
        groups.into_iter().map(|(name, instances)| Self::of(name, instances, names)).collect()
    }

    fn of(name: String, mut instances: Vec<WorkerInstance>, names: &BTreeMap<String, String>) -> Self {
        // Stable: within the live and the gone ones the backend's order, newest first, stays.
        instances.sort_by_key(|instance| !instance.alive);
        let alive = || instances.iter().filter(|instance| instance.alive);
        let offered = |instances: &mut dyn Iterator<Item = &WorkerInstance>| -> BTreeSet<String> {
            instances.flat_map(|instance| instance.functions.iter().cloned()).collect()
        };
        // What a worker offers is what runs now; a worker that is gone is shown with what it offered.
        let mut functions = offered(&mut alive());
        if functions.is_empty() {
            functions = offered(&mut instances.iter());
        }
        let functions: Vec<String> = functions.into_iter().collect();
        Self {
            name,
            active: alive().next().is_some(),
            instance_count: alive().count() as u64,
            concurrency: alive().map(|instance| u64::from(instance.concurrency)).sum(),
            function_names: names_of(&functions, names),
            functions,
            instances,
        }
    }
}

fn names_of(keys: &[String], names: &BTreeMap<String, String>) -> BTreeMap<String, String> {
    keys.iter().map(|key| (key.clone(), names.get(key).unwrap_or(key).clone())).collect()
}

/// Every worker heard of within the last day.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct WorkerList {
    /// The workers, by name.
    pub workers: Vec<Worker>,
    /// How many there are.
    pub total: u64,
}
