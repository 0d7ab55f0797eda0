//! Figures about jobs: `job_stats`, `job_trends`, `functions_ended`, `queue_depth`, `notable_jobs`.
//!
//! Ends are counted in their hour while they happen, and statuses by function whenever one changes (`step.lua`), so figures are
//! read, not counted. Only the hours that a window cuts are counted job by job.

use std::collections::{BTreeMap, HashSet};

use redis::Value;
use upnext_core::backend::{JobQuery, Result};
use upnext_core::function::DEFAULT_TIMEOUT;
use upnext_core::insight::{
    Depth, Ended, FunctionEnded, Hour, JobStats, Notable, QueueDepth, StatsQuery, TrendHour, TrendsQuery,
};
use upnext_core::{Job, JobId, JobStatus, Timestamp};

use crate::Redis;
use crate::job_listing::{self, SeenJob};
use crate::link::Repeat;
use crate::listing::{find_jobs, status_in_front};
use crate::reply::{self, Reply};
use crate::rows::{letter_of_type, stored_micros};

/// How many jobs are counted in one call: some ten milliseconds.
const COUNTED_AT_ONCE: usize = 5000;

/// What ended in one hour of one function and type, by letter.
struct Counted {
    hour: Hour,
    letter: char,
    job_type: char,
    function: String,
    count: u64,
}

/// What ended in these hours, both included; and the moment of the answer.
async fn hours(redis: &Redis, first: Option<Hour>, last: Option<Hour>) -> Result<(Vec<Counted>, Timestamp)> {
    let mut args = redis.now.begin();
    let bound =
        |hour: Option<Hour>, none: &str| hour.map_or(none.to_owned(), |hour| hour.number().to_string());
    args.add(bound(first, "-inf")).add(bound(last, "+inf"));
    let mut reply = Reply::new(redis.link.call("hours", &args, Repeat::Harmless).await?);
    reply.value()?;
    let mut counted = Vec::new();
    for mut found in reply.lists()? {
        let hour = Hour::from_number(found.number()?);
        let mut fields = Reply::new(found.list()?);
        while !fields.is_empty() {
            let (field, count) = (fields.text()?, fields.number::<i64>()?);
            let mut letters = field.chars();
            let (Some(letter), Some(job_type)) = (letters.next(), letters.next()) else { continue };
            let function = letters.as_str().to_owned();
            counted.push(Counted {
                hour,
                letter,
                job_type,
                function,
                count: u64::try_from(count).unwrap_or(0),
            });
        }
    }
    Ok((counted, reply.moment()?))
}

fn add_to(ended: &mut Ended, letter: char, count: u64) {
    match letter {
        'c' => ended.complete += count,
        'f' => ended.failed += count,
        'x' => ended.cancelled += count,
        't' => ended.timed += count,
        'd' => ended.duration_micros += count,
        _ => {}
    }
}

/// The first hour that lies wholly at or after a moment.
fn whole_from(moment: Timestamp) -> Hour {
    let hour = Hour::of(moment);
    if hour.begins() == moment { hour } else { hour.next() }
}

pub(crate) async fn job_stats(redis: &Redis, query: &StatsQuery) -> Result<JobStats> {
    // Whole hours are added up; what the window holds of the hours at its ends is counted.
    let first = query.after.map(whole_from);
    let end = query.before.map(Hour::of);
    let function = query.function.as_deref();
    let mut ended = Ended::default();
    if let (Some(first), Some(end)) = (first, end)
        && first >= end
    {
        count_ended(redis, query.after, query.before, function, &mut ended).await?;
    } else {
        if let Some(first) = first {
            count_ended(redis, query.after, Some(first.begins()), function, &mut ended).await?;
        }
        if let Some(end) = end {
            count_ended(redis, Some(end.begins()), query.before, function, &mut ended).await?;
        }
        let (counted, _) = hours(redis, first, end.map(|end| end.back(1))).await?;
        for counted in
            counted.iter().filter(|counted| function.is_none_or(|wanted| wanted == counted.function))
        {
            add_to(&mut ended, counted.letter, counted.count);
        }
    }
    Ok(JobStats { ended, unfinished: unfinished(redis, query).await? })
}

/// Counts the jobs that ended in a span of time.
async fn count_ended(
    redis: &Redis,
    from: Option<Timestamp>,
    before: Option<Timestamp>,
    function: Option<&str>,
    ended: &mut Ended,
) -> Result<()> {
    let (Some(from), Some(before)) = (from, before) else { return Ok(()) };
    if from >= before {
        return Ok(());
    }
    let mut passed = 0;
    loop {
        let mut args = redis.now.begin();
        args.moment(from)
            .moment(before)
            .add(function.unwrap_or_default())
            .number(passed)
            .number(COUNTED_AT_ONCE);
        let mut reply = Reply::new(redis.link.call("count_ended", &args, Repeat::Harmless).await?);
        reply.value()?;
        let looked_at = reply.number::<i64>()?;
        for letter in ['c', 'f', 'x', 't', 'd'] {
            add_to(ended, letter, reply.number::<i64>()?.unsigned_abs());
        }
        if looked_at < i64::try_from(COUNTED_AT_ONCE).unwrap_or(i64::MAX) {
            break;
        }
        passed += COUNTED_AT_ONCE;
    }
    Ok(())
}

const UNFINISHED: [JobStatus; 4] =
    [JobStatus::Pending, JobStatus::Queued, JobStatus::Active, JobStatus::Retrying];

async fn unfinished(redis: &Redis, query: &StatsQuery) -> Result<u64> {
    let depth = read_depth(redis).await?;
    let of_interest = |function: &str| query.function.as_deref().is_none_or(|wanted| wanted == function);
    let counted =
        depth.iter().filter(|(status, function, _)| UNFINISHED.contains(status) && of_interest(function));
    if query.after.is_none() && query.before.is_none() {
        return Ok(counted.map(|(.., count)| count).sum());
    }
    let mut indexes = vec!["due".to_owned(), "leased".to_owned()];
    let mut functions: Vec<&str> = counted.map(|(_, function, _)| function.as_str()).collect();
    functions.sort_unstable();
    functions.dedup();
    indexes.extend(
        functions.iter().flat_map(|function| ["q:", "s:", "w:"].map(|kind| format!("{kind}{function}"))),
    );
    let fits = |job: &SeenJob| {
        !job.status.is_final()
            && of_interest(&job.function)
            && query.after.is_none_or(|after| job.created_at >= after)
            && query.before.is_none_or(|before| job.created_at < before)
    };
    let mut found: HashSet<JobId> = HashSet::new();
    for index in indexes {
        let jobs = job_listing::all_jobs(redis, index.as_bytes()).await?;
        found.extend(jobs.iter().filter(|job| fits(job)).map(|job| job.id));
    }
    Ok(found.len() as u64)
}

pub(crate) async fn job_trends(redis: &Redis, query: &TrendsQuery) -> Result<Vec<TrendHour>> {
    let hours_wanted = query.hours.max(1);
    let function = query.function.as_deref();
    let job_type = query.job_type.map(letter_of_type);
    let mut args = redis.now.begin();
    args.add(function.unwrap_or_default()).add(job_type.unwrap_or_default());
    let mut reply = Reply::new(redis.link.call("count_active", &args, Repeat::Harmless).await?);
    reply.value()?;
    let mut active = Reply::new(reply.list()?);
    let first = Hour::of(reply.moment()?).back(hours_wanted - 1);
    let mut trends: Vec<TrendHour> = (0..i64::from(hours_wanted))
        .map(|place| Hour::from_number(first.number() + place))
        .map(|hour| TrendHour { hour, complete: 0, failed: 0, retrying: 0, active: 0 })
        .collect();
    let place = |hour: Hour| usize::try_from(hour.number() - first.number()).ok();
    while !active.is_empty() {
        let (hour, count) = (Hour::from_number(active.number()?), active.number::<i64>()?);
        if let Some(trend) = place(hour).and_then(|place| trends.get_mut(place)) {
            trend.active = count.unsigned_abs();
        }
    }
    let (counted, _) = hours(redis, Some(first), None).await?;
    let fits = |counted: &&Counted| {
        function.is_none_or(|wanted| wanted == counted.function)
            && job_type.is_none_or(|wanted| wanted.starts_with(counted.job_type))
    };
    for counted in counted.iter().filter(fits) {
        let Some(trend) = place(counted.hour).and_then(|place| trends.get_mut(place)) else { continue };
        match counted.letter {
            'c' => trend.complete += counted.count,
            'f' => trend.failed += counted.count,
            'r' => trend.retrying += counted.count,
            _ => {}
        }
    }
    Ok(trends)
}

pub(crate) async fn functions_ended(redis: &Redis, since: Hour) -> Result<Vec<FunctionEnded>> {
    let mut functions: BTreeMap<String, Ended> = BTreeMap::new();
    for counted in hours(redis, Some(since), None).await?.0 {
        add_to(functions.entry(counted.function).or_default(), counted.letter, counted.count);
    }
    functions.retain(|_, ended| ended.total() > 0);
    Ok(functions.into_iter().map(|(function, ended)| FunctionEnded { function, ended }).collect())
}

/// How many jobs of each function have each status.
pub(crate) async fn read_depth(redis: &Redis) -> Result<Vec<(JobStatus, String, u64)>> {
    let mut command = redis::cmd("HGETALL");
    command.arg(format!("{}depth", redis.link.prefix()));
    read_counts(reply::list(redis.link.send(&command, Repeat::Harmless).await?)?)
}

fn read_counts(flat: Vec<Value>) -> Result<Vec<(JobStatus, String, u64)>> {
    let mut fields = Reply::new(flat);
    let mut counts = Vec::new();
    while !fields.is_empty() {
        let (field, count) = (fields.text()?, fields.number::<i64>()?);
        if let (Some((status, function)), Ok(count)) = (status_in_front(&field), u64::try_from(count))
            && count > 0
        {
            counts.push((status, function.to_owned(), count));
        }
    }
    Ok(counts)
}

pub(crate) async fn queue_depth(redis: &Redis) -> Result<QueueDepth> {
    let args = redis.now.begin();
    let mut reply = Reply::new(redis.link.call("queue_depth", &args, Repeat::Harmless).await?);
    reply.value()?;
    let mut functions: BTreeMap<String, Depth> = BTreeMap::new();
    for (status, function, count) in read_counts(reply.list()?)? {
        if status.is_final() {
            continue;
        }
        let depth = functions.entry(function).or_default();
        match status {
            JobStatus::Pending => depth.pending = count,
            JobStatus::Retrying => depth.retrying = count,
            JobStatus::Active => depth.active = count,
            _ => depth.queued = count,
        }
    }
    let mut oldest = Reply::new(reply.list()?);
    while !oldest.is_empty() {
        let (function, moment) = (oldest.text()?, oldest.moment()?);
        if let Some(depth) = functions.get_mut(&function) {
            depth.oldest_queued = Some(moment);
        }
    }
    Ok(QueueDepth { functions: functions.into_iter().collect(), now: reply.moment()? })
}

pub(crate) async fn notable_jobs(redis: &Redis, which: Notable, limit: usize) -> Result<Vec<Job>> {
    let newest = |statuses: Vec<JobStatus>| JobQuery { statuses, limit, ..JobQuery::default() };
    let verb = match which {
        Notable::Newest => return Ok(job_listing::list_jobs(redis, &newest(Vec::new())).await?.items),
        Notable::NewestFailed => {
            return Ok(job_listing::list_jobs(redis, &newest(vec![JobStatus::Failed])).await?.items);
        }
        Notable::LongestQueued => "longest_queued",
        Notable::Stuck => "stuck",
    };
    let mut args = redis.now.begin();
    args.number(limit).number(stored_micros(DEFAULT_TIMEOUT));
    let mut reply = Reply::new(redis.link.call(verb, &args, Repeat::Harmless).await?);
    reply.value()?;
    let ids = reply.list()?.iter().map(reply::job_id).collect::<Result<Vec<JobId>>>()?;
    find_jobs(redis, &ids).await
}
