//! `runbay migrate`: brings the database up to date, or starts it anew.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use runbay_store::DataDirectory;
use runbay_store::Store;

use crate::identity;

/// Bring the database up to date; the server does the same when it starts.
#[derive(Debug, Args)]
pub(crate) struct Migrate {
    /// Directory of the database
    #[arg(long, env = "RUNBAY_DATA_DIR", value_name = "DIRECTORY", default_value = "./data")]
    data_dir: PathBuf,

    /// Account that the server runs as, by name or number [default: runbay, or an unused number]
    #[arg(long, env = "RUNBAY_USER", value_name = "ACCOUNT")]
    user: Option<String>,

    /// Delete all sessions and executions
    #[arg(long, requires = "yes")]
    reset: bool,

    /// Confirm --reset
    #[arg(long)]
    yes: bool,
}

impl Migrate {
    pub(super) fn execute(self) -> anyhow::Result<ExitCode> {
        let data = DataDirectory::lock(&self.data_dir)?;
        // What it makes has to be the server's.
        let path = identity::become_service(self.user.as_deref(), &data)?;
        let runtime = tokio::runtime::Runtime::new().context("failed to start the runtime")?;
        runtime.block_on(async {
            if self.reset {
                Store::reset_sqlite(&path).await?;
            }
            Store::open_sqlite(&path).await?.close().await;
            anyhow::Ok(())
        })?;
        let what = if self.reset { "empty and up to date" } else { "up to date" };
        writeln!(std::io::stdout(), "The database in {} is {what}.", self.data_dir.display())?;
        Ok(ExitCode::SUCCESS)
    }
}
