//! Control groups: where they are, one directory per forker, one below it per bay.
//!
//! The forker opens everything before it leaves the host's file system and works with fds from then on.
//! A forker's directory is locked (flock(2)) as long as the forker lives, so that a directory without a lock is
//! known to be left over from a killed one, whatever pid namespace that ran in.

mod files;
mod instance;
mod killing;
mod layout;
mod leftovers;
mod memory_limit;
mod remains;
mod v1;
mod v2;

pub(crate) use instance::BayCgroup;
pub(crate) use instance::Instance;
pub(crate) use instance::read_cpu_us;
pub(crate) use layout::Layout;
pub use memory_limit::memory_limit_bytes;

/// A period in which a bay may use its quota of CPU time; all bays have the same weight.
///
/// A program with many processes uses up its quota on all cores at once and then waits for the next period. In a short
/// one it is in the way of a short run beside it for a part of that run at most.
pub(crate) const CPU_PERIOD_US: u32 = 25_000;

/// A bay gets as much as one CPU; less while bays want more than there is.
pub(crate) const FULL_QUOTA_US: u32 = CPU_PERIOD_US;

/// What a bay did not use of earlier periods it may use later, up to this much: the JVM starts with several threads at
/// work and then waits for one of them. Nothing is saved up by a bay that has less than a full quota.
const BURST_US: u32 = CPU_PERIOD_US;

/// All bays together yield to the rest of the host, and so to the service, its database and the keeper: they have this
/// part of the weight of a group, or of a process outside of groups.
///
/// A program whose processes fall asleep and wake up all the time seems to have waited each time. With the usual
/// weight it kept others from both cores until its quota was used up, half of each period.
const WEIGHT_PART: u32 = 8;

/// More than any machine has: for a bay that dies.
///
/// Not without a limit, since the kernel patches its own code when the last limit goes.
const LIFTED_QUOTA_US: u32 = 10_000 * CPU_PERIOD_US;

/// The limits that a bay's cgroup enforces.
#[derive(Debug, Clone, Copy)]
pub(crate) struct CgroupLimits {
    pub(crate) memory_bytes: u64,
    pub(crate) processes: u64,
}

/// What a bay's cgroup counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) cpu_us: Option<u64>,
    pub(crate) memory_peak_bytes: Option<u64>,
    /// Processes that were killed since the bay reached its own limit.
    pub(crate) memory_kills: u64,
    /// Processes that were killed since a group above the bay, or the host, ran out of memory.
    pub(crate) foreign_memory_kills: u64,
    pub(crate) process_refusals: u64,
}

impl Counts {
    /// Books the kernel's kills of processes in the group, whatever group ran out of memory.
    fn with_kills(self, kills: u64, reached_own_limit: bool) -> Self {
        if reached_own_limit {
            Self { memory_kills: kills, ..self }
        } else {
            Self { foreign_memory_kills: kills, ..self }
        }
    }
}
