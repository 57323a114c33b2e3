//! The limits of bays, derived from those of an execution.

use std::time::Duration;

use runbay_model::LimitOverrides;
use runbay_model::Limits;
use runbay_sandbox::BayLimits;
use runbay_sandbox::Clocks;

const MIB: u64 = 1024 * 1024;

/// The most that a compiler or checker may print. Nobody reads more, so the program is stopped there.
pub(crate) const TOOL_OUTPUT_BYTES: usize = 64 * 1024;

/// Returns the limits that the bay of a run enforces.
#[must_use]
pub fn bay_limits(limits: &Limits) -> BayLimits {
    BayLimits {
        memory_bytes: limits.memory_bytes,
        processes: limits.processes,
        cpu_time_ms: limits.cpu_time_ms,
        open_files: limits.open_files,
        file_bytes: limits.file_bytes,
        disk_bytes: limits.disk_bytes,
        inodes: limits.inodes,
        stack_bytes: limits.stack_bytes.min(limits.memory_bytes),
        data_bytes: None,
        terminal: false,
    }
}

/// Returns the limits that are watched from outside during a run.
pub(crate) fn clocks(limits: &Limits) -> Clocks {
    Clocks {
        wall: Duration::from_millis(limits.wall_time_ms),
        cpu: Duration::from_millis(limits.cpu_time_ms),
        idle: None,
        stdout_bytes: length(limits.stdout_bytes),
        stderr_bytes: length(limits.stderr_bytes),
    }
}

/// Returns the limits that the bay of a compiler or checker enforces.
///
/// These are programs of the host and larger than what they make. The request therefore decides only about time and
/// memory.
pub(crate) fn tool_bay_limits(limits: &Limits) -> BayLimits {
    BayLimits {
        memory_bytes: limits.compile_memory_bytes,
        processes: 128,
        cpu_time_ms: tool_cpu_ms(limits),
        open_files: 1024,
        file_bytes: 128 * MIB,
        disk_bytes: 256 * MIB,
        inodes: 16_384,
        // They may raise it themselves, as gcc does.
        stack_bytes: 8 * MIB,
        data_bytes: None,
        terminal: false,
    }
}

/// Returns the limits that are watched from outside while a compiler or checker runs.
pub(crate) fn tool_clocks(limits: &Limits) -> Clocks {
    Clocks {
        wall: Duration::from_millis(limits.compile_time_ms),
        cpu: Duration::from_millis(tool_cpu_ms(limits)),
        idle: None,
        stdout_bytes: TOOL_OUTPUT_BYTES,
        stderr_bytes: TOOL_OUTPUT_BYTES,
    }
}

/// Returns the CPU time of a compiler or checker. It is more than the wall time, because many compilers use several
/// threads.
fn tool_cpu_ms(limits: &Limits) -> u64 {
    limits.compile_time_ms.saturating_mul(2)
}

/// Returns `limits` with each one no higher than in `most`.
pub(crate) fn capped(limits: Limits, most: &Limits) -> Limits {
    let mut caps = LimitOverrides::default();
    for name in Limits::NAMES {
        if let (Some(limit), Some(cap)) = (limits.get(name), most.get(name)) {
            caps.set(name, limit.min(cap));
        }
    }
    limits.overridden_by(&caps)
}

/// Returns a limit in bytes as a length in memory.
pub(crate) fn length(bytes: u64) -> usize {
    usize::try_from(bytes).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn caps_lower_what_is_above_them_only() {
        let limits = Limits { wall_time_ms: 900, inodes: 700, ..Limits::default() };
        let capped = capped(limits, &Limits { wall_time_ms: 800, inodes: 800, ..Limits::MOST });
        assert_eq!(capped, Limits { wall_time_ms: 800, ..limits });
    }

    #[test]
    fn compilers_have_limits_of_their_own() {
        let limits = Limits {
            memory_bytes: 16 * MIB,
            compile_memory_bytes: 100 * MIB,
            compile_time_ms: 700,
            ..Limits::default()
        };
        let (bay, clocks) = (tool_bay_limits(&limits), tool_clocks(&limits));
        assert_eq!((bay.memory_bytes, bay.cpu_time_ms), (100 * MIB, 1400));
        assert_eq!((clocks.wall, clocks.cpu), (Duration::from_millis(700), Duration::from_millis(1400)));
    }
}
