//! The API as a client sees it: real HTTP on a free port, over a real SQLite file and a real folder of artifacts.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on should stop")]

mod artifact_origin;
mod artifacts;
mod content;
mod events;
mod guards;
mod harness;
mod jobs;
mod openapi;
mod pages;
mod upload;
mod webhooks;
mod workers;
