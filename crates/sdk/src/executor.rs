//! Runs tasks written in Rust: each attempt is one tokio task.

use std::any::Any;
use std::collections::HashMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use tokio_util::sync::CancellationToken;
use upnext_artifacts::ArtifactService;
use upnext_core::{Client, Clock, FunctionDefinition, Outcome, RawJson, SystemClock, fault};
use upnext_engine::{Assignment, AttemptKey, Executor, StopReason};

use crate::context::{Context, Inner};
use crate::recording::Recording;
use crate::state::States;
use crate::task::Task;

type TaskFuture = Pin<Box<dyn Future<Output = Outcome> + Send>>;
type TaskRunner = fn(String, RawJson) -> TaskFuture;

/// The tasks of a worker, by key.
#[derive(Default, Clone)]
pub(crate) struct Tasks(HashMap<String, Offer>);

/// One task that a worker offers.
#[derive(Clone, Copy)]
struct Offer {
    run: TaskRunner,
    /// How long artifacts stay that name no time themselves.
    artifact_ttl: Option<Duration>,
}

impl Tasks {
    pub(crate) fn add<T: Task>(&mut self, definition: &FunctionDefinition) {
        let artifact_ttl = definition.artifact_ttl.and_then(|ttl| Duration::try_from_secs_f64(ttl).ok());
        let run: TaskRunner = |function, kwargs| Box::pin(run::<T>(function, kwargs));
        self.0.insert(definition.key.clone(), Offer { run, artifact_ttl });
    }
}

async fn run<T: Task>(function: String, kwargs: RawJson) -> Outcome {
    let arguments = match kwargs.read::<T::Arguments>() {
        Ok(arguments) => arguments,
        Err(error) => {
            return final_failure(format!("the arguments do not fit the task '{function}': {error}"));
        }
    };
    match T::run(arguments).await {
        Ok(value) => match RawJson::of(&value) {
            Ok(result) => Outcome::Complete { result },
            Err(error) => final_failure(format!("the result has no JSON form: {error}")),
        },
        Err(failure) => failure.into_outcome(),
    }
}

fn final_failure(error: String) -> Outcome {
    Outcome::Failed { error, traceback: None, retryable: false }
}

pub(crate) struct RustExecutor {
    tasks: Tasks,
    client: Client,
    artifacts: ArtifactService,
    states: States,
    running: Arc<Mutex<HashMap<AttemptKey, CancellationToken>>>,
}

impl RustExecutor {
    pub(crate) fn new(tasks: Tasks, client: Client, artifacts: ArtifactService, states: States) -> Self {
        Self { tasks, client, artifacts, states, running: Arc::default() }
    }

    fn start_one(&self, assignment: Assignment) {
        let Assignment { key, job, reporter } = assignment;
        let Some(offer) = self.tasks.0.get(&job.function).copied() else {
            let error = format!("this worker does not offer '{}'", job.function);
            return reporter.finish(key, SystemClock.now(), Outcome::failed(error));
        };
        let stopped = CancellationToken::new();
        self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(key, stopped.clone());
        let running = Arc::clone(&self.running);
        let (function, kwargs) = (job.function.clone(), job.kwargs.clone());
        let context = Context::new(Inner {
            job,
            client: self.client.clone(),
            artifacts: self.artifacts.clone(),
            states: self.states.clone(),
            cancelled: stopped.clone(),
            artifact_ttl: offer.artifact_ttl,
            recording: Recording::default(),
        });
        tokio::spawn(async move {
            let started_at = SystemClock.now();
            fault::point("running");
            let task = AssertUnwindSafe(context.clone().scope((offer.run)(function, kwargs))).catch_unwind();
            let outcome = tokio::select! {
                ended = task => ended.unwrap_or_else(|panic| Outcome::failed(panic_message(panic.as_ref()))),
                () = stopped.cancelled() => Outcome::Cancelled,
            };
            running.lock().unwrap_or_else(PoisonError::into_inner).remove(&key);
            // While the lease still holds: what comes after the end is refused.
            context.end_recording().await;
            reporter.finish(key, started_at, outcome);
        });
    }
}

impl Executor for RustExecutor {
    fn start(&self, assignments: Vec<Assignment>) {
        for assignment in assignments {
            self.start_one(assignment);
        }
    }

    fn stop(&self, key: AttemptKey, _reason: StopReason) {
        if let Some(stopped) = self.running.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            stopped.cancel();
        }
    }
}

fn panic_message(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned());
    format!("the task panicked: {text}")
}
