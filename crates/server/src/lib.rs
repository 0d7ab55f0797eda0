//! The REST API of UpNext, its OpenAPI document, and the embedded dashboard.
//!
//! The only crate that knows HTTP. It holds a client and an artifact service, and names no concrete backend; wire types
//! live in [`wire`] and stop there.

mod announced;
mod archive;
mod artifact_origin;
mod byte_ranges;
mod content_headers;
mod content_link;
mod content_policy;
mod dashboard;
mod described;
mod error;
mod guard;
mod live;
mod maintenance;
mod openapi;
mod previews;
mod query;
mod request_body;
mod root_path;
mod router;
mod routes;
mod serve;
mod state;
mod tus;
mod webhooks;
pub mod wire;

pub use openapi::openapi;
pub use router::router;
pub use serve::{ServeError, check, serve};
pub use state::Served;
