//! `list_artifacts`: filters, orders, pages and totals, each through an index that fits.
//!
//! A page is read through a *driver*, the index that narrows the list most: the search index for texts, the tags, or the
//! artifacts themselves. All drivers give artifacts in the order of `seq`, so that the newest page is read without looking
//! at the rest.

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, params, params_from_iter};
use upnext_core::backend::{ArtifactQuery, ArtifactSort, ArtifactTotals, Cursor, Page};
use upnext_core::folding::without_case;
use upnext_core::{Artifact, Timestamp};

use crate::listing::{Filter, id_value, page_rows};
use crate::rows::{self, ARTIFACT_COLUMNS, ARTIFACT_SEQ};
use crate::search;

/// How far is counted where nothing but counting tells how many there are.
const COUNTED: u64 = 1000;

/// True when a query may go through the search index, which has to be up to date then.
pub(crate) fn searches(query: &ArtifactQuery) -> bool {
    expression(query).is_some()
}

pub(crate) fn list_artifacts(
    connection: &Connection,
    query: &ArtifactQuery,
) -> rusqlite::Result<Page<Artifact>> {
    let mut driver = driver(connection, query)?;
    let mut filter = filter(connection, query, &driver)?;
    let (total, total_is_capped) = if driver.seq == "a.seq" {
        total(connection, query, &driver, &filter)?
    } else {
        let found = first_found(connection, &driver, &filter)?;
        let count = found.len() as u64;
        if count <= COUNTED {
            // The whole answer is known already: nothing is searched twice.
            (driver, filter) = these(&found);
        }
        (count.min(COUNTED), count > COUNTED)
    };
    let few = total <= COUNTED && !total_is_capped;
    let order = Order::of(query.sort, driver.seq, few);
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

/// What the search index can be asked for.
fn expression(query: &ArtifactQuery) -> Option<String> {
    // One job or name has few artifacts, and its own index.
    if query.job_id.is_some() || query.root_id.is_some() || query.name.is_some() {
        return None;
    }
    let in_name: Vec<String> = query
        .name_contains
        .iter()
        .map(|text| without_case(text))
        .chain(query.name_glob.as_deref().map(search::literals).unwrap_or_default())
        .collect();
    let anywhere = query.search.as_deref().map(search::words).unwrap_or_default();
    search::expression(&anywhere, &in_name)
}

fn driver(connection: &Connection, query: &ArtifactQuery) -> rusqlite::Result<Driver> {
    let narrow = query.job_id.is_some() || query.root_id.is_some() || query.name.is_some();
    let mut expression = expression(query);
    if let Some(text) = expression.as_ref().filter(|_| query.function.is_some()) {
        // A text that many have narrows less than a function does.
        let found: u64 = connection
            .prepare_cached(include_str!("../queries/search_count.sql"))?
            .query_row(params![text, COUNTED], |row| row.get(0))?;
        expression = expression.filter(|_| found < COUNTED);
    }
    let tag = if expression.is_none() && !narrow { rarest_tag(connection, &query.tags)? } else { None };
    let (from, seq) = match (&expression, &tag) {
        (Some(_), _) => ("artifact_search s CROSS JOIN artifacts a ON a.seq = s.rowid", "s.rowid"),
        (None, Some(_)) => ("artifact_tags t CROSS JOIN artifacts a ON a.seq = t.artifact", "t.artifact"),
        (None, None) => ("artifacts a", "a.seq"),
    };
    Ok(Driver { from, seq, expression, tag })
}

fn rarest_tag(connection: &Connection, tags: &[String]) -> rusqlite::Result<Option<String>> {
    if tags.len() < 2 {
        return Ok(tags.first().cloned());
    }
    let mut count = connection.prepare_cached(include_str!("../queries/tag_count.sql"))?;
    let mut rarest: Option<(i64, &String)> = None;
    for tag in tags {
        let found = count.query_row(params![tag, COUNTED], |row| row.get(0))?;
        if rarest.is_none_or(|(fewest, _)| found < fewest) {
            rarest = Some((found, tag));
        }
    }
    Ok(rarest.map(|(_, tag)| tag.clone()))
}

fn filter(connection: &Connection, query: &ArtifactQuery, driver: &Driver) -> rusqlite::Result<Filter> {
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
    // The sign keeps SQLite from taking the index on types for the narrower one.
    let of_type = if query.function.is_some() { "+a.type = ?" } else { "a.type = ?" };
    filter.add_if(of_type, query.artifact_type.as_ref().map(|kind| kind.as_str().to_owned()));
    filter.add_if("a.name = ?", query.name.clone());
    filter.add_if("a.name GLOB ?", query.name_glob.clone());
    if query.name_glob.as_ref().is_some_and(|glob| glob.contains('\0')) {
        // GLOB would take it for the end of the pattern; no name holds it.
        filter.terms.push("FALSE");
    }
    filter.add_if(
        "instr(coalesce(a.folded_name, a.name), ?) > 0",
        query.name_contains.as_deref().map(without_case),
    );
    for word in query.search.as_deref().map(search::words).unwrap_or_default() {
        filter.add(
            "instr(coalesce(a.folded_name, a.name) || char(10) || coalesce(a.search_text, ''), ?) > 0",
            word,
        );
    }
    for tag in query.tags.iter().filter(|tag| driver.tag.as_ref() != Some(*tag)) {
        let has_tag = match driver.seq {
            // Before the artifact itself is looked up.
            "t.artifact" => {
                "EXISTS (SELECT 1 FROM artifact_tags x WHERE x.tag = ? AND x.artifact = t.artifact)"
            }
            _ => "EXISTS (SELECT 1 FROM artifact_tags x WHERE x.tag = ? AND x.artifact = a.seq)",
        };
        filter.add(has_tag, tag.clone());
    }
    filter.add_if("a.size_bytes >= ?", query.min_size.map(stored_size));
    filter.add_if("a.size_bytes <= ?", query.max_size.map(stored_size));
    if let Some(after) = query.after {
        filter.add(seq_term(driver.seq, ">="), first_made_at(connection, after)?);
    }
    if let Some(before) = query.before {
        filter.add(seq_term(driver.seq, "<"), first_made_at(connection, before)?);
    }
    filter.terms.push(if query.all_versions { "a.version > 0" } else { "a.latest = 1" });
    Ok(filter)
}

/// How the `seq` of the driving index compares to a value.
fn seq_term(seq: &str, comparison: &str) -> &'static str {
    match (seq, comparison) {
        ("s.rowid", "<") => "s.rowid < ?",
        ("s.rowid", ">") => "s.rowid > ?",
        ("s.rowid", _) => "s.rowid >= ?",
        ("t.artifact", "<") => "t.artifact < ?",
        ("t.artifact", ">") => "t.artifact > ?",
        ("t.artifact", _) => "t.artifact >= ?",
        (_, "<") => "a.seq < ?",
        (_, ">") => "a.seq > ?",
        _ => "a.seq >= ?",
    }
}

/// The first `seq` that belongs to an artifact made at this moment or later. Times rise with `seq` (see
/// `record_artifact.sql`), so halving finds it without an index.
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

/// As many of what a driver gives as are counted, and one more.
fn first_found(connection: &Connection, driver: &Driver, filter: &Filter) -> rusqlite::Result<Vec<i64>> {
    let most = COUNTED + 1;
    let sql = format!("SELECT {} FROM {} {} LIMIT {most}", driver.seq, driver.from, filter.sql());
    connection.prepare_cached(&sql)?.query_map(params_from_iter(&filter.values), |row| row.get(0))?.collect()
}

/// What leads to just these artifacts.
fn these(seqs: &[i64]) -> (Driver, Filter) {
    let mut filter = Filter::default();
    let list = serde_json::to_string(seqs).unwrap_or_default();
    filter.add("a.seq IN (SELECT value FROM json_each(?))", list);
    (Driver { from: "artifacts a", seq: "a.seq", expression: None, tag: None }, filter)
}

fn stored_size(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

/// How many there are, and whether there are more than that. Known without counting where the filters are those of the
/// table of counts, and counted only so far otherwise, unless a job, a tree of jobs or one reader bounds it.
fn total(
    connection: &Connection,
    query: &ArtifactQuery,
    driver: &Driver,
    filter: &Filter,
) -> rusqlite::Result<(u64, bool)> {
    if let Some(total) = known_total(connection, query)? {
        return Ok((total, false));
    }
    let bounded = query.job_id.is_some() || query.root_id.is_some() || query.read_by.is_some();
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
    direction: &'static str,
    /// The column it is sorted by before `seq`.
    key: Option<&'static str>,
    /// How what comes after a row compares to it.
    comparison: &'static str,
    seq: &'static str,
}

impl Order {
    /// `few`: there are so few that sorting them costs nothing, while walking along `seq` might pass all the others.
    fn of(sort: ArtifactSort, seq: &'static str, few: bool) -> Self {
        let (key, direction, comparison) = match sort {
            ArtifactSort::Newest => (None, "DESC", "<"),
            ArtifactSort::Oldest => (None, "ASC", ">"),
            ArtifactSort::Largest => (Some("a.size_bytes"), "DESC", "<"),
            ArtifactSort::Smallest => (Some("a.size_bytes"), "ASC", ">"),
            ArtifactSort::Name => (Some("a.name"), "ASC", ">"),
            ArtifactSort::NameDescending => (Some("a.name"), "DESC", "<"),
        };
        // The sign keeps SQLite from choosing an index for its order instead of for what it leaves out.
        let by = match (key, few && seq == "a.seq") {
            // By the table's own `seq` here: the index on the key ends with it.
            (Some(key), false) => format!("{key} {direction}, a.seq {direction}"),
            (Some(key), true) => format!("+{key} {direction}, +a.seq {direction}"),
            (None, false) => format!("{seq} {direction}"),
            (None, true) => format!("+a.seq {direction}"),
        };
        Self { by, direction, key, comparison, seq }
    }

    fn continue_after(&self, cursor: &Cursor, filter: &mut Filter) {
        let key = match (self.key, &cursor.key) {
            (Some("a.size_bytes"), Some(key)) => Value::Integer(key.parse().unwrap_or_default()),
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
