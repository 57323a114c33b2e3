//! What those see who keep the service up.

use std::time::Duration;

use runbay_testkit::Cluster;
use runbay_testkit::TestApp;
use runbay_testkit::binary;
use runbay_testkit::eventually;
use runbay_testkit::see_workers;
use serde_json::Value;
use serde_json::json;
use tokio::time::timeout;

use crate::servers::Kind;
use crate::servers::backend;
use crate::servers::on_each_server;
use crate::servers::sql;

const SOON: Duration = Duration::from_secs(60);

on_each_server!(workers_come_and_go, dead_letters_can_be_run_again, dead_letters_have_a_command);

async fn workers_come_and_go(kind: Kind) {
    let (database, redis) = backend(kind).await;
    let mut cluster = Cluster::new(&database, &redis).args(&["--lease-seconds", "6", "--heartbeat-seconds", "2"]);
    let api = cluster.api_launch().start().await;
    // Without any worker nothing is run, and nothing is known to offer.
    let problem = api.client.get("/readyz").await.expect_problem(503, "not_ready");
    assert_eq!(problem["details"], json!(["workers: none takes executions"]));
    api.client.post("/code-sessions", &json!({})).await.expect_problem(503, "no_language");
    assert_eq!(api.client.get("/workers").await.expect(200), json!({"workers": []}));

    for _ in 0..2 {
        cluster.workers.push(cluster.worker_launch().start().await);
    }
    see_workers(&api, 2).await;
    let ready = api.client.get("/readyz").await.expect(200);
    assert_eq!(ready, json!({"status": "OK", "queue_depth": 0, "workers": 2}));
    let workers = api.client.get("/workers").await.expect(200);
    let names: Vec<_> =
        workers["workers"].as_array().expect("a list").iter().map(|worker| worker["name"].clone()).collect();
    for worker in &cluster.workers {
        assert!(
            names.iter().any(|name| name.as_str().expect("a text").ends_with(&format!(":{}", worker.pid()))),
            "{names:?}"
        );
        assert_eq!(worker.client.get("/healthz").await.expect(200), json!({"status": "OK"}));
        assert_eq!(worker.client.get("/readyz").await.expect(200)["isolation"], "full");
        assert_eq!(worker.client.get("/metrics").await.status, 200);
        worker.client.get("/languages").await.expect_problem(404, "route_not_found");
    }
    let first = &workers["workers"][0];
    assert_eq!((&first["alive"], &first["draining"], &first["slots"]), (&json!(true), &json!(false), &json!(2)));
    assert_eq!(first["languages"], json!(["python"]));

    drain(&api, &mut cluster.workers[0]).await;
    see_workers(&api, 1).await;
    cluster.workers[1].kill().await;
    see_workers(&api, 0).await;
    api.client.get("/readyz").await.expect_problem(503, "not_ready");
    // What the last worker could run is accepted, and waits for the next one.
    let session = api.client.create_session("python", "print(7)").await;
    let execution = api.client.run(&session, &json!({})).await;
    cluster.workers[1].restart().await;
    assert_eq!(api.client.wait(&execution).await["stdout"], "7\n");
}

/// Stops a worker that runs something: it ends what it runs, and takes nothing more.
async fn drain(api: &TestApp, worker: &mut TestApp) {
    let slow = "import time\ntime.sleep(2)\nprint(2)";
    let mut executions = Vec::new();
    for _ in 0..4 {
        let body = json!({"language": "python", "source_code": slow, "limits": {"wall_time_ms": 10_000}});
        let accepted = api.client.post("/executions", &body).await.expect(202);
        executions.push(accepted["execution_id"].as_str().expect("a text").to_owned());
    }
    let all_run = async || {
        let depth = api.client.get("/readyz").await.json();
        (depth["queue_depth"] == 0).then_some(())
    };
    eventually(SOON, "both workers are busy", all_run).await;
    let exit = worker.terminate().await;
    assert!(exit.status.success(), "{}\n{}", exit.status, worker.log);
    for execution in executions {
        let body = api.client.wait(&execution).await;
        assert_eq!((&body["stdout"], &body["attempt"]), (&json!("2\n"), &json!(1)), "{body:#}");
    }
    let left = api.client.get("/workers").await.expect(200);
    assert_eq!(left["workers"].as_array().expect("a list").len(), 1, "it is shown no more: {left:#}");
}

async fn dead_letters_can_be_run_again(kind: Kind) {
    let (database, redis) = backend(kind).await;
    let cluster = Cluster::new(&database, &redis).start(1, 1).await;
    let client = &cluster.apis[0].client;
    let session = client.create_session("python", "print(7)").await;
    let mut dead = Vec::new();
    for _ in 0..2 {
        let execution = client.run(&session, &json!({})).await;
        client.wait(&execution).await;
        dead.push(execution);
    }
    assert_eq!(client.get("/dead-letters").await.expect(200), json!({"dead_letters": [], "next_cursor": null}));
    // As if their workers had been lost again and again.
    sql(&database, "UPDATE executions SET dead_lettered_at = completed_at");
    let page = client.get("/dead-letters?limit=1").await.expect(200);
    assert_eq!(page["dead_letters"][0]["execution"]["execution_id"], dead[1].as_str(), "{page:#}");
    let next = page["next_cursor"].as_str().expect("a text");
    let page = client.get(&format!("/dead-letters?limit=1&cursor={next}")).await.expect(200);
    assert_eq!(page["dead_letters"][0]["execution"]["execution_id"], dead[0].as_str(), "{page:#}");
    assert_eq!(page["next_cursor"], Value::Null);

    let answer = client.post_nothing(&format!("/dead-letters/{}/requeue", dead[0])).await;
    let again = answer.expect(202)["execution_id"].as_str().expect("a text").to_owned();
    assert_eq!(answer.header("location"), format!("/executions/{again}"));
    assert_eq!(client.wait(&again).await["stdout"], "7\n");
    let path = format!("/dead-letters/{}", dead[0]);
    client.post_nothing(&format!("{path}/requeue")).await.expect_problem(404, "dead_letter_not_found");
    client.delete(&path).await.expect_problem(404, "dead_letter_not_found");
    assert_eq!(client.delete(&format!("/dead-letters/{}", dead[1])).await.status, 204);
    assert_eq!(client.get("/dead-letters").await.expect(200)["dead_letters"], json!([]));
    assert_eq!(client.execution(&dead[1]).await["status"], "COMPLETED", "it stays in the history");
}

/// Runs a command of the product over a database and a Redis, and returns what it says.
async fn command(args: &[&str], database: &str, redis: &str) -> (Option<i32>, String) {
    let mut command = tokio::process::Command::new(binary());
    command.args(args).env_clear().env("RUNBAY_DATABASE_URL", database).env("RUNBAY_REDIS_URL", redis);
    let output = timeout(SOON, command.kill_on_drop(true).output()).await.expect("it ends").expect("it starts");
    let text = String::from_utf8([output.stdout, output.stderr].concat()).expect("text");
    (output.status.code(), text)
}

async fn dead_letters_have_a_command(kind: Kind) {
    let (database, redis) = backend(kind).await;
    let (code, said) = command(&["migrate"], &database, &redis).await;
    assert!(code == Some(0) && said.ends_with(" is up to date.\n"), "{said}");
    let run = async |args: &[&str]| command(&[&["dead-letters"], args].concat(), &database, &redis).await;
    assert_eq!(run(&["list"]).await, (Some(0), "There are no dead letters.\n".to_owned()));

    let cluster = Cluster::new(&database, &redis).start(1, 1).await;
    let client = &cluster.apis[0].client;
    let (one, two) = (client.run_to_end("python", "print(7)").await, client.run_to_end("python", "print(8)").await);
    sql(&database, "UPDATE executions SET dead_lettered_at = completed_at");
    let (one, two) = (one["execution_id"].as_str().expect("a text"), two["execution_id"].as_str().expect("a text"));
    let (code, listed) = run(&["list", "--limit", "1"]).await;
    assert!(code == Some(0) && listed.contains(two) && !listed.contains(one), "{listed}");
    assert!(listed.ends_with("There are more; --limit shows up to 1000.\n"), "{listed}");

    let (code, said) = run(&["requeue", one]).await;
    assert_eq!(code, Some(0), "{said}");
    let again = said.strip_prefix("Execution ").expect("an execution").split(' ').next().expect("a word");
    assert_eq!(client.wait(again).await["stdout"], "7\n");
    assert_eq!(run(&["delete", two]).await, (Some(0), format!("Execution {two} is no dead letter any more.\n")));
    for action in ["requeue", "delete"] {
        let (code, said) = run(&[action, two]).await;
        assert!(code == Some(2) && said.starts_with("error: "), "{said}");
    }
}
