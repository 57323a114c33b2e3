//! System calls that programs may not make, but for those of sockets ([`sockets`]).
//!
//! All other calls are allowed: runtimes use many, and new ones with every version. The list holds what reaches
//! kernel code that a program in a bay has no use for, above all what could take a namespace or a mount apart. Calls
//! that are newer than the list are refused.

mod sockets;

use libc::c_int;

/// What a program is answered to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// This error without the call being made; 0 is success.
    Errno(c_int),
    /// What pid 1 of the bay says, see [`crate::bay`].
    Counted,
}

/// All rules of the bays with users of their own.
///
/// Where several match, the first one counts.
pub(super) const ALL: &[(Answer, &[Rule])] = &[
    (Answer::Errno(libc::EPERM), FORBIDDEN),
    (Answer::Errno(libc::EPERM), sockets::FORBIDDEN),
    (Answer::Errno(libc::ENOPROTOOPT), sockets::UNKNOWN_OPTIONS),
    (Answer::Errno(0), sockets::FIXED_OPTIONS),
    (Answer::Errno(libc::EOPNOTSUPP), UNSUPPORTED),
    (Answer::Errno(libc::ENOSYS), ABSENT),
    (Answer::Errno(0), NEEDLESS),
    (Answer::Counted, LOCKS),
    (Answer::Counted, sockets::COUNTED),
];

/// What comes to them where all bays are one user of the host.
pub(super) const ONE_USER: &[(Answer, &[Rule])] = &[(Answer::Counted, WATCHES)];

/// A system call, or some uses of it, that is not simply made.
pub(super) struct Rule {
    pub(super) call: i64,
    /// All must hold; none means always.
    pub(super) tests: &'static [Test],
    #[expect(dead_code, reason = "the reason is there to be read")]
    pub(super) why: &'static str,
}

/// A test of an argument, counted from 0.
pub(super) enum Test {
    Equal(u8, u32),
    NotEqual(u8, u32),
    /// Equal to the first number, whatever the bits of the second one are.
    EqualBut(u8, u32, u32),
    AtLeast(u8, u32),
    /// All of them.
    HasFlags(u8, u32),
    /// A pointer.
    NotNull(u8),
}

const fn always(call: i64, why: &'static str) -> Rule {
    Rule { call, tests: &[], why }
}

const fn when(call: i64, tests: &'static [Test], why: &'static str) -> Rule {
    Rule { call, tests, why }
}

const fn word(value: c_int) -> u32 {
    value.cast_unsigned()
}

const MOUNTS: &str = "changes mounts: the read-only root and the hidden host";
const NAMESPACES: &str = "makes or enters namespaces, in which a program would be root";
const INSPECTION: &str = "reads or steers another process";
const KEYS: &str = "kernel keyrings are not separated for each bay";
const KERNEL: &str = "loads code into the kernel or traces it";
const CLOCKS: &str = "sets the host's clock";
const HOST: &str = "administers the host";
const MEMORY_NODES: &str = "moves memory between nodes: no use in a bay, and a history of kernel faults";
const TERMINALS: &str = "puts input into a terminal";
const OWN_TERMINALS: &str = "threads of the kernel process what is written to a terminal, in nobody's account";
const HUGE_PAGES: &str = "huge pages that the host has set aside count for no memory limit";
const CORE_DUMPS: &str = "with the limit 0 the kernel starts the host's program for core dumps";
const FIRST_PROCESS: &str = "where the program and pid 1 are the same user, nothing else keeps the limits of pid 1";
const SHARED_FILES: &str = "all bays and the host have the files below /usr in common: it shows who opens which one";
pub(super) const FILTERS: &str =
    "what they are compiled to counts for no memory limit, and the host has room for so many";
const MERGED_PAGES: &str = "a page that takes long to write to tells that another program has the same one";
const DISKS: &str = "a bay has no file on a disk; it would make the disks of the host write";
const RESIDENCE: &str = "it tells which pages of the files below /usr others have used";
const HOST_OBJECTS: &str = "names devices and mounts of the host by number, past what a bay can see";
const MODULES: &str = "the kernel loads a module for it, on the host";
const MOVES: &str = "threads of the kernel move who asks from core to core, before all others and in nobody's account";
const PREEMPTION: &str = "programs that wake up all the time would come before those that work";
const CORES: &str = "reserves whole cores of the host, also against the service";
const UNPAID: &str = "its record counts for no memory limit";
const ONE_COUNT: &str = "the kernel counts it for each user, and all bays and the service are the same one";
const PAGE_CACHE: &str = "it throws files below /usr out of the memory that all bays and the host share";

/// The newest call that programs may make, `removexattrat` of Linux 6.13; later ones are refused until reviewed.
///
/// Up to Linux 6.18 there is another way to mount, and attributes of files that the file systems of bays do not have.
pub(super) const NEWEST: u32 = 466;

/// What mounts there are and what is known of one (Linux 6.8); libc does not name them. The same on every architecture.
const STATMOUNT: i64 = 457;
const LISTMOUNT: i64 = 458;

/// Who gets the signals of a file, see fcntl(2); libc does not name it.
const F_SETOWN_EX: u32 = 15;

/// A flag beside the policy of sched_setscheduler(2); libc has it for another type.
const SCHED_RESET_ON_FORK: i32 = 0x4000_0000;

/// Which pages of a file are in memory (Linux 6.5); libc does not name it. The same on every architecture.
const CACHESTAT: i64 = 451;

/// Answered with EOPNOTSUPP, as the kernel answers for files that cannot do it, so that callers do without.
const UNSUPPORTED: &[Rule] = &[when(libc::SYS_preadv2, &[Test::HasFlags(5, word(libc::RWF_NOWAIT))], RESIDENCE)];

/// Answered with EPERM, as the kernel answers those without the right.
const FORBIDDEN: &[Rule] = &[
    always(libc::SYS_mount, MOUNTS),
    always(libc::SYS_umount2, MOUNTS),
    always(libc::SYS_pivot_root, MOUNTS),
    always(libc::SYS_chroot, MOUNTS),
    always(libc::SYS_fsopen, MOUNTS),
    always(libc::SYS_fsconfig, MOUNTS),
    always(libc::SYS_fsmount, MOUNTS),
    always(libc::SYS_fspick, MOUNTS),
    always(libc::SYS_move_mount, MOUNTS),
    always(libc::SYS_open_tree, MOUNTS),
    always(libc::SYS_mount_setattr, MOUNTS),
    always(libc::SYS_setns, NAMESPACES),
    always(libc::SYS_unshare, NAMESPACES),
    when(libc::SYS_clone, &[Test::HasFlags(0, word(libc::CLONE_NEWUSER))], NAMESPACES),
    when(libc::SYS_clone, &[Test::HasFlags(0, word(libc::CLONE_NEWNS))], NAMESPACES),
    when(libc::SYS_clone, &[Test::HasFlags(0, word(libc::CLONE_NEWPID))], NAMESPACES),
    when(libc::SYS_clone, &[Test::HasFlags(0, word(libc::CLONE_NEWNET))], NAMESPACES),
    when(libc::SYS_clone, &[Test::HasFlags(0, word(libc::CLONE_NEWIPC))], NAMESPACES),
    when(libc::SYS_clone, &[Test::HasFlags(0, word(libc::CLONE_NEWUTS))], NAMESPACES),
    when(libc::SYS_clone, &[Test::HasFlags(0, word(libc::CLONE_NEWCGROUP))], NAMESPACES),
    always(libc::SYS_ptrace, INSPECTION),
    always(libc::SYS_process_vm_readv, INSPECTION),
    always(libc::SYS_process_vm_writev, INSPECTION),
    always(libc::SYS_kcmp, INSPECTION),
    always(libc::SYS_pidfd_getfd, INSPECTION),
    always(libc::SYS_add_key, KEYS),
    always(libc::SYS_request_key, KEYS),
    always(libc::SYS_keyctl, KEYS),
    always(libc::SYS_bpf, KERNEL),
    always(libc::SYS_perf_event_open, KERNEL),
    always(libc::SYS_init_module, KERNEL),
    always(libc::SYS_finit_module, KERNEL),
    always(libc::SYS_delete_module, KERNEL),
    always(libc::SYS_kexec_load, KERNEL),
    #[cfg(target_arch = "x86_64")]
    always(libc::SYS_kexec_file_load, KERNEL),
    always(libc::SYS_userfaultfd, "holds the kernel in the middle of an operation, the lever of many exploits"),
    always(libc::SYS_open_by_handle_at, "opens files past all mounts"),
    always(libc::SYS_name_to_handle_at, "opens files past all mounts"),
    always(libc::SYS_fanotify_init, "watches whole file systems"),
    always(libc::SYS_settimeofday, CLOCKS),
    always(libc::SYS_clock_settime, CLOCKS),
    always(libc::SYS_adjtimex, CLOCKS),
    always(libc::SYS_clock_adjtime, CLOCKS),
    #[cfg(target_arch = "x86_64")]
    always(libc::SYS_ustat, HOST_OBJECTS),
    #[cfg(target_arch = "x86_64")]
    always(libc::SYS_sysfs, HOST_OBJECTS),
    always(STATMOUNT, HOST_OBJECTS),
    always(LISTMOUNT, HOST_OBJECTS),
    always(libc::SYS_quotactl, HOST),
    always(libc::SYS_quotactl_fd, HOST),
    always(libc::SYS_acct, HOST),
    always(libc::SYS_syslog, HOST),
    always(libc::SYS_reboot, HOST),
    always(libc::SYS_swapon, HOST),
    always(libc::SYS_swapoff, HOST),
    always(libc::SYS_sethostname, HOST),
    always(libc::SYS_setdomainname, HOST),
    always(libc::SYS_vhangup, HOST),
    #[cfg(target_arch = "x86_64")]
    always(libc::SYS_iopl, "reaches the hardware"),
    #[cfg(target_arch = "x86_64")]
    always(libc::SYS_ioperm, "reaches the hardware"),
    #[cfg(target_arch = "x86_64")]
    always(libc::SYS_modify_ldt, "16-bit segments: no use, and a history of kernel faults"),
    when(libc::SYS_mmap, &[Test::HasFlags(3, word(libc::MAP_HUGETLB))], HUGE_PAGES),
    when(libc::SYS_memfd_create, &[Test::HasFlags(1, libc::MFD_HUGETLB)], HUGE_PAGES),
    when(libc::SYS_shmget, &[Test::HasFlags(2, word(libc::SHM_HUGETLB))], HUGE_PAGES),
    when(libc::SYS_setrlimit, &[Test::Equal(0, libc::RLIMIT_CORE)], CORE_DUMPS),
    when(libc::SYS_prlimit64, &[Test::Equal(1, libc::RLIMIT_CORE), Test::NotNull(2)], CORE_DUMPS),
    when(libc::SYS_prlimit64, &[Test::Equal(0, 1)], FIRST_PROCESS),
    // The bay's own filter is there before; no runtime brings another one.
    always(libc::SYS_seccomp, FILTERS),
    when(libc::SYS_prctl, &[Test::Equal(0, word(libc::PR_SET_SECCOMP))], FILTERS),
    when(libc::SYS_fcntl, &[Test::Equal(1, word(libc::F_NOTIFY))], SHARED_FILES),
    when(libc::SYS_fcntl, &[Test::Equal(1, word(libc::F_SETLEASE))], SHARED_FILES),
    when(libc::SYS_madvise, &[Test::Equal(2, word(libc::MADV_MERGEABLE))], MERGED_PAGES),
    when(libc::SYS_prctl, &[Test::Equal(0, PR_SET_MEMORY_MERGE)], MERGED_PAGES),
    when(libc::SYS_prctl, &[Test::Equal(0, word(libc::PR_SCHED_CORE))], CORES),
    // It can do the same, to its own process as well. It is meant for those who manage the memory of others.
    always(libc::SYS_process_madvise, MERGED_PAGES),
    always(libc::SYS_mbind, MEMORY_NODES),
    always(libc::SYS_set_mempolicy_home_node, MEMORY_NODES),
    always(libc::SYS_set_mempolicy, MEMORY_NODES),
    always(libc::SYS_move_pages, MEMORY_NODES),
    always(libc::SYS_migrate_pages, MEMORY_NODES),
    when(
        libc::SYS_personality,
        // Debuggers and some runtimes ask for the present value, or for addresses that do not change.
        &[Test::NotEqual(0, u32::MAX), Test::NotEqual(0, 0), Test::NotEqual(0, word(libc::ADDR_NO_RANDOMIZE))],
        "switches to old behaviour of the kernel",
    ),
    // Of what terminals answer to (ioctl_tty(2)), programs need modes, sizes, groups, queues and flow.
    when(libc::SYS_ioctl, &[Test::Equal(1, TIOCSTI)], TERMINALS),
    when(libc::SYS_ioctl, &[Test::Equal(1, TIOCLINUX)], TERMINALS),
    when(libc::SYS_ioctl, &[Test::Equal(1, TIOCSETD)], MODULES),
    when(libc::SYS_ioctl, &[Test::Equal(1, TIOCCONS)], HOST),
    when(libc::SYS_ioctl, &[Test::Equal(1, TIOCVHANGUP)], HOST),
    when(libc::SYS_ioctl, &[Test::Equal(1, TIOCSPTLCK)], OWN_TERMINALS),
    when(libc::SYS_ioctl, &[Test::Equal(1, PAGEMAP_SCAN)], RESIDENCE),
    // Bridges, virtual networks and what leads to them, see linux/sockios.h.
    when(libc::SYS_ioctl, &[Test::EqualBut(1, 0x8940, 1)], MODULES),
    when(libc::SYS_ioctl, &[Test::EqualBut(1, 0x8982, 1)], MODULES),
    when(libc::SYS_ioctl, &[Test::EqualBut(1, 0x89a0, 3)], MODULES),
];

/// Makes a byte the next one that somebody types.
const TIOCSTI: u32 = 0x5412;

/// Pastes into a virtual console.
const TIOCLINUX: u32 = 0x541c;

/// Redirects what the kernel prints.
const TIOCCONS: u32 = 0x541d;

/// Changes how a terminal's bytes are processed: modems, radios and more, hardly used by anybody.
const TIOCSETD: u32 = 0x5423;

/// Takes a terminal away from all who have it, as vhangup(2) does.
const TIOCVHANGUP: u32 = 0x5437;

/// Unlocks a pseudo-terminal that was just made, without which it cannot be used. The same on every architecture.
const TIOCSPTLCK: u32 = 0x4004_5431;

/// Pages of all that a program starts are merged with those of others (Linux 6.4); libc does not name it.
const PR_SET_MEMORY_MERGE: u32 = 67;

/// Tells what is known of each page of an address space (Linux 6.7).
const PAGEMAP_SCAN: u32 = 0xc060_6610;

/// Answered with ENOSYS, so that callers do without.
const ABSENT: &[Rule] = &[
    // Its flags are in memory, where a filter cannot look. glibc, Go, the JVM and V8 fall back to clone.
    always(libc::SYS_clone3, NAMESPACES),
    always(libc::SYS_io_uring_setup, "does system calls past every filter"),
    always(libc::SYS_io_uring_enter, "does system calls past every filter"),
    always(libc::SYS_io_uring_register, "does system calls past every filter"),
    always(
        libc::SYS_io_setup,
        "requests are counted for the whole host: one program could take them from its databases",
    ),
    #[cfg(target_arch = "x86_64")]
    always(libc::SYS_inotify_init, SHARED_FILES),
    always(libc::SYS_inotify_init1, SHARED_FILES),
    always(CACHESTAT, SHARED_FILES),
    // Its arguments are in memory, where a filter cannot look; sched_setscheduler(2) does what programs need.
    always(libc::SYS_sched_setattr, PREEMPTION),
    always(libc::SYS_memfd_secret, "takes memory out of the kernel's own map, which slows down the whole host"),
];

/// Answered with success, without being done: honest programs use them, and in a bay they change nothing.
const NEEDLESS: &[Rule] = &[
    always(libc::SYS_sync, DISKS),
    always(libc::SYS_syncfs, DISKS),
    // The files of a bay are in memory. One below /usr has nothing to write, but the disk's cache is flushed.
    always(libc::SYS_fsync, DISKS),
    always(libc::SYS_fdatasync, DISKS),
    when(libc::SYS_msync, &[Test::HasFlags(2, word(libc::MS_SYNC))], DISKS),
    always(libc::SYS_fadvise64, PAGE_CACHE),
    // A bay has one CPU's time at most, wherever it runs.
    always(libc::SYS_sched_setaffinity, MOVES),
    when(libc::SYS_sched_setscheduler, &[Test::Equal(1, word(libc::SCHED_OTHER))], PREEMPTION),
    when(libc::SYS_sched_setscheduler, &[Test::Equal(1, word(libc::SCHED_OTHER | SCHED_RESET_ON_FORK))], PREEMPTION),
];

/// Locks, and what else the kernel keeps for a file. A mapping keeps its file, and so the lock, after it is closed.
const LOCKS: &[Rule] = &[
    always(libc::SYS_flock, UNPAID),
    when(libc::SYS_fcntl, &[Test::Equal(1, word(libc::F_SETOWN))], UNPAID),
    when(libc::SYS_fcntl, &[Test::Equal(1, F_SETOWN_EX)], UNPAID),
    when(libc::SYS_fcntl, &[Test::Equal(1, word(libc::F_SETLK))], UNPAID),
    when(libc::SYS_fcntl, &[Test::Equal(1, word(libc::F_SETLKW))], UNPAID),
    when(libc::SYS_fcntl, &[Test::Equal(1, word(libc::F_OFD_SETLK))], UNPAID),
    when(libc::SYS_fcntl, &[Test::Equal(1, word(libc::F_OFD_SETLKW))], UNPAID),
];

const WATCHES: &[Rule] = &[when(libc::SYS_epoll_ctl, &[Test::Equal(1, word(libc::EPOLL_CTL_ADD))], ONE_COUNT)];
