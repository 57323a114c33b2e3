//! The directory that one server owns.

use std::ffi::OsString;
use std::fs;
use std::fs::DirBuilder;
use std::fs::File;
use std::fs::OpenOptions;
use std::fs::Permissions;
use std::fs::TryLockError;
use std::io;
use std::io::Read;
use std::io::Seek;
use std::io::Write;
use std::os::unix::fs::DirBuilderExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::fs::fchown;
use std::path::Path;
use std::path::PathBuf;

use rustix::fs::Dir;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::fs::openat;
use rustix::process::geteuid;

const LOCK_FILE: &str = "runbay.lock";

/// The file of the database.
pub(crate) const SQLITE_FILE: &str = "runbay.db";

/// What every SQLite database begins with (the SQLite file format, section 1.3).
const SQLITE_MAGIC: &[u8] = b"SQLite format 3\0";

/// Names that file systems and version control leave in directories that count as empty.
const NOT_FOREIGN: &[&str] = &["lost+found", ".gitkeep"];

/// The exclusive right to a data directory, until it is dropped or the process ends.
///
/// The kernel holds the lock for the open file. So the lock survives whatever the process does to its working
/// directory, mounts and user, and a killed process leaves nothing behind to clean up.
#[derive(Debug)]
pub struct DataDirectory {
    path: PathBuf,
    _lock: File,
}

/// Why a data directory could not be taken.
#[derive(Debug, thiserror::Error)]
pub enum LockError {
    /// The directory does not exist and cannot be made.
    #[error("cannot make the data directory {path}")]
    Make {
        /// The directory.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
    /// Something else is at its path.
    #[error("the data directory {path} is not a directory")]
    NoDirectory {
        /// The path.
        path: PathBuf,
    },
    /// Another server has it.
    #[error(
        "the data directory {path} is in use by another runbay{}",
        owner.map(|id| format!(" (process {id})")).unwrap_or_default()
    )]
    InUse {
        /// The directory.
        path: PathBuf,
        /// The process that has it, as far as it is known.
        owner: Option<u32>,
    },
    /// It holds foreign files, which would be given to the account that the server runs as.
    #[error("{path} is no data directory, it holds {entry:?}")]
    Foreign {
        /// The directory.
        path: PathBuf,
        /// One of the foreign files.
        entry: OsString,
    },
    /// It belongs to another user, who has closed it.
    #[error("the data directory {path} belongs to another user (number {owner})")]
    Closed {
        /// The directory.
        path: PathBuf,
        /// The number of its owner.
        owner: u32,
    },
    /// The lock file cannot be used.
    #[error("cannot lock the data directory {path}")]
    Lock {
        /// The directory.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
}

/// Why a data directory could not be given to another user.
#[derive(Debug, thiserror::Error)]
#[error("cannot give the data directory {path} to the account that the server runs as")]
pub struct GiveError {
    path: PathBuf,
    source: io::Error,
}

impl DataDirectory {
    /// Takes a data directory. Makes it if it does not exist. Blocks.
    ///
    /// # Errors
    ///
    /// [`LockError::InUse`] at once when another process has it. [`LockError::Foreign`] when it was never a data
    /// directory and is not empty; one that holds a database alone, as somebody makes it of a copy, counts as empty.
    pub fn lock(path: &Path) -> Result<Self, LockError> {
        // It will hold code and output of all users, so nobody else may read it.
        DirBuilder::new().recursive(true).mode(0o700).create(path).map_err(|source| match source.kind() {
            io::ErrorKind::AlreadyExists => LockError::NoDirectory { path: path.to_owned() },
            _ => LockError::Make { path: path.to_owned(), source },
        })?;
        let failed = |source: io::Error| match owner_of(path) {
            Some(owner) if source.kind() == io::ErrorKind::PermissionDenied => {
                LockError::Closed { path: path.to_owned(), owner }
            }
            _ => LockError::Lock { path: path.to_owned(), source },
        };
        if let Some(entry) = foreign_entry(path).map_err(failed)? {
            return Err(LockError::Foreign { path: path.to_owned(), entry });
        }
        // A hijacked server may have put a symbolic link there, so that root writes through it at the next start.
        let no_link = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or(0);
        let mut lock = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(no_link)
            .open(path.join(LOCK_FILE))
            .map_err(failed)?;
        if lock.metadata().map_err(failed)?.nlink() != 1 {
            return Err(failed(io::Error::other("the lock file has a second name")));
        }
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(LockError::InUse { path: path.to_owned(), owner: owner(&mut lock) });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        sign(&mut lock).map_err(failed)?;
        Ok(Self { path: path.to_owned(), _lock: lock })
    }

    /// Gives the directory and the plain files in it to a user and group, who will write them from then on.
    ///
    /// Closes the directory to others, whoever made it. Links, and files that have a second name somewhere else, are
    /// left alone, so that this gives nothing more to somebody who could write here before.
    ///
    /// # Errors
    ///
    /// [`GiveError`] when something cannot be given, as when the caller is not root.
    pub fn give_to(&self, uid: u32, gid: u32) -> Result<(), GiveError> {
        let give = || -> io::Result<()> {
            let directory = File::open(&self.path)?;
            fchown(&directory, Some(uid), Some(gid))?;
            let mode = directory.metadata()?.mode();
            directory.set_permissions(Permissions::from_mode(mode & 0o750))?;
            for entry in Dir::read_from(&directory)? {
                let entry = entry?;
                let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
                let Ok(file) = openat(&directory, entry.file_name(), flags, Mode::empty()) else {
                    continue;
                };
                let file = File::from(file);
                let metadata = file.metadata()?;
                if metadata.is_file() && metadata.nlink() == 1 {
                    fchown(&file, Some(uid), Some(gid))?;
                }
            }
            Ok(())
        };
        give().map_err(|source| GiveError { path: self.path.clone(), source })
    }

    /// Takes back what [`lock`](Self::lock) made where there was nothing; what others have put there meanwhile stays.
    pub fn abandon(self) {
        fs::remove_file(self.path.join(LOCK_FILE)).ok();
        fs::remove_dir(&self.path).ok();
    }

    /// Returns the directory as it was given.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

/// Finds a foreign file in a directory that has no lock file, and so has never been a data directory.
fn foreign_entry(path: &Path) -> io::Result<Option<OsString>> {
    if path.join(LOCK_FILE).symlink_metadata().is_ok() {
        return Ok(None);
    }
    for entry in path.read_dir()? {
        let name = entry?.file_name();
        let is_database = name == SQLITE_FILE && begins_as_database(&path.join(&name))?;
        if !is_database && !NOT_FOREIGN.iter().any(|known| name == *known) {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// Returns whether a plain file without a second name begins as SQLite databases do.
fn begins_as_database(path: &Path) -> io::Result<bool> {
    let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or(0);
    let Ok(file) = OpenOptions::new().read(true).custom_flags(flags).open(path) else {
        return Ok(false);
    };
    let metadata = file.metadata()?;
    let mut beginning = Vec::new();
    file.take(SQLITE_MAGIC.len() as u64).read_to_end(&mut beginning)?;
    Ok(metadata.is_file() && metadata.nlink() == 1 && beginning == SQLITE_MAGIC)
}

/// Returns the owner of a directory of somebody else.
fn owner_of(path: &Path) -> Option<u32> {
    path.metadata().ok().map(|directory| directory.uid()).filter(|owner| *owner != geteuid().as_raw())
}

fn sign(lock: &mut File) -> io::Result<()> {
    lock.set_len(0)?;
    writeln!(lock, "{}", std::process::id())
}

fn owner(lock: &mut File) -> Option<u32> {
    let mut text = String::new();
    lock.rewind().ok()?;
    lock.take(32).read_to_string(&mut text).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_server_is_told_who_has_the_directory() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("new/data");
        let first = DataDirectory::lock(&path).unwrap();
        let second = DataDirectory::lock(&path).unwrap_err();
        assert!(matches!(&second, LockError::InUse { owner: Some(id), .. } if *id == std::process::id()), "{second}");
        drop(first);
        DataDirectory::lock(&path).unwrap();
    }

    #[test]
    fn a_lock_file_that_leads_elsewhere_is_refused() {
        let parent = tempfile::tempdir().unwrap();
        let target = parent.path().join("target");
        fs::write(&target, "precious").unwrap();
        let soft: fn(&Path, &Path) -> io::Result<()> = |target, link| std::os::unix::fs::symlink(target, link);
        let hard: fn(&Path, &Path) -> io::Result<()> = |target, link| fs::hard_link(target, link);
        for (name, make) in [("soft", soft), ("hard", hard)] {
            let data = parent.path().join(name);
            fs::create_dir(&data).unwrap();
            make(&target, &data.join(LOCK_FILE)).unwrap();
            assert!(matches!(DataDirectory::lock(&data), Err(LockError::Lock { .. })), "{name}");
        }
        assert_eq!(fs::read_to_string(&target).unwrap(), "precious");
    }

    #[test]
    fn a_directory_that_is_given_away_is_closed_to_others() {
        let directory = tempfile::tempdir().unwrap();
        fs::set_permissions(directory.path(), Permissions::from_mode(0o1777)).unwrap();
        let data = DataDirectory::lock(directory.path()).unwrap();
        let own = directory.path().metadata().unwrap();
        data.give_to(own.uid(), own.gid()).unwrap();
        assert_eq!(directory.path().metadata().unwrap().mode() & 0o7777, 0o750);
    }

    #[test]
    fn a_directory_of_others_is_not_taken() {
        let directory = tempfile::tempdir().unwrap();
        fs::create_dir(directory.path().join("lost+found")).unwrap();
        drop(DataDirectory::lock(directory.path()).unwrap());
        fs::write(directory.path().join("note"), "").unwrap();
        drop(DataDirectory::lock(directory.path()).expect("it is a data directory since then"));
        fs::remove_file(directory.path().join(LOCK_FILE)).unwrap();
        let refused = DataDirectory::lock(directory.path());
        assert!(matches!(&refused, Err(LockError::Foreign { entry, .. }) if entry == "note"), "{refused:?}");
        assert!(!directory.path().join(LOCK_FILE).exists());
    }

    #[test]
    fn a_file_is_no_data_directory() {
        let file = tempfile::NamedTempFile::new().unwrap();
        assert!(matches!(DataDirectory::lock(file.path()), Err(LockError::NoDirectory { .. })));
    }
}
