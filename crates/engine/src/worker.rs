//! One worker instance: its configuration, how it starts, and the handle that stops it.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::Instant;
use upnext_core::{
    BackendError, Client, FunctionDefinition, Settings, VERSION, WorkerId, WorkerRegistration,
};

use crate::cron::Cron;
use crate::executor::Executor;
use crate::run::Run;

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

    fn registration(&self, id: WorkerId) -> WorkerRegistration {
        WorkerRegistration {
            id,
            name: self.name.clone(),
            hostname: hostname(),
            pid: std::process::id(),
            concurrency: u32::try_from(self.concurrency).unwrap_or(u32::MAX),
            language: self.language.to_owned(),
            version: VERSION.to_owned(),
            functions: self.functions.clone(),
        }
    }
}

pub(crate) fn hostname() -> String {
    std::fs::read_to_string("/proc/sys/kernel/hostname")
        .map(|name| name.trim().to_owned())
        .or_else(|_| std::env::var("HOSTNAME"))
        .unwrap_or_else(|_| "unknown".to_owned())
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
        for function in &config.functions {
            function.validate().map_err(BackendError::Unusable)?;
        }
        let id = WorkerId::fresh(&config.name);
        let registration = config.registration(id.clone());
        client.backend().register_worker(registration).await?;
        let (stop, stop_requests) = mpsc::unbounded_channel();
        let (stopped, done) = watch::channel(false);
        let mut schedules = JoinSet::new();
        if let Some(cron) = Cron::of(&config.functions, client.clone()) {
            schedules.spawn(cron.run_for_ever());
        }
        let run = Run::new(id.clone(), client, config, executor, stop_requests, schedules);
        tokio::spawn(async move {
            run.until_stopped().await;
            stopped.send_replace(true);
        });
        Ok(WorkerHandle { id, stop, done })
    }
}

/// A running worker. Dropping it does not stop the worker; [`stop`](Self::stop) does.
#[derive(Debug, Clone)]
pub struct WorkerHandle {
    id: WorkerId,
    stop: mpsc::UnboundedSender<Instant>,
    done: watch::Receiver<bool>,
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
        // A closed channel means that it has stopped already.
        let _ = self.stop.send(Instant::now() + drain);
        let mut done = self.done.clone();
        let _ = done.wait_for(|done| *done).await;
    }
}
