//! Programs that are fed, watched and signalled while they run.

use std::time::Duration;

use runbay_sandbox::Chunk;
use runbay_sandbox::OutputStream;
use runbay_sandbox::ProgramEnd;
use runbay_sandbox::Running;
use runbay_sandbox::Signal;
use runbay_sandbox::Stdin;
use runbay_sandbox::Stop;
use tokio::time::timeout;

use crate::arena::Arena;
use crate::arena::PATIENCE;
use crate::attack::Attack;

async fn start(arena: &Arena, attack: &Attack) -> (Running, Stdin) {
    let bay = arena.bay(attack.limits).await;
    bay.start(&attack.invocation, &attack.clocks).await.expect("the program can be started")
}

/// Reads standard output up to the end of a line.
async fn line(running: &mut Running) -> String {
    let mut line = String::new();
    while !line.ends_with('\n') {
        let chunk = timeout(PATIENCE, running.next()).await.expect("output in time").expect("more output");
        assert_eq!(chunk.stream, OutputStream::Stdout, "{:?}", String::from_utf8_lossy(&chunk.bytes));
        line += std::str::from_utf8(&chunk.bytes).expect("text");
    }
    line
}

#[tokio::test]
async fn a_dialogue_goes_line_by_line() {
    let arena = Arena::open().await;
    let attack = Attack::new(
        "
        print('ready', flush=True)
        import sys
        for line in sys.stdin: print(int(line) * 2, flush=True)
        print('end', flush=True)
    ",
    );
    let (mut running, mut stdin) = start(&arena, &attack).await;
    assert_eq!(line(&mut running).await, "ready\n");
    for number in 0..20 {
        stdin.write_all(format!("{number}\n").as_bytes()).await.expect("the program reads");
        assert_eq!(line(&mut running).await, format!("{}\n", number * 2));
    }
    drop(stdin);
    assert_eq!(line(&mut running).await, "end\n");
    assert_eq!(running.next().await, None);
    let ending = running.end().await.expect("the program can be run");
    assert_eq!((ending.end, ending.stop), (ProgramEnd::Exited(0), None));
    arena.close().await;
}

#[tokio::test]
async fn the_whole_output_comes_although_the_program_has_ended() {
    let arena = Arena::open().await;
    let attack = Attack::new("import os; os.write(1, b'x' * 60_000); os.write(2, b'y' * 60_000)");
    let (mut running, stdin) = start(&arena, &attack).await;
    arena.quiet().await;
    let mut counts = [0, 0];
    while let Some(Chunk { stream, bytes }) = running.next().await {
        counts[usize::from(stream == OutputStream::Stderr)] += bytes.len();
    }
    assert_eq!(counts, [60_000, 60_000]);
    assert_eq!(running.end().await.expect("the program can be run").end, ProgramEnd::Exited(0));
    drop(stdin);
    arena.close().await;
}

#[tokio::test]
async fn a_program_that_closed_its_output_runs_on() {
    let arena = Arena::open().await;
    let attack = Attack::new("import os, sys; os.close(1); os.close(2); sys.stdin.read(); os._exit(7)");
    let (running, mut stdin) = start(&arena, &attack).await;
    let end = tokio::spawn(running.end());
    stdin.write_all(b"x").await.expect("the program reads");
    drop(stdin);
    let ending = timeout(PATIENCE, end).await.expect("in time").expect("no panic").expect("the program can be run");
    assert_eq!((ending.end, ending.stop), (ProgramEnd::Exited(7), None));
    arena.close().await;
}

#[tokio::test]
async fn signals_reach_the_program_and_its_children() {
    let arena = Arena::open().await;
    for (signal, number) in [
        (Signal::Interrupt, libc::SIGINT),
        (Signal::Terminate, libc::SIGTERM),
        (Signal::Hangup, libc::SIGHUP),
        (Signal::Quit, libc::SIGQUIT),
        (Signal::User1, libc::SIGUSR1),
        (Signal::User2, libc::SIGUSR2),
    ] {
        let attack = Attack::new(&format!(
            "
            import os, signal
            signal.signal({number}, lambda *_: None)
            reader, writer = os.pipe()
            if os.fork() == 0:
                signal.signal({number}, signal.SIG_DFL)
                print('ready', flush=True)
                while True: signal.pause()
            os.close(writer)
            # The pipe ends when the child has died.
            os.read(reader, 1)
            print('both', flush=True)
        "
        ));
        let (mut running, _stdin) = start(&arena, &attack).await;
        assert_eq!(line(&mut running).await, "ready\n");
        running.signal(signal).expect("the bay takes it");
        assert_eq!(line(&mut running).await, "both\n");
        assert_eq!(running.end().await.expect("a verdict").end, ProgramEnd::Exited(0));
    }
    arena.close().await;
}

#[tokio::test]
async fn a_program_that_ignores_a_signal_goes_on_until_it_is_killed() {
    let arena = Arena::open().await;
    let attack = Attack::new(
        "
        import signal, sys
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        print('ready', flush=True)
        for line in sys.stdin: print('still', line, end='', flush=True)
        while True: signal.pause()
    ",
    );
    let (mut running, mut stdin) = start(&arena, &attack).await;
    assert_eq!(line(&mut running).await, "ready\n");
    for _ in 0..3 {
        running.signal(Signal::Interrupt).expect("the bay takes it");
        stdin.write_all(b"here\n").await.expect("the program reads");
        assert_eq!(line(&mut running).await, "still here\n");
    }
    running.kill();
    let ending = timeout(PATIENCE, running.end()).await.expect("in time").expect("a verdict");
    assert_eq!((ending.end, ending.stop), (ProgramEnd::Killed, Some(Stop::Requested)));
    drop(stdin);
    arena.close().await;
}

#[tokio::test]
async fn a_signal_without_a_handler_ends_the_program() {
    let arena = Arena::open().await;
    let attack = Attack::new("import signal\nprint('ready', flush=True)\nwhile True: signal.pause()");
    let (mut running, stdin) = start(&arena, &attack).await;
    assert_eq!(line(&mut running).await, "ready\n");
    running.signal(Signal::Terminate).expect("the bay takes it");
    let ending = timeout(PATIENCE, running.end()).await.expect("in time").expect("a verdict");
    assert_eq!((ending.end, ending.stop), (ProgramEnd::Signalled(libc::SIGTERM), None));
    drop(stdin);
    arena.close().await;
}

#[tokio::test]
async fn a_program_can_be_controlled_while_somebody_else_waits_for_it() {
    let arena = Arena::open().await;
    let attack = Attack::new(
        "
        import os, signal
        signal.signal(signal.SIGINT, lambda *_: os.write(1, b'interrupted\\n'))
        os.write(1, b'ready\\n')
        while True: signal.pause()
    ",
    );
    let (running, stdin) = start(&arena, &attack).await;
    let controls = running.controls();
    let report = running.collect(async { drop(stdin) }, |chunk| {
        let signal = if chunk.bytes == b"ready\n" { Signal::Interrupt } else { Signal::Kill };
        controls.clone().signal(signal).expect("the bay takes it");
    });
    let report = timeout(PATIENCE, report).await.expect("in time").expect("a verdict");
    assert_eq!((report.end, report.stop), (ProgramEnd::Signalled(libc::SIGKILL), None));
    assert_eq!(report.stdout, b"ready\ninterrupted\n");
    let late = controls.signal(Signal::Interrupt).expect_err("it has ended");
    assert_eq!(late.kind(), std::io::ErrorKind::NotConnected);
    arena.close().await;
}

#[tokio::test]
async fn a_flood_that_nobody_reads_is_stopped_by_its_limits() {
    let arena = Arena::open().await;
    let attack = Attack::new("import os\nwhile True: os.write(1, b'x' * 65536)");
    let (running, stdin) = start(&arena, &attack).await;
    let ending = timeout(PATIENCE, running.end()).await.expect("in time").expect("a verdict");
    assert_eq!((ending.end, ending.stop), (ProgramEnd::Killed, Some(Stop::Output)));
    drop(stdin);
    arena.close().await;
}

#[tokio::test]
async fn a_flood_comes_in_bounded_chunks_up_to_its_limit() {
    let arena = Arena::open().await;
    let attack = Attack::new("import os\nwhile True: os.write(1, b'x' * 65536)");
    let (mut running, stdin) = start(&arena, &attack).await;
    let mut total = 0;
    while let Some(chunk) = timeout(PATIENCE, running.next()).await.expect("in time") {
        assert!(chunk.bytes.len() <= 32 * 1024 && chunk.bytes.capacity() <= 32 * 1024);
        total += chunk.bytes.len();
    }
    assert_eq!(total, attack.clocks.stdout_bytes + 1);
    assert_eq!(running.end().await.expect("a verdict").stop, Some(Stop::Output));
    drop(stdin);
    arena.close().await;
}

#[tokio::test]
async fn whoever_writes_to_a_program_that_does_not_read_waits_alone() {
    let arena = Arena::open().await;
    let attack = Attack::new("import signal\nprint('deaf', flush=True)\nwhile True: signal.pause()");
    let attack = attack.wall(Duration::from_secs(1));
    let (mut running, mut stdin) = start(&arena, &attack).await;
    let writing = tokio::spawn(async move { stdin.write_all(&vec![b'x'; 4 << 20]).await });
    assert_eq!(line(&mut running).await, "deaf\n");
    let ending = timeout(PATIENCE, running.end()).await.expect("in time").expect("a verdict");
    assert_eq!((ending.end, ending.stop), (ProgramEnd::Killed, Some(Stop::WallTime)));
    let error = timeout(PATIENCE, writing).await.expect("in time").expect("no panic").expect_err("nobody can read it");
    assert_eq!(error.kind(), std::io::ErrorKind::BrokenPipe);
    arena.close().await;
}

#[tokio::test]
async fn clocks_run_while_output_is_awaited() {
    let arena = Arena::open().await;
    let drip = "
        import os, time
        while True:
            os.write(1, b'.')
            time.sleep(0.01)
    ";
    let attack = Attack::new(drip).wall(Duration::from_secs(1));
    let (mut running, stdin) = start(&arena, &attack).await;
    while timeout(PATIENCE, running.next()).await.expect("in time").is_some() {}
    let ending = running.end().await.expect("a verdict");
    assert_eq!((ending.end, ending.stop), (ProgramEnd::Killed, Some(Stop::WallTime)));
    drop(stdin);
    arena.close().await;
}

#[tokio::test]
async fn a_running_program_that_is_dropped_is_killed() {
    let arena = Arena::open().await;
    let attack = Attack::new("import signal\nprint('ready', flush=True)\nwhile True: signal.pause()");
    let (mut running, stdin) = start(&arena, &attack).await;
    assert_eq!(line(&mut running).await, "ready\n");
    drop(running);
    arena.quiet().await;
    drop(stdin);
    arena.close().await;
}
