//! The running job, as code inside a task sees it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use tokio_util::sync::CancellationToken;
use upnext_artifacts::{ArtifactData, ArtifactError, ArtifactService, CreateArtifact};
use upnext_core::backend::{LogEntry, Report, ReportEntry};
use upnext_core::job::{Lease, Parent};
use upnext_core::{Artifact, ArtifactType, ClaimedJob, Client, Clock, JobId, RawJson, SystemClock};

use crate::error::Error;

tokio::task_local! {
    static CURRENT: Context;
}

/// The job that is running. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Context {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    job: ClaimedJob,
    client: Client,
    artifacts: ArtifactService,
    cancelled: CancellationToken,
}

impl Context {
    pub(crate) fn new(
        job: ClaimedJob,
        client: Client,
        artifacts: ArtifactService,
        cancelled: CancellationToken,
    ) -> Self {
        Self { inner: Arc::new(Inner { job, client, artifacts, cancelled }) }
    }

    /// Runs `task` with this as its current context.
    pub(crate) async fn scope<F: Future>(self, task: F) -> F::Output {
        CURRENT.scope(self, task).await
    }

    /// The job.
    #[must_use]
    pub fn job_id(&self) -> JobId {
        self.inner.job.lease.job_id
    }

    /// The job that submitted it.
    #[must_use]
    pub fn parent_id(&self) -> Option<JobId> {
        self.inner.job.parent_id
    }

    /// The top of its tree.
    #[must_use]
    pub fn root_id(&self) -> JobId {
        self.inner.job.root_id
    }

    /// Number of this attempt, 1 for the first.
    #[must_use]
    pub fn attempt(&self) -> u32 {
        self.inner.job.attempt
    }

    /// Key of the task.
    #[must_use]
    pub fn function(&self) -> &str {
        &self.inner.job.function
    }

    /// True once the attempt was told to stop.
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.inner.cancelled.is_cancelled()
    }

    /// The state an earlier attempt saved with [`checkpoint`](Self::checkpoint).
    #[must_use]
    pub fn checkpoint_state(&self) -> Option<&RawJson> {
        self.inner.job.checkpoint.as_ref()
    }

    /// Notes how far the job is, between 0 and 1, with a word about it.
    ///
    /// # Errors
    /// When `fraction` is out of range or the backend fails.
    pub async fn set_progress(&self, fraction: f64, message: Option<&str>) -> Result<(), Error> {
        if !(0.0..=1.0).contains(&fraction) {
            return Err(Error::Json(format!("progress is {fraction}: it must be between 0 and 1")));
        }
        self.report(ReportEntry::Progress { fraction, message: message.map(str::to_owned) }).await
    }

    /// Saves state that the next attempt finds in [`checkpoint_state`](Self::checkpoint_state).
    ///
    /// # Errors
    /// When the state has no JSON form or the backend fails.
    pub async fn checkpoint<T: Serialize + ?Sized + Sync>(&self, state: &T) -> Result<(), Error> {
        let state = RawJson::of(state).map_err(|error| Error::Json(error.to_string()))?;
        self.report(ReportEntry::Checkpoint(state)).await
    }

    /// Writes a line to the job's log. Levels are `debug`, `info`, `warning`, `error`, `critical`.
    ///
    /// # Errors
    /// When the backend fails.
    pub async fn send_log(&self, level: &str, message: &str) -> Result<(), Error> {
        let entry = LogEntry {
            at: SystemClock.now(),
            level: level.to_owned(),
            message: message.to_owned(),
            extra: None,
        };
        self.report(ReportEntry::Log(entry)).await
    }

    async fn report(&self, entry: ReportEntry) -> Result<(), Error> {
        let report = Report { lease: self.lease(), entry };
        Ok(self.inner.client.backend().report(vec![report]).await?)
    }

    fn lease(&self) -> Lease {
        self.inner.job.lease
    }
}

/// The job that is running.
///
/// # Panics
/// Outside of a job.
#[must_use]
pub fn current_context() -> Context {
    CURRENT.try_with(Clone::clone).expect("current_context() was called outside of a job")
}

/// Where a job submitted from here belongs in the tree of jobs.
pub(crate) fn current_parent() -> Option<Parent> {
    CURRENT.try_with(|context| Parent { parent_id: context.job_id(), root_id: context.root_id() }).ok()
}

/// Data for a JSON artifact from anything serde can write.
///
/// # Errors
/// [`ArtifactError::Invalid`] when the value has no JSON form.
pub fn json<T: Serialize + ?Sized>(value: &T) -> Result<ArtifactData, ArtifactError> {
    serde_json::to_string(value)
        .map(ArtifactData::Text)
        .map_err(|error| ArtifactError::Invalid(format!("the value has no JSON form: {error}")))
}

/// Data that [`create_artifact`] takes: text (`&str`, `String`), bytes (`Vec<u8>`, `&[u8]`, `Bytes`), a file (`&Path`,
/// `PathBuf`), a `serde_json::Value`, or an [`ArtifactData`] such as [`json`] makes.
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
/// Without a type, text is taken as JSON, and bytes and files by the name's extension, else by their first bytes.
///
/// # Errors
/// [`ArtifactError`]; the job sees it, and nothing half-written can ever be read. Outside of a job,
/// [`ArtifactError::Invalid`].
pub async fn create_artifact(
    name: &str,
    data: impl IntoArtifactData,
    artifact_type: impl Into<Option<ArtifactType>>,
) -> Result<Artifact, ArtifactError> {
    let Ok(context) = CURRENT.try_with(Clone::clone) else {
        return Err(ArtifactError::Invalid(format!(
            "artifact '{name}': create_artifact was called outside of a job; make artifacts of other jobs with UpNext::artifacts()"
        )));
    };
    let lease = context.lease();
    let request = CreateArtifact {
        lease: Some(lease.token),
        artifact_type: artifact_type.into(),
        ..CreateArtifact::new(lease.job_id, name)
    };
    context.inner.artifacts.create(request, data.into_artifact_data()).await
}
