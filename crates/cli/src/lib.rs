//! The command line of UpNext, as a library: the `upnext` binary and the Python package both call [`main`] and differ
//! only in their [`Host`], which knows how to run workers written in Python.
//!
//! Exit codes: 0 it worked, 1 it did not (a job failed, nothing of that name), 2 the call itself was wrong, 124 waiting took
//! too long.

mod args;
mod artifact_args;
mod commands;
mod failure;
mod host;
mod job_args;
mod logging;
mod output;
mod paint;
mod progress;
#[cfg(test)]
mod reference;
mod server;
mod session;
mod table;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser as _;

pub use failure::Failure;
pub use host::{DevRequest, Host, PythonOnPath, RunRequest};
pub use server::{ServerHandle, start_server};

use crate::args::Cli;

/// Runs one command line, whose first item is the program's name, and says how the process should end.
pub fn main(args: impl Iterator<Item = OsString>, host: &dyn Host) -> ExitCode {
    ExitCode::from(exit_status(args, host))
}

/// [`main`] for callers that need the number, such as Python's `sys.exit`.
pub fn exit_status(args: impl Iterator<Item = OsString>, host: &dyn Host) -> u8 {
    let cli = match Cli::try_parse_from(args) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are "errors" that belong on stdout and end with 0.
            output::clap(&error);
            return u8::try_from(error.exit_code()).unwrap_or(2);
        }
    };
    match commands::dispatch(cli, host) {
        Ok(code) => code,
        Err(failure) => {
            output::failure(&failure);
            failure.code()
        }
    }
}
