//! Looking for a text in jobs: newest first, so many on a page, without an index.
//!
//! An index over everything that jobs hold would cost more than accepting and finishing them does. Most texts are looked for
//! among what happened lately, and whoever wants more goes on with the next page.

use rusqlite::{Connection, Row, params_from_iter};
use upnext_core::backend::{Cursor, JobQuery, Page, TEXT_LOOKS};
use upnext_core::folding::without_case;
use upnext_core::{Job, JobId};

use crate::job_listing::Walk;
use crate::rows::{self, JOB_COLUMNS};

/// Where a page ends early: when it has looked through this many bytes.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// A page of the jobs that are on this walk and hold the text.
pub(crate) fn search(connection: &Connection, query: &JobQuery, walk: &Walk) -> rusqlite::Result<Page<Job>> {
    let Walk { from, order, filter } = walk;
    let sql = format!(
        "SELECT seq, id, function, function_name, idempotency_key, error, kwargs, tags FROM {from} {} \
         ORDER BY {order} DESC",
        filter.sql()
    );
    let text = query.text.as_deref().map(without_case).unwrap_or_default();
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(&filter.values))?;
    let mut looks = Looks::default();
    let mut found: Vec<i64> = Vec::new();
    let mut next = None;
    while let Some(row) = rows.next()? {
        if found.len() >= query.limit || looks.are_over() {
            next = looks.last.map(|seq| Cursor { seq, key: None });
            break;
        }
        let seq = row.get(0)?;
        if looks.at(row, seq, &text)? {
            found.push(seq);
        }
    }
    let (total, total_is_capped) = (found.len() as u64, next.is_some() || query.cursor.is_some());
    Ok(Page { items: jobs_at(connection, &found)?, total, total_is_capped, next })
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
    fn at(&mut self, row: &Row<'_>, seq: i64, text: &str) -> rusqlite::Result<bool> {
        (self.jobs, self.last) = (self.jobs + 1, Some(seq));
        // Whole ids are written in small letters.
        let mut holds = JobId::from_bytes(row.get(1)?).to_string().contains(text);
        for column in 2..=6 {
            let part = row.get_ref(column)?.as_str_or_null()?.unwrap_or_default();
            self.bytes += part.len();
            holds = holds || without_case(part).contains(text);
        }
        Ok(holds || rows::tags(row, 7)?.iter().any(|tag| without_case(tag).contains(text)))
    }
}

fn jobs_at(connection: &Connection, seqs: &[i64]) -> rusqlite::Result<Vec<Job>> {
    let mut statement =
        connection.prepare_cached(&format!("SELECT {JOB_COLUMNS} FROM jobs WHERE seq = ?1"))?;
    seqs.iter().map(|seq| statement.query_row([seq], rows::job)).collect()
}
