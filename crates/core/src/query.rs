//! Questions that listings answer, and pages of answers.

use std::fmt;
use std::str::FromStr;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::artifact::ArtifactType;
use crate::backend::LogLine;
use crate::clock::Timestamp;
use crate::folding::without_case;
use crate::id::{ArtifactId, JobId};
use crate::job::{Job, JobStatus, word_enum};

/// Which jobs to list, newest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct JobQuery {
    /// Only this function (its key).
    pub function: Option<String>,
    /// Only these statuses; empty means all.
    pub statuses: Vec<JobStatus>,
    /// Only jobs last run by this worker instance.
    pub worker_id: Option<String>,
    /// Only jobs made at or after this moment.
    pub after: Option<Timestamp>,
    /// Only jobs made before this moment.
    pub before: Option<Timestamp>,
    /// Only the tree under this root, the root included.
    pub root_id: Option<JobId>,
    /// Only jobs with ids from the first to the last of these, both included.
    pub ids: Option<(JobId, JobId)>,
    /// Only jobs that have read this artifact.
    pub reads: Option<ArtifactId>,
    /// Only jobs that have each of these tags, letter by letter.
    pub tags: Vec<String>,
    /// Only jobs that [hold this text](Self::admits_text). No index helps with that: a page looks at [`TEXT_LOOKS`] of the jobs
    /// that fit the other filters and begin where the page before ended, or at fewer where these are large. So it may hold less
    /// than `limit` jobs, or none, and still have a next page, which begins behind the last job that was looked at. Its
    /// `total` is what it holds itself, and capped unless it is the only page.
    pub text: Option<String>,
    /// At most this many.
    pub limit: usize,
    /// Where the page before ended.
    pub cursor: Option<Cursor>,
}

/// At how many jobs one page of a search for a [text](JobQuery::text) looks.
pub const TEXT_LOOKS: usize = 5000;

impl JobQuery {
    /// Whether the text occurs, letter case aside, within one of these: the job's id, the key of its function, the function's
    /// name, the idempotency key, one of its tags, its error, or its arguments as [`Job::kwargs`] gives them. Every job holds
    /// the empty text. Backends ask this, or find the same.
    #[must_use]
    pub fn admits_text(&self, job: &Job) -> bool {
        let Some(text) = self.text.as_deref().map(without_case) else { return true };
        let tags = job.tags.iter().map(String::as_str);
        let others = [job.idempotency_key.as_deref(), job.error.as_deref()].into_iter().flatten();
        let always = [job.function.as_str(), &job.function_name, job.kwargs.as_str()];
        job.id.to_string().contains(&text)
            || always.into_iter().chain(others).chain(tags).any(|part| without_case(part).contains(&text))
    }
}

/// Which log lines of a job to read, oldest first.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct LogQuery {
    /// Only lines after this sequence number.
    pub after: i64,
    /// Only lines of at least this level. Lines whose level is no [`LogLevel`] are always among them.
    pub level: Option<LogLevel>,
    /// Only lines whose message contains this text, letter case aside.
    pub search: Option<String>,
    /// Only lines that this attempt wrote.
    pub attempt: Option<u32>,
    /// The last `limit` lines, still oldest first, instead of the first ones.
    pub newest: bool,
    /// At most this many.
    pub limit: usize,
}

impl LogQuery {
    /// The first `limit` lines after a sequence number.
    #[must_use]
    pub fn after(after: i64, limit: usize) -> Self {
        Self { after, limit, ..Self::default() }
    }

    /// Whether level, text and attempt of a line are as wanted. Backends ask this, so that all of them find the same.
    #[must_use]
    pub fn admits(&self, line: &LogLine) -> bool {
        let weighs =
            |least: LogLevel| line.entry.level.parse::<LogLevel>().map_or(true, |level| level >= least);
        self.attempt.is_none_or(|attempt| attempt == line.attempt)
            && self.level.is_none_or(weighs)
            && self
                .search
                .as_ref()
                .is_none_or(|text| without_case(&line.entry.message).contains(&without_case(text)))
    }
}

word_enum! {
    /// How much a log line matters.
    #[derive(PartialOrd, Ord)]
    LogLevel, "log level" {
        /// Of interest to whoever looks for a mistake.
        Debug = "debug",
        /// What happens.
        Info = "info",
        /// Something is odd.
        Warning = "warning",
        /// Something did not work.
        Error = "error",
        /// Nothing works.
        Critical = "critical",
    }
}

/// Which artifacts to list.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct ArtifactQuery {
    /// Only those of this job.
    pub job_id: Option<JobId>,
    /// Only those of the tree of jobs under this root, the root included.
    pub root_id: Option<JobId>,
    /// Only those that this job has read.
    pub read_by: Option<JobId>,
    /// Only those of jobs of this function (its key).
    pub function: Option<String>,
    /// Only this type.
    pub artifact_type: Option<ArtifactType>,
    /// Only this very name.
    pub name: Option<String>,
    /// Only names that contain this text, letter case aside.
    pub name_contains: Option<String>,
    /// Only names of this shape: `*` any characters, `?` one, `[a-z]` one of these. Letter case counts.
    pub name_glob: Option<String>,
    /// Only those that have each of these tags.
    pub tags: Vec<String>,
    /// Only those of at least this many bytes.
    pub min_size: Option<u64>,
    /// Only those of at most this many bytes.
    pub max_size: Option<u64>,
    /// Only those recorded at or after this moment.
    pub after: Option<Timestamp>,
    /// Only those recorded before this moment.
    pub before: Option<Timestamp>,
    /// Only those in whose name, description, tags or metadata each of these words occurs, letter case aside.
    pub search: Option<String>,
    /// Older versions of the same name too.
    pub all_versions: bool,
    /// In which order.
    pub sort: ArtifactSort,
    /// At most this many.
    pub limit: usize,
    /// Where the page before ended.
    pub cursor: Option<Cursor>,
}

impl ArtifactQuery {
    /// Whether it looks only at what one job, one tree of jobs or one reader has.
    #[must_use]
    pub const fn is_bounded(&self) -> bool {
        self.job_id.is_some() || self.root_id.is_some() || self.read_by.is_some()
    }

    /// Whether nothing but function, type and `all_versions` narrows it, so that counts kept by these tell how many there are.
    #[must_use]
    pub const fn is_by_kind(&self) -> bool {
        // Every field is named, so that a new one cannot be forgotten here.
        let Self {
            job_id: None,
            root_id: None,
            read_by: None,
            function: _,
            artifact_type: _,
            name: None,
            name_contains: None,
            name_glob: None,
            tags,
            min_size: None,
            max_size: None,
            after: None,
            before: None,
            search: None,
            all_versions: _,
            sort: _,
            limit: _,
            cursor: _,
        } = self
        else {
            return false;
        };
        tags.is_empty()
    }
}

/// The order of a list of artifacts. Equals go by age in the same direction: the oldest first where the smallest is first,
/// the newest first where the largest is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ArtifactSort {
    /// The newest first.
    #[default]
    Newest,
    /// The oldest first.
    Oldest,
    /// The largest first.
    Largest,
    /// The smallest first.
    Smallest,
    /// By name, in the order of its characters.
    Name,
    /// By name, the other way round.
    NameDescending,
}

impl ArtifactSort {
    const WORDS: [(Self, &str); 6] = [
        (Self::Newest, "-created_at"),
        (Self::Oldest, "created_at"),
        (Self::Largest, "-size"),
        (Self::Smallest, "size"),
        (Self::Name, "name"),
        (Self::NameDescending, "-name"),
    ];
}

impl FromStr for ArtifactSort {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::WORDS.iter().find(|(_, word)| *word == text).map(|(sort, _)| *sort);
        found.ok_or_else(|| {
            let words: Vec<&str> = Self::WORDS.iter().map(|(_, word)| *word).collect();
            format!("'{text}' is not an order: use one of {}", words.join(", "))
        })
    }
}

/// A place in a listing. Opaque outside a backend.
///
/// ```
/// use upnext_core::backend::Cursor;
/// let cursor = Cursor { seq: 17, key: Some("größe.txt".into()) };
/// assert_eq!(cursor.to_string().parse(), Ok(cursor));
/// assert!("17".parse::<Cursor>().is_err());
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cursor {
    /// The last item.
    pub seq: i64,
    /// What the list is sorted by, of the last item; `None` when it is sorted by age.
    pub key: Option<String>,
}

impl fmt::Display for Cursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{:x}", self.seq)?;
        match &self.key {
            Some(key) => write!(f, ".{}", URL_SAFE_NO_PAD.encode(key)),
            None => Ok(()),
        }
    }
}

impl FromStr for Cursor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = || {
            let (seq, key) = match text.strip_prefix('c')?.split_once('.') {
                Some((seq, key)) => (seq, Some(String::from_utf8(URL_SAFE_NO_PAD.decode(key).ok()?).ok()?)),
                None => (text.strip_prefix('c')?, None),
            };
            Some(Self { seq: i64::from_str_radix(seq, 16).ok()?, key })
        };
        read().ok_or_else(|| format!("'{text}' is not a cursor: pass back a next_cursor as it was given"))
    }
}

/// One page of a listing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// How many there are on all pages together.
    pub total: u64,
    /// True when counting stopped at `total`, because it would take long: there are at least so many.
    pub total_is_capped: bool,
    /// Where the next page begins; `None` on the last one.
    pub next: Option<Cursor>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orders_have_words() {
        for (sort, word) in ArtifactSort::WORDS {
            assert_eq!(word.parse(), Ok(sort));
        }
        assert!("date".parse::<ArtifactSort>().unwrap_err().contains("-created_at, created_at"));
    }
}
