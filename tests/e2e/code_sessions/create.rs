//! `POST /code-sessions`

use reqwest::Method;
use runbay_testkit::Answer;
use runbay_testkit::Launch;
use runbay_testkit::TestApp;
use serde_json::Value;
use serde_json::json;
use tokio::task::JoinSet;

use crate::redaction::redacted;

#[tokio::test]
async fn without_a_body_it_is_python_with_its_template() {
    let app = TestApp::start().await;
    let languages = app.client.get("/languages").await.expect(200);
    let python = languages["languages"].as_array().unwrap().iter().find(|language| language["id"] == "python").unwrap();

    let answer = app.client.post_nothing("/code-sessions").await;
    let session = answer.expect(201);
    assert_eq!(session["source_code"], python["template"]);
    assert_eq!(answer.header("location"), format!("/code-sessions/{}", session["session_id"].as_str().unwrap()));
    assert_eq!(app.client.get(answer.header("location")).await.expect(200), session);
}

#[tokio::test]
async fn it_holds_what_was_sent() {
    let app = TestApp::with_languages("python,javascript").await;
    let body = json!({"language": "javascript", "source_code": "console.log('ž')\n"});
    let session = app.client.post("/code-sessions", &body).await.expect(201);
    insta::assert_json_snapshot!(redacted(session), @r#"
    {
      "active_execution_id": null,
      "created_at": "[time]",
      "language": "javascript",
      "session_id": "[id]",
      "source_code": "console.log('ž')\n",
      "status": "ACTIVE",
      "updated_at": "[time]",
      "version": 1
    }
    "#);
}

#[tokio::test]
async fn the_code_may_be_called_template_code() {
    let app = TestApp::start().await;
    let body = json!({"language": "python", "template_code": "print(1)"});
    let session = app.client.post("/code-sessions", &body).await.expect(201);
    assert_eq!(session["source_code"], "print(1)");

    let both = json!({"source_code": "print(1)", "template_code": "print(2)"});
    let problem = app.client.post("/code-sessions", &both).await.expect_problem(400, "invalid_body");
    assert_eq!(problem["details"], json!(["source_code: must be there once, under one name"]));
}

#[tokio::test]
async fn empty_code_is_code() {
    let app = TestApp::start().await;
    let session = app.client.post("/code-sessions", &json!({"source_code": ""})).await.expect(201);
    assert_eq!(session["source_code"], "");
}

#[tokio::test]
async fn an_alias_stands_for_its_language() {
    let app = Launch::default().every_language().start().await;
    let languages = app.client.get("/languages").await.expect(200);
    for language in languages["languages"].as_array().unwrap() {
        for alias in language["aliases"].as_array().unwrap() {
            let session = app.client.post("/code-sessions", &json!({"language": alias})).await.expect(201);
            assert_eq!(session["language"], language["id"], "{alias}");
        }
    }
}

#[tokio::test]
async fn an_unknown_language_is_refused_by_name() {
    let app = TestApp::start().await;
    for name in ["cobol", "java", "p", ""] {
        let answer = app.client.post("/code-sessions", &json!({"language": name})).await;
        let problem = answer.expect_problem(400, "unknown_language");
        let detail = problem["details"][0].as_str().unwrap();
        assert!(detail.starts_with(&format!("language: {name:?} is none of")), "{detail}");
        assert!(detail.contains("python"), "{detail}");
    }
    for name in ["Python", "PYTHON", " python", "pyton", "python3.11", "Py"] {
        let answer = app.client.post("/code-sessions", &json!({"language": name})).await;
        let problem = answer.expect_problem(400, "unknown_language");
        let message = format!("{name:?} is not offered; did you mean python?");
        assert_eq!(problem["errors"], json!([{"field": "language", "message": message}]));
        assert_eq!(problem["details"], json!([format!("language: {message}")]));
    }
}

async fn keyed(app: &TestApp, prefix: &str, key: &str, body: &Value) -> Answer {
    let request = app.client.request(Method::POST, &format!("{prefix}/code-sessions"));
    app.client.send(request.header("idempotency-key", key).json(body)).await
}

#[tokio::test]
async fn a_key_opens_one_session() {
    let mut app = TestApp::start().await;
    let body = json!({"language": "python", "source_code": "import time; time.sleep(2)"});
    let first = keyed(&app, "", "k", &body).await;
    assert_eq!(first.header("idempotent-replayed"), "");
    let session = first.expect(201);
    app.kill().await;
    app.restart().await;
    let path = format!("/code-sessions/{}", session["session_id"].as_str().unwrap());
    app.client.patch(&path, &json!({"source_code": "import time; time.sleep(3)"})).await.expect(200);
    let execution = app.client.run(session["session_id"].as_str().unwrap(), &json!({})).await;

    let replay = keyed(&app, "/api", "k", &body).await;
    assert_eq!(replay.header("idempotent-replayed"), "true");
    assert_eq!(replay.header("location"), format!("/api{path}"));
    let replay = replay.expect(201);
    assert_eq!((&replay["session_id"], &replay["version"]), (&session["session_id"], &json!(2)), "as it is by now");
    assert_eq!(replay["active_execution_id"], execution.as_str());
    keyed(&app, "", "k", &json!({"language": "python"})).await.expect_problem(422, "idempotency_key_reused");
    let other = keyed(&app, "", "other", &body).await.expect(201);
    assert_ne!(other["session_id"], session["session_id"]);
    keyed(&app, "", "refused", &json!({"language": "cobol"})).await.expect_problem(400, "unknown_language");
    keyed(&app, "", "refused", &body).await.expect(201);
    keyed(&app, "", "a b", &body).await.expect_problem(400, "invalid_header");
    assert_eq!(app.client.get("/code-sessions").await.expect(200)["sessions"].as_array().unwrap().len(), 3);
}

#[tokio::test]
async fn of_twenty_posts_with_one_key_at_once_one_opens_a_session() {
    let app = TestApp::start().await;
    let mut posting = JoinSet::new();
    for _ in 0..20 {
        let request = app.client.request(Method::POST, "/code-sessions").header("idempotency-key", "k");
        let client = app.client.clone();
        posting.spawn(async move { client.send(request).await });
    }
    let answers = posting.join_all().await;
    let first = answers[0].expect(201)["session_id"].clone();
    assert!(answers.iter().all(|answer| answer.expect(201)["session_id"] == first));
    assert_eq!(answers.iter().filter(|answer| answer.header("idempotent-replayed").is_empty()).count(), 1);
}
