//! The write-ahead log gets its room at the beginning, and what follows its frames hides none of them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use upnext_core::settings::Durability;
use upnext_core::{Backend, SystemClock};
use upnext_sqlite::SqliteOptions;
use upnext_testkit::factories::new_job;
use upnext_testkit::fixture::deadline;

async fn open(path: &Path) -> Arc<dyn Backend> {
    let options =
        SqliteOptions { path: path.to_owned(), durability: Durability::Full, clock: Arc::new(SystemClock) };
    upnext_sqlite::open(options).await.expect("the file should open")
}

fn log_of(database: &Path) -> PathBuf {
    database.with_extension("db-wal")
}

#[tokio::test]
async fn jobs_in_a_log_with_room_outlive_the_process() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("u.db");
    let backend = open(&path).await;
    let mut ids = Vec::new();
    let until = deadline();
    // Some jobs come before the room, some between its pieces, and some after.
    while std::fs::metadata(log_of(&path)).map_or(0, |log| log.len()) < 16 * 1024 * 1024 {
        assert!(std::time::Instant::now() < until, "the log has no room");
        ids.push(backend.enqueue(vec![new_job("f")]).await.expect("it should be accepted")[0].id);
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    ids.push(backend.enqueue(vec![new_job("f")]).await.expect("it should be accepted")[0].id);

    // What a machine finds that went down now: the log without the index over it.
    let after = folder.path().join("after.db");
    for (from, to) in [(path.clone(), after.clone()), (log_of(&path), log_of(&after))] {
        std::fs::copy(from, to).expect("a copy");
    }
    let found = open(&after).await.find_jobs(ids.clone()).await.expect("they should be found");
    assert_eq!(found.len(), ids.len());
}
