//! Ends of all kinds, after which nothing may be left.

use std::fs;
use std::time::Duration;

use runbay_sandbox::BayError;
use runbay_sandbox::RunError;
use runbay_testkit::Process;
use runbay_testkit::eventually;

use crate::arena::Arena;
use crate::arena::Need;
use crate::arena::PATIENCE;
use crate::arena::skipped;
use crate::arena::vanish;
use crate::attack::Attack;

const SLEEPER: &str = "
    import os, time
    from attack import ready
    os.fork()
    os.setsid() if os.getpid() > 2 else None
    ready()
    time.sleep(60)
";

/// Runs a program that would never end, does something once it is ready, and returns what the run says to that.
async fn disturbed(arena: &Arena, disturb: impl FnOnce()) -> RunError {
    let attack = Attack::new(SLEEPER);
    let disturb = async {
        arena.ready().await;
        disturb();
    };
    let (run, ()) = tokio::join!(arena.try_run(&attack), disturb);
    run.expect_err("a run that was disturbed has no report")
}

fn pid_1(arena: &Arena) -> Process {
    let found = arena.traces.programs().into_iter().find(|process| process.name == "runbay-bay");
    found.expect("the bay has a pid 1")
}

#[tokio::test]
async fn the_hosts_mounts_stay_as_they_were() {
    let mounts = || fs::read_to_string("/proc/self/mountinfo").expect("/proc is mounted");
    let before = mounts();
    let arena = Arena::open().await;
    arena.run(&Attack::new("print('x')")).await;
    assert_eq!(mounts(), before);
    arena.close().await;
    assert_eq!(mounts(), before);
}

#[tokio::test]
async fn a_bay_that_nobody_uses_goes_away() {
    // Pipes can be told to be those of bays by their users.
    if skipped(Need::Root) {
        return;
    }
    let arena = Arena::open().await;
    let bays = [arena.bay(Attack::new("").limits).await, arena.bay(Attack::new("").limits).await];
    assert_eq!(arena.traces.own_pipes(), 6);
    drop(bays);
    arena.close().await;
}

#[tokio::test]
async fn a_run_that_nobody_waits_for_goes_away() {
    let arena = Arena::open().await;
    let attack = Attack::new(SLEEPER);
    tokio::select! {
        _ = arena.try_run(&attack) => panic!("the program would never end"),
        () = arena.ready() => {}
    }
    arena.close().await;
}

#[tokio::test]
async fn a_killed_pid_1_is_an_error_and_takes_its_bay_along() {
    let arena = Arena::open().await;
    let error = disturbed(&arena, || pid_1(&arena).kill()).await;
    assert!(matches!(error, RunError::BayLost), "{error:?}");
    arena.close().await;
}

#[tokio::test]
async fn a_killed_forker_is_replaced_and_leaves_nothing() {
    let arena = Arena::open().await;
    let first = arena.traces.forker();
    let error = disturbed(&arena, || first.kill()).await;
    assert!(matches!(error, RunError::ForkerLost), "{error:?}");
    let gone = async || arena.traces.programs().is_empty().then_some(());
    eventually(PATIENCE, "the bays of the killed forker are gone", gone).await;

    let again = async || arena.sandbox.bay(Attack::new("").limits).await.ok();
    drop(eventually(PATIENCE, "another forker makes bays", again).await);
    assert_ne!(arena.traces.forker().pid, first.pid);
    assert_eq!(arena.traces.cgroups(), Vec::<&std::path::PathBuf>::new(), "the next forker has removed them");

    let Arena { sandbox, traces, .. } = arena;
    drop(sandbox);
    vanish(&traces).await;
}

#[tokio::test]
async fn a_service_that_goes_away_takes_all_bays_along() {
    let arena = Arena::open().await;
    let attack = Attack::new(SLEEPER);
    let bay = arena.bay(attack.limits).await;
    tokio::select! {
        _ = runbay_sandbox::run(bay, &attack.invocation, b"", &attack.clocks) => panic!("the program would never end"),
        () = arena.ready() => {}
    }
    // The run was dropped in this moment; the sandbox goes without a pause.
    let Arena { sandbox, traces, .. } = arena;
    drop(sandbox);
    vanish(&traces).await;
}

#[tokio::test]
async fn a_killed_keeper_ends_everything() {
    let arena = Arena::open().await;
    let keeper = arena.traces.keeper();
    let error = disturbed(&arena, || keeper.kill()).await;
    assert!(matches!(error, RunError::ForkerLost), "{error:?}");
    let Arena { sandbox, traces, machine_use, .. } = arena;
    let refused = tokio::time::timeout(Duration::from_secs(15), sandbox.bay(Attack::new("").limits)).await;
    assert!(matches!(refused, Ok(Err(BayError::NoForker))), "{refused:?}");
    let gone = async || traces.processes().is_empty().then_some(());
    eventually(PATIENCE, "everything is gone", gone).await;

    // Nobody was left to remove the cgroups: the next forker on the machine does.
    drop(machine_use);
    Arena::open().await.close().await;
    vanish(&traces).await;
}

#[tokio::test]
async fn stop_signals_to_the_whole_group_leave_running_programs_alone() {
    let arena = Arena::open().await;
    let (keeper, forker) = (arena.traces.keeper(), arena.traces.forker());
    keeper.terminate();
    forker.terminate();
    assert_eq!(arena.run(&Attack::new("print('done')")).await.stdout, b"done\n");
    assert!(keeper.is_alive() && forker.is_alive());
    arena.close().await;
}
