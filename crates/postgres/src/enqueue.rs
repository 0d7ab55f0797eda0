//! `enqueue`: jobs become rows, or turn out to be there already.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use futures::FutureExt as _;
use futures::future::BoxFuture;
use serde::Serialize;
use upnext_core::backend::Result;
use upnext_core::job::Enqueued;
use upnext_core::{BackendError, JobId, NewJob, RawJson, Timestamp, fault};
use uuid::Uuid;

use crate::database::{Connection, Database, Effects, single};
use crate::faults::{self, Fault};
use crate::params::{Param, job_uuid, params, small, text};
use crate::rows::{self, stored_micros, stored_retry};

const SQL: &str = include_str!("../queries/enqueue.sql");

/// Jobs as columns. Serialized they are what `submit_jobs` of the schema takes.
#[derive(Debug, Serialize)]
pub(crate) struct Columns {
    ids: Vec<Uuid>,
    functions: Vec<String>,
    names: Vec<Option<String>>,
    types: Vec<&'static str>,
    priorities: Vec<i32>,
    moments: Vec<Option<i64>>,
    delays: Vec<i64>,
    timeouts: Vec<i64>,
    retries: Vec<Option<String>>,
    keys: Vec<Option<String>>,
    parents: Vec<Option<Uuid>>,
    roots: Vec<Option<Uuid>>,
    sources: Vec<Option<String>>,
    arguments: Vec<String>,
    gate_keys: Vec<Option<String>>,
    gate_limits: Vec<Option<i32>>,
    cache_keys: Vec<Option<String>>,
    cache_ttls: Vec<Option<i64>>,
    tags: Vec<Option<String>>,
}

impl Columns {
    pub(crate) fn of(jobs: &[&NewJob]) -> Self {
        fn all<'a, T>(jobs: &[&'a NewJob], of: impl Fn(&'a NewJob) -> T) -> Vec<T> {
            jobs.iter().map(|job| of(job)).collect()
        }
        let json = |value: &Option<RawJson>| value.as_ref().map(|value| value.as_str().to_owned());
        Self {
            ids: all(jobs, |job| job_uuid(job.id)),
            functions: all(jobs, |job| text(&job.function)),
            names: all(jobs, |job| (job.function_name != job.function).then(|| text(&job.function_name))),
            types: all(jobs, |job| job.job_type.as_str()),
            priorities: all(jobs, |job| job.priority),
            moments: all(jobs, |job| {
                job.scheduled_at.map(Timestamp::as_micros).map(|at| at.min(i64::MAX / 4))
            }),
            delays: all(jobs, |job| stored_micros(job.delay)),
            timeouts: all(jobs, |job| stored_micros(job.timeout)),
            retries: all(jobs, |job| stored_retry(&job.retry)),
            keys: all(jobs, |job| job.idempotency_key.as_deref().map(text)),
            parents: all(jobs, |job| job.parent.map(|parent| job_uuid(parent.parent_id))),
            roots: all(jobs, |job| job.parent.map(|parent| job_uuid(parent.root_id))),
            sources: all(jobs, |job| json(&job.source)),
            arguments: all(jobs, |job| job.kwargs.as_str().to_owned()),
            gate_keys: all(jobs, |job| job.concurrency_key.as_ref().map(|gate| text(&gate.key))),
            gate_limits: all(jobs, |job| job.concurrency_key.as_ref().map(|gate| small(gate.limit))),
            cache_keys: all(jobs, |job| job.cache.as_ref().map(|cache| text(&cache.key))),
            cache_ttls: all(jobs, |job| job.cache.as_ref().and_then(|cache| cache.ttl).map(stored_micros)),
            tags: all(jobs, |job| rows::stored_tags(&job.tags)),
        }
    }

    /// What the statement is given.
    pub(crate) fn values<'a>(&'a self, now: &'a Option<i64>) -> Vec<&'a dyn Param> {
        let c = self;
        let values: &[&'a dyn Param] = params![
            *now,
            c.ids,
            c.functions,
            c.names,
            c.types,
            c.priorities,
            c.moments,
            c.delays,
            c.timeouts,
            c.retries,
            c.keys,
            c.parents,
            c.roots,
            c.sources,
            c.arguments,
            c.gate_keys,
            c.gate_limits,
            c.cache_keys,
            c.cache_ttls,
            c.tags,
        ];
        values.to_vec()
    }
}

/// Each job once: of a repeated one the first.
fn distinct(jobs: &[NewJob]) -> Vec<&NewJob> {
    let mut seen = std::collections::HashSet::with_capacity(jobs.len());
    jobs.iter().filter(|job| seen.insert(job.id)).collect()
}

/// Makes the jobs on this connection, in its transaction if there is one; `then` is a statement to send right behind.
pub(crate) async fn enqueue_on(
    connection: &Connection<'_>,
    jobs: &[NewJob],
    now: Option<i64>,
    then: Option<&str>,
) -> faults::Result<Vec<Enqueued>> {
    let once = distinct(jobs);
    let columns = Columns::of(&once);
    let answers = connection.all_then(SQL, &columns.values(&now), then).await?;
    let mut places: HashMap<JobId, Enqueued> = HashMap::with_capacity(once.len());
    for (job, row) in once.iter().zip(&answers) {
        places.insert(job.id, Enqueued { id: rows::job_id(row, 0)?, created: row.try_get(1)? });
    }
    let mut enqueued = Vec::with_capacity(jobs.len());
    for job in jobs {
        let Some(answer) = places.get_mut(&job.id) else {
            return Err(Fault::unexpected("a job was not answered"));
        };
        enqueued.push(*answer);
        // Whoever names it again is answered that it is there.
        answer.created = false;
    }
    fault::point("enqueue before commit");
    Ok(enqueued)
}

/// For how long a submission waits for a transaction of somebody else that holds its idempotency key.
const KEY_PATIENCE: Duration = Duration::from_secs(5);

/// The lane's step: one statement is a transaction of its own; then the order of changes is free again while we wait for
/// the disk.
pub(crate) fn enqueue(
    database: Arc<Database>,
    jobs: Vec<NewJob>,
) -> BoxFuture<'static, Result<Vec<Enqueued>>> {
    async move {
        // Not an answer for callers: whose key is held waits outside of the lane.
        enqueue_or_held(&database, &jobs).await?.map_err(BackendError::Unexpected)
    }
    .boxed()
}

/// The same for one call, which waits while a transaction of somebody else holds one of its keys.
pub(crate) fn enqueue_patiently(
    database: Arc<Database>,
    jobs: Vec<NewJob>,
) -> BoxFuture<'static, Result<Vec<Enqueued>>> {
    async move {
        let begun = Instant::now();
        let mut wait = Duration::from_millis(10);
        loop {
            let tried = {
                let _place = database.waiting.acquire().await;
                enqueue_or_held(&database, &jobs).await?
            };
            match tried {
                Ok(enqueued) => return Ok(enqueued),
                Err(_) if begun.elapsed() >= KEY_PATIENCE => return Err(held(&jobs)),
                Err(_) => tokio::time::sleep(wait.mul_f64(0.5 + fastrand::f64())).await,
            }
            wait = (wait * 2).min(Duration::from_millis(200));
        }
    }
    .boxed()
}

fn held(jobs: &[NewJob]) -> BackendError {
    let first = jobs.iter().find_map(|job| Some((job.idempotency_key.as_ref()?, &job.function)));
    let whose = first.map(|(key, function)| format!("'{key}' of '{function}'")).unwrap_or_default();
    BackendError::Unavailable(format!(
        "a transaction that has not ended decides about the idempotency key {whose}: commit it or roll it back, or submit \
         inside of it"
    ))
}

/// The inner answer is an error when a transaction of somebody else holds a key.
async fn enqueue_or_held(
    database: &Database,
    jobs: &[NewJob],
) -> Result<std::result::Result<Vec<Enqueued>, String>> {
    let tries = AtomicU32::new(0);
    let enqueued = single!(database, |connection| async {
        tries.fetch_add(1, Ordering::Relaxed);
        match enqueue_on(connection, jobs, database.given_now(), database.barrier()).await {
            Err(Fault::Held(text)) => Ok(Err(text)),
            other => other.map(Ok),
        }
    })?;
    let Ok(mut enqueued) = enqueued else { return Ok(enqueued) };
    if tries.into_inner() > 1 {
        // Of two calls of which the first lost its answer, the second finds what the first has made.
        own(jobs, &mut enqueued);
    }
    database.tell(Effects { work: true, ..Effects::default() });
    Ok(Ok(enqueued))
}

fn own(jobs: &[NewJob], enqueued: &mut [Enqueued]) {
    let mut seen = std::collections::HashSet::new();
    for (job, answer) in jobs.iter().zip(enqueued) {
        answer.created |= answer.id == job.id && seen.insert(job.id);
    }
}
