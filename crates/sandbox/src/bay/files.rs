//! Making files in /box and where artefacts are, before any program has run in the bay.
//!
//! That is why paths can be used here as they are: nobody has made a link yet.

use std::os::fd::AsFd;
use std::os::fd::OwnedFd;
use std::path::Component;
use std::path::Path;

use rustix::fs::Gid;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::fs::Uid;
use rustix::io::Errno;

use super::PROGRAM_ID;
use super::job::File;
use crate::artefact::ARTEFACT_DIRECTORY;

/// The permissions of directories and of files that can be executed.
const ALL_MAY_EXECUTE: Mode = Mode::from_raw_mode(0o755);

const ALL_MAY_READ: Mode = Mode::from_raw_mode(0o644);

/// Whether a file can be executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum FileMode {
    Plain,
    Executable,
}

/// Opens /box, where the files of the program are.
pub(super) fn open_box() -> Result<OwnedFd, Errno> {
    open_directory("/box")
}

/// Opens the directory of artefacts.
pub(super) fn open_artefacts() -> Result<OwnedFd, Errno> {
    open_directory(ARTEFACT_DIRECTORY)
}

fn open_directory(path: &str) -> Result<OwnedFd, Errno> {
    rustix::fs::open(path, OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC, Mode::empty())
}

/// Writes files and the directories they need; all of them belong to the program.
pub(super) fn write(root: &OwnedFd, files: &[File]) -> Result<(), Errno> {
    for file in files {
        let target = make_file(root, &file.name, FileMode::Plain)?;
        let mut rest = &*file.content;
        while !rest.is_empty() {
            let written = rustix::io::write(&target, rest)?;
            rest = &rest[written..];
        }
    }
    Ok(())
}

/// Makes the directories above `name`.
pub(super) fn prepare(root: &OwnedFd, name: &Path) -> Result<(), Errno> {
    check_name(name)?;
    for directory in name.ancestors().skip(1).collect::<Vec<_>>().into_iter().rev() {
        if directory.as_os_str().is_empty() {
            continue;
        }
        match make_one_directory(root, directory) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Makes an empty file that belongs to the program, and the directories above it; fails if there is one already.
pub(super) fn make_file(root: &OwnedFd, name: &Path, mode: FileMode) -> Result<OwnedFd, Errno> {
    prepare(root, name)?;
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let mode = match mode {
        FileMode::Plain => ALL_MAY_READ,
        FileMode::Executable => ALL_MAY_EXECUTE,
    };
    let file = rustix::fs::openat(root, name, flags, mode)?;
    own(&file)?;
    Ok(file)
}

/// Makes a directory that belongs to the program, and those above it; fails if there is one already.
pub(super) fn make_directory(root: &OwnedFd, name: &Path) -> Result<(), Errno> {
    prepare(root, name)?;
    make_one_directory(root, name)
}

fn make_one_directory(root: &OwnedFd, name: &Path) -> Result<(), Errno> {
    rustix::fs::mkdirat(root, name, ALL_MAY_EXECUTE)?;
    own(rustix::fs::openat(root, name, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?)
}

/// Accepts names below the opened directory only; what people may call their files is decided long before.
pub(super) fn check_name(name: &Path) -> Result<(), Errno> {
    let plain = name.components().all(|component| matches!(component, Component::Normal(_)));
    if plain && !name.as_os_str().is_empty() { Ok(()) } else { Err(Errno::INVAL) }
}

fn own(file: impl AsFd) -> Result<(), Errno> {
    rustix::fs::fchown(file, Some(Uid::from_raw(PROGRAM_ID)), Some(Gid::from_raw(PROGRAM_ID)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stay_below_the_directory() {
        for name in ["main.py", "a/b/c.txt", "..main", "a b\nc"] {
            assert_eq!(check_name(Path::new(name)), Ok(()), "{name:?}");
        }
        for name in ["", "/etc/passwd", "../x", "a/../../x", "."] {
            assert_eq!(check_name(Path::new(name)), Err(Errno::INVAL), "{name:?}");
        }
    }
}
