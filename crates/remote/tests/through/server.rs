//! A real server over a fresh SQLite file, as a process of its own would be.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use upnext_artifacts::ArtifactService;
use upnext_blobs::BlobStore;
use upnext_core::settings::Durability;
use upnext_core::{Backend, Client, Clock, Settings};
use upnext_server::{ServeError, Served};
use upnext_sqlite::SqliteOptions;

/// The key that every server of these tests asks for.
pub(crate) const KEY: &str = "a-key-for-tests";

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) backend: Arc<dyn Backend>,
    stop: Option<oneshot::Sender<()>>,
    task: Option<JoinHandle<Result<(), ServeError>>>,
}

impl Server {
    /// Serves the deployment in `folder` on a free port.
    pub(crate) async fn start(folder: &Path, clock: Arc<dyn Clock>) -> Self {
        Self::at("127.0.0.1:0", folder, clock, BlobPlace::Local).await
    }

    pub(crate) async fn at(
        address: &str,
        folder: &Path,
        clock: Arc<dyn Clock>,
        place: BlobPlace<'_>,
    ) -> Self {
        let vars = [
            ("UPNEXT_HOME", folder.to_str().expect("the path should be Unicode")),
            ("UPNEXT_AUTH_ENABLED", "true"),
            ("UPNEXT_API_KEY", KEY),
        ];
        let vars = vars.into_iter().chain(place.settings().iter().copied());
        let vars = vars.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let settings = Settings::from_vars(vars).expect("the settings should do").settings;
        let options = SqliteOptions { path: folder.join("upnext.db"), durability: Durability::Full, clock };
        let backend = upnext_sqlite::open(options).await.expect("a file should open");
        let blobs = BlobStore::open_with_vars(&settings.artifact_storage, place.keys());
        let blobs = blobs.expect("the storage should open");
        let artifacts = ArtifactService::new(Arc::clone(&backend), blobs, &settings);
        let client = Client::new(Arc::clone(&backend));
        let served = Served { client, artifacts, settings: Arc::new(settings) };
        let listener = TcpListener::bind(address).await.expect("the address should be free");
        let address = listener.local_addr().expect("a listener has an address");
        let (stop, stopped) = oneshot::channel::<()>();
        let task = tokio::spawn(upnext_server::serve(served, listener, async {
            let _ = stopped.await;
        }));
        Self { address, backend, stop: Some(stop), task: Some(task) }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) async fn stop(mut self) {
        drop(self.stop.take());
        if let Some(task) = self.task.take() {
            task.await.expect("the server should not panic").expect("the server should stop in good order");
        }
    }
}

/// Where a server keeps blobs.
#[derive(Debug, Clone, Copy)]
pub(crate) enum BlobPlace<'a> {
    Local,
    /// A bucket named `artifacts` at this address.
    Bucket(&'a [(&'a str, &'a str)]),
}

impl<'a> BlobPlace<'a> {
    fn settings(self) -> &'a [(&'a str, &'a str)] {
        match self {
            Self::Local => &[],
            Self::Bucket(settings) => settings,
        }
    }

    fn keys(self) -> Vec<(String, String)> {
        let keys =
            [("AWS_ACCESS_KEY_ID", "test"), ("AWS_SECRET_ACCESS_KEY", "secret"), ("AWS_REGION", "us-east-1")];
        match self {
            Self::Local => Vec::new(),
            Self::Bucket(_) => keys.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec(),
        }
    }
}
