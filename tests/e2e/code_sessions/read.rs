//! `GET /code-sessions/{session_id}`

use runbay_testkit::TestApp;

use crate::redaction::redacted;

#[tokio::test]
async fn an_unknown_session_is_a_problem() {
    let app = TestApp::start().await;
    let answer = app.client.get("/code-sessions/0b6d3f1e-8c1a-4f5e-9d57-2f4a6f0f8f3b").await;
    let problem = answer.expect_problem(404, "session_not_found");
    insta::assert_json_snapshot!(redacted(problem), @r#"
    {
      "code": "session_not_found",
      "details": [],
      "error": "Session not found",
      "errors": [],
      "request_id": "[id]",
      "status": 404,
      "title": "Session not found",
      "type": "urn:runbay:problem:session_not_found"
    }
    "#);
}

#[tokio::test]
async fn a_bad_id_is_a_problem_that_names_it() {
    let app = TestApp::start().await;
    let problem = app.client.get("/code-sessions/42").await.expect_problem(400, "invalid_id");
    insta::assert_json_snapshot!(redacted(problem), @r#"
    {
      "code": "invalid_id",
      "details": [
        "session_id: not a UUID like [id]"
      ],
      "error": "The id in the path is not a UUID",
      "errors": [
        {
          "field": "session_id",
          "message": "not a UUID like [id]"
        }
      ],
      "request_id": "[id]",
      "status": 400,
      "title": "The id in the path is not a UUID",
      "type": "urn:runbay:problem:invalid_id"
    }
    "#);
}

#[tokio::test]
async fn an_id_may_be_written_in_upper_case() {
    let app = TestApp::start().await;
    let session = app.client.create_session("python", "print(1)").await;
    let body = app.client.get(&format!("/code-sessions/{}", session.to_uppercase())).await.expect(200);
    assert_eq!(body["session_id"], session);
}
