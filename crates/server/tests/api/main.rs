//! The API as a client sees it: real HTTP on a free port, over a real SQLite file and a real folder of artifacts.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod apis;
mod archive;
mod artifact_origin;
mod artifacts;
mod changing;
mod content;
mod difference;
mod events;
mod finding;
mod follow;
mod forms;
mod guards;
mod harness;
mod insights;
mod jobs;
mod lineage;
mod logs;
mod making;
mod memory;
mod openapi;
mod pages;
mod presigned;
mod preview;
mod ranges;
mod root_path;
mod s3;
#[path = "../../../blobs/tests/storage/s3_server.rs"]
mod s3_server;
mod stats;
mod submissions;
mod upload;
mod uploads;
mod webhooks;
mod workers;
