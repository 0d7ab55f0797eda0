//! Artifacts that are written or uploaded piece by piece.

use super::*;
use upnext_artifacts::ArtifactWriter;
use upnext_core::ArtifactStatus;

/// A stand whose job is being run, and the request for an artifact of that attempt.
async fn running(name: &str, artifact_type: Option<ArtifactType>) -> (Stand, ClaimedJob, CreateArtifact) {
    let stand = Stand::new().await;
    let job = stand.claim().await;
    let request = CreateArtifact { lease: Some(job.lease.token), ..stand.request(name, artifact_type) };
    (stand, job, request)
}

async fn found(stand: &Stand, writer: &ArtifactWriter) -> Artifact {
    stand.artifacts.find(writer.artifact().id).await.unwrap().unwrap()
}

async fn end(stand: &Stand, job: &ClaimedJob) {
    let outcome = Outcome::Complete { result: RawJson::null() };
    let finish = Finish { lease: job.lease, started_at: Timestamp::from_micros(0), outcome };
    stand.backend.finish(vec![finish]).await.unwrap();
}

#[tokio::test]
async fn readers_see_what_is_written_before_it_is_closed() {
    let (stand, _, request) = running("train.log", None).await;
    let writer = stand.artifacts.open(request).await.unwrap();
    let begun = found(&stand, &writer).await;
    assert_eq!((begun.status, begun.size_bytes, begun.sha256), (ArtifactStatus::Writing, 0, None));
    assert_eq!(begun.artifact_type, ArtifactType::Text);
    writer.write(b"epoch 1\n").await.unwrap();
    writer.flush().await.unwrap();
    writer.write(b"epoch 2\n").await.unwrap();
    writer.flush().await.unwrap();
    let live = found(&stand, &writer).await;
    assert_eq!(stand.read(&live).await, b"epoch 1\nepoch 2\n");
    let part: Vec<Bytes> =
        stand.artifacts.read(&live, Some(6..14)).await.unwrap().try_collect().await.unwrap();
    assert_eq!(part.concat(), b"1\nepoch ");
    let closed = writer.close().await.unwrap();
    assert_eq!((closed.status, closed.size_bytes), (ArtifactStatus::Available, 16));
    assert_eq!(closed.sha256, Some(digest(b"epoch 1\nepoch 2\n")));
    assert_eq!(stand.read(&closed).await, b"epoch 1\nepoch 2\n");
    assert_eq!(stand.backend.list_parts(closed.id, 0, 10).await.unwrap(), []);
    let error = writer.write(b"more").await.and(writer.flush().await).unwrap_err();
    assert!(matches!(&error, ArtifactError::Conflict(text) if text.contains("is closed")), "{error:?}");
}

#[tokio::test]
async fn what_is_written_becomes_durable_by_itself() {
    let (stand, _, request) = running("train.log", None).await;
    let writer = stand.artifacts.open(request).await.unwrap();
    let mut follower = stand.artifacts.follow(writer.artifact(), 0);
    writer.write(b"epoch 1\n").await.unwrap();
    assert_eq!(follower.next().await.unwrap().unwrap(), "epoch 1\n", "without a flush");
    writer.write(b"epoch 2\n").await.unwrap();
    assert_eq!(follower.next().await.unwrap().unwrap(), "epoch 2\n");
    writer.close().await.unwrap();
    assert!(follower.next().await.is_none(), "a closed artifact has nothing more to follow");
}

#[tokio::test]
async fn a_large_live_artifact_becomes_one_blob() {
    let (stand, _, request) = running("large.bin", None).await;
    let writer = stand.artifacts.open(request).await.unwrap();
    let all: Vec<u8> = (0..3 * MIB + 17).map(|index| (index % 251) as u8).collect();
    for piece in all.chunks(100_000) {
        writer.write(piece).await.unwrap();
    }
    writer.flush().await.unwrap();
    assert_eq!(stand.read(&found(&stand, &writer).await).await, all);
    let closed = writer.close().await.unwrap();
    assert_eq!((closed.sha256, closed.storage.as_str()), (Some(digest(&all)), "local"));
    assert_eq!(stand.read(&closed).await, all);
    stand.artifacts.sweep_with(now_at_once()).await.unwrap();
    assert_eq!(stand.files(), 1, "the parts are swept, the whole stays");
    assert_eq!(stand.read(&closed).await, all);
}

fn now_at_once() -> SweepOptions {
    SweepOptions {
        orphans_older_than: Duration::ZERO,
        keep_younger_than: Duration::ZERO,
        temporary_older_than: Duration::ZERO,
    }
}

#[tokio::test]
async fn an_attempt_that_ends_leaves_what_was_durable() {
    let (stand, job, request) = running("train.log", None).await;
    let writer = stand.artifacts.open(request).await.unwrap();
    writer.write(b"epoch 1\n").await.unwrap();
    writer.flush().await.unwrap();
    let mut follower = stand.artifacts.follow(writer.artifact(), 0);
    assert_eq!(follower.next().await.unwrap().unwrap(), "epoch 1\n");
    end(&stand, &job).await;
    assert!(follower.next().await.is_none(), "nobody writes any more");
    let left = found(&stand, &writer).await;
    assert_eq!((left.status, left.size_bytes), (ArtifactStatus::Incomplete, 8));
    assert_eq!(stand.read(&left).await, b"epoch 1\n");
    writer.write(b"too late").await.unwrap();
    let error = writer.close().await.unwrap_err();
    assert!(matches!(&error, ArtifactError::StaleLease(text) if text.contains("'train.log'")), "{error:?}");
    let large = CreateArtifact { lease: Some(job.lease.token), ..stand.request("late.bin", None) };
    let error = stand.artifacts.create(large, bytes(&[1; 100_000])).await.unwrap_err();
    assert!(matches!(&error, ArtifactError::StaleLease(text) if text.contains("'late.bin'")), "{error:?}");
    assert!(stand.artifacts.delete(left.id).await.unwrap());
}

#[tokio::test]
async fn the_rules_of_the_type_hold_when_it_is_closed() {
    let (stand, _, request) = running("result.json", Some(ArtifactType::Json)).await;
    let writer = stand.artifacts.open(request).await.unwrap();
    writer.write(b"{\"a\": ").await.unwrap();
    let error = writer.close().await.unwrap_err();
    assert!(
        error.to_string().starts_with("artifact 'result.json' of type json: the data is not JSON"),
        "{error}"
    );
    writer.write(b"1}").await.unwrap();
    assert_eq!(writer.close().await.unwrap().size_bytes, 8);
}

#[tokio::test]
async fn the_limit_holds_while_it_is_written() {
    let stand = Stand::with(&[("UPNEXT_ARTIFACT_MAX_UPLOAD_BYTES", "1000")]).await;
    let job = stand.claim().await;
    let request = CreateArtifact { lease: Some(job.lease.token), ..stand.request("a.bin", None) };
    let writer = stand.artifacts.open(request).await.unwrap();
    writer.write(&[1; 900]).await.unwrap();
    let error = writer.write(&[1; 101]).await.unwrap_err();
    assert!(matches!(error, ArtifactError::TooLarge(_)), "{error:?}");
    writer.write(&[1; 100]).await.unwrap();
    assert_eq!(writer.close().await.unwrap().size_bytes, 1000);
}

fn pieces(pieces: Vec<std::io::Result<Bytes>>) -> stream::BoxStream<'static, std::io::Result<Bytes>> {
    stream::iter(pieces).boxed()
}

#[tokio::test]
async fn an_upload_resumes_where_it_broke_off() {
    let stand = Stand::new().await;
    let all: Vec<u8> = (0..5 * MIB + 3).map(|index| (index % 253) as u8).collect();
    let request = CreateArtifact { sha256: None, ..stand.request("video.mp4", None) };
    let upload = stand.artifacts.begin_upload(request, Some(all.len() as u64)).await.unwrap();
    assert!(stand.artifacts.find(upload.id).await.unwrap().is_none(), "nobody sees an upload");
    let half = all[..5 * MIB].chunks(MIB).map(|piece| Ok(Bytes::copy_from_slice(piece)));
    let cut = half.chain([Err(std::io::Error::other("the cable was cut"))]).collect();
    let error = stand.artifacts.append_upload(upload.id, 0, pieces(cut)).await.unwrap_err();
    assert!(matches!(error, ArtifactError::Blob(BlobError::Source(_))), "{error:?}");
    let size = stand.artifacts.find_upload(upload.id).await.unwrap().unwrap().size_bytes;
    assert_eq!(size, 5 * MIB as u64, "what arrived is kept");
    let wrong = stand.artifacts.append_upload(upload.id, 7, pieces(vec![])).await.unwrap_err();
    assert!(matches!(wrong, ArtifactError::WrongOffset { size_bytes } if size_bytes == size), "{wrong:?}");
    let rest = vec![Ok(Bytes::copy_from_slice(&all[5 * MIB..]))];
    assert_eq!(stand.artifacts.append_upload(upload.id, size, pieces(rest)).await.unwrap(), all.len() as u64);
    let more = vec![Ok(Bytes::from_static(b"x"))];
    let error = stand.artifacts.append_upload(upload.id, all.len() as u64, pieces(more)).await.unwrap_err();
    assert!(matches!(error, ArtifactError::TooLarge(_)), "{error:?}");
    let wrong = stand.artifacts.finish_upload(upload.id, Some(digest(b"other"))).await.unwrap_err();
    assert!(matches!(wrong, ArtifactError::DigestMismatch(_)), "{wrong:?}");
    let artifact = stand.artifacts.finish_upload(upload.id, Some(digest(&all))).await.unwrap();
    assert_eq!((artifact.version, artifact.latest), (1, true));
    assert_eq!((artifact.artifact_type.as_str(), artifact.sha256), ("video/mp4", Some(digest(&all))));
    assert_eq!(stand.read(&artifact).await, all);
    assert!(stand.artifacts.find_upload(upload.id).await.unwrap().is_none());
}

#[tokio::test]
async fn two_uploads_of_one_name_become_two_versions() {
    let stand = Stand::new().await;
    let mut ids = Vec::new();
    for body in ["first", "second"] {
        let upload = stand.artifacts.begin_upload(stand.request("a.txt", None), None).await.unwrap();
        stand.artifacts.append_upload(upload.id, 0, pieces(vec![Ok(Bytes::from(body))])).await.unwrap();
        ids.push(upload.id);
    }
    let second = stand.artifacts.finish_upload(ids[1], None).await.unwrap();
    let first = stand.artifacts.finish_upload(ids[0], None).await.unwrap();
    assert_eq!((second.version, first.version), (1, 2), "versions are numbered in the order of completion");
    assert_eq!(stand.read(&second).await, b"second");
}

#[tokio::test]
async fn a_digest_announced_at_the_begin_is_checked_at_the_end() {
    let stand = Stand::new().await;
    let all = Bytes::from_static(b"%PDF-1.7");
    let request = CreateArtifact { sha256: Some(digest(b"other")), ..stand.request("a", None) };
    let upload = stand.artifacts.begin_upload(request, None).await.unwrap();
    stand.artifacts.append_upload(upload.id, 0, pieces(vec![Ok(all.clone())])).await.unwrap();
    let error = stand.artifacts.finish_upload(upload.id, None).await.unwrap_err();
    assert!(matches!(error, ArtifactError::DigestMismatch(_)), "{error}");
    let request = CreateArtifact { sha256: Some(digest(&all)), ..stand.request("a", None) };
    let upload = stand.artifacts.begin_upload(request, None).await.unwrap();
    stand.artifacts.append_upload(upload.id, 0, pieces(vec![Ok(all)])).await.unwrap();
    let artifact = stand.artifacts.finish_upload(upload.id, None).await.unwrap();
    assert_eq!((artifact.artifact_type, artifact.expected_sha256), (ArtifactType::Pdf, None));
}

#[tokio::test]
async fn a_type_that_was_declared_stays_whatever_the_bytes_are() {
    let stand = Stand::new().await;
    for (name, declared, found) in [
        ("a", Some(ArtifactType::Binary), ArtifactType::Binary),
        ("a.csv", Some(ArtifactType::Binary), ArtifactType::Binary),
        ("a.csv", None, ArtifactType::Csv),
        ("a", None, ArtifactType::Pdf),
    ] {
        let upload = stand.artifacts.begin_upload(stand.request(name, declared), None).await.unwrap();
        let bytes = Bytes::from_static(b"%PDF-1.7");
        stand.artifacts.append_upload(upload.id, 0, pieces(vec![Ok(bytes)])).await.unwrap();
        let artifact = stand.artifacts.finish_upload(upload.id, None).await.unwrap();
        assert_eq!((&artifact.artifact_type, artifact.content_type.as_str()), (&found, found.content_type()));
    }
}

#[tokio::test]
async fn an_upload_may_be_finished_more_than_once() {
    let stand = Stand::new().await;
    let upload = stand.artifacts.begin_upload(stand.request("a.bin", None), None).await.unwrap();
    let part = || Ok(Bytes::from(vec![7; 600_000]));
    stand.artifacts.append_upload(upload.id, 0, pieces((0..20).map(|_| part()).collect())).await.unwrap();
    let finish = || stand.artifacts.finish_upload(upload.id, None);
    let (one, two) = tokio::join!(finish(), finish());
    assert_eq!(one.unwrap(), two.unwrap());
    assert_eq!(finish().await.unwrap().size_bytes, 12_000_000);
    assert!(stand.artifacts.finish_upload(upload.id, Some(digest(b"other"))).await.is_err());
}

#[tokio::test]
async fn parts_that_cannot_be_read_back_are_a_failure_of_the_storage() {
    let stand = Stand::new().await;
    let part = vec![7; 100_000];
    let upload = stand.artifacts.begin_upload(stand.request("a.bin", None), None).await.unwrap();
    let source = futures::stream::iter([Ok(Bytes::from(part.clone()))]).boxed();
    stand.artifacts.append_upload(upload.id, 0, source).await.unwrap();
    std::fs::remove_file(stand.file_of(digest(&part))).unwrap();
    let error = stand.artifacts.finish_upload(upload.id, None).await.unwrap_err();
    assert!(matches!(error, ArtifactError::Blob(BlobError::Missing(_))), "{error:?}");
}
