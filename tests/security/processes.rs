//! Programs that start others.

use std::time::Duration;

use runbay_sandbox::ProgramEnd;
use runbay_sandbox::Stop;
use serde_json::json;

use crate::arena::Arena;
use crate::arena::Need;
use crate::arena::is_root;
use crate::arena::skipped;
use crate::attack::Attack;
use crate::attack::MIB;
use crate::attack::answer;
use crate::attack::text;

#[tokio::test]
async fn a_fork_bomb_runs_into_its_limits() {
    if skipped(Need::Cgroups) {
        return;
    }
    let arena = Arena::open().await;
    let bomb = "
        import os
        while True:
            try: os.fork()
            except OSError: pass
    ";
    // What the kernel sets up for a process that is then refused counts as the bay's memory until the kernel
    // has got round to freeing it, which on a busy host takes a while: room for that, or the memory ends first.
    let report = arena.run(&Attack::new(bomb).cpu(Duration::from_secs(1)).memory(256 * MIB)).await;
    assert_eq!((report.end, report.stop), (ProgramEnd::Killed, Some(Stop::CpuTime)), "{}", text(&report));
    assert!(report.usage.process_refusals > 0, "{}", text(&report));
    arena.close().await;
}

#[tokio::test]
async fn processes_are_counted_and_refusals_as_well() {
    let arena = Arena::open().await;
    let count = "
        import os, time
        from attack import answer
        children = 0
        try:
            while True:
                if os.fork() == 0:
                    time.sleep(60)
                children += 1
        except BlockingIOError:
            answer(children=children)
    ";
    let report = arena.run(&Attack::new(count)).await;
    assert_eq!(answer(&report), json!({"children": 15}), "sixteen with the program itself");
    // Nobody counts what a resource limit refuses.
    assert_eq!(report.usage.process_refusals, u64::from(is_root()));
    arena.close().await;
}

#[tokio::test]
async fn threads_count_as_processes() {
    let arena = Arena::open().await;
    let threads = "
        import threading, os
        from attack import answer
        # The memory limit of one process is to leave room for all of them.
        threading.stack_size(1 << 18)
        lock = threading.Lock()
        lock.acquire()
        started = 0
        try:
            while True:
                threading.Thread(target=lock.acquire, daemon=True).start()
                started += 1
        except RuntimeError:
            answer(started=started)
        os._exit(0)
    ";
    let report = arena.run(&Attack::new(threads)).await;
    assert_eq!(answer(&report), json!({"started": 15}));
    assert_eq!(report.usage.process_refusals > 0, is_root());
    arena.close().await;
}

#[tokio::test]
async fn orphans_are_reaped() {
    let arena = Arena::open().await;
    let orphans = "
        import os
        from attack import answer
        for _ in range(100):
            child = os.fork()
            if child == 0:
                os.fork()
                os._exit(0)
            os.waitpid(child, 0)
        answer(orphans=100)
    ";
    // The orphans must not pile up to the limit of sixteen; one that is refused would fail the program.
    assert_eq!(answer(&arena.run(&Attack::new(orphans)).await), json!({"orphans": 100}));
    arena.close().await;
}

#[tokio::test]
async fn zombies_are_the_programs_own_trouble() {
    let arena = Arena::open().await;
    let zombies = "
        import os
        from attack import answer
        children = 0
        try:
            while True:
                if os.fork() == 0: os._exit(0)
                children += 1
        except BlockingIOError:
            answer(children=children)
    ";
    assert_eq!(answer(&arena.run(&Attack::new(zombies)).await), json!({"children": 15}));
    arena.close().await;
}

#[tokio::test]
async fn pid_1_is_out_of_reach() {
    let arena = Arena::open().await;
    let report = arena
        .run(&Attack::new(
            "
        import os, resource, signal
        from attack import answer, attempt
        answer(
            signals=sorted({attempt(os.kill, 1, number) for number in range(0, 65)}),
            everybody=attempt(os.kill, -1, signal.SIGTERM),
            group=attempt(os.killpg, 1, signal.SIGKILL),
            limits=attempt(resource.prlimit, 1, resource.RLIMIT_NOFILE, (0, 0)),
            priority=attempt(os.setpriority, os.PRIO_PROCESS, 1, 19),
            # Answered so, and not done.
            affinity=attempt(os.sched_setaffinity, 1, {0}),
            seen=os.path.exists('/proc/1'),
        )
    ",
        ))
        .await;
    // A pid 1 of the same user can be sent signals, but they have no effect on it (pid_namespaces(7)).
    let signals = if is_root() { "EPERM" } else { "done" };
    let expected = json!({
        "signals": [signals], "everybody": "ESRCH", "group": "ESRCH", "limits": "EPERM", "priority": "EPERM",
        "affinity": "done", "seen": false,
    });
    assert_eq!(answer(&report), expected);
    arena.close().await;
}

#[tokio::test]
async fn a_signal_that_a_program_sends_itself_is_its_end() {
    let arena = Arena::open().await;
    for signal in [libc::SIGSEGV, libc::SIGKILL, libc::SIGTERM, libc::SIGABRT, libc::SIGPIPE, libc::SIGXCPU] {
        let kill =
            format!("import os, signal; signal.signal({signal}, signal.SIG_DFL); os.kill(os.getpid(), {signal})");
        let attack = Attack::new(if signal == libc::SIGKILL { "import os; os.kill(os.getpid(), 9)" } else { &kill });
        let report = arena.run(&attack).await;
        assert_eq!((report.end, report.stop), (ProgramEnd::Signalled(signal), None), "{}", text(&report));
        assert_eq!(report.usage.memory_kills, 0);
    }
    arena.close().await;
}
