//! Artifacts that are written piece by piece while others read along.

use std::sync::{Arc, Mutex};

use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use upnext_artifacts::ArtifactWriter as LiveWriter;
use upnext_backends::Deployment;

use crate::artifact_record::Kept;
use crate::artifacts::{Extras, request, shared_bytes, take, take_clone};
use crate::attempt::Attempt;
use crate::error::Failure;
use crate::mailbox::Answer;
use crate::work::Work;

/// Bytes that are handed over at once, so that a large text is not held twice.
const PIECE: usize = 1024 * 1024;

/// An artifact that is being written. Let go of without [`close`](Self::close), it stays incomplete.
#[pyclass(frozen, module = "upnext._bridge")]
pub(crate) struct ArtifactWriter {
    live: Mutex<Option<Arc<LiveWriter>>>,
    deployment: Deployment,
}

/// Begins an artifact of the attempt's job that is written piece by piece.
#[pyfunction]
pub(crate) fn open_artifact(
    attempt: &Attempt,
    name: &str,
    artifact_type: Option<&str>,
    extras: Option<Extras>,
) -> PyResult<Work> {
    let request = request(attempt, name, artifact_type, extras)?;
    let deployment = attempt.workplace.deployment.clone();
    Ok(Work::new(async move {
        let name = request.name.clone();
        let opened = deployment.artifacts.open(request).await;
        let live = opened.map_err(|error| Failure::Artifact { name, error })?;
        Ok(ArtifactWriter { live: Mutex::new(Some(Arc::new(live))), deployment })
    }))
}

impl Answer for ArtifactWriter {
    fn into_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(Py::new(py, self)?.into_any())
    }
}

impl ArtifactWriter {
    fn live(&self) -> PyResult<Arc<LiveWriter>> {
        take_clone(&self.live).ok_or_else(|| PyValueError::new_err("this artifact is closed"))
    }
}

#[pymethods]
impl ArtifactWriter {
    /// The record as it was when writing began.
    fn record(&self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let artifact = self.live()?.artifact().clone();
        Kept { artifact, deployment: self.deployment.clone() }.into_python(py)
    }

    /// Adds bytes.
    fn write(&self, data: &Bound<'_, PyBytes>) -> PyResult<Work> {
        let (live, bytes) = (self.live()?, shared_bytes(data));
        Ok(Work::new(async move {
            for piece in bytes.chunks(PIECE) {
                live.write(piece).await.map_err(|error| failure(&live, error))?;
            }
            Ok(())
        }))
    }

    /// Makes everything written so far durable, and visible to readers.
    fn flush(&self) -> PyResult<Work> {
        let live = self.live()?;
        Ok(Work::new(async move { live.flush().await.map_err(|error| failure(&live, error)) }))
    }

    /// Closes the artifact, which makes it whole; the answer is its record.
    fn close(&self) -> PyResult<Work> {
        let (live, deployment) = (self.live()?, self.deployment.clone());
        Ok(Work::new(async move {
            let artifact = live.close().await.map_err(|error| failure(&live, error))?;
            Ok(Kept { artifact, deployment })
        }))
    }

    /// Lets go of it.
    fn release(&self) {
        drop(take(&self.live));
    }
}

fn failure(live: &LiveWriter, error: upnext_artifacts::ArtifactError) -> Failure {
    Failure::Artifact { name: live.artifact().name.clone(), error }
}
