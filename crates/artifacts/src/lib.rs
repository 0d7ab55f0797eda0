//! The artifact service: everything that turns data into a durable, listed artifact and back.
//!
//! Owns the rules of the types (what data they accept and how it is decoded), the order in which bytes and records are
//! made and removed, and the sentences that say what is wrong. How bytes become durable is the business of
//! `upnext-blobs`; records live in the backend.
//!
//! Data flows in one pass: decoded, counted, hashed and, if it does not fit into memory, written to a temporary file.
//! Up to `UPNEXT_ARTIFACT_INLINE_MAX_BYTES` it then goes to the backend together with its record; more goes to storage
//! first, and is recorded once it is durable.

mod base64;
mod care;
mod content;
mod direct;
mod error;
mod infer;
mod intake;
mod live;
mod reading;
mod request;
mod saving;
mod service;
mod sweep;

pub use care::VerifyReport;
pub use direct::{HandIn, HandInId, ParseHandInIdError};
pub use error::ArtifactError;
pub use infer::infer_type;
pub use live::ArtifactWriter;
pub use request::{ArtifactData, CreateArtifact};
pub use saving::SaveError;
pub use service::ArtifactService;
pub use sweep::{SweepOptions, SweepReport};
