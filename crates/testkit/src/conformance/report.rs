//! `report` and `list_logs`: progress, checkpoints and log lines of running attempts.

use upnext_core::backend::{LogEntry, LogLevel, LogQuery, Report, ReportEntry};
use upnext_core::{JobId, Outcome};

use crate::factories::{checkpoint, forged_lease, json, log_line, new_job, ok, progress, retrying_job};
use crate::{Fixture, Harness, Steps};

async fn messages(fixture: &Fixture, id: JobId) -> Vec<String> {
    let lines =
        fixture.backend.list_logs(id, LogQuery::after(0, 10_000)).await.expect("list_logs should not fail");
    lines.into_iter().map(|line| line.entry.message).collect()
}

/// Progress is visible at once, the last word of a batch counts, and a message stands beside it.
pub async fn progress_is_visible(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    let lease = fixture.backend.take_one("f").await.lease;
    fixture.backend.note(vec![progress(lease, 0.25, None), progress(lease, 0.5, Some("half – 半分"))]).await;
    let job = fixture.backend.read(id).await;
    assert!((job.progress - 0.5).abs() < 1e-9, "progress is {}, but the last word was 0.5", job.progress);
    assert_eq!(
        job.progress_message.as_deref(),
        Some("half – 半分"),
        "the message beside the progress is missing"
    );
}

/// A checkpoint is visible with its time, the last one counts, and the next attempt is handed it.
pub async fn the_last_checkpoint_is_handed_on(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(retrying_job("f", 1)).await;
    let first = fixture.backend.take_one("f").await;
    fixture.backend.note(vec![checkpoint(first.lease, r#"{"page": 1}"#)]).await;
    fixture.advance(2);
    fixture.backend.note(vec![checkpoint(first.lease, r#"{"page": 2}"#)]).await;
    let saved = fixture.now();
    let job = fixture.backend.read(id).await;
    assert_eq!(job.checkpoint, Some(json(r#"{"page": 2}"#)), "the job does not show its last checkpoint");
    assert_eq!(job.checkpoint_at, Some(saved), "the job does not show when it saved its checkpoint");
    fixture.backend.end_applied(&first, Outcome::failed("no")).await;
    fixture.advance(1);
    let second = fixture.backend.take_one("f").await;
    assert_eq!(second.checkpoint, Some(json(r#"{"page": 2}"#)), "the retry was not handed the checkpoint");
}

/// Log lines come back in the order they were written, with all of their fields and the attempt that wrote them.
pub async fn logs_are_listed_in_order(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(retrying_job("f", 1)).await;
    let first = fixture.backend.take_one("f").await;
    let entry = LogEntry {
        at: fixture.now(),
        level: "warning".to_owned(),
        message: "größer\nals gedacht 👩‍👩‍👧".to_owned(),
        extra: Some(json(r#"{"rows": [1, 2]}"#)),
    };
    let rich = Report { lease: first.lease, entry: ReportEntry::Log(entry.clone()) };
    fixture.backend.note(vec![rich, log_line(first.lease, fixture.now(), "b")]).await;
    // A line that was written earlier but arrives later: the order of arrival counts.
    fixture.backend.note(vec![log_line(first.lease, crate::fixture::START, "c")]).await;
    fixture.backend.end_applied(&first, Outcome::failed("no")).await;
    fixture.advance(1);
    let second = fixture.backend.take_one("f").await;
    fixture.backend.note(vec![log_line(second.lease, fixture.now(), "d")]).await;
    let lines =
        fixture.backend.list_logs(id, LogQuery::after(0, 100)).await.expect("list_logs should not fail");
    let attempts: Vec<u32> = lines.iter().map(|line| line.attempt).collect();
    assert_eq!(attempts, [1, 1, 1, 2], "lines do not name the attempts that wrote them");
    assert!(lines.windows(2).all(|pair| pair[0].sequence < pair[1].sequence), "sequence numbers do not rise");
    assert_eq!(
        messages(&fixture, id).await[1..],
        ["b", "c", "d"],
        "lines are not in the order they were written"
    );
    let read = &lines[0].entry;
    assert_eq!((read.at, &read.level), (entry.at, &entry.level), "the time or level of a line changed");
    assert_eq!(
        (&read.message, &read.extra),
        (&entry.message, &entry.extra),
        "the text or fields of a line changed"
    );
    assert_eq!(lines[1].entry.extra, None, "a line without further fields has some");
}

/// Log lines are read page by page: after a place, at most so many.
pub async fn logs_are_read_page_by_page(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    let other = fixture.backend.submit(new_job("f")).await;
    let jobs = fixture.backend.take("f", 2).await;
    let mut written = Vec::new();
    for n in 0..25 {
        written.push(format!("line {n}"));
        let noise = log_line(jobs[1].lease, fixture.now(), "noise");
        fixture.backend.note(vec![log_line(jobs[0].lease, fixture.now(), &written[n]), noise]).await;
    }
    let mut read = Vec::new();
    let mut after = 0;
    for wanted in [10, 10, 5, 0] {
        let page = fixture
            .backend
            .list_logs(id, LogQuery::after(after, 10))
            .await
            .expect("list_logs should not fail");
        assert_eq!(page.len(), wanted, "25 lines read ten by ten are pages of 10, 10, 5 and 0");
        after = page.last().map_or(after, |last| last.sequence);
        read.extend(page.into_iter().map(|line| line.entry.message));
    }
    assert_eq!(read, written, "reading page by page does not give every line of the job once");
    assert_eq!(messages(&fixture, other).await.len(), 25, "the other job's lines were lost");
}

/// Log lines are chosen by level, text and attempt, from the first on or from the last back.
pub async fn logs_are_filtered(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(retrying_job("f", 1)).await;
    let write = async |lease, lines: &[(&str, &str)]| {
        for (level, message) in lines {
            let entry = LogEntry {
                at: fixture.now(),
                level: (*level).to_owned(),
                message: (*message).to_owned(),
                extra: None,
            };
            fixture.backend.note(vec![Report { lease, entry: ReportEntry::Log(entry) }]).await;
        }
    };
    let first = fixture.backend.take_one("f").await;
    write(first.lease, &[("debug", "a"), ("info", "b Größe"), ("warning", "c"), ("odd", "d")]).await;
    fixture.backend.end_applied(&first, Outcome::failed("no")).await;
    fixture.advance(1);
    let second = fixture.backend.take_one("f").await;
    write(second.lease, &[("error", "e GRÖSSE"), ("critical", "f 100%"), ("info", "g")]).await;
    let all = LogQuery { limit: 100, ..LogQuery::default() };
    let cases = [
        ("of level warning and above", LogQuery { level: Some(LogLevel::Warning), ..all.clone() }, "cdef"),
        ("of every level", LogQuery { level: Some(LogLevel::Debug), ..all.clone() }, "abcdefg"),
        ("that contain a text", LogQuery { search: Some("grösse".into()), ..all.clone() }, "be"),
        ("that contain a percent sign", LogQuery { search: Some("%".into()), ..all.clone() }, "f"),
        ("of the second attempt", LogQuery { attempt: Some(2), ..all.clone() }, "efg"),
        ("at the end", LogQuery { newest: true, limit: 2, ..all.clone() }, "fg"),
        ("at the beginning", LogQuery { limit: 2, ..all.clone() }, "ab"),
        (
            "that match all at once",
            LogQuery {
                level: Some(LogLevel::Info),
                search: Some("größe".into()),
                attempt: Some(1),
                limit: 1,
                ..all
            },
            "b",
        ),
    ];
    for (what, query, wanted) in cases {
        let lines = fixture.backend.list_logs(id, query).await.expect("list_logs should not fail");
        let found: String = lines.iter().filter_map(|line| line.entry.message.chars().next()).collect();
        assert_eq!(found, wanted, "these are not the lines {what}");
    }
}

/// Reports under stale leases change nothing; the rest of their batch is noted.
pub async fn stale_reports_are_ignored(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    let ended = fixture.backend.submit(new_job("f")).await;
    let jobs = fixture.backend.take("f", 2).await;
    fixture.backend.note(vec![progress(jobs[1].lease, 0.75, None)]).await;
    fixture.backend.end_applied(&jobs[1], ok()).await;
    let before = fixture.backend.read(ended).await;
    let mut batch = Vec::new();
    for stale in [forged_lease(id), jobs[1].lease, forged_lease(JobId::fresh())] {
        batch.push(progress(stale, 0.1, Some("stale")));
        batch.push(checkpoint(stale, r#"{"stale": true}"#));
        batch.push(log_line(stale, fixture.now(), "stale"));
    }
    batch.insert(4, log_line(jobs[0].lease, fixture.now(), "good"));
    fixture.backend.note(batch).await;
    let job = fixture.backend.read(id).await;
    assert_eq!((job.progress, job.progress_message), (0.0, None), "a forged lease changed the progress");
    assert_eq!(job.checkpoint, None, "a forged lease changed the checkpoint");
    assert_eq!(messages(&fixture, id).await, ["good"], "stale lines were noted, or the good one was lost");
    let after = fixture.backend.read(ended).await;
    assert_eq!(after.progress, before.progress, "a finished attempt changed the progress");
    assert_eq!(after.checkpoint, None, "a finished attempt changed the checkpoint");
    assert!(messages(&fixture, ended).await.is_empty(), "a finished attempt wrote a line");
}

/// When a batch holds something that cannot be noted, either the rest of it is noted or nothing is: never a part and
/// an error.
pub async fn a_failed_batch_leaves_nothing(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    let lease = fixture.backend.take_one("f").await.lease;
    let line = |text| log_line(lease, fixture.now(), text);
    let answer = fixture.backend.report(vec![line("a"), progress(lease, f64::NAN, None), line("b")]).await;
    let wanted: &[&str] = if answer.is_ok() { &["a", "b"] } else { &[] };
    assert_eq!(
        messages(&fixture, id).await,
        wanted,
        "a batch was answered {answer:?}, yet this is what it left"
    );
    fixture.backend.note(vec![line("c")]).await;
    let last = messages(&fixture, id).await.pop();
    assert_eq!(last.as_deref(), Some("c"), "after a failed batch nothing can be noted any more");
}

/// Reports of nobody are fine, and an unknown job has no lines.
pub async fn nothing_to_report_is_fine(harness: &dyn Harness) {
    let fixture = harness.open().await;
    fixture.backend.note(Vec::new()).await;
    assert!(messages(&fixture, JobId::fresh()).await.is_empty(), "an unknown job has log lines");
}

/// What a reclaimed attempt still has to say is not mixed into its successor.
pub async fn a_lost_attempt_reports_no_more(harness: &dyn Harness) {
    let fixture = harness.open().await;
    let id = fixture.backend.submit(new_job("f")).await;
    let lost = fixture.backend.take_one("f").await;
    fixture.advance(31);
    fixture.backend.reclaim_all().await;
    let next = fixture.backend.take_one("f").await;
    fixture
        .backend
        .note(vec![progress(next.lease, 0.25, None), checkpoint(next.lease, r#"{"page": 1}"#)])
        .await;
    fixture
        .backend
        .note(vec![progress(lost.lease, 0.9, None), checkpoint(lost.lease, r#"{"page": 9}"#)])
        .await;
    let job = fixture.backend.read(id).await;
    assert!((job.progress - 0.25).abs() < 1e-9, "a lost attempt overwrote its successor's progress");
    assert_eq!(
        job.checkpoint,
        Some(json(r#"{"page": 1}"#)),
        "a lost attempt overwrote its successor's checkpoint"
    );
}
