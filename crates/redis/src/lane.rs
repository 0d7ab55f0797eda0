//! Lanes: what many callers of this process ask of one verb while a call is under way goes into the next call together.
//!
//! So the server is asked once for many, and nobody ever waits for company: an idle lane takes a single request at once.

use std::sync::Arc;

use redis::Value;
use tokio::sync::{mpsc, oneshot};
use upnext_core::BackendError;
use upnext_core::backend::Result;

use crate::args::Args;
use crate::clock::Now;
use crate::link::{Link, Repeat};
use crate::reply::Reply;

/// Most bytes of arguments in one call, and most requests. They bound how long others wait for the server.
const MOST_BYTES: usize = 1 << 20;
const MOST_REQUESTS: usize = 512;

/// What a lane asks for.
#[derive(Debug, Clone)]
pub(crate) struct Verb {
    pub(crate) name: &'static str,
    /// Arguments that stand before those of the requests.
    pub(crate) head: Args,
    /// How many values the function answers for each item of a request.
    pub(crate) answers: usize,
    pub(crate) repeat: Repeat,
}

/// What a lane answers to one request.
pub(crate) struct Answer {
    /// Claimers should look.
    pub(crate) work: bool,
    /// The values for this request's items.
    pub(crate) values: Vec<Value>,
    /// What the function says beside them.
    pub(crate) rest: Vec<Value>,
}

struct Request {
    args: Args,
    items: usize,
    reply: oneshot::Sender<Result<Answer>>,
}

/// The handle on a lane. Dropping it ends the lane once all requests are answered.
#[derive(Debug)]
pub(crate) struct Lane {
    requests: mpsc::UnboundedSender<Request>,
}

impl Lane {
    /// Starts a lane. Must be called inside a tokio runtime.
    pub(crate) fn start(link: Arc<Link>, now: Now, verb: Verb) -> Self {
        let (requests, inbox) = mpsc::unbounded_channel();
        tokio::spawn(serve(link, now, verb, inbox));
        Self { requests }
    }

    /// Asks for so many items, whose arguments these are.
    pub(crate) async fn ask(&self, args: Args, items: usize) -> Result<Answer> {
        let gone = || BackendError::Unavailable("the runtime that served this backend has ended".into());
        let (reply, answer) = oneshot::channel();
        self.requests.send(Request { args, items, reply }).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }
}

async fn serve(link: Arc<Link>, now: Now, verb: Verb, mut inbox: mpsc::UnboundedReceiver<Request>) {
    let mut left_over = None;
    loop {
        let first = match left_over.take() {
            Some(request) => request,
            None => match inbox.recv().await {
                Some(request) => request,
                None => return,
            },
        };
        let mut size = first.args.size();
        let mut batch = vec![first];
        while batch.len() < MOST_REQUESTS
            && let Ok(request) = inbox.try_recv()
        {
            size += request.args.size();
            if size > MOST_BYTES {
                left_over = Some(request);
                break;
            }
            batch.push(request);
        }
        call_together(&link, &now, &verb, batch).await;
    }
}

async fn call_together(link: &Link, now: &Now, verb: &Verb, batch: Vec<Request>) {
    let mut args = now.begin();
    args.append(&verb.head);
    for request in &batch {
        args.append(&request.args);
    }
    let answered =
        link.call(verb.name, &args, verb.repeat).await.and_then(|values| read(values, verb, &batch));
    match answered {
        Ok(answers) => {
            for (request, answer) in batch.into_iter().zip(answers) {
                // Whoever asked may have gone away; the work is done all the same.
                let _ = request.reply.send(Ok(answer));
            }
        }
        Err(error) => {
            for request in batch {
                let _ = request.reply.send(Err(error.clone()));
            }
        }
    }
}

fn read(values: Vec<Value>, verb: &Verb, batch: &[Request]) -> Result<Vec<Answer>> {
    let mut reply = Reply::new(values);
    let work = reply.number::<i64>()? == 1;
    let mut values = if verb.answers > 0 { reply.list()? } else { Vec::new() }.into_iter();
    let mut rest = Vec::new();
    while !reply.is_empty() {
        rest.push(reply.value()?);
    }
    let answer = |request: &Request| Answer {
        work,
        values: values.by_ref().take(request.items * verb.answers).collect(),
        rest: rest.clone(),
    };
    Ok(batch.iter().map(answer).collect())
}
