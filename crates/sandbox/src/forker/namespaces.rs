//! The namespaces that the next bay inherits.
//!
//! The network namespace is the most expensive part of a bay (0.4 ms). So the forker, which uses no network itself,
//! moves into a new one ahead of time, and the next clone stays in it. The same goes for the two cheap ones that need
//! no user namespace. They belong to the host's user namespace: not even pid 1 of the bay has a right in them.

use rustix::io::Errno;
use rustix::thread::UnshareFlags;

use super::etc::HOST_NAME;
use super::network::Network;
use crate::step::During;
use crate::step::Step;
use crate::step::StepError;

/// Moves the forker into new network, IPC and UTS namespaces, and leaves the old ones to whoever is in them.
pub(super) fn renew(network: &Network) -> Result<(), StepError> {
    unshare(UnshareFlags::NEWNET | UnshareFlags::NEWIPC | UnshareFlags::NEWUTS).during(Step::NewNamespaces)?;
    network.set_up()
}

/// Sets the names of the host that bays see; each new UTS namespace is a copy of the one before.
pub(super) fn set_names() -> Result<(), StepError> {
    unshare(UnshareFlags::NEWUTS).during(Step::NewNamespaces)?;
    rustix::system::sethostname(HOST_NAME.as_bytes()).during(Step::SetHostName)?;
    // The NIS domain.
    rustix::system::setdomainname(b"").during(Step::SetHostName)
}

/// Makes the user who started this the root of a user namespace, which is all that building bays takes.
///
/// It has one user, so bays cannot have different ones (user_namespaces(7)).
pub(super) fn become_root_of_own() -> Result<(), StepError> {
    let (uid, gid) = (rustix::process::geteuid().as_raw(), rustix::process::getegid().as_raw());
    unshare(UnshareFlags::NEWUSER).during(Step::UserNamespace)?;
    for (name, text) in [
        // Without it a process could give up a group that denies it something.
        ("setgroups", "deny".to_owned()),
        ("uid_map", format!("0 {uid} 1")),
        ("gid_map", format!("0 {gid} 1")),
    ] {
        std::fs::write(format!("/proc/self/{name}"), text).during(Step::UserNamespace)?;
    }
    Ok(())
}

fn unshare(flags: UnshareFlags) -> Result<(), Errno> {
    // SAFETY: the forker has one thread and holds nothing that belongs to the namespaces it leaves.
    unsafe { rustix::thread::unshare_unsafe(flags) }
}
