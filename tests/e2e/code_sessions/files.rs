//! Programs of several files: `files` on every route that takes code.

use runbay_testkit::TestApp;
use serde_json::Value;
use serde_json::json;

/// A program that imports a file below it and reads a file that is no text.
fn python() -> Value {
    json!([
        {"name": "main.py", "content": "from lib.deep.double import double\nprint(double(21), open('data/raw', 'rb').read())"},
        {"name": "lib/deep/double.py", "content": "def double(number):\n    return 2 * number\n"},
        {"name": "data/raw", "content": "/wAKfg==", "encoding": "base64"},
    ])
}

async fn create(app: &TestApp, language: &str, files: &Value) -> String {
    let body = json!({"language": language, "files": files});
    app.client.post("/code-sessions", &body).await.expect(201)["session_id"].as_str().expect("an id").to_owned()
}

async fn run(app: &TestApp, session: &str, body: &Value) -> Value {
    let execution = app.client.run(session, body).await;
    app.client.wait(&execution).await
}

#[tokio::test]
async fn files_find_each_other_in_python() {
    let app = TestApp::start().await;
    let session = create(&app, "python", &python()).await;
    let ended = run(&app, &session, &json!({})).await;
    assert_eq!(ended["stdout"], "42 b'\\xff\\x00\\n~'\n", "{ended:#}");
}

#[tokio::test]
async fn files_find_each_other_in_javascript() {
    let app = TestApp::with_languages("javascript").await;
    let files = json!([
        {"name": "app.js", "content": "const {double} = require('./lib/deep/double.js')\n\
            console.log(double(21), [...require('fs').readFileSync('data/raw')])"},
        {"name": "lib/deep/double.js", "content": "exports.double = number => 2 * number\n"},
        {"name": "data/raw", "content": "/wAKfg==", "encoding": "base64"},
    ]);
    let session = create(&app, "javascript", &files).await;
    let ended = run(&app, &session, &json!({})).await;
    assert_eq!(ended["stdout"], "42 [ 255, 0, 10, 126 ]\n", "{ended:#}");
}

#[tokio::test]
async fn a_session_shows_its_files_as_they_were_sent() {
    let app = TestApp::start().await;
    let session = create(&app, "python", &python()).await;
    let path = format!("/code-sessions/{session}");
    let shown = app.client.get(&path).await.expect(200);
    let mut expected = python();
    expected[0]["encoding"] = json!("utf8");
    expected[1]["encoding"] = json!("utf8");
    assert_eq!(shown["files"], expected);
    assert_eq!(shown["source_code"], expected[0]["content"]);
    // What is shown can be sent back.
    let again = app.client.patch(&path, &json!({"files": shown["files"]})).await.expect(200);
    assert_eq!(again["version"], 1, "nothing changed");

    let single = app.client.create_session("python", "print(1)").await;
    let shown = app.client.get(&format!("/code-sessions/{single}")).await.expect(200);
    assert_eq!(shown.get("files"), None);
    let list = app.client.get("/code-sessions").await.expect(200);
    assert_eq!(list["sessions"][1].get("files"), None, "lists leave code out");
}

#[tokio::test]
async fn the_longest_code_fits_beside_the_largest_files() {
    let app = TestApp::start().await;
    let files = json!([{"name": "main.py", "content": ""}, {"name": "data", "content": "x".repeat(1024 * 1024 - 11)}]);
    let session = create(&app, "python", &files).await;
    let code = format!("print(len(open('data').read())) #{}", "x".repeat(64 * 1024 - 33));
    app.client.save(&session, &code).await;
    let shown = app.client.get(&format!("/code-sessions/{session}")).await.expect(200);
    assert_eq!(shown["source_code"], code);
    let ended = run(&app, &session, &json!({"source_code": code.replace('\'', "\"")})).await;
    assert_eq!(ended["stdout"], "1048565\n", "{ended:#}");
}

#[tokio::test]
async fn source_code_keeps_the_other_files_and_files_replace_all() {
    let app = TestApp::start().await;
    let session = create(&app, "python", &python()).await;
    let path = format!("/code-sessions/{session}");
    let code = "from lib.deep.double import double\nprint(double(4))";
    assert_eq!(app.client.patch(&path, &json!({"source_code": code})).await.expect(200)["version"], 2);
    let shown = app.client.get(&path).await.expect(200);
    assert_eq!((&shown["files"][0]["name"], &shown["files"][0]["content"]), (&json!("main.py"), &json!(code)));
    assert_eq!(shown["files"].as_array().unwrap().len(), 3);
    assert_eq!(run(&app, &session, &json!({})).await["stdout"], "8\n");

    let files = json!([{"name": "other.py", "content": "import os; print(os.listdir('.'), __file__)"}]);
    let ended = run(&app, &session, &json!({"files": files})).await;
    assert!(ended["stdout"].as_str().unwrap().starts_with("['other.py'] "), "{ended:#}");
    assert!(ended["stdout"].as_str().unwrap().ends_with("other.py\n"), "{ended:#}");
    let shown = app.client.get(&path).await.expect(200);
    assert_eq!((&shown["version"], shown["files"].as_array().unwrap().len()), (&json!(3), 1));
}

#[tokio::test]
async fn an_execution_shows_the_files_that_it_ran() {
    let app = TestApp::start().await;
    let session = create(&app, "python", &python()).await;
    let execution = run(&app, &session, &json!({})).await["execution_id"].as_str().unwrap().to_owned();
    app.client.patch(&format!("/code-sessions/{session}"), &json!({"source_code": "later"})).await.expect(200);
    let path = format!("/executions/{execution}");
    assert_eq!(app.client.get(&path).await.expect(200).get("files"), None);
    let shown = app.client.get(&format!("{path}?include=source")).await.expect(200);
    assert_eq!(shown["files"][0]["content"], python()[0]["content"]);
    assert_eq!(shown["files"][2], python()[2]);
    assert_eq!(shown["source_code"], python()[0]["content"]);
}

#[tokio::test]
async fn files_survive_a_restart() {
    let mut app = TestApp::start().await;
    let session = create(&app, "python", &python()).await;
    let path = format!("/code-sessions/{session}");
    let before = app.client.get(&path).await.expect(200);
    app.kill().await;
    app.restart().await;
    assert_eq!(app.client.get(&path).await.expect(200), before);
    assert_eq!(run(&app, &session, &json!({})).await["status"], "COMPLETED");
}
