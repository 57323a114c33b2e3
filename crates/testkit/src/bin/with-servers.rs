//! Runs a command with database servers and a Redis that all tests below it share: `with-servers COMMAND [ARGUMENT...]`.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;
use std::process::ExitCode;

use runbay_testkit::SharedServers;

/// What shells add to the number of a signal that ended a command.
const SIGNALLED: i32 = 128;

#[tokio::main]
async fn main() -> ExitCode {
    let mut arguments = std::env::args_os().skip(1);
    let program = arguments.next().expect("usage: with-servers COMMAND [ARGUMENT...]");
    let mut command = Command::new(program);
    command.args(arguments);
    let servers = SharedServers::start().await;
    servers.announce(&mut command);
    let status = command.status().expect("the command can be started");
    let code = status.code().or_else(|| status.signal().map(|signal| SIGNALLED + signal)).unwrap_or(1);
    ExitCode::from(u8::try_from(code).unwrap_or(1))
}
