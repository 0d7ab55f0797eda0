//! Keeps a decoder that panics from taking its caller down.
//!
//! The decoders are other people's code and meet other people's bytes. What is known to go wrong is checked before; this
//! is for what is not known.

use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a decoder said, or that it gave up in an unforeseen way.
///
/// Whatever the closure was about to change must not be relied on after an error: callers drop it or start afresh.
pub(crate) fn shielded<T>(work: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        Err("the decoder gave up on this content; it is probably damaged, download the artifact to look at it".to_owned())
    })
}
