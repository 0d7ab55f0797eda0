//! The layer that keeps what a job says through `tracing` in the job's log.

use std::fmt;

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer;
use upnext_core::backend::LogEntry;
use upnext_core::{Clock, RawJson, SystemClock};

use crate::context;

/// Crates whose lines are about the engine, not about the job.
const OWN_TARGETS: [&str; 7] = [
    "upnext",
    "upnext_artifacts",
    "upnext_backends",
    "upnext_blobs",
    "upnext_core",
    "upnext_engine",
    "upnext_sqlite",
];

/// A layer for `tracing_subscriber` that keeps the events of jobs in their logs; see [`job_log`].
#[derive(Debug, Clone, Copy, Default)]
pub struct JobLog;

/// Keeps what tasks say through `tracing` in the log of their job, with the event's fields and target. Events outside of jobs
/// and those of this crate itself are passed over.
///
/// Of one attempt the first 9,000 and the last 1,000 lines are kept. Which events there are is decided by filters, as for
/// any layer: many libraries say much at level `DEBUG`.
///
/// ```
/// use tracing_subscriber::filter::LevelFilter;
/// use tracing_subscriber::prelude::*;
///
/// tracing_subscriber::registry().with(upnext::job_log().with_filter(LevelFilter::INFO)).init();
///
/// #[upnext::task]
/// async fn load() {
///     tracing::info!(rows = 42, "loaded");
/// }
/// ```
#[must_use]
pub const fn job_log() -> JobLog {
    JobLog
}

impl<S: Subscriber> Layer<S> for JobLog {
    fn on_event(&self, event: &Event<'_>, _: layer::Context<'_, S>) {
        let metadata = event.metadata();
        let source = metadata.target().split("::").next().unwrap_or_default();
        if OWN_TARGETS.contains(&source) {
            return;
        }
        let Some(context) = context::try_current() else { return };
        let mut fields = Fields::default();
        event.record(&mut fields);
        fields.others.insert("target".to_owned(), metadata.target().into());
        context.record(LogEntry {
            at: SystemClock.now(),
            level: level(*metadata.level()).to_owned(),
            message: fields.message,
            extra: RawJson::of(&fields.others).ok(),
        });
    }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warning",
        Level::INFO => "info",
        Level::DEBUG | Level::TRACE => "debug",
    }
}

/// The fields of an event; the one called `message` is its text.
#[derive(Default)]
struct Fields {
    message: String,
    others: Map<String, Value>,
}

impl Fields {
    fn add(&mut self, field: &Field, value: impl Into<Value>) {
        self.others.insert(field.name().to_owned(), value.into());
    }
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let text = format!("{value:?}");
        if field.name() == "message" {
            self.message = text;
        } else {
            self.add(field, text);
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        } else {
            self.add(field, value);
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, value);
    }
}
