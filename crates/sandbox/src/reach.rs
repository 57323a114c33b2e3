//! Letting a process that gives up the rights of root keep a directory that only root can reach.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::path::PathBuf;

use rustix::mount::MountPropagationFlags;
use rustix::thread::UnshareFlags;

use crate::privileges::Account;

/// Directories that a service does not need, one of which every host has.
const COVERS: &[&str] = &["/mnt", "/srv", "/media"];

/// A directory that cannot be made reachable.
#[derive(Debug, thiserror::Error)]
pub enum ReachError {
    /// A part of its path cannot be looked at.
    #[error("failed to look at {}", .0.display())]
    Look(PathBuf, #[source] io::Error),
    /// There is no place to mount it on.
    #[error("none of /mnt, /srv and /media exists")]
    NoCover,
    /// It could not be mounted elsewhere.
    #[error("failed to mount {} where an ordinary user can reach it", .0.display())]
    Mount(PathBuf, #[source] io::Error),
}

/// Returns a path by which `account` can reach `directory`, whose own permissions are left alone.
///
/// If a directory above it is closed to the account (one below /root, say), it is mounted on a second place that only
/// this process sees. To be called as root, before other threads exist.
///
/// # Errors
///
/// [`ReachError`] when that is not possible.
pub fn make_reachable(directory: &Path, account: Account) -> Result<PathBuf, ReachError> {
    let look = |error| ReachError::Look(directory.to_owned(), error);
    let directory = directory.canonicalize().map_err(look)?;
    for above in directory.ancestors().skip(1) {
        let metadata = above.metadata().map_err(|error| ReachError::Look(above.to_owned(), error))?;
        if !may_search(metadata.mode(), metadata.uid(), metadata.gid(), account) {
            let cover = COVERS.iter().map(Path::new).find(|cover| cover.is_dir()).ok_or(ReachError::NoCover)?;
            return mount_on(&directory, cover).map_err(|error| ReachError::Mount(directory.clone(), error));
        }
    }
    Ok(directory)
}

/// Returns whether the permission bits let `account` pass through a directory (path_resolution(7)).
fn may_search(mode: u32, uid: u32, gid: u32, account: Account) -> bool {
    let bit = if uid == account.uid {
        0o100
    } else if gid == account.gid {
        0o010
    } else {
        0o001
    };
    mode & bit != 0
}

fn mount_on(directory: &Path, cover: &Path) -> io::Result<PathBuf> {
    // SAFETY: this process has one thread and holds nothing that depends on its mount namespace.
    unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWNS)? };
    // The host's later mounts are seen here, but not the other way round.
    rustix::mount::mount_change("/", MountPropagationFlags::REC | MountPropagationFlags::DOWNSTREAM)?;
    rustix::mount::mount_bind(directory, cover)?;
    Ok(cover.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_class_that_fits_decides() {
        let account = Account { uid: 5, gid: 6 };
        assert!(may_search(0o755, 0, 0, account));
        assert!(!may_search(0o700, 0, 0, account));
        assert!(may_search(0o710, 0, 6, account));
        assert!(!may_search(0o701, 0, 6, account), "the group's bits count, not those of others");
        assert!(may_search(0o100, 5, 0, account));
    }

    #[test]
    fn a_directory_that_all_can_reach_stays_where_it_is() {
        let account = Account { uid: 5, gid: 6 };
        assert_eq!(make_reachable(Path::new("/usr/lib"), account).unwrap(), Path::new("/usr/lib"));
    }
}
