//! Making artifacts from Python data: text, bytes, a path that Rust reads, or pieces that Python feeds in.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use pyo3::exceptions::PyRuntimeError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyBytes, PyNone, PyString, PyTuple};
use tokio::sync::{mpsc, oneshot};
use upnext_artifacts::{ArtifactData, ArtifactError, CreateArtifact};
use upnext_core::{Artifact, ArtifactType};

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

fn take<T>(slot: &Mutex<Option<T>>) -> Option<T> {
    slot.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take()
}

fn take_clone<T: Clone>(slot: &Mutex<Option<T>>) -> Option<T> {
    slot.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
}

/// An artifact in the making, for threads that wait for it.
#[pyclass(frozen, module = "upnext._bridge")]
pub(crate) struct Making {
    answer: Mutex<Option<oneshot::Receiver<Result<Artifact, Failure>>>>,
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
    name: String,
    artifact_type: Option<&str>,
    data: &Bound<'_, PyAny>,
) -> PyResult<()> {
    let small = is_small(data)?;
    let work = creating(attempt.get(), name, artifact_type, data)?;
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
    name: String,
    artifact_type: Option<&str>,
    data: &Bound<'_, PyAny>,
) -> PyResult<Making> {
    let work = creating(attempt.get(), name, artifact_type, data)?;
    let (sender, answer) = oneshot::channel();
    runtime::handle(attempt.py())?.spawn(async move { drop(sender.send(work.await)) });
    Ok(Making { answer: Mutex::new(Some(answer)) })
}

fn creating(
    attempt: &Attempt,
    name: String,
    artifact_type: Option<&str>,
    data: &Bound<'_, PyAny>,
) -> PyResult<impl Future<Output = Result<Artifact, Failure>> + Send + 'static> {
    let invalid =
        |rule: String| Failure::Artifact { name: name.clone(), error: ArtifactError::Invalid(rule) };
    let artifact_type = artifact_type
        .map(str::parse::<ArtifactType>)
        .transpose()
        .map_err(|error| invalid(format!("artifact {name:?}: {error}")))?;
    let data = read_data(data)?;
    let lease = attempt.job.lease;
    let request =
        CreateArtifact { lease: Some(lease.token), artifact_type, ..CreateArtifact::new(lease.job_id, name) };
    let artifacts = attempt.workplace.deployment.artifacts.clone();
    Ok(async move {
        let name = request.name.clone();
        artifacts.create(request, data).await.map_err(|error| Failure::Artifact { name, error })
    })
}

fn read_data(data: &Bound<'_, PyAny>) -> PyResult<ArtifactData> {
    if let Ok(text) = data.cast::<PyString>() {
        return Ok(ArtifactData::Text(text.to_str()?.to_owned()));
    }
    if let Ok(bytes) = data.cast::<PyBytes>() {
        let length = bytes.as_bytes().len();
        return Ok(ArtifactData::Bytes(if length < SHARED_FROM {
            Bytes::copy_from_slice(bytes.as_bytes())
        } else {
            Bytes::from_owner(PyBackedBytes::from(bytes.clone()))
        }));
    }
    if let Ok(feed) = data.cast::<Feed>() {
        let stream = feed.get().stream().ok_or_else(|| PyRuntimeError::new_err("this feed is in use"))?;
        return Ok(ArtifactData::Stream(stream));
    }
    Ok(ArtifactData::Path(data.extract::<PathBuf>()?))
}

impl Answer for Artifact {
    /// The fields that `upnext.Artifact` is made of, with the time in microseconds.
    fn into_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let text = |text: &str| PyString::new(py, text).into_any();
        let maybe = |value: Option<String>| {
            value.map_or_else(|| PyNone::get(py).to_owned().into_any(), |value| text(&value))
        };
        let fields = [
            text(&self.id.to_string()),
            text(&self.job_id.to_string()),
            text(&self.name),
            text(self.artifact_type.as_str()),
            text(&self.content_type),
            self.size_bytes.into_pyobject(py)?.into_any(),
            maybe(self.sha256.map(|sha256| sha256.to_string())),
            text(&self.storage),
            maybe(self.storage_key()),
            self.created_at.as_micros().into_pyobject(py)?.into_any(),
        ];
        Ok(PyTuple::new(py, fields)?.into_any().unbind())
    }
}
