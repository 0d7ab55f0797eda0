//! Making artifacts from Python data: text, bytes, a path that Rust reads, or pieces that Python feeds in.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyString};
use tokio::sync::{mpsc, oneshot};
use upnext_artifacts::{ArtifactData, ArtifactError, CreateArtifact};
use upnext_core::artifact::Digest;
use upnext_core::{ArtifactType, Labels, RawJson};

use crate::artifact_record::Kept;
use crate::attempt::Attempt;
use crate::error::Failure;
use crate::mailbox::{Answer, Mailbox};
use crate::runtime;

/// Pieces that may wait between Python and storage.
const PIECES_AHEAD: usize = 4;
/// Data of up to this length is worked on where it comes in. Larger data may go to storage, which blocks.
const SMALL: usize = 4 * 1024;
/// From this size on, bytes are shared with Python instead of copied.
const SHARED_FROM: usize = 1024 * 1024;

type Piece = io::Result<Bytes>;

/// What may be said about a new artifact beside its name, type and data: description, tags, metadata as JSON, seconds
/// until it expires, key, and the digest that its bytes must have.
pub(crate) type Extras =
    (Option<String>, Vec<String>, Option<String>, Option<f64>, Option<String>, Option<String>);

/// The end into which Python pushes the pieces of one artifact. Unless it is closed, the artifact fails: a source that
/// went away must never leave half an artifact behind.
#[pyclass(frozen, module = "upnext._bridge")]
pub(crate) struct Feed {
    sender: Mutex<Option<mpsc::Sender<Bytes>>>,
    receiver: Mutex<Option<mpsc::Receiver<Bytes>>>,
    complete: Arc<AtomicBool>,
}

#[pymethods]
impl Feed {
    #[new]
    fn new() -> Self {
        let (sender, receiver) = mpsc::channel(PIECES_AHEAD);
        Self {
            sender: Mutex::new(Some(sender)),
            receiver: Mutex::new(Some(receiver)),
            complete: Arc::default(),
        }
    }

    /// Pushes one piece; waits while storage is behind. False when nobody reads any more.
    fn push(&self, py: Python<'_>, piece: &Bound<'_, PyBytes>) -> bool {
        let Some(sender) = take_clone(&self.sender) else { return false };
        let piece = Bytes::copy_from_slice(piece.as_bytes());
        // `blocking_send` is for threads outside the runtime, which Python's are.
        py.detach(move || sender.blocking_send(piece).is_ok())
    }

    /// Says that the source ended well.
    fn close(&self) {
        self.complete.store(true, Ordering::Release);
        drop(take(&self.sender));
    }

    /// Says that the source broke off: nothing of it will be kept.
    fn abort(&self) {
        drop(take(&self.sender));
    }
}

impl Feed {
    fn stream(&self) -> Option<BoxStream<'static, Piece>> {
        let pieces = take(&self.receiver)?;
        let complete = Arc::clone(&self.complete);
        let stream = futures::stream::unfold(Some((pieces, complete)), |state| async move {
            let (mut pieces, complete) = state?;
            match pieces.recv().await {
                Some(piece) => Some((Ok(piece), Some((pieces, complete)))),
                None if complete.load(Ordering::Acquire) => None,
                None => Some((Err(io::Error::other("the source broke off")), None)),
            }
        });
        Some(stream.boxed())
    }
}

pub(crate) fn take<T>(slot: &Mutex<Option<T>>) -> Option<T> {
    slot.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take()
}

pub(crate) fn take_clone<T: Clone>(slot: &Mutex<Option<T>>) -> Option<T> {
    slot.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
}

/// An artifact in the making, for threads that wait for it.
#[pyclass(frozen, module = "upnext._bridge")]
pub(crate) struct Making {
    answer: Mutex<Option<oneshot::Receiver<Result<Kept, Failure>>>>,
}

#[pymethods]
impl Making {
    /// Waits until the artifact is made; once.
    fn wait(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let answer = take(&self.answer).ok_or_else(|| PyRuntimeError::new_err("waited for already"))?;
        runtime::wait(py, async move { answer.await.unwrap_or(Err(Failure::Broken)) })?.into_python(py)
    }
}

/// Makes an artifact of the attempt's job; `future` gets its record. `data` is a str, bytes, a path or a [`Feed`].
#[pyfunction]
pub(crate) fn create_artifact(
    attempt: &Bound<'_, Attempt>,
    mailbox: &Bound<'_, Mailbox>,
    future: Py<PyAny>,
    name: &str,
    artifact_type: Option<&str>,
    data: &Bound<'_, PyAny>,
    extras: Option<Extras>,
) -> PyResult<()> {
    let small = is_small(data)?;
    let work = creating(attempt.get(), name, artifact_type, data, extras)?;
    if small {
        return mailbox.get().answer_soon(attempt.py(), future, work);
    }
    mailbox.get().answer(attempt.py(), future, work).map(|_| ())
}

/// True for data that is checked, hashed and handed to the database in no time.
fn is_small(data: &Bound<'_, PyAny>) -> PyResult<bool> {
    let countable = data.is_instance_of::<PyString>() || data.is_instance_of::<PyBytes>();
    Ok(countable && data.len()? <= SMALL)
}

/// The same for a thread, which waits for what this answers.
#[pyfunction]
pub(crate) fn create_artifact_sync(
    attempt: &Bound<'_, Attempt>,
    name: &str,
    artifact_type: Option<&str>,
    data: &Bound<'_, PyAny>,
    extras: Option<Extras>,
) -> PyResult<Making> {
    let work = creating(attempt.get(), name, artifact_type, data, extras)?;
    let (sender, answer) = oneshot::channel();
    runtime::handle(attempt.py())?.spawn(async move { drop(sender.send(work.await)) });
    Ok(Making { answer: Mutex::new(Some(answer)) })
}

fn creating(
    attempt: &Attempt,
    name: &str,
    artifact_type: Option<&str>,
    data: &Bound<'_, PyAny>,
    extras: Option<Extras>,
) -> PyResult<impl Future<Output = Result<Kept, Failure>> + Send + 'static> {
    let request = request(attempt, name, artifact_type, extras)?;
    let data = read_data(data)?;
    let deployment = attempt.workplace.deployment.clone();
    Ok(async move {
        let name = request.name.clone();
        let created = deployment.artifacts.create(request, data).await;
        let artifact = created.map_err(|error| Failure::Artifact { name, error })?;
        Ok(Kept { artifact, deployment })
    })
}

/// What the attempt's job is to make.
pub(crate) fn request(
    attempt: &Attempt,
    name: &str,
    artifact_type: Option<&str>,
    extras: Option<Extras>,
) -> Result<CreateArtifact, Failure> {
    let invalid = |rule: &dyn std::fmt::Display| Failure::Artifact {
        name: name.to_owned(),
        error: ArtifactError::Invalid(format!("artifact '{name}': {rule}")),
    };
    let artifact_type = artifact_type.map(str::parse::<ArtifactType>).transpose();
    let artifact_type = artifact_type.map_err(|error| invalid(&error))?;
    let lease = attempt.job.lease;
    let request =
        CreateArtifact { lease: Some(lease.token), artifact_type, ..CreateArtifact::new(lease.job_id, name) };
    let Some((description, tags, metadata, expires_in, key, sha256)) = extras else { return Ok(request) };
    let sha256 =
        sha256.map(|sha256| sha256.parse::<Digest>()).transpose().map_err(|error| invalid(&error))?;
    let expires_in = expires_in.map(Duration::try_from_secs_f64).transpose();
    let expires_in = expires_in.map_err(|_| invalid(&"expires_in must be more than 0 seconds"))?;
    // Python's own encoder wrote the metadata.
    let labels = Labels { description, tags, metadata: metadata.map(RawJson::trusted) };
    Ok(CreateArtifact { labels, expires_in, sha256, key, ..request })
}

fn read_data(data: &Bound<'_, PyAny>) -> PyResult<ArtifactData> {
    if let Ok(text) = data.cast::<PyString>() {
        return Ok(ArtifactData::Text(text.to_str()?.to_owned()));
    }
    if let Ok(bytes) = data.cast::<PyBytes>() {
        return Ok(ArtifactData::Bytes(shared_bytes(bytes)));
    }
    if let Ok(feed) = data.cast::<Feed>() {
        let stream = feed.get().stream().ok_or_else(|| PyRuntimeError::new_err("this feed is in use"))?;
        return Ok(ArtifactData::Stream(stream));
    }
    Ok(ArtifactData::Path(data.extract::<PathBuf>()?))
}

/// Python's bytes, which never change: small ones are copied.
pub(crate) fn shared_bytes(bytes: &Bound<'_, PyBytes>) -> Bytes {
    if bytes.as_bytes().len() < SHARED_FROM {
        Bytes::copy_from_slice(bytes.as_bytes())
    } else {
        Bytes::from_owner(PyBackedBytes::from(bytes.clone()))
    }
}
