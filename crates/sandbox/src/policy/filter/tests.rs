//! Runs the compiled program in a small machine of our own and compares its answers with the rules.

use super::*;

const ALLOW: u32 = libc::SECCOMP_RET_ALLOW;
const EPERM: u32 = libc::SECCOMP_RET_ERRNO | libc::EPERM as u32;
const ENOSYS: u32 = libc::SECCOMP_RET_ERRNO | libc::ENOSYS as u32;
const DONE: u32 = libc::SECCOMP_RET_ERRNO;
const ENOPROTOOPT: u32 = libc::SECCOMP_RET_ERRNO | libc::ENOPROTOOPT as u32;
const COUNTED: u32 = libc::SECCOMP_RET_USER_NOTIF;

#[cfg(target_arch = "x86_64")]
const AUDIT_ARCH: u32 = 0xc000_003e;
#[cfg(target_arch = "aarch64")]
const AUDIT_ARCH: u32 = 0xc000_00b7;

/// Answers a call as the kernel would (Documentation/networking/filter.rst).
fn answer(program: &[sock_filter], architecture: u32, call: u32, arguments: [u64; 6]) -> u32 {
    // struct seccomp_data: number, architecture, instruction pointer, arguments.
    let mut data = vec![call, architecture, 0, 0];
    for argument in arguments {
        data.extend([(argument & 0xffff_ffff) as u32, (argument >> 32) as u32]);
    }
    let (mut accumulator, mut next) = (0_u32, 0_usize);
    loop {
        let sock_filter { code, jt, jf, k } = program[next];
        next += 1;
        let mut branch = |taken: bool| next += usize::from(if taken { jt } else { jf });
        match code {
            0x20 => accumulator = data[k as usize / 4],
            0x54 => accumulator &= k,
            0x15 => branch(accumulator == k),
            0x25 => branch(accumulator > k),
            0x35 => branch(accumulator >= k),
            0x45 => branch(accumulator & k != 0),
            0x05 => next += k as usize,
            0x06 => return k,
            code => panic!("unknown instruction {code:#x}"),
        }
    }
}

fn native(call: i64, arguments: [u64; 6]) -> u32 {
    answer(&compile(false).unwrap(), AUDIT_ARCH, u32::try_from(call).unwrap(), arguments)
}

/// Passes a C integer as the register that the kernel sees.
fn word(value: i32) -> u64 {
    u64::from(value.cast_unsigned())
}

#[test]
fn every_rule_without_tests_holds_whatever_the_arguments() {
    let program = compile(false).unwrap();
    for (answer_, rules) in rules::ALL {
        for rule in rules.iter().filter(|rule| rule.tests.is_empty()) {
            for arguments in [[0; 6], [u64::MAX; 6]] {
                let found = answer(&program, AUDIT_ARCH, u32::try_from(rule.call).unwrap(), arguments);
                assert_eq!(found, returned(*answer_), "call {}", rule.call);
            }
        }
    }
}

/// What the kernel's filter machine returns for an answer.
fn returned(answer: Answer) -> u32 {
    match answer {
        Answer::Errno(error) => libc::SECCOMP_RET_ERRNO | error.cast_unsigned(),
        Answer::Counted => COUNTED,
    }
}

#[test]
fn calls_without_a_rule_are_allowed() {
    let program = compile(true).unwrap();
    let rules = rules::ALL.iter().chain(rules::ONE_USER).flat_map(|(_, rules)| *rules);
    let ruled: Vec<i64> = rules.map(|rule| rule.call).collect();
    for call in (0..=i64::from(rules::NEWEST)).filter(|call| !ruled.contains(call)) {
        let found = answer(&program, AUDIT_ARCH, u32::try_from(call).unwrap(), [u64::MAX; 6]);
        assert_eq!(found, ALLOW, "call {call}");
    }
}

#[test]
fn clone_makes_threads_and_processes_but_no_namespaces() {
    let thread = libc::CLONE_VM | libc::CLONE_FS | libc::CLONE_FILES | libc::CLONE_SIGHAND | libc::CLONE_THREAD;
    for flags in [libc::SIGCHLD, thread, libc::CLONE_VFORK | libc::CLONE_VM | libc::SIGCHLD] {
        assert_eq!(native(libc::SYS_clone, [word(flags), 0, 0, 0, 0, 0]), ALLOW, "{flags:#x}");
    }
    for flag in [
        libc::CLONE_NEWUSER,
        libc::CLONE_NEWNS,
        libc::CLONE_NEWPID,
        libc::CLONE_NEWNET,
        libc::CLONE_NEWIPC,
        libc::CLONE_NEWUTS,
        libc::CLONE_NEWCGROUP,
    ] {
        assert_eq!(native(libc::SYS_clone, [word(flag | libc::SIGCHLD), 0, 0, 0, 0, 0]), EPERM, "{flag:#x}");
    }
}

#[test]
fn high_bits_save_no_call() {
    assert_eq!(native(libc::SYS_ioctl, [0, 0x5412, 0, 0, 0, 0]), EPERM);
    assert_eq!(native(libc::SYS_ioctl, [0, 0xdead_0000_5412, 0, 0, 0, 0]), EPERM);
    assert_eq!(native(libc::SYS_ioctl, [0, 0x541c, 0, 0, 0, 0]), EPERM);
    assert_eq!(native(libc::SYS_ioctl, [0, 0x5401, 0, 0, 0, 0]), ALLOW);
}

#[test]
fn terminals_are_used_and_neither_made_nor_turned_into_something_else() {
    // Changes what processes their bytes, redirects the console, hangs up, unlocks a new one.
    for request in [0x5423, 0x541d, 0x5437, 0x4004_5431] {
        assert_eq!(native(libc::SYS_ioctl, [0, request, 0, 0, 0, 0]), EPERM, "{request:#x}");
    }
    // Modes, sizes, groups, flow, queues, output that is waited for, the terminal of a session, bytes that wait.
    for request in [0x5401, 0x5403, 0x5413, 0x5414, 0x540f, 0x5410, 0x540a, 0x540b, 0x5409, 0x5422, 0x540e, 0x541b] {
        assert_eq!(native(libc::SYS_ioctl, [0, request, 0, 0, 0, 0]), ALLOW, "{request:#x}");
    }
}

#[test]
fn sockets_have_a_few_families() {
    let socket = |family: i32, protocol: u64| native(libc::SYS_socket, [word(family), 1, protocol, 0, 0, 0]);
    assert_eq!(socket(libc::AF_UNIX, 0), ALLOW);
    for family in [libc::AF_INET, libc::AF_INET6] {
        assert_eq!(socket(family, 0), COUNTED, "{family}");
    }
    assert_eq!(socket(libc::AF_NETLINK, word(libc::NETLINK_ROUTE)), COUNTED);
    assert_eq!(socket(libc::AF_NETLINK, word(libc::NETLINK_NETFILTER)), EPERM);
    for family in [libc::AF_PACKET, libc::AF_ALG, libc::AF_VSOCK, libc::AF_XDP, libc::AF_BLUETOOTH] {
        assert_eq!(socket(family, 0), EPERM, "{family}");
    }
}

#[test]
fn the_internet_is_tcp_and_udp() {
    for family in [libc::AF_INET, libc::AF_INET6] {
        let socket =
            |kind: i32, protocol: i32| native(libc::SYS_socket, [word(family), word(kind), word(protocol), 0, 0, 0]);
        for kind in [libc::SOCK_STREAM, libc::SOCK_DGRAM | libc::SOCK_CLOEXEC | libc::SOCK_NONBLOCK] {
            for protocol in [0, libc::IPPROTO_TCP, libc::IPPROTO_UDP] {
                assert_eq!(socket(kind, protocol), COUNTED, "{kind} {protocol}");
            }
            for protocol in [libc::IPPROTO_ICMP, libc::IPPROTO_SCTP, libc::IPPROTO_MPTCP, libc::IPPROTO_UDPLITE] {
                assert_eq!(socket(kind, protocol), EPERM, "{kind} {protocol}");
            }
        }
        // Raw, reliable datagrams, sequential packets (SCTP), DCCP, and packets in the oldest way.
        for kind in [3, 4, 5, 6, 10] {
            assert_eq!(socket(kind, 0), EPERM, "{kind}");
        }
    }
}

#[test]
fn pairs_of_sockets_are_unix_sockets() {
    let pair = |family: i32| native(libc::SYS_socketpair, [word(family), 1, 0, 0, 0, 0]);
    assert_eq!([pair(libc::AF_UNIX), pair(libc::AF_VSOCK), pair(libc::AF_TIPC)], [ALLOW, EPERM, EPERM]);
}

#[test]
fn the_limit_of_core_dumps_can_be_asked_but_not_set() {
    let core = u64::from(libc::RLIMIT_CORE);
    let pointer = 0xdead_0000_0000;
    assert_eq!(native(libc::SYS_prlimit64, [0, core, 0, pointer, 0, 0]), ALLOW);
    assert_eq!(native(libc::SYS_prlimit64, [0, core, pointer, 0, 0, 0]), EPERM);
    assert_eq!(native(libc::SYS_setrlimit, [core, pointer, 0, 0, 0, 0]), EPERM);
    assert_eq!(native(libc::SYS_setrlimit, [u64::from(libc::RLIMIT_NOFILE), pointer, 0, 0, 0, 0]), ALLOW);
}

#[test]
fn the_limits_of_pid_1_are_out_of_reach() {
    let limits = |pid: i32| native(libc::SYS_prlimit64, [word(pid), u64::from(libc::RLIMIT_NOFILE), 1, 0, 0, 0]);
    assert_eq!([limits(0), limits(1), limits(2)], [ALLOW, EPERM, ALLOW]);
}

#[test]
fn sockets_have_options_that_keep_nothing() {
    let option = |level: i32, name: i32| native(libc::SYS_setsockopt, [0, word(level), word(name), 0, 0, 0]);
    for (level, name) in [
        (libc::SOL_SOCKET, libc::SO_ATTACH_FILTER),
        (libc::SOL_SOCKET, libc::SO_ATTACH_REUSEPORT_CBPF),
        (libc::IPPROTO_TCP, libc::TCP_ULP),
        (libc::IPPROTO_TCP, libc::TCP_MD5SIG),
        (libc::IPPROTO_TCP, 38),
        (libc::IPPROTO_TCP, 41),
        (libc::IPPROTO_UDP, libc::UDP_CORK),
        (libc::IPPROTO_IPV6, libc::IPV6_FLOWLABEL_MGR),
    ] {
        assert_eq!(option(level, name), ENOPROTOOPT, "{level} {name}");
    }
    for name in [libc::SO_SNDBUF, libc::SO_RCVBUF] {
        assert_eq!(option(libc::SOL_SOCKET, name), DONE, "{name}");
    }
    for (level, name) in [
        (libc::SOL_SOCKET, libc::SO_REUSEADDR),
        (libc::SOL_SOCKET, libc::TCP_ULP),
        (libc::IPPROTO_TCP, libc::TCP_NODELAY),
        (libc::IPPROTO_TCP, libc::SO_ATTACH_FILTER),
        (libc::IPPROTO_TCP, libc::SO_RCVBUF),
        (libc::IPPROTO_IPV6, libc::IPV6_V6ONLY),
    ] {
        assert_eq!(option(level, name), ALLOW, "{level} {name}");
    }
}

#[test]
fn locks_on_parts_of_files_are_counted_and_watches_where_bays_are_one_user() {
    for command in [libc::F_SETLK, libc::F_SETLKW, libc::F_OFD_SETLK, libc::F_OFD_SETLKW] {
        assert_eq!(native(libc::SYS_fcntl, [0, word(command), 0, 0, 0, 0]), COUNTED, "{command}");
    }
    assert_eq!(native(libc::SYS_fcntl, [0, word(libc::F_GETLK), 0, 0, 0, 0]), ALLOW);
    let call = u32::try_from(libc::SYS_epoll_ctl).unwrap();
    for (one_user, expected) in [(true, COUNTED), (false, ALLOW)] {
        let program = compile(one_user).unwrap();
        assert_eq!(answer(&program, AUDIT_ARCH, call, [0, word(libc::EPOLL_CTL_ADD), 0, 0, 0, 0]), expected);
        assert_eq!(answer(&program, AUDIT_ARCH, call, [0, word(libc::EPOLL_CTL_DEL), 0, 0, 0, 0]), ALLOW);
    }
}

#[test]
fn programs_bring_no_filters_of_their_own() {
    for operation in 0..4 {
        assert_eq!(native(libc::SYS_seccomp, [operation, 0, 0, 0, 0, 0]), EPERM, "{operation}");
    }
    let prctl = |option: i32| native(libc::SYS_prctl, [word(option), 2, 0, 0, 0, 0]);
    assert_eq!(prctl(libc::PR_SET_SECCOMP), EPERM);
    for option in [libc::PR_GET_SECCOMP, libc::PR_SET_NAME, libc::PR_SET_NO_NEW_PRIVS, libc::PR_SET_DUMPABLE] {
        assert_eq!(prctl(option), ALLOW, "{option}");
    }
}

#[test]
fn nothing_is_urgent() {
    let urgent = word(libc::MSG_OOB | libc::MSG_NOSIGNAL);
    let plain = word(libc::MSG_NOSIGNAL);
    assert_eq!(native(libc::SYS_sendto, [0, 0, 0, urgent, 0, 0]), EPERM);
    assert_eq!(native(libc::SYS_sendmsg, [0, 0, urgent, 0, 0, 0]), EPERM);
    assert_eq!(native(libc::SYS_sendmmsg, [0, 0, 0, urgent, 0, 0]), EPERM);
    assert_eq!(native(libc::SYS_sendto, [0, 0, 0, plain, 0, 0]), ALLOW);
    assert_eq!(native(libc::SYS_sendmsg, [0, 0, plain, 0, 0, 0]), ALLOW);
    assert_eq!(native(libc::SYS_sendmmsg, [0, 0, 0, plain, 0, 0]), ALLOW);
}

#[test]
fn directories_cannot_be_watched_and_pages_not_be_merged() {
    assert_eq!(native(libc::SYS_fcntl, [0, word(libc::F_NOTIFY), 0, 0, 0, 0]), EPERM);
    assert_eq!(native(libc::SYS_fcntl, [0, word(libc::F_SETFL), 0, 0, 0, 0]), ALLOW);
    assert_eq!(native(libc::SYS_madvise, [0, 0, word(libc::MADV_MERGEABLE), 0, 0, 0]), EPERM);
    assert_eq!(native(libc::SYS_madvise, [0, 0, word(libc::MADV_DONTNEED), 0, 0, 0]), ALLOW);
}

#[test]
fn files_tell_not_what_is_in_memory_and_mappings_flush_no_disk() {
    let read = |flags: i32| native(libc::SYS_preadv2, [0, 0, 0, 0, 0, word(flags)]);
    let unsupported = libc::SECCOMP_RET_ERRNO | libc::EOPNOTSUPP.cast_unsigned();
    assert_eq!([read(libc::RWF_NOWAIT), read(libc::RWF_NOWAIT | libc::RWF_HIPRI)], [unsupported; 2]);
    assert_eq!([read(0), read(libc::RWF_HIPRI)], [ALLOW; 2]);
    let sync = |flags: i32| native(libc::SYS_msync, [0, 0, word(flags), 0, 0, 0]);
    assert_eq!([sync(libc::MS_SYNC), sync(libc::MS_SYNC | libc::MS_INVALIDATE)], [DONE; 2]);
    assert_eq!([sync(libc::MS_ASYNC), sync(libc::MS_INVALIDATE)], [ALLOW; 2]);
}

#[test]
fn calls_newer_than_the_rules_are_absent() {
    for call in [rules::NEWEST + 1, 600, 0x3fff_ffff, u32::MAX] {
        assert_eq!(answer(&compile(false).unwrap(), AUDIT_ARCH, call, [0; 6]), ENOSYS, "{call:#x}");
    }
}

#[test]
fn personality_can_be_asked_but_not_changed() {
    let personality = |value: u64| native(libc::SYS_personality, [value, 0, 0, 0, 0, 0]);
    assert_eq!([personality(0), personality(0xffff_ffff)], [ALLOW; 2]);
    assert_eq!(personality(word(libc::READ_IMPLIES_EXEC)), EPERM);
}

#[cfg(target_arch = "x86_64")]
#[test]
fn other_abis_are_refused() {
    let program = compile(false).unwrap();
    // x32 has the same architecture and bit 30 in the number.
    for call in [0x4000_0000, 0x4000_0000 | 59, 0xffff_ffff] {
        assert_eq!(answer(&program, AUDIT_ARCH, call, [0; 6]), ENOSYS, "{call:#x}");
    }
    let i386 = 0x4000_0003;
    assert_eq!(answer(&program, i386, 11, [0; 6]), libc::SECCOMP_RET_KILL_PROCESS);
}
