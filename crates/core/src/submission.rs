//! Submissions: what callers ask for, and the rules that all of them are held to.

use std::time::Duration;

use crate::artifact::check_tags;
use crate::clock::Timestamp;
use crate::error::SubmitError;
use crate::function::{DEFAULT_TIMEOUT, FunctionDefinition, RetryPolicy};
use crate::id::JobId;
use crate::job::{
    CacheUse, ConcurrencyKey, DEFAULT_PRIORITY, JobType, MAX_PAYLOAD_BYTES, NewJob, Parent, RawJson,
};

/// Longest idempotency key, in characters after trimming.
pub const MAX_IDEMPOTENCY_KEY_CHARS: usize = 256;

/// A request to run a function, before it becomes a job.
#[derive(Debug, Clone)]
pub struct Submission {
    /// Key of the function.
    pub function: String,
    /// Its name as people read it.
    pub function_name: String,
    /// Named arguments: one JSON object.
    pub kwargs: RawJson,
    /// While an unfinished job of this function has this key, it stands for this request too.
    pub idempotency_key: Option<String>,
    /// Higher runs first.
    pub priority: i32,
    /// What to do when an attempt fails.
    pub retry: RetryPolicy,
    /// How long one attempt may run.
    pub timeout: Duration,
    /// Not before this moment.
    pub at: Option<Timestamp>,
    /// This much later than that or, without it, than now.
    pub delay: Duration,
    /// For which other jobs of the function it waits.
    pub concurrency_key: Option<ConcurrencyKey>,
    /// How its result is shared.
    pub cache: Option<CacheUse>,
    /// The job from inside which this is submitted.
    pub parent: Option<Parent>,
    /// What makes the job.
    pub job_type: JobType,
    /// Where it comes from, as a JSON object with a `type`; `None` is `{"type": "task"}`.
    pub source: Option<RawJson>,
    /// Words the job can be found by.
    pub tags: Vec<String>,
}

impl Submission {
    /// A request with the defaults of a task that names none.
    #[must_use]
    pub fn new(function: impl Into<String>, kwargs: RawJson) -> Self {
        let function = function.into();
        Self {
            function_name: function.clone(),
            function,
            kwargs,
            idempotency_key: None,
            priority: DEFAULT_PRIORITY,
            retry: RetryPolicy::default(),
            timeout: DEFAULT_TIMEOUT,
            at: None,
            delay: Duration::ZERO,
            concurrency_key: None,
            cache: None,
            parent: None,
            job_type: JobType::Task,
            source: None,
            tags: Vec::new(),
        }
    }

    /// A request with everything that the function's definition says.
    #[must_use]
    pub fn to(definition: &FunctionDefinition, kwargs: RawJson) -> Self {
        Self {
            function_name: definition.name.clone(),
            retry: definition.retry,
            timeout: definition.timeout(),
            concurrency_key: definition.concurrency_key_of(&kwargs),
            cache: definition.cache_use(&kwargs),
            job_type: definition.job_type,
            tags: definition.tags.clone(),
            ..Self::new(definition.key.clone(), kwargs)
        }
    }

    /// The job, after every rule has been checked.
    ///
    /// # Errors
    /// [`SubmitError::Invalid`] with one sentence that names what breaks which rule.
    pub fn into_new_job(self) -> Result<NewJob, SubmitError> {
        let submission = self;
        let invalid = |rule: String| Err(SubmitError::Invalid(rule));
        let name = &submission.function;
        if name.is_empty() || name.chars().count() > 255 || name.chars().any(char::is_control) {
            return invalid(format!(
                "{name:?} is not a function name: it has 1 to 255 characters, none of them control"
            ));
        }
        let size = submission.kwargs.as_str().len();
        if size > MAX_PAYLOAD_BYTES {
            return invalid(format!(
                "the arguments of '{name}' are {size} bytes of JSON; a job carries at most {MAX_PAYLOAD_BYTES}: \
                 put the data where the task can fetch it and pass a reference"
            ));
        }
        if !submission.kwargs.as_str().trim_start().starts_with('{') {
            return invalid(format!("the arguments of '{name}' must be one JSON object"));
        }
        submission.retry.validate().map_err(|rule| SubmitError::Invalid(format!("'{name}': {rule}")))?;
        if submission.timeout.is_zero() {
            return invalid(format!("'{name}': the timeout must be more than 0 seconds"));
        }
        let idempotency_key =
            submission.idempotency_key.map(|key| check_idempotency_key(&key)).transpose()?;
        let tags = check_tags("a job", submission.tags)
            .map_err(|rule| SubmitError::Invalid(format!("'{name}': {rule}")))?;
        Ok(NewJob {
            id: JobId::fresh(),
            function: submission.function,
            function_name: submission.function_name,
            job_type: submission.job_type,
            kwargs: submission.kwargs,
            idempotency_key,
            priority: submission.priority,
            scheduled_at: submission.at,
            delay: submission.delay,
            concurrency_key: submission.concurrency_key,
            cache: submission.cache,
            retry: submission.retry,
            timeout: submission.timeout,
            parent: submission.parent,
            source: submission.source,
            tags,
        })
    }
}

fn check_idempotency_key(key: &str) -> Result<String, SubmitError> {
    let trimmed = key.trim();
    let length = trimmed.chars().count();
    if (1..=MAX_IDEMPOTENCY_KEY_CHARS).contains(&length) {
        return Ok(trimmed.to_owned());
    }
    Err(SubmitError::Invalid(format!(
        "an idempotency key has 1 to {MAX_IDEMPOTENCY_KEY_CHARS} characters after trimming; this one has {length}"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(submission: Submission) -> String {
        submission.into_new_job().unwrap_err().to_string()
    }

    #[test]
    fn submissions_are_checked_before_anything_is_stored() {
        let good = || Submission::new("report", RawJson::parse("{}").unwrap());
        assert!(good().into_new_job().is_ok());
        assert!(rule(Submission::new("a\nb", RawJson::parse("{}").unwrap())).contains("not a function name"));
        assert!(
            rule(Submission { kwargs: RawJson::parse("[1]").unwrap(), ..good() }).contains("one JSON object")
        );
        assert!(rule(Submission { timeout: Duration::ZERO, ..good() }).contains("timeout"));
        let large = format!("{{\"x\": \"{}\"}}", "y".repeat(MAX_PAYLOAD_BYTES));
        assert!(rule(Submission { kwargs: RawJson::trusted(large), ..good() }).contains("at most 4194304"));
    }

    #[test]
    fn tags_of_the_task_and_of_the_call_add_up() {
        let definition = FunctionDefinition { tags: vec!["etl".into()], ..FunctionDefinition::task("f") };
        let mut submission = Submission::to(&definition, RawJson::parse("{}").unwrap());
        submission.tags.extend([" eu ".to_owned(), "etl".to_owned()]);
        assert_eq!(submission.clone().into_new_job().unwrap().tags, ["etl", "eu"]);
        submission.tags.push("a,b".to_owned());
        assert!(rule(submission).contains("'f': \"a,b\" is not a tag"));
    }

    #[test]
    fn idempotency_keys_are_trimmed_and_bounded() {
        assert_eq!(check_idempotency_key("  k ").unwrap(), "k");
        assert!(check_idempotency_key("   ").is_err());
        assert!(check_idempotency_key(&"k".repeat(257)).is_err());
    }
}
