//! Programs that take all the CPU time they can get, beside honest ones.

use std::time::Duration;

use runbay_sandbox::ProgramEnd;
use runbay_sandbox::RunError;
use runbay_sandbox::Stop;
use tokio::task::JoinHandle;

use crate::arena::Arena;
use crate::arena::Need;
use crate::arena::skipped;
use crate::attack::Attack;
use crate::attack::MIB;
use crate::attack::text;

/// Works for a second of CPU time, a fifth of its limit.
const HONEST: &str = "
    import time
    while time.process_time() < 1: pass
    print('done')
";
const LIMIT: Duration = Duration::from_secs(5);

/// Does the same in one short-lived process after another.
const HONEST_WITH_CHILDREN: &str = "
    import os, time
    for _ in range(10):
        if os.fork() == 0:
            while time.process_time() < 0.1: pass
            os._exit(0)
        os.wait()
    print('done')
";

/// How many hostile bays nobody may fail beside.
const CROWD: usize = 8;

/// As many processes as the default limits allow, all of them in loops.
const LOOPS: &str = "
    import os
    from attack import ready
    for _ in range(6): os.fork()
    ready()
    while True: pass
";

/// Pairs of processes that wake each other all the time.
const PAIRS: &str = "
    import os
    from attack import ready
    for _ in range(31):
        there, back = os.pipe(), os.pipe()
        for reader, writer in ((there[0], back[1]), (back[0], there[1])):
            if os.fork() == 0:
                if writer == there[1]: os.write(writer, b'x')
                while True: os.write(writer, os.read(reader, 1))
        for fd in there + back: os.close(fd)
    ready()
    os.wait()
";

const FORKS: &str = "
    import os
    from attack import ready
    for _ in range(4): os.fork()
    ready()
    while True:
        if os.fork() == 0: os._exit(0)
        os.wait()
";

const EXECS: &str = "
    import os
    from attack import ready
    for _ in range(4): os.fork()
    ready()
    while True:
        os.posix_spawn('/usr/bin/true', ['true'], {})
        os.wait()
";

const THREADS: &str = "
    import os, threading
    from attack import ready
    threading.stack_size(1 << 16)
    for _ in range(4): os.fork()
    ready()
    while True:
        thread = threading.Thread(target=int)
        thread.start()
        thread.join()
";

const AFFINITY: &str = "
    import os
    from attack import ready
    cores = [{core} for core in os.sched_getaffinity(0)]
    for _ in range(5): os.fork()
    ready()
    while True:
        for core in cores: os.sched_setaffinity(0, core)
";

type Neighbour = JoinHandle<Result<runbay_sandbox::Report, RunError>>;

/// Starts a hostile program in `bays` bays, with enough of everything to go on throughout.
async fn neighbours(arena: &Arena, source: &str, bays: usize) -> Vec<Neighbour> {
    let mut attack = Attack::new(source).memory(256 * MIB).cpu(Duration::from_secs(100)).wall(Duration::from_secs(100));
    attack.limits.processes = 64;
    attack.limits.cpu_time_ms = 100_000;
    let mut neighbours = Vec::new();
    for _ in 0..bays {
        let bay = arena.bay(attack.limits).await;
        let attack = attack.clone();
        neighbours.push(tokio::spawn(async move {
            runbay_sandbox::run(bay, &attack.invocation, &attack.stdin, &attack.clocks).await
        }));
    }
    arena.ready_in(bays).await;
    neighbours
}

/// Runs the honest programs beside a hostile one in `bays` bays.
async fn honest_beside(source: &str, bays: usize) {
    if skipped(Need::Cgroups) {
        return;
    }
    let arena = Arena::open_alone().await;
    let neighbours = neighbours(&arena, source, bays).await;
    for honest in [HONEST, HONEST_WITH_CHILDREN] {
        let report = arena.run(&Attack::new(honest).wall(LIMIT)).await;
        assert_eq!(
            (report.end, report.stdout.as_slice()),
            (ProgramEnd::Exited(0), &b"done\n"[..]),
            "{:?} {}",
            report.wall,
            text(&report)
        );
    }
    for neighbour in neighbours {
        assert!(!neighbour.is_finished(), "{:?}", neighbour.await);
        neighbour.abort();
        assert!(neighbour.await.is_err_and(|error| error.is_cancelled()), "the hostile program ran until now");
    }
    arena.close().await;
}

#[tokio::test]
async fn a_crowd_does_not_delay_the_end_of_cpu_time() {
    if skipped(Need::Cgroups) {
        return;
    }
    let arena = Arena::open_alone().await;
    let neighbours = neighbours(&arena, FORKS, CROWD).await;
    let limit = Duration::from_millis(500);
    let mut attack = Attack::new(LOOPS).memory(256 * MIB).cpu(limit);
    attack.limits.processes = 64;
    let report = arena.run(&attack).await;
    assert_eq!((report.end, report.stop), (ProgramEnd::Killed, Some(Stop::CpuTime)), "{}", text(&report));
    let used = Duration::from_micros(report.usage.cpu_us.expect("a cgroup counts it"));
    assert!(used < 2 * limit, "{used:?} of CPU time");
    for neighbour in neighbours {
        neighbour.abort();
    }
    arena.close().await;
}

#[tokio::test]
async fn many_loops_of_one_neighbour_weigh_no_more_than_one() {
    honest_beside(LOOPS, 1).await;
}

#[tokio::test]
async fn loops_fail_nobody() {
    honest_beside(LOOPS, CROWD).await;
}

#[tokio::test]
async fn pairs_that_wake_each_other_fail_nobody() {
    honest_beside(PAIRS, CROWD).await;
}

#[tokio::test]
async fn forks_fail_nobody() {
    honest_beside(FORKS, CROWD).await;
}

#[tokio::test]
async fn execs_fail_nobody() {
    honest_beside(EXECS, CROWD).await;
}

#[tokio::test]
async fn threads_fail_nobody() {
    honest_beside(THREADS, CROWD).await;
}

#[tokio::test]
async fn moves_between_cores_fail_nobody() {
    honest_beside(AFFINITY, CROWD).await;
}
