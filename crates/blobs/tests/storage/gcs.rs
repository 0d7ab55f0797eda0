//! The client of Google Cloud Storage, against the part of its XML protocol that it shares with S3: objects, ranges, lists and
//! uploads in parts. Google's own answers about tokens and signatures are not imitated.

use http::header::AUTHORIZATION;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use upnext_blobs::{BlobError, BlobStore};
use upnext_core::settings::{BucketSettings, ServiceSettings, StorageSettings};

use crate::s3::{BUCKET, PREFIX};
use crate::{Stand, digest, s3_server, sample};

const TOKEN: &str = "test-token";

/// A storage in a bucket of a server that wants the token.
pub(crate) async fn stand() -> Stand {
    let folder = tempfile::tempdir().unwrap();
    let root = folder.path().join("gcs");
    std::fs::create_dir_all(root.join(BUCKET)).unwrap();
    let service = s3_server::service(&root, false);
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let service = service.clone();
            let answer = service_fn(move |mut request: http::Request<hyper::body::Incoming>| {
                let service = service.clone();
                async move {
                    let token = request.headers_mut().remove(AUTHORIZATION);
                    if token.is_none_or(|token| token != format!("Bearer {TOKEN}")) {
                        let mut denied = http::Response::new(s3s::Body::empty());
                        *denied.status_mut() = http::StatusCode::UNAUTHORIZED;
                        return Ok(denied);
                    }
                    service.call(request.map(s3s::Body::from)).await
                }
            });
            tokio::spawn(async move {
                let _ =
                    Builder::new(TokioExecutor::new()).serve_connection(TokioIo::new(socket), answer).await;
            });
        }
    });
    let blobs = open(&url, BUCKET, TOKEN);
    let files = root.join(BUCKET).join(PREFIX);
    Stand { blobs, folder, files, server: Some(server), url }
}

fn open(url: &str, bucket: &str, token: &str) -> BlobStore {
    let settings = StorageSettings::Bucket(BucketSettings {
        service: ServiceSettings::Gcs,
        name: bucket.to_owned(),
        prefix: PREFIX.to_owned(),
    });
    let vars = [("GOOGLE_BASE_URL", url), ("GOOGLE_BEARER_TOKEN", token)];
    let vars = vars.map(|(name, value)| (name.to_owned(), value.to_owned()));
    BlobStore::open_with_vars(&settings, vars).unwrap()
}

#[tokio::test]
async fn what_is_wrong_is_said_in_words_of_the_service() {
    let stand = stand().await;
    assert_eq!((stand.blobs.storage(), stand.blobs.has_addresses()), ("gcs", false));
    let denied = open(&stand.url, BUCKET, "wrong").put(digest(b"x"), sample(1)).await.unwrap_err();
    assert!(matches!(denied, BlobError::Unusable(_)), "{denied:?}");
    let sentence = denied.to_string();
    assert!(sentence.contains("GOOGLE_APPLICATION_CREDENTIALS") && !sentence.contains("wrong"), "{sentence}");
    let missing = open(&stand.url, "nowhere", TOKEN).check().await.unwrap_err().to_string();
    assert!(missing.contains("Google Cloud Storage bucket 'nowhere' does not exist"), "{missing}");
}
