//! The bay's own cgroup and users.

use std::os::fd::OwnedFd;

use rustix::fs::Gid;
use rustix::fs::Uid;
use rustix::io::Errno;
use rustix::process::Signal;
use rustix::thread::UnshareFlags;

use super::identity::Identity;
use super::inheritance::MAPPED;
use super::inheritance::hear;
use crate::step::During;
use crate::step::Step;
use crate::step::StepError;

/// Enters the bay's version 1 cgroups, see [`crate::cgroup::BayCgroup::entries`].
pub(super) fn enter_cgroup(tasks: &[OwnedFd]) -> Result<(), StepError> {
    for file in tasks {
        rustix::io::write(file, b"0").during(Step::AttachCgroup)?;
    }
    Ok(())
}

/// Makes the one namespace that the bay could not be given, and becomes the bay's root.
pub(super) fn make(reports: &OwnedFd, identity: Identity) -> Result<(), StepError> {
    make_cgroup_namespace().during(Step::CgroupNamespace)?;
    let message = hear(reports).during(Step::AwaitMaps)?;
    if message != MAPPED {
        return Err(StepError::new(Step::AwaitMaps, Errno::PROTO));
    }
    if let Identity::Pair { .. } = identity {
        become_root().during(Step::BecomeRoot)?;
    }
    // Now, because a change of the user clears it: a killed forker must not leave bays behind.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).during(Step::BecomeRoot)
}

/// Makes the cgroups that the bay is in the root of all that it sees.
fn make_cgroup_namespace() -> Result<(), Errno> {
    // SAFETY: this process has one thread and holds nothing that belongs to the namespace it leaves.
    unsafe { rustix::thread::unshare_unsafe(UnshareFlags::NEWCGROUP) }
}

/// Takes the ids that are mapped: until then the process has those of nobody, and files it makes fail (EOVERFLOW).
fn become_root() -> Result<(), Errno> {
    rustix::thread::set_thread_groups(&[])?;
    rustix::thread::set_thread_res_gid(Gid::ROOT, Gid::ROOT, Gid::ROOT)?;
    rustix::thread::set_thread_res_uid(Uid::ROOT, Uid::ROOT, Uid::ROOT)
}
