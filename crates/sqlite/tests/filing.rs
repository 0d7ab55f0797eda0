//! What a durable commit of one small artifact writes, and that lists show at once what was not filed yet.

use std::collections::BTreeSet;
use std::path::Path;

use rusqlite::Connection;
use upnext_core::ArtifactType;
use upnext_core::backend::{ArtifactQuery, ArtifactSort};
use upnext_sqlite::SqliteOptions;
use upnext_testkit::Steps;
use upnext_testkit::factories::{new_artifact, new_job};

/// The pages that stand in the frames of the write-ahead log, in order.
fn pages_in_log(path: &Path) -> Vec<u32> {
    let log = std::fs::read(path.with_extension("db-wal")).expect("the log should be readable");
    let number = |bytes: &[u8]| u32::from_be_bytes(bytes[..4].try_into().unwrap_or_default());
    let page_size = usize::try_from(number(&log[8..])).unwrap_or(0);
    // Behind the frames there is room, which does not have the salt of this round.
    let salt = &log[16..24];
    let frames = log[32..].chunks_exact(24 + page_size).take_while(|frame| &frame[8..16] == salt);
    frames.map(number).collect()
}

/// The tables and indexes that stand in the frames of the log after the first `skipped` ones.
fn written_since(path: &Path, skipped: usize) -> BTreeSet<String> {
    let database = Connection::open(path).expect("the file should open");
    let mut owners = database
        .prepare("SELECT name FROM sqlite_schema WHERE rootpage = ?1")
        .expect("the schema should be readable");
    pages_in_log(path)
        .into_iter()
        .skip(skipped)
        .map(|page| owners.query_row([page], |row| row.get(0)))
        .collect::<Result<_, _>>()
        .expect("with so few rows every page should be the root of a table or an index")
}

#[tokio::test]
async fn recording_a_small_artifact_writes_no_index_of_lists() {
    let folder = tempfile::tempdir().expect("a temporary folder should be made");
    let path = folder.path().join("upnext.db");
    let backend = upnext_sqlite::open(SqliteOptions::new(&path)).await.expect("a fresh file should open");
    let job = backend.submit(new_job("f")).await;
    backend.record_ok(new_artifact(job, "first", b"first")).await;
    let before = pages_in_log(&path).len();
    backend.record_ok(new_artifact(job, "second", b"second")).await;
    let written = written_since(&path, before);
    let wanted = [
        "artifact_counts",
        "artifacts",
        "artifacts_job_name",
        "blobs",
        "counters",
        "sqlite_autoindex_artifacts_1",
        "sqlite_autoindex_blobs_1",
    ];
    assert_eq!(written.iter().map(String::as_str).collect::<Vec<_>>(), wanted);
}

#[tokio::test]
async fn lists_show_at_once_what_was_recorded_through_another_handle() {
    let folder = tempfile::tempdir().expect("a temporary folder should be made");
    let path = folder.path().join("upnext.db");
    let writer = upnext_sqlite::open(SqliteOptions::new(&path)).await.expect("a fresh file should open");
    let reader = upnext_sqlite::open(SqliteOptions::new(&path)).await.expect("the file should open twice");
    let job = writer.submit(new_job("f")).await;
    let query = || ArtifactQuery { limit: 10, ..ArtifactQuery::default() };
    for count in 1..=300 {
        writer.record_ok(new_artifact(job, &format!("{count:03}"), b"some bytes")).await;
        let queries = [
            ArtifactQuery { function: Some("f".into()), ..query() },
            ArtifactQuery { artifact_type: Some(ArtifactType::Text), ..query() },
            ArtifactQuery { sort: ArtifactSort::NameDescending, ..query() },
            ArtifactQuery { min_size: Some(10), sort: ArtifactSort::Largest, ..query() },
        ];
        // One after the other is asked first.
        let query = queries[count % queries.len()].clone();
        let page = reader.page(query.clone()).await;
        let newest = page.items.first().map(|artifact| artifact.name.clone());
        assert_eq!(newest, Some(format!("{count:03}")), "the first of {query:?}");
        assert_eq!(page.total, count as u64, "the total of {query:?}");
    }
}
