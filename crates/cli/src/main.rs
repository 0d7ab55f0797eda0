//! The `upnext` binary: the command line of [`upnext_cli`] without Python in it.

use std::process::ExitCode;

fn main() -> ExitCode {
    upnext_cli::main(std::env::args_os(), &upnext_cli::PythonOnPath)
}
