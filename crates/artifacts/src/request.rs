//! What a caller hands in: the wanted artifact, and its data in one of four shapes.

use std::fmt;
use std::path::PathBuf;

use bytes::Bytes;
use futures::stream::BoxStream;
use upnext_core::{ArtifactType, JobId, LeaseToken};

/// What an artifact is to be.
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
