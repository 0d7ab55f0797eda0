//! Jobs: the durable request to run a task, its attempts and what came of them.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize, Serializer};

use crate::clock::Timestamp;
use crate::function::RetryPolicy;
use crate::id::{JobId, LeaseToken};

/// The largest argument object or result, in bytes of JSON, that a job carries. Larger data belongs in an artifact.
pub const MAX_PAYLOAD_BYTES: usize = 4 * 1024 * 1024;

/// The priority of a job that names none. Higher runs first.
pub const DEFAULT_PRIORITY: i32 = 0;

/// A text known to be one JSON value. Cloning is cheap.
#[derive(Clone, PartialEq, Eq)]
pub struct RawJson(Arc<str>);

impl RawJson {
    /// Checks that `text` is one JSON value and keeps it as it is.
    ///
    /// # Errors
    /// Says where the text stops being JSON.
    ///
    /// ```
    /// use upnext_core::RawJson;
    /// assert_eq!(RawJson::parse(r#"{"rows": 42}"#)?.as_str(), r#"{"rows": 42}"#);
    /// assert!(RawJson::parse("{rows}").is_err());
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    pub fn parse(text: impl Into<Arc<str>>) -> Result<Self, serde_json::Error> {
        let text = text.into();
        serde_json::from_str::<serde::de::IgnoredAny>(&text)?;
        Ok(Self(text))
    }

    /// Takes a text that was JSON when it was stored, without looking at it again.
    #[must_use]
    pub fn trusted(text: impl Into<Arc<str>>) -> Self {
        Self(text.into())
    }

    /// `value` as JSON.
    ///
    /// # Errors
    /// When `value` has no JSON form (a map with keys that are not strings, say).
    pub fn of<T: Serialize + ?Sized>(value: &T) -> Result<Self, serde_json::Error> {
        serde_json::to_string(value).map(|text| Self(text.into()))
    }

    /// The JSON `null`.
    #[must_use]
    pub fn null() -> Self {
        Self("null".into())
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Reads the text as a `T`.
    ///
    /// # Errors
    /// When the JSON does not have the shape of a `T`.
    pub fn read<'a, T: Deserialize<'a>>(&'a self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.0)
    }
}

impl fmt::Debug for RawJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// JSON within JSON; in compact formats, the text, so that what is absent and a JSON null stay two things.
impl Serialize for RawJson {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if !serializer.is_human_readable() {
            return serializer.serialize_str(&self.0);
        }
        let raw: &serde_json::value::RawValue =
            serde_json::from_str(&self.0).map_err(serde::ser::Error::custom)?;
        raw.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for RawJson {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        if !deserializer.is_human_readable() {
            let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
            return Self::parse(text.into_owned()).map_err(serde::de::Error::custom);
        }
        let raw = Box::<serde_json::value::RawValue>::deserialize(deserializer)?;
        Ok(Self(raw.get().into()))
    }
}

/// A word on the wire that names none of the variants of an enum.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{text}' is not {} {kind}: use one of {allowed}", article(.kind))]
pub struct ParseWordError {
    /// What was expected, for example `job status`.
    pub kind: &'static str,
    /// What was found.
    pub text: String,
    /// Every word that would do, comma-separated.
    pub allowed: String,
}

fn article(kind: &str) -> &'static str {
    if kind.starts_with(['a', 'e', 'i', 'o']) { "an" } else { "a" }
}

/// Defines an enum whose variants each have one word, the same in SQL, JSON and Python.
macro_rules! word_enum {
    ($(#[$doc:meta])* $name:ident, $kind:literal { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        pub enum $name {
            $($(#[$vdoc])* #[serde(rename = $word)] $variant,)+
        }

        impl $name {
            /// Every variant, in the order of the state diagram or table it comes from.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word for this variant in SQL, JSON and Python.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = $crate::job::ParseWordError;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                match text {
                    $($word => Ok(Self::$variant),)+
                    _ => Err($crate::job::ParseWordError {
                        kind: $kind,
                        text: text.chars().take(80).collect(),
                        allowed: Self::ALL.iter().map(|v| v.as_str()).collect::<Vec<_>>().join(", "),
                    }),
                }
            }
        }
    };
}
pub(crate) use word_enum;

word_enum! {
    /// Where a job stands. `transition` holds the rules for which status follows which.
    JobStatus, "job status" {
        /// Accepted, but not due yet (`delay` or `at`). The backend moves it on when its time comes.
        Pending = "pending",
        /// Due, waiting for a worker.
        Queued = "queued",
        /// A worker holds a lease on it.
        Active = "active",
        /// An attempt failed; the next one is scheduled.
        Retrying = "retrying",
        /// Final: the task returned.
        Complete = "complete",
        /// Final unless queued again by hand: no attempts are left.
        Failed = "failed",
        /// Final: somebody cancelled it.
        Cancelled = "cancelled",
    }
}

impl JobStatus {
    /// True when nothing will happen to the job any more by itself.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Complete | Self::Failed | Self::Cancelled)
    }
}

word_enum! {
    /// Why a job failed or was cancelled.
    FailureReason, "failure reason" {
        /// The task ran longer than its timeout.
        Timeout = "timeout",
        /// The task raised or returned an error.
        Exception = "exception",
        /// Somebody cancelled it.
        Cancelled = "cancelled",
        /// Its workers disappeared too often.
        Unknown = "unknown",
    }
}

word_enum! {
    /// What made the job.
    JobType, "job type" {
        /// Submitted by a caller.
        Task = "task",
        /// Made by a schedule.
        Cron = "cron",
        /// Made by an event for one of its handlers.
        Event = "event",
    }
}

/// A job as it is handed to [`Backend::enqueue`](crate::Backend::enqueue).
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct NewJob {
    /// Its id, drawn by the submitter so that a repeated call can be told apart from a second job.
    pub id: JobId,
    /// Key of the task to run.
    pub function: String,
    /// The task's name as people read it.
    pub function_name: String,
    /// What made it.
    pub job_type: JobType,
    /// Named arguments: one JSON object.
    pub kwargs: RawJson,
    /// While a job of the same function with this key is not final, no second one is made.
    pub idempotency_key: Option<String>,
    /// Higher runs first.
    pub priority: i32,
    /// Not before this moment; `None` means at once.
    pub scheduled_at: Option<Timestamp>,
    /// This much later than that, by the backend's clock.
    pub delay: Duration,
    /// For which other jobs of the function it waits.
    pub concurrency_key: Option<ConcurrencyKey>,
    /// How its result is shared.
    pub cache: Option<CacheUse>,
    /// What to do when an attempt fails.
    pub retry: RetryPolicy,
    /// How long one attempt may run.
    pub timeout: Duration,
    /// The job that submitted this one, with the root of its tree.
    pub parent: Option<Parent>,
    /// Where it came from, as a JSON object with a `type`; `None` is `{"type": "task"}`.
    pub source: Option<RawJson>,
    /// Words it can be found by, under the rules of [`check_tags`](crate::artifact::check_tags): each once, in this order.
    pub tags: Vec<String>,
}

/// Jobs of one function with the same key run only so many at once; the others wait without being in the way of the rest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConcurrencyKey {
    /// What they have in common.
    pub key: String,
    /// How many of them run at once, at least 1.
    pub limit: u32,
}

/// Jobs of one function with the same key share the result of the first that completes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CacheUse {
    /// What makes the result the same.
    pub key: String,
    /// For how long it is shared; `None` is without end.
    pub ttl: Option<Duration>,
}

/// The place of a job in its tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parent {
    /// The job that submitted this one.
    pub parent_id: JobId,
    /// The job at the top of the tree.
    pub root_id: JobId,
}

/// What [`Backend::enqueue`](crate::Backend::enqueue) did with one [`NewJob`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Enqueued {
    /// The job that stands for the request.
    pub id: JobId,
    /// False when an unfinished job with the same idempotency key was there already.
    pub created: bool,
}

/// A job with all that is known about it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Job {
    /// Its id.
    pub id: JobId,
    /// The idempotency key, if one was given.
    pub idempotency_key: Option<String>,
    /// Key of the task it runs.
    pub function: String,
    /// The task's name as people read it.
    pub function_name: String,
    /// What made it.
    pub job_type: JobType,
    /// Where it stands.
    pub status: JobStatus,
    /// Higher runs first.
    pub priority: i32,
    /// When it was accepted.
    pub created_at: Timestamp,
    /// When it is, or became, due.
    pub scheduled_at: Timestamp,
    /// When its last attempt began.
    pub started_at: Option<Timestamp>,
    /// When it reached a final status.
    pub completed_at: Option<Timestamp>,
    /// Attempts begun so far.
    pub attempts: u32,
    /// How many of those ended because the worker disappeared.
    pub losses: u32,
    /// What to do when an attempt fails.
    pub retry: RetryPolicy,
    /// How long one attempt may run.
    pub timeout: Duration,
    /// The worker instance of the last attempt.
    pub worker_id: Option<String>,
    /// The job that submitted it.
    pub parent_id: Option<JobId>,
    /// The top of its tree; itself when nobody submitted it from inside a job.
    pub root_id: JobId,
    /// Between 0 and 1.
    pub progress: f64,
    /// The text last given with the progress.
    pub progress_message: Option<String>,
    /// Named arguments: one JSON object.
    pub kwargs: RawJson,
    /// Where it came from, as a JSON object with a `type`.
    pub source: Option<RawJson>,
    /// The state the task saved last.
    pub checkpoint: Option<RawJson>,
    /// When it saved it.
    pub checkpoint_at: Option<Timestamp>,
    /// What the task returned.
    pub result: Option<RawJson>,
    /// One line saying what went wrong last.
    pub error: Option<String>,
    /// The traceback of that, if the executor had one.
    pub traceback: Option<String>,
    /// Why it failed or was cancelled.
    pub failure_reason: Option<FailureReason>,
    /// Somebody asked for its end while it was active.
    pub cancel_requested: bool,
    /// Words it can be found by, in the order they were given.
    pub tags: Vec<String>,
}

impl Job {
    /// How long it waited between being due and its last attempt's begin.
    #[must_use]
    pub fn queue_wait(&self) -> Option<Duration> {
        self.started_at.map(|started| started.since(self.scheduled_at))
    }

    /// How long its last attempt ran.
    #[must_use]
    pub fn duration(&self) -> Option<Duration> {
        Some(self.completed_at?.since(self.started_at?))
    }
}

/// One try at a job, as history shows it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    /// 1 for the first.
    pub number: u32,
    /// Who ran it.
    pub worker_id: Option<String>,
    /// When it began.
    pub started_at: Option<Timestamp>,
    /// When it ended; `None` while it runs.
    pub ended_at: Option<Timestamp>,
    /// The word for how it stands: `active`, `complete`, `failed`, `timeout`, `cancelled` or `lost`.
    pub outcome: String,
    /// One line saying what went wrong.
    pub error: Option<String>,
    /// The traceback of that.
    pub traceback: Option<String>,
}

/// The right to finish one attempt: which job, and the secret that proves it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Lease {
    /// The leased job.
    pub job_id: JobId,
    /// The secret drawn by the claim.
    pub token: LeaseToken,
}

/// A job together with the lease under which its next attempt may run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ClaimedJob {
    /// The right to finish it.
    pub lease: Lease,
    /// When that right ends unless it is renewed.
    pub lease_expires_at: Timestamp,
    /// Number of this attempt, 1 for the first.
    pub attempt: u32,
    /// Key of the task to run.
    pub function: String,
    /// The task's name as people read it.
    pub function_name: String,
    /// Named arguments: one JSON object.
    pub kwargs: RawJson,
    /// The caller's idempotency key.
    pub idempotency_key: Option<String>,
    /// Number of the last attempt that the retry policy grants. Attempts that lost their worker, or that a retry by hand
    /// wrote off, are granted on top.
    pub max_attempts: u32,
    /// How long the attempt may run.
    pub timeout: Duration,
    /// The job that submitted it.
    pub parent_id: Option<JobId>,
    /// The top of its tree.
    pub root_id: JobId,
    /// The state an earlier attempt saved.
    pub checkpoint: Option<RawJson>,
    /// The result of an earlier job that this one shares: it is to complete with it, without being run.
    pub cached: Option<RawJson>,
    /// One more lost worker and it fails: it is run beside no other such job.
    pub suspect: bool,
}

/// How an attempt ended, as the worker saw it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Outcome {
    /// The task returned this.
    Complete {
        /// The value as JSON.
        result: RawJson,
    },
    /// The task raised.
    Failed {
        /// One line, for example `ValueError: no rows`.
        error: String,
        /// The whole traceback.
        traceback: Option<String>,
        /// False when a further attempt could not end otherwise (a missing argument, say).
        retryable: bool,
    },
    /// It ran longer than its timeout and was stopped.
    TimedOut,
    /// It stopped because the job was cancelled.
    Cancelled,
}

impl Outcome {
    /// A failure that may be tried again.
    #[must_use]
    pub fn failed(error: impl Into<String>) -> Self {
        Self::Failed { error: error.into(), traceback: None, retryable: true }
    }

    /// The word that an [`Attempt`] with this outcome shows.
    #[must_use]
    pub const fn as_str(&self) -> &'static str {
        match self {
            Self::Complete { .. } => "complete",
            Self::Failed { .. } => "failed",
            Self::TimedOut => "timeout",
            Self::Cancelled => "cancelled",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_round_trip() {
        for status in JobStatus::ALL {
            assert_eq!(status.as_str().parse::<JobStatus>().unwrap(), *status);
        }
    }

    #[test]
    fn a_bad_word_lists_the_good_ones() {
        let message = "done".parse::<JobStatus>().unwrap_err().to_string();
        assert_eq!(
            message,
            "'done' is not a job status: use one of pending, queued, active, retrying, complete, failed, cancelled"
        );
    }

    #[test]
    fn raw_json_is_embedded_not_quoted() {
        let raw = RawJson::parse(r#"{"a": [1, 2]}"#).unwrap();
        assert_eq!(serde_json::to_string(&vec![raw]).unwrap(), r#"[{"a": [1, 2]}]"#);
    }
}
