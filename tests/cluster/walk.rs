//! What a client does, where another process runs the programs.

use std::future::ready;
use std::time::Duration;

use runbay_testkit::Client;
use runbay_testkit::Cluster;
use runbay_testkit::TestApp;
use runbay_testkit::eventually;
use serde_json::Value;
use serde_json::json;

use crate::servers::Kind;
use crate::servers::backend;
use crate::servers::on_each_server;

const SOON: Duration = Duration::from_secs(30);

on_each_server!(a_client_needs_not_know_who_runs_its_programs);

async fn a_client_needs_not_know_who_runs_its_programs(kind: Kind) {
    let (database, redis) = backend(kind).await;
    let cluster = Cluster::new(&database, &redis);
    let cluster = cluster.worker_args(&["--slots", "2", "--languages", "python,javascript"]).start(2, 1).await;
    let (client, other) = (&cluster.apis[0].client, &cluster.apis[1].client);
    languages(client).await;
    let session = edit_and_run(client, other).await;
    check(other, &session).await;
    one_shots(client, other).await;
    cancel(client, other, &cluster.workers[0], &session).await;
}

async fn languages(client: &Client) {
    let body = client.get("/languages").await.expect(200);
    let ids: Vec<_> = body["languages"].as_array().expect("a list").iter().map(|language| &language["id"]).collect();
    assert_eq!(ids, ["python", "javascript"]);
}

async fn edit_and_run(client: &Client, other: &Client) -> String {
    let session = client.create_session("python", "print(1)").await;
    assert_eq!(client.save(&session, "print(input())").await, 2);
    let path = format!("/code-sessions/{session}/run?wait_ms=30000");
    let body = client.post(&path, &json!({"stdin": "ž", "priority": "high"})).await.expect(200);
    assert_eq!((&body["status"], &body["stdout"], &body["attempt"]), (&json!("COMPLETED"), &json!("ž\n"), &json!(1)));
    // The api that did not accept it says the same.
    let execution = body["execution_id"].as_str().expect("a text");
    assert_eq!(other.execution(execution).await, body);
    let history = other.get(&format!("/code-sessions/{session}/executions")).await.expect(200);
    assert_eq!(history["executions"][0]["execution_id"], execution);
    session
}

async fn check(client: &Client, session: &str) {
    let path = format!("/code-sessions/{session}/check");
    let body = client.post(&path, &json!({"source_code": "print(answer)\n"})).await.expect(200);
    assert_eq!(body["message"], Value::Null, "{body:#}");
    assert!(
        body["diagnostics"][0]["message"].as_str().expect("a text").contains("undefined name 'answer'"),
        "{body:#}"
    );
}

async fn one_shots(client: &Client, other: &Client) {
    let program = |language: &str, code: &str| json!({"language": language, "source_code": code, "priority": "low"});
    let body = client.post("/executions?wait_ms=30000", &program("javascript", "console.log(6 * 7)")).await.expect(200);
    assert_eq!(body["stdout"], "42\n", "{body:#}");
    let programs: Vec<_> = (0..5).map(|number| program("python", &format!("print({number})"))).collect();
    let batch = client.post("/executions/batch", &json!({"executions": programs})).await.expect(202);
    for (number, accepted) in batch["executions"].as_array().expect("a list").iter().enumerate() {
        let body = other.wait(accepted["execution_id"].as_str().expect("a text")).await;
        assert_eq!(body["stdout"], format!("{number}\n"), "{body:#}");
    }
    let problem = client.post("/executions", &json!({"priority": "urgent"})).await.expect_problem(400, "invalid_body");
    assert_eq!(
        problem["details"][0].as_str().expect("a text").split(" at line").next().expect("a word"),
        "priority: must be high, normal or low"
    );
}

async fn cancel(client: &Client, other: &Client, worker: &TestApp, session: &str) {
    // What sleeps has another name, so that one sees when all was written.
    client.save(session, "import os\nprint('began', flush=True)\nos.execvp('sleep', ['sleep', '60'])").await;
    let execution = client.run(session, &json!({"limits": {"wall_time_ms": 10_000}})).await;
    let sleeping = || ready(worker.processes().iter().any(|process| process.name == "sleep").then_some(()));
    eventually(SOON, "it sleeps", sleeping).await;
    other.delete(&format!("/executions/{execution}")).await.expect(202);
    let body = client.execution(&execution).await;
    assert_eq!((&body["status"], &body["stdout"]), (&json!("CANCELLED"), &json!("began\n")));
    assert!(body["execution_time_ms"].is_u64(), "{body:#}");
    // Its program is stopped at once: its slot is free long before its time would be over.
    let free = async || {
        let workers = client.get("/workers").await.expect(200);
        (workers["workers"][0]["running"] == 0).then_some(())
    };
    eventually(Duration::from_secs(8), "the slot is free", free).await;
}
