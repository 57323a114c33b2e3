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

use super::clone::FirstProcess;
use super::clone::Side;
use super::clone::clone_first_process;
use super::cpu_wait;
use super::forgetting::Forgetting;
use super::ground::Ground;
use super::prepared::Connections;
use super::prepared::Prepared;
use super::share::Share;
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
use crate::wire::FixedLimit;
use crate::wire::LimitRefusal;
use crate::wire::ProgramEnd;
use crate::wire::Usage;
use crate::wire::decode;

/// A bay from its clone until its cgroup is removed.
pub(super) struct LiveBay {
    slot: u32,
    process: FirstProcess,
    reports: OwnedFd,
    cgroup: Option<BayCgroup>,
    limits: BayLimits,
    phase: Phase,
    share: Share,
    out_of_memory: bool,
    is_killed: bool,
    end_told: bool,
}

/// How far a bay has come, as far as its pid 1 tells; one that is not parked on its way tells nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Building,
    Parked,
    Unparked,
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
            Ok(process) => {
                let Prepared { slot, cgroup, meter, connections, reports: (reports, _), .. } = prepared;
                let Connections { control, stdin, stdout, stderr } = connections;
                let mut service_ends = vec![control.0, stdin.1, stdout.0, stderr.0];
                service_ends.extend(meter);
                let bay = Self {
                    slot,
                    process,
                    reports,
                    cgroup,
                    limits: *limits,
                    phase: Phase::Building,
                    share: Share::full(),
                    out_of_memory: false,
                    is_killed: false,
                    end_told: false,
                };
                Ok((bay, service_ends))
            }
        }
    }

    fn start(ground: &Ground, prepared: &Prepared, limits: &BayLimits) -> Result<FirstProcess, StepError> {
        if let Some(cgroup) = &prepared.cgroup {
            cgroup.limit(cgroup_limits(limits))?;
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
        Ok(process)
    }

    pub(super) fn slot(&self) -> u32 {
        self.slot
    }

    pub(super) fn reports(&self) -> BorrowedFd<'_> {
        self.reports.as_fd()
    }

    pub(super) fn pidfd(&self) -> BorrowedFd<'_> {
        self.process.pidfd.as_fd()
    }

    pub(super) fn memory_event(&self) -> Option<BorrowedFd<'_>> {
        Some(self.cgroup.as_ref()?.memory_event()?.as_fd())
    }

    /// Reads all that pid 1 has to say; returns how the program ended if that is a part of it, the first time.
    pub(super) fn hear(&mut self) -> Option<(ProgramEnd, Usage)> {
        while !self.end_told && self.has_report() {
            let Ok(Some(packet)) = packet::receive(&self.reports) else {
                return None;
            };
            let (end, seen) = match (decode(&packet.bytes), self.phase) {
                (Ok(BayReport::Parked), Phase::Building) => {
                    self.phase = Phase::Parked;
                    continue;
                }
                (Ok(BayReport::Unparked), Phase::Parked) => {
                    self.phase = Phase::Unparked;
                    continue;
                }
                (Ok(BayReport::Failed(error)), _) => (ProgramEnd::NotStarted(error), Usage::default()),
                (Ok(BayReport::Ended { end, usage }), _) => (end, usage),
                // Only our own pid 1 holds the other end; what cannot be read, or comes again, means that it was taken
                // over.
                _ => (ProgramEnd::Killed, Usage::default()),
            };
            self.end_told = true;
            let usage = self.account(seen);
            self.kill();
            return Some((end, usage));
        }
        None
    }

    fn has_report(&self) -> bool {
        let readable = PollFd::new(&self.reports, PollFlags::IN);
        rustix::event::poll(&mut [readable], Some(&Timespec::default())) == Ok(1)
    }

    /// Changes the limits of a parked bay, those of its cgroup at once; pid 1 is sent the others with the job.
    ///
    /// To be called after [`Self::hear`], which tells whether the bay is parked.
    pub(super) fn limit(&mut self, limits: &BayLimits) -> Result<(), LimitRefusal> {
        if self.phase != Phase::Parked || self.end_told {
            return Err(LimitRefusal::NotParked);
        }
        if let Some(fixed) = first_fixed_change(&self.limits, limits) {
            return Err(LimitRefusal::Fixed(fixed));
        }
        if let Some(cgroup) = &self.cgroup {
            let (from, to) = (cgroup_limits(&self.limits), cgroup_limits(limits));
            cgroup.change_limit(from, to).map_err(LimitRefusal::Step)?;
        }
        self.limits = *limits;
        Ok(())
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

    /// Returns whether the bay uses CPU time and is to go on with it.
    pub(super) fn is_running(&self) -> bool {
        self.phase != Phase::Parked && !self.is_killed
    }

    /// Sets how much CPU time the bay may use in each period. A bay that is being killed may use all that it needs.
    pub(super) fn set_cpu_quota(&mut self, quota_us: u32) {
        if let Some(cgroup) = &self.cgroup
            && self.share.quota_us != quota_us
            && !self.is_killed
            // If the kernel refuses it, the next time is soon.
            && cgroup.set_cpu_quota(quota_us).is_ok()
        {
            self.share.quota_us = quota_us;
        }
    }

    pub(super) fn share(&mut self) -> &mut Share {
        &mut self.share
    }

    /// Returns the CPU time used until now, in microseconds; none without cgroups.
    pub(super) fn cpu_used_us(&self) -> Option<u64> {
        self.cgroup.as_ref()?.cpu_used_us()
    }

    /// Returns how long the program waited for a CPU of a busy host, in microseconds; none if nobody knows.
    ///
    /// What a bay lost to others is known of its processes that have ended, too.
    pub(super) fn cpu_wait_us(&self, ground: &Ground) -> Option<u64> {
        let lost_us = self.cgroup.is_some().then(|| self.share.lost_us());
        let pid_1 = self.process.pid;
        let mut threads = match &self.cgroup {
            Some(cgroup) => cgroup.threads().unwrap_or_default(),
            None => {
                let most = usize::try_from(self.limits.processes).unwrap_or(usize::MAX);
                cpu_wait::threads_below(&ground.proc, pid_1, most)
            }
        };
        // It waits in the service of others, and did so before the program started.
        threads.retain(|thread| *thread != pid_1);
        cpu_wait::longest_us(&ground.proc, &threads, self.cpu_used_us()).max(lost_us)
    }

    /// Kills every process of the bay.
    pub(super) fn kill(&mut self) {
        self.is_killed = true;
        // Pid 1 takes its pid namespace with it. It can only fail because the bay is dead already.
        _ = rustix::process::pidfd_send_signal(&self.process.pidfd, Signal::KILL);
        // But it may not get a CPU for a while, and the others use them meanwhile.
        if let Some(cgroup) = &self.cgroup {
            _ = cgroup.kill();
        }
    }

    /// Waits until every process of the bay is dead.
    pub(super) fn await_death(&self, deadline: Instant) -> bool {
        loop {
            let left = deadline.saturating_duration_since(Instant::now());
            let timeout = Timespec::try_from(left).unwrap_or_default();
            match rustix::event::poll(&mut [PollFd::new(&self.process.pidfd, PollFlags::IN)], Some(&timeout)) {
                Err(Errno::INTR) => {}
                result => return result == Ok(1),
            }
        }
    }

    /// Reaps the dead pid 1.
    pub(super) fn reap(&mut self) {
        reap(&self.process.pidfd);
    }

    /// Makes the kernel forget what the bay left in its memory; none if that cannot be.
    pub(super) fn forget(&self) -> Option<Forgetting> {
        Forgetting::start(self.cgroup.as_ref()?).ok()
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

/// Returns what a bay's cgroup has to enforce.
fn cgroup_limits(limits: &BayLimits) -> CgroupLimits {
    // One more process: pid 1.
    CgroupLimits { memory_bytes: limits.memory_bytes, processes: limits.processes.saturating_add(1) }
}

/// Returns which limit is another one, although it is a part of the mounts of the bay.
fn first_fixed_change(from: &BayLimits, to: &BayLimits) -> Option<FixedLimit> {
    let changes = [
        (FixedLimit::DiskBytes, from.disk_bytes != to.disk_bytes),
        (FixedLimit::Inodes, from.inodes != to.inodes),
        (FixedLimit::Terminal, from.terminal != to.terminal),
    ];
    changes.into_iter().find_map(|(limit, changes)| changes.then_some(limit))
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

#[cfg(test)]
mod tests {
    use rustix::process::PidfdFlags;

    use super::*;
    use crate::wire::encode;

    const LIMITS: BayLimits = BayLimits {
        memory_bytes: 1,
        processes: 2,
        cpu_time_ms: 3,
        open_files: 4,
        file_bytes: 5,
        disk_bytes: 6,
        inodes: 7,
        stack_bytes: 8,
        data_bytes: None,
        terminal: false,
    };

    /// A process to stand in for pid 1 of a bay, which may be killed.
    fn stand_in() -> std::process::Child {
        std::process::Command::new("sleep").arg("60").spawn().unwrap()
    }

    /// A bay without a cgroup, and pid 1's end of its reports.
    fn bay(process: &std::process::Child) -> (LiveBay, OwnedFd) {
        let pid = rustix::process::Pid::from_child(process);
        let pidfd = rustix::process::pidfd_open(pid, PidfdFlags::empty()).unwrap();
        let (reports, pid_1) = packet::pair().unwrap();
        let bay = LiveBay {
            slot: 0,
            process: FirstProcess { pidfd, pid: pid.as_raw_pid() },
            reports,
            cgroup: None,
            limits: LIMITS,
            phase: Phase::Building,
            share: Share::full(),
            out_of_memory: false,
            is_killed: false,
            end_told: false,
        };
        (bay, pid_1)
    }

    fn report(pid_1: &OwnedFd, report: &BayReport) {
        packet::send(pid_1, &encode(report), &[]).unwrap();
    }

    #[test]
    fn limits_are_changed_while_a_bay_is_parked_only() {
        let mut process = stand_in();
        let (mut bay, pid_1) = bay(&process);
        let more = BayLimits { memory_bytes: 10, processes: 20, open_files: 40, ..LIMITS };
        assert_eq!(bay.limit(&more), Err(LimitRefusal::NotParked), "it may never be parked");
        report(&pid_1, &BayReport::Parked);
        assert_eq!(bay.hear(), None);
        assert_eq!(bay.limit(&more), Ok(()));
        assert_eq!(bay.limits, more);
        report(&pid_1, &BayReport::Unparked);
        assert_eq!(bay.hear(), None);
        assert_eq!(bay.limit(&LIMITS), Err(LimitRefusal::NotParked), "it runs");
        assert_eq!(bay.limits, more);
        process.kill().unwrap();
        process.wait().unwrap();
    }

    #[test]
    fn limits_that_are_part_of_the_mounts_stay() {
        let mut process = stand_in();
        let (mut bay, pid_1) = bay(&process);
        report(&pid_1, &BayReport::Parked);
        bay.hear();
        for (limits, fixed) in [
            (BayLimits { disk_bytes: 60, ..LIMITS }, FixedLimit::DiskBytes),
            (BayLimits { inodes: 6, memory_bytes: 10, ..LIMITS }, FixedLimit::Inodes),
            (BayLimits { terminal: true, ..LIMITS }, FixedLimit::Terminal),
        ] {
            assert_eq!(bay.limit(&limits), Err(LimitRefusal::Fixed(fixed)));
        }
        assert_eq!(bay.limits, LIMITS);
        process.kill().unwrap();
        process.wait().unwrap();
    }

    #[test]
    fn a_pid_1_that_repeats_itself_is_taken_for_another_program() {
        let mut process = stand_in();
        let (mut bay, pid_1) = bay(&process);
        report(&pid_1, &BayReport::Parked);
        report(&pid_1, &BayReport::Parked);
        assert_eq!(bay.hear(), Some((ProgramEnd::Killed, Usage::default())));
        assert_eq!(bay.hear(), None, "its end is told once");
        process.wait().expect("it was killed");
    }
}
