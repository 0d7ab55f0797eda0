//! The only place that writes to stdout and stderr (the scripts of `completions` aside). A reader that went away (`| head`) is no error.

use std::io::{self, Write as _};

use serde::Serialize;

use crate::failure::Failure;

/// One line on stdout. Paint is left out unless a terminal shows it.
pub(crate) fn line(text: impl std::fmt::Display) {
    let _ = line_to_reader(text);
}

/// [`line`] for those who go on for long: false when nobody reads any more.
pub(crate) fn line_to_reader(text: impl std::fmt::Display) -> bool {
    let mut stdout = anstream::stdout().lock();
    writeln!(stdout, "{text}").and_then(|()| stdout.flush()).is_ok()
}

/// A value on stdout as indented JSON.
pub(crate) fn json<T: Serialize>(value: &T) -> Result<(), Failure> {
    let text = serde_json::to_string_pretty(value).map_err(|error| Failure::new(error.to_string()))?;
    line(text);
    Ok(())
}

/// Bytes on stdout as they are. False when nobody reads them any more.
pub(crate) fn bytes(bytes: &[u8]) -> Result<bool, Failure> {
    match io::stdout().write_all(bytes) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::new(format!("stdout could not be written: {error}"))),
    }
}

/// Makes sure that what was written to stdout has left.
pub(crate) fn flush() {
    let _ = io::stdout().flush();
}

/// A remark on stderr.
pub(crate) fn note(text: impl std::fmt::Display) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// Why the command did not work, on stderr, every line of it marked.
pub(crate) fn failure(failure: &Failure) {
    for line in failure.to_string().lines() {
        note(format_args!("error: {line}"));
    }
}

/// What clap has to say, where it belongs: help and version on stdout, the rest on stderr.
pub(crate) fn clap(error: &clap::Error) {
    let _ = error.print();
}
