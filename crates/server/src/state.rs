//! What every handler sees.

use std::sync::Arc;

use tokio_util::sync::CancellationToken;
use upnext_artifacts::ArtifactService;
use upnext_core::{Backend, Client, Settings};

use crate::guard::Lock;
use crate::live::LiveFeed;
use crate::previews::Previews;
use crate::routes::upload_progress::Finishing;

/// What a server serves: jobs, artifacts, and the settings they were opened with. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Served {
    /// Finds, cancels and retries jobs.
    pub client: Client,
    /// Makes and reads artifacts.
    pub artifacts: ArtifactService,
    /// Address, authentication, limits.
    pub settings: Arc<Settings>,
}

/// [`Served`], and what belongs to this one server.
#[derive(Debug, Clone)]
pub(crate) struct AppState {
    pub(crate) served: Served,
    /// Cancelled when the server stops: long answers end then.
    pub(crate) stopping: CancellationToken,
    /// Whose last bytes are being put together.
    pub(crate) finishing: Finishing,
    /// What happens, for all who follow it.
    pub(crate) live: LiveFeed,
    /// What opens the API; `None` when it is open.
    pub(crate) lock: Option<Lock>,
    /// Makes previews, and keeps them for the next who asks.
    pub(crate) previews: Previews,
}

impl AppState {
    pub(crate) fn backend(&self) -> &Arc<dyn Backend> {
        self.served.client.backend()
    }
}
