//! `list_artifacts`: filters, orders, pages and totals, each through an index that fits.
//!
//! A page is read through the driver that fits (`artifact_driver`).

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params_from_iter};
use upnext_core::backend::{ArtifactQuery, ArtifactSort, ArtifactTotals, Cursor, Page};
use upnext_core::folding::without_case;
use upnext_core::{Artifact, Timestamp};

use crate::artifact_driver::{COUNTED, Driver, Ready, Shelf, driver, has_size, these};
use crate::listing::{Filter, id_value, page_rows};
use crate::rows::{self, ARTIFACT_COLUMNS, ARTIFACT_SEQ};
use crate::search;

/// How many artifacts are looked at to count them once the page is full, where each has to be looked at.
const LOOKED_AT: u64 = 1000;

pub(crate) fn list_artifacts(
    connection: &Connection,
    query: &ArtifactQuery,
    ready: Ready,
) -> rusqlite::Result<Page<Artifact>> {
    let driver = driver(connection, query, ready)?;
    let Terms { narrow, checks } = terms(connection, query, &driver, ready)?;
    let (total, total_is_capped, answer) = if let Some(total) = known_total(connection, query)? {
        (total, false, None)
    } else if query.is_bounded() || (!driver.is_of_some() && checks.terms.is_empty()) {
        let (total, is_capped) = count(connection, query, &driver, &narrow.clone().and(&checks))?;
        (total, is_capped, None)
    } else {
        let seen = look_through(connection, query, &driver, &narrow, &checks)?;
        let (total, is_capped) = seen.total();
        (total, is_capped, seen.answer(query).map(these))
    };
    let few = total <= COUNTED && !total_is_capped;
    let (driver, mut filter) = if let Some(answer) = answer {
        // The whole answer, or the page, is known already: nothing is searched twice.
        answer
    } else if let Some(other) = driver.in_order(query, few, ready) {
        let Terms { narrow, checks } = terms(connection, query, &other, ready)?;
        (other, narrow.and(&checks))
    } else {
        (driver, narrow.and(&checks))
    };
    let order = Order::of(query.sort, &driver, few);
    if let Some(cursor) = &query.cursor {
        order.continue_after(cursor, &mut filter);
    }
    // First which ones, for which an index may do, then all that is known of these few.
    let sql = format!(
        "SELECT {ARTIFACT_COLUMNS}, p.key FROM (SELECT {seq} AS seq, {key} AS key FROM {from} {where} ORDER BY {by} LIMIT ?) p \
         CROSS JOIN artifacts a ON a.seq = p.seq CROSS JOIN jobs j ON j.seq = a.job LEFT JOIN blobs b ON b.blob = a.blob \
         ORDER BY p.key {direction}, p.seq {direction}",
        seq = driver.seq,
        key = order.key.unwrap_or("NULL"),
        from = driver.from,
        where = filter.sql(),
        by = order.by,
        direction = order.direction,
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

/// What a list is to hold.
#[derive(Default)]
struct Terms {
    /// What indexes answer.
    narrow: Filter,
    /// What each artifact has to be looked at for.
    checks: Filter,
}

fn terms(
    connection: &Connection,
    query: &ArtifactQuery,
    driver: &Driver,
    ready: Ready,
) -> rusqlite::Result<Terms> {
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
    let of_function = if driver.shelf == Some(Shelf::Function) { "h.function = ?" } else { "a.function = ?" };
    filter.add_if(of_function, query.function.clone());
    // The sign keeps SQLite from taking the index on types for the narrower one.
    let of_type = if query.function.is_some() { "+a.type = ?" } else { "a.type = ?" };
    filter.add_if(of_type, query.artifact_type.as_ref().map(|kind| kind.as_str().to_owned()));
    filter.add_if(if driver.shelf.is_some() { "h.name = ?" } else { "a.name = ?" }, query.name.clone());
    let (at_least, at_most) = match driver.shelf {
        Some(Shelf::Size) => ("h.size_bytes >= ?", "h.size_bytes <= ?"),
        _ => ("a.size_bytes >= ?", "a.size_bytes <= ?"),
    };
    filter.add_if(at_least, query.min_size.map(stored_size));
    filter.add_if(at_most, query.max_size.map(stored_size));
    if let Some(after) = query.after {
        filter.add(seq_term(driver.seq, ">="), first_made_at(connection, after)?);
    }
    if let Some(before) = query.before {
        filter.add(seq_term(driver.seq, "<"), first_made_at(connection, before)?);
    }
    if ready.filed && driver.seq == "a.seq" {
        // What is filed can be seen.
        filter.terms.push("a.filed = 1");
    } else if query.all_versions && driver.shelf.is_none() {
        filter.terms.push("a.version > 0");
    }
    match driver.shelf {
        _ if query.all_versions => {}
        None => filter.terms.push("a.latest = 1"),
        Some(Shelf::Function) => filter.terms.push("h.latest = 1"),
        Some(Shelf::Name | Shelf::Size) => {}
    }
    Ok(Terms { narrow: filter, checks: checks(query, driver) })
}

/// What neither the driver nor another index can tell.
fn checks(query: &ArtifactQuery, driver: &Driver) -> Filter {
    let mut checks = Filter::default();
    checks.add_if("a.name GLOB ?", query.name_glob.clone());
    if query.name_glob.as_ref().is_some_and(|glob| glob.contains('\0')) {
        // GLOB would take it for the end of the pattern; no name holds it.
        checks.terms.push("FALSE");
    }
    checks.add_if(
        "instr(coalesce(a.folded_name, a.name), ?) > 0",
        query.name_contains.as_deref().map(without_case),
    );
    for word in query.search.as_deref().map(search::words).unwrap_or_default() {
        checks.add(
            "instr(coalesce(a.folded_name, a.name) || char(10) || coalesce(a.search_text, ''), ?) > 0",
            word,
        );
    }
    for tag in query.tags.iter().filter(|tag| driver.tag.as_ref() != Some(*tag)) {
        checks.add(
            "EXISTS (SELECT 1 FROM artifact_tags x WHERE x.tag = ? AND x.artifact = a.seq)",
            tag.clone(),
        );
    }
    checks
}

/// How the `seq` of the driving index compares to a value.
fn seq_term(seq: &str, comparison: &str) -> &'static str {
    match (seq, comparison) {
        ("s.rowid", "<") => "s.rowid < ?",
        ("s.rowid", ">") => "s.rowid > ?",
        ("s.rowid", _) => "s.rowid >= ?",
        ("h.seq", "<") => "h.seq < ?",
        ("h.seq", ">") => "h.seq > ?",
        ("h.seq", _) => "h.seq >= ?",
        ("t.artifact", "<") => "t.artifact < ?",
        ("t.artifact", ">") => "t.artifact > ?",
        ("t.artifact", _) => "t.artifact >= ?",
        (_, "<") => "a.seq < ?",
        (_, ">") => "a.seq > ?",
        _ => "a.seq >= ?",
    }
}

/// The first `seq` that belongs to an artifact made at this moment or later. Times rise with `seq` (see
/// `artifacts::next_moment`), so halving finds it without an index.
fn first_made_at(connection: &Connection, moment: Timestamp) -> rusqlite::Result<i64> {
    let mut created = connection.prepare_cached(include_str!("../queries/created_from.sql"))?;
    let (mut earlier, mut found) = (0, search::newest(connection)? + 1);
    while earlier < found {
        let middle = earlier + (found - earlier) / 2;
        let created_at: Option<i64> = created.query_row([middle], |row| row.get(0)).optional()?;
        if created_at.is_some_and(|created_at| created_at < moment.as_micros()) {
            earlier = middle + 1;
        } else {
            found = middle;
        }
    }
    Ok(found)
}

/// What looking at one artifact after the other found.
struct Seen {
    found: Vec<i64>,
    /// There are no others.
    is_all: bool,
    /// They are the newest.
    are_newest: bool,
}

impl Seen {
    /// How many there are, and whether there may be more.
    fn total(&self) -> (u64, bool) {
        let count = self.found.len() as u64;
        if self.is_all { (count, false) } else { (count.min(COUNTED), true) }
    }

    /// All artifacts that the page can hold, if they are known by now.
    fn answer(&self, query: &ArtifactQuery) -> Option<&[i64]> {
        if self.is_all {
            return Some(&self.found);
        }
        let is_first = query.sort == ArtifactSort::Newest && query.cursor.is_none() && self.are_newest;
        // One more than the page holds tells that there is a next one.
        self.found.get(..query.limit.saturating_add(1)).filter(|_| is_first)
    }
}

/// Looks at one artifact after the other, the newest first where that costs nothing, until there are as many as are
/// counted, or enough for the page and many have been looked at.
fn look_through(
    connection: &Connection,
    query: &ArtifactQuery,
    driver: &Driver,
    narrow: &Filter,
    checks: &Filter,
) -> rusqlite::Result<Seen> {
    // Sizes have an order of their own.
    let are_newest = query.min_size.is_none() && query.max_size.is_none();
    let (seq, from) = (driver.seq, driver.from);
    let order = if are_newest { format!("ORDER BY {seq} DESC") } else { String::new() };
    let fits = if checks.terms.is_empty() { "TRUE".to_owned() } else { checks.terms.join(" AND ") };
    let sql = format!("SELECT {seq}, {fits} FROM {from} {} {order}", narrow.sql());
    let mut statement = connection.prepare_cached(&sql)?;
    let mut rows = statement.query(params_from_iter(checks.values.iter().chain(&narrow.values)))?;
    let enough = if query.cursor.is_none() { query.limit } else { 0 };
    let mut seen = Seen { found: Vec::new(), is_all: true, are_newest };
    let mut looked_at = 0;
    while let Some(row) = rows.next()? {
        let count = seen.found.len();
        if count as u64 >= COUNTED.max(enough as u64 + 1) || (looked_at >= LOOKED_AT && count > enough) {
            seen.is_all = false;
            break;
        }
        looked_at += 1;
        if row.get(1)? {
            seen.found.push(row.get(0)?);
        }
    }
    Ok(seen)
}

fn stored_size(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

/// How many there are, and whether there are more than that: all that a job, a tree of jobs or one reader has, and
/// otherwise as many as are counted.
fn count(
    connection: &Connection,
    query: &ArtifactQuery,
    driver: &Driver,
    filter: &Filter,
) -> rusqlite::Result<(u64, bool)> {
    let bounded = query.is_bounded();
    // The shelf alone may tell: those of names know nothing of types and sizes.
    let of_names = query.artifact_type.is_none() && !has_size(query);
    let from = match driver.shelf {
        Some(Shelf::Name) if of_names => "artifacts_by_name h",
        Some(Shelf::Function) if of_names => "artifacts_by_function h",
        Some(Shelf::Size) => "artifacts_by_size h",
        _ => driver.from,
    };
    let most = if bounded { i64::MAX } else { i64::try_from(COUNTED + 1).unwrap_or(i64::MAX) };
    let sql = format!("SELECT count(*) FROM (SELECT 1 FROM {from} {} LIMIT {most})", filter.sql());
    let count: u64 =
        connection.prepare_cached(&sql)?.query_row(params_from_iter(&filter.values), |row| row.get(0))?;
    Ok(if !bounded && count > COUNTED { (COUNTED, true) } else { (count, false) })
}

/// How many there are where the filters are those of the table of counts.
fn known_total(connection: &Connection, query: &ArtifactQuery) -> rusqlite::Result<Option<u64>> {
    if !query.is_by_kind() {
        return Ok(None);
    }
    let ArtifactQuery { function, artifact_type, all_versions, .. } = query;
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
    direction: &'static str,
    /// The column it is sorted by before `seq`.
    key: Option<&'static str>,
    /// How what comes after a row compares to it.
    comparison: &'static str,
    seq: &'static str,
}

impl Order {
    /// `few`: there are so few that sorting them costs nothing, while walking along `seq` might pass all the others.
    fn of(sort: ArtifactSort, driver: &Driver, few: bool) -> Self {
        let seq = driver.seq;
        let (name, size, tie) = match driver.shelf {
            None => ("a.name", "a.size_bytes", "a.seq"),
            Some(Shelf::Name | Shelf::Function) => ("h.name", "a.size_bytes", "h.seq"),
            Some(Shelf::Size) => ("a.name", "h.size_bytes", "h.seq"),
        };
        let (key, direction, comparison) = match sort {
            ArtifactSort::Newest => (None, "DESC", "<"),
            ArtifactSort::Oldest => (None, "ASC", ">"),
            ArtifactSort::Largest => (Some(size), "DESC", "<"),
            ArtifactSort::Smallest => (Some(size), "ASC", ">"),
            ArtifactSort::Name => (Some(name), "ASC", ">"),
            ArtifactSort::NameDescending => (Some(name), "DESC", "<"),
        };
        // The sign keeps SQLite from choosing an index for its order instead of for what it leaves out.
        let by = match (key, few && seq == "a.seq") {
            // By the table's own `seq` here: the index on the key ends with it.
            (Some(key), false) => format!("{key} {direction}, {tie} {direction}"),
            (Some(key), true) => format!("+{key} {direction}, +a.seq {direction}"),
            (None, false) => format!("{seq} {direction}"),
            (None, true) => format!("+a.seq {direction}"),
        };
        Self { by, direction, key, comparison, seq }
    }

    fn continue_after(&self, cursor: &Cursor, filter: &mut Filter) {
        let key = match (self.key, &cursor.key) {
            (Some("a.size_bytes" | "h.size_bytes"), Some(key)) => {
                Value::Integer(key.parse().unwrap_or_default())
            }
            (Some(_), Some(key)) => Value::Text(key.clone()),
            // A cursor of another order continues by age, which is as good as any answer to it.
            _ => {
                filter.add(seq_term(self.seq, self.comparison), cursor.seq);
                return;
            }
        };
        filter.add(
            match (self.key, self.comparison) {
                (Some("a.size_bytes"), "<") => "(a.size_bytes, a.seq) < (?, ?)",
                (Some("a.size_bytes"), _) => "(a.size_bytes, a.seq) > (?, ?)",
                (Some("h.size_bytes"), "<") => "(h.size_bytes, h.seq) < (?, ?)",
                (Some("h.size_bytes"), _) => "(h.size_bytes, h.seq) > (?, ?)",
                (Some("h.name"), "<") => "(h.name, h.seq) < (?, ?)",
                (Some("h.name"), _) => "(h.name, h.seq) > (?, ?)",
                (_, "<") => "(a.name, a.seq) < (?, ?)",
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
