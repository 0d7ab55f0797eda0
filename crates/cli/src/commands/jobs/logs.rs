//! `upnext jobs logs`: the log lines of a job, all that there are or as they come.

use upnext_backends::Deployment;
use upnext_core::JobId;
use upnext_core::backend::{LogLine, LogQuery};
use upnext_core::log::LogFollower;
use upnext_server::wire;

use super::find;
use super::show::readable;
use crate::args::LogArgs;
use crate::commands::DONE;
use crate::failure::Failure;
use crate::table::short;
use crate::{output, paint};

/// Lines read at once.
const PAGE: usize = 1000;

pub(super) async fn print(deployment: &Deployment, args: LogArgs) -> Result<u8, Failure> {
    let job = find(deployment, &args.id).await?.id;
    let wanted =
        LogQuery { level: args.level, search: args.search, attempt: args.attempt, ..LogQuery::default() };
    if args.follow {
        return follow(deployment, job, wanted, args.tail, args.json).await;
    }
    let lines = match args.tail {
        Some(count) => last(deployment, job, &wanted, count).await?,
        None => all(deployment, job, wanted).await?,
    };
    if args.json {
        let next_after = lines.last().map_or(0, |line| line.sequence);
        let logs = lines.into_iter().map(Into::into).collect();
        output::json(&wire::LogPage { logs, has_more: false, next_after })?;
        return Ok(DONE);
    }
    if lines.is_empty() {
        output::note("no such log lines");
    }
    for line in &lines {
        if !output::line_to_reader(text(line)) {
            break;
        }
    }
    Ok(DONE)
}

async fn last(
    deployment: &Deployment,
    job: JobId,
    wanted: &LogQuery,
    count: u32,
) -> Result<Vec<LogLine>, Failure> {
    let query = LogQuery { newest: true, limit: count as usize, ..wanted.clone() };
    Ok(deployment.client.backend().list_logs(job, query).await?)
}

async fn all(deployment: &Deployment, job: JobId, mut wanted: LogQuery) -> Result<Vec<LogLine>, Failure> {
    wanted.limit = PAGE;
    let mut lines = Vec::new();
    loop {
        let page = deployment.client.backend().list_logs(job, wanted.clone()).await?;
        let is_last = page.len() < PAGE;
        wanted.after = page.last().map_or(wanted.after, |line| line.sequence);
        lines.extend(page);
        if is_last {
            return Ok(lines);
        }
    }
}

async fn follow(
    deployment: &Deployment,
    job: JobId,
    mut wanted: LogQuery,
    tail: Option<u32>,
    json: bool,
) -> Result<u8, Failure> {
    if let Some(count) = tail {
        let lines = last(deployment, job, &wanted, count).await?;
        wanted.after = lines.last().map_or(0, |line| line.sequence);
        if !print_all(&lines, json)? {
            return Ok(DONE);
        }
    }
    let mut follower = LogFollower::new(deployment.client.backend().clone(), job, wanted);
    while let Some(lines) = follower.next().await? {
        if !print_all(&lines, json)? {
            return Ok(DONE);
        }
    }
    match follower.status() {
        Some(status) => output::note(format_args!("job {job} is {status}")),
        None => output::note(format_args!("job {job} was removed")),
    }
    Ok(DONE)
}

/// False when nobody reads any more.
fn print_all(lines: &[LogLine], json: bool) -> Result<bool, Failure> {
    for line in lines {
        let shown = if json {
            let line = wire::LogLine::from(line.clone());
            serde_json::to_string(&line).map_err(|error| Failure::new(error.to_string()))?
        } else {
            text(line)
        };
        if !output::line_to_reader(shown) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// A line as people read it: when, how much it matters, which attempt wrote it, what it says.
fn text(line: &LogLine) -> String {
    let at = line.entry.at.to_string();
    // Milliseconds are enough for people.
    let at = at.get(..23).map_or_else(|| at.clone(), |start| format!("{}Z", start.replace('T', " ")));
    let extra =
        line.entry.extra.as_ref().map(|extra| paint::faint(&format!("  {}", short(extra.as_str(), 2000))));
    format!(
        "{}  {} [{}] {}{}",
        paint::faint(&at),
        paint::level(&short(&line.entry.level, 20)),
        line.attempt,
        readable(&line.entry.message).replace('\n', "\n    "),
        extra.unwrap_or_default(),
    )
}
