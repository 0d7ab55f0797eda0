//! Events: one call makes a job for each handler whose pattern fits.

use crate::client::{Client, Submission};
use crate::error::SubmitError;
use crate::function::FunctionDefinition;
use crate::id::JobId;
use crate::job::{JobType, Parent, RawJson};
use crate::pattern::check_event_name;

/// Something that happened, on its way to whoever handles it.
#[derive(Debug, Clone)]
pub struct Event {
    /// Its name, such as `order.placed`.
    pub name: String,
    /// Named arguments of the handlers: one JSON object.
    pub data: RawJson,
    /// While an unfinished job of a handler has this key, it stands for this event too.
    pub idempotency_key: Option<String>,
    /// The job from inside which it is sent.
    pub parent: Option<Parent>,
}

/// The job that an event made for one of its handlers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Key of the handler.
    pub function: String,
    /// The job.
    pub job_id: JobId,
    /// False when an unfinished job with the same idempotency key was there already.
    pub created: bool,
}

impl Client {
    /// Sends an event to every handler that was ever registered, and to those of `declared` that may not be yet; all of
    /// the jobs are accepted in one step, or none. Without a handler nothing is made and the answer is empty.
    ///
    /// # Errors
    /// As [`submit`](Self::submit).
    pub async fn send_event(
        &self,
        event: Event,
        declared: &[FunctionDefinition],
    ) -> Result<Vec<Delivery>, SubmitError> {
        check_event_name(&event.name).map_err(SubmitError::Invalid)?;
        let mut handlers = self.backend().list_definitions(Some(JobType::Event)).await?;
        for definition in declared {
            match handlers.iter_mut().find(|known| known.key == definition.key) {
                Some(known) => known.clone_from(definition),
                None => handlers.push(definition.clone()),
            }
        }
        handlers
            .retain(|handler| handler.pattern.as_ref().is_some_and(|pattern| pattern.matches(&event.name)));
        let submissions = handlers.iter().map(|handler| submission_for(handler, &event)).collect();
        let enqueued = self.submit_many(submissions).await?;
        Ok(handlers
            .into_iter()
            .zip(enqueued)
            .map(|(handler, job)| Delivery { function: handler.key, job_id: job.id, created: job.created })
            .collect())
    }
}

fn submission_for(handler: &FunctionDefinition, event: &Event) -> Submission {
    let source = serde_json::json!({
        "type": JobType::Event,
        "event": event.name,
        "pattern": handler.pattern,
    });
    Submission {
        idempotency_key: event.idempotency_key.clone(),
        parent: event.parent,
        source: RawJson::of(&source).ok(),
        ..Submission::to(handler, event.data.clone())
    }
}
