//! The same routes at `/` and under `/api`, and the body forms of the reference systems.

use runbay_testkit::TestApp;
use serde_json::json;

#[tokio::test]
async fn the_whole_way_under_api() {
    let app = TestApp::start().await;
    let answer = app.client.post_nothing("/api/code-sessions").await;
    let session = answer.expect(201)["session_id"].as_str().unwrap().to_owned();
    assert_eq!(answer.header("location"), format!("/api/code-sessions/{session}"));

    let body = json!({"code": "print('hello')", "language": "python"});
    let answer = app.client.post(&format!("/api/code-sessions/{session}/run"), &body).await;
    let execution = answer.expect(202)["execution_id"].as_str().unwrap().to_owned();
    assert_eq!(answer.header("location"), format!("/api/executions/{execution}"));

    let body = app.client.get(&format!("/api/executions/{execution}?wait_ms=60000")).await.expect(200);
    assert_eq!((&body["status"], &body["stdout"]), (&json!("COMPLETED"), &json!("hello\n")));
    assert!(body["executionTime"].is_u64(), "{body:#}");
    assert_eq!(body["executionTime"], body["execution_time_ms"]);

    let plain = app.client.execution(&execution).await;
    assert_eq!(plain.get("executionTime"), None);
    assert_eq!(plain["execution_time_ms"], body["execution_time_ms"]);
}

#[tokio::test]
async fn one_shots_under_api() {
    let app = TestApp::start().await;
    let answer = app.client.post("/api/executions?wait_ms=60000", &json!({"code": "print(1)"})).await;
    let ended = answer.expect(200);
    assert_eq!(ended["executionTime"], ended["execution_time_ms"]);
    assert_eq!(answer.header("location"), format!("/api/executions/{}", ended["execution_id"].as_str().unwrap()));
    let batch = app.client.post("/api/executions/batch", &json!({"executions": [{"code": ""}]})).await.expect(202);
    assert!(batch["executions"][0]["execution_id"].is_string(), "{batch:#}");
    let session = app.client.create_session("python", "print(1)").await;
    app.client.post_nothing(&format!("/api/code-sessions/{session}/check")).await.expect(200);
}

#[tokio::test]
async fn the_way_of_the_assignment() {
    let app = TestApp::start().await;
    let body = json!({"language": "python", "template_code": "print('template')"});
    let session = app.client.post("/code-sessions", &body).await.expect(201)["session_id"].as_str().unwrap().to_owned();
    let path = format!("/code-sessions/{session}");
    let save = json!({"language": "python", "source_code": "print('Hello World')"});
    let saved = app.client.patch(&path, &save).await.expect(200);
    assert_eq!((&saved["session_id"], &saved["status"]), (&json!(session), &json!("ACTIVE")));
    let accepted = app.client.post_nothing(&format!("{path}/run")).await.expect(202);
    let ended = app.client.wait(accepted["execution_id"].as_str().unwrap()).await;
    assert_eq!((&ended["stdout"], &ended["stderr"]), (&json!("Hello World\n"), &json!("")));
    assert!(ended["execution_time_ms"].is_u64(), "{ended:#}");
}

#[tokio::test]
async fn problems_are_the_same_under_api() {
    let app = TestApp::start().await;
    app.client.get("/api/executions/42").await.expect_problem(400, "invalid_id");
    app.client.get("/api/nothing").await.expect_problem(404, "route_not_found");
}
