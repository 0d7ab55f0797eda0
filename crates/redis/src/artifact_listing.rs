//! `list_artifacts`: filters, orders, pages and totals.
//!
//! A list is read through the index that narrows it most, or through that of its order, in pages; what the index does not tell is
//! asked of each artifact here. A job, a tree of jobs and a reader bound how many there can be: these are gathered and counted. All
//! others are counted as far as [`COUNTED`], and where few of many fit, no further than [`LOOKED_AT`] once the page is full.

use std::cmp::Ordering;

use upnext_core::artifact::ArtifactType;
use upnext_core::backend::{ArtifactQuery, ArtifactSort, Cursor, Page, Result};
use upnext_core::folding::without_case;
use upnext_core::{Artifact, ArtifactId, JobId};

use crate::Redis;
use crate::artifacts::{counts, find_artifacts, first_made_at};
use crate::glob;
use crate::job_listing::tree;
use crate::look::{PAGE, Stretch, Through, look, sizes};
use crate::reply::{self, Reply};
use crate::rows;

/// How far is counted where nothing but counting tells how many there are.
const COUNTED: u64 = 1000;

/// How many artifacts are looked at to count them once the page is full.
const LOOKED_AT: usize = 1000;

/// Most artifacts that are gathered and sorted, where the index that narrows the list has another order.
const FEW: u64 = 5000;

/// What filters ask of an artifact.
const FIELDS: [&str; 11] = ["sq", "f", "ty", "n", "fo", "sz", "v", "la", "tg", "tx", "j"];

struct Seen {
    id: ArtifactId,
    seq: i64,
    function: String,
    artifact_type: String,
    name: String,
    folded: Option<String>,
    size: u64,
    version: u32,
    latest: bool,
    tags: Vec<String>,
    words: String,
}

impl Seen {
    /// `None` of an artifact that is gone by now.
    fn read(mut reply: Reply) -> Result<Option<Self>> {
        let seq = reply.value()?;
        if reply::is_nothing(&seq) {
            return Ok(None);
        }
        let (function, artifact_type, name, folded) =
            (reply.text()?, reply.text()?, reply.text()?, reply.text()?);
        let (size, version) = (reply.number::<i64>()?.unsigned_abs(), reply.number()?);
        let latest = !reply::is_nothing(&reply.value()?);
        let tags = reply.value()?;
        let tags = if reply::is_nothing(&tags) { Vec::new() } else { rows::tags(tags)? };
        let (words, _job) = (reply.text()?, reply.value()?);
        Ok(Some(Self {
            id: reply::artifact_id(&reply.value()?)?,
            seq: reply::number(&seq)?,
            function,
            artifact_type,
            folded: Some(folded).filter(|folded| !folded.is_empty()),
            name,
            size,
            version,
            latest,
            tags,
            words,
        }))
    }

    fn folded(&self) -> &str {
        self.folded.as_deref().unwrap_or(&self.name)
    }

    /// How it stands to another in an order that begins with the smallest, the oldest or the first name.
    fn compare(&self, key: Key, other: &Place) -> Ordering {
        let by_key = match (key, &other.key) {
            (Key::Size, Some(key)) => self.size.cmp(&key.parse().unwrap_or(0)),
            (Key::Name, Some(key)) => self.name.as_bytes().cmp(key.as_bytes()),
            _ => Ordering::Equal,
        };
        by_key.then(self.seq.cmp(&other.seq))
    }

    fn place(&self, key: Key) -> Place {
        let key = match key {
            Key::Age => None,
            Key::Size => Some(self.size.to_string()),
            Key::Name => Some(self.name.clone()),
        };
        Place { seq: self.seq, key }
    }
}

/// What a list is sorted by before age.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Key {
    Age,
    Size,
    Name,
}

/// A place in a list.
type Place = Cursor;

/// The filters of a query, ready to be asked.
struct Wanted<'a> {
    query: &'a ArtifactQuery,
    name_contains: Option<String>,
    words: Vec<String>,
    /// Numbers of artifacts that were recorded in the span of time that is asked for.
    from: i64,
    before: i64,
}

impl<'a> Wanted<'a> {
    async fn of(redis: &Redis, query: &'a ArtifactQuery) -> Result<Self> {
        let from = match query.after {
            Some(after) => first_made_at(redis, after).await?.unwrap_or(i64::MAX),
            None => 0,
        };
        let before = match query.before {
            Some(before) => first_made_at(redis, before).await?.unwrap_or(i64::MAX),
            None => i64::MAX,
        };
        Ok(Self {
            query,
            name_contains: query.name_contains.as_deref().map(without_case),
            words: words(query.search.as_deref().unwrap_or_default()),
            from,
            before,
        })
    }

    fn admits(&self, seen: &Seen) -> bool {
        let query = self.query;
        let everywhere =
            |word: &String| seen.folded().contains(word.as_str()) || seen.words.contains(word.as_str());
        seen.version > 0
            && (query.all_versions || seen.latest)
            && (self.from..self.before).contains(&seen.seq)
            && query.function.as_ref().is_none_or(|function| *function == seen.function)
            && query.artifact_type.as_ref().is_none_or(|kind| kind.as_str() == seen.artifact_type)
            && query.name.as_ref().is_none_or(|name| *name == seen.name)
            && query.min_size.is_none_or(|least| seen.size >= least)
            && query.max_size.is_none_or(|most| seen.size <= most)
            && query.tags.iter().all(|tag| seen.tags.contains(tag))
            && self.name_contains.as_ref().is_none_or(|text| seen.folded().contains(text.as_str()))
            && self.words.iter().all(everywhere)
            && query.name_glob.as_ref().is_none_or(|shape| glob::matches(shape, &seen.name))
    }
}

/// The words of a search, without letter case. No artifact holds NUL where a search looks.
fn words(text: &str) -> Vec<String> {
    text.split(|c: char| c.is_whitespace() || c == '\0')
        .filter(|word| !word.is_empty())
        .map(without_case)
        .collect()
}

/// An index to go through, in one of its directions.
struct Walk {
    index: String,
    /// What its members are sorted by.
    key: Key,
    down: bool,
    /// Only members of this very name, in an index of names.
    name: Option<String>,
}

/// Seven bytes of a number, the highest first, as `pack('>I7')` writes them.
fn seven(number: u64) -> [u8; 7] {
    let bytes = number.min((1 << 56) - 1).to_be_bytes();
    [bytes[1], bytes[2], bytes[3], bytes[4], bytes[5], bytes[6], bytes[7]]
}

impl Walk {
    /// Beginning and end of what comes after a place, in the words of the command, in the direction of the walk.
    fn bounds(&self, after: Option<&Place>) -> (Vec<u8>, Vec<u8>) {
        if self.key == Key::Age {
            let from = match (after, self.down) {
                (Some(place), _) => format!("({}", place.seq),
                (None, true) => "+inf".to_owned(),
                (None, false) => "-inf".to_owned(),
            };
            return (from.into_bytes(), if self.down { b"-inf".to_vec() } else { b"+inf".to_vec() });
        }
        let (lowest, highest) = match &self.name {
            Some(name) => {
                ([b"[", name.as_bytes(), b"\0"].concat(), [b"(", name.as_bytes(), b"\x01"].concat())
            }
            None => (b"-".to_vec(), b"+".to_vec()),
        };
        let Some(place) = after else {
            return if self.down { (highest, lowest) } else { (lowest, highest) };
        };
        let seq = u64::try_from(place.seq).unwrap_or(0);
        let key = place.key.as_deref().unwrap_or_default();
        let mut from = match self.key {
            Key::Size => [&b"("[..], &seven(key.parse().unwrap_or(0))].concat(),
            _ => [b"(", self.name.as_deref().unwrap_or(key).as_bytes(), b"\0"].concat(),
        };
        // Upwards from behind every member with this number, downwards from before all of them.
        from.extend(seven(if self.down { seq } else { seq.saturating_add(1) }));
        if self.down { (from, lowest) } else { (from, highest) }
    }

    const fn through(&self) -> Through {
        let down = self.down;
        match self.key {
            Key::Age => Through::Scores { down },
            Key::Size | Key::Name => Through::Bytes { down },
        }
    }

    /// The next artifacts, and the place behind them if there may be more.
    async fn page(
        &self,
        redis: &Redis,
        after: Option<&Place>,
        most: usize,
    ) -> Result<(Vec<Seen>, Option<Place>)> {
        let (from, to) = self.bounds(after);
        let stretch = Stretch {
            kind: "a:",
            through: self.through(),
            index: self.index.as_bytes(),
            from: &from,
            to: &to,
            most,
            fields: &FIELDS,
        };
        let found = look(redis, &stretch).await?;
        let is_last = found.len() < most;
        let mut seen = Vec::with_capacity(found.len());
        for reply in found {
            seen.extend(Seen::read(reply)?);
        }
        let next = seen.last().filter(|_| !is_last).map(|last| last.place(self.key));
        Ok((seen, next))
    }
}

/// What looking at one artifact after the other found.
struct Found {
    /// The first that fit.
    seen: Vec<Seen>,
    count: u64,
    /// There are no others.
    is_all: bool,
}

impl Found {
    /// How many there are, and whether there may be more.
    fn total(&self) -> (u64, bool) {
        if self.is_all { (self.count, false) } else { (self.count.min(COUNTED), true) }
    }
}

/// Looks at one artifact after the other until `enough` fit; if they are counted, on until as many are counted as ever are, or many
/// were looked at.
async fn look_through(
    redis: &Redis,
    walk: &Walk,
    wanted: &Wanted<'_>,
    mut after: Option<Place>,
    enough: usize,
    counts: bool,
) -> Result<Found> {
    let mut found = Found { seen: Vec::new(), count: 0, is_all: true };
    let (mut looked_at, mut most) = (0, enough.clamp(50, PAGE));
    loop {
        let (page, next) = walk.page(redis, after.as_ref(), most).await?;
        looked_at += page.len();
        for seen in page.into_iter().filter(|seen| wanted.admits(seen)) {
            found.count += 1;
            if found.seen.len() < enough {
                found.seen.push(seen);
            }
        }
        if next.is_none() {
            return Ok(found);
        }
        let counted = found.count > COUNTED || looked_at >= LOOKED_AT;
        if found.seen.len() >= enough && (!counts || counted) {
            found.is_all = false;
            return Ok(found);
        }
        after = next;
        most = PAGE;
    }
}

/// Every artifact of an index that is sorted by age.
async fn gather(redis: &Redis, index: Vec<u8>, wanted: &Wanted<'_>) -> Result<Vec<Seen>> {
    let (mut all, mut from) = (Vec::new(), b"-inf".to_vec());
    loop {
        let stretch = Stretch {
            kind: "a:",
            through: Through::Scores { down: false },
            index: &index,
            from: &from,
            to: b"+inf",
            most: PAGE,
            fields: &FIELDS,
        };
        let page = look(redis, &stretch).await?;
        let is_last = page.len() < PAGE;
        let mut last = None;
        for reply in page {
            if let Some(seen) = Seen::read(reply)? {
                last = Some(seen.seq);
                all.extend(Some(seen).filter(|seen| wanted.admits(seen)));
            }
        }
        match last {
            Some(last) if !is_last => from = format!("({last}").into_bytes(),
            _ => return Ok(all),
        }
    }
}

/// The artifacts of a job, a tree of jobs or a reader, if one of these is asked for.
async fn bounded(redis: &Redis, query: &ArtifactQuery, wanted: &Wanted<'_>) -> Result<Option<Vec<Seen>>> {
    let of = |kind: &str, id: &JobId| [kind.as_bytes(), id.as_bytes()].concat();
    let mut answer: Option<Vec<Seen>> = None;
    let mut narrow = |found: Vec<Seen>| match &mut answer {
        None => answer = Some(found),
        Some(answer) => answer.retain(|seen| found.iter().any(|other| other.id == seen.id)),
    };
    if let Some(job) = &query.job_id {
        narrow(gather(redis, of("aj:", job), wanted).await?);
    }
    if let Some(reader) = &query.read_by {
        narrow(gather(redis, of("rj:", reader), wanted).await?);
    }
    if let Some(root) = query.root_id {
        let mut found = Vec::new();
        for jobs in tree(redis, root).await?.chunks(64) {
            let gathered = jobs.iter().map(|job| gather(redis, of("aj:", &job.id), wanted));
            found.extend(futures::future::try_join_all(gathered).await?.into_iter().flatten());
        }
        narrow(found);
    }
    Ok(answer)
}

/// The index that narrows a list most, and how many artifacts it names. `None` when nothing narrows it.
async fn narrowest(redis: &Redis, query: &ArtifactQuery) -> Result<Option<(String, u64)>> {
    let tags = query.tags.iter().map(|tag| format!("ag:{tag}"));
    let function = query.function.iter().map(|function| format!("af:{function}"));
    let kind = query.artifact_type.iter().map(|kind: &ArtifactType| format!("ay:{}", kind.as_str()));
    let indexes: Vec<String> = tags.chain(function).chain(kind).collect();
    if indexes.is_empty() {
        return Ok(None);
    }
    let sizes = sizes(redis, &indexes).await?;
    Ok(indexes.into_iter().zip(sizes).min_by_key(|(_, size)| *size))
}

/// How many there are where the filters are those that are counted.
async fn known_total(redis: &Redis, query: &ArtifactQuery) -> Result<Option<u64>> {
    if !query.is_by_kind() {
        return Ok(None);
    }
    let ArtifactQuery { function, artifact_type, all_versions, .. } = query;
    let what = if *all_versions { 'v' } else { 'l' };
    let (counted, ..) = counts(redis).await?;
    let fits = counted.iter().filter(|counted| {
        counted.what == what
            && function.as_ref().is_none_or(|function| *function == counted.function)
            && artifact_type.as_ref().is_none_or(|kind| kind.as_str() == counted.artifact_type)
    });
    Ok(Some(fits.map(|counted| counted.count).sum()))
}

const fn order_of(sort: ArtifactSort) -> (Key, bool) {
    match sort {
        ArtifactSort::Newest => (Key::Age, true),
        ArtifactSort::Oldest => (Key::Age, false),
        ArtifactSort::Largest => (Key::Size, true),
        ArtifactSort::Smallest => (Key::Size, false),
        ArtifactSort::Name => (Key::Name, false),
        ArtifactSort::NameDescending => (Key::Name, true),
    }
}

/// Puts artifacts into an order, and leaves out those up to a place.
fn arrange(found: &mut Vec<Seen>, key: Key, down: bool, after: Option<&Place>) {
    found.sort_by(|a, b| {
        let order = a.compare(key, &b.place(key));
        if down { order.reverse() } else { order }
    });
    if let Some(place) = after {
        let wanted = if down { Ordering::Less } else { Ordering::Greater };
        found.retain(|seen| seen.compare(key, place) == wanted);
    }
}

pub(crate) async fn list_artifacts(redis: &Redis, query: &ArtifactQuery) -> Result<Page<Artifact>> {
    let wanted = Wanted::of(redis, query).await?;
    let (key, down) = order_of(query.sort);
    let after = query.cursor.as_ref();
    let enough = query.limit.saturating_add(1);
    let (mut found, total, total_is_capped) = match bounded(redis, query, &wanted).await? {
        Some(mut found) => {
            let total = found.len() as u64;
            arrange(&mut found, key, down, after);
            (found, total, false)
        }
        None => {
            let walk = choose_walk(redis, query, key, down).await?;
            walk_page(redis, query, &wanted, &walk, (key, down), enough).await?
        }
    };
    let has_more = found.len() > query.limit;
    found.truncate(query.limit);
    let next = found.last().filter(|_| has_more).map(|last| last.place(key));
    let items = in_order(redis, &found).await?;
    Ok(Page { items, total, total_is_capped, next })
}

async fn choose_walk(redis: &Redis, query: &ArtifactQuery, key: Key, down: bool) -> Result<Walk> {
    if let Some(name) = &query.name {
        return Ok(Walk { index: "an".to_owned(), key: Key::Name, down, name: Some(name.clone()) });
    }
    let narrowest = narrowest(redis, query).await?;
    Ok(match (key, narrowest) {
        (Key::Age, None) => Walk { index: "art".to_owned(), key, down, name: None },
        (Key::Age, Some((index, _))) => Walk { index, key, down, name: None },
        // So few are put in order here.
        (_, Some((index, size))) if size <= FEW => Walk { index, key: Key::Age, down, name: None },
        (Key::Size, _) => Walk { index: "as".to_owned(), key, down, name: None },
        (Key::Name, _) => Walk { index: "an".to_owned(), key, down, name: None },
    })
}

async fn walk_page(
    redis: &Redis,
    query: &ArtifactQuery,
    wanted: &Wanted<'_>,
    walk: &Walk,
    (key, down): (Key, bool),
    enough: usize,
) -> Result<(Vec<Seen>, u64, bool)> {
    let known = known_total(redis, query).await?.map(|total| (total, false));
    // Members of one name are sorted by age.
    let is_sorted = walk.key == key || (walk.name.is_some() && key != Key::Size);
    if !is_sorted {
        let mut found = look_through(redis, walk, wanted, None, usize::MAX, false).await?;
        arrange(&mut found.seen, key, down, query.cursor.as_ref());
        let (total, is_capped) = known.unwrap_or((found.count, false));
        return Ok((found.seen, total, is_capped));
    }
    let after = query.cursor.clone();
    let counts = known.is_none() && after.is_none();
    let found = look_through(redis, walk, wanted, after, enough, counts).await?;
    let (total, is_capped) = match known {
        Some(known) => known,
        None if counts => found.total(),
        None => look_through(redis, walk, wanted, None, enough, true).await?.total(),
    };
    Ok((found.seen, total, is_capped))
}

/// All that is known of these few, in their order. One that went meanwhile is left out.
async fn in_order(redis: &Redis, found: &[Seen]) -> Result<Vec<Artifact>> {
    let ids: Vec<ArtifactId> = found.iter().map(|seen| seen.id).collect();
    let mut items = Vec::with_capacity(ids.len());
    for page in ids.chunks(PAGE) {
        items.extend(find_artifacts(redis, page).await?);
    }
    Ok(items)
}
