//! The commands, one file each.

mod api;
mod backup;
mod bench;
mod dead_letters;
mod doctor;
pub(crate) mod keeper;
mod languages;
mod migrate;
mod run;
mod serve;
mod worker;

use std::process::ExitCode;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
pub(crate) enum CliCommand {
    Serve(Box<serve::Serve>),
    #[command(name = "api")]
    Api(Box<api::ServeApi>),
    #[command(name = "worker")]
    Worker(Box<worker::Work>),
    Run(run::Run),
    Doctor(doctor::Doctor),
    Languages(languages::Languages),
    Bench(bench::Bench),
    Migrate(migrate::Migrate),
    Backup(backup::Backup),
    Restore(backup::Restore),
    DeadLetters(dead_letters::DeadLetters),
    #[command(name = backup::COPY, hide = true)]
    CopyDatabase(backup::CopyDatabase),
    #[command(name = keeper::NAME, hide = true)]
    Keeper,
}

impl CliCommand {
    pub(crate) fn execute(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Serve(command) => command.execute(),
            Self::Api(command) => command.execute(),
            Self::Worker(command) => command.execute(),
            Self::Run(command) => command.execute(),
            Self::Doctor(command) => command.execute(),
            Self::Languages(command) => command.execute(),
            Self::Bench(command) => command.execute(),
            Self::Migrate(command) => command.execute(),
            Self::Backup(command) => command.execute(),
            Self::Restore(command) => command.execute(),
            Self::DeadLetters(command) => command.execute(),
            Self::CopyDatabase(command) => command.execute(),
            Self::Keeper => keeper::execute(),
        }
    }
}
