//! `POST /code-sessions/{session_id}/check`

use runbay_testkit::TestApp;
use serde_json::Value;
use serde_json::json;

async fn check(app: &TestApp, session: &str, body: &Value) -> Value {
    app.client.post(&format!("/code-sessions/{session}/check"), body).await.expect(200)
}

#[tokio::test]
async fn a_name_that_is_not_there_has_its_line() {
    let app = TestApp::start().await;
    let session = app.client.create_session("python", "import os\n\nprint(answer)\n").await;
    let answer = app.client.post_nothing(&format!("/code-sessions/{session}/check")).await.expect(200);
    assert_eq!(answer["message"], Value::Null, "{answer:#}");
    let found: Vec<_> = answer["diagnostics"].as_array().unwrap().iter().collect();
    assert_eq!(found.len(), 2, "{answer:#}");
    assert_eq!((&found[0]["file"], &found[0]["line"]), (&json!("main.py"), &json!(1)), "{answer:#}");
    assert!(found[0]["message"].as_str().unwrap().contains("'os' imported but unused"), "{answer:#}");
    assert_eq!((&found[1]["file"], &found[1]["line"]), (&json!("main.py"), &json!(3)), "{answer:#}");
    assert!(found[1]["message"].as_str().unwrap().contains("undefined name 'answer'"), "{answer:#}");
    for diagnostic in found {
        assert!(["error", "warning", "note"].contains(&diagnostic["severity"].as_str().unwrap()), "{answer:#}");
        assert_eq!(diagnostic.as_object().unwrap().len(), 5, "{answer:#}");
    }
}

#[tokio::test]
async fn good_code_has_no_diagnostics() {
    let app = TestApp::with_languages("python,javascript").await;
    for (language, code) in [("python", "print('ž')\n"), ("javascript", "console.log('ž')\n")] {
        let session = app.client.create_session(language, code).await;
        assert_eq!(check(&app, &session, &json!({})).await, json!({"diagnostics": [], "message": null}));
    }
}

#[tokio::test]
async fn javascript_that_cannot_be_parsed_has_its_line() {
    let app = TestApp::with_languages("javascript").await;
    let session = app.client.create_session("javascript", "let a = 1\nlet b = = 2\n").await;
    let answer = check(&app, &session, &json!({})).await;
    let first = &answer["diagnostics"][0];
    assert_eq!((&first["line"], &first["severity"]), (&json!(2), &json!("error")), "{answer:#}");
    assert!(first["message"].as_str().unwrap().contains("Unexpected token"), "{answer:#}");
}

#[tokio::test]
async fn c_is_checked_by_its_compiler() {
    let app = TestApp::with_languages("c").await;
    let code = "int main(void) {\n    int unused;\n    return answer;\n}\n";
    let session = app.client.create_session("c", code).await;
    let answer = check(&app, &session, &json!({})).await;
    let on_line = |line: u64| {
        let mut diagnostics = answer["diagnostics"].as_array().into_iter().flatten();
        diagnostics.find(|diagnostic| diagnostic["line"] == line).unwrap_or_else(|| panic!("{answer:#}"))
    };
    let error = on_line(3);
    assert_eq!((&error["file"], &error["severity"], &error["column"]), (&json!("main.c"), &json!("error"), &json!(12)));
    assert!(error["message"].as_str().unwrap().contains("answer"), "{answer:#}");
    assert_eq!(on_line(2)["severity"], "warning", "{answer:#}");
}

#[tokio::test]
async fn what_is_not_saved_is_checked_and_stays_unsaved() {
    let app = TestApp::with_languages("python,javascript").await;
    let session = app.client.create_session("python", "print(1)\n").await;
    let path = format!("/code-sessions/{session}");
    let before = app.client.get(&path).await.text;
    let answer = check(&app, &session, &json!({"code": "\nprint(unsaved)\n"})).await;
    assert_eq!(answer["diagnostics"][0]["line"], 2, "{answer:#}");
    let files = json!([
        {"name": "app.py", "content": "import lib\nlib.go()\n"},
        {"name": "lib.py", "content": "def go():\n    return missing\n"},
    ]);
    let answer = check(&app, &session, &json!({"files": files})).await;
    let diagnostics = answer["diagnostics"].as_array().unwrap();
    // Checkers look at the entry; whether they follow what it imports is up to each.
    assert!(diagnostics.iter().all(|diagnostic| diagnostic["file"] != "app.py"), "{answer:#}");
    let answer =
        check(&app, &session, &json!({"language": "javascript", "source_code": "let a = 1;\nlet a = 2;"})).await;
    assert_eq!(answer["diagnostics"][0]["line"], 2, "{answer:#}");
    assert_eq!(app.client.get(&path).await.text, before);
    let list = app.client.get(&format!("{path}/executions")).await.expect(200);
    assert_eq!(list["executions"], json!([]), "a check is no execution");
}

#[tokio::test]
async fn a_session_of_several_files_is_checked_whole() {
    let app = TestApp::start().await;
    let files = json!([
        {"name": "src/app.py", "content": "from util import helper\n\nhelper(wrong)\n"},
        {"name": "src/util.py", "content": "def helper(value):\n    return value\n"},
    ]);
    let created = app.client.post("/code-sessions", &json!({"language": "python", "files": files})).await.expect(201);
    let answer = check(&app, created["session_id"].as_str().unwrap(), &json!({})).await;
    let first = &answer["diagnostics"][0];
    assert_eq!((&first["file"], &first["line"]), (&json!("src/app.py"), &json!(3)), "{answer:#}");
}

#[tokio::test]
async fn what_cannot_be_checked_is_refused() {
    let app = TestApp::start().await;
    let unknown = "/code-sessions/0b6d3f1e-8c1a-4f5e-9d57-2f4a6f0f8f3b/check";
    app.client.post_nothing(unknown).await.expect_problem(404, "session_not_found");
    app.client.post_nothing("/code-sessions/42/check").await.expect_problem(400, "invalid_id");
    let session = app.client.create_session("python", "print(1)").await;
    let path = format!("/code-sessions/{session}");
    let check = format!("{path}/check");
    app.client.post(&check, &json!({"language": "cobol"})).await.expect_problem(400, "unknown_language");
    app.client.delete(&path).await.expect(200);
    app.client.post_nothing(&check).await.expect_problem(409, "session_inactive");
}
