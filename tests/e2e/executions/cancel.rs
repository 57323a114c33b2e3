//! `DELETE /executions/{execution_id}`

use std::time::Duration;

use runbay_testkit::TestApp;
use runbay_testkit::eventually;
use serde_json::json;

use super::until_sleeping;
use crate::redaction::redacted;

#[tokio::test]
async fn a_running_execution_ends_cancelled_and_frees_its_session() {
    let app = TestApp::start().await;
    // What sleeps has another name, so that one sees when all was written.
    let code = "import os, sys\nprint('so far')\nprint('remark', file=sys.stderr)\nsys.stdout.flush()\n\
                os.execvp('sleep', ['sleep', '4'])\n";
    let session = app.client.create_session("python", code).await;
    let execution = app.client.run(&session, &json!({})).await;
    until_sleeping(&app).await;

    let answer = app.client.delete(&format!("/executions/{execution}")).await.expect(202);
    assert_eq!(answer, json!({"execution_id": execution, "session_version": 1, "status": "CANCELLED"}));
    let body = app.client.execution(&execution).await;
    insta::assert_json_snapshot!(redacted(body.clone()), @r#"
    {
      "attempt": 1,
      "compile_output": null,
      "compile_time_ms": null,
      "completed_at": "[time]",
      "cpu_time_ms": "[ms]",
      "created_at": "[time]",
      "execution_id": "[id]",
      "execution_time_ms": "[ms]",
      "exit_code": null,
      "language": "python",
      "memory_bytes": "[bytes]",
      "message": "The execution was cancelled before it ended.",
      "queue_time_ms": "[ms]",
      "queued_at": "[time]",
      "reason": "cancelled",
      "session_id": "[id]",
      "session_version": 1,
      "signal": null,
      "started_at": "[time]",
      "status": "CANCELLED",
      "stderr": "remark\n",
      "stderr_truncated": false,
      "stdout": "so far\n",
      "stdout_truncated": false,
      "tests": null,
      "tests_passed": null,
      "tests_total": null
    }
    "#);

    let next = app.client.run(&session, &json!({"source_code": "print('next')"})).await;
    assert_eq!(app.client.wait(&next).await["stdout"], "next\n");
    assert_eq!(app.client.execution(&execution).await, body, "nothing changes it any more");
}

#[tokio::test]
async fn an_ended_execution_cannot_be_cancelled() {
    let app = TestApp::start().await;
    let body = app.client.run_to_end("python", "print(1)").await;
    let path = format!("/executions/{}", body["execution_id"].as_str().unwrap());
    app.client.delete(&path).await.expect_problem(409, "execution_ended");
    assert_eq!(app.client.get(&path).await.expect(200), body);
}

#[tokio::test]
async fn an_execution_is_erased_whether_it_has_ended_or_not() {
    let app = TestApp::start().await;
    let program = |code: &str| json!({"language": "python", "source_code": code, "limits": {"wall_time_ms": 30_000}});
    let ended = app.client.post("/executions?wait_ms=30000", &program("print(1)")).await.expect(200);
    let code = "import os\nos.execvp('sleep', ['sleep', '60'])\n";
    let running = app.client.post("/executions", &program(code)).await.expect(202);
    until_sleeping(&app).await;
    for execution in [ended, running].map(|body| body["execution_id"].as_str().expect("an id").to_owned()) {
        let path = format!("/executions/{execution}");
        let problem = app.client.delete(&format!("{path}?erase=yes")).await.expect_problem(400, "invalid_query");
        assert!(problem["details"][0].as_str().expect("a text").starts_with("erase: "), "{problem:#}");
        let erased = app.client.delete(&format!("{path}?erase=true")).await.expect(200);
        assert_eq!(erased, json!({"execution_id": execution, "erased": true}));
        app.client.delete(&format!("{path}?erase=true")).await.expect_problem(404, "execution_not_found");
        app.client.get(&path).await.expect_problem(404, "execution_not_found");
    }
    eventually(Duration::from_secs(20), "the program has ended", || {
        std::future::ready(app.processes().iter().all(|process| process.name != "sleep").then_some(()))
    })
    .await;
}

#[tokio::test]
async fn an_unknown_execution_cannot_be_cancelled() {
    let app = TestApp::start().await;
    let answer = app.client.delete("/executions/019aa3f4-5f0e-7cc3-98c4-dc0c0c07398f").await;
    answer.expect_problem(404, "execution_not_found");
}
