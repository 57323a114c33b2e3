//! What a bay adds to the root file system that all bays share.

use std::ffi::CString;

use rustix::fs::AtFlags;
use rustix::fs::CWD;
use rustix::fs::Gid;
use rustix::fs::Mode;
use rustix::fs::Uid;
use rustix::io::Errno;
use rustix::mount::MountFlags;

use super::PROGRAM_ID;
use super::terminal;
use crate::artefact::ARTEFACT_DIRECTORY;
use crate::policy::MASKED_PROC_DIRECTORIES;
use crate::policy::MASKED_PROC_FILES;
use crate::step::During;
use crate::step::Step;
use crate::step::StepError;
use crate::wire::BayLimits;

/// The directories of the bay's own file system and where the program sees them.
///
/// One file system for all of them, so that one limit holds for their sum. It is mounted where only root can look.
const WRITABLE: &[(&str, &str, u32)] = &[
    ("/mnt/box", "/box", 0o755),
    ("/mnt/artefact", ARTEFACT_DIRECTORY, 0o755),
    ("/mnt/tmp", "/tmp", 0o1777),
    ("/mnt/shm", "/dev/shm", 0o1777),
];

/// Mounts /proc, the terminal's devices and the writable directories, and enters /box.
pub(super) fn make(limits: &BayLimits) -> Result<(), StepError> {
    mount_proc()?;
    // What it is made of is covered by the next mount.
    if limits.terminal {
        terminal::mount().during(Step::MountTerminal)?;
    }
    mount_files(limits).during(Step::MountFiles)?;
    for (source, target, mode) in WRITABLE {
        bind_directory(source, target, *mode).during(Step::BindFiles)?;
    }
    rustix::process::chdir("/box").during(Step::EnterBox)
}

/// Mounts the bay's own /proc over the host's.
///
/// `hidepid=invisible` hides pid 1 from the program; read-only takes /proc/sys and the like away from it.
fn mount_proc() -> Result<(), StepError> {
    let flags = MountFlags::NOSUID | MountFlags::NODEV | MountFlags::NOEXEC | MountFlags::RDONLY;
    rustix::mount::mount("proc", "/proc", "proc", flags, c"hidepid=2").during(Step::MountProc)?;
    let files = MASKED_PROC_FILES.iter().map(|name| (*name, "/dev/null"));
    // An empty directory of the read-only root.
    let directories = MASKED_PROC_DIRECTORIES.iter().map(|name| (*name, "/var"));
    for (name, cover) in files.chain(directories) {
        match rustix::mount::mount_bind(cover, name) {
            // Not every kernel has every file.
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(StepError::new(Step::MaskProc, error)),
        }
    }
    Ok(())
}

fn mount_files(limits: &BayLimits) -> Result<(), Errno> {
    // To a tmpfs, 0 means no limit (tmpfs(5)).
    if limits.disk_bytes == 0 || limits.inodes == 0 {
        return Err(Errno::INVAL);
    }
    let options = format!("size={},nr_inodes={},mode=0700", limits.disk_bytes, limits.inodes);
    let options = CString::new(options).map_err(|_| Errno::INVAL)?;
    rustix::mount::mount("tmpfs", "/mnt", "tmpfs", MountFlags::NOSUID | MountFlags::NODEV, &*options)
}

fn bind_directory(source: &str, target: &str, mode: u32) -> Result<(), Errno> {
    rustix::fs::mkdir(source, Mode::from_raw_mode(0o700))?;
    let owner = (Uid::from_raw(PROGRAM_ID), Gid::from_raw(PROGRAM_ID));
    rustix::fs::chownat(CWD, source, Some(owner.0), Some(owner.1), AtFlags::SYMLINK_NOFOLLOW)?;
    rustix::fs::chmod(source, Mode::from_raw_mode(mode))?;
    rustix::mount::mount_bind(source, target)
}
