//! What a bay hands over for others, made by programs that want to hand over something else.

use runbay_sandbox::Artefact;
use runbay_sandbox::ArtefactFault;
use runbay_sandbox::File;
use runbay_sandbox::ProgramEnd;
use runbay_sandbox::Report;
use runbay_sandbox::RunError;
use runbay_sandbox::Step;
use runbay_sandbox::Stop;
use serde_json::Value;
use serde_json::json;
use std::time::Duration;

use crate::arena::Arena;
use crate::arena::Need;
use crate::arena::skipped;
use crate::attack::Attack;
use crate::attack::MIB;
use crate::attack::answer;
use crate::attack::text;

/// The directory that is made for what is kept.
const KEPT: &str = "/opt/artefact/kept";

const MADE: &str = "/opt/artefact/kept/made";

/// A program whose file or directory [`MADE`] is handed over.
fn maker(source: &str) -> Attack {
    let mut attack = Attack::new(source);
    attack.invocation.job.keep = Some("kept/made".into());
    attack
}

/// A program that finds what was handed over.
fn user(source: &str, artefact: &Artefact) -> Attack {
    let mut attack = Attack::new(source);
    attack.invocation.job.unpack = Some(artefact.clone());
    attack
}

/// Returns what a program handed over that had to succeed.
fn handed_over(report: Report) -> Artefact {
    let text = text(&report);
    report.artefact.unwrap_or_else(|| panic!("{text}")).unwrap_or_else(|fault| panic!("{fault}\n{text}"))
}

/// Runs a program that makes something which cannot be handed over; returns why.
async fn fault(arena: &Arena, attack: &Attack) -> ArtefactFault {
    let report = arena.run(attack).await;
    assert_eq!((report.end, report.stop), (ProgramEnd::Exited(0), None), "{}", text(&report));
    report.artefact.expect("the program ended well").expect_err("it cannot be handed over")
}

async fn use_it(arena: &Arena, source: &str, artefact: &Artefact) -> Value {
    answer(&arena.run(&user(source, artefact)).await)
}

#[tokio::test]
async fn a_program_that_was_made_runs_in_another_bay() {
    let arena = Arena::open().await;
    let make = "
        import os
        with open('/opt/artefact/kept/made', 'w') as file: file.write('#!/bin/sh\\necho made; ls /proc/self/fd')
        os.chmod('/opt/artefact/kept/made', 0o6711)
        open('other', 'w').close()
    ";
    let artefact = handed_over(arena.run(&maker(make)).await);
    assert!(artefact.bytes() < 1024, "one small file");
    let look = "
        import os
        status, box = os.stat('/opt/artefact/kept/made'), sorted(os.listdir('.'))
        from attack import answer
        answer(mode=oct(status.st_mode), owner=[status.st_uid, status.st_gid], box=box)
    ";
    let seen = json!({"mode": "0o100755", "owner": [1000, 1000], "box": ["attack.py", "main.py"]});
    assert_eq!(use_it(&arena, look, &artefact).await, seen);

    let mut run = user("", &artefact);
    run.invocation.runtime.argv = vec![MADE.to_owned()];
    run.invocation.job.arguments.clear();
    let report = arena.run(&run).await;
    // The last one is the listing's own.
    assert_eq!(String::from_utf8_lossy(&report.stdout), "made\n0\n1\n2\n3\n", "{}", text(&report));
    arena.close().await;
}

#[tokio::test]
async fn a_directory_keeps_names_contents_and_who_may_execute() {
    let arena = Arena::open().await;
    let make = r"
        import os
        os.makedirs('/opt/artefact/kept/made/empty')
        os.makedirs('/opt/artefact/kept/made/a/b')
        for name, text in [(b'a/b/deep', 'deep'), (b'line\nbreak', 'line'), (b'\xff', 'bytes'), (b'tool', '#!/bin/sh\n')]:
            with open(b'/opt/artefact/kept/made/' + name, 'w') as file: file.write(text)
        os.chmod('/opt/artefact/kept/made/tool', 0o100)
        os.chmod('/opt/artefact/kept/made/a/b/deep', 0)
        os.chmod('/opt/artefact/kept/made/a', 0)
    ";
    let artefact = handed_over(arena.run(&maker(make)).await);
    let look = "
        import os
        from attack import answer
        found = {}
        for at, directories, files in os.walk(b'/opt/artefact/kept/made'):
            for name in directories: found[os.path.join(at, name).decode('latin1')] = 'directory'
            for name in files:
                path = os.path.join(at, name)
                found[path.decode('latin1')] = [open(path).read(), oct(os.stat(path).st_mode & 0o7777)]
        answer(**found)
    ";
    let expected = json!({
        "/opt/artefact/kept/made/empty": "directory",
        "/opt/artefact/kept/made/a": "directory",
        "/opt/artefact/kept/made/a/b": "directory",
        "/opt/artefact/kept/made/a/b/deep": ["deep", "0o644"],
        "/opt/artefact/kept/made/line\nbreak": ["line", "0o644"],
        "/opt/artefact/kept/made/\u{ff}": ["bytes", "0o644"],
        "/opt/artefact/kept/made/tool": ["#!/bin/sh\n", "0o755"],
    });
    assert_eq!(use_it(&arena, look, &artefact).await, expected);
    arena.close().await;
}

#[tokio::test]
async fn nothing_made_is_nothing_handed_over() {
    let arena = Arena::open().await;
    for source in [
        "",
        "import os; os.rmdir('/opt/artefact/kept')",
        "import os; os.rmdir('/opt/artefact/kept'); open('/opt/artefact/kept', 'w').close()",
        "import shutil; shutil.rmtree('/opt/artefact', ignore_errors=True)",
    ] {
        assert_eq!(fault(&arena, &maker(source)).await, ArtefactFault::Missing, "{source}");
    }
    arena.close().await;
}

#[tokio::test]
async fn only_files_and_directories_are_handed_over() {
    let arena = Arena::open().await;
    for source in [
        "os.symlink('/etc/passwd', MADE)",
        "os.symlink('/box/main.py', MADE)",
        "os.symlink('/dev/zero', MADE)",
        "os.symlink('/proc/self/fd/0', MADE)",
        "os.mkfifo(MADE)",
        "socket.socket(socket.AF_UNIX).bind(MADE)",
        "os.mknod(MADE, stat.S_IFCHR | 0o666, 0)",
        "os.mkdir(MADE); os.mknod(MADE + '/x', stat.S_IFCHR | 0o666, 0)",
        "os.mkdir(MADE); os.symlink('/etc', MADE + '/x')",
        "os.mkdir(MADE); os.symlink('.', MADE + '/x')",
        "os.mkdir(MADE); os.mkfifo(MADE + '/x')",
        "os.mkdir(MADE); socket.socket(socket.AF_UNIX).bind(MADE + '/x')",
        "os.chdir('/opt/artefact'); os.makedirs('y/made'); os.rmdir('kept'); os.symlink('y', 'kept')",
        "os.rmdir('/opt/artefact/kept'); os.symlink('/usr', '/opt/artefact/kept')",
        "os.rmdir('/opt/artefact/kept'); os.symlink('/proc/1', '/opt/artefact/kept')",
    ] {
        let attack = maker(&format!("import os, socket, stat\nMADE = '{MADE}'\n{source}"));
        assert_eq!(fault(&arena, &attack).await, ArtefactFault::NotRegular, "{source}");
    }
    arena.close().await;
}

#[tokio::test]
async fn a_hard_link_is_a_file_with_its_contents() {
    let arena = Arena::open().await;
    let link = format!("import os; open('{KEPT}/x', 'w').write('mine'); os.link('{KEPT}/x', '{MADE}')");
    let artefact = handed_over(arena.run(&maker(&link)).await);
    let said =
        use_it(&arena, "from attack import answer; answer(made=open('/opt/artefact/kept/made').read())", &artefact)
            .await;
    assert_eq!(said, json!({"made": "mine"}));
    arena.close().await;
}

#[tokio::test]
async fn size_number_and_depth_are_bounded() {
    let arena = Arena::open().await;
    let large = |source: &str| {
        let mut attack = maker(source).memory(32 * MIB);
        attack.limits.file_bytes = u64::MAX;
        attack.limits.inodes = 20_000;
        attack
    };
    for (fault_expected, source) in [
        (ArtefactFault::TooLarge, "os.truncate(os.open(MADE, os.O_CREAT | os.O_RDWR), 1 << 40)"),
        (ArtefactFault::TooLarge, "os.truncate(os.open(MADE, os.O_CREAT | os.O_RDWR), 1 << 62)"),
        (
            ArtefactFault::TooLarge,
            "os.mkdir(MADE); os.truncate(os.open(X, os.O_CREAT | os.O_RDWR), 1 << 27); os.link(X, MADE + '/x')",
        ),
        (
            ArtefactFault::TooMany,
            "os.mkdir(MADE); open(X, 'w').close(); [os.link(X, f'{MADE}/{n}') for n in range(15_000)]",
        ),
        (
            ArtefactFault::TooDeep,
            "os.mkdir(MADE); os.chdir(MADE); [(os.mkdir('d'), os.chdir('d')) for _ in range(5_000)]",
        ),
        (
            ArtefactFault::TooDeep,
            "os.mkdir(MADE); os.chdir(MADE); n = 'n' * 255; [(os.mkdir(n), os.chdir(n)) for _ in range(20)]",
        ),
    ] {
        let attack = large(&format!("import os\nMADE = '{MADE}'\nX = '{KEPT}/x'\n{source}"));
        assert_eq!(fault(&arena, &attack).await, fault_expected, "{source}");
    }
    arena.close().await;
}

#[tokio::test]
async fn a_hole_counts_as_the_bytes_it_stands_for() {
    if skipped(Need::Cgroups) {
        return;
    }
    let arena = Arena::open().await;
    let sparse = "import os; os.truncate(os.open('/opt/artefact/kept/made', os.O_CREAT | os.O_RDWR), 16 << 20)";
    let artefact = handed_over(arena.run(&maker(sparse)).await);
    assert!(artefact.bytes() > 16 * MIB, "{}", artefact.bytes());
    let look = "from attack import answer; answer(zeros=open('/opt/artefact/kept/made', 'rb').read().count(0))";
    assert_eq!(use_it(&arena, look, &artefact).await, json!({"zeros": 16 * MIB}));

    // Packed or unpacked, it needs memory of the bay.
    let report = arena.run(&maker(sparse).memory(12 * MIB)).await;
    out_of_memory(&report);
    out_of_memory(&arena.run(&user("print('ran')", &artefact).memory(12 * MIB)).await);

    // And room on its disk, of which a small one has not enough.
    let mut attack = user("print('ran')", &artefact);
    attack.limits.disk_bytes = 4 * MIB;
    disk_full(arena.try_run(&attack).await, Step::Unpack);
    arena.close().await;
}

fn out_of_memory(report: &Report) {
    assert!(report.usage.memory_kills > 0, "{}", text(report));
    assert_eq!((report.end, report.stop), (ProgramEnd::Killed, None), "{}", text(report));
    assert_eq!(report.artefact, None);
}

fn disk_full(result: Result<Report, RunError>, step: Step) {
    match result {
        Err(RunError::NotStarted(error)) => assert!(error.is_disk_full() && error.step == step, "{error}"),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_bay_too_small_for_its_inputs_says_so() {
    if skipped(Need::Cgroups) {
        return;
    }
    let arena = Arena::open().await;
    let with_files = |count: usize, bytes| {
        let mut attack = Attack::new("print('ran')");
        let file = |number| File { name: format!("{number}").into(), content: vec![b'x'; bytes] };
        attack.invocation.job.files.extend((0..count).map(file));
        attack
    };
    let mut attack = with_files(1, 1 << 20);
    attack.limits.disk_bytes = 1 << 19;
    disk_full(arena.try_run(&attack).await, Step::WriteFile);
    let mut attack = with_files(100, 1);
    attack.limits.inodes = 50;
    disk_full(arena.try_run(&attack).await, Step::WriteFile);
    out_of_memory(&arena.run(&with_files(1, 16 << 20).memory(8 * MIB)).await);
    arena.close().await;
}

#[tokio::test]
async fn memory_that_ends_while_packing_ends_the_bay() {
    if skipped(Need::Cgroups) {
        return;
    }
    let arena = Arena::open().await;
    let fill = "
        with open('/opt/artefact/kept/made', 'wb') as file:
            for _ in range(16): file.write(b'x' * (1 << 20))
    ";
    let enough = arena.run(&maker(fill)).await;
    assert!(handed_over(enough).bytes() > 16 * MIB);
    out_of_memory(&arena.run(&maker(fill).memory(28 * MIB)).await);
    arena.close().await;
}

#[tokio::test]
async fn children_do_not_write_to_what_is_handed_over() {
    let arena = Arena::open().await;
    let make = "
        import os, signal, time
        fd = os.open('/opt/artefact/kept/made', os.O_CREAT | os.O_RDWR)
        for _ in range(4):
            if os.fork() == 0:
                os.setsid()
                for number in range(1, 32): signal.signal(number, signal.SIG_IGN) if number not in (9, 19) else None
                while True:
                    os.pwrite(fd, b'x' * (1 << 22), 0)
                    os.ftruncate(fd, 0)
        while os.fstat(fd).st_size == 0: time.sleep(0.001)
    ";
    for _ in 0..5 {
        let artefact = handed_over(arena.run(&maker(make)).await);
        let look = "from attack import answer; answer(others=len(open('/opt/artefact/kept/made').read().strip('x')))";
        assert_eq!(use_it(&arena, look, &artefact).await, json!({"others": 0}));
    }
    arena.close().await;
}

#[tokio::test]
async fn programs_that_fail_hand_nothing_over() {
    let arena = Arena::open().await;
    let run = async |end: &str, wall: Duration| {
        let make = format!("import os, time\nopen('{MADE}', 'w').close()\n{end}");
        let report = arena.run(&maker(&make).wall(wall)).await;
        assert_eq!(report.artefact, None, "{end}");
        (report.end, report.stop)
    };
    let long = Duration::from_secs(20);
    assert_eq!(run("raise SystemExit(3)", long).await, (ProgramEnd::Exited(3), None));
    assert_eq!(run("os.kill(os.getpid(), 15)", long).await, (ProgramEnd::Signalled(15), None));
    assert_eq!(run("os.kill(os.getpid(), 9)", long).await, (ProgramEnd::Signalled(9), None));
    let short = Duration::from_millis(300);
    assert_eq!(run("time.sleep(60)", short).await, (ProgramEnd::Killed, Some(Stop::WallTime)));
    arena.close().await;
}

#[tokio::test]
async fn a_program_that_keeps_nothing_hands_nothing_over() {
    let arena = Arena::open().await;
    let report = arena
        .run(&Attack::new("import os; os.mkdir('/opt/artefact/kept'); open('/opt/artefact/kept/made', 'w').close()"))
        .await;
    assert_eq!((report.end, report.artefact), (ProgramEnd::Exited(0), None));
    arena.close().await;
}

#[tokio::test]
async fn bays_at_the_same_time_hand_over_their_own() {
    let arena = Arena::open().await;
    let make = async |number: usize| {
        let source = format!("import time; time.sleep(0.2); open('{MADE}', 'w').write('{number} ' * 100_000)");
        let artefact = handed_over(arena.run(&maker(&source)).await);
        let look =
            "from attack import answer; answer(seen=sorted(set(open('/opt/artefact/kept/made').read().split())))";
        assert_eq!(use_it(&arena, look, &artefact).await, json!({"seen": [number.to_string()]}));
    };
    tokio::join!(make(1), make(2), make(3), make(4), make(5), make(6));
    arena.close().await;
}

#[tokio::test]
async fn a_run_changes_its_own_copy_only() {
    let arena = Arena::open().await;
    let artefact = handed_over(arena.run(&maker(&format!("open('{MADE}', 'w').write('first')"))).await);
    let change = "
        import os
        from attack import answer
        fd = os.open('/opt/artefact/kept/made', os.O_RDWR)
        before = os.read(fd, 100).decode()
        os.pwrite(fd, b'CHANGED AND LONGER', 0)
        answer(before=before)
    ";
    for _ in 0..3 {
        assert_eq!(use_it(&arena, change, &artefact).await, json!({"before": "first"}));
    }
    let (one, other) = (user(change, &artefact), user(change, &artefact));
    let (one, other) = tokio::join!(arena.run(&one), arena.run(&other));
    assert_eq!(answer(&one), json!({"before": "first"}));
    assert_eq!(answer(&other), json!({"before": "first"}));
    arena.close().await;
}

#[tokio::test]
async fn an_artefact_and_a_file_of_one_name_do_not_meet() {
    let arena = Arena::open().await;
    let artefact = handed_over(arena.run(&maker(&format!("open('{MADE}', 'w').write('first')"))).await);
    let look = format!("from attack import answer; answer(made=open('{MADE}').read(), mine=open('kept/made').read())");
    let mut attack = user(&look, &artefact);
    attack.invocation.job.files.push(File { name: "kept/made".into(), content: b"mine".to_vec() });
    assert_eq!(answer(&arena.run(&attack).await), json!({"made": "first", "mine": "mine"}));
    arena.close().await;
}

#[tokio::test]
async fn names_outside_the_directory_of_artefacts_cannot_be_kept() {
    let arena = Arena::open().await;
    for name in ["/etc/passwd", "../etc/passwd", "", "a/../../etc/passwd", "a\0b/c"] {
        let mut attack = Attack::new("print('ran')");
        attack.invocation.job.keep = Some(name.into());
        let error = arena.try_run(&attack).await.expect_err(name);
        assert!(matches!(&error, RunError::NotStarted(cause) if cause.step == Step::WriteFile), "{name:?}: {error:?}");
    }
    arena.close().await;
}
