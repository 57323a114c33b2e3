//! What is written and read through a terminal, and who waits for it.

use std::time::Duration;

use runbay_sandbox::ProgramEnd;
use runbay_sandbox::Stop;
use tokio::time::Instant;
use tokio::time::timeout;

use super::Dialogue;
use super::run;
use crate::arena::Arena;
use crate::arena::PATIENCE;
use crate::attack::Attack;
use crate::attack::text;

/// Far more than a terminal holds.
const FLOOD: usize = 200_000;

/// The same, of what is typed, which has its pace.
const TYPED: usize = 20_000;

#[tokio::test]
async fn output_written_just_before_the_end_is_not_lost() {
    let arena = Arena::open().await;
    let source = format!("import os\nos.write(1, b'x' * {FLOOD} + b'end')\nos._exit(3)");
    for _ in 0..10 {
        let report = run(&arena, &Attack::new(&source).terminal()).await;
        assert_eq!((report.end, report.stop), (ProgramEnd::Exited(3), None), "{}", text(&report));
        assert_eq!(report.stdout.len(), FLOOD + 3);
        assert!(report.stdout.ends_with(b"xend"));
    }
    // What a terminal holds waits there, although nobody reads before the bay is gone.
    let attack = Attack::new("import os\nos.write(1, b'y' * 3000)").terminal();
    let mut dialogue = Dialogue::start(&arena, &attack).await;
    arena.quiet().await;
    dialogue.until(&"y".repeat(3000)).await;
    assert_eq!(dialogue.end().await.end, ProgramEnd::Exited(0));
    arena.close().await;
}

#[tokio::test]
async fn a_flood_is_cut_at_its_limit() {
    let arena = Arena::open().await;
    for source in [
        "import os\nwhile True: os.write(1, b'x' * 65536)",
        "import os\nwhile True: os.write(2, b'\\n' * 100)",
        "import os\nfor _ in range(4): os.fork()\ntty = os.open('/dev/tty', os.O_WRONLY)\nwhile True: os.write(tty, b'x' * 100)",
    ] {
        let attack = Attack::new(source).terminal();
        let report = run(&arena, &attack).await;
        assert_eq!((report.end, report.stop), (ProgramEnd::Killed, Some(Stop::Output)), "{}", text(&report));
        assert_eq!(report.stdout.len(), attack.clocks.stdout_bytes + 1);
    }
    arena.close().await;
}

#[tokio::test]
async fn what_keeps_the_terminal_open_keeps_no_end_from_being_told() {
    let arena = Arena::open().await;
    let daemon = "
        import os, signal
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        reader, writer = os.pipe()
        for leave in (os.setsid, lambda: os.setpgid(0, 0), lambda: None):
            if os.fork() == 0:
                leave()
                os.write(writer, b'x')
                while True: signal.pause()
        for _ in range(3): os.read(reader, 1)
        print('end')
    ";
    let report = run(&arena, &Attack::new(daemon).terminal()).await;
    assert_eq!((report.end, report.stop), (ProgramEnd::Exited(0), None), "{}", text(&report));
    assert_eq!(report.stdout, b"end\r\n");
    arena.close().await;
}

#[tokio::test]
async fn a_terminal_that_was_closed_can_be_opened_again() {
    let arena = Arena::open().await;
    let attack = Attack::new(
        "
        import os, time
        print('before', flush=True)
        for fd in (0, 1, 2): os.close(fd)
        time.sleep(0.2)
        terminal = os.open('/dev/tty', os.O_RDWR)
        os.write(terminal, b'after')
        os._exit(7)
    ",
    )
    .terminal();
    let report = run(&arena, &attack).await;
    assert_eq!((report.end, report.stop), (ProgramEnd::Exited(7), None), "{}", text(&report));
    assert_eq!(report.stdout, b"before\r\nafter");
    // Without it there is nothing to write to, and the program is none the worse.
    let attack = Attack::new(
        "
        import fcntl, os, termios
        from attack import attempt
        fcntl.ioctl(0, termios.TIOCNOTTY)
        print(attempt(os.open, '/dev/tty', os.O_RDWR))
    ",
    )
    .terminal();
    let report = run(&arena, &attack).await;
    // Its first process is told that the terminal is gone, and that ends it.
    assert_eq!((report.end, report.stop), (ProgramEnd::Signalled(libc::SIGHUP), None), "{}", text(&report));
    arena.close().await;
}

#[tokio::test]
async fn stopped_output_stops_no_clock_and_no_end() {
    let arena = Arena::open().await;
    let wait = "while True: os.write(1, b'x' * 1000)";
    for stop in ["TCOOFF", "TCIOFF"] {
        let source = format!("import os, termios\ntermios.tcflow(1, termios.{stop})\n");
        let waiting = Attack::new(&format!("{source}if os.fork() == 0:\n    {wait}\nos._exit(5)")).terminal();
        let report = run(&arena, &waiting).await;
        assert_eq!((report.end, report.stop), (ProgramEnd::Exited(5), None), "{stop}: {}", text(&report));
    }
    let source = format!("import os, termios\nprint('ready')\ntermios.tcflow(1, termios.TCOOFF)\n{wait}");
    let attack = Attack::new(&source).terminal().wall(Duration::from_secs(1));
    let report = run(&arena, &attack).await;
    assert_eq!((report.end, report.stop), (ProgramEnd::Killed, Some(Stop::WallTime)), "{}", text(&report));
    assert_eq!(report.stdout, b"ready\r\n");

    // A person stops it, and lets it go on.
    let mut dialogue =
        Dialogue::start(&arena, &Attack::new("import os\nwhile True: os.write(1, b'x')").terminal()).await;
    dialogue.until("x").await;
    dialogue.types("\x13").await;
    let still = async { while dialogue.running.next().await.is_some() {} };
    assert!(timeout(Duration::from_millis(500), still).await.is_err());
    assert!(timeout(Duration::from_millis(500), dialogue.running.next()).await.is_err(), "nothing comes");
    dialogue.types("\x11").await;
    dialogue.until("x").await;
    dialogue.running.kill();
    assert_eq!(dialogue.end().await.stop, Some(Stop::Requested));
    arena.close().await;
}

#[tokio::test]
async fn whoever_types_to_a_program_that_does_not_read_waits_alone() {
    let arena = Arena::open().await;
    for (mode, line) in [("pass", "line\n"), ("tty.setraw(0)", "line\n"), ("pass", "no end of a line")] {
        let source = format!("import signal, tty\n{mode}\nprint('deaf')\nwhile True: signal.pause()");
        let attack = Attack::new(&source).terminal().wall(Duration::from_secs(1));
        let mut dialogue = Dialogue::start(&arena, &attack).await;
        dialogue.until("deaf").await;
        let Dialogue { running, mut stdin, .. } = dialogue;
        let writing = tokio::spawn(async move {
            let all = stdin.write_all(line.repeat(TYPED).as_bytes()).await;
            all.map(|()| stdin)
        });
        let ending = timeout(PATIENCE, running.end()).await.expect("in time").expect("a verdict");
        // What is too long for a line is dropped, and the bell that tells of it is output.
        let stops = if line.ends_with('\n') { vec![Stop::WallTime] } else { vec![Stop::WallTime, Stop::Output] };
        assert!(
            ending.end == ProgramEnd::Killed && ending.stop.is_some_and(|stop| stops.contains(&stop)),
            "{ending:?}"
        );
        match timeout(PATIENCE, writing).await.unwrap_or_else(|_| panic!("{mode} {line:?}")).expect("no panic") {
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe),
            Ok(_) => assert!(!line.ends_with('\n')),
        }
    }
    arena.close().await;
}

#[tokio::test]
async fn a_writer_goes_on_once_the_program_has_thrown_its_input_away() {
    let arena = Arena::open().await;
    let attack = Attack::new(
        "
        import sys, termios, time
        print('deaf')
        for _ in range(20):
            time.sleep(0.1)
            termios.tcflush(0, termios.TCIFLUSH)
        print('listens')
        for line in sys.stdin:
            if line == 'last\\n': break
        print('heard')
    ",
    )
    .terminal();
    let mut dialogue = Dialogue::start(&arena, &attack).await;
    dialogue.until("deaf").await;
    let Dialogue { running, mut stdin, .. } = dialogue;
    let writing = async {
        let lines = "line\n".repeat(TYPED / 5) + "last\n";
        stdin.write_all(lines.as_bytes()).await.expect("the program reads");
        // It may throw these away, too.
        while stdin.write_all(b"last\n").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    let report = timeout(PATIENCE, running.collect(writing, |_| {})).await.expect("in time").expect("a verdict");
    assert_eq!(report.end, ProgramEnd::Exited(0), "{}", text(&report));
    assert!(String::from_utf8_lossy(&report.stdout).contains("heard"), "{}", text(&report));
    drop(stdin);
    arena.close().await;
}

#[tokio::test]
async fn who_does_nothing_is_stopped_and_who_is_fed_is_not() {
    let arena = Arena::open().await;
    let idle = Duration::from_millis(1500);
    for shown in [false, true] {
        let mut attack = Attack::new("import sys\nprint('ready', flush=True)\nfor line in sys.stdin: pass");
        if shown {
            attack = attack.terminal();
            attack.invocation.job.files[0].content.splice(0..0, *b"import os; os.system('stty -echo')\n");
        }
        attack.clocks.idle = Some(idle);
        let mut dialogue = Dialogue::start(&arena, &attack).await;
        dialogue.until("ready").await;
        let begun = Instant::now();
        // It answers nothing, and lives on what it is given.
        while begun.elapsed() < 2 * idle {
            dialogue.types("x\n").await;
            _ = timeout(idle / 10, dialogue.running.next()).await;
        }
        let fed = Instant::now();
        let Dialogue { running, stdin, .. } = dialogue;
        let ending = timeout(PATIENCE, running.end()).await.expect("in time").expect("a verdict");
        assert_eq!((ending.end, ending.stop), (ProgramEnd::Killed, Some(Stop::Idle)), "{shown}");
        assert!(fed.elapsed() >= idle / 2, "{:?}", fed.elapsed());
        drop(stdin);
    }
    // Output is enough as well.
    let mut attack = Attack::new(
        "
        import time
        for _ in range(20):
            print('.', end='', flush=True)
            time.sleep(0.2)
    ",
    );
    attack.clocks.idle = Some(idle);
    assert_eq!(run(&arena, &attack).await.stop, None);
    arena.close().await;
}

/// One byte makes the kernel look at a whole line, in nobody's account.
#[tokio::test]
async fn typing_has_a_pace_whatever_the_program_makes_of_it() {
    let arena = Arena::open().await;
    let attack = Attack::new(
        "
        import signal, termios
        termios.tcflow(1, termios.TCOOFF)
        while True: signal.pause()
    ",
    )
    .terminal();
    let dialogue = Dialogue::start(&arena, &attack).await;
    let Dialogue { running, mut stdin, .. } = dialogue;
    let typing = async {
        let begun = Instant::now();
        // A long line, and the key that shows it again.
        let keys = [vec![b'a'; 4_000], vec![0x12; 36_000]].concat();
        stdin.write_all(&keys).await.expect("the terminal is there");
        begun.elapsed()
    };
    let took = timeout(PATIENCE, typing).await.expect("in time");
    assert!(took >= Duration::from_millis(800), "{took:?} for 7,000 bytes more than the burst");
    drop((running, stdin));
    arena.close().await;
}
