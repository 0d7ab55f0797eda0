//! Log lines: on stderr, as text or JSON, ours only.

use tracing_subscriber::EnvFilter;
use upnext_core::Settings;
use upnext_core::settings::LogFormat;

/// How much a command says by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Calm {
    /// It runs for long: what happens is of interest.
    Service,
    /// It runs jobs: each of them too, if they are wanted.
    Worker {
        /// A line for each job that begins or ends.
        jobs: bool,
    },
    /// It answers and ends: only what goes wrong is.
    OneShot,
}

/// Starts logging, unless the process that called us has already.
pub(crate) fn start(settings: &Settings, calm: Calm, verbose: bool) {
    let filter = match (verbose || settings.debug, calm) {
        (true, _) => "warn,upnext=debug",
        (false, Calm::Service | Calm::Worker { jobs: true }) => "error,upnext=info",
        (false, Calm::Worker { jobs: false }) => "error,upnext=info,upnext::jobs=warn",
        (false, Calm::OneShot) => "error,upnext=warn",
    };
    let lines = tracing_subscriber::fmt()
        .with_env_filter(EnvFilter::new(filter))
        .with_writer(std::io::stderr)
        .with_ansi(anstream::AutoStream::choice(&std::io::stderr()) != anstream::ColorChoice::Never);
    let _ = match settings.log_format {
        LogFormat::Text => lines.with_target(verbose || settings.debug).try_init(),
        LogFormat::Json => lines.json().flatten_event(true).try_init(),
    };
}
