//! What can be typed: every command and option, as clap reads them.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use upnext_core::settings::BackendKind;

pub(crate) use crate::artifact_args::*;
pub(crate) use crate::job_args::*;

/// Background jobs that keep their artifacts.
#[derive(Debug, Parser)]
#[command(name = "upnext", version = upnext_core::VERSION, propagate_version = true, max_term_width = 100)]
#[command(after_help = "Settings come from UPNEXT_* variables; `upnext settings` lists them all.")]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: GlobalArgs,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Debug, Clone, Args)]
#[command(next_help_heading = "Options of every command")]
pub(crate) struct GlobalArgs {
    /// Which engine keeps the jobs; instead of UPNEXT_BACKEND
    #[arg(long, global = true, value_name = "KIND")]
    pub(crate) backend: Option<BackendArg>,
    /// sqlite:///path/to/file.db or postgres://...; instead of UPNEXT_DATABASE_URL
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) database_url: Option<String>,
    /// redis://...; instead of UPNEXT_REDIS_URL
    #[arg(long, global = true, value_name = "URL")]
    pub(crate) redis_url: Option<String>,
    /// Say more on stderr
    #[arg(short, long, global = true)]
    pub(crate) verbose: bool,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum BackendArg {
    Sqlite,
    Postgres,
    Redis,
}

impl From<BackendArg> for BackendKind {
    fn from(arg: BackendArg) -> Self {
        match arg {
            BackendArg::Sqlite => Self::Sqlite,
            BackendArg::Postgres => Self::Postgres,
            BackendArg::Redis => Self::Redis,
        }
    }
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Run the workers and APIs that Python files define
    #[command(after_help = RUN_HELP)]
    Run(RunArgs),
    /// Run server, dashboard, workers and APIs together, and reload on change
    #[command(after_help = DEV_HELP)]
    Dev(DevArgs),
    /// Submit a job and wait for its result
    #[command(after_help = CALL_HELP)]
    Call(CallArgs),
    /// List the registered functions
    List(JsonArgs),
    /// List, pause, resume and forget functions
    #[command(subcommand)]
    Functions(FunctionsCommand),
    /// List, show, follow, wait for, cancel and retry jobs
    #[command(subcommand)]
    Jobs(JobsCommand),
    /// List, show, get, put, compare, verify and remove artifacts
    #[command(subcommand)]
    Artifacts(ArtifactsCommand),
    /// List the workers
    Workers(JsonArgs),
    /// List the HTTP APIs, and how the last 24 hours went
    Apis(JsonArgs),
    /// Say how much there is to do, and how the last 24 hours went
    Stats(JsonArgs),
    /// The REST API with the dashboard
    #[command(subcommand)]
    Server(ServerCommand),
    /// List every UPNEXT_* setting with its value
    Settings(JsonArgs),
    /// Print a script that completes commands in a shell
    #[command(after_help = COMPLETIONS_HELP)]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
}

const RUN_HELP: &str = "Ctrl-C or SIGTERM lets requests be answered, for 1.5 seconds at most, and running jobs end, for 3 \
    seconds at most; the other jobs go back to the queue. A second signal stops all of it at once.\n\n\
    Exit codes: 0 stopped by the first signal, 1 something could not start, 2 the call was wrong, 130 or 143 stopped \
    by a second Ctrl-C or SIGTERM.";

const DEV_HELP: &str = "Workers and APIs are started anew whenever a Python file in the folders of FILES changes.\n\n\
    Exit codes: 0 stopped by the first Ctrl-C or SIGTERM, 1 the server could not start, 2 the call was wrong, 130 or 143 \
    stopped by a second Ctrl-C or SIGTERM.";

const CALL_HELP: &str = "Exit codes: 0 the job is complete, 1 it failed or was cancelled, 2 the call was wrong, 124 it had not \
    ended in time and goes on.";

const COMPLETIONS_HELP: &str = "bash: source <(upnext completions bash)\n\
    zsh:  source <(upnext completions zsh)\n\
    fish: upnext completions fish | source";

#[derive(Debug, Args)]
pub(crate) struct JsonArgs {
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// Python files, or modules, that define workers and APIs
    #[arg(required = true)]
    pub(crate) files: Vec<PathBuf>,
    /// Only the worker, API or task of this name; may be repeated
    #[arg(short, long, value_name = "NAME")]
    pub(crate) only: Vec<String>,
}

#[derive(Debug, Args)]
pub(crate) struct DevArgs {
    #[command(flatten)]
    pub(crate) run: RunArgs,
    #[command(flatten)]
    pub(crate) address: AddressArgs,
}

#[derive(Debug, Args)]
pub(crate) struct AddressArgs {
    /// Address to listen on; instead of UPNEXT_HOST
    #[arg(long)]
    pub(crate) host: Option<String>,
    /// Port to listen on, 0 for a free one; instead of UPNEXT_PORT
    #[arg(long)]
    pub(crate) port: Option<u16>,
}

#[derive(Debug, Args)]
pub(crate) struct CallArgs {
    /// Key or name of the function
    pub(crate) function: String,
    /// Named arguments: one JSON object
    #[arg(long, value_name = "JSON", default_value = "{}")]
    pub(crate) kwargs: String,
    /// Print the job's id and do not wait for it
    #[arg(long, conflicts_with = "timeout")]
    pub(crate) no_wait: bool,
    /// Wait at most this long; the job itself goes on
    #[arg(long, value_name = "SECONDS")]
    pub(crate) timeout: Option<f64>,
    /// Print the whole job as JSON instead of its result alone
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum FunctionsCommand {
    /// List the registered functions
    List(JsonArgs),
    /// Let no job of these functions begin; those that run go on
    Pause(FunctionArgs),
    /// Let jobs of these functions begin again
    Resume(FunctionArgs),
    /// Forget functions that no living worker offers; their jobs stay
    Forget(FunctionArgs),
}

#[derive(Debug, Args)]
pub(crate) struct FunctionArgs {
    /// Keys or names of the functions
    #[arg(required = true, value_name = "FUNCTION")]
    pub(crate) functions: Vec<String>,
    /// Print JSON
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(Debug, Subcommand)]
pub(crate) enum ServerCommand {
    /// Serve the REST API and the dashboard until stopped
    Start {
        #[command(flatten)]
        address: AddressArgs,
        /// Accepted for scripts written for the Python server; there is nothing to reload
        #[arg(long, hide = true)]
        reload: bool,
    },
    /// The job database's schema
    #[command(subcommand)]
    Db(DbCommand),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub(crate) enum DbCommand {
    /// Bring the database to this version's schema
    Upgrade,
    /// Say whether the database has this version's schema
    Current,
    /// List the steps of the schema, and which were taken
    History,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_definition_holds_together() {
        use clap::CommandFactory as _;
        Cli::command().debug_assert();
    }
}
