//! Reading the bytes of an artifact piece by piece: from any place, or along with whoever writes it.

use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures::StreamExt as _;
use pyo3::prelude::*;
use pyo3::types::PyBytes;
use tokio::sync::Mutex;
use upnext_blobs::ByteStream;
use upnext_core::Artifact;

use crate::error::Failure;
use crate::mailbox::Answer;
use crate::stored_artifact::Source;
use crate::work::Work;

/// Bytes of an artifact.
pub(crate) struct Piece(pub(crate) Bytes);

impl Answer for Piece {
    fn into_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(PyBytes::new(py, &self.0).into_any().unbind())
    }
}

/// An artifact that is open for reading.
#[pyclass(frozen, module = "upnext._bridge")]
pub(crate) struct ArtifactReader {
    reading: Arc<Reading>,
}

struct Reading {
    source: Source,
    artifact: Artifact,
    place: Mutex<Place>,
}

/// Where the last read ended, and what is under way from there.
#[derive(Default)]
struct Place {
    at: u64,
    ahead: Option<ByteStream>,
    rest: Bytes,
}

impl ArtifactReader {
    pub(crate) fn new(source: Source, artifact: Artifact) -> Self {
        Self { reading: Arc::new(Reading { source, artifact, place: Mutex::default() }) }
    }
}

impl Answer for ArtifactReader {
    fn into_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(Py::new(py, self)?.into_any())
    }
}

#[pymethods]
impl ArtifactReader {
    /// How many bytes there are.
    #[getter]
    fn size(&self) -> u64 {
        self.reading.artifact.size_bytes
    }

    /// Some bytes from `at` on, at most so many; none at the end.
    fn read(&self, at: u64, most: usize) -> Work {
        let reading = Arc::clone(&self.reading);
        Work::new(async move { reading.read(at, most).await.map(Piece) })
    }
}

impl Reading {
    async fn read(&self, at: u64, most: usize) -> Result<Bytes, Failure> {
        let size = self.artifact.size_bytes;
        if at >= size || most == 0 {
            return Ok(Bytes::new());
        }
        let mut place = self.place.lock().await;
        if place.at != at {
            *place = Place { at, ..Place::default() };
            if at > 0 {
                // Only what is asked for, until it turns out that reading goes on from here.
                let end = size.min(at.saturating_add(most as u64));
                let bytes = self.collect(at, end).await?;
                place.at += bytes.len() as u64;
                return Ok(bytes);
            }
        }
        if place.rest.is_empty() {
            let ahead = match &mut place.ahead {
                Some(ahead) => ahead,
                // From the first byte to the last: read like this, it is checked against its digest.
                empty => empty.insert(self.source.read(&self.artifact, (at > 0).then_some(at..size)).await?),
            };
            let piece = next_piece(&self.artifact.name, ahead).await;
            match piece {
                Ok(piece) => place.rest = piece.unwrap_or_default(),
                Err(error) => {
                    place.ahead = None;
                    return Err(error);
                }
            }
        }
        let length = place.rest.len().min(most);
        let bytes = place.rest.split_to(length);
        place.at += length as u64;
        Ok(bytes)
    }

    async fn collect(&self, start: u64, end: u64) -> Result<Bytes, Failure> {
        let mut pieces = self.source.read(&self.artifact, Some(start..end)).await?;
        let mut bytes = BytesMut::new();
        while let Some(piece) = next_piece(&self.artifact.name, &mut pieces).await? {
            bytes.extend_from_slice(&piece);
        }
        Ok(bytes.freeze())
    }
}

/// The next piece that is not empty.
async fn next_piece(name: &str, pieces: &mut ByteStream) -> Result<Option<Bytes>, Failure> {
    while let Some(piece) = pieces.next().await {
        match piece {
            Ok(piece) if piece.is_empty() => {}
            Ok(piece) => return Ok(Some(piece)),
            Err(error) => return Err(Failure::Artifact { name: name.to_owned(), error: error.into() }),
        }
    }
    Ok(None)
}

/// An artifact that is read while it may still be written.
#[pyclass(frozen, module = "upnext._bridge")]
pub(crate) struct Follower {
    name: String,
    pieces: Arc<Mutex<ByteStream>>,
}

impl Follower {
    pub(crate) fn new(name: String, pieces: ByteStream) -> Self {
        Self { name, pieces: Arc::new(Mutex::new(pieces)) }
    }
}

impl Answer for Follower {
    fn into_python(self, py: Python<'_>) -> PyResult<Py<PyAny>> {
        Ok(Py::new(py, self)?.into_any())
    }
}

#[pymethods]
impl Follower {
    /// The next bytes, once there are any; none when no more will come.
    fn next(&self) -> Work {
        let (name, pieces) = (self.name.clone(), Arc::clone(&self.pieces));
        Work::new(async move {
            let piece = next_piece(&name, &mut *pieces.lock().await).await?;
            Ok(Piece(piece.unwrap_or_default()))
        })
    }
}
