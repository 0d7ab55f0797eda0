//! A server of one test's own, over a temporary folder: it can be killed, and started again over the same data at the same port.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};

use tempfile::TempDir;

use super::{Address, command};

/// A server that belongs to one test. It stops when this goes, even if the test is killed: it runs for as long as somebody
/// holds the other end of its guard's standard input.
#[derive(Debug)]
pub struct Private {
    kind: &'static str,
    options: Vec<String>,
    folder: TempDir,
    address: Address,
    guard: Option<Child>,
}

impl Private {
    /// Starts one with these settings (`name=value`) beside the usual ones.
    ///
    /// # Panics
    /// With the server's own words when it does not start.
    #[must_use]
    pub(super) fn start(kind: &'static str, options: Vec<String>) -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder should be made");
        Self::over(kind, options, folder)
    }

    /// The same over a folder that holds data already.
    pub(super) fn over(kind: &'static str, options: Vec<String>, folder: TempDir) -> Self {
        let (guard, address) = spawn(kind, &options, folder.path(), None);
        Self { kind, options, folder, address, guard: Some(guard) }
    }

    /// The URL that a backend opens.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.address.url
    }

    /// Its port on the loopback interface, the same after every start.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.address.port
    }

    /// The folder with its data (PostgreSQL's is `data` in it) and its `log`.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Ends the server with all of its processes, as a crash would: no check-point, no farewell.
    pub fn kill(&mut self) {
        let Some(mut guard) = self.guard.take() else { return };
        if let Some(group) = rustix::process::Pid::from_raw(self.address.pid) {
            let _ = rustix::process::kill_process_group(group, rustix::process::Signal::KILL);
        }
        drop(guard.stdin.take());
        let _ = guard.wait();
    }

    /// Starts it again after [`kill`](Self::kill), over the same data and at the same port.
    ///
    /// # Panics
    /// With the server's own words when it does not start.
    pub fn restart(&mut self) {
        self.kill();
        let (guard, address) = spawn(self.kind, &self.options, self.folder.path(), Some(self.address.port));
        self.guard = Some(guard);
        self.address = address;
    }
}

impl Drop for Private {
    fn drop(&mut self) {
        self.kill();
    }
}

fn spawn(kind: &str, options: &[String], folder: &Path, port: Option<u16>) -> (Child, Address) {
    let mut command = command("run", kind);
    command.arg(folder).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::inherit());
    for option in options {
        command.args(["--option", option]);
    }
    if let Some(port) = port {
        command.args(["--port", &port.to_string()]);
    }
    let mut guard = command.spawn().expect("the script of the servers should run");
    let mut line = String::new();
    BufReader::new(guard.stdout.as_mut().expect("the output is a pipe"))
        .read_line(&mut line)
        .expect("the script of the servers should answer");
    let address =
        serde_json::from_str(&line).unwrap_or_else(|_| panic!("a private {kind} did not start: see above"));
    (guard, address)
}
