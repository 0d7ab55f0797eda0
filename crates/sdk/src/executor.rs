//! Runs tasks written in Rust: each attempt is one tokio task.

use std::any::Any;
use std::collections::HashMap;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use futures::FutureExt;
use tokio_util::sync::CancellationToken;
use upnext_artifacts::ArtifactService;
use upnext_core::{Client, Clock, FunctionDefinition, Outcome, RawJson, SystemClock, fault};
use upnext_engine::{Assignment, AttemptKey, Executor, StopReason};

use crate::context::{Context, Inner};
use crate::hooks::{End, Hooks};
use crate::recording::Recording;
use crate::state::States;
use crate::task::Task;

type TaskFuture = Pin<Box<dyn Future<Output = Outcome> + Send>>;
type TaskRunner = fn(Context, Hooks) -> TaskFuture;

/// The tasks of a worker, by key.
#[derive(Default, Clone)]
pub(crate) struct Tasks(HashMap<String, Offer>);

/// One task that a worker offers.
#[derive(Clone)]
struct Offer {
    run: TaskRunner,
    hooks: Hooks,
    /// How long artifacts stay that name no time themselves.
    artifact_ttl: Option<Duration>,
}

impl Tasks {
    pub(crate) fn add<T: Task>(&mut self, definition: &FunctionDefinition) {
        let artifact_ttl = definition.artifact_ttl.and_then(|ttl| Duration::try_from_secs_f64(ttl).ok());
        let run: TaskRunner = |context, hooks| Box::pin(run::<T>(context, hooks));
        self.0.insert(definition.key.clone(), Offer { run, hooks: T::hooks(), artifact_ttl });
    }
}

async fn run<T: Task>(context: Context, hooks: Hooks) -> Outcome {
    let arguments = match context.kwargs().read::<T::Arguments>() {
        Ok(arguments) => arguments,
        Err(error) => {
            let function = context.function();
            return final_failure(format!("the arguments do not fit the task '{function}': {error}"));
        }
    };
    hooks.before(&context).await;
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
    running: Arc<Mutex<HashMap<AttemptKey, Stop>>>,
}

/// How a running attempt is told to stop.
#[derive(Clone, Default)]
struct Stop {
    told: CancellationToken,
    reason: Arc<OnceLock<StopReason>>,
}

impl RustExecutor {
    pub(crate) fn new(tasks: Tasks, client: Client, artifacts: ArtifactService, states: States) -> Self {
        Self { tasks, client, artifacts, states, running: Arc::default() }
    }

    fn start_one(&self, assignment: Assignment) {
        let Assignment { key, job, reporter } = assignment;
        let Some(offer) = self.tasks.0.get(&job.function).cloned() else {
            let error = format!("this worker does not offer '{}'", job.function);
            return reporter.finish(key, SystemClock.now(), Outcome::failed(error));
        };
        let stop = Stop::default();
        self.running.lock().unwrap_or_else(PoisonError::into_inner).insert(key, stop.clone());
        let running = Arc::clone(&self.running);
        let context = Context::new(Inner {
            job,
            client: self.client.clone(),
            artifacts: self.artifacts.clone(),
            states: self.states.clone(),
            cancelled: stop.told.clone(),
            artifact_ttl: offer.artifact_ttl,
            recording: Recording::default(),
        });
        tokio::spawn(async move {
            let started_at = SystemClock.now();
            fault::point("running");
            let task = (offer.run)(context.clone(), offer.hooks.clone());
            let task = AssertUnwindSafe(context.clone().scope(task)).catch_unwind();
            let outcome = tokio::select! {
                ended = task => {
                    ended.unwrap_or_else(|panic| Outcome::failed(panic_message("the task", panic.as_ref())))
                }
                () = stop.told.cancelled() => Outcome::Cancelled,
            };
            if !offer.hooks.is_empty() {
                finish_hooks(&offer.hooks, &context, &outcome, &stop).await;
            }
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

    fn stop(&self, key: AttemptKey, reason: StopReason) {
        if let Some(stop) = self.running.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            // The first reason is the one that ended it.
            let _ = stop.reason.set(reason);
            stop.told.cancel();
        }
    }
}

/// Calls the hooks of an attempt that has ended. Those of a task that ended by itself are dropped when the attempt is
/// told to stop meanwhile: the engine gives it up soon.
async fn finish_hooks(hooks: &Hooks, context: &Context, outcome: &Outcome, stop: &Stop) {
    let told = matches!(outcome, Outcome::Cancelled);
    let end = End::of(context.job(), outcome, stop.reason.get().copied().filter(|_| told));
    tokio::select! {
        () = hooks.after(context, end) => {}
        () = stop.told.cancelled(), if !told => {}
    }
}

/// What a panic said. `what` panicked.
pub(crate) fn panic_message(what: &str, panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| panic.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "no message".to_owned());
    format!("{what} panicked: {text}")
}
