//! Unpacking what an earlier bay handed over.
//!
//! Pid 1 of that bay packed it. Should a program have taken pid 1 over, then this is what it could hand to others, so
//! nothing of it is trusted.

use std::ffi::OsStr;
use std::os::fd::AsFd;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::io::Errno;

use super::files;
use super::files::FileMode;
use crate::artefact;
use crate::artefact::Artefact;
use crate::artefact::MAX_ENTRIES;
use crate::artefact::entry::Entry;
use crate::artefact::entry::Kind;
use crate::artefact::entry::LONGEST_HEAD;

/// Makes the files of `artefact` below `root`; fails with `INVAL` if it is not what [`super::pack::pack`] makes.
pub(super) fn unpack(root: &OwnedFd, artefact: &Artefact) -> Result<(), Errno> {
    let mut buffer = [0; LONGEST_HEAD];
    let mut position = 0;
    for _ in 0..MAX_ENTRIES {
        if position == artefact.bytes() {
            return Ok(());
        }
        let count = rustix::io::pread(artefact.as_fd(), &mut buffer, position)?;
        let (entry, head) = Entry::parse(&buffer[..count]).ok_or(Errno::INVAL)?;
        let contents = position + u64::try_from(head).map_err(|_| Errno::INVAL)?;
        let end = contents.checked_add(entry.size).filter(|end| *end <= artefact.bytes()).ok_or(Errno::INVAL)?;
        let name = Path::new(OsStr::from_bytes(entry.name));
        let mode = match entry.kind {
            Kind::Directory if entry.size > 0 => return Err(Errno::INVAL),
            Kind::Directory => {
                files::make_directory(root, name)?;
                position = contents;
                continue;
            }
            Kind::File => FileMode::Plain,
            Kind::Executable => FileMode::Executable,
        };
        let file = files::make_file(root, name, mode)?;
        artefact::append(&file, artefact, contents, entry.size)?;
        position = end;
    }
    if position == artefact.bytes() { Ok(()) } else { Err(Errno::INVAL) }
}

#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod tests;
