//! Verification, damage and expiry.

use super::*;
use upnext_core::ArtifactStatus;
use upnext_core::artifact::ArtifactPatch;

async fn status(stand: &Stand, artifact: &Artifact) -> ArtifactStatus {
    stand.artifacts.find(artifact.id).await.unwrap().unwrap().status
}

#[tokio::test]
async fn verification_finds_damaged_and_missing_bytes() {
    let stand = Stand::new().await;
    let small = stand.create("small", None, bytes(b"abc")).await.unwrap();
    let good = stand.create("good", None, bytes(&[1; 100_000])).await.unwrap();
    let hurt = stand.create("hurt", None, bytes(&[2; 100_000])).await.unwrap();
    let gone = stand.create("gone", None, bytes(&[3; 100_000])).await.unwrap();
    std::fs::write(stand.file_of(hurt.sha256.unwrap()), [9; 100_000]).unwrap();
    std::fs::remove_file(stand.file_of(gone.sha256.unwrap())).unwrap();
    let mut steps = 0;
    let report = stand.artifacts.verify(|_| steps += 1).await.unwrap();
    assert_eq!((report.whole, report.bytes, steps), (2, 100_003, 4));
    assert_eq!((report.damaged, report.missing), (vec![hurt.sha256.unwrap()], vec![gone.sha256.unwrap()]));
    for (artifact, wanted) in [
        (&small, ArtifactStatus::Available),
        (&good, ArtifactStatus::Available),
        (&hurt, ArtifactStatus::Damaged),
        (&gone, ArtifactStatus::Damaged),
    ] {
        assert_eq!(status(&stand, artifact).await, wanted, "{}", artifact.name);
    }
    let shown = stand.artifacts.find(hurt.id).await.unwrap().unwrap();
    let error = stand.artifacts.read(&shown, None).await.err().unwrap();
    assert!(matches!(error, ArtifactError::Blob(BlobError::Damaged(_))), "{error:?}");
}

#[tokio::test]
async fn the_same_bytes_made_again_heal_what_was_damaged() {
    let stand = Stand::new().await;
    let hurt = stand.create("hurt", None, bytes(&[2; 100_000])).await.unwrap();
    std::fs::write(stand.file_of(hurt.sha256.unwrap()), [9; 100_000]).unwrap();
    stand.artifacts.verify(|_| ()).await.unwrap();
    let again = stand.create("again", None, bytes(&[2; 100_000])).await.unwrap();
    assert_eq!(stand.read(&again).await, [2; 100_000]);
    assert_eq!(status(&stand, &hurt).await, ArtifactStatus::Available);
    assert_eq!(stand.artifacts.verify(|_| ()).await.unwrap().damaged, []);
}

#[tokio::test]
async fn a_reader_that_meets_damage_makes_it_known() {
    let stand = Stand::new().await;
    let hurt = stand.create("hurt", None, bytes(&[2; 100_000])).await.unwrap();
    let mut raw = vec![2; 100_000];
    raw[5] = 0;
    std::fs::write(stand.file_of(hurt.sha256.unwrap()), raw).unwrap();
    let read: Result<Vec<Bytes>, _> = stand.artifacts.read(&hurt, None).await.unwrap().try_collect().await;
    assert!(matches!(read, Err(BlobError::Damaged(_))), "{read:?}");
    while status(&stand, &hurt).await != ArtifactStatus::Damaged {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_expires_goes_and_what_is_pinned_stays() {
    let stand = Stand::new().await;
    let short = |name: &str| CreateArtifact {
        expires_in: Some(Duration::from_micros(1)),
        ..stand.request(name, None)
    };
    let gone = stand.artifacts.create(short("gone"), text("1")).await.unwrap();
    let pinned = stand.artifacts.create(short("pinned"), text("2")).await.unwrap();
    let kept = stand.create("kept", None, text("3")).await.unwrap();
    let pin = ArtifactPatch { pinned: Some(true), ..ArtifactPatch::default() };
    stand.artifacts.update(pinned.id, pin).await.unwrap();
    let expired = stand.artifacts.expire(None).await.unwrap();
    assert_eq!((expired.artifacts, expired.jobs), (1, 0));
    assert!(stand.artifacts.find(gone.id).await.unwrap().is_none());
    for artifact in [&pinned, &kept] {
        assert!(stand.artifacts.find(artifact.id).await.unwrap().is_some(), "{}", artifact.name);
    }
}
