//! What a server does by itself from time to time: it lets go of what is too old and removes bytes that nothing needs.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use upnext_artifacts::ArtifactService;
use upnext_core::Settings;
use upnext_core::backend::Expired;

/// When a server first looks: soon, but not while everything else starts.
const FIRST_LOOK: Duration = Duration::from_secs(60);

/// Cleans up regularly. Several servers over the same backend may each have one.
#[derive(Debug)]
pub(crate) struct Caretaker {
    artifacts: ArtifactService,
    /// How long finished jobs stay; `None` for ever.
    retention: Option<Duration>,
    first: Duration,
    interval: Duration,
}

impl Caretaker {
    pub(crate) fn new(artifacts: ArtifactService, settings: &Settings) -> Self {
        let interval = settings.cleanup_interval;
        let first = FIRST_LOOK.min(interval);
        Self { artifacts, retention: settings.cleanup_retention, first, interval }
    }

    /// Works until the server stops.
    pub(crate) async fn run(self, stopping: CancellationToken) {
        let mut wait = self.first;
        while stopping.run_until_cancelled(tokio::time::sleep(wait)).await.is_some() {
            // What was not done when the server stops is done by the next one.
            if stopping.run_until_cancelled(self.clean_up()).await.is_none() {
                return;
            }
            wait = self.interval;
        }
    }

    async fn clean_up(&self) {
        match self.artifacts.expire(self.retention).await {
            Ok(Expired { artifacts: 0, jobs: 0 }) => tracing::debug!("nothing was too old"),
            Ok(Expired { artifacts, jobs }) => tracing::info!(artifacts, jobs, "removed what was too old"),
            Err(error) => {
                tracing::warn!(%error, "cannot remove what is too old; trying again later");
            }
        }
        match self.artifacts.sweep().await {
            Ok(report) => tracing::debug!(?report, "swept artifact storage"),
            Err(error) => tracing::warn!(%error, "cannot sweep the artifact storage; trying again later"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use upnext_artifacts::{ArtifactData, CreateArtifact};
    use upnext_blobs::BlobStore;
    use upnext_core::client::Submission;
    use upnext_core::{Client, RawJson};
    use upnext_sqlite::SqliteOptions;

    use super::*;

    const SHORT: Duration = Duration::from_millis(2);

    #[tokio::test]
    async fn two_caretakers_remove_old_jobs_and_stop_when_told() {
        let folder = tempfile::tempdir().unwrap();
        let vars = [("UPNEXT_HOME".to_owned(), folder.path().display().to_string())];
        let settings = Settings::from_vars(vars).unwrap().settings;
        let options = SqliteOptions::new(settings.database_file());
        let backend = upnext_sqlite::open(options).await.unwrap();
        let blobs = BlobStore::open(&settings.artifact_storage).unwrap();
        let artifacts = ArtifactService::new(Arc::clone(&backend), blobs, &settings);
        let client = Client::new(backend);
        let job = async || {
            let id = client.submit(Submission::new("f", RawJson::parse("{}").unwrap())).await.unwrap().id;
            let request = CreateArtifact::new(id, "a.txt");
            artifacts.create(request, ArtifactData::Text("\"x\"".into())).await.unwrap();
            id
        };
        let (ended, waiting) = (job().await, job().await);
        client.cancel(ended).await.unwrap();

        let stopping = CancellationToken::new();
        let mut caretakers = tokio::task::JoinSet::new();
        for _ in 0..2 {
            let artifacts = artifacts.clone();
            let retention = Some(Duration::from_micros(1));
            let caretaker = Caretaker { artifacts, retention, first: SHORT, interval: SHORT };
            caretakers.spawn(caretaker.run(stopping.clone()));
        }
        // A job that ends later goes in a later round: they do not stop after the first.
        while client.find_job(ended).await.unwrap().is_some() {
            tokio::task::yield_now().await;
        }
        assert!(client.find_job(waiting).await.unwrap().is_some(), "a job that has not ended was removed");
        assert_eq!(artifacts.totals().await.unwrap().versions, 1);
        client.cancel(waiting).await.unwrap();
        while client.find_job(waiting).await.unwrap().is_some() {
            tokio::task::yield_now().await;
        }
        stopping.cancel();
        caretakers.join_all().await;
    }
}
