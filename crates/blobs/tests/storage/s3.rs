//! The S3 server for the cases, and what only that storage promises.

use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::service::S3ServiceBuilder;
use upnext_blobs::{BlobError, BlobStore};
use upnext_core::settings::StorageSettings;

use crate::{Stand, digest, sample};

const BUCKET: &str = "artifacts";
const PREFIX: &str = "upnext/test";
const KEY: &str = "test-key";
const SECRET: &str = "test-secret";

/// A storage in a bucket of a server on a free port, which asks for signed requests.
pub(crate) async fn stand() -> Stand {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("s3");
    std::fs::create_dir_all(root.join(BUCKET)).unwrap();
    let mut builder = S3ServiceBuilder::new(s3s_fs::FileSystem::new(&root).unwrap());
    builder.set_auth(SimpleAuth::from_single(KEY, SECRET));
    let service = builder.build();
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let service = service.clone();
            tokio::spawn(async move {
                let _ =
                    Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(socket), service).await;
            });
        }
    });
    let blobs = open(&url, BUCKET, SECRET);
    let files = root.join(BUCKET).join(PREFIX);
    Stand { blobs, folder, files, server: Some(server), url }
}

fn open(url: &str, bucket: &str, secret: &str) -> BlobStore {
    let settings = StorageSettings::S3 {
        bucket: bucket.to_owned(),
        prefix: PREFIX.to_owned(),
        region: None,
        endpoint_url: Some(url.to_owned()),
    };
    let vars = [("AWS_ACCESS_KEY_ID", KEY), ("AWS_SECRET_ACCESS_KEY", secret)];
    let vars = vars.map(|(name, value)| (name.to_owned(), value.to_owned()));
    BlobStore::open_with_vars(&settings, vars).unwrap()
}

#[tokio::test]
async fn a_wrong_secret_is_unusable_and_stays_secret() {
    let stand = stand().await;
    let blobs = open(&stand.url, BUCKET, "wrong-secret");
    for error in [
        blobs.check().await.unwrap_err(),
        blobs.put(digest(b"x"), sample(1)).await.unwrap_err(),
        blobs.delete(digest(b"x")).await.unwrap_err(),
        crate::read(&blobs, digest(b"x"), None).await.unwrap_err(),
    ] {
        assert!(matches!(error, BlobError::Unusable(_)), "{error:?}");
        let sentence = error.to_string();
        assert!(sentence.contains("AWS_SECRET_ACCESS_KEY"), "{sentence}");
        assert!(!sentence.contains("wrong-secret") && !sentence.contains(KEY), "{sentence}");
    }
    assert!(!format!("{blobs:?}").contains("secret"));
}

#[tokio::test]
async fn bytes_that_do_not_match_their_checksum_never_arrive() {
    // The digest names the key here, not the content: the service checks the content's own.
    let stand = stand().await;
    stand.blobs.put(digest(b"other"), sample(5)).await.unwrap();
    let error = crate::read(&stand.blobs, digest(b"other"), None).await.unwrap_err();
    assert!(matches!(error, BlobError::Damaged(_)), "{error}");
}
