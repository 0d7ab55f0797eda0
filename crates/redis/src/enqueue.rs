//! `enqueue`: what the function is told about new jobs.

use redis::Value;
use upnext_core::backend::Result;
use upnext_core::job::Enqueued;
use upnext_core::{NewJob, Timestamp};

use crate::args::Args;
use crate::reply::Reply;
use crate::rows::{stored_job, stored_micros, stored_tags};

/// Adds what `enqueue.lua` reads of one job.
pub(crate) fn add_job(args: &mut Args, job: &NewJob) {
    let gate = job.concurrency_key.as_ref();
    let root: &[u8] = job.parent.as_ref().map_or(&[], |parent| parent.root_id.as_bytes());
    args.add(job.id.as_bytes())
        .add(&job.function)
        .number(job.priority)
        .optional(job.scheduled_at.map(Timestamp::as_micros))
        .number(stored_micros(job.delay))
        .add(job.idempotency_key.as_deref().unwrap_or_default())
        .add(root)
        .add(gate.map_or("", |gate| &gate.key))
        .optional(gate.map(|gate| gate.limit))
        .add(stored_tags(&job.tags))
        .counted(|fields| stored_job(job, fields));
}

/// What became of the jobs.
pub(crate) fn read_answers(values: Vec<Value>) -> Result<Vec<Enqueued>> {
    let mut reply = Reply::new(values);
    let mut enqueued = Vec::new();
    while !reply.is_empty() {
        enqueued.push(Enqueued { id: reply.job_id()?, created: reply.number::<i64>()? == 1 });
    }
    Ok(enqueued)
}
