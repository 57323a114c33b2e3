//! Copies of an SQLite database: taking one while it is written, and putting one back.
//!
//! A copy is one file that holds everything, also what a live database keeps in the log beside its file. So whoever has
//! the file has all of it, and nobody has to know about logs.

use std::fs;
use std::fs::DirBuilder;
use std::fs::File;
use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::fchown;
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

use crate::DataDirectory;
use crate::backend::data_directory::SQLITE_FILE;

/// How long a statement waits while others hold the database.
const PATIENCE: Duration = Duration::from_secs(30);

/// What SQLite keeps beside the file of a database that is in use.
const COMPANIONS: [&str; 2] = ["runbay.db-wal", "runbay.db-shm"];

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

/// Why a database could not be copied.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// There is no database.
    #[error("there is no database at {}", .0.display())]
    Missing(PathBuf),
    /// Something other than a plain file is at the path, such as a link.
    #[error("{} is no plain file", .0.display())]
    NotPlain(PathBuf),
    /// There is something where the copy was to be written.
    #[error("{} exists", .0.display())]
    Exists(PathBuf),
    /// It holds no tables of this program.
    #[error("{} is an SQLite database, but not one of Runbay", .0.display())]
    Foreign(PathBuf),
    /// It is damaged.
    #[error("{} is damaged: {problem}", path.display())]
    Damaged {
        /// The database.
        path: PathBuf,
        /// What SQLite's check found first.
        problem: String,
    },
    /// SQLite reported an error.
    #[error("cannot read the database {}", path.display())]
    Database {
        /// The database.
        path: PathBuf,
        /// What SQLite reported.
        source: sqlx::Error,
    },
    /// A file could not be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file or directory.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
}

/// Copies the database in `directory` into a new file, while servers go on reading and writing it.
///
/// The copy holds everything that was acknowledged before the call. It is checked, and durable when this returns; until
/// then there is nothing at `target`.
///
/// # Errors
///
/// [`CopyError`], also when there is something at `target` already. Nothing is left behind then.
pub async fn backup(directory: &Path, target: &Path) -> Result<CopyContents, CopyError> {
    if target.symlink_metadata().is_ok() {
        return Err(CopyError::Exists(target.to_owned()));
    }
    let draft = Draft::beside(target)?;
    let contents = copy(&directory.join(SQLITE_FILE), &draft.path).await?;
    draft.move_to(target, RenameFlags::NOREPLACE)?;
    Ok(contents)
}

/// Puts a copy in the place of the database in a data directory, and keeps what was there.
///
/// `source` may also be the file of a server that was stopped or killed, with the log beside it. When the process dies
/// on the way, the directory has either database as a whole.
///
/// # Errors
///
/// [`CopyError`] when the copy cannot be used or written. The directory is as it was then.
pub async fn restore(data: &DataDirectory, source: &Path) -> Result<Restored, CopyError> {
    let database = data.path().join(SQLITE_FILE);
    let draft = Draft::beside(&database)?;
    let contents = copy(source, &draft.path).await?;
    let replaced = keep_old(data.path(), &database).await?;
    draft.move_to(&database, RenameFlags::empty())?;
    Ok(Restored { contents, replaced })
}

/// A file that is being written; removed unless it is moved to its place.
struct Draft {
    path: PathBuf,
}

impl Draft {
    fn beside(target: &Path) -> Result<Self, CopyError> {
        let mut name = target.file_name().unwrap_or_default().to_owned();
        name.push(format!(".{}.part", std::process::id()));
        let path = target.with_file_name(name);
        // Only its owner may read it: it holds the code of all users. SQLite writes into an empty file.
        let made = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&path);
        made.map_err(|source| CopyError::Write { path: path.clone(), source })?;
        Ok(Self { path })
    }

    /// Makes the file durable and gives it its name, and the owner of the directory.
    fn move_to(self, target: &Path, flags: RenameFlags) -> Result<(), CopyError> {
        let directory = match target.parent() {
            Some(parent) if parent != Path::new("") => parent,
            _ => Path::new("."),
        };
        let moved = || -> io::Result<()> {
            let (file, directory) = (File::open(&self.path)?, File::open(directory)?);
            let owner = directory.metadata()?;
            if owner.uid() != file.metadata()?.uid() {
                fchown(&file, Some(owner.uid()), Some(owner.gid()))?;
            }
            file.sync_all()?;
            renameat_with(CWD, &self.path, CWD, target, flags)?;
            directory.sync_all()
        };
        moved().map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => CopyError::Exists(target.to_owned()),
            _ => CopyError::Write { path: target.to_owned(), source },
        })
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // It is not there any more when it has its name.
        fs::remove_file(&self.path).ok();
    }
}

/// Writes everything that `source` holds into the empty file `target`, and checks it.
async fn copy(source: &Path, target: &Path) -> Result<CopyContents, CopyError> {
    refuse_links(source)?;
    let failed = |error| CopyError::Database { path: source.to_owned(), source: error };
    let mut connection = open(source).await.map_err(failed)?;
    check_tables(&mut connection, source).await?;
    // It reads one moment of the database, whatever is written meanwhile, and takes no lock that a writer waits for.
    let written = sqlx::query("VACUUM INTO ?").bind(target.to_string_lossy().as_ref()).execute(&mut connection).await;
    written.map_err(failed)?;
    connection.close().await.map_err(failed)?;
    check(target, source).await
}

/// Looks through a copy as SQLite does, and counts what is in it; errors name `source`.
async fn check(copy: &Path, source: &Path) -> Result<CopyContents, CopyError> {
    let failed = |error| CopyError::Database { path: source.to_owned(), source: error };
    let mut connection = open(copy).await.map_err(failed)?;
    let found: String = ask(&mut connection, "PRAGMA integrity_check(1)").await.map_err(failed)?;
    if found != "ok" {
        return Err(CopyError::Damaged { path: source.to_owned(), problem: found });
    }
    let sessions: i64 = ask(&mut connection, "SELECT COUNT(*) FROM code_sessions").await.map_err(failed)?;
    let executions: i64 = ask(&mut connection, "SELECT COUNT(*) FROM executions").await.map_err(failed)?;
    connection.close().await.map_err(failed)?;
    let bytes = copy.metadata().map_err(|error| CopyError::Write { path: copy.to_owned(), source: error })?.len();
    Ok(CopyContents { sessions: sessions.unsigned_abs(), executions: executions.unsigned_abs(), bytes })
}

async fn check_tables(connection: &mut SqliteConnection, path: &Path) -> Result<(), CopyError> {
    let question =
        "SELECT COUNT(*) FROM sqlite_master WHERE type = 'table' AND name IN ('code_sessions', 'executions')";
    match ask::<i64>(connection, question).await {
        Ok(2) => Ok(()),
        Ok(_) => Err(CopyError::Foreign(path.to_owned())),
        Err(source) => Err(CopyError::Database { path: path.to_owned(), source }),
    }
}

async fn ask<T>(connection: &mut SqliteConnection, question: &'static str) -> sqlx::Result<T>
where
    T: for<'r> sqlx::Decode<'r, sqlx::Sqlite> + sqlx::Type<sqlx::Sqlite>,
{
    sqlx::query(question).fetch_one(connection).await?.try_get(0)
}

async fn open(path: &Path) -> sqlx::Result<SqliteConnection> {
    let options = SqliteConnectOptions::new().filename(path).busy_timeout(PATIENCE).disable_statement_logging();
    options.connect().await
}

/// Whoever may write the directory could have put a link there, which root would follow.
fn refuse_links(path: &Path) -> Result<(), CopyError> {
    let opened = OpenOptions::new().read(true).custom_flags(no_link()).open(path);
    let file = opened.map_err(|source| match source.kind() {
        io::ErrorKind::NotFound => CopyError::Missing(path.to_owned()),
        _ if path.is_symlink() => CopyError::NotPlain(path.to_owned()),
        _ => CopyError::Database { path: path.to_owned(), source: source.into() },
    })?;
    match file.metadata() {
        Ok(metadata) if metadata.is_file() => Ok(()),
        _ => Err(CopyError::NotPlain(path.to_owned())),
    }
}

fn no_link() -> i32 {
    i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or(0)
}

/// Keeps the old database under a second name, and takes its log away, which must not meet the new one.
async fn keep_old(directory: &Path, database: &Path) -> Result<Option<PathBuf>, CopyError> {
    if database.symlink_metadata().is_err() {
        return Ok(None);
    }
    refuse_links(database)?;
    // With its log written back it is one file. One that is too damaged for that is kept together with its log.
    if let Ok(mut connection) = open(database).await {
        sqlx::query("PRAGMA wal_checkpoint(TRUNCATE)").execute(&mut connection).await.ok();
        connection.close().await.ok();
    }
    let now = Timestamp::now().to_string().replace([':', '-'], "").replace('.', "_");
    let kept = directory.join(format!("replaced-{now}"));
    let failed = |source| CopyError::Write { path: kept.clone(), source };
    let keep = || -> io::Result<()> {
        let owner = directory.metadata()?;
        DirBuilder::new().mode(0o700).create(&kept)?;
        let made = File::open(&kept)?;
        fchown(&made, Some(owner.uid()), Some(owner.gid()))?;
        made.set_permissions(fs::Permissions::from_mode(0o700))?;
        // A second name, so that there is no moment without a database: the new one replaces the first.
        fs::hard_link(database, kept.join(SQLITE_FILE))?;
        for companion in COMPANIONS {
            match fs::rename(directory.join(companion), kept.join(companion)) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
        }
        made.sync_all()
    };
    keep().map_err(failed)?;
    Ok(Some(kept))
}

#[cfg(test)]
mod tests;
