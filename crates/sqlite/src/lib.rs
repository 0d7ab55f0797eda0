//! The embedded backend: everything in one SQLite file. (Being written.)

use std::path::{Path, PathBuf};
use std::sync::Arc;

use upnext_core::settings::Durability;
use upnext_core::{Backend, BackendError, Clock, SystemClock};

/// How to open the file.
#[derive(Debug, Clone)]
pub struct SqliteOptions {
    /// The file; made, with its folder, if it does not exist.
    pub path: PathBuf,
    /// What an acknowledgement means.
    pub durability: Durability,
    /// Where "now" comes from.
    pub clock: Arc<dyn Clock>,
}

impl SqliteOptions {
    /// This file, fully durable, with the machine's clock.
    #[must_use]
    pub fn new(path: impl AsRef<Path>) -> Self {
        Self { path: path.as_ref().to_owned(), durability: Durability::Full, clock: Arc::new(SystemClock) }
    }
}

/// Opens (and if need be makes or upgrades) the file.
///
/// # Errors
/// [`BackendError::Unusable`] when the file cannot be read or written or is no database of ours,
/// [`BackendError::TooNew`] when a newer version wrote it.
pub async fn open(options: SqliteOptions) -> Result<Arc<dyn Backend>, BackendError> {
    let _ = options;
    Err(BackendError::Unavailable("being written".into()))
}
