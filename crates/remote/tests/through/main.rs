//! A deployment behind a server, worked through over HTTP: the whole conformance suite of the `Backend` seam, and blobs.

#![allow(clippy::unwrap_used, reason = "helpers of tests, which fail by panicking")]

mod blobs;
mod conformance;
mod recovery;
mod server;
