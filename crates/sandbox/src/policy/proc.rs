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
    // The locks of all bays and of the host; whoever reads it holds up everybody who locks or unlocks a file.
    "/proc/locks",
    // What the kernel knows of each page of the host's memory.
    "/proc/kpagecgroup",
    "/proc/kpagecount",
    "/proc/kpageflags",
    // Names of other users' keys.
    "/proc/keys",
    "/proc/key-users",
    // Timers of all processes on the host.
    "/proc/timer_list",
    // Up to Linux 5.12 the names of all processes on the host; where it is switched on, what they wait for.
    "/proc/sched_debug",
    "/proc/latency_stats",
    // The host's disks and what they do.
    "/proc/diskstats",
    "/proc/partitions",
    "/proc/swaps",
    "/proc/mdstat",
    // Which consoles the host has; a serial one tells of a virtual machine and of who runs it.
    "/proc/consoles",
];

/// Covered with an empty directory in every bay.
pub(crate) const MASKED_PROC_DIRECTORIES: &[&str] = &[
    // The host's file systems: devices, options, and the servers of those that come over a network.
    "/proc/fs",
    // Devices in the slots of the host.
    "/proc/bus",
    // Disks with their serial numbers, sound that is being played, and whether the lid is closed.
    "/proc/scsi",
    "/proc/asound",
    "/proc/acpi",
];
