//! `tests` of a run.

use runbay_testkit::TestApp;
use serde_json::Value;
use serde_json::json;

async fn tested(app: &TestApp, code: &str, tests: Value, stop_on_failure: bool) -> Value {
    let body = json!({"language": "python", "code": code, "tests": tests, "stop_on_failure": stop_on_failure});
    app.client.post("/executions?wait_ms=60000", &body).await.expect(200)
}

fn verdicts(ended: &Value) -> Vec<&str> {
    ended["tests"].as_array().into_iter().flatten().map(|test| test["verdict"].as_str().expect("a verdict")).collect()
}

/// Doubles its input; fails at words and waits for ever at 0.
const DOUBLE: &str = "number = int(input())\nwhile number == 0: pass\nprint(2 * number)\n";

#[tokio::test]
async fn each_case_has_its_verdict() {
    let app = TestApp::start().await;
    let tests = json!([
        {"name": "right", "stdin": "21\n", "expected_stdout": "42"},
        {"name": "wrong", "stdin": "21\n", "expected_stdout": "43"},
        {"stdin": "words\n", "expected_stdout": "42"},
        {"stdin": "0\n", "expected_stdout": "0"},
        {"stdin": "1\n", "expected_stdout": "2\n", "match": "exact"},
    ]);
    let body = json!({"code": DOUBLE, "tests": tests, "limits": {"wall_time_ms": 3_000, "cpu_time_ms": 3_000}});
    let ended = app.client.post("/executions?wait_ms=60000", &body).await.expect(200);
    assert_eq!((&ended["status"], &ended["reason"]), (&json!("COMPLETED"), &Value::Null), "{ended:#}");
    assert_eq!((&ended["tests_passed"], &ended["tests_total"]), (&json!(2), &json!(5)), "{ended:#}");
    assert_eq!(verdicts(&ended), ["passed", "failed", "error", "error", "passed"], "{ended:#}");
    let case = |index: usize| &ended["tests"][index];
    for index in 0..5 {
        assert_eq!(case(index)["index"], index);
        assert!(case(index)["execution_time_ms"].is_u64(), "{:#}", case(index));
        assert!(case(index)["cpu_time_ms"].is_u64(), "{:#}", case(index));
        assert!(case(index)["memory_bytes"].is_u64(), "{:#}", case(index));
    }
    assert_eq!((&case(0)["name"], &case(2)["name"]), (&json!("right"), &Value::Null));
    assert_eq!((&case(1)["stdout"], &case(1)["exit_code"]), (&json!("42\n"), &json!(0)));
    assert_eq!((&case(2)["reason"], &case(2)["exit_code"]), (&json!("runtime_error"), &json!(1)));
    assert!(case(2)["stderr"].as_str().unwrap().contains("ValueError"), "{:#}", case(2));
    assert_eq!(case(2)["message"], "The program ended with exit code 1.", "{:#}", case(2));
    assert!(case(3)["reason"].as_str().unwrap().ends_with("_time_limit"), "{:#}", case(3));
    assert!(case(3)["message"].as_str().unwrap().contains("3 s"), "{:#}", case(3));
    assert_eq!((&case(0)["message"], &case(0)["signal"]), (&Value::Null, &Value::Null), "{:#}", case(0));
}

#[tokio::test]
async fn a_case_tells_what_an_execution_tells() {
    let app = TestApp::start().await;
    for code in [
        "import os, signal\nos.kill(os.getpid(), signal.SIGFPE)",
        "raise SystemExit(3)",
        "x = []\nwhile True: x.append('y' * 100_000)",
        "print('x' * 3_000_000)",
    ] {
        let ended = tested(&app, code, json!([{"expected_stdout": ""}]), false).await;
        let (case, alone) = (&ended["tests"][0], app.client.run_to_end("python", code).await);
        for member in ["reason", "message", "exit_code", "signal", "stdout_truncated", "stderr_truncated"] {
            assert_eq!(case[member], alone[member], "{member} of {code}: {case:#}");
        }
        assert_eq!(case["verdict"], "error", "{case:#}");
    }
}

#[tokio::test]
async fn after_a_failure_the_others_can_be_skipped() {
    let app = TestApp::start().await;
    let case = |stdin: &str| json!({"stdin": stdin, "expected_stdout": "2"});
    let tests = json!([case("1"), case("5"), case("1"), case("1")]);
    let ended = tested(&app, DOUBLE, tests.clone(), true).await;
    assert_eq!(verdicts(&ended), ["passed", "failed", "skipped", "skipped"], "{ended:#}");
    assert_eq!((&ended["tests_passed"], &ended["tests_total"]), (&json!(1), &json!(4)), "{ended:#}");
    let skipped = &ended["tests"][2];
    assert_eq!((&skipped["exit_code"], &skipped["execution_time_ms"]), (&Value::Null, &Value::Null), "{skipped:#}");
    assert_eq!(verdicts(&tested(&app, DOUBLE, tests, false).await), ["passed", "failed", "passed", "passed"]);
}

#[tokio::test]
async fn output_is_compared_as_asked_for() {
    let app = TestApp::start().await;
    let code = "print('one  two \\n')\nprint('three 3')";
    let mut tests = Vec::new();
    let mut expected = Vec::new();
    for (comparison, text, verdict) in [
        (None, "one  two\n\nthree 3", "passed"),
        (Some("trimmed"), "one two\n\nthree 3", "failed"),
        (Some("exact"), "one  two \n\nthree 3\n", "passed"),
        (Some("exact"), "one  two \n\nthree 3", "failed"),
        (Some("tokens"), "one two three 3", "passed"),
        (Some("tokens"), "one two three", "failed"),
        (Some("regex"), r"one\s+two\s+three \d", "passed"),
        (Some("regex"), r"three \d", "failed"),
    ] {
        tests.push(json!({"expected_stdout": text, "match": comparison}));
        expected.push(verdict);
    }
    let ended = tested(&app, code, Value::Array(tests), false).await;
    assert_eq!(verdicts(&ended), expected, "{ended:#}");
}

#[tokio::test]
async fn every_case_starts_afresh() {
    let app = TestApp::start().await;
    let code =
        "import os, sys\nprint(os.path.exists('mark'), sys.argv[1:], os.environ['X'])\nopen('mark', 'w').close()";
    let tests = json!([
        {"args": ["a"], "expected_stdout": "False ['a'] y"},
        {"args": ["b", "c"], "expected_stdout": "False ['b', 'c'] y"},
    ]);
    let session = app.client.create_session("python", code).await;
    let execution = app.client.run(&session, &json!({"tests": tests, "env": {"X": "y"}})).await;
    let ended = app.client.wait(&execution).await;
    assert_eq!(verdicts(&ended), ["passed", "passed"], "{ended:#}");

    let list = app.client.get(&format!("/code-sessions/{session}/executions")).await.expect(200);
    assert_eq!(list["executions"][0].get("tests"), None, "lists leave out what is large");
}

#[tokio::test]
async fn a_hundred_cases_with_much_output_stay_small() {
    let app = TestApp::start().await;
    let tests = vec![json!({"expected_stdout": "x"}); 100];
    let body = json!({"code": "print('y' * 900_000)", "tests": tests});
    let accepted = app.client.post("/executions", &body).await.expect(202);
    let ended = app.client.wait(accepted["execution_id"].as_str().unwrap()).await;
    assert_eq!((&ended["tests_passed"], &ended["tests_total"]), (&json!(0), &json!(100)), "{}", ended["message"]);
    assert_eq!(ended["tests"][99]["stdout_truncated"], true);
    assert!(ended.to_string().len() < 8 * 1024 * 1024, "{} bytes", ended.to_string().len());
}
