//! The REST API of UpNext, its OpenAPI document, and the embedded dashboard.
//!
//! The only crate that knows HTTP. It holds a client and an artifact service, and names no concrete backend; wire types
//! live in [`wire`] and stop there.

mod archive;
mod byte_ranges;
mod content_headers;
mod dashboard;
mod error;
mod guard;
mod openapi;
mod previews;
mod query;
mod router;
mod routes;
mod serve;
mod state;
pub mod wire;

pub use openapi::openapi;
pub use router::router;
pub use serve::{ServeError, check, serve};
pub use state::Served;
