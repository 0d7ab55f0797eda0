//! Artifacts into files: written beside their place, and put there when complete.

use std::io;
use std::path::{Path, PathBuf};

use futures::StreamExt as _;
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt as _;
use upnext_blobs::BlobError;
use upnext_core::Artifact;

use crate::error::ArtifactError;
use crate::service::ArtifactService;

/// Why an artifact was not saved. The file is as it was before.
#[derive(Debug, thiserror::Error)]
pub enum SaveError {
    /// The file could not be written; the sentence names it and the artifact.
    #[error(transparent)]
    File(io::Error),
    /// The artifact could not be read.
    #[error(transparent)]
    Artifact(#[from] ArtifactError),
}

impl From<BlobError> for SaveError {
    fn from(error: BlobError) -> Self {
        Self::Artifact(error.into())
    }
}

impl ArtifactService {
    /// Writes all bytes of an artifact into the file `path`, in the place of what it held, with constant memory. The file
    /// appears when it is whole, also when several callers save to one path at once. `progress` is told how many bytes
    /// each piece has.
    ///
    /// # Errors
    /// [`SaveError`].
    ///
    /// ```
    /// # use upnext_artifacts::{ArtifactService, SaveError};
    /// # use upnext_core::Artifact;
    /// async fn download(artifacts: &ArtifactService, artifact: &Artifact) -> Result<u64, SaveError> {
    ///     let mut written = 0;
    ///     artifacts.save(artifact, "model.bin".as_ref(), |count| written += count).await?;
    ///     Ok(written)
    /// }
    /// ```
    pub async fn save(
        &self,
        artifact: &Artifact,
        path: &Path,
        mut progress: impl FnMut(u64),
    ) -> Result<(), SaveError> {
        let told = |error: io::Error| {
            let (name, path) = (&artifact.name, path.display());
            let sentence = format!("artifact '{name}' cannot be saved to '{path}': {error}");
            SaveError::File(io::Error::new(error.kind(), sentence))
        };
        let mut bytes = self.read(artifact, None).await?;
        let target = path.to_owned();
        let (file, mut writing) = blocking(move || begin(&target)).await.map_err(told)?;
        while let Some(piece) = bytes.next().await {
            let piece = piece?;
            writing.write_all(&piece).await.map_err(told)?;
            progress(piece.len() as u64);
        }
        writing.flush().await.map_err(told)?;
        let target = path.to_owned();
        blocking(move || file.persist(target).map(drop).map_err(|failed| failed.error)).await.map_err(told)
    }
}

/// A new file beside the place, which goes away unless it is put there.
fn begin(path: &Path) -> io::Result<(NamedTempFile, tokio::fs::File)> {
    if path.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder; name a file in it"));
    }
    let here = PathBuf::from(".");
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(&here);
    let mut builder = tempfile::Builder::new();
    builder.prefix(".upnext-").suffix(".part");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // As any new file: what the umask leaves of it.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let file = builder.tempfile_in(folder)?;
    let writing = tokio::fs::File::from_std(file.reopen()?);
    Ok((file, writing))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
