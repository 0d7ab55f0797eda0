//! The reference page of the command line, `docs/reference/cli.md`, written from the definition that clap reads.

use std::fmt::Write as _;
use std::path::Path;

use clap::{Arg, Command, CommandFactory as _};

use crate::args::Cli;

#[test]
fn the_reference_page_is_current() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/reference/cli.md");
    let page = page();
    if std::env::var_os("UPDATE_CLI").is_some() {
        std::fs::write(&file, &page).unwrap();
    }
    let found = std::fs::read_to_string(&file).unwrap_or_default();
    assert!(
        found == page,
        "docs/reference/cli.md is stale: run UPDATE_CLI=1 cargo test -p upnext-cli reference"
    );
}

fn page() -> String {
    let mut root = Cli::command();
    root.build();
    let mut page = "# Command line\n\nWritten from the definition of the commands; `upnext COMMAND --help` prints the \
        same.\n\nExit codes: 0 it worked, 1 it did not (a job failed, nothing of that name), 2 the call itself was wrong. \
        Commands that differ say so.\n\nListings go to stdout, remarks to stderr. Colours appear on terminals only, and not \
        where `NO_COLOR` is set. With `--json` a command prints one document with the fields of the REST API.\n\n\
        ## Options of every command\n\n"
        .to_owned();
    options(&mut page, root.get_arguments().filter(|arg| arg.is_global_set()));
    for command in root.get_subcommands() {
        section(&mut page, command, "upnext");
    }
    page
}

fn section(page: &mut String, command: &Command, above: &str) {
    if command.is_hide_set() || command.get_name() == "help" {
        return;
    }
    let name = format!("{above} {}", command.get_name());
    let about = command.get_about().map(ToString::to_string).unwrap_or_default();
    if command.has_subcommands() {
        for below in command.get_subcommands() {
            section(page, below, &name);
        }
        return;
    }
    let mut usage = name.clone();
    for arg in command.get_positionals() {
        let _ = write!(usage, " {arg}");
    }
    let _ = writeln!(page, "\n## {name}\n\n{about}.\n\n```\n{usage} [OPTIONS]\n```\n");
    options(page, command.get_arguments().filter(|arg| !arg.is_global_set()));
    if let Some(more) = command.get_after_help() {
        let _ = writeln!(
            page,
            "\n{}",
            more.to_string().trim().replace("\nzsh", "  \nzsh").replace("\nfish", "  \nfish")
        );
    }
}

fn options<'a>(page: &mut String, args: impl Iterator<Item = &'a Arg>) {
    let shown = |arg: &&Arg| !arg.is_hide_set() && !matches!(arg.get_id().as_str(), "help" | "version");
    for arg in args.filter(shown) {
        let short = arg.get_short().map(|letter| format!("`-{letter}`, ")).unwrap_or_default();
        let help = arg.get_help().map(ToString::to_string).unwrap_or_default();
        let default: Vec<_> = arg.get_default_values().iter().map(|value| value.to_string_lossy()).collect();
        let takes_value = arg.get_action().takes_values();
        let default = match default.as_slice() {
            [value] if takes_value => format!(" (default `{value}`)"),
            _ => String::new(),
        };
        let _ = writeln!(page, "- {short}`{arg}`: {help}{default}");
    }
}
