//! Two programs at one time, of which one looks for the other.

use std::fs;
use std::os::unix::fs::MetadataExt;

use serde_json::json;

use crate::arena::Arena;
use crate::arena::Need;
use crate::arena::skipped;
use crate::attack::Attack;
use crate::attack::answer;

/// Runs `prey` until it is ready, then `hunter` to its end; returns what the hunter said.
async fn beside(prey: &str, hunter: &str) -> serde_json::Value {
    let arena = Arena::open().await;
    let mut said = serde_json::Value::Null;
    let prey = Attack::new(prey);
    let hunt = async {
        arena.ready().await;
        said = answer(&arena.run(&Attack::new(hunter)).await);
    };
    tokio::select! {
        report = arena.run(&prey) => panic!("the prey ended first: {}", crate::attack::text(&report)),
        () = hunt => {}
    }
    arena.close().await;
    said
}

#[tokio::test]
async fn files_are_not_shared() {
    let said = beside(
        "
        import time
        from attack import ready
        for place in ('/box', '/tmp', '/dev/shm'): open(place + '/secret', 'w').write('x')
        ready()
        time.sleep(60)
    ",
        "
        import os
        from attack import answer
        answer(found=[place for place in ('/box', '/tmp', '/dev/shm') if os.path.exists(place + '/secret')])
    ",
    )
    .await;
    assert_eq!(said, json!({"found": []}));
}

#[tokio::test]
async fn sockets_are_not_shared() {
    let said = beside(
        "
        import socket, time
        from attack import ready
        abstract = socket.socket(socket.AF_UNIX); abstract.bind('\\0prey'); abstract.listen()
        named = socket.socket(socket.AF_UNIX); named.bind('/tmp/prey'); named.listen()
        network = socket.create_server(('127.0.0.1', 5555))
        ready()
        time.sleep(60)
    ",
        "
        import socket
        from attack import answer, attempt
        unix = lambda name: attempt(socket.socket(socket.AF_UNIX).connect, name)
        answer(abstract=unix('\\0prey'), named=unix('/tmp/prey'), network=attempt(socket.create_connection, ('127.0.0.1', 5555)),
               listed='prey' in open('/proc/net/unix').read())
    ",
    )
    .await;
    let expected = json!({"abstract": "ECONNREFUSED", "named": "ENOENT", "network": "ECONNREFUSED", "listed": false});
    assert_eq!(said, expected);
}

#[tokio::test]
async fn shared_memory_and_queues_are_not_shared() {
    let calls = format!("SHMGET, SEMGET, MSGGET = {}, {}, {}", libc::SYS_shmget, libc::SYS_semget, libc::SYS_msgget);
    let said = beside(
        &format!(
            "
        import time
        from attack import call, ready
        {calls}
        made = [call(SHMGET, 77, 4096, 0o1666), call(SEMGET, 77, 1, 0o1666), call(MSGGET, 77, 0o1666)]
        assert all(isinstance(number, int) for number in made), made
        ready()
        time.sleep(60)
    "
        ),
        &format!(
            "
        from attack import answer, call
        {calls}
        answer(found=[call(SHMGET, 77, 4096, 0), call(SEMGET, 77, 1, 0), call(MSGGET, 77, 0)])
    "
        ),
    )
    .await;
    assert_eq!(said, json!({"found": ["ENOENT", "ENOENT", "ENOENT"]}));
}

#[tokio::test]
async fn what_the_kernel_counts_for_a_user_is_not_shared() {
    if skipped(Need::Root) {
        return;
    }
    let greedy = "
        import ctypes, fcntl, os, signal, time
        from attack import ready
        libc = ctypes.CDLL(None)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN])
        while libc.sigqueue(os.getpid(), signal.SIGRTMIN, None) == 0: pass
        try:
            while True: fcntl.fcntl(os.pipe()[1], fcntl.F_SETPIPE_SZ, 1 << 20)
        except OSError:
            ready()
        time.sleep(60)
    ";
    let modest = "
        import ctypes, fcntl, os, signal
        from attack import answer, attempt
        libc = ctypes.CDLL(None)
        signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGRTMIN])
        reader, writer = os.pipe()
        answer(signals=libc.sigqueue(os.getpid(), signal.SIGRTMIN, None),
               pipes=attempt(fcntl.fcntl, writer, fcntl.F_SETPIPE_SZ, 1 << 20))
    ";
    let arena = Arena::open().await;
    let mut attack = Attack::new(greedy);
    attack.limits.open_files = 4_096;
    let modest = async {
        arena.ready().await;
        let said = answer(&arena.run(&Attack::new(modest)).await);
        assert_eq!(said, json!({"signals": 0, "pipes": "done"}));
    };
    tokio::select! {
        report = arena.run(&attack) => panic!("it ended first: {}", crate::attack::text(&report)),
        () = modest => {}
    }
    arena.close().await;
}

#[tokio::test]
async fn each_live_bay_has_users_of_its_own() {
    if skipped(Need::Root) {
        return;
    }
    let arena = Arena::open().await;
    let sleeper = Attack::new("import time; from attack import ready; ready(); time.sleep(60)");
    let users = async {
        let both = async || {
            let programs = arena.traces.programs();
            let ready: Vec<_> = programs.iter().filter(|program| program.name == "ready").collect();
            (ready.len() == 2).then(|| (ready[0].pid, ready[1].pid))
        };
        let (one, other) = runbay_testkit::eventually(crate::arena::PATIENCE, "both are ready", both).await;
        let user = |pid: i32| fs::metadata(format!("/proc/{pid}")).expect("it lives").uid();
        assert_ne!(user(one), user(other));
        assert!(user(one) >= 1_900_000_000 && user(other) >= 1_900_000_000, "nobody on the host");
    };
    tokio::select! {
        _ = async { tokio::join!(arena.run(&sleeper), arena.run(&sleeper)) } => panic!("they ended first"),
        () = users => {}
    }
    arena.close().await;
}
