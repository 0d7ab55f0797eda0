//! `find_jobs` and `list_jobs`: filters, order, pages and trees.

use upnext_core::backend::{JobQuery, Page};
use upnext_core::job::Parent;
use upnext_core::{Job, JobId, JobStatus, NewJob, WorkerId};

use crate::factories::{claim_request, delayed_job, new_job, ok};
use crate::{Fixture, Harness, Steps};

async fn list(fixture: &Fixture, query: JobQuery) -> Page<Job> {
    fixture.backend.list_jobs(query).await.expect("list_jobs should not fail")
}

async fn matching(fixture: &Fixture, query: JobQuery) -> Vec<JobId> {
    let page = list(fixture, JobQuery { limit: 100, ..query }).await;
    assert_eq!(page.total, page.items.len() as u64, "the total is not the number of jobs that match");
    page.items.into_iter().map(|job| job.id).collect()
}

/// Known ids are found once each, unknown ones are left out, and no ids find nothing.
pub async fn unknown_ids_are_left_out(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let ids = fixture.backend.submit_all(vec![new_job("f"), new_job("f")]).await;
    let asked = vec![JobId::fresh(), ids[1], JobId::fresh(), ids[0]];
    let found = fixture.backend.find_jobs(asked).await.expect("find_jobs should not fail");
    let mut found: Vec<JobId> = found.into_iter().map(|job| job.id).collect();
    found.sort();
    assert_eq!(found, ids, "not exactly the known jobs are found");
    let none = fixture.backend.find_jobs(Vec::new()).await.expect("an empty batch is no error");
    assert!(none.is_empty(), "no id was given, yet a job is found");
}

/// Jobs are listed newest first, also when they were made at the same moment.
pub async fn newest_first(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let mut ids = fixture.backend.submit_all((0..5).map(|_| new_job("f")).collect()).await;
    ids.extend(fixture.backend.submit_all((0..5).map(|_| new_job("f")).collect()).await);
    fixture.advance(1);
    ids.push(fixture.backend.submit(new_job("f")).await);
    ids.reverse();
    assert_eq!(matching(&fixture, JobQuery::default()).await, ids, "jobs are not listed newest first");
    let page = list(&fixture, JobQuery { limit: 100, ..JobQuery::default() }).await;
    assert_eq!(page.next, None, "a page that holds everything has a next one");
}

/// Function and status narrow the list; several statuses are any of them; no match is an empty page.
pub async fn function_and_status_narrow_the_list(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let complete = fixture.backend.submit_completed("f").await;
    let active = fixture.backend.submit(new_job("f")).await;
    fixture.backend.take_one("f").await;
    let queued = fixture.backend.submit(new_job("f")).await;
    let pending = fixture.backend.submit(delayed_job("f", fixture.in_seconds(60))).await;
    let other = fixture.backend.submit(new_job("g")).await;
    let f = JobQuery { function: Some("f".into()), ..JobQuery::default() };
    let g = JobQuery { function: Some("g".into()), ..JobQuery::default() };
    assert_eq!(matching(&fixture, f.clone()).await, [pending, queued, active, complete], "wrong jobs of 'f'");
    assert_eq!(matching(&fixture, g).await, [other], "wrong jobs of 'g'");
    let by = |statuses: &[JobStatus]| JobQuery { statuses: statuses.to_vec(), ..JobQuery::default() };
    assert_eq!(matching(&fixture, by(&[JobStatus::Queued])).await, [other, queued], "wrong queued jobs");
    let two = by(&[JobStatus::Active, JobStatus::Complete]);
    assert_eq!(matching(&fixture, two).await, [active, complete], "wrong jobs of two statuses");
    assert_eq!(
        matching(&fixture, by(JobStatus::ALL)).await.len(),
        5,
        "naming all statuses should filter nothing"
    );
    let both = JobQuery { statuses: vec![JobStatus::Pending, JobStatus::Failed], ..f };
    assert_eq!(matching(&fixture, both).await, [pending], "function and status do not work together");
    assert!(
        matching(&fixture, by(&[JobStatus::Failed])).await.is_empty(),
        "no job failed, yet one is listed"
    );
}

/// Jobs are found by the worker that ran them last.
pub async fn the_worker_narrows_the_list(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let ids = fixture.backend.submit_all(vec![new_job("f"), new_job("f"), new_job("f")]).await;
    for name in ["one", "two"] {
        let mut request = claim_request(&["f"], 1);
        request.worker = WorkerId::from(name.to_owned());
        let claim = fixture.backend.claim(request).await.expect("claim should not fail");
        fixture.backend.end_applied(&claim.jobs[0], ok()).await;
    }
    let by = |worker: &str| JobQuery { worker_id: Some(worker.to_owned()), ..JobQuery::default() };
    assert_eq!(matching(&fixture, by("two")).await, [ids[1]], "the filter by worker is wrong");
    assert!(matching(&fixture, by("three")).await.is_empty(), "a worker that ran nothing has jobs");
}

/// `after` holds its moment, `before` does not.
pub async fn times_narrow_the_list(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let mut made = Vec::new();
    for _ in 0..4 {
        made.push((fixture.backend.submit(new_job("f")).await, fixture.now()));
        fixture.advance(1);
    }
    let [(_, _), (second, t2), (third, t3), (fourth, t4)] = made[..] else { unreachable!("four were made") };
    let after = JobQuery { after: Some(t2), ..JobQuery::default() };
    assert_eq!(matching(&fixture, after).await, [fourth, third, second], "jobs made at `after` belong to it");
    let between = JobQuery { after: Some(t2), before: Some(t4), ..JobQuery::default() };
    assert_eq!(
        matching(&fixture, between).await,
        [third, second],
        "jobs made at `before` do not belong to it"
    );
    let nothing = JobQuery { after: Some(t3), before: Some(t3), ..JobQuery::default() };
    assert!(matching(&fixture, nothing).await.is_empty(), "an empty span of time holds jobs");
}

/// A tree is its root and all that descends from it, whatever the function or status.
pub async fn a_tree_is_listed_by_its_root(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let root = fixture.backend.submit(new_job("f")).await;
    let under = |parent_id| NewJob { parent: Some(Parent { parent_id, root_id: root }), ..new_job("g") };
    let child = fixture.backend.submit(under(root)).await;
    let grandchild = fixture.backend.submit(under(child)).await;
    let stranger = fixture.backend.submit(new_job("g")).await;
    let tree = |root_id| JobQuery { root_id: Some(root_id), ..JobQuery::default() };
    assert_eq!(
        matching(&fixture, tree(root)).await,
        [grandchild, child, root],
        "the tree is not listed whole"
    );
    assert_eq!(
        matching(&fixture, tree(stranger)).await,
        [stranger],
        "a job without children is a tree of one"
    );
    assert!(matching(&fixture, tree(JobId::fresh())).await.is_empty(), "an unknown root heads a tree");
}

/// Pages together hold every job once while new ones arrive and others change; totals count all pages.
pub async fn pages_cover_everything_once(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let mut ids = fixture.backend.submit_all((0..30).map(|_| new_job("f")).collect()).await;
    ids.reverse();
    let mut query = JobQuery { limit: 10, ..JobQuery::default() };
    let mut seen = Vec::new();
    for number in 1..=3 {
        let page = list(&fixture, query.clone()).await;
        assert_eq!(page.items.len(), 10, "page {number} of 3 is not full");
        assert_eq!(
            page.total,
            29 + number,
            "the total on page {number} does not count the jobs on all pages"
        );
        seen.extend(page.items.iter().map(|job| job.id));
        assert_eq!(page.next.is_some(), number < 3, "page {number} of 3 is wrong about a next page");
        query.cursor = page.next;
        fixture.backend.submit(new_job("g")).await;
        fixture.backend.take("f", 3).await;
    }
    assert_eq!(seen, ids, "the pages do not hold every job once, newest first");
}

/// Filters hold on every page.
pub async fn filters_hold_on_every_page(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let functions = ["f", "g", "f", "f", "g", "f", "f"];
    let ids = fixture.backend.submit_all(functions.iter().map(|function| new_job(function)).collect()).await;
    let query = JobQuery {
        function: Some("f".into()),
        statuses: vec![JobStatus::Queued],
        after: Some(fixture.now()),
        limit: 2,
        ..JobQuery::default()
    };
    assert_eq!(list(&fixture, query.clone()).await.total, 5, "the total should count the jobs that match");
    let wanted = [6, 5, 3, 2, 0].map(|n| ids[n]);
    assert_eq!(fixture.backend.list_all(query).await, wanted, "a filter is lost on a later page");
}
