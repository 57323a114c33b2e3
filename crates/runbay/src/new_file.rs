//! A file that is there as a whole or not at all.

use std::ffi::OsString;
use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::Path;
use std::path::PathBuf;

use rustix::fs::AtFlags;
use rustix::fs::CWD;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::fs::RenameFlags;
use rustix::fs::linkat;
use rustix::fs::openat;
use rustix::fs::renameat_with;
use rustix::fs::unlinkat;
use rustix::io::Errno;

/// A new file could not be made.
#[derive(Debug, thiserror::Error)]
#[error("cannot make {}", .0.display())]
pub(crate) struct NotMade(pub(crate) PathBuf);

/// A new file without a name, which only its owner may read. It is gone unless it is given its name.
#[derive(Debug)]
pub(crate) struct NewFile {
    /// Held, so that the name is given in the same directory whatever is mounted meanwhile.
    directory: File,
    name: OsString,
    /// A name for the time being, on file systems that have no files without one.
    temporary: Option<OsString>,
    pub(crate) file: File,
}

impl NewFile {
    /// Makes the file that is to be at `path`, where there must be nothing yet.
    pub(crate) fn create(path: &Path) -> io::Result<Self> {
        let name = path.file_name().ok_or_else(|| io::Error::other("it has no name for a file"))?.to_owned();
        let parent = path.parent().filter(|parent| *parent != Path::new("")).unwrap_or(Path::new("."));
        let directory = File::open(parent)?;
        if path.symlink_metadata().is_ok() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let mode = Mode::RUSR | Mode::WUSR;
        let unnamed = openat(&directory, ".", OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC, mode);
        let (file, temporary) = match unnamed {
            Ok(file) => (file, None),
            Err(Errno::OPNOTSUPP | Errno::ISDIR | Errno::NOENT) => {
                let temporary = OsString::from(format!(".runbay-{}.part", std::process::id()));
                unlinkat(&directory, &temporary, AtFlags::empty()).ok();
                let flags = OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::RDWR | OFlags::CLOEXEC;
                (openat(&directory, &temporary, flags, mode)?, Some(temporary))
            }
            Err(error) => return Err(error.into()),
        };
        Ok(Self { directory, name, temporary, file: file.into() })
    }

    /// Gives the file its name, for good.
    pub(crate) fn publish(mut self) -> io::Result<()> {
        self.file.sync_all()?;
        match self.temporary.take() {
            None => {
                let unnamed = format!("/proc/self/fd/{}", self.file.as_raw_fd());
                linkat(CWD, unnamed, &self.directory, &self.name, AtFlags::SYMLINK_FOLLOW)?;
            }
            Some(temporary) => {
                renameat_with(&self.directory, temporary, &self.directory, &self.name, RenameFlags::NOREPLACE)?;
            }
        }
        self.directory.sync_all()
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        if let Some(temporary) = &self.temporary {
            unlinkat(&self.directory, temporary, AtFlags::empty()).ok();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    #[test]
    fn a_file_has_its_name_only_when_it_is_whole() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("file:odd name");
        let mut new = NewFile::create(&path).unwrap();
        new.file.write_all(b"all of it").unwrap();
        assert_eq!(directory.path().read_dir().unwrap().count(), 0);
        new.publish().unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"all of it");
        assert_eq!(NewFile::create(&path).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
    }

    #[test]
    fn what_comes_between_is_not_overwritten() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("copy.db");
        let new = NewFile::create(&path).unwrap();
        std::fs::write(&path, "precious").unwrap();
        assert_eq!(new.publish().unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&path).unwrap(), b"precious");
        assert_eq!(directory.path().read_dir().unwrap().count(), 1);
    }
}
