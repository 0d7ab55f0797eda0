//! Lanes: whatever callers of this process ask for while one transaction is under way goes into the next one together.
//!
//! So many callers share one round trip and one sync, and nobody ever waits for company: a lane with a free place takes a
//! single request at once.

use std::sync::Arc;

use futures::future::BoxFuture;
use tokio::sync::{Semaphore, mpsc, oneshot};
use upnext_core::BackendError;

use crate::database::Database;

type Answer<T> = std::result::Result<T, BackendError>;

/// Carries out the items of some calls in one transaction, and answers them in their order.
pub(crate) type Run<I, O> = fn(Arc<Database>, Vec<I>) -> BoxFuture<'static, Answer<Vec<O>>>;

/// How requests are carried out.
#[derive(Debug)]
struct Ways<I, O> {
    together: Run<I, O>,
    /// For what could not be done together: of one call, outside of the lane, and with patience.
    alone: Option<Run<I, O>>,
}

impl<I, O> Clone for Ways<I, O> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<I, O> Copy for Ways<I, O> {}

struct Call<I, O> {
    items: Vec<I>,
    reply: oneshot::Sender<Answer<Vec<O>>>,
}

/// The way for one verb. Cheap to clone; dropping the last one ends its task.
#[derive(Debug)]
pub(crate) struct Lane<I, O> {
    calls: mpsc::UnboundedSender<Call<I, O>>,
}

/// How much goes together.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Width {
    /// Transactions under way at once.
    pub(crate) abreast: usize,
    /// A transaction takes no further call when it has so many items. Bounds how long the first waits for the last.
    pub(crate) items: usize,
}

impl<I, O> Lane<I, O>
where
    I: Clone + Send + Sync + 'static,
    O: Send + 'static,
{
    pub(crate) fn start(database: &Arc<Database>, width: Width, run: Run<I, O>) -> Self {
        Self::over(database, width, Ways { together: run, alone: None })
    }

    /// A lane whose requests may have to wait for transactions of others: those do so by themselves, in nobody's way.
    pub(crate) fn with_patience(
        database: &Arc<Database>,
        width: Width,
        run: Run<I, O>,
        alone: Run<I, O>,
    ) -> Self {
        Self::over(database, width, Ways { together: run, alone: Some(alone) })
    }

    fn over(database: &Arc<Database>, width: Width, ways: Ways<I, O>) -> Self {
        let (calls, inbox) = mpsc::unbounded_channel();
        tokio::spawn(serve(Arc::clone(database), width, ways, inbox));
        Self { calls }
    }

    pub(crate) async fn ask(&self, items: Vec<I>) -> Answer<Vec<O>> {
        if items.is_empty() {
            return Ok(Vec::new());
        }
        let gone = || BackendError::Unavailable("the backend was closed".into());
        let (reply, answer) = oneshot::channel();
        self.calls.send(Call { items, reply }).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

async fn serve<I, O>(
    database: Arc<Database>,
    width: Width,
    ways: Ways<I, O>,
    mut inbox: mpsc::UnboundedReceiver<Call<I, O>>,
) where
    I: Clone + Send + Sync + 'static,
    O: Send + 'static,
{
    let places = Arc::new(Semaphore::new(width.abreast));
    while let Some(first) = inbox.recv().await {
        let Ok(place) = Arc::clone(&places).acquire_owned().await else { return };
        let mut items = first.items.len();
        let mut calls = vec![first];
        while items < width.items
            && let Ok(call) = inbox.try_recv()
        {
            items += call.items.len();
            calls.push(call);
        }
        let database = Arc::clone(&database);
        tokio::spawn(async move {
            answer_together(database, ways, calls).await;
            drop(place);
        });
    }
}

async fn answer_together<I, O>(database: Arc<Database>, ways: Ways<I, O>, calls: Vec<Call<I, O>>)
where
    I: Clone + Send + Sync + 'static,
    O: Send + 'static,
{
    if ways.alone.is_none() && calls.len() == 1 {
        for call in calls {
            // Whoever asked may have gone away; the work is done all the same.
            let _ = call.reply.send((ways.together)(Arc::clone(&database), call.items).await);
        }
        return;
    }
    let together: Vec<I> = calls.iter().flat_map(|call| call.items.iter().cloned()).collect();
    match (ways.together)(Arc::clone(&database), together).await {
        Ok(answers) => {
            let mut answers = answers.into_iter();
            for call in calls {
                let own = answers.by_ref().take(call.items.len()).collect();
                let _ = call.reply.send(Ok(own));
            }
        }
        Err(error) if error.retryable() => {
            for call in calls {
                let _ = call.reply.send(Err(error.clone()));
            }
        }
        // One spoiled it for the others: each by itself, so that only the culprit sees the error.
        Err(_) => {
            for call in calls {
                let database = Arc::clone(&database);
                match ways.alone {
                    None => {
                        let _ = call.reply.send((ways.together)(database, call.items).await);
                    }
                    Some(alone) => {
                        tokio::spawn(async move { call.reply.send(alone(database, call.items).await) });
                    }
                }
            }
        }
    }
}
