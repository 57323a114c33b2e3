//! What is answered while a server is away, and what happens when it is back.

use std::time::Duration;

use runbay_testkit::Client;
use runbay_testkit::Cluster;
use runbay_testkit::RedisServer;
use runbay_testkit::TcpProxy;
use runbay_testkit::eventually;
use runbay_testkit::see_workers;
use serde_json::json;
use tokio::time::timeout;

use crate::servers::Kind;
use crate::servers::backend;
use crate::servers::database;
use crate::servers::on_each_server;
use crate::servers::port;
use crate::servers::sql;

const SOON: Duration = Duration::from_secs(60);

/// No request takes longer while a database is away; a database gets five seconds, and a busy machine more.
const DEADLINE: Duration = Duration::from_secs(20);

on_each_server!(a_database_that_is_away_is_a_503, a_database_that_is_silent_is_a_503);

async fn a_database_that_is_away_is_a_503(kind: Kind) {
    without_database(kind, TcpProxy::cut).await;
}

async fn a_database_that_is_silent_is_a_503(kind: Kind) {
    without_database(kind, TcpProxy::silence).await;
}

async fn without_database(kind: Kind, go_away: fn(&TcpProxy)) {
    let (database, redis) = backend(kind).await;
    let proxy = TcpProxy::start(port(&database)).await;
    let cluster = Cluster::new(&proxy.reroute(&database), &redis).start(1, 1).await;
    let client = &cluster.apis[0].client;
    let session = client.create_session("python", "print(7)").await;
    let waiting = {
        let (client, session) = (client.clone(), client.create_session("python", "print(8)").await);
        let execution = client.run(&session, &json!({})).await;
        client.wait(&execution).await;
        execution
    };

    go_away(&proxy);
    for path in [format!("/executions/{waiting}"), "/code-sessions".to_owned(), "/workers".to_owned()] {
        let answer = timeout(DEADLINE, client.get(&path)).await.expect("an answer in time");
        answer.expect_problem(503, "unavailable");
        assert!(!answer.header("retry-after").is_empty(), "{path}");
    }
    for (path, body) in [
        (format!("/code-sessions/{session}/run"), json!({})),
        ("/executions".to_owned(), json!({"language": "python", "source_code": "print(9)"})),
    ] {
        let answer = timeout(DEADLINE, client.post(&path, &body)).await.expect("an answer in time");
        answer.expect_problem(503, "unavailable");
        assert!(!answer.header("retry-after").is_empty(), "{path}");
    }
    let problem = client.get("/readyz").await.expect_problem(503, "not_ready");
    assert_eq!(problem["details"][0], "database: does not answer");
    client.get("/healthz").await.expect(200);

    proxy.heal();
    eventually(SOON, "the api is ready again", async || (client.get("/readyz").await.status == 200).then_some(()))
        .await;
    assert_eq!(client.execution(&waiting).await["stdout"], "8\n");
    assert_eq!(client.run_to_end("python", "print(9)").await["stdout"], "9\n");
}

#[tokio::test]
async fn without_redis_runs_are_accepted_and_start_when_it_is_back() {
    let database = database(Kind::Postgres).await.url;
    let mut redis = RedisServer::start().await;
    let cluster = Cluster::new(&database, &redis.url()).start(1, 1).await;
    let client = &cluster.apis[0].client;
    redis.kill();
    let session = client.create_session("python", "print(7)").await;
    let execution = accepted(client, &session).await;
    assert_eq!(client.execution(&execution).await["status"], "QUEUED");
    let problem = client.get("/readyz").await.expect_problem(503, "not_ready");
    assert_eq!(problem["details"], json!(["queue: does not answer"]));
    // Whoever waits is answered in time all the same.
    let path = format!("/executions/{execution}?wait_ms=1500");
    let body = timeout(DEADLINE, client.get(&path)).await.expect("an answer in time").expect(200);
    assert_eq!(body["status"], "QUEUED");
    let path = format!("/code-sessions/{session}/check");
    let answer = timeout(DEADLINE, client.post_nothing(&path)).await.expect("an answer in time");
    answer.expect_problem(503, "checker_failed");
    // A process that starts meanwhile is of use as well, and says what is missing.
    let late = cluster.api_launch().start().await;
    assert_eq!(late.client.execution(&execution).await["status"], "QUEUED");
    let lines = late.log.with_message("executions wait until Redis can be used");
    assert!(lines[0].field("error").as_str().expect("a text").contains("cannot be reached"), "{}", late.log);

    redis.restart().await;
    assert_eq!(client.wait(&execution).await["stdout"], "7\n");
    assert_eq!(late.client.run_to_end("python", "print(9)").await["stdout"], "9\n");
}

#[tokio::test]
async fn without_redis_runs_are_refused_where_the_operator_wants_it() {
    let database = database(Kind::Postgres).await.url;
    let mut redis = RedisServer::start().await;
    let cluster = Cluster::new(&database, &redis.url());
    let worker = cluster.worker_launch().start().await;
    let api = cluster.api_launch().arg("--require-queue").start().await;
    see_workers(&api, 1).await;
    let session = api.client.create_session("python", "print(7)").await;
    redis.kill();
    let path = format!("/code-sessions/{session}/run");
    let answer = timeout(DEADLINE, api.client.post_nothing(&path)).await.expect("an answer in time");
    answer.expect_problem(503, "queue_unavailable");
    assert_eq!(answer.header("retry-after"), "1");
    redis.restart().await;
    eventually(SOON, "runs are accepted again", async || {
        (api.client.post_nothing(&path).await.status == 202).then_some(())
    })
    .await;
    drop(worker);
}

#[tokio::test]
async fn a_full_queue_says_how_full_it_is() {
    let (database, redis) = backend(Kind::Postgres).await;
    let mut cluster = Cluster::new(&database, &redis).start(0, 1).await;
    let api = cluster.api_launch().arg("--queue-max-depth").arg("2").start().await;
    see_workers(&api, 1).await;
    cluster.workers[0].kill().await;
    let program = json!({"language": "python", "source_code": "print(7)"});
    // One client alone does not get all of it.
    let other = api.client.at([127, 0, 0, 2].into());
    let mut executions = Vec::new();
    for client in [&api.client, &other] {
        let accepted = client.post("/executions", &program).await.expect(202);
        executions.push(accepted["execution_id"].as_str().expect("a text").to_owned());
    }
    let answer = other.post("/executions", &program).await;
    let problem = answer.expect_problem(503, "queue_full");
    let sentence = "2 executions wait for a worker, and no more than 2 may. Try again in 1 second.";
    assert_eq!(problem["detail"], sentence);
    assert_eq!(answer.header("retry-after"), "1");
    cluster.workers[0].restart().await;
    for execution in executions {
        assert_eq!(api.client.wait(&execution).await["stdout"], "7\n");
    }
}

async fn accepted(client: &Client, session: &str) -> String {
    let path = format!("/code-sessions/{session}/run");
    let answer = timeout(DEADLINE, client.post_nothing(&path)).await.expect("an answer in time");
    answer.expect(202)["execution_id"].as_str().expect("a text").to_owned()
}

#[tokio::test]
async fn a_result_that_the_database_does_not_take_holds_no_slot_for_ever() {
    let (database, redis) = backend(Kind::Postgres).await;
    let cluster = Cluster::new(&database, &redis).worker_args(&["--slots", "1"]);
    let cluster = cluster.start(1, 1).await;
    let client = &cluster.apis[0].client;
    // As one that is larger than what a server takes.
    let refuse = "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS \
                  $$ BEGIN RAISE EXCEPTION 'too large'; END $$; \
                  CREATE TRIGGER refuse BEFORE UPDATE ON executions FOR EACH ROW \
                  WHEN (NEW.status = 'COMPLETED' AND NEW.stdout = 'large') EXECUTE FUNCTION refuse()";
    sql(&database, refuse);
    let end = client.run_to_end("python", "print('large', end='')").await;
    assert_eq!((&end["status"], &end["reason"]), (&json!("FAILED"), &json!("internal_error")), "{end:#}");
    assert_eq!(client.run_to_end("python", "print(7)").await["stdout"], "7\n");
}
