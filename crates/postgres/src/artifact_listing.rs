//! `list_artifacts`: filters, orders, pages and totals.
//!
//! The planner chooses what leads to a page: the index of the order, of a function or type, of trigrams or tags. First the
//! places of a page are found, then all that is known of these few.

use tokio_postgres::Row;
use upnext_core::backend::{ArtifactQuery, ArtifactSort, ArtifactTotals, Cursor, Page};
use upnext_core::folding::without_case;
use upnext_core::{Artifact, Timestamp};

use crate::database::Connection;
use crate::faults::Result;
use crate::filter::{Filter, page_rows};
use crate::params::{job_uuid, params, text};
use crate::rows::{self, ARTIFACT_COLUMNS, ARTIFACT_SEQ, stored_size};
use crate::search;

/// How far is counted where nothing but counting tells how many there are.
const COUNTED: u64 = 1000;

pub(crate) async fn list_artifacts(
    connection: &Connection<'_>,
    query: &ArtifactQuery,
) -> Result<Page<Artifact>> {
    let mut filter = terms(connection, query).await?;
    let (total, total_is_capped) = match known_total(connection, query).await? {
        Some(total) => (total, false),
        None => count(connection, query, &filter).await?,
    };
    let order = Order::of(query.sort);
    if let Some(cursor) = &query.cursor {
        order.continue_after(cursor, &mut filter);
    }
    // Few at once are sorted; the sum keeps the planner from walking along an order past all the others for them.
    let few = total <= COUNTED && !total_is_capped && known_is_narrow(query);
    let sql = format!(
        "SELECT {ARTIFACT_COLUMNS}, p.key::text \
         FROM (SELECT a.seq, {key} AS key FROM upnext.artifacts a {where} ORDER BY {by} LIMIT ?) p \
         JOIN upnext.artifacts a ON a.seq = p.seq JOIN upnext.jobs j ON j.seq = a.job \
         LEFT JOIN upnext.live l ON l.job = a.job LEFT JOIN upnext.blobs b ON b.blob = a.blob \
         ORDER BY {outer}",
        key = order.key.unwrap_or("NULL"),
        where = filter.sql(),
        by = order.inner(few),
        outer = order.outer(),
    );
    let read = |row: &Row| {
        Ok((
            Cursor { seq: row.try_get(ARTIFACT_SEQ)?, key: row.try_get(ARTIFACT_SEQ + 1)? },
            rows::artifact(row)?,
        ))
    };
    let (items, next) = page_rows(connection, &sql, &filter, query.limit, read).await?;
    Ok(Page { items, total, total_is_capped, next })
}

/// True when something other than function and type narrows the list.
fn known_is_narrow(query: &ArtifactQuery) -> bool {
    query.is_bounded()
        || query.name.is_some()
        || query.name_contains.is_some()
        || query.name_glob.is_some()
        || query.search.is_some()
        || !query.tags.is_empty()
}

async fn terms(connection: &Connection<'_>, query: &ArtifactQuery) -> Result<Filter> {
    let mut filter = Filter::default();
    filter.add_if("a.job = (SELECT seq FROM upnext.jobs WHERE id = ?)", query.job_id.map(job_uuid));
    if let Some(root) = query.root_id {
        filter.add(
            "a.job IN (SELECT seq FROM upnext.jobs WHERE root_id = ? UNION ALL SELECT seq FROM upnext.jobs WHERE id = ?)",
            job_uuid(root),
        );
        filter.values.push(Box::new(job_uuid(root)));
    }
    filter.add_if(
        "a.seq IN (SELECT artifact FROM upnext.artifact_reads WHERE job = (SELECT seq FROM upnext.jobs WHERE id = ?))",
        query.read_by.map(job_uuid),
    );
    filter.add_if("a.function = ?", query.function.as_deref().map(text));
    filter.add_if("a.type = ?", query.artifact_type.as_ref().map(|kind| kind.as_str().to_owned()));
    filter.add_if("a.name = ?", query.name.as_deref().map(text));
    filter.add_if("a.size_bytes >= ?", query.min_size.map(stored_size));
    filter.add_if("a.size_bytes <= ?", query.max_size.map(stored_size));
    if let Some(after) = query.after {
        filter.add("a.seq >= ?", first_made_at(connection, after).await?);
    }
    if let Some(before) = query.before {
        filter.add("a.seq < ?", first_made_at(connection, before).await?);
    }
    filter.plain(if query.all_versions { "a.version > 0" } else { "a.latest" });
    texts(query, &mut filter);
    for tag in &query.tags {
        filter.add("a.seq IN (SELECT artifact FROM upnext.artifact_tags WHERE tag = ?)", text(tag));
    }
    Ok(filter)
}

fn texts(query: &ArtifactQuery, filter: &mut Filter) {
    let mut add = |term: &str, value: Option<String>| match value {
        Some(value) => filter.add(term, value),
        None => filter.plain("false"),
    };
    if let Some(glob) = &query.name_glob {
        add("a.name ~ ?", search::expression(glob));
    }
    if let Some(part) = &query.name_contains {
        add("coalesce(a.folded_name, a.name) LIKE ?", search::containing(&without_case(part)));
    }
    for word in query.search.as_deref().map(search::words).unwrap_or_default() {
        add(
            "(coalesce(a.folded_name, a.name) || E'\\n' || coalesce(a.search_text, '')) LIKE ?",
            search::containing(&word),
        );
    }
}

/// The first `seq` that belongs to an artifact made at this moment or later.
async fn first_made_at(connection: &Connection<'_>, moment: Timestamp) -> Result<i64> {
    let from = include_str!("../queries/made_from.sql");
    let found = connection.optional(from, params![moment.as_micros()]).await?;
    Ok(found.map(|row| row.try_get(0)).transpose()?.unwrap_or(i64::MAX))
}

/// How many there are, and whether there are more than that: all that a job, a tree of jobs or one reader has, and
/// otherwise as many as are counted.
async fn count(connection: &Connection<'_>, query: &ArtifactQuery, filter: &Filter) -> Result<(u64, bool)> {
    let bounded = query.is_bounded();
    let most = (!bounded).then_some(i64::try_from(COUNTED + 1).unwrap_or(i64::MAX));
    let count = filter.count(connection, "upnext.artifacts a", most).await?;
    Ok(if !bounded && count > COUNTED { (COUNTED, true) } else { (count, false) })
}

/// How many there are where the filters are those of the table of counts.
async fn known_total(connection: &Connection<'_>, query: &ArtifactQuery) -> Result<Option<u64>> {
    if !query.is_by_kind() {
        return Ok(None);
    }
    let ArtifactQuery { function, artifact_type, all_versions, .. } = query;
    let mut filter = Filter::default();
    filter.add_if("function = ?", function.as_deref().map(text));
    filter.add_if("type = ?", artifact_type.as_ref().map(|kind| kind.as_str().to_owned()));
    let column = if *all_versions { "versions" } else { "latest" };
    let sql =
        format!("SELECT coalesce(sum({column}), 0)::bigint FROM upnext.artifact_counts {}", filter.sql());
    let total = connection.one(&crate::filter::numbered(&sql), &filter.values()).await?;
    Ok(Some(rows::count(&total, 0)?))
}

/// The order of a list in SQL.
struct Order {
    direction: &'static str,
    /// The column it is sorted by before `seq`.
    key: Option<&'static str>,
    /// How what comes after a row compares to it.
    comparison: &'static str,
}

impl Order {
    const fn of(sort: ArtifactSort) -> Self {
        let (key, direction, comparison) = match sort {
            ArtifactSort::Newest => (None, "DESC", "<"),
            ArtifactSort::Oldest => (None, "ASC", ">"),
            ArtifactSort::Largest => (Some("a.size_bytes"), "DESC", "<"),
            ArtifactSort::Smallest => (Some("a.size_bytes"), "ASC", ">"),
            ArtifactSort::Name => (Some("a.name"), "ASC", ">"),
            ArtifactSort::NameDescending => (Some("a.name"), "DESC", "<"),
        };
        Self { direction, key, comparison }
    }

    fn inner(&self, few: bool) -> String {
        let seq = if few { "a.seq + 0" } else { "a.seq" };
        let key = self.key.map_or_else(String::new, |key| format!("{key} {}, ", self.direction));
        format!("{key}{seq} {}", self.direction)
    }

    fn outer(&self) -> String {
        let key = self.key.map_or_else(String::new, |_| format!("p.key {}, ", self.direction));
        format!("{key}p.seq {}", self.direction)
    }

    fn continue_after(&self, cursor: &Cursor, filter: &mut Filter) {
        let term = |key: &str| format!("({key}, a.seq) {} (?, ?)", self.comparison);
        match (self.key, &cursor.key) {
            (Some("a.size_bytes"), Some(key)) => {
                filter.add(term("a.size_bytes"), key.parse::<i64>().unwrap_or_default());
            }
            (Some(column), Some(key)) => filter.add(term(column), text(key)),
            // A cursor of another order continues by age, which is as good as any answer to it.
            _ => {
                filter.add(format!("a.seq {} ?", self.comparison), cursor.seq);
                return;
            }
        }
        filter.values.push(Box::new(cursor.seq));
    }
}

pub(crate) async fn artifact_totals(connection: &Connection<'_>) -> Result<ArtifactTotals> {
    let row = connection.one(include_str!("../queries/artifact_totals.sql"), &[]).await?;
    Ok(ArtifactTotals {
        artifacts: rows::count(&row, 0)?,
        versions: rows::count(&row, 1)?,
        logical_bytes: rows::count(&row, 2)?,
        blobs: rows::count(&row, 3)?,
        stored_bytes: rows::count(&row, 4)?,
    })
}
