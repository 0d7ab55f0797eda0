//! What is written and read on the way to a backend: no I/O.

use std::hint::black_box;

use upnext_core::backend::Claim;
use upnext_core::{Client, NewJob};

use crate::queue::{TOGETHER, backend, claim_some, submission, submit};
use crate::{counting_begins, counting_ends};

fn jobs(count: usize) -> anyhow::Result<Vec<NewJob>> {
    (0..count).map(|_| Ok(submission().into_new_job()?)).collect()
}

/// A claim as the backend answers it.
async fn claimed() -> anyhow::Result<Claim> {
    let (_folder, backend) = backend().await?;
    submit(&Client::new(backend.clone()), TOGETHER).await?;
    let jobs = claim_some(&*backend).await?;
    Ok(Claim { jobs, ..Claim::default() })
}

fn count<T>(times: u32, mut step: impl FnMut() -> T) {
    black_box(step());
    counting_begins(times);
    for _ in 0..times {
        black_box(step());
    }
    counting_ends(times);
}

/// Rust arguments become a checked job.
pub(crate) async fn arguments_to_job(times: u32) -> anyhow::Result<()> {
    count(times, || {
        let arguments = serde_json::json!({"customer": 4711, "kind": "monthly", "pages": [1, 2, 3]});
        let kwargs = upnext_core::RawJson::of(&arguments).expect("it is JSON");
        upnext_core::client::Submission::new("report", kwargs).into_new_job().expect("it breaks no rule")
    });
    Ok(())
}

/// A job becomes what a worker behind a server sends, and a job again.
pub(crate) async fn arguments_on_the_wire(times: u32) -> anyhow::Result<()> {
    let jobs = jobs(1)?;
    count(times, || {
        let sent = rmp_serde::to_vec_named(&(&jobs,)).expect("it can be written");
        let read: (Vec<NewJob>,) = rmp_serde::from_slice(&sent).expect("it can be read");
        read
    });
    Ok(())
}

pub(crate) async fn claim_written(times: u32) -> anyhow::Result<()> {
    let answer: upnext_core::backend::Result<Claim> = Ok(claimed().await?);
    count(times, || rmp_serde::to_vec_named(&answer).expect("it can be written"));
    Ok(())
}

pub(crate) async fn claim_read(times: u32) -> anyhow::Result<()> {
    let answer: upnext_core::backend::Result<Claim> = Ok(claimed().await?);
    let sent = rmp_serde::to_vec_named(&answer)?;
    count(times, || {
        let read: upnext_core::backend::Result<Claim> = rmp_serde::from_slice(&sent).expect("it can be read");
        read
    });
    Ok(())
}

pub(crate) async fn redis_arguments(times: u32) -> anyhow::Result<()> {
    let jobs = jobs(100)?;
    count(times, || upnext_redis::measured::enqueue_command(&jobs));
    Ok(())
}

pub(crate) async fn postgres_columns(times: u32) -> anyhow::Result<()> {
    let jobs = jobs(100)?;
    count(times, || upnext_postgres::measured::enqueue_values(&jobs));
    Ok(())
}
