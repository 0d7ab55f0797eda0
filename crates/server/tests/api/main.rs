//! The API as a client sees it: real HTTP on a free port, over a real SQLite file and a real folder of artifacts.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod archive;
mod artifacts;
mod content;
mod difference;
mod events;
mod follow;
mod guards;
mod harness;
mod jobs;
mod openapi;
mod pages;
mod presigned;
mod preview;
mod ranges;
mod s3;
#[path = "../../../blobs/tests/storage/s3_server.rs"]
mod s3_server;
mod stats;
mod upload;
mod workers;
