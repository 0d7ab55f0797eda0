//! What a caller hands in: the wanted artifact, and its data in one of four shapes.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use bytes::Bytes;
use futures::stream::BoxStream;
use upnext_core::artifact::{Digest, check_key, validate_name};
use upnext_core::{ArtifactType, JobId, Labels, LeaseToken};

use crate::error::ArtifactError;

/// What an artifact is to be.
///
/// ```
/// use upnext_artifacts::CreateArtifact;
/// use upnext_core::{ArtifactType, JobId};
/// let request =
///     CreateArtifact { artifact_type: Some(ArtifactType::Text), ..CreateArtifact::new(JobId::fresh(), "log.txt") };
/// assert_eq!(request.name, "log.txt");
/// ```
#[derive(Debug, Clone)]
pub struct CreateArtifact {
    /// The job it belongs to.
    pub job_id: JobId,
    /// The lease of the running attempt; `None` from outside a job.
    pub lease: Option<LeaseToken>,
    /// Its name.
    pub name: String,
    /// What it is; `None` leaves it to the data: JSON for [`ArtifactData::Text`], else by name and first bytes.
    pub artifact_type: Option<ArtifactType>,
    /// Description, tags and metadata.
    pub labels: Labels,
    /// It is removed this long after it was recorded; `None` keeps it as long as its job.
    pub expires_in: Option<Duration>,
    /// The digest its bytes must have.
    pub sha256: Option<Digest>,
    /// A request with the key of an earlier one of the same job is answered with what that one made.
    pub key: Option<String>,
}

impl CreateArtifact {
    /// An artifact of this name, from outside a job, with nothing else said about it.
    #[must_use]
    pub fn new(job_id: JobId, name: impl Into<String>) -> Self {
        Self {
            job_id,
            lease: None,
            name: name.into(),
            artifact_type: None,
            labels: Labels::default(),
            expires_in: None,
            sha256: None,
            key: None,
        }
    }

    /// Checks everything that can be checked before any byte is taken.
    pub(crate) fn checked(self) -> Result<Self, ArtifactError> {
        validate_name(&self.name).map_err(ArtifactError::Invalid)?;
        let name = &self.name;
        let invalid = |rule: String| ArtifactError::Invalid(format!("artifact '{name}': {rule}"));
        let labels = self.labels.checked().map_err(invalid)?;
        let key = self.key.map(|key| check_key(&key)).transpose().map_err(invalid)?;
        if self.expires_in.is_some_and(|time| time.is_zero()) {
            return Err(invalid("expires_in must be more than 0 seconds".to_owned()));
        }
        Ok(Self { labels, key, ..self })
    }

    /// Checks bytes against the digest that was announced.
    pub(crate) fn expect(&self, found: Digest) -> Result<(), ArtifactError> {
        match self.sha256 {
            Some(wanted) if wanted != found => Err(ArtifactError::DigestMismatch(format!(
                "artifact '{}': its bytes have the SHA-256 digest {found}, but {wanted} was announced; nothing was kept, \
                 send them again",
                self.name
            ))),
            _ => Ok(()),
        }
    }
}

/// The data of a new artifact.
pub enum ArtifactData {
    /// Text as the type writes it: ready JSON, the text itself, or base64 of the bytes.
    Text(String),
    /// The bytes themselves.
    Bytes(Bytes),
    /// A file to read.
    Path(PathBuf),
    /// Bytes that arrive piece by piece.
    Stream(BoxStream<'static, std::io::Result<Bytes>>),
}

impl fmt::Debug for ArtifactData {
    /// Shows the shape, not the data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "Text({} bytes)", text.len()),
            Self::Bytes(bytes) => write!(f, "Bytes({} bytes)", bytes.len()),
            Self::Path(path) => f.debug_tuple("Path").field(path).finish(),
            Self::Stream(_) => f.write_str("Stream"),
        }
    }
}
