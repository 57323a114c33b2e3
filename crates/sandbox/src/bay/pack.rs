//! Packing what the program made, after everything in the bay but pid 1 is dead.
//!
//! A hostile program has chosen everything that is found here. Nobody changes it any more, so what was looked at stays
//! as it is; every loop ends at a limit, and no link is followed.

use std::mem::MaybeUninit;
use std::os::fd::OwnedFd;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use rustix::fs::FileType;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::fs::RawDir;
use rustix::fs::ResolveFlags;
use rustix::fs::Stat;
use rustix::io::Errno;

use super::files::check_name;
use crate::artefact;
use crate::artefact::ArtefactFault;
use crate::artefact::MAX_BYTES;
use crate::artefact::MAX_ENTRIES;
use crate::artefact::entry::Entry;
use crate::artefact::entry::Kind;

/// How many directories may be inside each other; each takes a part of pid 1's stack and an fd.
const MAX_DEPTH: usize = 32;

/// Room for what the kernel tells of a directory at one time.
const LISTING_BYTES: usize = 4096;

/// Opens whatever it is without following a link or waiting for the other end of a pipe.
const LOOK: OFlags = OFlags::RDONLY.union(OFlags::NOFOLLOW).union(OFlags::NONBLOCK).union(OFlags::CLOEXEC);

/// Why there is nothing to hand over.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum PackError {
    /// What the program made is at fault.
    Fault(ArtefactFault),
    /// The kernel refused something.
    Refused(Errno),
}

impl From<Errno> for PackError {
    fn from(error: Errno) -> Self {
        match error {
            // What openat(2) answers for symbolic links, for sockets, and for devices, which bays cannot use (nodev) but
            // make: a character device 0:0 takes no right since Linux 5.8. Of files none is closed to pid 1.
            Errno::LOOP | Errno::NXIO | Errno::NODEV | Errno::ACCESS => Self::Fault(ArtefactFault::NotRegular),
            error => Self::Refused(error),
        }
    }
}

impl From<ArtefactFault> for PackError {
    fn from(fault: ArtefactFault) -> Self {
        Self::Fault(fault)
    }
}

/// Packs the file or directory `name` below `root` into a sealed file in memory.
pub(super) fn pack(root: &OwnedFd, name: &Path) -> Result<OwnedFd, PackError> {
    check_name(name)?;
    let resolve = ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS;
    let kept = match rustix::fs::openat2(root, name, LOOK, Mode::empty(), resolve) {
        Err(Errno::NOENT | Errno::NOTDIR) => return Err(ArtefactFault::Missing.into()),
        result => result?,
    };
    let mut packer =
        Packer { target: artefact::memory_file()?, bytes: 0, entries: 0, name: name.as_os_str().as_bytes().to_vec() };
    packer.add(&kept, 0)?;
    artefact::seal(&packer.target)?;
    Ok(packer.target)
}

struct Packer {
    target: OwnedFd,
    /// How long `target` is.
    bytes: u64,
    /// How many files and directories it has.
    entries: usize,
    /// Of the file or directory that is being added, relative to the directory of artefacts.
    name: Vec<u8>,
}

impl Packer {
    fn add(&mut self, file: &OwnedFd, depth: usize) -> Result<(), PackError> {
        self.entries += 1;
        if self.entries > MAX_ENTRIES {
            return Err(ArtefactFault::TooMany.into());
        }
        let stat = rustix::fs::fstat(file)?;
        match FileType::from_raw_mode(stat.st_mode) {
            FileType::RegularFile => self.add_file(file, &stat),
            FileType::Directory => self.add_directory(file, depth),
            _ => Err(ArtefactFault::NotRegular.into()),
        }
    }

    fn add_file(&mut self, file: &OwnedFd, stat: &Stat) -> Result<(), PackError> {
        let size = u64::try_from(stat.st_size).map_err(|_| Errno::OVERFLOW)?;
        let executable = Mode::from_raw_mode(stat.st_mode).intersects(Mode::XUSR | Mode::XGRP | Mode::XOTH);
        self.add_head(if executable { Kind::Executable } else { Kind::File }, size)?;
        Ok(artefact::append(&self.target, file, 0, size)?)
    }

    fn add_directory(&mut self, directory: &OwnedFd, depth: usize) -> Result<(), PackError> {
        if depth == MAX_DEPTH {
            return Err(ArtefactFault::TooDeep.into());
        }
        self.add_head(Kind::Directory, 0)?;
        let mut listing = [MaybeUninit::uninit(); LISTING_BYTES];
        let mut entries = RawDir::new(directory, &mut listing);
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = entry.file_name();
            if matches!(name.to_bytes(), b"." | b"..") {
                continue;
            }
            let file = rustix::fs::openat(directory, name, LOOK, Mode::empty())?;
            let length = self.name.len();
            self.name.push(b'/');
            self.name.extend_from_slice(name.to_bytes());
            self.add(&file, depth + 1)?;
            self.name.truncate(length);
        }
        Ok(())
    }

    /// Writes what comes before `size` bytes of contents, if both fit.
    fn add_head(&mut self, kind: Kind, size: u64) -> Result<(), PackError> {
        let head = Entry { kind, name: &self.name, size }.head().ok_or(ArtefactFault::TooDeep)?;
        let length = u64::try_from(head.len()).map_err(|_| Errno::OVERFLOW)?;
        self.bytes = self.bytes.saturating_add(length).saturating_add(size);
        if self.bytes > MAX_BYTES {
            return Err(ArtefactFault::TooLarge.into());
        }
        let mut rest = &*head;
        while !rest.is_empty() {
            let written = rustix::io::write(&self.target, rest)?;
            rest = &rest[written..];
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
