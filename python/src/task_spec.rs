//! What Python says of a task, and of one submission, as the engine's own types.

use std::time::Duration;

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use upnext_core::client::Submission;
use upnext_core::function::CronRule;
use upnext_core::limits::Limits;
use upnext_core::pattern::EventPattern;
use upnext_core::template::Template;
use upnext_core::{FunctionDefinition, JobType, Parameter, RetryPolicy, Timestamp};

/// A task as it is submitted to and registered: its name and its policy.
#[pyclass(frozen, module = "upnext._bridge")]
pub(crate) struct TaskSpec {
    pub(crate) definition: FunctionDefinition,
    /// Seconds after which the artifacts of its jobs expire.
    pub(crate) artifact_ttl: Option<f64>,
}

/// Options that only some tasks have, by their names in Python.
#[derive(FromPyObject, Default)]
#[pyo3(from_item_all)]
struct Rules {
    rate_limit: Option<String>,
    max_concurrency: Option<u32>,
    routing_group: Option<String>,
    group_max_concurrency: Option<u32>,
    concurrency_key: Option<String>,
    key_max_concurrency: Option<u32>,
    cache_key: Option<String>,
    cache_ttl: Option<f64>,
    schedule: Option<String>,
    timezone: Option<String>,
    missed_run_policy: Option<String>,
    max_catch_up_seconds: Option<f64>,
    pattern: Option<String>,
    tags: Option<Vec<String>>,
}

impl Rules {
    fn apply(self, definition: &mut FunctionDefinition) -> Result<(), String> {
        definition.limits = Limits {
            rate_limit: self.rate_limit.map(|rate| rate.parse()).transpose()?,
            max_concurrency: self.max_concurrency,
            routing_group: self.routing_group,
            group_max_concurrency: self.group_max_concurrency,
        };
        let template = |option: &str, text: Option<String>| {
            text.map(|text| Template::parse(&text).map_err(|rule| format!("{option}: {rule}"))).transpose()
        };
        definition.concurrency_key = template("concurrency_key", self.concurrency_key)?;
        definition.key_max_concurrency = self.key_max_concurrency;
        definition.cache_key = template("cache_key", self.cache_key)?;
        definition.cache_ttl = self.cache_ttl;
        definition.tags = self.tags.unwrap_or_default();
        if let Some(schedule) = self.schedule {
            let mut rule = CronRule::new(schedule);
            rule.timezone = self.timezone;
            if let Some(policy) = self.missed_run_policy {
                rule.missed_run_policy = policy.parse().map_err(|error| format!("{error}"))?;
            }
            rule.max_catch_up_seconds = self.max_catch_up_seconds;
            definition.job_type = JobType::Cron;
            definition.cron = Some(rule);
        }
        if let Some(pattern) = self.pattern {
            definition.job_type = JobType::Event;
            definition.pattern = Some(EventPattern::parse(&pattern)?);
        }
        Ok(())
    }
}

#[pymethods]
impl TaskSpec {
    #[new]
    #[pyo3(signature = (*, key, timeout, retry, parameters, takes_any, artifact_ttl=None, rules=None))]
    fn new(
        key: String,
        timeout: f64,
        retry: (u32, f64, f64, f64, f64),
        parameters: Vec<(String, bool)>,
        takes_any: bool,
        artifact_ttl: Option<f64>,
        rules: Option<Rules>,
    ) -> PyResult<Self> {
        let (max_retries, delay, backoff, max_delay, jitter) = retry;
        let parameters = parameters.into_iter().map(|(name, required)| Parameter { name, required });
        let mut definition = FunctionDefinition {
            timeout,
            retry: RetryPolicy { max_retries, delay, backoff, max_delay, jitter },
            parameters: Some(parameters.collect()),
            takes_any,
            ..FunctionDefinition::task(key)
        };
        rules
            .unwrap_or_default()
            .apply(&mut definition)
            .map_err(|rule| format!("'{}': {rule}", definition.key))
            .and_then(|()| definition.validate())
            .map_err(|rule| PyValueError::new_err(format!("task {rule}")))?;
        Ok(Self { definition, artifact_ttl })
    }
}

/// What one submission says beyond the task: when its job is due, how urgent it is, and what it is found by.
#[pyclass(frozen, module = "upnext._bridge")]
pub(crate) struct Submitting {
    delay: Duration,
    at: Option<Timestamp>,
    priority: Option<i32>,
    tags: Vec<String>,
}

impl Submitting {
    pub(crate) fn apply(&self, submission: &mut Submission) {
        submission.delay = self.delay;
        submission.at = self.at;
        if let Some(priority) = self.priority {
            submission.priority = priority;
        }
        submission.tags.extend_from_slice(&self.tags);
    }
}

#[pymethods]
impl Submitting {
    /// Seconds, microseconds since 1970, a number of which the higher runs first, and tags.
    #[new]
    #[pyo3(signature = (delay=None, at=None, priority=None, tags=None))]
    fn new(
        delay: Option<f64>,
        at: Option<i64>,
        priority: Option<i32>,
        tags: Option<Vec<String>>,
    ) -> PyResult<Self> {
        let delay = Duration::try_from_secs_f64(delay.unwrap_or(0.0))
            .map_err(|_| PyValueError::new_err("a delay is a finite number of seconds of at least 0"))?;
        Ok(Self { delay, at: at.map(Timestamp::from_micros), priority, tags: tags.unwrap_or_default() })
    }
}
