//! The log lines of a job: `list_logs`. A line's number is its place in the job's list, counted from 1.

use upnext_core::backend::{LogEntry, LogLine, LogQuery, Result};
use upnext_core::{JobId, RawJson, Timestamp};

use crate::Redis;
use crate::link::Repeat;
use crate::reply::{Reply, text, unexpected};

/// How many lines are read at once.
const PAGE: i64 = 1000;

/// A line as it is stored, behind the number of its attempt.
pub(crate) fn stored_line(line: &LogEntry) -> String {
    let extra = line.extra.as_ref().map(RawJson::as_str);
    let parts = (line.at.as_micros(), &line.level, &line.message, extra);
    serde_json::to_string(&parts).unwrap_or_default()
}

fn read_line(sequence: i64, line: &str) -> Result<LogLine> {
    let wrong = || unexpected("line of a log");
    let (attempt, entry) = line.split_once(' ').ok_or_else(wrong)?;
    let parts: (i64, String, String, Option<String>) = serde_json::from_str(entry).map_err(|_| wrong())?;
    Ok(LogLine {
        sequence,
        attempt: attempt.parse().map_err(|_| wrong())?,
        entry: LogEntry {
            at: Timestamp::from_micros(parts.0),
            level: parts.1,
            message: parts.2,
            extra: parts.3.map(RawJson::trusted),
        },
    })
}

/// The lines at these places, counted from 0 and both included; negative ones count from the end. Also how many there are.
async fn lines(redis: &Redis, job: JobId, from: i64, to: i64) -> Result<(i64, Vec<String>)> {
    let mut args = redis.now.begin();
    args.add(job.as_bytes()).number(from).number(to);
    let mut reply = Reply::new(redis.link.call("list_logs", &args, Repeat::Harmless).await?);
    reply.value()?;
    let count = reply.number()?;
    Ok((count, reply.list()?.into_iter().map(text).collect::<Result<_>>()?))
}

pub(crate) async fn list_logs(redis: &Redis, job: JobId, query: &LogQuery) -> Result<Vec<LogLine>> {
    let mut found = Vec::new();
    let after = query.after.max(0);
    // Where the next page begins; from the end, how many lines are behind it.
    let mut place = if query.newest { lines(redis, job, 1, 0).await?.0 } else { after };
    while found.len() < query.limit {
        let (from, to) =
            if query.newest { ((place - PAGE).max(after), place - 1) } else { (place, place + PAGE - 1) };
        if to < from {
            break;
        }
        let (count, page) = lines(redis, job, from, to).await?;
        let numbered = page.iter().zip(from + 1..).map(|(line, sequence)| read_line(sequence, line));
        let mut page: Vec<LogLine> = numbered.collect::<Result<_>>()?;
        if query.newest {
            page.reverse();
        }
        found.extend(page.into_iter().filter(|line| query.admits(line)));
        place = if query.newest { from } else { to + 1 };
        if !query.newest && place >= count {
            break;
        }
    }
    found.truncate(query.limit);
    if query.newest {
        found.reverse();
    }
    Ok(found)
}
