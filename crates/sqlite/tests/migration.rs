//! A file that an older version wrote opens with everything that was in it.

use std::path::Path;

use rusqlite::{Connection, params};
use upnext_core::artifact::ArtifactPatch;
use upnext_core::backend::{ArtifactQuery, ArtifactSort, ArtifactTotals};
use upnext_core::insight::{Ended, Hour, StatsQuery};
use upnext_core::{ArtifactId, ArtifactStatus, ArtifactType, Backend, JobId, Timestamp};
use upnext_sqlite::SqliteOptions;
use upnext_testkit::Steps;
use upnext_testkit::factories::{digest, new_artifact, part, seal};

/// Moment of the first artifact.
const FIRST: i64 = 1_700_000_000_000_000;

/// A file as the first version left it: two jobs with these artifacts (job, version, latest, name, bytes).
struct OldFile {
    jobs: [JobId; 2],
    artifacts: Vec<ArtifactId>,
}

const ARTIFACTS: [(usize, u32, bool, &str, &str); 5] = [
    (0, 1, false, "report.json", "[1]"),
    (0, 2, true, "report.json", "[1,2]"),
    (1, 1, true, "ΟΔΟΣΤΡΩΜΑ.csv", "a,b"),
    (1, 1, true, "Report.json", "[1]"),
    (1, 1, true, "Äpfel.txt", "äpfel"),
];

fn write_old_file(path: &Path) -> rusqlite::Result<OldFile> {
    let connection = Connection::open(path)?;
    connection.execute_batch(include_str!("../migrations/0001_init.sql"))?;
    connection.pragma_update(None, "application_id", 0x5550_4E58)?;
    connection.pragma_update(None, "user_version", 1)?;
    let jobs = [JobId::fresh(), JobId::fresh()];
    for (n, (id, status)) in jobs.iter().zip(["complete", "queued"]).enumerate() {
        connection
            .execute(
                "INSERT INTO jobs (id, status, function, job_type, priority, created_at, scheduled_at, completed_at, \
                 timeout_us, change, kwargs) VALUES (?1, ?2, ?3, 'task', 0, ?4, ?4, ?5, 1000000, ?6, '{}')",
                params![
                    id.as_bytes(),
                    status,
                    format!("function_{n}"),
                    FIRST - 10,
                    (n == 0).then_some(FIRST + 100),
                    n + 1
                ],
            )?;
    }
    connection.execute("UPDATE counters SET value = 2 WHERE name = 'change'", [])?;
    let mut artifacts = Vec::new();
    for (n, (job, version, latest, name, bytes)) in (0_i64..).zip(ARTIFACTS) {
        let sha256 = digest(bytes.as_bytes());
        connection.execute(
            "INSERT INTO blobs (sha256, size_bytes, storage, refs, bytes) VALUES (?1, ?2, 'inline', 1, ?3) \
                 ON CONFLICT DO UPDATE SET refs = refs + 1",
            params![sha256.as_bytes(), bytes.len(), bytes.as_bytes()],
        )?;
        let id = ArtifactId::fresh();
        // The clock stepped back before the last artifact.
        let created_at = FIRST + if n == 4 { -5 } else { n };
        let folded = name.to_lowercase();
        connection
            .execute(
                "INSERT INTO artifacts (id, job, attempt, version, latest, blob, created_at, type, content_type, name, \
                 folded_name) VALUES (?1, ?2, 1, ?3, ?4, (SELECT blob FROM blobs WHERE sha256 = ?5), ?6, ?7, ?8, ?9, ?10)",
                params![
                    id.as_bytes(),
                    job + 1,
                    version,
                    latest,
                    sha256.as_bytes(),
                    created_at,
                    if n == 2 { "file/csv" } else { "text" },
                    if n == 2 { "text/csv" } else { "text/plain; charset=utf-8" },
                    name,
                    (folded != name).then_some(folded)
                ],
            )?;
        artifacts.push(id);
    }
    Ok(OldFile { jobs, artifacts })
}

async fn opened() -> (tempfile::TempDir, OldFile, std::sync::Arc<dyn Backend>) {
    let folder = tempfile::tempdir().expect("a temporary folder should be made");
    let path = folder.path().join("upnext.db");
    let old = write_old_file(&path).expect("an old file should be written");
    let backend = upnext_sqlite::open(SqliteOptions::new(&path)).await.expect("an old file should open");
    (folder, old, backend)
}

fn query() -> ArtifactQuery {
    ArtifactQuery::default()
}

#[tokio::test]
async fn an_old_file_opens_with_every_artifact_listed_and_counted() {
    let (_folder, old, backend) = opened().await;
    let all = backend.page(ArtifactQuery { all_versions: true, limit: 10, ..query() }).await;
    let ids: Vec<ArtifactId> = all.items.iter().rev().map(|artifact| artifact.id).collect();
    assert_eq!(ids, old.artifacts);
    for (artifact, (job, version, latest, name, bytes)) in all.items.iter().rev().zip(ARTIFACTS) {
        assert_eq!((artifact.job_id, artifact.function.clone()), (old.jobs[job], format!("function_{job}")));
        assert_eq!((artifact.version, artifact.latest, artifact.name.as_str()), (version, latest, name));
        assert_eq!(
            (artifact.size_bytes, artifact.sha256),
            (bytes.len() as u64, Some(digest(bytes.as_bytes())))
        );
        assert_eq!((artifact.status, artifact.attempt), (ArtifactStatus::Available, 1));
        assert!(artifact.labels.is_empty() && !artifact.pinned && artifact.expires_at.is_none());
        assert!(backend.kept(bytes.as_bytes()).await);
    }
    assert_eq!(all.items[2].artifact_type, ArtifactType::Csv);
    assert!(all.items.windows(2).all(|pair| pair[0].created_at >= pair[1].created_at), "{:?}", all.items);
    let totals = ArtifactTotals { artifacts: 4, versions: 5, logical_bytes: 20, blobs: 4, stored_bytes: 17 };
    assert_eq!(backend.totals().await, totals);
    let of_function = ArtifactQuery { function: Some("function_1".into()), ..query() };
    assert_eq!(backend.names(of_function).await.len(), 3);
    let tables = ArtifactQuery { artifact_type: Some(ArtifactType::Csv), ..query() };
    assert_eq!(backend.names(tables).await, ["ΟΔΟΣΤΡΩΜΑ.csv"]);
}

#[tokio::test]
async fn an_old_files_artifacts_are_searchable() {
    let (_folder, _, backend) = opened().await;
    for (text, wanted) in [
        ("REPORT", &["Report.json", "report.json"][..]),
        ("οδος", &["ΟΔΟΣΤΡΩΜΑ.csv"]),
        ("ΟΔΟΣ", &["ΟΔΟΣΤΡΩΜΑ.csv"]),
        ("äPF", &["Äpfel.txt"]),
        ("ä", &["Äpfel.txt"]),
        ("nothing", &[]),
    ] {
        let by_name = ArtifactQuery { name_contains: Some(text.into()), ..query() };
        assert_eq!(backend.names(by_name).await, wanted, "names that contain {text}");
        let search = ArtifactQuery { search: Some(text.into()), ..query() };
        assert_eq!(backend.names(search).await, wanted, "a search for {text}");
    }
}

#[tokio::test]
async fn life_goes_on_in_an_old_file() {
    let (_folder, old, backend) = opened().await;
    let place = backend.place().await;
    let next = backend.record_ok(new_artifact(old.jobs[0], "report.json", b"[1,2,3]")).await;
    assert_eq!((next.version, next.latest), (3, true));
    assert!(!backend.artifact_there(old.artifacts[1]).await.latest);
    let patch = ArtifactPatch { tags: Some(vec!["old".into()]), ..ArtifactPatch::default() };
    backend.patch(old.artifacts[2], patch).await;
    backend.remove(old.artifacts[0]).await;
    assert!(backend.kept(b"[1]").await, "another artifact needs these bytes");
    let told = backend.everything_since(place).await.artifacts;
    assert_eq!(told.len(), 3, "{told:?}");
    let tagged = ArtifactQuery { tags: vec!["old".into()], ..query() };
    assert_eq!(backend.names(tagged).await, ["ΟΔΟΣΤΡΩΜΑ.csv"]);
    assert_eq!(backend.totals().await.versions, 5);
    assert_eq!(backend.take("function_1", 1).await.len(), 1);
}

#[tokio::test]
async fn jobs_that_ended_in_an_old_file_are_in_the_figures() {
    let (_folder, _, backend) = opened().await;
    let stats = backend.job_stats(StatsQuery::default()).await.expect("job_stats should not fail");
    let wanted = Ended { complete: 1, ..Ended::default() };
    assert_eq!((stats.ended, stats.unfinished), (wanted, 1), "an old end is not counted");
    let hour = Hour::of(Timestamp::from_micros(FIRST + 100));
    for (since, functions) in [(hour, 1), (hour.next(), 0)] {
        let found = backend.functions_ended(since).await.expect("functions_ended should not fail");
        assert_eq!(found.len(), functions, "an old end is counted in another hour");
    }
}

/// The same as the third version left it: one artifact changed since, the newest is gone, and an upload is under way.
fn write_file_of_schema_3(path: &Path) -> rusqlite::Result<(OldFile, ArtifactId)> {
    let old = write_old_file(path)?;
    let connection = Connection::open(path)?;
    connection.execute_batch(include_str!("../migrations/0002_artifacts.sql"))?;
    connection.execute_batch(include_str!("../migrations/0003_followers.sql"))?;
    connection.pragma_update(None, "user_version", 3)?;
    let upload = ArtifactId::fresh();
    let insert = "INSERT INTO artifacts (seq, id, job, attempt, version, latest, size_bytes, created_at, change, made, \
                  function, type, name) VALUES (?1, ?2, 2, 0, -?1, 0, 0, 1700000001000000, ?3, ?3, 'function_1', 'text', 'a b c')";
    connection.execute(insert, params![6, upload.as_bytes(), 8])?;
    connection.execute(insert, params![100, ArtifactId::fresh().as_bytes(), 9])?;
    connection.execute_batch(
        "DELETE FROM artifacts WHERE seq = 100;
         UPDATE artifacts SET description = 'changed', change = 10 WHERE seq = 2;
         UPDATE counters SET value = 10 WHERE name = 'change';
         UPDATE counters SET value = 100 WHERE name = 'searchable';",
    )?;
    Ok((old, upload))
}

async fn opened_from_schema_3() -> (tempfile::TempDir, OldFile, ArtifactId, std::sync::Arc<dyn Backend>) {
    let folder = tempfile::tempdir().expect("a temporary folder should be made");
    let path = folder.path().join("upnext.db");
    let (old, upload) = write_file_of_schema_3(&path).expect("a file of schema 3 should be written");
    let backend = upnext_sqlite::open(SqliteOptions::new(&path)).await.expect("an old file should open");
    (folder, old, upload, backend)
}

#[tokio::test]
async fn a_file_of_schema_3_is_listed_and_counted_as_before() {
    let (_folder, old, upload, backend) = opened_from_schema_3().await;
    let totals = ArtifactTotals { artifacts: 4, versions: 5, logical_bytes: 20, blobs: 4, stored_bytes: 17 };
    assert_eq!(backend.totals().await, totals);
    assert_eq!(backend.artifact_there(upload).await.status, ArtifactStatus::Uploading);
    for (wanted, query) in [
        (4, query()),
        (3, ArtifactQuery { function: Some("function_1".into()), ..query() }),
        (1, ArtifactQuery { artifact_type: Some(ArtifactType::Csv), ..query() }),
        (1, ArtifactQuery { name: Some("report.json".into()), ..query() }),
        (2, ArtifactQuery { min_size: Some(5), ..query() }),
        (4, ArtifactQuery { sort: ArtifactSort::Name, ..query() }),
        (4, ArtifactQuery { sort: ArtifactSort::Largest, ..query() }),
    ] {
        assert_eq!(backend.names(query.clone()).await.len(), wanted, "artifacts of {query:?}");
    }
    let told: Vec<ArtifactId> =
        backend.everything_since(0).await.artifacts.iter().map(|told| told.id).collect();
    let missing: Vec<_> = old.artifacts.iter().filter(|id| !told.contains(id)).collect();
    assert!(missing.is_empty(), "followers from the beginning do not hear of {missing:?}, but of {told:?}");
    assert!(!told.contains(&upload), "followers hear of an upload that is not whole");
}

#[tokio::test]
async fn life_goes_on_in_a_file_of_schema_3() {
    let (_folder, old, upload, backend) = opened_from_schema_3().await;
    let place = backend.place().await;
    backend.append_ok(part(upload, None, 0, b"whole")).await;
    backend.close_ok(seal(upload, None, b"whole")).await;
    // Were numbers given twice, the search index would take it for one that it knows.
    let fresh = backend.record_ok(new_artifact(old.jobs[1], "fresh.txt", b"fresh")).await;
    let told = backend.everything_since(place).await.artifacts;
    assert_eq!(told.iter().map(|told| told.id).collect::<Vec<_>>(), [upload, fresh.id]);
    let search = ArtifactQuery { search: Some("fresh".into()), ..query() };
    assert_eq!(backend.names(search).await, ["fresh.txt"]);
    let of_function =
        ArtifactQuery { function: Some("function_1".into()), sort: ArtifactSort::Name, limit: 10, ..query() };
    let names: Vec<String> =
        backend.page(of_function).await.items.into_iter().map(|found| found.name).collect();
    assert_eq!(names, ["Report.json", "a b c", "fresh.txt", "Äpfel.txt", "ΟΔΟΣΤΡΩΜΑ.csv"]);
    let totals = ArtifactTotals { artifacts: 6, versions: 7, logical_bytes: 30, blobs: 6, stored_bytes: 27 };
    assert_eq!(backend.totals().await, totals);
}
