//! Servers whose artifacts are in a bucket of a real S3 protocol server.

use std::path::PathBuf;

use tempfile::TempDir;
use tokio::task::JoinHandle;

use crate::harness::Api;
use crate::s3_server::{self, KEY, SECRET};

/// A server over a bucket whose objects are files.
pub(crate) struct Bucket {
    pub(crate) api: Api,
    pub(crate) files: PathBuf,
    _folder: TempDir,
    server: JoinHandle<()>,
}

impl Bucket {
    pub(crate) async fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let bucket = folder.path().join("artifacts");
        std::fs::create_dir_all(&bucket).unwrap();
        let (url, server) = s3_server::start(folder.path()).await;
        let settings = [
            ("UPNEXT_ARTIFACT_STORAGE_BACKEND", "s3"),
            ("UPNEXT_ARTIFACT_STORAGE_S3_BUCKET", "artifacts"),
            ("UPNEXT_ARTIFACT_STORAGE_S3_PREFIX", "team"),
            ("UPNEXT_ARTIFACT_STORAGE_S3_ENDPOINT_URL", &url),
        ];
        let keys = [("AWS_ACCESS_KEY_ID", KEY), ("AWS_SECRET_ACCESS_KEY", SECRET)];
        let api = Api::with_keys(&settings, &keys).await;
        Self { api, files: bucket.join("team"), _folder: folder, server }
    }

    /// What was put to upload addresses and is still there.
    pub(crate) fn handed_in(&self) -> usize {
        std::fs::read_dir(self.files.join("incoming")).map_or(0, |files| {
            files.filter(|file| file.as_ref().unwrap().file_type().unwrap().is_file()).count()
        })
    }
}

impl Drop for Bucket {
    fn drop(&mut self) {
        self.server.abort();
    }
}
