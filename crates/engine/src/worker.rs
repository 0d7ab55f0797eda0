//! One worker instance: its configuration and its handle. (Loop being written.)

use std::sync::Arc;
use std::time::Duration;

use upnext_core::{BackendError, Client, FunctionDefinition, Settings, WorkerId};

use crate::executor::Executor;

/// How a worker runs.
#[derive(Debug, Clone)]
pub struct WorkerConfig {
    /// Its name, shared by all of its instances.
    pub name: String,
    /// Jobs it runs at once.
    pub concurrency: usize,
    /// What it offers.
    pub functions: Vec<FunctionDefinition>,
    /// `python` or `rust`.
    pub language: &'static str,
    /// How long a lease lasts without renewal.
    pub lease: Duration,
    /// Most jobs that one claim takes.
    pub batch_size: usize,
    /// Most jobs claimed ahead of a free slot.
    pub inbox_size: usize,
    /// Most outcomes that one finish sends.
    pub outbox_size: usize,
    /// How long an attempt that was told to stop may go on before its slot is given to another job.
    pub stop_grace: Duration,
}

impl WorkerConfig {
    /// A worker with the defaults of these settings.
    #[must_use]
    pub fn new(name: impl Into<String>, language: &'static str, settings: &Settings) -> Self {
        Self {
            name: name.into(),
            concurrency: 2,
            functions: Vec::new(),
            language,
            lease: settings.queue_claim_timeout,
            batch_size: settings.queue_batch_size,
            inbox_size: settings.queue_inbox_size,
            outbox_size: settings.queue_outbox_size,
            stop_grace: Duration::from_secs(5),
        }
    }
}

/// Starts workers.
#[derive(Debug)]
pub struct Worker;

impl Worker {
    /// Registers the worker with the backend and begins to claim. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// When the backend cannot be reached: nothing was started.
    pub async fn start(
        client: Client,
        config: WorkerConfig,
        executor: Arc<dyn Executor>,
    ) -> Result<WorkerHandle, BackendError> {
        let _ = (client, config, executor);
        Err(BackendError::Unavailable("being written".into()))
    }
}

/// A running worker. Dropping it does not stop the worker; [`stop`](Self::stop) does.
#[derive(Debug, Clone)]
pub struct WorkerHandle {
    id: WorkerId,
}

impl WorkerHandle {
    /// This instance's id.
    #[must_use]
    pub const fn id(&self) -> &WorkerId {
        &self.id
    }

    /// Stops claiming, gives back what has not begun, waits up to `drain` for running attempts, tells the rest to stop
    /// and gives their jobs back to the queue, says goodbye. Returns when all of that is done. A second call with a
    /// shorter `drain` shortens the wait.
    pub async fn stop(&self, drain: Duration) {
        let _ = drain;
    }
}
