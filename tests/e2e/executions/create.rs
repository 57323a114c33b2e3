//! `POST /executions`

use reqwest::Method;
use runbay_testkit::Answer;
use runbay_testkit::Launch;
use runbay_testkit::TestApp;
use serde_json::Value;
use serde_json::json;

async fn keyed(app: &TestApp, key: &str, query: &str, body: &Value) -> Answer {
    let request = app.client.request(Method::POST, &format!("/executions{query}"));
    app.client.send(request.header("idempotency-key", key).json(body)).await
}

#[tokio::test]
async fn it_answers_at_once_with_the_place_to_look() {
    let app = TestApp::with_languages("python,javascript").await;
    let answer = app.client.post("/executions", &json!({"language": "js", "code": "console.log(1)"})).await;
    let accepted = answer.expect(202);
    assert_eq!((accepted["status"].as_str(), accepted.as_object().unwrap().len()), (Some("QUEUED"), 2));
    let execution = accepted["execution_id"].as_str().unwrap();
    assert_eq!(answer.header("location"), format!("/executions/{execution}"));
    let ended = app.client.wait(execution).await;
    assert_eq!((&ended["stdout"], &ended["language"]), (&json!("1\n"), &json!("javascript")));
    assert_eq!(ended["session_id"], Value::Null);
    let sessions = app.client.get("/code-sessions").await.expect(200);
    assert_eq!(sessions["sessions"], json!([]), "a one-shot opens no session");
}

#[tokio::test]
async fn without_code_nothing_is_run() {
    let app = TestApp::start().await;
    let refused = |answer: Answer| {
        let problem = answer.expect_problem(400, "invalid_body");
        assert!(problem["details"][0].as_str().unwrap().starts_with("source_code: is missing; "), "{problem:#}");
    };
    refused(app.client.send(app.client.request(Method::POST, "/executions?wait_ms=60000")).await);
    for body in [json!({}), json!({"language": "python", "stdin": "1"}), json!({"source_code": null, "files": null})] {
        refused(app.client.post("/executions?wait_ms=60000", &body).await);
    }
}

#[tokio::test]
async fn without_a_language_it_is_python() {
    let app = TestApp::start().await;
    let body = json!({"code": "print('no template')"});
    let ended = app.client.post("/executions?wait_ms=60000&include=source", &body).await.expect(200);
    assert_eq!((&ended["language"], &ended["stdout"]), (&json!("python"), &json!("no template\n")), "{ended:#}");
    assert_eq!(ended["source_code"], body["code"], "{ended:#}");
}

#[tokio::test]
async fn a_byte_order_mark_before_code_does_no_harm() {
    let app = TestApp::with_languages("bash,php,java").await;
    let java = "class Main { public static void main(String[] a) { System.out.println(1); } }";
    for (language, code) in [("bash", "#!/bin/bash\necho 1"), ("php", "<?php\necho \"1\\n\";"), ("java", java)] {
        let body = json!({"language": language, "source_code": format!("\u{feff}{code}")});
        let ended = app.client.post("/executions?wait_ms=60000&include=source", &body).await.expect(200);
        assert_eq!((&ended["stdout"], &ended["stderr"]), (&json!("1\n"), &json!("")), "{ended:#}");
        assert_eq!(ended["source_code"], code);
    }
}

#[tokio::test]
async fn everything_reaches_the_program() {
    let app = TestApp::start().await;
    let body = json!({
        "language": "python",
        "files": [
            {"name": "main.py", "content": "import os, sys, lib.a\nprint(lib.a.A, sys.argv[1:], os.environ['X'], input())"},
            {"name": "lib/a.py", "content": "A = 'a'"},
        ],
        "stdin": "in\n",
        "args": ["--fast", "ž"],
        "env": {"X": "y=z"},
        "limits": {"wall_time_ms": 9_000},
    });
    let ended = app.client.post("/executions?wait_ms=60000&include=source", &body).await.expect(200);
    assert_eq!(ended["stdout"], "a ['--fast', 'ž'] y=z in\n", "{ended:#}");
    assert_eq!(ended["files"][1]["content"], "A = 'a'", "{ended:#}");
}

#[tokio::test]
async fn a_key_takes_effect_once() {
    let app = TestApp::with_languages("python,javascript").await;
    let body = json!({"code": "print(input())", "stdin": "a", "limits": {"wall_time_ms": 4_000}, "env": {"A": "1"}});
    let first = keyed(&app, "k", "?wait_ms=60000", &body).await;
    assert_eq!(first.header("idempotent-replayed"), "");
    let first = first.expect(200);
    assert_eq!(first["stdout"], "a\n");
    let replay = keyed(&app, "k", "?wait_ms=60000", &body).await;
    assert_eq!(replay.header("idempotent-replayed"), "true");
    assert_eq!(replay.expect(200), first);
    for (member, value) in [
        ("stdin", json!("b")),
        ("env", json!({"A": "2"})),
        ("limits", json!({"wall_time_ms": 4_001})),
        ("language", json!("javascript")),
        ("code", json!("print(2)")),
    ] {
        let mut other = body.clone();
        other[member] = value;
        keyed(&app, "k", "", &other).await.expect_problem(422, "idempotency_key_reused");
    }
    let other = keyed(&app, "other", "?wait_ms=60000", &body).await.expect(200);
    assert_ne!(other["execution_id"], first["execution_id"]);
    // The same key on another route is another key.
    let session = app.client.create_session("python", "print(1)").await;
    let request = app.client.request(Method::POST, &format!("/code-sessions/{session}/run"));
    let run = app.client.send(request.header("idempotency-key", "k").json(&json!({}))).await.expect(202);
    assert_ne!(run["execution_id"], first["execution_id"]);
}

#[tokio::test]
async fn a_queued_one_can_be_cancelled() {
    let launch = Launch::default().env("RUNBAY_SLOTS", "1");
    let app = launch.start().await;
    let sleeping = json!({"code": "import time; time.sleep(3)"});
    app.client.post("/executions", &sleeping).await.expect(202);
    let second = app.client.post("/executions", &sleeping).await.expect(202);
    let path = format!("/executions/{}", second["execution_id"].as_str().unwrap());
    assert_eq!(app.client.delete(&path).await.expect(202)["status"], "CANCELLED");
}

#[tokio::test]
async fn a_full_queue_and_unknown_languages_refuse() {
    let launch = Launch::default().env("RUNBAY_SLOTS", "1").env("RUNBAY_QUEUE_MAX_DEPTH", "1");
    let app = launch.start().await;
    app.client
        .post("/executions", &json!({"language": "cobol", "code": ""}))
        .await
        .expect_problem(400, "unknown_language");
    let sleeping = json!({"code": "import time; time.sleep(3)"});
    let mut answers = Vec::new();
    for _ in 0..5 {
        answers.push(app.client.post("/executions", &sleeping).await);
    }
    let refused = answers.iter().find(|answer| answer.status != 202).expect("five do not fit into a slot and a place");
    // Whichever is true at this moment: a client alone may not take the last place either.
    match refused.status {
        429 => refused.expect_problem(429, "client_share"),
        _ => refused.expect_problem(503, "queue_full"),
    };
    assert!(refused.header("retry-after").parse::<u32>().unwrap() >= 1);
}
