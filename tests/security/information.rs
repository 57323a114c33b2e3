//! Programs that look for what the host hides, or for ways around what hides it.

use std::net::UdpSocket;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net::SocketAddr;
use std::os::unix::net::UnixListener;

use runbay_sandbox::ProgramEnd;
use serde_json::json;

use crate::arena::Arena;
use crate::arena::said;
use crate::attack::Attack;
use crate::attack::text;

#[tokio::test]
async fn nothing_below_proc_sys_can_be_written() {
    let said = said(
        "
        import os
        from attack import answer, attempt
        writable, seen = [], 0
        for directory, _, names in os.walk('/proc/sys'):
            for name in names:
                seen += 1
                path = os.path.join(directory, name)
                if attempt(os.open, path, os.O_WRONLY) == 'done': writable.append(path)
        for path in ('/proc/sysrq-trigger', '/proc/self/oom_score_adj', '/proc/self/uid_map', '/proc/self/setgroups',
                     '/proc/self/coredump_filter', '/proc/self/attr/current', '/proc/self/timerslack_ns', '/proc/mtrr',
                     '/proc/acpi/wakeup', '/proc/irq/default_smp_affinity', '/proc/self/comm', '/proc/self/mem'):
            if attempt(os.open, path, os.O_WRONLY) == 'done': writable.append(path)
        answer(writable=writable, seen=seen > 100)
    ",
    )
    .await;
    assert_eq!(said, json!({"writable": [], "seen": true}));
}

#[tokio::test]
async fn there_is_no_sysfs_cgroup_or_other_kernel_file_system() {
    let said = said(&format!(
        "
        import ctypes, os
        from attack import answer, call
        kinds = (b'sysfs', b'cgroup', b'cgroup2', b'debugfs', b'tracefs', b'securityfs', b'bpf', b'devpts', b'mqueue', b'proc', b'tmpfs', b'overlay')
        text = ctypes.create_string_buffer
        mounts = [line.split(' - ')[1].split()[0] for line in open('/proc/self/mountinfo')]
        answer(mounted=sorted(set(mounts) & {{kind.decode() for kind in kinds}} - {{'proc', 'tmpfs'}}),
               made=sorted({{call({}, text(kind), text(b'/tmp'), text(kind), 0, 0) for kind in kinds}}),
               opened=sorted({{call({}, text(kind), 0) for kind in kinds}}),
               present=[path for path in ('/sys', '/dev/pts', '/dev/mqueue', '/run/user', '/dev/kmsg', '/dev/mem') if os.path.exists(path)])
    ",
        libc::SYS_mount,
        libc::SYS_fsopen
    ))
    .await;
    // On hosts where root or /usr are an overlay, they are seen as one.
    let mounted = said["mounted"].as_array().expect("a list");
    assert!(mounted.iter().all(|kind| kind == "overlay"), "{said}");
    assert_eq!((&said["made"], &said["opened"], &said["present"]), (&json!(["EPERM"]), &json!(["EPERM"]), &json!([])));
}

/// The way out of a container by a version 1 cgroup: mount one, name a program of the host in `release_agent`.
#[tokio::test]
async fn no_release_agent_can_be_set() {
    let said = said(
        "
        import glob, os, subprocess
        from attack import answer, attempt
        agents = [path for pattern in ('/sys/fs/cgroup/*', '/tmp/*', '/mnt/*', '/proc/*/root/sys/fs/cgroup/*')
                  for path in glob.glob(pattern + '/release_agent')]
        tools = [subprocess.run(tool, capture_output=True).returncode == 0 for tool in (
                     ['/usr/bin/unshare', '-UrmC', 'true'], ['/usr/bin/mount', '-t', 'cgroup', 'x', '/tmp'],
                     ['/usr/bin/nsenter', '-t', '1', '-m', 'true']) if os.path.exists(tool[0])]
        answer(agents=agents, made=attempt(os.mkdir, '/sys/fs/cgroup/x'), tools=[tool for tool in tools if tool])
    ",
    )
    .await;
    assert_eq!(said, json!({"agents": [], "made": "ENOENT", "tools": []}));
}

#[tokio::test]
async fn a_crash_leaves_no_core() {
    let arena = Arena::open().await;
    let crash = "
        import ctypes, os, resource, signal
        child = os.fork()
        if child == 0:
            ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)
            os.kill(os.getpid(), signal.SIGSEGV)
        status = os.waitpid(child, 0)[1]
        print(os.WCOREDUMP(status), os.WTERMSIG(status) == signal.SIGSEGV, sorted(os.listdir('/box')), os.listdir('/tmp'), flush=True)
        os.kill(os.getpid(), signal.SIGABRT)
    ";
    let report = arena.run(&Attack::new(crash)).await;
    assert_eq!((report.end, report.stop), (ProgramEnd::Signalled(libc::SIGABRT), None), "{}", text(&report));
    let stdout = String::from_utf8_lossy(&report.stdout);
    assert_eq!(stdout, "False True ['attack.py', 'main.py'] []\n");
    arena.close().await;
}

#[tokio::test]
async fn the_hosts_own_sockets_are_not_there() {
    let name = format!("runbay-security-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).expect("a short name");
    let _listener = UnixListener::bind_addr(&address).expect("the name is free");
    let udp = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    udp.set_nonblocking(true).expect("a socket can be non-blocking");
    let port = udp.local_addr().expect("an address").port();
    let said = said(&format!(
        "
        import os, socket
        from attack import answer, attempt
        unix = lambda path: attempt(socket.socket(socket.AF_UNIX).connect, path)
        datagram = lambda address: attempt(socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto, b'x', address)
        answer(abstract=unix('\\0{name}'), named=sorted({{unix(path) for path in (
                   '/var/run/docker.sock', '/run/docker.sock', '/run/containerd/containerd.sock', '/run/dbus/system_bus_socket',
                   '/run/systemd/private', '/run/systemd/journal/socket', '/dev/log', '/tmp/.X11-unix/X0', '/run/mysqld/mysqld.sock')}}),
               local=datagram(('127.0.0.1', {port})), metadata=datagram(('169.254.169.254', 80)),
               lookup=attempt(socket.getaddrinfo, 'example.com', 80) != 'done',
               broadcast=datagram(('255.255.255.255', 9)), multicast=datagram(('224.0.0.251', 5353)))
    "
    ))
    .await;
    let expected = json!({
        "abstract": "ECONNREFUSED", "named": ["ENOENT"], "local": "done", "metadata": "ENETUNREACH", "lookup": true,
        "broadcast": said["broadcast"], "multicast": "ENETUNREACH",
    });
    assert_eq!(said, expected);
    assert!(["ENETUNREACH", "EACCES"].contains(&said["broadcast"].as_str().unwrap_or_default()), "{said}");
    let heard = udp.recv(&mut [0]).expect_err("what a bay sends to the loopback stays in the bay");
    assert_eq!(heard.kind(), std::io::ErrorKind::WouldBlock);
}

#[tokio::test]
async fn the_files_of_a_process_lead_nowhere_else() {
    let said = said(
        "
        import os, subprocess, sys
        from attack import answer, attempt
        os.symlink('/proc/self/exe', '/tmp/exe')
        os.symlink('/proc/1/root/etc/shadow', '/tmp/shadow')
        os.symlink('../../../../../../etc/shadow', '/box/shadow')
        child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])
        answer(
            overwritten=sorted({attempt(os.open, path, os.O_WRONLY) for path in (
                '/proc/self/exe', '/tmp/exe', f'/proc/{child.pid}/exe', '/proc/self/map_files', sys.executable)}),
            entered=[fd for fd in range(256) if attempt(os.chdir, f'/proc/self/fd/{fd}') == 'done'],
            above=sorted(set(os.listdir('/proc/self/cwd/../..')) - set(os.listdir('/'))),
            root=attempt(os.listdir, '/proc/1/root'), working=os.getcwd(),
            shadow=[attempt(open, path) for path in ('/tmp/shadow', '/box/shadow', '/etc/shadow', '/proc/self/root/etc/shadow')],
        )
        child.kill()
    ",
    )
    .await;
    for error in said["overwritten"].as_array().expect("a list") {
        assert!(["ETXTBSY", "EROFS", "EACCES", "EISDIR"].contains(&error.as_str().unwrap_or_default()), "{said}");
    }
    assert_eq!(
        (&said["entered"], &said["above"], &said["working"]),
        (&json!([]), &json!([]), &json!("/box")),
        "{said}"
    );
    assert_eq!((&said["root"], &said["shadow"]), (&json!("ENOENT"), &json!(vec!["ENOENT"; 4])), "{said}");
}
