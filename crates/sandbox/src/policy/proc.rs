//! Files in /proc that programs must not see.

/// Covered with /dev/null in every bay.
pub(crate) const MASKED_PROC_FILES: &[&str] = &[
    // The host's boot parameters, which may name disks, addresses and keys.
    "/proc/cmdline",
    // Timing of the host's interrupts, from which keystrokes and network use can be read.
    "/proc/interrupts",
    "/proc/softirqs",
    // Addresses of the kernel, for those who want to attack it.
    "/proc/kallsyms",
    "/proc/modules",
    // The host's memory.
    "/proc/kcore",
    // Names of other users' keys.
    "/proc/keys",
    "/proc/key-users",
    // Timers of all processes on the host.
    "/proc/timer_list",
    // The host's disks and what they do.
    "/proc/diskstats",
    "/proc/partitions",
    "/proc/swaps",
];
