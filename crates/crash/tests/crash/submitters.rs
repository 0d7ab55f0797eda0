//! The kill test of processes that submit: what was acknowledged to them is there, and batches are there whole or not at
//! all.

use std::collections::HashMap;
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use upnext::UpNext;
use upnext_core::backend::JobQuery;
use upnext_core::client::Submission;
use upnext_core::{JobId, RawJson};

use crate::home::{Home, Ledger};
use crate::lives::{ANY_MOMENT, Lives};

const POINTS: &[(&str, u64)] = &[
    ("enqueue before commit", 12),
    ("committing", 12),
    ("committed", 12),
    ("enqueue after commit", 12),
    (ANY_MOMENT, 150),
];

#[derive(Serialize, Deserialize)]
struct Batch {
    batch: u64,
    of: usize,
}

/// The child: submits batch after batch, and notes each that was acknowledged.
pub(crate) async fn submit(home: &Path) {
    let ledger = Ledger::open(home);
    let app = UpNext::from_env().await.expect("a submitter opens whatever the one before it left");
    loop {
        let of = fastrand::usize(1..=6);
        let kwargs = RawJson::of(&Batch { batch: fastrand::u64(..), of }).unwrap();
        let batch = (0..of).map(|_| Submission::new("nobody", kwargs.clone())).collect();
        let accepted = app.client().submit_many(batch).await.expect("jobs are accepted");
        let ids: Vec<String> = accepted.iter().map(|job| job.id.to_string()).collect();
        ledger.note(&ids.join(" "));
    }
}

pub(crate) fn run(kills: usize) {
    let home = Home::new(Duration::from_secs(1));
    let lives = Lives::new("submitter", POINTS, kills);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| lives.run(&home));
        }
    });
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (acknowledged, jobs, torn) = runtime.block_on(look(&home));
    lives.report();
    println!("jobs acknowledged                {acknowledged:>8}");
    println!("jobs there                       {jobs:>8}");
    println!("batches torn                     {torn:>8}");
    assert!(acknowledged >= kills, "hardly anything was acknowledged: the test shows nothing");
}

async fn look(home: &Home) -> (usize, usize, usize) {
    let backend = home.open().await.client.backend().clone();
    let (mut there, mut batches) = (Vec::new(), HashMap::<u64, (usize, usize)>::new());
    let mut query = JobQuery { limit: 1000, ..JobQuery::default() };
    loop {
        let page = backend.list_jobs(query.clone()).await.unwrap();
        for job in page.items {
            let batch: Batch = job.kwargs.read().unwrap();
            batches.entry(batch.batch).or_insert((0, batch.of)).0 += 1;
            there.push(job.id);
        }
        let Some(next) = page.next else { break };
        query.cursor = Some(next);
    }
    there.sort();
    let ledger = home.ledger().join(" ");
    let acknowledged: Vec<JobId> = ledger.split_whitespace().map(|id| id.parse().unwrap()).collect();
    let lost: Vec<&JobId> = acknowledged.iter().filter(|id| there.binary_search(id).is_err()).collect();
    assert!(lost.is_empty(), "{} acknowledged jobs are lost: {lost:?}", lost.len());
    let torn = batches.values().filter(|(found, of)| found != of).count();
    assert_eq!(torn, 0, "batches are there in part: {batches:?}");
    (acknowledged.len(), there.len(), torn)
}
