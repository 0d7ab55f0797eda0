//! Many artifacts as one zip file, made while it is sent.
//!
//! Owns what an entry is called (`names`), how it is packed (`entry`), and the order of things (`stream`). At no time is
//! more than a piece of one artifact in memory; only the list of entries, which a zip file ends with, grows with their
//! number.

mod entry;
mod names;
mod stream;

pub(crate) use stream::Archive;
