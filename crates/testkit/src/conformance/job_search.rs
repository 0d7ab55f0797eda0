//! `list_jobs` by tags and by a text that jobs hold.

use upnext_core::backend::{JobDeleted, JobQuery, TEXT_LOOKS};
use upnext_core::{JobId, JobStatus, NewJob, Outcome};

use crate::factories::{checkpoint, fatal, json, keyed_job, new_job, ok, progress};
use crate::{Fixture, Harness, Steps};

fn tagged(function: &str, tags: &[&str]) -> NewJob {
    NewJob { tags: tags.iter().map(|&tag| tag.to_owned()).collect(), ..new_job(function) }
}

fn by_tags(tags: &[&str]) -> JobQuery {
    JobQuery { tags: tags.iter().map(|&tag| tag.to_owned()).collect(), limit: 100, ..JobQuery::default() }
}

fn by_text(text: &str) -> JobQuery {
    JobQuery { text: Some(text.to_owned()), limit: 100, ..JobQuery::default() }
}

/// The jobs of the only page; with the total, which must be known.
async fn matching(fixture: &Fixture, query: JobQuery) -> Vec<JobId> {
    let page = fixture.backend.list_jobs(query.clone()).await.expect("list_jobs should not fail");
    assert_eq!(page.total, page.items.len() as u64, "the total is not the number of jobs that match");
    assert!(
        !page.total_is_capped && page.next.is_none(),
        "the only page of {query:?} says that there is more"
    );
    for job in &page.items {
        assert!(query.admits_text(job), "{job:?} is found by {query:?}, which does not admit it");
    }
    page.items.into_iter().map(|job| job.id).collect()
}

/// The jobs of all pages, which may end early.
async fn on_all_pages(fixture: &Fixture, query: JobQuery) -> Vec<JobId> {
    let (mut query, mut ids) = (query, Vec::new());
    for _ in 0..1000 {
        let page = fixture.backend.list_jobs(query.clone()).await.expect("list_jobs should not fail");
        assert!(page.items.len() <= query.limit, "a page holds more than its limit");
        assert!(page.total_is_capped || page.next.is_none(), "a page that has a next one knows the total");
        ids.extend(page.items.iter().map(|job| job.id));
        match page.next {
            Some(next) => query.cursor = Some(next),
            None => return ids,
        }
    }
    panic!("the pages of {query:?} do not end");
}

/// Each of the tags must be there, letter by letter; together with other filters, too.
pub async fn tags_narrow_the_list(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let both = fixture.backend.submit(tagged("f", &["nightly", "eu"])).await;
    let nightly = fixture.backend.submit(tagged("f", &["nightly"])).await;
    let other = fixture.backend.submit(tagged("g", &["Nightly", "nightly 2", "größe"])).await;
    fixture.backend.submit(new_job("nightly")).await;
    fixture.backend.cancel(nightly).await.expect("cancel should not fail");
    for (tags, wanted) in [
        (&["nightly"][..], &[nightly, both][..]),
        (&["nightly", "eu"], &[both]),
        (&["eu", "nightly", "eu"], &[both]),
        (&["Nightly"], &[other]),
        (&["größe"], &[other]),
        (&["night"], &[]),
        (&["nightly", "unknown"], &[]),
    ] {
        assert_eq!(matching(&fixture, by_tags(tags)).await, wanted, "wrong jobs with the tags {tags:?}");
    }
    let cancelled = JobQuery { statuses: vec![JobStatus::Cancelled], ..by_tags(&["nightly"]) };
    assert_eq!(matching(&fixture, cancelled).await, [nightly], "tag and status do not work together");
    let of_g = JobQuery { function: Some("g".into()), ..by_tags(&["nightly"]) };
    assert!(matching(&fixture, of_g).await.is_empty(), "tag and function do not work together");
}

/// Pages of the jobs with a tag hold each of them once, newest first, and say how many there are on all of them.
pub async fn tags_hold_on_every_page(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let jobs = (0..20).map(|n| if n % 3 == 0 { tagged("f", &["third"]) } else { new_job("f") }).collect();
    let ids = fixture.backend.submit_all(jobs).await;
    let mut wanted: Vec<JobId> = ids.into_iter().step_by(3).collect();
    wanted.reverse();
    let query = JobQuery { limit: 2, ..by_tags(&["third"]) };
    let first = fixture.backend.list_jobs(query.clone()).await.expect("list_jobs should not fail");
    assert_eq!(first.total, 7, "the total of jobs with a tag is wrong");
    assert_eq!(fixture.backend.list_all(query).await, wanted, "the pages do not hold the jobs with the tag");
}

/// A job that is removed is found by its tags no longer, and others with the same tags are.
pub async fn the_tags_of_a_job_go_with_it(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let stays = fixture.backend.submit(tagged("g", &["eu"])).await;
    let goes = fixture.backend.submit(tagged("f", &["eu", "us"])).await;
    let claimed = fixture.backend.take_one("f").await;
    fixture.backend.end_applied(&claimed, ok()).await;
    assert_eq!(matching(&fixture, by_tags(&["eu"])).await, [goes, stays], "an ended job lost its tags");
    let deleted = fixture.backend.delete_job(goes).await.expect("delete_job should not fail");
    assert_eq!(deleted, JobDeleted::Gone, "an ended job cannot be deleted");
    assert_eq!(matching(&fixture, by_tags(&["eu"])).await, [stays], "a deleted job is found by its tags");
    assert!(matching(&fixture, by_tags(&["us"])).await.is_empty(), "a deleted job is found by its tags");
    fixture.backend.submit(new_job("f")).await;
    assert!(matching(&fixture, by_tags(&["us"])).await.is_empty(), "a new job has the tags of a deleted one");
}

/// A request that an unfinished job stands for adds no tags to it.
pub async fn a_job_that_stands_for_another_keeps_its_tags(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let with = |tag: &str| NewJob { tags: vec![tag.to_owned()], ..keyed_job("f", "k") };
    let first = fixture.backend.submit(with("first")).await;
    assert_eq!(fixture.backend.submit(with("second")).await, first, "the key does not stand for its job");
    assert_eq!(fixture.backend.read(first).await.tags, ["first"], "a repeated request changed the tags");
    assert_eq!(matching(&fixture, by_tags(&["first"])).await, [first], "the job is not found by its tag");
    assert!(matching(&fixture, by_tags(&["second"])).await.is_empty(), "a repeated request added a tag");
}

/// Id, function, its name, idempotency key, tags, error and arguments are searched: any part of them, literally.
pub async fn a_text_is_found_wherever_it_may_be(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let plain = fixture.backend.submit(new_job("other")).await;
    let rich = fixture
        .backend
        .submit(NewJob {
            function_name: "Monthly report".to_owned(),
            idempotency_key: Some("2026-01_50%".to_owned()),
            kwargs: json(r#"{"customer": "Größe & \\Söhne", "n": [1, 20]}"#),
            tags: vec!["nightly".to_owned(), "eu-west".to_owned()],
            ..new_job("reports.monthly")
        })
        .await;
    let claimed = fixture.backend.take_one("reports.monthly").await;
    fixture.backend.end_applied(&claimed, fatal("ValueError: no rows\nin 'sheet'")).await;
    let id = rich.to_string();
    for text in [
        id.as_str(),
        &id[9..],
        "reports.mon",
        "ts.monthly",
        "Monthly rep",
        "2026-01",
        "_50%",
        "nightly",
        "eu-w",
        "no rows",
        "rows\nin 'sh",
        "customer",
        "Größe &",
        r"\\S",
        r#""n": [1, 20]}"#,
        "",
    ] {
        let found = matching(&fixture, by_text(text)).await;
        let wanted = if text.is_empty() { vec![rich, plain] } else { vec![rich] };
        assert_eq!(found, wanted, "a search for {text:?} finds the wrong jobs");
    }
}

/// A text is not a pattern, its words are not searched one by one, and neither are results, states and messages.
pub async fn a_text_is_found_nowhere_else(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id =
        fixture.backend.submit(NewJob { tags: vec!["ab".into(), "cd".into()], ..new_job("report") }).await;
    let claimed = fixture.backend.take_one("report").await;
    fixture
        .backend
        .note(vec![
            progress(claimed.lease, 0.5, Some("halfway message")),
            checkpoint(claimed.lease, r#"{"state": "checkpoint"}"#),
        ])
        .await;
    let result = json(r#"{"answer": "result"}"#);
    fixture.backend.end_applied(&claimed, Outcome::Complete { result }).await;
    for text in [
        "re%rt",
        "rep_rt",
        "re*",
        "report rows",
        "halfway",
        "checkpoint",
        "answer",
        "complete",
        "ab cd",
        "ab,cd",
        "\0",
    ] {
        let found = matching(&fixture, by_text(text)).await;
        assert!(found.is_empty(), "a search for {text:?} finds job {id}, which does not hold it");
    }
}

/// Capitals and small letters are the same, in any script.
pub async fn letter_case_is_put_aside(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let kwargs = json(r#"{"street": "ΟΔΟΣ Straße"}"#);
    let id = fixture.backend.submit(NewJob { kwargs, ..new_job("Report.Monthly") }).await;
    fixture.backend.submit(new_job("other")).await;
    let upper = id.to_string().to_uppercase();
    for text in ["report.MONTHLY", "οδος", "STRASSE", "strasse", "STREET", &upper] {
        assert_eq!(
            matching(&fixture, by_text(text)).await,
            [id],
            "a search for {text:?} finds the wrong jobs"
        );
    }
}

/// A text narrows what other filters leave.
pub async fn a_text_works_with_other_filters(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let with =
        |function: &str, tag: &str| NewJob { kwargs: json(r#"{"who": "ada"}"#), ..tagged(function, &[tag]) };
    let first = fixture.backend.submit(with("f", "eu")).await;
    fixture.advance(1);
    let second = fixture.backend.submit(with("f", "us")).await;
    let third = fixture.backend.submit(with("g", "eu")).await;
    fixture.backend.submit(tagged("f", &["eu"])).await;
    let claimed = fixture.backend.take_one("g").await;
    fixture.backend.end_applied(&claimed, ok()).await;
    let ada = || by_text("Ada");
    assert_eq!(matching(&fixture, ada()).await, [third, second, first], "wrong jobs that hold the text");
    let f = JobQuery { function: Some("f".into()), ..ada() };
    assert_eq!(matching(&fixture, f).await, [second, first], "text and function do not work together");
    let eu = JobQuery { tags: vec!["eu".into()], ..ada() };
    assert_eq!(matching(&fixture, eu).await, [third, first], "text and tag do not work together");
    let complete = JobQuery { statuses: vec![JobStatus::Complete], ..ada() };
    assert_eq!(matching(&fixture, complete).await, [third], "text and status do not work together");
    let early = JobQuery { before: Some(fixture.now()), ..ada() };
    assert_eq!(matching(&fixture, early).await, [first], "text and time do not work together");
    let one = JobQuery { ids: Some((second, second)), ..ada() };
    assert_eq!(matching(&fixture, one).await, [second], "text and ids do not work together");
}

/// However small the pages are, every job that holds the text is on one of them, newest first.
pub async fn pages_of_a_search_cover_everything_once(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let jobs = (0..30).map(|n| new_job(if n % 4 == 0 { "needle" } else { "hay" })).collect();
    let ids = fixture.backend.submit_all(jobs).await;
    let mut wanted: Vec<JobId> = ids.into_iter().step_by(4).collect();
    wanted.reverse();
    for limit in [1, 3, 8, 9, 100] {
        let found = on_all_pages(&fixture, JobQuery { limit, ..by_text("needle") }).await;
        assert_eq!(found, wanted, "pages of {limit} do not hold what was searched for");
    }
}

/// A page looks at so many jobs and no more, and the next one goes on behind them.
pub async fn a_page_of_a_search_ends_early(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let needle = fixture.backend.submit(new_job("needle")).await;
    let hay = (0..TEXT_LOOKS).map(|_| new_job("hay")).collect();
    fixture.backend.submit_all(hay).await;
    let page = fixture.backend.list_jobs(by_text("needle")).await.expect("list_jobs should not fail");
    assert!(page.items.is_empty(), "a page of a search looks at more than {TEXT_LOOKS} jobs");
    assert!(page.next.is_some() && page.total_is_capped, "a search that ended early says that it is whole");
    let found = on_all_pages(&fixture, by_text("needle")).await;
    assert_eq!(found, [needle], "the pages do not go on to the oldest job");
    let narrowed = JobQuery { function: Some("needle".into()), ..by_text("needle") };
    assert_eq!(
        matching(&fixture, narrowed).await,
        [needle],
        "jobs that other filters leave out are looked at"
    );
}
