//! Runbay: a self-hosted backend for live code execution.
//!
//! This crate is only the wiring: it reads settings, gives up the rights of root, and starts the parts that the other
//! crates hold. Each command is a file in `commands/`.

mod backend;
mod commands;
mod execution_host;
mod failure;
mod host_flags;
mod identity;
mod limit_list;
mod logging;
mod open_files;
mod readiness;
mod sandbox;
mod service;
mod settings;
mod signals;
mod table;

use std::process::ExitCode;

use clap::Parser;

/// A self-hosted backend for live code execution.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
struct Cli {
    #[command(subcommand)]
    command: commands::CliCommand,
}

fn main() -> ExitCode {
    match Cli::parse().command.execute() {
        Ok(code) => code,
        Err(error) => failure::report(&error),
    }
}
