//! What can be said about an artifact beside its name: types of any kind, labels, digests, keys, expiry.

use super::*;
use upnext_core::Labels;
use upnext_core::artifact::ArtifactPatch;

#[tokio::test]
async fn other_media_types_keep_their_own_content_type() {
    let stand = Stand::new().await;
    let markdown: ArtifactType = "text/markdown; charset=utf-8".parse().unwrap();
    let artifact = stand.create("README", Some(markdown), text("# Hello")).await.unwrap();
    assert_eq!(artifact.artifact_type.as_str(), "text/markdown");
    assert_eq!(artifact.content_type, "text/markdown; charset=utf-8");
    let video = stand.create("talk.mp4", None, bytes(b"....ftyp")).await.unwrap();
    assert_eq!((video.artifact_type.as_str(), video.content_type.as_str()), ("video/mp4", "video/mp4"));
    let encoded =
        stand.create("a", Some("application/zip".parse().unwrap()), text("UEsDBA==")).await.unwrap();
    assert_eq!(stand.read(&encoded).await, b"PK\x03\x04");
    let query = ArtifactQuery {
        artifact_type: Some("text/markdown".parse().unwrap()),
        limit: 10,
        ..ArtifactQuery::default()
    };
    assert_eq!(stand.artifacts.list(query).await.unwrap().items, [artifact]);
}

#[tokio::test]
async fn labels_are_checked_kept_and_changed() {
    let stand = Stand::new().await;
    let labels = Labels {
        description: Some("after training".into()),
        tags: vec!["model".into(), "best".into()],
        metadata: Some(RawJson::parse(r#"{"loss": 0.1}"#).unwrap()),
    };
    let request = CreateArtifact { labels: labels.clone(), ..stand.request("a.json", None) };
    let artifact = stand.artifacts.create(request, text("{}")).await.unwrap();
    assert_eq!(artifact.labels, labels);
    let patch =
        ArtifactPatch { tags: Some(vec!["old".into()]), pinned: Some(true), ..ArtifactPatch::default() };
    let changed = stand.artifacts.update(artifact.id, patch).await.unwrap();
    assert_eq!((changed.labels.tags.as_slice(), changed.pinned), (["old".to_owned()].as_slice(), true));
    assert_eq!(changed.labels.description, labels.description);
    let bad = Labels { tags: vec!["a,b".into()], ..Labels::default() };
    let request = CreateArtifact { labels: bad, ..stand.request("b.json", None) };
    let error = stand.artifacts.create(request, text("{}")).await.unwrap_err().to_string();
    assert!(error.starts_with("artifact 'b.json': \"a,b\" is not a tag"), "{error}");
}

#[tokio::test]
async fn bytes_other_than_announced_are_refused_before_anybody_sees_them() {
    let stand = Stand::new().await;
    for data in [vec![1; 100], vec![1; 100_000]] {
        let wrong = CreateArtifact { sha256: Some(digest(b"other")), ..stand.request("a.bin", None) };
        let error = stand.artifacts.create(wrong, bytes(&data)).await.unwrap_err();
        assert!(matches!(&error, ArtifactError::DigestMismatch(text) if text.contains("a.bin")), "{error:?}");
        assert_eq!(stand.files(), 0);
        let right = CreateArtifact { sha256: Some(digest(&data)), ..stand.request("b.bin", None) };
        assert!(stand.artifacts.create(right, bytes(&data)).await.is_ok());
        stand.artifacts.delete(stand.newest().await.id).await.unwrap();
        stand
            .artifacts
            .sweep_with(SweepOptions { keep_younger_than: Duration::ZERO, ..SweepOptions::default() })
            .await
            .unwrap();
    }
}

#[tokio::test]
async fn a_repeated_key_answers_what_it_made() {
    let stand = Stand::new().await;
    let request = || CreateArtifact { key: Some(" upload-1 ".into()), ..stand.request("a.txt", None) };
    let first = stand.artifacts.create(request(), bytes(b"one")).await.unwrap();
    let again = stand.artifacts.create(request(), bytes(b"one")).await.unwrap();
    assert_eq!(again, first);
    let error = stand.artifacts.create(request(), bytes(b"two")).await.unwrap_err();
    assert!(matches!(&error, ArtifactError::Conflict(text) if text.contains("use a fresh key")), "{error:?}");
}

#[tokio::test]
async fn a_stream_is_read_no_further_than_the_limit() {
    let stand = Stand::with(&[("UPNEXT_ARTIFACT_MAX_UPLOAD_BYTES", "300000")]).await;
    let endless = stream::repeat_with(|| Ok(Bytes::from(vec![7; 10_000])));
    let error = stand.create("endless", None, ArtifactData::Stream(endless.boxed())).await.unwrap_err();
    assert!(matches!(error, ArtifactError::TooLarge(_)), "{error:?}");
    assert_eq!(stand.files(), 0);
}
