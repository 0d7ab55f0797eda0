//! `list_jobs`: filters, pages and totals.
//!
//! A list is read through the index that narrows it most, in pages, and the rest of the filters is asked of each job here. Where
//! counting would mean to look at very many jobs, it stops and says so. A text is looked for in the jobs that fit the other filters,
//! without an index.

use std::collections::VecDeque;

use upnext_core::backend::{Cursor, JobQuery, Page, Result, TEXT_LOOKS};
use upnext_core::{Job, JobId, JobStatus, Timestamp};

use crate::Redis;
use crate::insights::read_depth;
use crate::link::Repeat;
use crate::listing::find_jobs;
use crate::look::{self, PAGE, Stretch, Through, look};
use crate::reply::{self, Reply};
use crate::rows;

/// How many jobs are looked at to count them once the page is full.
const LOOKED_AT: usize = 20_000;

/// Most jobs that are gathered and sorted instead of being looked for.
const FEW: u64 = 10_000;

const FIELDS: [&str; 6] = ["st", "f", "w", "ca", "sq", "tg"];

/// What filters ask of a job.
pub(crate) struct SeenJob {
    pub(crate) id: JobId,
    pub(crate) status: JobStatus,
    pub(crate) function: String,
    pub(crate) worker: String,
    pub(crate) created_at: Timestamp,
    pub(crate) seq: i64,
    tags: Vec<String>,
}

impl SeenJob {
    /// `None` of a job that is gone by now.
    fn read(mut reply: Reply) -> Result<Option<Self>> {
        let status = reply.value()?;
        if reply::is_nothing(&status) {
            return Ok(None);
        }
        let (function, worker, created_at, seq) =
            (reply.text()?, reply.text()?, reply.moment()?, reply.number()?);
        let tags = reply.value()?;
        let tags = if reply::is_nothing(&tags) { Vec::new() } else { rows::tags(tags)? };
        let status = reply::status(&status)?;
        Ok(Some(Self { id: reply.job_id()?, status, function, worker, created_at, seq, tags }))
    }

    fn fits(&self, query: &JobQuery) -> bool {
        query.function.as_ref().is_none_or(|function| *function == self.function)
            && (query.statuses.is_empty() || query.statuses.contains(&self.status))
            && query.worker_id.as_ref().is_none_or(|worker| *worker == self.worker)
            && query.after.is_none_or(|after| self.created_at >= after)
            && query.before.is_none_or(|before| self.created_at < before)
            && query.tags.iter().all(|tag| self.tags.contains(tag))
            && query.ids.is_none_or(|(first, last)| (first..=last).contains(&self.id))
    }
}

/// A page of an index that is sorted by the numbers of jobs, the newest first, those before a number.
async fn jobs_before(
    redis: &Redis,
    index: &str,
    before: Option<i64>,
    most: usize,
) -> Result<(Vec<SeenJob>, Option<i64>)> {
    let from = before.map_or_else(|| "+inf".to_owned(), |before| format!("({before}"));
    let stretch = Stretch {
        kind: "j:",
        through: Through::Scores { down: true },
        index: index.as_bytes(),
        from: from.as_bytes(),
        to: b"-inf",
        most,
        fields: &FIELDS,
    };
    let found = look(redis, &stretch).await?;
    let is_last = found.len() < most;
    let mut last = None;
    let mut jobs = Vec::with_capacity(found.len());
    for reply in found {
        if let Some(job) = SeenJob::read(reply)? {
            last = Some(job.seq);
            jobs.push(job);
        }
    }
    Ok((jobs, last.filter(|_| !is_last)))
}

/// All jobs that an index names, in no order.
pub(crate) async fn all_jobs(redis: &Redis, index: &[u8]) -> Result<Vec<SeenJob>> {
    let (mut jobs, mut place) = (Vec::new(), 0);
    loop {
        let (from, to) = (place.to_string(), (place + PAGE - 1).to_string());
        let stretch = Stretch {
            kind: "j:",
            through: Through::Places,
            index,
            from: from.as_bytes(),
            to: to.as_bytes(),
            most: PAGE,
            fields: &FIELDS,
        };
        let found = look(redis, &stretch).await?;
        let count = found.len();
        for reply in found {
            jobs.extend(SeenJob::read(reply)?);
        }
        place += PAGE;
        if count < PAGE {
            return Ok(jobs);
        }
    }
}

/// Where the jobs of a list come from.
enum Source {
    /// An index sorted by their numbers.
    Index(String),
    /// They were few.
    These(Vec<SeenJob>),
}

async fn source(redis: &Redis, query: &JobQuery) -> Result<Source> {
    if let Some(root) = query.root_id {
        return Ok(Source::These(tree(redis, root).await?));
    }
    if let Some(artifact) = query.reads {
        return Ok(Source::These(jobs_of(redis, "ra:", artifact.as_bytes()).await?));
    }
    let only = |wanted: &[JobStatus]| {
        !query.statuses.is_empty() && query.statuses.iter().all(|status| wanted.contains(status))
    };
    let few = if only(&[JobStatus::Active]) {
        Some("leased")
    } else if only(&[JobStatus::Pending, JobStatus::Retrying]) {
        Some("due")
    } else {
        None
    };
    if let Some(index) = few
        && look::sizes(redis, &[index.to_owned()]).await?.first().is_some_and(|size| *size <= FEW)
    {
        return Ok(Source::These(all_jobs(redis, index.as_bytes()).await?));
    }
    if !query.tags.is_empty() {
        let indexes: Vec<String> = query.tags.iter().map(|tag| format!("jt:{tag}")).collect();
        let sizes = look::sizes(redis, &indexes).await?;
        let rarest = indexes.into_iter().zip(sizes).min_by_key(|(_, size)| *size);
        return Ok(Source::Index(rarest.map_or_else(String::new, |(index, _)| index)));
    }
    Ok(Source::Index(match &query.function {
        Some(function) => format!("f:{function}"),
        None if only(&[JobStatus::Failed, JobStatus::Cancelled]) => "bad".to_owned(),
        None => "jobs".to_owned(),
    }))
}

/// The jobs under a root, itself included.
pub(crate) async fn tree(redis: &Redis, root: JobId) -> Result<Vec<SeenJob>> {
    let mut jobs = jobs_of(redis, "t:", root.as_bytes()).await?;
    if let Some(job) = find_jobs(redis, &[root]).await?.pop()
        && !jobs.iter().any(|job| job.id == root)
    {
        let seq = sequence_of(redis, root).await?;
        jobs.push(SeenJob {
            id: root,
            status: job.status,
            function: job.function,
            worker: job.worker_id.unwrap_or_default(),
            created_at: job.created_at,
            seq,
            tags: job.tags,
        });
    }
    Ok(jobs)
}

async fn sequence_of(redis: &Redis, id: JobId) -> Result<i64> {
    let mut command = redis::cmd("HGET");
    let key = [redis.link.prefix().as_bytes(), b"j:", id.as_bytes()].concat();
    command.arg(key).arg("sq");
    reply::number(&redis.link.send(&command, Repeat::Harmless).await?)
}

/// The jobs in an index that belongs to one thing.
async fn jobs_of(redis: &Redis, kind: &str, of: &[u8; 16]) -> Result<Vec<SeenJob>> {
    all_jobs(redis, &[kind.as_bytes(), of].concat()).await
}

/// How many there are where the counts of statuses tell.
async fn known_total(redis: &Redis, query: &JobQuery) -> Result<Option<u64>> {
    let JobQuery {
        function,
        statuses,
        worker_id: None,
        after: None,
        before: None,
        root_id: None,
        ids: None,
        reads: None,
        tags,
        text: None,
        limit: _,
        cursor: _,
    } = query
    else {
        return Ok(None);
    };
    if !tags.is_empty() {
        return Ok(None);
    }
    let depth = read_depth(redis).await?;
    let fits = |status: JobStatus, of: &str| {
        (statuses.is_empty() || statuses.contains(&status))
            && function.as_ref().is_none_or(|function| function == of)
    };
    Ok(Some(depth.iter().filter(|(status, of, _)| fits(*status, of)).map(|(.., count)| count).sum()))
}

pub(crate) async fn list_jobs(redis: &Redis, query: &JobQuery) -> Result<Page<Job>> {
    let before = query.cursor.as_ref().map(|cursor| cursor.seq);
    if query.text.is_some() {
        return search(redis, query, before).await;
    }
    let (mut found, total, total_is_capped) = match source(redis, query).await? {
        Source::These(mut jobs) => {
            jobs.retain(|job| job.fits(query));
            let total = jobs.len() as u64;
            jobs.retain(|job| before.is_none_or(|before| job.seq < before));
            jobs.sort_unstable_by_key(|job| std::cmp::Reverse(job.seq));
            (jobs, total, false)
        }
        Source::Index(index) => {
            let known = known_total(redis, query).await?;
            let counts = known.is_none() && before.is_none();
            let (found, seen, is_all) = look_through(redis, &index, query, before, counts).await?;
            let (total, is_capped) = match known {
                Some(total) => (total, false),
                None if counts => (seen, !is_all),
                None => {
                    let (_, seen, is_all) = look_through(redis, &index, query, None, true).await?;
                    (seen, !is_all)
                }
            };
            (found, total, is_capped)
        }
    };
    let has_more = found.len() > query.limit;
    found.truncate(query.limit);
    let next = found.last().filter(|_| has_more).map(|job| Cursor { seq: job.seq, key: None });
    let ids: Vec<JobId> = found.iter().map(|job| job.id).collect();
    Ok(Page { items: find_jobs(redis, &ids).await?, total, total_is_capped, next })
}

/// Looks at one job after the other until there are enough for the page and one more; if they are counted, on until all or very many
/// were looked at. Answers those of the page, how many fit, and whether these are all.
async fn look_through(
    redis: &Redis,
    index: &str,
    query: &JobQuery,
    mut before: Option<i64>,
    counts: bool,
) -> Result<(Vec<SeenJob>, u64, bool)> {
    let enough = query.limit.saturating_add(1);
    let (mut found, mut count, mut looked_at) = (Vec::new(), 0, 0);
    // The first page is as long as the list would be if every job fitted.
    let mut most = enough.clamp(50, PAGE);
    loop {
        let (jobs, next) = jobs_before(redis, index, before, most).await?;
        looked_at += jobs.len();
        for job in jobs.into_iter().filter(|job| job.fits(query)) {
            count += 1;
            if found.len() < enough {
                found.push(job);
            }
        }
        if next.is_none() {
            return Ok((found, count, true));
        }
        if found.len() >= enough && (!counts || looked_at >= LOOKED_AT) {
            return Ok((found, count, false));
        }
        before = next;
        most = PAGE;
    }
}

/// At how many jobs a search looks in one call.
const LOOKED_AT_ONCE: usize = 100;

/// The jobs of a list, those that fit all filters but the text, the newest first.
struct Line<'a> {
    redis: &'a Redis,
    query: &'a JobQuery,
    waiting: VecDeque<SeenJob>,
    /// The index that gives more of them, and where it goes on.
    more: Option<(String, Option<i64>)>,
}

impl<'a> Line<'a> {
    async fn begin(redis: &'a Redis, query: &'a JobQuery, before: Option<i64>) -> Result<Self> {
        let (waiting, more) = match source(redis, query).await? {
            Source::Index(index) => (Vec::new(), Some((index, before))),
            Source::These(mut jobs) => {
                jobs.retain(|job| job.fits(query) && before.is_none_or(|before| job.seq < before));
                jobs.sort_unstable_by_key(|job| std::cmp::Reverse(job.seq));
                (jobs, None)
            }
        };
        Ok(Self { redis, query, waiting: waiting.into(), more })
    }

    /// The next of them, at most `most`; none when there are no more.
    async fn next(&mut self, most: usize) -> Result<Vec<SeenJob>> {
        while self.waiting.len() < most
            && let Some((index, before)) = self.more.take()
        {
            let (jobs, next) = jobs_before(self.redis, &index, before, PAGE).await?;
            self.waiting.extend(jobs.into_iter().filter(|job| job.fits(self.query)));
            self.more = next.map(|next| (index, Some(next)));
        }
        Ok(self.waiting.drain(..most.min(self.waiting.len())).collect())
    }
}

/// Looks for a text: at so many jobs, whatever it finds.
async fn search(redis: &Redis, query: &JobQuery, before: Option<i64>) -> Result<Page<Job>> {
    let mut line = Line::begin(redis, query, before).await?;
    let (mut items, mut looked_at, mut last) = (Vec::new(), 0, None);
    let mut next = None;
    'page: loop {
        let seen = line.next(LOOKED_AT_ONCE).await?;
        if seen.is_empty() {
            break;
        }
        let ids: Vec<JobId> = seen.iter().map(|job| job.id).collect();
        let mut jobs = find_jobs(redis, &ids).await?.into_iter().peekable();
        for seen in seen {
            if items.len() >= query.limit || looked_at >= TEXT_LOOKS {
                next = last.map(|seq| Cursor { seq, key: None });
                break 'page;
            }
            (looked_at, last) = (looked_at + 1, Some(seen.seq));
            // One that is gone by now is not among them.
            let job = jobs.next_if(|job| job.id == seen.id);
            items.extend(job.filter(|job| query.admits_text(job)));
        }
    }
    let (total, total_is_capped) = (items.len() as u64, next.is_some() || query.cursor.is_some());
    Ok(Page { items, total, total_is_capped, next })
}
