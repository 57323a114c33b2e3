//! Programs with a terminal: what they see of it, and what they can do with it to the host, to others and to their clocks.

use std::time::Duration;

use runbay_sandbox::BayLimits;
use runbay_sandbox::Ending;
use runbay_sandbox::ProgramEnd;
use runbay_sandbox::Report;
use runbay_sandbox::RunError;
use runbay_sandbox::Running;
use runbay_sandbox::Signal;
use runbay_sandbox::Stdin;
use runbay_sandbox::Stop;
use runbay_sandbox::WindowSize;
use serde_json::json;
use tokio::time::Instant;
use tokio::time::timeout;

use crate::arena::Arena;
use crate::arena::PATIENCE;
use crate::arena::said;
use crate::attack::Attack;
use crate::attack::MIB;
use crate::attack::answer;
use crate::attack::text;

/// Far more than a terminal holds.
const FLOOD: usize = 200_000;

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
async fn a_new_size_is_seen_and_told() {
    let arena = Arena::open().await;
    let attack = Attack::new(
        "
        import os, signal
        say = lambda word: os.write(1, '{} {} {}\\n'.format(word, *os.get_terminal_size()).encode())
        signal.signal(signal.SIGWINCH, lambda *_: say('size'))
        say('ready')
        while True: signal.pause()
    ",
    )
    .terminal();
    let mut dialogue = Dialogue::start(&arena, &attack).await;
    dialogue.until("ready 80 24\r\n").await;
    let controls = dialogue.running.controls();
    for (columns, rows) in [(100, 50), (1, 1), (u16::MAX, u16::MAX), (80, 24)] {
        controls.resize(WindowSize { columns, rows }).expect("the terminal is there");
        dialogue.until(&format!("size {columns} {rows}\r\n")).await;
    }
    controls.signal(Signal::User1).expect("the bay takes it");
    assert_eq!(dialogue.end().await.end, ProgramEnd::Signalled(libc::SIGUSR1));
    let size = WindowSize { columns: 80, rows: 24 };
    assert_eq!(controls.resize(size).expect_err("it has ended").kind(), std::io::ErrorKind::NotConnected);
    let late = controls.signal(Signal::User1).expect_err("it has ended");
    assert_eq!(late.kind(), std::io::ErrorKind::NotConnected);
    arena.close().await;
}

#[tokio::test]
async fn keys_interrupt_and_end() {
    let arena = Arena::open().await;
    let mut sleeper = Dialogue::start(&arena, &host_program(&["/bin/sleep", "1000"])).await;
    sleeper.types("\x03").await;
    sleeper.until("^C").await;
    assert_eq!(sleeper.end().await.end, ProgramEnd::Signalled(libc::SIGINT));

    let mut sleeper = Dialogue::start(&arena, &host_program(&["/bin/sleep", "1000"])).await;
    sleeper.types("\x1c").await;
    assert_eq!(sleeper.end().await.end, ProgramEnd::Signalled(libc::SIGQUIT));

    let mut cat = Dialogue::start(&arena, &host_program(&["/bin/cat"])).await;
    // The second word is mended before the line is sent, by a key that takes a whole character.
    cat.types("one twü\x7fo\r").await;
    cat.until("one two\r\n").await;
    cat.types("\x04").await;
    assert_eq!(cat.end().await.end, ProgramEnd::Exited(0));

    for input in ["", "line\r", "half"] {
        let mut cat = Dialogue::start(&arena, &host_program(&["/bin/cat"])).await;
        cat.types(input).await;
        let Dialogue { running, stdin, .. } = cat;
        stdin.close().await.expect("there is room");
        let report = timeout(PATIENCE, running.collect(async {}, |_| {})).await.expect("in time").expect("a verdict");
        assert_eq!(report.end, ProgramEnd::Exited(0), "{input:?}");
        // It is seen when it is typed, and when the program writes it.
        let seen = String::from_utf8_lossy(&report.stdout).matches(input.trim_end()).count();
        assert!(input.is_empty() || seen == 2, "{}", text(&report));
    }
    arena.close().await;
}

#[tokio::test]
async fn a_shell_controls_its_jobs() {
    let arena = Arena::open().await;
    let mut attack = host_program(&["/bin/bash", "--norc", "--noprofile", "-i"]);
    attack.invocation.job.environment = vec![("PS1".to_owned(), "next> ".to_owned())];
    let mut shell = Dialogue::start(&arena, &attack).await;
    shell.until("next> ").await;
    shell.types("tty; stty size\r").await;
    shell.until("/dev/pts/0\r\n24 80\r\n").await;
    shell.until("next> ").await;
    // Stopped by a key, continued, and interrupted as by a key.
    shell.types("sh -c 'echo begun; exec sleep 1000'\r").await;
    shell.until("begun\r\n").await;
    shell.types("\x1a").await;
    shell.until("Stopped").await;
    shell.until("next> ").await;
    shell.types("fg\r").await;
    shell.until("exec sleep 1000'\r\n").await;
    shell.running.signal(Signal::Interrupt).expect("the terminal is there");
    shell.until("next> ").await;
    shell.types("echo code $?\r").await;
    shell.until("code 130\r\n").await;
    shell.types("sleep 1000 & kill %1; wait; exit 7\r").await;
    assert_eq!(shell.end().await.end, ProgramEnd::Exited(7));
    arena.close().await;
}

#[tokio::test]
async fn runtimes_let_people_edit_lines() {
    let arena = Arena::open().await;
    for (argv, prompt, line) in [
        (&["/usr/bin/python3", "-q"][..], ">>> ", "print(13)"),
        (&["/bin/bash", "--norc", "-i"][..], "$ ", "echo 13"),
        (&["/usr/bin/node"][..], "> ", "console.log('13')"),
        (&["/usr/bin/irb", "-f", "--nocolorize"][..], "> ", "puts 13"),
    ] {
        if !std::path::Path::new(argv[0]).exists() {
            continue;
        }
        let mut attack = host_program(argv).memory(512 * MIB);
        attack.limits.processes = 64;
        let mut repl = Dialogue::start(&arena, &attack).await;
        repl.until(prompt).await;
        // Typed with a mistake that is taken back, and then found again.
        repl.types(&format!("{}x\x7f{}\r", &line[..2], &line[2..])).await;
        repl.until("13\r\n").await;
        repl.until(prompt).await;
        repl.types("\x1b[A").await;
        repl.until(line).await;
        repl.types("\r").await;
        repl.until("13\r\n").await;
        repl.until(prompt).await;
        repl.running.kill();
        assert_eq!(repl.end().await.stop, Some(Stop::Requested), "{argv:?}");
    }
    arena.close().await;
}

#[tokio::test]
async fn an_interrupt_comes_although_the_key_means_something_else() {
    let arena = Arena::open().await;
    let attack = Attack::new(
        "
        import os, signal, tty
        tty.setraw(0)
        if os.fork() == 0:
            os.setpgid(0, 0)
            signal.signal(signal.SIGTTOU, signal.SIG_IGN)
            os.tcsetpgrp(0, os.getpgrp())
            os.write(1, b'ready')
            os.write(1, b'key %d' % os.read(0, 1)[0])
            while True: signal.pause()
        os._exit(os.waitstatus_to_exitcode(os.wait()[1]) + 100)
    ",
    )
    .terminal();
    let mut dialogue = Dialogue::start(&arena, &attack).await;
    dialogue.until("ready").await;
    dialogue.types("\x03").await;
    dialogue.until("key 3").await;
    dialogue.running.signal(Signal::Interrupt).expect("the terminal is there");
    assert_eq!(dialogue.end().await.end, ProgramEnd::Exited(100 - libc::SIGINT));
    arena.close().await;
}

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
            let all = stdin.write_all(line.repeat(FLOOD).as_bytes()).await;
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
        let lines = "line\n".repeat(FLOOD / 5) + "last\n";
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
