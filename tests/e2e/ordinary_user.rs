//! The service of a user without the rights of root: unprivileged user namespaces, and no cgroups.

use runbay_testkit::Launch;
use serde_json::json;

/// Belongs to nobody.
const UID: u32 = 1_879_100_000;

#[tokio::test]
async fn programs_run_in_bays_of_the_level_rlimits() {
    let app = Launch::default().languages("python,javascript").ordinary_user(UID).start().await;
    let ready = app.client.get("/readyz").await.expect(200);
    assert_eq!(ready["isolation"], "rlimits");

    let look = "
import os
status = open('/proc/self/status').read()
print(os.getuid(), os.listdir('/box'), sorted(pid for pid in os.listdir('/proc') if pid.isdigit()))
print([line.split()[1] for line in status.splitlines() if line.startswith(('Cap', 'NoNew', 'Seccomp:'))])
print(os.path.exists('/root'), os.path.exists('/home'), len(os.listdir('/sys')) if os.path.exists('/sys') else 0)
";
    let body = app.client.run_to_end("python", look).await;
    let stdout = "1000 ['main.py'] ['2']\n\
        ['0000000000000000', '0000000000000000', '0000000000000000', '0000000000000000', '0000000000000000', '1', '2']\n\
        False False 0\n";
    assert_eq!((&body["status"], &body["stdout"]), (&json!("COMPLETED"), &json!(stdout)), "{body:#}");
    for field in ["execution_time_ms", "cpu_time_ms", "memory_bytes"] {
        assert!(body[field].as_u64().is_some(), "{field} in {body:#}");
    }

    let body = app.client.run_to_end("javascript", "console.log('žluť')").await;
    assert_eq!((&body["status"], &body["stdout"]), (&json!("COMPLETED"), &json!("žluť\n")), "{body:#}");
}

#[tokio::test]
async fn limits_hold_without_cgroups() {
    let app = Launch::default().ordinary_user(UID).start().await;
    let body = app.client.run_to_end("python", "x = bytearray(500 << 20)").await;
    assert_eq!((&body["status"], &body["exit_code"]), (&json!("FAILED"), &json!(1)), "{body:#}");
    assert!(body["stderr"].as_str().unwrap().ends_with("MemoryError\n"), "{body:#}");

    let threads = "
import threading
gate = threading.Barrier(51)
for _ in range(50): threading.Thread(target=gate.wait).start()
gate.wait()
print('all')
";
    let body = app.client.run_to_end("python", threads).await;
    assert_eq!((&body["status"], &body["stdout"]), (&json!("COMPLETED"), &json!("all\n")), "{body:#}");

    let bomb = "
import os, signal
forked = 0
try:
    while True:
        if os.fork() == 0:
            signal.pause()
        forked += 1
except BlockingIOError:
    print('refused', forked <= 64)
";
    let body = app.client.run_to_end("python", bomb).await;
    assert_eq!((&body["status"], &body["stdout"]), (&json!("COMPLETED"), &json!("refused True\n")), "{body:#}");

    let short = json!({"limits": {"cpu_time_ms": 500, "wall_time_ms": 30_000}});
    let child = "import subprocess, sys\nsubprocess.run([sys.executable, '-c', 'while True: pass'], check=True)";
    for busy in ["while True: pass", child] {
        let body = app.client.run_with("python", busy, &short).await;
        assert_eq!((&body["status"], &body["reason"]), (&json!("TIMEOUT"), &json!("cpu_time_limit")), "{body:#}");
        assert_eq!(body["message"], "The program used more than 500 ms of CPU time and was stopped.", "{body:#}");
    }

    let body = app.client.run_to_end("python", "print('kept')\nwhile True: pass").await;
    assert_eq!((&body["status"], &body["stdout"]), (&json!("TIMEOUT"), &json!("kept\n")), "{body:#}");
}

#[tokio::test]
async fn other_machines_are_not_served() {
    let refused = Launch::default().ordinary_user(UID).listen("0.0.0.0:0").try_start().await.unwrap_err();
    assert!(refused.log.to_string().contains("rlimits"), "{}", refused.log);
}

#[tokio::test]
async fn other_machines_are_served_if_the_operator_wants_it() {
    let launch = Launch::default().ordinary_user(UID).listen("0.0.0.0:0").arg("--allow-degraded");
    assert_eq!(launch.start().await.client.run_to_end("python", "print(1)").await["stdout"], "1\n");
}
