//! The hidden command that the sandbox's keeper process is started with.

use std::process::Command;
use std::process::ExitCode;

pub(crate) const NAME: &str = "sandbox-keeper";

/// Runs the keeper until the service that started it is gone.
pub(super) fn execute() -> anyhow::Result<ExitCode> {
    runbay_sandbox::keeper_main()?;
    Ok(ExitCode::SUCCESS)
}

/// Returns the command that starts the keeper: this same program, even if its file was replaced by a newer one.
pub(crate) fn command() -> Command {
    let mut command = Command::new("/proc/self/exe");
    command.arg(NAME);
    command
}
