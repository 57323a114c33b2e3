//! Programs that make the kernel keep things for them: all of it counts for the bay, or has a small limit.
//!
//! The bay's account says the one, the host the other.

use std::time::Duration;

use runbay_sandbox::ProgramEnd;
use serde_json::json;

use crate::arena::Arena;
use crate::arena::Need;
use crate::arena::said;
use crate::arena::skipped;
use crate::attack::Attack;
use crate::attack::MIB;
use crate::attack::text;
use crate::host::BEYOND_LIMIT;
use crate::host::Cost;

const LIMIT: u64 = 32 * MIB;

/// A packet that has arrived is never refused, so version 2 may count a few more pages than the limit.
const SLACK: u64 = MIB;

const PLENTY: Duration = Duration::from_secs(60);

/// Runs a program that asks the kernel for more and more, until it is refused (and says "over") or killed.
async fn is_bounded(source: &str) {
    if skipped(Need::Cgroups) {
        return;
    }
    let arena = Arena::open_alone().await;
    // Time for emulated processors as well.
    let mut attack = Attack::new(source).memory(LIMIT).cpu(PLENTY).wall(PLENTY);
    attack.limits.cpu_time_ms = 60_000;
    attack.limits.open_files = 4_096;
    let (report, cost) = Cost::of(arena.run(&attack)).await;
    let over = (report.end, report.stdout.as_slice()) == (ProgramEnd::Exited(0), b"over\n");
    let killed = report.usage.memory_kills > 0 && !matches!(report.end, ProgramEnd::Exited(0));
    assert!((over || killed) && report.stop.is_none(), "{}", text(&report));
    assert!(report.usage.memory_peak_bytes.is_some_and(|peak| peak <= LIMIT + SLACK), "{}", text(&report));
    cost.assert_below(LIMIT + BEYOND_LIMIT);
    arena.close().await;
}

#[tokio::test]
async fn segments_of_shared_memory() {
    is_bounded(&format!(
        "
        import ctypes
        from attack import call
        libc = ctypes.CDLL(None)
        libc.shmat.restype = ctypes.c_void_p
        while True:
            segment = call({}, 0, 4 << 20, 0o1600)
            if isinstance(segment, str): break
            ctypes.memset(libc.shmat(segment, None, 0), 1, 4 << 20)
        print('over')
    ",
        libc::SYS_shmget
    ))
    .await;
}

#[tokio::test]
async fn queues_of_messages() {
    is_bounded(&format!(
        "
        import ctypes
        from attack import call
        message = ctypes.create_string_buffer(b'\\1' + bytes(7) + b'x' * 8192)
        NOWAIT = 0o4000
        while True:
            queue = call({}, 0, 0o1600)
            if isinstance(queue, str): break
            while call({}, queue, message, 8192, NOWAIT) == 0: pass
        print('over')
    ",
        libc::SYS_msgget,
        libc::SYS_msgsnd
    ))
    .await;
}

#[tokio::test]
async fn queues_of_messages_with_names() {
    is_bounded(
        "
        import ctypes, os
        libc = ctypes.CDLL(None, use_errno=True)
        made = 0
        while libc.mq_open(f'/{made}'.encode(), os.O_CREAT | os.O_RDWR, 0o600, None) >= 0: made += 1
        print('over')
    ",
    )
    .await;
}

#[tokio::test]
async fn sets_of_semaphores() {
    is_bounded(&format!(
        "
        from attack import call
        while not isinstance(call({}, 0, 32000, 0o1600), str): pass
        print('over')
    ",
        libc::SYS_semget
    ))
    .await;
}

#[tokio::test]
async fn pieces_of_address_space() {
    is_bounded(
        "
        import mmap
        pieces = []
        try:
            while True:
                protection = mmap.PROT_READ if len(pieces) % 2 else mmap.PROT_WRITE
                pieces.append(mmap.mmap(-1, 4096, prot=protection))
        except OSError:
            print('over')
    ",
    )
    .await;
}

#[tokio::test]
async fn datagrams_that_nobody_reads() {
    is_bounded(
        "
        import os, socket
        sender = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        receivers = []
        try:
            while True:
                receivers.append(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
                receivers[-1].bind(('127.0.0.1', 0))
                for _ in range(300): sender.sendto(b'x' * 1000, receivers[-1].getsockname())
        except OSError:
            os.write(1, b'over\\n')
            os._exit(0)
    ",
    )
    .await;
}

#[tokio::test]
async fn events_timers_and_watches() {
    is_bounded(
        "
        import ctypes, os, select
        libc = ctypes.CDLL(None, use_errno=True)
        timer, made = ctypes.c_void_p(), 0
        while libc.timer_create(1, None, ctypes.byref(timer)) == 0: made += 1
        polls = []
        try:
            while True:
                polls.append(select.epoll())
                for other in polls[:-1][-200:]: polls[-1].register(other.fileno(), select.EPOLLIN)
        except OSError:
            os.write(1, b'over\\n')
            os._exit(0)
    ",
    )
    .await;
}

#[tokio::test]
async fn attributes_of_files() {
    is_bounded(
        "
        import os
        open('/tmp/x', 'w').close()
        made = 0
        try:
            while True:
                os.setxattr('/tmp/x', f'user.{made}', b'x' * 60000)
                made += 1
        except OSError:
            print('over')
    ",
    )
    .await;
}

#[tokio::test]
async fn names_that_do_not_exist() {
    is_bounded(
        "
        import os
        for number in range(100_000):
            try: os.stat(f'/usr/lib/{number:0200}')
            except FileNotFoundError: pass
        print('over')
    ",
    )
    .await;
}

#[tokio::test]
async fn filters_of_the_programs_own() {
    // Nobody counts what they are compiled to, so there are none.
    let said = said(&format!(
        "
        import ctypes, struct
        from attack import answer, call
        RETURN, ALLOW = 0x06, 0x7fff0000
        code = ctypes.create_string_buffer(struct.pack('HBBI', RETURN, 0, 0, ALLOW))
        program = ctypes.create_string_buffer(struct.pack('HxxxxxxQ', 1, ctypes.addressof(code)))
        STRICT, FILTER, NEW_LISTENER = 0, 1, 8
        answer(filter=call({seccomp}, FILTER, 0, program), listener=call({seccomp}, FILTER, NEW_LISTENER, program),
               strict=call({seccomp}, STRICT, 0, 0), old=call({prctl}, {option}, 2, program),
               old_strict=call({prctl}, {option}, 1, 0))
    ",
        seccomp = libc::SYS_seccomp,
        prctl = libc::SYS_prctl,
        option = libc::PR_SET_SECCOMP,
    ))
    .await;
    let expected =
        json!({"filter": "EPERM", "listener": "EPERM", "strict": "EPERM", "old": "EPERM", "old_strict": "EPERM"});
    assert_eq!(said, expected);
}
