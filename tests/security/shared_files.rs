//! Programs that lock what all bays see: nobody else waits for them.

use crate::attack::Attack;
use crate::compiler_host::CompilerHost;

/// Locks every file of the accelerators that it can open, those that many use first.
const LOCKER: &str = "
    import fcntl, os, time
    from attack import ready
    shared = '/usr/local/lib/runbay'
    names = sorted((os.path.join(where, name) for where, _, names in os.walk(shared) for name in names),
                   key=lambda path: (path.count('/'), path))
    held = []
    for name in names:
        try:
            file = open(name)
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            held.append(file)
            fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            if len(held) < 64: raise
            break
    ready()
    time.sleep(600)
";

#[tokio::test]
async fn go_works_beside_a_lock_on_its_whole_cache() {
    let Some(host) = CompilerHost::open("go").await else { return };
    let mut locker = Attack::new(LOCKER);
    locker.limits.open_files = 4_096;
    let honest = async {
        host.arena().ready().await;
        let source = "package main\nimport \"fmt\"\nfunc main() { fmt.Println(1 + 1) }\n";
        host.prints(&[("main.go", source)], "2\n").await;
        let report = host.check(source).await;
        assert!(report.diagnostics.is_empty() && report.message.is_none(), "{report:?}");
    };
    tokio::select! {
        report = host.arena().run(&locker) => panic!("it ended first: {}", crate::attack::text(&report)),
        () = honest => {}
    }
    host.close().await;
}
