//! The artifact service over the real embedded backend and the local storage.
#![allow(clippy::unwrap_used, reason = "helpers of tests")]

mod care;
#[path = "../../../blobs/tests/storage/faulty_server.rs"]
#[allow(dead_code, reason = "shared with tests that use more of it")]
mod faulty_server;
mod labels;
mod live;
mod outage;
#[path = "../../../blobs/tests/storage/s3_server.rs"]
#[allow(dead_code, reason = "shared with tests that use more of it")]
mod s3_server;
mod saving;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use sha2::{Digest as _, Sha256};
use tempfile::TempDir;
use upnext_artifacts::{
    ArtifactData, ArtifactError, ArtifactService, CreateArtifact, SweepOptions, SweepReport,
};
use upnext_blobs::{BlobError, BlobStore};
use upnext_core::artifact::Digest;
use upnext_core::backend::{ArtifactQuery, ClaimRequest, CondemnedBlob, Finish};
use upnext_core::job::{JobType, NewJob, Outcome, RawJson};
use upnext_core::{
    Artifact, ArtifactId, ArtifactType, Backend, ClaimedJob, JobId, RetryPolicy, Settings, Timestamp,
    WorkerId,
};

const MIB: usize = 1024 * 1024;

struct Stand {
    artifacts: ArtifactService,
    backend: Arc<dyn Backend>,
    job: JobId,
    folder: TempDir,
}

impl Stand {
    async fn new() -> Self {
        Self::with(&[]).await
    }

    async fn with(vars: &[(&str, &str)]) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let home = ("UPNEXT_HOME", folder.path().to_str().unwrap());
        let vars = vars.iter().chain([&home]).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let settings = Settings::from_vars(vars).unwrap().settings;
        let options = upnext_sqlite::SqliteOptions::new(settings.database_file());
        let backend = upnext_sqlite::open(options).await.unwrap();
        let blobs = BlobStore::open(&settings.artifact_storage).unwrap();
        let artifacts = ArtifactService::new(Arc::clone(&backend), blobs, &settings);
        let job = enqueue(&*backend).await;
        Self { artifacts, backend, job, folder }
    }

    async fn claim(&self) -> ClaimedJob {
        let worker = WorkerId::fresh("test");
        let functions = Arc::from(["demo.make".to_owned()]);
        let lease = Duration::from_secs(60);
        let request = ClaimRequest { worker, functions, limit: 1, lease, suspect: true };
        self.backend.claim(request).await.unwrap().jobs.remove(0)
    }

    fn request(&self, name: &str, artifact_type: Option<ArtifactType>) -> CreateArtifact {
        CreateArtifact { artifact_type, ..CreateArtifact::new(self.job, name) }
    }

    async fn create(
        &self,
        name: &str,
        artifact_type: Option<ArtifactType>,
        data: ArtifactData,
    ) -> Result<Artifact, ArtifactError> {
        let artifact = self.artifacts.create(self.request(name, artifact_type), data).await?;
        assert_eq!(self.artifacts.find(artifact.id).await.unwrap().as_ref(), Some(&artifact));
        Ok(artifact)
    }

    async fn refused(
        &self,
        name: &str,
        artifact_type: impl Into<Option<ArtifactType>>,
        data: ArtifactData,
    ) -> String {
        let error = self.create(name, artifact_type.into(), data).await.unwrap_err();
        assert!(matches!(error, ArtifactError::Invalid(_) | ArtifactError::TooLarge(_)), "{error:?}");
        assert!(!error.retryable());
        let listed =
            self.artifacts.list(ArtifactQuery { limit: 10, ..ArtifactQuery::default() }).await.unwrap();
        assert_eq!(listed.items, [], "nothing is listed after an error");
        assert_eq!(self.files(), 0, "nothing is stored after an error");
        error.to_string()
    }

    async fn newest(&self) -> Artifact {
        let query = ArtifactQuery { limit: 1, ..ArtifactQuery::default() };
        self.artifacts.list(query).await.unwrap().items.remove(0)
    }

    async fn read(&self, artifact: &Artifact) -> Vec<u8> {
        let pieces: Vec<Bytes> =
            self.artifacts.read(artifact, None).await.unwrap().try_collect().await.unwrap();
        pieces.concat()
    }

    fn file_of(&self, sha256: Digest) -> std::path::PathBuf {
        self.folder.path().join("artifacts").join(sha256.storage_key())
    }

    /// How many files the storage holds, temporary ones too.
    fn files(&self) -> usize {
        fn count(folder: &std::path::Path) -> usize {
            let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            entries.map(|path| if path.is_dir() { count(&path) } else { 1 }).sum()
        }
        count(&self.folder.path().join("artifacts"))
    }

    fn make_old(&self, sha256: Digest) {
        let file = std::fs::File::options().append(true).open(self.file_of(sha256)).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(48 * 3600)).unwrap();
    }
}

async fn enqueue(backend: &dyn Backend) -> JobId {
    let id = JobId::fresh();
    let job = NewJob {
        id,
        function: "demo.make".to_owned(),
        function_name: "make".to_owned(),
        job_type: JobType::Task,
        kwargs: RawJson::parse("{}").unwrap(),
        idempotency_key: None,
        priority: 0,
        scheduled_at: None,
        delay: Duration::ZERO,
        concurrency_key: None,
        cache: None,
        retry: RetryPolicy::default(),
        timeout: Duration::from_secs(60),
        parent: None,
        source: None,
        tags: Vec::new(),
    };
    backend.enqueue(vec![job]).await.unwrap();
    id
}

fn text(text: &str) -> ArtifactData {
    ArtifactData::Text(text.to_owned())
}

fn bytes(bytes: &[u8]) -> ArtifactData {
    ArtifactData::Bytes(Bytes::copy_from_slice(bytes))
}

fn pieces(bytes: &[u8], length: usize) -> ArtifactData {
    let pieces: Vec<std::io::Result<Bytes>> =
        bytes.chunks(length).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
    ArtifactData::Stream(stream::iter(pieces).boxed())
}

fn digest(bytes: &[u8]) -> Digest {
    Digest::from_bytes(Sha256::digest(bytes).into())
}

/// Base64 of `3 * groups` zero bytes, in lines.
fn base64_zeros(groups: usize) -> String {
    let line = format!("{}\n", "A".repeat(76));
    let mut text = line.repeat(groups * 4 / 76);
    text.push_str(&"A".repeat(groups * 4 % 76));
    text
}

#[tokio::test]
async fn small_artifacts_live_in_the_backend() {
    let stand = Stand::new().await;
    let json = r#"{"type": "daily",  "rows": 42}"#;
    let artifact = stand.create("report.json", None, text(json)).await.unwrap();
    assert_eq!(artifact.artifact_type, ArtifactType::Json);
    assert_eq!(artifact.content_type, "application/json");
    assert_eq!(artifact.storage, "inline");
    assert_eq!((artifact.size_bytes, artifact.sha256), (json.len() as u64, Some(digest(json.as_bytes()))));
    assert_eq!(stand.read(&artifact).await, json.as_bytes(), "the text is stored as it was given");
    assert_eq!(stand.files(), 0);
}

#[tokio::test]
async fn data_in_every_shape_and_size_comes_back() {
    let stand = Stand::new().await;
    let path = stand.folder.path().join("source");
    for length in [0, 1, 32 * 1024, 32 * 1024 + 1, 256 * 1024 + 1, 5 * MIB] {
        let raw: Vec<u8> = (0..length).map(|i| (i * i % 253) as u8).collect();
        std::fs::write(&path, &raw).unwrap();
        for data in [bytes(&raw), ArtifactData::Path(path.clone()), pieces(&raw, 10_000)] {
            let artifact = stand.create("x", None, data).await.unwrap();
            assert_eq!(artifact.artifact_type, ArtifactType::Binary);
            assert_eq!(
                (artifact.size_bytes, artifact.sha256),
                (length as u64, Some(digest(&raw))),
                "{length}"
            );
            assert_eq!(artifact.storage, if length > 32 * 1024 { "local" } else { "inline" });
            assert!(stand.read(&artifact).await == raw, "{length}");
        }
    }
    // The same bytes were stored once.
    assert_eq!(stand.files(), 3);
}

#[tokio::test]
async fn raw_bytes_take_their_type_from_name_then_content() {
    let stand = Stand::new().await;
    let png = b"\x89PNG\r\n\x1a\n and so on";
    for (name, raw, expected) in [
        ("chart", &png[..], ArtifactType::Png),
        ("chart.gif", png, ArtifactType::Gif),
        ("table.CSV", b"a,b", ArtifactType::Csv),
        ("out.log", b"fine", ArtifactType::Text),
        ("data.json", b"[1]", ArtifactType::Json),
        ("unknown", b"\x00\x01", ArtifactType::Binary),
    ] {
        let path = stand.folder.path().join("source");
        std::fs::write(&path, raw).unwrap();
        for data in [bytes(raw), ArtifactData::Path(path), pieces(raw, 3)] {
            let artifact = stand.create(name, None, data).await.unwrap();
            assert_eq!(artifact.artifact_type, expected, "{name}");
            assert_eq!(artifact.content_type, expected.content_type());
        }
    }
    let artifact = stand.create("a.json", Some(ArtifactType::Binary), bytes(b"not json")).await.unwrap();
    assert_eq!(artifact.artifact_type, ArtifactType::Binary, "the caller's word counts");
}

#[tokio::test]
async fn base64_text_is_decoded() {
    let stand = Stand::new().await;
    let artifact = stand.create("a.png", Some(ArtifactType::Png), text("aGVs\nbG8=")).await.unwrap();
    assert_eq!(stand.read(&artifact).await, b"hello");
    let large = base64_zeros(MIB);
    let artifact = stand.create("b.png", Some(ArtifactType::Png), text(&large)).await.unwrap();
    assert_eq!(artifact.sha256, Some(digest(&vec![0; 3 * MIB])));
}

#[tokio::test]
async fn bad_data_is_refused_in_one_clear_sentence() {
    let stand = Stand::new().await;
    let png = ArtifactType::Png;
    assert_eq!(
        stand.refused("chart.png", png.clone(), text("aGVsbG8gd29y!GQ=")).await,
        "artifact 'chart.png' of type image/png: the text is not base64: foreign character '!' at position 12; \
         pass bytes, or base64 text"
    );
    let late = format!("{}?", base64_zeros(MIB));
    let sentence = stand.refused("late.png", png, text(&late)).await;
    assert!(sentence.contains("foreign character '?' at position"), "{sentence}");
    let sentence = stand.refused("a.json", None, text("{'a': 1}")).await;
    assert!(
        sentence.starts_with("artifact 'a.json' of type json: the data is not JSON: key must be"),
        "{sentence}"
    );
    let sentence = stand.refused("a.txt", ArtifactType::Text, bytes(b"ab\xff")).await;
    assert!(sentence.contains("the byte at position 2 is not UTF-8"), "{sentence}");
    let sentence = stand.refused("../a", None, text("1")).await;
    assert!(sentence.contains("segment '..'"), "{sentence}");
    let missing = ArtifactData::Path(stand.folder.path().join("nothing.bin"));
    let sentence = stand.refused("n", None, missing).await;
    assert!(
        sentence.starts_with("artifact 'n': the file /") && sentence.contains("nothing.bin"),
        "{sentence}"
    );
    let folder = ArtifactData::Path(stand.folder.path().to_owned());
    let sentence = stand.refused("n", None, folder).await;
    assert!(sentence.contains("cannot be read"), "{sentence}");
}

#[tokio::test]
async fn large_json_and_text_are_checked_too() {
    let stand = Stand::new().await;
    let json = format!("[{}1]", "\"gr\u{fc}n\", ".repeat(100_000));
    let path = stand.folder.path().join("source");
    for (flaw, good) in [("", true), (",", false), ("]", false)] {
        let raw = format!("{json}{flaw}").into_bytes();
        std::fs::write(&path, &raw).unwrap();
        for data in [
            ArtifactData::Text(String::from_utf8(raw.clone()).unwrap()),
            bytes(&raw),
            ArtifactData::Path(path.clone()),
            pieces(&raw, 777),
        ] {
            let made = stand.create("big.json", Some(ArtifactType::Json), data).await;
            assert_eq!(made.is_ok(), good, "{flaw}");
        }
    }
    let mut raw = "\u{fc}".repeat(MIB).into_bytes();
    stand.create("big.txt", None, pieces(&raw, 1001)).await.unwrap();
    raw[1_000_001] = b'x';
    for data in [bytes(&raw), pieces(&raw, 1001)] {
        let error = stand.create("big.txt", None, data).await.unwrap_err().to_string();
        assert!(error.contains("position 1000000 is not UTF-8"), "{error}");
    }
}

#[tokio::test]
async fn the_limit_counts_decoded_bytes() {
    let stand = Stand::with(&[("UPNEXT_ARTIFACT_MAX_UPLOAD_BYTES", "300000")]).await;
    let (just, over) = (vec![b'7'; 300_000], vec![b'7'; 300_001]);
    let path = stand.folder.path().join("source");
    std::fs::write(&path, &over).unwrap();
    let over_text = String::from_utf8(over.clone()).unwrap();
    for data in [bytes(&over), ArtifactData::Path(path), ArtifactData::Text(over_text)] {
        let sentence = stand.refused("big", ArtifactType::Text, data).await;
        assert_eq!(
            sentence,
            "artifact 'big' with its 300001 bytes is larger than the 300000 bytes allowed: make it smaller, or raise \
             UPNEXT_ARTIFACT_MAX_UPLOAD_BYTES"
        );
    }
    let sentence = stand.refused("big", None, pieces(&over, 1000)).await;
    assert!(sentence.starts_with("artifact 'big' is larger than the 300000 bytes"), "{sentence}");
    let sentence = stand.refused("big", ArtifactType::Png, text(&base64_zeros(100_001))).await;
    assert!(sentence.contains("with its 300003 bytes"), "{sentence}");
    for data in [bytes(&just), pieces(&just, 1000)] {
        stand.create("just", None, data).await.unwrap();
    }
    stand.create("just", Some(ArtifactType::Png), text(&base64_zeros(100_000))).await.unwrap();
}

#[tokio::test]
async fn ranges_work_for_inline_and_stored_bytes() {
    let stand = Stand::new().await;
    for length in [1000_usize, 100_000] {
        let raw: Vec<u8> = (0..length).map(|i| (i % 251) as u8).collect();
        let artifact = stand.create("x", None, bytes(&raw)).await.unwrap();
        let end = length as u64;
        for (range, expected) in [
            (0..10, &raw[..10]),
            (500..600, &raw[500..600]),
            (end - 1..end, &raw[length - 1..]),
            (end - 5..end + 100, &raw[length - 5..]),
            (end + 1..end + 2, &[][..]),
            (7..7, &[]),
        ] {
            let part = stand.artifacts.read(&artifact, Some(range.clone())).await.unwrap();
            let part: Vec<Bytes> = part.try_collect().await.unwrap();
            assert!(part.concat() == expected, "{range:?} of {length}");
        }
    }
}

#[tokio::test]
async fn unknown_jobs_and_stale_leases_are_refused() {
    let stand = Stand::new().await;
    let mut request = stand.request("a", None);
    request.job_id = JobId::fresh();
    let error = stand.artifacts.create(request.clone(), text("1")).await.unwrap_err();
    assert!(matches!(error, ArtifactError::UnknownJob(job) if job == request.job_id), "{error}");

    let claimed = stand.claim().await;
    let mut request = stand.request("a", None);
    request.lease = Some(claimed.lease.token);
    let made = stand.artifacts.create(request.clone(), text("1")).await.unwrap();
    assert_eq!(made.attempt, 1);
    let outcome = Outcome::Complete { result: RawJson::parse("null").unwrap() };
    let finish = Finish { lease: claimed.lease, started_at: Timestamp::from_micros(1), outcome };
    stand.backend.finish(vec![finish]).await.unwrap();
    let error = stand.artifacts.create(request, text("2")).await.unwrap_err();
    assert!(matches!(error, ArtifactError::StaleLease(_)), "{error}");
    assert!(error.to_string().starts_with("artifact 'a': the lease on job "), "{error}");
}

#[tokio::test]
async fn a_failing_stream_is_named_and_stores_nothing() {
    let stand = Stand::new().await;
    for length in [10, MIB] {
        let source = stream::iter([Ok(Bytes::from(vec![1; length])), Err(std::io::Error::other("gone"))]);
        let error = stand.create("x", None, ArtifactData::Stream(source.boxed())).await.unwrap_err();
        assert!(matches!(error, ArtifactError::Blob(BlobError::Source(_))), "{error:?}");
        assert_eq!(error.to_string(), "the data could not be read: gone");
        assert_eq!(stand.files(), 0);
    }
}

#[tokio::test]
async fn deleted_artifacts_lose_their_bytes_with_the_sweep() {
    let stand = Stand::new().await;
    let raw = vec![5; 100_000];
    let first = stand.create("a", None, bytes(&raw)).await.unwrap();
    let second = stand.create("b", None, bytes(&raw)).await.unwrap();
    assert!(stand.artifacts.delete(first.id).await.unwrap());
    assert!(!stand.artifacts.delete(first.id).await.unwrap());
    assert!(!stand.artifacts.delete(ArtifactId::fresh()).await.unwrap());
    stand.make_old(first.sha256.unwrap());
    assert_eq!(stand.artifacts.sweep().await.unwrap(), SweepReport::default());
    assert_eq!(stand.read(&second).await, raw, "the other one needs them");
    stand.artifacts.delete(second.id).await.unwrap();
    let report = stand.artifacts.sweep().await.unwrap();
    assert_eq!(report, SweepReport { removed: 1, ..SweepReport::default() });
    assert_eq!(stand.files(), 0);
    let error = stand.artifacts.read(&second, None).await.err().unwrap();
    assert!(matches!(error, ArtifactError::Blob(BlobError::Missing(_))), "{error}");
}

#[tokio::test]
async fn young_bytes_are_kept_and_swept_as_orphans_later() {
    let stand = Stand::new().await;
    let artifact = stand.create("a", None, bytes(&[5; 100_000])).await.unwrap();
    stand.artifacts.delete(artifact.id).await.unwrap();
    let report = stand.artifacts.sweep().await.unwrap();
    assert_eq!(report, SweepReport { kept: 1, ..SweepReport::default() });
    assert_eq!(stand.files(), 1);
    assert_eq!(stand.artifacts.sweep().await.unwrap(), SweepReport::default());
    stand.make_old(artifact.sha256.unwrap());
    assert_eq!(stand.artifacts.sweep().await.unwrap().removed, 1);
    assert_eq!(stand.files(), 0);
}

#[tokio::test]
async fn leftovers_of_crashes_are_swept() {
    let stand = Stand::new().await;
    let kept = stand.create("a", None, bytes(&[1; 50_000])).await.unwrap();
    // A crash between bytes and record, and one in the middle of the bytes.
    let root = stand.folder.path().join("artifacts");
    let blobs =
        BlobStore::open(&upnext_core::settings::StorageSettings::Local { root: root.clone() }).unwrap();
    let orphan = Bytes::from(vec![2; 50_000]);
    blobs.put(digest(&orphan), orphan.clone()).await.unwrap();
    std::fs::write(root.join("incoming/0011223344556677"), b"half").unwrap();
    assert_eq!(stand.artifacts.sweep().await.unwrap(), SweepReport::default(), "all is young");
    stand.make_old(digest(&orphan));
    stand.make_old(kept.sha256.unwrap());
    let options = SweepOptions { temporary_older_than: Duration::ZERO, ..SweepOptions::default() };
    let report = stand.artifacts.sweep_with(options).await.unwrap();
    assert_eq!(report, SweepReport { removed: 1, temporary: 1, ..SweepReport::default() });
    assert_eq!(stand.files(), 1);
    assert_eq!(stand.read(&kept).await, vec![1; 50_000]);
}

#[tokio::test]
async fn bytes_that_are_being_swept_are_stored_again() {
    let stand = Stand::new().await;
    for length in [10, 50_000] {
        let raw = Bytes::from(vec![3; length]);
        let sha256 = digest(&raw);
        let orphan = CondemnedBlob { sha256, storage: "local".to_owned() };
        assert_eq!(stand.backend.condemn_blobs(vec![orphan], 10).await.unwrap().len(), 1);
        let (artifacts, request) = (stand.artifacts.clone(), stand.request("x", None));
        let data = ArtifactData::Bytes(raw.clone());
        let creating = tokio::spawn(async move { artifacts.create(request, data).await });
        if length > 32 * 1024 {
            // Stored once and refused; the sweeper finds it young, leaves it and is done.
            while !stand.file_of(sha256).exists() {
                tokio::task::yield_now().await;
            }
        }
        stand.backend.forget_blobs(vec![sha256]).await.unwrap();
        let artifact = creating.await.unwrap().unwrap();
        assert_eq!(stand.read(&artifact).await, raw, "{length}");
    }
}

/// The invariant under load: whatever is listed can be read, while others delete and sweep the same bytes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_record_is_ever_without_its_bytes() {
    let stand = Arc::new(Stand::new().await);
    let everything = SweepOptions { keep_younger_than: Duration::from_secs(60), ..SweepOptions::default() };
    let sweeping = tokio::spawn({
        let stand = Arc::clone(&stand);
        async move {
            loop {
                stand.artifacts.sweep_with(everything).await.unwrap();
                tokio::task::yield_now().await;
            }
        }
    });
    let raw = vec![9; 40_000];
    for round in 0..30 {
        let names: Vec<String> = (0..4).map(|index| format!("{round}-{index}")).collect();
        let making = names.iter().map(|name| stand.create(name, None, bytes(&raw)));
        let made = futures::future::join_all(making);
        for artifact in made.await {
            let artifact = artifact.unwrap();
            assert_eq!(stand.read(&artifact).await, raw);
            stand.artifacts.delete(artifact.id).await.unwrap();
        }
        // Old from now on, so that the sweeper takes it; it may have been quicker.
        if stand.file_of(digest(&raw)).exists() {
            let file = std::fs::File::options().append(true).open(stand.file_of(digest(&raw)));
            let old = SystemTime::now() - Duration::from_secs(7200);
            let _ = file.and_then(|file| file.set_modified(old));
        }
    }
    sweeping.abort();
}

#[tokio::test]
async fn damaged_bytes_are_not_passed_off_as_good() {
    let stand = Stand::new().await;
    let artifact = stand.create("a", None, bytes(&[5; 100_000])).await.unwrap();
    let mut raw = vec![5; 100_000];
    raw[99_999] = 6;
    std::fs::write(stand.file_of(artifact.sha256.unwrap()), raw).unwrap();
    let read: Result<Vec<Bytes>, _> =
        stand.artifacts.read(&artifact, None).await.unwrap().try_collect().await;
    assert!(matches!(read, Err(BlobError::Damaged(_))));
}

#[tokio::test]
async fn a_range_of_all_bytes_is_checked_like_all_of_them() {
    for follow in [false, true] {
        let stand = Stand::new().await;
        let artifact = stand.create("a", None, bytes(&[5; 100_000])).await.unwrap();
        let mut raw = vec![5; 100_000];
        raw[0] = 6;
        std::fs::write(stand.file_of(artifact.sha256.unwrap()), raw).unwrap();
        let pieces = match follow {
            true => stand.artifacts.follow(&artifact, 0),
            false => stand.artifacts.read(&artifact, Some(0..u64::MAX)).await.unwrap(),
        };
        let read: Result<Vec<Bytes>, _> = pieces.try_collect().await;
        assert!(matches!(read, Err(BlobError::Damaged(_))), "{read:?}");
    }
}

#[tokio::test]
async fn bytes_in_another_storage_are_named_as_such() {
    let stand = Stand::new().await;
    let mut artifact = stand.create("a", None, bytes(&[5; 100_000])).await.unwrap();
    artifact.storage = "s3".to_owned();
    assert_eq!(stand.read(&artifact).await.len(), 100_000, "found here all the same");
    std::fs::remove_file(stand.file_of(artifact.sha256.unwrap())).unwrap();
    let error = stand.artifacts.read(&artifact, None).await.err().unwrap();
    assert!(error.to_string().contains("set UPNEXT_ARTIFACT_STORAGE_URL"), "{error}");
}

#[tokio::test]
async fn a_storage_without_rights_or_room_is_an_error_with_a_way_out() {
    let stand = Stand::new().await;
    let root = stand.folder.path().join("artifacts");
    std::fs::remove_dir_all(&root).unwrap();
    std::fs::write(&root, b"in the way").unwrap();
    let error = stand.create("a", None, bytes(&[5; 100_000])).await.unwrap_err();
    assert!(matches!(error, ArtifactError::Blob(BlobError::Unusable(_))), "{error:?}");
    assert!(error.to_string().contains("UPNEXT_ARTIFACT_STORAGE_LOCAL_ROOT"), "{error}");
    assert!(stand.artifacts.check().await.is_err());
    stand.create("small", None, text("1")).await.unwrap();
}
