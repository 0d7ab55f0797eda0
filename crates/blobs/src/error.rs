//! Why bytes could not be stored or read, named for what the caller can do about it.

use std::io;
use std::path::Path;

use upnext_core::artifact::Digest;

/// Why bytes could not be stored or read.
#[derive(Debug, thiserror::Error)]
pub enum BlobError {
    /// No such blob.
    #[error("the stored bytes {0} are missing")]
    Missing(Digest),
    /// The disk is full.
    #[error("the artifact storage is full: {0}")]
    Full(String),
    /// The storage cannot be reached; may succeed later.
    #[error("the artifact storage is unavailable: {0}")]
    Unavailable(String),
    /// It cannot be used as configured.
    #[error("{0}")]
    Unusable(String),
    /// The source of the bytes failed.
    #[error("the data could not be read: {0}")]
    Source(io::Error),
    /// What was read back is not what was stored.
    #[error("the stored bytes {0} are damaged")]
    Damaged(Digest),
}

impl BlobError {
    /// True when the same call may succeed later without anybody changing the configuration.
    #[must_use]
    pub const fn retryable(&self) -> bool {
        matches!(self, Self::Unavailable(_) | Self::Full(_))
    }

    /// What a failed operation on a file or folder of the local storage means.
    pub(crate) fn from_file(action: &str, path: &Path, error: &io::Error) -> Self {
        let path = path.display();
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                Self::Full(format!("cannot {action} {path}: {error}; free some space, nothing was stored"))
            }
            io::ErrorKind::PermissionDenied
            | io::ErrorKind::ReadOnlyFilesystem
            | io::ErrorKind::NotADirectory
            | io::ErrorKind::IsADirectory => Self::Unusable(format!(
                "the artifact storage cannot {action} {path}: {error}; give this user the right to it, or set \
                 UPNEXT_ARTIFACT_STORAGE_LOCAL_ROOT to a folder it may write"
            )),
            _ => Self::Unavailable(format!("cannot {action} {path}: {error}")),
        }
    }

    /// A blocking task that did not come to its end: the runtime is shutting down.
    pub(crate) fn interrupted(error: &tokio::task::JoinError) -> Self {
        Self::Unavailable(format!("the work was broken off: {error}"))
    }
}

/// Why a source of bytes was not taken in. Nothing of it was stored.
#[derive(Debug, thiserror::Error)]
pub enum StageError {
    /// The source holds more bytes than allowed.
    #[error("the data is larger than {limit} bytes")]
    TooLarge {
        /// The most that was allowed.
        limit: u64,
        /// How many there are, where that is known without reading them all.
        size: Option<u64>,
    },
    /// The source or the storage failed.
    #[error(transparent)]
    Blob(#[from] BlobError),
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mapped(kind: io::ErrorKind) -> BlobError {
        BlobError::from_file("write", Path::new("/data/x"), &io::Error::from(kind))
    }

    #[test]
    fn full_disks_and_missing_rights_are_told_apart() {
        let full = mapped(io::ErrorKind::StorageFull);
        assert!(matches!(&full, BlobError::Full(_)) && full.retryable(), "{full}");
        assert!(matches!(mapped(io::ErrorKind::QuotaExceeded), BlobError::Full(_)));
        let denied = mapped(io::ErrorKind::PermissionDenied);
        assert!(matches!(&denied, BlobError::Unusable(_)) && !denied.retryable(), "{denied}");
        let sentence = denied.to_string();
        assert!(sentence.contains("/data/x") && sentence.contains("UPNEXT_ARTIFACT_STORAGE_LOCAL_ROOT"));
        assert!(matches!(mapped(io::ErrorKind::TimedOut), BlobError::Unavailable(_)));
    }
}
