//! What a bay needs that does not depend on the request.
//!
//! The forker makes it for the next bay while it has nothing else to do.

use std::os::fd::OwnedFd;

use rustix::fs::Gid;
use rustix::fs::Uid;
use rustix::net::AddressFamily;
use rustix::net::SocketFlags;
use rustix::net::SocketType;
use rustix::pipe::PipeFlags;

use super::ground::Ground;
use super::namespaces;
use crate::bay::Identity;
use crate::cgroup::BayCgroup;
use crate::packet;
use crate::step::During;
use crate::step::Step;
use crate::step::StepError;

/// A place for one bay, and with it the namespaces that the forker is in ([`namespaces::renew`]).
pub(super) struct Prepared {
    /// Which of the users on the host are the bay's.
    pub(super) slot: u32,
    pub(super) cgroup: Option<BayCgroup>,
    /// See [`BayCgroup::entries`].
    pub(super) cgroup_entries: Vec<OwnedFd>,
    /// See [`BayCgroup::cpu_meter`].
    pub(super) meter: Option<OwnedFd>,
    pub(super) connections: Connections,
    /// The forker's end, and that of the bay.
    pub(super) reports: (OwnedFd, OwnedFd),
}

/// Both ends of what connects a bay with the service.
pub(super) struct Connections {
    pub(super) control: (OwnedFd, OwnedFd),
    pub(super) stdin: (OwnedFd, OwnedFd),
    pub(super) stdout: (OwnedFd, OwnedFd),
    pub(super) stderr: (OwnedFd, OwnedFd),
}

impl Prepared {
    /// Prepares a place; `number` has to be a new one each time.
    pub(super) fn make(ground: &Ground, slot: u32, number: u64) -> Result<Self, StepError> {
        namespaces::renew(&ground.network)?;
        let cgroup = match &ground.cgroups {
            None => None,
            Some(cgroups) => Some(cgroups.make_bay(format!("bay.{number}"))?),
        };
        let fds = (|| {
            let connections = Connections::make(ground.identity(slot))?;
            let reports = packet::pair().during(Step::MakePipes)?;
            let cgroup = cgroup.as_ref();
            let entries = cgroup.map(BayCgroup::entries).transpose().during(Step::MakeCgroup)?;
            let meter = cgroup.map(BayCgroup::cpu_meter).transpose().during(Step::MakeCgroup)?;
            Ok((connections, reports, entries.unwrap_or_default(), meter))
        })();
        match fds {
            Ok((connections, reports, cgroup_entries, meter)) => {
                Ok(Self { slot, cgroup, cgroup_entries, meter, connections, reports })
            }
            Err(error) => {
                remove(ground, cgroup.as_ref());
                Err(error)
            }
        }
    }

    /// Removes what was prepared and not used.
    pub(super) fn discard(self, ground: &Ground) {
        remove(ground, self.cgroup.as_ref());
    }
}

/// Removes a cgroup without processes. If that fails, the next forker does it.
fn remove(ground: &Ground, cgroup: Option<&BayCgroup>) {
    if let (Some(cgroups), Some(cgroup)) = (&ground.cgroups, cgroup) {
        _ = cgroups.remove_bay(cgroup);
    }
}

impl Connections {
    /// Makes them so that only the ends that are passed on survive an exec.
    fn make(identity: Identity) -> Result<Self, StepError> {
        let pipe = || rustix::pipe::pipe_with(PipeFlags::CLOEXEC).during(Step::MakePipes);
        let connections = Self {
            control: rustix::net::socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
                .during(Step::MakePipes)?,
            stdin: pipe()?,
            stdout: pipe()?,
            stderr: pipe()?,
        };
        if let Identity::Pair { program, .. } = identity {
            // Else a program could not open /dev/stdout, which leads to its pipe through /proc.
            for (end, _) in [&connections.stdin, &connections.stdout, &connections.stderr] {
                let owner = (Uid::from_raw(program), Gid::from_raw(program));
                rustix::fs::fchown(end, Some(owner.0), Some(owner.1)).during(Step::OwnPipes)?;
            }
        }
        Ok(connections)
    }
}
