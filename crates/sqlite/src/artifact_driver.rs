//! Through what a list of artifacts is read: its *driver*, the index that narrows it most or has its order.
//!
//! Drivers are the search index for texts, the tags, a shelf for a name or sizes, and the artifacts themselves. All but the sizes
//! give artifacts in the order of `seq`, so that the newest page is read without looking at the rest. A long list in the order
//! of names or sizes goes along a shelf (see [`crate::shelves`]).

use rusqlite::{Connection, params};
use upnext_core::backend::{ArtifactQuery, ArtifactSort};
use upnext_core::folding::without_case;

use crate::listing::{Filter, rarest_tag};
use crate::search;

/// How far is counted where nothing but counting tells how many there are.
pub(crate) const COUNTED: u64 = 1000;

/// True when a query may go through the search index, which has to be up to date then.
pub(crate) fn searches(query: &ArtifactQuery) -> bool {
    expression(query).is_some()
}

/// What is up to date, so that a list may go through it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Ready {
    /// The indexes that hold only what was filed.
    pub(crate) filed: bool,
    /// The shelves.
    pub(crate) shelved: bool,
}

/// True when a query goes through indexes that hold only artifacts that were filed.
pub(crate) fn needs_filed(query: &ArtifactQuery) -> bool {
    !query.is_bounded() && query.name.is_none() && (query.function.is_some() || query.artifact_type.is_some())
}

/// True when a query may go along a shelf.
pub(crate) fn needs_shelves(query: &ArtifactQuery) -> bool {
    let by_age = matches!(query.sort, ArtifactSort::Newest | ArtifactSort::Oldest);
    !query.is_bounded() && (query.name.is_some() || has_size(query) || !by_age)
}

pub(crate) const fn has_size(query: &ArtifactQuery) -> bool {
    query.min_size.is_some() || query.max_size.is_some()
}

/// What leads to the artifacts of a page.
pub(crate) struct Driver {
    /// What stands behind FROM; artifacts are `a`.
    pub(crate) from: &'static str,
    /// The column that holds `seq` in the driving index.
    pub(crate) seq: &'static str,
    /// What the search index is asked for, if it drives.
    pub(crate) expression: Option<String>,
    /// The tag that drives, if one does.
    pub(crate) tag: Option<String>,
    /// The shelf that drives, if one does.
    pub(crate) shelf: Option<Shelf>,
}

impl Driver {
    /// The artifacts themselves.
    const ARTIFACTS: Self =
        Self { from: "artifacts a", seq: "a.seq", expression: None, tag: None, shelf: None };

    /// Whether it leads to artifacts that have something, and knows no more of them.
    pub(crate) const fn is_of_some(&self) -> bool {
        self.expression.is_some() || self.tag.is_some()
    }

    /// The driver that gives many artifacts in the order of a list, where sorting what this one gives costs more.
    pub(crate) fn in_order(&self, query: &ArtifactQuery, few: bool, ready: Ready) -> Option<Self> {
        if few || !ready.shelved || self.is_of_some() || query.name.is_some() {
            return None;
        }
        // Between two sizes there are fewer than before or after one.
        let narrowed =
            query.artifact_type.is_some() || (query.min_size.is_some() && query.max_size.is_some());
        let other = match query.sort {
            ArtifactSort::Newest | ArtifactSort::Oldest => None,
            ArtifactSort::Name | ArtifactSort::NameDescending => Shelf::of_names(query),
            ArtifactSort::Largest | ArtifactSort::Smallest => Shelf::of_sizes(query),
        };
        match other {
            Some(Shelf::Name) if narrowed => None,
            None if narrowed || self.shelf.is_none() => None,
            other => Some(other.map_or(Self::ARTIFACTS, Shelf::driver)),
        }
    }
}

/// What can be walked along.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shelf {
    /// The newest versions by name.
    Name,
    /// All versions of each function by name.
    Function,
    /// The newest versions by size.
    Size,
}

impl Shelf {
    /// The one of names on which everything stands that a query asks for.
    fn of_names(query: &ArtifactQuery) -> Option<Self> {
        if query.function.is_some() {
            return Some(Self::Function);
        }
        (!query.all_versions).then_some(Self::Name)
    }

    /// The one of sizes, if everything that a query asks for stands on it and nothing else narrows the list more.
    fn of_sizes(query: &ArtifactQuery) -> Option<Self> {
        let narrowed = query.function.is_some() || query.artifact_type.is_some();
        (!narrowed && !query.all_versions).then_some(Self::Size)
    }

    fn driver(self) -> Driver {
        let from = match self {
            Self::Name => "artifacts_by_name h CROSS JOIN artifacts a ON a.seq = h.seq",
            Self::Function => "artifacts_by_function h CROSS JOIN artifacts a ON a.seq = h.seq",
            Self::Size => "artifacts_by_size h CROSS JOIN artifacts a ON a.seq = h.seq",
        };
        Driver { from, seq: "h.seq", shelf: Some(self), ..Driver::ARTIFACTS }
    }
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

/// The driver that narrows a list most.
pub(crate) fn driver(
    connection: &Connection,
    query: &ArtifactQuery,
    ready: Ready,
) -> rusqlite::Result<Driver> {
    if query.name.is_some() && ready.shelved {
        return Ok(Shelf::of_names(query).map_or(Driver::ARTIFACTS, Shelf::driver));
    }
    let narrow = query.job_id.is_some() || query.root_id.is_some() || query.name.is_some();
    let mut expression = expression(query);
    if let Some(text) = expression.as_ref().filter(|_| query.function.is_some()) {
        // A text that many have narrows less than a function does.
        let found: u64 = connection
            .prepare_cached(include_str!("../queries/search_count.sql"))?
            .query_row(params![text, COUNTED], |row| row.get(0))?;
        expression = expression.filter(|_| found < COUNTED);
    }
    let tag = if expression.is_none() && !narrow {
        rarest_tag(connection, &query.tags, include_str!("../queries/tag_count.sql"), COUNTED)?
    } else {
        None
    };
    if expression.is_none() && tag.is_none() && has_size(query) && ready.shelved {
        return Ok(Shelf::of_sizes(query).map_or(Driver::ARTIFACTS, Shelf::driver));
    }
    let (from, seq) = match (&expression, &tag) {
        (Some(_), _) => ("artifact_search s CROSS JOIN artifacts a ON a.seq = s.rowid", "s.rowid"),
        (None, Some(_)) => ("artifact_tags t CROSS JOIN artifacts a ON a.seq = t.artifact", "t.artifact"),
        (None, None) => ("artifacts a", "a.seq"),
    };
    Ok(Driver { from, seq, expression, tag: tag.cloned(), shelf: None })
}

/// What leads to just these artifacts.
pub(crate) fn these(seqs: &[i64]) -> (Driver, Filter) {
    let mut filter = Filter::default();
    let list = serde_json::to_string(seqs).unwrap_or_default();
    filter.add("a.seq IN (SELECT value FROM json_each(?))", list);
    (Driver::ARTIFACTS, filter)
}
