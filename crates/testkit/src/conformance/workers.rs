//! `register_worker`, `deregister_worker` and `list_workers`: who is there, who stopped, who vanished.

use upnext_core::backend::RenewRequest;
use upnext_core::{FunctionDefinition, Worker, WorkerId, WorkerRegistration};

use crate::factories::{claim_request, new_job, ok, registration, renew_request, worker_id};
use crate::{Fixture, Harness, Steps};

async fn workers(fixture: &Fixture) -> Vec<Worker> {
    fixture.backend.list_workers().await.expect("list_workers should not fail")
}

async fn only_worker(fixture: &Fixture) -> Worker {
    let mut workers = workers(fixture).await;
    assert_eq!(workers.len(), 1, "exactly one worker was registered");
    workers.remove(0)
}

fn named(id: &str) -> WorkerId {
    WorkerId::from(id.to_owned())
}

/// A registered worker is listed with all it said of itself.
pub async fn a_registered_worker_is_listed(harness: &dyn Harness) {
    let fixture = harness.open().await;
    assert!(workers(&fixture).await.is_empty(), "a fresh backend has workers");
    let given = WorkerRegistration {
        name: "größe-worker".to_owned(),
        hostname: "host 図".to_owned(),
        pid: u32::MAX,
        concurrency: 64,
        language: "python".to_owned(),
        version: "1.2.3".to_owned(),
        ..registration(&named("w-1"), "", &["b", "a"])
    };
    fixture.backend.register(given.clone()).await;
    let worker = only_worker(&fixture).await;
    assert_eq!((&worker.id, &worker.name), (&given.id, &given.name), "the worker's id or name changed");
    assert_eq!((&worker.hostname, worker.pid), (&given.hostname, given.pid), "the worker's place changed");
    assert_eq!(worker.concurrency, 64, "the worker's concurrency changed");
    assert_eq!(
        (&worker.language, &worker.version),
        (&given.language, &given.version),
        "the worker's build changed"
    );
    let mut functions = worker.functions;
    functions.sort();
    assert_eq!(functions, ["a", "b"], "the worker's functions changed");
    assert_eq!(worker.active_jobs, 0, "a worker that claimed nothing has active jobs");
    assert_eq!(worker.started_at, fixture.now(), "started_at is not the moment of registration");
    assert_eq!(worker.last_heartbeat_at, fixture.now(), "registering is a sign of life");
    assert_eq!((worker.stopped_at, worker.alive), (None, true), "a fresh worker should be alive");
}

/// A worker is alive for three heartbeats of silence, then not; a sign of life brings it back.
pub async fn a_silent_worker_is_not_alive(harness: &dyn Harness) {
    let fixture = harness.open().await;
    fixture.backend.register(registration(&worker_id(), "tester", &["f"])).await;
    fixture.advance(14);
    assert!(only_worker(&fixture).await.alive, "14 s of silence is less than three heartbeats of 5 s");
    fixture.advance(2);
    let worker = only_worker(&fixture).await;
    assert!(!worker.alive, "16 s of silence is more than three heartbeats of 5 s");
    assert_eq!(worker.stopped_at, None, "a worker that vanished did not stop in good order");
    fixture.backend.renew(renew_request(Vec::new())).await.expect("renew should not fail");
    assert!(only_worker(&fixture).await.alive, "a sign of life should make the worker alive again");
}

/// A worker's sign of life brings what memory it takes; one that cannot tell is listed without.
pub async fn memory_comes_with_signs_of_life(harness: &dyn Harness) {
    let fixture = harness.open().await;
    fixture.backend.register(registration(&worker_id(), "tester", &["f"])).await;
    assert_eq!(only_worker(&fixture).await.memory_bytes, None, "nobody told what memory it takes");
    for told in [Some(48 << 20), Some(5_000_000_000), None] {
        let request = RenewRequest { memory_bytes: told, ..renew_request(Vec::new()) };
        fixture.backend.renew(request).await.expect("renew should not fail");
        assert_eq!(only_worker(&fixture).await.memory_bytes, told, "the memory is not what was told last");
    }
}

/// A worker that said goodbye is not alive, and is listed as stopped; saying it twice or for nobody is fine.
pub async fn a_stopped_worker_is_listed_as_stopped(harness: &dyn Harness) {
    let fixture = harness.open().await;
    fixture.backend.register(registration(&worker_id(), "tester", &["f"])).await;
    fixture.advance(3);
    let stopped = fixture.now();
    fixture.backend.deregister_worker(worker_id()).await.expect("deregister_worker should not fail");
    let worker = only_worker(&fixture).await;
    assert_eq!(
        (worker.stopped_at, worker.alive),
        (Some(stopped), false),
        "a worker that stopped should say so"
    );
    fixture.backend.deregister_worker(worker_id()).await.expect("stopping twice is no error");
    fixture.backend.deregister_worker(named("nobody")).await.expect("stopping nobody is no error");
    assert_eq!(workers(&fixture).await.len(), 1, "deregistering made up a worker");
}

/// Registering again with the same id replaces what was known, and brings a stopped worker back.
pub async fn registering_again_replaces(harness: &dyn Harness) {
    let fixture = harness.open().await;
    fixture.backend.register(registration(&worker_id(), "tester", &["f", "g"])).await;
    fixture.backend.deregister_worker(worker_id()).await.expect("deregister_worker should not fail");
    let again = WorkerRegistration { concurrency: 99, ..registration(&worker_id(), "tester", &["g", "h"]) };
    fixture.backend.register(again).await;
    let worker = only_worker(&fixture).await;
    let mut functions = worker.functions;
    functions.sort();
    assert_eq!(
        (functions, worker.concurrency),
        (vec!["g".into(), "h".into()], 99),
        "the old registration is left"
    );
    assert_eq!(
        (worker.stopped_at, worker.alive),
        (None, true),
        "a worker that registered again should be alive"
    );
}

/// Workers are listed newest first; those not heard of for a day are left out.
pub async fn workers_are_listed_for_a_day(harness: &dyn Harness) {
    let fixture = harness.open().await;
    for id in ["w-1", "w-2", "w-3"] {
        fixture.backend.register(registration(&named(id), "tester", &["f"])).await;
        fixture.advance(60);
    }
    let ids: Vec<String> = workers(&fixture).await.iter().map(|worker| worker.id.to_string()).collect();
    assert_eq!(ids, ["w-3", "w-2", "w-1"], "workers are not listed newest first");
    fixture.advance(24 * 3600 - 90);
    let ids: Vec<String> = workers(&fixture).await.iter().map(|worker| worker.id.to_string()).collect();
    assert_eq!(ids, ["w-3"], "exactly the workers that were heard of within the last day are listed");
}

/// A worker shows how many leases it holds, whatever becomes of them.
pub async fn active_jobs_are_counted(harness: &dyn Harness) {
    let fixture = harness.open().await;
    fixture.backend.register(registration(&worker_id(), "tester", &["f"])).await;
    fixture.backend.register(registration(&named("w-2"), "tester", &["f"])).await;
    fixture.backend.submit_all((0..6).map(|_| new_job("f")).collect()).await;
    let jobs = fixture.backend.take("f", 4).await;
    let mut request = claim_request(&["f"], 1);
    request.worker = named("w-2");
    fixture.backend.claim(request).await.expect("claim should not fail");
    fixture.backend.end_applied(&jobs[0], ok()).await;
    fixture.backend.release(vec![jobs[1].lease]).await.expect("release should not fail");
    let mut counts: Vec<(String, u32)> =
        workers(&fixture).await.iter().map(|worker| (worker.id.to_string(), worker.active_jobs)).collect();
    counts.sort();
    let wanted = [(worker_id().to_string(), 2), ("w-2".to_owned(), 1)];
    assert_eq!(counts, wanted, "workers do not show the number of leases they hold");
    fixture.advance(31);
    fixture.backend.reclaim_all().await;
    let left: u32 = workers(&fixture).await.iter().map(|worker| worker.active_jobs).sum();
    assert_eq!(left, 0, "a reclaimed lease still counts for its worker");
}

/// A worker may offer nothing, and one function under many instances is listed once.
pub async fn instances_share_their_functions(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let mut registrations = vec![registration(&named("w-0"), "tester", &[])];
    for id in ["w-1", "w-2"] {
        let mut worker = registration(&named(id), "tester", &["f"]);
        worker.functions.push(FunctionDefinition::task("g"));
        registrations.push(worker);
    }
    for worker in registrations {
        fixture.backend.register(worker).await;
    }
    let functions = fixture.backend.list_functions().await.expect("list_functions should not fail");
    let keys: Vec<&str> = functions.iter().map(|function| function.definition.key.as_str()).collect();
    assert_eq!(keys, ["f", "g"], "a function of two instances should be listed once, by key");
    for function in &functions {
        let mut workers = function.workers.clone();
        workers.sort();
        assert_eq!(workers, ["w-1", "w-2"], "the function does not name the instances that offer it");
    }
}
