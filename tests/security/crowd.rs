//! Two hundred programs at one time.

use std::collections::BTreeSet;
use std::time::Duration;

use runbay_sandbox::ProgramEnd;
use runbay_sandbox::Report;
use runbay_sandbox::Stop;
use rustix::process::Resource;
use rustix::process::Rlimit;

use crate::arena::Arena;
use crate::arena::Need;
use crate::arena::skipped;
use crate::attack::Attack;
use crate::attack::MIB;
use crate::attack::answer;
use crate::attack::text;

const PROGRAMS: usize = 210;

/// Each CPU-bound attacker may use so much, so that all together are done in seconds.
const CPU: Duration = Duration::from_millis(100);

/// Long enough for a program that has to share a core with a hundred others.
const WALL: Duration = Duration::from_secs(40);

/// A kind of program and the only right verdict on it.
#[derive(Debug, Clone, Copy)]
enum Kind {
    Honest,
    ForkBomb,
    MemoryHog,
    Flood,
    BusyLoop,
    Sleeper,
    FileHog,
    Crash,
}

impl Kind {
    /// Makes every third program an honest one, and the others of all kinds in turn.
    fn of(number: usize) -> Self {
        let others =
            [Self::ForkBomb, Self::MemoryHog, Self::Flood, Self::BusyLoop, Self::Sleeper, Self::FileHog, Self::Crash];
        if number.is_multiple_of(3) { Self::Honest } else { others[number / 3 % others.len()] }
    }

    fn attack(self, number: usize) -> Attack {
        let attack = match self {
            Self::Honest => Attack::new(&format!(
                "
                import sys
                total = sum(n * n for n in range(2_000 + {number}))
                open('/tmp/total', 'w').write(str(total))
                print({number}, open('/tmp/total').read(), sys.stdin.read(), flush=True)
                print('error', {number}, file=sys.stderr)
                sys.exit({number} % 100)
            "
            ))
            .stdin(format!("input {number}").into_bytes()),
            Self::ForkBomb => Attack::new(
                "
                import os
                while True:
                    try: os.fork()
                    except OSError: pass
            ",
            )
            // What the kernel sets up for refused processes counts as memory until it has freed it.
            .memory(256 * MIB)
            .cpu(CPU),
            Self::MemoryHog => Attack::new("x = bytearray(1 << 30)").memory(24 * MIB),
            Self::Flood => Attack::new("import os\nwhile True: os.write(1, b'x' * 65536)"),
            Self::BusyLoop => Attack::new("while True: pass").cpu(CPU),
            Self::Sleeper => Attack::new("import time\ntime.sleep(600)").wall(Duration::from_secs(3)),
            Self::FileHog => Attack::new(
                "
                import os
                opened = []
                try:
                    while True: opened.append(os.open('/dev/null', os.O_RDONLY))
                except OSError:
                    os.write(1, str(len(opened)).encode())
                os._exit(0)
            ",
            ),
            Self::Crash => Attack::new("import ctypes; ctypes.string_at(8)"),
        };
        if let Self::Sleeper = self { attack } else { attack.wall(WALL) }
    }

    fn judge(self, number: usize, report: &Report) {
        let seen = (report.end, report.stop);
        let expected = match self {
            Self::Honest => {
                let total: u64 = (0..2_000 + number as u64).map(|n| n * n).sum();
                assert_eq!(report.stdout, format!("{number} {total} input {number}\n").into_bytes());
                assert_eq!(report.stderr, format!("error {number}\n").into_bytes());
                let code = i32::try_from(number % 100).expect("a small number");
                (ProgramEnd::Exited(code), None)
            }
            Self::MemoryHog => {
                assert!(report.usage.memory_kills > 0, "{}", text(report));
                assert!(!matches!(report.end, ProgramEnd::Exited(_)), "{}", text(report));
                (report.end, None)
            }
            Self::Flood => {
                assert_eq!(report.stdout.len(), report_limit());
                (ProgramEnd::Killed, Some(Stop::Output))
            }
            Self::ForkBomb | Self::BusyLoop => (ProgramEnd::Killed, Some(Stop::CpuTime)),
            Self::Sleeper => (ProgramEnd::Killed, Some(Stop::WallTime)),
            Self::FileHog => {
                assert_eq!(report.stdout, b"253");
                (ProgramEnd::Exited(0), None)
            }
            Self::Crash => (ProgramEnd::Signalled(libc::SIGSEGV), None),
        };
        assert_eq!(seen, expected, "{self:?} {number}: {}", text(report));
        if !matches!(self, Self::MemoryHog) {
            assert_eq!(report.usage.memory_kills, 0, "{self:?} {number}: {}", text(report));
        }
    }
}

fn report_limit() -> usize {
    Attack::new("").clocks.stdout_bytes + 1
}

/// Takes a bay for each program first, so that all are alive at once; then runs all programs.
async fn all_at_once(arena: &Arena, attacks: Vec<Attack>) -> Vec<Report> {
    let mut runs = Vec::new();
    for mut attack in attacks {
        // Without the modules that most programs need, interpreters start in half the time.
        attack.invocation.runtime.argv.insert(1, "-S".to_owned());
        let bay = arena.bay(attack.limits).await;
        runs.push(async move { runbay_sandbox::run(bay, &attack.invocation, &attack.stdin, &attack.clocks).await });
    }
    let running: Vec<_> = runs.into_iter().map(tokio::spawn).collect();
    let mut reports = Vec::new();
    for run in running {
        reports.push(run.await.expect("a run does not panic").expect("the program can be run"));
    }
    reports
}

/// Lets this process have the five files of each of so many bays.
fn allow_many_files() {
    let limit = rustix::process::getrlimit(Resource::Nofile);
    rustix::process::setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).expect("it may be raised");
}

#[tokio::test]
async fn honest_programs_are_right_among_two_hundred_hostile_ones() {
    if skipped(Need::Cgroups) {
        return;
    }
    allow_many_files();
    let arena = Arena::open_for_crowd().await;
    let kinds: Vec<Kind> = (0..PROGRAMS).map(Kind::of).collect();
    let attacks = kinds.iter().enumerate().map(|(number, kind)| kind.attack(number)).collect();
    let reports = all_at_once(&arena, attacks).await;
    for (number, (kind, report)) in kinds.iter().zip(&reports).enumerate() {
        kind.judge(number, report);
    }
    arena.close().await;
}

#[tokio::test]
async fn two_hundred_starts_at_once_leak_no_file() {
    allow_many_files();
    let arena = Arena::open_for_crowd().await;
    let list = Attack::new(
        "
        import os
        fds = []
        for fd in range(256):
            try: fds.append([fd, os.fstat(fd).st_ino])
            except OSError: pass
        print(fds)
    ",
    )
    .wall(WALL);
    let mut pipes = BTreeSet::new();
    for report in all_at_once(&arena, vec![list; PROGRAMS]).await {
        let fds: Vec<(i32, u64)> = serde_json::from_value(answer(&report)).expect("pairs");
        assert_eq!(fds.iter().map(|(fd, _)| *fd).collect::<Vec<_>>(), [0, 1, 2]);
        for (_, pipe) in fds {
            assert!(pipes.insert(pipe), "two programs had the pipe {pipe}");
        }
    }
    arena.close().await;
}
