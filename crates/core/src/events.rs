//! Events: one call makes a job for each handler whose pattern fits.

use crate::backend::EnqueueStatement;
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
        let (handlers, submissions) = self.addressed(&event, declared).await?;
        let enqueued = self.submit_many(submissions).await?;
        Ok(handlers
            .into_iter()
            .zip(enqueued)
            .map(|(function, job)| Delivery { function, job_id: job.id, created: job.created })
            .collect())
    }

    /// The statement that sends an event inside of a transaction of the caller's own database, with the keys of the handlers
    /// whose jobs it answers. Without a handler there is nothing to run.
    ///
    /// # Errors
    /// As [`statement`](Self::statement).
    pub async fn event_statement(
        &self,
        event: Event,
        declared: &[FunctionDefinition],
    ) -> Result<(Vec<String>, EnqueueStatement), SubmitError> {
        let (handlers, submissions) = self.addressed(&event, declared).await?;
        Ok((handlers, self.statement(submissions).await?))
    }

    /// The keys of the handlers that an event reaches, and what is submitted to each.
    async fn addressed(
        &self,
        event: &Event,
        declared: &[FunctionDefinition],
    ) -> Result<(Vec<String>, Vec<Submission>), SubmitError> {
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
        let submissions = handlers.iter().map(|handler| submission_for(handler, event)).collect();
        Ok((handlers.into_iter().map(|handler| handler.key).collect(), submissions))
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
