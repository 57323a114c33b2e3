//! `runbay backup` and `runbay restore`: copies of an SQLite database.

use std::fs::File;
use std::io::Write;
use std::os::fd::AsFd;
use std::os::unix::fs::MetadataExt;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::path::PathBuf;
use std::process::Child;
use std::process::Command;
use std::process::ExitCode;
use std::process::Stdio;

use anyhow::Context;
use clap::Args;
use runbay_sandbox::Account;
use runbay_store::CopyContents;
use runbay_store::CopySource;
use runbay_store::DataDirectory;

use crate::identity;
use crate::new_file::NewFile;
use crate::new_file::NotMade;
use crate::settings;
use crate::settings::DataSettings;
use crate::settings::Given;
use crate::settings::WrittenBackend;

/// The hidden command that copies the database as the owner of its directory.
pub(super) const COPY: &str = "copy-database";

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
        let not_made = || NotMade(self.target.clone());
        let mut new = NewFile::create(&self.target).with_context(not_made)?;
        let contents = match owner_beside_root(&directory)? {
            None => block_on(runbay_store::backup(&directory, &mut new.file))?,
            Some(owner) => match copy_as(owner, &directory, &new.file)? {
                Ok(contents) => contents,
                Err(code) => return Ok(code),
            },
        };
        new.publish().with_context(not_made)?;
        writeln!(std::io::stdout(), "{} holds {}.", self.target.display(), describe(contents))?;
        Ok(ExitCode::SUCCESS)
    }
}

impl Restore {
    pub(super) fn execute(self) -> anyhow::Result<ExitCode> {
        let directory = self.place.directory("restore")?;
        // With the rights of whoever puts it back; the account of the server may not be able to read it.
        let source = CopySource::open(&self.source)?;
        let is_new = !directory.try_exists().unwrap_or(true);
        let data = DataDirectory::lock(&directory)?;
        let path = match owner_beside_root(&directory)? {
            None => directory.clone(),
            Some(owner) => identity::become_owner(owner, &data)?,
        };
        let restored = match block_on(runbay_store::restore(&path, source)) {
            Err(error) if is_new => {
                data.abandon();
                return Err(error);
            }
            restored => restored?,
        };
        let mut out = std::io::stdout();
        writeln!(out, "{} holds {}.", directory.display(), describe(restored.contents))?;
        if let Some(replaced) = restored.replaced.as_deref().and_then(Path::file_name) {
            let replaced = directory.join(replaced);
            writeln!(out, "What was there is in {}; delete it when you do not need it.", replaced.display())?;
        }
        Ok(ExitCode::SUCCESS)
    }
}

/// The part of `runbay backup` that looks into the data directory: it writes the copy to standard output.
///
/// Root must not do that, as it would follow what the directory's owner puts there.
#[derive(Debug, Args)]
pub(crate) struct CopyDatabase {
    directory: PathBuf,
}

impl CopyDatabase {
    pub(super) fn execute(self) -> anyhow::Result<ExitCode> {
        let mut out = File::from(std::io::stdout().as_fd().try_clone_to_owned()?);
        let CopyContents { sessions, executions, bytes } = block_on(runbay_store::backup(&self.directory, &mut out))?;
        writeln!(std::io::stderr(), "{sessions} {executions} {bytes}")?;
        Ok(ExitCode::SUCCESS)
    }
}

/// Copies the database as the owner of its directory; an error was told already.
fn copy_as(owner: Account, directory: &Path, target: &File) -> anyhow::Result<Result<CopyContents, ExitCode>> {
    let directory = runbay_sandbox::make_reachable(directory, owner)?;
    let output = Command::new("/proc/self/exe")
        .arg(COPY)
        .arg(directory)
        .env_clear()
        .uid(owner.uid)
        .gid(owner.gid)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(target.try_clone()?)
        .stderr(Stdio::piped())
        .spawn()
        .and_then(Child::wait_with_output)
        .context("failed to start as the owner of the data directory")?;
    let said = String::from_utf8_lossy(&output.stderr);
    if !output.status.success() {
        write!(std::io::stderr(), "{said}")?;
        return Ok(Err(ExitCode::from(2)));
    }
    let numbers: Vec<u64> = said.split_ascii_whitespace().filter_map(|number| number.parse().ok()).collect();
    let [sessions, executions, bytes] = numbers[..] else {
        anyhow::bail!("the copy was made, but what it holds is not known: {said}");
    };
    Ok(Ok(CopyContents { sessions, executions, bytes }))
}

/// Returns the owner of the directory if this process is root and the owner is not.
fn owner_beside_root(directory: &Path) -> anyhow::Result<Option<Account>> {
    if !Account::current().is_root() {
        return Ok(None);
    }
    match directory.metadata() {
        Ok(metadata) => {
            let owner = Account { uid: metadata.uid(), gid: metadata.gid() };
            Ok((!owner.is_root()).then_some(owner))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot look at {}", directory.display())),
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
