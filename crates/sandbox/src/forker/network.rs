//! The network of a bay: a loopback device, and buffers that are small.
//!
//! What arrives for a connection counts for nobody until the connection is accepted, and on version 1 of cgroups what
//! a datagram socket holds counts for nobody at all. So no socket holds much here; `bay/sockets.rs` limits their number.

use std::os::fd::AsRawFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;

use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::io::Errno;
use rustix::mount::FsMountFlags;
use rustix::mount::FsOpenFlags;
use rustix::mount::MountAttrFlags;
use rustix::net::AddressFamily;
use rustix::net::SocketFlags;
use rustix::net::SocketType;

use crate::step::During;
use crate::step::Step;
use crate::step::StepError;
use crate::step::last_errno;

/// Settings of the network namespace, see Documentation/networking/ip-sysctl.rst and admin-guide/sysctl/net.rst.
const SETTINGS: &[(&str, &str)] = &[
    ("core/somaxconn", "128"),
    // For options and control messages; it was the default for long.
    ("core/optmem_max", "20480"),
    // Least, default, most. The kernel's own most is megabytes, for networks that are slow to answer.
    ("ipv4/tcp_rmem", "4096 16384 32768"),
    ("ipv4/tcp_wmem", "4096 16384 32768"),
    // Connections that are over, and what is remembered of addresses.
    ("ipv4/tcp_max_tw_buckets", "512"),
    ("ipv4/tcp_no_metrics_save", "1"),
    // It connects without connect(2), which is counted.
    ("ipv4/tcp_fastopen", "0"),
];

/// Sets up the network namespaces of bays.
pub(super) struct Network {
    /// A /proc whose `sys/net` can be written.
    proc: OwnedFd,
}

impl Network {
    /// Takes the host's /proc.
    pub(super) fn new(proc: BorrowedFd<'_>) -> Result<Self, StepError> {
        // Container engines make /proc/sys read-only. A mount of one's own is not, but ordinary users may have none.
        let proc = mount_proc().or_else(|_| rustix::io::fcntl_dupfd_cloexec(proc, 3)).during(Step::ReadProc)?;
        Ok(Self { proc })
    }

    /// Sets up the network namespace that the forker is in, which has to be a new one.
    pub(super) fn set_up(&self) -> Result<(), StepError> {
        for (name, value) in SETTINGS {
            match self.set(name, value) {
                // Older kernels have some of them once for all namespaces: hidden in this one, or read-only.
                Ok(()) | Err(Errno::NOENT | Errno::ACCESS | Errno::PERM) => {}
                result => result.during(Step::LimitNetwork)?,
            }
        }
        raise_loopback().during(Step::RaiseLoopback)
    }

    fn set(&self, name: &str, value: &str) -> Result<(), Errno> {
        let path = format!("sys/net/{name}");
        let file = rustix::fs::openat(&self.proc, path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
        rustix::io::write(&file, value.as_bytes()).map(|_| ())
    }
}

/// Mounts a /proc that has no path.
fn mount_proc() -> Result<OwnedFd, Errno> {
    let context = rustix::mount::fsopen("proc", FsOpenFlags::FSOPEN_CLOEXEC)?;
    rustix::mount::fsconfig_create(&context)?;
    rustix::mount::fsmount(&context, FsMountFlags::FSMOUNT_CLOEXEC, MountAttrFlags::empty())
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
