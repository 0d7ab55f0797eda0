//! Artifact bytes (blobs), addressed by their SHA-256 digest, on local disk or in a bucket of S3, Google Cloud Storage or
//! Azure.
//!
//! Owns how bytes become durable and how they are read back, checked. Which artifact needs which blob is the backend's
//! knowledge; what an artifact may be is decided in `upnext-artifacts`.
//!
//! Bytes go through two steps: **staging** takes a source in, counts and hashes it in one pass, and leaves nothing
//! behind if it fails; **committing** makes the staged bytes a blob, durable before the call returns. Storing the same
//! bytes again is harmless and renews the blob's age, which is what a sweeper goes by.

mod abandoned;
mod aws_profile;
mod azure;
mod bucket;
mod elsewhere;
mod error;
mod gcs;
mod intake;
mod local;
mod place;
mod reading;
mod s3;
mod signed;
mod staged;
mod staging;
mod store;
mod upload;
mod vars;

pub use elsewhere::{Carrier, Outgoing};
pub use error::{BlobError, StageError};
pub use local::Removal;
pub use reading::ByteStream;
pub use signed::UploadAddress;
pub use staged::{Limits, Staged, StoredBlob};
pub use store::BlobStore;
