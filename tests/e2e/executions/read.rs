//! `GET /executions/{execution_id}`

use std::time::Duration;
use std::time::Instant;

use runbay_testkit::TestApp;
use serde_json::Value;
use serde_json::json;

use super::until_running;
use crate::redaction::redacted;

const OUTCOME: [&str; 16] = [
    "reason",
    "message",
    "exit_code",
    "signal",
    "stdout",
    "stderr",
    "compile_output",
    "stdout_truncated",
    "stderr_truncated",
    "execution_time_ms",
    "cpu_time_ms",
    "memory_bytes",
    "compile_time_ms",
    "tests",
    "tests_passed",
    "tests_total",
];

#[tokio::test]
async fn a_finished_execution_has_every_member() {
    let app = TestApp::start().await;
    let body = app.client.run_to_end("python", "print('žluťoučký kůň 🦀')").await;
    insta::assert_json_snapshot!(redacted(body), @r#"
    {
      "attempt": 1,
      "compile_output": null,
      "compile_time_ms": null,
      "completed_at": "[time]",
      "cpu_time_ms": "[ms]",
      "created_at": "[time]",
      "execution_id": "[id]",
      "execution_time_ms": "[ms]",
      "exit_code": 0,
      "language": "python",
      "memory_bytes": "[bytes]",
      "message": null,
      "queue_time_ms": "[ms]",
      "queued_at": "[time]",
      "reason": null,
      "session_id": "[id]",
      "session_version": 1,
      "signal": null,
      "started_at": "[time]",
      "status": "COMPLETED",
      "stderr": "",
      "stderr_truncated": false,
      "stdout": "žluťoučký kůň 🦀\n",
      "stdout_truncated": false,
      "tests": null,
      "tests_passed": null,
      "tests_total": null
    }
    "#);
}

#[tokio::test]
async fn an_outcome_is_absent_until_the_end() {
    let app = TestApp::start().await;
    let session = app.client.create_session("python", "import time; time.sleep(2)").await;
    let execution = app.client.run(&session, &json!({})).await;
    until_running(&app, &execution).await;
    let body = app.client.execution(&execution).await;
    for member in OUTCOME {
        assert_eq!(body.get(member), None, "{member} in {body:#}");
    }
    assert_eq!(body["attempt"], 1);
    assert!(body["started_at"].is_string(), "{body:#}");
    assert_eq!(body["completed_at"], Value::Null);
}

#[tokio::test]
async fn a_wait_ends_with_the_execution() {
    let app = TestApp::start().await;
    let session = app.client.create_session("python", "import time; time.sleep(1)").await;
    let execution = app.client.run(&session, &json!({})).await;
    let start = Instant::now();
    let body = app.client.get(&format!("/executions/{execution}?wait_ms=60000")).await.expect(200);
    assert_eq!(body["status"], "COMPLETED");
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
}

#[tokio::test]
async fn a_wait_ends_with_its_time() {
    let app = TestApp::start().await;
    let session = app.client.create_session("python", "import time; time.sleep(4)").await;
    let execution = app.client.run(&session, &json!({})).await;
    let start = Instant::now();
    let body = app.client.get(&format!("/executions/{execution}?wait_ms=200")).await.expect(200);
    assert!(["QUEUED", "RUNNING"].contains(&body["status"].as_str().unwrap()), "{body:#}");
    assert!(start.elapsed() >= Duration::from_millis(200));
}

#[tokio::test]
async fn bytes_that_are_not_text_can_be_had_in_base64() {
    let app = TestApp::start().await;
    let code = r"import sys; sys.stdout.buffer.write(b'a\xff\xf0\x9f\xa6'); sys.stderr.buffer.write(b'\xfe')";
    let body = app.client.run_to_end("python", code).await;
    assert_eq!((&body["stdout"], &body["stderr"]), (&json!("a\u{fffd}\u{fffd}"), &json!("\u{fffd}")));
    let path = format!("/executions/{}?encoding=base64", body["execution_id"].as_str().unwrap());
    let body = app.client.get(&path).await.expect(200);
    assert_eq!((&body["stdout"], &body["stderr"]), (&json!("Yf/wn6Y="), &json!("/g==")));
}

#[tokio::test]
async fn the_source_is_there_on_demand() {
    let app = TestApp::start().await;
    let body = app.client.run_to_end("python", "print(1)").await;
    assert_eq!(body.get("source_code"), None);
    let path = format!("/executions/{}?include=source", body["execution_id"].as_str().unwrap());
    assert_eq!(app.client.get(&path).await.expect(200)["source_code"], "print(1)");
}

#[tokio::test]
async fn bad_queries_are_problems_that_name_the_parameter() {
    let app = TestApp::start().await;
    let path = "/executions/019aa3f4-5f0e-7cc3-98c4-dc0c0c07398f";
    for query in ["wait_ms=60001", "wait_ms=-1", "wait_ms=soon", "wait_ms=", "encoding=hex", "include=everything"] {
        let problem = app.client.get(&format!("{path}?{query}")).await.expect_problem(400, "invalid_query");
        let name = query.split('=').next().unwrap();
        let detail = problem["details"][0].as_str().unwrap();
        assert!(detail.starts_with(&format!("{name}: ")), "{detail}");
    }
    app.client.get(path).await.expect_problem(404, "execution_not_found");
    app.client.get("/executions/42").await.expect_problem(400, "invalid_id");
}
