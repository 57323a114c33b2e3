//! `PATCH /code-sessions/{session_id}`

use runbay_testkit::TestApp;
use serde_json::json;

use crate::redaction::redacted;

#[tokio::test]
async fn a_change_makes_a_new_version_and_a_repetition_none() {
    let app = TestApp::start().await;
    let session = app.client.create_session("python", "print(1)").await;
    let path = format!("/code-sessions/{session}");

    let saved = app.client.patch(&path, &json!({"source_code": "print(2)"})).await.expect(200);
    insta::assert_json_snapshot!(redacted(saved.clone()), @r#"
    {
      "session_id": "[id]",
      "status": "ACTIVE",
      "updated_at": "[time]",
      "version": 2
    }
    "#);
    assert_eq!(app.client.patch(&path, &json!({"source_code": "print(2)"})).await.expect(200), saved);
    assert_eq!(app.client.patch(&path, &json!({})).await.expect(200), saved);
    assert_eq!(app.client.get(&path).await.expect(200)["source_code"], "print(2)");
}

#[tokio::test]
async fn the_language_alone_keeps_the_code() {
    let app = TestApp::with_languages("python,javascript").await;
    let session = app.client.create_session("python", "// neither").await;
    let path = format!("/code-sessions/{session}");
    app.client.patch(&path, &json!({"language": "javascript"})).await.expect(200);
    let body = app.client.get(&path).await.expect(200);
    assert_eq!((&body["language"], &body["source_code"]), (&json!("javascript"), &json!("// neither")));
    assert_eq!(body["version"], 2);
}

#[tokio::test]
async fn an_old_version_is_refused() {
    let app = TestApp::start().await;
    let session = app.client.create_session("python", "print(1)").await;
    let path = format!("/code-sessions/{session}");
    app.client.patch(&path, &json!({"source_code": "print(2)", "version": 1})).await.expect(200);

    let answer = app.client.patch(&path, &json!({"source_code": "print(3)", "version": 1})).await;
    insta::assert_json_snapshot!(redacted(answer.expect_problem(409, "version_conflict")), @r#"
    {
      "code": "version_conflict",
      "detail": "The session is at version 2; read it before saving again.",
      "details": [
        "version: the session is at version 2"
      ],
      "error": "The session was saved by somebody else",
      "errors": [
        {
          "field": "version",
          "message": "the session is at version 2"
        }
      ],
      "request_id": "[id]",
      "status": 409,
      "title": "The session was saved by somebody else",
      "type": "urn:runbay:problem:version_conflict"
    }
    "#);
    assert_eq!(app.client.get(&path).await.expect(200)["source_code"], "print(2)");
}

#[tokio::test]
async fn a_refused_save_changes_nothing() {
    let app = TestApp::start().await;
    let session = app.client.create_session("python", "print(1)").await;
    let path = format!("/code-sessions/{session}");
    let before = app.client.get(&path).await.expect(200);
    let body = json!({"source_code": "print(2)", "language": "cobol"});
    app.client.patch(&path, &body).await.expect_problem(400, "unknown_language");
    app.client.patch(&path, &json!({"source_code": "a\0"})).await.expect_problem(400, "invalid_body");
    assert_eq!(app.client.get(&path).await.expect(200), before);
}
