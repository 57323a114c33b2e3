//! The commands, one file each.

mod bench;
mod doctor;
pub(crate) mod keeper;
mod languages;
mod migrate;
mod run;
mod serve;

use std::process::ExitCode;

use clap::Subcommand;

#[derive(Debug, Subcommand)]
#[expect(clippy::large_enum_variant, reason = "there is one command in a process")]
pub(crate) enum Command {
    Serve(serve::Serve),
    Run(run::Run),
    Doctor(doctor::Doctor),
    Languages(languages::Languages),
    Bench(bench::Bench),
    Migrate(migrate::Migrate),
    #[command(name = keeper::NAME, hide = true)]
    Keeper,
}

impl Command {
    pub(crate) fn execute(self) -> anyhow::Result<ExitCode> {
        match self {
            Self::Serve(command) => command.execute(),
            Self::Run(command) => command.execute(),
            Self::Doctor(command) => command.execute(),
            Self::Languages(command) => command.execute(),
            Self::Bench(command) => command.execute(),
            Self::Migrate(command) => command.execute(),
            Self::Keeper => keeper::execute(),
        }
    }
}
