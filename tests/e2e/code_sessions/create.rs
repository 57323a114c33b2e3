//! `POST /code-sessions`

use runbay_testkit::Launch;
use runbay_testkit::TestApp;
use serde_json::json;

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
