//! Functions: what a worker registers so that others can submit to it, list it and check arguments against it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::artifact::check_tags;
use crate::clock::Timestamp;
use crate::job::{CacheUse, ConcurrencyKey, JobStatus, JobType, RawJson};
use crate::limits::Limits;
use crate::pattern::EventPattern;
use crate::schedule::{MissedRunPolicy, Schedule};
use crate::template::Template;

/// How long one attempt may run when a task names no timeout.
pub const DEFAULT_TIMEOUT: Duration = Duration::from_secs(1800);

/// What to do when an attempt fails.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct RetryPolicy {
    /// Attempts after the first one. Default 0.
    pub max_retries: u32,
    /// Seconds before the first retry. Default 1.
    pub delay: f64,
    /// Factor by which each further delay grows. Default 2.
    pub backoff: f64,
    /// Longest delay in seconds. Default one hour.
    pub max_delay: f64,
    /// Part of the delay, 0 to 1, that is drawn at random so that many failures do not come back at once. Default 0.
    pub jitter: f64,
}

impl Default for RetryPolicy {
    fn default() -> Self {
        Self { max_retries: 0, delay: 1.0, backoff: 2.0, max_delay: 3600.0, jitter: 0.0 }
    }
}

impl RetryPolicy {
    /// Checks the ranges.
    ///
    /// # Errors
    /// One sentence that names the value and its rule.
    pub fn validate(&self) -> Result<(), String> {
        let finite_and_not_negative = |name: &str, value: f64| {
            if value.is_finite() && value >= 0.0 {
                Ok(())
            } else {
                Err(format!("{name} is {value}: it must be a finite number of at least 0"))
            }
        };
        finite_and_not_negative("retry_delay", self.delay)?;
        finite_and_not_negative("retry_backoff", self.backoff)?;
        finite_and_not_negative("retry_max_delay", self.max_delay)?;
        if !(0.0..=1.0).contains(&self.jitter) {
            return Err(format!("retry_jitter is {}: it must be between 0 and 1", self.jitter));
        }
        Ok(())
    }

    /// The wait before retry `number` (1 for the first): `delay * backoff^(number - 1)`, capped at `max_delay`, of
    /// which the jittered part is scaled by `random` (0 to 1).
    #[must_use]
    pub fn wait_before(&self, number: u32, random: f64) -> Duration {
        let exponent = i32::try_from(number.saturating_sub(1)).unwrap_or(i32::MAX);
        let full = (self.delay * self.backoff.powi(exponent)).min(self.max_delay).max(0.0);
        let jittered = full * (1.0 - self.jitter * random.clamp(0.0, 1.0));
        Duration::try_from_secs_f64(jittered).unwrap_or(Duration::MAX)
    }
}

/// What makes a cron function run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CronRule {
    /// Five fields, or six with the seconds first.
    pub schedule: String,
    /// IANA name of the time zone; `None` is UTC.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// What to do about runs whose time passed while no worker was there. Default: the latest one is run.
    pub missed_run_policy: MissedRunPolicy,
    /// Seconds that catching up reaches back; `None` is without end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_catch_up_seconds: Option<f64>,
}

impl CronRule {
    /// This schedule in UTC, with the default policy.
    #[must_use]
    pub fn new(schedule: impl Into<String>) -> Self {
        Self {
            schedule: schedule.into(),
            timezone: None,
            missed_run_policy: MissedRunPolicy::LatestOnly,
            max_catch_up_seconds: None,
        }
    }

    /// The schedule, ready to be asked.
    ///
    /// # Errors
    /// One sentence that names the schedule or time zone and its rule.
    pub fn parse(&self) -> Result<Schedule, String> {
        if let Some(seconds) = self.max_catch_up_seconds
            && !(seconds.is_finite() && seconds >= 0.0)
        {
            return Err(format!(
                "max_catch_up_seconds is {seconds}: it must be a finite number of at least 0"
            ));
        }
        Schedule::parse(&self.schedule, self.timezone.as_deref())
    }

    /// How far back catching up reaches.
    #[must_use]
    pub fn max_catch_up(&self) -> Option<Duration> {
        self.max_catch_up_seconds.map(|seconds| Duration::try_from_secs_f64(seconds).unwrap_or(Duration::MAX))
    }
}

/// One named argument of a function.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    /// Its name.
    pub name: String,
    /// True when it has no default.
    pub required: bool,
}

/// What a function is, as the worker that offers it declares it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FunctionDefinition {
    /// The name jobs are addressed to, unique in a deployment.
    pub key: String,
    /// The name people read.
    pub name: String,
    /// What makes its jobs.
    #[serde(rename = "type")]
    pub job_type: JobType,
    /// Seconds that one attempt may run.
    pub timeout: f64,
    /// What to do when an attempt fails.
    pub retry: RetryPolicy,
    /// Its arguments; `None` when the worker could not tell.
    pub parameters: Option<Vec<Parameter>>,
    /// True when it takes further named arguments (`**kwargs`).
    #[serde(default)]
    pub takes_any: bool,
    /// Seconds after which artifacts of its jobs are removed that name no time themselves; `None` keeps them as long as
    /// their job.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub artifact_ttl: Option<f64>,
    /// What holds for its jobs together.
    #[serde(flatten)]
    pub limits: Limits,
    /// Jobs whose arguments give the same key here wait for each other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub concurrency_key: Option<Template>,
    /// How many jobs of one key run at once; `None` is 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_max_concurrency: Option<u32>,
    /// Jobs whose arguments give the same key here share a result.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_key: Option<Template>,
    /// Seconds that a result is shared for; `None` is without end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cache_ttl: Option<f64>,
    /// When it runs by itself; only of a cron function.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cron: Option<CronRule>,
    /// Which events it handles; only of an event handler.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pattern: Option<EventPattern>,
    /// Tags that each of its jobs has, beside those that are given when it is submitted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
}

impl FunctionDefinition {
    /// A task called `key` with every default.
    #[must_use]
    pub fn task(key: impl Into<String>) -> Self {
        let key = key.into();
        Self {
            name: key.clone(),
            key,
            job_type: JobType::Task,
            timeout: DEFAULT_TIMEOUT.as_secs_f64(),
            retry: RetryPolicy::default(),
            parameters: None,
            takes_any: false,
            artifact_ttl: None,
            limits: Limits::default(),
            concurrency_key: None,
            key_max_concurrency: None,
            cache_key: None,
            cache_ttl: None,
            cron: None,
            pattern: None,
            tags: Vec::new(),
        }
    }

    /// Checks every option, by itself and together with the others.
    ///
    /// # Errors
    /// One sentence that names the function, the option and its rule.
    pub fn validate(&self) -> Result<(), String> {
        self.broken_rule().map_or(Ok(()), |rule| Err(format!("'{}': {rule}", self.key)))
    }

    fn broken_rule(&self) -> Option<String> {
        if !self.timeout.is_finite() || self.timeout <= 0.0 {
            return Some(format!(
                "timeout is {}: it must be a finite number of seconds above 0",
                self.timeout
            ));
        }
        if let Err(rule) = self.retry.validate().and_then(|()| self.limits.validate()) {
            return Some(rule);
        }
        if let Err(rule) = check_tags("a task", self.tags.clone()) {
            return Some(rule);
        }
        for (name, template) in [("cache_key", &self.cache_key), ("concurrency_key", &self.concurrency_key)] {
            if let Some(unknown) = template.as_ref().and_then(|template| self.unknown_argument(template)) {
                return Some(format!("{name} uses '{unknown}', but it takes {}", self.describe_parameters()));
            }
        }
        if self.key_max_concurrency.is_some() && self.concurrency_key.is_none() {
            return Some(
                "key_max_concurrency needs a concurrency_key: say which jobs belong together".to_owned(),
            );
        }
        if self.key_max_concurrency == Some(0) {
            return Some("key_max_concurrency is at least 1, not 0".to_owned());
        }
        match (self.cache_ttl, &self.cache_key) {
            (Some(_), None) => {
                return Some(
                    "cache_ttl needs a cache_key: say which arguments make a result the same".to_owned(),
                );
            }
            (Some(ttl), Some(_)) if !ttl.is_finite() || ttl <= 0.0 => {
                return Some(format!("cache_ttl is {ttl}: it must be a finite number of seconds above 0"));
            }
            _ => {}
        }
        self.cron.as_ref().and_then(|cron| cron.parse().err())
    }

    fn unknown_argument<'a>(&self, template: &'a Template) -> Option<&'a str> {
        let parameters = self.parameters.as_ref().filter(|_| !self.takes_any)?;
        template.arguments().find(|name| !parameters.iter().any(|parameter| parameter.name == *name))
    }

    /// The first run of a cron function after `now`.
    #[must_use]
    pub fn first_run_after(&self, now: Timestamp) -> Option<Timestamp> {
        self.cron.as_ref()?.parse().ok()?.next_after(now)
    }

    /// How the result for these arguments is shared, if it is.
    #[must_use]
    pub fn cache_use(&self, kwargs: &RawJson) -> Option<CacheUse> {
        let key = self.cache_key.as_ref()?.render(kwargs);
        let ttl = self.cache_ttl.map(|ttl| Duration::try_from_secs_f64(ttl).unwrap_or(Duration::MAX));
        Some(CacheUse { key, ttl })
    }

    /// For which other jobs one with these arguments waits, if it does.
    #[must_use]
    pub fn concurrency_key_of(&self, kwargs: &RawJson) -> Option<ConcurrencyKey> {
        let key = self.concurrency_key.as_ref()?.render(kwargs);
        Some(ConcurrencyKey { key, limit: self.key_max_concurrency.unwrap_or(1) })
    }

    /// The timeout as a duration.
    #[must_use]
    pub fn timeout(&self) -> Duration {
        Duration::try_from_secs_f64(self.timeout).unwrap_or(DEFAULT_TIMEOUT)
    }

    /// Checks that `kwargs` is an object with every required argument and no foreign one.
    ///
    /// # Errors
    /// One sentence that names the task, the argument and what the task takes.
    pub fn check_arguments(&self, kwargs: &RawJson) -> Result<(), String> {
        let Ok(given) = kwargs.read::<serde_json::Map<String, serde_json::Value>>() else {
            return Err(format!("the arguments of '{}' must be one JSON object", self.key));
        };
        let Some(parameters) = &self.parameters else { return Ok(()) };
        for parameter in parameters {
            if parameter.required && !given.contains_key(&parameter.name) {
                return Err(format!(
                    "'{}' needs the argument '{}': it takes {}",
                    self.key,
                    parameter.name,
                    self.describe_parameters()
                ));
            }
        }
        for name in given.keys() {
            if !self.takes_any && !parameters.iter().any(|parameter| parameter.name == *name) {
                return Err(format!(
                    "'{}' has no argument '{name}': it takes {}",
                    self.key,
                    self.describe_parameters()
                ));
            }
        }
        Ok(())
    }

    fn describe_parameters(&self) -> String {
        let names: Vec<String> = self
            .parameters
            .iter()
            .flatten()
            .map(|parameter| {
                if parameter.required {
                    parameter.name.clone()
                } else {
                    format!("{} (optional)", parameter.name)
                }
            })
            .collect();
        if names.is_empty() { "none".to_owned() } else { names.join(", ") }
    }
}

/// A registered function with what the backend knows of its jobs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Function {
    /// What its workers declared last.
    pub definition: FunctionDefinition,
    /// Paused functions keep accepting jobs but none is claimed.
    pub paused: bool,
    /// When it runs next by its schedule, if it has one.
    pub next_run_at: Option<Timestamp>,
    /// Ids of the live worker instances that offer it.
    pub workers: Vec<String>,
    /// Figures about its jobs.
    pub stats: FunctionStats,
}

/// Figures about the jobs of one function. Rates and times come from the most recent thousand finished jobs of the
/// last 24 hours.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct FunctionStats {
    /// Jobs made in the last 24 hours.
    pub runs_24h: u64,
    /// Part of the finished jobs that completed, 0 to 1; `None` without finished jobs.
    pub success_rate: Option<f64>,
    /// Mean run time in milliseconds.
    pub avg_duration_ms: Option<f64>,
    /// 95th percentile of the run time in milliseconds.
    pub p95_duration_ms: Option<f64>,
    /// Mean wait in milliseconds between being due and beginning.
    pub avg_wait_ms: Option<f64>,
    /// 95th percentile of that wait in milliseconds.
    pub p95_wait_ms: Option<f64>,
    /// Jobs that are due and wait for a worker.
    pub queue_backlog: u64,
    /// When the newest job was made.
    pub last_run_at: Option<Timestamp>,
    /// How that job stands.
    pub last_run_status: Option<JobStatus>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_by_the_backoff_and_stop_at_the_cap() {
        let policy = RetryPolicy { max_retries: 9, delay: 1.0, backoff: 2.0, max_delay: 5.0, jitter: 0.0 };
        let waits: Vec<u64> = (1..=4).map(|n| policy.wait_before(n, 0.5).as_secs()).collect();
        assert_eq!(waits, [1, 2, 4, 5]);
        assert_eq!(policy.wait_before(u32::MAX, 0.0).as_secs(), 5);
    }

    #[test]
    fn jitter_shortens_at_most_its_part() {
        let policy = RetryPolicy { jitter: 0.5, delay: 10.0, ..RetryPolicy::default() };
        assert_eq!(policy.wait_before(1, 0.0).as_secs_f64(), 10.0);
        assert_eq!(policy.wait_before(1, 1.0).as_secs_f64(), 5.0);
    }

    #[test]
    fn arguments_are_checked_by_name() {
        let mut definition = FunctionDefinition::task("report");
        definition.parameters = Some(vec![
            Parameter { name: "kind".into(), required: true },
            Parameter { name: "rows".into(), required: false },
        ]);
        let check = |text: &str| definition.check_arguments(&RawJson::parse(text).unwrap());
        assert_eq!(check(r#"{"kind": "x"}"#), Ok(()));
        assert_eq!(
            check("{}").unwrap_err(),
            "'report' needs the argument 'kind': it takes kind, rows (optional)"
        );
        assert_eq!(
            check(r#"{"kind": 1, "rwos": 2}"#).unwrap_err(),
            "'report' has no argument 'rwos': it takes kind, rows (optional)"
        );
        assert_eq!(check("[1]").unwrap_err(), "the arguments of 'report' must be one JSON object");
    }
}
