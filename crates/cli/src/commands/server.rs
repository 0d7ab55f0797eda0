//! `upnext server`: serve until stopped, and what there is to say about the database's schema.

use upnext_backends::SchemaStep;
use upnext_core::Settings;
use upnext_core::settings::BackendKind;

use super::DONE;
use crate::args::{AddressArgs, DbCommand, GlobalArgs, ServerCommand};
use crate::failure::Failure;
use crate::logging::Calm;
use crate::server::{ServerHandle, start_server};
use crate::{output, session};

pub(super) fn dispatch(global: &GlobalArgs, command: ServerCommand) -> Result<u8, Failure> {
    match command {
        ServerCommand::Start { address, reload } => {
            if reload {
                output::note(
                    "warning: --reload has no effect: the server is one binary, there is nothing to reload",
                );
            }
            start(session::settings(global, Calm::Service)?, address)
        }
        ServerCommand::Db(command) => database(global, command),
    }
}

fn start(settings: Settings, address: AddressArgs) -> Result<u8, Failure> {
    if settings.api_key.is_some() && !settings.auth_enabled {
        output::note("warning: UPNEXT_API_KEY is set but UPNEXT_AUTH_ENABLED is not true: calls need no key");
    }
    let host = address.host.unwrap_or_else(|| settings.host.clone());
    let port = address.port.unwrap_or(settings.port);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::new(format!("no thread could be started: {error}")))?;
    runtime.block_on(async {
        // Listening for signals begins before the server does: one that comes early must not be lost.
        let stop = StopSignals::new()?;
        let server = start_server(settings, &host, port)?;
        let url = server.url();
        output::line(format_args!(
            "UpNext server listening on http://{} (dashboard: {url}/, API docs: {url}/docs)",
            server.address()
        ));
        serve(server, stop).await
    })
}

async fn serve(mut server: ServerHandle, mut stop: StopSignals) -> Result<u8, Failure> {
    let ended = server.ended();
    tokio::select! {
        () = stop.next() => output::note("stopping; running requests have a few seconds to finish"),
        _ = ended => {}
    }
    let stopped = tokio::task::spawn_blocking(|| server.stop());
    tokio::select! {
        result = stopped => result.map_err(|_| Failure::new("the server's thread panicked"))?.map(|()| DONE),
        // Whoever asks twice does not want to wait.
        () = stop.next() => std::process::exit(130),
    }
}

/// SIGINT and SIGTERM (Ctrl-C elsewhere).
struct StopSignals {
    #[cfg(unix)]
    signals: [tokio::signal::unix::Signal; 2],
}

impl StopSignals {
    #[cfg(unix)]
    fn new() -> Result<Self, Failure> {
        use tokio::signal::unix::{SignalKind, signal};
        let listen =
            |kind| signal(kind).map_err(|error| Failure::new(format!("signals cannot be received: {error}")));
        Ok(Self { signals: [listen(SignalKind::interrupt())?, listen(SignalKind::terminate())?] })
    }

    #[cfg(unix)]
    async fn next(&mut self) {
        let [interrupt, terminate] = &mut self.signals;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    }

    #[cfg(not(unix))]
    fn new() -> Result<Self, Failure> {
        Ok(Self {})
    }

    #[cfg(not(unix))]
    async fn next(&mut self) {
        let _ = tokio::signal::ctrl_c().await;
    }
}

fn database(global: &GlobalArgs, command: DbCommand) -> Result<u8, Failure> {
    let settings = session::settings(global, Calm::OneShot)?;
    let shown = shown_database(&settings);
    if command != DbCommand::Upgrade {
        if missing(&settings) && command == DbCommand::Current {
            output::line(format_args!("{shown} does not exist yet; it is made when it is first used"));
            return Ok(DONE);
        }
        if let Some(steps) = session::in_runtime(upnext_backends::schema_steps(&settings))? {
            show_steps(&shown, &steps, command);
            return Ok(DONE);
        }
    }
    if command == DbCommand::History {
        output::line(
            "each version carries the steps from every earlier schema and takes them when it opens a database",
        );
        return Ok(DONE);
    }
    // Opening is upgrading: a database that opened has this version's schema.
    session::with_settings(settings, async |deployment: upnext_backends::Deployment| {
        Ok(deployment.client.backend().ping().await?)
    })?;
    output::line(format_args!("{shown} has the schema of version {}", upnext_core::VERSION));
    Ok(DONE)
}

/// What the database itself says about its steps.
fn show_steps(shown: &str, steps: &[SchemaStep], command: DbCommand) {
    if command == DbCommand::History {
        for step in steps {
            let taken =
                step.applied_at.map_or_else(|| "not taken yet".to_owned(), |at| format!("taken {at}"));
            output::line(format_args!("{:>4}  {}  {taken}", step.version, step.name));
        }
        return;
    }
    let missing = steps.iter().filter(|step| step.applied_at.is_none()).count();
    let last = steps.iter().rfind(|step| step.applied_at.is_some());
    match (last, missing) {
        (None, _) => {
            output::line(format_args!("{shown} has no schema yet; it is made when it is first used"));
        }
        (Some(_), 0) => {
            output::line(format_args!("{shown} has the schema of version {}", upnext_core::VERSION));
        }
        (Some(last), missing) => output::line(format_args!(
            "{shown} has schema {} ({}); {missing} more to take: run `upnext server db upgrade`",
            last.version, last.name
        )),
    }
}

fn is_sqlite(settings: &Settings) -> bool {
    matches!(settings.backend, None | Some(BackendKind::Sqlite)) && settings.redis_url.is_none()
}

fn missing(settings: &Settings) -> bool {
    is_sqlite(settings) && settings.database_url.is_none() && !settings.database_file().exists()
}

fn shown_database(settings: &Settings) -> String {
    let url = settings.database_url.as_deref().or(settings.redis_url.as_deref());
    url.map_or_else(
        || settings.database_file().display().to_string(),
        upnext_core::shown_settings::without_password,
    )
}
