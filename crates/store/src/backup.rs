//! Copies of an SQLite database: taking one while it is written, and putting one back.
//!
//! A copy is one file that holds everything, also what a live database keeps in the log beside its file. So whoever has
//! the file has all of it, and nobody has to know about logs.
//!
//! All that is done by path is done in the data directory, and has to be done as its owner: root would follow what the
//! owner puts there. What comes from elsewhere and goes elsewhere are open files.

use std::fs;
use std::fs::DirBuilder;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::path::PathBuf;
use std::time::Duration;

use runbay_model::Timestamp;
use rustix::fs::CWD;
use rustix::fs::OFlags;
use rustix::fs::RenameFlags;
use rustix::fs::renameat_with;
use sqlx::ConnectOptions;
use sqlx::Connection;
use sqlx::Row;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteConnectOptions;

use crate::backend::data_directory::SQLITE_FILE;

/// How long a statement waits while others hold the database.
const PATIENCE: Duration = Duration::from_secs(5);

/// What SQLite keeps beside the file of a database that is in use.
const COMPANIONS: [&str; 2] = ["runbay.db-wal", "runbay.db-shm"];

/// The beginning of the names of copies that are not complete.
const DRAFT: &str = "backup-";

/// What a copy holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyContents {
    /// How many sessions there are, open and closed ones.
    pub sessions: u64,
    /// How many executions there are.
    pub executions: u64,
    /// The size of the file in bytes.
    pub bytes: u64,
}

/// What [`restore`] did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Restored {
    /// What the data directory holds now.
    pub contents: CopyContents,
    /// The directory with what was there before; none where there was nothing.
    pub replaced: Option<PathBuf>,
}

/// The files of a copy that is put back.
#[derive(Debug)]
pub struct CopySource {
    database: File,
    /// What a server that was killed has left beside its database.
    log: Option<File>,
}

/// Why a database could not be copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// There is no database.
    #[error("there is no database at {}", .0.display())]
    Missing(PathBuf),
    /// Something other than a plain file is at the path.
    #[error("{} is no plain file", .0.display())]
    NotPlain(PathBuf),
    /// It holds no tables of this program.
    #[error("it is not a database of Runbay")]
    Foreign,
    /// It is damaged.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// Another process reads or writes the database at this moment.
    #[error("another process uses the database")]
    InUse,
    /// SQLite reported another error.
    #[error("the database cannot be copied")]
    Database(#[source] sqlx::Error),
    /// What the copy was to be written to takes no more.
    #[error("cannot write the copy")]
    Target(#[source] io::Error),
    /// A file or directory could not be read or written.
    #[error("cannot use {}", path.display())]
    File {
        /// The file or directory.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
}

impl From<sqlx::Error> for CopyError {
    fn from(error: sqlx::Error) -> Self {
        let code = error.as_database_error().and_then(|error| error.code()?.parse::<u32>().ok());
        // The lowest byte is the kind (SQLite, result codes).
        match code.map(|code| code & 0xff) {
            Some(11) => Self::Damaged("its pages do not fit together".to_owned()),
            Some(26) => Self::Foreign,
            Some(5 | 6) => Self::InUse,
            _ => Self::Database(error),
        }
    }
}

impl CopySource {
    /// Opens the files of a copy, with the rights of the caller.
    ///
    /// # Errors
    ///
    /// [`CopyError::Missing`], [`CopyError::NotPlain`] and [`CopyError::File`].
    pub fn open(path: &Path) -> Result<Self, CopyError> {
        let database = open_plain(path)?.ok_or_else(|| CopyError::Missing(path.to_owned()))?;
        let mut log = path.as_os_str().to_owned();
        log.push("-wal");
        Ok(Self { database, log: open_plain(Path::new(&log))? })
    }
}

/// Copies the database in `directory` into an empty file, while servers go on reading and writing it.
///
/// The copy holds everything that was acknowledged before the call. It is checked, and durable when this returns.
/// Must be called as the owner of the directory, which has to have room for the copy for a while.
///
/// # Errors
///
/// [`CopyError`]; what `target` holds is of no use then.
pub async fn backup(directory: &Path, target: &mut File) -> Result<CopyContents, CopyError> {
    let directory = absolute(directory)?;
    let database = directory.join(SQLITE_FILE);
    open_plain(&database)?.ok_or_else(|| CopyError::Missing(database.clone()))?;
    remove_abandoned(&directory);
    let draft = Draft::new(&directory)?;
    let mut connection = open(&database).await?;
    check_tables(&mut connection).await?;
    // It reads one moment of the database, whatever is written meanwhile, and takes no lock that a writer waits for.
    sqlx::query("VACUUM INTO ?").bind(draft.name()?).execute(&mut connection).await?;
    connection.close().await?;
    let contents = check(&draft.path).await?;
    let failed = |source| CopyError::File { path: draft.path.clone(), source };
    let mut copied = File::open(&draft.path).map_err(failed)?;
    io::copy(&mut copied, target).map_err(CopyError::Target)?;
    target.sync_all().map_err(CopyError::Target)?;
    Ok(contents)
}

/// Puts a copy in the place of the database in a data directory, and keeps what was there.
///
/// When the process dies on the way, the directory has either database as a whole. Must be called as the owner of the
/// directory, by who holds its [`DataDirectory`](crate::DataDirectory).
///
/// # Errors
///
/// [`CopyError`] when the copy cannot be used or written. The directory is as it was then.
pub async fn restore(directory: &Path, source: CopySource) -> Result<Restored, CopyError> {
    let directory = absolute(directory)?;
    let database = directory.join(SQLITE_FILE);
    let beside = Beside::new(&directory)?;
    beside.fill(source)?;
    // Writes back its log, if it has one.
    let mut connection = open(&beside.database).await?;
    check_tables(&mut connection).await?;
    sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await?;
    connection.close().await?;
    let contents = check(&beside.database).await?;
    if open_plain(&database)?.is_none() {
        beside.take_the_place_of_nothing(&database)?;
        return Ok(Restored { contents, replaced: None });
    }
    settle(&database).await?;
    let replaced = beside.exchange_with(&database)?;
    Ok(Restored { contents, replaced: Some(replaced) })
}

/// A file that is being written in the data directory; removed when it is dropped.
struct Draft {
    path: PathBuf,
    /// Locked, so that others see that somebody writes it.
    _lock: File,
}

impl Draft {
    fn new(directory: &Path) -> Result<Self, CopyError> {
        let path = directory.join(format!("{DRAFT}{:016x}.part", fastrand::u64(..)));
        let failed = |source| CopyError::File { path: directory.to_owned(), source };
        // Only its owner may read it: it holds the code of all users. SQLite writes into an empty file.
        let lock = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path).map_err(failed)?;
        lock.lock().map_err(failed)?;
        Ok(Self { path, _lock: lock })
    }

    fn name(&self) -> Result<&str, CopyError> {
        let refused = || io::Error::other("its name is not UTF-8, which SQLite cannot write to");
        self.path.to_str().ok_or_else(|| CopyError::File { path: self.path.clone(), source: refused() })
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        fs::remove_file(&self.path).ok();
    }
}

/// Removes what copies left behind whose process was killed.
fn remove_abandoned(directory: &Path) {
    for entry in fs::read_dir(directory).into_iter().flatten().flatten() {
        let is_draft = entry.file_name().to_str().is_some_and(|name| name.starts_with(DRAFT));
        if is_draft && open_plain(&entry.path()).is_ok_and(|file| file.is_some_and(|file| file.try_lock().is_ok())) {
            fs::remove_file(entry.path()).ok();
        }
    }
}

/// The directory beside the database that first has the new database and then the old one; removed unless it has.
struct Beside {
    directory: PathBuf,
    database: PathBuf,
    keep: bool,
}

impl Beside {
    fn new(data: &Path) -> Result<Self, CopyError> {
        let now = Timestamp::now().to_string().replace([':', '-'], "").replace('.', "_");
        let directory = data.join(format!("replaced-{now}"));
        let made = DirBuilder::new().mode(0o700).create(&directory);
        made.map_err(|source| CopyError::File { path: data.to_owned(), source })?;
        Ok(Self { database: directory.join(SQLITE_FILE), directory, keep: false })
    }

    fn failed(&self, source: io::Error) -> CopyError {
        CopyError::File { path: self.directory.clone(), source }
    }

    /// Copies the files of a copy here, so that its own are not changed.
    fn fill(&self, source: CopySource) -> Result<(), CopyError> {
        let log = source.log.map(|log| (log, self.directory.join(COMPANIONS[0])));
        for (mut from, to) in [Some((source.database, self.database.clone())), log].into_iter().flatten() {
            let filled = || -> io::Result<()> {
                let mut to = OpenOptions::new().write(true).create_new(true).mode(0o600).open(to)?;
                io::copy(&mut from, &mut to)?;
                to.sync_all()
            };
            filled().map_err(|source| self.failed(source))?;
        }
        Ok(())
    }

    fn take_the_place_of_nothing(self, database: &Path) -> Result<(), CopyError> {
        let moved = renameat_with(CWD, &self.database, CWD, database, RenameFlags::NOREPLACE);
        moved.map_err(io::Error::from).and_then(|()| sync_parent(database)).map_err(|source| self.failed(source))
    }

    /// Puts the new database in the place of the old one, and keeps the old one, in one step.
    fn exchange_with(mut self, database: &Path) -> Result<PathBuf, CopyError> {
        let exchange = || -> io::Result<()> {
            // What is left of a log belongs to a database that is too damaged to be settled.
            for companion in COMPANIONS {
                match fs::rename(database.with_file_name(companion), self.directory.join(companion)) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                    _ => {}
                }
            }
            renameat_with(CWD, &self.database, CWD, database, RenameFlags::EXCHANGE)?;
            File::open(&self.directory)?.sync_all()?;
            sync_parent(database)
        };
        exchange().map_err(|source| self.failed(source))?;
        self.keep = true;
        Ok(self.directory.clone())
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if !self.keep {
            fs::remove_dir_all(&self.directory).ok();
        }
    }
}

/// Writes back the log of the old database, so that it is one file; one that is too damaged for that stays as it is.
async fn settle(database: &Path) -> Result<(), CopyError> {
    let settled = async {
        let mut connection = open(database).await?;
        let busy =
            sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(&mut connection).await?.try_get::<i64, _>(0);
        connection.close().await?;
        busy
    };
    match settled.await.map_err(CopyError::from) {
        Ok(0) | Err(CopyError::Damaged(_) | CopyError::Foreign) => Ok(()),
        Ok(_) => Err(CopyError::InUse),
        Err(error) => Err(error),
    }
}

/// Looks through a copy as SQLite does, and counts what is in it.
async fn check(copy: &Path) -> Result<CopyContents, CopyError> {
    let mut connection = open(copy).await?;
    let found: String = ask(&mut connection, "PRAGMA integrity_check(1)").await?;
    if found != "ok" {
        return Err(CopyError::Damaged(found));
    }
    let sessions: i64 = ask(&mut connection, "SELECT COUNT(*) FROM code_sessions").await?;
    let executions: i64 = ask(&mut connection, "SELECT COUNT(*) FROM executions").await?;
    connection.close().await?;
    let bytes = copy.metadata().map_err(|source| CopyError::File { path: copy.to_owned(), source })?.len();
    Ok(CopyContents { sessions: sessions.unsigned_abs(), executions: executions.unsigned_abs(), bytes })
}

async fn check_tables(connection: &mut SqliteConnection) -> Result<(), CopyError> {
    let question =
        "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name IN ('code_sessions', 'executions')";
    if ask::<i64>(connection, question).await? == 2 { Ok(()) } else { Err(CopyError::Foreign) }
}

async fn ask<T>(connection: &mut SqliteConnection, question: &'static str) -> sqlx::Result<T>
where
    T: for<'r> sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
{
    sqlx::query(question).fetch_one(connection).await?.try_get(0)
}

/// Opens a database by its absolute path; SQLite would take others that begin like a URL for one.
async fn open(path: &Path) -> sqlx::Result<SqliteConnection> {
    let options = SqliteConnectOptions::new().filename(path).busy_timeout(PATIENCE).disable_statement_logging();
    options.connect().await
}

/// Opens a plain file to read it; none where there is nothing.
fn open_plain(path: &Path) -> Result<Option<File>, CopyError> {
    let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or(0);
    match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) if file.metadata().is_ok_and(|metadata| metadata.is_file()) => Ok(Some(file)),
        Ok(_) => Err(CopyError::NotPlain(path.to_owned())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(_) if path.is_symlink() => Err(CopyError::NotPlain(path.to_owned())),
        Err(source) => Err(CopyError::File { path: path.to_owned(), source }),
    }
}

fn absolute(directory: &Path) -> Result<PathBuf, CopyError> {
    directory.canonicalize().map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => CopyError::Missing(directory.join(SQLITE_FILE)),
        _ => CopyError::File { path: directory.to_owned(), source },
    })
}

fn sync_parent(path: &Path) -> io::Result<()> {
    path.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
}

#[cfg(test)]
mod tests;
