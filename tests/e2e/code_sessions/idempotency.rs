//! `Idempotency-Key` on `POST /code-sessions/{session_id}/run`

use reqwest::Method;
use runbay_testkit::Answer;
use runbay_testkit::Launch;
use runbay_testkit::TestApp;
use serde_json::Value;
use serde_json::json;
use tokio::task::JoinSet;

async fn run(app: &TestApp, session: &str, key: &str, query: &str, body: &Value) -> Answer {
    let request = app.client.request(Method::POST, &format!("/code-sessions/{session}/run{query}"));
    app.client.send(request.header("idempotency-key", key).json(body)).await
}

fn id(answer: &Answer) -> String {
    answer.json()["execution_id"].as_str().expect("an id").to_owned()
}

#[tokio::test]
async fn twenty_posts_with_one_key_at_once_are_one_execution() {
    let app = TestApp::start().await;
    let session = app.client.create_session("python", "print(1)").await;
    let mut posting = JoinSet::new();
    for _ in 0..20 {
        let request = app.client.request(Method::POST, &format!("/code-sessions/{session}/run"));
        let (client, request) = (app.client.clone(), request.header("idempotency-key", "lesson-7").json(&json!({})));
        posting.spawn(async move { client.send(request).await });
    }
    let answers = posting.join_all().await;
    let first = id(&answers[0]);
    for answer in &answers {
        answer.expect(202);
        assert_eq!(id(answer), first);
        assert_eq!(answer.header("location"), format!("/executions/{first}"));
    }
    assert_eq!(answers.iter().filter(|answer| answer.header("idempotent-replayed").is_empty()).count(), 1);
    assert_eq!(answers.iter().filter(|answer| answer.header("idempotent-replayed") == "true").count(), 19);
    app.client.wait(&first).await;
    let history = app.client.get(&format!("/code-sessions/{session}/executions")).await.expect(200);
    assert_eq!(history["executions"].as_array().unwrap().len(), 1, "{history:#}");
}

#[tokio::test]
async fn a_replay_shows_the_present_status_also_after_a_restart() {
    let mut app = TestApp::start().await;
    let session = app.client.create_session("python", "print(input())").await;
    let body = json!({"stdin": "hello"});
    let first = run(&app, &session, "k", "", &body).await;
    first.expect(202);
    app.client.wait(&id(&first)).await;
    app.kill().await;
    app.restart().await;

    let replay = run(&app, &session, "k", "", &body).await;
    assert_eq!(replay.expect(202), json!({"execution_id": id(&first), "session_version": 1, "status": "COMPLETED"}));
    assert_eq!(replay.header("idempotent-replayed"), "true");
    let replay = run(&app, &session, "k", "?wait_ms=1000", &body).await;
    let ended = replay.expect(200);
    assert_eq!((&ended["execution_id"], &ended["stdout"]), (&json!(id(&first)), &json!("hello\n")));
    assert_eq!(replay.header("idempotent-replayed"), "true");

    let new = run(&app, &session, "other", "?wait_ms=60000", &body).await;
    assert_ne!(new.expect(200)["execution_id"], ended["execution_id"]);
    assert_eq!(new.header("idempotent-replayed"), "");
}

#[tokio::test]
async fn a_key_stands_for_one_body() {
    let app = TestApp::start().await;
    let session = app.client.create_session("python", "print(1)").await;
    run(&app, &session, "k", "?wait_ms=60000", &json!({"code": "print(2)"})).await.expect(200);
    let problem = run(&app, &session, "k", "", &json!({"code": "print(3)"})).await;
    let problem = problem.expect_problem(422, "idempotency_key_reused");
    assert_eq!(problem["details"], json!(["idempotency-key: was sent before with another body"]));
    // The same body, although written in another way.
    run(&app, &session, "k", "", &json!({"args": [], "source_code": "print(2)"})).await.expect(202);
    let other = app.client.create_session("python", "print(1)").await;
    run(&app, &other, "k", "", &json!({"code": "print(3)"})).await.expect(202);
}

#[tokio::test]
async fn a_replay_comes_before_every_limit_and_a_refusal_is_not_kept() {
    let launch = Launch::default().env("RUNBAY_SESSION_COOLDOWN_MS", "3600000");
    let app = launch.start().await;
    let session = app.client.create_session("python", "import time; time.sleep(2)").await;
    let first = run(&app, &session, "k", "", &json!({})).await;
    first.expect(202);
    run(&app, &session, "late", "", &json!({})).await.expect_problem(409, "active_execution");
    assert_eq!(id(&run(&app, &session, "k", "", &json!({})).await), id(&first));
    app.client.wait(&id(&first)).await;
    // Had the refusal been kept, the other body would be a 422.
    run(&app, &session, "late", "", &json!({"stdin": "a"})).await.expect_problem(429, "cooldown");
    assert_eq!(id(&run(&app, &session, "k", "", &json!({})).await), id(&first));
}

#[tokio::test]
async fn what_is_no_key_is_refused() {
    let app = TestApp::start().await;
    let session = app.client.create_session("python", "print(1)").await;
    for key in ["", "a b", &"k".repeat(256)] {
        let problem = run(&app, &session, key, "", &json!({})).await.expect_problem(400, "invalid_header");
        assert_eq!(problem["details"], json!(["idempotency-key: must have 1 to 255 visible ASCII characters"]));
    }
    run(&app, &session, &"k".repeat(255), "", &json!({})).await.expect(202);
}
