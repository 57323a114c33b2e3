//! Writing input files to /box before any program has run in the bay.

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
use crate::step::During;
use crate::step::Step;
use crate::step::StepError;

/// Writes files and the directories they need; all of them belong to the program.
pub(super) fn write(files: &[File]) -> Result<(), StepError> {
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = rustix::fs::open("/box", flags, Mode::empty()).during(Step::WriteFile)?;
    files.iter().try_for_each(|file| write_file(&root, file)).during(Step::WriteFile)
}

fn write_file(root: &OwnedFd, file: &File) -> Result<(), Errno> {
    check_name(&file.name)?;
    for directory in file.name.ancestors().skip(1).collect::<Vec<_>>().into_iter().rev() {
        if directory.as_os_str().is_empty() {
            continue;
        }
        match rustix::fs::mkdirat(root, directory, Mode::from_raw_mode(0o755)) {
            Ok(()) => own(rustix::fs::openat(root, directory, OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?)?,
            Err(Errno::EXIST) => {}
            Err(error) => return Err(error),
        }
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
    let target = rustix::fs::openat(root, &file.name, flags, Mode::from_raw_mode(0o644))?;
    let mut rest = &*file.content;
    while !rest.is_empty() {
        let written = rustix::io::write(&target, rest)?;
        rest = &rest[written..];
    }
    own(target)
}

/// Accepts names below /box only; what people may call their files is decided long before.
fn check_name(name: &Path) -> Result<(), Errno> {
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
    fn names_stay_below_the_box() {
        for name in ["main.py", "a/b/c.txt", "..main", "a b\nc"] {
            assert_eq!(check_name(Path::new(name)), Ok(()), "{name:?}");
        }
        for name in ["", "/etc/passwd", "../x", "a/../../x", "."] {
            assert_eq!(check_name(Path::new(name)), Err(Errno::INVAL), "{name:?}");
        }
    }
}
