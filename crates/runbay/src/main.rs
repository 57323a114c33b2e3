//! Runbay: a self-hosted backend for live code execution.
//!
//! This crate is only the wiring: it reads settings, gives up the rights of root, and starts the parts that the other
//! crates hold. Each command is a file in `commands/`.

mod backend;
mod bay_uids;
mod commands;
mod execution_host;
mod failure;
mod host_flags;
mod identity;
mod limit_list;
mod logging;
mod new_file;
mod open_files;
mod readiness;
mod sandbox;
mod service;
mod settings;
mod signals;
mod table;

use std::process::ExitCode;

use clap::Command;
use clap::CommandFactory;
use clap::FromArgMatches;
use clap::Parser;
use clap::builder::Resettable;

/// A self-hosted backend for live code execution.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: commands::CliCommand,
}

fn main() -> ExitCode {
    let mut command = without_empty_variables(Cli::command());
    let cli =
        Cli::from_arg_matches(&command.get_matches_mut()).unwrap_or_else(|error| error.format(&mut command).exit());
    match cli.command.execute() {
        Ok(code) => code,
        Err(error) => failure::report(&error),
    }
}

/// Makes an empty variable mean the same as none, as files with environments leave settings out in this way.
fn without_empty_variables(command: Command) -> Command {
    let command = command.mut_args(|arg| match arg.get_env().map(std::env::var_os) {
        Some(Some(value)) if value.is_empty() => arg.env(Resettable::Reset),
        _ => arg,
    });
    command.mut_subcommands(without_empty_variables)
}
