//! Programs that take all the CPU time they can get, beside honest ones.

use std::num::NonZero;
use std::time::Duration;

use runbay_sandbox::ProgramEnd;

use crate::arena::Arena;
use crate::arena::Need;
use crate::arena::skipped;
use crate::attack::Attack;
use crate::attack::text;

/// Works for two seconds of CPU time, which is at least that long on the wall clock.
const HONEST: &str = "
    import time
    while time.process_time() < 2: pass
    print('done')
";

/// The honest program's limit. Beside many greedy ones it needs longer than this, but less than twice as long.
const LIMIT: Duration = Duration::from_secs(4);

/// Runs the honest program while `bays` bays have `loops` busy loops each.
async fn honest_beside(bays: usize, loops: usize) {
    if skipped(Need::Cgroups) {
        return;
    }
    let arena = Arena::open_alone().await;
    let greedy = format!(
        "
        import os
        from attack import ready
        for _ in range({loops} - 1):
            if os.fork() == 0: break
        ready()
        while True: pass
    "
    );
    let mut neighbours = Vec::new();
    for _ in 0..bays {
        let bay = arena.bay(Attack::new("").limits).await;
        let attack = Attack::new(&greedy).cpu(Duration::from_secs(60)).wall(Duration::from_secs(60));
        neighbours.push(tokio::spawn(async move {
            runbay_sandbox::run(bay, &attack.invocation, &attack.stdin, &attack.clocks).await
        }));
    }
    arena.ready().await;
    let report = arena.run(&Attack::new(HONEST).wall(LIMIT)).await;
    assert_eq!(
        (report.end, report.stdout.as_slice()),
        (ProgramEnd::Exited(0), &b"done\n"[..]),
        "{:?} {}",
        report.wall,
        text(&report)
    );
    for neighbour in neighbours {
        neighbour.abort();
        assert!(neighbour.await.is_err_and(|error| error.is_cancelled()), "the greedy program ran until now");
    }
    arena.close().await;
}

#[tokio::test]
async fn many_loops_of_one_neighbour_weigh_no_more_than_one() {
    honest_beside(1, 8).await;
}

#[tokio::test]
async fn the_load_of_many_neighbours_fails_nobody() {
    let cores = std::thread::available_parallelism().map_or(1, NonZero::get);
    honest_beside(2 * cores, 2).await;
}
