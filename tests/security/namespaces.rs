//! Programs that look for the host.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use runbay_testkit::skip;
use serde_json::json;

use crate::arena::Arena;
use crate::arena::core_limit;
use crate::arena::said;
use crate::attack::Attack;
use crate::attack::answer;

#[tokio::test]
async fn all_seven_namespaces_are_the_bays_own() {
    let said = said(
        "
        import os
        from attack import answer
        answer(**{name: os.readlink('/proc/self/ns/' + name) for name in ('user', 'mnt', 'pid', 'net', 'ipc', 'uts', 'cgroup')})
    ",
    )
    .await;
    let inside: BTreeMap<String, String> = serde_json::from_value(said).expect("names");
    assert_eq!(inside.len(), 7);
    for (name, found) in inside {
        let outside = fs::read_link(format!("/proc/self/ns/{name}")).expect("this process has namespaces");
        assert_ne!(found, outside.to_str().expect("text"), "{name}");
    }
}

#[tokio::test]
async fn no_process_of_the_host_is_seen() {
    let said = said(
        "
        import os
        from attack import answer, attempt
        answer(
            listed=[int(name) for name in os.listdir('/proc') if name.isdigit()],
            found=[pid for pid in range(1, 40000) if attempt(os.kill, pid, 0) != 'ESRCH'],
            me=os.getpid(), parent=os.getppid(), group=os.getpgrp(), session=os.getsid(0),
        )
    ",
    )
    .await;
    let expected = json!({"listed": [2], "found": [1, 2], "me": 2, "parent": 1, "group": 2, "session": 2});
    assert_eq!(said, expected);
}

#[tokio::test]
async fn the_network_is_a_loopback_of_its_own() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("an address").port();
    let said = said(&format!(
        "
        import os, socket
        from attack import answer, attempt
        connect = lambda host, port: attempt(socket.create_connection, (host, port), 2)
        own = socket.create_server(('127.0.0.1', 0))
        answer(
            interfaces=[name for _, name in socket.if_nameindex()],
            own=connect('127.0.0.1', own.getsockname()[1]),
            host=connect('127.0.0.1', {port}),
            metadata=connect('169.254.169.254', 80),
            outside=connect('192.0.2.1', 80),
            outside6=connect('2001:db8::1', 80),
            bound=len(open('/proc/net/tcp').readlines()) - 1,
            routes=len(open('/proc/net/route').readlines()) - 1,
        )
    "
    ))
    .await;
    let expected = json!({
        "interfaces": ["lo"], "own": "done", "host": "ECONNREFUSED", "metadata": "ENETUNREACH",
        "outside": "ENETUNREACH", "outside6": "ENETUNREACH", "bound": said["bound"], "routes": 0,
    });
    assert_eq!(said, expected);
    assert!(said["bound"].as_u64().is_some_and(|bound| bound <= 4), "only its own sockets: {said}");
}

#[tokio::test]
async fn names_and_users_are_the_bays_own() {
    let said = said(
        "
        import os, pwd, socket
        from attack import answer
        domain = open('/proc/sys/kernel/domainname').read().strip()
        answer(host=socket.gethostname(), domain=domain, me=[os.getresuid(), os.getresgid(), os.getgroups()],
               name=pwd.getpwuid(os.getuid()).pw_name, cgroups=sorted({line.strip().split(':')[2] for line in open('/proc/self/cgroup')}),
               shared=[len(open('/proc/sysvipc/' + kind).readlines()) - 1 for kind in ('shm', 'sem', 'msg')])
    ",
    )
    .await;
    assert_eq!(
        said,
        json!({
            "host": "runbay", "domain": "", "me": [[1000, 1000, 1000], [1000, 1000, 1000], []], "name": "runner",
            "cgroups": ["/"], "shared": [0, 0, 0],
        })
    );
}

#[tokio::test]
async fn mounts_of_the_host_are_not_there() {
    let said = said(
        "
        import os
        from attack import answer
        answer(mounts=sorted({line.split()[4] for line in open('/proc/self/mountinfo') if not line.split()[4].startswith('/proc/')}),
               root=sorted(os.listdir('/')), system=os.path.exists('/sys'))
    ",
    )
    .await;
    let mounts: Vec<String> = serde_json::from_value(said["mounts"].clone()).expect("paths");
    let known = [
        "/",
        "/box",
        "/opt/artefact",
        "/mnt",
        "/tmp",
        "/proc",
        "/dev/shm",
        "/dev/null",
        "/dev/zero",
        "/dev/full",
        "/dev/random",
        "/dev/urandom",
        "/etc/alternatives",
        "/etc/ld.so.cache",
        // Covered by the bay's own /mnt.
        "/mnt/dev/tty",
    ];
    for mount in mounts {
        assert!(known.contains(&mount.as_str()) || mount.starts_with("/usr") || mount.starts_with("/lib"), "{mount}");
    }
    assert_eq!(said["system"], false);
    for name in ["boot", "home", "root", "srv", "sys", "work"] {
        assert!(!said["root"].as_array().expect("names").contains(&json!(name)), "{name}");
    }
}

#[tokio::test]
async fn a_service_that_may_not_dump_core_has_bays() {
    let may_raise = core_limit("ulimit -c 0") == 1;
    let pattern = fs::read_to_string("/proc/sys/kernel/core_pattern").expect("it can be read");
    if !may_raise && pattern.starts_with(['|', '@']) {
        skip("this host collects core dumps");
        return;
    }
    let arena = Arena::open_by(|name| {
        let mut command = Command::new("/bin/bash");
        command.args(["--norc", "-c", "ulimit -c 0; exec -a $0 $1 sandbox-keeper", name]);
        command.arg(runbay_testkit::binary());
        command
    })
    .await;
    let look = "
        import resource
        from attack import answer
        answer(core=resource.getrlimit(resource.RLIMIT_CORE))
    ";
    let limit = u8::from(may_raise);
    assert_eq!(answer(&arena.run(&Attack::new(look)).await), json!({"core": [limit, limit]}));
    arena.close().await;
}

#[tokio::test]
async fn nothing_of_the_service_is_inherited() {
    const START: &str = "
        exec 7</etc 200</etc
        umask 077
        ulimit -S -n 64
        ulimit -S -c unlimited
        trap '' PIPE USR1 CHLD
        exec -a $0 $1 sandbox-keeper
    ";
    let arena = Arena::open_by(|name| {
        let mut command = Command::new("/bin/bash");
        command.args(["--norc", "-c", START, name]).arg(runbay_testkit::binary());
        command
    })
    .await;
    let look = "
        import os, resource, signal
        from attack import answer
        mask = os.umask(0)
        ignored = int(next(line.split()[1] for line in open('/proc/self/status') if line.startswith('SigIgn')), 16)
        answer(
            mask=mask, readable=[len(open(name).read()) > 0 for name in ('/etc/passwd', '/etc/hosts')],
            null=open('/dev/null').read(), fds=[fd for fd in range(256) if os.path.exists(f'/proc/self/fd/{fd}')],
            files=resource.getrlimit(resource.RLIMIT_NOFILE), core=resource.getrlimit(resource.RLIMIT_CORE),
            ignored=[number for number in (signal.SIGUSR1, signal.SIGCHLD) if ignored >> (number - 1) & 1],
        )
    ";
    let said = answer(&arena.run(&Attack::new(look)).await);
    let limit = core_limit(":");
    let expected = json!({
        "mask": 0o022, "readable": [true, true], "null": "", "fds": [0, 1, 2], "files": [256, 256], "core": [limit, limit],
        "ignored": [],
    });
    assert_eq!(said, expected);
    for process in [arena.traces.keeper(), arena.traces.forker()] {
        for fd in fs::read_dir(format!("/proc/{}/fd", process.pid)).expect("it lives") {
            let target = fs::read_link(fd.expect("an fd").path()).unwrap_or_default();
            assert_ne!(target, Path::new("/etc"), "{}", process.name);
        }
    }
    arena.close().await;
}

#[tokio::test]
async fn the_kernels_secrets_are_masked() {
    let said = said(
        "
        import os
        from attack import answer
        def size(name):
            try: return len(open('/proc/' + name, 'rb').read(100))
            except OSError: return 0
        answer(seen=[name for name in ('cmdline', 'interrupts', 'softirqs', 'kallsyms', 'modules', 'kcore', 'keys', 'key-users',
                     'timer_list', 'diskstats', 'partitions', 'swaps', 'mdstat', 'consoles', 'kmsg', 'sysrq-trigger', 'slabinfo', 'vmallocinfo',
                     'kpageflags', '1/environ', '1/maps', '1/mem') if size(name) > 0])
    ",
    )
    .await;
    assert_eq!(said, json!({"seen": []}));
}
