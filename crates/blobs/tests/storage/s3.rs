//! The S3 server for the cases, and what only that storage promises.

use std::time::Duration;

use upnext_blobs::{BlobError, BlobStore};
use upnext_core::settings::{AddressingStyle, BucketSettings, S3Settings, ServiceSettings, StorageSettings};

use crate::s3_server::{self, KEY, SECRET};
use crate::{Stand, digest, sample};

pub(crate) const BUCKET: &str = "artifacts";
pub(crate) const PREFIX: &str = "upnext/test";

/// A storage in a bucket of a server on a free port, which asks for signed requests.
pub(crate) async fn stand() -> Stand {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("s3");
    std::fs::create_dir_all(root.join(BUCKET)).unwrap();
    let (url, server) = s3_server::start(&root).await;
    let blobs = open(&url, BUCKET, SECRET);
    let files = root.join(BUCKET).join(PREFIX);
    Stand { blobs, folder, files, server: Some(server), url }
}

pub(crate) fn open(url: &str, bucket: &str, secret: &str) -> BlobStore {
    let s3 =
        S3Settings { region: None, endpoint_url: Some(url.to_owned()), addressing: AddressingStyle::Auto };
    let settings = StorageSettings::Bucket(BucketSettings {
        service: ServiceSettings::S3(s3),
        name: bucket.to_owned(),
        prefix: PREFIX.to_owned(),
    });
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
async fn a_signed_address_takes_nothing_but_the_bytes_of_its_digest() {
    let stand = stand().await;
    let (good, bad) = (sample(5_000), sample(5_001));
    let address = stand.blobs.blob_upload_url(digest(&good), Duration::from_secs(60)).await.unwrap().unwrap();
    let client = reqwest::Client::new();
    let put = async |bytes: bytes::Bytes, headers: &[(String, String)]| {
        let request =
            headers.iter().fold(client.put(&address.url), |put, (name, value)| put.header(name, value));
        request.body(bytes).send().await.unwrap().status()
    };
    // This server refuses them after it has written its file, which S3 does not; nobody reads such a file unchecked.
    assert!(put(bad, &address.headers).await.is_client_error());
    assert!(put(good.clone(), &[]).await.is_client_error(), "the checksum is part of the signature");
    assert!(put(good.clone(), &address.headers).await.is_success());
    assert!(crate::read(&stand.blobs, digest(&good), None).await.unwrap() == good);
}

#[tokio::test]
async fn bytes_that_do_not_match_their_checksum_never_arrive() {
    // The digest names the key here, not the content: the service checks the content's own.
    let stand = stand().await;
    stand.blobs.put(digest(b"other"), sample(5)).await.unwrap();
    let error = crate::read(&stand.blobs, digest(b"other"), None).await.unwrap_err();
    assert!(matches!(error, BlobError::Damaged(_)), "{error}");
}
