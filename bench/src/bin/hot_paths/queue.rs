//! Jobs through the embedded backend.

use std::sync::Arc;
use std::time::Duration;

use upnext_core::backend::{ClaimRequest, Finish};
use upnext_core::client::Submission;
use upnext_core::{Backend, ClaimedJob, Client, Outcome, RawJson, WorkerId};
use upnext_sqlite::SqliteOptions;

use crate::{counting_begins, counting_ends};

pub(crate) const TOGETHER: usize = 32;

/// An empty backend in a folder that lives as long.
pub(crate) async fn backend() -> anyhow::Result<(tempfile::TempDir, Arc<dyn Backend>)> {
    let folder = tempfile::tempdir()?;
    let backend = upnext_sqlite::open(SqliteOptions::new(folder.path().join("upnext.db"))).await?;
    Ok((folder, backend))
}

pub(crate) fn submission() -> Submission {
    Submission::new(
        "report",
        RawJson::trusted(r#"{"customer": 4711, "kind": "monthly", "pages": [1, 2, 3]}"#),
    )
}

pub(crate) async fn submit(client: &Client, count: usize) -> anyhow::Result<()> {
    client.submit_many((0..count).map(|_| submission()).collect()).await?;
    Ok(())
}

pub(crate) async fn claim_some(backend: &dyn Backend) -> anyhow::Result<Vec<ClaimedJob>> {
    let request = ClaimRequest {
        worker: WorkerId::from("counted-1".to_owned()),
        functions: Arc::from(["report".to_owned()]),
        limit: TOGETHER,
        lease: Duration::from_secs(3600),
        suspect: true,
    };
    let claim = backend.claim(request).await?;
    anyhow::ensure!(claim.jobs.len() == TOGETHER, "the claim gave {} jobs", claim.jobs.len());
    Ok(claim.jobs)
}

async fn enqueue(times: u32, count: usize) -> anyhow::Result<()> {
    let (_folder, backend) = backend().await?;
    let client = Client::new(backend);
    submit(&client, count).await?;
    counting_begins(times);
    for _ in 0..times {
        submit(&client, count).await?;
    }
    counting_ends(times);
    Ok(())
}

pub(crate) async fn enqueue_one(times: u32) -> anyhow::Result<()> {
    enqueue(times, 1).await
}

pub(crate) async fn enqueue_hundred(times: u32) -> anyhow::Result<()> {
    enqueue(times, 100).await
}

async fn filled(times: u32) -> anyhow::Result<(tempfile::TempDir, Arc<dyn Backend>)> {
    let (folder, backend) = backend().await?;
    submit(&Client::new(Arc::clone(&backend)), TOGETHER * (times as usize + 1)).await?;
    claim_some(&*backend).await?;
    Ok((folder, backend))
}

pub(crate) async fn claim(times: u32) -> anyhow::Result<()> {
    let (_folder, backend) = filled(times).await?;
    counting_begins(times);
    for _ in 0..times {
        claim_some(&*backend).await?;
    }
    counting_ends(times);
    Ok(())
}

pub(crate) async fn finish(times: u32) -> anyhow::Result<()> {
    let (_folder, backend) = filled(times).await?;
    let mut claims = Vec::new();
    for _ in 0..times {
        claims.push(claim_some(&*backend).await?);
    }
    counting_begins(times);
    for jobs in &claims {
        let finish = |job: &ClaimedJob| Finish {
            lease: job.lease,
            started_at: job.lease_expires_at,
            outcome: Outcome::Complete { result: RawJson::trusted(r#"{"pages": 3}"#) },
        };
        backend.finish(jobs.iter().map(finish).collect()).await?;
    }
    counting_ends(times);
    Ok(())
}
