//! `POST /code-sessions/{session_id}/run`

use reqwest::Method;
use runbay_testkit::Launch;
use runbay_testkit::TestApp;
use serde_json::json;

use crate::redaction::redacted;

#[tokio::test]
async fn it_answers_at_once_with_the_place_to_look() {
    let app = TestApp::start().await;
    let session = app.client.create_session("python", "print(1)").await;
    let answer = app.client.post_nothing(&format!("/code-sessions/{session}/run")).await;
    let accepted = answer.expect(202);
    assert_eq!(accepted["status"], "QUEUED");
    let execution = accepted["execution_id"].as_str().unwrap();
    assert_eq!(answer.header("location"), format!("/executions/{execution}"));
    assert_eq!(app.client.wait(execution).await["stdout"], "1\n");
}

#[tokio::test]
async fn with_a_wait_it_answers_with_the_end() {
    let app = TestApp::start().await;
    let session = app.client.create_session("python", "print(1)").await;
    let answer = app.client.post(&format!("/code-sessions/{session}/run?wait_ms=60000"), &json!({})).await;
    let ended = answer.expect(200);
    assert_eq!((&ended["status"], &ended["stdout"]), (&json!("COMPLETED"), &json!("1\n")));
    assert_eq!(answer.header("location"), format!("/executions/{}", ended["execution_id"].as_str().unwrap()));
}

#[tokio::test]
async fn with_too_short_a_wait_it_answers_that_it_is_accepted() {
    let app = TestApp::start().await;
    let session = app.client.create_session("python", "import time; time.sleep(3)").await;
    let answer = app.client.post(&format!("/code-sessions/{session}/run?wait_ms=50"), &json!({})).await;
    let accepted = answer.expect(202);
    assert!(["QUEUED", "RUNNING"].contains(&accepted["status"].as_str().unwrap()), "{accepted:#}");
    let members: Vec<_> = accepted.as_object().unwrap().keys().collect();
    assert_eq!(members, ["execution_id", "session_version", "status"], "{accepted:#}");
}

#[tokio::test]
async fn the_newest_saved_code_is_run() {
    let app = TestApp::start().await;
    let session = app.client.create_session("python", "print('template')").await;
    for round in 0..15 {
        app.client.save(&session, &format!("print('A{round}')")).await;
        app.client.save(&session, &format!("print('B{round}')")).await;
        let execution = app.client.run(&session, &json!({})).await;
        assert_eq!(app.client.wait(&execution).await["stdout"], format!("B{round}\n"));
    }
}

#[tokio::test]
async fn code_and_language_in_a_run_are_saved_first() {
    let app = TestApp::with_languages("python,javascript").await;
    let session = app.client.create_session("python", "print('old')").await;
    let body = json!({"code": "console.log('new')", "language": "javascript"});
    let execution = app.client.run(&session, &body).await;
    let ended = app.client.wait(&execution).await;
    assert_eq!((&ended["language"], &ended["stdout"]), (&json!("javascript"), &json!("new\n")));

    let saved = app.client.get(&format!("/code-sessions/{session}")).await.expect(200);
    assert_eq!(saved["source_code"], "console.log('new')");
    assert_eq!(saved["language"], "javascript");
    assert_eq!(saved["version"], 2);
}

#[tokio::test]
async fn a_session_has_one_active_execution() {
    let app = TestApp::start().await;
    let session = app.client.create_session("python", "import time; time.sleep(2); print('first')").await;
    let first = app.client.run(&session, &json!({})).await;
    let body = json!({"source_code": "print('second')"});
    let problem = app.client.post(&format!("/code-sessions/{session}/run"), &body).await;
    assert_eq!(problem.expect_problem(409, "active_execution")["execution_id"], first.as_str());
    let shown = app.client.get(&format!("/code-sessions/{session}")).await.expect(200);
    assert_eq!(shown["active_execution_id"], first.as_str());
    let listed = app.client.get("/code-sessions").await.expect(200);
    assert_eq!(listed["sessions"][0]["active_execution_id"], first.as_str());
    insta::assert_json_snapshot!(redacted(problem.expect_problem(409, "active_execution")), @r#"
    {
      "code": "active_execution",
      "detail": "Execution [id] has not ended yet; wait for its end or cancel it.",
      "details": [],
      "error": "The session already has an execution that has not ended",
      "errors": [],
      "execution_id": "[id]",
      "request_id": "[id]",
      "status": 409,
      "title": "The session already has an execution that has not ended",
      "type": "urn:runbay:problem:active_execution"
    }
    "#);
    let saved = app.client.get(&format!("/code-sessions/{session}")).await.expect(200);
    assert_eq!(saved["version"], 1, "a refused run saves nothing");
    assert_eq!(app.client.wait(&first).await["stdout"], "first\n");
    let shown = app.client.get(&format!("/code-sessions/{session}")).await.expect(200);
    assert_eq!(shown["active_execution_id"], json!(null));
    let second = app.client.run(&session, &body).await;
    assert_eq!(app.client.wait(&second).await["stdout"], "second\n");
}

#[tokio::test]
async fn an_execution_runs_its_snapshot() {
    let app = TestApp::start().await;
    let session = app.client.create_session("python", "import time; time.sleep(1); print('snapshot')").await;
    let execution = app.client.run(&session, &json!({})).await;
    app.client.save(&session, "print('later')").await;
    assert_eq!(app.client.wait(&execution).await["stdout"], "snapshot\n");
}

#[tokio::test]
async fn arguments_reach_the_program() {
    let app = TestApp::with_languages("python,javascript").await;
    let args = json!({"args": ["--fast", "", "ž 'quoted' $HOME"]});
    let python = app.client.run_with("python", "import sys; print(sys.argv[1:])", &args).await;
    assert_eq!(python["stdout"], "['--fast', '', \"ž 'quoted' $HOME\"]\n");
    let code = "console.log(JSON.stringify(process.argv.slice(2)))";
    let javascript = app.client.run_with("javascript", code, &args).await;
    assert_eq!(javascript["stdout"], "[\"--fast\",\"\",\"ž 'quoted' $HOME\"]\n");
}

#[tokio::test]
async fn an_unknown_session_cannot_be_run() {
    let app = TestApp::start().await;
    let answer = app.client.post_nothing("/code-sessions/0b6d3f1e-8c1a-4f5e-9d57-2f4a6f0f8f3b/run").await;
    answer.expect_problem(404, "session_not_found");
}

#[tokio::test]
async fn a_full_queue_says_when_to_come_back() {
    let launch = Launch::default().env("RUNBAY_SLOTS", "1").env("RUNBAY_QUEUE_MAX_DEPTH", "1");
    let app = launch.start().await;
    let mut refused = None;
    for _ in 0..5 {
        let session = app.client.create_session("python", "import time; time.sleep(3)").await;
        let answer = app.client.post_nothing(&format!("/code-sessions/{session}/run")).await;
        if answer.status != 202 {
            refused = Some((session, answer));
            break;
        }
    }
    let (session, answer) = refused.expect("five runs do not fit into one slot and a queue of one");
    answer.expect_problem(503, "queue_full");
    assert!(answer.header("retry-after").parse::<u32>().unwrap() >= 1);
    let path = format!("/code-sessions/{session}/run");
    runbay_testkit::eventually(std::time::Duration::from_secs(60), "the queue has room again", async || {
        (app.client.post_nothing(&path).await.status == 202).then_some(())
    })
    .await;
}

#[tokio::test]
async fn the_answer_tells_the_version_that_an_editor_has_to_go_on_from() {
    let app = TestApp::start().await;
    let session = app.client.create_session("python", "print(1)").await;
    let path = format!("/code-sessions/{session}");
    let run = format!("{path}/run");
    let same = json!({"source_code": "print(1)"});
    let before = app.client.get(&path).await.expect(200);
    let keyed = app.client.request(Method::POST, &format!("{run}?wait_ms=60000")).header("idempotency-key", "k-1");
    let ended = app.client.send(keyed.json(&same)).await.expect(200);
    assert_eq!(ended["session_version"], 1, "{ended:#}");
    assert_eq!(app.client.get(&path).await.expect(200), before, "the same code changes nothing");
    let ended = app.client.post(&format!("{run}?wait_ms=60000"), &json!({"source_code": "print(2)"})).await.expect(200);
    assert_eq!(ended["session_version"], 2);
    let accepted = app.client.post(&run, &json!({"source_code": "print(3)"})).await.expect(202);
    assert_eq!(accepted["session_version"], 3);
    let saved = json!({"source_code": "print(4)", "version": accepted["session_version"]});
    assert_eq!(app.client.patch(&path, &saved).await.expect(200)["version"], 4);
    let execution = app.client.wait(accepted["execution_id"].as_str().unwrap()).await;
    assert_eq!((&execution["session_version"], &execution["stdout"]), (&json!(3), &json!("3\n")));
    // Sent again, it is answered as it was.
    let keyed = app.client.request(Method::POST, &run).header("idempotency-key", "k-1");
    assert_eq!(app.client.send(keyed.json(&same)).await.expect(202)["session_version"], 1);
}
