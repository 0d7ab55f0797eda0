//! Workers that run tasks written in Rust.

use std::sync::Arc;
use std::time::Duration;

use upnext_core::FunctionDefinition;
use upnext_engine::{WorkerConfig, WorkerHandle};

use crate::app::UpNext;
use crate::error::Error;
use crate::executor::{RustExecutor, Tasks};
use crate::state::States;
use crate::task::Task;

/// How long [`Worker::run`] lets running jobs go on after a signal to stop.
const DRAIN: Duration = Duration::from_secs(30);

/// A worker about to start: its name, how much it does at once, and what it offers.
#[derive(Clone)]
pub struct Worker {
    name: String,
    concurrency: usize,
    tasks: Tasks,
    functions: Vec<FunctionDefinition>,
    states: States,
    refused: Option<Error>,
}

impl Worker {
    /// A worker of this name that runs two jobs at once and offers nothing yet.
    #[must_use]
    pub fn new(name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            concurrency: 2,
            tasks: Tasks::default(),
            functions: Vec::new(),
            states: States::default(),
            refused: None,
        }
    }

    /// Runs this many jobs at once (at least one).
    #[must_use]
    pub fn concurrency(mut self, concurrency: usize) -> Self {
        self.concurrency = concurrency.max(1);
        self
    }

    /// Offers a task. A second task of the same key takes the place of the first.
    #[must_use]
    pub fn task<T: Task>(mut self, _task: T) -> Self {
        match T::definition() {
            Ok(definition) => {
                self.tasks.add::<T>(&definition);
                self.functions.retain(|known| known.key != definition.key);
                self.functions.push(definition);
            }
            // Said when the worker starts, so that offering tasks reads as one chain.
            Err(error) => self.refused = self.refused.or(Some(error)),
        }
        self
    }

    /// Gives the worker's tasks a value that they share: a pool of connections, a client, a model. Tasks find it by its
    /// type with [`Context::state`](crate::Context::state); a second value of the same type takes the place of the first.
    ///
    /// ```
    /// # use upnext::{UpNext, Worker};
    /// struct Rates { euro: f64 }
    ///
    /// #[upnext::task]
    /// async fn to_euro(amount: f64) -> Result<f64, upnext::Error> {
    ///     let rates = upnext::current_context().state::<Rates>()?;
    ///     Ok(amount * rates.euro)
    /// }
    /// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let folder = tempfile::tempdir()?;
    /// # let app = UpNext::open(&format!("sqlite://{}/u.db", folder.path().display())).await?;
    /// let worker = Worker::new("money").task(to_euro).state(Rates { euro: 0.5 }).start(&app).await?;
    /// assert_eq!(to_euro.wait(&app, 3.0).await?.value, 1.5);
    /// # worker.stop(std::time::Duration::from_secs(3)).await;
    /// # Ok(()) }
    /// ```
    #[must_use]
    pub fn state<T: Send + Sync + 'static>(mut self, value: T) -> Self {
        self.states.insert(value);
        self
    }

    /// Starts the worker in the background.
    ///
    /// # Errors
    /// [`Error::Definition`] when an option of a task breaks its rule; else when the backend cannot be reached.
    pub async fn start(self, app: &UpNext) -> Result<RunningWorker, Error> {
        if let Some(refused) = self.refused {
            return Err(refused);
        }
        let executor =
            RustExecutor::new(self.tasks, app.client().clone(), app.artifacts().clone(), self.states);
        let config = WorkerConfig {
            concurrency: self.concurrency,
            functions: self.functions,
            ..WorkerConfig::new(self.name, "rust", app.settings())
        };
        let handle = upnext_engine::Worker::start(app.client().clone(), config, Arc::new(executor)).await?;
        Ok(RunningWorker(handle))
    }

    /// Runs the worker until SIGINT or SIGTERM, then lets running jobs end for up to 30 seconds. A second signal stops
    /// at once and gives their leases back.
    ///
    /// # Errors
    /// As [`start`](Self::start).
    pub async fn run(self, app: &UpNext) -> Result<(), Error> {
        let running = self.start(app).await?;
        stop_signal().await;
        tokio::select! {
            () = running.stop(DRAIN) => {}
            () = stop_signal() => running.stop(Duration::ZERO).await,
        }
        Ok(())
    }
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker")
            .field("name", &self.name)
            .field("concurrency", &self.concurrency)
            .finish_non_exhaustive()
    }
}

/// A worker that is running.
#[derive(Debug, Clone)]
pub struct RunningWorker(WorkerHandle);

impl RunningWorker {
    /// This instance's id, for example `demo-3f9c21aa`.
    #[must_use]
    pub fn id(&self) -> &str {
        self.0.id().as_str()
    }

    /// Takes no more jobs, lets running ones end for up to `drain`, then gives their leases back.
    pub async fn stop(&self, drain: Duration) {
        self.0.stop(drain).await;
    }
}

#[cfg(unix)]
async fn stop_signal() {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminate) = signal(SignalKind::terminate()) else {
        let _ = tokio::signal::ctrl_c().await;
        return;
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

#[cfg(not(unix))]
async fn stop_signal() {
    let _ = tokio::signal::ctrl_c().await;
}
