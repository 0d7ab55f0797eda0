//! `upnext jobs`: list, show, cancel, retry.

use upnext_backends::Deployment;
use upnext_core::backend::{ArtifactQuery, Cancelled, JobQuery, Retried};
use upnext_core::{JobId, JobStatus};
use upnext_server::wire;

use super::DONE;
use crate::args::{JobListArgs, JobsCommand};
use crate::failure::Failure;
use crate::output;
use crate::table::{Table, maybe, moment, short, size, span};

/// Artifacts shown with a job.
const SHOWN_ARTIFACTS: usize = 100;

pub(super) async fn dispatch(deployment: Deployment, command: JobsCommand) -> Result<u8, Failure> {
    match command {
        JobsCommand::List(args) => list(&deployment, args).await,
        JobsCommand::Show { id, json } => show(&deployment, id, json).await,
        JobsCommand::Cancel { id } => cancel(&deployment, id).await,
        JobsCommand::Retry { id } => retry(&deployment, id).await,
    }
}

async fn list(deployment: &Deployment, args: JobListArgs) -> Result<u8, Failure> {
    let query = JobQuery {
        function: args.function,
        statuses: args.status,
        worker_id: args.worker,
        limit: args.limit.into(),
        ..JobQuery::default()
    };
    let page = wire::JobPage::from(deployment.client.backend().list_jobs(query).await?);
    if args.json {
        output::json(&page)?;
        return Ok(DONE);
    }
    let mut table = Table::new(&["ID", "FUNCTION", "STATUS", "CREATED", "TOOK", "ERROR"]);
    for job in &page.jobs {
        table.row(vec![
            job.id.clone(),
            short(&job.function, 40),
            JobStatus::from(job.status).to_string(),
            moment(job.created_at),
            maybe(job.duration_ms, span),
            short(job.error.as_deref().unwrap_or_default(), 60),
        ]);
    }
    if !page.jobs.is_empty() {
        output::line(table.render());
    }
    remark_on_rest(page.jobs.len(), page.total, "jobs");
    Ok(DONE)
}

/// Says on stderr how much of the whole a list shows.
pub(super) fn remark_on_rest(shown: usize, total: u64, what: &str) {
    match total {
        0 => output::note(format_args!("no {what}")),
        total if total > shown as u64 => {
            output::note(format_args!("{shown} of {total} {what}; --limit shows more"));
        }
        _ => {}
    }
}

async fn show(deployment: &Deployment, id: JobId, json: bool) -> Result<u8, Failure> {
    let job = deployment.client.find_job(id).await?.ok_or_else(|| no_job(id))?;
    if json {
        output::json(&wire::Job::from(job))?;
        return Ok(DONE);
    }
    let attempts = deployment.client.backend().list_attempts(id).await?;
    let query = ArtifactQuery { job_id: Some(id), limit: SHOWN_ARTIFACTS, ..ArtifactQuery::default() };
    let artifacts = deployment.artifacts.list(query).await?.items;
    output::line(facts(&wire::Job::from(job)).render());
    if !attempts.is_empty() {
        output::line("");
        output::line(attempt_table(attempts).render());
    }
    if !artifacts.is_empty() {
        output::line("");
        output::line(artifact_table(artifacts).render());
    }
    Ok(DONE)
}

fn facts(job: &wire::Job) -> Table {
    let mut table = Table::new(&["id", job.id.as_str()]);
    let mut fact = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            table.row(vec![name.to_owned(), value]);
        }
    };
    fact("function", Some(short(&job.function, 255)));
    fact("status", Some(JobStatus::from(job.status).to_string()));
    fact("created", Some(moment(job.created_at)));
    fact("started", job.started_at.map(moment));
    fact("completed", job.completed_at.map(moment));
    fact("took", job.duration_ms.map(span));
    fact("attempts", Some(format!("{} (up to {} retries)", job.attempts, job.max_retries)));
    fact("progress", Some(format!("{:.0} %", job.progress * 100.0)));
    fact("worker", job.worker_id.clone());
    fact("parent", job.parent_id.clone());
    fact("arguments", Some(short(job.kwargs.as_str(), 2000)));
    fact("result", job.result.as_ref().map(|result| short(result.as_str(), 2000)));
    fact("error", job.error.as_deref().map(|error| short(error, 2000)));
    table
}

fn attempt_table(attempts: Vec<upnext_core::Attempt>) -> Table {
    let mut table = Table::new(&["ATTEMPT", "OUTCOME", "STARTED", "TOOK", "WORKER", "ERROR"]);
    for attempt in attempts.into_iter().map(wire::Attempt::from) {
        table.row(vec![
            attempt.number.to_string(),
            attempt.outcome,
            maybe(attempt.started_at, moment),
            maybe(attempt.duration_ms, span),
            maybe(attempt.worker_id, |id| short(&id, 40)),
            short(attempt.error.as_deref().unwrap_or_default(), 60),
        ]);
    }
    table
}

/// What people should know of an artifact that is not simply there.
fn remark(status: upnext_core::ArtifactStatus) -> String {
    match status {
        upnext_core::ArtifactStatus::Available => String::new(),
        status => format!(" ({status})"),
    }
}

pub(super) fn artifact_table(artifacts: Vec<upnext_core::Artifact>) -> Table {
    let mut table = Table::new(&["ARTIFACT", "NAME", "TYPE", "SIZE", "CREATED"]);
    for artifact in artifacts {
        let version =
            if artifact.latest { String::new() } else { format!(" (version {})", artifact.version) };
        table.row(vec![
            artifact.id.to_string(),
            format!("{}{version}{}", short(&artifact.name, 60), remark(artifact.status)),
            artifact.artifact_type.to_string(),
            size(artifact.size_bytes),
            moment(artifact.created_at),
        ]);
    }
    table
}

async fn cancel(deployment: &Deployment, id: JobId) -> Result<u8, Failure> {
    match deployment.client.cancel(id).await? {
        Cancelled::AtOnce => output::line(format_args!("job {id} is cancelled")),
        Cancelled::Requested => {
            output::line(format_args!("job {id} is running; its worker is told to stop it"));
        }
        Cancelled::TooLate(status) => {
            return Err(Failure::new(format!("job {id} has ended already: it is {status}")));
        }
        Cancelled::UnknownJob => return Err(no_job(id)),
    }
    Ok(DONE)
}

async fn retry(deployment: &Deployment, id: JobId) -> Result<u8, Failure> {
    match deployment.client.retry(id).await? {
        Retried::Queued => output::line(format_args!("job {id} is queued again")),
        Retried::NotFailed(status) => {
            return Err(Failure::new(format!("job {id} is {status}: only failed jobs can be retried")));
        }
        Retried::UnknownJob => return Err(no_job(id)),
    }
    Ok(DONE)
}

fn no_job(id: JobId) -> Failure {
    Failure::new(format!("there is no job {id}"))
}
