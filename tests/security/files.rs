//! Programs that fill the file system, or look for what is not theirs.

use runbay_sandbox::File;
use runbay_sandbox::RunError;
use runbay_sandbox::Step;
use serde_json::json;

use crate::arena::Arena;
use crate::arena::Need;
use crate::arena::is_root;
use crate::arena::said;
use crate::arena::skipped;
use crate::attack::Attack;
use crate::attack::answer;

#[tokio::test]
async fn one_limit_holds_for_all_writable_directories() {
    let said = said(
        "
        import os
        from attack import answer, attempt
        def fill(path, megabytes):
            fd = os.open(path, os.O_CREAT | os.O_WRONLY)
            return attempt(os.posix_fallocate, fd, 0, megabytes << 20)
        answer(box=fill('/box/x', 12), tmp=fill('/tmp/x', 12), shm=fill('/dev/shm/x', 12), more=fill('/tmp/y', 4))
    ",
    )
    .await;
    assert_eq!(said, json!({"box": "done", "tmp": "done", "shm": "ENOSPC", "more": "done"}));
}

#[tokio::test]
async fn one_file_has_a_limit_also_with_holes() {
    let said = said(
        "
        import os, signal
        from attack import answer, attempt
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        fd = os.open('/tmp/x', os.O_CREAT | os.O_RDWR)
        answer(fits=attempt(os.truncate, fd, 16 << 20), hole=attempt(os.truncate, fd, 1 << 40),
               far=attempt(os.pwrite, fd, b'x', 1 << 40))
    ",
    )
    .await;
    assert_eq!(said, json!({"fits": "done", "hole": "EFBIG", "far": "EFBIG"}));
}

#[tokio::test]
async fn files_and_open_files_have_a_number() {
    let said = said(
        "
        import os
        from attack import answer, attempt
        def until_refused(action):
            for count in range(10000):
                error = attempt(action, count)
                if error != 'done': return [count // 100, error]
        opened = until_refused(lambda count: os.open('/dev/null', os.O_RDONLY))
        os.closerange(3, 1000)
        answer(opened=opened, made=until_refused(lambda count: os.mkdir(f'/tmp/{count}')))
    ",
    )
    .await;
    assert_eq!(said, json!({"opened": [2, "EMFILE"], "made": [10, "ENOSPC"]}));
}

#[tokio::test]
async fn the_root_cannot_be_written() {
    let said = said(
        "
        import os
        from attack import answer, attempt
        places = ['/', '/etc', '/usr', '/usr/bin', '/usr/lib', '/dev', '/opt', '/opt/runbay', '/run', '/var', '/proc', '/proc/sys']
        files = ['/etc/passwd', '/etc/hosts', '/usr/bin/python3', '/proc/sys/kernel/core_pattern',
                 '/proc/sys/kernel/hostname', '/proc/sysrq-trigger', '/proc/self/oom_score_adj']
        secret = lambda path: attempt(os.open, path, os.O_RDONLY)
        answer(
            made=sorted({attempt(os.mkdir, place + '/x') for place in places}),
            written=sorted({attempt(os.open, file, os.O_WRONLY) for file in files}),
            removed=attempt(os.unlink, '/usr/bin/python3'),
            renamed=attempt(os.rename, '/box', '/elsewhere'),
            linked=attempt(os.link, '/usr/bin/python3.11', '/box/x'),
            chmodded=attempt(os.chmod, '/dev/null', 0o777),
            mnt=attempt(os.listdir, '/mnt'),
            secrets=sorted({secret('/etc/shadow'), secret('/root/x'), secret('/home/x'), secret('/sys/kernel'),
                            secret('/etc/ssh'), secret('/var/run/docker.sock')}),
        )
    ",
    )
    .await;
    assert_eq!(said["secrets"], json!(["ENOENT"]));
    // Only root's bays have a user for pid 1; what is there is the bay's own in any case.
    assert_eq!(said["mnt"], if is_root() { "EACCES" } else { "done" });
    for refused in ["made", "written"] {
        for error in said[refused].as_array().expect("a list") {
            assert!(["EROFS", "EACCES", "ENOENT", "EPERM"].contains(&error.as_str().unwrap_or_default()), "{said}");
        }
    }
    for refused in ["removed", "renamed", "linked", "chmodded"] {
        assert_ne!(said[refused], "done", "{refused}");
    }
}

#[tokio::test]
async fn devices_are_few_and_none_can_be_made() {
    let said = said(
        "
        import os, stat
        from attack import answer, attempt
        made = lambda kind: attempt(os.mknod, '/tmp/device', kind | 0o666, os.makedev(1, 1))
        answer(devices=sorted(os.listdir('/dev')), character=made(stat.S_IFCHR), block=made(stat.S_IFBLK),
               tty=attempt(os.open, '/dev/tty', os.O_RDWR))
    ",
    )
    .await;
    let devices = ["fd", "full", "null", "random", "shm", "stderr", "stdin", "stdout", "urandom", "zero"];
    assert_eq!(said, json!({"devices": devices, "character": "EPERM", "block": "EPERM", "tty": "ENOENT"}));
}

#[tokio::test]
async fn no_mount_lets_a_file_give_rights() {
    let said = said(
        "
        import os
        from attack import answer
        open('/box/tool', 'w').close()
        os.chmod('/box/tool', 0o6777)
        mounts = [line.split() for line in open('/proc/self/mountinfo')]
        answer(
            suid=[mount[4] for mount in mounts if 'nosuid' not in mount[5].split(',')],
            writable=sorted(mount[4] for mount in mounts if 'rw' in mount[5].split(',') and not mount[4].startswith(('/proc', '/dev/'))),
        )
    ",
    )
    .await;
    assert_eq!(said, json!({"suid": [], "writable": ["/box", "/mnt", "/opt/artefact", "/tmp"]}));
}

#[tokio::test]
async fn exactly_three_files_are_open_and_the_directory_is_the_box() {
    let said = said(
        "
        import os
        from attack import answer
        fds = [fd for fd in range(1024) if os.path.exists(f'/proc/self/fd/{fd}')]
        answer(fds=fds, kinds=[os.readlink(f'/proc/self/fd/{fd}').split(':')[0] for fd in fds],
               directory=os.getcwd(), root=os.readlink('/proc/self/root'), box=sorted(os.listdir('/box')),
               tmp=os.listdir('/tmp'), shm=os.listdir('/dev/shm'), environment=dict(os.environ))
    ",
    )
    .await;
    let box_files = ["__pycache__", "attack.py", "main.py"];
    assert_eq!(
        said,
        json!({
            "fds": [0, 1, 2], "kinds": ["pipe", "pipe", "pipe"], "directory": "/box", "root": "/", "box": box_files,
            "tmp": [], "shm": [], "environment": {"PATH": "/usr/bin:/bin", "LC_CTYPE": "C.UTF-8"},
        })
    );
}

#[tokio::test]
async fn nothing_is_found_by_the_next_program() {
    let arena = Arena::open().await;
    let places = ["/box", "/opt/artefact", "/tmp", "/dev/shm", "/var/tmp", "/run/lock"];
    let leave = format!(
        "
        import os
        from attack import answer, attempt
        answer(left=[attempt(os.makedirs, place + '/left') for place in {places:?}])
    "
    );
    let left = answer(&arena.run(&Attack::new(&leave)).await);
    assert_eq!(left["left"], json!(["done", "done", "done", "done", "EROFS", "EROFS"]));
    let look = format!(
        "
        import os
        from attack import answer
        answer(found=[place for place in {places:?} if os.path.exists(place + '/left')])
    "
    );
    assert_eq!(answer(&arena.run(&Attack::new(&look)).await), json!({"found": []}));
    arena.close().await;
}

#[tokio::test]
async fn input_files_stay_in_the_box() {
    let arena = Arena::open().await;
    for name in ["../x", "/tmp/x", "a/../../x", "", "main.py", "main.py/x", "x\0y"] {
        let mut attack = Attack::new("print('ran')");
        attack.invocation.job.files.push(File { name: name.into(), content: b"x".to_vec() });
        let error = arena.try_run(&attack).await.expect_err(name);
        assert!(matches!(&error, RunError::NotStarted(cause) if cause.step == Step::WriteFile), "{name:?}: {error:?}");
    }
    arena.close().await;
}

#[tokio::test]
async fn no_limit_is_not_what_zero_means() {
    let arena = Arena::open().await;
    let mut attack = Attack::new("print('ran')");
    attack.limits.disk_bytes = 0;
    assert!(matches!(arena.try_run(&attack).await, Err(RunError::NotStarted(cause)) if cause.step == Step::MountFiles));
    let mut attack = Attack::new("print('ran')");
    attack.limits.inodes = 0;
    assert!(matches!(arena.try_run(&attack).await, Err(RunError::NotStarted(cause)) if cause.step == Step::MountFiles));
    arena.close().await;
}

#[tokio::test]
async fn no_processes_are_not_any_number_of_them() {
    if skipped(Need::Cgroups) {
        return;
    }
    let arena = Arena::open().await;
    let mut attack = Attack::new("print('ran')");
    attack.limits.processes = 0;
    assert!(matches!(arena.try_run(&attack).await, Err(RunError::NotStarted(cause)) if cause.step == Step::Fork));
    arena.close().await;
}
