//! What can be typed after `upnext jobs`.

use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Subcommand};
use upnext_core::backend::{Cursor, LogLevel};
use upnext_core::{Clock as _, JobId, JobStatus, SystemClock, Timestamp};

#[derive(Debug, Subcommand)]
pub(crate) enum JobsCommand {
    /// List jobs, newest first
    List(Box<JobListArgs>),
    /// Show one job with its tree, attempts, artifacts and error
    Show(JobArgs),
    /// Print the log lines of a job
    Logs(LogArgs),
    /// Show the whole tree of jobs that a job belongs to
    Tree(JobArgs),
    /// Wait until jobs have ended
    #[command(
        after_help = "Exit codes: 0 all are complete, 1 one failed or was cancelled, 124 the time was over before \
        all had ended."
    )]
    Wait(WaitArgs),
    /// Cancel jobs
    Cancel(JobsArgs),
    /// Queue failed jobs again
    Retry(JobsArgs),
}

#[derive(Debug, Args)]
pub(crate) struct JobArgs {
    /// The job's id, or the beginning of it
    pub(crate) id: JobRef,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct JobsArgs {
    /// The jobs' ids, or the beginnings of them
    #[arg(required = true, value_name = "ID")]
    pub(crate) ids: Vec<JobRef>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct JobListArgs {
    /// Only jobs of this function (its key)
    #[arg(long)]
    pub(crate) function: Option<String>,
    /// Only jobs with this status; may be repeated
    #[arg(long)]
    pub(crate) status: Vec<JobStatus>,
    /// Only jobs last run by this worker instance
    #[arg(long, value_name = "ID")]
    pub(crate) worker: Option<String>,
    /// Only jobs made at or after this moment: 2026-01-31T09:30:00Z, 2026-01-31, or 90s, 15m, 24h, 7d ago
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    pub(crate) after: Option<Timestamp>,
    /// Only jobs made before this moment
    #[arg(long, value_name = "MOMENT", value_parser = moment)]
    pub(crate) before: Option<Timestamp>,
    /// Only jobs with this tag; may be repeated
    #[arg(long)]
    pub(crate) tag: Vec<String>,
    /// Only jobs that hold this text in their id, function, key, tags, error or arguments, letter case aside
    #[arg(long)]
    pub(crate) text: Option<String>,
    /// Most jobs to list
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=1000))]
    pub(crate) limit: u16,
    /// Go on where a page ended: its next_cursor
    #[arg(long)]
    pub(crate) cursor: Option<Cursor>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LogArgs {
    /// The job's id, or the beginning of it
    pub(crate) id: JobRef,
    /// Go on until the job ends
    #[arg(short, long)]
    pub(crate) follow: bool,
    /// Only lines of at least this level: debug, info, warning, error or critical
    #[arg(long)]
    pub(crate) level: Option<LogLevel>,
    /// Only lines that contain this text, letter case aside
    #[arg(long, value_name = "TEXT")]
    pub(crate) search: Option<String>,
    /// Only lines of this attempt
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) attempt: Option<u32>,
    /// Only the last so many lines
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) tail: Option<u32>,
    /// Print JSON: one document, or with --follow one line each
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct WaitArgs {
    /// The jobs' ids, or the beginnings of them
    #[arg(required = true, value_name = "ID")]
    pub(crate) ids: Vec<JobRef>,
    /// Wait at most this long; the jobs themselves go on
    #[arg(long, value_name = "SECONDS", value_parser = seconds)]
    pub(crate) timeout: Option<Duration>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

/// Fewest characters that name a job: a shorter word is more likely a mistake.
const SHORTEST_PREFIX: usize = 8;

/// How a job is named on the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum JobRef {
    /// By its id.
    Id(JobId),
    /// By the beginning of its id: as typed, and the first and last id that begin so.
    Prefix(String, JobId, JobId),
}

impl FromStr for JobRef {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parsed = text.parse().map(Self::Id);
        parsed.or_else(|error: upnext_core::id::ParseIdError| prefix(text).ok_or_else(|| error.to_string()))
    }
}

fn prefix(text: &str) -> Option<JobRef> {
    let digits = text.replace('-', "");
    let is_prefix = (SHORTEST_PREFIX..32).contains(&digits.len())
        && digits.chars().all(|digit| digit.is_ascii_hexdigit())
        && text.char_indices().all(|(at, digit)| (digit == '-') == matches!(at, 8 | 13 | 18 | 23));
    let end = |fill: &str| format!("{digits}{}", fill.repeat(32 - digits.len())).parse().ok();
    is_prefix.then(|| Some(JobRef::Prefix(text.to_owned(), end("0")?, end("f")?))).flatten()
}

fn seconds(text: &str) -> Result<Duration, String> {
    let seconds = text.parse().ok().and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    seconds.ok_or_else(|| "it must be a number of seconds".to_owned())
}

/// A moment in RFC 3339 (in UTC if it names no offset), a day, or how long ago.
fn moment(text: &str) -> Result<Timestamp, String> {
    let written = [text.to_owned(), format!("{text}Z"), format!("{text}T00:00:00Z")];
    let parsed = written.iter().find_map(|text| text.parse().ok());
    let ago = || Some(SystemClock.now().before(age(text)?));
    parsed.or_else(ago).ok_or_else(|| {
        "it must be a moment such as 2026-01-31T09:30:00Z or 2026-01-31, or an age such as 90s, 15m, 24h or 7d"
            .to_owned()
    })
}

fn age(text: &str) -> Option<Duration> {
    let unit = text.chars().last()?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3600,
        'd' => 86_400,
        _ => return None,
    };
    let count: u32 = text.strip_suffix(unit)?.parse().ok()?;
    Some(Duration::from_secs(u64::from(count) * seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn jobs_are_named_by_id_or_by_its_beginning() {
        let id = JobId::fresh();
        let text = id.to_string();
        assert_eq!(text.parse(), Ok(JobRef::Id(id)));
        for length in [8, 9, 13, 14, 35] {
            let beginning = &text[..length];
            let Ok(JobRef::Prefix(typed, first, last)) = beginning.parse() else {
                panic!("{beginning} is the beginning of an id")
            };
            assert!(typed == beginning && first <= id && id <= last && first < last, "{beginning}");
            assert!(first.to_string().starts_with(beginning) && last.to_string().starts_with(beginning));
        }
        for bad in ["", "0190b2f", "nope-nope", "0190b2f56c-", "-0190b2f5", "0190b2f5-6c1e7d3a"] {
            assert!(bad.parse::<JobRef>().unwrap_err().contains("expected a UUID"), "{bad}");
        }
    }

    #[test]
    fn moments_are_written_out_or_an_age() {
        let day: Timestamp = "2026-01-31T00:00:00Z".parse().unwrap();
        for text in ["2026-01-31", "2026-01-31T00:00:00", "2026-01-31T00:00:00Z", "2026-01-31T01:00:00+01:00"]
        {
            assert_eq!(moment(text), Ok(day), "{text}");
        }
        let then = moment("2h").unwrap();
        let age = SystemClock.now().since(then).as_secs();
        assert!((7200..7260).contains(&age), "{age}");
        for bad in ["", "noon", "h", "-3h", "3w", "2026-13-01"] {
            assert!(moment(bad).is_err(), "{bad}");
        }
    }
}
