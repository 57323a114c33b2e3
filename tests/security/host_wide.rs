//! What the kernel has only once for the whole host: programs that use it up, spy with it, or slow it down.

use std::collections::BTreeSet;
use std::fs;
use std::process::Command;
use std::time::Duration;

use serde_json::json;

use crate::arena::Arena;
use crate::arena::Need;
use crate::arena::said;
use crate::arena::skipped;
use crate::attack::Attack;
use crate::attack::answer;

/// How long a program may take that calls the kernel very often.
const PATIENCE: Duration = Duration::from_secs(60);

#[tokio::test]
async fn requests_for_asynchronous_io_are_left_to_the_host() {
    let said = said(&format!(
        "
        import ctypes
        from attack import answer, call
        answer(made=call({}, 65536, ctypes.byref(ctypes.c_long(0))))
    ",
        libc::SYS_io_setup
    ))
    .await;
    assert_eq!(said, json!({"made": "ENOSYS"}));
}

/// The kernel keeps a lock as long as a mapping of its file, so open files bound nothing.
#[tokio::test]
async fn locks_and_owners_of_whole_files_are_counted() {
    let attack = Attack::new(
        "
        import errno, fcntl, os
        from attack import answer
        file = os.open('/tmp/x', os.O_CREAT | os.O_RDWR)
        def most(call, *arguments):
            for count in range(200_000):
                try: call(file, *arguments)
                except OSError as error: return [count, errno.errorcode[error.errno]]
        answer(locked=most(fcntl.flock, fcntl.LOCK_SH), owned=most(fcntl.fcntl, fcntl.F_SETOWN, 0))
    ",
    );
    let arena = Arena::open().await;
    let report = arena.run(&attack.cpu(PATIENCE).wall(PATIENCE)).await;
    assert_eq!(answer(&report), json!({"locked": [150_000, "ENOLCK"], "owned": [0, "ENOLCK"]}));
    arena.close().await;
}

#[tokio::test]
async fn programs_do_not_come_first_because_they_wake_up() {
    let said = said(
        "
        import os
        from attack import answer, attempt
        usual = os.sched_param(0)
        answer(
            usual=attempt(os.sched_setscheduler, 0, os.SCHED_OTHER, usual),
            for_itself=attempt(os.sched_setscheduler, 0, os.SCHED_OTHER | os.SCHED_RESET_ON_FORK, usual),
            batch=os.sched_getscheduler(0) == os.SCHED_BATCH,
        )
    ",
    )
    .await;
    assert_eq!(said, json!({"usual": "done", "for_itself": "done", "batch": true}));
}

/// As seen on the host: the group below which bays are made weighs less than others.
#[tokio::test]
async fn bays_yield_to_the_service() {
    if skipped(Need::Cgroups) {
        return;
    }
    let arena = Arena::open().await;
    let weight = |name: &str| {
        let files = arena.traces.cgroups().into_iter().map(|group| group.join(name));
        // One directory may be seen by two names, of `cpu` and of `cpuacct`.
        files.filter_map(|file| fs::read_to_string(file).ok()).collect::<BTreeSet<_>>()
    };
    let (version_1, version_2) = (weight("cpu.shares"), weight("cpu.weight"));
    assert!(version_1 == ["128\n".into()].into() || version_2 == ["12\n".into()].into(), "{version_1:?} {version_2:?}");
    arena.close().await;
}

#[tokio::test]
async fn nobody_sees_who_opens_the_common_files() {
    let said = said(&format!(
        "
        import fcntl, os, sys
        from attack import answer, attempt, call
        directory = os.open('/usr/lib', os.O_RDONLY)
        answer(
            inotify=call({}, 0), old={}, fanotify=call({}, 0, 0),
            notify=attempt(fcntl.fcntl, directory, fcntl.F_NOTIFY, fcntl.DN_ACCESS | fcntl.DN_MULTISHOT),
            lease=attempt(fcntl.fcntl, os.open(sys.executable, os.O_RDONLY), fcntl.F_SETLEASE, fcntl.F_RDLCK),
            cache=call(451, directory, 0, 0, 0),
        )
    ",
        libc::SYS_inotify_init1,
        if cfg!(target_arch = "x86_64") { "call(253)" } else { "'ENOSYS'" },
        libc::SYS_fanotify_init,
    ))
    .await;
    let expected = json!({
        "inotify": "ENOSYS", "old": "ENOSYS", "fanotify": "EPERM", "notify": "EPERM", "lease": "EPERM", "cache": "ENOSYS",
    });
    assert_eq!(said, expected);
}

#[tokio::test]
async fn common_files_stay_in_memory() {
    // The kernel tells nobody else.
    if skipped(Need::Root) {
        return;
    }
    let file = common_file();
    let arena = Arena::open().await;
    let evict = format!(
        "
        import os
        from attack import answer, call
        fd = os.open('{file}', os.O_RDONLY)
        os.read(fd, 1 << 20)
        DONTNEED = 4
        answer(advice=[call({}, fd, 0, 0, DONTNEED) for _ in range(8)])
    ",
        libc::SYS_fadvise64
    );
    fs::read(&file).expect("it can be read");
    assert!(resident(&file), "what was just read is in memory");
    assert_eq!(answer(&arena.run(&Attack::new(&evict)).await), json!({"advice": vec![0; 8]}));
    assert!(resident(&file), "a program has thrown {file} out of memory");
    arena.close().await;
}

/// Returns a file below /usr that nobody has mapped, so that it could be thrown out.
fn common_file() -> String {
    let directories = fs::read_dir("/usr/lib").expect("every host has it").filter_map(Result::ok);
    let mut files = directories.map(|directory| directory.path().join("turtle.py"));
    files.find(|file| file.exists()).expect("the host has python").display().to_string()
}

/// Returns whether the host has the file's first page in memory, which mincore(2) tells.
fn resident(file: &str) -> bool {
    let look = "
import ctypes, mmap, sys
libc = ctypes.CDLL(None, use_errno=True)
libc.mmap.restype = ctypes.c_void_p
file = open(sys.argv[1])
page = libc.mmap(None, ctypes.c_size_t(4096), 1, 2, file.fileno(), ctypes.c_long(0))
answer = ctypes.create_string_buffer(1)
assert libc.mincore(ctypes.c_void_p(page), ctypes.c_size_t(4096), answer) == 0
raise SystemExit(0 if answer.raw[0] & 1 else 1)
";
    Command::new("/usr/bin/python3").args(["-c", look, file]).status().expect("the host has python").success()
}

#[tokio::test]
async fn nobody_sees_which_pages_are_in_memory() {
    let said = said(
        "
        import os
        from attack import answer, attempt
        def read(flags): os.preadv(os.open('/usr/bin/bash', os.O_RDONLY), [bytearray(4096)], 0, flags)
        answer(plain=attempt(read, 0), waiting=attempt(read, os.RWF_NOWAIT))
    ",
    )
    .await;
    // Another name of EOPNOTSUPP.
    assert_eq!(said, json!({"plain": "done", "waiting": "ENOTSUP"}));
}

#[tokio::test]
async fn the_hosts_disks_are_not_made_to_write() {
    let said = said(&format!(
        "
        import os
        from attack import answer, attempt, call
        file = os.open('/box/x', os.O_CREAT | os.O_RDWR)
        os.write(file, b'kept')
        MS_SYNC = 4
        # A kernel that carried them out would refuse a fd that is not open, and an address that is no page's.
        answer(all=call({}), system=call({}, 999), file=call({}, 999), data=call({}, 999),
               usual=attempt(os.fsync, file), kept=os.pread(file, 9, 0).decode(), mapping=call({}, 1, 1, MS_SYNC))
    ",
        libc::SYS_sync,
        libc::SYS_syncfs,
        libc::SYS_fsync,
        libc::SYS_fdatasync,
        libc::SYS_msync
    ))
    .await;
    let expected = json!({"all": 0, "system": 0, "file": 0, "data": 0, "usual": "done", "kept": "kept", "mapping": 0});
    assert_eq!(said, expected);
}

#[tokio::test]
async fn sockets_carry_no_code_and_pages_are_not_merged() {
    let said = said(&format!(
        "
        import ctypes, mmap, socket, struct
        from attack import answer, attempt, call
        code = ctypes.create_string_buffer(struct.pack('HBBI', 6, 0, 0, 0xffffffff))
        filter = struct.pack('HxxxxxxQ', 1, ctypes.addressof(code))
        udp, tcp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM), socket.socket()
        one, other = socket.socketpair()
        memory = mmap.mmap(-1, 1 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        option = lambda socket, level, name, value: attempt(socket.setsockopt, level, name, value)
        answer(filter=option(udp, 1, 26, filter), group=option(udp, 1, 51, filter), tls=option(tcp, 6, 31, b'tls'),
               usual=option(tcp, 6, 1, struct.pack('i', 1)), urgent=attempt(one.send, b'x', socket.MSG_OOB),
               plain=attempt(one.send, b'x'), merge=attempt(memory.madvise, 12), free=attempt(memory.madvise, 4), other=call({}, -1, 0, 0, 12, 0))
    ",
        libc::SYS_process_madvise
    ))
    .await;
    assert_eq!(
        said,
        json!({
            "filter": "ENOPROTOOPT", "group": "ENOPROTOOPT", "tls": "ENOPROTOOPT", "usual": "done", "urgent": "EPERM",
            "plain": "done",
            "merge": "EPERM", "free": "done", "other": "EPERM",
        })
    );
}

#[tokio::test]
async fn numbers_that_tell_of_other_programs_are_masked_or_the_bays_own() {
    let said = said(
        "
        import os
        from attack import answer
        lines = lambda name: len(open('/proc/' + name).read().splitlines())
        empty = [name for name in ('fs', 'bus', 'scsi', 'asound', 'acpi') if os.path.exists('/proc/' + name) and os.listdir('/proc/' + name)]
        named = [line for line in open('/proc/net/unix').readlines()[1:] if len(line.split()) > 7]
        answer(directories=empty, locks=lines('locks'), sockets=named,
               shared=[lines('sysvipc/' + kind) for kind in ('shm', 'sem', 'msg')])
    ",
    )
    .await;
    // Of shared memory, semaphores and queues, the heads of the tables only.
    assert_eq!(said, json!({"directories": [], "locks": 0, "sockets": [], "shared": [1, 1, 1]}));
}
