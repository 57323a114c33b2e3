//! What the bays of a forker left in the memory of the kernel.
//!
//! A page of a file counts for the group that was the first to read it, and the kernel keeps a removed group as long as
//! it has a page. Names that a bay looked for below /usr, found or not, count for the forker's group from then on.
//! Usually that is little and good: the next bay finds the pages in memory.

use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::io::Errno;

use super::files;

/// How many removed groups are left to the kernel, each of some tens of kilobytes.
const MOST_GROUPS: u64 = 256;

/// How much memory of names and the like is left to it.
const MOST_BYTES: u64 = 64 * 1024 * 1024;

/// The place where a version 1 kernel counts its groups.
const GROUPS: &str = "/proc/cgroups";

/// Counts what is left.
pub(super) enum Remains {
    V1 {
        /// [`GROUPS`], opened before the host's files became unreachable.
        groups: OwnedFd,
        /// How many the host had at the start.
        foreign: u64,
    },
    V2,
}

impl Remains {
    pub(super) fn v1() -> Result<Self, Errno> {
        let groups = rustix::fs::open(Path::new(GROUPS), OFlags::RDONLY | OFlags::CLOEXEC, Mode::empty())?;
        let foreign = memory_groups(&groups)?;
        Ok(Self::V1 { groups, foreign })
    }

    /// Returns whether so much is left that bays have to take along what is theirs. `memory` is the forker's directory.
    pub(super) fn are_too_many(&self, memory: &OwnedFd) -> bool {
        let read = |name| files::read(memory, name).ok();
        let (groups, bytes) = match self {
            Self::V1 { groups, foreign } => {
                // Each directory has a link for each one in it, besides two of its own.
                let alive = rustix::fs::fstat(memory).map_or(0, |status| status.st_nlink.saturating_sub(2));
                let all = memory_groups(groups).unwrap_or(0);
                (
                    all.saturating_sub(foreign + alive),
                    read("memory.kmem.usage_in_bytes").and_then(|text| files::number(&text)),
                )
            }
            Self::V2 => (
                read("cgroup.stat").and_then(|text| files::keyed_number(&text, "nr_dying_descendants")).unwrap_or(0),
                read("memory.stat").and_then(|text| files::keyed_number(&text, "slab_reclaimable")),
            ),
        };
        groups > MOST_GROUPS || bytes.is_some_and(|bytes| bytes > MOST_BYTES)
    }
}

/// Makes the kernel forget what counts for a version 1 group without processes and can be read again.
pub(super) fn forget_v1(memory: &OwnedFd) -> Result<(), Errno> {
    files::write(memory, "memory.force_empty", "0")
}

/// Does so in version 2, since Linux 5.19.
pub(super) fn forget_v2(group: &OwnedFd) -> Result<(), Errno> {
    let bytes = files::read(group, "memory.current")?;
    files::write(group, "memory.reclaim", bytes.trim())
}

/// Reads how many memory groups the host has, removed ones included.
fn memory_groups(groups: &OwnedFd) -> Result<u64, Errno> {
    let mut text = [0; 4096];
    let count = rustix::io::pread(groups, &mut text, 0)?;
    parse_memory_groups(&String::from_utf8_lossy(&text[..count])).ok_or(Errno::INVAL)
}

/// Finds the third field of the line of a controller, see cgroups(7).
fn parse_memory_groups(text: &str) -> Option<u64> {
    let line = text.lines().find(|line| line.split_whitespace().next() == Some("memory"))?;
    line.split_whitespace().nth(2)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_memory_groups_of_the_host_are_counted() {
        let text = "#subsys_name\thierarchy\tnum_cgroups\tenabled\ncpu\t1\t7\t1\nmemory\t4\t49\t1\n";
        assert_eq!(parse_memory_groups(text), Some(49));
        assert_eq!(parse_memory_groups("cpu\t1\t7\t1\n"), None);
    }

    #[test]
    fn too_many_groups_or_bytes_are_too_many() {
        let root = tempfile::tempdir().unwrap();
        let memory = fs::File::open(root.path()).unwrap().into();
        let are_too_many = |groups: u64, bytes: u64| {
            fs::write(root.path().join("cgroup.stat"), format!("nr_descendants 3\nnr_dying_descendants {groups}\n"))
                .unwrap();
            fs::write(root.path().join("memory.stat"), format!("anon 1\nslab_reclaimable {bytes}\n")).unwrap();
            Remains::V2.are_too_many(&memory)
        };
        assert!(!are_too_many(MOST_GROUPS, MOST_BYTES));
        assert!(are_too_many(MOST_GROUPS + 1, 0));
        assert!(are_too_many(0, MOST_BYTES + 1));
    }
}
