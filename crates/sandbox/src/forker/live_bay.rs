//! One bay as the forker sees it.

use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;
use std::time::Instant;

use rustix::event::PollFd;
use rustix::event::PollFlags;
use rustix::event::Timespec;
use rustix::fs::Gid;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::fs::Uid;
use rustix::io::Errno;
use rustix::net::AddressFamily;
use rustix::net::SocketFlags;
use rustix::net::SocketType;
use rustix::pipe::PipeFlags;
use rustix::process::Signal;
use rustix::process::WaitId;
use rustix::process::WaitIdOptions;

use super::Ground;
use super::clone::FirstProcess;
use super::clone::Side;
use super::clone::clone_first_process;
use crate::bay;
use crate::bay::PROGRAM_ID;
use crate::cgroup::BayCgroup;
use crate::cgroup::CgroupLimits;
use crate::cgroup::Entry;
use crate::packet;
use crate::step::During;
use crate::step::Step;
use crate::step::StepError;
use crate::wire::BayLimits;
use crate::wire::BayReport;
use crate::wire::ProgramEnd;
use crate::wire::Usage;
use crate::wire::decode;

/// A bay from its clone until its cgroup is removed.
pub(super) struct LiveBay {
    slot: u32,
    pidfd: OwnedFd,
    reports: OwnedFd,
    cgroup: Option<BayCgroup>,
    out_of_memory: bool,
    end_told: bool,
}

/// Both ends of what connects a bay with the service.
struct Connections {
    control: (OwnedFd, OwnedFd),
    stdin: (OwnedFd, OwnedFd),
    stdout: (OwnedFd, OwnedFd),
    stderr: (OwnedFd, OwnedFd),
}

impl LiveBay {
    /// Makes a bay in a cgroup of its own; returns with it the fds for the service, see [`crate::wire::BAY_FDS`].
    ///
    /// The bay goes on building itself while the service is told.
    pub(super) fn make(
        ground: &Ground,
        cgroup: Option<BayCgroup>,
        slot: u32,
        limits: &BayLimits,
    ) -> Result<(Self, Vec<OwnedFd>), StepError> {
        match Self::start(ground, slot, limits, cgroup.as_ref()) {
            Ok((pidfd, reports, service_ends)) => {
                let bay = Self { slot, pidfd, reports, cgroup, out_of_memory: false, end_told: false };
                Ok((bay, service_ends))
            }
            Err(error) => {
                if let (Some(cgroups), Some(cgroup)) = (&ground.cgroups, &cgroup) {
                    // Without a process in it, it can be removed; the first error is the one to tell.
                    _ = cgroups.remove_bay(cgroup);
                }
                Err(error)
            }
        }
    }

    fn start(
        ground: &Ground,
        slot: u32,
        limits: &BayLimits,
        cgroup: Option<&BayCgroup>,
    ) -> Result<(OwnedFd, OwnedFd, Vec<OwnedFd>), StepError> {
        if let Some(cgroup) = cgroup {
            // One more process: pid 1.
            let processes = limits.processes.saturating_add(1);
            cgroup.limit(CgroupLimits { memory_bytes: limits.memory_bytes, processes })?;
        }
        let root_uid = ground.configuration.first_uid + 2 * slot;
        let connections = Connections::make(root_uid + 1)?;
        let (reports, bay_reports) = packet::pair().during(Step::MakePipes)?;
        let entry = cgroup.map(BayCgroup::entry).transpose().during(Step::MakeCgroup)?;
        let meter = cgroup.map(BayCgroup::cpu_meter).transpose().during(Step::MakeCgroup)?;
        let clone_into = match &entry {
            Some(Entry::Cloned(directory)) => Some(*directory),
            _ => None,
        };
        let process = match clone_first_process(clone_into, Uid::from_raw(root_uid)).during(Step::Clone)? {
            Side::Forker(process) => process,
            Side::Bay => bay::first_process(&bay::Inheritance {
                cgroup_tasks: match &entry {
                    Some(Entry::Itself(tasks)) => tasks,
                    _ => &[],
                },
                reports: &bay_reports,
                control: &connections.control.1,
                stdin: &connections.stdin.0,
                stdout: &connections.stdout.1,
                stderr: &connections.stderr.1,
                limits,
                filter: &ground.filter,
            }),
        };
        if let Err(error) = map_users(ground, &process, root_uid).during(Step::MapUsers) {
            // The bay waits for its maps; nothing of it has run yet.
            kill_and_reap(&process.pidfd);
            return Err(error);
        }
        // A bay that died already is found by its pidfd.
        _ = packet::send(&reports, bay::MAPPED, &[]);
        let Connections { control, stdin, stdout, stderr } = connections;
        let mut service_ends = vec![control.0, stdin.1, stdout.0, stderr.0];
        service_ends.extend(meter);
        Ok((process.pidfd, reports, service_ends))
    }

    pub(super) fn slot(&self) -> u32 {
        self.slot
    }

    pub(super) fn reports(&self) -> BorrowedFd<'_> {
        self.reports.as_fd()
    }

    pub(super) fn pidfd(&self) -> BorrowedFd<'_> {
        self.pidfd.as_fd()
    }

    pub(super) fn memory_event(&self) -> Option<BorrowedFd<'_>> {
        Some(self.cgroup.as_ref()?.memory_event()?.as_fd())
    }

    /// Reads what pid 1 has to say; returns how the program ended if it is that, the first time.
    pub(super) fn hear(&mut self) -> Option<(ProgramEnd, Usage)> {
        let readable = PollFd::new(&self.reports, PollFlags::IN);
        if self.end_told || rustix::event::poll(&mut [readable], Some(&Timespec::default())) != Ok(1) {
            return None;
        }
        let Ok(Some(packet)) = packet::receive(&self.reports) else {
            return None;
        };
        let (end, seen) = match decode(&packet.bytes) {
            Ok(BayReport::Failed(error)) => (ProgramEnd::NotStarted(error), Usage::default()),
            Ok(BayReport::Ended { end, usage }) => (end, usage),
            // Only our own pid 1 holds the other end; what cannot be read means that it was taken over.
            Err(_) => (ProgramEnd::Killed, Usage::default()),
        };
        self.end_told = true;
        let usage = self.account(seen);
        self.kill();
        Some((end, usage))
    }

    /// Returns the end of a bay that died without a report, if its end was not told.
    pub(super) fn end_silently(&mut self) -> Option<(ProgramEnd, Usage)> {
        if std::mem::replace(&mut self.end_told, true) {
            return None;
        }
        Some((ProgramEnd::Killed, self.account(Usage::default())))
    }

    /// Kills the bay if it ran out of its own memory.
    pub(super) fn hear_memory_event(&mut self) {
        if self.cgroup.as_ref().is_some_and(BayCgroup::caused_memory_event) {
            self.out_of_memory = true;
            self.kill();
        }
    }

    /// Kills every process of the bay.
    pub(super) fn kill(&self) {
        // Pid 1 takes its pid namespace with it. It can only fail because the bay is dead already.
        _ = rustix::process::pidfd_send_signal(&self.pidfd, Signal::KILL);
        if let Some(cgroup) = &self.cgroup {
            _ = cgroup.kill();
        }
    }

    /// Waits until every process of the bay is dead.
    pub(super) fn await_death(&self, deadline: Instant) -> bool {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let timeout = Timespec::try_from(left).unwrap_or_default();
            match rustix::event::poll(&mut [PollFd::new(&self.pidfd, PollFlags::IN)], Some(&timeout)) {
                Err(Errno::INTR) => {}
                result => return result == Ok(1),
            }
        }
    }

    /// Reaps the dead pid 1.
    pub(super) fn reap(&mut self) {
        reap(&self.pidfd);
    }

    /// Removes the cgroup; false if the kernel still holds it.
    pub(super) fn remove_cgroup(&self, ground: &Ground) -> bool {
        match (&ground.cgroups, &self.cgroup) {
            (Some(cgroups), Some(cgroup)) => cgroups.remove_bay(cgroup).is_ok(),
            _ => true,
        }
    }

    /// Puts together what pid 1 measured and what the cgroup counted; the cgroup knows better.
    fn account(&self, seen: Usage) -> Usage {
        let Some(counts) = self.cgroup.as_ref().map(BayCgroup::counts) else {
            return seen;
        };
        Usage {
            wall_us: seen.wall_us,
            cpu_us: counts.cpu_us.or(seen.cpu_us),
            memory_peak_bytes: counts.memory_peak_bytes.or(seen.memory_peak_bytes),
            memory_kills: counts.memory_kills.max(u64::from(self.out_of_memory)),
            process_refusals: counts.process_refusals,
        }
    }
}

impl Connections {
    /// Makes them so that only the ends that are passed on survive an exec.
    fn make(owner: u32) -> Result<Self, StepError> {
        let pipe = || rustix::pipe::pipe_with(PipeFlags::CLOEXEC).during(Step::MakePipes);
        let connections = Self {
            control: rustix::net::socketpair(AddressFamily::UNIX, SocketType::STREAM, SocketFlags::CLOEXEC, None)
                .during(Step::MakePipes)?,
            stdin: pipe()?,
            stdout: pipe()?,
            stderr: pipe()?,
        };
        // Else a program could not open /dev/stdout, which leads to its pipe through /proc.
        for (end, _) in [&connections.stdin, &connections.stdout, &connections.stderr] {
            rustix::fs::fchown(end, Some(Uid::from_raw(owner)), Some(Gid::from_raw(owner))).during(Step::OwnPipes)?;
        }
        Ok(connections)
    }
}

/// Gives the bay two users: root, which is its pid 1, and the program's. On the host they are nobody.
fn map_users(ground: &Ground, process: &FirstProcess, root_uid: u32) -> Result<(), Errno> {
    let map = format!("0 {root_uid} 1\n{PROGRAM_ID} {} 1\n", root_uid + 1);
    for name in ["gid_map", "uid_map"] {
        let path = format!("{}/{name}", process.pid);
        let file = rustix::fs::openat(&ground.proc, path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
        rustix::io::write(&file, map.as_bytes())?;
    }
    Ok(())
}

fn kill_and_reap(pidfd: &OwnedFd) {
    _ = rustix::process::pidfd_send_signal(pidfd, Signal::KILL);
    reap(pidfd);
}

fn reap(pidfd: &OwnedFd) {
    // Nobody needs its exit status; a process that cannot be waited for is reaped already.
    _ = rustix::process::waitid(WaitId::PidFd(pidfd.as_fd()), WaitIdOptions::EXITED);
}
