//! Requests to run something: jobs and events, and what became of them.

use serde::{Deserialize, Serialize};
use upnext_core::events::Delivery;
use upnext_core::job::Enqueued;
use upnext_core::{RawJson, Timestamp};
use utoipa::ToSchema;

/// A request to run a function.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewJob {
    /// Key of the function, or else its name.
    pub function: String,
    /// Named arguments: one object. Nothing is an object without any.
    #[schema(value_type = Option<std::collections::HashMap<String, serde_json::Value>>)]
    pub kwargs: Option<RawJson>,
    /// Seconds that the job waits at least, counted from `at` or else from now.
    #[schema(minimum = 0)]
    pub delay: Option<f64>,
    /// The job begins no earlier than this moment.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub at: Option<Timestamp>,
    /// Higher runs first.
    pub priority: Option<i32>,
    /// While an unfinished job of the function has this key, it stands for this request too.
    #[schema(max_length = 256)]
    pub idempotency_key: Option<String>,
    /// Words the job can be found by, beside those of its function: each has 1 to 64 characters and no comma, and a job has at
    /// most 32.
    pub tags: Option<Vec<String>>,
}

/// The job that stands for a request.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct JobSubmitted {
    /// The job.
    #[schema(format = "uuid")]
    pub job_id: String,
    /// False when an unfinished job with the same idempotency key was there already.
    pub created: bool,
}

impl From<Enqueued> for JobSubmitted {
    fn from(enqueued: Enqueued) -> Self {
        Self { job_id: enqueued.id.to_string(), created: enqueued.created }
    }
}

/// Something that happened.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewEvent {
    /// Its name, such as `order.placed`.
    pub event: String,
    /// Named arguments of the handlers: one object. Nothing is an object without any.
    #[schema(value_type = Option<std::collections::HashMap<String, serde_json::Value>>)]
    pub data: Option<RawJson>,
    /// While an unfinished job of a handler has this key, it stands for this event too.
    #[schema(max_length = 256)]
    pub idempotency_key: Option<String>,
}

/// What became of an event.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EventSent {
    /// One job for each handler whose pattern fits; empty when there is none.
    pub jobs: Vec<EventJob>,
}

/// The job that an event made for one of its handlers.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct EventJob {
    /// Key of the handler.
    pub function: String,
    /// The job.
    #[schema(format = "uuid")]
    pub job_id: String,
    /// False when an unfinished job with the same idempotency key was there already.
    pub created: bool,
}

impl From<Delivery> for EventJob {
    fn from(delivery: Delivery) -> Self {
        Self { function: delivery.function, job_id: delivery.job_id.to_string(), created: delivery.created }
    }
}
