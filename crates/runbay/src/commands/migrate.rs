//! `runbay migrate`: brings the database up to date, or starts it anew.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use runbay_store::DataDirectory;
use runbay_store::DatabaseSettings;
use runbay_store::Store;

use crate::identity;
use crate::settings;
use crate::settings::DataSettings;
use crate::settings::Given;
use crate::settings::ProcessSettings;
use crate::settings::WrittenBackend;

/// Bring the database up to date; `serve`, `api` and `worker` do the same when they start.
#[derive(Debug, Args)]
pub(crate) struct Migrate {
    /// File with settings, named like the flags
    #[arg(long, env = "RUNBAY_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(flatten)]
    data: Given<DataSettings>,

    #[command(flatten)]
    backend: Given<WrittenBackend>,

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
        let file = settings::read_file(self.config.as_deref())?;
        let backend = self.backend.over(&file)?;
        let directory = self.data.over(&file)?.data_dir;
        let account = ProcessSettings::account(self.user, &file)?;
        let name = if backend.database.is_server() {
            backend.database.to_string()
        } else {
            format!("in {}", directory.display())
        };
        let mut database = backend.database(directory);
        let data = if database.url.is_server() {
            identity::drop_rights(account.as_deref())?;
            None
        } else {
            let data = DataDirectory::lock(&database.data_directory)?;
            // The files that are made here have to belong to the server.
            database.data_directory = identity::become_service(account.as_deref(), &data)?;
            Some(data)
        };
        let runtime = tokio::runtime::Runtime::new().context("failed to start the runtime")?;
        runtime.block_on(migrate(&database, self.reset))?;
        drop(data);
        let what = if self.reset { "empty and up to date" } else { "up to date" };
        writeln!(std::io::stdout(), "The database {name} is {what}.")?;
        Ok(ExitCode::SUCCESS)
    }
}

async fn migrate(database: &DatabaseSettings, reset: bool) -> anyhow::Result<()> {
    if reset {
        Store::reset(database).await?;
    }
    Store::open(database).await?.close().await;
    Ok(())
}
