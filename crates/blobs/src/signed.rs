//! Addresses in a bucket that work for a while without a key, and what arrives through them.

use std::time::Duration;

use futures::StreamExt as _;
use object_store::path::Path;
use object_store::signer::Signer as _;
use object_store::{ObjectStore as _, ObjectStoreExt as _};
use upnext_core::artifact::Digest;

use crate::error::BlobError;
use crate::reading::ByteStream;
use crate::s3::{S3Storage, broken, is_older};

impl S3Storage {
    pub(crate) async fn download_url(&self, sha256: Digest, valid: Duration) -> Result<String, BlobError> {
        self.signed(http::Method::GET, &self.path(sha256), valid).await
    }

    pub(crate) async fn blob_upload_url(&self, sha256: Digest, valid: Duration) -> Result<String, BlobError> {
        self.signed(http::Method::PUT, &self.path(sha256), valid).await
    }

    pub(crate) async fn upload_url(&self, name: &str, valid: Duration) -> Result<String, BlobError> {
        self.signed(http::Method::PUT, &self.handed_in(name), valid).await
    }

    async fn signed(&self, method: http::Method, path: &Path, valid: Duration) -> Result<String, BlobError> {
        let signed = self.store.signed_url(method, path, valid).await;
        signed.map(String::from).map_err(|error| broken(&self.bucket, "sign an address in", &error))
    }

    pub(crate) async fn read_handed_in(&self, name: &str) -> Result<Option<ByteStream>, BlobError> {
        let bucket = self.bucket.clone();
        match self.store.get(&self.handed_in(name)).await {
            Ok(got) => {
                let pieces = got
                    .into_stream()
                    .map(move |piece| piece.map_err(|error| broken(&bucket, "read", &error)));
                Ok(Some(pieces.boxed()))
            }
            Err(object_store::Error::NotFound { .. }) => Ok(None),
            Err(error) => Err(broken(&self.bucket, "read", &error)),
        }
    }

    pub(crate) async fn forget_handed_in(&self, name: &str) -> Result<(), BlobError> {
        match self.store.delete(&self.handed_in(name)).await {
            Ok(()) | Err(object_store::Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(broken(&self.bucket, "delete from", &error)),
        }
    }

    /// Removes what was put to an address longer than `older_than` ago and is still there: nobody asked for it.
    pub(crate) async fn sweep_handed_in(&self, older_than: Duration) -> Result<usize, BlobError> {
        let mut listed = self.store.list(Some(&self.incoming()));
        let mut swept = 0;
        while let Some(found) = listed.next().await {
            let found = found.map_err(|error| broken(&self.bucket, "list", &error))?;
            if !is_older(&found, older_than) {
                continue;
            }
            match self.store.delete(&found.location).await {
                Ok(()) => swept += 1,
                Err(object_store::Error::NotFound { .. }) => {}
                Err(error) => return Err(broken(&self.bucket, "delete from", &error)),
            }
        }
        Ok(swept)
    }

    /// Not below `sha256/`: these bytes are nobody's yet.
    fn incoming(&self) -> Path {
        Path::from(format!("{}/incoming", self.prefix))
    }

    fn handed_in(&self, name: &str) -> Path {
        Path::from(format!("{}/{name}", self.incoming()))
    }
}
