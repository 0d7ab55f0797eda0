//! `list_artifacts`: filters, order and pages.

use std::collections::HashSet;

use upnext_core::backend::{ArtifactQuery, Page};
use upnext_core::{Artifact, ArtifactId, ArtifactType, JobId, NewArtifact};

use crate::factories::{new_artifact, new_job};
use crate::{Fixture, Harness, Steps};

async fn list(fixture: &Fixture, query: ArtifactQuery) -> Page<Artifact> {
    fixture.backend.list_artifacts(query).await.expect("list_artifacts should not fail")
}

async fn names(fixture: &Fixture, query: ArtifactQuery) -> Vec<String> {
    let page = list(fixture, ArtifactQuery { limit: 100, ..query }).await;
    assert_eq!(page.total, page.items.len() as u64, "the total is not the number of artifacts that match");
    page.items.into_iter().map(|artifact| artifact.name).collect()
}

fn containing(text: &str) -> ArtifactQuery {
    ArtifactQuery { name_contains: Some(text.to_owned()), ..ArtifactQuery::default() }
}

/// Without a filter every job's artifacts are listed, newest first, also when they were made at the same moment.
pub async fn newest_first(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let ids = fixture.backend.submit_all(vec![new_job("f"), new_job("g")]).await;
    for n in 0..6 {
        fixture.backend.record_ok(new_artifact(ids[n % 2], &format!("{n}"), b"x")).await;
    }
    let listed = names(&fixture, ArtifactQuery::default()).await;
    assert_eq!(listed, ["5", "4", "3", "2", "1", "0"], "artifacts are not listed newest first");
}

/// Job, function and type each narrow the list, and together they narrow it more.
pub async fn filters_narrow_the_list(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let ids = fixture.backend.submit_all(vec![new_job("f"), new_job("f"), new_job("g")]).await;
    for (n, id) in ids.iter().enumerate() {
        fixture.backend.record_ok(new_artifact(*id, &format!("text {n}"), b"x")).await;
        let csv = ArtifactType::Csv;
        let table = NewArtifact { artifact_type: csv, ..new_artifact(*id, &format!("table {n}"), b"y") };
        fixture.backend.record_ok(table).await;
    }
    let by_job = ArtifactQuery { job_id: Some(ids[1]), ..ArtifactQuery::default() };
    assert_eq!(names(&fixture, by_job.clone()).await, ["table 1", "text 1"], "the filter by job is wrong");
    let by_function = ArtifactQuery { function: Some("g".into()), ..ArtifactQuery::default() };
    assert_eq!(names(&fixture, by_function).await, ["table 2", "text 2"], "the filter by function is wrong");
    let by_type = ArtifactQuery { artifact_type: Some(ArtifactType::Csv), ..ArtifactQuery::default() };
    let wanted = ["table 2", "table 1", "table 0"];
    assert_eq!(names(&fixture, by_type).await, wanted, "the filter by type is wrong");
    let all = ArtifactQuery {
        function: Some("f".into()),
        artifact_type: Some(ArtifactType::Text),
        name_contains: Some("1".into()),
        ..by_job
    };
    assert_eq!(names(&fixture, all).await, ["text 1"], "filters do not work together");
    let nobody = ArtifactQuery { function: Some("nobody".into()), ..ArtifactQuery::default() };
    assert!(names(&fixture, nobody).await.is_empty(), "an unknown function has artifacts");
}

/// A text in the name is found whatever its letter case, and its special characters mean themselves.
pub async fn names_are_searched_literally(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    for name in ["Report.json", "100% done", "a_b", "acb", "[x]*?", "back\\slash", "it's"] {
        fixture.backend.record_ok(new_artifact(id, name, name.as_bytes())).await;
    }
    let cases = [
        ("rePORT", "Report.json"),
        ("0% d", "100% done"),
        ("a_b", "a_b"),
        ("[x]", "[x]*?"),
        ("*?", "[x]*?"),
        ("k\\s", "back\\slash"),
        ("t's", "it's"),
    ];
    for (text, wanted) in cases {
        assert_eq!(
            names(&fixture, containing(text)).await,
            [wanted],
            "the search for '{text}' is not literal"
        );
    }
    assert!(names(&fixture, containing("%%")).await.is_empty(), "'%%' matches names that do not contain it");
}

/// Letter case is put aside beyond ASCII too.
pub async fn names_are_searched_in_any_script(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    for name in ["Äpfel.csv", "ОТЧЁТ.txt", "図.png"] {
        fixture.backend.record_ok(new_artifact(id, name, name.as_bytes())).await;
    }
    for (text, wanted) in
        [("図", "図.png"), ("Äpf", "Äpfel.csv"), ("äPF", "Äpfel.csv"), ("отчёт", "ОТЧЁТ.txt")]
    {
        assert_eq!(
            names(&fixture, containing(text)).await,
            [wanted],
            "the search for '{text}' finds something else"
        );
    }
}

/// Pages together hold every artifact once while new ones arrive; the last page has no next one.
pub async fn pages_cover_everything_once(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    let mut made = Vec::new();
    for n in 0..20 {
        made.push(fixture.backend.record_ok(new_artifact(id, &format!("{n}"), b"x")).await.id);
    }
    made.reverse();
    let mut query = ArtifactQuery { limit: 5, ..ArtifactQuery::default() };
    let mut seen: Vec<ArtifactId> = Vec::new();
    for page_number in 1..=4 {
        let page = list(&fixture, query.clone()).await;
        assert_eq!(page.items.len(), 5, "page {page_number} of 4 is not full");
        seen.extend(page.items.iter().map(|artifact| artifact.id));
        assert_eq!(
            page.next.is_some(),
            page_number < 4,
            "page {page_number} of 4 is wrong about a next page"
        );
        query.cursor = page.next;
        fixture.backend.record_ok(new_artifact(id, &format!("late {page_number}"), b"x")).await;
    }
    assert_eq!(seen, made, "the pages do not hold every artifact once, newest first");
}

/// The total counts what matches on all pages, and older versions only when they are asked for.
pub async fn the_total_counts_all_pages(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    for n in 0..9 {
        fixture.backend.record_ok(new_artifact(id, &format!("{}", n % 3), format!("{n}").as_bytes())).await;
    }
    for (all_versions, total) in [(false, 3), (true, 9)] {
        let query = ArtifactQuery { all_versions, limit: 2, ..ArtifactQuery::default() };
        let first = list(&fixture, query.clone()).await;
        assert_eq!(first.total, total, "the total is wrong with all versions: {all_versions}");
        let second = list(&fixture, ArtifactQuery { cursor: first.next, ..query }).await;
        assert_eq!(second.total, total, "the total changed on the second page");
        let ids: HashSet<ArtifactId> =
            first.items.iter().chain(&second.items).map(|artifact| artifact.id).collect();
        assert_eq!(ids.len(), first.items.len() + second.items.len(), "two pages share an artifact");
    }
    let unknown = ArtifactQuery { job_id: Some(JobId::fresh()), limit: 2, ..ArtifactQuery::default() };
    let page = list(&fixture, unknown).await;
    assert_eq!((page.total, page.next), (0, None), "an empty list has a total or a next page");
}
