//! `upnext call`: submit a job for a function known by name, and wait for its result.

use std::time::Duration;

use upnext_backends::Deployment;
use upnext_core::{Job, JobId, JobStatus, RawJson};
use upnext_server::wire;

use super::DONE;
use crate::args::CallArgs;
use crate::failure::Failure;
use crate::output;

pub(super) async fn call(deployment: Deployment, args: CallArgs) -> Result<u8, Failure> {
    let kwargs = RawJson::parse(args.kwargs.as_str())
        .map_err(|error| Failure::usage(format!("--kwargs is not JSON: {error}")))?;
    let timeout = args.timeout.map(seconds).transpose()?;
    let id = deployment.client.call(&args.function, kwargs).await?.id;
    remark_on_workers(&deployment, id).await?;
    if args.no_wait {
        return submitted(&deployment, id, args.json).await;
    }
    let job = deployment.client.wait(id, timeout).await?;
    if args.json {
        output::json(&wire::Job::from(job.clone()))?;
    }
    match job.status {
        JobStatus::Complete => {
            if !args.json {
                output::line(pretty(job.result.as_ref()));
            }
            Ok(DONE)
        }
        _ => Err(ended_badly(&job)),
    }
}

fn seconds(text: f64) -> Result<Duration, Failure> {
    Duration::try_from_secs_f64(text)
        .map_err(|_| Failure::usage(format!("--timeout is {text}: it must be a number of seconds")))
}

async fn submitted(deployment: &Deployment, id: JobId, json: bool) -> Result<u8, Failure> {
    if json {
        let job = deployment.client.find_job(id).await?;
        output::json(&job.map(wire::Job::from))?;
    } else {
        output::line(id);
    }
    Ok(DONE)
}

/// Says so when the job will wait because nobody can run it now.
async fn remark_on_workers(deployment: &Deployment, id: JobId) -> Result<(), Failure> {
    let Some(job) = deployment.client.find_job(id).await? else { return Ok(()) };
    let Some(function) = deployment.client.backend().find_function(&job.function).await? else {
        return Ok(());
    };
    if function.paused {
        output::note(format_args!("'{}' is paused: job {id} waits until it is resumed", job.function));
    } else if function.workers.is_empty() {
        output::note(format_args!("no live worker offers '{}': job {id} waits for one", job.function));
    }
    Ok(())
}

/// The result as it reads best.
fn pretty(result: Option<&RawJson>) -> String {
    let Some(result) = result else { return "null".to_owned() };
    let value = result.read::<serde_json::Value>();
    // Indenting goes through a value that could change a number; a result is shown as it is if it would.
    let indented = value.ok().and_then(|value| serde_json::to_string_pretty(&value).ok());
    match indented {
        Some(text) if same_but_for_space(&text, result.as_str()) => text,
        _ => result.as_str().to_owned(),
    }
}

fn same_but_for_space(one: &str, other: &str) -> bool {
    let dense = |text: &str| text.chars().filter(|c| !c.is_whitespace()).collect::<String>();
    dense(one) == dense(other)
}

/// What to say of a job that is not complete. Where it failed goes before that, as it is.
fn ended_badly(job: &Job) -> Failure {
    if let Some(traceback) = &job.traceback {
        output::note(traceback.trim_end());
    }
    let error = job.error.as_deref().unwrap_or("it gave no error");
    match job.status {
        JobStatus::Cancelled => Failure::new(format!("job {} was cancelled", job.id)),
        _ => Failure::new(format!("job {} failed: {error}", job.id)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn results_are_indented_unless_that_would_change_them() {
        let show = |text: &str| pretty(Some(&RawJson::parse(text).unwrap()));
        assert_eq!(show(r#"{"rows":42}"#), "{\n  \"rows\": 42\n}");
        assert_eq!(show("123456789012345678901234567890"), "123456789012345678901234567890");
        assert_eq!(pretty(None), "null");
    }
}
