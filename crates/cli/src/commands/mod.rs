//! What each command does, one file for each noun.

mod apis;
mod artifacts;
mod call;
mod functions;
mod jobs;
mod server;
mod settings;
mod stats;
mod workers;

use clap::CommandFactory as _;

use crate::args::{Cli, Command, DevArgs, FunctionsCommand, RunArgs};
use crate::failure::Failure;
use crate::host::{DEV_PARENT, DevRequest, Host, RunRequest};
use crate::logging::Calm;
use crate::session;

/// Exit code of a command that worked.
const DONE: u8 = 0;

/// Runs the command and answers its exit code.
pub(crate) fn dispatch(cli: Cli, host: &dyn Host) -> Result<u8, Failure> {
    let Cli { global, command } = cli;
    match command {
        Command::Run(RunArgs { files, only }) => {
            // Read here too, so that a bad setting is reported the same way by every command.
            let jobs = std::env::var_os(DEV_PARENT).is_some();
            session::settings(&global, Calm::Worker { jobs })?;
            host.run(RunRequest { files, only, url: session::url(&global), verbose: global.verbose })
        }
        Command::Dev(DevArgs { run: RunArgs { files, only }, address }) => {
            let settings = session::settings(&global, Calm::Service)?;
            let (url, verbose) = (session::url(&global), global.verbose);
            let host_name = address.host.unwrap_or(settings.host);
            let port = address.port.unwrap_or(settings.port);
            host.dev(DevRequest { files, only, url, verbose, host: host_name, port })
        }
        Command::Call(args) => session::with_deployment(&global, |deployment| call::call(deployment, args)),
        Command::List(args) | Command::Functions(FunctionsCommand::List(args)) => {
            session::with_deployment(&global, |d| functions::list(d, args.json))
        }
        Command::Functions(FunctionsCommand::Pause(args)) => {
            session::with_deployment(&global, |d| functions::set_paused(d, args, true))
        }
        Command::Functions(FunctionsCommand::Resume(args)) => {
            session::with_deployment(&global, |d| functions::set_paused(d, args, false))
        }
        Command::Functions(FunctionsCommand::Forget(args)) => {
            session::with_deployment(&global, |d| functions::forget(d, args))
        }
        Command::Jobs(command) => session::with_deployment(&global, |d| jobs::dispatch(d, command)),
        Command::Artifacts(command) => session::with_deployment(&global, |d| artifacts::dispatch(d, command)),
        Command::Workers(args) => session::with_deployment(&global, |d| workers::list(d, args.json)),
        Command::Apis(args) => session::with_deployment(&global, |d| apis::list(d, args.json)),
        Command::Stats(args) => session::with_deployment(&global, |d| stats::show(d, args.json)),
        Command::Server(command) => server::dispatch(&global, command),
        Command::Settings(args) => settings::show(args.json),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "upnext", &mut std::io::stdout());
            Ok(DONE)
        }
    }
}
