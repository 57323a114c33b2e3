//! `runbay run`: one program in a sandbox of this machine, or on a server.

mod answer;
mod local;
mod program;
mod remote;
mod screen;

use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use crate::host_flags::HostFlags;
use crate::limit_list::LimitList;

/// Run one program in a sandbox; the exit code is the program's.
///
/// Its output is written as it comes, then one line about its times to standard error. With --remote a server runs it:
/// On a server, Ctrl-C sends the program SIGINT and stops it two seconds later, or with --interactive only sends it; a second
/// one cancels the run at once, and a third one leaves it alone. With --tty all keys are the program's.
#[derive(Debug, Args)]
pub(crate) struct Run {
    /// The program, then other files that it uses, from the same directory or below; the first ending tells the language
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,

    /// Language, if the ending does not tell it
    #[arg(long, value_name = "LANGUAGE")]
    language: Option<String>,

    /// File to read as standard input, - for this command's own [default: empty]
    #[arg(long, value_name = "FILE")]
    stdin: Option<PathBuf>,

    /// Variable for the program's environment; may be repeated
    #[arg(long, value_name = "NAME=VALUE", value_parser = variable)]
    env: Vec<(String, String)>,

    /// Limits that differ from the language's, such as wall_time_ms=2000,processes=32
    #[arg(long, value_name = "LIMITS")]
    limits: Option<LimitList>,

    #[command(flatten)]
    host: HostFlags,

    #[command(flatten)]
    remote: remote::RemoteFlags,

    /// Arguments for the program
    #[arg(last = true)]
    args: Vec<String>,
}

impl Run {
    pub(super) fn execute(self) -> anyhow::Result<ExitCode> {
        match self.remote.client()? {
            Some(client) => remote::execute(&client, self),
            None => local::execute(self),
        }
    }
}

fn variable(text: &str) -> Result<(String, String), String> {
    let (name, value) = text.split_once('=').ok_or("is not like NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}
