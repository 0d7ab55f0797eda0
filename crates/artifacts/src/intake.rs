//! From the data of a request to checked, staged bytes: decides the type, decodes, applies the type's rules.
//!
//! Small data is worked on where it stands; more than [`AT_ONCE`] bytes go to a blocking thread.

use std::path::PathBuf;

use bytes::Bytes;
use futures::stream::BoxStream;
use upnext_blobs::{BlobError, BlobStore, Limits, StageError, Staged};
use upnext_core::ArtifactType;
use upnext_core::artifact::Encoding;

use crate::base64::{self, NotBase64};
use crate::content::{Flaw, check_bytes, check_json, check_reader};
use crate::error::ArtifactError;
use crate::infer::infer_type;
use crate::request::ArtifactData;

/// Up to this many bytes are checked and hashed without leaving the thread: about 0.2 ms.
const AT_ONCE: usize = 256 * 1024;

/// Takes in the data of one artifact.
pub(crate) struct Intake<'a> {
    pub(crate) blobs: &'a BlobStore,
    pub(crate) name: &'a str,
    pub(crate) limits: Limits,
}

impl Intake<'_> {
    pub(crate) async fn take(
        &self,
        wanted: Option<ArtifactType>,
        data: ArtifactData,
    ) -> Result<(ArtifactType, Staged), ArtifactError> {
        match data {
            ArtifactData::Text(text) => {
                let artifact_type = wanted.unwrap_or(ArtifactType::Json);
                let staged = self.text(&artifact_type, text).await?;
                Ok((artifact_type, staged))
            }
            ArtifactData::Bytes(bytes) => {
                self.limit(bytes.len() as u64)?;
                let artifact_type = wanted.unwrap_or_else(|| infer_type(self.name, &bytes));
                let rule = artifact_type.byte_rule();
                let check = move |bytes: &Bytes| check_bytes(rule, bytes);
                let staged = self.stage(&artifact_type, bytes, check).await?;
                Ok((artifact_type, staged))
            }
            ArtifactData::Path(path) => self.path(wanted, path).await,
            ArtifactData::Stream(stream) => self.stream(wanted, stream).await,
        }
    }

    async fn text(&self, artifact_type: &ArtifactType, text: String) -> Result<Staged, ArtifactError> {
        match artifact_type.encoding() {
            Encoding::Base64 => return self.base64(artifact_type, text).await,
            Encoding::Json | Encoding::Text => self.limit(text.len() as u64)?,
        }
        let json = artifact_type.encoding() == Encoding::Json;
        let check = move |text: &String| if json { check_json(text) } else { Ok(()) };
        self.stage(artifact_type, text, check).await
    }

    /// Checks and hashes what is in memory as it is.
    async fn stage<T>(
        &self,
        artifact_type: &ArtifactType,
        data: T,
        check: impl FnOnce(&T) -> Result<(), Flaw> + Send + 'static,
    ) -> Result<Staged, ArtifactError>
    where
        T: AsRef<[u8]> + Into<Bytes> + Send + 'static,
    {
        let large = data.as_ref().len() > AT_ONCE;
        let work = move || check(&data).map(|()| Staged::from_bytes(data.into()));
        let staged = if large { blocking(work).await? } else { work() };
        staged.map_err(|flaw| self.invalid(artifact_type, &flaw))
    }

    async fn base64(&self, artifact_type: &ArtifactType, text: String) -> Result<Staged, ArtifactError> {
        let wrong = |reason: NotBase64| {
            let flaw = format!("the text is not base64: {reason}; pass bytes, or base64 text");
            self.invalid(artifact_type, &flaw)
        };
        if base64::decoded_length(&text) > self.limits.size {
            // Whitespace counts for nothing.
            let length = base64::decoded_length(&text.split_ascii_whitespace().collect::<String>());
            self.limit(length)?;
        }
        if text.len() <= AT_ONCE {
            let bytes = base64::decode(&text).map_err(wrong)?;
            return Ok(Staged::from_bytes(bytes.into()));
        }
        let staged = self.blobs.stage_reader(base64::Decoder::new(text), self.limits).await;
        staged.map_err(|error| match &error {
            StageError::Blob(BlobError::Source(source)) => match base64::reason(source) {
                Some(reason) => wrong(reason),
                None => ArtifactError::from_staging(self.name, error),
            },
            _ => ArtifactError::from_staging(self.name, error),
        })
    }

    async fn path(
        &self,
        wanted: Option<ArtifactType>,
        path: PathBuf,
    ) -> Result<(ArtifactType, Staged), ArtifactError> {
        let staged = self.blobs.stage_path(&path, self.limits).await.map_err(|error| match error {
            StageError::Blob(BlobError::Source(error)) => ArtifactError::Invalid(format!(
                "artifact '{}': the file {} cannot be read: {error}; pass the path of a file this process may read",
                self.name,
                path.display()
            )),
            error => ArtifactError::from_staging(self.name, error),
        })?;
        self.check_staged(wanted, staged).await
    }

    async fn stream(
        &self,
        wanted: Option<ArtifactType>,
        stream: BoxStream<'static, std::io::Result<Bytes>>,
    ) -> Result<(ArtifactType, Staged), ArtifactError> {
        let staged = self.blobs.stage_stream(stream, self.limits).await;
        let staged = staged.map_err(|error| ArtifactError::from_staging(self.name, error))?;
        self.check_staged(wanted, staged).await
    }

    /// Decides the type of raw bytes and checks them. What went to a file is read from there once more.
    pub(crate) async fn check_staged(
        &self,
        wanted: Option<ArtifactType>,
        mut staged: Staged,
    ) -> Result<(ArtifactType, Staged), ArtifactError> {
        let artifact_type = wanted.unwrap_or_else(|| infer_type(self.name, staged.head()));
        let rule = artifact_type.byte_rule();
        if rule == Encoding::Base64 {
            return Ok((artifact_type, staged));
        }
        let small = staged.bytes().is_some_and(|bytes| bytes.len() <= AT_ONCE);
        let work = move || {
            let checked = match staged.bytes() {
                Some(bytes) => Ok(check_bytes(rule, bytes)),
                None => staged.reader().and_then(|reader| check_reader(rule, reader)),
            };
            (checked, staged)
        };
        let (checked, staged) = if small { work() } else { blocking(work).await? };
        let flaw = checked.map_err(|error| {
            BlobError::Unavailable(format!("a temporary file cannot be read back: {error}"))
        })?;
        flaw.map_err(|flaw| self.invalid(&artifact_type, &flaw))?;
        Ok((artifact_type, staged))
    }

    fn limit(&self, size: u64) -> Result<(), ArtifactError> {
        if size > self.limits.size {
            return Err(ArtifactError::too_large(self.name, Some(size), self.limits.size));
        }
        Ok(())
    }

    pub(crate) fn invalid(&self, artifact_type: &ArtifactType, flaw: &str) -> ArtifactError {
        ArtifactError::Invalid(format!("artifact '{}' of type {}: {flaw}", self.name, artifact_type.as_str()))
    }
}

/// Runs work away from the threads that serve everybody.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, ArtifactError> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| BlobError::Unavailable(format!("the work was broken off: {error}")).into())
}
