//! What programs do, and what is said of them.

use std::time::Duration;

use runbay_testkit::TestApp;
use runbay_testkit::eventually;
use serde_json::Value;
use serde_json::json;

const MIB: usize = 1024 * 1024;

/// Compares status, reason, exit code and signal.
#[track_caller]
fn assert_ended(body: &Value, status: &str, reason: Option<&str>, exit_code: Option<i32>, signal: Option<&str>) {
    let expected = json!({"status": status, "reason": reason, "exit_code": exit_code, "signal": signal});
    let found = json!({
        "status": body["status"],
        "reason": body["reason"],
        "exit_code": body["exit_code"],
        "signal": body["signal"],
    });
    assert_eq!(found, expected, "{}", shortened(body));
}

/// Shows an execution without megabytes of output.
fn shortened(body: &Value) -> String {
    let mut body = body.clone();
    for member in ["stdout", "stderr"] {
        if let Some(text) = body[member].as_str().filter(|text| text.len() > 2_000) {
            body[member] = format!("{} bytes", text.len()).into();
        }
    }
    format!("{body:#}")
}

#[tokio::test]
async fn hello() {
    let app = TestApp::with_languages("python,javascript").await;
    let text = "žluťoučký kůň 🦀 \u{202e}";
    for (language, code) in [("python", format!("print('{text}')")), ("javascript", format!("console.log('{text}')"))] {
        let body = app.client.run_to_end(language, &code).await;
        assert_ended(&body, "COMPLETED", None, Some(0), None);
        assert_eq!((&body["stdout"], &body["stderr"]), (&json!(format!("{text}\n")), &json!("")), "{body:#}");
        for member in ["execution_time_ms", "cpu_time_ms", "queue_time_ms"] {
            assert!(body[member].is_u64(), "{member} in {body:#}");
        }
        assert!(body["memory_bytes"].as_u64().unwrap() > 100_000, "{body:#}");
        assert!(body["execution_time_ms"].as_u64().unwrap() < 5_000, "{body:#}");
    }
}

#[tokio::test]
async fn an_exit_code_is_a_runtime_error() {
    let app = TestApp::with_languages("python,javascript").await;
    let body = app.client.run_to_end("python", "print('before')\nraise SystemExit(3)").await;
    assert_ended(&body, "FAILED", Some("runtime_error"), Some(3), None);
    assert_eq!((&body["stdout"], &body["stderr"]), (&json!("before\n"), &json!("")));

    let body = app.client.run_to_end("javascript", "process.exitCode = 7").await;
    assert_ended(&body, "FAILED", Some("runtime_error"), Some(7), None);

    let body = app.client.run_to_end("python", "1 / 0").await;
    assert_ended(&body, "FAILED", Some("runtime_error"), Some(1), None);
    assert!(body["stderr"].as_str().unwrap().ends_with("ZeroDivisionError: division by zero\n"), "{body:#}");
}

#[tokio::test]
async fn a_warning_is_no_failure() {
    let app = TestApp::start().await;
    let body = app.client.run_to_end("python", "import sys\nprint('careful', file=sys.stderr)\nprint('done')").await;
    assert_ended(&body, "COMPLETED", None, Some(0), None);
    assert_eq!((&body["stdout"], &body["stderr"]), (&json!("done\n"), &json!("careful\n")));
}

#[tokio::test]
async fn a_signal_is_named() {
    let app = TestApp::start().await;
    let code = "import os, signal\nprint('before', flush=True)\nos.kill(os.getpid(), signal.SIGSEGV)";
    let body = app.client.run_to_end("python", code).await;
    assert_ended(&body, "FAILED", Some("runtime_error"), None, Some("SIGSEGV"));
    assert_eq!(body["stdout"], "before\n");
}

#[tokio::test]
async fn a_timeout_keeps_what_was_printed() {
    let app = TestApp::with_languages("python,javascript").await;
    let python = "import time\ntick = 0\nwhile True:\n    print('tick', tick)\n    tick += 1\n    time.sleep(0.5)\n";
    let javascript = "let tick = 0; const say = () => console.log('tick', tick++); say(); setInterval(say, 500)";
    let (python, javascript) =
        tokio::join!(app.client.run_to_end("python", python), app.client.run_to_end("javascript", javascript));
    for body in [python, javascript] {
        assert_ended(&body, "TIMEOUT", Some("wall_time_limit"), None, body["signal"].as_str());
        let time = body["execution_time_ms"].as_u64().unwrap();
        // A busy host extends the wall limit, at most to twice.
        assert!((4_900..11_000).contains(&time), "{body:#}");
        let ticks: Vec<&str> = body["stdout"].as_str().unwrap().lines().collect();
        assert!(ticks.len() >= 7, "{body:#}");
        for (number, line) in ticks.iter().enumerate() {
            assert_eq!(*line, format!("tick {number}"));
        }
    }
}

#[tokio::test]
async fn a_busy_loop_ends() {
    let app = TestApp::start().await;
    let body = app.client.run_to_end("python", "while True: pass").await;
    assert_eq!(body["status"], "TIMEOUT", "{body:#}");
    assert!(["wall_time_limit", "cpu_time_limit"].contains(&body["reason"].as_str().unwrap()), "{body:#}");
    assert!(body["cpu_time_ms"].as_u64().unwrap() > 1_000, "{body:#}");
}

#[tokio::test]
async fn too_much_output_is_cut_and_ends_the_program() {
    let app = TestApp::with_languages("python,javascript").await;
    let code = "import sys\nfor _ in range(1600):\n    sys.stdout.write('é' * 32768)\n";
    let body = app.client.run_to_end("python", code).await;
    assert_eq!((&body["status"], &body["reason"]), (&json!("FAILED"), &json!("output_limit")), "{}", shortened(&body));
    assert_eq!(
        (&body["stdout_truncated"], &body["stderr_truncated"]),
        (&json!(true), &json!(false)),
        "{}",
        shortened(&body)
    );
    let stdout = body["stdout"].as_str().unwrap();
    assert!((MIB - 4..=MIB).contains(&stdout.len()), "{} bytes", stdout.len());
    assert!(stdout.chars().all(|character| character == 'é'), "cut in the middle of a character");

    let body = app.client.run_to_end("javascript", "for (;;) console.error('x'.repeat(1000))").await;
    assert_eq!((&body["status"], &body["reason"]), (&json!("FAILED"), &json!("output_limit")), "{}", shortened(&body));
    assert_eq!(body["stderr_truncated"], true, "{}", shortened(&body));
    assert!(body["stderr"].as_str().unwrap().len() <= MIB);
}

#[tokio::test]
async fn output_at_the_limit_is_kept_whole() {
    let app = TestApp::start().await;
    let body = app.client.run_to_end("python", "import sys\nsys.stdout.write('x' * 1048576)").await;
    assert_eq!(
        (&body["status"], &body["stdout_truncated"]),
        (&json!("COMPLETED"), &json!(false)),
        "{}",
        shortened(&body)
    );
    assert_eq!(body["stdout"].as_str().unwrap().len(), MIB);
}

#[tokio::test]
async fn a_child_that_keeps_stdout_open_delays_nothing() {
    let app = TestApp::start().await;
    let code = "import os, time\nif os.fork() == 0:\n    time.sleep(60)\nelse:\n    print('parent')\n";
    let body = app.client.run_to_end("python", code).await;
    assert_ended(&body, "COMPLETED", None, Some(0), None);
    assert_eq!(body["stdout"], "parent\n");
    assert!(body["execution_time_ms"].as_u64().unwrap() < 4_000, "{body:#}");
    no_program_is_left(&app).await;
}

#[tokio::test]
async fn stdin_is_delivered_and_closed() {
    let app = TestApp::with_languages("python,javascript").await;
    let code = "import sys\ntext = sys.stdin.read()\nprint(len(text), text[-2:])\n";
    let body = app.client.run_with("python", code, &json!({"stdin": "žluť\n"})).await;
    assert_eq!((&body["status"], &body["stdout"]), (&json!("COMPLETED"), &json!("5 ť\n\n")), "{body:#}");
    let body = app.client.run_to_end("python", code).await;
    assert_eq!((&body["status"], &body["stdout"]), (&json!("COMPLETED"), &json!("0 \n")), "{body:#}");
    let body = app.client.run_with("python", code, &json!({"stdin": "a".repeat(MIB)})).await;
    assert_eq!((&body["status"], &body["stdout"]), (&json!("COMPLETED"), &json!("1048576 aa\n")), "{body:#}");

    let code = "process.stdin.on('data', d => process.stdout.write(d)).on('end', () => console.log('end'))";
    let body = app.client.run_with("javascript", code, &json!({"stdin": "a\0b\n"})).await;
    assert_eq!((&body["status"], &body["stdout"]), (&json!("COMPLETED"), &json!("a\0b\nend\n")), "{body:#}");
}

#[tokio::test]
async fn stdin_that_nobody_reads_delays_nothing() {
    let app = TestApp::start().await;
    let body = app.client.run_with("python", "print('deaf')", &json!({"stdin": "a".repeat(MIB)})).await;
    assert_ended(&body, "COMPLETED", None, Some(0), None);
    assert_eq!(body["stdout"], "deaf\n");
}

#[tokio::test]
async fn too_much_memory_is_a_memory_limit() {
    let app = TestApp::with_languages("python,javascript").await;
    let at_once =
        app.client.run_to_end("python", "print('before', flush=True)\nx = bytearray(512 * 1024 * 1024)").await;
    assert_eq!((&at_once["status"], &at_once["reason"]), (&json!("FAILED"), &json!("memory_limit")), "{at_once:#}");
    assert_eq!(at_once["stdout"], "before\n");
    let slowly = app.client.run_to_end("python", "x = []\nwhile True: x.append(bytearray(1 << 20))").await;
    assert_eq!((&slowly["status"], &slowly["reason"]), (&json!("FAILED"), &json!("memory_limit")), "{slowly:#}");
    assert!(slowly["memory_bytes"].as_u64().unwrap() <= 130 * 1024 * 1024, "{slowly:#}");
    let code = "const x = []; for (;;) x.push(new Array(1e5).fill(x.length + 0.5))";
    let javascript = app.client.run_to_end("javascript", code).await;
    let found = (&javascript["status"], &javascript["reason"]);
    assert_eq!(found, (&json!("FAILED"), &json!("memory_limit")), "{}", shortened(&javascript));
}

#[tokio::test]
async fn a_fork_bomb_ends_and_harms_nobody() {
    let app = TestApp::start().await;
    let code = "import os\nwhile True:\n    try:\n        os.fork()\n    except OSError:\n        pass\n";
    let bomb = app.client.run_to_end("python", code).await;
    assert!(["FAILED", "TIMEOUT"].contains(&bomb["status"].as_str().unwrap()), "{}", shortened(&bomb));
    assert_eq!(bomb["attempt"], 1, "{}", shortened(&bomb));
    no_program_is_left(&app).await;
    let polite = app.client.run_to_end("python", "import os\nwhile True: os.fork()").await;
    assert!(["FAILED", "TIMEOUT"].contains(&polite["status"].as_str().unwrap()), "{}", shortened(&polite));
    assert_eq!(app.client.run_to_end("python", "print('fine')").await["stdout"], "fine\n");
    no_program_is_left(&app).await;
}

#[tokio::test]
async fn a_program_starts_with_nothing_of_the_one_before() {
    let app = TestApp::start().await;
    let session = app.client.create_session("python", "").await;
    let code = "import os\nopen('left', 'w').write('x')\nopen('/tmp/left', 'w').write('x')\nprint('wrote')";
    let first = app.client.run(&session, &json!({"source_code": code})).await;
    assert_eq!(app.client.wait(&first).await["stdout"], "wrote\n");
    let code = "import os\nprint(os.path.exists('left'), os.path.exists('/tmp/left'))";
    let second = app.client.run(&session, &json!({"source_code": code})).await;
    assert_eq!(app.client.wait(&second).await["stdout"], "False False\n");
}

#[tokio::test]
async fn many_sessions_run_side_by_side() {
    let app = TestApp::with_languages("python,javascript").await;
    let mut runs = tokio::task::JoinSet::new();
    for number in 0..24 {
        let client = app.client.clone();
        runs.spawn(async move {
            let (language, code) = match number % 2 {
                0 => ("python", format!("print({number})")),
                _ => ("javascript", format!("console.log({number})")),
            };
            (number, client.run_to_end(language, &code).await)
        });
    }
    while let Some(run) = runs.join_next().await {
        let (number, body) = run.unwrap();
        assert_ended(&body, "COMPLETED", None, Some(0), None);
        assert_eq!(body["stdout"], format!("{number}\n"));
    }
}

/// Waits until no interpreter below the server is left.
async fn no_program_is_left(app: &TestApp) {
    eventually(Duration::from_secs(30), "every program has ended", || {
        let left = app.processes().into_iter().any(|process| process.name.starts_with("python"));
        std::future::ready((!left).then_some(()))
    })
    .await;
}
