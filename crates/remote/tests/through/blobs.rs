//! Blobs through a server: large ones, damaged ones, and straight to and from a bucket.

use std::sync::Arc;

use futures::TryStreamExt as _;
use upnext_blobs::{BlobError, BlobStore};
use upnext_core::SystemClock;
use upnext_core::artifact::Digest;

use crate::server::{BlobPlace, KEY, Server};

async fn storage(server: &Server) -> BlobStore {
    upnext_remote::open(&server.url(), Some(KEY)).await.unwrap().1
}

async fn read(blobs: &BlobStore, sha256: Digest, range: Option<std::ops::Range<u64>>) -> Vec<u8> {
    let pieces: Vec<_> = blobs.read(sha256, range).await.unwrap().try_collect().await.unwrap();
    pieces.concat()
}

/// Bytes that do not compress, and in which no two places are alike.
fn content(length: usize) -> Vec<u8> {
    let mut random = fastrand::Rng::with_seed(7);
    std::iter::repeat_with(|| random.u8(..)).take(length).collect()
}

#[tokio::test]
async fn blobs_go_there_and_come_back() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), Arc::new(SystemClock)).await;
    let blobs = storage(&server).await;
    assert_eq!(blobs.storage(), "local");
    for length in [0, 1, 300_000, 9_000_000] {
        let bytes = content(length);
        let stored = blobs.put_reader(std::io::Cursor::new(bytes.clone()), 1 << 30).await.unwrap();
        assert_eq!(blobs.size(stored.sha256).await.unwrap(), Some(length as u64));
        assert!(read(&blobs, stored.sha256, None).await == bytes, "{length} bytes should come back");
    }
    let stored = blobs.put_reader(std::io::Cursor::new(content(1000)), 1 << 30).await.unwrap();
    assert!(read(&blobs, stored.sha256, Some(10..20)).await == content(1000)[10..20]);
    let nothing = Digest::from_bytes([9; 32]);
    assert!(matches!(blobs.read(nothing, None).await.err(), Some(BlobError::Missing(_))));
    assert_eq!(blobs.size(nothing).await.unwrap(), None);
    server.stop().await;
}

#[tokio::test]
async fn bytes_of_another_digest_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), Arc::new(SystemClock)).await;
    let blobs = storage(&server).await;
    let wrong = Digest::from_bytes([9; 32]);
    let error = blobs.put(wrong, "not these".into()).await.unwrap_err();
    assert!(matches!(error, BlobError::Damaged(_)), "{error:?}");
    assert_eq!(blobs.size(wrong).await.unwrap(), None, "nothing should be stored");
    server.stop().await;
}

#[tokio::test]
async fn without_the_key_nobody_gets_in() {
    let folder = tempfile::tempdir().unwrap();
    let server = Server::start(folder.path(), Arc::new(SystemClock)).await;
    for key in [None, Some("wrong")] {
        let error = upnext_remote::open(&server.url(), key).await.unwrap_err();
        assert!(!error.retryable() && error.to_string().contains("set UPNEXT_API_KEY"), "{error}");
    }
    server.stop().await;
}

#[tokio::test]
async fn blobs_go_straight_to_a_bucket() {
    let folder = tempfile::tempdir().unwrap();
    let bucket = bucket::start(folder.path()).await;
    let settings = [
        ("UPNEXT_ARTIFACT_STORAGE_BACKEND", "s3"),
        ("UPNEXT_ARTIFACT_STORAGE_S3_BUCKET", "artifacts"),
        ("UPNEXT_ARTIFACT_STORAGE_S3_ENDPOINT_URL", bucket.as_str()),
    ];
    let place = BlobPlace::Bucket(&settings);
    let server = Server::at("127.0.0.1:0", folder.path(), Arc::new(SystemClock), place).await;
    let blobs = storage(&server).await;
    assert_eq!(blobs.storage(), "s3");
    let bytes = content(2_000_000);
    let stored = blobs.put_reader(std::io::Cursor::new(bytes.clone()), 1 << 30).await.unwrap();
    assert!(read(&blobs, stored.sha256, None).await == bytes);
    assert!(read(&blobs, stored.sha256, Some(5..1_000_000)).await == bytes[5..1_000_000]);
    server.stop().await;
}

mod bucket {
    //! A bucket named `artifacts`, served from a folder over S3's protocol.

    use std::path::Path;

    use hyper_util::rt::{TokioExecutor, TokioIo};
    use s3s::auth::SimpleAuth;
    use s3s::service::S3ServiceBuilder;
    use tokio::net::TcpListener;

    pub(super) async fn start(folder: &Path) -> String {
        let root = folder.join("s3");
        std::fs::create_dir_all(root.join("artifacts")).unwrap();
        let files = s3s_fs::FileSystem::new(&root).unwrap();
        let mut builder = S3ServiceBuilder::new(files);
        builder.set_auth(SimpleAuth::from_single("test", "secret"));
        let service = builder.build();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        tokio::spawn(async move {
            while let Ok((connection, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move {
                    let server = hyper_util::server::conn::auto::Builder::new(TokioExecutor::new());
                    let _ = server.serve_connection(TokioIo::new(connection), service).await;
                });
            }
        });
        url
    }
}
