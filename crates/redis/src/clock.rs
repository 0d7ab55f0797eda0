//! Whose clock counts: the server's, unless a test brings one that it moves by hand.

use std::sync::Arc;

use upnext_core::Clock;

use crate::args::Args;

/// What every call begins with: the moment, and who calls.
#[derive(Debug, Clone)]
pub(crate) struct Now {
    clock: Option<Arc<dyn Clock>>,
    /// Names this handle, so that it is not woken by what it did itself.
    origin: Arc<str>,
}

impl Now {
    pub(crate) fn new(clock: Option<Arc<dyn Clock>>) -> Self {
        Self { clock, origin: format!("{:016x}", fastrand::u64(..)).into() }
    }

    pub(crate) fn begin(&self) -> Args {
        let mut args = Args::default();
        args.optional(self.clock.as_ref().map(|clock| clock.now().as_micros())).add(self.origin.as_bytes());
        args
    }

    pub(crate) fn origin(&self) -> &str {
        &self.origin
    }
}
