//! A bay's group in the hierarchy of cgroup version 2 (Documentation/admin-guide/cgroup-v2.rst).

use std::os::fd::OwnedFd;

use rustix::fs::OFlags;
use rustix::io::Errno;

use super::BURST_US;
use super::CPU_PERIOD_US;
use super::CgroupLimits;
use super::Counts;
use super::FULL_QUOTA_US;
use super::WEIGHT_PART;
use super::files;
use crate::step::During;
use crate::step::Step;
use crate::step::StepError;

/// The controllers that bays need.
pub(super) const CONTROLLERS: &str = "+cpu +memory +pids";

/// Lets all bays of a forker yield to the rest of the host. The weight that a group has by itself is 100.
pub(super) fn yield_to_others(forker: &OwnedFd) -> Result<(), StepError> {
    files::write(forker, "cpu.weight", &(100 / WEIGHT_PART).to_string()).during(Step::YieldCpu)
}

/// A bay's directory; processes enter it by `CLONE_INTO_CGROUP` (Linux 5.7).
pub(super) struct Group {
    pub(super) directory: OwnedFd,
}

impl Group {
    pub(super) fn make(parent: &OwnedFd, name: &str) -> Result<Self, StepError> {
        let directory = files::make_directory(parent, name).during(Step::MakeCgroup)?;
        let group = Self { directory };
        group.set_cpu_quota(FULL_QUOTA_US).during(Step::LimitCpu)?;
        group.write_burst(BURST_US).during(Step::LimitCpu)?;
        Ok(group)
    }

    pub(super) fn limit(&self, limits: CgroupLimits) -> Result<(), StepError> {
        let directory = &self.directory;
        files::write(directory, "memory.max", &limits.memory_bytes.to_string()).during(Step::LimitMemory)?;
        files::write(directory, "memory.oom.group", "1").during(Step::LimitMemory)?;
        // Absent where the kernel has no swap. Without it swap would extend the limit.
        files::write_if_present(directory, "memory.swap.max", "0").during(Step::LimitMemory)?;
        files::write(directory, "pids.max", &limits.processes.to_string()).during(Step::LimitProcesses)
    }

    pub(super) fn cpu_meter(&self) -> Result<OwnedFd, Errno> {
        files::open(&self.directory, "cpu.stat", OFlags::RDONLY)
    }

    pub(super) fn set_cpu_quota(&self, quota_us: u32) -> Result<(), Errno> {
        // The kernel refuses a burst above the quota.
        if quota_us < BURST_US {
            self.write_burst(0)?;
        }
        files::write(&self.directory, "cpu.max", &format!("{quota_us} {CPU_PERIOD_US}"))
    }

    /// Since Linux 5.14.
    fn write_burst(&self, burst_us: u32) -> Result<(), Errno> {
        files::write_if_present(&self.directory, "cpu.max.burst", &burst_us.to_string())
    }

    pub(super) fn cpu_used_us(&self) -> Option<u64> {
        files::keyed_number(&files::read(&self.directory, "cpu.stat").ok()?, "usage_usec")
    }

    pub(super) fn threads(&self) -> Result<String, Errno> {
        files::read(&self.directory, "cgroup.threads")
    }

    pub(super) fn counts(&self) -> Counts {
        let read = |name| files::read(&self.directory, name).ok();
        let keyed = |name, key| files::keyed_number(&read(name)?, key);
        let counts = Counts {
            cpu_us: self.cpu_used_us(),
            // Since Linux 5.19; unknown before.
            memory_peak_bytes: read("memory.peak").and_then(|text| files::number(&text)),
            process_refusals: keyed("pids.events", "max").unwrap_or(0),
            ..Counts::default()
        };
        // The first counts kills of this group's processes, the second how often this group ran out of memory.
        let kills = keyed("memory.events", "oom_kill").unwrap_or(0);
        counts.with_kills(kills, keyed("memory.events", "oom").is_none_or(|count| count > 0))
    }

    /// Kills every process of the group, also one that left the pid namespace's tree (Linux 5.14).
    pub(super) fn kill(&self) -> Result<(), Errno> {
        match files::write(&self.directory, "cgroup.kill", "1") {
            Err(Errno::NOENT) => Ok(()),
            result => result,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn kills_are_the_groups_own_if_it_ran_out_of_memory() {
        let root = tempfile::tempdir().unwrap();
        let group = Group { directory: fs::File::open(root.path()).unwrap().into() };
        let kills = |events: &str| {
            fs::write(root.path().join("memory.events"), events).unwrap();
            let counts = group.counts();
            (counts.memory_kills, counts.foreign_memory_kills)
        };
        assert_eq!(kills("low 0\nhigh 0\nmax 31\noom 1\noom_kill 2\noom_group_kill 1\n"), (2, 0));
        assert_eq!(kills("low 0\nhigh 0\nmax 31\noom 0\noom_kill 2\noom_group_kill 0\n"), (0, 2));
        assert_eq!(kills("low 0\nhigh 0\nmax 31\noom 0\noom_kill 0\noom_group_kill 0\n"), (0, 0));
    }
}
