//! Bays that are made ahead and wait for their job.

use std::fs;
use std::future::Future;
use std::process::Command;
use std::task::Poll;

use runbay_sandbox::BayLimits;
use runbay_sandbox::FixedLimit;
use runbay_sandbox::LimitError;
use runbay_sandbox::ParkedBay;
use runbay_sandbox::Report;
use runbay_sandbox::RunError;
use runbay_testkit::eventually;
use serde_json::json;

use crate::arena::Arena;
use crate::arena::Need;
use crate::arena::PATIENCE;
use crate::arena::skipped;
use crate::arena::vanish;
use crate::attack::Attack;
use crate::attack::MIB;
use crate::attack::answer;
use crate::attack::text;

/// Takes so much memory, and says that it was there.
const HUNGRY: &str = "
    import sys
    from attack import answer
    taken = bytearray(int(sys.argv[1]) << 20)
    answer(bytes=len(taken))
";

async fn park(arena: &Arena, attack: &Attack) -> ParkedBay {
    arena.bay(attack.limits).await.park(&attack.invocation.runtime).await.expect("the bay can be parked")
}

async fn run(bay: ParkedBay, attack: &Attack) -> Result<Report, RunError> {
    let (running, stdin) = bay.start(&attack.invocation.job, &attack.clocks).await?;
    running.collect(async { drop(stdin) }, |_| {}).await
}

fn hungry(mebibytes: u64) -> Attack {
    let mut attack = Attack::new(HUNGRY);
    attack.invocation.job.arguments.push(mebibytes.to_string());
    attack
}

/// Returns the memory limits of all bays as the host sees them; the bay that the forker has ready has none.
fn memory_limits(arena: &Arena) -> Vec<u64> {
    let bays = arena.traces.cgroups().into_iter().flat_map(|forker| fs::read_dir(forker).expect("it is there"));
    let limit = |bay: fs::DirEntry| {
        let read = |name: &str| fs::read_to_string(bay.path().join(name)).ok();
        read("memory.limit_in_bytes").or_else(|| read("memory.max"))?.trim().parse().ok()
    };
    bays.filter_map(|bay| limit(bay.ok()?)).filter(|limit| *limit < 1 << 40).collect()
}

#[tokio::test]
async fn a_parked_bay_gets_limits_files_and_program_later() {
    let arena = Arena::open().await;
    let mut attack = Attack::new(
        "
        import os, resource, sys
        from attack import answer
        limits = [resource.getrlimit(limit)[0] for limit in (resource.RLIMIT_NOFILE, resource.RLIMIT_FSIZE)]
        answer(args=sys.argv[1:], limits=limits, own=os.environ['OWN'], path=os.environ['PATH'], box=sorted(name for name in os.listdir() if name.endswith('.py')))
    ",
    );
    let mut bay = park(&arena, &attack).await;
    assert_eq!(bay.limits(), Some(&attack.limits));
    let limits = BayLimits { open_files: 33, file_bytes: MIB, ..attack.limits };
    bay.limit(limits).await.expect("limits can be changed");
    assert_eq!(bay.limits(), Some(&limits));
    attack.invocation.job.arguments.push("a b".to_owned());
    attack.invocation.job.environment =
        vec![("OWN".to_owned(), "1".to_owned()), ("PATH".to_owned(), "/bin".to_owned())];
    let seen = answer(&run(bay, &attack).await.expect("the program can be run"));
    let box_ = ["attack.py", "main.py"];
    assert_eq!(seen, json!({"args": ["a b"], "limits": [33, MIB], "own": "1", "path": "/bin", "box": box_}));
    arena.close().await;
}

#[tokio::test]
async fn the_memory_of_a_parked_bay_can_be_lowered_and_raised() {
    if skipped(Need::Cgroups) {
        return;
    }
    let arena = Arena::open().await;
    for (mebibytes, fits) in [(64, true), (32, false), (160, true)] {
        let attack = hungry(if fits { mebibytes - 24 } else { 40 });
        let mut bay = park(&arena, &attack).await;
        assert_eq!(memory_limits(&arena), [64 * MIB]);
        bay.limit(BayLimits { memory_bytes: mebibytes * MIB, ..attack.limits }).await.expect("it can be changed");
        assert_eq!(memory_limits(&arena), [mebibytes * MIB]);
        let report = run(bay, &attack).await.expect("the program can be run");
        assert_eq!(report.usage.memory_kills == 0, fits, "{mebibytes}: {}", text(&report));
        if fits {
            assert_eq!(answer(&report), json!({"bytes": (mebibytes - 24) * MIB}));
        }
        arena.quiet().await;
    }
    arena.close().await;
}

#[tokio::test]
async fn the_processes_of_a_parked_bay_can_be_changed_more_than_once() {
    if skipped(Need::Cgroups) {
        return;
    }
    let arena = Arena::open().await;
    let attack = Attack::new(
        "
        import os, time
        from attack import answer
        started = 0
        try:
            while True:
                if os.fork() == 0: time.sleep(60)
                started += 1
        except BlockingIOError:
            answer(started=started)
    ",
    );
    let mut bay = park(&arena, &attack).await;
    for processes in [40, 3, 5] {
        bay.limit(BayLimits { processes, ..attack.limits }).await.expect("it can be changed");
    }
    let report = run(bay, &attack).await.expect("the program can be run");
    assert_eq!(answer(&report), json!({"started": 4}));
    arena.close().await;
}

#[tokio::test]
async fn limits_that_are_part_of_the_mounts_are_refused_and_the_bay_is_as_good_as_before() {
    let arena = Arena::open().await;
    let attack = Attack::new("print('still here')");
    let mut bay = park(&arena, &attack).await;
    for (limits, name) in [
        (BayLimits { disk_bytes: MIB, memory_bytes: MIB, ..attack.limits }, FixedLimit::DiskBytes),
        (BayLimits { inodes: 10, ..attack.limits }, FixedLimit::Inodes),
        (BayLimits { terminal: true, ..attack.limits }, FixedLimit::Terminal),
    ] {
        let error = bay.limit(limits).await.expect_err("the file system is mounted");
        assert!(matches!(error, LimitError::Fixed(fixed) if fixed == name), "{error:?}");
        assert_eq!(error.to_string(), format!("{name} cannot be changed once a bay is built; take a fresh bay"));
    }
    assert_eq!(run(bay, &attack).await.expect("the program can be run").stdout, b"still here\n");
    arena.close().await;
}

#[tokio::test]
async fn less_memory_than_the_bay_has_already_is_refused_and_ends_it() {
    if skipped(Need::Cgroups) {
        return;
    }
    let arena = Arena::open().await;
    let attack = Attack::new("print('x')");
    let mut bay = park(&arena, &attack).await;
    // Version 2 takes the limit and kills the bay; version 1 refuses it.
    let refused = bay.limit(BayLimits { memory_bytes: 0, ..attack.limits }).await.is_err();
    let report = run(bay, &attack).await;
    match report {
        Err(RunError::BayLost) => {}
        Ok(report) => assert!(!refused && report.usage.memory_kills > 0, "{}", text(&report)),
        Err(error) => panic!("{error:?}"),
    }
    arena.close().await;
}

#[tokio::test]
async fn a_change_that_nobody_awaits_ends_the_bay() {
    let arena = Arena::open().await;
    let attack = Attack::new("print('x')");
    let mut bay = park(&arena, &attack).await;
    tokio::select! {
        biased;
        result = bay.limit(BayLimits { open_files: 20, ..attack.limits }) => panic!("it takes a moment: {result:?}"),
        () = std::future::ready(()) => {}
    }
    assert_eq!(bay.limits(), None);
    let error = bay.limit(attack.limits).await.expect_err("nobody knows its limits");
    assert!(matches!(error, LimitError::NotParked), "{error:?}");
    let error = run(bay, &attack).await.expect_err("nobody knows its limits");
    assert!(matches!(error, RunError::BayLost), "{error:?}");
    arena.close().await;
}

#[tokio::test]
async fn a_run_that_is_dropped_at_any_point_leaves_nothing() {
    let arena = Arena::open().await;
    let mut attack = Attack::new("print('x', flush=True); import sys; sys.stdin.read(); print('y')");
    attack.invocation.job.keep = Some("main.py".into());
    let whole = async || {
        let mut bay = park(&arena, &attack).await;
        for open_files in [40, 50] {
            bay.limit(BayLimits { open_files, ..attack.limits }).await.expect("limits can be changed");
        }
        run(bay, &attack).await.expect("the program can be run")
    };
    let mut polls = 0;
    let report = loop {
        let mut run = Box::pin(whole());
        let mut left = polls;
        let dropped_or_done = std::future::poll_fn(|context| {
            if left == 0 {
                return Poll::Ready(None);
            }
            left -= 1;
            run.as_mut().poll(context).map(Some)
        });
        if let Some(report) = dropped_or_done.await {
            break report;
        }
        drop(run);
        arena.quiet().await;
        polls += 1;
    };
    assert_eq!(report.stdout, b"x\ny\n");
    assert!(polls > 5, "{polls}");
    arena.close().await;
}

#[tokio::test]
async fn parked_bays_are_as_confined_as_others() {
    if skipped(Need::Root) {
        return;
    }
    let arena = Arena::open().await;
    let attack = Attack::new("print('x')");
    let bay = park(&arena, &attack).await;
    let pid_1 = arena.traces.programs().into_iter().next().expect("the bay has a pid 1");
    let status = fs::read_to_string(format!("/proc/{}/status", pid_1.pid)).expect("it lives");
    let field = |name: &str| status.lines().find_map(|line| line.strip_prefix(name)).expect("a field").trim();
    assert_eq!((field("CapBnd:"), field("NoNewPrivs:"), field("Seccomp:")), ("0000000000000000", "1", "2"));
    drop(bay);
    arena.close().await;
}

#[tokio::test]
async fn a_parked_bay_that_nobody_keeps_goes_away() {
    let arena = Arena::open().await;
    let attack = Attack::new("");
    drop([park(&arena, &attack).await, park(&arena, &attack).await]);
    arena.close().await;
}

#[tokio::test]
async fn a_parked_bay_that_dies_is_an_error() {
    let arena = Arena::open().await;
    let attack = Attack::new("print('x')");
    for is_limited in [false, true] {
        let mut bay = park(&arena, &attack).await;
        arena.traces.programs().iter().for_each(runbay_testkit::Process::kill);
        arena.quiet().await;
        if is_limited {
            let error = bay.limit(attack.limits).await.expect_err("it is dead");
            assert!(matches!(error, LimitError::NotParked), "{error:?}");
        }
        let error = run(bay, &attack).await.expect_err("it is dead");
        assert!(matches!(error, RunError::BayLost), "{error:?}");
    }
    arena.close().await;
}

#[tokio::test]
async fn parked_bays_die_with_their_forker() {
    let arena = Arena::open().await;
    let attack = Attack::new("print('x')");
    let (mut one, other) = (park(&arena, &attack).await, park(&arena, &attack).await);
    let first = arena.traces.forker();
    first.kill();
    let gone = async || arena.traces.programs().is_empty().then_some(());
    eventually(PATIENCE, "the parked bays are gone", gone).await;
    let error = run(other, &attack).await.expect_err("its forker is dead");
    assert!(matches!(error, RunError::ForkerLost), "{error:?}");
    // Whether the old forker or the new one would have been asked, nobody knows the bay any more.
    let error = one.limit(attack.limits).await.expect_err("its forker is dead");
    assert!(matches!(error, LimitError::NoForker | LimitError::NotParked), "{error:?}");
    drop(one);
    let again = async || arena.sandbox.bay(attack.limits).await.ok();
    drop(eventually(PATIENCE, "another forker makes bays", again).await);
    let Arena { sandbox, traces, .. } = arena;
    assert_eq!(traces.cgroups(), Vec::<&std::path::PathBuf>::new(), "the next forker has removed them");
    drop(sandbox);
    vanish(&traces).await;
}

#[tokio::test]
async fn a_sandbox_that_goes_away_takes_parked_bays_along() {
    let arena = Arena::open().await;
    let attack = Attack::new("");
    let bays = [park(&arena, &attack).await, park(&arena, &attack).await];
    let Arena { sandbox, traces, .. } = arena;
    drop(sandbox);
    drop(bays);
    vanish(&traces).await;
}

/// Set for the copy of this test program that is killed.
const VICTIM: &str = "RUNBAY_TEST_VICTIM";

/// Parks bays and waits to be killed; does nothing unless [`a_killed_service_leaves_nothing_of_parked_bays`] starts it.
#[tokio::test]
async fn victim() {
    let Ok(marker) = std::env::var(VICTIM) else { return };
    let arena = Arena::open().await;
    let attack = Attack::new("");
    let bays = [park(&arena, &attack).await, park(&arena, &attack).await, park(&arena, &attack).await];
    fs::write(marker, arena.traces.to_text()).expect("the marker can be written");
    // So that it ends even if nobody kills it.
    _ = tokio::time::timeout(PATIENCE, std::future::pending::<()>()).await;
    drop(bays);
}

#[tokio::test]
async fn a_killed_service_leaves_nothing_of_parked_bays() {
    let mounts = || fs::read_to_string("/proc/self/mountinfo").expect("/proc is mounted");
    let before = mounts();
    let directory = std::env::temp_dir().join(format!("runbay-parked-{}", std::process::id()));
    fs::create_dir(&directory).expect("a directory can be made");
    let marker = directory.join("parked");
    let mut victim = Command::new(std::env::current_exe().expect("this program has a path"))
        .args(["--exact", "parked::victim", "--nocapture"])
        .env(VICTIM, &marker)
        .spawn()
        .expect("this program can be started");
    let parked = async || fs::read_to_string(&marker).ok().filter(|text| text.ends_with('\n'));
    let traces = crate::traces::Traces::from_text(&eventually(PATIENCE, "the victim parks bays", parked).await);
    assert_eq!(traces.programs().len(), 3, "{:?}", traces.programs());
    victim.kill().expect("it lives");
    victim.wait().expect("it is a child of this process");
    vanish(&traces).await;
    assert_eq!(mounts(), before);
    fs::remove_dir_all(directory).expect("the directory can be removed");
}
