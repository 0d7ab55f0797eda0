//! PostgreSQL.

use std::fs::File;
use std::process::Command;
use std::sync::OnceLock;

use super::{Address, Private};

/// The server that all test processes use together. Make a schema of your own in it.
///
/// # Panics
/// With the reason when it cannot be started.
pub fn shared() -> &'static Address {
    static KNOWN: OnceLock<(Address, File)> = OnceLock::new();
    super::share("postgres", &KNOWN)
}

/// A server of the caller's own, with these settings (`name=value`) beside the usual ones.
///
/// # Panics
/// With the server's own words when it does not start.
#[must_use]
pub fn private(settings: &[&str]) -> Private {
    Private::start("postgres", settings.iter().map(|setting| (*setting).to_owned()).collect())
}

/// A hot standby that streams from `primary` under this application name.
///
/// # Panics
/// When the copy cannot be made or the server does not start.
#[must_use]
pub fn replica(primary: &Private, application_name: &str) -> Private {
    let folder = tempfile::tempdir().expect("a temporary folder should be made");
    let output: std::process::Output = command_of_replica(primary, folder.path(), application_name)
        .output()
        .expect("the script of the servers should run");
    assert!(output.status.success(), "no replica was made: {}", String::from_utf8_lossy(&output.stderr));
    Private::over("postgres", Vec::new(), folder)
}

fn command_of_replica(primary: &Private, folder: &std::path::Path, application_name: &str) -> Command {
    let mut command = super::command("replica", "postgres");
    command.arg(folder).args(["--port", &primary.port().to_string()]);
    command.args(["--option", &format!("application_name={application_name}")]);
    command
}
