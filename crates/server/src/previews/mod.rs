//! Previews and comparisons of artifacts: who may work at what time, and what is kept of it.
//!
//! Rendering itself is the business of `upnext-previews`. It blocks and may take much memory, so few are at work at once;
//! everybody else waits for a while. What was rendered from a whole artifact never changes, and is kept as long as there
//! is room.

mod head;
mod source;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use quick_cache::Weighter;
use quick_cache::sync::Cache;
use tokio::sync::Semaphore;
use upnext_artifacts::ArtifactService;
use upnext_blobs::BlobError;
use upnext_core::Artifact;
use upnext_core::artifact::Digest;
use upnext_previews::{Difference, Limits, PreviewError};

use crate::error::ApiError;
use crate::wire::Preview;
pub(crate) use head::head_of;
use source::Opened;

/// The version of the renderings. Raise it whenever a content is shown in another way than before: clients keep what
/// they have as long as it stays the same.
pub(crate) const VERSION: u32 = 1;

/// Previews at work at once. Each may take 250 MiB and a processor core.
const AT_ONCE: usize = 2;

/// How long others wait before they are told to come again.
const PATIENCE: Duration = Duration::from_secs(15);

/// Bytes of previews that are kept.
const KEPT_BYTES: u64 = 32 << 20;

/// Previews that are expected to be kept.
const KEPT: usize = 1000;

/// How much of a table is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Shape {
    pub(crate) rows: usize,
    pub(crate) columns: usize,
}

impl Default for Shape {
    fn default() -> Self {
        let Limits { rows, columns, .. } = Limits::default();
        Self { rows, columns }
    }
}

/// Makes previews, and keeps them. Cheap to clone.
#[derive(Clone)]
pub(crate) struct Previews {
    slots: Arc<Semaphore>,
    kept: Arc<Cache<Key, Made, ByBytes>>,
}

/// Everything a preview follows from.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    sha256: Digest,
    content_type: String,
    extension: String,
    shape: Shape,
}

#[derive(Debug, Clone)]
struct Made {
    preview: Arc<Preview>,
    bytes: u64,
}

/// Weighs previews by what they take as JSON.
#[derive(Debug, Clone)]
struct ByBytes;

impl Weighter<Key, Made> for ByBytes {
    fn weight(&self, _: &Key, made: &Made) -> u64 {
        made.bytes
    }
}

impl Default for Previews {
    fn default() -> Self {
        let kept = Cache::with_weighter(KEPT, KEPT_BYTES, ByBytes);
        Self { slots: Arc::new(Semaphore::new(AT_ONCE)), kept: Arc::new(kept) }
    }
}

impl fmt::Debug for Previews {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Previews").field("kept", &self.kept.len()).finish_non_exhaustive()
    }
}

impl Previews {
    /// The preview of an artifact. Who asks for the same one at the same time waits for it instead of making it again.
    pub(crate) async fn of(
        &self,
        artifacts: &ArtifactService,
        artifact: &Artifact,
        shape: Shape,
    ) -> Result<Arc<Preview>, ApiError> {
        // What is being written is another thing in a moment.
        let Some(sha256) = artifact.sha256 else {
            return Ok(self.make(artifacts, artifact, shape).await?.preview);
        };
        let extension = artifact.name.rsplit_once('.').map_or("", |(_, extension)| extension);
        let content_type = artifact.content_type.clone();
        let key = Key { sha256, content_type, extension: extension.to_lowercase(), shape };
        match self.kept.get_value_or_guard_async(&key).await {
            Ok(made) => Ok(made.preview),
            Err(guard) => {
                let made = self.make(artifacts, artifact, shape).await?;
                // It may have been a busy moment that made it take too long.
                if !matches!(*made.preview, Preview::TooLarge(_)) {
                    let _ = guard.insert(made.clone());
                }
                Ok(made.preview)
            }
        }
    }

    async fn make(
        &self,
        artifacts: &ArtifactService,
        artifact: &Artifact,
        shape: Shape,
    ) -> Result<Made, ApiError> {
        let mut opened = Opened::of(artifacts, artifact).await?;
        let limits = Limits { rows: shape.rows, columns: shape.columns, ..Limits::default() };
        self.work(move || {
            let preview = Preview::from(upnext_previews::preview(opened.source(), &limits)?);
            let bytes = serde_json::to_vec(&preview).map_or(0, |json| json.len() as u64);
            Ok(Made { preview: Arc::new(preview), bytes })
        })
        .await
    }

    /// What differs between two artifacts.
    pub(crate) async fn compare(
        &self,
        artifacts: &ArtifactService,
        old: &Artifact,
        new: &Artifact,
    ) -> Result<Difference, ApiError> {
        let mut old = Opened::of(artifacts, old).await?;
        let mut new = Opened::of(artifacts, new).await?;
        self.work(move || upnext_previews::compare(old.source(), new.source(), &Limits::default())).await
    }

    /// Runs work away from the threads that serve everybody, when it is its turn. It goes on, and keeps its place, when
    /// nobody waits for it any more: it cannot be stopped, but its own limits end it soon.
    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, PreviewError> + Send + 'static,
    ) -> Result<T, ApiError> {
        let slot = tokio::time::timeout(PATIENCE, Arc::clone(&self.slots).acquire_owned()).await;
        let Ok(Ok(slot)) = slot else {
            return Err(ApiError::Busy("many previews are being made; try again in a moment".to_owned()));
        };
        let working = tokio::task::spawn_blocking(move || {
            let _slot = slot;
            work()
        });
        match working.await {
            Ok(done) => done.map_err(unreadable),
            Err(error) => Err(ApiError::Unexpected(format!("a preview was broken off: {error}"))),
        }
    }
}

fn unreadable(error: PreviewError) -> ApiError {
    let text = error.to_string();
    let PreviewError::Unreadable { error, .. } = error;
    match error.downcast::<BlobError>() {
        Ok(error) => error.into(),
        Err(_) => BlobError::Unavailable(text).into(),
    }
}
