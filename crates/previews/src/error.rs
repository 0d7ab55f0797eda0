//! The one way a preview can fail: its source cannot be read.

use std::io;

/// Why there is no preview and no comparison. Flaws of the content are not among the reasons: they are told by the
/// preview.
#[derive(Debug, thiserror::Error)]
pub enum PreviewError {
    /// The reader failed. The same call may succeed later.
    #[error("the content of {name} could not be read: {error}")]
    Unreadable {
        /// What was read.
        name: String,
        /// What the reader said.
        #[source]
        error: io::Error,
    },
}
