//! A bay's groups in the hierarchies of cgroup version 1.
//!
//! Documentation/admin-guide/cgroup-v1/{memory,pids,cpuacct}.rst and Documentation/scheduler/sched-bwc.rst. Version 1 has
//! no `cgroup.kill`, no `CLONE_INTO_CGROUP` and no `oom.group`: the forker kills one process after the other, the bay
//! enters its groups itself, and the forker kills it when it runs out of memory.

use std::os::fd::AsFd;
use std::os::fd::AsRawFd;
use std::os::fd::OwnedFd;

use rustix::event::EventfdFlags;
use rustix::fs::OFlags;
use rustix::io::Errno;

use super::BURST_US;
use super::CPU_PERIOD_US;
use super::CgroupLimits;
use super::Counts;
use super::FULL_QUOTA_US;
use super::WEIGHT_PART;
use super::files;
use super::killing;
use crate::step::During;
use crate::step::Step;
use crate::step::StepError;

/// The buffers of TCP sockets may take this part of the memory limit, on top of it, and no more than this.
const TCP_SHARE: u64 = 4;
const TCP_MOST_BYTES: u64 = 16 * 1024 * 1024;

/// A forker's directories.
pub(super) struct Parents {
    pub(super) memory: OwnedFd,
    pub(super) pids: OwnedFd,
    pub(super) cpuacct: OwnedFd,
    /// Often the same hierarchy as `cpuacct`.
    pub(super) cpu: OwnedFd,
}

impl Parents {
    /// Lets all bays yield to the rest of the host. What a group has by itself are 1,024 shares.
    pub(super) fn yield_to_others(&self) -> Result<(), StepError> {
        files::write(&self.cpu, "cpu.shares", &(1024 / WEIGHT_PART).to_string()).during(Step::YieldCpu)
    }
}

/// A bay's directories.
pub(super) struct Groups {
    pub(super) memory: OwnedFd,
    pids: OwnedFd,
    cpuacct: OwnedFd,
    cpu: OwnedFd,
    /// Becomes readable when the kernel runs out of memory for the bay, or for a group above it.
    pub(super) memory_event: OwnedFd,
}

impl Groups {
    pub(super) fn make(parents: &Parents, name: &str) -> Result<Self, StepError> {
        let memory = files::make_directory(&parents.memory, name).during(Step::MakeCgroup)?;
        let pids = files::make_directory(&parents.pids, name).during(Step::MakeCgroup)?;
        let cpuacct = files::make_directory(&parents.cpuacct, name).during(Step::MakeCgroup)?;
        let cpu = files::make_directory(&parents.cpu, name).during(Step::MakeCgroup)?;
        files::write(&cpu, "cpu.cfs_period_us", &CPU_PERIOD_US.to_string()).during(Step::LimitCpu)?;
        files::write(&cpu, "cpu.cfs_quota_us", &FULL_QUOTA_US.to_string()).during(Step::LimitCpu)?;
        write_burst(&cpu, BURST_US).during(Step::LimitCpu)?;
        let memory_event = watch_memory(&memory).during(Step::WatchMemory)?;
        Ok(Self { memory, pids, cpuacct, cpu, memory_event })
    }

    /// Sets the limits of groups that have none.
    pub(super) fn limit(&self, limits: CgroupLimits) -> Result<(), StepError> {
        self.change_limit(CgroupLimits { memory_bytes: u64::MAX, ..limits }, limits)
    }

    pub(super) fn change_limit(&self, from: CgroupLimits, to: CgroupLimits) -> Result<(), StepError> {
        limit_memory(&self.memory, from.memory_bytes, to.memory_bytes).during(Step::LimitMemory)?;
        files::write(&self.pids, "pids.max", &to.processes.to_string()).during(Step::LimitProcesses)
    }

    /// Opens the files through which a process enters the groups by writing `0`.
    ///
    /// The process has to do this itself: when another one writes its pid to `cgroup.procs`, the kernel waits for
    /// a grace period of 5 to 19 ms on an idle machine. A thread that writes `0` to `tasks` does not wait (0.06 ms).
    pub(super) fn entries(&self) -> Result<Vec<OwnedFd>, Errno> {
        [&self.memory, &self.pids, &self.cpuacct, &self.cpu]
            .into_iter()
            .map(|directory| files::open(directory, "tasks", OFlags::WRONLY))
            .collect()
    }

    pub(super) fn cpu_meter(&self) -> Result<OwnedFd, Errno> {
        files::open(&self.cpuacct, "cpuacct.usage", OFlags::RDONLY)
    }

    pub(super) fn set_cpu_quota(&self, quota_us: u32) -> Result<(), Errno> {
        // The kernel refuses a burst above the quota.
        if quota_us < BURST_US {
            write_burst(&self.cpu, 0)?;
        }
        files::write(&self.cpu, "cpu.cfs_quota_us", &quota_us.to_string())
    }

    pub(super) fn cpu_used_us(&self) -> Option<u64> {
        let nanoseconds = files::number(&files::read(&self.cpuacct, "cpuacct.usage").ok()?)?;
        Some(nanoseconds / 1_000)
    }

    pub(super) fn threads(&self) -> Result<String, Errno> {
        files::read(&self.pids, "tasks")
    }

    pub(super) fn kill(&self) -> Result<(), Errno> {
        killing::kill_all(&self.pids)
    }

    /// Returns whether the group has come close to its own limit (`memory.failcnt` does not tell, newer kernels leave
    /// it at zero); true if that cannot be known.
    pub(super) fn reached_limit(&self) -> bool {
        let number = |name| files::number(&files::read(&self.memory, name).ok()?);
        let peak = number("memory.max_usage_in_bytes");
        let limit = number("memory.limit_in_bytes");
        peak.zip(limit).is_none_or(|(peak, limit)| peak >= limit - limit / 8)
    }

    pub(super) fn counts(&self) -> Counts {
        let number = |directory: &OwnedFd, name| files::number(&files::read(directory, name).ok()?);
        let keyed = |directory: &OwnedFd, name, key| files::keyed_number(&files::read(directory, name).ok()?, key);
        let counts = Counts {
            cpu_us: self.cpu_used_us(),
            memory_peak_bytes: number(&self.memory, "memory.max_usage_in_bytes"),
            process_refusals: keyed(&self.pids, "pids.events", "max").unwrap_or(0),
            ..Counts::default()
        };
        let kills = keyed(&self.memory, "memory.oom_control", "oom_kill").unwrap_or(0);
        counts.with_kills(kills, self.reached_limit())
    }
}

pub(super) fn remove(parents: &Parents, name: &str) -> Result<(), Errno> {
    files::remove_directory(&parents.memory, name)?;
    files::remove_directory(&parents.pids, name)?;
    files::remove_directory(&parents.cpuacct, name)?;
    files::remove_directory(&parents.cpu, name)
}

/// Since Linux 5.14.
fn write_burst(cpu: &OwnedFd, burst_us: u32) -> Result<(), Errno> {
    files::write_if_present(cpu, "cpu.cfs_burst_us", &burst_us.to_string())
}

/// The kernel refuses a limit on memory that is above the one on memory and swap, also for a moment (memory.rst,
/// section 2.4): a higher limit is set there first, a lower one last.
fn limit_memory(memory: &OwnedFd, from: u64, to: u64) -> Result<(), Errno> {
    let tcp_bytes = (to / TCP_SHARE).min(TCP_MOST_BYTES);
    let bytes = to.to_string();
    // Absent where the kernel does not account swap. Without it swap would extend the limit.
    let limit_with_swap = || files::write_if_present(memory, "memory.memsw.limit_in_bytes", &bytes);
    if to > from {
        limit_with_swap()?;
    }
    files::write(memory, "memory.limit_in_bytes", &bytes)?;
    if to <= from {
        limit_with_swap()?;
    }
    // Version 1 counts the buffers of TCP sockets apart: without a limit they could fill what the whole host has
    // for TCP. A program at this limit waits, as with any full buffer.
    files::write_if_present(memory, "memory.kmem.tcp.limit_in_bytes", &tcp_bytes.to_string())
}

/// Asks for an event when the group runs out of memory (memory.rst, section 10).
fn watch_memory(memory: &OwnedFd) -> Result<OwnedFd, Errno> {
    let event = rustix::event::eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
    let control = files::open(memory, "memory.oom_control", OFlags::RDONLY)?;
    let registration = format!("{} {}", event.as_fd().as_raw_fd(), control.as_fd().as_raw_fd());
    files::write(memory, "cgroup.event_control", &registration)?;
    Ok(event)
}
