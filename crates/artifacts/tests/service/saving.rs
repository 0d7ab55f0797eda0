//! Artifacts into files.

use upnext_artifacts::{ArtifactError, SaveError};
use upnext_blobs::BlobError;

use crate::{Stand, bytes};

fn names_in(folder: &std::path::Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}

#[tokio::test]
async fn saves_to_one_path_at_once_leave_one_whole_file() {
    let stand = Stand::new().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.bin");
    let contents = [vec![1; 1_500_000], vec![2; 1_500_000]];
    let one = stand.create("one", None, bytes(&contents[0])).await.unwrap();
    let other = stand.create("other", None, bytes(&contents[1])).await.unwrap();
    let saves = (0..8).map(|number| {
        let artifact = if number % 2 == 0 { &one } else { &other };
        let (artifacts, path) = (&stand.artifacts, &path);
        async move {
            let mut told = 0;
            artifacts.save(artifact, path, |count| told += count).await.unwrap();
            assert_eq!(told, artifact.size_bytes, "progress told of other bytes");
        }
    });
    futures::future::join_all(saves).await;
    assert!(contents.contains(&std::fs::read(&path).unwrap()), "the file is a mixture");
    assert_eq!(names_in(folder.path()), ["model.bin"], "something half written stayed");
}

#[tokio::test]
async fn a_save_that_fails_leaves_the_file_as_it_was() {
    let stand = Stand::new().await;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("model.bin");
    std::fs::write(&path, "before").unwrap();
    let artifact = stand.create("a", None, bytes(&[5; 100_000])).await.unwrap();
    std::fs::write(stand.file_of(artifact.sha256.unwrap()), vec![6; 100_000]).unwrap();
    let damaged = stand.artifacts.save(&artifact, &path, |_| {}).await.unwrap_err();
    assert!(
        matches!(damaged, SaveError::Artifact(ArtifactError::Blob(BlobError::Damaged(_)))),
        "{damaged:?}"
    );
    assert_eq!(std::fs::read(&path).unwrap(), b"before");
    assert_eq!(names_in(folder.path()), ["model.bin"], "something half written stayed");
}

#[tokio::test]
async fn a_place_that_cannot_be_written_is_named() {
    let stand = Stand::new().await;
    let artifact = stand.create("a", None, bytes(b"bytes")).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    for (path, part) in
        [(folder.path().to_owned(), "it is a folder"), (folder.path().join("none/a"), "No such file")]
    {
        let error = stand.artifacts.save(&artifact, &path, |_| {}).await.unwrap_err();
        assert!(matches!(error, SaveError::File(_)), "{error:?}");
        let sentence = error.to_string();
        let beginning = format!("artifact 'a' cannot be saved to '{}': ", path.display());
        assert!(sentence.starts_with(&beginning) && sentence.contains(part), "{sentence}");
    }
}
