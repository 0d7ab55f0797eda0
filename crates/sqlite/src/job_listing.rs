//! `list_jobs`: which rows a page of jobs is read from, and with which filters.
//!
//! Tags lead: the rows of one tag are walked in the order of the list, and their jobs looked at. Without tags the jobs
//! themselves are walked, newest first, or found through the index that SQLite thinks best.

use rusqlite::Connection;
use rusqlite::types::Value;
use upnext_core::backend::{Cursor, JobQuery, Page};
use upnext_core::{Job, Timestamp};

use crate::job_text;
use crate::listing::{Filter, id_value, page_rows, rarest_tag};
use crate::rows::{self, JOB_COLUMNS};

/// Counting the jobs of a tag, to see which is the rarest, stops here.
const COUNTED: u64 = 10_000;

/// Where the rows of a list come from.
pub(crate) struct Walk {
    /// The FROM clause.
    pub(crate) from: &'static str,
    /// The column it is ordered by.
    pub(crate) order: &'static str,
    /// What is left out.
    pub(crate) filter: Filter,
}

impl Walk {
    fn of(connection: &Connection, query: &JobQuery) -> rusqlite::Result<Self> {
        let mut filter = Filter::default();
        let lead =
            rarest_tag(connection, &query.tags, include_str!("../queries/job_tag_count.sql"), COUNTED)?;
        filter.add_if("t.tag = ?", lead.cloned());
        for tag in query.tags.iter().filter(|tag| Some(*tag) != lead) {
            filter.add("EXISTS (SELECT 1 FROM job_tags x WHERE x.tag = ? AND x.job = t.job)", tag.clone());
        }
        filter = filter.and(&columns(query));
        let (from, order) = match lead {
            Some(_) => ("job_tags t CROSS JOIN jobs ON jobs.seq = t.job", "t.job"),
            None => ("jobs", "seq"),
        };
        Ok(Self { from, order, filter })
    }

    /// How many there are.
    fn count(&self, connection: &Connection, query: &JobQuery) -> rusqlite::Result<u64> {
        let tags_tell_it = !query.tags.is_empty() && columns(query).terms.is_empty();
        self.filter.count(connection, if tags_tell_it { "job_tags t" } else { self.from })
    }

    fn go_on_after(&mut self, cursor: Option<&Cursor>) {
        let term = if self.order == "seq" { "seq < ?" } else { "t.job < ?" };
        self.filter.add_if(term, cursor.map(|cursor| cursor.seq));
    }
}

/// The filters that jobs' own columns answer.
fn columns(query: &JobQuery) -> Filter {
    let mut filter = Filter::default();
    filter.add_if("function = ?", query.function.clone());
    filter.add_if("worker_id = ?", query.worker_id.clone());
    filter.add_if("created_at >= ?", query.after.map(Timestamp::as_micros));
    filter.add_if("created_at < ?", query.before.map(Timestamp::as_micros));
    if let Some(root) = query.root_id {
        filter.add("(root_id = ? OR id = ?)", id_value(root));
        filter.values.push(id_value(root));
    }
    if let Some((first, last)) = query.ids {
        filter.add("id BETWEEN ? AND ?", id_value(first));
        filter.values.push(id_value(last));
    }
    filter.add_if(
        "seq IN (SELECT job FROM artifact_reads WHERE artifact = (SELECT seq FROM artifacts WHERE id = ?))",
        query.reads.map(|id| Value::Blob(id.as_bytes().to_vec())),
    );
    if !query.statuses.is_empty() {
        let words: Vec<&str> = query.statuses.iter().map(|status| status.as_str()).collect();
        filter.add(
            "status IN (SELECT value FROM json_each(?))",
            serde_json::to_string(&words).unwrap_or_default(),
        );
    }
    filter
}

pub(crate) fn list_jobs(connection: &Connection, query: &JobQuery) -> rusqlite::Result<Page<Job>> {
    let mut walk = Walk::of(connection, query)?;
    if query.text.is_some() {
        walk.go_on_after(query.cursor.as_ref());
        return job_text::search(connection, query, &walk);
    }
    let total = walk.count(connection, query)?;
    walk.go_on_after(query.cursor.as_ref());
    let Walk { from, order, filter } = walk;
    let sql = format!("SELECT {JOB_COLUMNS} FROM {from} {} ORDER BY {order} DESC LIMIT ?", filter.sql());
    let read = |row: &rusqlite::Row<'_>| Ok((Cursor { seq: row.get(29)?, key: None }, rows::job(row)?));
    let (items, next) = page_rows(connection, &sql, &filter, query.limit, read)?;
    Ok(Page { items, total, total_is_capped: false, next })
}
