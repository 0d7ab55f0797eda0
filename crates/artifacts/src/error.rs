//! Why an artifact could not be made or read: one clear sentence each, with the way out.

use upnext_blobs::{BlobError, StageError};
use upnext_core::artifact::RecordRefusal;
use upnext_core::{ArtifactId, BackendError, JobId};

/// Why an artifact could not be made or read. Nothing half-written can ever be read.
#[derive(Debug, thiserror::Error)]
pub enum ArtifactError {
    /// The name or the data break a rule; the sentence names the artifact, the rule and the way out.
    #[error("{0}")]
    Invalid(String),
    /// Larger than `UPNEXT_ARTIFACT_MAX_UPLOAD_BYTES`.
    #[error("{0}")]
    TooLarge(String),
    /// There is no such job.
    #[error("there is no job {0}")]
    UnknownJob(JobId),
    /// There is no such artifact.
    #[error("there is no artifact {0}")]
    UnknownArtifact(ArtifactId),
    /// It does not fit to what is there already.
    #[error("{0}")]
    Conflict(String),
    /// The next bytes of an upload have to begin where it ends.
    #[error("the upload is {size_bytes} bytes long: send what comes after them")]
    WrongOffset {
        /// How long it is.
        size_bytes: u64,
    },
    /// The bytes are not those whose digest was announced.
    #[error("{0}")]
    DigestMismatch(String),
    /// The attempt that made it has lost its lease.
    #[error("{0}")]
    StaleLease(String),
    /// The blob storage failed.
    #[error(transparent)]
    Blob(#[from] BlobError),
    /// The backend failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

impl ArtifactError {
    /// True when the same call may succeed later without anybody changing the data or the configuration.
    ///
    /// ```
    /// use upnext_artifacts::ArtifactError;
    /// assert!(!ArtifactError::Invalid("no".into()).retryable());
    /// ```
    #[must_use]
    pub const fn retryable(&self) -> bool {
        match self {
            Self::Invalid(_)
            | Self::TooLarge(_)
            | Self::UnknownJob(_)
            | Self::UnknownArtifact(_)
            | Self::Conflict(_)
            | Self::WrongOffset { .. }
            | Self::DigestMismatch(_)
            | Self::StaleLease(_) => false,
            Self::Blob(error) => error.retryable(),
            Self::Backend(error) => error.retryable(),
        }
    }

    /// `size` is `None` when nobody knows how much more there was.
    pub(crate) fn too_large(name: &str, size: Option<u64>, limit: u64) -> Self {
        let size = size.map_or_else(String::new, |size| format!(" with its {size} bytes"));
        Self::TooLarge(format!(
            "artifact '{name}'{size} is larger than the {limit} bytes allowed: make it smaller, or raise \
             UPNEXT_ARTIFACT_MAX_UPLOAD_BYTES"
        ))
    }

    pub(crate) fn from_staging(name: &str, error: StageError) -> Self {
        match error {
            StageError::TooLarge { limit, size } => Self::too_large(name, size, limit),
            StageError::Blob(error) => Self::Blob(error),
        }
    }

    pub(crate) fn from_refusal(name: &str, refusal: &RecordRefusal) -> Self {
        match refusal {
            RecordRefusal::UnknownJob(job) => Self::UnknownJob(*job),
            RecordRefusal::UnknownArtifact(id) => Self::UnknownArtifact(*id),
            RecordRefusal::KeyReused(_) | RecordRefusal::Closed(_) => {
                Self::Conflict(format!("artifact '{name}': {refusal}"))
            }
            RecordRefusal::WrongOffset { size_bytes } => Self::WrongOffset { size_bytes: *size_bytes },
            RecordRefusal::StaleLease(_) => Self::StaleLease(format!("artifact '{name}': {refusal}")),
            RecordRefusal::BlobCondemned(_) => Self::Blob(BlobError::Unavailable(format!(
                "artifact '{name}': {refusal}; this took too long, try again later"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sentences_name_the_artifact_and_the_way_out() {
        let known = ArtifactError::too_large("a.bin", Some(300), 256).to_string();
        assert!(
            known.starts_with("artifact 'a.bin' with its 300 bytes is larger than the 256 bytes"),
            "{known}"
        );
        let unknown = ArtifactError::too_large("a.bin", None, 256).to_string();
        assert!(unknown.starts_with("artifact 'a.bin' is larger than the 256 bytes"), "{unknown}");
        assert!(unknown.ends_with("UPNEXT_ARTIFACT_MAX_UPLOAD_BYTES"), "{unknown}");
        let stale = ArtifactError::from_refusal("a", &RecordRefusal::StaleLease(JobId::fresh()));
        assert!(stale.to_string().starts_with("artifact 'a': the lease on job "), "{stale}");
        assert!(!stale.retryable());
    }
}
