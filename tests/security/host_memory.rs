//! Programs that make the kernel keep things which count for nobody, judged by the memory of the host.

use std::time::Duration;

use runbay_sandbox::ProgramEnd;

use crate::arena::Arena;
use crate::arena::Need;
use crate::arena::PATIENCE;
use crate::arena::skipped;
use crate::attack::Attack;
use crate::attack::MIB;
use crate::attack::text;
use crate::host::BEYOND_LIMIT;
use crate::host::Cost;
use crate::host::Host;

/// Enough for many processes: it is not what ends them.
const LIMIT: u64 = 256 * MIB;

/// What each of these programs begins with.
const COMMON: &str = r#"
import os, resource, socket, struct, sys, time
from attack import attempt, call, ready

PROCESSES, FILES = 40, 250

def everywhere(fill):
    """Fills in many processes until nothing goes on; shows the test that they are done, and keeps what there is."""
    done, told = os.pipe()
    for _ in range(PROCESSES):
        if os.fork() == 0:
            try:
                fill()
            except OSError:
                pass
            os.write(told, b'.')
            time.sleep(60)
    for _ in range(PROCESSES): os.read(done, 1)
    ready()
    time.sleep(60)

def each(make, then):
    """Makes as many as there may be, and does something with each until that is refused."""
    made = []
    while len(made) < FILES:
        try: made.append(make())
        except OSError: break
        try: then(made[-1])
        except OSError: pass
    return made
"#;

/// How long what a program did is looked at once it is done.
const LASTING: Duration = Duration::from_secs(1);

/// Runs a program until it is killed or has done its worst, and asserts that it cost the host little.
async fn is_cheap(source: &str) {
    costs_less_than(source, BEYOND_LIMIT).await;
}

/// Does so for what may count as memory of the program.
async fn is_bounded(source: &str) {
    costs_less_than(source, LIMIT + BEYOND_LIMIT).await;
}

async fn costs_less_than(source: &str, bytes: u64) {
    if skipped(Need::Cgroups) {
        return;
    }
    let arena = Arena::open_alone().await;
    let mut attack = Attack::new(&format!("{COMMON}\n{source}")).memory(LIMIT).cpu(PATIENCE).wall(PATIENCE);
    attack.limits.cpu_time_ms = 60_000;
    attack.limits.processes = 64;
    let worst = async {
        arena.ready().await;
        tokio::time::sleep(LASTING).await;
    };
    let end = async {
        tokio::select! {
            report = arena.run(&attack) => Some(report),
            () = worst => None,
        }
    };
    let (report, cost) = Cost::of(end).await;
    if let Some(report) = report {
        assert!(report.usage.memory_kills > 0, "only its memory limit ends it: {}", text(&report));
    }
    cost.assert_below(bytes);
    arena.close().await;
}

#[tokio::test]
async fn answers_of_netlink_that_nobody_reads() {
    is_cheap(
        "
def keep():
    global kept
    request = struct.pack('IHHII', 32768, 0x7ff, 5, 1, 0).ljust(32768, b'x')
    def make():
        made = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0)
        made.bind((0, 0))
        return made
    def ask(asked):
        # What has no room in the queue of answers is dropped, and the request taken all the same.
        for _ in range(30): asked.send(request, socket.MSG_DONTWAIT)
    kept = each(make, ask)
everywhere(keep)
",
    )
    .await;
}

/// Sends to connections that nobody accepts, over sockets with these options.
async fn unaccepted(options: &str) {
    is_cheap(&format!(
        "
def keep():
    global kept
    def prepared():
        made = socket.socket()
        {options}
        return made
    listener = prepared()
    listener.bind(('127.0.0.1', 0))
    listener.listen(4096)
    def make():
        client = prepared()
        # One that finds no room waits long.
        client.settimeout(0.1)
        client.connect(listener.getsockname())
        return client
    def send(client):
        while True: client.send(bytes(1 << 18), socket.MSG_DONTWAIT)
    kept = listener, each(make, send)
everywhere(keep)
"
    ))
    .await;
}

#[tokio::test]
async fn data_for_connections_that_nobody_accepts() {
    unaccepted("pass").await;
}

#[tokio::test]
async fn data_for_connections_with_large_buffers() {
    unaccepted("for name in (socket.SO_RCVBUF, socket.SO_SNDBUF): made.setsockopt(socket.SOL_SOCKET, name, 1 << 24)")
        .await;
}

#[tokio::test]
async fn connections_that_were_closed_before_anybody_accepts() {
    is_cheap(
        "
def keep():
    global kept
    kept = [socket.create_server(('127.0.0.1', 0), backlog=4096) for _ in range(8)]
    for listener in kept:
        for _ in range(4096):
            with socket.socket() as client:
                client.settimeout(0.2)
                client.connect(listener.getsockname())
                client.send(bytes(4000), socket.MSG_DONTWAIT)
everywhere(keep)
",
    )
    .await;
}

#[tokio::test]
async fn one_client_that_connects_again_and_again() {
    is_cheap(
        "
def keep():
    global kept
    kept = [socket.create_server(('127.0.0.1', 0), backlog=4096) for _ in range(16)]
    client = socket.socket()
    client.settimeout(0.2)
    for listener in kept:
        for _ in range(4096):
            client.connect(listener.getsockname())
            client.send(bytes(4000), socket.MSG_DONTWAIT)
            # Of no family: that takes the connection away and leaves the socket.
            call(42, client.fileno(), bytes(16), 16)
everywhere(keep)
",
    )
    .await;
}

#[tokio::test]
async fn datagrams_that_are_never_finished() {
    is_cheap(
        "
MORE = 0x8000
def keep():
    global kept
    def send(sender):
        sender.connect(('127.0.0.1', 9))
        # One that gets too long is dropped as a whole.
        for _ in range(60): sender.send(bytes(1000), MORE | socket.MSG_DONTWAIT)
    kept = each(lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM), send)
everywhere(keep)
",
    )
    .await;
}

#[tokio::test]
async fn datagrams_that_nobody_reads() {
    is_cheap(
        "
def keep():
    global kept
    sender = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
    def make():
        receiver = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)
        try: receiver.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 24)
        except OSError: pass
        receiver.bind(('::1', 0))
        return receiver
    def send(receiver):
        for _ in range(30): sender.sendto(bytes(60000), receiver.getsockname())
    kept = each(make, send)
everywhere(keep)
",
    )
    .await;
}

#[tokio::test]
async fn keys_of_connections() {
    is_cheap(
        "
MD5SIG = 14
def keep():
    global kept
    def sign(socket_):
        for number in range(400):
            address = struct.pack('HH', socket.AF_INET, 0) + struct.pack('>I', 0x7f000001 + number) + bytes(120)
            socket_.setsockopt(socket.IPPROTO_TCP, MD5SIG, address + struct.pack('BBHI', 0, 0, 8, 0) + b'k' * 80)
    kept = each(socket.socket, sign)
everywhere(keep)
",
    )
    .await;
}

#[tokio::test]
async fn messages_between_processes_that_nobody_reads() {
    is_bounded(
        "
def keep():
    global kept
    def send(pair):
        try:
            while True: pair[0].send(bytes(100_000), socket.MSG_DONTWAIT)
        except OSError: pass
    kept = each(socket.socketpair, send)
everywhere(keep)
",
    )
    .await;
}

#[tokio::test]
async fn pipes_that_nobody_reads() {
    is_bounded(
        "
def keep():
    global kept
    def write(pipe):
        os.set_blocking(pipe[1], False)
        try:
            while True: os.write(pipe[1], bytes(65536))
        except BlockingIOError: pass
    kept = each(os.pipe, write)
everywhere(keep)
",
    )
    .await;
}

#[tokio::test]
async fn locks_on_parts_of_files() {
    is_cheap(
        "
import fcntl
def keep():
    global kept
    kept = []
    # The kernel looks through all locks of a file each time, so there are not too many on one.
    for name in range(24):
        file = os.open(f'/tmp/{os.getpid()}.{name}', os.O_CREAT | os.O_RDWR)
        kept.append(file)
        for at in range(0, 4000, 2): fcntl.lockf(file, fcntl.LOCK_EX, 1, at)
everywhere(keep)
",
    )
    .await;
}

#[tokio::test]
async fn names_that_do_not_exist_do_not_pile_up_after_their_programs() {
    if skipped(Need::Cgroups) {
        return;
    }
    let arena = Arena::open_alone().await;
    let before = Host::now().reclaimable_bytes;
    // Each name takes about 190 bytes.
    for round in 0..6 {
        let mut attack = Attack::new(&format!(
            "
            import os
            for number in range(200_000): os.access(f'/usr/{round}.{{number}}', 0)
        "
        ));
        attack = attack.memory(128 * MIB).cpu(PATIENCE).wall(PATIENCE);
        attack.limits.cpu_time_ms = 60_000;
        let report = arena.run(&attack).await;
        assert_eq!(report.end, ProgramEnd::Exited(0), "{}", text(&report));
    }
    arena.quiet().await;
    let more = Host::now().reclaimable_bytes.saturating_sub(before);
    assert!(more < 130 * MIB, "{} MiB are left", more / MIB);
    arena.close().await;
}
