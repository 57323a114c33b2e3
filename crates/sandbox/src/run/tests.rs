use std::fs::File;
use std::io::Read;
use std::io::Write;
use std::os::fd::AsFd;
use std::os::fd::OwnedFd;
use std::time::Duration;

use rustix::pty::OpenptFlags;
use tokio::io::AsyncReadExt;
use tokio::io::AsyncWriteExt;
use tokio::time::Instant;
use tokio::time::timeout;

use super::watch::KILL_PATIENCE;
use super::*;
use crate::bay::Job;
use crate::bay::Runtime;
use crate::bay::WindowSize;
use crate::stream;
use crate::wire::BayMessage;
use crate::wire::ProgramEnd;
use crate::wire::ServiceMessage;
use crate::wire::Signal;
use crate::wire::Usage;

const SECOND: Duration = Duration::from_secs(1);

const CLOCKS: Clocks = Clocks { wall: SECOND, cpu: SECOND, idle: None, stdout_bytes: 4, stderr_bytes: 4 };

#[tokio::test(start_paused = true)]
async fn a_bay_that_does_not_die_does_not_take_the_verdict_along() {
    let mut imitation = Bay::imitation().unwrap();
    imitation.control.write_all(&BayMessage::Started.encode()).await.unwrap();
    let started = Instant::now();
    let report = run(imitation.bay, &Invocation::default(), b"", &CLOCKS).await.unwrap();
    assert_eq!((report.end, report.stop), (ProgramEnd::Killed, Some(Stop::WallTime)));
    // The forker does not say how long the program waited, so it gets twice its time.
    assert!(report.wall < 3 * SECOND, "{:?}", report.wall);
    assert!(started.elapsed() >= KILL_PATIENCE);
}

#[tokio::test]
async fn output_is_passed_on_up_to_its_limit_and_stops_the_program_then() {
    let mut imitation = Bay::imitation().unwrap();
    imitation.control.write_all(&BayMessage::Started.encode()).await.unwrap();
    let (mut running, _stdin) = imitation.bay.start(&Invocation::default(), &CLOCKS).await.unwrap();
    let (_, stdout, stderr) = &mut imitation.program;
    stdout.write_all(b"123").await.unwrap();
    assert_eq!(running.next().await.map(|chunk| chunk.bytes), Some(b"123".to_vec()));
    assert!(!imitation.forker.is_killed());
    stdout.write_all(b"456").await.unwrap();
    assert_eq!(running.next().await.map(|chunk| chunk.bytes), Some(b"45".to_vec()));
    assert!(imitation.forker.is_killed());
    stderr.write_all(b"last").await.unwrap();
    drop(imitation.program);
    imitation.told.send((ProgramEnd::Killed, Usage::default())).unwrap();
    let last = running.next().await;
    assert_eq!(last, Some(Chunk { stream: OutputStream::Stderr, bytes: b"last".to_vec() }));
    assert_eq!((running.next().await, running.next().await), (None, None));
    assert_eq!(running.end().await.unwrap().stop, Some(Stop::Output));
}

#[tokio::test]
async fn output_that_nobody_asks_for_counts_while_the_end_is_awaited() {
    let mut imitation = Bay::imitation().unwrap();
    imitation.control.write_all(&BayMessage::Started.encode()).await.unwrap();
    let (running, _stdin) = imitation.bay.start(&Invocation::default(), &CLOCKS).await.unwrap();
    imitation.program.2.write_all(b"12345").await.unwrap();
    let end = tokio::spawn(running.end());
    let killed = async {
        while !imitation.forker.is_killed() {
            tokio::task::yield_now().await;
        }
    };
    timeout(Duration::from_secs(10), killed).await.expect("the limit stops it");
    drop(imitation.program);
    imitation.told.send((ProgramEnd::Killed, Usage::default())).unwrap();
    assert_eq!(end.await.unwrap().unwrap().stop, Some(Stop::Output));
}

#[tokio::test]
async fn signals_reach_pid_1_and_a_kill_the_forker() {
    let mut imitation = Bay::imitation().unwrap();
    imitation.control.write_all(&BayMessage::Started.encode()).await.unwrap();
    let (mut running, _stdin) = imitation.bay.start(&Invocation::default(), &CLOCKS).await.unwrap();
    running.signal(Signal::Interrupt).unwrap();
    let mut length = [0; 4];
    imitation.control.read_exact(&mut length).await.unwrap();
    let mut frame = vec![0; usize::try_from(u32::from_le_bytes(length)).unwrap()];
    imitation.control.read_exact(&mut frame).await.unwrap();
    let mut message = [0; ServiceMessage::BYTES];
    imitation.control.read_exact(&mut message).await.unwrap();
    assert_eq!(message, ServiceMessage::Signal(Signal::Interrupt).encode());
    running.kill();
    assert!(imitation.forker.is_killed());
    imitation.told.send((ProgramEnd::Killed, Usage::default())).unwrap();
    let ending = running.end().await.unwrap();
    assert_eq!((ending.end, ending.stop), (ProgramEnd::Killed, Some(Stop::Requested)));
}

#[tokio::test(start_paused = true)]
async fn a_bay_that_is_not_parked_in_time_is_an_error() {
    let imitation = Bay::imitation().unwrap();
    let error = imitation.bay.park(&Runtime::default()).await.unwrap_err();
    assert!(matches!(error, RunError::NotReady), "{error:?}");
}

#[tokio::test]
async fn a_bay_that_dies_before_it_is_parked_is_an_error() {
    let imitation = Bay::imitation().unwrap();
    drop(imitation.control);
    imitation.told.send((ProgramEnd::Killed, Usage { memory_kills: 1, ..Usage::default() })).unwrap();
    let error = imitation.bay.park(&Runtime::default()).await.unwrap_err();
    assert!(matches!(error, RunError::BayLost), "{error:?}");
}

#[tokio::test]
async fn a_bay_that_dies_before_its_program_starts_is_an_error_at_once() {
    let imitation = Bay::imitation().unwrap();
    drop(imitation.control);
    imitation.told.send((ProgramEnd::Killed, Usage::default())).unwrap();
    let error = imitation.bay.start(&Invocation::default(), &CLOCKS).await.err();
    assert!(matches!(error, Some(RunError::BayLost)), "{error:?}");
}

#[tokio::test]
async fn a_bay_without_memory_for_its_program_has_run_to_its_end() {
    let mut imitation = Bay::imitation().unwrap();
    drop(imitation.control);
    imitation.told.send((ProgramEnd::Killed, Usage { memory_kills: 1, ..Usage::default() })).unwrap();
    let (mut running, _stdin) = imitation.bay.start(&Invocation::default(), &CLOCKS).await.unwrap();
    assert_eq!(running.next().await, None);
    assert_eq!(running.end().await.unwrap().end, ProgramEnd::Killed);
    assert!(!imitation.forker.is_killed(), "it is dead");
}

#[tokio::test(start_paused = true)]
async fn pipes_that_stay_open_are_not_read_for_ever_although_the_wait_is_dropped_again_and_again() {
    let mut imitation = Bay::imitation().unwrap();
    imitation.control.write_all(&BayMessage::Started.encode()).await.unwrap();
    let (mut running, _stdin) = imitation.bay.start(&Invocation::default(), &CLOCKS).await.unwrap();
    imitation.told.send((ProgramEnd::Exited(0), Usage::default())).unwrap();
    let ended = Instant::now();
    while timeout(SECOND / 4, running.next()).await.is_err() {
        assert!(ended.elapsed() < 10 * SECOND);
    }
    assert_eq!(running.next().await, None);
    assert_eq!(running.end().await.unwrap().end, ProgramEnd::Exited(0));
    drop(imitation.program);
}

#[tokio::test(start_paused = true)]
async fn a_forker_that_does_not_listen_is_not_waited_for_for_ever() {
    let mut imitation = Bay::imitation().unwrap();
    imitation.control.write_all(&BayMessage::Started.encode()).await.unwrap();
    while imitation.bay.handle.try_kill() {}
    let (mut running, _stdin) = imitation.bay.start(&Invocation::default(), &CLOCKS).await.unwrap();
    running.kill();
    let killed = Instant::now();
    while timeout(SECOND / 4, running.next()).await.is_err() {
        assert!(killed.elapsed() < 3 * KILL_PATIENCE);
    }
    assert_eq!(running.end().await.unwrap().end, ProgramEnd::Killed);
    drop(imitation.program);
}

fn with_terminal() -> Invocation {
    let terminal = Some(WindowSize { columns: 80, rows: 24 });
    Invocation { job: Job { terminal, ..Job::default() }, ..Invocation::default() }
}

/// Both sides of a terminal: that of an emulator, and that of a program.
fn terminal() -> (OwnedFd, File) {
    let flags = OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC;
    let emulators = rustix::pty::openpt(flags).unwrap();
    rustix::pty::unlockpt(&emulators).unwrap();
    let programs = rustix::pty::ioctl_tiocgptpeer(&emulators, flags).unwrap();
    (emulators, programs.into())
}

#[tokio::test]
async fn a_terminal_is_written_read_and_resized_until_nobody_has_it() {
    let mut imitation = Bay::imitation().unwrap();
    imitation.bay.limits.terminal = true;
    let (emulators, mut programs) = terminal();
    stream::send(&imitation.control, &BayMessage::Started.encode(), Some(emulators.as_fd())).unwrap();
    drop(emulators);
    let clocks = Clocks { stdout_bytes: 100, ..CLOCKS };
    let (mut running, mut stdin) = imitation.bay.start(&with_terminal(), &clocks).await.unwrap();
    let controls = running.controls();
    controls.resize(WindowSize { columns: 132, rows: 43 }).unwrap();
    let size = rustix::termios::tcgetwinsize(&programs).unwrap();
    assert_eq!((size.ws_col, size.ws_row), (132, 43));
    stdin.write_all(b"in").await.unwrap();
    stdin.close().await.unwrap();
    // The first key passes on the line, and the second one is its end.
    let mut bytes = [0; 8];
    assert_eq!((programs.read(&mut bytes).unwrap(), &bytes[..2]), (2, &b"in"[..]));
    assert_eq!(programs.read(&mut bytes).unwrap(), 0);
    programs.write_all(b"out").unwrap();
    drop(programs);
    let mut seen = Vec::new();
    imitation.told.send((ProgramEnd::Exited(0), Usage::default())).unwrap();
    while let Some(chunk) = running.next().await {
        assert_eq!(chunk.stream, OutputStream::Stdout);
        seen.extend(chunk.bytes);
    }
    assert_eq!(seen, b"inout", "what is typed is echoed");
    assert_eq!(running.end().await.unwrap().end, ProgramEnd::Exited(0));
    assert!(controls.resize(WindowSize { columns: 1, rows: 1 }).is_err());
    drop(imitation.program);
}

#[tokio::test]
async fn a_terminal_that_there_is_not_is_an_error() {
    let imitation = Bay::imitation().unwrap();
    let error = imitation.bay.start(&with_terminal(), &CLOCKS).await.err();
    assert!(matches!(error, Some(RunError::NoTerminal)), "{error:?}");
    let mut imitation = Bay::imitation().unwrap();
    imitation.bay.limits.terminal = true;
    imitation.control.write_all(&BayMessage::Started.encode()).await.unwrap();
    let error = imitation.bay.start(&with_terminal(), &CLOCKS).await.err();
    assert!(matches!(error, Some(RunError::Terminal(_))), "{error:?}");
}

#[tokio::test]
async fn who_has_pipes_cannot_be_resized() {
    let mut imitation = Bay::imitation().unwrap();
    imitation.control.write_all(&BayMessage::Started.encode()).await.unwrap();
    let (running, _stdin) = imitation.bay.start(&Invocation::default(), &CLOCKS).await.unwrap();
    let error = running.controls().resize(WindowSize { columns: 1, rows: 1 }).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::Unsupported);
}
