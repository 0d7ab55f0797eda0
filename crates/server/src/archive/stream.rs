//! The archive as a stream: pages of records, one artifact after the other, the list of entries at the end.
//!
//! The writer of zip files works on memory that is emptied after each step, so a slow receiver holds no thread and no
//! bytes but one piece. An artifact that cannot be read to its end ends the stream with an error: without the list of
//! entries at its end, nobody takes what has arrived for an archive.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use futures::stream::{self, Stream, StreamExt as _};
use upnext_artifacts::ArtifactService;
use upnext_blobs::ByteStream;
use upnext_core::backend::{ArtifactQuery, ArtifactSort};
use upnext_core::{Artifact, ArtifactId};
use zip::ZipWriter;
use zip::write::StreamWriter;

use super::entry::{is_deflated, options};
use super::names::{EntryNames, behind_stem};
use crate::error::ApiError;

/// Records that are looked up at once.
const PAGE: usize = 200;

/// Bytes that are sent together: small entries are not worth a packet each.
const PIECE: usize = 64 * 1024;

/// More bytes than this are not deflated on a thread that serves everybody.
const AT_ONCE: usize = 8 * 1024;

type Zip = ZipWriter<StreamWriter<Sink>>;

/// A zip file in the making.
pub(crate) struct Archive {
    artifacts: ArtifactService,
    query: ArtifactQuery,
    /// Whether each job has a folder of its own.
    folders: bool,
    names: EntryNames,
    page: VecDeque<Artifact>,
    last_page: bool,
    sink: Sink,
    /// Absent once it is finished.
    zip: Option<Zip>,
    entry: Option<Entry>,
}

/// The artifact that is being packed.
struct Entry {
    id: ArtifactId,
    bytes: ByteStream,
    deflated: bool,
}

impl Archive {
    /// Of the artifacts of this query, in the order in which they were made.
    pub(crate) fn new(artifacts: ArtifactService, query: ArtifactQuery, folders: bool) -> Self {
        let sink = Sink::default();
        Self {
            artifacts,
            query: ArtifactQuery { sort: ArtifactSort::Oldest, limit: PAGE, cursor: None, ..query },
            folders,
            names: EntryNames::default(),
            page: VecDeque::new(),
            last_page: false,
            zip: Some(ZipWriter::new_stream(sink.clone())),
            sink,
            entry: None,
        }
    }

    /// All pieces. An error that shows before the first one is answered at once.
    pub(crate) async fn begin(mut self) -> Result<impl Stream<Item = io::Result<Bytes>> + Send, ApiError> {
        let first = self.next().await?;
        let rest = stream::unfold(Some(Box::new(self)), |archive| async {
            let mut archive = archive?;
            match archive.next().await {
                Ok(piece) => piece.map(|piece| (Ok(piece), Some(archive))),
                Err(error) => {
                    let artifact = archive.entry.map(|entry| entry.id);
                    tracing::error!(?artifact, %error, "an archive was broken off");
                    Some((Err(io::Error::other(error)), None))
                }
            }
        });
        Ok(stream::iter(first.map(Ok)).chain(rest))
    }

    /// The next piece; `None` at the end.
    async fn next(&mut self) -> Result<Option<Bytes>, ApiError> {
        loop {
            if self.sink.length() >= PIECE || self.zip.is_none() {
                return Ok(self.sink.take());
            }
            match self.entry.take() {
                Some(entry) => self.go_on(entry).await?,
                None => match self.next_artifact().await? {
                    Some(artifact) => self.start(artifact).await?,
                    None => self.finish()?,
                },
            }
        }
    }

    async fn next_artifact(&mut self) -> Result<Option<Artifact>, ApiError> {
        while self.page.is_empty() && !self.last_page {
            let page = self.artifacts.list(self.query.clone()).await?;
            self.last_page = page.next.is_none();
            self.query.cursor = page.next;
            self.page = page.items.into();
        }
        Ok(self.page.pop_front())
    }

    async fn start(&mut self, artifact: Artifact) -> Result<(), ApiError> {
        let bytes = self.artifacts.read(&artifact, None).await.inspect_err(|error| {
            tracing::error!(artifact = %artifact.id, %error, "an artifact cannot be packed");
        })?;
        let name = match artifact.latest {
            true => artifact.name.clone(),
            false => behind_stem(&artifact.name, &format!(" (version {})", artifact.version)),
        };
        let folder = self.folders.then(|| job_folder(&artifact));
        let name = self.names.claim(folder.as_deref(), &name);
        let options = options(&artifact).map_err(|error| unexpected(&error))?;
        self.zip()?.start_file(name, options).map_err(|error| unexpected(&error))?;
        self.entry = Some(Entry { id: artifact.id, bytes, deflated: is_deflated(&artifact) });
        Ok(())
    }

    /// Packs one more piece.
    async fn go_on(&mut self, mut entry: Entry) -> Result<(), ApiError> {
        let piece = entry.bytes.next().await;
        let deflated = entry.deflated;
        let piece = match piece.transpose() {
            Ok(Some(piece)) => piece,
            Ok(None) => return Ok(()),
            Err(error) => {
                self.entry = Some(entry);
                return Err(error.into());
            }
        };
        self.entry = Some(entry);
        if !deflated || piece.len() <= AT_ONCE {
            return self.zip()?.write_all(&piece).map_err(|error| unexpected(&error));
        }
        let mut zip = self.zip.take().ok_or_else(broken_off)?;
        let packing = tokio::task::spawn_blocking(move || (zip.write_all(&piece), zip));
        let (packed, zip) = packing.await.map_err(|error| unexpected(&error))?;
        self.zip = Some(zip);
        packed.map_err(|error| unexpected(&error))
    }

    fn finish(&mut self) -> Result<(), ApiError> {
        let zip = self.zip.take().ok_or_else(broken_off)?;
        zip.finish().map_err(|error| unexpected(&error))?;
        Ok(())
    }

    fn zip(&mut self) -> Result<&mut Zip, ApiError> {
        self.zip.as_mut().ok_or_else(broken_off)
    }
}

/// `function-shortid`. The end of an id is what differs between neighbours.
fn job_folder(artifact: &Artifact) -> String {
    let id = artifact.job_id.to_string();
    format!("{}-{}", artifact.function, &id[id.len() - 8..])
}

fn unexpected(error: &dyn std::fmt::Display) -> ApiError {
    ApiError::Unexpected(format!("an archive cannot be written: {error}"))
}

fn broken_off() -> ApiError {
    ApiError::Unexpected("the packing of an archive was broken off".to_owned())
}

/// Memory that the writer of zip files fills and the stream empties.
#[derive(Debug, Clone, Default)]
struct Sink(Arc<Mutex<Vec<u8>>>);

impl Sink {
    fn length(&self) -> usize {
        self.bytes().len()
    }

    fn take(&self) -> Option<Bytes> {
        let bytes = std::mem::take(&mut *self.bytes());
        (!bytes.is_empty()).then(|| bytes.into())
    }

    fn bytes(&self) -> std::sync::MutexGuard<'_, Vec<u8>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.bytes().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
