//! Conformance suites, factories and fixtures for the tests of UpNext. A dev-dependency only: product code never sees it.
//!
//! The seams own their tests: whoever writes a [`Backend`](upnext_core::Backend) implements [`Harness`] and calls
//! [`backend_conformance!`], and has every case of [`conformance`] as a test of its own. Factories give valid things
//! with good defaults, so that a case says only what it is about.

pub mod conformance;
pub mod factories;
pub mod fixture;
mod model;
pub mod servers;
pub mod steps;

pub use fixture::{Fixture, Harness};
pub use steps::Steps;
