//! `upnext jobs wait`: until jobs have ended, with an exit code that says how.

use futures::StreamExt as _;
use futures::stream::FuturesUnordered;
use serde::Serialize;
use upnext_backends::Deployment;
use upnext_core::{Job, JobId, JobStatus};
use upnext_server::wire;

use super::find_all;
use crate::args::WaitArgs;
use crate::commands::DONE;
use crate::failure::Failure;
use crate::table::{short, span};
use crate::{output, paint};

#[derive(Serialize)]
struct Waited {
    /// The jobs as they stand, in the order of the command line.
    jobs: Vec<wire::Job>,
    /// True when the time was over before all had ended.
    timed_out: bool,
}

pub(super) async fn wait(deployment: &Deployment, args: WaitArgs) -> Result<u8, Failure> {
    let ids = find_all(deployment, &args.ids).await?;
    let mut waiting: FuturesUnordered<_> = ids.iter().map(|id| deployment.client.wait(*id, None)).collect();
    let mut ended: Vec<Job> = Vec::new();
    let all = async {
        while let Some(job) = waiting.next().await {
            let job = job?;
            if !args.json {
                output::line(sentence(&job));
            }
            ended.push(job);
        }
        Ok::<(), Failure>(())
    };
    let timed_out = match args.timeout {
        None => all.await.map(|()| false)?,
        Some(timeout) => {
            tokio::time::timeout(timeout, all).await.map_or(Ok(true), |done| done.map(|()| false))?
        }
    };
    if args.json {
        let jobs = in_order(deployment, &ids).await?;
        output::json(&Waited { jobs, timed_out })?;
    }
    if timed_out {
        let left: Vec<String> = ids
            .iter()
            .filter(|id| !ended.iter().any(|job| job.id == **id))
            .map(ToString::to_string)
            .collect();
        return Err(Failure::timed_out(format!(
            "{} of {} jobs had not ended in time: {}",
            left.len(),
            ids.len(),
            left.join(", ")
        )));
    }
    let complete = ended.iter().all(|job| job.status == JobStatus::Complete);
    Ok(if complete { DONE } else { 1 })
}

async fn in_order(deployment: &Deployment, ids: &[JobId]) -> Result<Vec<wire::Job>, Failure> {
    let mut jobs = deployment.client.backend().find_jobs(ids.to_vec()).await?;
    jobs.sort_by_key(|job| ids.iter().position(|id| *id == job.id));
    Ok(jobs.into_iter().map(Into::into).collect())
}

fn sentence(job: &Job) -> String {
    let took = job.duration().map(|time| format!(" after {}", span(time.as_secs_f64() * 1000.0)));
    let error = job.error.as_deref().map(|error| format!(": {}", short(error, 500)));
    let status = paint::status(job.status);
    let (took, error) = (took.unwrap_or_default(), error.unwrap_or_default());
    format!("job {} ({}) is {status}{took}{error}", job.id, short(&job.function, 60))
}
