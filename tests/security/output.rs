//! Programs that write too much, or strange things.

use runbay_sandbox::ProgramEnd;
use runbay_sandbox::Stop;

use crate::arena::Arena;
use crate::attack::Attack;
use crate::attack::text;

const STDOUT: usize = 256 * 1024;
const STDERR: usize = 64 * 1024;

#[tokio::test]
async fn a_flood_is_cut_at_its_limit() {
    let arena = Arena::open().await;
    for (fd, stdout, stderr) in [(1, STDOUT + 1, 0), (2, 0, STDERR + 1)] {
        let flood = format!("import os\nwhile True: os.write({fd}, b'x' * 65536)");
        let report = arena.run(&Attack::new(&flood)).await;
        assert_eq!((report.end, report.stop), (ProgramEnd::Killed, Some(Stop::Output)), "{}", text(&report));
        assert_eq!((report.stdout.len(), report.stderr.len()), (stdout, stderr));
    }
    arena.close().await;
}

#[tokio::test]
async fn a_flood_of_many_processes_is_one_flood() {
    let arena = Arena::open().await;
    let flood = "
        import os
        for _ in range(3): os.fork()
        while True: os.write(1, b'0123456789')
    ";
    let report = arena.run(&Attack::new(flood)).await;
    assert_eq!((report.end, report.stop), (ProgramEnd::Killed, Some(Stop::Output)), "{}", text(&report));
    assert_eq!(report.stdout.len(), STDOUT + 1);
    arena.close().await;
}

#[tokio::test]
async fn single_bytes_are_not_read_one_by_one() {
    let arena = Arena::open().await;
    let trickle = Attack::new("import os\nfor _ in range(200_000): os.write(1, b'x')");
    let bay = arena.bay(trickle.limits).await;
    let (running, stdin) = bay.start(&trickle.invocation, &trickle.clocks).await.expect("it can be started");
    let mut reads = 0;
    let report = running.collect(async { drop(stdin) }, |_| reads += 1).await.expect("it runs");
    assert_eq!((report.end, report.stdout.len()), (ProgramEnd::Exited(0), 200_000), "{}", text(&report));
    // What the service does for it depends on the time, and not on the number of bytes.
    let most = report.wall.as_millis() + 16;
    assert!(reads <= most, "{reads} reads in {} ms", report.wall.as_millis());
    arena.close().await;
}

#[tokio::test]
async fn bytes_are_passed_on_as_they_are() {
    let arena = Arena::open().await;
    let report = arena.run(&Attack::new("import os; os.write(1, bytes(range(256)))")).await;
    assert_eq!(report.stdout, (0..=255).collect::<Vec<u8>>());
    arena.close().await;
}

#[tokio::test]
async fn the_output_can_be_opened_by_its_name() {
    let arena = Arena::open().await;
    let names = "
        for name, text in [('/dev/stdout', 'a'), ('/dev/fd/1', 'b'), ('/proc/self/fd/1', 'c'), ('/dev/stderr', 'd')]:
            with open(name, 'w') as file: file.write(text)
    ";
    let report = arena.run(&Attack::new(names)).await;
    assert_eq!((report.stdout.as_slice(), report.stderr.as_slice()), (&b"abc"[..], &b"d"[..]), "{}", text(&report));
    arena.close().await;
}

#[tokio::test]
async fn a_large_pipe_is_read_to_its_end() {
    let arena = Arena::open().await;
    let fill = "
        import fcntl, os
        fcntl.fcntl(1, fcntl.F_SETPIPE_SZ, 1 << 18)
        os.write(1, b'x' * (1 << 18))
        os.kill(os.getpid(), 9)
    ";
    let report = arena.run(&Attack::new(fill)).await;
    assert_eq!((report.end, report.stop), (ProgramEnd::Signalled(libc::SIGKILL), None), "{}", text(&report));
    assert_eq!(report.stdout.len(), 1 << 18);
    arena.close().await;
}

#[tokio::test]
async fn closing_the_output_is_no_end() {
    let arena = Arena::open().await;
    let close = "
        import os
        os.write(1, b'before')
        os.close(0), os.close(1), os.close(2)
        os._exit(7)
    ";
    let report = arena.run(&Attack::new(close)).await;
    assert_eq!((report.end, report.stdout.as_slice()), (ProgramEnd::Exited(7), &b"before"[..]), "{}", text(&report));
    arena.close().await;
}

#[tokio::test]
async fn reading_the_own_output_harms_only_the_program() {
    let arena = Arena::open().await;
    let steal = "
        import os
        thief = os.open('/proc/self/fd/1', os.O_RDONLY | os.O_NONBLOCK)
        os.write(1, b'x' * 65536)
        try: os.read(thief, 65536)
        except BlockingIOError: pass
        os.fchmod(1, 0)
        os.write(1, b'end')
    ";
    let report = arena.run(&Attack::new(steal)).await;
    assert_eq!((report.end, report.stop), (ProgramEnd::Exited(0), None), "{}", text(&report));
    assert!(report.stdout.ends_with(b"end"), "{}", text(&report));
    arena.close().await;
}

#[tokio::test]
async fn floods_of_both_streams_are_each_cut_at_their_limit() {
    let arena = Arena::open().await;
    let both = "
        import os
        if os.fork():
            while True: os.write(1, b'o' * 4096)
        while True: os.write(2, b'e' * 4096)
    ";
    let report = arena.run(&Attack::new(both)).await;
    assert_eq!((report.end, report.stop), (ProgramEnd::Killed, Some(Stop::Output)), "{}", text(&report));
    assert!(report.stdout.len() <= STDOUT + 1 && report.stderr.len() <= STDERR + 1);
    assert!(report.stdout.len() > STDOUT || report.stderr.len() > STDERR);
    assert!(report.stdout.iter().all(|byte| *byte == b'o') && report.stderr.iter().all(|byte| *byte == b'e'));
    arena.close().await;
}

#[tokio::test]
async fn a_slow_drip_is_kept_until_the_end() {
    let arena = Arena::open().await;
    let drip = "
        import os, time
        while True:
            os.write(1, b'.')
            time.sleep(0.02)
    ";
    let report = arena.run(&Attack::new(drip).wall(std::time::Duration::from_secs(2))).await;
    assert_eq!((report.end, report.stop), (ProgramEnd::Killed, Some(Stop::WallTime)), "{}", text(&report));
    assert!(!report.stdout.is_empty() && report.stdout.iter().all(|byte| *byte == b'.'), "{}", text(&report));
    arena.close().await;
}
