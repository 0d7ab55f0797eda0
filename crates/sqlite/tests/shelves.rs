//! Lists by name and size, with so many artifacts that they go along the shelves, while artifacts come, change and go.

use std::path::Path;
use std::sync::Arc;

use fastrand::Rng;
use rusqlite::Connection;
use upnext_core::backend::{ArtifactQuery, ArtifactSort};
use upnext_core::{Artifact, ArtifactId, ArtifactType, Backend, JobId, NewArtifact};
use upnext_sqlite::SqliteOptions;
use upnext_testkit::Steps;
use upnext_testkit::factories::{new_artifact, new_job, part, seal, tagged, upload};

async fn open(path: &Path) -> Arc<dyn Backend> {
    upnext_sqlite::open(SqliteOptions::new(path)).await.expect("the file should open")
}

/// Two jobs of each of two functions.
async fn submit(backend: &dyn Backend) -> Vec<JobId> {
    let mut jobs = Vec::new();
    for function in ["f", "g", "f", "g"] {
        jobs.push(backend.submit(new_job(function)).await);
    }
    jobs
}

/// Artifacts of these jobs: many names are there once, and some in all jobs and in many versions.
async fn record(backend: &dyn Backend, jobs: &[JobId], count: usize, random: &mut Rng) {
    let mut batch = Vec::new();
    for n in 0..count {
        let name = match random.u32(0..10) {
            0 => "same.txt".to_owned(),
            1 => format!("some {}.txt", random.u32(0..20)),
            _ => format!("{:08x}.txt", random.u32(..)),
        };
        let labels = tagged(if n.is_multiple_of(2) { &["even"] } else { &["odd"] });
        let job = jobs[random.usize(0..jobs.len())];
        batch.push(NewArtifact { labels, ..new_artifact(job, &name, &vec![b'x'; n % 200]) });
    }
    let answers = backend.record_artifacts(batch).await.expect("record_artifacts should not fail");
    assert!(answers.iter().all(Result::is_ok), "valid artifacts should be recorded");
}

/// All pages of a query.
async fn all(backend: &dyn Backend, query: &ArtifactQuery) -> Vec<Artifact> {
    let mut query = ArtifactQuery { limit: 300, ..query.clone() };
    let mut seen = Vec::new();
    loop {
        let page = backend.page(query.clone()).await;
        seen.extend(page.items);
        match page.next {
            None => return seen,
            Some(next) => query.cursor = Some(next),
        }
    }
}

/// Lists by name and size hold what they should by the list by age, which goes along no shelf.
async fn assert_lists_are_right(backend: &dyn Backend, path: &Path) {
    let narrowed = |function: Option<&str>, tags: &[&str], all_versions| ArtifactQuery {
        function: function.map(Into::into),
        tags: tags.iter().map(|&tag| tag.into()).collect(),
        all_versions,
        ..ArtifactQuery::default()
    };
    let everything =
        all(backend, &ArtifactQuery { sort: ArtifactSort::Oldest, ..narrowed(None, &[], true) }).await;
    for query in [
        narrowed(None, &[], false),
        narrowed(None, &[], true),
        narrowed(Some("f"), &[], false),
        narrowed(Some("g"), &[], true),
        narrowed(Some("f"), &["even"], false),
        ArtifactQuery { max_size: Some(150), ..narrowed(None, &[], false) },
        ArtifactQuery { min_size: Some(50), max_size: Some(150), ..narrowed(None, &[], false) },
        ArtifactQuery { min_size: Some(150), ..narrowed(None, &[], true) },
        ArtifactQuery { min_size: Some(20), ..narrowed(Some("g"), &["even"], false) },
        ArtifactQuery {
            min_size: Some(20),
            name_glob: Some("*a?????*".into()),
            ..narrowed(None, &[], false)
        },
        ArtifactQuery {
            max_size: Some(180),
            artifact_type: Some(ArtifactType::Text),
            ..narrowed(None, &[], false)
        },
        ArtifactQuery { name_glob: Some("*a?????*".into()), ..narrowed(Some("g"), &[], false) },
        ArtifactQuery { name: Some("same.txt".into()), ..narrowed(None, &[], false) },
        ArtifactQuery { name: Some("same.txt".into()), ..narrowed(Some("g"), &[], false) },
        ArtifactQuery { name: Some("same.txt".into()), ..narrowed(Some("g"), &[], true) },
        ArtifactQuery { name: Some("same.txt".into()), ..narrowed(None, &["odd"], true) },
        ArtifactQuery {
            name: Some("same.txt".into()),
            min_size: Some(100),
            ..narrowed(Some("f"), &[], true)
        },
    ] {
        let fits = |artifact: &&Artifact| {
            let glob = query.name_glob.is_none()
                || artifact.name.char_indices().any(|(at, c)| c == 'a' && artifact.name.len() > at + 5);
            glob && (query.all_versions || artifact.latest)
                && query.function.as_ref().is_none_or(|function| artifact.function == *function)
                && query.name.as_ref().is_none_or(|name| artifact.name == *name)
                && query.tags.iter().all(|tag| artifact.labels.tags.contains(tag))
                && query.min_size.is_none_or(|size| artifact.size_bytes >= size)
                && query.max_size.is_none_or(|size| artifact.size_bytes <= size)
        };
        let fitting: Vec<&Artifact> = everything.iter().filter(fits).collect();
        let mut places: Vec<usize> = (0..fitting.len()).collect();
        for (sort, descending) in [
            (ArtifactSort::Name, ArtifactSort::NameDescending),
            (ArtifactSort::Smallest, ArtifactSort::Largest),
        ] {
            match sort {
                ArtifactSort::Name => places.sort_by_key(|&place| (&fitting[place].name, place)),
                _ => places.sort_by_key(|&place| (fitting[place].size_bytes, place)),
            }
            let mut wanted: Vec<ArtifactId> = places.iter().map(|place| fitting[*place].id).collect();
            for sort in [sort, descending] {
                let listed = all(backend, &ArtifactQuery { sort, ..query.clone() }).await;
                let listed: Vec<ArtifactId> = listed.iter().map(|artifact| artifact.id).collect();
                assert!(listed == wanted, "{sort:?} of {query:?}: {} of {}", listed.len(), wanted.len());
                wanted.reverse();
            }
        }
        let page = backend.page(ArtifactQuery { limit: 5, ..query.clone() }).await;
        let newest: Vec<ArtifactId> = fitting.iter().rev().take(5).map(|artifact| artifact.id).collect();
        let listed: Vec<ArtifactId> = page.items.iter().map(|artifact| artifact.id).collect();
        assert_eq!(listed, newest, "the newest of {query:?}");
        let counted = if page.total_is_capped {
            page.total <= fitting.len() as u64
        } else {
            page.total == fitting.len() as u64
        };
        assert!(counted, "{query:?}: {} instead of {}", page.total, fitting.len());
    }
    assert_shelves_hold_what_is_there(path);
}

/// To be called when everything is on the shelves.
fn assert_shelves_hold_what_is_there(path: &Path) {
    let database = Connection::open(path).expect("the file should open");
    let by_name =
        ("SELECT name, seq FROM artifacts WHERE latest = 1", "SELECT name, seq FROM artifacts_by_name");
    let by_function = (
        "SELECT function, name, seq, latest FROM artifacts WHERE version > 0",
        "SELECT function, name, seq, latest FROM artifacts_by_function",
    );
    let by_size = (
        "SELECT size_bytes, seq FROM artifacts WHERE latest = 1",
        "SELECT size_bytes, seq FROM artifacts_by_size",
    );
    for (there, shelved) in [by_name, by_function, by_size] {
        for (one, other) in [(there, shelved), (shelved, there)] {
            let sql = format!("SELECT count(*) FROM ({one} EXCEPT {other})");
            let count: i64 =
                database.query_row(&sql, [], |row| row.get(0)).expect("the tables should be readable");
            assert_eq!(count, 0, "{sql}");
        }
    }
}

#[tokio::test]
async fn lists_hold_everything_once_however_many_there_are() {
    let folder = tempfile::tempdir().expect("a temporary folder should be made");
    let path = folder.path().join("upnext.db");
    let backend = open(&path).await;
    let jobs = submit(&*backend).await;
    let mut random = Rng::with_seed(1);
    let begun = backend.record_ok(upload(jobs[0], "same.txt")).await;
    backend.append_ok(part(begun.id, None, 0, b"12")).await;
    record(&*backend, &jobs, 3000, &mut random).await;
    assert_lists_are_right(&*backend, &path).await;
    // On the shelves by now are artifacts that become old, go, or give way to the version before; one has to come.
    record(&*backend, &jobs, 500, &mut random).await;
    let some =
        all(&*backend, &ArtifactQuery { name: Some("same.txt".into()), ..ArtifactQuery::default() }).await;
    for artifact in some {
        backend.remove(artifact.id).await;
    }
    backend.close_ok(seal(begun.id, None, b"12")).await;
    assert_lists_are_right(&*backend, &path).await;
}

#[tokio::test]
async fn lists_are_right_while_several_write_and_list() {
    let folder = tempfile::tempdir().expect("a temporary folder should be made");
    let path = folder.path().join("upnext.db");
    let (one, other) = (open(&path).await, open(&path).await);
    let jobs = submit(&*one).await;
    let writing = async {
        let mut random = Rng::with_seed(2);
        for _ in 0..20 {
            record(&*one, &jobs, 300, &mut random).await;
            let some = ArtifactQuery { limit: 5, sort: ArtifactSort::Oldest, ..ArtifactQuery::default() };
            for artifact in one.page(some).await.items {
                one.remove(artifact.id).await;
            }
        }
    };
    let listing = async {
        for n in 0..40 {
            let sort = if n % 2 == 0 { ArtifactSort::Name } else { ArtifactSort::NameDescending };
            let backend = if n % 3 == 0 { &one } else { &other };
            let page = backend.page(ArtifactQuery { sort, limit: 100, ..ArtifactQuery::default() }).await;
            let names: Vec<&str> = page.items.iter().map(|artifact| artifact.name.as_str()).collect();
            let ascending = if n % 2 == 0 { names.is_sorted() } else { names.iter().rev().is_sorted() };
            assert!(ascending, "a page is out of order: {names:?}");
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
    };
    tokio::join!(writing, listing);
    assert_lists_are_right(&*other, &path).await;
}
