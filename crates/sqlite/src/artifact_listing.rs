//! `list_artifacts`: filters, orders, pages and totals, each through an index that fits.
//!
//! A page is read through a *driver*, the index that narrows the list most: the search index for texts, the tags, or the
//! artifacts themselves. All drivers give artifacts in the order of `seq`, so that the newest page is read without looking
//! at the rest.

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};
use upnext_core::Artifact;
use upnext_core::backend::{ArtifactQuery, ArtifactSort, ArtifactTotals, Cursor, Page};

use crate::listing::{Filter, id_value, page_rows};
use crate::rows::{self, ARTIFACT_COLUMNS, ARTIFACT_SEQ};
use crate::search;

/// How far is counted where nothing but counting tells how many there are.
const COUNTED: u64 = 1000;

/// True when a query goes through the search index, which has to be up to date then.
pub(crate) fn searches(query: &ArtifactQuery) -> bool {
    driver(query).expression.is_some()
}

pub(crate) fn list_artifacts(
    connection: &Connection,
    query: &ArtifactQuery,
) -> rusqlite::Result<Page<Artifact>> {
    let driver = driver(query);
    let mut filter = filter(query, &driver);
    let (total, total_is_capped) = total(connection, query, &driver, &filter)?;
    let order = Order::of(query.sort, driver.seq);
    if let Some(cursor) = &query.cursor {
        order.continue_after(cursor, &mut filter);
    }
    let sql = format!(
        "SELECT {ARTIFACT_COLUMNS}, {key} FROM {from} CROSS JOIN jobs j ON j.seq = a.job \
         LEFT JOIN blobs b ON b.blob = a.blob {where} ORDER BY {by} LIMIT ?",
        key = order.key.unwrap_or("NULL"),
        from = driver.from,
        where = filter.sql(),
        by = order.by,
    );
    let read = |row: &rusqlite::Row<'_>| {
        let key = match row.get_ref(ARTIFACT_SEQ + 1)? {
            rusqlite::types::ValueRef::Null => None,
            rusqlite::types::ValueRef::Integer(number) => Some(number.to_string()),
            other => Some(other.as_str()?.to_owned()),
        };
        Ok((Cursor { seq: row.get(ARTIFACT_SEQ)?, key }, rows::artifact(row)?))
    };
    let (items, next) = page_rows(connection, &sql, &filter, query.limit, read)?;
    Ok(Page { items, total, total_is_capped, next })
}

/// What leads to the artifacts of a page.
struct Driver {
    /// What stands behind FROM; artifacts are `a`.
    from: &'static str,
    /// The column that holds `seq` in the driving index.
    seq: &'static str,
    /// What the search index is asked for, if it drives.
    expression: Option<String>,
    /// The tag that drives, if one does.
    tag: Option<String>,
}

fn driver(query: &ArtifactQuery) -> Driver {
    let in_name: Vec<String> = query
        .name_contains
        .iter()
        .map(|text| text.to_lowercase())
        .chain(query.name_glob.as_deref().map(search::literals).unwrap_or_default())
        .collect();
    let anywhere = query.search.as_deref().map(search::words).unwrap_or_default();
    // One job has few artifacts, and its own index.
    let narrow = query.job_id.is_some() || query.root_id.is_some() || query.name.is_some();
    let expression = search::expression(&anywhere, &in_name).filter(|_| !narrow);
    let tag = query.tags.first().filter(|_| expression.is_none() && !narrow).cloned();
    let (from, seq) = match (&expression, &tag) {
        (Some(_), _) => ("artifact_search s CROSS JOIN artifacts a ON a.seq = s.rowid", "s.rowid"),
        (None, Some(_)) => ("artifact_tags t CROSS JOIN artifacts a ON a.seq = t.artifact", "t.artifact"),
        (None, None) => ("artifacts a", "a.seq"),
    };
    Driver { from, seq, expression, tag }
}

fn filter(query: &ArtifactQuery, driver: &Driver) -> Filter {
    let mut filter = Filter::default();
    filter.add_if("artifact_search MATCH ?", driver.expression.clone());
    filter.add_if("t.tag = ?", driver.tag.clone());
    filter.add_if("a.job = (SELECT seq FROM jobs WHERE id = ?)", query.job_id.map(id_value));
    if let Some(root) = query.root_id {
        filter.add(
            "a.job IN (SELECT seq FROM jobs WHERE root_id = ? UNION ALL SELECT seq FROM jobs WHERE id = ?)",
            id_value(root),
        );
        filter.values.push(id_value(root));
    }
    filter.add_if(
        "a.seq IN (SELECT artifact FROM artifact_reads WHERE job = (SELECT seq FROM jobs WHERE id = ?))",
        query.read_by.map(id_value),
    );
    filter.add_if("a.function = ?", query.function.clone());
    filter.add_if("a.type = ?", query.artifact_type.as_ref().map(|kind| kind.as_str().to_owned()));
    filter.add_if("a.name = ?", query.name.clone());
    filter.add_if("a.name GLOB ?", query.name_glob.clone());
    filter.add_if(
        "instr(coalesce(a.folded_name, a.name), ?) > 0",
        query.name_contains.as_deref().map(str::to_lowercase),
    );
    for word in query.search.as_deref().map(search::words).unwrap_or_default() {
        filter.add(
            "instr(coalesce(a.folded_name, a.name) || char(10) || coalesce(a.search_text, ''), ?) > 0",
            word,
        );
    }
    for tag in query.tags.iter().skip(usize::from(driver.tag.is_some())) {
        filter.add(
            "EXISTS (SELECT 1 FROM artifact_tags x WHERE x.tag = ? AND x.artifact = a.seq)",
            tag.clone(),
        );
    }
    filter.add_if("a.size_bytes >= ?", query.min_size.map(stored_size));
    filter.add_if("a.size_bytes <= ?", query.max_size.map(stored_size));
    add_times(query, &mut filter);
    filter.terms.push(if query.all_versions { "a.version > 0" } else { "a.latest = 1" });
    filter
}

/// A span of time is also a span of `seq`, by which the page is read: see `record_artifact.sql`.
fn add_times(query: &ArtifactQuery, filter: &mut Filter) {
    if let Some(after) = query.after {
        filter.add(
            "a.seq >= coalesce((SELECT seq FROM artifacts WHERE created_at >= ? ORDER BY created_at, seq LIMIT 1), \
             9223372036854775807)",
            after.as_micros(),
        );
    }
    if let Some(before) = query.before {
        filter.add(
            "a.seq <= coalesce((SELECT seq FROM artifacts WHERE created_at < ? ORDER BY created_at DESC, seq DESC \
             LIMIT 1), 0)",
            before.as_micros(),
        );
    }
}

fn stored_size(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

/// How many there are, and whether there are more than that. Known without counting where the filters are those of the
/// table of counts, and counted only so far otherwise, unless one job, one reader or one name bounds it.
fn total(
    connection: &Connection,
    query: &ArtifactQuery,
    driver: &Driver,
    filter: &Filter,
) -> rusqlite::Result<(u64, bool)> {
    if let Some(total) = known_total(connection, query)? {
        return Ok((total, false));
    }
    let bounded =
        query.job_id.is_some() || query.root_id.is_some() || query.read_by.is_some() || query.name.is_some();
    let most = if bounded { i64::MAX } else { i64::try_from(COUNTED + 1).unwrap_or(i64::MAX) };
    let sql = format!("SELECT count(*) FROM (SELECT 1 FROM {} {} LIMIT {most})", driver.from, filter.sql());
    let count: u64 =
        connection.prepare_cached(&sql)?.query_row(params_from_iter(&filter.values), |row| row.get(0))?;
    Ok(if !bounded && count > COUNTED { (COUNTED, true) } else { (count, false) })
}

fn known_total(connection: &Connection, query: &ArtifactQuery) -> rusqlite::Result<Option<u64>> {
    let ArtifactQuery {
        job_id: None,
        root_id: None,
        read_by: None,
        function,
        artifact_type,
        name: None,
        name_contains: None,
        name_glob: None,
        tags,
        min_size: None,
        max_size: None,
        after: None,
        before: None,
        search: None,
        all_versions,
        sort: _,
        limit: _,
        cursor: _,
    } = query
    else {
        return Ok(None);
    };
    if !tags.is_empty() {
        return Ok(None);
    }
    let mut filter = Filter::default();
    filter.add_if("function = ?", function.clone());
    filter.add_if("type = ?", artifact_type.as_ref().map(|kind| kind.as_str().to_owned()));
    let column = if *all_versions { "versions" } else { "latest" };
    let sql = format!("SELECT coalesce(sum({column}), 0) FROM artifact_counts {}", filter.sql());
    let total =
        connection.prepare_cached(&sql)?.query_row(params_from_iter(&filter.values), |row| row.get(0))?;
    Ok(Some(total))
}

/// The order of a list in SQL.
struct Order {
    by: String,
    /// The column it is sorted by before `seq`.
    key: Option<&'static str>,
    /// How what comes after a row compares to it.
    comparison: char,
    seq: &'static str,
}

impl Order {
    fn of(sort: ArtifactSort, seq: &'static str) -> Self {
        let (key, direction, comparison) = match sort {
            ArtifactSort::Newest => (None, "DESC", '<'),
            ArtifactSort::Oldest => (None, "ASC", '>'),
            ArtifactSort::Largest => (Some("a.size_bytes"), "DESC", '<'),
            ArtifactSort::Smallest => (Some("a.size_bytes"), "ASC", '>'),
            ArtifactSort::Name => (Some("a.name"), "ASC", '>'),
            ArtifactSort::NameDescending => (Some("a.name"), "DESC", '<'),
        };
        let by = match key {
            // By the table's own `seq` here: the index on the key ends with it.
            Some(key) => format!("{key} {direction}, a.seq {direction}"),
            None => format!("{seq} {direction}"),
        };
        Self { by, key, comparison, seq }
    }

    fn continue_after(&self, cursor: &Cursor, filter: &mut Filter) {
        let key = match (self.key, &cursor.key) {
            (Some("a.size_bytes"), Some(key)) => Value::Integer(key.parse().unwrap_or_default()),
            (Some(_), Some(key)) => Value::Text(key.clone()),
            // A cursor of another order continues by age, which is as good as any answer to it.
            _ => {
                let term = match (self.seq, self.comparison) {
                    ("s.rowid", '<') => "s.rowid < ?",
                    ("s.rowid", _) => "s.rowid > ?",
                    ("t.artifact", '<') => "t.artifact < ?",
                    ("t.artifact", _) => "t.artifact > ?",
                    (_, '<') => "a.seq < ?",
                    _ => "a.seq > ?",
                };
                filter.add(term, cursor.seq);
                return;
            }
        };
        filter.add(
            match (self.key, self.comparison) {
                (Some("a.size_bytes"), '<') => "(a.size_bytes, a.seq) < (?, ?)",
                (Some("a.size_bytes"), _) => "(a.size_bytes, a.seq) > (?, ?)",
                (_, '<') => "(a.name, a.seq) < (?, ?)",
                _ => "(a.name, a.seq) > (?, ?)",
            },
            key,
        );
        filter.values.push(Value::Integer(cursor.seq));
    }
}

pub(crate) fn artifact_totals(connection: &Connection) -> rusqlite::Result<ArtifactTotals> {
    connection.prepare_cached(include_str!("../queries/artifact_totals.sql"))?.query_row([], |row| {
        Ok(ArtifactTotals {
            artifacts: row.get(0)?,
            versions: row.get(1)?,
            logical_bytes: row.get(2)?,
            blobs: row.get(3)?,
            stored_bytes: row.get(4)?,
        })
    })
}
