//! What a task has called around its attempts, and what becomes of errors in it.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;

use futures::FutureExt;
use upnext_core::{ClaimedJob, Outcome};
use upnext_engine::StopReason;

use crate::context::Context;

type HookFuture = Pin<Box<dyn Future<Output = Result<(), String>> + Send>>;
type HookFn = Arc<dyn Fn(Context) -> HookFuture + Send + Sync>;

/// Functions that are called around the attempts of a task, as the options of `#[upnext::task]` name them.
///
/// A hook takes nothing or the [`Context`], is `async` or not, and returns nothing or a `Result`. An error or a panic in
/// one is logged and changes nothing. One that is not async may take a `&Context`, and should not block.
///
/// | hook | called |
/// | --- | --- |
/// | `on_start` | before each attempt, once its arguments fit |
/// | `on_success` | when the task returned a value |
/// | `on_retry` | when an attempt failed or ran out of time and another one follows |
/// | `on_failure` | when the last attempt failed or ran out of time |
/// | `on_complete` | when the job has ended, after `on_success` or `on_failure`, and when it was cancelled while it ran |
///
/// ```
/// use upnext::Context;
///
/// #[upnext::task(retries = 2, on_retry = noted, on_failure = alarm)]
/// async fn import(rows: u64) -> Result<u64, std::num::TryFromIntError> {
///     Ok(u64::from(u32::try_from(rows)?))
/// }
///
/// fn noted(context: &Context) {
///     println!("attempt {} of {} failed", context.attempt(), context.max_attempts());
/// }
///
/// async fn alarm(context: Context) -> Result<(), upnext::Error> {
///     context.send_log("critical", "somebody has to look at this").await
/// }
/// ```
#[derive(Clone, Default)]
pub struct Hooks {
    start: Option<HookFn>,
    success: Option<HookFn>,
    failure: Option<HookFn>,
    retry: Option<HookFn>,
    complete: Option<HookFn>,
}

macro_rules! setters {
    ($($(#[$doc:meta])* $setter:ident $field:ident)+) => {
        $($(#[$doc])*
        #[must_use]
        pub fn $setter<Shape>(mut self, hook: impl Hook<Shape>) -> Self {
            self.$field = Some(Arc::new(move |context| hook.begin(context)));
            self
        })+
    };
}

impl Hooks {
    setters! {
        /// Before each attempt.
        on_start start
        /// When the task returned a value.
        on_success success
        /// When no attempt follows a failed one.
        on_failure failure
        /// When another attempt follows a failed one.
        on_retry retry
        /// When the job has ended.
        on_complete complete
    }

    /// True without any.
    pub(crate) fn is_empty(&self) -> bool {
        let all = [&self.start, &self.success, &self.failure, &self.retry, &self.complete];
        all.into_iter().all(Option::is_none)
    }

    pub(crate) async fn before(&self, context: &Context) {
        call("on_start", self.start.as_ref(), context).await;
    }

    /// Those that an attempt of this job calls at its end. `stopped` is why it was told to stop, if it was.
    pub(crate) async fn after(&self, context: &Context, end: End) {
        match end {
            End::Success => call("on_success", self.success.as_ref(), context).await,
            End::Failure => call("on_failure", self.failure.as_ref(), context).await,
            End::Retry => return call("on_retry", self.retry.as_ref(), context).await,
            End::Cancelled => {}
            End::GivenBack => return,
        }
        call("on_complete", self.complete.as_ref(), context).await;
    }
}

impl fmt::Debug for Hooks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_empty() { "no hooks" } else { "hooks" })
    }
}

/// What the end of an attempt means for its job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Success,
    Failure,
    Retry,
    Cancelled,
    /// Its lease is lost or its worker stops: another attempt will tell how the job ends.
    GivenBack,
}

impl End {
    /// Of an attempt that ended like this; `stopped` is why it was told to stop, where that ended it.
    pub(crate) fn of(job: &ClaimedJob, outcome: &Outcome, stopped: Option<StopReason>) -> Self {
        let last = job.attempt >= job.max_attempts;
        match (outcome, stopped) {
            (Outcome::Complete { .. }, _) => Self::Success,
            (Outcome::Failed { retryable: false, .. }, _) => Self::Failure,
            (Outcome::Failed { .. }, _) | (_, Some(StopReason::Timeout)) => {
                if last {
                    Self::Failure
                } else {
                    Self::Retry
                }
            }
            (_, Some(StopReason::LeaseLost | StopReason::Shutdown)) => Self::GivenBack,
            _ => Self::Cancelled,
        }
    }
}

async fn call(moment: &str, hook: Option<&HookFn>, context: &Context) {
    let Some(hook) = hook else { return };
    // A hook that is not async may panic before there is a future.
    let called = AssertUnwindSafe(async { hook(context.clone()).await }).catch_unwind();
    let problem = match context.clone().scope(called).await {
        Ok(Ok(())) => return,
        Ok(Err(error)) => error,
        Err(panic) => crate::executor::panic_message("it", panic.as_ref()),
    };
    let said = async {
        let (job, function) = (context.job_id(), context.function());
        // Under a target of its own: it belongs into the job's log, which leaves out what this crate says of itself.
        tracing::error!(target: "hooks", "job {job}: the hook {moment} of '{function}' failed: {problem}");
    };
    context.clone().scope(said).await;
}

/// A function that can be a hook. `Shape` tells the compiler which of the forms it has.
///
/// ```compile_fail
/// fn of_the_result(value: u64) {}
///
/// #[upnext::task(on_success = of_the_result)]
/// async fn import() -> u64 { 42 }
/// ```
///
/// ```compile_fail
/// fn says_something(context: upnext::Context) -> String { context.function().to_owned() }
///
/// #[upnext::task(on_start = says_something)]
/// async fn import() {}
/// ```
#[diagnostic::on_unimplemented(
    message = "this cannot be a hook of a task",
    label = "not a function that a task can call",
    note = "a hook is a function, async or not, that takes nothing or the `upnext::Context`, and returns nothing or a \
            `Result` whose error can be shown"
)]
pub trait Hook<Shape>: Send + Sync + 'static {
    /// Calls it.
    fn begin(&self, context: Context) -> HookFuture;
}

/// What a hook may return.
#[diagnostic::on_unimplemented(
    message = "a hook of a task cannot return `{Self}`",
    note = "a hook returns nothing or a `Result` whose error can be shown"
)]
pub trait HookEnd {
    /// What went wrong.
    ///
    /// # Errors
    /// The text of the error.
    fn end(self) -> Result<(), String>;
}

impl HookEnd for () {
    fn end(self) -> Result<(), String> {
        Ok(())
    }
}

impl<T, E: fmt::Display> HookEnd for Result<T, E> {
    fn end(self) -> Result<(), String> {
        self.map(drop).map_err(|error| error.to_string())
    }
}

/// The forms of hooks. Never made: the compiler tells implementations apart by them.
#[derive(Debug)]
pub struct Form<const ASYNC: bool, const CONTEXT: bool>;

/// The form of a hook that is not async and takes a `&Context`.
#[derive(Debug)]
pub struct ByReference;

impl<F, R> Hook<(Form<false, false>, R)> for F
where
    F: Fn() -> R + Send + Sync + 'static,
    R: HookEnd,
{
    fn begin(&self, _context: Context) -> HookFuture {
        ready(self().end())
    }
}

impl<F, R> Hook<(Form<false, true>, R)> for F
where
    F: Fn(Context) -> R + Send + Sync + 'static,
    R: HookEnd,
{
    fn begin(&self, context: Context) -> HookFuture {
        ready(self(context).end())
    }
}

impl<F, R> Hook<(ByReference, R)> for F
where
    F: Fn(&Context) -> R + Send + Sync + 'static,
    R: HookEnd,
{
    fn begin(&self, context: Context) -> HookFuture {
        ready(self(&context).end())
    }
}

impl<F, R> Hook<(Form<true, false>, R)> for F
where
    F: Fn() -> R + Send + Sync + 'static,
    R: Future<Output: HookEnd> + Send + 'static,
{
    fn begin(&self, _context: Context) -> HookFuture {
        Box::pin(self().map(HookEnd::end))
    }
}

impl<F, R> Hook<(Form<true, true>, R)> for F
where
    F: Fn(Context) -> R + Send + Sync + 'static,
    R: Future<Output: HookEnd> + Send + 'static,
{
    fn begin(&self, context: Context) -> HookFuture {
        Box::pin(self(context).map(HookEnd::end))
    }
}

fn ready(end: Result<(), String>) -> HookFuture {
    Box::pin(std::future::ready(end))
}
