//! Processes that start at once on a file that is not there yet.

use std::sync::{Arc, Barrier};

use upnext_sqlite::SqliteOptions;

const AT_ONCE: usize = 6;
const ROUNDS: usize = 60;

#[test]
fn a_new_file_may_be_opened_by_many_at_once() {
    for round in 0..ROUNDS {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("u.db");
        let start = Arc::new(Barrier::new(AT_ONCE));
        let open = || {
            let (start, path) = (Arc::clone(&start), path.clone());
            std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                let runtime = runtime.expect("a runtime");
                start.wait();
                runtime.block_on(upnext_sqlite::open(SqliteOptions::new(&path))).map(drop)
            })
        };
        let opening: Vec<_> = (0..AT_ONCE).map(|_| open()).collect();
        for thread in opening {
            let opened = thread.join().expect("nothing should panic");
            assert!(opened.is_ok(), "in round {round}: {opened:?}");
        }
    }
}
