//! Valkey, which speaks Redis' protocol.

use std::fs::File;
use std::sync::OnceLock;

use super::{Address, Private};

/// The server that all test processes use together, without persistence. Use a workspace of your own in it.
///
/// # Panics
/// With the reason when it cannot be started.
pub fn shared() -> &'static Address {
    static KNOWN: OnceLock<(Address, File)> = OnceLock::new();
    super::share("valkey", &KNOWN)
}

/// A server of the caller's own, with these settings (`name=value`) beside the usual ones: `appendonly=yes`,
/// `appendfsync=always`, `cluster-enabled=yes`, `requirepass=...`, `replicaof=127.0.0.1 6379`. `sentinel=yes` makes it a Sentinel.
///
/// # Panics
/// With the server's own words when it does not start.
#[must_use]
pub fn private(settings: &[&str]) -> Private {
    Private::start("valkey", settings.iter().map(|setting| (*setting).to_owned()).collect())
}
