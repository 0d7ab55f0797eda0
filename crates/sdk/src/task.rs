//! What a task is to the rest of the crate.

use std::fmt;
use std::future::Future;

use serde::Serialize;
use serde::de::DeserializeOwned;
use upnext_core::FunctionDefinition;

/// A task as `#[upnext::task]` defines it.
pub trait Task: Send + Sync + 'static {
    /// Its named arguments.
    type Arguments: Serialize + DeserializeOwned + Send + 'static;
    /// What it returns.
    type Output: Serialize + DeserializeOwned + Send + 'static;

    /// Its name and policy.
    fn definition() -> FunctionDefinition;

    /// Runs it.
    fn run(arguments: Self::Arguments) -> impl Future<Output = Result<Self::Output, TaskFailure>> + Send;
}

/// The error a task returned, as text.
#[derive(Debug)]
pub struct TaskFailure(pub(crate) String);

impl TaskFailure {
    /// The error with its causes, in one line.
    #[must_use]
    pub fn new(error: impl fmt::Display) -> Self {
        Self(error.to_string())
    }
}
