//! `GET /code-sessions/{session_id}/executions`

use runbay_testkit::TestApp;
use serde_json::json;

use crate::redaction::redacted;

#[tokio::test]
async fn every_execution_is_listed_once_although_others_are_run() {
    let app = TestApp::start().await;
    let session = app.client.create_session("python", "print(1)").await;
    let run = async || {
        let execution = app.client.run(&session, &json!({})).await;
        app.client.wait(&execution).await;
        execution
    };
    let mut expected = Vec::new();
    for _ in 0..7 {
        expected.push(run().await);
    }
    expected.reverse();
    let start = format!("/code-sessions/{session}/executions?limit=3");
    let mut found = Vec::new();
    let mut path = start.clone();
    loop {
        let page = app.client.get(&path).await.expect(200);
        let executions = page["executions"].as_array().unwrap();
        found.extend(executions.iter().map(|execution| execution["execution_id"].as_str().unwrap().to_owned()));
        run().await;
        let Some(cursor) = page["next_cursor"].as_str() else { break };
        path = format!("{start}&cursor={cursor}");
    }
    assert_eq!(found, expected);
}

#[tokio::test]
async fn a_listed_execution_has_no_output() {
    let app = TestApp::start().await;
    let session = app.client.create_session("python", "print('a'); raise SystemExit(3)").await;
    let path = format!("/code-sessions/{session}/executions");
    assert_eq!(app.client.get(&path).await.expect(200), json!({"executions": [], "next_cursor": null}));
    let execution = app.client.run(&session, &json!({})).await;
    app.client.wait(&execution).await;
    insta::assert_json_snapshot!(redacted(app.client.get(&path).await.expect(200)), @r#"
    {
      "executions": [
        {
          "attempt": 1,
          "compile_time_ms": null,
          "completed_at": "[time]",
          "cpu_time_ms": "[ms]",
          "created_at": "[time]",
          "execution_id": "[id]",
          "execution_time_ms": "[ms]",
          "exit_code": 3,
          "language": "python",
          "memory_bytes": "[bytes]",
          "message": "The program ended with exit code 3.",
          "queue_time_ms": "[ms]",
          "queued_at": "[time]",
          "reason": "runtime_error",
          "session_id": "[id]",
          "session_version": 1,
          "signal": null,
          "started_at": "[time]",
          "status": "FAILED",
          "stderr_truncated": false,
          "stdout_truncated": false
        }
      ],
      "next_cursor": null
    }
    "#);
}

#[tokio::test]
async fn an_unknown_session_has_no_list() {
    let app = TestApp::start().await;
    let path = "/code-sessions/0b6d3f1e-8c1a-4f5e-9d57-2f4a6f0f8f3b/executions";
    app.client.get(path).await.expect_problem(404, "session_not_found");
    app.client.get("/code-sessions/42/executions").await.expect_problem(400, "invalid_id");
}
