//! `upnext jobs show`: all there is to know about one job.

use serde::Serialize;
use upnext_backends::Deployment;
use upnext_core::JobStatus;
use upnext_core::backend::ArtifactQuery;
use upnext_server::wire;

use super::find;
use super::tree::Tree;
use crate::args::JobArgs;
use crate::commands::DONE;
use crate::failure::Failure;
use crate::table::{Table, ago, maybe, moment_ago, short, size, span};
use crate::{output, paint};

/// Artifacts shown with a job.
const SHOWN_ARTIFACTS: usize = 100;

/// A job with what belongs to it.
#[derive(Serialize)]
struct Detail {
    #[serde(flatten)]
    job: wire::Job,
    /// Every attempt, oldest first.
    attempt_history: Vec<wire::Attempt>,
    /// Every job submitted from inside of it, directly or not, oldest first.
    descendants: Vec<wire::Job>,
    /// Its newest artifacts.
    artifacts: Vec<wire::Artifact>,
}

pub(super) async fn show(deployment: &Deployment, args: &JobArgs) -> Result<u8, Failure> {
    let job = find(deployment, &args.id).await?;
    let attempts = deployment.client.backend().list_attempts(job.id).await?;
    let attempts: Vec<wire::Attempt> = attempts.into_iter().map(Into::into).collect();
    let query = ArtifactQuery { job_id: Some(job.id), limit: SHOWN_ARTIFACTS, ..ArtifactQuery::default() };
    let artifacts = deployment.artifacts.list(query).await?;
    let tree = Tree::of(deployment, &job).await?;
    if args.json {
        let artifacts = artifacts.items.into_iter().map(Into::into).collect();
        let descendants = tree.below(job.id);
        output::json(&Detail { job: job.into(), attempt_history: attempts, descendants, artifacts })?;
        return Ok(DONE);
    }
    let id = job.id;
    let job = wire::Job::from(job);
    output::line(facts(&job).render());
    if !tree.below(id).is_empty() {
        output::line(format_args!("\n{}", tree.render(id, None)));
    }
    if !attempts.is_empty() {
        output::line(format_args!("\n{}", attempt_table(attempts).render()));
    }
    let (shown, total) = (artifacts.items.len(), artifacts.total);
    if shown > 0 {
        output::line(format_args!("\n{}", artifact_table(artifacts.items).render()));
        if total > shown as u64 {
            output::note(format_args!(
                "{shown} of {total} artifacts; `upnext artifacts list --job {id}` has all"
            ));
        }
    }
    if let Some(traceback) = &job.traceback {
        output::line(format_args!("\n{}", readable(traceback.trim_end())));
    }
    Ok(DONE)
}

/// Text of several lines without other control characters.
pub(super) fn readable(text: &str) -> String {
    text.lines().map(|line| short(&line.replace('\t', "    "), usize::MAX)).collect::<Vec<_>>().join("\n")
}

fn facts(job: &wire::Job) -> Table {
    let mut table = Table::new(&["id", job.id.as_str()]);
    let mut fact = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            table.row(vec![name.to_owned(), value]);
        }
    };
    fact("function", Some(short(&job.function, 255)));
    fact("status", Some(status(job)));
    fact("created", Some(moment_ago(job.created_at)));
    fact("started", job.started_at.map(moment_ago));
    fact("completed", job.completed_at.map(moment_ago));
    fact("took", job.duration_ms.map(span));
    fact("attempts", Some(format!("{} (up to {} retries)", job.attempts, job.max_retries)));
    fact("progress", Some(progress(job)));
    fact("retry", waits_for_retry(job));
    fact("worker", job.worker_id.clone());
    fact("parent", job.parent_id.clone());
    fact("tags", (!job.tags.is_empty()).then(|| short(&job.tags.join(", "), 2000)));
    fact("arguments", Some(short(job.kwargs.as_str(), 2000)));
    fact("result", job.result.as_ref().map(|result| short(result.as_str(), 2000)));
    fact("error", job.error.as_deref().map(|error| paint::bad(&short(error, 2000))));
    table
}

fn status(job: &wire::Job) -> String {
    let word = paint::status(JobStatus::from(job.status));
    if job.cancel_requested && !JobStatus::from(job.status).is_final() {
        return format!("{word}, its worker is told to stop it");
    }
    word
}

fn progress(job: &wire::Job) -> String {
    let message =
        job.progress_message.as_deref().map_or_else(String::new, |text| format!("  {}", short(text, 200)));
    format!("{:.0} %{message}", job.progress * 100.0)
}

/// When a job that waits for its next attempt is due.
fn waits_for_retry(job: &wire::Job) -> Option<String> {
    (job.status == wire::JobStatus::Retrying).then(|| moment_ago(job.scheduled_at))
}

fn attempt_table(attempts: Vec<wire::Attempt>) -> Table {
    let mut table = Table::new(&["ATTEMPT", "OUTCOME", "STARTED", "TOOK", "WORKER", "ERROR"]);
    for attempt in attempts {
        table.row(vec![
            attempt.number.to_string(),
            paint::outcome(&short(&attempt.outcome, 20)),
            maybe(attempt.started_at, ago),
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

pub(in crate::commands) fn artifact_table(artifacts: Vec<upnext_core::Artifact>) -> Table {
    let mut table = Table::new(&["ARTIFACT", "NAME", "TYPE", "SIZE", "CREATED"]);
    for artifact in artifacts {
        let version =
            if artifact.latest { String::new() } else { format!(" (version {})", artifact.version) };
        table.row(vec![
            artifact.id.to_string(),
            format!("{}{version}{}", short(&artifact.name, 60), remark(artifact.status)),
            artifact.artifact_type.to_string(),
            size(artifact.size_bytes),
            ago(artifact.created_at),
        ]);
    }
    table
}
