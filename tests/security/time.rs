//! Programs that do not end.

use std::time::Duration;
use std::time::Instant;

use runbay_sandbox::ProgramEnd;
use runbay_sandbox::Stop;

use crate::arena::Arena;
use crate::arena::Need;
use crate::arena::skipped;
use crate::attack::Attack;
use crate::attack::text;

const SHORT: Duration = Duration::from_millis(400);

/// Far below the wall limit of programs that nobody stops.
const SOON: Duration = Duration::from_secs(30);

/// Runs a program that is stopped from outside; returns what it wrote.
async fn stopped(attack: Attack, by: Stop) -> Option<String> {
    // The meter is the cgroup's. Without one, a resource limit ends single processes.
    if by == Stop::CpuTime && skipped(Need::Cgroups) {
        return None;
    }
    let arena = Arena::open().await;
    let start = Instant::now();
    let report = arena.run(&attack).await;
    assert_eq!((report.end, report.stop), (ProgramEnd::Killed, Some(by)), "{}", text(&report));
    assert!(start.elapsed() < SOON, "stopped after {:?}", start.elapsed());
    arena.close().await;
    Some(String::from_utf8(report.stdout).expect("the program writes text"))
}

#[tokio::test]
async fn a_busy_loop_uses_up_its_cpu_time() {
    stopped(Attack::new("while True: pass").cpu(SHORT), Stop::CpuTime).await;
}

#[tokio::test]
async fn processes_share_one_cpu_time() {
    let busy = "
        import os
        for _ in range(3):
            os.fork()
        while True: pass
    ";
    stopped(Attack::new(busy).cpu(SHORT), Stop::CpuTime).await;
}

#[tokio::test]
async fn sleeping_uses_up_the_wall_time() {
    let sleep = "
        import time
        print('before', flush=True)
        time.sleep(60)
    ";
    // Time enough to write on a busy machine.
    let written = stopped(Attack::new(sleep).wall(Duration::from_secs(2)), Stop::WallTime).await;
    assert_eq!(written.as_deref(), Some("before\n"), "what was written is kept");
}

#[tokio::test]
async fn busy_siblings_are_no_busy_host() {
    if skipped(Need::Cgroups) {
        return;
    }
    let arena = Arena::open().await;
    let crowd = "
        import os
        for _ in range(3): os.fork()
        while True: pass
    ";
    let wall = Duration::from_secs(1);
    let report = arena.run(&Attack::new(crowd).wall(wall)).await;
    assert_eq!((report.end, report.stop), (ProgramEnd::Killed, Some(Stop::WallTime)), "{}", text(&report));
    // More time than the limit is for what others took, however busy the host is; with twice the time it would have used
    // two seconds.
    let used = Duration::from_micros(report.usage.cpu_us.expect("a cgroup counts it"));
    assert!(used < wall + wall / 2, "{used:?} of CPU time in {:?}", report.wall);
    arena.close().await;
}

#[tokio::test]
async fn stopping_itself_stops_no_clock() {
    let stop = "
        import os, signal
        os.fork()
        os.kill(0, signal.SIGSTOP)
    ";
    stopped(Attack::new(stop).wall(SHORT), Stop::WallTime).await;
}

#[tokio::test]
async fn ignoring_signals_does_not_help() {
    let ignore = "
        import signal
        for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
        while True: pass
    ";
    stopped(Attack::new(ignore).cpu(SHORT), Stop::CpuTime).await;
}

#[tokio::test]
async fn an_exec_bomb_uses_up_its_cpu_time() {
    let again = "
        import os, sys
        os.execv(sys.executable, [sys.executable, 'main.py'])
    ";
    stopped(Attack::new(again).cpu(SHORT), Stop::CpuTime).await;
}

/// Runs a program that ends by itself at once, whatever it leaves running.
async fn ends(source: &str) {
    let arena = Arena::open().await;
    let start = Instant::now();
    let report = arena.run(&Attack::new(source)).await;
    assert_eq!((report.end, report.stop), (ProgramEnd::Exited(0), None), "{}", text(&report));
    assert_eq!(report.stdout, b"done\n");
    assert!(start.elapsed() < SOON, "ended after {:?}", start.elapsed());
    arena.close().await;
}

#[tokio::test]
async fn a_child_that_holds_the_output_open_delays_nothing() {
    ends(
        "
        import os, time
        if os.fork() == 0:
            time.sleep(60)
        os.write(1, b'done\\n')
        os._exit(0)
    ",
    )
    .await;
}

#[tokio::test]
async fn a_daemon_dies_with_its_program() {
    ends(
        "
        import os, signal, time
        reader, writer = os.pipe()
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                for number in set(signal.Signals) - {signal.SIGKILL, signal.SIGSTOP}:
                    signal.signal(number, signal.SIG_IGN)
                os.write(writer, b'x')
                while True: time.sleep(60)
            os._exit(0)
        os.wait()
        os.read(reader, 1)
        os.write(1, b'done\\n')
        os._exit(0)
    ",
    )
    .await;
}

#[tokio::test]
async fn input_that_nobody_reads_delays_nothing() {
    let arena = Arena::open().await;
    let report = arena.run(&Attack::new("print('done')").stdin(vec![b'x'; 1024 * 1024])).await;
    assert_eq!((report.end, report.stdout.as_slice()), (ProgramEnd::Exited(0), &b"done\n"[..]), "{}", text(&report));
    arena.close().await;
}

#[tokio::test]
async fn processes_that_wait_for_each_other_can_be_killed() {
    // The parent of a vfork waits uninterruptibly for anything but death; locks and pipes wait in circles.
    let hang = format!(
        "
        import fcntl, os, time
        from attack import call
        CLONE_VM_VFORK = 0x4100
        if os.fork() == 0:
            if call({}, CLONE_VM_VFORK | 17) == 0:
                while True: time.sleep(60)
        one, other = os.pipe(), os.pipe()
        if os.fork() == 0: os.read(one[0], 1)
        if os.fork() == 0:
            lock = open('/tmp/lock', 'w')
            fcntl.flock(lock, fcntl.LOCK_EX)
            os.read(other[0], 1)
        time.sleep(0.1)
        fcntl.flock(open('/tmp/lock', 'w'), fcntl.LOCK_EX)
    ",
        libc::SYS_clone
    );
    stopped(Attack::new(&hang).wall(SHORT), Stop::WallTime).await;
}

#[tokio::test]
async fn many_threads_share_one_cpu_time() {
    let burn = "
        import os, threading
        threading.stack_size(1 << 18)
        # A thread that computes in C lets the others run.
        burn = lambda: [sum(range(1 << 30)) for _ in iter(int, 1)]
        for _ in range(14): threading.Thread(target=burn).start()
        for _ in range(14): os.fork() if threading.active_count() == 15 else None
        burn()
    ";
    stopped(Attack::new(burn).cpu(SHORT), Stop::CpuTime).await;
}
