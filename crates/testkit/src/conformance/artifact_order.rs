//! `list_artifacts`: orders, cursors, sizes, times, trees and totals that are capped.

use std::time::Duration;

use upnext_core::backend::{ArtifactQuery, ArtifactSort};
use upnext_core::job::Parent;
use upnext_core::{Artifact, ArtifactId, JobId, NewArtifact, NewJob};

use crate::factories::{new_artifact, new_job, tagged};
use crate::{Fixture, Harness, Steps};

async fn with_job(harness: &dyn Harness) -> (Fixture, JobId) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    (fixture, id)
}

const ORDERS: [ArtifactSort; 6] = [
    ArtifactSort::Newest,
    ArtifactSort::Oldest,
    ArtifactSort::Largest,
    ArtifactSort::Smallest,
    ArtifactSort::Name,
    ArtifactSort::NameDescending,
];

/// Puts artifacts that were recorded in this order into the order of a list.
fn sorted(made: &[Artifact], sort: ArtifactSort) -> Vec<ArtifactId> {
    let mut places: Vec<usize> = (0..made.len()).collect();
    places.sort_by(|&a, &b| match sort {
        ArtifactSort::Newest => b.cmp(&a),
        ArtifactSort::Oldest => a.cmp(&b),
        ArtifactSort::Largest => (made[b].size_bytes, b).cmp(&(made[a].size_bytes, a)),
        ArtifactSort::Smallest => (made[a].size_bytes, a).cmp(&(made[b].size_bytes, b)),
        ArtifactSort::Name => (&made[a].name, a).cmp(&(&made[b].name, b)),
        ArtifactSort::NameDescending => (&made[b].name, b).cmp(&(&made[a].name, a)),
    });
    places.into_iter().map(|place| made[place].id).collect()
}

async fn pages(fixture: &Fixture, query: &ArtifactQuery) -> Vec<ArtifactId> {
    let mut query = query.clone();
    let mut seen = Vec::new();
    loop {
        let page = fixture.backend.page(query.clone()).await;
        assert!(page.items.len() <= query.limit, "a page holds more than its limit");
        seen.extend(page.items.iter().map(|artifact| artifact.id));
        match page.next {
            None => return seen,
            // A cursor travels as text.
            Some(next) => query.cursor = Some(next.to_string().parse().expect("a cursor reads back")),
        }
        assert!(seen.len() < 10_000, "the pages do not end");
    }
}

/// Every order holds across pages of every size, with equal names and sizes and names of any script, and each artifact
/// is on one page.
pub async fn every_order_covers_everything_once(harness: &dyn Harness) {
    let (fixture, id) = with_job(harness).await;
    let other = fixture.backend.submit(new_job("g")).await;
    let names = ["b", "a", "B", "größe", "図", "😀", "\u{ffff}", "a b", "a/b", "Ω", "it's", "10", "9"];
    let mut made = Vec::new();
    for n in 0..39_usize {
        let job = [id, other, fixture.backend.submit(new_job("f")).await][n / 13];
        let labels = tagged(if n % 2 == 0 { &["even"] } else { &["odd"] });
        let bytes = vec![b'x'; n * 7 % 5];
        let new = NewArtifact { labels, ..new_artifact(job, names[n * 5 % 13], &bytes) };
        made.push(fixture.backend.record_ok(new).await);
    }
    for sort in ORDERS {
        for limit in [1, 2, 7, 39, 100] {
            let query = ArtifactQuery { sort, limit, ..ArtifactQuery::default() };
            assert_eq!(pages(&fixture, &query).await, sorted(&made, sort), "{sort:?}, pages of {limit}");
        }
        let even: Vec<Artifact> = made.iter().step_by(2).cloned().collect();
        let tag = ArtifactQuery { sort, limit: 3, tags: vec!["even".into()], ..ArtifactQuery::default() };
        assert_eq!(pages(&fixture, &tag).await, sorted(&even, sort), "{sort:?} by tag");
        let in_job = ArtifactQuery { sort, limit: 3, job_id: Some(id), ..ArtifactQuery::default() };
        assert_eq!(pages(&fixture, &in_job).await, sorted(&made[..13], sort), "{sort:?} by job");
        let of_function =
            ArtifactQuery { sort, limit: 3, function: Some("g".into()), ..ArtifactQuery::default() };
        assert_eq!(pages(&fixture, &of_function).await, sorted(&made[13..26], sort), "{sort:?} by function");
    }
    let none = ArtifactQuery { limit: 0, ..ArtifactQuery::default() };
    assert_eq!(fixture.backend.page(none).await.total, 39, "a page of nothing should still tell the total");
}

/// New and deleted artifacts do not disturb the pages that follow.
pub async fn pages_stand_still_while_others_write(harness: &dyn Harness) {
    for sort in ORDERS {
        let (fixture, id) = with_job(harness).await;
        let mut made = Vec::new();
        for n in 0..12 {
            made.push(fixture.backend.record_ok(new_artifact(id, &format!("n{n:02}"), &vec![b'x'; n])).await);
        }
        let query = ArtifactQuery { sort, limit: 4, ..ArtifactQuery::default() };
        let first = fixture.backend.page(query.clone()).await;
        let mut seen: Vec<ArtifactId> = first.items.iter().map(|artifact| artifact.id).collect();
        // The last of the page is where the next one begins; it may go all the same.
        fixture.backend.remove(seen[3]).await;
        fixture.backend.record_ok(new_artifact(id, "n99", &[b'y'; 99])).await;
        let rest = ArtifactQuery { limit: 100, cursor: first.next, ..query };
        let rest = fixture.backend.page(rest).await;
        seen.extend(rest.items.iter().filter(|a| a.name != "n99").map(|artifact| artifact.id));
        assert_eq!(seen, sorted(&made, sort), "{sort:?} while others write");
    }
}

/// Sizes and times narrow the list: at least, at most; at or after, before.
pub async fn sizes_and_times_narrow_the_list(harness: &dyn Harness) {
    let (fixture, id) = with_job(harness).await;
    let start = fixture.now();
    for n in 0..6_usize {
        fixture.backend.record_ok(new_artifact(id, &format!("{n}"), &vec![b'x'; n * 10])).await;
        fixture.advance(10);
    }
    let size = |min: Option<u64>, max: Option<u64>| ArtifactQuery {
        min_size: min,
        max_size: max,
        ..ArtifactQuery::default()
    };
    for (query, wanted) in [
        (size(Some(20), None), &["5", "4", "3", "2"][..]),
        (size(Some(21), Some(40)), &["4", "3"]),
        (size(None, Some(0)), &["0"]),
        (size(Some(20), Some(19)), &[]),
        (size(Some(51), None), &[]),
        (size(Some(0), Some(u64::MAX)), &["5", "4", "3", "2", "1", "0"]),
        (size(Some(u64::MAX), None), &[]),
    ] {
        let shown = (query.min_size, query.max_size);
        assert_eq!(fixture.backend.names(query).await, wanted, "by size {shown:?}");
    }
    let at = |seconds: u64| Some(start.after(Duration::from_secs(seconds)));
    let time = |after, before| ArtifactQuery { after, before, ..ArtifactQuery::default() };
    for (query, wanted) in [
        (time(at(20), None), &["5", "4", "3", "2"][..]),
        (time(at(21), at(50)), &["4", "3"]),
        (time(at(20), at(20)), &[]),
        (time(at(20), at(21)), &["2"]),
        (time(None, at(10)), &["0"]),
        (time(None, at(0)), &[]),
        (time(at(51), None), &[]),
        (time(at(40), at(20)), &[]),
    ] {
        let shown = (query.after, query.before);
        for sort in ORDERS {
            let mut wanted = wanted.to_vec();
            wanted.sort_unstable();
            let mut names = fixture.backend.names(ArtifactQuery { sort, ..query.clone() }).await;
            names.sort_unstable();
            assert_eq!(names, wanted, "by time {shown:?}, {sort:?}");
        }
    }
}

/// When the clock runs backwards the newest is still the newest, and spans of time leave nothing out.
pub async fn a_clock_that_runs_backwards_confuses_nobody(harness: &dyn Harness) {
    let (fixture, id) = with_job(harness).await;
    let start = fixture.now();
    for (n, seconds) in [0_u64, 100, 50, 200].into_iter().enumerate() {
        fixture.clock.set(start.after(Duration::from_secs(seconds)));
        fixture.backend.record_ok(new_artifact(id, &format!("{n}"), b"x")).await;
    }
    let listed = fixture.backend.names(ArtifactQuery::default()).await;
    assert_eq!(listed, ["3", "2", "1", "0"], "the order of recording is lost");
    let page = fixture.backend.page(ArtifactQuery { limit: 10, ..ArtifactQuery::default() }).await;
    let rising = page.items.windows(2).all(|pair| pair[0].created_at >= pair[1].created_at);
    assert!(rising, "newer artifacts have earlier times: {:?}", page.items);
    for split in [1_u64, 50, 75, 100, 101, 200] {
        let moment = Some(start.after(Duration::from_secs(split)));
        let mut both = fixture.backend.names(ArtifactQuery { after: moment, ..Default::default() }).await;
        both.extend(fixture.backend.names(ArtifactQuery { before: moment, ..Default::default() }).await);
        assert_eq!(both, ["3", "2", "1", "0"], "before and after {split} s do not make the whole");
    }
}

/// A tree is its root and whatever descends from it; a job's own list is its own.
pub async fn a_tree_is_listed_by_its_root(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let root = fixture.backend.submit(new_job("f")).await;
    let parent = |parent_id| Some(Parent { parent_id, root_id: root });
    let child = fixture.backend.submit(NewJob { parent: parent(root), ..new_job("g") }).await;
    let grandchild = fixture.backend.submit(NewJob { parent: parent(child), ..new_job("h") }).await;
    let stranger = fixture.backend.submit(new_job("f")).await;
    for (name, job) in [("root", root), ("child", child), ("stranger", stranger), ("grandchild", grandchild)]
    {
        fixture.backend.record_ok(new_artifact(job, name, b"x")).await;
    }
    let tree = ArtifactQuery { root_id: Some(root), ..ArtifactQuery::default() };
    assert_eq!(
        fixture.backend.names(tree.clone()).await,
        ["grandchild", "child", "root"],
        "the tree is wrong"
    );
    let one = ArtifactQuery { function: Some("g".into()), ..tree };
    assert_eq!(fixture.backend.names(one).await, ["child"], "a function within a tree");
    let alone = ArtifactQuery { root_id: Some(stranger), ..ArtifactQuery::default() };
    assert_eq!(fixture.backend.names(alone).await, ["stranger"], "a job without children is a tree, too");
}

/// Totals are exact where they are cheap, and say so where counting stopped.
pub async fn totals_beyond_the_cap_say_so(harness: &dyn Harness) {
    let (fixture, id) = with_job(harness).await;
    let other = fixture.backend.submit(new_job("g")).await;
    for first in [0, 600] {
        let batch = (first..first + 600).map(|n| {
            let labels = tagged(if n < 999 { &["many", "fewer"] } else { &["many"] });
            NewArtifact { labels, ..new_artifact(id, &format!("part {n}"), b"same") }
        });
        let answers =
            fixture.backend.record_artifacts(batch.collect()).await.expect("record should not fail");
        assert!(answers.iter().all(Result::is_ok), "an artifact of a large batch was refused");
    }
    fixture.backend.record_ok(new_artifact(other, "other", b"other")).await;
    let query = |change: fn(&mut ArtifactQuery)| {
        let mut query = ArtifactQuery { limit: 1, ..ArtifactQuery::default() };
        change(&mut query);
        query
    };
    let known: [(ArtifactQuery, u64); 4] = [
        (query(|_| ()), 1201),
        (query(|query| query.function = Some("f".into())), 1200),
        (query(|query| query.artifact_type = "text".parse().ok()), 1201),
        (query(|query| query.tags = vec!["fewer".into()]), 999),
    ];
    for (query, wanted) in known {
        let page = fixture.backend.page(query.clone()).await;
        assert_eq!((page.total, page.total_is_capped), (wanted, false), "the total of {query:?}");
    }
    let by_job = fixture.backend.page(ArtifactQuery { job_id: Some(id), ..query(|_| ()) }).await;
    assert_eq!((by_job.total, by_job.total_is_capped), (1200, false), "the total of one job");
    for query in [
        query(|query| query.tags = vec!["many".into()]),
        query(|query| query.min_size = Some(4)),
        query(|query| query.search = Some("part".into())),
        query(|query| query.name_contains = Some("PART".into())),
        query(|query| query.name_glob = Some("p*t *".into())),
    ] {
        let page = fixture.backend.page(query.clone()).await;
        let real = if query.min_size.is_some() { 1201 } else { 1200 };
        let fits = if page.total_is_capped { page.total < real } else { page.total == real };
        // One of the first thousand does not fit the glob: counting may stop at what was looked at.
        assert!(
            fits && page.total >= 999,
            "the total of {query:?}: {}, {}",
            page.total,
            page.total_is_capped
        );
    }
}
