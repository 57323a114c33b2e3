//! Sizes and keys: what a person does at a terminal.

use runbay_sandbox::ProgramEnd;
use runbay_sandbox::Signal;
use runbay_sandbox::Stop;
use runbay_sandbox::WindowSize;
use tokio::time::timeout;

use super::Dialogue;
use super::host_program;
use crate::arena::Arena;
use crate::arena::PATIENCE;
use crate::attack::Attack;
use crate::attack::MIB;
use crate::attack::text;

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
