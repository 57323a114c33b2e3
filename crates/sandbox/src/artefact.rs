//! What one bay hands over for others: a sealed file in memory.
//!
//! Pid 1 of the bay packs it ([`crate::bay`]); its memory is the bay's. The service copies it into memory of its own, so
//! that it outlives the bay, and passes that to pid 1 of other bays, which unpack it. The service never looks inside.

pub(crate) mod entry;
mod room;

use std::io;
use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::fs::MemfdFlags;
use rustix::fs::SealFlags;
use rustix::io::Errno;
use serde::Deserialize;
use serde::Serialize;

pub(crate) use room::ArtefactRoom;
use room::Place;

/// Where artefacts are made, and where they are found, in every bay.
///
/// It is no part of `/box`, so that programs which look around there find their own files only.
pub const ARTEFACT_DIRECTORY: &str = "/opt/artefact";

/// The largest artefact with all names, in bytes.
pub(crate) const MAX_BYTES: u64 = 128 * 1024 * 1024;

/// The most files and directories in one.
pub(crate) const MAX_ENTRIES: usize = 4096;

/// What nobody can do any more to a finished artefact: change it, or take a seal away.
const SEALS: SealFlags = SealFlags::WRITE.union(SealFlags::SHRINK).union(SealFlags::GROW).union(SealFlags::SEAL);

/// Files that one bay handed over, for others: names, contents and whether they can be executed.
///
/// It is memory that nobody can change any more, and takes one fd. A clone is the same artefact, and costs nothing.
#[derive(Debug, Clone)]
pub struct Artefact {
    memory: Arc<Memory>,
    bytes: u64,
}

#[derive(Debug)]
struct Memory {
    file: OwnedFd,
    /// Given back after the file is closed.
    _place: Place,
}

/// Why a program that ended well handed nothing over.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
pub enum ArtefactFault {
    /// There is nothing of that name.
    #[error("the program did not make the file that was expected of it")]
    Missing,
    /// It is or holds a link, a pipe or the like.
    #[error("the program made something that is neither a file nor a directory")]
    NotRegular,
    /// It is larger than 128 MiB.
    #[error("what the program made is larger than {} MiB", MAX_BYTES / 1024 / 1024)]
    TooLarge,
    /// It has more than 4096 files and directories.
    #[error("the program made more than {MAX_ENTRIES} files and directories")]
    TooMany,
    /// Its directories are nested too deeply, or their names are too long together.
    #[error("the program made directories that are nested too deeply")]
    TooDeep,
}

impl Artefact {
    /// Returns how much memory it takes, in bytes.
    #[must_use]
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Copies what a bay handed over, whatever it may be, into memory of this process, once there is room.
    ///
    /// CANCEL: the copy is finished on its own thread, and dropped.
    pub(crate) async fn copy(packed: OwnedFd, room: &ArtefactRoom) -> io::Result<Self> {
        // The fd comes out of a bay. Only files in memory have these seals; such a file keeps its size, and is read
        // without waiting for anybody.
        let bytes = sealed_bytes(&packed)?;
        let place = room.take(bytes).await.map_err(|error| io::Error::new(io::ErrorKind::TimedOut, error))?;
        tokio::task::spawn_blocking(move || Ok(Self::copy_now(&packed, bytes, place)?)).await?
    }

    fn copy_now(packed: &OwnedFd, bytes: u64, place: Place) -> Result<Self, Errno> {
        let own = memory_file()?;
        append(&own, packed, 0, bytes)?;
        seal(&own)?;
        Ok(Self { memory: Arc::new(Memory { file: own, _place: place }), bytes })
    }

    /// Takes an fd that has been received for an artefact.
    pub(crate) fn received(file: OwnedFd) -> Result<Self, Errno> {
        let bytes = sealed_bytes(&file)?;
        Ok(Self { memory: Arc::new(Memory { file, _place: Place::uncounted() }), bytes })
    }
}

impl AsFd for Artefact {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.memory.file.as_fd()
    }
}

/// Artefacts are equal if they are the same one.
impl PartialEq for Artefact {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.memory, &other.memory)
    }
}

impl Eq for Artefact {}

/// Returns the size of a sealed file, and an error for any other.
fn sealed_bytes(file: &OwnedFd) -> Result<u64, Errno> {
    if !rustix::fs::fcntl_get_seals(file)?.contains(SEALS) {
        return Err(Errno::INVAL);
    }
    let bytes = u64::try_from(rustix::fs::fstat(file)?.st_size).map_err(|_| Errno::INVAL)?;
    if bytes > MAX_BYTES { Err(Errno::FBIG) } else { Ok(bytes) }
}

/// Makes an empty file in memory, which is charged to the calling process.
pub(crate) fn memory_file() -> Result<OwnedFd, Errno> {
    rustix::fs::memfd_create("artefact", MemfdFlags::CLOEXEC | MemfdFlags::ALLOW_SEALING)
}

/// Finishes a file of [`memory_file`] for ever.
pub(crate) fn seal(file: &OwnedFd) -> Result<(), Errno> {
    rustix::fs::fcntl_add_seals(file, SEALS)
}

/// Writes `count` bytes of `source`, from `offset` on, to `target`.
///
/// The position of `source` stays as it is: all who were passed an artefact share one.
pub(crate) fn append(target: &OwnedFd, source: impl AsFd, offset: u64, count: u64) -> Result<(), Errno> {
    let mut position = offset;
    while position < offset + count {
        let left = usize::try_from(offset + count - position).unwrap_or(usize::MAX);
        if rustix::fs::sendfile(target, &source, Some(&mut position), left)? == 0 {
            // It is shorter than it was said to be.
            return Err(Errno::IO);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
