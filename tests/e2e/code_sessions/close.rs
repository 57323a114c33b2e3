//! `DELETE /code-sessions/{session_id}`

use std::time::Duration;

use reqwest::Method;
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

#[tokio::test]
async fn an_erased_session_is_gone_with_all_that_came_of_it() {
    let app = TestApp::start().await;
    let session = app.client.create_session("python", "print('secret')").await;
    let kept = app.client.create_session("python", "print('kept')").await;
    let path = format!("/code-sessions/{session}");
    let keyed =
        || app.client.request(Method::POST, &format!("{path}/run")).header("Idempotency-Key", "once").json(&json!({}));
    let first = app.client.send(keyed()).await.expect(202)["execution_id"].as_str().expect("an id").to_owned();
    app.client.wait(&first).await;
    let code = "import os\nprint('began', flush=True)\nos.execvp('sleep', ['sleep', '60'])\n";
    let body = json!({"source_code": code, "limits": {"wall_time_ms": 30_000}});
    let running = app.client.run(&session, &body).await;
    until_sleeping(&app).await;

    for wrong in ["maybe", ""] {
        let problem = app.client.delete(&format!("{path}?erase={wrong}")).await.expect_problem(400, "invalid_query");
        assert!(problem["details"][0].as_str().expect("a text").starts_with("erase: "), "{problem:#}");
    }
    assert_eq!(app.client.get(&path).await.expect(200)["status"], "ACTIVE", "nothing was changed");
    let erased = app.client.delete(&format!("{path}?erase=true")).await.expect(200);
    assert_eq!(erased, json!({"session_id": session, "status": "INACTIVE", "erased": true}));

    for query in ["?erase=true", "?erase=false", ""] {
        app.client.delete(&format!("{path}{query}")).await.expect_problem(404, "session_not_found");
    }
    app.client.get(&path).await.expect_problem(404, "session_not_found");
    app.client.get(&format!("{path}/executions")).await.expect_problem(404, "session_not_found");
    app.client.send(keyed()).await.expect_problem(404, "session_not_found");
    for execution in [&first, &running] {
        let path = format!("/executions/{execution}");
        app.client.get(&path).await.expect_problem(404, "execution_not_found");
        app.client.delete(&path).await.expect_problem(404, "execution_not_found");
    }
    let listed = app.client.get("/code-sessions").await.expect(200);
    let listed: Vec<_> =
        listed["sessions"].as_array().expect("a list").iter().map(|entry| &entry["session_id"]).collect();
    assert_eq!(listed, [&json!(kept)]);
    eventually(Duration::from_secs(20), "the program has ended", || {
        std::future::ready(app.processes().iter().all(|process| process.name != "sleep").then_some(()))
    })
    .await;
}

#[tokio::test]
async fn a_closed_session_can_be_erased_later() {
    let app = TestApp::start().await;
    let session = app.client.create_session("python", "print(1)").await;
    let path = format!("/api/code-sessions/{session}");
    let closed = json!({"session_id": session, "status": "INACTIVE"});
    assert_eq!(app.client.delete(&format!("{path}?erase=false")).await.expect(200), closed);
    app.client.delete(&format!("{path}?erase=true")).await.expect(200);
    app.client.get(&path).await.expect_problem(404, "session_not_found");
}
