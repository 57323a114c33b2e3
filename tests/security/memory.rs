//! Programs that want more memory than there is.

use std::fs;
use std::path::Path;
use std::path::PathBuf;
use std::process::Command;

use runbay_sandbox::Isolation;
use runbay_sandbox::ProgramEnd;
use runbay_sandbox::RunError;

use crate::arena::Arena;
use crate::arena::Need;
use crate::arena::skipped;
use crate::attack::Attack;
use crate::attack::MIB;
use crate::attack::answer;
use crate::attack::text;

const LIMIT: u64 = 32 * MIB;

/// The kernel books pages for each processor in advance, and may count a few more than the limit.
const SLACK: u64 = MIB;

/// Runs a program that needs more memory than it may have: the whole bay has to die for it.
async fn bursts(source: &str) {
    if skipped(Need::Cgroups) {
        return;
    }
    let arena = Arena::open().await;
    let mut attack = Attack::new(source).memory(LIMIT);
    // Nothing but memory shall be what ends it.
    attack.limits.open_files = 4_096;
    attack.limits.disk_bytes = 1_024 * MIB;
    attack.limits.file_bytes = 1_024 * MIB;
    let report = arena.run(&attack).await;
    assert!(report.usage.memory_kills > 0, "{}", text(&report));
    assert!(matches!(report.end, ProgramEnd::Killed | ProgramEnd::Signalled(libc::SIGKILL)), "{}", text(&report));
    assert_eq!(report.stop, None, "{}", text(&report));
    assert!(report.usage.memory_peak_bytes.is_some_and(|peak| peak <= LIMIT + SLACK), "{}", text(&report));
    arena.close().await;
}

#[tokio::test]
async fn touched_memory_counts() {
    bursts("x = bytearray(1 << 30)").await;
}

#[tokio::test]
async fn shared_memory_counts() {
    bursts("import mmap; mmap.mmap(-1, 1 << 28).write(b'x' * (1 << 24) * 16)").await;
}

#[tokio::test]
async fn files_without_a_name_count() {
    bursts(
        "
        import os
        fd = os.memfd_create('x')
        while True: os.write(fd, b'x' * (1 << 20))
    ",
    )
    .await;
}

#[tokio::test]
async fn files_count() {
    bursts(
        "
        with open('/tmp/x', 'wb') as file:
            while True: file.write(b'x' * (1 << 20))
    ",
    )
    .await;
}

#[tokio::test]
async fn pipes_count() {
    bursts(
        "
        import os
        pipes = []
        while True:
            pipes.append(os.pipe())
            os.set_blocking(pipes[-1][1], False)
            os.write(pipes[-1][1], b'x' * (1 << 16))
    ",
    )
    .await;
}

#[tokio::test]
async fn local_sockets_count() {
    bursts(
        "
        import socket
        pairs = []
        while True:
            pairs.append(socket.socketpair())
            pairs[-1][0].setblocking(False)
            try:
                while True: pairs[-1][0].send(b'x' * (1 << 16))
            except BlockingIOError:
                pass
    ",
    )
    .await;
}

#[tokio::test]
async fn page_tables_count() {
    bursts(
        "
        import mmap
        space = mmap.mmap(-1, 1 << 38, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | 0x4000)
        for at in range(0, 1 << 38, 1 << 21): space[at] = 1
    ",
    )
    .await;
}

#[tokio::test]
async fn a_stack_that_a_program_raises_counts() {
    bursts(
        "
        import resource, sys
        resource.setrlimit(resource.RLIMIT_STACK, (resource.getrlimit(resource.RLIMIT_STACK)[1],) * 2)
        sys.setrecursionlimit(1 << 30)
        class Deep:
            def __repr__(self): return repr(self)
        repr(Deep())
    ",
    )
    .await;
}

/// Nothing else limits it there: the limit on data does not count a stack.
#[tokio::test]
async fn without_cgroups_a_stack_is_no_larger_than_the_memory() {
    let arena = Arena::open().await;
    let look = "
        import resource
        from attack import answer
        answer(limits=resource.getrlimit(resource.RLIMIT_STACK))
    ";
    let said = answer(&arena.run(&Attack::new(look).memory(LIMIT)).await);
    assert_eq!(said["limits"][0], 8 * MIB, "{said}");
    if arena.sandbox.isolation() == Isolation::Rlimits {
        assert_eq!(said["limits"][1], LIMIT, "{said}");
    }
    arena.close().await;
}

#[tokio::test]
async fn small_children_count_together() {
    bursts(
        "
        import os, time
        for _ in range(12):
            if os.fork() == 0:
                x = bytearray(8 << 20)
                time.sleep(60)
        time.sleep(60)
    ",
    )
    .await;
}

#[tokio::test]
async fn a_greedy_child_ends_its_parent_as_well() {
    bursts(
        "
        import os, time
        if os.fork() == 0:
            x = bytearray(1 << 30)
        time.sleep(60)
    ",
    )
    .await;
}

#[tokio::test]
async fn buffers_of_network_sockets_are_bounded() {
    if skipped(Need::Cgroups) {
        return;
    }
    let arena = Arena::open().await;
    let flood = "
        import socket
        from attack import answer
        listener = socket.create_server(('127.0.0.1', 0), backlog=100)
        pairs, sent = [], 0
        for _ in range(60):
            sender = socket.socket()
            sender.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4 << 20)
            sender.connect(listener.getsockname())
            receiver, _ = listener.accept()
            receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
            sender.setblocking(False)
            pairs.append((sender, receiver))
            try:
                while True: sent += sender.send(b'x' * (1 << 16))
            except BlockingIOError:
                pass
        answer(sent=sent)
    ";
    let report = arena.run(&Attack::new(flood).memory(LIMIT)).await;
    // Version 2 counts them as memory, and the bay may die of it; version 1 has a limit of their own for them.
    if report.usage.memory_kills == 0 {
        let sent = answer(&report)["sent"].as_u64().expect("a number");
        assert!(sent < LIMIT, "{sent} bytes wait in sockets");
    }
    arena.close().await;
}

/// A group in version 1 of cgroups that has less memory than a bay may have; removed when it is dropped.
struct SmallGroup(PathBuf);

impl SmallGroup {
    fn make(bytes: u64) -> Self {
        let own = fs::read_to_string("/proc/self/cgroup").expect("this process has groups");
        let own = own.lines().find_map(|line| line.split_once(":memory:")).expect("a group of the memory controller").1;
        let name = format!("runbay-security-test-{}", std::process::id());
        let group = Self(Path::new(V1_MEMORY).join(own.trim_start_matches('/')).join(name));
        fs::create_dir(&group.0).expect("root may make groups");
        fs::write(group.0.join("memory.limit_in_bytes"), bytes.to_string()).expect("and limit them");
        group
    }
}

impl Drop for SmallGroup {
    fn drop(&mut self) {
        _ = fs::remove_dir(&self.0);
    }
}

/// Where version 1 has its memory controller, on hosts that use it.
const V1_MEMORY: &str = "/sys/fs/cgroup/memory";

#[tokio::test]
async fn memory_that_ends_above_the_bay_is_not_the_programs_fault() {
    if !Path::new(V1_MEMORY).exists() || skipped(Need::Cgroups) {
        return;
    }
    let group = SmallGroup::make(128 * MIB);
    let arena = Arena::open_by(|name| {
        let mut command = Command::new("/bin/bash");
        let enter = "echo $$ > $2/tasks && exec -a $0 $1 sandbox-keeper";
        command.args(["--norc", "-c", enter, name]).arg(runbay_testkit::binary()).arg(&group.0);
        command
    })
    .await;
    let greedy = "
        import os
        # A child first: pid 1 of the bay shall live to tell of it.
        if os.fork() == 0:
            x = bytearray(200 << 20)
            os._exit(0)
        os.wait()
    ";
    let lost = arena.try_run(&Attack::new(greedy).memory(1_024 * MIB)).await;
    assert!(matches!(lost, Err(RunError::BayLost)), "{lost:?}");
    // Its own limit is its own fault there as well.
    let report = arena.run(&Attack::new(greedy).memory(LIMIT)).await;
    assert!(report.usage.memory_kills > 0, "{}", text(&report));
    arena.close().await;
}

#[tokio::test]
async fn huge_pages_of_the_host_are_out_of_reach() {
    let arena = Arena::open().await;
    let huge = "
        import mmap
        from attack import answer, attempt
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS
        answer(
            plain=attempt(lambda: mmap.mmap(-1, 1 << 21, flags=flags)),
            huge=attempt(lambda: mmap.mmap(-1, 1 << 21, flags=flags | 0x40000)),
        )
    ";
    let said = answer(&arena.run(&Attack::new(huge)).await);
    assert_eq!(said, serde_json::json!({"plain": "done", "huge": "EPERM"}));
    arena.close().await;
}

#[tokio::test]
async fn deep_recursion_is_the_programs_own_end() {
    let arena = Arena::open().await;
    let recurse = "
        import sys
        sys.setrecursionlimit(1 << 30)
        class Deep:
            def __repr__(self): return repr(self)
        repr(Deep())
    ";
    let report = arena.run(&Attack::new(recurse)).await;
    let ended = matches!(report.end, ProgramEnd::Signalled(libc::SIGSEGV) | ProgramEnd::Exited(1));
    assert!(ended || report.usage.memory_kills > 0, "{}", text(&report));
    arena.close().await;
}

#[tokio::test]
async fn a_bay_that_is_too_small_is_an_error() {
    if skipped(Need::Cgroups) {
        return;
    }
    let arena = Arena::open().await;
    for bytes in [0, 4_096, 256 * 1_024] {
        let tiny = arena.try_run(&Attack::new("print('x')").memory(bytes)).await;
        assert!(tiny.as_ref().is_err() || tiny.as_ref().is_ok_and(|report| report.usage.memory_kills > 0), "{tiny:?}");
    }
    arena.close().await;
}
