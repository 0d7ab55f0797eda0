//! Listings put their statements together from fixed terms, because a single statement with optional filters
//! (`$1 IS NULL OR ...`) could use no index. Terms hold `?` for their values, which are numbered at the end.

use tokio_postgres::Row;
use upnext_core::backend::Cursor;

use crate::database::Connection;
use crate::faults::Result;
use crate::params::{Param, count};

/// Terms of a WHERE clause with their values.
#[derive(Default)]
pub(crate) struct Filter {
    pub(crate) terms: Vec<String>,
    pub(crate) values: Vec<Box<dyn Param>>,
}

impl Filter {
    pub(crate) fn add(&mut self, term: impl Into<String>, value: impl Param + 'static) {
        self.terms.push(term.into());
        self.values.push(Box::new(value));
    }

    pub(crate) fn add_if(&mut self, term: &str, value: Option<impl Param + 'static>) {
        if let Some(value) = value {
            self.add(term, value);
        }
    }

    /// A term without a value of its own.
    pub(crate) fn plain(&mut self, term: &str) {
        self.terms.push(term.to_owned());
    }

    pub(crate) fn sql(&self) -> String {
        if self.terms.is_empty() { String::new() } else { format!("WHERE {}", self.terms.join(" AND ")) }
    }

    pub(crate) fn values(&self) -> Vec<&dyn Param> {
        self.values.iter().map(AsRef::as_ref).collect()
    }

    /// How many rows there are, counted up to `most` if it is given.
    pub(crate) async fn count(
        &self,
        connection: &Connection<'_>,
        from: &str,
        most: Option<i64>,
    ) -> Result<u64> {
        let limit = most.map_or_else(String::new, |most| format!("LIMIT {most}"));
        let sql =
            numbered(&format!("SELECT count(*) FROM (SELECT 1 FROM {from} {} {limit}) found", self.sql()));
        crate::rows::count(&connection.one(&sql, &self.values()).await?, 0)
    }
}

/// The statement with its values numbered.
pub(crate) fn numbered(sql: &str) -> String {
    let mut numbered = String::with_capacity(sql.len() + 16);
    let mut parts = sql.split('?');
    numbered.push_str(parts.next().unwrap_or_default());
    for (part, number) in parts.zip(1..) {
        numbered.push_str(&format!("${number}"));
        numbered.push_str(part);
    }
    numbered
}

/// The rows of one page, each with its place: asks for one row more than wanted, which tells whether there is a next page.
/// The statement's last `?` is that limit.
pub(crate) async fn page_rows<T>(
    connection: &Connection<'_>,
    sql: &str,
    filter: &Filter,
    limit: usize,
    read: impl Fn(&Row) -> Result<(Cursor, T)>,
) -> Result<(Vec<T>, Option<Cursor>)> {
    let more = count(limit.saturating_add(1));
    let mut values = filter.values();
    values.push(&more);
    let rows = connection.all(&numbered(sql), &values).await?;
    let mut rows: Vec<(Cursor, T)> = rows.iter().map(read).collect::<Result<_>>()?;
    let has_more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().filter(|_| has_more).map(|(cursor, _)| cursor.clone());
    Ok((rows.into_iter().map(|(_, item)| item).collect(), next))
}
