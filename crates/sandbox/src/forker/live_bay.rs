//! One bay as the forker sees it.

use std::os::fd::AsFd;
use std::os::fd::BorrowedFd;
use std::os::fd::OwnedFd;
use std::time::Instant;

use rustix::event::PollFd;
use rustix::event::PollFlags;
use rustix::event::Timespec;
use rustix::fs::Mode;
use rustix::fs::OFlags;
use rustix::fs::Uid;
use rustix::io::Errno;
use rustix::process::Signal;
use rustix::process::WaitId;
use rustix::process::WaitIdOptions;

use super::Ground;
use super::clone::FirstProcess;
use super::clone::Side;
use super::clone::clone_first_process;
use super::prepared::Connections;
use super::prepared::Prepared;
use crate::bay;
use crate::bay::Identity;
use crate::cgroup::BayCgroup;
use crate::cgroup::CgroupLimits;
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

impl LiveBay {
    /// Clones the first process of a bay into what was prepared for it; returns with it the fds for the service, see
    /// [`crate::wire::BAY_FDS`].
    ///
    /// The bay goes on building itself while the service is told.
    pub(super) fn make(
        ground: &Ground,
        prepared: Prepared,
        limits: &BayLimits,
    ) -> Result<(Self, Vec<OwnedFd>), StepError> {
        match Self::start(ground, &prepared, limits) {
            Err(error) => {
                prepared.discard(ground);
                Err(error)
            }
            Ok(pidfd) => {
                let Prepared { slot, cgroup, meter, connections, reports: (reports, _), .. } = prepared;
                let Connections { control, stdin, stdout, stderr } = connections;
                let mut service_ends = vec![control.0, stdin.1, stdout.0, stderr.0];
                service_ends.extend(meter);
                Ok((Self { slot, pidfd, reports, cgroup, out_of_memory: false, end_told: false }, service_ends))
            }
        }
    }

    fn start(ground: &Ground, prepared: &Prepared, limits: &BayLimits) -> Result<OwnedFd, StepError> {
        if let Some(cgroup) = &prepared.cgroup {
            // One more process: pid 1.
            let processes = limits.processes.saturating_add(1);
            cgroup.limit(CgroupLimits { memory_bytes: limits.memory_bytes, processes })?;
        }
        let identity = ground.identity(prepared.slot);
        let clone_target = prepared.cgroup.as_ref().and_then(BayCgroup::clone_target);
        let process =
            match clone_first_process(clone_target, identity.owner().map(Uid::from_raw)).during(Step::Clone)? {
                Side::Forker(process) => process,
                Side::Bay => bay::first_process(&bay::Inheritance {
                    cgroup_tasks: &prepared.cgroup_entries,
                    reports: &prepared.reports.1,
                    control: &prepared.connections.control.1,
                    stdin: &prepared.connections.stdin.0,
                    stdout: &prepared.connections.stdout.1,
                    stderr: &prepared.connections.stderr.1,
                    limits,
                    filter: &ground.filter,
                    identity,
                    has_cgroup: prepared.cgroup.is_some(),
                }),
            };
        if let Err(error) = map_users(ground, &process, identity).during(Step::MapUsers) {
            // The bay waits for its maps; nothing of it has run yet.
            kill_and_reap(&process.pidfd);
            return Err(error);
        }
        // A bay that died already is found by its pidfd.
        _ = packet::send(&prepared.reports.0, bay::MAPPED, &[]);
        Ok(process.pidfd)
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
            foreign_memory_kills: counts.foreign_memory_kills,
            process_refusals: counts.process_refusals,
        }
    }
}

/// Gives the bay its users.
fn map_users(ground: &Ground, process: &FirstProcess, identity: Identity) -> Result<(), Errno> {
    let map = identity.map();
    write_proc(ground, process, "gid_map", &map)?;
    write_proc(ground, process, "uid_map", &map)?;
    // When the host runs out of memory, bays have to go before its services.
    write_proc(ground, process, "oom_score_adj", "1000")
}

fn write_proc(ground: &Ground, process: &FirstProcess, name: &str, value: &str) -> Result<(), Errno> {
    let path = format!("{}/{name}", process.pid);
    let file = rustix::fs::openat(&ground.proc, path, OFlags::WRONLY | OFlags::CLOEXEC, Mode::empty())?;
    rustix::io::write(&file, value.as_bytes()).map(|_| ())
}

fn kill_and_reap(pidfd: &OwnedFd) {
    _ = rustix::process::pidfd_send_signal(pidfd, Signal::KILL);
    reap(pidfd);
}

fn reap(pidfd: &OwnedFd) {
    // Nobody needs its exit status; a process that cannot be waited for is reaped already.
    _ = rustix::process::waitid(WaitId::PidFd(pidfd.as_fd()), WaitIdOptions::EXITED);
}
