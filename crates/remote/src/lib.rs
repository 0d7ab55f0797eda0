//! A deployment behind an HTTP address: [`Backend`](upnext_core::Backend) and storage for processes that reach a server of
//! UpNext, but neither its database nor its storage.
//!
//! Each verb of the backend is one request with the same promises: what a call acknowledges is durable in the server's backend.
//! The verbs, the wake-ups and the blobs travel under `/api/v1/backend`, behind the same key as everything else. This crate
//! owns both ends of that protocol ([`answer`] is the server's) and so they cannot differ; which backend is behind it, and
//! who may call, is the server's business.

mod connection;
mod storage;
mod verbs;
mod wakes;

pub use connection::About;
use connection::Connection;
pub use storage::Destination;
pub use verbs::{AnswerError, RemoteBackend, answer};
pub use wakes::Wake;

use std::sync::Arc;

use upnext_blobs::BlobStore;
use upnext_core::{Backend, BackendError};

/// The media type of verbs and their answers.
pub const MEDIA_TYPE: &str = "application/msgpack";

/// Where the protocol lives under the address of a server.
pub const PATH: &str = "/api/v1/backend";

/// The header that names the version of this protocol.
pub const PROTOCOL_HEADER: &str = "upnext-protocol";

/// Its version: raised when an older end could misunderstand a newer one. Fields that may be missing need no new version.
pub const PROTOCOL: &str = "1";

/// Opens the backend and the storage of the server at `url`, with the key it asks for. Must be called inside a tokio
/// runtime.
///
/// # Errors
/// [`BackendError::Unusable`] when there is no server of UpNext at that address or the key is not its key;
/// [`BackendError::Unavailable`] when nobody answers.
pub async fn open(url: &str, key: Option<&str>) -> Result<(Arc<dyn Backend>, BlobStore), BackendError> {
    let connection = Arc::new(Connection::new(url, key)?);
    let about = connection.about().await?;
    let blobs = BlobStore::elsewhere(Arc::new(storage::RemoteStorage::new(Arc::clone(&connection), &about)?));
    Ok((RemoteBackend::start(connection, &about), blobs))
}
