//! What a command works with: settings from environment and command line, and the deployment they name.

use std::future::Future;

use upnext_backends::Deployment;
use upnext_core::Settings;

use crate::args::GlobalArgs;
use crate::failure::Failure;
use crate::logging::{self, Calm};
use crate::output;

/// Reads the settings, lets the command line go before them, says what is odd about them, and starts logging.
pub(crate) fn settings(global: &GlobalArgs, calm: Calm) -> Result<Settings, Failure> {
    let loaded = Settings::from_env()?;
    for warning in &loaded.warnings {
        output::note(format_args!("warning: {warning}"));
    }
    let mut settings = loaded.settings;
    for url in [&global.database_url, &global.redis_url].into_iter().flatten() {
        settings = upnext_backends::with_url(settings, url)?;
    }
    if let Some(kind) = global.backend {
        settings.backend = Some(kind.into());
    }
    logging::start(&settings, calm, global.verbose);
    Ok(settings)
}

/// The backend named on the command line.
pub(crate) fn url(global: &GlobalArgs) -> Option<String> {
    global.redis_url.clone().or_else(|| global.database_url.clone())
}

/// Opens the deployment that settings and command line name, and runs a short command over it.
pub(crate) fn with_deployment<T, F>(
    global: &GlobalArgs,
    command: impl FnOnce(Deployment) -> F,
) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    with_settings(settings(global, Calm::OneShot)?, command)
}

/// [`with_deployment`] for settings that were read already.
pub(crate) fn with_settings<T, F>(
    settings: Settings,
    command: impl FnOnce(Deployment) -> F,
) -> Result<T, Failure>
where
    F: Future<Output = Result<T, Failure>>,
{
    in_runtime(async { command(upnext_backends::open(settings).await?).await })
}

/// Runs what a short command does.
pub(crate) fn in_runtime<T, E>(work: impl Future<Output = Result<T, E>>) -> Result<T, Failure>
where
    Failure: From<E>,
{
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("no thread could be started: {error}")))?;
    let result = runtime.block_on(work);
    // A read of stdin that nobody waits for any more must not keep the process.
    runtime.shutdown_timeout(std::time::Duration::from_millis(200));
    Ok(result?)
}
