//! The seam to whatever can run Python workers: inside of a Python process that is the bridge, in the plain binary it is
//! a Python on PATH that has the package.

use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::failure::Failure;

/// Set by `upnext dev` for the workers that it starts: its process id.
pub(crate) const DEV_PARENT: &str = "_UPNEXT_DEV_PARENT";

/// `upnext run`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RunRequest {
    /// The files or modules that define workers.
    pub files: Vec<PathBuf>,
    /// Only workers of these names; empty means all.
    pub only: Vec<String>,
    /// The backend named on the command line, which goes before every setting.
    pub url: Option<String>,
    /// Say more.
    pub verbose: bool,
}

/// `upnext dev`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DevRequest {
    /// The files or modules that define workers.
    pub files: Vec<PathBuf>,
    /// Only workers of these names; empty means all.
    pub only: Vec<String>,
    /// The backend named on the command line, which goes before every setting.
    pub url: Option<String>,
    /// Say more.
    pub verbose: bool,
    /// Address of the server, from the command line or the settings.
    pub host: String,
    /// Port of the server, from the command line or the settings; 0 for a free one.
    pub port: u16,
}

/// What runs workers written in Python.
pub trait Host {
    /// Runs workers until they are told to stop, and answers the exit code.
    ///
    /// # Errors
    /// When they could not be started.
    fn run(&self, request: RunRequest) -> Result<u8, Failure>;

    /// Runs server and workers until they are told to stop, and answers the exit code.
    ///
    /// # Errors
    /// When they could not be started.
    fn dev(&self, request: DevRequest) -> Result<u8, Failure>;
}

/// The host of the plain binary: becomes `python3 -m upnext ...` when there is one that has the package.
#[derive(Debug, Clone, Copy)]
pub struct PythonOnPath;

impl Host for PythonOnPath {
    fn run(&self, request: RunRequest) -> Result<u8, Failure> {
        let mut python = python("run")?;
        python.arg("run").args(common_args(&request.only, request.url.as_deref(), request.verbose));
        become_command(python.arg("--").args(&request.files))
    }

    fn dev(&self, request: DevRequest) -> Result<u8, Failure> {
        let mut python = python("dev")?;
        python.arg("dev").args(common_args(&request.only, request.url.as_deref(), request.verbose));
        python.args(["--host", &request.host, "--port", &request.port.to_string()]);
        become_command(python.arg("--").args(&request.files))
    }
}

fn common_args(only: &[String], url: Option<&str>, verbose: bool) -> Vec<String> {
    let mut args: Vec<String> = only.iter().flat_map(|name| ["--only".to_owned(), name.clone()]).collect();
    if let Some(url) = url {
        args.extend(["--database-url".to_owned(), url.to_owned()]);
    }
    if verbose {
        args.push("--verbose".to_owned());
    }
    args
}

/// `python3 -m upnext`, if that would work.
fn python(command: &str) -> Result<Command, Failure> {
    let has_package = Command::new("python3")
        .args(["-c", "import upnext; upnext.__version__"])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !has_package {
        return Err(Failure::usage(format!(
            "`upnext {command}` runs Python workers, and no python3 on PATH has the package: `pip install upnext` \
             gives `upnext {command}`"
        )));
    }
    let mut python = Command::new("python3");
    python.args(["-m", "upnext"]);
    Ok(python)
}

/// Replaces this process, so that signals and the exit code are the other's own.
#[cfg(unix)]
fn become_command(command: &mut Command) -> Result<u8, Failure> {
    use std::os::unix::process::CommandExt as _;
    Err(Failure::new(format!("python3 could not be started: {}", command.exec())))
}

#[cfg(not(unix))]
fn become_command(command: &mut Command) -> Result<u8, Failure> {
    let status =
        command.status().map_err(|error| Failure::new(format!("python3 could not be started: {error}")))?;
    Ok(status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_passed_on() {
        let args = common_args(&["a".to_owned(), "b".to_owned()], Some("redis://h"), true);
        assert_eq!(args, ["--only", "a", "--only", "b", "--database-url", "redis://h", "--verbose"]);
        assert!(common_args(&[], None, false).is_empty());
    }
}
