//! What a task is to the rest of the crate.

use std::future::Future;

use serde::Serialize;
use serde::de::DeserializeOwned;
use upnext_core::FunctionDefinition;

use crate::error::Error;
use crate::failure::TaskFailure;
use crate::hooks::Hooks;

/// A task as `#[upnext::task]` defines it.
pub trait Task: Send + Sync + 'static {
    /// Its named arguments.
    type Arguments: Serialize + DeserializeOwned + Send + 'static;
    /// What it returns.
    type Output: Serialize + DeserializeOwned + Send + 'static;

    /// Its name and policy.
    ///
    /// # Errors
    /// [`Error::Definition`] with one sentence when an option breaks its rule.
    fn definition() -> Result<FunctionDefinition, Error>;

    /// What is called around its attempts.
    #[must_use]
    fn hooks() -> Hooks {
        Hooks::default()
    }

    /// Runs it.
    fn run(arguments: Self::Arguments) -> impl Future<Output = Result<Self::Output, TaskFailure>> + Send;
}
