//! Events of executions that ended in every way there is, while they run, afterwards, and after a restart.

use reqwest::Method;
use runbay_testkit::EventStream;
use runbay_testkit::Followed;
use runbay_testkit::Launch;
use runbay_testkit::TestApp;
use serde_json::Value;
use serde_json::json;

use super::SAYS_AND_SLEEPS;
use super::cancel;
use super::submit;
use super::until;

/// Follows an execution from its beginning, and returns what a client has at the end.
async fn follow(app: &TestApp, execution: &str, encoding: &str) -> Followed {
    let path = format!("/executions/{execution}/events?encoding={encoding}");
    let mut stream = EventStream::open(app.client.request(Method::GET, &path)).await;
    let mut followed = Followed::default();
    followed.follow(&mut stream).await.expect("the stream does not break");
    followed
}

async fn assert_told(app: &TestApp, execution: &str) {
    for encoding in ["text", "base64"] {
        let row = app.client.get(&format!("/executions/{execution}?encoding={encoding}")).await.expect(200);
        let followed = follow(app, execution, encoding).await;
        followed.assert_is(&row);
        assert_eq!(followed.resets, 0, "{followed:?}");
        assert_eq!(followed.statuses.last().map(String::as_str), row["status"].as_str());
    }
}

/// Follows programs while they run, and reads them again later and after a restart.
async fn told_live_and_later(app: &mut TestApp, programs: &[(Value, &str, &str)]) {
    let mut executions = Vec::new();
    for (body, status, reason) in programs {
        let accepted = app.client.post("/executions", body).await.expect(202);
        let execution = accepted["execution_id"].as_str().expect("a text").to_owned();
        let (text, base64) = tokio::join!(follow(app, &execution, "text"), follow(app, &execution, "base64"));
        let row = app.client.execution(&execution).await;
        assert_eq!((row["status"].as_str(), row["reason"].as_str().unwrap_or("")), (Some(*status), *reason), "{row:#}");
        text.assert_is(&row);
        base64.assert_is(&app.client.get(&format!("/executions/{execution}?encoding=base64")).await.expect(200));
        assert_eq!((text.resets, base64.resets), (0, 0), "{body:#}");
        executions.push(execution);
    }
    for execution in &executions {
        assert_told(app, execution).await;
    }
    app.terminate().await;
    app.restart().await;
    for execution in &executions {
        assert_told(app, execution).await;
    }
}

fn python(code: &str) -> Value {
    json!({"language": "python", "source_code": code})
}

#[tokio::test]
async fn programs_that_end_in_some_way() {
    let mut app = TestApp::start().await;
    let tests = json!([
        {"name": "right", "stdin": "21\n", "expected_stdout": "42"},
        {"stdin": "words\n", "expected_stdout": "42"},
        {"stdin": "1\n", "expected_stdout": "3"},
    ]);
    let slow = "import time; print('began', flush=True); time.sleep(20)";
    let programs = [
        (python("import sys; print('out'); print('err', file=sys.stderr)"), "COMPLETED", ""),
        (python("pass"), "COMPLETED", ""),
        (python("print('so far'); raise SystemExit(3)"), "FAILED", "runtime_error"),
        (json!({"source_code": slow, "limits": {"wall_time_ms": 500}}), "TIMEOUT", "wall_time_limit"),
        (json!({"source_code": "print(2 * int(input()))", "tests": tests}), "COMPLETED", ""),
    ];
    told_live_and_later(&mut app, &programs).await;
}

#[tokio::test]
async fn output_that_is_long_or_no_text() {
    let mut app = TestApp::start().await;
    let written = |bytes: &str| python(&format!("import sys\nsys.stdout.buffer.write({bytes})\nsys.stdout.flush()\n"));
    // One byte at a time, with characters of two to four bytes, halves of them, and what is none.
    let torn = "import os, time\n\
                for byte in 'ž€🦀'.encode() + b'\\xff\\xc3(\\xf0\\x9f\\xa6a\\xe2\\x82' + '𝄞'.encode() + b'\\xf0\\x9f':\n    \
                os.write(1, bytes([byte]))\n    os.write(2, bytes([byte]))\n    time.sleep(0.01)\n";
    let all_bytes = "bytes(range(256)) * 500";
    let limited = |limit: u64, code: &str| json!({"source_code": code, "limits": {"stdout_bytes": limit}});
    let programs = [
        (python(torn), "COMPLETED", ""),
        (written(all_bytes), "COMPLETED", ""),
        (written("b'x' + '🦀'.encode() * 200_000"), "COMPLETED", ""),
        (python("print('x' * 3_000_000)"), "FAILED", "output_limit"),
        // The limit is within a character.
        (limited(1_001, "print('🦀' * 1_000)"), "FAILED", "output_limit"),
        (limited(1_000, "print('x' * 999, end='')\nprint('\\n' * 9)"), "FAILED", "output_limit"),
    ];
    told_live_and_later(&mut app, &programs).await;
}

#[tokio::test]
async fn more_output_than_is_kept_of_a_run_follows_with_the_result() {
    let app = TestApp::start().await;
    let code = "import os\nfor number in range(4_000_000 // 50_000):\n    \
                os.write(1, b'x' * 50_000)\n    os.write(2, b'y' * 50_000)\n";
    let limits = json!({"stdout_bytes": 4_194_304, "stderr_bytes": 4_194_304, "wall_time_ms": 30_000});
    let accepted = app.client.post("/executions", &json!({"source_code": code, "limits": limits})).await.expect(202);
    let execution = accepted["execution_id"].as_str().expect("a text");
    let live = app.client.follow_on(execution, Followed::default()).await;
    let row = app.client.execution(execution).await;
    assert_eq!((&row["status"], row["stderr"].as_str().map(str::len)), (&json!("COMPLETED"), Some(4_000_000)));
    live.assert_is(&row);
    // By now the bus has only the end of it.
    app.client.follow(execution).await.assert_is(&row);
}

#[tokio::test]
async fn code_that_does_not_compile() {
    let mut app = TestApp::with_languages("c").await;
    let programs = [
        (json!({"language": "c", "source_code": "int main(void) { return answer; }\n"}), "FAILED", "compile_error"),
        (
            json!({"language": "c", "source_code": "#include <stdio.h>\nint main(void) { puts(\"ok\"); return 0; }\n"}),
            "COMPLETED",
            "",
        ),
    ];
    told_live_and_later(&mut app, &programs).await;
}

#[tokio::test]
async fn what_is_cancelled() {
    let mut app = Launch::default().env("RUNBAY_SLOTS", "1").start().await;
    let running = submit(&app, SAYS_AND_SLEEPS, json!({})).await;
    let mut stream = app.client.events(&running).await;
    until(&mut stream, "stdout").await;
    let queued = submit(&app, "print(1)", json!({})).await;
    let mut waiting = app.client.events(&queued).await;
    assert_eq!(waiting.next().await.expect("an event").data["status"], "QUEUED");
    cancel(&app, &queued).await;
    let end = waiting.all().await;
    assert_eq!(end.iter().map(|event| event.kind.as_str()).collect::<Vec<_>>(), ["status", "result"]);
    cancel(&app, &running).await;
    let end = until(&mut stream, "result").await;
    assert_eq!((&end.data["status"], &end.data["stdout"]), (&json!("CANCELLED"), &json!("so far\n")));
    for execution in [&running, &queued] {
        assert_told(&app, execution).await;
    }
    app.terminate().await;
    app.restart().await;
    for execution in [&running, &queued] {
        assert_told(&app, execution).await;
    }
}
