//! Looking for a text in jobs: newest first, so many on a page, without an index.
//!
//! An index over everything that jobs hold would cost more than accepting and finishing them does. Most texts are looked for
//! among what happened lately, and whoever wants more goes on with the next page.

use tokio_postgres::Row;
use upnext_core::Job;
use upnext_core::backend::{Cursor, JobQuery, Page, TEXT_LOOKS};
use upnext_core::folding::without_case;

use crate::database::Connection;
use crate::faults::Result;
use crate::filter::numbered;
use crate::job_listing::Walk;
use crate::params::params;
use crate::rows::{self, JOB_COLUMNS, JOB_TABLES};

/// Where a page ends early: when it has looked through this many bytes.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// Jobs that are read at once: few, since each may be large.
const AT_ONCE: usize = 100;

/// A page of the jobs that are on this walk and hold the text.
pub(crate) async fn search(connection: &Connection<'_>, query: &JobQuery, walk: Walk) -> Result<Page<Job>> {
    let Walk { from, order, mut filter, .. } = walk;
    let first = query.cursor.as_ref().map_or(i64::MAX, |cursor| cursor.seq);
    filter.add(format!("{order} < ?"), first);
    let sql = numbered(&format!(
        "SELECT j.seq, j.id, j.function, j.function_name, j.idempotency_key, coalesce(l.error, e.error), j.kwargs, j.tags \
         FROM {from} {} ORDER BY {order} DESC LIMIT {AT_ONCE}",
        filter.sql()
    ));
    let text = query.text.as_deref().map(without_case).unwrap_or_default();
    let mut looks = Looks::default();
    let mut found: Vec<i64> = Vec::new();
    let mut next = None;
    'pages: loop {
        let rows = connection.all(&sql, &filter.values()).await?;
        for row in &rows {
            if found.len() >= query.limit || looks.are_over() {
                next = looks.last.map(|seq| Cursor { seq, key: None });
                break 'pages;
            }
            let seq = row.try_get(0)?;
            if looks.at(row, seq, &text)? {
                found.push(seq);
            }
        }
        if rows.len() < AT_ONCE {
            break;
        }
        if let (Some(value), Some(last)) = (filter.values.last_mut(), looks.last) {
            *value = Box::new(last);
        }
    }
    let (total, total_is_capped) = (found.len() as u64, next.is_some() || query.cursor.is_some());
    Ok(Page { items: jobs_at(connection, &found).await?, total, total_is_capped, next })
}

/// What has been looked at so far.
#[derive(Default)]
struct Looks {
    jobs: usize,
    bytes: usize,
    last: Option<i64>,
}

impl Looks {
    fn are_over(&self) -> bool {
        self.jobs >= TEXT_LOOKS || self.bytes >= MOST_BYTES
    }

    /// Whether the job in this row holds the text.
    fn at(&mut self, row: &Row, seq: i64, text: &str) -> Result<bool> {
        (self.jobs, self.last) = (self.jobs + 1, Some(seq));
        // Whole ids are written in small letters.
        let mut holds = rows::job_id(row, 1)?.to_string().contains(text);
        for column in 2..=6 {
            let part = row.try_get::<_, Option<&str>>(column)?.unwrap_or_default();
            self.bytes += part.len();
            holds = holds || without_case(part).contains(text);
        }
        Ok(holds || rows::tags(row, 7)?.iter().any(|tag| without_case(tag).contains(text)))
    }
}

async fn jobs_at(connection: &Connection<'_>, seqs: &[i64]) -> Result<Vec<Job>> {
    let sql = format!("SELECT {JOB_COLUMNS} FROM {JOB_TABLES} WHERE j.seq = ANY ($1) ORDER BY j.seq DESC");
    let rows = connection.all(&sql, params![seqs.to_vec()]).await?;
    rows.iter().map(rows::job).collect()
}
