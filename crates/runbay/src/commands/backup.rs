//! `runbay backup` and `runbay restore`: copies of an SQLite database.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use clap::Args;
use runbay_store::CopyContents;
use runbay_store::DataDirectory;

use crate::settings;
use crate::settings::DataSettings;
use crate::settings::Given;
use crate::settings::WrittenBackend;

/// Copy the database of `runbay serve` into a file, while it is served or not.
///
/// The copy is one file that holds everything acknowledged so far; it is checked before it gets its name. A database
/// server has a program of its own for this, such as pg_dump or mariadb-dump.
#[derive(Debug, Args)]
pub(crate) struct Backup {
    /// The new file
    #[arg(value_name = "FILE")]
    target: PathBuf,

    #[command(flatten)]
    place: Place,
}

/// Put a copy in the place of the database of a `runbay serve` that is stopped; what was there is kept.
#[derive(Debug, Args)]
pub(crate) struct Restore {
    /// A file that `runbay backup` has written, or the runbay.db of a server that was stopped, with the files beside it
    #[arg(value_name = "FILE")]
    source: PathBuf,

    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Args)]
struct Place {
    /// File with settings, named like the flags
    #[arg(long, env = "RUNBAY_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,

    #[command(flatten)]
    data: Given<DataSettings>,

    #[command(flatten)]
    backend: Given<WrittenBackend>,
}

impl Place {
    /// Returns the data directory; `command` is for the refusal where there is none.
    fn directory(self, command: &str) -> anyhow::Result<PathBuf> {
        let file = settings::read_file(self.config.as_deref())?;
        anyhow::ensure!(
            !self.backend.over(&file)?.database.is_server(),
            "runbay {command} is for SQLite, and the settings name a database server, which has a program of its own: \
             pg_dump and pg_restore, or mariadb-dump --single-transaction and mariadb; see docs/operations.md"
        );
        Ok(self.data.over(&file)?.data_dir)
    }
}

impl Backup {
    pub(super) fn execute(self) -> anyhow::Result<ExitCode> {
        let directory = self.place.directory("backup")?;
        let contents = block_on(runbay_store::backup(&directory, &self.target))?;
        writeln!(std::io::stdout(), "{} holds {}.", self.target.display(), describe(contents))?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Restore {
    pub(super) fn execute(self) -> anyhow::Result<ExitCode> {
        let directory = self.place.directory("restore")?;
        let data = DataDirectory::lock(&directory)?;
        let restored = block_on(runbay_store::restore(&data, &self.source))?;
        let mut out = std::io::stdout();
        writeln!(out, "{} holds {}.", directory.display(), describe(restored.contents))?;
        if let Some(replaced) = restored.replaced {
            writeln!(out, "What was there is in {}; delete it when you do not need it.", replaced.display())?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

fn block_on<T>(copying: impl Future<Output = Result<T, runbay_store::CopyError>>) -> anyhow::Result<T> {
    let runtime = tokio::runtime::Runtime::new().context("failed to start the runtime")?;
    Ok(runtime.block_on(copying)?)
}

fn describe(contents: CopyContents) -> String {
    let CopyContents { sessions, executions, bytes } = contents;
    format!("{sessions} sessions and {executions} executions ({bytes} bytes), checked")
}
