//! `list_jobs`: which rows a page of jobs is read from, and with which filters.
//!
//! Tags lead: the rows of one tag are walked in the order of the list, and their jobs looked at. Without tags the table that
//! holds nothing but jobs of the wanted statuses leads, where there is one.

use tokio_postgres::Row;
use upnext_core::backend::{Cursor, JobQuery, Page};
use upnext_core::{Job, Timestamp};

use crate::database::Connection;
use crate::faults::Result;
use crate::filter::{Filter, page_rows};
use crate::job_text;
use crate::params::{artifact_uuid, job_uuid, params, text};
use crate::rows::{self, JOB_COLUMNS, JOB_SEQ, JOB_TABLES};

/// Tables with the columns of [`JOB_TABLES`] where all jobs live, where all have ended, and behind a tag.
const LIVE_TABLES: &str =
    "upnext.live l JOIN upnext.jobs j ON j.seq = l.job LEFT JOIN upnext.ended e ON e.job = l.job AND false";
const ENDED_TABLES: &str =
    "upnext.ended e JOIN upnext.jobs j ON j.seq = e.job LEFT JOIN upnext.live l ON l.job = e.job AND false";
const TAGGED_TABLES: &str = "upnext.job_tags t JOIN upnext.jobs j ON j.seq = t.job \
    LEFT JOIN upnext.live l ON l.job = t.job LEFT JOIN upnext.ended e ON e.job = t.job";

/// Counting the jobs of a tag, to see which is the rarest, stops here.
const COUNTED: i64 = 10_000;

/// Where the rows of a list come from.
pub(crate) struct Walk {
    /// The FROM clause.
    pub(crate) from: &'static str,
    /// The column it is ordered by.
    pub(crate) order: &'static str,
    /// What is left out.
    pub(crate) filter: Filter,
    /// What is enough for counting.
    counted: &'static str,
}

impl Walk {
    async fn of(connection: &Connection<'_>, query: &JobQuery) -> Result<Self> {
        let mut filter = Filter::default();
        let lead = rarest_tag(connection, &query.tags).await?;
        filter.add_if("t.tag = ?", lead.map(|tag| text(tag)));
        for tag in query.tags.iter().filter(|tag| Some(*tag) != lead) {
            filter
                .add("EXISTS (SELECT 1 FROM upnext.job_tags x WHERE x.tag = ? AND x.job = t.job)", text(tag));
        }
        columns(query, &mut filter);
        let status = statuses(query, &mut filter);
        let by_rows = query.statuses.is_empty() && query.worker_id.is_none();
        let (from, order, counted) = match lead {
            Some(_) if by_rows => {
                (TAGGED_TABLES, "t.job", "upnext.job_tags t JOIN upnext.jobs j ON j.seq = t.job")
            }
            Some(_) => (TAGGED_TABLES, "t.job", TAGGED_TABLES),
            None if by_rows => (status, "j.seq", "upnext.jobs j"),
            None => (status, "j.seq", status),
        };
        Ok(Self { from, order, filter, counted })
    }

    fn go_on_after(&mut self, cursor: Option<&Cursor>) {
        let term = format!("{} < ?", self.order);
        self.filter.add_if(&term, cursor.map(|cursor| cursor.seq));
    }
}

/// The filters that jobs' own columns answer.
fn columns(query: &JobQuery, filter: &mut Filter) {
    filter.add_if("j.function = ?", query.function.as_deref().map(text));
    filter.add_if("coalesce(l.worker_id, e.worker_id) = ?", query.worker_id.as_deref().map(text));
    filter.add_if("j.created_at >= ?", query.after.map(Timestamp::as_micros));
    filter.add_if("j.created_at < ?", query.before.map(Timestamp::as_micros));
    if let Some(root) = query.root_id {
        filter.add("(j.root_id = ? OR j.id = ?)", job_uuid(root));
        filter.values.push(Box::new(job_uuid(root)));
    }
    if let Some((first, last)) = query.ids {
        filter.add("j.id BETWEEN ? AND ?", job_uuid(first));
        filter.values.push(Box::new(job_uuid(last)));
    }
    filter.add_if(
        "j.seq IN (SELECT job FROM upnext.artifact_reads WHERE artifact = (SELECT seq FROM upnext.artifacts WHERE id = ?))",
        query.reads.map(artifact_uuid),
    );
}

/// Adds the filter by status, and answers the tables that hold all such jobs.
fn statuses(query: &JobQuery, filter: &mut Filter) -> &'static str {
    if query.statuses.is_empty() {
        return JOB_TABLES;
    }
    let finals = query.statuses.iter().filter(|status| status.is_final()).count();
    let words: Vec<&'static str> = query.statuses.iter().map(|status| status.as_str()).collect();
    let (tables, term) = if finals == 0 {
        (LIVE_TABLES, "l.status = ANY (?)")
    } else if finals == words.len() {
        (ENDED_TABLES, "e.status = ANY (?)")
    } else {
        (JOB_TABLES, "coalesce(l.status, e.status) = ANY (?)")
    };
    filter.add(term, words);
    tables
}

async fn rarest_tag<'a>(connection: &Connection<'_>, tags: &'a [String]) -> Result<Option<&'a String>> {
    if tags.len() < 2 {
        return Ok(tags.first());
    }
    let mut rarest: Option<(i64, &String)> = None;
    for tag in tags {
        let count = include_str!("../queries/job_tag_count.sql");
        let found = connection.one(count, params![text(tag), COUNTED]).await?.try_get(0)?;
        if rarest.is_none_or(|(fewest, _)| found < fewest) {
            rarest = Some((found, tag));
        }
    }
    Ok(rarest.map(|(_, tag)| tag))
}

pub(crate) async fn list_jobs(connection: &Connection<'_>, query: &JobQuery) -> Result<Page<Job>> {
    let mut walk = Walk::of(connection, query).await?;
    if query.text.is_some() {
        return job_text::search(connection, query, walk).await;
    }
    let total = walk.filter.count(connection, walk.counted, None).await?;
    walk.go_on_after(query.cursor.as_ref());
    let Walk { from, order, filter, .. } = walk;
    let sql = format!("SELECT {JOB_COLUMNS} FROM {from} {} ORDER BY {order} DESC LIMIT ?", filter.sql());
    let read = |row: &Row| Ok((Cursor { seq: row.try_get(JOB_SEQ)?, key: None }, rows::job(row)?));
    let (items, next) = page_rows(connection, &sql, &filter, query.limit, read).await?;
    Ok(Page { items, total, total_is_capped: false, next })
}
