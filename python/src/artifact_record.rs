//! Records of artifacts on their way to Python.

use pyo3::prelude::*;
use pyo3::types::{PyNone, PyString, PyTuple};
use upnext_backends::Deployment;
use upnext_core::{Artifact, RawJson, Timestamp};

use crate::mailbox::Answer;
use crate::stored_artifact::StoredArtifact;

/// An artifact and where it is kept.
pub(crate) struct Kept {
    pub(crate) artifact: Artifact,
    pub(crate) deployment: Deployment,
}

impl Answer for Kept {
    /// The fields of `upnext.Artifact` in its order, with times in microseconds and metadata as JSON, and then the
    /// handle through which it is read.
    fn into_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let artifact = &self.artifact;
        let text = |text: &str| PyString::new(py, text).into_any();
        let maybe = |value: Option<&str>| value.map_or_else(|| PyNone::get(py).to_owned().into_any(), text);
        let flag = |value: bool| -> PyResult<Bound<'_, PyAny>> {
            Ok(value.into_pyobject(py)?.to_owned().into_any())
        };
        let fields = [
            text(&artifact.id.to_string()),
            text(&artifact.job_id.to_string()),
            text(&artifact.name),
            text(artifact.artifact_type.as_str()),
            text(&artifact.content_type),
            artifact.size_bytes.into_pyobject(py)?.into_any(),
            maybe(artifact.sha256.map(|sha256| sha256.to_string()).as_deref()),
            text(&artifact.storage),
            maybe(artifact.storage_key().as_deref()),
            artifact.created_at.as_micros().into_pyobject(py)?.into_any(),
            text(artifact.status.as_str()),
            text(&artifact.function),
            artifact.attempt.into_pyobject(py)?.into_any(),
            artifact.version.into_pyobject(py)?.into_any(),
            flag(artifact.latest)?,
            maybe(artifact.labels.description.as_deref()),
            artifact.labels.tags.clone().into_pyobject(py)?,
            maybe(artifact.labels.metadata.as_ref().map(RawJson::as_str)),
            artifact.expires_at.map(Timestamp::as_micros).into_pyobject(py)?,
            flag(artifact.pinned)?,
            Bound::new(py, StoredArtifact::new(self))?.into_any(),
        ];
        Ok(PyTuple::new(py, fields)?.into_any().unbind())
    }
}

/// A page of artifacts, and where the next one begins.
pub(crate) struct KeptPage {
    pub(crate) items: Vec<Kept>,
    pub(crate) next: Option<String>,
}

impl Answer for KeptPage {
    fn into_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        let items = self.items.into_iter().map(|kept| kept.into_python(py)).collect::<PyResult<Vec<_>>>()?;
        Ok((items, self.next).into_pyobject(py)?.into_any().unbind())
    }
}

impl Answer for Option<Kept> {
    fn into_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        self.map_or_else(|| Ok(py.None()), |kept| kept.into_python(py))
    }
}

impl Answer for bool {
    fn into_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(self.into_pyobject(py)?.to_owned().into_any().unbind())
    }
}
