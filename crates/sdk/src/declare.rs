//! Options of `#[upnext::task]` on their way into a function's definition. Only the macro's expansion calls these.

use std::time::Duration;

use upnext_core::FunctionDefinition;
use upnext_core::limits::Rate;
use upnext_core::pattern::EventPattern;
use upnext_core::template::Template;

use crate::error::Error;

/// A length of time as an option of a task names it: a number of seconds or a [`Duration`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a length of time",
    note = "write a number of seconds, such as `30` or `0.5`, or a `std::time::Duration`"
)]
pub trait Seconds {
    /// As seconds.
    fn seconds(self) -> f64;
}

impl Seconds for f64 {
    fn seconds(self) -> f64 {
        self
    }
}

// The type of a whole number that is written without one.
impl Seconds for i32 {
    fn seconds(self) -> f64 {
        f64::from(self)
    }
}

impl Seconds for u32 {
    fn seconds(self) -> f64 {
        f64::from(self)
    }
}

impl Seconds for Duration {
    fn seconds(self) -> f64 {
        self.as_secs_f64()
    }
}

fn broken(key: &str, option: &str, rule: &str) -> Error {
    Error::Definition(format!("'{key}': {option}: {rule}"))
}

/// The option `rate_limit` of the task `key`.
///
/// # Errors
/// [`Error::Definition`].
pub fn rate_limit(key: &str, text: impl AsRef<str>) -> Result<Option<Rate>, Error> {
    text.as_ref().parse().map(Some).map_err(|rule: String| broken(key, "rate_limit", &rule))
}

/// The option `cache_key` or `concurrency_key` of the task `key`.
///
/// # Errors
/// [`Error::Definition`].
pub fn template(key: &str, option: &str, text: impl AsRef<str>) -> Result<Option<Template>, Error> {
    Template::parse(text.as_ref()).map(Some).map_err(|rule| broken(key, option, &rule))
}

/// The option `event` of the task `key`.
///
/// # Errors
/// [`Error::Definition`].
pub fn pattern(key: &str, text: impl AsRef<str>) -> Result<Option<EventPattern>, Error> {
    EventPattern::parse(text.as_ref()).map(Some).map_err(|rule| broken(key, "event", &rule))
}

/// The whole definition, once its options stand together.
///
/// # Errors
/// [`Error::Definition`].
pub fn checked(definition: FunctionDefinition) -> Result<FunctionDefinition, Error> {
    definition.validate().map_err(Error::Definition)?;
    Ok(definition)
}
