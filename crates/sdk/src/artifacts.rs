//! Making artifacts inside jobs, and reading them from anywhere.

use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bytes::Bytes;
use futures::stream::{Stream, StreamExt as _};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::AsyncRead;
use tokio_util::io::ReaderStream;
use upnext_artifacts::{ArtifactData, ArtifactError, ArtifactWriter, CreateArtifact, SaveError};
use upnext_core::artifact::Digest;
use upnext_core::backend::ArtifactQuery;
use upnext_core::{Artifact, ArtifactId, ArtifactType, JobId, RawJson};

use crate::app::UpNext;
use crate::context::{self, Context};

/// Data for a JSON artifact from anything serde can write.
///
/// # Errors
/// [`ArtifactError::Invalid`] when the value has no JSON form.
pub fn json<T: Serialize + ?Sized>(value: &T) -> Result<ArtifactData, ArtifactError> {
    serde_json::to_string(value)
        .map(ArtifactData::Text)
        .map_err(|error| ArtifactError::Invalid(format!("the value has no JSON form: {error}")))
}

/// Data for an artifact from anything that can be read piece by piece. It is never whole in memory.
///
/// ```
/// let data = upnext::reader(tokio::io::empty());
/// # assert!(matches!(data, upnext::ArtifactData::Stream(_)));
/// ```
#[must_use]
pub fn reader(source: impl AsyncRead + Send + 'static) -> ArtifactData {
    ArtifactData::Stream(ReaderStream::with_capacity(source, 64 * 1024).boxed())
}

/// Data for an artifact from a stream of pieces. It is never whole in memory; if the stream fails, nothing is kept.
///
/// ```
/// let pieces = futures::stream::iter([Ok(bytes::Bytes::from("a")), Ok(bytes::Bytes::from("b"))]);
/// let data = upnext::stream(pieces);
/// # assert!(matches!(data, upnext::ArtifactData::Stream(_)));
/// ```
#[must_use]
pub fn stream(pieces: impl Stream<Item = io::Result<Bytes>> + Send + 'static) -> ArtifactData {
    ArtifactData::Stream(pieces.boxed())
}

/// Data that [`create_artifact`] takes: text (`&str`, `String`), bytes (`Vec<u8>`, `&[u8]`, `Bytes`), a file (`&Path`,
/// `PathBuf`), a `serde_json::Value`, or an [`ArtifactData`] such as [`json`], [`reader`] and [`stream`] make.
pub trait IntoArtifactData {
    /// The data.
    fn into_artifact_data(self) -> ArtifactData;
}

macro_rules! into_artifact_data {
    ($($source:ty => |$value:ident| $data:expr;)+) => {
        $(impl IntoArtifactData for $source {
            fn into_artifact_data(self) -> ArtifactData {
                let $value = self;
                $data
            }
        })+
    };
}

into_artifact_data! {
    ArtifactData => |data| data;
    &str => |text| ArtifactData::Text(text.to_owned());
    String => |text| ArtifactData::Text(text);
    Vec<u8> => |bytes| ArtifactData::Bytes(bytes.into());
    &[u8] => |bytes| ArtifactData::Bytes(Bytes::copy_from_slice(bytes));
    Bytes => |bytes| ArtifactData::Bytes(bytes);
    PathBuf => |path| ArtifactData::Path(path);
    &Path => |path| ArtifactData::Path(path.to_owned());
    serde_json::Value => |value| ArtifactData::Text(value.to_string());
}

/// Makes an artifact of the running job. When this returns, its bytes and its record are durable and listed.
///
/// Without a type, text is taken as JSON, and bytes and files by the name's extension, else by their first bytes. For more
/// than name and type see [`artifact`].
///
/// # Errors
/// [`ArtifactError`]; the job sees it, and nothing half-written can ever be read. Outside of a job,
/// [`ArtifactError::Invalid`].
pub async fn create_artifact(
    name: &str,
    data: impl IntoArtifactData,
    artifact_type: impl Into<Option<ArtifactType>>,
) -> Result<Artifact, ArtifactError> {
    let mut builder = artifact(name);
    builder.request.artifact_type = artifact_type.into();
    builder.create(data).await
}

/// Begins to describe an artifact of the running job.
///
/// ```no_run
/// # async fn task() -> Result<(), upnext::ArtifactError> {
/// let model = upnext::artifact("model.bin")
///     .description("after the last epoch")
///     .tags(["model", "best"])
///     .metadata(&serde_json::json!({"loss": 0.1}))
///     .create(std::path::Path::new("out/model.bin"))
///     .await?;
/// let log = upnext::artifact("train.log").open().await?;
/// log.write(b"epoch 1\n").await?;
/// log.close().await?;
/// # Ok(()) }
/// ```
pub fn artifact(name: impl Into<String>) -> ArtifactBuilder {
    let context = context::try_current();
    let job_id = context.as_ref().map_or_else(JobId::fresh, Context::job_id);
    let lease = context.as_ref().map(|context| context.lease().token);
    let expires_in = context.as_ref().and_then(Context::artifact_ttl);
    let request = CreateArtifact { lease, expires_in, ..CreateArtifact::new(job_id, name) };
    ArtifactBuilder { context, request, flaw: None }
}

/// An artifact of the running job that is being described: see [`artifact`].
#[derive(Debug, Clone)]
#[must_use = "nothing is made before `create` or `open`"]
pub struct ArtifactBuilder {
    context: Option<Context>,
    request: CreateArtifact,
    /// What was wrong with an earlier step.
    flaw: Option<String>,
}

impl ArtifactBuilder {
    /// What it is. Without this: JSON for text, else by the name's extension, then by the first bytes.
    pub fn artifact_type(mut self, artifact_type: ArtifactType) -> Self {
        self.request.artifact_type = Some(artifact_type);
        self
    }

    /// A sentence about it, at most 4,096 characters.
    pub fn description(mut self, description: impl Into<String>) -> Self {
        self.request.labels.description = Some(description.into());
        self
    }

    /// Words it can be found by: at most 32, each of at most 64 characters without a comma.
    pub fn tags<T: Into<String>>(mut self, tags: impl IntoIterator<Item = T>) -> Self {
        self.request.labels.tags = tags.into_iter().map(Into::into).collect();
        self
    }

    /// Facts about it: anything that becomes a JSON object of at most 64 KiB.
    pub fn metadata<T: Serialize + ?Sized>(mut self, metadata: &T) -> Self {
        match RawJson::of(metadata) {
            Ok(metadata) => self.request.labels.metadata = Some(metadata),
            Err(error) => self.flaw = Some(format!("its metadata has no JSON form: {error}")),
        }
        self
    }

    /// It is removed this long after it was made. Without this: after the task's `artifact_ttl`, else as long as its job.
    pub fn expires_in(mut self, time: Duration) -> Self {
        self.request.expires_in = Some(time);
        self
    }

    /// Makes creating it repeatable: a second time with the same key answers what the first time made.
    pub fn key(mut self, key: impl Into<String>) -> Self {
        self.request.key = Some(key.into());
        self
    }

    /// The SHA-256 digest that its bytes must have; others are refused.
    pub fn sha256(mut self, digest: Digest) -> Self {
        self.request.sha256 = Some(digest);
        self
    }

    /// Makes it. When this returns, its bytes and its record are durable and listed.
    ///
    /// # Errors
    /// As [`create_artifact`].
    pub async fn create(self, data: impl IntoArtifactData) -> Result<Artifact, ArtifactError> {
        let (context, request) = self.checked("create_artifact")?;
        context.artifacts().create(request, data.into_artifact_data()).await
    }

    /// Begins to write it piece by piece. Everybody can read along; if the attempt dies, what was durable is kept.
    ///
    /// # Errors
    /// As [`create_artifact`].
    pub async fn open(self) -> Result<ArtifactWriter, ArtifactError> {
        let (context, request) = self.checked("open")?;
        context.artifacts().open(request).await
    }

    fn checked(self, call: &str) -> Result<(Context, CreateArtifact), ArtifactError> {
        let name = &self.request.name;
        if let Some(flaw) = self.flaw {
            return Err(ArtifactError::Invalid(format!("artifact '{name}': {flaw}")));
        }
        let Some(context) = self.context else {
            return Err(ArtifactError::Invalid(format!(
                "artifact '{name}': {call} was called outside of a job; make artifacts of other jobs with \
                 UpNext::artifacts()"
            )));
        };
        Ok((context, self.request))
    }
}

/// Reading artifacts. Inside of a job each of these notes that the job has read the artifact, for its lineage.
impl UpNext {
    /// One artifact; `None` when there is none.
    ///
    /// # Errors
    /// When the backend fails.
    pub async fn find_artifact(&self, id: ArtifactId) -> Result<Option<Artifact>, ArtifactError> {
        self.artifacts().find(id).await
    }

    /// The newest artifact of this name of a job.
    ///
    /// # Errors
    /// When the backend fails.
    pub async fn job_artifact(&self, job: JobId, name: &str) -> Result<Option<Artifact>, ArtifactError> {
        let query = ArtifactQuery { job_id: Some(job), ..named(name) };
        Ok(self.artifacts().list(query).await?.items.pop())
    }

    /// The newest artifact of this name of all jobs of a function.
    ///
    /// # Errors
    /// When the backend fails.
    pub async fn latest_artifact(
        &self,
        function: &str,
        name: &str,
    ) -> Result<Option<Artifact>, ArtifactError> {
        let query = ArtifactQuery { function: Some(function.to_owned()), ..named(name) };
        Ok(self.artifacts().list(query).await?.items.pop())
    }

    /// All bytes of an artifact, checked against its digest. For large ones see [`save_artifact`](Self::save_artifact)
    /// and [`ArtifactService::read`](upnext_artifacts::ArtifactService::read).
    ///
    /// # Errors
    /// When they are gone, damaged or cannot be reached.
    pub async fn artifact_bytes(&self, artifact: &Artifact) -> Result<Bytes, ArtifactError> {
        self.note_read(artifact).await?;
        self.artifacts().read_all(artifact, u64::MAX).await
    }

    /// A JSON artifact as a `T`.
    ///
    /// # Errors
    /// As [`artifact_bytes`](Self::artifact_bytes); [`ArtifactError::Invalid`] when its JSON is no `T`.
    pub async fn artifact_json<T: DeserializeOwned>(&self, artifact: &Artifact) -> Result<T, ArtifactError> {
        let bytes = self.artifact_bytes(artifact).await?;
        serde_json::from_slice(&bytes).map_err(|error| {
            ArtifactError::Invalid(format!(
                "artifact '{}' does not have the expected shape: {error}",
                artifact.name
            ))
        })
    }

    /// Writes an artifact to a file, with constant memory. The file appears once it is whole.
    ///
    /// # Errors
    /// As [`artifact_bytes`](Self::artifact_bytes); [`ArtifactError::Invalid`] when the file cannot be written.
    pub async fn save_artifact(
        &self,
        artifact: &Artifact,
        path: impl AsRef<Path>,
    ) -> Result<(), ArtifactError> {
        self.note_read(artifact).await?;
        let saved = self.artifacts().save(artifact, path.as_ref(), |_| {}).await;
        saved.map_err(|error| match error {
            SaveError::File(error) => ArtifactError::Invalid(error.to_string()),
            SaveError::Artifact(error) => error,
        })
    }

    async fn note_read(&self, artifact: &Artifact) -> Result<(), ArtifactError> {
        match context::try_current() {
            Some(context) => self.artifacts().note_read(artifact.id, context.job_id()).await,
            None => Ok(()),
        }
    }
}

fn named(name: &str) -> ArtifactQuery {
    ArtifactQuery { name: Some(name.to_owned()), limit: 1, ..ArtifactQuery::default() }
}
