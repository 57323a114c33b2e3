//! Programs with a terminal: what they see of it, and what they can do with it to the host, to others and to their clocks.

mod flow;
mod keys;

use runbay_sandbox::BayLimits;
use runbay_sandbox::Ending;
use runbay_sandbox::ProgramEnd;
use runbay_sandbox::Report;
use runbay_sandbox::RunError;
use runbay_sandbox::Running;
use runbay_sandbox::Stdin;
use runbay_sandbox::WindowSize;
use serde_json::json;
use tokio::time::timeout;

use crate::arena::Arena;
use crate::arena::PATIENCE;
use crate::arena::said;
use crate::attack::Attack;
use crate::attack::answer;
use crate::attack::text;

/// A program that runs, and what it has written so far.
struct Dialogue {
    running: Running,
    stdin: Stdin,
    seen: String,
}

impl Dialogue {
    async fn start(arena: &Arena, attack: &Attack) -> Self {
        let bay = arena.bay(attack.limits).await;
        let (running, stdin) = bay.start(&attack.invocation, &attack.clocks).await.expect("the program can be started");
        Self { running, stdin, seen: String::new() }
    }

    /// Types something.
    async fn types(&mut self, keys: &str) {
        timeout(PATIENCE, self.stdin.write_all(keys.as_bytes()))
            .await
            .expect("in time")
            .expect("the terminal is there");
    }

    /// Reads until something was written, and forgets all up to its end.
    async fn until(&mut self, wanted: &str) {
        while !self.seen.contains(wanted) {
            assert!(self.reads().await, "no {wanted:?} before the end, but {:?}", self.seen);
        }
        let at = self.seen.find(wanted).expect("it was found") + wanted.len();
        self.seen.drain(..at);
    }

    /// Reads something; false at the end.
    async fn reads(&mut self) -> bool {
        let chunk = timeout(PATIENCE, self.running.next()).await;
        let Some(chunk) = chunk.unwrap_or_else(|_| panic!("nothing more in time than {:?}", self.seen)) else {
            return false;
        };
        let text = String::from_utf8_lossy(&chunk.bytes);
        self.seen += &text;
        // Where the cursor is; whatever shows a terminal answers that.
        for _ in text.matches("\x1b[6n") {
            self.types("\x1b[1;1R").await;
        }
        true
    }

    async fn end(mut self) -> Ending {
        while self.reads().await {}
        self.running.end().await.expect("a verdict")
    }
}

/// A program of the host without files, with a terminal.
fn host_program(argv: &[&str]) -> Attack {
    let mut attack = Attack::new("").terminal();
    attack.invocation.runtime.argv = argv.iter().map(|word| (*word).to_owned()).collect();
    attack.invocation.job.arguments.clear();
    attack
}

async fn run(arena: &Arena, attack: &Attack) -> Report {
    timeout(PATIENCE, arena.run(attack)).await.expect("in time")
}

#[tokio::test]
async fn a_program_has_its_own_terminal_and_nothing_more() {
    let arena = Arena::open().await;
    let look = Attack::new(
        "
        import os, stat, sys, termios
        from attack import answer, attempt
        status = os.stat('/dev/pts/0')
        answer(terminals=[os.ttyname(fd) for fd in (0, 1, 2)], size=os.get_terminal_size(), kind=os.environ['TERM'],
               session=[os.getsid(0), os.tcgetpgrp(0)] == [os.getpid()] * 2, devices=sorted(os.listdir('/dev')),
               pts=sorted(os.listdir('/dev/pts')), mode=[status.st_uid, status.st_gid, oct(status.st_mode)],
               own=attempt(os.open, '/dev/tty', os.O_RDWR), fds=sorted(os.listdir('/proc/self/fd'))[:3],
               made=attempt(os.mknod, '/dev/x'), read_only=attempt(os.open, '/dev/x', os.O_CREAT | os.O_WRONLY))
    ",
    )
    .terminal();
    let devices = ["fd", "full", "null", "pts", "random", "shm", "stderr", "stdin", "stdout", "tty", "urandom", "zero"];
    let expected = json!({
        "terminals": vec!["/dev/pts/0"; 3], "size": [80, 24], "kind": "xterm-256color", "session": true, "devices": devices,
        "pts": ["0", "ptmx"], "mode": [1000, 1000, "0o20600"], "own": "done", "fds": ["0", "1", "2"],
        "made": "EROFS", "read_only": "EROFS",
    });
    let report = run(&arena, &look).await;
    assert_eq!(answer(&report), expected);
    assert!(report.stdout.ends_with(b"\r\n") && report.stderr.is_empty(), "{}", text(&report));
    arena.close().await;
}

#[tokio::test]
async fn a_program_without_a_terminal_sees_none() {
    let said = said(
        "
        import os
        from attack import answer, attempt
        answer(opened=[attempt(os.open, path, os.O_RDWR) for path in ('/dev/tty', '/dev/ptmx', '/dev/pts/ptmx', '/dev/pts/0', '/mnt/dev/tty')],
               made=attempt(os.openpty), terminals=[os.isatty(fd) for fd in (0, 1, 2)], kind=os.environ.get('TERM'))
    ",
    )
    .await;
    let opened = said["opened"].as_array().expect("a list");
    assert!(opened[..4].iter().all(|error| error == "ENOENT"), "{said}");
    // An ordinary user may look into what only root may look into elsewhere, and finds nothing.
    assert!(["EACCES", "ENOENT"].contains(&opened[4].as_str().unwrap_or_default()), "{said}");
    assert_ne!(said["made"], "done");
    assert_eq!((&said["terminals"], &said["kind"]), (&json!([false, false, false]), &json!(null)));
}

#[tokio::test]
async fn a_bay_without_a_terminal_gives_none() {
    let arena = Arena::open().await;
    let mut attack = Attack::new("print('never')").terminal();
    attack.limits.terminal = false;
    let error = arena.try_run(&attack).await.expect_err("there is no terminal");
    assert!(matches!(error, RunError::NoTerminal), "{error:?}");
    arena.close().await;
}

#[tokio::test]
async fn a_parked_bay_gets_its_terminal_with_the_job() {
    let arena = Arena::open().await;
    let look = "
        import os
        from attack import answer, attempt
        answer(terminal=os.isatty(0), size=list(os.get_terminal_size()) if os.isatty(0) else None,
               own=attempt(os.open, '/dev/tty', os.O_RDWR), made=attempt(os.openpty) == 'done')
    ";
    let shown = Attack::new(look).terminal();
    for (size, own) in [(Some(WindowSize { columns: 132, rows: 43 }), "done"), (None, "ENXIO")] {
        let bay = arena.bay(shown.limits).await.park(&shown.invocation.runtime).await.expect("it can be parked");
        let mut job = shown.invocation.job.clone();
        job.terminal = size;
        let (running, stdin) = bay.start(&job, &shown.clocks).await.expect("it can be started");
        let report = running.collect(async { drop(stdin) }, |_| {}).await.expect("a verdict");
        let size = size.map(|size| [size.columns, size.rows]);
        let expected = json!({"terminal": size.is_some(), "size": size, "own": own, "made": false});
        assert_eq!(answer(&report), expected);
    }
    arena.close().await;
}

#[tokio::test]
async fn no_terminal_can_be_made() {
    let arena = Arena::open().await;
    let many = "
        import os, pty
        from attack import answer, attempt
        tries = []
        for path in ('/dev/pts/ptmx', '/dev/ptmx'):
            tries += [attempt(os.open, path, os.O_RDWR) for _ in range(100)]
        chmodded = attempt(os.chmod, '/dev/pts/ptmx', 0o666)
        tries += [attempt(os.open, '/dev/pts/ptmx', os.O_RDWR) for _ in range(100)]
        os.chdir('/dev/pts')
        answer(tries=sorted(set(tries)), library=attempt(os.openpty) == 'done', there=sorted(os.listdir('.')),
               limits=open('/proc/sys/kernel/pty/max').read() != '')
    ";
    for terminal in [true, false] {
        let mut attack = Attack::new(many).terminal();
        if !terminal {
            attack.invocation.job.terminal = None;
        }
        let said = answer(&run(&arena, &attack).await);
        // To an ordinary user's program the file belongs, but there is no room for a second terminal.
        for error in said["tries"].as_array().expect("a list") {
            assert!(["EACCES", "ENOENT", "ENOSPC"].contains(&error.as_str().unwrap_or_default()), "{said}");
        }
        assert_eq!((&said["library"], &said["there"]), (&json!(false), &json!(["0", "ptmx"])), "{said}");
    }
    arena.close().await;
}

#[tokio::test]
async fn terminals_of_others_are_not_there() {
    let host = || {
        let names = std::fs::read_dir("/dev/pts").into_iter().flatten();
        names.filter_map(|name| name.ok()?.file_name().into_string().ok()).filter(|name| name != "ptmx")
    };
    let arena = Arena::open().await;
    let look = Attack::new(
        "
        import os
        from attack import attempt
        print('ready', sorted(os.listdir('/dev/pts')), [attempt(os.open, f'/dev/pts/{n}', os.O_RDWR) for n in range(1, 50)].count('ENOENT'))
        print('heard', input())
    ",
    )
    .terminal();
    let before: Vec<_> = host().collect();
    let (mut one, mut other) = tokio::join!(Dialogue::start(&arena, &look), Dialogue::start(&arena, &look));
    for (dialogue, word) in [(&mut one, "apple"), (&mut other, "pear")] {
        dialogue.until("ready ['0', 'ptmx'] 49\r\n").await;
        dialogue.types(&format!("{word}\r")).await;
        dialogue.until(&format!("{word}\r\nheard {word}\r\n")).await;
        assert_eq!(dialogue.seen, "");
    }
    // Others on the host may open and close theirs meanwhile.
    let names = std::fs::read_dir("/dev/pts").is_ok();
    assert!(!names || host().count() <= before.len() + 8, "the terminals of bays are not the host's");
    assert_eq!((one.end().await.end, other.end().await.end), (ProgramEnd::Exited(0), ProgramEnd::Exited(0)));
    arena.close().await;
}

#[tokio::test]
async fn a_terminal_is_fed_by_nobody_but_its_person() {
    let arena = Arena::open().await;
    let attack = Attack::new(&format!(
        "
        import ctypes, os, select
        from attack import answer, call
        byte, number = ctypes.create_string_buffer(b'x'), ctypes.c_int(1)
        ioctl = lambda request, argument=0: call({}, 0, request, argument)
        said = dict(input=ioctl(0x5412, byte), input_high=ioctl(0x5412 | 1 << 32, byte), paste=ioctl(0x541c, byte),
                    discipline=ioctl(0x5423, ctypes.byref(number)), console=ioctl(0x541d), hangup=ioctl(0x5437), all=call({}),
                    unlock=ioctl(0x40045431, ctypes.byref(number)), signal=ioctl(0x40045436, 2), peer=ioctl(0x5441, 2))
        answer(**said, fed=bool(select.select([0], [], [], 0)[0]))
    ",
        libc::SYS_ioctl,
        libc::SYS_vhangup
    ))
    .terminal();
    let bay = arena.bay(attack.limits).await;
    let (running, stdin) = bay.start(&attack.invocation, &attack.clocks).await.expect("it can be started");
    let report = running.collect(async {}, |_| {}).await.expect("a verdict");
    let refused = "EPERM";
    let expected = json!({
        "input": refused, "input_high": refused, "paste": refused, "discipline": refused, "console": refused,
        "hangup": refused, "all": refused, "unlock": refused, "signal": "ENOTTY", "peer": "ENOTTY", "fed": false,
    });
    let said = answer(&report);
    // Kernels name what only the other side can do in one of two ways.
    for only_emulators in ["signal", "peer"] {
        assert!(["ENOTTY", "EIO"].contains(&said[only_emulators].as_str().unwrap_or_default()), "{said}");
    }
    let mut expected = expected;
    (expected["signal"], expected["peer"]) = (said["signal"].clone(), said["peer"].clone());
    assert_eq!(said, expected);
    drop(stdin);
    arena.close().await;
}

#[tokio::test]
async fn bays_with_terminals_leave_none() {
    let arena = Arena::open().await;
    let attack = Attack::new("print('seen')").terminal();
    for _ in 0..20 {
        let report = run(&arena, &attack).await;
        assert_eq!(report.stdout, b"seen\r\n", "{}", text(&report));
    }
    let parked = arena.bay(BayLimits { terminal: true, ..attack.limits }).await;
    drop(parked.park(&attack.invocation.runtime).await.expect("it can be parked"));
    // It counts this process's ends of terminals, too.
    arena.close().await;
}
