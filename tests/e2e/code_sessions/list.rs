//! `GET /code-sessions`

use runbay_testkit::Launch;
use runbay_testkit::TestApp;
use serde_json::Value;
use serde_json::json;

use crate::redaction::redacted;

#[tokio::test]
async fn every_session_is_listed_once_although_others_are_opened() {
    let app = TestApp::start().await;
    let mut opened = Vec::new();
    for _ in 0..25 {
        opened.push(app.client.create_session("python", "print(1)").await);
    }
    opened.reverse();
    let mut found = Vec::new();
    let mut path = "/code-sessions?limit=10".to_owned();
    loop {
        let page = app.client.get(&path).await.expect(200);
        let sessions = page["sessions"].as_array().unwrap();
        found.extend(sessions.iter().map(|session| session["session_id"].as_str().unwrap().to_owned()));
        app.client.create_session("python", "print(2)").await;
        let Some(cursor) = page["next_cursor"].as_str() else {
            assert_eq!(page["next_cursor"], Value::Null);
            break;
        };
        path = format!("/code-sessions?limit=10&cursor={cursor}");
    }
    assert_eq!(found, opened);
    let default = app.client.get("/code-sessions").await.expect(200);
    assert_eq!(default["sessions"].as_array().unwrap().len(), 20);
}

#[tokio::test]
async fn a_listed_session_has_no_code() {
    let app = TestApp::start().await;
    assert_eq!(app.client.get("/code-sessions").await.expect(200), json!({"sessions": [], "next_cursor": null}));
    let session = app.client.create_session("python", "print(1)").await;
    app.client.delete(&format!("/code-sessions/{session}")).await.expect(200);
    insta::assert_json_snapshot!(redacted(app.client.get("/api/code-sessions").await.expect(200)), @r#"
    {
      "next_cursor": null,
      "sessions": [
        {
          "active_execution_id": null,
          "created_at": "[time]",
          "language": "python",
          "session_id": "[id]",
          "status": "INACTIVE",
          "updated_at": "[time]",
          "version": 1
        }
      ]
    }
    "#);
}

#[tokio::test]
async fn what_is_no_page_is_refused() {
    let app = TestApp::start().await;
    let session = app.client.create_session("python", "print(1)").await;
    for path in ["/code-sessions".to_owned(), format!("/code-sessions/{session}/executions")] {
        for query in ["limit=0", "limit=101", "limit=many", "cursor=", "cursor=42", "cursor=AQAA"] {
            let problem = app.client.get(&format!("{path}?{query}")).await.expect_problem(400, "invalid_query");
            let name = query.split('=').next().unwrap();
            let detail = problem["details"][0].as_str().unwrap();
            assert!(detail.starts_with(&format!("{name}: ")), "{detail}");
        }
    }
}

#[tokio::test]
async fn other_machines_are_not_told_the_ids_of_others() {
    let app = Launch::default().listen("0.0.0.0:0").start().await;
    let session = app.client.create_session("python", "print(1)").await;
    app.client.get("/code-sessions").await.expect_problem(403, "list_refused");
    for path in ["/dead-letters", "/workers"] {
        app.client.get(path).await.expect_problem(403, "operations_refused");
    }
    // Prometheus is another machine.
    assert_eq!(app.client.get("/metrics").await.status, 200);
    app.client.get(&format!("/code-sessions/{session}")).await.expect(200);
}
