//! Events: something happened, and each task that handles it gets a job.

use serde::Serialize;
use upnext_core::events::Event;
use upnext_core::job::Enqueued;
use upnext_core::{FunctionDefinition, RawJson};

use crate::app::UpNext;
use crate::context;
use crate::error::Error;
use crate::future::JobFuture;
use crate::task::Task;
use crate::transaction::{self, Transaction};

/// Begins to describe an event. [`UpNext::send_event`] is shorter for one without options.
///
/// ```
/// # use upnext::{UpNext, Worker};
/// #[upnext::task(event = "order.*")]
/// async fn reserve(order: i64) -> i64 {
///     order
/// }
/// # #[tokio::main] async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// # let folder = tempfile::tempdir()?;
/// # let app = UpNext::open(&format!("sqlite://{}/u.db", folder.path().display())).await?;
/// let data = serde_json::json!({"order": 7, "customer": "ada"});
/// let event = upnext::event("order.placed").idempotency_key("order-7").handler(reserve);
/// let deliveries = event.send(&app, &data).await?;
/// assert_eq!(deliveries[0].function, "reserve");
/// # Ok(()) }
/// ```
pub fn event(name: impl Into<String>) -> EventBuilder {
    EventBuilder { name: name.into(), idempotency_key: None, handlers: Ok(Vec::new()) }
}

/// An event about to be sent; see [`event`].
#[derive(Debug, Clone)]
#[must_use = "nothing happens until it is sent"]
pub struct EventBuilder {
    name: String,
    idempotency_key: Option<String>,
    handlers: Result<Vec<FunctionDefinition>, Error>,
}

impl EventBuilder {
    /// While an unfinished job of a handler has this key (1 to 256 characters), it stands for this event too.
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.idempotency_key = Some(key.into());
        self
    }

    /// Reaches this handler even when no worker has ever offered it. Handlers that a worker has offered are known.
    pub fn handler<T: Task>(mut self, _task: T) -> Self {
        self.handlers = self.handlers.and_then(|mut handlers| {
            handlers.push(T::definition()?);
            Ok(handlers)
        });
        self
    }

    /// Sends it: one job for each handler whose pattern fits, with the fields of `data` as its arguments. All of the jobs
    /// are durable when this returns, or none was made. Without a handler the answer is empty.
    ///
    /// # Errors
    /// [`Error::Submit`] when the name or a job breaks a rule, [`Error::Json`] when `data` is not an object.
    pub async fn send<D: Serialize + ?Sized + Sync>(
        self,
        app: &UpNext,
        data: &D,
    ) -> Result<Vec<Delivery>, Error> {
        let (event, handlers) = self.described(data)?;
        let deliveries = app.client().send_event(event, &handlers).await?;
        let delivered = deliveries.into_iter().map(|delivery| Delivery {
            job: app.future(Enqueued { id: delivery.job_id, created: delivery.created }, None),
            function: delivery.function,
        });
        Ok(delivered.collect())
    }

    /// Sends it inside of a transaction of your own: its jobs exist exactly if that commits; see
    /// [`Request::submit_in`](crate::Request::submit_in).
    ///
    /// # Errors
    /// As [`send`](Self::send), and [`Error::Transaction`] when the statement failed.
    pub async fn send_in<D: Serialize + ?Sized + Sync>(
        self,
        app: &UpNext,
        transaction: impl Transaction,
        data: &D,
    ) -> Result<Vec<Delivery>, Error> {
        let (event, handlers) = self.described(data)?;
        let (functions, statement) = app.client().event_statement(event, &handlers).await?;
        if functions.is_empty() {
            return Ok(Vec::new());
        }
        let enqueued = transaction::run(transaction, statement).await?;
        let jobs = enqueued.into_iter().map(|job| app.future(job, None));
        Ok(functions.into_iter().zip(jobs).map(|(function, job)| Delivery { function, job }).collect())
    }

    fn described<D: Serialize + ?Sized>(self, data: &D) -> Result<(Event, Vec<FunctionDefinition>), Error> {
        let name = self.name;
        let data = RawJson::of(data)
            .map_err(|error| Error::Json(format!("the data of '{name}' has no JSON form: {error}")))?;
        if !data.as_str().starts_with('{') {
            return Err(Error::Json(format!(
                "the data of '{name}' must be one JSON object: its fields are the arguments of the handlers"
            )));
        }
        let parent = context::current_parent();
        Ok((Event { name, data, idempotency_key: self.idempotency_key, parent }, self.handlers?))
    }
}

/// The job that an event made for one of its handlers.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// Key of the handler.
    pub function: String,
    /// Its job. What it returns is any JSON, since handlers may differ.
    pub job: JobFuture<serde_json::Value>,
}
