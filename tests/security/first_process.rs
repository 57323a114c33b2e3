//! Programs that attack pid 1 of their bay, which reports on them, or pose as it.

use std::time::Duration;

use runbay_sandbox::ProgramEnd;
use runbay_sandbox::Stop;
use serde_json::json;

use crate::arena::Arena;
use crate::arena::Need;
use crate::arena::said;
use crate::arena::skipped;
use crate::attack::Attack;
use crate::attack::MIB;
use crate::attack::text;

#[tokio::test]
async fn its_sockets_and_memory_cannot_be_reached() {
    let said = said(&format!(
        "
        import os, signal
        from attack import answer, attempt, call
        opened = lambda name: attempt(os.open, '/proc/1/' + name, os.O_RDONLY)
        pid_1 = os.pidfd_open(1)
        answer(
            files=sorted({{opened(name) for name in ('fd', 'fd/3', 'fd/4', 'mem', 'maps', 'environ', 'exe', 'root', 'cwd', 'ns/mnt')}}),
            taken=sorted({{call({}, pid_1, fd, 0) for fd in range(64)}}),
            read=call({}, 1, 0, 0, 0, 0, 0), traced=call({}, 16, 1, 0, 0),
            own=[attempt(os.write, fd, b'x') for fd in (3, 4, 5, 6, 7, 63, 255)],
        )
    ",
        libc::SYS_pidfd_getfd,
        libc::SYS_process_vm_readv,
        libc::SYS_ptrace
    ))
    .await;
    let taken = json!(["EPERM"]);
    assert_eq!((&said["taken"], &said["read"], &said["traced"]), (&taken, &json!("EPERM"), &json!("EPERM")));
    assert_eq!(said["files"], json!(["ENOENT"]));
    // One of them is the pidfd that the program has just opened, which cannot be written.
    for error in said["own"].as_array().expect("a list") {
        assert!(error == "EBADF" || error == "EINVAL", "{said}");
    }
}

/// The bytes are those of a report that the program ended with exit code 0.
#[tokio::test]
async fn forged_reports_reach_nobody() {
    let arena = Arena::open().await;
    let forge = "
        import os, socket, sys
        forged = bytes([1, 0, 0, 0, 0, 0, 0, 0])
        for fd in range(3, 256):
            try: socket.socket(fileno=os.dup(fd)).send(forged)
            except OSError: pass
        for fd in (0, 1, 2):
            try: socket.socket(fileno=os.dup(fd)).send(b'S' + forged)
            except OSError: pass
        for path in ('/proc/1/fd/3', '/proc/1/fd/4', '/proc/1/fd/5'):
            try: open(path, 'wb').write(forged)
            except OSError: pass
        for name in ('\\0runbay', '\\0forker', '\\0reports'):
            try: socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).connect(name)
            except OSError: pass
        os.write(1, forged)
        os.write(2, b'S')
        os._exit(3)
    ";
    let report = arena.run(&Attack::new(forge)).await;
    assert_eq!((report.end, report.stop), (ProgramEnd::Exited(3), None), "{}", text(&report));
    assert_eq!((report.stdout.as_slice(), report.stderr.as_slice()), (&[1, 0, 0, 0, 0, 0, 0, 0][..], &b"S"[..]));
    arena.close().await;
}

#[tokio::test]
async fn floods_of_signals_and_dead_children_do_not_confuse_it() {
    let arena = Arena::open().await;
    let flood = "
        import os, signal
        for _ in range(100):
            if os.fork() == 0:
                if os.fork() == 0: os._exit(9)
                os.kill(os.getpid(), signal.SIGSEGV)
            os.wait()
            for number in (signal.SIGCHLD, signal.SIGCONT, signal.SIGTERM, signal.SIGSTOP, signal.SIGKILL):
                try: os.kill(1, number)
                except PermissionError: pass
        os._exit(5)
    ";
    let report = arena.run(&Attack::new(flood)).await;
    assert_eq!((report.end, report.stop), (ProgramEnd::Exited(5), None), "{}", text(&report));
    arena.close().await;
}

#[tokio::test]
async fn a_sibling_is_not_taken_for_the_program() {
    let arena = Arena::open().await;
    // A child of pid 1 that the program made itself; it ends first, with another code.
    let sibling = format!(
        "
        import os, time
        from attack import call
        CLONE_PARENT, SIGCHLD = 0x8000, 17
        if call({}, CLONE_PARENT | SIGCHLD) == 0: os._exit(0)
        if call({0}, CLONE_PARENT) == 0: os._exit(0)
        time.sleep(0.3)
        os._exit(6)
    ",
        libc::SYS_clone
    );
    let report = arena.run(&Attack::new(&sibling)).await;
    assert_eq!((report.end, report.stop), (ProgramEnd::Exited(6), None), "{}", text(&report));
    arena.close().await;
}

#[tokio::test]
async fn a_program_that_becomes_another_or_loses_its_first_thread_is_still_the_program() {
    let arena = Arena::open().await;
    let exec_of_a_thread = "
        import os, threading, time
        threading.Thread(target=os.execv, args=('/bin/sh', ['sh', '-c', 'exit 4'])).start()
        time.sleep(60)
    ";
    let report = arena.run(&Attack::new(exec_of_a_thread)).await;
    assert_eq!((report.end, report.stop), (ProgramEnd::Exited(4), None), "{}", text(&report));

    let end_of_the_first_thread = format!(
        "
        import os, threading, time
        from attack import call
        def last():
            time.sleep(0.2)
            os.write(1, b'last')
            os._exit(8)
        threading.Thread(target=last).start()
        call({}, 0)
    ",
        libc::SYS_exit
    );
    let report = arena.run(&Attack::new(&end_of_the_first_thread)).await;
    assert_eq!((report.end, report.stdout.as_slice()), (ProgramEnd::Exited(8), &b"last"[..]), "{}", text(&report));
    arena.close().await;
}

#[tokio::test]
async fn adopted_orphans_die_with_the_program_that_adopted_them() {
    let arena = Arena::open().await;
    let adopt = format!(
        "
        import os, time
        from attack import call
        PR_SET_CHILD_SUBREAPER = 36
        assert call({}, PR_SET_CHILD_SUBREAPER, 1) == 0
        child = os.fork()
        if child == 0:
            os.setsid()
            if os.fork() == 0: time.sleep(60)
            os._exit(0)
        os.waitpid(child, 0)
        os._exit(2)
    ",
        libc::SYS_prctl
    );
    let report = arena.run(&Attack::new(&adopt)).await;
    assert_eq!((report.end, report.stop), (ProgramEnd::Exited(2), None), "{}", text(&report));
    arena.close().await;
}

#[tokio::test]
async fn a_bay_without_room_for_it_is_a_verdict() {
    if skipped(Need::Cgroups) {
        return;
    }
    let arena = Arena::open().await;
    // Memory is full, no process can be made, and many wait for a CPU when the wall clock asks pid 1 about that.
    let full = "
        import mmap, os, time
        for _ in range(14):
            if os.fork() == 0:
                while True: pass
        space = mmap.mmap(-1, 1 << 30)
        for at in range(0, 40 << 20, 4096): space[at] = 1
        while True: pass
    ";
    let attack = Attack::new(full).memory(64 * MIB).wall(Duration::from_millis(700)).cpu(Duration::from_secs(30));
    let report = arena.run(&attack).await;
    assert!(!matches!(report.end, ProgramEnd::Exited(_)), "{}", text(&report));
    assert!(report.stop == Some(Stop::WallTime) || report.usage.memory_kills > 0, "{}", text(&report));
    arena.close().await;
}
