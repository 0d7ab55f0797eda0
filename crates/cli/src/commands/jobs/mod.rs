//! `upnext jobs`: listing, cancelling and retrying jobs; [`show`], [`tree`], [`logs`] and [`wait`] look at some of them.

mod logs;
mod show;
mod tree;
mod wait;

use serde::Serialize;
use upnext_backends::Deployment;
use upnext_core::backend::{Cancelled, JobQuery, Retried};
use upnext_core::{Job, JobId, JobStatus};
use upnext_server::wire;

pub(super) use show::artifact_table;

use super::DONE;
use crate::args::{JobListArgs, JobRef, JobsArgs, JobsCommand};
use crate::failure::Failure;
use crate::table::{Table, ago, maybe, short, span};
use crate::{output, paint};

pub(super) async fn dispatch(deployment: Deployment, command: JobsCommand) -> Result<u8, Failure> {
    match command {
        JobsCommand::List(args) => list(&deployment, *args).await,
        JobsCommand::Show(args) => show::show(&deployment, &args).await,
        JobsCommand::Logs(args) => logs::print(&deployment, args).await,
        JobsCommand::Tree(args) => tree::show(&deployment, &args).await,
        JobsCommand::Wait(args) => wait::wait(&deployment, args).await,
        JobsCommand::Cancel(args) => cancel(&deployment, args).await,
        JobsCommand::Retry(args) => retry(&deployment, args).await,
    }
}

/// The job that was named.
async fn find(deployment: &Deployment, named: &JobRef) -> Result<Job, Failure> {
    let backend = deployment.client.backend();
    match named {
        JobRef::Id(id) => deployment.client.find_job(*id).await?.ok_or_else(|| no_job(*id)),
        JobRef::Prefix(typed, first, last) => {
            let query = JobQuery { ids: Some((*first, *last)), limit: 2, ..JobQuery::default() };
            let mut found = backend.list_jobs(query).await?.items;
            match (found.pop(), found.is_empty()) {
                (Some(job), true) => Ok(job),
                (None, _) => Err(Failure::new(format!("there is no job whose id begins with {typed}"))),
                (Some(_), false) => Err(Failure::new(format!(
                    "more than one job has an id that begins with {typed}: give more of it"
                ))),
            }
        }
    }
}

async fn list(deployment: &Deployment, args: JobListArgs) -> Result<u8, Failure> {
    let query = JobQuery {
        function: args.function,
        statuses: args.status,
        worker_id: args.worker,
        after: args.after,
        before: args.before,
        tags: args.tag,
        text: args.text.filter(|text| !text.is_empty()),
        limit: args.limit.into(),
        cursor: args.cursor,
        ..JobQuery::default()
    };
    let page = wire::JobPage::from(deployment.client.list_jobs(query).await?);
    if args.json {
        output::json(&page)?;
        return Ok(DONE);
    }
    let mut table = Table::new(&["ID", "FUNCTION", "STATUS", "CREATED", "TOOK", "ERROR"]);
    for job in &page.jobs {
        table.row(vec![
            job.id.clone(),
            short(&job.function, 40),
            paint::status(JobStatus::from(job.status)),
            ago(job.created_at),
            maybe(job.duration_ms, span),
            short(job.error.as_deref().unwrap_or_default(), 60),
        ]);
    }
    if !page.jobs.is_empty() {
        output::line(table.render());
    }
    match (page.jobs.len(), page.next_cursor) {
        (0, None) => output::note("no such jobs"),
        (_, None) => {}
        (0, Some(cursor)) => {
            output::note(format_args!("no such jobs among the newest; --cursor {cursor} looks further"));
        }
        (shown, Some(cursor)) if page.total_is_capped => {
            output::note(format_args!("{shown} jobs so far; --cursor {cursor} looks further"));
        }
        (shown, Some(cursor)) => output::note(format_args!(
            "{shown} of {} jobs; --cursor {cursor} goes on, --limit shows more at once",
            page.total
        )),
    }
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

/// What became of several jobs, as JSON.
#[derive(Serialize)]
struct Answers<T> {
    jobs: Vec<T>,
    refused: Vec<Refused>,
}

#[derive(Serialize)]
struct Refused {
    job_id: String,
    detail: String,
}

/// Says it, and answers the exit code.
fn conclude<T: Serialize>(
    answers: Vec<Result<(T, String), (String, Failure)>>,
    json: bool,
) -> Result<u8, Failure> {
    let (mut jobs, mut refused) = (Vec::new(), Vec::new());
    for answer in answers {
        match answer {
            Ok((job, sentence)) => {
                if !json {
                    output::line(sentence);
                }
                jobs.push(job);
            }
            Err((job_id, failure)) => {
                output::failure(&failure);
                refused.push(Refused { job_id, detail: failure.to_string() });
            }
        }
    }
    let code = if refused.is_empty() { DONE } else { 1 };
    if json {
        output::json(&Answers { jobs, refused })?;
    }
    Ok(code)
}

/// All of them, or none when one cannot be found.
async fn find_all(deployment: &Deployment, named: &[JobRef]) -> Result<Vec<JobId>, Failure> {
    let mut ids = Vec::with_capacity(named.len());
    for name in named {
        let id = find(deployment, name).await?.id;
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

async fn cancel(deployment: &Deployment, args: JobsArgs) -> Result<u8, Failure> {
    let mut answers = Vec::new();
    for id in find_all(deployment, &args.ids).await? {
        let (status, sentence) = match deployment.client.cancel(id).await? {
            Cancelled::AtOnce => (JobStatus::Cancelled, format!("job {id} is cancelled")),
            Cancelled::Requested => {
                (JobStatus::Active, format!("job {id} is running; its worker is told to stop it"))
            }
            Cancelled::TooLate(status) => {
                let failure = Failure::new(format!("job {id} has ended already: it is {status}"));
                answers.push(Err((id.to_string(), failure)));
                continue;
            }
            Cancelled::UnknownJob => {
                answers.push(Err((id.to_string(), no_job(id))));
                continue;
            }
        };
        let job = wire::JobCancelled { job_id: id.to_string(), cancelled: true, status: status.into() };
        answers.push(Ok((job, sentence)));
    }
    conclude(answers, args.json)
}

async fn retry(deployment: &Deployment, args: JobsArgs) -> Result<u8, Failure> {
    let mut answers = Vec::new();
    for id in find_all(deployment, &args.ids).await? {
        answers.push(match deployment.client.retry(id).await? {
            Retried::Queued => {
                let status = JobStatus::Queued.into();
                let job = wire::JobRetried { job_id: id.to_string(), retried: true, status };
                Ok((job, format!("job {id} is queued again")))
            }
            Retried::NotFailed(status) => {
                let rule = format!("job {id} is {status}: only failed jobs can be retried");
                Err((id.to_string(), Failure::new(rule)))
            }
            Retried::UnknownJob => Err((id.to_string(), no_job(id))),
        });
    }
    conclude(answers, args.json)
}

fn no_job(id: JobId) -> Failure {
    Failure::new(format!("there is no job {id}"))
}
