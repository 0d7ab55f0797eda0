//! Artifacts into files: written beside their place, and put there when complete.

use std::io;
use std::path::{Path, PathBuf};

use bytes::Bytes;
use futures::StreamExt as _;
use tempfile::NamedTempFile;
use tokio::io::AsyncWriteExt as _;
use upnext_blobs::ByteStream;

use crate::error::Failure;

/// Writes these bytes into the file `path`, in the place of what it held.
pub(crate) async fn save(name: &str, mut bytes: ByteStream, path: PathBuf) -> Result<(), Failure> {
    let told = |error: io::Error| {
        let sentence = format!("artifact '{name}' cannot be saved to '{}': {error}", path.display());
        Failure::File(io::Error::new(error.kind(), sentence))
    };
    let target = path.clone();
    let (file, mut writing) = blocking(move || {
        let file = begin(&target)?;
        let writing = file.reopen()?;
        Ok((file, tokio::fs::File::from_std(writing)))
    })
    .await
    .map_err(told)?;
    while let Some(piece) = bytes.next().await {
        let piece: Bytes =
            piece.map_err(|error| Failure::Artifact { name: name.to_owned(), error: error.into() })?;
        writing.write_all(&piece).await.map_err(told)?;
    }
    writing.flush().await.map_err(told)?;
    let target = path.clone();
    blocking(move || file.persist(target).map(drop).map_err(|failed| failed.error)).await.map_err(told)
}

fn begin(path: &Path) -> io::Result<NamedTempFile> {
    if path.is_dir() {
        return Err(io::Error::new(io::ErrorKind::IsADirectory, "it is a folder; name a file in it"));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(".upnext-").suffix(".part");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        // As any new file: what the umask leaves of it.
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    builder.tempfile_in(folder)
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.map_err(io::Error::other)?
}
