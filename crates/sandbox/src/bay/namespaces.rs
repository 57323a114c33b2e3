//! The bay's own cgroup, network and users.

use std::os::fd::AsRawFd;
use std::os::fd::OwnedFd;

use rustix::fs::Gid;
use rustix::fs::Uid;
use rustix::io::Errno;
use rustix::net::AddressFamily;
use rustix::net::SocketFlags;
use rustix::net::SocketType;
use rustix::process::Signal;
use rustix::thread::UnshareFlags;

use super::first_process::MAPPED;
use super::first_process::hear;
use crate::step::During;
use crate::step::Step;
use crate::step::StepError;
use crate::step::last_errno;

/// Enters the bay's version 1 cgroups, see [`crate::cgroup::Entry`].
pub(super) fn enter_cgroup(tasks: &[OwnedFd]) -> Result<(), StepError> {
    for file in tasks {
        rustix::io::write(file, b"0").during(Step::AttachCgroup)?;
    }
    Ok(())
}

/// Makes the namespaces that the clone did not make, and becomes the bay's root.
pub(super) fn make(reports: &OwnedFd) -> Result<(), StepError> {
    unshare(UnshareFlags::NEWCGROUP | UnshareFlags::NEWNET).during(Step::OwnNamespaces)?;
    raise_loopback().during(Step::RaiseLoopback)?;

    let message = hear(reports).during(Step::AwaitMaps)?;
    if message != MAPPED {
        return Err(StepError::new(Step::AwaitMaps, Errno::PROTO));
    }
    become_root().during(Step::BecomeRoot)?;
    // Now, because a change of the user clears it: a killed forker must not leave bays behind.
    rustix::process::set_parent_process_death_signal(Some(Signal::KILL)).during(Step::BecomeRoot)?;
    rustix::system::sethostname(b"runbay").during(Step::SetHostName)?;
    // The host's NIS domain is copied into a new namespace.
    rustix::system::setdomainname(b"").during(Step::SetHostName)
}

fn unshare(flags: UnshareFlags) -> Result<(), Errno> {
    // SAFETY: this process has one thread and holds nothing that belongs to the namespaces it leaves.
    unsafe { rustix::thread::unshare_unsafe(flags) }
}

/// Sets the loopback device's flag IFF_UP, see netdevice(7); there is no other device.
fn raise_loopback() -> Result<(), Errno> {
    let socket = rustix::net::socket_with(AddressFamily::INET, SocketType::DGRAM, SocketFlags::CLOEXEC, None)?;
    // SAFETY: all bytes zero is a valid ifreq.
    let mut request: libc::ifreq = unsafe { std::mem::zeroed() };
    for (target, byte) in request.ifr_name.iter_mut().zip(b"lo") {
        *target = byte.cast_signed();
    }
    request.ifr_ifru.ifru_flags = i16::try_from(libc::IFF_UP).expect("IFF_UP is 1");
    // SAFETY: SIOCSIFFLAGS reads an ifreq, which the pointer leads to.
    let result = unsafe { libc::ioctl(socket.as_raw_fd(), libc::SIOCSIFFLAGS, &raw const request) };
    if result == 0 { Ok(()) } else { Err(last_errno()) }
}

/// Takes the ids that are mapped: until then the process has those of nobody, and files it makes fail (EOVERFLOW).
fn become_root() -> Result<(), Errno> {
    rustix::thread::set_thread_groups(&[])?;
    rustix::thread::set_thread_res_gid(Gid::ROOT, Gid::ROOT, Gid::ROOT)?;
    rustix::thread::set_thread_res_uid(Uid::ROOT, Uid::ROOT, Uid::ROOT)
}
