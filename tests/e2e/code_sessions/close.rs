//! `DELETE /code-sessions/{session_id}`

use std::time::Duration;

use runbay_testkit::TestApp;
use runbay_testkit::eventually;
use serde_json::json;

use crate::executions::until_sleeping;

#[tokio::test]
async fn a_closed_session_can_only_be_read() {
    let app = TestApp::start().await;
    let session = app.client.create_session("python", "print(1)").await;
    let path = format!("/code-sessions/{session}");

    let closed = json!({"session_id": session, "status": "INACTIVE"});
    assert_eq!(app.client.delete(&path).await.expect(200), closed);
    assert_eq!(app.client.delete(&path).await.expect(200), closed, "closing again");
    assert_eq!(app.client.get(&path).await.expect(200)["status"], "INACTIVE");
    let save = json!({"source_code": "print(2)"});
    app.client.patch(&path, &save).await.expect_problem(409, "session_inactive");
    app.client.post_nothing(&format!("{path}/run")).await.expect_problem(409, "session_inactive");
}

#[tokio::test]
async fn closing_cancels_what_runs() {
    let app = TestApp::start().await;
    let code = "import os\nprint('began', flush=True)\nos.execvp('sleep', ['sleep', '60'])\n";
    let session = app.client.create_session("python", code).await;
    let execution = app.client.run(&session, &json!({"limits": {"wall_time_ms": 30_000}})).await;
    until_sleeping(&app).await;

    app.client.delete(&format!("/code-sessions/{session}")).await.expect(200);
    let body = app.client.execution(&execution).await;
    assert_eq!((&body["status"], &body["reason"]), (&json!("CANCELLED"), &json!("cancelled")));
    assert_eq!(body["stdout"], "began\n");
    assert!(body["execution_time_ms"].is_u64() && body["memory_bytes"].is_u64(), "{body:#}");
    eventually(Duration::from_secs(20), "the program has ended", || {
        std::future::ready(app.processes().iter().all(|process| process.name != "sleep").then_some(()))
    })
    .await;
    assert_eq!(app.client.execution(&execution).await, body);
}
